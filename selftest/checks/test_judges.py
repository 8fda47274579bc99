"""The libraries that judge the shape of answers beside the suite's own checks."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_conformance.checks.judges import DisagreementError, Judges
from trigger_conformance.checks.operation import operations
from trigger_conformance.wire.exchange import Answer, Exchange, Request

BATCH = {"id": "batch_1", "runCount": 1, "isCached": False}
PROBLEM = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "runCount is missing"}
PROBLEM_JSON, JSON = "application/problem+json", "application/json"


@pytest.fixture(scope="module")
def judges():
    return Judges(operations()["create_batch"].contract)


def answered(status, media_type, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(status, "", (("Content-Type", media_type),), content, 0.0)
    return Exchange(Request(target="/api/v3/batches", body=b"{}"), answer, None, 0.0, 0.1, 0.0)


@pytest.mark.parametrize(
    "exchange",
    [
        answered(202, JSON, BATCH),
        answered(400, f"{JSON}; charset=utf-8", {"message": "no"}),
        answered(400, f'{JSON}; profile="a;b"; charset=UTF-8', {"message": "no"}),
        answered(400, PROBLEM_JSON, PROBLEM),
        answered(422, f"{PROBLEM_JSON}; charset=utf-8", {**PROBLEM, "message": "no"}),
        answered(429, PROBLEM_JSON, {}),
    ],
    ids=lambda each: f"{each.status} {each.answer.media_type}",
)
def test_both_find_a_documented_answer_fine(judges, exchange):
    assert judges.problem(exchange) is None


@pytest.mark.parametrize(
    "exchange",
    [
        answered(202, PROBLEM_JSON, BATCH),
        answered(202, JSON, {**BATCH, "runCount": "1"}),
        answered(400, PROBLEM_JSON, {**PROBLEM, "message": 5}),
        answered(400, PROBLEM_JSON, b"<html>"),
        answered(400, "text/html", b"<html>"),
        answered(404, JSON, {}),
    ],
    ids=lambda each: f"{each.status} {each.answer.media_type}",
)
def test_both_find_what_is_wrong(judges, exchange):
    assert judges.problem(exchange) is not None


@pytest.mark.parametrize("value", ["1.5", "x", "", "1e5", "1_000", "+5", "0x1f", "true", "9" * 5000, "NaN", "٣"])
@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
def test_numbers_in_headers_are_left_to_the_rules_of_rate_limits(judges, name, value):
    plain = answered(429, JSON, {"message": "slow down"})
    headers = (*plain.answer.headers, (name, value.encode().decode("latin-1")))
    assert judges.problem(replace(plain, answer=replace(plain.answer, headers=headers))) is None


def test_a_disagreement_is_an_error_of_the_suite(judges, monkeypatch):
    monkeypatch.setattr(judges, "_openapi_core", lambda _: "something")
    with pytest.raises(DisagreementError, match="schemathesis says fine, openapi-core says something"):
        judges.problem(answered(202, JSON, BATCH))


TEMPLATE = b'{"id":"b","runCount":1,"isCached":false%s}'
FINE = {
    "as it should be": b"",
    "an unpaired surrogate": b',"x":"\\ud800"',
    "an unpaired surrogate in a name": b',"\\ud800":1',
    "nesting of 900": b',"x":' + b"[" * 900 + b"]" * 900,
    "an integer of 4,200 digits": b',"x":' + b"1" * 4200,
    "an exponent beyond all floats": b',"x":1e999',
}
WRONG = {
    "NaN": TEMPLATE % b',"x":NaN',
    "nothing": b"",
    "nesting of 100,000": b"[" * 100_000,
    "an integer of 5,000 digits": TEMPLATE % (b',"x":' + b"1" * 5000),
    "no text": b"\xff\x00",
    "a runCount beyond all floats": b'{"id":"b","runCount":1e999,"isCached":false}',
    "a nested runCount": b'{"id":"b","isCached":false,"runCount":' + b"[" * 900 + b"]" * 900 + b"}",
}
TYPES = ("application/json", "application/json; charset=nonsense", ";;;=\x01", "application/json;;;a", "text/\xff", "")


@pytest.mark.parametrize("more", FINE.values(), ids=FINE)
def test_what_json_can_hold_is_judged(judges, more):
    assert judges.problem(answered(202, JSON, TEMPLATE % more)) is None


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_what_is_no_answer_is_told_as_one(judges, body):
    assert judges.problem(answered(202, JSON, body))


@given(st.sampled_from((202, 400, 401, 422, 429, 500, 599)), st.binary(max_size=40), st.sampled_from(TYPES))
def test_any_answer_is_judged(judges, status, body, media_type):
    judges.problem(answered(status, media_type, body))
