"""When a schedule comes next: worked out wrongly, and told wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_schedule.cron import Cron
from trigger_conformance.reference.create_schedule.server import CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Order, Schedule
from trigger_conformance.reference.site import Environment, Site

RIGHT = "next_run.plain_times_are_right"
STARS = "next_run.times_of_stars_are_right"
OFFSET = "answers.next_run_is_a_date_time"


CHANGES = "time_zones.changes_of_the_clocks_are_respected"
SCHEMA = "answers.accepted_answers_satisfy_the_schema"
IN_ZONES = "time_zones.next_run_is_in_the_zones_time"
ODD = "time_zones.skipped_and_doubled_times_stay_within_their_day"

_FORM = "%Y-%m-%dT%H:%M:%S"


class _Told(CreateScheduleServer):
    """Tells times in its own form."""

    def told(self, instant: datetime | None, schedule: Schedule) -> Any:
        return None if instant is None else self.form(instant, schedule)

    def form(self, instant: datetime, schedule: Schedule) -> Any:
        raise NotImplementedError


@fault(OFFSET)
class HasNoOffset(_Told):
    """nextRun has no offset."""

    def form(self, instant: datetime, schedule: Schedule) -> str:  # noqa: ARG002
        return instant.strftime(_FORM)


@fault(OFFSET)
class HasALocalTimeAlone(_Told):
    """nextRun is the zone's local time, without its offset."""

    def form(self, instant: datetime, schedule: Schedule) -> str:
        return instant.astimezone(ZoneInfo(schedule.timezone)).strftime(_FORM)


@fault(SCHEMA)
class IsANumber(_Told):
    """nextRun is a number of milliseconds."""

    def form(self, instant: datetime, schedule: Schedule) -> int:  # noqa: ARG002
        return int(instant.timestamp() * 1000)


@fault(OFFSET)
class IsADay(_Told):
    """nextRun is a date."""

    def form(self, instant: datetime, schedule: Schedule) -> str:  # noqa: ARG002
        return instant.date().isoformat()


@fault(OFFSET)
class IsAnHttpDate(_Told):
    """nextRun is in the form of HTTP's and e-mail's headers."""

    def form(self, instant: datetime, schedule: Schedule) -> str:  # noqa: ARG002
        return format_datetime(instant, usegmt=True)


@fault(OFFSET)
class HasASpaceAndNoColon(_Told):
    """nextRun is as a database prints it: a space, and an offset of hours alone."""

    def form(self, instant: datetime, schedule: Schedule) -> str:  # noqa: ARG002
        return instant.strftime("%Y-%m-%d %H:%M:%S+00")


@fault(OFFSET)
class IsLeftOut(CreateScheduleServer):
    """There is no nextRun."""

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        body = super().schedule_body(environment, schedule)
        del body["nextRun"]
        return body


@fault(OFFSET, SCHEMA)
class IsNull(_Told):
    """nextRun is null until the scheduler has seen the schedule."""

    def form(self, instant: datetime, schedule: Schedule) -> None:  # noqa: ARG002
        return None


@fault(IN_ZONES)
class LocalTimeIsToldAsUtc(_Told):
    """nextRun is the zone's local time with a Z."""

    def form(self, instant: datetime, schedule: Schedule) -> str:
        return instant.astimezone(ZoneInfo(schedule.timezone)).strftime(_FORM) + "Z"


@fault(IN_ZONES)
class OffsetIsTodays(_Told):
    """nextRun is the zone's local time then, with the zone's offset now."""

    def form(self, instant: datetime, schedule: Schedule) -> str:
        zone = ZoneInfo(schedule.timezone)
        local = instant.astimezone(zone).replace(tzinfo=None)
        offset = self.now().astimezone(zone).utcoffset() or timedelta()
        return (local - offset).strftime(_FORM) + "Z"


@fault(IN_ZONES)
class OffsetHasTheOtherSign(_Told):
    """nextRun's offset has the wrong sign, as POSIX writes zones."""

    def form(self, instant: datetime, schedule: Schedule) -> str:
        offset = instant.astimezone(ZoneInfo(schedule.timezone)).utcoffset() or timedelta()
        return (instant + 2 * offset).strftime(_FORM) + "Z"


@fault(RIGHT)
class HoursEndAt12(_Told):
    """nextRun is printed with hours up to 12."""

    def form(self, instant: datetime, schedule: Schedule) -> str:  # noqa: ARG002
        return instant.strftime("%Y-%m-%dT%I:%M:%SZ")


@fault(RIGHT)
class YearIsTheWeeks(_Told):
    """nextRun is printed with the year of its ISO week: in the first days of January a year too early, or late."""

    def form(self, instant: datetime, schedule: Schedule) -> str:  # noqa: ARG002
        return instant.strftime("%G-%m-%dT%H:%M:%SZ")


