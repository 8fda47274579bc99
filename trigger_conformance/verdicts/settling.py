"""What becomes of checks whose ground did not hold, once it is known what its owners came to.

A pure function over all outcomes of a run, or of the parts of one: the order of checks, workers and shards is nothing
to it (normative reading, "Verdicts").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from trigger_conformance.verdicts import told_once
from trigger_conformance.verdicts.outcome import Outcome
from trigger_conformance.verdicts.verdict import BROKEN, Ending, Verdict, verdict_of
from trigger_conformance.verdicts.waivers import Waiver, applied

_NOT_JUDGED = "not judged: rests on"


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

    def tell(telling: Callable[[Sequence[Outcome]], Iterable[told_once.Told]], told: list[Outcome]) -> list[Outcome]:
        for owner, some in telling(told):
            broken = applied(owner, waivers, today)
            told = [broken if each.requirement is owner.requirement else each for each in told]
            told = leave_to(broken, some, told)
        return told

    found = [settle(each, frozenset((each.requirement.id,))) for each in outcomes]
    for telling in told_once.IN_ORDER:
        found = tell(telling, found)
    return found


def _resting_on(owner: Outcome, outcome: Outcome) -> Outcome:
    name = owner.requirement.id
    return replace(outcome, ending=Ending.UNGROUNDED, verdict=Verdict.INCONCLUSIVE, rests_on=name, needed=True)


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
    if not outcome.needed and owner.verdict in (*BROKEN, Verdict.WAIVED):
        said = f"judged by what was seen; that it lasts rests on {name}, which is {owner.verdict}"
        verdict = verdict_of(Ending.HELD, level, strict=strict)
        return replace(outcome, verdict=verdict, message="", sights=(), notes=(*outcome.notes, said))
    if owner.verdict in BROKEN:
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
