"""Patterns: what is taken for one, and what is read in it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_schedule.cron import DAY, EVERY, HOUR, MINUTE, MONTH, WEEKDAY, Cron, Field
from trigger_conformance.reference.create_schedule.server import CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Schedule
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment

ZEROS = "cron.leading_zeros_are_read_or_rejected"
NEVER = "cron.pattern_that_never_comes_is_answered"
FAILS = "answers.never_a_server_error"
COUNTS = "cron.other_counts_of_fields_are_rejected"
TEXT = "cron.text_is_rejected"
STEPS_OF_0 = "cron.steps_of_0_are_rejected"
PLAIN = "next_run.plain_times_are_right"
WEEKDAYS = "next_run.times_of_weekdays_are_right"
LAST_DAYS = "next_run.times_of_last_days_are_right"
LAST_WEEKDAYS = "next_run.times_of_last_weekdays_are_right"
STEPS = "next_run.times_of_steps_are_right"
LISTS = "next_run.times_of_lists_are_right"
BOTH = "cron.both_days_have_one_of_two_meanings"


@fault("cron.both_sundays_are_accepted")
class Rejects7ForSunday(CreateScheduleServer):
    """A day of the week of 7 is rejected: days are 0 to 6."""

    def checked(self, field: Field, number: int) -> int:
        if field is WEEKDAY and number == 7:
            raise self.no_cron("7 is no day of the week")
        return super().checked(field, number)


@fault("cron.both_sundays_are_accepted")
class Rejects0ForSunday(CreateScheduleServer):
    """A day of the week of 0 is rejected: days are 1 to 7."""

    def checked(self, field: Field, number: int) -> int:
        if field is WEEKDAY and number == 0:
            raise self.no_cron("0 is no day of the week")
        return super().checked(field, number)


@fault("next_run.times_of_both_sundays_are_right")
class SevenIsSaturday(CreateScheduleServer):
    """A day of the week of 7 is one too many for the table, and ends at its last entry, Saturday."""

    def weekdays(self, numbers: frozenset[int]) -> frozenset[int]:
        return frozenset(min(each, 6) for each in numbers)


@fault("next_run.times_of_both_sundays_are_right", "cron.both_sundays_are_accepted")
class SevenNeverComes(CreateScheduleServer):
    """A day of the week of 7 is kept as 7, which no day is."""

    def weekdays(self, numbers: frozenset[int]) -> frozenset[int]:
        return numbers


@fault(WEEKDAYS)
class SundayIs1(CreateScheduleServer):
    """Days of the week are counted from 1 for Sunday, as Quartz does."""

    def weekdays(self, numbers: frozenset[int]) -> frozenset[int]:
        return frozenset((each - 1) % 7 for each in numbers)


@fault(WEEKDAYS)
class MondayIs0(CreateScheduleServer):
    """Days of the week are counted from 0 for Monday, as the language does."""

    def weekdays(self, numbers: frozenset[int]) -> frozenset[int]:
        return frozenset((each + 1) % 7 for each in numbers)


@fault(COUNTS)
class SixFieldsHaveSeconds(CreateScheduleServer):
    """Of six fields the first is taken for seconds."""

    def cron_fields(self, text: str) -> list[str]:
        return super().cron_fields(text)[-5:] if len(super().cron_fields(text)) == 6 else super().cron_fields(text)


@fault(COUNTS)
class SixFieldsHaveAYear(CreateScheduleServer):
    """What follows five fields is ignored."""

    def cron_fields(self, text: str) -> list[str]:
        return super().cron_fields(text)[:5]


@fault(COUNTS)
class MissingFieldsAreStars(CreateScheduleServer):
    """Fields that are missing at the end are stars."""

    def cron_fields(self, text: str) -> list[str]:
        fields = super().cron_fields(text)
        return [*fields, *[EVERY] * (5 - len(fields))] if len(fields) in (3, 4) else fields


@fault(COUNTS)
class MissingFieldsAreTheFirst(CreateScheduleServer):
    """Fields that are missing are the first ones, as some readers of patterns have it by default."""

    def cron_fields(self, text: str) -> list[str]:
        fields = super().cron_fields(text)
        return [*[EVERY] * (5 - len(fields)), *fields] if len(fields) == self.taken else fields

    taken = 4


@fault(COUNTS)
class TwoFieldsAreTheLast(MissingFieldsAreTheFirst):
    """Two fields are the month and the day of the week."""

    taken = 2


@fault(COUNTS)
class OneFieldIsTheLast(MissingFieldsAreTheFirst):
    """One field is the day of the week."""

    taken = 1


@fault(COUNTS)
class CommandsAreIgnored(CreateScheduleServer):
    """A line of a crontab is taken whole: what follows the pattern is its command."""

    def cron_fields(self, text: str) -> list[str]:
        fields = super().cron_fields(text)
        return fields[:5] if len(fields) > 7 else fields


@fault("cron.hours_out_of_range_are_rejected")
class ReadsNumbersInBytes(CreateScheduleServer):
    """A number is cast to a byte before its bounds are looked at."""

    def read_number(self, field: Field, text: str) -> int:
        return super().read_number(field, str(int(text) & 0xFF) if re.fullmatch("[0-9]{3}", text) else text)


@fault(TEXT)
class LIsTheLastOfAnyField(CreateScheduleServer):
    """L is the highest number of every field but the day of the week."""

    def read_item(self, field: Field, item: str) -> frozenset[int]:
        is_taken = item == "L" and field not in (DAY, WEEKDAY)
        return frozenset({field.most}) if is_taken else super().read_item(field, item)


@fault(COUNTS)
class SevenFieldsHaveAYear(CreateScheduleServer):
    """Of seven fields the first is taken for seconds, and the last for the year."""

    def cron_fields(self, text: str) -> list[str]:
        fields = super().cron_fields(text)
        return fields[1:6] if len(fields) == 7 and fields[6].isdigit() else fields


@fault(COUNTS)
class ReadsQuartzsSevenFields(CreateScheduleServer):
    """Seven fields of which a question mark is one, as Quartz writes them, are a pattern."""

    def cron_fields(self, text: str) -> list[str]:
        fields = super().cron_fields(text)
        is_theirs = len(fields) == 7 and "?" in fields
        return [EVERY if each == "?" else each for each in fields[1:6]] if is_theirs else fields


@fault(ZEROS)
class ReadsLeadingZerosAsOne(CreateScheduleServer):
    """A number with a leading zero is one: its digits are counted, not read."""

    def read_number(self, field: Field, text: str) -> int:
        return super().read_number(field, "1" if re.fullmatch("0[0-9]", text) else text)


@fault("answers.answer_has_what_the_request_asked_for")
class DropsLeadingZeros(CreateScheduleServer):
    """A pattern is told as its numbers are written by the server: 05 becomes 5."""

    def generator(self, schedule: Schedule) -> dict[str, Any]:
        told = super().generator(schedule)
        return {**told, "expression": re.sub(r"\b0(?=[0-9])", "", told["expression"])}


@fault("cron.days_out_of_range_are_rejected", FAILS)
class FailsOnLongNumbers(CreateScheduleServer):
    """A number that does not fit into 64 bits is answered 500: the parser's error is not caught."""

    def read_number(self, field: Field, text: str) -> int:
        if text.isdecimal() and int(text) >= 2**63:
            raise Problem(500, "value out of range")
        return super().read_number(field, text)


