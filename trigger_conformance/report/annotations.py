"""Findings where CI systems show them: beside a commit or a merge request, a line each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trigger_conformance.contract.quoting import bounded, harmless, lines, shortened, visible
from trigger_conformance.report.telling import Finding, findings, in_order, troubles

_MOST, _LARGEST, _LONGEST_MESSAGE = 50, 1000, 600
_MOST_OTHERS = 4
_SEVERITY = {"violated": "error", "warned": "warning"}


@dataclass(frozen=True)
class _Finding:
    """One thing to tell. ``check`` names the rule, ``same`` is the same wherever and whenever it is found again."""

    severity: str
    title: str
    message: str
    check: str
    same: str
    path: str
    line: int = 1


def _place(results: Mapping[str, Any], identity: str = "") -> str:
    """The operation that a requirement belongs to, as a place: there is no file of the target's to name."""
    places = {each["id"]: f"{each['method']} {each['path']}" for each in results.get("operations", ())}
    return places.get(identity.partition(".")[0]) or next(iter(places.values()), str(results["contract"]["title"]))


def _findings(results: Mapping[str, Any]) -> Iterator[_Finding]:
    for trouble in troubles(results):
        path, line = trouble.place or (_place(results), 1)
        same = f"{trouble.rule}: {trouble.gist}"
        yield _Finding("error", trouble.title, bounded(trouble.message), trouble.rule, same, path, line)
    if results["halted"]:
        return
    for found in findings(results):
        same = f"{found.verdict}: {found.id}"
        title = f"{found.verdict}: {found.title}"
        yield _Finding(_SEVERITY[found.verdict], title, _message(found), found.id, same, _place(results, found.id))
    for each in in_order(results["requirements"]):
        # What is not judged because of a finding is told with it.
        if each["verdict"] == "inconclusive" and not each.get("rests_on"):
            title = f"inconclusive: {each['id']}"
            yield _Finding("warning", title, _told(each), each["id"], title, _place(results, each["id"]))


def _told(requirement: Mapping[str, Any]) -> str:
    return f"{requirement['statement']}\n{shortened(bounded(requirement['message']), _LONGEST_MESSAGE)}"


def _message(found: Finding) -> str:
    """What it violates, why, and the shell lines where there is room for them: half of one is none."""
    told = _told(found.first) if found.title == found.id else f"{found.id}: {_told(found.first)}"
    if found.others:
        told += f"\nthe same cause violates {', '.join(found.others[:_MOST_OTHERS])}"
    if found.not_judged:
        told += f"\n{len(found.not_judged)} requirements are not judged because of it"
    shown = "\n".join(visible(line) for line in found.lines)
    return f"{told}\n{shown}" if shown and len(told) + len(shown) < _LARGEST else told


def _fitting(text: str, escape: Callable[[str], str]) -> str:
    """``text`` escaped, cut where it would be larger than an annotation should be."""
    kept, size = [], 0
    for character in harmless(lines(text)):
        kept.append(escape(character))
        size += len(kept[-1].encode("utf-8", "backslashreplace"))
        if size > _LARGEST:
            return "".join([*kept[:-1], "…"])
    return "".join(kept)


def _shown(results: Mapping[str, Any]) -> list[_Finding]:
    """Findings for a system that shows a few: errors first, the rest as their number."""
    findings = sorted(_findings(results), key=lambda each: each.severity)
    more = len(findings) - _MOST
    if more <= 0:
        return findings
    rest = _Finding("warning", "conformance: more findings", f"{more} more are in the report", "more-findings", "more",
                    _place(results))  # fmt: skip
    return [*findings[:_MOST], rest]


def github(results: Mapping[str, Any]) -> str:
    """Workflow commands of GitHub Actions, to be printed by a step."""
    lines = [
        f"::{each.severity} title={_fitting(visible(each.title), _property)}::{_fitting(each.message, _data)}"
        for each in _shown(results)
    ]
    return "".join(f"{line}\n" for line in lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def azure(results: Mapping[str, Any]) -> str:
    """Logging commands of Azure Pipelines, to be printed by a step."""
    lines = [
        f"##vso[task.logissue type={each.severity}]{_fitting(f'{visible(each.title)}: {each.message}', _azure)}"
        for each in _shown(results)
    ]
    return "".join(f"{line}\n" for line in lines)


def _azure(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def gitlab(results: Mapping[str, Any]) -> str:
    """A code quality report of GitLab (Code Climate's form)."""
    issues = [
        {
            "description": shortened(visible(f"{each.title}: {each.message.splitlines()[0]}"), 300),
            "content": {"body": each.message},
            "check_name": each.check,
            # The same finding must be recognised from one pipeline to the next.
            "fingerprint": hashlib.sha256(each.same.encode("utf-8", "surrogatepass")).hexdigest(),
            "severity": "major" if each.severity == "error" else "minor",
            "location": {"path": each.path, "lines": {"begin": each.line}},
        }
        for each in _findings(results)
    ]
    # In JSON an escape says the same as the character that it stands for.
    return harmless(json.dumps(issues, indent=1), "\\u003a", "\\u0023") + "\n"
