"""When a pattern's next time is: a search through days and their minutes, in the time of a zone."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from trigger_conformance.reference.create_schedule.cron import Cron

# 29 February of a given day of the week comes every 28 years, or 40 where a century lies between.
LONGEST_SEARCH = timedelta(days=366 * 40)


@cache
def all_zones() -> frozenset[str]:
    """The names of the IANA database."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


class NextRuns:
    """Works out when patterns come next."""

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    def next_run(self, cron: Cron, timezone: str) -> datetime | None:
        """The first time after now, in UTC, that a pattern names in a zone; None where it names none."""
        now, zone = self.now(), self.zone(timezone)
        for day in self.days_from(cron, now.astimezone(zone).date()):
            later = [each for each in self.times_of(cron, day, zone) if self.is_later(each, now)]
            if later:
                return min(later)
        return None

    def zone(self, timezone: str) -> ZoneInfo:
        """The zone in whose time a pattern is read."""
        return ZoneInfo(timezone)

    def is_later(self, instant: datetime, now: datetime) -> bool:
        """Whether a time is still to come."""
        return instant > now

    def days_from(self, cron: Cron, first: date) -> Iterator[date]:
        """The pattern's days, from ``first`` on."""
        day, end = first, first + LONGEST_SEARCH
        while day < end:
            if day.month not in cron.months:
                day = _next_month(day)
                continue
            if self.is_day(cron, day):
                yield day
            day += timedelta(days=1)

    def is_day(self, cron: Cron, day: date) -> bool:
        """Whether a day of one of its months is the pattern's: where both kinds of days are given, either counts."""
        by_date, by_weekday = self.is_date(cron, day), self.is_weekday(cron, day)
        return by_date and by_weekday if cron.any_day or cron.any_weekday else by_date or by_weekday

    def is_date(self, cron: Cron, day: date) -> bool:
        """Whether the pattern's day of the month is this one."""
        return day.day in cron.days or (cron.last_day and day.day == self.last_of_month(day))

    def is_weekday(self, cron: Cron, day: date) -> bool:
        """Whether the pattern's day of the week is this one."""
        weekday = day.isoweekday() % 7
        is_last = self.is_last_week(day)
        return weekday in cron.weekdays or (weekday in cron.last_weekdays and is_last)

    def last_of_month(self, day: date) -> int:
        """The last day of a month."""
        return calendar.monthrange(day.year, day.month)[1]

    def is_last_week(self, day: date) -> bool:
        """Whether the day is in the last seven of its month."""
        return day.day > self.last_of_month(day) - 7

    def times_of(self, cron: Cron, day: date, zone: ZoneInfo) -> list[datetime]:
        """The times, in UTC, that a pattern names on one of its days."""
        return [
            self.instant(datetime.combine(day, time(hour, minute)), zone)
            for hour in sorted(cron.hours)
            for minute in sorted(cron.minutes)
        ]

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        """A zone's local time in UTC: of two the first; one that does not exist is as much later as clocks skip."""
        return local.replace(tzinfo=zone).astimezone(UTC)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
