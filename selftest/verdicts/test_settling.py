"""What becomes of a check whose ground did not hold: a pure function of what its owner came to."""

import itertools
from dataclasses import replace
from datetime import date

import pytest

from trigger_conformance.checks.requirement import Level, Profile, Requirement, Stage
from trigger_conformance.verdicts.outcome import Outcome, Sight
from trigger_conformance.verdicts.settling import settled, unowned
from trigger_conformance.verdicts.verdict import Ending, Verdict, verdict_of
from trigger_conformance.verdicts.waivers import Waiver

TODAY = date(2026, 1, 1)
WAIVED = {"reason": "known", "link": None, "expires": None}
# What an owner may come to, and what that makes of a check that rests on it: its verdict, and what it says first.
OWNERS = {
    Verdict.PASSED: (Verdict.VIOLATED, "what was seen"),
    Verdict.VIOLATED: (Verdict.INCONCLUSIVE, "not judged: rests on x.y.owner, which is violated"),
    Verdict.WARNED: (Verdict.INCONCLUSIVE, "not judged: rests on x.y.owner, which has a warning"),
    Verdict.INCONCLUSIVE: (Verdict.INCONCLUSIVE, "not judged: rests on x.y.owner, which is inconclusive"),
    Verdict.SKIPPED: (Verdict.INCONCLUSIVE, "not judged: rests on x.y.owner, which is skipped"),
    Verdict.WAIVED: (Verdict.SKIPPED, "not judged: rests on x.y.owner, which is waived: known"),
}


def requirement(name, level=Level.MUST):
    return Requirement(f"x.y.{name}", level, "It holds.", "createBatch", Profile.SMOKE, Stage.HAND_WRITTEN)


def owner(verdict):
    endings = {
        Verdict.PASSED: Ending.HELD,
        Verdict.SKIPPED: Ending.NOT_APPLICABLE,
        Verdict.INCONCLUSIVE: Ending.BLOCKED,
    }
    waiver = WAIVED if verdict is Verdict.WAIVED else None
    return Outcome(
        requirement=requirement("owner"), ending=endings.get(verdict, Ending.BROKEN), verdict=verdict, waiver=waiver
    )


def resting(name, rests_on="x.y.owner", level=Level.MUST):
    return Outcome(
        requirement=requirement(name, level),
        ending=Ending.UNGROUNDED,
        verdict=verdict_of(Ending.UNGROUNDED, level, strict=False),
        message="what was seen",
        rests_on=rests_on,
    )


def verdicts(outcomes):
    return {each.requirement.id: each.verdict for each in outcomes}


@pytest.mark.parametrize("verdict", OWNERS)
@pytest.mark.parametrize("beside", [False, True], ids=["selected", "judged by itself"])
def test_ground_is_settled_by_its_owner(verdict, beside):
    among, alone = ([], [owner(verdict)]) if beside else ([owner(verdict)], [])
    found = settled([*among, resting("check")], alone)[-1]
    assert (found.verdict, found.message.splitlines()[0]) == OWNERS[verdict]
    assert "what was seen" in found.message


@pytest.mark.parametrize("verdict", OWNERS)
def test_what_only_confirms_is_no_judgement_where_its_owner_is_broken(verdict):
    found = settled([owner(verdict), replace(resting("check"), needed=False)])[-1]
    stands = verdict in (Verdict.VIOLATED, Verdict.WARNED, Verdict.WAIVED)
    assert found.verdict is (Verdict.PASSED if stands else OWNERS[verdict][0])
    assert bool(found.notes) is stands


def test_a_should_is_warned_of_and_under_strict_violated():
    check = resting("check", level=Level.SHOULD)
    assert settled([owner(Verdict.PASSED), check])[-1].verdict is Verdict.WARNED
    assert settled([owner(Verdict.PASSED), check], strict=True)[-1].verdict is Verdict.VIOLATED