@fault(RIGHT)
class HasTheSecondsOfNow(CreateScheduleServer):
    """nextRun has the seconds of the time at which it was worked out."""

    def next_run(self, cron: Cron, timezone: str) -> datetime | None:
        found = super().next_run(cron, timezone)
        return found and found.replace(second=max(1, self.now().second))


@fault(RIGHT)
class IsNow(CreateScheduleServer):
    """nextRun is now: the schedule was never run, so it is due."""

    def next_run(self, cron: Cron, timezone: str) -> datetime | None:
        return super().next_run(cron, timezone) and self.now().replace(microsecond=0)


class _From(CreateScheduleServer):
    """Looks for a pattern's next time from another time than now."""

    later = timedelta()

    def now(self) -> datetime:
        return super().now() + self.later


@fault(RIGHT)
class IsInThePast(_From):
    """nextRun is counted from a year ago, the time of the last release."""

    later = timedelta(days=-365)


@fault(STARS)
class IsCountedFromYesterday(_From):
    """nextRun is counted from the day before, as a scheduler does that has not run since."""

    later = timedelta(days=-1)


@fault(STARS)
class IsCountedFromTomorrow(_From):
    """nextRun is counted from the next midnight: today's times are left out."""

    later = timedelta(days=1)


@fault(RIGHT)
class IsTheTimeAfterNext(CreateScheduleServer):
    """nextRun is the time after the next."""

    def is_later(self, instant: datetime, now: datetime) -> bool:
        return super().is_later(instant, now)

    def next_run(self, cron: Cron, timezone: str) -> datetime | None:
        found = super().next_run(cron, timezone)
        if found is None:
            return None
        zone = self.zone(timezone)
        days = self.days_from(cron, found.astimezone(zone).date())
        return next((each for day in days for each in sorted(self.times_of(cron, day, zone)) if each > found), None)


@fault(RIGHT)
class IsAMinuteLate(CreateScheduleServer):
    """nextRun is a minute late: the scheduler's tick after the pattern's."""

    def next_run(self, cron: Cron, timezone: str) -> datetime | None:
        found = super().next_run(cron, timezone)
        return found and found + timedelta(minutes=1)


@fault("next_run.time_of_a_leap_day_is_right")
class LooksAYearAhead(CreateScheduleServer):
    """What does not come within a year is looked for no longer: nextRun is a year from now."""

    def days_from(self, cron: Cron, first: date) -> Iterator[date]:
        for day in super().days_from(cron, first):
            yield min(day, first + timedelta(days=366))


@fault(RIGHT)
class MidnightIsADaysEnd(CreateScheduleServer):
    """Hour 0 is 24: a day's midnight is at its end."""

    def times_of(self, cron: Cron, day: date, zone: ZoneInfo) -> list[datetime]:
        return [
            self.instant(datetime.combine(day + timedelta(days=hour == 0), time(hour, minute)), zone)
            for hour in cron.hours
            for minute in cron.minutes
        ]


class _WithZone(CreateScheduleServer):
    """Works times out in another zone than the schedule's."""

    name = ""

    def zone(self, timezone: str) -> ZoneInfo:
        return ZoneInfo(self.name or timezone)


@fault(IN_ZONES)
class IsWorkedOutInUtc(_WithZone):
    """nextRun is worked out in UTC whatever the zone: the library was never given it."""

    name = "UTC"


@fault(RIGHT)
class IsWorkedOutInTheServersZone(_WithZone):
    """nextRun is worked out in the server's own zone, Berlin's."""

    name = "Europe/Berlin"


@fault(RIGHT)
class UtcIsTheServersZone(CreateScheduleServer):
    """Where the zone is UTC, nextRun is worked out in the server's own."""

    def zone(self, timezone: str) -> ZoneInfo:
        return ZoneInfo("America/New_York" if timezone == "UTC" else timezone)


@fault(IN_ZONES)
class DaysAreUtcs(CreateScheduleServer):
    """The pattern's day is looked for in UTC, its hour and minute in the zone."""

    def times_of(self, cron: Cron, day: date, zone: ZoneInfo) -> list[datetime]:
        around = (day + timedelta(days=each) for each in (-1, 0, 1))
        return [
            each
            for near in around
            for each in super(DaysAreUtcs, self).times_of(cron, near, zone)
            if each.date() == day
        ]


