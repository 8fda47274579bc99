"""When a cron pattern of five fields comes next in a time zone, as far as everybody reads it the same. Pure.

Local times are worked out by cronsim, as if clocks were never changed; what a change makes of them is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache

from cronsim import CronSim, CronSimError

FIELDS = 5
_DAY, _WEEKDAY = 2, 4
# A change of the clocks moves them by less.
_LONGEST_CHANGE = timedelta(hours=3)
_MOST = 2000
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Span:
    """The times from ``first`` to ``last``, both included, of which a pattern's next time is one."""

    first: datetime
    last: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.first <= instant <= self.last

    def __str__(self) -> str:
        first, last = (each.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ") for each in (self.first, self.last))
        return first if first == last else f"a time from {first} to {last}"


def is_clear(pattern: str) -> bool:
    """Whether all readers of cron agree on what a readable pattern means: it restricts one kind of days at most."""
    fields = pattern.split()
    return len(fields) == FIELDS and "*" in (fields[_DAY], fields[_WEEKDAY])


def next_times(pattern: str, zone: tzinfo, earliest: datetime, latest: datetime) -> list[Span]:
    """The times of which one is next after an instant between ``earliest`` and ``latest``; none: it never comes.

    Where a local time does not exist or comes twice, any time of its day will do.
    """
    found: list[Span] = []
    for local in _local_times(pattern, earliest.astimezone(zone).replace(tzinfo=None) - _LONGEST_CHANGE):
        instants = _instants(local, zone)
        if len(instants) != 1:
            found.append(_day_of(local, zone))
            if found[-1].first > latest:
                break
        elif instants[0] >= earliest:
            found.append(Span(instants[0], instants[0]))
            if instants[0] > latest:
                break
    return found


@lru_cache(maxsize=4096)
def comes(pattern: str) -> bool:
    """Whether a pattern ever comes; what nobody reads for sure is taken to."""
    return not is_clear(pattern) or bool(next_times(pattern, UTC, _EPOCH, _EPOCH))


def problem(told: datetime, pattern: str, zone: tzinfo, earliest: datetime, latest: datetime) -> str | None:
    """What is wrong with the next time that was ``told`` between ``earliest`` and ``latest``, or None."""
    wanted = next_times(pattern, zone, earliest, latest)
    if not wanted or any(told in span for span in wanted):
        return None
    said = told.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f"expected {' or '.join(dict.fromkeys(str(each) for each in wanted))}, got {said}"


def _local_times(pattern: str, after: datetime) -> Iterator[datetime]:
    try:
        times = CronSim(pattern, after)
    except CronSimError:
        return
    for _ in range(_MOST):
        try:
            yield next(times)
        except (StopIteration, OverflowError):
            return


def _instants(local: datetime, zone: tzinfo) -> list[datetime]:
    """When clocks of the zone show the local time: once, never, or twice."""
    shown = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return sorted({each for each in shown if each.astimezone(zone).replace(tzinfo=None) == local})


def _day_of(local: datetime, zone: tzinfo) -> Span:
    midnight = datetime.combine(local.date(), time(), tzinfo=zone)
    last = midnight.replace(hour=23, minute=59, second=59, fold=1)
    return Span(midnight.astimezone(UTC), last.astimezone(UTC))


def changes(zone: tzinfo, after: datetime, days: int) -> list[datetime]:
    """The instants, to the minute, at which the zone's offset changes within so many ``days``."""
    found = []
    begin = after
    for _ in range(days):
        end = begin + timedelta(days=1)
        if begin.astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset():
            found.append(_change_between(zone, begin, end))
        begin = end
    return found


def _change_between(zone: tzinfo, begin: datetime, end: datetime) -> datetime:
    before = begin.astimezone(zone).utcoffset()
    while end - begin > timedelta(seconds=1):
        middle = begin + (end - begin) / 2
        if middle.astimezone(zone).utcoffset() == before:
            begin = middle
        else:
            end = middle
    return end.replace(microsecond=0)
