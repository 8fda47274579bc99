"""Findings: what one cause explains is one, what it does not is another; pure, over made-up outcomes."""

import itertools

import pytest

from trigger_conformance.checks.requirement import Level, Profile, Requirement, Stage
from trigger_conformance.verdicts.findings import findings
from trigger_conformance.verdicts.outcome import Outcome, Sight
from trigger_conformance.verdicts.verdict import Ending, Verdict

STATUSES = {"202": 700, "400": 60, "401": 40, "422": 20, "500": 9}


def sights(numbers, problem, place="status", kind="new", got="422", cases=(), after=0):
    cases = [*cases, *[""] * len(numbers)]
    return tuple(
        Sight(exchange=number, problem=problem, place=place, kind=kind, got=got, case=case, after=after)
        for number, case in zip(numbers, cases, strict=False)
    )


def broken(name, seen=(), stage=Stage.HAND_WRITTEN, level=Level.MUST, verdict=Verdict.VIOLATED, cases="", **more):
    requirement = Requirement(f"x.y.{name}", level, f"{name} holds.", "createBatch", Profile.SMOKE, stage, cases)
    return Outcome(requirement=requirement, ending=Ending.BROKEN, verdict=verdict, sights=seen, message=name, **more)


def told(outcomes):
    return [[each.removeprefix("x.y.") for each in found.requirements] for found in findings(outcomes, STATUSES)]


REPLAYS = sights([1, 2, 3], "expected 202 and the existing batch, got 422", kind="replay")
HEADERS = sights(range(1, 60), "no x-trigger-jwt", "header x-trigger-jwt", got="202")
CASES = {
    "the same answers": (
        [broken("a", sights([1], "expected 202, got 422")), broken("b", sights([1, 2], "expected 202, got 422"))],
        [["b", "a"]],
    ),
    "the same kind of wrong answer to the same kind of request": (
        [broken("a", REPLAYS), broken("b", sights([7], "expected 202, got 422", kind="replay"))],
        [["a", "b"]],
    ),
    "another answer to the same kind of request": (
        [broken("a", REPLAYS), broken("b", sights([7], "expected 202, got 500", kind="replay", got="500"))],
        [["a"], ["b"]],
    ),
    "the same answer to another kind of request": (
        [broken("a", REPLAYS), broken("b", sights([7], "expected 202, got 422"))],
        [["a"], ["b"]],
    ),
    "what was expected differs": (
        [
            broken("a", sights([1], "expected 401, got 202", kind="no credential", got="202")),
            broken("b", sights([2], "expected 400 or 422, got 202", got="202")),
        ],
        [["a"], ["b"]],
    ),
    "another place of the same answer": (
        [broken("a", sights([1], "runCount is 1", "runCount")), broken("b", sights([1], "no message", "message"))],
        [["a"], ["b"]],
    ),
    "a general one that says the same": (
        [
            broken("general", sights([1, 2, 9], "422 is not documented", kind="replay"), Stage.CLOSING),
            broken("a", REPLAYS),
        ],
        [["a", "general"]],
    ),
    "a general one that says of the wrong answer what follows from it": (
        [
            broken("general", sights([1], "no runCount", "runCount"), Stage.CLOSING),
            broken("a", sights([1], "expected 400 or 422, got 202", got="202")),
        ],
        [["a", "general"]],
    ),
    "a general one that says more than a specific one explains": (
        [broken("general", HEADERS, Stage.CLOSING), broken("a", REPLAYS)],
        [["a", "general"], ["general"]],
    ),
    "a general one that repeats two causes": (
        [
            broken("general", sights([1, 5], "500", got="500"), Stage.CLOSING),
            broken("a", sights([1], "expected 400, got 500", got="500")),
            broken("b", sights([5], "expected 401, got 500", got="500")),
        ],
        [["a", "general"], ["b", "general"]],
    ),
    "general ones alone, the one that explains the other first": (
        [
            broken("message", sights([1, 2], "no message", "message"), Stage.CLOSING),
            broken("body", sights([1, 2], "no JSON", "body"), Stage.CLOSING),
        ],
        [["message", "body"]],
    ),
    "a generated one that one cause of two explains by what it wanted": (
        [
            broken("generated", sights([9], "expected 400 or 422, got 202", kind="replay", got="202"), Stage.GENERATED),
            broken("a", sights([1], "expected 400 or 422, got 202", got="202")),
            broken("b", sights([2], "answered 202", kind="DELETE method new", got="202")),
        ],
        [["a", "generated"], ["b"]],
    ),
    "one wrong answer to requests of many kinds": (
        [
            *(broken(f"a{n}", sights([n], "expected 202, got 500", kind=f"kind {n}", got="500")) for n in range(1, 5)),
            broken("general", sights(range(1, 6), "500", got="500"), Stage.CLOSING),
        ],
        [["general", "a1", "a2", "a3", "a4"]],
    ),
    "what a wrong answer left behind": (
        [
            broken("a", sights([1], "answered 202", kind="GET method new", got="202")),
            broken("b", sights([2], "expected a new batch", "isCached", kind="replay", got="202", after=1)),
        ],
        [["a", "b"]],
    ),
    "without any sight": ([broken("a"), broken("b")], [["a"], ["b"]]),
}


