"""Findings: of what was found wrong, what one cause explains, so that each is one bug to file.

Two requirements belong together where the same answers decided them, or the same kind of wrong answer to the same kind
of request. What is judged over all that was sent (and what is generated) repeats what a specific check says of a case:
it is told with it, and makes a finding of its own only by what no other explains. A pure function over outcomes.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from trigger_conformance.checks.requirement import Level, Stage
from trigger_conformance.verdicts import titles
from trigger_conformance.verdicts.outcome import Outcome, Sight
from trigger_conformance.verdicts.verdict import BROKEN, Ending, Verdict

_NOT_JUDGED = (Verdict.INCONCLUSIVE, Verdict.SKIPPED)
_GENERAL = (Stage.CLOSING, Stage.GENERATED)
_LEVELS = (Level.MUST, Level.SHOULD, Level.INFO)
_WANTED = re.compile(r"expected (\d{3})")
# Where one of these is wrong, nothing that the answer says beside is a finding of its own.
_WHOLE = ("", "status", "answer")
# So many kinds of requests that get one wrong answer have it in common.
_MANY = 4
_BODY = ("body", "media type")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One bug to file: the ``requirements`` that it violates, the most specific first, which names it.

    ``id`` is the same in every run that finds it, ``evidence`` are numbers of exchanges, ``not_judged`` what rests on
    these requirements and could not be seen.
    """

    id: str
    title: str
    level: Level
    requirements: tuple[str, ...]
    evidence: tuple[int, ...]
    not_judged: tuple[str, ...] = ()


