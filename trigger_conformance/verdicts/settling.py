"""What becomes of checks whose ground did not hold, once it is known what its owners came to.

A pure function over all outcomes of a run, or of the parts of one: the order of checks, workers and shards is nothing
to it (normative reading, "Verdicts").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from trigger_conformance.checks.requirement import Level
from trigger_conformance.verdicts.outcome import Outcome
from trigger_conformance.verdicts.verdict import Ending, Verdict, verdict_of
from trigger_conformance.verdicts.waivers import Waiver, applied

_BROKEN = (Verdict.VIOLATED, Verdict.WARNED)
_NOT_JUDGED = "not judged: rests on"
# What fails in so many checks that need it is no case of their own, though its owner did not meet with it.
_MANY = 3
_MOST_TOLD = 8
# A status that valid requests get in so many areas has nothing to do with what any of them asks about.
_GENERAL = ("only_documented_statuses", "valid_request_is_accepted")
_MANY_AREAS = 4
_EXPECTED_SUCCESS = re.compile(r"expected 2\d\d\b")


def settled(
    outcomes: Sequence[Outcome],
    beside: Iterable[Outcome] = (),
    *,
    waivers: Sequence[Waiver] = (),
    today: date = date.min,
    strict: bool = False,
) -> list[Outcome]:
    """``outcomes`` with a verdict each; owners of ground may be among them or ``beside`` them.

    Ground whose owner is violated leaves its check inconclusive; where the owner holds, what failed is a case of its
    own, and violated, but where it failed in many checks: then the owner is, by what they saw. An owner that is waived
    skips the check, for the same reason; without its owner it is undecided. What only confirms what was seen, and could
    not for its owner's sake, changes nothing.
    """
    outcomes = [applied(each, waivers, today) for each in _with_what_others_saw(outcomes)]
    known = {each.requirement.id: each for each in (*beside, *outcomes)}
    verdicts: dict[str, Outcome] = {}

    def settle(outcome: Outcome, above: frozenset[str]) -> Outcome:
        identity = outcome.requirement.id
        if outcome.ending is not Ending.UNGROUNDED:
            return outcome
        if identity not in verdicts:
            owner = known.get(outcome.rests_on) if outcome.rests_on not in above else None
            found = owner and settle(owner, above | {identity})
            verdicts[identity] = _with_owner(outcome, found, waivers, today, strict=strict)
        return verdicts[identity]

    return _without_consequences([settle(each, frozenset((each.requirement.id,))) for each in outcomes])


def _without_consequences(outcomes: list[Outcome]) -> list[Outcome]:
    """``outcomes``, where one status that valid requests of many areas got is told once, by who says it generally."""
    for name in _GENERAL:
        for owner in [each for each in outcomes if each.verdict is Verdict.VIOLATED and _name(each) == name]:
            for status in sorted({sight.got for sight in owner.sights}):
                outcomes = _without_those_of(owner, status, outcomes)
    return outcomes


def _without_those_of(owner: Outcome, status: str, outcomes: list[Outcome]) -> list[Outcome]:
    operation = owner.requirement.operation
    same = [
        each
        for each in outcomes
        if each is not owner and each.requirement.operation == operation and _is_refused_by(status, each)
    ]
    areas = {each.requirement.id.rpartition(".")[0] for each in same}
    if len(areas) < _MANY_AREAS:
        return outcomes
    why = f"{_NOT_JUDGED} {owner.requirement.id}, which is violated"
    told = {each.requirement.id for each in same}
    return [
        replace(_undecided(each, why), ending=Ending.UNGROUNDED, rests_on=owner.requirement.id)
        if each.requirement.id in told
        else each
        for each in outcomes
    ]


def _is_refused_by(status: str, outcome: Outcome) -> bool:
    """Whether all that is wrong is that requests that could succeed got the ``status``."""
    return (
        outcome.verdict in _BROKEN
        and bool(outcome.sights)
        and all(
            sight.place == "status" and sight.got == status and _EXPECTED_SUCCESS.search(sight.problem)
            for sight in outcome.sights
        )
    )


def _name(outcome: Outcome) -> str:
    return outcome.requirement.id.rpartition(".")[2]


def _with_what_others_saw(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """``outcomes``, where owners that hold are violated if many checks saw what they own fail."""
    saw: dict[str, list[Outcome]] = {}
    for each in outcomes:
        lacked = each.ending is Ending.UNGROUNDED and each.needed and not each.stated
        if lacked and each.requirement.level is Level.MUST:
            saw.setdefault(each.rests_on, []).append(each)
    return [
        _broken_by(each, others) if len(others := saw.get(each.requirement.id, ())) >= _MANY and _holds(each) else each
        for each in outcomes
    ]


def _holds(outcome: Outcome) -> bool:
    return outcome.ending is Ending.HELD and outcome.requirement.level is Level.MUST


def _broken_by(owner: Outcome, others: Sequence[Outcome]) -> Outcome:
    """The ``owner`` of what ``others`` saw fail: the first of their lines, and all their evidence."""
    told = [line for each in others for line in each.message.splitlines()[:1]]
    seen = "\n".join(list(dict.fromkeys(told))[:_MOST_TOLD])
    return replace(
        owner,
        ending=Ending.BROKEN,
        verdict=Verdict.VIOLATED,
        message=f"held where it was looked at by itself, and not in {len(others)} other checks:\n{seen}",
        evidence=tuple(dict.fromkeys(number for each in others for number in each.evidence)),
        sights=tuple(dict.fromkeys(sight for each in others for sight in each.sights)),
    )


def _with_owner(
    outcome: Outcome, owner: Outcome | None, waivers: Sequence[Waiver], today: date, *, strict: bool
) -> Outcome:
    """What ``outcome`` comes to beside its owner's own."""
    level, name = outcome.requirement.level, outcome.rests_on
    if owner is None:
        return _undecided(outcome, f"{_NOT_JUDGED} {name}, which the run did not judge")
    if owner.verdict is Verdict.PASSED:
        verdict = verdict_of(Ending.BROKEN, level, strict=strict)
        return applied(replace(outcome, verdict=verdict), waivers, today)
    if not outcome.needed and owner.verdict in (*_BROKEN, Verdict.WAIVED):
        said = f"judged by what was seen; that it lasts rests on {name}, which is {owner.verdict}"
        verdict = verdict_of(Ending.HELD, level, strict=strict)
        return replace(outcome, verdict=verdict, message="", sights=(), notes=(*outcome.notes, said))
    if owner.verdict in _BROKEN:
        word = "is violated" if owner.verdict is Verdict.VIOLATED else "has a warning"
        return _undecided(outcome, f"{_NOT_JUDGED} {name}, which {word}")
    if owner.verdict is Verdict.WAIVED:
        reason = (owner.waiver or {}).get("reason")
        return _undecided(outcome, f"{_NOT_JUDGED} {name}, which is waived: {reason}", Verdict.SKIPPED)
    return _undecided(outcome, f"{_NOT_JUDGED} {name}, which is {owner.verdict}")


def _undecided(outcome: Outcome, why: str, verdict: Verdict = Verdict.INCONCLUSIVE) -> Outcome:
    # What is settled once more, as the parts of a run are, says why but once.
    seen = "\n".join(line for line in outcome.message.splitlines() if not line.startswith(_NOT_JUDGED))
    message = f"{why}\n{seen}" if seen else why
    return replace(outcome, verdict=verdict, message=message)


def unowned(outcomes: Iterable[Outcome], judged: Mapping[str, Outcome]) -> list[str]:
    """The requirements that are not among those ``judged``, and that ``outcomes`` rest on."""
    return list(dict.fromkeys(each.rests_on for each in outcomes if each.rests_on and each.rests_on not in judged))
