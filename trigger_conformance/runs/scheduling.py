"""Which worker runs which check: an area stays together, and so does all that needs quiet (pytest-xdist)."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from xdist.scheduler import LoadScopeScheduling

from trigger_conformance.checks.catalogue import declared
from trigger_conformance.checks.requirement import Stage


class ByArea(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out one area at a time, and what presses and closes as one unit, after all else."""

    def __init__(self, config: Any, log: Any) -> None:
        super().__init__(config, log)
        self._late = {requirement.id for requirement in declared() if requirement.stage >= Stage.PRESS}

    def _split_scope(self, nodeid: str) -> str:
        path, _, function = nodeid.partition("::")
        file = PurePosixPath(path)
        area = f"{file.parent.name}.{file.stem.removeprefix('test_')}"
        name, _, operation = function.removeprefix("test_").partition("[")
        return "late" if f"{area}.{name}" in self._late else f"{area}[{operation}"
