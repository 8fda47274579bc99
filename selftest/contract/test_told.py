"""Whatever a target tells as a number, date or JSON, the reading is a bounded value or none, and never an error."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_conformance.contract import told
from trigger_conformance.rules import delegated_token, rate_limit
from trigger_conformance.wire.exchange import Answer, Exchange, Request

ODD = ["", "-", "--1", "1" * 400, "1" * 5000, "-" + "9" * 21, "1e5", "+1", "٣", "1 ", "\ud800", "0x10", "1_0", "½"]
DATES = [
    "Wed, 25 Nov 99999999999 10:00:00 GMT",
    "Wed, 25 Nov 2026 10:00:00 +99999999999",
    "Wed, 25 Nov 2026 99999999999999999999:00:00 GMT",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "9" * 100_000,
    "Wed,",
    "\x00",
]
SAID = st.text(max_size=30) | st.from_regex(r"-?[0-9]{1,60}", fullmatch=True) | st.sampled_from(ODD + DATES)
NAMES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After", "Date", "x-trigger-jwt",
         "x-trigger-jwt-claims")  # fmt: skip


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-5", -5), ("007", 7), (str(2**64), 2**64), (None, None)])
def test_a_decimal_integer_is_read(text, value):
    assert told.integer(text) == value


@pytest.mark.parametrize("text", ODD)
def test_anything_else_is_no_integer(text):
    assert told.integer(text) is None
    assert told.seconds(text) is None


def test_a_date_is_read_as_unix_time():
    assert told.unix_time("Thu, 01 Jan 1970 00:01:00 GMT") == 60.0


@pytest.mark.parametrize("local", ["UTC", "America/New_York"])
@pytest.mark.parametrize(
    "date",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 -0000",
    ],
    ids=["the preferred form", "RFC 850", "asctime", "an unknown zone"],
)
def test_a_date_is_in_utc_whatever_its_form_and_wherever_it_is_read(monkeypatch, local, date):
    monkeypatch.setenv("TZ", local)
    time.tzset()
    try:
        assert told.unix_time(date) == 784_111_777.0
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", DATES)
def test_an_absurd_date_is_none_or_a_number(text):
    assert isinstance(told.unix_time(text), float | None)


@given(SAID)
def test_any_text_is_read(text):
    assert isinstance(told.integer(text), int | None)
    assert (told.seconds(text) or 0.0) >= 0
    assert isinstance(told.unix_time(text), float | None)


@given(st.text(max_size=30) | st.binary(max_size=30))
def test_any_text_is_json_or_not(text):
    told.document(text)


@given(st.lists(st.tuples(st.sampled_from(NAMES), SAID), max_size=8))
def test_every_rule_of_headers_judges_any_answer(headers):
    answer = Answer(429, "", tuple(headers), b"", time.time())
    rules = [rate_limit.presence_problem, rate_limit.repetition_problem, rate_limit.integer_problem,
             rate_limit.count_problem, rate_limit.reset_problem, rate_limit.agreement_problem,
             rate_limit.no_wait_problem, delegated_token.token_problem, delegated_token.claims_problem,
             delegated_token.disagreement]  # fmt: skip
    for rule in rules:
        assert isinstance(rule(answer), str | None)
    exchange = Exchange(Request(target="/"), answer, None, 0.0, 1.0, 0.0)
    assert list(rate_limit.rises([exchange, exchange])) is not None


@pytest.mark.parametrize("digits", [21, 400, 5000])
def test_a_number_that_no_software_takes_is_told_shortly(digits):
    answer = Answer(429, "", (("Retry-After", "9" * digits),), b"", 0.0)
    problem = rate_limit.integer_problem(answer)
    assert problem.startswith("no decimal integer: Retry-After: ")
    assert len(problem) < 120
