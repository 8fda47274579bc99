"""What a run may spend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """What a run may spend: requests, runs (sum of created batches' runCounts), seconds; pace in requests a second."""

    requests: int
    runs: int
    seconds: float
    per_second: float | None = None
