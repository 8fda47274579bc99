"""badge.svg: what a run came to as a small picture."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from trigger_conformance.contract.quoting import harmless, shortened, visible
from trigger_conformance.report.telling import headline

_COLOUR = {"conformant": "#17683a", "failed": "#a8201a", "inconclusive": "#8a5200"}
_LETTER, _MARGIN = 6.6, 12
_LONGEST = 100


def badge(results: Mapping[str, Any]) -> str:
    """The badge of a results document, as SVG."""
    waived = sum(each["verdict"] == "waived" for each in results["requirements"])
    told = headline(results)
    words = told.words + (f", {waived} waived" if waived else "")
    texts = [shortened(visible(text), _LONGEST) for text in (_label(results), words)]
    left, right = (round(len(text) * _LETTER) + _MARGIN for text in texts)
    label, words = map(escape, texts)
    colour = _COLOUR[told.kind]
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{label}: {words}"><title>{label}: {words}</title>'
        f'<rect width="{left}" height="20" rx="3" fill="#444b5a"/>'
        f'<rect x="{left - 3}" width="{right + 3}" height="20" rx="3" fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2}" y="14">{label}</text><text x="{left + right / 2}" y="14">{words}</text></g></svg>\n'
    )
    return harmless(picture, "&#58;", "&#35;")


def _label(results: Mapping[str, Any]) -> str:
    """What was tested: the one operation's title, or what all belong to."""
    titles = [each["title"] for each in results.get("operations", ())]
    return str(titles[0]) if len(titles) == 1 else str(results["contract"]["title"])
