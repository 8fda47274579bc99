"""Cron patterns of five fields, read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trigger_conformance.reference.server import Problem

_NUMBER = re.compile(r"[0-9]{1,2}")
EVERY = "*"
SUNDAY = 7


@dataclass(frozen=True)
class Field:
    """What a field of a pattern is called, and its smallest and largest number."""

    name: str
    least: int
    most: int

    @property
    def all(self) -> frozenset[int]:
        """Every number of the field."""
        return frozenset(range(self.least, self.most + 1))


MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY = Field("day of the month", 1, 31)
MONTH = Field("month", 1, 12)
# 0 and 7 are Sunday.
WEEKDAY = Field("day of the week", 0, 7)
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


@dataclass(frozen=True)
class Cron:
    """A pattern: its text, and the numbers of its fields.

    ``last_day`` says that the last day of a month is one of its days; ``last_weekdays`` are the days of the week whose
    last one in a month it names. Sunday is 0. ``any_day`` and ``any_weekday`` say that a field begins with a star.
    """

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    last_day: bool
    months: frozenset[int]
    weekdays: frozenset[int]
    last_weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool


class CronReading:
    """Reads patterns. Raises Problem where there is none to read."""

    def read_cron(self, text: str) -> Cron:
        """The pattern that a text is."""
        texts = self.cron_fields(text)
        if len(texts) != len(FIELDS):
            raise self.no_cron(f"it has {len(texts)} fields, not {len(FIELDS)}")
        minutes, hours, days, months, weekdays = (self.read_field(*each) for each in zip(FIELDS, texts, strict=True))
        return Cron(
            text=text,
            minutes=minutes,
            hours=hours,
            days=days,
            last_day=self.names_last_day(texts[2]),
            months=months,
            weekdays=self.weekdays(weekdays),
            last_weekdays=self.last_weekdays(texts[4]),
            any_day=self.is_open(texts[2]),
            any_weekday=self.is_open(texts[4]),
        )

    def no_cron(self, why: str) -> Problem:
        """The answer to a text that is no pattern."""
        return Problem(422, f"cron is no pattern: {why}")

    def cron_fields(self, text: str) -> list[str]:
        """The fields of a pattern: any number of spaces parts them."""
        return [each for each in text.split(" ") if each]

    def read_field(self, field: Field, text: str) -> frozenset[int]:
        """The numbers that a field names."""
        return frozenset().union(*(self.read_item(field, each) for each in text.split(",")))

    def read_item(self, field: Field, item: str) -> frozenset[int]:
        """The numbers that one item of a field's list names."""
        if self.is_last(field, item):
            return frozenset()
        span, stepped, step = item.partition("/")
        first, last = self.read_range(field, span, bool(stepped))
        return self.stepped(field, first, last, self.read_step(field, step) if stepped else 1)

    def is_last(self, field: Field, item: str) -> bool:
        """Whether an item names the last day, or the last such day of the week, of a month."""
        return (field is DAY and item == "L") or (field is WEEKDAY and self.last_weekday(item) is not None)

    def read_range(self, field: Field, span: str, is_stepped: bool) -> tuple[int, int]:
        """The first and the last number of an item, which is a star, a number, or two; a number steps to the end."""
        if span == EVERY:
            return field.least, field.most
        first, ranged, last = span.partition("-")
        beginning = self.read_number(field, first)
        end = self.read_number(field, last) if ranged else self.end_of(field, beginning, is_stepped)
        if end < beginning:
            raise self.no_cron(f"the {field.name} {span!r} ends before it begins")
        return beginning, end

    def end_of(self, field: Field, number: int, is_stepped: bool) -> int:
        """Where an item of one number ends."""
        return field.most if is_stepped else number

    def read_number(self, field: Field, text: str) -> int:
        """A number of a field, within its bounds."""
        if not _NUMBER.fullmatch(text):
            raise self.no_cron(f"the {field.name} {text[:40]!r} is no number")
        return self.checked(field, int(text))

    def checked(self, field: Field, number: int) -> int:
        """A number, if it is one of the field's."""
        if not field.least <= number <= field.most:
            raise self.no_cron(f"{number} is no {field.name}")
        return number

    def read_step(self, field: Field, text: str) -> int:
        """A step of one or more."""
        if not _NUMBER.fullmatch(text) or not self.is_step(int(text)):
            raise self.no_cron(f"the {field.name} has a step of {text[:40]!r}")
        return int(text)

    def is_step(self, step: int) -> bool:
        """Whether a number may be a step."""
        return step > 0

    def stepped(self, field: Field, first: int, last: int, step: int) -> frozenset[int]:  # noqa: ARG002
        """The numbers of a range, from its first by steps."""
        return frozenset(range(first, last + 1, step))

    def names_last_day(self, text: str) -> bool:
        """Whether a day of the month names a month's last."""
        return "L" in text.split(",")

    def weekdays(self, numbers: frozenset[int]) -> frozenset[int]:
        """Days of the week with Sunday as 0 alone."""
        return frozenset(each % SUNDAY for each in numbers)

    def last_weekdays(self, text: str) -> frozenset[int]:
        """The days of the week, with Sunday as 0, whose last one in a month a field names."""
        found = (self.last_weekday(each) for each in text.split(","))
        return frozenset(each % SUNDAY for each in found if each is not None)

    def last_weekday(self, item: str) -> int | None:
        """The day of the week whose last one in a month an item names, from 1 to 7."""
        return int(item[0]) if re.fullmatch("[1-7]L", item) else None

    def is_open(self, text: str) -> bool:
        """Whether a field leaves the day to the other one."""
        return text.startswith(EVERY)