@fault(IN_ZONES)
class HasStandardTimeAlways(CreateScheduleServer):
    """Daylight saving time is ignored."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        there = local.replace(tzinfo=zone)
        return super().instant(local, zone) + (there.dst() or timedelta())


@fault(IN_ZONES)
class HasTodaysOffsetAlways(CreateScheduleServer):
    """The offset that the zone has today is taken for all times."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        offset = self.now().astimezone(zone).utcoffset() or timedelta()
        return (local - offset).replace(tzinfo=UTC)


@fault(IN_ZONES)
class SouthernSummersAreNorthern(CreateScheduleServer):
    """South of the equator clocks are put forward from April to September."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        january, july = (datetime(local.year, month, 1, tzinfo=zone) for month in (1, 7))
        is_southern = (january.dst() or timedelta()) > (july.dst() or timedelta())
        right = super().instant(local, zone)
        if not is_southern:
            return right
        wanted = timedelta(hours=1 if 4 <= local.month <= 9 else 0)
        return right + (local.replace(tzinfo=zone).dst() or timedelta()) - wanted


@fault(CHANGES)
class SavingIsAnHourEverywhere(CreateScheduleServer):
    """Daylight saving is an hour, on Lord Howe Island too."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        saved = local.replace(tzinfo=zone).dst() or timedelta()
        is_half = timedelta() < saved < timedelta(hours=1)
        return super().instant(local, zone) - (timedelta(hours=1) - saved if is_half else timedelta())


@fault(IN_ZONES)
class OffsetsAreWholeHours(CreateScheduleServer):
    """A zone's offset loses its minutes."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        offset = local.replace(tzinfo=zone).utcoffset() or timedelta()
        return super().instant(local, zone) + offset % timedelta(hours=1)


@fault(IN_ZONES)
class QuartersAreHalves(CreateScheduleServer):
    """An offset of 45 minutes is one of 30: a table of half hours."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        offset = local.replace(tzinfo=zone).utcoffset() or timedelta()
        return super().instant(local, zone) + offset % timedelta(minutes=30)


class _OnChanges(CreateScheduleServer):
    """Has its own way on days that are shorter or longer than others."""

    def length(self, day: date, zone: ZoneInfo) -> timedelta:
        """How long a day is."""
        first, second = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
        return second.astimezone(UTC) - first.astimezone(UTC)


@fault(CHANGES)
class ShortDaysAreSkipped(_OnChanges):
    """A day on which clocks are put forward is skipped: the search goes on by 24 hours."""

    def times_of(self, cron: Cron, day: date, zone: ZoneInfo) -> list[datetime]:
        is_short = self.length(day, zone) < timedelta(days=1)
        return [] if is_short else super().times_of(cron, day, zone)


@fault(CHANGES)
class LongDaysAreSkipped(_OnChanges):
    """A day on which clocks are put back is skipped."""

    def times_of(self, cron: Cron, day: date, zone: ZoneInfo) -> list[datetime]:
        is_long = self.length(day, zone) > timedelta(days=1)
        return [] if is_long else super().times_of(cron, day, zone)


@fault(CHANGES)
class TimesAreCountedFromMidnight(_OnChanges):
    """An hour is so many hours after midnight, also on a day on which clocks are changed."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        midnight = datetime.combine(local.date(), time(), zone).astimezone(UTC)
        return midnight + timedelta(hours=local.hour, minutes=local.minute)


@fault(CHANGES)
class OffsetIsTheDaysFirst(_OnChanges):
    """A day's offset is the one that its zone has at noon the day before."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        noon = datetime.combine(local.date() - timedelta(days=1), time(12), zone)
        return (local - (noon.utcoffset() or timedelta())).replace(tzinfo=UTC)


@fault(ODD)
class TimesThatDoNotExistAreSkipped(CreateScheduleServer):
    """A time that clocks skip is looked for on the pattern's next day."""

    def times_of(self, cron: Cron, day: date, zone: ZoneInfo) -> list[datetime]:
        return [each for each in super().times_of(cron, day, zone) if self.is_named(cron, each.astimezone(zone))]

    def is_named(self, cron: Cron, local: datetime) -> bool:
        """Whether a time is one that the pattern names."""
        return local.hour in cron.hours and local.minute in cron.minutes


@fault(ODD)
class TimesThatDoNotExistAreOfTheNextDay(CreateScheduleServer):
    """A time that clocks skip is taken a day later."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        right = super().instant(local, zone)
        exists = right.astimezone(zone).replace(tzinfo=None) == local
        return right if exists else super().instant(local + timedelta(days=1), zone)


@fault("time_zones.another_zone_moves_the_next_run")
class IsKeptByPattern(CreateScheduleServer):
    """nextRun is kept by the pattern alone: another zone's is given."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.kept: dict[str, datetime | None] = {}

    def next_run(self, cron: Cron, timezone: str) -> datetime | None:
        if cron.text not in self.kept:
            self.kept[cron.text] = super().next_run(cron, timezone)
        return self.kept[cron.text]


