"""A name that is there already, and requests that fail: what is seen of its variable afterwards."""

from dataclasses import dataclass

import pytest

from trigger_conformance.checks.expect import REJECTIONS, InconclusiveError, expect
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import info, must
from trigger_conformance.wire.exchange import Exchange

from .client import Look
from .grounds import (
    ID,
    LIST_SCHEMA,
    REPLACED,
    SUCCESS,
    THERE,
    given_accepted,
    given_listed,
    given_shown,
    key_of,
    value_of,
    why_not_the_value,
)
from .values import NAME, VALUE, difference

REFUSED = ID("taken_names", "refused_request_changes_nothing")
CLAUSE = "createEnvironmentVariable.responses"
OF_OTHERS = "a value beside it"
DASH = "a dash for an underscore"


@pytest.fixture(scope="module")
def taken(target):
    """A variable, a second request with its name, and what is seen of it then, by its name and in the list."""
    given_shown(target)
    first = target.send(target.order("the first value", label="first"))
    given_accepted(first)
    # What a change of its name's variable may hit, too.
    names = beside(first)
    others = target.send_all(target.order(OF_OTHERS, name, label) for label, name in names.items())
    if others[-1].status in REJECTIONS:
        others.append(target.send(target.order(OF_OTHERS, names[DASH].replace("-", "A"), "another letter for it")))
    # Who has seen it may remember it, whatever comes in by another connection.
    target.send(target.at(key_of(first.request)))
    second = target.send(target.order("another value, the second", key_of(first.request), "second"), fresh=True)
    return first, second, target.send(target.at(key_of(first.request))), target.look(), others


def beside(first):
    """Names of variables beside the one that is asked for twice, by what they have of its name."""
    name = key_of(first.request)
    before, _, behind = name.rpartition("_")
    return {
        "a name that ends with it": f"{name.rsplit('_', 2)[0]}_A_{name}",
        "a name that begins with it": f"{name}_B",
        DASH: f"{before}-{behind}",
    }


# New values that software takes for none: of which of four variables, and which requirement says whether the value is
# kept at all. Larger profiles tell apart what the two long ones have together.
NO_NEW_VALUES = {
    "the value that is there": (0, "another value, the second", ""),
    "the empty value": (1, "", "empty_value_is_kept"),
    "what masks are": (2, "********", "secrets_are_kept"),
    "300 characters": (3, f"{'x' * 299}a", "long_values_are_kept"),
    "the first value again": (0, "the first value", ""),
    "spaces around": (1, " a new value ", "white_space_around_is_kept"),
    "marks of replacing": (2, "p$&q$$r$1", "variables_in_values_are_kept"),
    "300 characters, the last in another letter case": (3, f"{'x' * 299}A", ""),
    "NUL": (0, "a\0b", "control_characters_are_kept"),
    "a value in capitals": (1, "A NEW VALUE", ""),
    "300 characters, another end": (3, f"{'x' * 299}2", ""),
    "the same in small letters": (1, "a new value", ""),
    "what it was before": (3, f"{'x' * 299}A", ""),
    "a new value and a space": (1, "a new value ", "white_space_around_is_kept"),
    "a number": (2, "1", "numbers_are_kept"),
    "a number that is as much": (2, "1.0", "numbers_are_kept"),
}


@dataclass(frozen=True)
class Round:
    """New values of several variables, what their requests were answered, and the list then."""

    answers: dict[str, Exchange]
    look: Look


@pytest.fixture(scope="module")
def replaced(target, taken):
    """Further requests with the names that are there: rounds of them, each with one of a name at most."""
    first, *_, page, others = taken
    names = [key_of(each.request) for each in (first, *others) if each.status == SUCCESS]
    # What of others is not there, or is there under another name, has requirements of its own.
    names = [name for name, values in page.having(names).items() if values or name == key_of(first.request)]
    waiting = list(NO_NEW_VALUES.items())[: target.pick(smoke=0, standard=8, thorough=len(NO_NEW_VALUES))]
    rounds = []
    while waiting:
        places = [place % len(names) for _, (place, *_) in waiting]
        count = next((at for at, place in enumerate(places) if place in places[:at]), len(places))
        orders = [target.order(value, names[place], label)
                  for (label, (_, value, _)), place in zip(waiting[:count], places, strict=False)]  # fmt: skip
        answers = {each.request.label: each for each in target.send_all(orders)}
        rounds.append(Round(answers, target.look()))
        waiting = waiting[count:]
    return rounds


