"""A run of the suite in a process of its own, apart from the user's environment, configuration and reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trigger_conformance.checks.operation import CHECKS, OPENAPI
from trigger_conformance.options.options import OPTIONS
from trigger_conformance.report import files

# GitHub's page is for the run that the user asked for. Checks and documents are what the run is made of.
_NOT_OURS = {"GITHUB_STEP_SUMMARY", *(variable for option in OPTIONS for variable in (option.variable, *option.also))}
_NOT_OURS -= {CHECKS, OPENAPI}


class NoResultsError(RuntimeError):
    """The run wrote no results; the message is what it said instead."""


def run_apart(
    options: Iterable[str],
    api_key: str,
    second_api_key: str | None,
    folder: Path,
    more: Mapping[str, str] | None = None,
    *,
    nearby: bool = True,
) -> dict[str, Any]:
    """The results of a run with ``options``, reported into ``folder``; ``more`` are further environment variables.
    What is ``nearby`` is on this machine, or asked nothing at all, so that no proxy is on the way.

    Keys travel by environment, for a command line is everybody's to read. Raises NoResultsError.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    environment |= {"NO_PROXY": "*", "no_proxy": "*"} if nearby else {}
    environment |= {"TRIGGER_API_KEY": api_key, **(more or {})}
    if second_api_key is not None:
        environment["TRIGGER_CONFORMANCE_SECOND_API_KEY"] = second_api_key
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "trigger_conformance.cli", "run", f"--report-dir={folder}", *options]
    output, errors = _output(command, environment, folder)
    if not (folder / files.RESULTS).exists():
        raise NoResultsError(errors.strip() or output.strip())
    # Our own process has just written it: whatever its target said, it is no usage error of anybody's.
    document: dict[str, Any] = json.loads((folder / files.RESULTS).read_text("utf-8"))
    return document


def _output(command: list[str], environment: Mapping[str, str], folder: Path) -> tuple[str, str]:
    """What a command tells on standard output and error; where this process is interrupted, so is the command."""
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            return process.communicate()
        except BaseException:
            process.terminate()
            process.communicate()
            raise
