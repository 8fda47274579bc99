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
_MOST_LINES, _MOST_IDS, _MOST_NAMED, _LONGEST_QUOTE = 6, 20, 6, 200


def summary(document: Mapping[str, Any], report_dir: Path, stream: TextIO, *, brief: bool = False) -> None:
    """Print a results document to ``stream``; ``brief`` is the verdict, its reason and where the reports are.

    The verdict comes first, and last again where much stands between.
    """
    console = Console(file=stream, highlight=False, soft_wrap=True)
    console.print()
    told = headline(document)
    verdict = Text.assemble((told.words.upper(), _STYLE[told.kind]), "  ", _plain(document["target"]["base_url"]))
    console.print(verdict)
    for problem in (*document.get("suite_errors", ()), *document["wrong_waivers"]):
        console.print(Text(_plain(problem), style="red"))
    if said := aside(document):
        console.print(said)
    if document["halted"]:
        console.print(Text(_plain(document["halted"]), style="yellow"))
    elif not brief:
        _groups(console, document)
    _counts(console, document, report_dir)
    if not brief and not document["halted"]:
        console.print(verdict)


def _groups(console: Console, document: Mapping[str, Any]) -> None:
    by_verdict: dict[str, list[Mapping[str, Any]]] = {}
    for requirement in in_order(document["requirements"]):
        by_verdict.setdefault(requirement["verdict"], []).append(requirement)
    found = findings(document)
    _findings(console, document, "Findings", [each for each in found if each.verdict == "violated"])
    _findings(console, document, "Warnings", [each for each in found if each.verdict == "warned"])
    if found:
        console.print(Text(f"  {again.hint(document)}", style="dim"))
    _one_line_each(console, "Waived", by_verdict.get("waived", []))
    _one_line_each(console, "Inconclusive", by_verdict.get("inconclusive", []))
    _one_line_each(console, "Skipped", by_verdict.get("skipped", []))
    _one_line_each(console, "Observed", by_verdict.get("observed", []))
    noted = [each for each in document["requirements"] if each["notes"] and each["verdict"] == "passed"]
    _one_line_each(console, "Notes", noted)
    for note in document["notes"]:
        console.print(Text(f"  {_plain(note)}"))


def _findings(console: Console, document: Mapping[str, Any], title: str, findings: Sequence[Finding]) -> None:
    if findings:
        console.print(Text(f"\n{title}", style="bold"))
    for number, each in enumerate(findings, 1):
        _finding(console, document, each, number)


def _finding(console: Console, document: Mapping[str, Any], finding: Finding, number: int) -> None:
    requirement = finding.first
    mark, style = _MARK[finding.verdict]
    console.print(Text.assemble((f"  {mark} {number}. ", style), (_plain(finding.title), "bold"), f"  {finding.level}"))
    words = textwrap.shorten(requirement["clause"]["text"], _LONGEST_QUOTE, placeholder=" …")
    console.print(Text(f"      {_plain(requirement['clause']['name'])}  “{_plain(words)}”", style="dim"))
    console.print(Text.assemble("      ", (requirement["id"], "bold"), f"  {requirement['statement']}"))
    lines = requirement["message"].splitlines()
    for line in lines[:_MOST_LINES]:
        console.print(Text(f"        {shortened(_plain(line), 300)}"))
    if len(lines) > _MOST_LINES:
        console.print(Text(f"        … and {len(lines) - _MOST_LINES} more, see results.json", style="dim"))
    _ids(console, "the same cause violates", finding.others)
    _ids(console, "not judged because of it", finding.not_judged)
    for line in finding.lines:
        console.print(Text(f"        {_plain(line)}", style="cyan"))
    if finding.note:
        console.print(Text(f"        ({finding.note})", style="dim"))
    console.print(Text(f"        {_plain(again.command(document, requirement['id']))}", style="dim"))


def _ids(console: Console, title: str, identities: Sequence[str]) -> None:
    if identities:
        more = f" and {len(identities) - _MOST_NAMED} more" if len(identities) > _MOST_NAMED else ""
        console.print(Text(f"      {title}: {', '.join(identities[:_MOST_NAMED])}{more}", style="dim"))


def _one_line_each(console: Console, title: str, requirements: Iterable[Mapping[str, Any]]) -> None:
    requirements = list(requirements)
    if not requirements:
        return
    console.print(Text(f"\n{title}", style="bold"))
    for why, members in alike(requirements).items():
        if len(members) > 2 and why and not any(each["notes"] for each in members):
            _together(console, why, members)
            continue
        for requirement in members:
            mark, style = _MARK.get(requirement["verdict"], ("i", "cyan"))
            said = " ".join([*why.splitlines()[:1], *requirement["notes"]]) or requirement["statement"]
            console.print(Text.assemble((f"  {mark} ", style), requirement["id"], f"  {shortened(_plain(said), 300)}"))


def _together(console: Console, why: str, requirements: Sequence[Mapping[str, Any]]) -> None:
    """Several requirements that have one reason: the reason once, then which they are."""
    mark, style = _MARK.get(requirements[0]["verdict"], ("i", "cyan"))
    said = shortened(_plain(why.splitlines()[0]), 300)
    console.print(Text.assemble((f"  {mark} ", style), f"{len(requirements)} requirements: {said}"))
    for requirement in requirements[:_MOST_IDS]:
        console.print(Text(f"      {_plain(requirement['id'])}"))
    if len(requirements) > _MOST_IDS:
        console.print(Text(f"      … and {len(requirements) - _MOST_IDS} more, see results.json", style="dim"))


def _counts(console: Console, document: Mapping[str, Any], report_dir: Path) -> None:
    counts = Counter(requirement["verdict"] for requirement in document["requirements"])
    order = ("violated", "warned", "inconclusive", "passed", "skipped", "observed", "waived")
    found = len(findings(document))
    console.print(f"\n{found} finding{'' if found == 1 else 's'}" if found else "", markup=False)
    tally = ", ".join(f"{counts[verdict]} {verdict}" for verdict in order if counts[verdict])
    spent = f"{requests(document)}, {document['runs']} runs, {document['duration_s']:.1f} s"
    console.print(f"{tally}\n{spent}, profile {document['profile']}, seed {document['seed']}", markup=False)
    _leftovers(console, document)
    console.print(f"reports: {report_dir}", markup=False)


def _leftovers(console: Console, document: Mapping[str, Any]) -> None:
    left = leftovers(document)
    if left is None:
        return
    console.print(Text(left.sentence, style="yellow"))
    for line in left.things:
        console.print(Text(f"  {shortened(_plain(line), 300)}"))
    if left.command:
        console.print(Text(f"  {_plain(left.command)}", style="cyan"))


def _plain(text: str) -> str:
    """``text`` without anything that could steer a terminal: what a target says is not to be trusted."""
    return harmless(visible(text))
