"""The files that are made from a results document alone, and where they go."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trigger_conformance.report.badge import badge
from trigger_conformance.report.html import page
from trigger_conformance.report.markdown import summary
from trigger_conformance.target import UsageError

RESULTS = "results.json"
RENDERERS: dict[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "html": ("report.html", page),
    "md": ("summary.md", summary),
    "badge": ("badge.svg", badge),
}


def render(results: Mapping[str, Any], folder: Path) -> None:
    """Write every format into ``folder``."""
    for name, renderer in RENDERERS.values():
        # An answer may hold unpaired surrogates, which no file can.
        (folder / name).write_bytes(renderer(results).encode("utf-8", "backslashreplace"))


def read(path: Path) -> dict[str, Any]:
    """The results document at ``path``, a file or a report folder. Raises UsageError where there is none."""
    file = path / RESULTS if path.is_dir() else path
    try:
        document = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: it cannot be read: {error}; give a run's {RESULTS}, or its folder") from error
    if not isinstance(document, dict) or not str(document.get("schema_version", "")).startswith("1."):
        raise UsageError(f"{file}: these are no results of a run; give a run's {RESULTS}, or its folder")
    return document
