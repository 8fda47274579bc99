"""summary.md: a run on one screen, for pull requests and CI pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_SIGN = {"conformant": "✅", "non-conformant": "❌", "inconclusive": "⚠️"}
_MOST_MESSAGE = 300


def summary(results: Mapping[str, Any]) -> str:
    """The summary of a results document, as GitHub reads Markdown."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Mapping[str, Any]) -> Iterator[str]:
    verdict = results["verdict"]
    yield f"## {_SIGN[verdict]} {verdict}: {_plain(results['target']['base_url'])}"
    yield ""
    for error in results.get("suite_errors", ()):
        yield f"❌ {_plain(error)}\n"
    if results["halted"]:
        yield f"{_plain(results['halted'])}\n"
    counts = Counter(each["verdict"] for each in results["requirements"])
    yield ", ".join(f"{count} {name}" for name, count in counts.most_common()) + "."
    yield (
        f"{results['requests']} requests, {results['runs']} runs, {results['duration_s']:.1f} s, profile "
        f"{results['profile']}, seed {results['seed']}, contract {_plain(results['contract']['title'])} "
        f"{results['contract']['version']}."
    )
    for problem in results["wrong_waivers"]:
        yield f"\n❌ {_plain(problem)}"
    for title, wanted in (("Violated", "violated"), ("Waived", "waived"), ("Warnings", "warned"),
                          ("Inconclusive", "inconclusive")):  # fmt: skip
        yield from _table(title, [each for each in results["requirements"] if each["verdict"] == wanted])


def _table(title: str, requirements: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    requirements = list(requirements)
    if not requirements:
        return
    yield f"\n### {title}\n"
    yield "| requirement | clause | why |"
    yield "|---|---|---|"
    for each in requirements:
        why = each["waiver"]["reason"] if each["waiver"] else each["message"]
        yield f"| `{each['id']}` {_plain(each['statement'])} | {_plain(each['clause']['name'])} | {_plain(why)} |"


def _plain(text: str) -> str:
    """``text`` on one line and without Markdown, HTML or control characters in it: it may be the target's own."""
    visible = "".join(character if character.isprintable() else " " for character in text)
    short = visible if len(visible) <= _MOST_MESSAGE else f"{visible[: _MOST_MESSAGE - 1]}…"
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~@])", r"\\\1", short).replace("\\<", "&lt;").replace("\\>", "&gt;")
