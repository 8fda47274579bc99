"""What many checks saw go wrong for one reason that none of them asks about: who tells it once, and who rests on that.

Pure functions over the outcomes of a run whose grounds are settled: each gives owners of what went wrong, as violated,
with the outcomes that are then not judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from trigger_conformance.checks.requirement import Level
from trigger_conformance.verdicts.outcome import Outcome, Sight
from trigger_conformance.verdicts.verdict import BROKEN, Ending, Verdict

# Who says of all requests what one status shows of many of them.
UNDOCUMENTED, ACCEPTED = "only_documented_statuses", "valid_request_is_accepted"
FAILED = "never_a_server_error"
# What is wrong in so many areas has nothing to do with what any of them asks about; nor has a status that so many
# checks get where they ask for something beside it.
_MANY_AREAS, _MANY = 4, 6
_MOST_TOLD = 8
_EXPECTED_SUCCESS = re.compile(r"expected 2\d\d\b")
# Says nothing of what was asked: the target failed, or did not know its key.
_OF_THE_TARGET = re.compile(r"401|5\d\d")

Told = tuple[Outcome, list[Outcome]]


def generally(name: str, outcomes: Sequence[Outcome]) -> Iterator[Told]:
    """Who says generally that a status is wrong, with those that saw the same one in requests of many areas."""
    for owner in [each for each in outcomes if each.verdict is Verdict.VIOLATED and _name(each) == name]:
        for status in sorted({sight.got for sight in owner.sights}):
            same = _refused_with(status, owner, outcomes)
            if len(_areas(same)) >= _MANY_AREAS:
                yield owner, same


def of_all(outcomes: Sequence[Outcome]) -> Iterator[Told]:
    """Who says that a valid request is accepted, as violated by those that many checks saw refused beside what they
    ask about, and those checks: the one that was sent to see whether it is had been accepted.
    """
    for owner in [each for each in outcomes if each.ending is Ending.HELD and _name(each) == ACCEPTED]:
        beside = [
            [each for each in _refused_with(status, owner, outcomes) if _lacks_ground(each)]
            for status in sorted({sight.got for each in outcomes for sight in each.sights})
        ]
        if many := [each for some in beside if len(some) >= _MANY for each in some]:
            yield _broken_by(owner, many), many


def of_owners(outcomes: Sequence[Outcome]) -> Iterator[Told]:
    """Owners of ground as violated by what checks of many areas saw at one place of answers, and those checks: what is
    wrong there has nothing to do with what any of them asks about, though its owner did not meet with it.
    """
    saw: dict[tuple[str, str], list[Outcome]] = {}
    for each in outcomes:
        places = {sight.place for sight in each.sights}
        if _lacks_ground(each) and len(places) == 1 and places != {"status"}:
            saw.setdefault((each.rests_on, places.pop()), []).append(each)
    held = [each for each in outcomes if each.ending is Ending.HELD and each.requirement.level is Level.MUST]
    owners = {each.requirement.id: each for each in held}
    for (name, _), some in saw.items():
        if name in owners and len(some) >= _MANY and len(_areas(some)) >= _MANY_AREAS:
            yield _broken_by(owners.pop(name), some), some


def _areas(outcomes: Iterable[Outcome]) -> set[str]:
    return {each.requirement.area for each in outcomes}


def _lacks_ground(outcome: Outcome) -> bool:
    return outcome.verdict is Verdict.VIOLATED and outcome.ending is Ending.UNGROUNDED and not outcome.stated


def _refused_with(status: str, owner: Outcome, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Those of the ``owner``'s operation of which all that is wrong is that requests got the ``status``: such as could
    succeed, or any where the status says nothing of what was asked.
    """
    operation = owner.requirement.operation
    return [
        each
        for each in outcomes
        if each is not owner and each.requirement.operation == operation and each.verdict in BROKEN and each.sights
        and all(_is_refused(sight, status) for sight in each.sights)
    ]  # fmt: skip


def _is_refused(sight: Sight, status: str) -> bool:
    """Whether a request got the ``status`` that could have succeeded, or whatever was asked with it."""
    told = _OF_THE_TARGET.fullmatch(status) or _EXPECTED_SUCCESS.search(sight.problem)
    return sight.place == "status" and sight.got == status and told is not None


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


# Each before what it may leave less to: a valid request that many saw refused is what the last but one tells generally.
IN_ORDER: tuple[Callable[[Sequence[Outcome]], Iterable[Told]], ...] = (
    partial(generally, FAILED),
    partial(generally, UNDOCUMENTED),
    of_all,
    partial(generally, ACCEPTED),
    of_owners,
)