@must(
    "a name that is there is answered 200, and the new value is seen, or 400, and the old one is",
    clause=CLAUSE,
)
def test_second_request_replaces_the_value_or_is_rejected(taken):
    first, second, look, page, _ = taken
    expect(second).has_status(SUCCESS, *REJECTIONS)
    last = second if second.status == SUCCESS else first
    expect(look).satisfies(why_not_the_value([last]))
    expect(page.page).satisfies(why_not_listed(page, last))


def why_not_listed(look, answer):
    """A judge of the list's page: where it has the variable of the ``answer``, it has the value that was sent."""
    listed = look.having([key_of(answer.request)])[key_of(answer.request)]
    told = difference(value_of(answer.request), listed[-1]) if listed else None
    return lambda _: Problem(f"in the list: {told}", VALUE) if told else None


@must("a new value of a variable leaves others, whose names have its name in them, as they are", clause=CLAUSE)
def test_new_value_leaves_others(target, taken):
    *_, page, others = taken
    labels = {key_of(each.request): each.request.label for each in others if each.status == SUCCESS}
    listed = page.having(labels)
    changed = [labels[name] for name, values in listed.items() if values and values[-1] != OF_OTHERS]
    expect(page.page).satisfies(lambda _: Problem(f"{changed[0]}: it has another value", VALUE) if changed else None)
    if lost := [name for name, values in listed.items() if not values]:
        if target.send(target.at(lost[0])).status == SUCCESS and labels[lost[0]] != DASH:
            rests(THERE, "what is seen by its name is not in the list", [page.page])
        expect(page.page).satisfies(lambda _: f"{labels[lost[0]]}: accepted, and the list does not have it")


@must(
    "a new value that says nothing new is taken as any other: it is seen, or it is rejected, and the old one is",
    clause=CLAUSE,
)
def test_odd_new_values_replace_or_are_rejected(target, taken, replaced):
    first, second, look, page, others = taken
    kept = second if second.status == SUCCESS else first
    given(second, rests_on=REPLACED).has_status(SUCCESS, *REJECTIONS)
    given(look, rests_on=REPLACED).satisfies(why_not_the_value([kept]))
    given(page.page, rests_on=REPLACED).satisfies(why_not_listed(page, kept))
    last = {key_of(each.request): value_of(each.request) for each in (kept, *others) if each.status == SUCCESS}
    for each in replaced:
        expect(each.answers.values()).has_status(SUCCESS, *REJECTIONS)
        last |= {key_of(answer.request): value_of(answer.request) for answer in each.answers.values()
                 if answer.status == SUCCESS}  # fmt: skip
        given_listed(each.look)
        for label, answer in each.answers.items():
            expect_last(target, label, answer, each.look, last[key_of(answer.request)])


def expect_last(target, label, answer, look, value):
    """After the ``answer`` the list has the ``value``: that of the request, or the one before where it is rejected."""
    name = key_of(answer.request)
    listed = look.having([name])[name]
    told = difference(value, listed[-1]) if listed else "the list does not have it"
    if listed and not isinstance(listed[-1], str):
        rests(LIST_SCHEMA, f"{label}: the list has no text", [look.page])
    owner = NO_NEW_VALUES[label][-1]
    if told and owner and is_changed(target, value_of(answer.request)):
        rests(ID("values", owner), f"{label}: {told}", [answer, look.page])
    expect(look.page).satisfies(lambda _: Problem(f"{label}: {told}", VALUE) if told else None)


