"""Many at once: requests whose last bytes leave together."""

import pytest

from trigger_conformance.checks.expect import REJECTIONS, InconclusiveError, NotApplicableError, expect
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import must

from .grounds import (
    BESIDE,
    DELETED,
    REPLACED,
    SUCCESS,
    given_accepted,
    given_listed,
    given_removals,
    given_shown,
    key_of,
    value_of,
)
from .removals import at_once
from .values import VALUE, difference

CLAUSE = "createEnvironmentVariable.responses.200"
# So many requests look on while a variable is removed.
LOOKED = 2


@pytest.fixture(scope="module")
def beside(target):
    """Requests with different names, sent at once, while a variable is removed."""
    given_shown(target)
    return target.once(at_once).made


@pytest.fixture(scope="module")
def races(target, beside):
    """Volleys of requests with one new name each, and what is seen after each: by the name, and in the list.

    The first list is that of the volley before, too; the last variable of that is looked at and removed meanwhile.
    """
    found, (looks, removals) = [], meanwhile(target, beside) if len(beside) > 1 else ([], [])
    for number in range(1, target.pick(smoke=0, standard=1, thorough=20) + 1):
        most = target.wire.burst_size(target.pick(smoke=3, standard=8, thorough=20))
        lanes = most - len(looks) - len(removals)
        name = target.key()
        # Of one length, so that what is a mixture of two has no other.
        orders = [
            target.order(chr(ord("A") + lane) * 40, name, f"volley {number}, lane {lane}")
            for lane in range(1, lanes + 1)
        ]
        # A look that has begun when the removal comes may remember what it saw.
        answers = target.send_together([*looks, *orders, *removals])[len(looks) :]
        found.append((name, answers[:lanes], target.send(target.at(name)), target.look(), answers[lanes:]))
        looks, removals = [], []
    return found


def meanwhile(target, beside):
    """Looks at a variable that nobody has seen yet, and at the list; and the variable's removal."""
    name = key_of(beside[-1].request)
    looks = [target.at(name, label="a look at what is removed meanwhile") for _ in range(LOOKED - 1)]
    looks.append(target.looking(label="the list meanwhile"))
    # Where few may leave at a time, they are those that make something.
    return looks if target.wire.burst_size(2 * LOOKED) == 2 * LOOKED else [], [target.removal(name)]


@must("concurrent requests with one new name are answered 200 or 400", clause=CLAUSE)
def test_concurrent_requests_with_one_name_are_answered(races):
    for _, answers, *_ in races:
        odd = [each for each in answers if each.status not in (SUCCESS, *REJECTIONS)]
        if odd and all((each.status or 500) < 500 for each in odd):
            # One after the other they may well be answered so, too.
            rests(REPLACED, f"{odd[0].request.label}: answered {odd[0].outcome}", odd)
        expect(answers).has_status(SUCCESS, *REJECTIONS)


@must(
    "after concurrent requests with one new name the list has it once", clause="listEnvironmentVariables.responses.200"
)
def test_concurrent_requests_with_one_name_make_one_variable(races):
    for name, answers, _, look, _ in races:
        _given_served(answers)
        given_listed(look)
        count = len(look.having([name])[name])
        expect(look.page).satisfies(
            lambda _, count=count: None if count <= 1 else f"expected the name once in the list, got it {count} times"
        )


@must("after concurrent requests with one new name its value is one of those that were accepted", clause=CLAUSE)
def test_concurrent_requests_with_one_name_leave_one_of_their_values(beside, races):
    for name, answers, look, page, _ in races:
        if look.status == 404:
            _given_others_made(beside, races)
        accepted = [value_of(each.request) for each in _given_served(answers)]
        listed = page.having([name])[name]

        sent = [value_of(each.request) for each in answers]

        def judge(exchange, accepted=accepted, listed=listed, sent=sent):
            if exchange.status != SUCCESS:
                return f"expected {SUCCESS}, got {exchange.outcome}"
            shown = exchange.answer.document.get(VALUE)
            if shown in sent and shown not in accepted:
                rests(REPLACED, "a value is seen that was rejected, or was not the last", [exchange])
            if shown not in accepted:
                return Problem(f"{difference(accepted[-1], shown)}, which no accepted request sent", VALUE)
            if len(listed) == 1 and listed[0] != shown and listed[0] in sent:
                rests(REPLACED, "its name and the list show values of two requests", [exchange])
            return Problem("the list has another value", VALUE) if len(listed) == 1 and listed[0] != shown else None

        expect(look).satisfies(judge)


def _others_made(beside, races):
    """Requests with different names, but for that of what was removed; and a judge of what the list has of each."""
    _, _, _, look, removed = races[0]
    gone = key_of(beside[-1].request) if removed else ""
    answers = [each for each in given_accepted(beside) if key_of(each.request) != gone]
    given_listed(look)
    listed = look.having(key_of(each.request) for each in answers)

    def judge(exchange):
        values = listed[key_of(exchange.request)]
        told = difference(value_of(exchange.request), values[-1]) if values else "the list does not have it"
        return Problem(told, VALUE) if told else None

    return answers, judge


def _given_others_made(beside, races):
    answers, judge = _others_made(beside, races)
    given(answers, rests_on=BESIDE).satisfies(judge)


def _given_served(answers):
    accepted = [each for each in answers if each.status == SUCCESS]
    if not accepted:
        raise InconclusiveError("none of the requests was accepted", answers)
    return accepted


@must("concurrent requests with different names make all of their variables", clause=CLAUSE)
def test_concurrent_requests_with_different_names_make_all(beside, races):
    answers, judge = _others_made(beside, races)
    expect(answers).satisfies(judge)


@must(
    "what is removed while variables are made, or while it is looked at, stays removed",
    clause="deleteEnvironmentVariable.responses.200",
)
def test_removals_while_others_are_made_hold(target, beside, races):
    _, _, _, look, removed = races[0]
    if not removed:
        raise NotApplicableError("one request at a time")
    given_listed(look)
    if removed[0].status == 404:
        rests(BESIDE, "what was made beside others is not there", removed)
    given(removed[:1], rests_on=DELETED).has_status(SUCCESS)
    name = key_of(beside[-1].request)
    there = look.having([name])[name]
    found = target.send(target.at(name, label="what was removed while it was looked at"))
    if there or found.status != 404:
        given_removals(target)
    expect(look.page).satisfies(lambda _: "what was removed is in the list again" if there else None)
    expect(found).has_status(404)
