"""The files that are made from a results document alone, and where they go."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs

from trigger_conformance.contract.quoting import shortened, visible
from trigger_conformance.options.target import UsageError
from trigger_conformance.report import junit
from trigger_conformance.report.annotations import azure, github, gitlab
from trigger_conformance.report.badge import badge
from trigger_conformance.report.html import page
from trigger_conformance.report.markdown import summary
from trigger_conformance.report.results import SCHEMA
from trigger_conformance.wire.redaction import REDACTED

RESULTS = "results.json"
_ADDED = jsonschema_rs.ValidationErrorKind.AdditionalProperties
_LONGEST = 200
ALLURE = "allure-results"
RENDERERS: dict[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "html": ("report.html", page),
    "md": ("summary.md", summary),
    "badge": ("badge.svg", badge),
    "junit": (junit.FILE, junit.text),
}

# What is printed for a CI system, and kept nowhere.
ANNOTATIONS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "github": github,
    "azure": azure,
    "gitlab": gitlab,
}


def text(results: Mapping[str, Any], name: str) -> bytes:
    """The format ``name`` as UTF-8."""
    renderer = ANNOTATIONS[name] if name in ANNOTATIONS else RENDERERS[name][1]
    # An answer may hold unpaired surrogates, which no file can.
    return renderer(results).encode("utf-8", "backslashreplace")


def render(results: Mapping[str, Any], folder: Path, last: Callable[[str], str] = str) -> None:
    """Write every format into ``folder``; ``last`` sees each file's text as it will stand there."""
    for format_, (name, _) in RENDERERS.items():
        (folder / name).write_text(last(text(results, format_).decode("utf-8")), "utf-8")


def host(base_url: str) -> str:
    """The host of ``base_url`` as a part of a file name."""
    return (urlsplit(base_url).hostname or "target").replace(":", "_")


def new_folder(name: str, started_at: float) -> Path:
    """A folder under reports/ for what began at ``started_at`` (Unix time); it is not made yet."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.localtime(started_at))
    folder = Path("reports") / f"{stamp}-{name}"
    # Two runs within one second must not share a folder.
    return folder if not folder.exists() else folder.with_name(f"{folder.name}-{os.getpid()}")


def point_latest(folder: Path) -> None:
    """Have ``latest`` beside ``folder`` point at it."""
    latest = folder.parent / "latest"
    if latest.is_symlink() or not latest.exists():
        latest.unlink(missing_ok=True)
        try:
            latest.symlink_to(folder.name, target_is_directory=True)
        except OSError:  # a file system without links: the newest folder is found by its name
            return


def read(path: Path) -> dict[str, Any]:
    """The results document at ``path``, a file or a report folder. Raises UsageError where there is none."""
    file = path / RESULTS if path.is_dir() else path
    try:
        document = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file}: it cannot be read: {error}; give a run's {RESULTS}, or its folder") from error
    if not isinstance(document, dict) or not str(document.get("schema_version", "")).startswith("1."):
        raise UsageError(f"{file}: these are no results of a run; give a run's {RESULTS}, or its folder")
    if (wrong := misfit(document)) is not None:
        raise UsageError(f"{file}: these are no whole results of a run: {wrong}; give a run's own {RESULTS}")
    return document


def misfit(document: object) -> str | None:
    """What keeps ``document`` from being results of the published schema, in a line; None where nothing does.

    A later version of the suite may have added to it, and redaction spares no text.
    """
    try:
        error = next((each for each in _schema().iter_errors(document) if not _is_fine(each)), None)
    except ValueError as unreadable:
        return shortened(visible(str(unreadable)), _LONGEST)
    if error is None:
        return None
    place = "/".join(map(str, error.instance_path))
    return shortened(visible(f"{place}: {error.message}" if place else error.message), _LONGEST)


def _is_fine(error: jsonschema_rs.ValidationError) -> bool:
    return isinstance(error.kind, _ADDED) or (isinstance(error.instance, str) and REDACTED in error.instance)


@cache
def _schema() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8")))
