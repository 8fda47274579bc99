"""summary.md: a run on one screen, for pull requests and CI pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from trigger_conformance.contract.quoting import harmless, lines, shortened, visible
from trigger_conformance.report.telling import Finding, alike, aside, findings, headline, in_order, leftovers, requests

_SIGN = {"conformant": "✅", "failed": "❌", "inconclusive": "❔"}
_MOST_MESSAGE = 300
_MOST_IDS = 12
# What a page makes a link or a mention of, wherever it stands in a text and however it is escaped.
_IDENTIFIER = re.compile(r"[\w.]+", re.ASCII)
_LINKED = re.compile(r"https?:(?=//)|ftp:(?=//)|www(?=\.)|@", re.IGNORECASE)


def summary(results: Mapping[str, Any]) -> str:
    """The summary of a results document, as GitHub reads Markdown."""
    return harmless(lines("\n".join(_lines(results)))) + "\n"


def _lines(results: Mapping[str, Any]) -> Iterator[str]:
    told = headline(results)
    yield f"## {_SIGN[told.kind]} {_said(told.words)}: {_place(results['target']['base_url'])}"
    yield ""
    for problem in results["wrong_waivers"]:
        yield f"❌ {_said(problem)}\n"
    if said := aside(results):
        yield f"{_said(said)}\n"
    for error in results.get("suite_errors", ()):
        yield f"❌ {_said(error)}\n"
    if results["halted"]:
        yield f"{_said(results['halted'])}\n"
    counts = Counter(each["verdict"] for each in results["requirements"])
    yield ", ".join(f"{count} {name}" for name, count in counts.most_common()) + "."
    yield (
        f"{requests(results)}, {results['runs']} runs, {results['duration_s']:.1f} s, profile "
        f"{_said(results['profile'])}, seed {results['seed']}, contract {_said(results['contract']['title'])} "
        f"{_said(results['contract']['version'])}."
    )
    yield from (f"\n{_said(note)}" for note in results["notes"])
    yield from _leftovers(results)
    yield from _findings(findings(results))
    for title, wanted in (("Waived", "waived"), ("Inconclusive", "inconclusive")):
        yield from _table(title, [each for each in results["requirements"] if each["verdict"] == wanted])


def _leftovers(results: Mapping[str, Any]) -> Iterator[str]:
    left = leftovers(results)
    if left is None:
        return
    yield f"\n{left.sentence}:\n"
    yield from (f"- {_said(line)}" for line in left.things)
    if left.command:
        yield f"\n```\n{visible(left.command)}\n```"


def _findings(found: Sequence[Finding]) -> Iterator[str]:
    """What was found, with the lines that show the first ones."""
    for title, verdict in (("Findings", "violated"), ("Warnings", "warned")):
        chosen = [each for each in found if each.verdict == verdict]
        if not chosen:
            continue
        yield f"\n### {title}\n"
        yield "| | finding | clause | requirements | not judged because of it |"
        yield "|---|---|---|---|---|"
        for number, each in enumerate(chosen, 1):
            clause = _said(each.first["clause"]["name"])
            ids = _named(list(each.requirements)) if each.others else _id(each.first["id"])
            yield f"| {number} | {_said(each.title)} | {clause} | {ids} | {len(each.not_judged) or ''} |"


def _table(title: str, requirements: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    groups = alike(in_order(requirements))
    if not groups:
        return
    yield f"\n### {title}\n"
    yield "| requirement | clause | why |"
    yield "|---|---|---|"
    for reason, members in groups.items():
        clauses = dict.fromkeys(each["clause"]["name"] for each in members)
        yield f"| {_named(members)} | {_said(', '.join(clauses))} | {_said(reason)} |"


def _named(members: list[Mapping[str, Any]]) -> str:
    if len(members) == 1:
        return f"{_id(members[0]['id'])} {_said(members[0]['statement'])}"
    more = f" and {len(members) - _MOST_IDS} more" if len(members) > _MOST_IDS else ""
    return f"{len(members)} requirements: " + ", ".join(_id(each["id"]) for each in members[:_MOST_IDS]) + more


def _id(identity: str) -> str:
    return f"`{identity}`" if _IDENTIFIER.fullmatch(identity) else _said(identity)


def _place(url: str) -> str:
    """The target's URL, which a page may make a link of, but no mention."""
    return _said(url) if "@" in url else _plain(url)


def _said(text: str) -> str:
    """What a target may have had a say in: without links, images and mentions too."""
    # The mark of an empty comment keeps the parts of a link or a mention apart on the page, and shows nothing.
    return _LINKED.sub(lambda found: f"{found[0]}<!-- -->", _plain(text))


def _plain(text: str) -> str:
    """``text`` on one line and without Markdown, HTML or control characters in it."""
    short = shortened(visible(text.replace("\n", " / ")), _MOST_MESSAGE)
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~@])", r"\\\1", short).replace("\\<", "&lt;").replace("\\>", "&gt;")
