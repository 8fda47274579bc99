"""What every format tells alike: the run's headline, what went wrong with the run itself, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trigger_conformance.contract.quoting import shortened
from trigger_conformance.report.again import cleaning
from trigger_conformance.verdicts.verdict import ExitStatus

LONGEST_HEADER = 300
_MOST_LEFT = 10
_PLACE = re.compile(r"(.*?):(\d+): (.*)", re.DOTALL)


@dataclass(frozen=True)
class Headline:
    """What a run came to, in a few ``words``; ``kind`` is "conformant", "failed" or "inconclusive" and colours them."""

    words: str
    kind: str


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong with the run rather than with the target.

    ``rule`` is a fixed name, ``title`` and ``message`` tell it, ``place`` is the file and the line that it is about.
    """

    rule: str
    title: str
    message: str
    place: tuple[str, int] | None = None

    @property
    def gist(self) -> str:
        """The message without its place, which moves as the file is edited."""
        return self.message if self.place is None else _PLACE.sub(r"\3", self.message)


def headline(results: Mapping[str, Any]) -> Headline:
    """What ``results`` come to: the verdict on the target, or why the run is no pass whatever the target deserves."""
    verdict, status = results["verdict"], results.get("exit_status")
    kind = {"conformant": "conformant", "non-conformant": "failed"}.get(verdict, "inconclusive")
    if results.get("interrupted"):
        told = "interrupted" if verdict == "conformant" else f"{verdict}, interrupted"
        return Headline(told, "failed" if kind == "failed" else "inconclusive")
    if verdict == "non-conformant":
        return Headline(verdict, kind)
    if results["wrong_waivers"]:
        return Headline("failed: waivers are no longer true", "failed")
    if status == ExitStatus.SUITE_ERROR:
        return Headline("failed: an error in the suite", "failed")
    if status == ExitStatus.NOTHING_SELECTED:
        return Headline("nothing was selected", "inconclusive")
    return Headline(verdict, kind)


def aside(results: Mapping[str, Any]) -> str:
    """The verdict on the target in a sentence, where the headline tells of something else; "" where it does not."""
    verdict = results["verdict"]
    if verdict in headline(results).words or results.get("exit_status") == ExitStatus.NOTHING_SELECTED:
        return ""
    return f"What was decided of the target: {verdict}."


def requests(results: Mapping[str, Any]) -> str:
    """How many requests were sent, and how many of them removed what the others had made."""
    removing = results.get("removal_requests", 0)
    return f"{results['requests']} requests" + (f" ({removing} of them to remove what was made)" if removing else "")


@dataclass(frozen=True)
class Leftovers:
    """What a run could not remove: a sentence, the first ``things``, a line each, and the ``command`` that does.

    ``command`` is empty where nothing can be done, or needs to be.
    """

    sentence: str
    things: tuple[str, ...]
    command: str


def leftovers(results: Mapping[str, Any]) -> Leftovers | None:
    """What is left of a run on its target; None where nothing is."""
    left = results.get("left_behind", ())
    if not left:
        return None
    told = [f"{each['operation']} {each['id']} {each['name']}: {each['reason']}" for each in left[:_MOST_LEFT]]
    if len(left) > _MOST_LEFT:
        told.append(f"… and {len(left) - _MOST_LEFT} more, see results.json")
    one = len(left) == 1
    sentence = f"{len(left)} thing{' that the run made is' if one else 's that the run made are'} left behind"
    return Leftovers(sentence, tuple(told), cleaning(results))


def troubles(results: Mapping[str, Any]) -> list[Trouble]:
    """What went wrong with the run itself."""
    words = headline(results).words
    found = [_of_waiver(line) for line in results["wrong_waivers"]]
    if results["halted"]:
        found.append(Trouble("run-halted", f"conformance: {words}", results["halted"]))
    if results.get("interrupted"):
        told = "the run was interrupted: what was decided until then is shown"
        found.append(Trouble("run-interrupted", f"conformance: {words}", told))
    errors = results.get("suite_errors", ())
    found += [Trouble("suite-error", "conformance: an error in the suite", error) for error in errors]
    if results.get("exit_status") == ExitStatus.SUITE_ERROR and not errors:
        told = "the suite itself failed, so its verdict cannot be trusted: please report it"
        found.append(Trouble("suite-error", f"conformance: {words}", told))
    if results.get("exit_status") == ExitStatus.NOTHING_SELECTED:
        found.append(Trouble("nothing-selected", f"conformance: {words}", "the options select no requirement"))
    return found


