"""The way of a request in a replay: nothing leaves, an earlier run's evidence answers."""

from __future__ import annotations

from dataclasses import replace

from trigger_conformance.wire.exchange import Exchange, Request
from trigger_conformance.wire.ledger import BudgetSpentError, Ledger
from trigger_conformance.wire.pace import Pace
from trigger_conformance.wire.reading import Reading, spent
from trigger_conformance.wire.redaction import Redactor
from trigger_conformance.wire.replay import Replay, fingerprint
from trigger_conformance.wire.sending import Sending


class Retelling:
    """Answers as ``replay`` was answered, and records it."""

    def __init__(self, replay: Replay, pace: Pace, ledger: Ledger, redactor: Redactor, reading: Reading) -> None:
        self._replay = replay
        self._pace = pace
        self._ledger = ledger
        self._redactor = redactor
        self._reading = reading
        self._learned_until = 0.0

    async def deliver(self, request: Request, sending: Sending) -> Exchange:
        """As ``Way.deliver``; the earlier run gave up where its evidence ends."""
        name = fingerprint(sending.check, self._redactor.request(request))
        while recorded := self._replay.take(name):
            exchange = replace(recorded, request=request)
            # Answers are learned from in the order in which they came, not in that in which they are asked for.
            if exchange.ended >= self._learned_until:
                self._learned_until = exchange.ended
                self._pace.learn(exchange, 1)
            self._ledger.reserve(self._reading.cost(request))
            self._ledger.record(self._redactor.exchange(exchange), spent(self._reading, exchange))
            if exchange.status != 429 or sending.keep_429 or not self._replay.has(name):
                return exchange
        raise BudgetSpentError("the evidence has no answer to this request")
