"""What becomes of checks whose ground did not hold, once it is known what its owners came to.

A pure function over all outcomes of a run, or of the parts of one: the order of checks, workers and shards is nothing
to it (normative reading, "Verdicts").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from trigger_conformance.checks.requirement import Level
from trigger_conformance.verdicts.outcome import Outcome, Sight
from trigger_conformance.verdicts.verdict import Ending, Verdict, verdict_of
from trigger_conformance.verdicts.waivers import Waiver, applied

_BROKEN = (Verdict.VIOLATED, Verdict.WARNED)
_NOT_JUDGED = "not judged: rests on"
# Who says of all requests what one status shows of many of them.
_UNDOCUMENTED, _ACCEPTED = "only_documented_statuses", "valid_request_is_accepted"
# What is wrong in so many areas has nothing to do with what any of them asks about; nor has a status that so many
# checks get where they ask for something beside it.
_MANY_AREAS, _MANY = 4, 6
_MOST_TOLD = 8
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
    own, and violated; an owner that is waived skips the check, for the same reason; without its owner it is undecided.
    What only confirms what was seen, and could not for its owner's sake, changes nothing. One status that many valid
    requests get is told once, of the requirement that says what they all are answered.
    """
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

    def leave_to(owner: Outcome, some: Iterable[Outcome], told: list[Outcome]) -> list[Outcome]:
        names = {each.requirement.id for each in some}
        return [
            _with_owner(_resting_on(owner, each), owner, waivers, today, strict=strict)
            if each.requirement.id in names
            else each
            for each in told
        ]

    found = [settle(each, frozenset((each.requirement.id,))) for each in outcomes]
    for name in (_UNDOCUMENTED, _ACCEPTED):
        for owner, some in _told_generally(name, found):
            found = leave_to(owner, some, found)
    for owner, some in (*_told_of_all(found), *_told_of_owners(found)):
        broken = applied(owner, waivers, today)
        found = [broken if each.requirement is owner.requirement else each for each in found]
        found = leave_to(broken, some, found)
    return found


def _told_generally(name: str, outcomes: Sequence[Outcome]) -> Iterator[tuple[Outcome, list[Outcome]]]:
    """Who says generally that a status is wrong, with those that saw the same one in requests of many areas."""
    for owner in [each for each in outcomes if each.verdict is Verdict.VIOLATED and _name(each) == name]:
        for status in sorted({sight.got for sight in owner.sights}):
            same = _refused_with(status, owner, outcomes)
            if len(_areas(same)) >= _MANY_AREAS:
                yield owner, same


def _told_of_all(outcomes: Sequence[Outcome]) -> Iterator[tuple[Outcome, list[Outcome]]]:
    """Who says that a valid request is accepted, as violated by those that many checks saw refused beside what they
    ask about, and those checks: the one that was sent to see whether it is had been accepted.
    """
    for owner in [each for each in outcomes if each.ending is Ending.HELD and _name(each) == _ACCEPTED]:
        beside = [
            [each for each in _refused_with(status, owner, outcomes) if _lacks_ground(each)]
            for status in sorted({sight.got for each in outcomes for sight in each.sights})
        ]
        if many := [each for some in beside if len(some) >= _MANY for each in some]:
            yield _broken_by(owner, many), many


def _told_of_owners(outcomes: Sequence[Outcome]) -> Iterator[tuple[Outcome, list[Outcome]]]:
    """Owners of ground as violated by what checks of many areas saw at one place of answers, and those checks: what is
    wrong there has nothing to do with what any of them asks about, though its owner did not meet with it.
    """
    saw: dict[tuple[str, str], list[Outcome]] = {}
    for each in outcomes:
        places = {sight.place for sight in each.sights}
        if _lacks_ground(each) and len(places) == 1 and places != {"status"}:
            saw.setdefault((each.rests_on, places.pop()), []).append(each)
    for owner in [each for each in outcomes if each.ending is Ending.HELD and each.requirement.level is Level.MUST]:
        many = [some for (name, _), some in saw.items() if name == owner.requirement.id]
        for some in many:
            if len(some) >= _MANY and len(_areas(some)) >= _MANY_AREAS:
                yield _broken_by(owner, some), some
                break


def _areas(outcomes: Iterable[Outcome]) -> set[str]:
    return {each.requirement.area for each in outcomes}


def _lacks_ground(outcome: Outcome) -> bool:
    return outcome.verdict is Verdict.VIOLATED and outcome.ending is Ending.UNGROUNDED and not outcome.stated


def _refused_with(status: str, owner: Outcome, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Those of the ``owner``'s operation of which all that is wrong is that what could succeed got the ``status``."""
    operation = owner.requirement.operation
    return [
        each
        for each in outcomes
        if each is not owner and each.requirement.operation == operation and each.verdict in _BROKEN and each.sights
        and all(_is_refused(sight, status) for sight in each.sights)
    ]  # fmt: skip


def _is_refused(sight: Sight, status: str) -> bool:
    expected = _EXPECTED_SUCCESS.search(sight.problem)
    return sight.place == "status" and sight.got == status and expected is not None


def _resting_on(owner: Outcome, outcome: Outcome) -> Outcome:
    name = owner.requirement.id
    return replace(outcome, ending=Ending.UNGROUNDED, verdict=Verdict.INCONCLUSIVE, rests_on=name, needed=True)


def _name(outcome: Outcome) -> str:
    return outcome.requirement.id.rpartition(".")[2]


def _broken_by(owner: Outcome, others: Sequence[Outcome]) -> Outcome:
    """The ``owner``, by what ``others`` saw: the first of their lines, and all their evidence."""
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
