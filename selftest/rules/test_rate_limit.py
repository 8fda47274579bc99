"""The rules for rate-limit headers, one answer at a time."""

from email.utils import formatdate

import pytest

from trigger_conformance.rules import rate_limit
from trigger_conformance.wire.exchange import Answer, Exchange, Request

NOW = 1_800_000_000.0
SOUND = {
    "X-RateLimit-Limit": "100",
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset": f"{NOW + 7:.0f}",
    "Retry-After": "7",
}


def answer(*more, **changes):
    headers = {**SOUND, **{name.replace("_", "-"): value for name, value in changes.items()}}
    kept = [(name, value) for name, value in headers.items() if value is not None]
    return Answer(429, "", (*kept, *more), b"{}", NOW)


ABOVE = "X-RateLimit-Remaining 101 is more than X-RateLimit-Limit 100"
A_TIME = "is a point in time, not a number of seconds"
SEVEN = "X-RateLimit-Reset is 7 s from now, Retry-After says"
RULES = (
    rate_limit.presence_problem,
    rate_limit.integer_problem,
    rate_limit.count_problem,
    rate_limit.reset_problem,
    rate_limit.agreement_problem,
    rate_limit.no_wait_problem,
)


@pytest.mark.parametrize("rule", RULES)
def test_a_sound_429_breaks_no_rule(rule):
    assert rule(answer()) is None


@pytest.mark.parametrize(
    ("rule", "wrong", "said"),
    [
        (rate_limit.presence_problem, {"Retry_After": None}, "Retry-After missing"),
        (rate_limit.integer_problem, {"Retry_After": "1.5"}, "no decimal integer: Retry-After: '1.5'"),
        (rate_limit.integer_problem, {"Retry_After": "٣"}, "no decimal integer: Retry-After: '٣'"),
        (rate_limit.integer_problem, {"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"},
         f"no decimal integer: Retry-After: 'Wed, 21 Oct 2026 07:28:00 GMT' ({A_TIME.removeprefix('is ')})"),
        (rate_limit.integer_problem, {"Retry_After": "2026-10-21T07:28:00Z"},
         f"no decimal integer: Retry-After: '2026-10-21T07:28:00Z' ({A_TIME.removeprefix('is ')})"),
        (rate_limit.integer_problem, {"Retry_After": ""}, "no decimal integer: Retry-After: ''"),
        (rate_limit.integer_problem, {"Retry_After": "+1"}, "no decimal integer: Retry-After: '+1'"),
        (rate_limit.integer_problem, {"Retry_After": "1s", "X_RateLimit_Limit": "many"},
         "no decimal integer: X-RateLimit-Limit: 'many', Retry-After: '1s'"),
        (rate_limit.count_problem, {"X_RateLimit_Limit": "0"}, "X-RateLimit-Limit is 0"),
        (rate_limit.count_problem, {"X_RateLimit_Limit": "0", "Retry_After": "-1"},
         "X-RateLimit-Limit is 0, Retry-After is -1"),
        (rate_limit.count_problem, {"X_RateLimit_Remaining": "-1"}, "X-RateLimit-Remaining is -1"),
        (rate_limit.count_problem, {"X_RateLimit_Remaining": "101"}, ABOVE),
        (rate_limit.count_problem, {"Retry_After": "-1"}, "Retry-After is -1"),
        (rate_limit.no_wait_problem, {"Retry_After": "0"}, "Retry-After is 0"),
        (rate_limit.agreement_problem, {"Retry_After": "13"}, f"{SEVEN} 13 s"),
        (rate_limit.count_problem, {"Retry_After": "86401"}, "Retry-After 86401 is more than a day"),
        (rate_limit.count_problem, {"Retry_After": f"{NOW + 7:.0f}"}, f"Retry-After {NOW + 7:.0f} {A_TIME}"),
        (rate_limit.count_problem, {"Retry_After": f"{NOW - 86_400:.0f}"}, f"Retry-After {NOW - 86_400:.0f} {A_TIME}"),
        (rate_limit.count_problem, {"Retry_After": f"{NOW:.0f}007"},
         f"Retry-After {NOW:.0f}007 is a point in time in milliseconds, not a number of seconds"),
    ],
)  # fmt: skip
def test_a_wrong_header_is_named(rule, wrong, said):
    assert rule(answer(**wrong)) == said


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        (rate_limit.count_problem, {"X_RateLimit_Limit": "1", "X_RateLimit_Remaining": "1", "Retry_After": "0"}),
        (rate_limit.no_wait_problem, {"Retry_After": "1"}),
        (rate_limit.count_problem, {"Retry_After": "86400"}),
        (rate_limit.agreement_problem, {"Retry_After": "1"}),
        (rate_limit.agreement_problem, {"Retry_After": f"{NOW:.0f}"}),
        (rate_limit.agreement_problem, {"X_RateLimit_Reset": None}),
        (rate_limit.agreement_problem, {"Retry_After": None}),
        (rate_limit.agreement_problem, {"X_RateLimit_Reset": "30"}),
    ],
)
def test_a_header_at_its_limit_or_missing_breaks_no_other_rule(rule, changes):
    assert rule(answer(**changes)) is None


