"""Patterns and their times, where the contract leaves them open."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_schedule.cron import DAY, EVERY, MONTH, WEEKDAY, Cron, Field
from trigger_conformance.reference.create_schedule.server import CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Schedule
from trigger_conformance.reference.site import Environment, Site

_MONTHS = ["", *["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_MACROS = {"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
           "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *"}  # fmt: skip


@variant
class NamesAreTaken(CreateScheduleServer):
    """Months and days of the week may be named, in any letter case."""

    def read_number(self, field: Field, text: str) -> int:
        names = {MONTH: _MONTHS, WEEKDAY: _DAYS}.get(field, [])
        return names.index(text.upper()) if text and text.upper() in names else super().read_number(field, text)


@variant
class QuestionMarksAreTaken(CreateScheduleServer):
    """A day may be a question mark, which is a star."""

    def read_range(self, field: Field, span: str, is_stepped: bool) -> tuple[int, int]:
        is_open = span == "?" and field in (DAY, WEEKDAY)
        return super().read_range(field, EVERY if is_open else span, is_stepped)

    def is_open(self, text: str) -> bool:
        return text == "?" or super().is_open(text)


@variant
class NumberedWeekdaysAreTaken(CreateScheduleServer):
    """5#2 is the second Friday of a month."""

    def read_item(self, field: Field, item: str) -> frozenset[int]:
        is_numbered = field is WEEKDAY and re.fullmatch("[0-7]#[1-5]", item)
        return frozenset() if is_numbered else super().read_item(field, item)

    def is_weekday(self, cron: Cron, day: date) -> bool:
        weekday, week = day.isoweekday() % 7, (day.day + 6) // 7
        items = self.cron_fields(cron.text)[4].split(",")
        names = [f"{weekday}#{week}", f"{weekday or 7}#{week}"]
        return super().is_weekday(cron, day) or any(each in names for each in items)


@variant
class MacrosAreTaken(CreateScheduleServer):
    """@daily and its like are taken."""

    def cron_fields(self, text: str) -> list[str]:
        return super().cron_fields(_MACROS.get(text, text))


@variant
class ReversedRangesAreTaken(CreateScheduleServer):
    """A range may run over the end of its field: 22-2."""

    def read_item(self, field: Field, item: str) -> frozenset[int]:
        ends = re.fullmatch(r"(\d{1,2})-(\d{1,2})", item)
        if ends is None or int(ends[1]) <= int(ends[2]):
            return super().read_item(field, item)
        first, last = (self.read_number(field, each) for each in ends.groups())
        return frozenset(range(first, field.most + 1)) | frozenset(range(field.least, last + 1))


@variant
class NumbersHaveNoSteps(CreateScheduleServer):
    """A step needs a range: 5/15 is rejected."""

    def end_of(self, field: Field, number: int, is_stepped: bool) -> int:
        if is_stepped:
            raise self.no_cron("a step needs a range")
        return super().end_of(field, number, is_stepped)


@variant
class NumbersWithStepsAreNumbers(CreateScheduleServer):
    """5/15 is 5, as a range of one number has no other."""

    def end_of(self, field: Field, number: int, is_stepped: bool) -> int:  # noqa: ARG002
        return number


@variant
class LargeStepsAreRejected(CreateScheduleServer):
    """A step that is larger than its field's range is rejected."""

    def stepped(self, field: Field, first: int, last: int, step: int) -> frozenset[int]:
        if step > field.most - field.least + 1:
            raise self.no_cron("the step is too large")
        return super().stepped(field, first, last, step)


@variant
class LStandsAlone(CreateScheduleServer):
    """L and its like are rejected in a list."""

    def read_field(self, field: Field, text: str) -> frozenset[int]:
        if "," in text and "L" in text:
            raise self.no_cron("L stands alone")
        return super().read_field(field, text)


@variant
class ZeroIsSundayBeforeL(CreateScheduleServer):
    """0L is the last Sunday of a month, as 7L is."""

    def last_weekday(self, item: str) -> int | None:
        return super().last_weekday(item.replace("0", "7")) if item == "0L" else super().last_weekday(item)


@variant
class LAsAWeekdayIsSaturday(CreateScheduleServer):
    """L alone as the day of the week is Saturday, as in Quartz."""

    def read_range(self, field: Field, span: str, is_stepped: bool) -> tuple[int, int]:
        return super().read_range(field, "6" if field is WEEKDAY and span == "L" else span, is_stepped)


@variant
class SpacesAreRejected(CreateScheduleServer):
    """Two spaces, or one at an end, are rejected."""

    def cron_fields(self, text: str) -> list[str]:
        if text.split(" ") != super().cron_fields(text):
            raise self.no_cron("there is a space too many")
        return super().cron_fields(text)


@variant
class AnySpaceParts(CreateScheduleServer):
    """Tabs and line ends part fields as spaces do."""

    def cron_fields(self, text: str) -> list[str]:
        return text.split()


@variant
class BothKindsOfDaysMustFit(CreateScheduleServer):
    """Where both kinds of days are given, a day must be of both."""

    def is_day(self, cron: Cron, day: date) -> bool:
        return self.is_date(cron, day) and self.is_weekday(cron, day)


