"""When waiting is no use: a target that refuses for longer, the more it is asked, is left alone."""

import time
from email.utils import formatdate

import pytest

from selftest.canned import answer, canned
from selftest.wire.test_wire import connect  # noqa: F401
from trigger_conformance.wire import waiting
from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.exchange import Answer, Exchange, Request
from trigger_conformance.wire.ledger import BudgetSpentError
from trigger_conformance.wire.waiting import Ban, asked

NOW = 1_800_000_000.0
OK = answer("202 Accepted", b'{"id":"batch_1","runCount":1,"isCached":false}')


def told(status=429, **headers):
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status, "", named, b"{}", NOW)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "0"}, 0),
        ({"Retry_After": formatdate(NOW + 9, usegmt=True)}, 9),
        ({"Retry_After": f"{NOW + 5:.0f}"}, 5),
        ({"Retry_After": f"{(NOW + 5) * 1000:.0f}"}, 5),
        ({"Retry_After": "soon", "X_RateLimit_Reset": f"{NOW + 4:.0f}"}, 4),
        ({"Retry_After": "-3", "X_RateLimit_Reset": f"{NOW + 4:.0f}"}, 4),
        ({"Retry_After": "1000000", "X_RateLimit_Reset": f"{NOW + 4:.0f}"}, 4),
        ({"X_RateLimit_Reset": f"{NOW - 4:.0f}"}, None),
        ({"X_RateLimit_Reset": "30"}, None),
        ({"Retry_After": "9" * 30}, None),
        ({}, None),
    ],
)
def test_what_an_answer_asks_for(headers, seconds):
    assert asked(told(**headers)) == seconds


def hear(ban, sent, came, wait, request=None):
    reply = told(202) if wait is None else told(Retry_After=f"{wait}")
    ban.hear(Exchange(request or Request(target=f"/{sent}"), reply, None, sent, came, 0.0))


def test_a_wait_that_grows_by_what_is_refused_is_seen_in_one_volley():
    ban = Ban()
    for number in range(16):
        hear(ban, 0.0, 0.1, 5 * (number + 1))
    assert "75 s were added" in ban.why


def test_coming_back_in_vain_is_seen_after_some_rounds():
    ban, now = Ban(), 0.0
    while not ban.why and now < 60:
        hear(ban, now, now + 0.01, 1)
        now += 1.1
    assert 20 <= now < 25
    assert "left alone" in ban.why


def test_a_request_that_is_never_let_in_is_given_up_though_others_are(connect, monkeypatch):  # noqa: F811
    monkeypatch.setattr(waiting, "_LONG", 0.1)

    def respond(request, *_):
        return answer("429 Too Many Requests", b"{}", "Retry-After: 0") if b"never" in request else OK

    with canned(respond) as base_url:
        api = connect(base_url, Budget(requests=40, runs=1000, seconds=60), timeout=5.0)
        refused, other = api.send_all([api.order(key="never"), api.order(key="other")])
        assert (refused.status, other.status) == (429, 202)
        assert api.create().status == 202


LARGE = [Request(target="/", label=f"{number}", body=b"x" * 10_000) for number in range(3)]


def come_back_in_vain(ban, *requests):
    """Ask for 30 s, each time when the wait is over; returns when that was."""
    for now in range(0, 30, 2):
        for request in requests:
            hear(ban, now, now + 0.01, 1, request)
    return now + 2


def test_one_request_that_is_never_let_in_is_no_ban():
    ban = Ban()
    end = come_back_in_vain(ban, LARGE[0])
    assert ban.why == ""
    hear(ban, end, end, None)
    hear(ban, end + 1, end + 1, 1)
    assert ban.why == ""


def test_large_requests_that_are_never_let_in_are_no_ban_where_smaller_ones_were():
    ban = Ban()
    hear(ban, 0, 0, None, Request(target="/", body=b"small"))
    come_back_in_vain(ban, *LARGE)
    assert ban.why == ""


def test_another_request_that_is_refused_after_one_that_came_back_in_vain_tells_a_ban():
    ban = Ban()
    hear(ban, 0, 0, None, Request(target="/", body=b"small"))
    end = come_back_in_vain(ban, LARGE[0])
    hear(ban, end, end, 1, LARGE[1])
    assert ban.why == "", "this one may be too large, too"
    hear(ban, end, end, 1, Request(target="/", body=b"other"))
    assert "left alone" in ban.why


def test_a_wait_that_doubles_each_time_is_seen_before_it_takes_the_run():
    ban, now, wait = Ban(), 0.0, 1
    while not ban.why and wait < 600:
        hear(ban, now, now, wait)
        now += wait
        hear(ban, now, now, None)
        wait *= 2
    assert now < 64
    assert "twice the wait" in ban.why


@pytest.mark.parametrize("window", [1, 10, 60])
def test_an_honest_window_is_no_ban(window):
    ban = Ban()
    for end in range(window, 40 * window, window):
        for early in (window * 0.9, window * 0.5, window * 0.1):
            hear(ban, end - early, end - early, round(early))
        hear(ban, end, end, None)
    assert ban.why == ""


def test_a_sliding_window_that_counts_refusals_is_no_ban():
    ban = Ban()
    for number in range(200):
        hear(ban, number * 0.1, number * 0.1, 60)
    assert ban.why == ""


def test_what_leaves_waits_out_the_refusals_of_others_too(connect):  # noqa: F811
    """A target that begins its second anew with each refused request is left alone for a second."""
    closed_until = [time.monotonic() + 0.5]

    def respond(*_):
        if (now := time.monotonic()) < closed_until[0]:
            closed_until[0] = now + 1
            return answer("429 Too Many Requests", b"{}", "Retry-After: 1")
        return OK

    with canned(respond) as base_url:
        api = connect(base_url, Budget(requests=400, runs=1000, seconds=15), timeout=5.0)
        answers = api.send_all([api.order(key=f"k{number}") for number in range(40)])
    assert {each.status for each in answers} == {202}


def test_a_target_that_bans_is_left_alone(connect):  # noqa: F811
    waits = iter(range(5, 1000, 5))
    limited = lambda *_: answer("429 Too Many Requests", b"{}", f"Retry-After: {next(waits)}")  # noqa: E731
    with canned(limited) as base_url:
        api = connect(base_url, Budget(requests=400, runs=1000, seconds=300), timeout=5.0)
        began = time.monotonic()
        api.send_all([api.order(key=f"k{number}") for number in range(16)], keep_429=True)
        with pytest.raises(BudgetSpentError, match="left alone"):
            api.create()
    assert time.monotonic() - began < 5
