"""Points in time as answers tell them, and when a request may have been served."""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta

from trigger_conformance.rules import cron

from .operation import expression
from .zones import zone

DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
# The minute in which a request was sent may have passed, and clocks differ a little.
SLACK = timedelta(seconds=90)
# In so many years every day of a month is every day of the week once, 29 February too.
CYCLE = 41


def moment(told):
    """The instant that a date-time with an offset (RFC 3339) tells, or None."""
    if not isinstance(told, str) or not DATE_TIME.fullmatch(told):
        return None
    try:
        return datetime.fromisoformat(told.upper().replace("Z", "+00:00"))
    except ValueError:
        return None


def served(exchange):
    """The earliest and the latest time at which an answer may have been worked out, by both ends' clocks."""
    known = [exchange.began, exchange.answer.at, *filter(None, (exchange.answer.date,))]
    first, last = (datetime.fromtimestamp(each, UTC) for each in (min(known), max(known)))
    return first - SLACK, last + SLACK


def both_meanings(pattern, after):
    """When a pattern of numbers that gives both kinds of days comes next in UTC: on either of them, and on both."""
    minute, hour, day, month, weekday = map(int, pattern.split())
    days = [
        datetime(year, month, each, hour, minute, tzinfo=UTC)
        for year in range(after.year, after.year + CYCLE)
        for each in range(1, monthrange(year, month)[1] + 1)
    ]
    of_month = {each for each in days if each > after and each.day == day}
    of_week = {each for each in days if each > after and each.isoweekday() % 7 == weekday % 7}
    return [min(of_month | of_week), min(of_month & of_week)]


def why_another_time(exchange):
    """What keeps an answer's nextRun from being its pattern's next time in its zone; None where nobody can tell."""
    return why_another_time_of(exchange.answer.document, *served(exchange))


def why_another_time_of(schedule, earliest, latest):
    """The same of a schedule as an answer has it, that was worked out in that time."""
    pattern, place = expression(schedule), schedule.get("timezone")
    told, found = moment(schedule.get("nextRun")), zone(place) if isinstance(place, str) else None
    if told is None or found is None or not isinstance(pattern, str) or not cron.is_clear(pattern):
        return None
    return cron.problem(told, pattern, found, earliest, latest)
