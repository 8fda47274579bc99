"""Two runs side by side: what got better, what got worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# From best to worst; verdicts of one rank are equally good.
_RANK = {"passed": 0, "observed": 0, "skipped": 1, "inconclusive": 2, "warned": 3, "waived": 3, "violated": 4}


@dataclass(frozen=True)
class Comparison:
    """The lines to tell, and whether anything got worse."""

    lines: list[str]
    worse: bool


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Comparison:
    """What changed from one results document to another."""
    before, after = ({each["id"]: each["verdict"] for each in results["requirements"]} for results in (old, new))
    better: list[str] = []
    worse: list[str] = []
    other: list[str] = []
    for identity in dict.fromkeys([*before, *after]):
        was, now = before.get(identity), after.get(identity)
        if was == now:
            continue
        line = f"  {identity}: {was or 'not there'} -> {now or 'not there'}"
        if was is None or now is None:
            other.append(line)
        else:
            (worse if _RANK[now] > _RANK[was] else better if _RANK[now] < _RANK[was] else other).append(line)
    lines = [f"{old['verdict']} ({old['started_at'][:19]}) -> {new['verdict']} ({new['started_at'][:19]})"]
    for title, entries in (("worse", worse), ("better", better), ("changed", other)):
        lines += [f"{title}:", *entries] if entries else []
    return Comparison(lines if len(lines) > 1 else [*lines, "no requirement changed"], bool(worse))