@pytest.mark.parametrize("case", CASES)
def test_what_one_cause_explains_is_one_finding(case):
    outcomes, wanted = CASES[case]
    assert sorted(map(sorted, told(outcomes))) == sorted(map(sorted, wanted))


@pytest.mark.parametrize("case", CASES)
def test_findings_do_not_hang_on_the_order_of_outcomes(case):
    outcomes, _ = CASES[case]
    orders = {
        tuple(sorted((each.id, each.requirements) for each in findings(order, STATUSES)))
        for order in itertools.permutations(outcomes)
    }
    # Which of two that say as much names a finding follows the suite's order, what belongs together does not.
    assert len({tuple(sorted(tuple(sorted(one)) for _, one in each)) for each in orders}) == 1


def test_every_broken_requirement_is_in_a_finding_and_nothing_else_is():
    outcomes = [outcome for found, _ in CASES.values() for outcome in found]
    passed = broken("passed", verdict=Verdict.PASSED)
    names = {name for each in told([*outcomes, passed]) for name in each}
    assert names == {each.requirement.id.removeprefix("x.y.") for each in outcomes}


def test_what_others_rest_on_names_the_finding_and_they_are_listed_with_it():
    resting = broken("rests", verdict=Verdict.INCONCLUSIVE, rests_on="x.y.owner")
    resting = Outcome(**{**vars(resting), "ending": Ending.UNGROUNDED})
    chained = Outcome(**{**vars(resting), "requirement": broken("chained").requirement, "rests_on": "x.y.rests"})
    (found,) = findings([broken("many", REPLAYS), broken("owner", REPLAYS[:1]), resting, chained], STATUSES)
    assert found.id == "x.y.owner"
    assert found.not_judged == ("x.y.rests", "x.y.chained")


def test_the_level_is_the_strongest_and_musts_come_first():
    should = broken("should", sights([9], "no message", "message"), level=Level.SHOULD, verdict=Verdict.WARNED)
    found = findings([should, broken("must", REPLAYS)], STATUSES)
    assert [(each.id, each.level) for each in found] == [("x.y.must", Level.MUST), ("x.y.should", Level.SHOULD)]


TITLES = {
    "a replay": (REPLAYS, "a request whose key was used before is answered 422, not 202"),
    "one case": (
        sights([1], "expected 400 or 422, got 202 Accepted", got="202", cases=["runCount 0"]),
        "runCount 0 is answered 202, not 400 or 422",
    ),
    "several cases": (
        sights([1, 2, 3], "expected 401, got 400", kind="no credential", got="400", cases=["no header", "Basic", "x"]),
        "no header, Basic and 1 more are answered 400, not 401",
    ),
    "many statuses wanted": (
        sights([1], "expected 202 or 400 or 422 or 413, got 403", got="403", cases=["1 MiB"]),
        "1 MiB is answered 403",
    ),
    "no answer": (sights([1], "connection closed", "answer", got="dropped"), "a valid request gets no answer: dropped"),
    "every answer": (
        sights(range(1, 42), "no WWW-Authenticate", "header www-authenticate", got="401"),
        "every 401: no WWW-Authenticate",
    ),
    "everything": (sights(range(1, 9), "expected 202, got 401", got="401"), "everything is answered 401"),
}


def test_one_answer_to_requests_of_many_kinds_is_called_so():
    outcomes, _ = CASES["one wrong answer to requests of many kinds"]
    assert findings(outcomes, STATUSES)[0].title == "5 requests of many kinds are answered 500"


TOKENS = {
    "labels say what tells them apart": (
        ["alg none", "alg None", "expired"],
        "a token (alg none, alg None and 1 more)",
    ),
    "a label says it all": (["a token"], "a token"),
    "no label": ([], "a valid request"),
}


@pytest.mark.parametrize("case", TOKENS)
def test_a_title_says_what_its_labelled_requests_have_in_common(case):
    labels, subject = TOKENS[case]
    seen = sights(range(1, 4), "expected 401, got 202", got="202", cases=labels)
    assert findings([broken("a", seen[: len(labels) or 1], cases="a token")], STATUSES)[0].title == (
        f"{subject} is answered 202, not 401"
    )


def test_a_title_calls_a_key_what_its_operation_does():
    (found,) = findings([broken("a", REPLAYS)], STATUSES, {"x": "name"})
    assert found.title == "a request whose name was used before is answered 422, not 202"


@pytest.mark.parametrize("case", TITLES)
def test_a_title_says_the_defect(case):
    seen, wanted = TITLES[case]
    statuses = {"401": 800} if case == "everything" else STATUSES
    assert findings([broken("a", seen)], statuses)[0].title == wanted
