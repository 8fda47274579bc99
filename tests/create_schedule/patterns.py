"""Cron patterns by kinds, most of them half a year away: accepted ones, open ones, and those that break one thing."""

import calendar
from calendar import monthrange
from datetime import date

from hypothesis import strategies as st

from trigger_conformance.checks.generation import drawn

# Each field's name, smallest and largest number.
BOUNDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
SHORTEST_MONTH, SHORT_MONTH = 28, 30
HOURS, SUNDAY = 24, 7
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def accepted(month, other, third, now):
    """Patterns that every target accepts, by kinds, for far months; some are of these days, half a day off ``now``."""
    near = _near(now)
    return {
        "stars": {
            "stars in minute and hour": f"* * 9 {month} *",
            "a star in day": f"0 0 * {month} *",
            "every day": f"0 {daily(now)} * * *",
        },
        "numbers": {
            "the last minute of a year": "59 23 31 12 *",
            "the first minute of a year": "0 0 1 1 *",
        },
        "lists": {
            "a list whose first has passed": near("{first},{third}"),
            # Of more than 255 characters.
            "long lists": f"{_all(1, 59)} {_all(2, 23)} {_all(4, 28)} {month},{other} *",
            "day 31 of months of which one has it": "15 12 31 6,7 *",
            "a list out of order": f"45,15 12 11,3 {third},{month} *",
            "a list that a step would say, too": f"0,15,30,45 12 10 {month} *",
        },
        "ranges": {
            "a range of which the last is left": near("{first}-{second}"),
            "a range in three fields, in a list": f"50-59 20-23 3,10-12 {month} *",
            "weekdays to 7, in a month that begins with a Sunday": f"25 8 * {_with_sunday(now)} 6-7",
            "a range of weekdays": f"25 8 * {month} 1-5",
            "a range within a list": f"0 6 3,20-22 {month} *",
            # What other patterns say, too, is seen as it was sent.
            "ranges of all there is": f"0-59 0-23 1-28 {month} *",
        },
        "steps": {
            "a step that leaves the next one out": near("*/{step}"),
            "a step of hours": f"30 */{_hours(now)} */1 * *",
            "a step of weekdays": f"0 7 * {month} */2",
            "a step of months": f"0 8 {_far_day(now)} */{_months(now)} *",
            "steps of stars": f"*/15 */6 */10 {month} *",
        },
        "steps_of_ranges": {
            "a step of a range whose first has passed": near("{first}-{third}/2"),
            "a step of a range, in a list": f"0,10-50/20 8-18/2 5-25/10 {month} *",
            "a step of a range of weekdays": f"0 5 * {month} 1-5/2",
            "a step of weekdays that comes to 7": f"10 5 * {_with_sunday(now)} 4-7/3",
            "a step of weekdays that leaves 7 out": f"20 5 * {_with_sunday(now)} 2-7/2",
            "a step of a range in a list": f"0,30-50/10 2 14 {month} *",
        },
        "sundays": {"0 for Sunday": f"20 10 * {month} 0", "7 for Sunday": f"40 11 * {month} 7"},
        "last_days": {
            "L as the day": f"15 13 L {month} *",
            "L in a month of 30 days or more": f"30 1 L {other} *",
            "L in December": "45 2 L 12 *",
        },
        "last_weekdays": {
            "1L": f"5 14 * {month} 1L",
            "5L": f"35 15 * {month} 5L",
            "7L": f"55 16 * {month} 7L",
            "a weekday whose last day is early": f"45 17 * {_early_last(now)}L",
        },
        "leap_days": {"29 February": "20 2 29 2 *"},
    }


def _all(first, last):
    return ",".join(map(str, range(first, last + 1)))


def daily(now):
    """The hour that is farthest from ``now``: what comes every day comes in half a day."""
    return (now.hour + 12) % 24


def _with_sunday(now):
    """The next month but one, or a later one, that begins with a Sunday."""
    # There may be none among the next twelve.
    for ahead in range(2, 30):
        year, month = divmod(now.year * 12 + now.month - 1 + ahead, 12)
        if monthrange(year, month + 1)[0] == calendar.SUNDAY:
            return month + 1
    raise AssertionError("every year has one")


def _months(now):
    """A step of the months that next comes in another one than where it is counted from no month at all."""
    return next(step for step in (5, 4, 7, 3) if _following(now, 1, step) != _following(now, 0, step))


def _following(now, first, step):
    """The first month after that of ``now`` among those from ``first`` on, in steps."""
    ahead = [(now.month + each) % len(MONTHS) + 1 for each in range(len(MONTHS))]
    return next(each for each in ahead if (each - first) % step == 0)


def _far_day(now):
    """A day of the month that is not one of the next few."""
    return 20 if now.day < 15 else 10


def _early_last(now):
    """A month of fewer than 31 days and the weekday of which it has the last one first, eight weeks ahead or more."""
    ahead = (divmod(now.year * len(MONTHS) + now.month + each, len(MONTHS)) for each in range(1, len(MONTHS)))
    year, month = next((year, month + 1) for year, month in ahead if monthrange(year, month + 1)[1] == SHORT_MONTH)
    return f"{month} {date(year, month, SHORT_MONTH - 6).isoweekday()}"


