"""A finding's title: the defect, from what came back, not the requirement."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from trigger_conformance.checks.requirement import Stage
from trigger_conformance.verdicts.outcome import Outcome, Sight

_MOST_CASES, _MOST_WANTED = 2, 3
_LONGEST = 160
_EXPECTED = re.compile(r"expected (\d{3}(?: or \d{3})*)")
# What a request is called by its kind, where the cases say no more.
_KINDS = {
    "replay": "a request whose {key} was used before",
    "together": "one of several requests that leave together with one {key}",
    "after a rejected one": "a request with the {key} of a rejected one",
    "after a refused one": "a request with the {key} of a refused one",
    "after a limited one": "a request with the {key} of a limited one",
    "after an abandoned one": "the retry of a request whose answer was not read",
}
_NEARLY_ALL = 0.9


def title(
    first: Outcome, sights: Sequence[Sight], statuses: Mapping[str, int], key: str = "key", *, wide: bool = False
) -> str:
    """What is wrong, by the most frequent of ``sights``; ``statuses`` counts all answers of the run.

    ``first`` is the most specific requirement of the finding; without any sight its message tells it. ``key`` is what
    its operation calls what makes two requests ask for one thing. A ``wide`` one shows in requests of whatever kind.
    """
    if not sights:
        return _short(first.message.partition("\n")[0] or first.requirement.statement)
    (kind, place, got), _ = Counter((each.kind, each.place, each.got) for each in sights).most_common(1)[0]
    alike = [each for each in sights if (each.kind, each.place, each.got) == (kind, place, got)]
    total = sum(statuses.values())
    if place == "status" and total and statuses.get(got, 0) >= _NEARLY_ALL * total:
        return f"everything is answered {got}"
    subject = f"{len(sights)} requests of many kinds" if wide else _subject(first, sights, alike, statuses, key)
    plural = wide or subject.endswith(" requests") or (" and " in subject and not subject.endswith(")"))
    match place:
        case "status":
            return _short(f"{subject} {'are' if plural else 'is'} answered {got}{_not_as_wanted(alike[0].problem)}")
        case "answer":
            return _short(f"{subject} {'get' if plural else 'gets'} no answer: {got}")
    return _short(f"{subject}: {alike[0].problem}")


def _subject(
    first: Outcome, sights: Sequence[Sight], alike: Sequence[Sight], statuses: Mapping[str, int], key: str
) -> str:
    if every := _every(sights, statuses):
        return every
    cases = list(dict.fromkeys(each.case for each in alike if each.case))
    by_kind = _KINDS.get(alike[0].kind, "").format(key=key)
    if first.requirement.stage is Stage.CLOSING and len(alike) > _MOST_CASES and not by_kind:
        return f"{len(alike)} requests"
    if cases and (named := first.requirement.cases):
        return named if cases == [named] else f"{named} ({_listed(cases)})"
    if by_kind and (len(cases) > _MOST_CASES or not cases):
        return by_kind
    return _listed(cases) or by_kind or "a valid request"


def _every(sights: Sequence[Sight], statuses: Mapping[str, int]) -> str:
    """ "every 202", where what is wrong is wrong with all the answers of one status or several."""
    counts = Counter(each.got for each in {each.exchange: each for each in sights}.values())
    whole = all(number >= max(2, _NEARLY_ALL * statuses.get(got, 0)) for got, number in counts.items())
    if not whole or any(each.place in ("status", "answer") for each in sights):
        return ""
    return f"every {' or '.join(sorted(counts))}"


def _listed(cases: Sequence[str]) -> str:
    if len(cases) <= _MOST_CASES:
        return " and ".join(cases)
    return f"{', '.join(cases[:_MOST_CASES])} and {len(cases) - _MOST_CASES} more"


def _not_as_wanted(problem: str) -> str:
    wanted = _EXPECTED.search(problem)
    many = wanted is None or len(wanted[1].split(" or ")) > _MOST_WANTED
    return "" if wanted is None or many else f", not {wanted[1]}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
