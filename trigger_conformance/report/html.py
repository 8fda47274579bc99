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

from trigger_conformance.report import again, charts

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
    return environment.get_template("report.html.jinja")


def page(results: Mapping[str, Any]) -> str:
    """The report of ``results``, a document of the published schema."""
    requirements = sorted(results["requirements"], key=lambda each: _VERDICTS.index(each["verdict"]))
    counts = Counter(each["verdict"] for each in requirements)
    return _template().render(
        results=results,
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
    )


def _pretty(body: Mapping[str, Any]) -> str:
    """A body as it is read best: JSON indented, anything else as it came, a long one by its head."""
    if "head" in body:
        return f"{body['head']}\n… {body['size']:,} bytes in all, sha256 {body['sha256']}"
    try:
        return json.dumps(json.loads(body["text"]), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return str(body["text"])
