"""When a press has passed the limit: only where it did under every reading that the target leaves possible."""

import itertools

import pytest

from trigger_conformance.reference.limiter import (
    FixedWindow,
    FullBucket,
    Gcra,
    LeakyBucket,
    SlidingLog,
    SlidingWindow,
    TokenBucket,
    UnderWay,
)
from trigger_conformance.rules.press import Accepted, counts_runs, passed, told

CLOCK_BEGAN = 1_800_000_000.0


def lone(*runs, limit=100, left=100, cost=lambda runs: runs, ahead=30.0, pace=0.01):
    """Requests one after the other, whose answers count down from ``left``."""
    accepted, remaining = [], left
    for number, count in enumerate(runs):
        remaining -= cost(count)
        start = number * pace
        told_left = limit and max(0, remaining)
        accepted.append(Accepted(start, start + pace / 2, count, limit, told_left, 1_800_000_030, ahead))
    return accepted


def by_requests(runs):
    return 1 if runs else 0


@pytest.mark.parametrize(
    ("accepted", "counts"),
    [
        (lone(1, 30), True),
        (lone(1, 30, cost=by_requests), False),
        (lone(1, 2, cost=by_requests), None),
        (lone(1, 30, cost=lambda runs: 1 + runs), True),
        (lone(1), None),
        (lone(1, 30, limit=None, left=0), None),
        ([*lone(1), Accepted(0.001, 0.02, 5), *lone(1, 30)[1:]], None),
    ],
    ids=["runs", "requests", "too few to tell", "both", "one alone", "nothing stated", "something beside it"],
)
def test_what_is_counted_shows_in_remaining(accepted, counts):
    assert counts_runs(accepted) is counts


def test_remaining_shows_nothing_where_others_use_the_credential():
    assert counts_runs(lone(1, 30), shared=True) is None
    assert not passed(lone(*[1] * 500), shared=True)


@pytest.mark.parametrize(("requests", "is_passed"), [(99, False), (100, False), (104, True)])
def test_a_limit_within_one_window_is_passed_by_more_than_it(requests, is_passed):
    assert passed(lone(*[1] * requests, pace=0.001)) is is_passed


@pytest.mark.parametrize(("requests", "is_passed"), [(190, False), (230, True)])
def test_where_a_window_may_have_ended_meanwhile_it_takes_two_limits(requests, is_passed):
    two = [Accepted(each.started, each.ended, 1, 100, each.remaining, index % 2, 30.0)
           for index, each in enumerate(lone(*[1] * requests, pace=0.001))]  # fmt: skip
    assert passed(two) is is_passed


def test_runs_do_not_pass_a_limit_of_requests():
    assert not passed(lone(1, 120, 120, cost=by_requests))


def test_runs_pass_a_limit_that_counts_runs():
    assert passed(lone(1, 30, 120, 120))


def test_requests_alone_do_not_pass_a_limit_that_may_count_runs():
    # Without runs nothing is created, so nothing of such a limit is spent.
    assert not passed([Accepted(each.started, each.ended, 0, 100, each.remaining, each.reset, 30.0)
                       for each in lone(*[1] * 150, pace=0.001)])  # fmt: skip


def test_a_short_window_may_be_spent_again_and_again():
    assert not passed(lone(*[1] * 290, ahead=0.5))


@pytest.mark.parametrize("stated", [{"limit": None, "left": 0}, {"left": 100, "cost": lambda _: 0}])
def test_a_limit_that_is_not_stated_or_never_falls_is_not_passed(stated):
    assert not passed(lone(*[1] * 290, **stated))


def test_a_press_is_told_in_words():
    assert told(lone(1, 30, 5)) == "3 requests with 36 runs in 0.03 s"
    assert told([]) == "no request of the press was accepted"


LIMITERS = {
    "token bucket": lambda clock: TokenBucket(60, 30.0, clock),
    "bucket that tells when it is full": lambda clock: FullBucket(60, 30.0, clock),
    "leaky bucket": lambda clock: LeakyBucket(60, 30.0, clock),
    "GCRA": lambda clock: Gcra(20, 10.0, clock),
    "fixed window": lambda _: FixedWindow(20, 5.0),
    "window of 20 in 5 s": lambda _: FixedWindow(20, 5.0, aligned=True),
    "aligned window": lambda _: FixedWindow(150, 5.0, aligned=True),
    "1,000 in a minute": lambda _: FixedWindow(1000, 60.0),
    "3,000 in a minute": lambda _: FixedWindow(3000, 60.0, aligned=True),
    "sliding log": lambda clock: SlidingLog(100, 5.0, clock),
    "sliding window": lambda _: SlidingWindow(100, 5.0),
    "short window": lambda _: FixedWindow(100, 1.0, aligned=True),
    "requests under way": lambda _: UnderWay(10),
}


class Clock:
    """A clock that is told the time; time.time() goes with it."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr("time.time", lambda: CLOCK_BEGAN + self.now)

    def __call__(self):
        return self.now


def pressed_on(limiter, clock, *, pace, cost, run_counts):
    """What a limiter accepts of a press, up to its first refusal."""
    accepted = []
    for runs in itertools.islice(run_counts, 300):
        started = clock.now
        allowance = limiter.take(cost(runs))
        clock.now += pace
        limiter_release(limiter, cost(runs) if allowance.granted else 0)
        if not allowance.granted:
            break
        ahead = allowance.reset - (CLOCK_BEGAN + clock.now)
        accepted.append(
            Accepted(started, clock.now, runs, allowance.limit, allowance.remaining, allowance.reset, ahead)
        )
    return accepted


def limiter_release(limiter, cost):
    if isinstance(limiter, UnderWay):
        limiter.give_back(cost)


@pytest.mark.parametrize("name", LIMITERS)
@pytest.mark.parametrize("begin", [0.0, 4.9], ids=lambda begin: f"from {begin}")
@pytest.mark.parametrize("pace", [0.001, 0.02], ids=lambda pace: f"every {pace} s")
@pytest.mark.parametrize("runs", [(1,), (1, 30, 1000)], ids=str)
@pytest.mark.parametrize("cost", [by_requests, lambda runs: runs], ids=["by requests", "by runs"])
def test_what_an_honest_limiter_accepts_never_passes_its_limit(monkeypatch, name, begin, pace, runs, cost):
    clock = Clock(monkeypatch)
    clock.now += begin
    limiter = LIMITERS[name](clock)
    counts = itertools.chain(runs, itertools.repeat(runs[-1]))
    accepted = pressed_on(limiter, clock, pace=pace, cost=cost, run_counts=counts)
    assert not passed(accepted)
