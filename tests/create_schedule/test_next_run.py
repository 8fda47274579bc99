"""nextRun: when a pattern comes next, worked out independently."""

import re

import pytest

from trigger_conformance.checks.expect import expect
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.requirement import Profile, Stage, must

from .grounds import ID, NEXT_RUN, VALID, accepted, given_accepted, given_listed, given_seen, plain
from .moments import moment, served, why_another_time, why_another_time_of
from .values import UTC

# What a label tells of a request.
CASES = "a pattern"

CLAUSE = "ScheduleObject.nextRun"
# Whose affair it is that patterns of a kind are accepted.
ACCEPTED = {
    kind: ID("cron", name)
    for kind, name in {
        "stars": "stars_are_accepted",
        "lists": "lists_are_accepted",
        "ranges": "ranges_are_accepted",
        "steps": "steps_are_accepted",
        "steps_of_ranges": "steps_of_ranges_are_accepted",
        "sundays": "both_sundays_are_accepted",
        "weekdays": "ranges_are_accepted",
        "last_days": "last_day_is_accepted",
        "last_weekdays": "last_weekday_is_accepted",
        "leap_days": "leap_day_is_accepted",
    }.items()
}


RIGHT = {
    "lists": ID("next_run", "times_of_lists_are_right"),
    "ranges": ID("next_run", "times_of_ranges_are_right"),
    "last_days": ID("next_run", "times_of_last_days_are_right"),
}


def kinds_in(pattern):
    """Of what may be in a pattern of any kind: which is; the last day of a weekday is one of the month's last days."""
    *fields, weekday = pattern.split()
    there = {
        "lists": any("," in field for field in fields),
        "ranges": any("-" in field for field in fields),
        "last_days": "L" in fields or "L" in weekday,
    }
    return {kind for kind, is_there in there.items() if is_there}


def kind_of(pattern):
    """What is special about a pattern: the kind whose requirement judges its next time."""
    minute, hour, day, month, weekday = pattern.split()
    if (day, month) == ("29", "2"):
        return "leap_days"
    if "L" in weekday:
        return "last_weekdays"
    if "L" in day:
        return "last_days"
    if weekday in ("0", "7"):
        return "sundays"
    if weekday != "*":
        return "weekdays"
    fields = (minute, hour, day, month)
    if any("/" in field for field in fields):
        return "steps_of_ranges" if any(re.search(r"-\d+/", field) for field in fields) else "steps"
    if any("-" in field for field in fields):
        return "ranges"
    if "*" in fields:
        return "stars"
    return "lists" if any("," in field for field in fields) else "plain"


@pytest.fixture(scope="module")
def by_kind(target, traffic):
    """The run's answers in UTC by the kind of their pattern; a part of the suite sends each kind itself."""
    found = {}
    for each in judged(target, traffic):
        if each.answer.document.get("timezone") == UTC:
            found.setdefault(kind_of(each.request.document["cron"]), []).append(each)
    return found


def judged(target, traffic):
    """Answers whose pattern is a readable one of five fields that everybody reads the same."""
    return [
        each
        for each in plain(accepted(target, traffic))
        if target.operation.why_not_as_asked(each) is None and len(each.request.document["cron"].split()) == 5
        and moment(each.answer.document.get("nextRun"))
    ]  # fmt: skip


def of_kind(target, by_kind, kind):
    """The run's answers of a kind, or to patterns of it that are sent now."""
    if kind in by_kind:
        return by_kind[kind]
    tables = target.tables()
    table = tables.get(kind) or {"a day half a year away": target.cron(20, 4)}
    if kind == "weekdays":
        table = {label: each for rows in tables.values() for label, each in rows.items() if kind_of(each) == kind}
    answers = target.send_all(target.valid(label, cron=each) for label, each in table.items())
    by_kind[kind] = given(answers, rests_on=ACCEPTED.get(kind, VALID)).is_accepted()
    return by_kind[kind]


def given_plain(target, by_kind):
    """The times of the plainest patterns are right, or most of them: some come when they should by chance."""
    plainest = of_kind(target, by_kind, "plain")
    held = given(plainest, rests_on=NEXT_RUN).satisfies(why_another_time, place="nextRun")
    if len(held) < len(plainest) / 2:
        rests(NEXT_RUN, "most of the plainest times are wrong", plainest)
    return held


def expect_right(target, by_kind, kind):
    """The next times of a kind are right, where those of the plainest patterns are."""
    given_plain(target, by_kind)
    answers = of_kind(target, by_kind, kind)
    elsewhere = {id(each): owner for each in answers if (owner := owner_elsewhere(by_kind, each, kind))}
    if judged := [each for each in answers if id(each) not in elsewhere]:
        expect(judged).satisfies(why_another_time, place="nextRun")
    if elsewhere:
        rests(
            next(iter(elsewhere.values())), "what else is in the pattern comes at other times by itself, too", answers
        )


def owner_elsewhere(by_kind, exchange, kind):
    """The requirement of another kind that a wrong pattern has, too, where that is wrong without this one; else ""."""
    if why_another_time(exchange) is None:
        return ""
    for other in kinds_in(exchange.request.document["cron"]) - {kind}:
        without = [each for each in by_kind.get(other, ()) if kind not in kinds_in(each.request.document["cron"])]
        if any(map(why_another_time, without)):
            return RIGHT[other]
    return ""


