"""What a run may spend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """What a run may spend: requests, runs (what is made may cost some), seconds; pace in requests a second."""

    requests: int
    runs: int
    seconds: float
    per_second: float | None = None