@variant
class StepsAreNoStars(CreateScheduleServer):
    """A day of */2 is a day that is given: either kind of days counts."""

    def is_open(self, text: str) -> bool:
        return text == EVERY


@variant
class NeverIsTaken(CreateScheduleServer):
    """A pattern that never comes is taken, and has no nextRun."""

    def check_cron(self, text: str, timezone: str) -> Cron:  # noqa: ARG002
        return self.read_cron(text)

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        body = super().schedule_body(environment, schedule)
        return {name: value for name, value in body.items() if value is not None}


@variant
class NeverIsNull(NeverIsTaken):
    """The nextRun of a pattern that never comes is null."""

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        return {"nextRun": None, **super().schedule_body(environment, schedule)}


@variant
class LooksTenYearsAhead(CreateScheduleServer):
    """A pattern that does not come within ten years is rejected."""

    def next_run(self, cron: Cron, timezone: str) -> datetime | None:
        found = super().next_run(cron, timezone)
        return found if found and found - self.now() < timedelta(days=3660) else None


@variant
class TimesThatDoNotExistAreTheChange(CreateScheduleServer):
    """A time that clocks skip is the moment at which they do."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        found = super().instant(local, zone)
        there = found.astimezone(zone).replace(tzinfo=None)
        return found if there == local else self.change_before(found, zone)

    def change_before(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """When a zone's clocks changed last, to the minute."""
        offset = instant.astimezone(zone).utcoffset()
        while (instant - timedelta(minutes=1)).astimezone(zone).utcoffset() == offset:
            instant -= timedelta(minutes=1)
        return instant


@variant
class TimesThatComeTwiceAreTheSecond(CreateScheduleServer):
    """Of a time that comes twice the second is taken."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        first, second = (local.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1))
        return max(first, second)


@variant
class PatternsAreKeptRead(CreateScheduleServer):
    """A pattern is read when it comes, and its next time worked out then; it is told until it has passed."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.kept: dict[tuple[str, str], datetime | None] = {}

    def next_run(self, cron: Cron, timezone: str) -> datetime | None:
        known = self.kept.get((cron.text, timezone))
        if known is None or known <= self.now():
            self.kept[cron.text, timezone] = super().next_run(cron, timezone)
        return self.kept[cron.text, timezone]


class _Told(CreateScheduleServer):
    """Tells times in its own form."""

    def told(self, instant: datetime | None, schedule: Schedule) -> str | None:
        return None if instant is None else self.form(instant, schedule)

    def form(self, instant: datetime, schedule: Schedule) -> str:
        raise NotImplementedError


@variant
class NextRunHasNoFraction(_Told):
    """nextRun ends in seconds and Z."""

    def form(self, instant: datetime, schedule: Schedule) -> str:  # noqa: ARG002
        return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


@variant
class NextRunHasTheZonesOffset(_Told):
    """nextRun is the zone's local time, with its offset then."""

    def form(self, instant: datetime, schedule: Schedule) -> str:
        return instant.astimezone(ZoneInfo(schedule.timezone)).isoformat()


@variant
class NextRunHasMicroseconds(_Told):
    """nextRun has six digits of a second, and +00:00."""

    def form(self, instant: datetime, schedule: Schedule) -> str:  # noqa: ARG002
        return instant.isoformat(timespec="microseconds")


@variant
class NextRunIsInLowerCase(_Told):
    """nextRun has a lower-case t and z (RFC 3339 section 5.6)."""

    def form(self, instant: datetime, schedule: Schedule) -> str:  # noqa: ARG002
        return instant.strftime("%Y-%m-%dt%H:%M:%Sz")


class _Described(CreateScheduleServer):
    """Describes patterns in its own words."""

    words = ""

    def description(self, cron: Cron) -> str:
        return f"{self.words} {cron.text}"


@variant
class DescriptionsAreWordy(_Described):
    """Descriptions are sentences."""

    words = "The task of this schedule starts whenever the clock says what this pattern names, as cron has it:"


@variant
class DescriptionsAreInAnotherScript(_Described):
    """Descriptions are in another language."""

    words = "по расписанию"


@variant
class BadPatternsAre400(CreateScheduleServer):
    """A pattern that is none is answered 400."""

    def no_cron(self, why: str) -> Any:
        problem = super().no_cron(why)
        problem.status = 400
        return problem


@variant
class LeadingZerosAreRejected(CreateScheduleServer):
    """05 is no number."""

    def read_number(self, field: Field, text: str) -> int:
        if len(text) > 1 and text.startswith("0"):
            raise self.no_cron("a number begins with 0")
        return super().read_number(field, text)


@variant
class WeekdaysCountFrom7(CreateScheduleServer):
    """Sunday is kept as 7, and found again."""

    def weekdays(self, numbers: frozenset[int]) -> frozenset[int]:
        return frozenset(each or 7 for each in numbers)

    def is_weekday(self, cron: Cron, day: date) -> bool:
        return super().is_weekday(replace(cron, weekdays=frozenset(each % 7 for each in cron.weekdays)), day)