def test_a_header_that_is_repeated_is_named():
    assert rate_limit.repetition_problem(answer()) is None
    assert rate_limit.repetition_problem(answer(X_RateLimit_Limit=None)) is None
    twice = answer(("retry-after", "7"), ("RETRY-AFTER", "8"), ("x-ratelimit-limit", "9"))
    assert rate_limit.repetition_problem(twice) == "X-RateLimit-Limit 2 times, Retry-After 3 times"


def test_a_reset_out_of_reach_is_told_with_its_distance():
    problem = rate_limit.reset_problem(answer(X_RateLimit_Reset=f"{NOW - 90:.0f}"))
    assert problem == f"X-RateLimit-Reset {NOW - 90:.0f} is -90 s from now: not within a minute ago and a day ahead"


def test_a_reset_that_fits_the_clock_of_the_target_is_fine_whatever_ours_says():
    date = ("Date", formatdate(NOW - 120, usegmt=True))
    told = answer(date, X_RateLimit_Reset=f"{NOW - 118:.0f}")
    assert rate_limit.reset_problem(told) is None
    assert rate_limit.reset_problem(answer(date, X_RateLimit_Reset=f"{NOW - 190:.0f}")) is not None


def test_a_header_that_comes_twice_is_named():
    assert rate_limit.presence_problem(answer(("retry-after", "7"))) == "Retry-After 2 times"
    assert rate_limit.presence_problem(answer(("retry-after", "7"), X_RateLimit_Limit=None)) == (
        "X-RateLimit-Limit missing, Retry-After 2 times"
    )


@pytest.mark.parametrize(
    ("reset", "said"),
    [
        (NOW - 60, None),
        (NOW - 61, "not within a minute ago"),
        (NOW + 86_400, None),
        (NOW + 86_461, "not within a minute ago"),
        (NOW * 1000, "is in milliseconds"),
        (30, "is a number of seconds from now"),
        (86_399, "is a number of seconds from now"),
        (86_400, "not within a minute ago"),
        (1e11 - 1, "not within a minute ago"),
        (1e11, "is in milliseconds"),
    ],
)
def test_reset_is_a_unix_time_in_seconds_near_now(reset, said):
    problem = rate_limit.reset_problem(answer(X_RateLimit_Reset=f"{reset:.0f}"))
    assert problem is None if said is None else said in problem


@pytest.mark.parametrize(
    ("reset", "after", "fine"),
    [(7, 2, True), (7, 12, True), (7, 13, False), (3600, 2, True), (100, 111, True), (100, 112, False)],
)
def test_reset_is_not_before_retry_after_by_more_than_five_seconds_or_a_tenth(reset, after, fine):
    told = answer(X_RateLimit_Reset=f"{NOW + reset:.0f}", Retry_After=f"{after}")
    assert (rate_limit.agreement_problem(told) is None) is fine


def test_the_targets_own_clock_counts_where_it_tells_it():
    late = ("date", "Fri, 15 Jan 2027 07:59:30 GMT")  # half a minute before NOW
    reset = f"{NOW - 30 + 7:.0f}"
    assert rate_limit.agreement_problem(answer(late, X_RateLimit_Reset=reset)) is None
    assert rate_limit.agreement_problem(answer(X_RateLimit_Reset=reset)) is not None
    assert rate_limit.agreement_problem(answer(("date", "yesterday"), X_RateLimit_Reset=reset)) is not None


def test_values_that_cannot_be_read_are_left_to_the_rule_that_reads_them():
    broken = answer(
        X_RateLimit_Reset="soon", Retry_After="later", X_RateLimit_Limit="many", X_RateLimit_Remaining="few"
    )
    assert [rule(broken) for rule in RULES[2:]] == [None] * 4
    assert rate_limit.integer_problem(broken).count("'") == 8


def test_an_answer_carries_limits_where_any_header_is_there():
    assert rate_limit.carries_limits(Answer(202, "", (("x-ratelimit-limit", "1"),), b"", NOW))
    assert not rate_limit.carries_limits(Answer(202, "", (("ratelimit-limit", "1"),), b"", NOW))


