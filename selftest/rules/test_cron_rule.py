"""The rule by which a next time is judged, on cases that a reader can check by hand."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from trigger_conformance.rules import cron

BASE = datetime(2026, 11, 28, 15, 0, tzinfo=UTC)


def test_a_time_that_is_skipped_may_be_any_of_its_day():
    # In New York 02:30 of 14 March 2027 does not exist.
    (span, *_) = cron.next_times("30 2 14 3 *", ZoneInfo("America/New_York"), BASE, BASE)
    assert (span.first, span.last.replace(second=0)) == (
        datetime(2027, 3, 14, 5, tzinfo=UTC), datetime(2027, 3, 15, 3, 59, tzinfo=UTC)
    )  # fmt: skip


def test_a_time_that_is_skipped_is_not_put_off_to_another_year():
    place = ZoneInfo("America/New_York")
    spans = cron.next_times("30 2 14 3 *", place, BASE, BASE)
    assert len(spans) == 1
    assert cron.problem(datetime(2028, 3, 14, 6, 30, tzinfo=UTC), "30 2 14 3 *", place, BASE, BASE)


def test_a_time_that_comes_twice_may_be_either():
    # On Lord Howe Island 01:45 of 4 April 2027 comes twice, half an hour apart.
    (span, *_) = cron.next_times("45 1 4 4 *", ZoneInfo("Australia/Lord_Howe"), BASE, BASE)
    assert datetime(2027, 4, 3, 14, 45, tzinfo=UTC) in span
    assert datetime(2027, 4, 3, 15, 15, tzinfo=UTC) in span


def test_the_minute_of_the_request_may_have_passed():
    earliest, latest = BASE - timedelta(seconds=90), BASE + timedelta(seconds=90)
    for told in (BASE, BASE + timedelta(minutes=1), BASE + timedelta(minutes=2)):
        assert cron.problem(told, "* * * * *", UTC, earliest, latest) is None
    for told in (BASE - timedelta(minutes=2), BASE + timedelta(minutes=3)):
        assert cron.problem(told, "* * * * *", UTC, earliest, latest)


def test_a_pattern_that_never_comes_is_not_judged():
    assert cron.next_times("0 12 30 2 *", UTC, BASE, BASE) == []
    assert cron.problem(BASE, "0 12 30 2 *", UTC, BASE, BASE) is None


def test_what_is_wrong_is_told_in_utc():
    told = datetime(2027, 5, 15, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert cron.problem(told, "0 12 15 5 *", UTC, BASE, BASE) is None
    wrong = cron.problem(told + timedelta(hours=1), "0 12 15 5 *", UTC, BASE, BASE)
    assert wrong == "expected 2027-05-15T12:00Z, got 2027-05-15T13:00:00Z"


@pytest.mark.parametrize(
    ("pattern", "is_clear"),
    [
        ("0 12 15 5 *", True), ("0 12 * 5 1", True), ("* * * * *", True), ("0 12 15 5 1", False),
        ("0 12 L * 5L", False), ("0 12 */2 5 1", False), ("0 12 15 5", False), ("0 0 12 15 5 *", False),
    ],
)  # fmt: skip
def test_a_pattern_is_clear_where_it_restricts_one_kind_of_days(pattern, is_clear):
    assert cron.is_clear(pattern) is is_clear


def test_an_unreadable_pattern_has_no_next_times():
    assert cron.next_times("60 12 15 5 *", UTC, BASE, BASE) == []


def test_times_that_have_passed_are_left_out_and_those_between_are_all_right():
    times = cron.next_times("0 12 * * *", UTC, BASE, BASE + timedelta(days=2))
    assert [str(each) for each in times] == ["2026-11-29T12:00Z", "2026-11-30T12:00Z", "2026-12-01T12:00Z"]


def test_a_span_tells_both_its_ends():
    span = cron.Span(BASE, BASE + timedelta(hours=1))
    assert str(span) == "a time from 2026-11-28T15:00Z to 2026-11-28T16:00Z"
    assert span.first in span
    assert span.last in span
    assert BASE - timedelta(seconds=1) not in span
    assert span.last + timedelta(seconds=1) not in span


def test_changes_of_the_clocks_are_found_to_the_second():
    found = cron.changes(ZoneInfo("Europe/London"), BASE, 400)
    assert found == [datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)]
    assert cron.changes(ZoneInfo("Asia/Tokyo"), BASE, 400) == []