def test_a_waiver_covers_what_settling_makes_a_violation():
    waivers = [Waiver(requirement="x.y.check", reason="known")]
    found = settled([owner(Verdict.PASSED), resting("check")], waivers=waivers, today=TODAY)[-1]
    assert found.verdict is Verdict.WAIVED
    assert found.waiver["reason"] == "known"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize(
    ("verdict", "middle", "last"),
    [
        (Verdict.PASSED, Verdict.VIOLATED, Verdict.INCONCLUSIVE),
        (Verdict.VIOLATED, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (Verdict.WAIVED, Verdict.SKIPPED, Verdict.INCONCLUSIVE),
    ],
)
def test_a_chain_is_settled_in_any_order(order, verdict, middle, last):
    chain = [owner(verdict), resting("middle"), resting("last", "x.y.middle")]
    found = verdicts(settled([chain[place] for place in order]))
    assert (found["x.y.middle"], found["x.y.last"]) == (middle, last)


ACCEPTED = "x.answers.valid_request_is_accepted"
PLAIN = replace(owner(Verdict.PASSED), requirement=replace(requirement("accepted"), id=ACCEPTED))
REFUSED = Sight(exchange=1, problem="expected 200, got 422", place="status", got="422")


def lacking(name, sight=REFUSED, **more):
    """A check that got no further, for a valid request beside what it asks about was refused."""
    return replace(resting(name), message=f"{name}: refused", sights=(sight,), **{"evidence": (9,), **more})


MANY = ["first", "second", "third", "fourth", "fifth"]
SIXTH = lacking("sixth", evidence=(7, 9))


def test_valid_requests_that_many_checks_saw_refused_are_told_once():
    found = settled([*map(lacking, MANY), SIXTH, owner(Verdict.PASSED), PLAIN])
    assert [each.verdict for each in found] == [*[Verdict.INCONCLUSIVE] * 6, Verdict.PASSED, Verdict.VIOLATED]
    assert {each.rests_on for each in found[:6]} == {ACCEPTED}
    assert (found[-1].evidence, found[-1].sights) == ((9, 7), (REFUSED,))
    assert found[-1].message.splitlines() == [
        "held where it was looked at by itself, and not in 6 other checks:",
        *(f"{name}: refused" for name in (*MANY, "sixth")),
    ]


@pytest.mark.parametrize(
    "odd",
    [
        replace(SIXTH, stated=True),
        replace(SIXTH, sights=(replace(REFUSED, got="400"),)),
        replace(SIXTH, sights=(REFUSED, replace(REFUSED, place="id"))),
        replace(SIXTH, requirement=replace(SIXTH.requirement, id="z.y.sixth")),
        replace(SIXTH, requirement=replace(SIXTH.requirement, level=Level.SHOULD)),
    ],
    ids=["its own statement", "another status", "more than a status", "another operation's", "a SHOULD"],
)
def test_fewer_are_cases_of_their_own(odd):
    found = verdicts(settled([*map(lacking, MANY), odd, owner(Verdict.PASSED), PLAIN]))
    assert [found[f"x.y.{name}"] for name in MANY] == [Verdict.VIOLATED] * 5
    assert found[ACCEPTED] is Verdict.PASSED


def test_a_requirement_that_is_judged_beside_the_selection_is_not_told_in_its_checks_place():
    found = settled([*map(lacking, MANY), SIXTH], [owner(Verdict.PASSED), PLAIN])
    assert {each.verdict for each in found} == {Verdict.VIOLATED}


def test_a_waiver_of_who_says_it_covers_what_many_checks_saw():
    waivers = [Waiver(requirement=ACCEPTED, reason="known")]
    found = settled([*map(lacking, MANY), SIXTH, owner(Verdict.PASSED), PLAIN], waivers=waivers, today=TODAY)
    assert [each.verdict for each in found] == [*[Verdict.SKIPPED] * 6, Verdict.PASSED, Verdict.WAIVED]


UNSEALED = Sight(exchange=1, problem="expected sealed True, got False", place="sealed", got="200")
WIDE = ["a.one", "b.two", "c.three", "d.four", "d.five", "d.six"]


def unsealed(name, sight=UNSEALED):
    check = replace(requirement("check"), id=f"x.{name}")
    return replace(resting("check"), requirement=check, sights=(sight,), message=name)


def test_what_is_wrong_in_many_areas_is_told_of_its_owner():
    found = settled([*map(unsealed, WIDE), owner(Verdict.PASSED)])
    assert [each.verdict for each in found] == [*[Verdict.INCONCLUSIVE] * 6, Verdict.VIOLATED]
    assert found[-1].message.splitlines()[1:] == WIDE


@pytest.mark.parametrize(
    "some",
    [WIDE[:5], [*WIDE[:3], "c.four", "c.five", "c.six"]],
    ids=["fewer checks", "fewer areas"],
)
def test_what_is_wrong_in_fewer_is_told_where_it_is_seen(some):
    found = settled([*map(unsealed, some), owner(Verdict.PASSED)])
    assert {each.verdict for each in found[:-1]} == {Verdict.VIOLATED}
    assert found[-1].verdict is Verdict.PASSED


def refused(area, problem="expected 200 or 400, got 402", place="status", got="402"):
    sight = Sight(exchange=1, problem=problem, place=place, got=got)
    named = replace(requirement("check"), id=f"x.{area}.check")
    return Outcome(requirement=named, ending=Ending.BROKEN, verdict=Verdict.VIOLATED, message=problem, sights=(sight,))


AREAS = ["names", "values", "http", "bodies"]


@pytest.mark.parametrize("name", ["only_documented_statuses", "valid_request_is_accepted"])
def test_a_status_that_requests_of_many_areas_get_is_told_once(name):
    general = replace(
        refused("answers", f"{name}: 402"), requirement=replace(requirement(name), id=f"x.answers.{name}")
    )
    found = settled([general, *map(refused, AREAS)])
    assert [each.verdict for each in found] == [Verdict.VIOLATED, *[Verdict.INCONCLUSIVE] * 4]
    assert {each.rests_on for each in found[1:]} == {f"x.answers.{name}"}
    assert found[1].message.splitlines()[0] == f"not judged: rests on x.answers.{name}, which is violated"


@pytest.mark.parametrize(
    "odd",
    [
        refused("names"),
        refused("bodies", "expected 401, got 402"),
        refused("bodies", "expected 200, got 402", place="body"),
        replace(refused("bodies"), sights=()),
        replace(refused("bodies"), verdict=Verdict.WAIVED),
    ],
    ids=["of fewer areas", "that was to be refused", "in the body", "without an answer", "that is waived"],
)
def test_a_status_that_fewer_get_is_told_where_it_is_seen(odd):
    name = "only_documented_statuses"
    general = replace(refused("answers"), requirement=replace(requirement(name), id=f"x.answers.{name}"))
    outcomes = [general, *map(refused, AREAS[:3]), odd]
    assert settled(outcomes) == outcomes


@pytest.mark.parametrize(("name", "got"), [("valid_request_is_accepted", "401"), ("never_a_server_error", "503")])
def test_a_status_that_says_nothing_of_what_was_asked_is_told_once_whatever_that_was(name, got):
    seen = [refused(area, f"expected 400, got {got}", got=got) for area in AREAS]
    general = replace(refused("answers", got=got), requirement=replace(requirement(name), id=f"x.answers.{name}"))
    found = settled([general, *seen])
    assert [each.verdict for each in found] == [Verdict.VIOLATED, *[Verdict.INCONCLUSIVE] * 4]


def test_what_many_checks_saw_refused_is_told_of_what_must_be_rejected_too():
    strange = replace(REFUSED, got="401")
    rejections = [refused(area, "expected 400, got 401", got="401") for area in AREAS]
    found = settled([*(lacking(name, strange) for name in MANY), lacking("sixth", strange), *rejections,
                     owner(Verdict.PASSED), PLAIN])  # fmt: skip
    assert [each.verdict for each in found[:-2]] == [Verdict.INCONCLUSIVE] * 10
    assert verdicts(found)[ACCEPTED] is Verdict.VIOLATED


def test_a_circle_or_a_missing_owner_leaves_undecided():
    for outcomes in ([resting("a", "x.y.b"), resting("b", "x.y.a")], [resting("a", "x.y.a")], [resting("a", "x.y.no")]):
        assert set(verdicts(settled(outcomes)).values()) == {Verdict.INCONCLUSIVE}


def test_what_is_rested_on_and_was_not_judged_is_named_once():
    outcomes = [resting("a"), resting("b"), resting("c", "x.y.a")]
    assert unowned(outcomes, {each.requirement.id: each for each in outcomes}) == ["x.y.owner"]