def reading(started, remaining, *, ended=None, limit="100", reset=60, credential="primary"):
    headers = (("X-RateLimit-Limit", limit), ("X-RateLimit-Remaining", str(remaining)),
               ("X-RateLimit-Reset", f"{NOW + reset:.0f}"))  # fmt: skip
    told = Answer(202, "", headers, b"", NOW + started)
    return Exchange(Request(target="/", credential=credential), told, None, started, ended or started + 0.01, NOW)


# It shows that the reset stands still, and is too late to be compared.
STEADY = reading(50, 0)


def test_a_reset_that_follows_the_clock_ends_no_window():
    # A sliding window takes back at once what was spent at once, a window ago.
    moving = [reading(at / 10, 90 if at > 5 else 10, reset=60 + at // 10) for at in range(20)]
    assert list(rate_limit.rises(moving)) == []


@pytest.mark.parametrize(("still", "found"), [(1.4, 0), (1.6, 1)])
def test_a_window_is_one_whose_reset_stood_still(still, found):
    assert len(list(rate_limit.rises([reading(0, 10), reading(0.5, 90), reading(still, 0)]))) == found


def test_remaining_may_rise_by_a_refill():
    assert list(rate_limit.rises([reading(0, 10), reading(1, 12), reading(2, 12)])) == []


def test_remaining_may_not_jump_within_a_window():
    found = list(rate_limit.rises([reading(10, 10), reading(11, 60), STEADY]))
    assert [why for _, why in found] == ["X-RateLimit-Remaining rose from 10 to 60 within 1.01 s of one window"]


@pytest.mark.parametrize(
    "later",
    [
        reading(1, 60, reset=120),
        reading(1, 60, limit="200"),
        reading(1, 60, credential="second"),
        reading(0.005, 60),
    ],
    ids=["another window", "another limit", "another credential", "at the same time"],
)
def test_only_requests_of_one_window_that_follow_each_other_are_compared(later):
    assert list(rate_limit.rises([reading(0, 10), later, STEADY])) == []


@pytest.mark.parametrize(("gain", "rises"), [(100, False), (101, True)])
def test_a_second_more_of_a_window_a_second_shorter_is_the_most_that_is_allowed(gain, rises):
    # 1000 in 61 - 1 seconds, over 5 + 1: exactly 100.
    later = reading(4, 20 + gain, ended=5, reset=61, limit="1000")
    assert bool(list(rate_limit.rises([reading(0, 20, reset=61, limit="1000"), later]))) is rises


def test_a_pair_of_two_windows_does_not_end_the_search():
    pair = [reading(2, 10, reset=90), reading(3, 60, reset=90)]
    assert len(list(rate_limit.rises([reading(0, 10), *pair, reading(50, 0, reset=90)]))) == 1


def test_a_request_that_starts_as_the_one_before_ends_follows_it():
    assert len(list(rate_limit.rises([reading(0, 0, ended=1), reading(1, 60), STEADY]))) == 1


def test_a_window_that_is_about_to_end_counts_as_a_second():
    assert list(rate_limit.rises([reading(0, 0, reset=0), reading(0.5, 99, reset=0)])) == []


def test_a_window_of_a_second_or_two_allows_its_whole_limit():
    assert list(rate_limit.rises([reading(0, 0, reset=2), reading(0.9, 99, reset=2)])) == []


def test_answers_without_limits_are_passed_over():
    partial = (("X-RateLimit-Remaining", "99"), ("X-RateLimit-Reset", f"{NOW + 60:.0f}"))
    limitless = Exchange(Request(target="/"), Answer(202, "", partial, b"", NOW), None, 0.5, 0.6, NOW)
    unknown = Exchange(Request(target="/"), Answer(202, "", partial[1:], b"", NOW), None, 0.5, 0.6, NOW)
    assert list(rate_limit.rises([reading(0, 10), limitless, unknown, reading(1, 10), STEADY])) == []
    silent = Exchange(Request(target="/"), Answer(202, "", (), b"", NOW), None, 0.5, 0.6, NOW)
    lost = Exchange(Request(target="/"), None, None, 0.5, 0.6, NOW)
    assert len(list(rate_limit.rises([reading(0, 10), silent, lost, reading(1, 60), STEADY]))) == 1


def refused(**changes):
    return Exchange(Request(target="/"), answer(**changes), None, 0.0, 1.0, NOW)


@pytest.mark.parametrize(
    ("run_count", "remaining", "sound"),
    [(1, "0", True), (1, "9", True), (1, "10", False), (1, "100", False), (50, "49", True), (50, "50", False),
     (50, "101", True), (50, "-1", True), (50, "many", True), (50, None, True)],
)  # fmt: skip
def test_headers_are_of_the_limit_that_refused(run_count, remaining, sound):
    found = rate_limit.other_limit_problem(refused(X_RateLimit_Remaining=remaining), run_count)
    assert (found is None) is sound
