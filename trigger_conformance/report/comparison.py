"""Two runs side by side: what got better, what got worse, and what can no longer be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trigger_conformance.contract.quoting import harmless, quoted, shortened, visible
from trigger_conformance.report.telling import findings, headline

# From best to worst; verdicts of one rank are equally good. What has no rank was not judged.
_RANK = {"passed": 0, "observed": 0, "warned": 1, "waived": 1, "violated": 2}
_TITLES = ("worse", "no longer judged", "better", "newly judged", "changed")
_LONGEST = 200
# What decides which requirements a run can judge at all.
_CHOOSING = ("profile", "contract", "suite version", "only", "level", "shard", "second_api_key", "press_rate_limit",
             "shared_key", "idempotency_wait_s")  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """The lines to tell, and whether anything got worse."""

    lines: list[str]
    worse: bool


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Comparison:
    """What changed from one results document to another.

    What is found wrong or could not be decided is worse, whether or not it was judged before. What is no longer judged
    is lost, never better; it is worse too where both runs were asked to judge the same.
    """
    before, after = ({each["id"]: each["verdict"] for each in results["requirements"]} for results in (old, new))
    asked = _circumstances(old, new)
    told: dict[str, list[str]] = {title: [] for title in _TITLES}
    for identity in dict.fromkeys([*before, *after]):
        was, now = before.get(identity), after.get(identity)
        if was != now:
            told[_change(was, now)].append(f"  {identity}: {was or 'not there'} -> {now or 'not there'}")
    lines = [f"{_told(old)} -> {_told(new)}"]
    lines += ["the runs were not asked for the same:", *asked.values()] if asked else []
    lines += _findings(old, new)
    for title, entries in told.items():
        lines += [f"{title}:", *entries] if entries else []
    lines += [] if any(told.values()) else ["no requirement changed"]
    worse = bool(told["worse"]) or bool(told["no longer judged"] and asked.keys().isdisjoint(_CHOOSING))
    return Comparison([harmless(visible(line)) for line in lines], worse)


def _findings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Findings that are new, gone, and still there, by their ids."""
    before, after = ({each.id: each.title for each in findings(results)} for results in (old, new))
    groups = {
        "new findings": [after[identity] for identity in after if identity not in before],
        "findings gone": [before[identity] for identity in before if identity not in after],
        "findings still there": [after[identity] for identity in after if identity in before],
    }
    told = [[f"{title}:", *(f"  {each}" for each in entries)] for title, entries in groups.items() if entries]
    return [line for lines in told for line in lines]


def _told(results: Mapping[str, Any]) -> str:
    return f"{headline(results).words} ({results['started_at'][:19]})"


def _change(was: str | None, now: str | None) -> str:
    """Which way it went from ``was`` to ``now``; None: the run did not have the requirement."""
    before, after = _RANK.get(was or ""), _RANK.get(now or "")
    if now == "inconclusive":
        return "worse"
    if after is None:
        return "changed" if before is None else "no longer judged"
    if (was, now) == ("inconclusive", "warned"):
        # Nothing was known before, and no MUST is broken.
        return "changed"
    if before is None:
        return "worse" if after else "better" if was == "inconclusive" else "newly judged"
    if "waived" in (was, now) and after and before:
        # A waiver changes nothing of the target; without it the violation counts again.
        return "worse" if was == "waived" and now == "violated" else "changed"
    return "worse" if after > before else "better" if after < before else "changed"


def _circumstances(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """In what the two runs differ besides their answers, a line each."""
    before, after = _asked(old), _asked(new)
    found = {}
    for name in dict.fromkeys([*before, *after]):
        was, now = (_value(asked.get(name)) for asked in (before, after))
        if was != now:
            found[name] = f"  {name}: {was} -> {now}"
    return found


def _asked(results: Mapping[str, Any]) -> dict[str, Any]:
    contract = results["contract"]
    return {
        "profile": results["profile"],
        "seed": results["seed"],
        "contract": f"{contract['version']}, sha256 {contract['sha256'][:12]}",
        "target": results["target"]["base_url"],
        "suite version": results["suite_version"],
        **results["target"]["options"],
    }


def _value(value: object) -> str:
    return shortened(value, _LONGEST) if isinstance(value, str) else quoted(value, _LONGEST)