def _hours(now):
    """A step of the hours that next comes in two hours or more."""
    return next(step for step in (7, 5, 9, 11, 8) if (now.hour // step + 1) * step > now.hour + 1)


def _near(now):
    """A field of these days: what comes next is not its first value, so that a reader of the others is told apart.

    ``first`` has begun already, ``second`` and ``third`` follow; ``step`` leaves the second out.
    """
    days = monthrange(now.year, now.month)[1]
    hour = 0 if now.hour <= 12 else 12
    minute = 0 if now.minute <= 30 else 30
    weekday = now.isoweekday() % SUNDAY
    if now.day + 2 <= days:
        first, least, place = now.day, 1, f"0 {hour} {{}} {now.month} *"
    elif now.month + 2 <= len(MONTHS):
        first, least, place = now.month, 1, f"0 {hour} 1 {{}} *"
    elif now.hour + 2 < HOURS or weekday + 2 > SUNDAY:
        first, least, place = min(now.hour, HOURS - 3), 0, f"{minute} {{}} {now.day} {now.month} *"
    else:
        first, least, place = weekday, 0, f"0 {hour} * * {{}}"
    step = next(each for each in (2, 3, 4, 5) if (first + 1 - least) % each)
    values = {"first": first, "second": first + 1, "third": first + 2, "step": step}
    return lambda field: place.format(field.format(**values))


def open_ones(month):
    """Patterns of which the contract does not say whether they are patterns, by kinds."""
    return {
        "names": {
            "a month by its name": f"0 12 15 {MONTHS[month - 1]} *",
            "a weekday by its name": f"0 12 * {month} MON",
        },
        "question_marks": {"? as the day": f"0 12 ? {month} 1"},
        "nth_weekdays": {"the second Monday": f"0 12 * {month} 1#2"},
        "working_days": {"the working day nearest to the 15th": f"0 12 15W {month} *"},
        "nicknames": {"@yearly": "@yearly"},
        "reversed_ranges": {"a reversed range": f"0 22-6 15 {month} *"},
        "numbers_with_steps": {"a number with a step": f"5/15 12 15 {month} *"},
        "large_steps": {"a step beyond the range": f"*/90 12 15 {month} *"},
        "last_sundays_as_0": {"0L": f"0 12 * {month} 0L"},
        "last_days_in_lists": {"L in a list": f"0 12 10,L {month} *"},
    }


def both_days(month, now):
    """Patterns that give a day of the month and a day of the week, each the earlier one once."""
    year = now.year + (month <= now.month)
    # Another day of the week than that of the date, and none on which readers of Sundays differ.
    unlike = [date(year, month, day).isoweekday() % 6 + 1 for day in (1, 15)]
    return {
        "the first and a weekday": f"0 12 1 {month} {unlike[0]}",
        "a weekday and the 15th": f"0 12 15 {month} {unlike[1]}",
    }


def spaced(month):
    """A pattern with more white space than it needs."""
    return {
        "two spaces": f"15  12 15 {month} *",
        "a leading space": f" 16 12 15 {month} *",
        "a trailing space": f"17 12 15 {month} * ",
    }


def zero_padded(month):
    """Patterns of numbers with leading zeros, of which octal has no 8 and 9."""
    return {"leading zeros": f"09 08 07 {month:02} *"}


def rejected(month):
    """Texts that are no patterns, by what is wrong with them, each in one place."""
    return {
        "empty": {"the empty string": ""},
        "counts": {
            # Whichever end what is missing is filled in at.
            "four fields": f"12 15 {month} *",
            # Whichever end the sixth is at: seconds first, or a year last.
            "six fields": f"0 12 15 {month} * *",
            "a first field for the seconds": f"0 0 12 15 {month} *",
            "a sixth field for the year": f"0 12 15 {month} * 2030",
            "a time zone before it": f"CRON_TZ=Asia/Tokyo 0 12 15 {month} *",
            "an interval": "@every 9000h",
            "a comment after it": f"0 12 15 {month} * # once a year, at noon",
            "two lines": f"0 12 15 {month} *\n0 13 15 {month} *",
            "seven fields as Quartz writes them": f"0 0 12 15 {month} ? *",
            "one field": "*",
            "nothing but spaces": "   ",
            "seven fields, from the second to the year": f"0 0 12 15 {month} * 2030",
            "three fields": f"15 {month} *",
            "two fields": f"{month} *",
            "a command after it": f"0 12 15 {month} * /bin/true",
        },
        "minutes": {
            "minute 60": f"60 12 15 {month} *",
            "a range to minute 60": f"50-60 12 15 {month} *",
            "a list with minute 60": f"0,60 12 15 {month} *",
        },
        "hours": {
            "hour 24": f"0 24 15 {month} *",
            "a list with hour 24": f"0 12,24 15 {month} *",
            "hour 256": f"0 256 15 {month} *",
            "a range to hour 24": f"0 8-24 15 {month} *",
        },
        "days": {
            "day 0": f"0 12 0 {month} *",
            "day 32": f"0 12 32 {month} *",
            "2 to the 64th, and 15": f"0 12 {2**64 + 15} {month} *",
            "a range from day 0": f"0 12 0-5 {month} *",
        },
        "months": {"month 0": "0 12 15 0 *", "month 13": "0 12 15 13 *", "a range from month 0": "0 12 15 0-5 *"},
        "weekdays": {
            "weekday 8": f"0 12 * {month} 8",
            "8L": f"0 12 * {month} 8L",
            "a list with weekday 8": f"0 12 * {month} 1,8",
        },
        "negatives": {
            "a negative minute": f"-5 12 15 {month} *",
            "a negative step": f"*/-5 12 15 {month} *",
            "a negative day": f"0 12 -1 {month} *",
        },
        "steps": {
            "a step of 0": f"*/0 12 15 {month} *",
            "a step of 0 of a range": f"0 8-18/0 15 {month} *",
            "a step of 00": f"0 */00 15 {month} *",
        },
        "texts": {
            "a number and a letter": f"5x 12 15 {month} *",
            "a fraction": f"1.5 12 15 {month} *",
            "digits of another script": f"٥ 12 15 {month} *",
            "an exponent": f"1e1 12 15 {month} *",
            "L as the hour": f"0 L 15 {month} *",
            "a star and a digit": f"*5 12 15 {month} *",
            "words": "every day at noon please",
            "an empty member of a list": f"0, 12 15 {month} *",
            "a range without its end": f"0 12- 15 {month} *",
            "a step without its number": f"*/ 12 15 {month} *",
            "hexadecimal": f"0x5 12 15 {month} *",
            "a sign": f"+5 12 15 {month} *",
            "an underscore in a number": f"1_0 12 15 {month} *",
            "two steps": f"*/15/2 12 15 {month} *",
            "a letter for any value": f"H 12 15 {month} *",
            "a letter for a number": f"x 12 15 {month} *",
            "a step and letters": f"*/15min 12 15 {month} *",
            "full-width digits": f"５ 12 15 {month} *",
            "an empty member within a list": f"0,,5 12 15 {month} *",
            "a range of three": f"10-20-30 12 15 {month} *",
            "a rate": "rate(365 days)",
            "a date": "2099-12-31T12:00:00Z",
            "quotation marks around it": f'"0 12 15 {month} *"',
            "an empty member in front of a list": f",5 12 15 {month} *",
            "a tilde for any value": f"~ 12 15 {month} *",
            "a word for a weekday": f"0 12 15 {month} hello",
        },
    }


def generated(number, count, months):
    """Up to ``count`` valid patterns of the grammar for the seed ``number``, in ``months`` that are far away."""
    days = _field(1, SHORTEST_MONTH) | st.just("L")
    weekdays = _field(0, 7) | st.integers(1, 7).map(lambda day: f"{day}L")
    both = st.one_of(st.tuples(days, st.just("*")), st.tuples(st.just("*"), weekdays), st.just(("*", "*")))
    month = st.lists(st.sampled_from(months), min_size=1, max_size=3, unique=True).map(
        lambda chosen: ",".join(map(str, chosen))
    )
    patterns = st.tuples(_field(0, 59), _field(0, 23), both, month).map(
        lambda parts: f"{parts[0]} {parts[1]} {parts[2][0]} {parts[3]} {parts[2][1]}"
    )
    return list(dict.fromkeys(drawn(patterns, number, count)))[:count]


def _field(least, most):
    numbers = st.integers(least, most)
    ranges = st.tuples(numbers, numbers).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: f"{pair[0]}-{pair[1]}")
    stepped = st.tuples(ranges | st.just("*"), st.integers(1, max(2, (most - least) // 2))).map(
        lambda pair: f"{pair[0]}/{pair[1]}"
    )
    single = numbers.map(str) | ranges | stepped
    lists = st.lists(numbers.map(str) | ranges, min_size=2, max_size=4, unique=True).map(",".join)
    return st.just("*") | single | lists


def broken(number, count, months):
    """Up to ``count`` texts for the seed ``number`` that are valid patterns but for one member of one field."""
    wrong = st.sampled_from(BOUNDS).flatmap(_wrong_member)
    pairs = drawn(st.tuples(st.sampled_from(generated(number, count, months)), wrong), number, count)
    return list(dict.fromkeys(_with_member(pattern, *member) for pattern, member in pairs))[:count]


def _wrong_member(bounds):
    name, least, most = bounds
    place = [each[0] for each in BOUNDS].index(name)
    beyond = st.integers(most + 1, most + 40)
    below = st.just(0) if least else st.nothing()
    numbers = (beyond | below).map(str)
    ranges = beyond.map(lambda end: f"{least}-{end}")
    others = st.sampled_from(("*/0", "x", "**", "--", "1-", "/2", f"{least},", f"-{most}"))
    return st.tuples(st.just(place), numbers | ranges | others)


def _with_member(pattern, place, member):
    fields = pattern.split()
    return " ".join([*fields[:place], member, *fields[place + 1 :]])