@fault("cron.days_out_of_range_are_rejected")
class LongNumbersWrap(CreateScheduleServer):
    """A number is kept in 64 bits: what does not fit begins anew."""

    def read_number(self, field: Field, text: str) -> int:
        return super().read_number(field, str(int(text) % 2**64) if text.isdecimal() and int(text) >= 2**63 else text)


@fault("cron.empty_pattern_is_rejected")
class EmptyIsEveryMinute(CreateScheduleServer):
    """The empty pattern is five stars."""

    def cron_fields(self, text: str) -> list[str]:
        return super().cron_fields(text) or [EVERY] * 5


@fault(TEXT)
class UnreadablePatternsAreDaily(CreateScheduleServer):
    """A text of words means midnight."""

    def cron_fields(self, text: str) -> list[str]:
        return super().cron_fields("0 0 * * *" if text.replace(" ", "").isalpha() else text)


class _Wrapping(CreateScheduleServer):
    """Takes a number beyond a field's bounds for the one that it is after wrapping around."""

    field = MINUTE
    number = 60

    def checked(self, field: Field, number: int) -> int:
        is_taken = field is self.field and number == self.number
        return super().checked(field, field.least if is_taken else number)


@fault("cron.minutes_out_of_range_are_rejected")
class TakesMinute60(_Wrapping):
    """Minute 60 is minute 0."""