@must("nextRun is right for a minute, an hour, a day and a month", clause=CLAUSE, profile=Profile.SMOKE,
      stage=Stage.CLOSING)  # fmt: skip
def test_plain_times_are_right(target, by_kind):
    expect(of_kind(target, by_kind, "plain")).satisfies(why_another_time, place="nextRun")


@must("nextRun is right where a field has a star", clause=CLAUSE, stage=Stage.CLOSING)
def test_times_of_stars_are_right(target, by_kind):
    expect_right(target, by_kind, "stars")


@must("nextRun is right for lists", clause=CLAUSE, stage=Stage.CLOSING)
def test_times_of_lists_are_right(target, by_kind):
    expect_right(target, by_kind, "lists")


@must("nextRun is right for ranges", clause=CLAUSE, stage=Stage.CLOSING)
def test_times_of_ranges_are_right(target, by_kind):
    expect_right(target, by_kind, "ranges")


@must("nextRun is right for steps", clause=CLAUSE, stage=Stage.CLOSING)
def test_times_of_steps_are_right(target, by_kind):
    expect_right(target, by_kind, "steps")


@must("nextRun is right for steps of a range", clause=CLAUSE, stage=Stage.CLOSING)
def test_times_of_steps_of_ranges_are_right(target, by_kind):
    expect_right(target, by_kind, "steps_of_ranges")


@must("nextRun is right for days of the week", clause=CLAUSE, stage=Stage.CLOSING)
def test_times_of_weekdays_are_right(target, by_kind):
    expect_right(target, by_kind, "weekdays")


@must("nextRun is right for Sunday as 0 and as 7", clause=CLAUSE, stage=Stage.CLOSING)
def test_times_of_both_sundays_are_right(target, by_kind):
    expect_right(target, by_kind, "sundays")


@must("nextRun is right for the last day of the month", clause=CLAUSE, stage=Stage.CLOSING)
def test_times_of_last_days_are_right(target, by_kind):
    expect_right(target, by_kind, "last_days")


@must("nextRun is right for a weekday's last day of the month", clause=CLAUSE, stage=Stage.CLOSING)
def test_times_of_last_weekdays_are_right(target, by_kind):
    expect_right(target, by_kind, "last_weekdays")


@must("nextRun is right for 29 February", clause=CLAUSE, stage=Stage.CLOSING)
def test_time_of_a_leap_day_is_right(target, by_kind):
    expect_right(target, by_kind, "leap_days")


@must("after a second request with a key nextRun is that of its pattern", clause=CLAUSE, stage=Stage.CLOSING)
def test_second_request_moves_the_next_run(target, traffic, by_kind):
    given_plain(target, by_kind)
    updates = [each for each in judged(target, traffic) if not target.operation.is_new(each)]
    # What a pattern is in another zone is a requirement of its own.
    in_utc = [each for each in updates if each.answer.document.get("timezone") == UTC]
    simple = [each for each in in_utc if kind_of(each.request.document["cron"]) == "plain"]
    if not simple:
        key = target.key()
        simple = given_accepted([target.send(target.order(target.cron(minute), key)) for minute in (1, 2)])[1:]
    expect(simple).satisfies(why_another_time, place="nextRun")


@must("a schedule that is seen by its id has the right nextRun", clause="retrieveSchedule.responses.200",
      stage=Stage.CLOSING, cases="")  # fmt: skip
def test_seen_time_is_right(target, traffic, by_kind):
    firsts = given_plain(target, by_kind)
    # Where any of its answers was wrong already, that is what is told of a schedule.
    answers = judged(target, traffic)
    wrong = {target.operation.made(each) for each in answers if why_another_time(each)}
    right = {target.operation.made(each) for each in answers} - wrong
    looks = [each for each in traffic if is_look(each) and each.status == 200]
    looks = [each for each in looks if each.answer.document.get("id") in right]
    looks = looks or given_seen([target.send(target.at(target.operation.made(firsts[0])))])
    expect(looks).satisfies(why_another_time, place="nextRun")


def is_look(exchange):
    """Whether it is a look at one schedule."""
    return exchange.request.method == "GET" and "/schedules/" in exchange.request.target


@must(
    "schedules in the list have the right nextRun", clause="listSchedules.responses.200", stage=Stage.CLOSING, cases=""
)
def test_listed_times_are_right(target, traffic, by_kind):
    given_plain(target, by_kind)
    key, answers = target.operation.key, judged(target, traffic)
    # Where any of its answers was wrong already, that is what is told of a schedule.
    wrong = {key(each.request) for each in answers if why_another_time(each)}
    ours = {key(each.request): each for each in answers if key(each.request) not in wrong}
    pages = [each for each in traffic if each.request.method == "GET" and "?page=" in each.request.target]
    pages = [each for each in pages if each.status == 200] or given_listed(target.look())

    def judge(page):
        data = page.answer.document.get("data")
        for entry in data if isinstance(data, list) else ():
            mine = ours.get(entry.get("deduplicationKey")) if isinstance(entry, dict) else None
            if mine and (why := why_another_time_of(entry, *window(page))):
                return f"{mine.request.label or entry.get('id')}: {why}"
        return None

    expect(pages[-3:]).satisfies(judge, place="nextRun")


def window(page):
    """When what a page tells may have been worked out: since the run began."""
    first, last = served(page)
    return first.replace(hour=0, minute=0), last
