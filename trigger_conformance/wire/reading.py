"""What the wire needs to know of what requests ask and answers say, of which it understands HTTP alone."""

from __future__ import annotations

from typing import Protocol

from trigger_conformance.wire.exchange import Exchange, Request


class Reading(Protocol):
    """How requests and answers are read; the run's operations are it."""

    def cost(self, request: Request) -> int:
        """How many runs a request costs where it is accepted."""

    def is_new(self, exchange: Exchange) -> bool | None:
        """Whether the answer says that the request made something new; None where it says neither."""

    def repeatable(self, request: Request) -> str:
        """The text of a request that a sound target may repeat in its answer."""

    def kept(self, exchange: Exchange) -> Exchange:
        """The exchange without the secrets of others that its answer tells."""


class PlainReading:
    """Requests that cost nothing, and answers that tell of nothing."""

    def cost(self, request: Request) -> int:  # noqa: ARG002
        """Nothing."""
        return 0

    def is_new(self, exchange: Exchange) -> bool | None:  # noqa: ARG002
        """Nobody knows."""
        return None

    def repeatable(self, request: Request) -> str:  # noqa: ARG002
        """Nothing."""
        return ""

    def kept(self, exchange: Exchange) -> Exchange:
        """All of it."""
        return exchange


def spent(reading: Reading, exchange: Exchange) -> int:
    """How many runs an exchange has cost: a request that made nothing new has cost none."""
    return reading.cost(exchange.request) if reading.is_new(exchange) else 0