@fault("cron.hours_out_of_range_are_rejected")
class TakesHour24(_Wrapping):
    """Hour 24 is midnight."""

    field, number = HOUR, 24


@fault("cron.days_out_of_range_are_rejected")
class TakesDay0(_Wrapping):
    """Day 0 of a month is its first."""

    field, number = DAY, 0


@fault("cron.days_out_of_range_are_rejected")
class TakesDay32(_Wrapping):
    """Day 32 of a month is the first of the next."""

    field, number = DAY, 32


@fault("cron.months_out_of_range_are_rejected")
class TakesMonth0(_Wrapping):
    """Month 0 is January, as in JavaScript."""

    field, number = MONTH, 0


@fault("cron.months_out_of_range_are_rejected")
class TakesMonth13(_Wrapping):
    """Month 13 is January."""

    field, number = MONTH, 13


@fault("cron.weekdays_out_of_range_are_rejected")
class TakesWeekday8(_Wrapping):
    """Day 8 of the week is taken."""

    field, number = WEEKDAY, 8


@fault("cron.minutes_out_of_range_are_rejected", "cron.hours_out_of_range_are_rejected")
class LargeNumbersAreCut(CreateScheduleServer):
    """Numbers beyond a field's bounds are the nearest within them."""

    def checked(self, field: Field, number: int) -> int:
        return min(max(number, field.least), field.most)


@fault("cron.hours_out_of_range_are_rejected")
class NumbersInListsAreNotChecked(CreateScheduleServer):
    """Only fields of one number are checked for their bounds; what is too large in a list never comes."""

    def read_field(self, field: Field, text: str) -> frozenset[int]:
        is_list = re.fullmatch("[0-9]+(,[0-9]+)+", text)
        return field.all & super().read_field(replace(field, least=0, most=99) if is_list else field, text)


@fault("cron.negative_values_are_rejected")
class TakesNegativeNumbers(CreateScheduleServer):
    """A minus before a number is ignored."""

    def read_range(self, field: Field, span: str, is_stepped: bool) -> tuple[int, int]:
        return super().read_range(field, span.removeprefix("-"), is_stepped)


@fault(STEPS_OF_0)
class TakesAStepOf0(CreateScheduleServer):
    """A step of 0 is one of 1."""

    def read_step(self, field: Field, text: str) -> int:
        return super().read_step(field, "1" if text == "0" else text)


@fault(STEPS_OF_0, FAILS)
class FailsOnAStepOf0(CreateScheduleServer):
    """A step of 0 makes the range fail, which is answered 500."""

    def read_step(self, field: Field, text: str) -> int:
        if text == "0":
            raise Problem(500, "range() arg 3 must not be zero")
        return super().read_step(field, text)


@fault(STEPS_OF_0, "answers.answers_come_in_time")
class HangsOnAStepOf0(CreateScheduleServer):
    """A step of 0 makes a loop that never ends."""

    async def create_schedule(self, request: Request, environment: Environment) -> Response:
        if b"/0 " in await request.body():
            await asyncio.sleep(60)
        return await super().create_schedule(request, environment)


@fault("cron.negative_values_are_rejected")
class TakesNegativeSteps(CreateScheduleServer):
    """A minus before a step is ignored."""

    def read_step(self, field: Field, text: str) -> int:
        return super().read_step(field, text.removeprefix("-"))


@fault(TEXT)
class ReadsNumbersAsTheLanguageDoes(CreateScheduleServer):
    """A number ends where digits end, as parseInt reads it: what follows is ignored."""

    def read_number(self, field: Field, text: str) -> int:
        digits = re.match("[0-9]+", text)
        return super().read_number(field, digits[0] if digits else text)


@fault(TEXT)
class WordsAreStars(CreateScheduleServer):
    """A field that is a word is a star."""

    def read_range(self, field: Field, span: str, is_stepped: bool) -> tuple[int, int]:
        return super().read_range(field, EVERY if span.isalpha() else span, is_stepped)


@fault("cron.numbers_are_accepted")
class RejectsTheLargestNumbers(CreateScheduleServer):
    """The largest number of a field is one too many."""

    def checked(self, field: Field, number: int) -> int:
        if field is not WEEKDAY and number == field.most:
            raise self.no_cron(f"{number} is no {field.name}")
        return super().checked(field, number)