@fault(RIGHT, "next_run.second_request_moves_the_next_run")
class IsKeptBySchedule(CreateScheduleServer):
    """nextRun is worked out when a schedule is made, and not again when it is updated."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.kept: dict[str, str | None] = {}

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        body = super().schedule_body(environment, schedule)
        return {**body, "nextRun": self.kept.setdefault(schedule.id, body["nextRun"])}


@fault(RIGHT)
class IsTheOldOnesAfterAnUpdate(CreateScheduleServer):
    """The answer to an update has the nextRun of the pattern before."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        self.before: Schedule | None = existing
        return super().updated(existing, order)

    def created_body(self, environment: Environment, order: Order, schedule: Schedule) -> dict[str, Any]:
        body, before = super().created_body(environment, order, schedule), getattr(self, "before", None)
        if before is None or before.id != schedule.id:
            return body
        return {**body, "nextRun": self.schedule_body(environment, before)["nextRun"]}


@fault(CHANGES, ODD)
class OffsetOfNoon(CreateScheduleServer):
    """The offset of a day's noon is the whole day's, before the clocks change too."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        offset = local.replace(hour=12, minute=0, tzinfo=zone).utcoffset()
        assert offset is not None
        return (local - offset).replace(tzinfo=UTC)


@fault(ODD)
class SkippedTimesGoBack(CreateScheduleServer):
    """A local time that is skipped is moved back by as much: where midnight is skipped, into the day before."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        found = super().instant(local, zone)
        return found - (found.astimezone(zone).replace(tzinfo=None) - local)


@fault(IN_ZONES)
class NegativeHalvesAreAdded(CreateScheduleServer):
    """An offset of -03:30 is read as three hours back and half an hour on: the sign is that of the hours alone."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        offset = local.replace(tzinfo=zone).utcoffset()
        assert offset is not None
        minutes = int(offset.total_seconds()) // 60
        wrong = timedelta(minutes=2 * (-minutes % 60)) if minutes < 0 else timedelta()
        return super().instant(local, zone) - wrong


@fault("time_zones.days_are_those_of_the_zone")
class WeekdaysInUtc(CreateScheduleServer):
    """Whether a time is on a day of the week is looked at in UTC, whatever the zone has then."""

    def days_from(self, cron: Cron, first: date) -> Iterator[date]:
        days = super().days_from(replace(cron, weekdays=frozenset(range(7)), any_weekday=True), first)
        return days if cron.any_day and not cron.last_weekdays else super().days_from(cron, first)

    def times_of(self, cron: Cron, day: date, zone: ZoneInfo) -> list[datetime]:
        times = super().times_of(cron, day, zone)
        if not cron.any_day or cron.last_weekdays:
            return times
        return [each for each in times if each.isoweekday() % 7 in cron.weekdays]


@fault("time_zones.days_are_those_of_the_zone")
class LastDaysInUtc(CreateScheduleServer):
    """Whether a time is on the last day of a month is looked at in UTC, whatever the zone has then."""

    def days_from(self, cron: Cron, first: date) -> Iterator[date]:
        days = super().days_from(replace(cron, any_day=True, days=frozenset(range(1, 32)), last_day=False), first)
        return days if cron.last_day else super().days_from(cron, first)

    def times_of(self, cron: Cron, day: date, zone: ZoneInfo) -> list[datetime]:
        times = super().times_of(cron, day, zone)
        return [each for each in times if each.day == self.last_of_month(each)] if cron.last_day else times


class _LaterOnceSeen(CreateScheduleServer):
    """Tells nextRun a day late in some answers."""

    def late(self, body: dict[str, Any]) -> dict[str, Any]:
        told = datetime.fromisoformat(body["nextRun"]) + timedelta(days=1)
        return {**body, "nextRun": told.strftime("%Y-%m-%dT%H:%M:%S.000Z")}


@fault("next_run.seen_time_is_right", "list_and_delete.seen_schedule_is_the_answered_one")
class RetrievesTheTimeADayLate(_LaterOnceSeen):
    """A schedule that is retrieved has its next time a day late."""

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        schedule = self.named(environment, request.path_params["schedule_id"])
        return self.success(environment, self.late(self.schedule_body(environment, schedule)))


@fault("next_run.listed_times_are_right", "list_and_delete.listed_schedule_is_the_answered_one")
class ListsTheTimeADayLate(_LaterOnceSeen):
    """A list has next times a day late."""

    def listed_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        return self.late(super().listed_body(environment, schedule))
