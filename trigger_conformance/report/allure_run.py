"""Allure results of the run itself: what is wrong with it stands beside the tests, as it does in every other format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from trigger_conformance.contract.quoting import bounded
from trigger_conformance.report.telling import Trouble, troubles

# Allure reads every file that ends so; the beginning tells these from its pytest plug-in's own.
PATTERN = "run-*-result.json"


def write(results: Mapping[str, Any], folder: Path) -> None:
    """Write one result a trouble of the run into the folder of Allure results."""
    for number, trouble in enumerate(troubles(results), 1):
        folder.mkdir(exist_ok=True)
        document = _result(trouble, results)
        (folder / PATTERN.replace("*", str(number))).write_text(json.dumps(document), "utf-8")


def _result(trouble: Trouble, results: Mapping[str, Any]) -> dict[str, Any]:
    name = f"{trouble.rule}: {trouble.gist}"
    # The same trouble has the same history in every run.
    history = uuid5(NAMESPACE_URL, name)
    return {
        "uuid": str(uuid5(history, results["run_id"])),
        "historyId": history.hex,
        "testCaseId": history.hex,
        "fullName": f"run.{trouble.rule}",
        "name": bounded(trouble.title),
        "status": "failed" if trouble.rule == "waiver-no-longer-true" else "broken",
        "statusDetails": {"message": bounded(trouble.message)},
        "stage": "finished",
        "labels": [{"name": "suite", "value": "run"}, {"name": "severity", "value": "critical"}],
    }