@fault("cron.steps_of_ranges_are_accepted")
class RejectsStepsOverRanges(CreateScheduleServer):
    """A step stands behind a star only, as in some validators."""

    def read_item(self, field: Field, item: str) -> frozenset[int]:
        if "-" in item and "/" in item:
            raise self.no_cron("a step needs a star")
        return super().read_item(field, item)


@fault("cron.ranges_are_accepted")
class RejectsListsOfRanges(CreateScheduleServer):
    """A list has numbers only."""

    def read_field(self, field: Field, text: str) -> frozenset[int]:
        if "," in text and "-" in text:
            raise self.no_cron("a list has numbers")
        return super().read_field(field, text)


@fault("cron.lists_are_accepted", "cron.generated_patterns_are_accepted")
class RejectsListsOutOfOrder(CreateScheduleServer):
    """A list must ascend."""

    def read_field(self, field: Field, text: str) -> frozenset[int]:
        numbers = [int(each) for each in text.split(",") if each.isdigit()]
        if numbers != sorted(numbers):
            raise self.no_cron("a list must ascend")
        return super().read_field(field, text)


@fault("cron.leap_day_is_accepted")
class RejectsTheLeapDay(CreateScheduleServer):
    """29 February is rejected, as this year has none."""

    def check_cron(self, text: str, timezone: str) -> Cron:
        cron = super().check_cron(text, timezone)
        if cron.months == {2} and cron.days and min(cron.days) > 28 and not cron.last_day:
            raise self.no_cron("February has 28 days")
        return cron


@fault("cron.last_day_is_accepted")
class RejectsL(CreateScheduleServer):
    """L is no day of the month."""

    def is_last(self, field: Field, item: str) -> bool:
        return field is not DAY and super().is_last(field, item)


@fault("cron.last_weekday_is_accepted")
class RejectsLastWeekdays(CreateScheduleServer):
    """5L is no day of the week."""

    def is_last(self, field: Field, item: str) -> bool:
        return field is not WEEKDAY and super().is_last(field, item)


@fault("cron.last_weekday_is_accepted")
class Rejects7L(CreateScheduleServer):
    """7L is no day of the week, though 1L to 6L are."""

    def last_weekday(self, item: str) -> int | None:
        return None if item == "7L" else super().last_weekday(item)


@fault("cron.last_day_is_accepted", "answers.never_a_server_error")
class FailsOnTheLastDayOfAYear(CreateScheduleServer):
    """The last day of December is the one before the first of month 13: answered 500."""

    def last_of_month(self, day: date) -> int:
        try:
            return (date(day.year, day.month + 1, 1) - timedelta(days=1)).day
        except ValueError:
            raise Problem(500, "month must be in 1..12") from None


@fault(COUNTS)
class TakesIntervals(CreateScheduleServer):
    """@every and a time are an interval, as a library has it; nextRun is that of midnight."""

    def cron_fields(self, text: str) -> list[str]:
        return super().cron_fields("0 0 * * *" if text.startswith("@every ") else text)


@fault(LAST_DAYS)
class LIsDay28(CreateScheduleServer):
    """L is day 28, the last that every month has."""

    def last_of_month(self, day: date) -> int:  # noqa: ARG002
        return 28


@fault(LAST_DAYS)
class LIsTheFirstOfTheNextMonth(CreateScheduleServer):
    """L is a day after the last: the first of the month after."""

    def is_date(self, cron: Cron, day: date) -> bool:
        return day.day in cron.days or (cron.last_day and day.day == 1)


@fault(LAST_DAYS)
class LIsTheDayBeforeTheLast(CreateScheduleServer):
    """L is a day before the last."""

    def is_date(self, cron: Cron, day: date) -> bool:
        return day.day in cron.days or (cron.last_day and day.day == self.last_of_month(day) - 1)


@fault(LAST_DAYS)
class LIsAnyDay(CreateScheduleServer):
    """L is read, and forgotten: any day will do."""

    def is_date(self, cron: Cron, day: date) -> bool:
        return cron.last_day or super().is_date(cron, day)


@fault(LAST_WEEKDAYS)
class LastWeekdaysAreEveryWeeks(CreateScheduleServer):
    """5L is every Friday."""

    def is_last_week(self, day: date) -> bool:  # noqa: ARG002
        return True


@fault(LAST_WEEKDAYS)
class LastWeekdaysAreTheFourth(CreateScheduleServer):
    """5L is the fourth Friday of a month, though some months have five."""

    def is_last_week(self, day: date) -> bool:
        return 21 < day.day <= 28


