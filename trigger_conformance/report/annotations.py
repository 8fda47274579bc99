"""Findings where CI systems show them: beside a commit or a merge request, a line each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

_OPERATION = "POST /api/v3/batches"


def _findings(results: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Severity ("error" or "warning"), title and message of each thing to tell."""
    if results["halted"]:
        yield "error", f"conformance: {results['verdict']}", results["halted"]
        return
    for error in results.get("suite_errors", ()):
        yield "error", "conformance: an error in the suite", error
    for problem in results["wrong_waivers"]:
        yield "error", "conformance: a waiver is no longer true", problem
    for each in results["requirements"]:
        severity = {"violated": "error", "inconclusive": "warning", "warned": "warning"}.get(each["verdict"])
        if severity:
            shown = f"\n{each['evidence'][0]['curl']}" if each["evidence"] else ""
            yield severity, f"{each['verdict']}: {each['id']}", f"{each['statement']}\n{each['message']}{shown}"


def github(results: Mapping[str, Any]) -> str:
    """Workflow commands of GitHub Actions, to be printed by a step."""
    lines = [
        f"::{severity} title={_property(title)}::{_data(message)}" for severity, title, message in _findings(results)
    ]
    return "".join(f"{line}\n" for line in lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def azure(results: Mapping[str, Any]) -> str:
    """Logging commands of Azure Pipelines, to be printed by a step."""
    lines = [
        f"##vso[task.logissue type={severity}]{_azure(f'{title}: {message}')}"
        for severity, title, message in _findings(results)
    ]
    return "".join(f"{line}\n" for line in lines)


def _azure(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def gitlab(results: Mapping[str, Any]) -> str:
    """A code quality report of GitLab (Code Climate's form)."""
    issues = [
        {
            "description": f"{title}: {message.splitlines()[0]}",
            "content": {"body": message},
            "check_name": title.rpartition(" ")[2],
            # The same finding must be recognised from one pipeline to the next.
            "fingerprint": hashlib.sha256(title.encode("utf-8", "surrogatepass")).hexdigest(),
            "severity": "major" if severity == "error" else "minor",
            "location": {"path": _OPERATION, "lines": {"begin": 1}},
        }
        for severity, title, message in _findings(results)
    ]
    return json.dumps(issues, indent=1) + "\n"
