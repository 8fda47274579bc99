"""report.html: one self-contained file made from a results document alone.

What a target answered is hostile input: Jinja2 escapes everything, and the page runs no script but its own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from trigger_conformance.contract.quoting import harmless, lines
from trigger_conformance.report import again, charts
from trigger_conformance.report.telling import (
    Finding,
    alike,
    aside,
    findings,
    header,
    headline,
    in_order,
    leftovers,
    requests,
    titles,
)

# Deep nesting would be mostly white space, and takes time with the square of its depth.
_MOST_BRACKETS = 100
_MOST_SEEN, _MOST_BODY = 2, 40
_PIECES = 200
_VERDICTS = ("violated", "warned", "inconclusive", "waived", "passed", "skipped", "observed")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("trigger_conformance.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["pretty"] = _pretty
    environment.filters["header"] = header
    return environment.get_template("report.html.jinja")


def page(results: Mapping[str, Any]) -> str:
    """The report of ``results``, a document of the published schema."""
    requirements = sorted(in_order(results["requirements"]), key=lambda each: _VERDICTS.index(each["verdict"]))
    counts = Counter(each["verdict"] for each in requirements)
    pieces = _template().stream(
        results=results,
        headline=headline(results),
        aside=aside(results),
        requirements=requirements,
        counts=[(verdict, counts[verdict]) for verdict in _VERDICTS if counts[verdict]],
        areas=charts.by_area(results["requirements"]),
        timeline=charts.timeline(results["timeline"]),
        latencies=charts.latencies(results["timeline"]),
        remaining=charts.remaining(results["timeline"]),
        lanes={each["id"]: charts.lanes(results["timeline"], each["id"]) for each in requirements},
        width=charts.WIDTH,
        again={each["id"]: again.command(results, each["id"]) for each in requirements},
        hint=again.hint(results),
        lines={each["id"]: "\n".join(again.lines_of(each)) for each in requirements},
        findings=findings(results),
        seen={each.id: _seen(each) for each in findings(results)},
        not_judged=alike(each for each in requirements if each["verdict"] in ("inconclusive", "skipped")),
        titles=titles(results),
        requests=requests(results),
        leftovers=leftovers(results),
    )
    pieces.enable_buffering(_PIECES)
    # Autoescaping keeps a page from being steered, but not a terminal or a CI runner that prints the file.
    return harmless("".join(_in_ascii(lines(piece)) for piece in pieces), "&#58;", "&#35;") + "\n"


def _in_ascii(text: str) -> str:
    """``text`` with references for other characters, one of which makes a page take four times the memory."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _seen(finding: Finding) -> list[tuple[Mapping[str, Any], list[tuple[str, bool]]]]:
    """What shows a finding best: exchanges, and the lines of their answers, each with whether it is the wrong place."""
    requirement = finding.first
    sights = {each["exchange"]: each["place"] for each in reversed(requirement.get("sights", ()))}
    shown = [each for each in requirement["evidence"] if each["number"] in sights] or requirement["evidence"]
    return [(each, _marked(each["response"], sights.get(each["number"], ""))) for each in shown[:_MOST_SEEN]]


def _marked(response: Mapping[str, Any] | None, place: str) -> list[tuple[str, bool]]:
    if response is None:
        return []
    lines = [(f"{response['status']} {response['reason']}", place == "status")]
    lines += [(f"{name}: {header(value)}", _is_at(name, place)) for name, value in response["headers"]]
    body = _pretty(response["body"]).splitlines()[:_MOST_BODY]
    return [*lines, ("", False), *((line, place == "body" or f'"{place}":' in line) for line in body)]


def _is_at(name: str, place: str) -> bool:
    if place in ("media type", "problem document"):
        return name.lower() == "content-type"
    return place.startswith("header ") and name.lower().startswith(place.removeprefix("header "))


def _pretty(body: Mapping[str, Any]) -> str:
    """A body as it is read best: JSON indented, anything else as it came, a long one by its head."""
    if "head" in body:
        return f"{body['head']}\n… {body['size']:,} bytes in all, sha256 {body['sha256']}"
    try:
        if sum(body["text"].count(bracket) for bracket in "[{") > _MOST_BRACKETS:
            return str(body["text"])
        return json.dumps(json.loads(body["text"]), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return str(body["text"])
