"""When patterns come next: what is judged is what independent libraries, and the reference server, agree on."""

from datetime import UTC, datetime, timedelta

import pytest
from croniter import CroniterError, croniter
from cronsim import CronSim, CronSimError

from tests.create_schedule import patterns
from tests.create_schedule.moments import moment
from tests.create_schedule.test_next_run import kind_of
from tests.create_schedule.zones import CHANGING, NO_ZONES, STEADY, names, zone
from trigger_conformance.reference.create_schedule.cron import CronReading
from trigger_conformance.reference.create_schedule.next_run import NextRuns
from trigger_conformance.rules import cron

BASE = datetime(2026, 11, 28, 15, 0, tzinfo=UTC)
SEEDS, EACH = range(1, 8), 400
MONTHS = list(range(1, 13))
# What the libraries differ on, or only one of them reads: docs/explanation/cron-libraries.md tells of each.
DIFFERENT = ("0 12 */2 5 1", "0 12 1-7 * */2", "0 22-6 15 5 *", "0 12 ? 5 1", "0 12 15W 5 *", "0 12 LW 5 *")


def by_cronsim(pattern, base):
    try:
        return next(CronSim(pattern, base))
    except (CronSimError, StopIteration):
        return None


def by_croniter(pattern, base):
    *others, weekday = pattern.split()
    # It writes the last Friday as L5.
    spelt = [*others, f"L{weekday[0]}" if weekday.endswith("L") else weekday]
    try:
        return croniter(" ".join(spelt), base).get_next(datetime)
    except CroniterError:
        return None


class Reference(CronReading, NextRuns):
    """The reference server's own way, at a given time."""

    def __init__(self, base):
        self.base = base

    def now(self):
        return self.base


@pytest.mark.parametrize("number", SEEDS)
def test_libraries_agree_on_every_generated_pattern(number):
    generated = patterns.generated(number, EACH, MONTHS)
    reference = Reference(BASE)
    naive = BASE.replace(tzinfo=None)
    for pattern in generated:
        told = by_cronsim(pattern, naive)
        assert told is not None, pattern
        assert told == by_croniter(pattern, naive), pattern
        assert told.replace(tzinfo=UTC) == reference.next_run(reference.read_cron(pattern), "UTC"), pattern
        assert cron.is_clear(pattern), pattern
    assert len(generated) > EACH // 2


@pytest.mark.parametrize("number", SEEDS)
def test_what_is_generated_as_broken_is_read_by_neither_of_them(number):
    broken = patterns.broken(number, 60, [5, 6])
    assert len(broken) > 20
    naive = BASE.replace(tzinfo=None)
    assert [each for each in broken if by_cronsim(each, naive) and by_croniter(each, naive)] == []


@pytest.mark.parametrize("pattern", DIFFERENT)
def test_what_libraries_differ_on_is_not_judged(pattern):
    naive = BASE.replace(tzinfo=None)
    assert by_cronsim(pattern, naive) != by_croniter(pattern, naive)
    readable = by_cronsim(pattern, naive) is not None
    assert not (readable and cron.is_clear(pattern)) or "W" in pattern


@pytest.mark.parametrize("month", MONTHS)
def test_every_pattern_of_the_tables_is_what_its_table_says(month):
    naive = BASE.replace(tzinfo=None)
    for kind, table in patterns.accepted(month, month % 12 + 1, (month + 10) % 12 + 1, BASE).items():
        for label, pattern in table.items():
            assert by_cronsim(pattern, naive) == by_croniter(pattern, naive) is not None, label
            assert kind_of(pattern) in (kind, "weekdays", "plain"), label
    for table in patterns.rejected(month).values():
        for label, text in table.items():
            five = len(text.split()) == 5
            assert not five or by_cronsim(text, naive) is None or by_croniter(text, naive) is None, label


# Hours of a year in which days, months and hours come to their ends.
MOMENTS = [datetime(2027, 1, 1, 0, 10, tzinfo=UTC) + timedelta(hours=7 * step, minutes=step) for step in range(1250)]
LAST_HOURS = [datetime(year, month, day, hour, 35, tzinfo=UTC) for year in range(2026, 2033)
              for month, day in ((11, 29), (11, 30), (12, 30), (12, 31)) for hour in (21, 22, 23)]  # fmt: skip
BARE = {"lists": lambda text: text.partition(",")[0], "ranges": lambda text: text.partition("-")[0],
        "steps": lambda _: "*", "steps_of_ranges": lambda text: text.partition("/")[0]}  # fmt: skip


@pytest.mark.parametrize("kind", BARE)
def test_patterns_of_these_days_tell_what_a_field_has_beside_its_first_value(kind):
    dull = []
    for now in MOMENTS + LAST_HOURS:
        pattern = next(iter(patterns.accepted(5, 6, 4, now)[kind].values()))
        less = " ".join(BARE[kind](field) if set(field) & set(",-/") else field for field in pattern.split())
        base = now.replace(tzinfo=None)
        told = by_cronsim(pattern, base)
        assert told == by_croniter(pattern, base) is not None, f"{now} {pattern}"
        assert told - base > timedelta(minutes=20), f"{now} {pattern}"
        if told == by_cronsim(less, base):
            dull.append(now)
    # On a Saturday, in the last hours of a year, nothing is left of its days, months and hours, nor of the week.
    assert all(each.month > 10 and each.hour > 21 and each.isoweekday() == 6 for each in dull), dull


@pytest.mark.parametrize("name", CHANGING)
def test_next_times_around_changes_are_those_of_the_library(name):
    place = zone(name)
    found = cron.changes(place, BASE, 400)
    assert len(found) >= 2
    for change in found[:2]:
        for minutes in range(-26 * 60, 27 * 60, 95):
            local = (change + timedelta(minutes=minutes)).astimezone(place)
            pattern = f"{local.minute} {local.hour} {local.day} {local.month} *"
            spans = cron.next_times(pattern, place, BASE, BASE)
            told = next(CronSim(pattern, BASE.astimezone(place))).astimezone(UTC)
            assert any(told in span for span in spans), f"{name} {pattern}: {told}"
            assert all(span.last - span.first < timedelta(hours=26) for span in spans)


def test_zones_of_the_tables_are_zones_and_the_others_are_none():
    assert {*STEADY, *CHANGING} <= names()
    assert not names() & set(NO_ZONES.values())
    assert zone("Mars/Phobos") is None


@pytest.mark.parametrize(
    ("told", "is_one"),
    [
        ("2027-05-15T12:00:00.000Z", True), ("2027-05-15t12:00:00z", True), ("2027-05-15T12:00:00+05:45", True),
        ("2027-05-15T12:00:00", False), ("2027-05-15", False), ("2027-05-15 12:00:00Z", False),
        ("2027-13-15T12:00:00Z", False), (1_800_000_000, False), (None, False),
    ],
)  # fmt: skip
def test_a_date_time_has_an_offset(told, is_one):
    assert (moment(told) is not None) is is_one