@fault(LAST_WEEKDAYS)
class LastWeekdaysAreOfTheLastWeek(CreateScheduleServer):
    """5L is the Friday of the calendar week in which the month ends."""

    def is_last_week(self, day: date) -> bool:
        last = day.replace(day=self.last_of_month(day))
        return (last - day).days <= last.weekday()


@fault(LAST_WEEKDAYS)
class LastWeekdaysAreQuartzs(CreateScheduleServer):
    """6L is Friday, as in Quartz, where 1 is Sunday."""

    def last_weekdays(self, text: str) -> frozenset[int]:
        return frozenset((each - 1) % 7 for each in super().last_weekdays(text))


@fault(STEPS)
class StepsCountFrom0(CreateScheduleServer):
    """A step's numbers are the multiples of it within its range."""

    def stepped(self, field: Field, first: int, last: int, step: int) -> frozenset[int]:
        found = frozenset(each for each in range(first, last + 1) if each % step == 0)
        return found or super().stepped(field, first, last, step)


@fault(STEPS)
class StepsAreIgnored(CreateScheduleServer):
    """A step is read, and has no effect."""

    def stepped(self, field: Field, first: int, last: int, step: int) -> frozenset[int]:  # noqa: ARG002
        return super().stepped(field, first, last, 1)