def is_changed(target, value):
    """Whether a value is no more kept as the first one of its variable."""
    alone = target.send(target.order(value, label="the value of a new variable"))
    name = key_of(alone.request)
    look, listed = target.send(target.at(name)), target.look().having([name])[name]
    return alone.status != SUCCESS or why_not_the_value([alone])(look) is not None or listed != [value]


@info("whether a name that is there gets the new value or is rejected", clause=CLAUSE)
def test_reading_of_taken_names(target, taken):
    target.note(f"a second request with a name: {taken[1].outcome}")


def failing(target, name):
    """Requests with a ``name`` that must fail, by why; and the requirement that says so."""
    sound = target.order("a value of a request that fails", name).document
    wrong = target.credential("Bearer tr_conformance_no_such_key")
    return [
        (
            target.order(sound[VALUE], name, "a wrong credential", authorization=wrong),
            "authentication.wrong_key_is_refused",
        ),
        (target.request({NAME: name}, label="no value"), "bodies.missing_property_is_rejected"),
        (target.request({**sound, VALUE: 7}, label="a value that is a number"), "bodies.mistyped_property_is_rejected"),
        (target.request({**sound, VALUE: None}, label="a value that is null"), "bodies.mistyped_property_is_rejected"),
        (
            target.request(target.order("x", name).body[:-1], label="malformed JSON"),
            "bodies.malformed_json_is_rejected",
        ),
    ]


@pytest.fixture(scope="module")
def failed(target):
    """A variable, requests with its name that must fail, and what is seen of it after each kind of them."""
    given_shown(target)
    first = target.plain_ones().answers[1]
    refused, *rejected = failing(target, key_of(first.request))[: target.pick(smoke=2, standard=3, thorough=5)]
    found = {}
    for kind, several in (("refused", [refused]), ("rejected", rejected)):
        answers = [(target.send(request), ID(*owner.split("."))) for request, owner in several]
        found[kind] = (answers, target.send(target.at(key_of(first.request))))
    return first, found


def expect_unchanged(first, answers, look, *statuses):
    if not any(answer.status in statuses for answer, _ in answers):
        raise InconclusiveError("no request failed as it must", [answer for answer, _ in answers])
    taken = [(answer, owner) for answer, owner in answers if answer.status == SUCCESS]
    if taken:
        rests(taken[0][1], f"{taken[0][0].request.label}: accepted", [answer for answer, _ in taken])
    expect(look).satisfies(why_not_the_value([first]))


@must("a rejected request with a name that is there changes nothing", clause="createEnvironmentVariable.responses.400")
def test_rejected_request_changes_nothing(failed):
    first, found = failed
    given(found["refused"][1], rests_on=REFUSED).satisfies(why_not_the_value([first]))
    expect_unchanged(first, *found["rejected"], *REJECTIONS)


@must("a refused request with a name that is there changes nothing", clause="createEnvironmentVariable.responses.401")
def test_refused_request_changes_nothing(failed):
    first, found = failed
    expect_unchanged(first, *found["refused"], 401)


@must(
    "a request that was rejected or refused does not use up its name: the next one makes its variable",
    clause="createEnvironmentVariable.responses.400",
)
def test_failed_request_does_not_use_up_its_name(target):
    given_shown(target)
    # What neither of two uses up, both together do not.
    together = [after_failing(target, slice(0, 2))] if target.thrifty else []
    if not together or together[0].status != SUCCESS:
        together += [after_failing(target, slice(number, number + 1)) for number in range(3)]
    expect(together).is_accepted()


def after_failing(target, which):
    """The answer to a sound request with a new name, after some of the requests with it that must fail."""
    # The same ones as with a name that is there.
    name = target.key()
    chosen = failing(target, name)[which]
    for request, owner in chosen:
        answer = target.send(request)
        if answer.status == SUCCESS:
            rests(ID(*owner.split(".")), f"{request.label}: accepted", [answer])
    label = " and ".join(request.label for request, _ in chosen)
    return target.send(target.order("a value after it", name, f"its name after {label}"))
