"""Allure results once the run is over: what is wrong with the run itself, and what its findings make of the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from trigger_conformance.contract.quoting import bounded
from trigger_conformance.report.telling import Trouble, titles, troubles, why

# Allure reads every file that ends so; the beginning tells these from its pytest plug-in's own.
PATTERN = "run-*-result.json"
# Of what rests on another requirement; what that keeps from being judged is skipped.
_STATUS = {"violated": "failed", "inconclusive": "skipped", "skipped": "skipped", "waived": "skipped"}


def write(results: Mapping[str, Any], folder: Path) -> None:
    """Write one result a trouble of the run into the folder of Allure results, and tell its tests of the findings."""
    _settle(results, folder)
    for number, trouble in enumerate(troubles(results), 1):
        folder.mkdir(exist_ok=True)
        document = _result(trouble, results)
        (folder / PATTERN.replace("*", str(number))).write_text(json.dumps(document), "utf-8")


def _settle(results: Mapping[str, Any], folder: Path) -> None:
    """Give each test that is part of a finding its name; what was settled at the end has its verdict now."""
    named, known = titles(results), {each["id"]: each for each in results["requirements"]}
    for path in folder.glob("*-result.json"):
        document = json.loads(path.read_text("utf-8"))
        labels = {each["name"]: each["value"] for each in document.get("labels", ())}
        requirement = known.get(labels.get("requirement", ""))
        if requirement is None or not (requirement["id"] in named or requirement.get("rests_on")):
            continue
        others = [each for each in document["labels"] if each["name"] != "finding"]
        found = [{"name": "finding", "value": bounded(each)} for each in named.get(requirement["id"], ())]
        document["labels"] = [*others, *found]
        if requirement.get("rests_on"):
            document["status"] = _STATUS.get(requirement["verdict"], "passed")
            document["statusDetails"] = {"message": bounded(why(requirement))}
        path.write_text(json.dumps(document), "utf-8")


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
