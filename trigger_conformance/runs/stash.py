"""What a pytest session of a run keeps, and which requirement a test of it decides."""

from __future__ import annotations

import pytest

from trigger_conformance.checks.operation import EVERY, operations
from trigger_conformance.checks.requirement import Requirement, requirement_of
from trigger_conformance.runs.owners import Owners
from trigger_conformance.runs.run import Run
from trigger_conformance.runs.station import Station

RUN = pytest.StashKey[Run]()
STATION = pytest.StashKey[Station]()
OWNERS = pytest.StashKey[Owners]()
# Under this name a worker's reports carry outcomes, and its input what it needs to take part.
PROPERTY = "conformance"


def requirement(item: pytest.Item) -> Requirement:
    """The requirement that a test decides. Raises pytest.UsageError where it declares none."""
    declared = requirement_of(item.function)  # type: ignore[attr-defined]
    if declared is None:
        raise pytest.UsageError(f"{item.nodeid} declares no requirement: give it @must, @should or @info")
    if declared.operation != EVERY:
        return declared
    return operations()[item.callspec.params["operation"]].requirement(declared)  # type: ignore[attr-defined]