@fault(STEPS, "next_run.times_of_steps_of_ranges_are_right")
class StepsDivideARange(CreateScheduleServer):
    """A step says how many numbers there are, not how far apart."""

    def stepped(self, field: Field, first: int, last: int, step: int) -> frozenset[int]:
        return super().stepped(field, first, last, max(1, (last - first + 1) // step) if step > 1 else 1)


@fault(WEEKDAYS, "next_run.times_of_steps_of_ranges_are_right")
class StepsRunPastTheRange(CreateScheduleServer):
    """A step over a range runs on to the end of the field."""

    def stepped(self, field: Field, first: int, last: int, step: int) -> frozenset[int]:
        return super().stepped(field, first, field.most if step > 1 else last, step)


@fault("next_run.times_of_ranges_are_right")
class RangesEndBeforeTheirLast(CreateScheduleServer):
    """The last number of a range is not in it."""

    def stepped(self, field: Field, first: int, last: int, step: int) -> frozenset[int]:
        is_range = first < last < field.most
        return super().stepped(field, first, last - 1 if is_range else last, step)


@fault("next_run.times_of_ranges_are_right")
class RangesBeginAfterTheirFirst(CreateScheduleServer):
    """The first number of a range is not in it."""

    def stepped(self, field: Field, first: int, last: int, step: int) -> frozenset[int]:
        return super().stepped(field, first + 1 if field.least < first < last else first, last, step)


@fault(LISTS)
class ListsAreTheirFirst(CreateScheduleServer):
    """Of a list the first item counts."""

    def read_field(self, field: Field, text: str) -> frozenset[int]:
        super().read_field(field, text)
        return super().read_field(field, text.partition(",")[0])


@fault(LISTS)
class ListsAreTheirLast(CreateScheduleServer):
    """Of a list the last item counts."""

    def read_field(self, field: Field, text: str) -> frozenset[int]:
        super().read_field(field, text)
        return super().read_field(field, text.rpartition(",")[2])


@fault(LISTS)
class ListsAreRanges(CreateScheduleServer):
    """A list is all that lies between its first and its last."""

    def read_field(self, field: Field, text: str) -> frozenset[int]:
        numbers = super().read_field(field, text)
        return frozenset(range(min(numbers), max(numbers) + 1)) if "," in text and numbers else numbers


@fault(PLAIN)
class MonthsCountFrom0(CreateScheduleServer):
    """Months are counted from 0: 1 is February."""

    def read_cron(self, text: str) -> Cron:
        cron = super().read_cron(text)
        return replace(cron, months=frozenset(each % 12 + 1 for each in cron.months))


@fault(PLAIN)
class FieldsAreSwapped(CreateScheduleServer):
    """Hours stand before minutes."""

    def read_cron(self, text: str) -> Cron:
        cron = super().read_cron(text)
        fits = max(cron.minutes) < 24
        return replace(cron, minutes=cron.hours, hours=cron.minutes) if fits else cron


@fault(WEEKDAYS)
class WeekdaysAreIgnored(CreateScheduleServer):
    """The day of the week has no effect."""

    def is_weekday(self, cron: Cron, day: date) -> bool:  # noqa: ARG002
        return True


@fault(PLAIN)
class MonthsAreIgnored(CreateScheduleServer):
    """The month has no effect."""

    def read_cron(self, text: str) -> Cron:
        return replace(super().read_cron(text), months=MONTH.all)


@fault("next_run.time_of_a_leap_day_is_right")
class LeapDaysAre1March(CreateScheduleServer):
    """29 February is 1 March in a year that has none."""

    def is_date(self, cron: Cron, day: date) -> bool:
        if (day.month, day.day) == (3, 1) and self.last_of_month(day.replace(month=2)) == 28:
            return 29 in cron.days
        return super().is_date(cron, day)

    def read_cron(self, text: str) -> Cron:
        cron = super().read_cron(text)
        is_leap_day = cron.months == {2} and cron.days == {29}
        return replace(cron, months=frozenset((2, 3))) if is_leap_day else cron


@fault("next_run.time_of_a_leap_day_is_right")
class LeapDaysAre28February(CreateScheduleServer):
    """29 February is the 28th in a year that has none."""

    def is_date(self, cron: Cron, day: date) -> bool:
        is_last = (day.month, day.day) == (2, 28) == (2, self.last_of_month(day))
        return (is_last and 29 in cron.days) or super().is_date(cron, day)


class _OnNever(CreateScheduleServer):
    """Does something of its own where a pattern never comes."""

    async def create_schedule(self, request: Request, environment: Environment) -> Response:
        try:
            return await super().create_schedule(request, environment)
        except Problem as problem:
            if "never comes" in problem.message:
                return await self.instead()
            raise

    async def instead(self) -> Response:
        raise NotImplementedError


@fault(NEVER, FAILS)
class FailsWhereNoneComes(_OnNever):
    """A pattern that never comes ends the search with an error, which is answered 500."""

    async def instead(self) -> Response:
        return self.error(500, "Invalid time value")


@fault(NEVER, "answers.answers_come_in_time")
class SearchesForEver(_OnNever):
    """A pattern that never comes is searched for without end."""

    async def instead(self) -> Response:
        await asyncio.sleep(60)
        return self.error(422, "cron never comes")


@fault("cron.spaces_are_accepted_or_rejected", FAILS)
class FailsOnSpaces(CreateScheduleServer):
    """A second space between fields makes an empty one, which is answered 500."""

    def cron_fields(self, text: str) -> list[str]:
        if "  " in text:
            raise Problem(500, "NaN is no number")
        return super().cron_fields(text)


@fault(TEXT)
class FailsOnUnreadablePatterns(CreateScheduleServer):
    """A pattern that the library cannot read is answered 500."""

    def no_cron(self, why: str) -> Problem:
        problem = super().no_cron(why)
        return Problem(500, problem.message) if "no number" in why else problem


@fault(TEXT)
class ChecksPatternsLater(CreateScheduleServer):
    """A pattern is read by the scheduler, after the answer: any text is taken, as daily where it cannot be read."""

    def read_cron(self, text: str) -> Cron:
        try:
            return super().read_cron(text)
        except Problem:
            return replace(super().read_cron("0 0 * * *"), text=text)


@fault(COUNTS)
class RejectionsAreOk(CreateScheduleServer):
    """A pattern that cannot be read is answered 200, with an error in the body."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        is_rejection = status == 422 and "cron" in str(body)
        return super().json(200 if is_rejection else status, body, headers)


@fault(COUNTS)
class RejectionsAreConflicts(CreateScheduleServer):
    """A pattern that cannot be read is answered 409, which is not documented."""

    def no_cron(self, why: str) -> Problem:
        return Problem(409, super().no_cron(why).message)


@fault(STEPS_OF_0)
class StepOf00Is1(CreateScheduleServer):
    """Only a step that is written 0 is rejected; 00 is no step at all."""

    def read_step(self, field: Field, text: str) -> int:
        return 1 if text == "00" else super().read_step(field, text)


@fault(WEEKDAYS)
class SteppedRangesLoseSunday(CreateScheduleServer):
    """A stepped range of days of the week that comes to 7 leaves it out: 7 is made 0 before the range is walked."""

    def stepped(self, field: Field, first: int, last: int, step: int) -> frozenset[int]:
        numbers = super().stepped(field, first, last, step)
        return numbers - {last} if field is WEEKDAY and 0 < first < last == 7 and step > 1 else numbers


@fault(WEEKDAYS)
class SteppedRangesGainSunday(CreateScheduleServer):
    """A stepped range of days of the week to 7 always has Sunday: 7 is added as 0 when it has been walked."""

    def stepped(self, field: Field, first: int, last: int, step: int) -> frozenset[int]:
        numbers = super().stepped(field, first, last, step)
        return numbers | {0} if field is WEEKDAY and 0 < first < last == 7 and step > 1 else numbers


@fault(STEPS)
class MonthsAreSteppedFromNone(CreateScheduleServer):
    """Every third month is March, June, September, December: those that can be divided by the step."""

    def stepped(self, field: Field, first: int, last: int, step: int) -> frozenset[int]:
        if field is MONTH and step > 1 and (first, last) == (MONTH.least, MONTH.most):
            return frozenset(range(step, last + 1, step))
        return super().stepped(field, first, last, step)


@fault("cron.lists_are_accepted")
class RejectsLongPatterns(CreateScheduleServer):
    """A pattern of more than 100 characters is rejected: the column has no more."""

    def read_cron(self, text: str) -> Cron:
        if len(text) > 100:
            raise self.no_cron("it is too long")
        return super().read_cron(text)


@fault(LAST_WEEKDAYS)
class LastWeekBeginsOnThe25th(CreateScheduleServer):
    """The last Friday is the one from the 25th on, in months of 30 days too, which may have their last on the 24th."""

    def is_last_week(self, day: date) -> bool:
        return day.day >= 25


class _BothDays(CreateScheduleServer):
    """Reads a day of the month and a day of the week in one pattern in its own way."""

    def is_day(self, cron: Cron, day: date) -> bool:
        if cron.any_day or cron.any_weekday:
            return super().is_day(cron, day)
        return self.is_either(cron, day)

    def is_either(self, cron: Cron, day: date) -> bool:
        raise NotImplementedError


@fault(BOTH)
class BothDaysIgnoreTheWeekday(_BothDays):
    """Where a day of the month is given, a day of the week counts for nothing."""

    def is_either(self, cron: Cron, day: date) -> bool:
        return self.is_date(cron, day)


@fault(BOTH)
class BothDaysIgnoreTheDate(_BothDays):
    """Where a day of the week is given, a day of the month counts for nothing."""

    def is_either(self, cron: Cron, day: date) -> bool:
        return self.is_weekday(cron, day)


@fault("cron.days_out_of_range_are_rejected", "cron.months_out_of_range_are_rejected")
class RangesBeginWhereTheyCan(CreateScheduleServer):
    """A range that begins before the first number there is begins with that: 0-5 are the days from 1 to 5."""

    def read_range(self, field: Field, span: str, is_stepped: bool) -> tuple[int, int]:
        begun = span.startswith("0-") and field.least > 0
        return super().read_range(field, f"{field.least}{span[1:]}" if begun else span, is_stepped)


@fault(TEXT)
class ListsMayHaveGaps(CreateScheduleServer):
    """Empty members of a list are passed over."""

    def read_field(self, field: Field, text: str) -> frozenset[int]:
        return super().read_field(field, ",".join(each for each in text.split(",") if each))


class _FirstOfLists(CreateScheduleServer):
    """Of a list the first member is looked at, and others are dropped where they are out of range."""

    of = MINUTE

    def read_field(self, field: Field, text: str) -> frozenset[int]:
        first, *others = text.split(",")
        if field is self.of and not text.startswith(","):
            others = [each for each in others if not each.isdigit() or int(each) in field.all]
        return super().read_field(field, ",".join([first, *others]))


@fault("cron.minutes_out_of_range_are_rejected")
class DropsMinutesOfLists(_FirstOfLists):
    """A minute out of range that is not the first of a list is dropped."""


@fault("cron.weekdays_out_of_range_are_rejected")
class DropsWeekdaysOfLists(_FirstOfLists):
    """A day of the week out of range that is not the first of a list is dropped."""

    of = WEEKDAY


@fault("cron.hours_out_of_range_are_rejected")
class EndsRangesAt24(CreateScheduleServer):
    """A range of hours may end at 24, which is 23."""

    def read_range(self, field: Field, span: str, is_stepped: bool) -> tuple[int, int]:
        return super().read_range(field, re.sub("-24$", "-23", span) if field is HOUR else span, is_stepped)


@fault(COUNTS)
class ProgramsAreIgnored(CreateScheduleServer):
    """A program's path after a pattern is what a crontab has there, and is ignored."""

    def cron_fields(self, text: str) -> list[str]:
        return super().cron_fields(text.partition(" /")[0])


@fault(TEXT)
class QuotationMarksAreDropped(CreateScheduleServer):
    """A pattern may stand in quotation marks."""

    def cron_fields(self, text: str) -> list[str]:
        return super().cron_fields(text.strip('"'))


@fault(TEXT)
class FirstMembersMayBeEmpty(CreateScheduleServer):
    """An empty member in front of a list is none."""

    def read_field(self, field: Field, text: str) -> frozenset[int]:
        return super().read_field(field, text.removeprefix(","))


@fault(TEXT)
class StepsMayBeLeftOut(CreateScheduleServer):
    """A slash without a number is a step of 1."""

    def read_step(self, field: Field, text: str) -> int:
        return super().read_step(field, text or "1")


class _Spelling(CreateScheduleServer):
    """Reads a member of a field that it writes otherwise first."""

    pattern, instead = "", ""

    def read_item(self, field: Field, item: str) -> frozenset[int]:
        return super().read_item(field, re.sub(self.pattern, self.instead, item))


@fault(TEXT)
class TakesSigns(_Spelling):
    """A number may have a plus sign, as numbers of languages have."""

    pattern = r"^\+(?=\d)"


@fault(TEXT)
class TakesUnderscoresInNumbers(_Spelling):
    """A number may have underscores, as numbers of languages have."""

    pattern = r"(?<=\d)_(?=\d)"


@fault(TEXT)
class IgnoresSecondSteps(_Spelling):
    """Of two steps the first is taken: what is split at the slash has more parts than are looked at."""

    pattern, instead = r"(/\d+)/.*", r"\1"


@fault(TEXT)
class IgnoresThirdEnds(_Spelling):
    """Of a range of three the first two are taken: what is split at the dash has more parts than are looked at."""

    pattern, instead = r"(\d+-\d+)-.*", r"\1"


@fault(TEXT)
class StarsEndAField(_Spelling):
    """What stands behind a star is not looked at."""

    pattern, instead = r"^\*\d+$", "*"


@fault(TEXT)
class TakesHashedFields(_Spelling):
    """H is any value that the server chooses, as in Jenkins."""

    pattern, instead = "^H$", "1"


@fault(TEXT)
class TakesRates(CreateScheduleServer):
    """rate(…) is a pattern, as in EventBridge; it comes at midnight."""

    def cron_fields(self, text: str) -> list[str]:
        return super().cron_fields("0 0 * * *" if re.fullmatch(r"rate\(\d+ \w+\)", text) else text)


@fault(TEXT)
class TakesDates(CreateScheduleServer):
    """A date is a pattern that comes once."""

    def cron_fields(self, text: str) -> list[str]:
        found = re.fullmatch(r"\d{4}-(\d\d)-(\d\d)T(\d\d):(\d\d):\d\dZ", text)
        return [found[4], found[3], found[2], found[1], EVERY] if found else super().cron_fields(text)


@fault("cron.stars_are_accepted")
class RejectsEveryMinute(CreateScheduleServer):
    """A pattern of every minute of an hour is rejected: it would start too much."""

    def read_cron(self, text: str) -> Cron:
        if self.cron_fields(text)[:1] == [EVERY]:
            raise self.no_cron("it comes more often than every five minutes")
        return super().read_cron(text)


@fault("cron.steps_are_accepted")
class RejectsStepsOfStars(CreateScheduleServer):
    """A step is taken of a range only."""

    def read_item(self, field: Field, item: str) -> frozenset[int]:
        if item.startswith("*/"):
            raise self.no_cron(f"{item[:40]!r} is no range with a step")
        return super().read_item(field, item)


@fault(TEXT)
class TildesAreStars(CreateScheduleServer):
    """A tilde is any value, as in the cron of OpenBSD."""

    def cron_fields(self, text: str) -> list[str]:
        return [EVERY if each == "~" else each for each in super().cron_fields(text)]


@fault(TEXT)
class WordsOfWeekdaysAreStars(CreateScheduleServer):
    """A word that names no weekday is any."""

    def cron_fields(self, text: str) -> list[str]:
        fields = super().cron_fields(text)
        is_word = len(fields) == 5 and fields[4].isalpha() and fields[4].islower()
        return [*fields[:4], EVERY] if is_word else fields
