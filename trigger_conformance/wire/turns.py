"""The middle layer of a request's way: it waits its turn, is paid for, and is recorded without its secrets."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from dataclasses import replace

from trigger_conformance.wire.exchange import Exchange, Request
from trigger_conformance.wire.ledger import BudgetSpentError, Ledger
from trigger_conformance.wire.pace import Pace
from trigger_conformance.wire.reading import Reading, spent
from trigger_conformance.wire.redaction import Redactor
from trigger_conformance.wire.room import Room
from trigger_conformance.wire.sending import Sending, Way


class Turns:
    """Lets a request leave by ``way`` when the budget, the pacing and the target's limit have room for it."""

    def __init__(
        self,
        way: Way,
        pace: Pace,
        ledger: Ledger,
        redactor: Redactor,
        reading: Reading,
        room: Room | None = None,
    ) -> None:
        self._way = way
        self._pace = pace
        self._ledger = ledger
        self._redactor = redactor
        self._reading = reading
        self._room = room
        self._in_flight = 0

    async def deliver(self, request: Request, sending: Sending) -> Exchange:
        """As ``Way.deliver``; the exchange has its number in the book."""
        await self._turn_of(request, sending)
        self._in_flight += 1
        in_flight = self._in_flight
        try:
            # What leaves together must not wait for each other.
            async with self._room.taken() if self._room and sending.gate is None else nullcontext():
                exchange = await self._way.deliver(request, sending)
        finally:
            self._in_flight -= 1
        self._pace.learn(exchange, in_flight)
        recorded = self._ledger.record(self._redactor.exchange(exchange), spent(self._reading, exchange))
        return replace(exchange, number=recorded.number)

    async def _turn_of(self, request: Request, sending: Sending) -> None:
        if sending.gate is None:
            await self._turn(request, sending)
            return
        try:
            await self._turn(request, sending)
        except BaseException:
            sending.gate.drop_out()
            raise
        await sending.gate.assemble()

    async def _turn(self, request: Request, sending: Sending) -> None:
        if not sending.keep_429 and (held := self._pace.hold_for_one()) is not None:
            self._ledger.hold(time.monotonic() + held)
        self._heed_the_ban(request, sending)
        slot = self._ledger.reserve(self._reading.cost(request))
        delay = slot - time.monotonic()
        while delay > 0:
            if delay > self._ledger.seconds_left:
                raise BudgetSpentError("the time budget ends before the rate limit allows more (--max-seconds)")
            await asyncio.sleep(delay)
            # Where others were refused meanwhile, leaving now would only lengthen that.
            delay = 0.0 if sending.keep_429 else self._ledger.waiting
            self._heed_the_ban(request, sending)

    def _heed_the_ban(self, request: Request, sending: Sending) -> None:
        why = self._pace.ban.why
        if why and request.credential == "primary" and not sending.keep_429:
            raise BudgetSpentError(f"the target refuses for longer the more it is asked ({why}): left alone")
