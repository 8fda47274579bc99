"""The terminal summary: the verdict first, then the findings, each with what to do about it."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from trigger_conformance.contract.quoting import harmless, shortened, visible
from trigger_conformance.report import again
from trigger_conformance.report.telling import Finding, alike, aside, findings, headline, in_order, leftovers, requests

_STYLE = {"conformant": "bold green", "failed": "bold red", "inconclusive": "bold yellow"}
_MARK = {"violated": ("✗", "red"), "warned": ("!", "yellow"), "inconclusive": ("?", "yellow"), "skipped": ("-", "dim"),
         "observed": ("i", "cyan")}  # fmt: skip
_MOST_LINES, _MOST_IDS, _MOST_NAMED, _LONGEST_QUOTE, _LONGEST_LINE = 6, 20, 6, 200, 300


def summary(document: Mapping[str, Any], report_dir: Path, stream: TextIO, *, brief: bool = False) -> None:
    """Print a results document to ``stream``; ``brief`` is the verdict, its reason and where the reports are.

    The verdict comes first, and last again where much stands between.
    """
    console = Console(file=stream, highlight=False, soft_wrap=True)
    console.print()
    told = headline(document)
    verdict = ((told.words.upper(), _STYLE[told.kind]), "  ", document["target"]["base_url"])
    _say(console, *verdict)
    for problem in (*document.get("suite_errors", ()), *document["wrong_waivers"]):
        _say(console, (problem, "red"))
    if said := aside(document):
        _say(console, said)
    if document["halted"]:
        _say(console, (document["halted"], "yellow"))
    elif not brief:
        _groups(console, document)
    _counts(console, document, report_dir)
    if not brief and not document["halted"]:
        _say(console, *verdict)


def _groups(console: Console, document: Mapping[str, Any]) -> None:
    by_verdict: dict[str, list[Mapping[str, Any]]] = {}
    for requirement in in_order(document["requirements"]):
        by_verdict.setdefault(requirement["verdict"], []).append(requirement)
    found = findings(document)
    _findings(console, document, "Findings", [each for each in found if each.verdict == "violated"])
    _findings(console, document, "Warnings", [each for each in found if each.verdict == "warned"])
    if found:
        _say(console, (f"  {again.hint(document)}", "dim"))
    _one_line_each(console, "Waived", by_verdict.get("waived", []))
    _one_line_each(console, "Inconclusive", by_verdict.get("inconclusive", []))
    _one_line_each(console, "Skipped", by_verdict.get("skipped", []))
    _one_line_each(console, "Observed", by_verdict.get("observed", []))
    noted = [each for each in document["requirements"] if each["notes"] and each["verdict"] == "passed"]
    _one_line_each(console, "Notes", noted)
    for note in document["notes"]:
        _say(console, f"  {note}")


def _title(console: Console, title: str) -> None:
    console.print()
    _say(console, (title, "bold"))


def _findings(console: Console, document: Mapping[str, Any], title: str, findings: Sequence[Finding]) -> None:
    if findings:
        _title(console, title)
    for number, each in enumerate(findings, 1):
        _finding(console, document, each, number)


def _finding(console: Console, document: Mapping[str, Any], finding: Finding, number: int) -> None:
    requirement = finding.first
    mark, style = _MARK[finding.verdict]
    _say(console, (f"  {mark} {number}. ", style), (finding.title, "bold"), f"  {finding.level}")
    words = textwrap.shorten(requirement["clause"]["text"], _LONGEST_QUOTE, placeholder=" …")
    _say(console, (f"      {requirement['clause']['name']}  “{words}”", "dim"))
    _say(console, "      ", (requirement["id"], "bold"), f"  {requirement['statement']}")
    lines = requirement["message"].splitlines()
    for line in lines[:_MOST_LINES]:
        _say(console, f"        {_short(line)}")
    if len(lines) > _MOST_LINES:
        _say(console, (f"        … and {len(lines) - _MOST_LINES} more, see results.json", "dim"))
    _ids(console, "the same cause violates", finding.others)
    _ids(console, "not judged because of it", finding.not_judged)
    for line in finding.lines:
        _say(console, (f"        {line}", "cyan"))
    if finding.note:
        _say(console, (f"        ({finding.note})", "dim"))
    _say(console, (f"        {again.command(document, requirement['id'])}", "dim"))


def _ids(console: Console, title: str, identities: Sequence[str]) -> None:
    if identities:
        more = f" and {len(identities) - _MOST_NAMED} more" if len(identities) > _MOST_NAMED else ""
        _say(console, (f"      {title}: {', '.join(identities[:_MOST_NAMED])}{more}", "dim"))


def _one_line_each(console: Console, title: str, requirements: Iterable[Mapping[str, Any]]) -> None:
    requirements = list(requirements)
    if not requirements:
        return
    _title(console, title)
    for why, members in alike(requirements).items():
        if len(members) > 2 and why and not any(each["notes"] for each in members):
            _together(console, why, members)
            continue
        for requirement in members:
            mark, style = _MARK.get(requirement["verdict"], ("i", "cyan"))
            said = " ".join([*why.splitlines()[:1], *requirement["notes"]]) or requirement["statement"]
            _say(console, (f"  {mark} ", style), requirement["id"], f"  {_short(said)}")


def _together(console: Console, why: str, requirements: Sequence[Mapping[str, Any]]) -> None:
    """Several requirements that have one reason: the reason once, then which they are."""
    mark, style = _MARK.get(requirements[0]["verdict"], ("i", "cyan"))
    said = _short(why.splitlines()[0])
    _say(console, (f"  {mark} ", style), f"{len(requirements)} requirements: {said}")
    for requirement in requirements[:_MOST_IDS]:
        _say(console, f"      {requirement['id']}")
    if len(requirements) > _MOST_IDS:
        _say(console, (f"      … and {len(requirements) - _MOST_IDS} more, see results.json", "dim"))


def _counts(console: Console, document: Mapping[str, Any], report_dir: Path) -> None:
    counts = Counter(requirement["verdict"] for requirement in document["requirements"])
    order = ("violated", "warned", "inconclusive", "passed", "skipped", "observed", "waived")
    found = len(findings(document))
    console.print()
    if found:
        _say(console, f"{found} finding{'' if found == 1 else 's'}")
    _say(console, ", ".join(f"{counts[verdict]} {verdict}" for verdict in order if counts[verdict]))
    spent = f"{requests(document)}, {document['runs']} runs, {document['duration_s']:.1f} s"
    _say(console, f"{spent}, profile {document['profile']}, seed {document['seed']}")
    _leftovers(console, document)
    _say(console, f"reports: {report_dir}")


def _leftovers(console: Console, document: Mapping[str, Any]) -> None:
    left = leftovers(document)
    if left is None:
        return
    _say(console, (left.sentence, "yellow"))
    for line in left.things:
        _say(console, f"  {_short(line)}")
    if left.command:
        _say(console, (f"  {left.command}", "cyan"))


def _short(text: str) -> str:
    return shortened(visible(text), _LONGEST_LINE)


def _say(console: Console, *pieces: str | tuple[str, str]) -> None:
    """A line of texts, those with a style in it; none can steer a terminal, for results may be anybody's."""
    styled = [(each, "") if isinstance(each, str) else each for each in pieces]
    console.print(Text.assemble(*((harmless(visible(text)), style) for text, style in styled)))
