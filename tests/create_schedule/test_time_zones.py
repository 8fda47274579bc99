"""timezone: which zones there are, and what a pattern means in them."""

from datetime import UTC, datetime, timedelta

import pytest

from trigger_conformance.checks.expect import REJECTIONS, NotApplicableError, expect
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.requirement import Profile, info, must, should
from trigger_conformance.contract.quoting import visible
from trigger_conformance.rules import cron

from . import patterns, zones
from .grounds import AS_ASKED, ID, SAME_ID, ZONES, given_accepted, is_refusal
from .moments import why_another_time
from .values import UTC as UTC_NAME

# What a label tells of a request.
CASES = "a zone"

CLAUSE = "CreateScheduleOptions.timezone"
NEXT = "ScheduleObject.nextRun"
IN_ZONES = ID("time_zones", "next_run_is_in_the_zones_time")
NEVER_5XX = ID("answers", "never_a_server_error")
# Whose affair it is that patterns of days are accepted, and come when they should.
OF_DAYS = {
    "a day of the week": (ID("cron", "ranges_are_accepted"), ID("next_run", "times_of_weekdays_are_right")),
    "the last day": (ID("cron", "last_day_is_accepted"), ID("next_run", "times_of_last_days_are_right")),
    "the last Friday": (ID("cron", "last_weekday_is_accepted"), ID("next_run", "times_of_last_weekdays_are_right")),
}
NO_ZONE = ID("time_zones", "names_of_no_zone_are_rejected")
# A change that is nearer than this would start something during a run.
SOON, YEAR = timedelta(days=2), 400
HOUR = timedelta(hours=1)
SEASONS = datetime(2027, 1, 15, tzinfo=UTC), datetime(2027, 7, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def listed(target):
    """The names of the zones that the target lists, or those of the database where it lists none."""
    return target.zones()


@pytest.fixture(scope="module")
def known(target):
    """Zones that the target must have and that have kept their rules for long, what is special first."""
    return target.known_zones()


@pytest.fixture(scope="module")
def in_zones(target, known):
    """A schedule in each zone of the sample: in every second one every day, else far away, when UTC has another day."""
    count = target.pick(smoke=1, standard=5, thorough=len(zones.STEADY))
    if not known:
        raise NotApplicableError("the target lists none of the zones whose rules are known here")
    chosen = known[:count] if count > 1 else [name for name in known if name == zones.TELLING] or known[:1]

    def pattern(number, name):
        place = zones.zone(name)
        if number % 2:
            return f"30 {patterns.daily(target.now.astimezone(place))} * * *"
        return target.cron(30, 0 if offset(target.now, place) > timedelta() else 23)

    return target.send_carried(
        (name, {"timezone": name, "cron": pattern(number, name)}) for number, name in enumerate(chosen)
    )


@must("UTC is accepted", clause=CLAUSE)
def test_utc_is_accepted(target):
    answer = target.send(target.valid(UTC_NAME, timezone=UTC_NAME))
    given_not_for_their_keys(target, [answer])
    given(expect(answer).is_accepted(), rests_on=AS_ASKED).is_as_asked()


def given_not_for_their_keys(target, answers):
    """Where any of ``answers`` is a refusal, it is not for the key, which was used before."""
    if any(map(is_refusal, answers)):
        given(target.send(target.valid("the same without a zone")), rests_on=SAME_ID).is_accepted()


def given_taken(target, answers):
    """Requests in a zone are accepted, such as have a key that was used before, too."""
    given_not_for_their_keys(target, answers)
    return given(answers, rests_on=ZONES).is_accepted()


@must("zones that the target lists are accepted", clause=CLAUSE, profile=Profile.SMOKE)
def test_listed_zones_are_accepted(target, in_zones):
    given_not_for_their_keys(target, in_zones)
    given(expect(in_zones).is_accepted(), rests_on=AS_ASKED).is_as_asked()
    target.note(", ".join(each.request.document["timezone"] for each in in_zones))


@should("canonical names of the IANA database that the target does not list are accepted", clause=CLAUSE)
def test_other_canonical_names_are_accepted(target, listed):
    others = [name for name in zones.STEADY if name not in listed]
    if not others:
        raise NotApplicableError("the target lists all zones of the sample, or none at all")
    count = target.pick(smoke=0, standard=4, thorough=len(others))
    expect(target.send_all(target.valid(name, timezone=name) for name in others[:count])).is_accepted()


@must("nextRun is the pattern's next time in its zone", clause=NEXT, profile=Profile.SMOKE)
def test_next_run_is_in_the_zones_time(in_zones):
    expect(given(in_zones, rests_on=ZONES).is_accepted()).satisfies(why_another_time, place="nextRun")


@must("nextRun follows a zone's rules in each of its seasons, those that changed in late years too", clause=NEXT)
def test_rules_of_every_season_are_known(target, listed, in_zones):
    rows = [(name, *each) for name, each in zones.SEASONS.items() if name in listed]
    rows = rows[: target.pick(smoke=0, standard=2, thorough=len(rows))]
    if not rows:
        raise NotApplicableError("the target lists none of the zones whose seasons software gets wrong")
    wrong = [each for each in in_zones if each.status == target.contract.success and why_another_time(each)]
    if wrong:
        rests(IN_ZONES, "patterns come at other times in the zones whose rules have long been the same", wrong)
    # A minute each, lest one's answer be another's.
    orders = [
        (f"{name}: {what}", {"timezone": name, "cron": f"{number} 12 15 {target.farthest(months)} *"})
        for number, (name, months, what) in enumerate(rows, 31)
    ]
    answers = given_taken(target, target.send_carried(orders))
    expect(answers).satisfies(why_another_time, place="nextRun")


@pytest.fixture(scope="module")
def where_days_differ(target, known):
    """Answers to patterns of days in the hours in which UTC has another day."""
    if not known:
        raise NotApplicableError("the target lists none of the zones whose rules are known here")
    east, west = (choose(known, key=lambda name: offset(target.now, zones.zone(name))) for choose in (max, min))
    rows = {
        "a day of the week": (east, f"30 0 * {target.month} 1"),
        "the last day": (east, f"30 0 L {target.month} *"),
        "the last day, in the evening": (west, f"30 22 L {target.month} *"),
        "the last Friday": (west, f"30 22 * {target.month} 5L"),
    }
    sent = [(f"{label} in {name}", {"timezone": name, "cron": pattern}) for label, (name, pattern) in rows.items()]
    return dict(zip(rows, target.send_carried(sent), strict=True))


@must("days of the week and last days are those of the zone, where UTC has another day", clause=NEXT)
def test_days_are_those_of_the_zone(target, where_days_differ, in_zones):
    given(in_zones, rests_on=IN_ZONES).satisfies(why_another_time, place="nextRun")
    given_not_for_their_keys(target, list(where_days_differ.values()))
    for label, answer in where_days_differ.items():
        taken, right = OF_DAYS[label.partition(",")[0]]
        if answer.status in REJECTIONS or why_another_time(answer):
            # What is wrong with it in UTC too is no matter of zones.
            in_utc = target.send(target.valid(f"{label} in UTC", cron=answer.request.document["cron"]))
            given(given([in_utc], rests_on=taken).is_accepted(), rests_on=right).satisfies(
                why_another_time, place="nextRun"
            )
        given([answer], rests_on=ZONES).is_accepted()
    expect(where_days_differ.values()).satisfies(why_another_time, place="nextRun")


@must("the same pattern in another zone comes at another time: the second request's zone counts", clause=NEXT)
def test_another_zone_moves_the_next_run(target, known):
    places = [name for name in ("Asia/Tokyo", "America/New_York", "Europe/London", *known) if name in known][:2]
    if len(places) < 2:
        raise NotApplicableError("the target lists fewer than two zones whose rules are known here")
    key = target.key()
    answers = [target.send(target.valid(name, key=key, timezone=name, cron=target.cron(45, 6))) for name in places]
    given_not_for_their_keys(target, answers[1:])
    given(given_accepted(answers)[:1], rests_on=IN_ZONES).satisfies(why_another_time, place="nextRun")
    expect(answers[1:]).satisfies(why_another_time, place="nextRun")


@pytest.fixture(scope="module")
def changes(target, listed):
    """The next two changes of each zone of the sample that are not too near: the zone, and the change's instant."""
    count = target.pick(smoke=0, standard=3, thorough=len(zones.CHANGING))
    begin = target.now + SOON
    found = [
        (name, change)
        for name in [each for each in zones.CHANGING if each in listed][:count]
        for change in cron.changes(zones.zone(name), begin.replace(second=0, microsecond=0), YEAR)[:2]
    ]
    if not found:
        raise NotApplicableError("the target lists no zone with daylight saving whose rules are known here")
    return found


def on_the_day(name, change, minutes, label):
    """A zone, a pattern of the minute so many ``minutes`` from a change of its clocks, and what it is called."""
    local = (change + timedelta(minutes=minutes)).astimezone(zones.zone(name))
    return name, f"{local.minute} {local.hour} {local.day} {local.month} *", f"{name}, {label} a change"


def send_rows(target, rows):
    return target.send_carried((label, {"timezone": name, "cron": pattern}) for name, pattern, label in rows)


@must("nextRun is right before and after the clocks change, on the day and the days beside it", clause=NEXT)
def test_changes_of_the_clocks_are_respected(target, changes, in_zones):
    given(in_zones, rests_on=IN_ZONES).satisfies(why_another_time, place="nextRun")
    # Clocks change in the morning: what is before that and on the same day tells the day's offset from the time's.
    steps = {"four hours after": 245, "just before": -95, "a day after": 27 * 60, "a day before": -26 * 60}
    most, fewest = target.pick(smoke=0, standard=2, thorough=4), target.pick(smoke=0, standard=1, thorough=4)
    rows = [
        on_the_day(name, change, minutes, label)
        for name, change in changes
        for label, minutes in list(steps.items())[: most if (name, change) == changes[0] else fewest]
    ]
    answers = given_taken(target, send_rows(target, rows))
    expect(answers).satisfies(why_another_time, place="nextRun")
    target.note(", ".join(f"{name} {change:%Y-%m-%d}" for name, change in changes))


def at_midnight(changes):
    """The changes at which the first hour of a day is skipped: software that goes back comes to the day before."""
    return [(name, change) for name, change in changes if change.astimezone(zones.zone(name)).hour == 1
            and (change - HOUR).astimezone(zones.zone(name)).hour == 23]  # fmt: skip


@pytest.fixture(scope="module")
def odd_times(target, changes):
    """Patterns of a local time that clocks skip, or show twice."""
    rows = []
    for name, change in [*changes[:2], *at_midnight(changes)] if target.profile < Profile.THOROUGH else changes:
        place = zones.zone(name)
        before, after = (each.astimezone(place).utcoffset() for each in (change - HOUR, change + HOUR))
        # Where clocks go on, the time they would have shown; where they go back, what they show once more.
        local = (change + before).replace(tzinfo=None) + timedelta(minutes=10 if after > before else -10)
        what = "a time that is skipped" if after > before else "a time that comes twice"
        rows.append((name, f"{local.minute} {local.hour} {local.day} {local.month} *", f"{name}, {what}"))
    return send_rows(target, rows)


@must("a local time that does not exist, or comes twice, is taken as one of its day", clause=NEXT)
def test_skipped_and_doubled_times_stay_within_their_day(target, odd_times, in_zones):
    given(in_zones, rests_on=IN_ZONES).satisfies(why_another_time, place="nextRun")
    expect(given_taken(target, odd_times)).satisfies(why_another_time, place="nextRun")


@info("which time a local time that does not exist, or comes twice, is taken as", clause=NEXT)
def test_reading_of_skipped_and_doubled_times(target, odd_times):
    told = given_accepted(odd_times)
    target.note(
        ", ".join(f"{each.request.label}: {visible(str(each.answer.document.get('nextRun')))}" for each in told)
    )


@must("names that are no zone are rejected", clause=CLAUSE, profile=Profile.SMOKE)
def test_names_of_no_zone_are_rejected(target, listed):
    names = [(label, name) for label, name in zones.NO_ZONES.items() if name not in listed]
    requests = [target.order(label=label, timezone=name) for label, name in names]
    expect(target.send_all(requests[: target.pick(smoke=1, standard=10, thorough=99)])).is_rejected()


@pytest.fixture(scope="module")
def otherwise(target):
    """How software may write a zone otherwise; whether these are zones is the target's affair."""
    chosen = list(zones.OTHER_SPELLINGS.items())[: target.pick(smoke=0, standard=3, thorough=99)]
    return target.send_all(target.valid(label, timezone=name) for label, name in chosen)


def offset(instant, place):
    """A zone's offset at an instant."""
    return instant.astimezone(place).utcoffset()


def is_success(exchange):
    return exchange.answer is not None and exchange.status // 100 == 2


@must("other spellings of a zone are accepted or rejected, and never a zone that was not asked for", clause=CLAUSE)
def test_other_spellings_are_never_taken_for_utc(target, otherwise):
    odd = [each for each in otherwise if each.status not in REJECTIONS and not is_success(each)]
    if odd:
        # That a key has been used before may be what is wrong.
        anew = [target.order(label=each.request.label, timezone=each.request.document["timezone"]) for each in odd]
        given(target.send_all(anew), rests_on=NO_ZONE).has_status(target.contract.success, *REJECTIONS)
    if served := [each for each in otherwise if is_success(each)]:
        expect(served).has_status(target.contract.success)
    places = {"lower case": "Europe/London", "upper case": "Europe/London", "a link": "America/New_York",
              "an older name": "Asia/Kolkata", "a trailing space": "Europe/London"}  # fmt: skip
    taken = [each for each in otherwise if each.status == target.contract.success and each.request.label in places]

    def judge(exchange):
        told = exchange.answer.document.get("timezone")
        meant = zones.zone(places[exchange.request.label])
        found = zones.zone(told) if isinstance(told, str) else None
        if found is None or all(offset(each, found) == offset(each, meant) for each in SEASONS):
            return None
        return f"{visible(exchange.request.document['timezone'])} was taken for {visible(told)}"

    if taken:
        expect(taken).satisfies(judge, place="timezone")
    if served:
        expect(served).satisfies(why_another_time, place="nextRun")


@info("how other spellings of a zone, offsets, abbreviations and the empty string are answered", clause=CLAUSE)
def test_reading_of_other_spellings(target, otherwise):
    answered = given(otherwise, rests_on=NEVER_5XX).has_status(target.contract.success, *REJECTIONS)
    target.note(
        ", ".join(
            f"{each.request.label}: {each.status}"
            + (f" ({visible(str(each.answer.document.get('timezone')))})" if each.status == 200 else "")
            for each in answered
        )
    )