@dataclass
class _Cause:
    """What goes on growing while requirements are added that one cause explains.

    A ``wide`` one shows in requests of whatever kind: what is said generally tells it best.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    keys: set[Hashable] = field(default_factory=set)
    wide: bool = False

    def add(self, outcome: Outcome, sights: Iterable[Sight]) -> None:
        sights = list(sights)
        if all(outcome is not each for each in self.outcomes):
            self.outcomes.append(outcome)
        self.sights += sights
        self.keys.update(key for sight in sights for key in _keys(sight))


def findings(
    outcomes: Sequence[Outcome], statuses: Mapping[str, int], keys: Mapping[str, str] | None = None
) -> list[Finding]:
    """The findings in a run's ``outcomes``; ``statuses`` counts all its answers by status.

    ``keys`` has by operation what it calls the key that makes two requests ask for one thing, where that is no "key".
    """
    broken = [each for each in outcomes if each.verdict in BROKEN]
    general = [each for each in broken if each.requirement.stage in _GENERAL]
    causes = _without_consequences(_joined([(each, each.sights) for each in broken if each not in general]))
    left = [(each, rest) for each in general if (rest := _unexplained(each, causes)) is not None]
    causes = _together([*causes, *_left_over(left)], general)
    owners = {each.rests_on for each in outcomes if each.rests_on}
    places = {each.requirement.id: number for number, each in enumerate(outcomes)}

    def rank(outcome: Outcome) -> tuple[object, ...]:
        requirement = outcome.requirement
        own, level = requirement.id in owners, _LEVELS.index(requirement.level)
        general = requirement.stage in _GENERAL
        return general, not own, level, -len(outcome.sights), places[requirement.id]

    for cause in causes:
        cause.outcomes.sort(key=rank)
        if cause.wide:
            cause.outcomes.sort(key=lambda each: each.requirement.stage is not Stage.CLOSING)
    causes.sort(key=lambda each: (_LEVELS.index(_level(each)), rank(each.outcomes[0])))
    return [_finding(each, outcomes, statuses, keys or {}) for each in causes]


def _joined(pieces: Iterable[tuple[Outcome, Sequence[Sight]]]) -> list[_Cause]:
    """Causes of requirements that share an answer, or a kind of wrong answer."""
    causes: list[_Cause] = []
    for outcome, sights in pieces:
        keys = {key for sight in sights for key in _keys(sight)}
        cause = _Cause()
        for each in [each for each in causes if each.keys & keys]:
            causes.remove(each)
            cause.outcomes += each.outcomes
            cause.sights += each.sights
            cause.keys |= each.keys
        cause.add(outcome, sights)
        causes.append(cause)
    return causes


def _without_consequences(causes: list[_Cause]) -> list[_Cause]:
    """Causes with what a wrong answer left behind: what comes of its key is nothing new."""
    for each in list(causes):
        for other in causes:
            if (
                each is not other
                and each.sights
                and all((sight.after, "status") in other.keys for sight in each.sights)
            ):
                other.outcomes += each.outcomes
                other.sights += each.sights
                other.keys |= each.keys
                causes.remove(each)
                break
    return causes


def _keys(sight: Sight) -> Iterator[Hashable]:
    """What two requirements have in common that one cause explains."""
    yield sight.exchange, sight.place
    yield sight.exchange, sight.problem
    if sight.place in ("status", "answer"):
        # Whoever has no credential is to be refused, with one status or another.
        wanted = "" if sight.kind.endswith("no credential") else _wanted(sight)
        yield sight.kind, sight.place, sight.got, wanted
    elif sight.place:
        yield sight.kind, sight.place


def _unexplained(outcome: Outcome, causes: Sequence[_Cause]) -> list[Sight] | None:
    """What of a general requirement no cause explains; None where nothing is left. It joins those that explain it."""
    left: list[Sight] = []
    known: set[Hashable] = set()
    for alike in _alike(outcome.sights):
        rest = alike
        for cause in causes:
            same = _says_the_same(cause, alike)
            told = alike if same else [each for each in rest if _covers(cause, each)]
            if told:
                cause.add(outcome, [])
                rest = [each for each in rest if each not in told]
            if same:
                known.add((alike[0].place, alike[0].got))
        left += rest
    # The same wrong answer to requests of another kind, which only this one looks at.
    left = [each for each in left if (each.place, each.got) not in known]
    left = _without_only_explanation(outcome, left, causes)
    return left if left or not outcome.sights else None


def _without_only_explanation(outcome: Outcome, left: list[Sight], causes: Sequence[_Cause]) -> list[Sight]:
    """What is wrong in a way that one cause alone is wrong in is the same, whatever was asked."""
    rest = []
    for alike in _alike(left):
        spoiling = [each for each in causes if any(_is_like(alike[0], sight) for sight in each.sights)]
        # Those that say what they wanted instead say most.
        same = [each for each in spoiling if any(_wanted(sight) == _wanted(alike[0]) for sight in each.sights)]
        spoiling = same or spoiling
        if len(spoiling) == 1:
            spoiling[0].add(outcome, [])
        else:
            rest += alike
    return rest


def _is_like(one: Sight, other: Sight) -> bool:
    """Whether two wrong answers are wrong in one way, to requests of whatever kind."""
    if not one.place or one.place != other.place:
        return False
    wanted = {_wanted(one), _wanted(other)} - {""}
    return one.place not in _WHOLE or (one.got == other.got and len(wanted) < 2)


def _wanted(sight: Sight) -> str:
    """The first of the statuses that were expected, where the problem says so."""
    found = _WANTED.search(sight.problem)
    return found[1] if found else ""


def _alike(sights: Iterable[Sight]) -> Iterable[list[Sight]]:
    groups: dict[Hashable, list[Sight]] = {}
    for each in sights:
        groups.setdefault((each.kind, each.place, each.got), []).append(each)
    return groups.values()


def _says_the_same(cause: _Cause, alike: Sequence[Sight]) -> bool:
    """Whether a cause is known by the same wrong answers as these, or by the same kind of them."""
    first = alike[0]
    if first.place and any((each.exchange, each.place) in cause.keys for each in alike):
        return True
    return bool(first.place) and any(
        (each.kind, each.place) == (first.kind, first.place) and (first.place not in _WHOLE or each.got == first.got)
        for each in cause.sights
    )


def _covers(cause: _Cause, sight: Sight) -> bool:
    """Whether what is wrong with this very answer explains that this is wrong with it too."""
    wide = (*_WHOLE, *(() if sight.place.startswith("header ") else _BODY))
    return any((sight.exchange, place) in cause.keys for place in wide)


def _left_over(left: Sequence[tuple[Outcome, list[Sight]]]) -> list[_Cause]:
    """Causes among general requirements alone: the wider first, with all that it explains."""
    causes: list[_Cause] = []
    for outcome, sights in sorted(left, key=lambda each: _width(each[1])):
        for cause in causes:
            same = bool({key for sight in sights for key in _keys(sight)} & cause.keys)
            if same or (sights and all(_covers(cause, each) for each in sights)):
                cause.add(outcome, sights)
                break
        else:
            causes.append(_Cause())
            causes[-1].add(outcome, sights)
    return causes


def _together(causes: list[_Cause], general: Sequence[Outcome]) -> list[_Cause]:
    """One cause in place of many that one general requirement repeats, all by the same wrong answer."""
    for outcome in (each for each in general if each.requirement.stage is Stage.CLOSING):
        for answer in dict.fromkeys((each.place, each.got) for each in outcome.sights if each.place in _WHOLE[1:]):
            alike = [each for each in causes if outcome in each.outcomes and _is_all(each, answer)]
            if len(alike) >= _MANY:
                causes = [each for each in causes if each not in alike] + [_as_one(alike)]
    return causes


def _is_all(cause: _Cause, answer: tuple[str, str]) -> bool:
    return all((each.place, each.got) == answer for each in cause.sights)


def _as_one(causes: Sequence[_Cause]) -> _Cause:
    whole = _Cause(wide=True)
    for cause in causes:
        for outcome in cause.outcomes:
            whole.add(outcome, ())
        whole.sights += cause.sights
        whole.keys |= cause.keys
    return whole


def _width(sights: Sequence[Sight]) -> int:
    place = sights[0].place if sights else ""
    return 0 if place in _WHOLE else 1 if place in _BODY else 2


def _level(cause: _Cause) -> Level:
    return min((each.requirement.level for each in cause.outcomes), key=_LEVELS.index)


def _finding(
    cause: _Cause, outcomes: Sequence[Outcome], statuses: Mapping[str, int], keys: Mapping[str, str]
) -> Finding:
    first = cause.outcomes[0]
    sights = _own(first, cause) or list(first.sights)
    requirements = tuple(each.requirement.id for each in cause.outcomes)
    # The whole of a requirement's evidence is more than its wrong answers: what they are to be compared with, too.
    whole = len(sights) == len(first.sights) and first.evidence
    return Finding(
        id=first.requirement.id,
        title=titles.title(first, sights, statuses, keys.get(first.requirement.operation, "key"), wide=cause.wide),
        level=_level(cause),
        requirements=requirements,
        evidence=whole or tuple(dict.fromkeys(each.exchange for each in sights)),
        not_judged=tuple(_resting_on(requirements, outcomes)),
    )


def _own(first: Outcome, cause: _Cause) -> list[Sight]:
    """What the most specific requirement saw of the cause."""
    if cause.wide:
        answers = {(each.place, each.got) for each in cause.sights}
        return [each for each in first.sights if (each.place, each.got) in answers]
    numbers = {each.exchange for each in cause.sights}
    return [each for each in first.sights if each.exchange in numbers]


def _resting_on(requirements: Iterable[str], outcomes: Sequence[Outcome]) -> list[str]:
    """What rests on these, or on what rests on them, and was not judged."""
    known = set(requirements)
    found: list[str] = []
    undecided = [each for each in outcomes if each.ending is Ending.UNGROUNDED and each.verdict in _NOT_JUDGED]
    while more := [each.requirement.id for each in undecided
                   if each.rests_on in known and each.requirement.id not in known]:  # fmt: skip
        found += more
        known.update(more)
    return found
