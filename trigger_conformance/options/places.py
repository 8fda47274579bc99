"""Where checks and documents stand beside the suite's own: found before options are read, for they bring some.

``--checks`` and ``--openapi`` are looked up in the command line, the environment and conformance.toml, in this order,
and settled in the environment, where the processes of a run find them. That is for programs of ours: a program that
calls the suite has a command line and an environment of its own.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from trigger_conformance.checks.operation import CHECKS, OPENAPI

FILE = "conformance.toml"
_NAMED = {"checks": CHECKS, "openapi": OPENAPI}
# The variables that nobody had set before, with what they were set to.
SETTLED: dict[str, str] = {}


def settle(arguments: Sequence[str], environment: MutableMapping[str, str], folder: Path) -> None:
    """Settle the places of this process, before options are imported; what cannot be read is told where they are."""
    table = _table(arguments, environment, folder)
    for option, variable in _NAMED.items():
        before = _texts(environment.get(variable))
        if given := _texts([*_given(arguments, option)]) or before or _texts(table.get(option)):
            environment[variable] = os.pathsep.join(os.path.realpath(folder / place) for place in given)
            if not before:
                SETTLED[variable] = environment[variable]


def _given(arguments: Sequence[str], option: str) -> Iterator[str]:
    for position, argument in enumerate(arguments):
        if argument == f"--{option}":
            yield from arguments[position + 1 : position + 2]
        elif argument.startswith(f"--{option}="):
            yield argument.partition("=")[2]


def _texts(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    parts = [part.strip() for text in texts if isinstance(text, str) for part in text.split(os.pathsep)]
    # No path has a NUL in it.
    return [part for part in parts if part and "\0" not in part]


def _table(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> Mapping[str, Any]:
    """The part of conformance.toml that is for this run."""
    try:
        document = tomllib.loads((folder / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    named = [*_given(arguments, "target"), environment.get("TRIGGER_CONFORMANCE_TARGET"), document.get("target")]
    targets = document.get("targets")
    chosen = str(next(filter(None, named), ""))
    own = targets.get(chosen) if isinstance(targets, dict) else None
    return {**document, **(own if isinstance(own, dict) else {})}