def _of_waiver(line: str) -> Trouble:
    found = _PLACE.match(line)
    place = (found[1], int(found[2])) if found and len(found[2]) < 10 else None
    return Trouble("waiver-no-longer-true", "conformance: a waiver is no longer true", line, place)


@dataclass(frozen=True)
class Finding:
    """One bug to file: the entry of the results document, with the requirements that it names, the telling one first.

    A document older than findings has one for each requirement.
    """

    id: str
    title: str
    level: str
    requirements: tuple[Mapping[str, Any], ...]
    lines: tuple[str, ...]
    note: str | None
    not_judged: tuple[str, ...] = ()

    @property
    def first(self) -> Mapping[str, Any]:
        """The requirement that says most of it."""
        return self.requirements[0]

    @property
    def others(self) -> list[str]:
        """The ids of what else it violates."""
        return [each["id"] for each in self.requirements[1:]]

    @property
    def verdict(self) -> str:
        """What it amounts to: "violated", or "warned"."""
        return "violated" if any(each["verdict"] == "violated" for each in self.requirements) else "warned"


def findings(results: Mapping[str, Any]) -> list[Finding]:
    """The findings of a results document, what is violated first."""
    known = {each["id"]: each for each in results["requirements"]}
    if "findings" not in results:
        found = [
            _alone(each) for each in in_order(results["requirements"]) if each["verdict"] in ("violated", "warned")
        ]
    else:
        found = [
            Finding(
                id=each["id"],
                title=each["title"],
                level=each["level"],
                requirements=tuple(known[identity] for identity in each["requirements"] if identity in known),
                lines=tuple(each["reproduce"]["lines"]),
                note=each["reproduce"]["note"],
                not_judged=tuple(each["not_judged"]),
            )
            for each in results["findings"]
            if not known.keys().isdisjoint(each["requirements"])
        ]
    return sorted(found, key=lambda each: each.verdict != "violated")


def _alone(requirement: Mapping[str, Any]) -> Finding:
    reproduce = requirement.get("reproduce") or {"lines": [each["curl"] for each in requirement["evidence"][:1]]}
    return Finding(
        id=requirement["id"],
        title=requirement["id"],
        level=requirement["level"],
        requirements=(requirement,),
        lines=tuple(reproduce["lines"]),
        note=reproduce.get("note"),
    )


def titles(results: Mapping[str, Any]) -> dict[str, list[str]]:
    """Of each requirement that is part of a finding, or not judged because of one: the titles."""
    found: dict[str, list[str]] = {}
    for each in findings(results):
        for identity in (*(one["id"] for one in each.requirements), *each.not_judged):
            found.setdefault(identity, []).append(each.title)
    return found


def in_order(requirements: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Requirements with those last that generated requests decide: a named case says more."""
    return sorted(requirements, key=lambda each: each["id"].split(".")[1] == "fuzzing")


def why(requirement: Mapping[str, Any]) -> str:
    """Why a requirement has its verdict: the reason of its waiver, or its message."""
    waiver = requirement["waiver"]
    if not waiver:
        return str(requirement["message"])
    until = f"until {waiver['expires']}: " if waiver["expires"] else ""
    return f"{until}{waiver['reason']}"


def alike(requirements: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Requirements by why they have their verdict, in their order; what rests on one and the same has one reason."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for each in requirements:
        said = why(each)
        groups.setdefault(said.partition("\n")[0] if each.get("rests_on") else said, []).append(each)
    return groups


def header(value: str) -> str:
    """A header's value, cut where it is long."""
    more = f" ({len(value):,} characters)" if len(value) > LONGEST_HEADER else ""
    return f"{shortened(value, LONGEST_HEADER)}{more}"
