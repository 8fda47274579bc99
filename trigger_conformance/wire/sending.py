"""How a request leaves, and what each layer of its way is to the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from trigger_conformance.wire.exchange import Exchange, Request
from trigger_conformance.wire.transport import Gate, Line


@dataclass(frozen=True)
class Sending:
    """How one request is sent, beside what it says; ``check`` is the requirement on whose behalf it leaves."""

    fresh: bool = False
    hang_up: bool = False
    keep_429: bool = False
    timeout: float | None = None
    gate: Gate | None = None
    together: int = 0
    repeats: int = 0
    line: Line | None = None
    check: str = ""


class Way(Protocol):
    """A layer of a request's way to the target: it does its own part, and hands on to the layer that it wraps."""

    async def deliver(self, request: Request, sending: Sending) -> Exchange:
        """What came of the request. Raises BudgetSpentError."""
