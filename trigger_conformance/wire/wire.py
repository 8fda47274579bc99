"""What the suite sends goes through ``Wire``: one way, in layers, from its turn over its budget to its record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from trigger_conformance.wire.destination import Destination
from trigger_conformance.wire.exchange import Exchange, FailureKind, Request
from trigger_conformance.wire.ledger import BudgetSpentError, Ledger
from trigger_conformance.wire.pace import Pace
from trigger_conformance.wire.patience import Patience
from trigger_conformance.wire.reading import PlainReading, Reading
from trigger_conformance.wire.redaction import Redactor
from trigger_conformance.wire.replay import Decision, Replay
from trigger_conformance.wire.retelling import Retelling
from trigger_conformance.wire.room import Room
from trigger_conformance.wire.sending import Sending, Way
from trigger_conformance.wire.transmission import Transmission, transport_to
from trigger_conformance.wire.transport import Gate, Line, Transport
from trigger_conformance.wire.turns import Turns
from trigger_conformance.wire.waiting import Ban

_GATE_PATIENCE = 1.5
_A_MOMENT = 0.5
_USUALLY = Sending()


class Wire:
    """One worker's way to the target.

    ``check`` names the requirement on whose behalf requests leave. Requests of one ``send_all`` are in flight
    together, as many as the target's speed and limits allow. With a ``replay`` nothing leaves: it answers. ``reading``
    says what requests cost. Where several processes send at once, this is number ``lane`` of them, from 1, and they
    share the ``room``.
    """

    def __init__(
        self,
        target: Destination,
        ledger: Ledger,
        redactor: Redactor,
        replay: Replay | None = None,
        reading: Reading = PlainReading(),  # noqa: B008  (it has no state)
        *,
        lane: int = 0,
        room: Room | None = None,
    ) -> None:
        self._target = target
        self.ledger = ledger
        self.redactor = redactor
        self.check = ""
        self.lane = lane
        self._loop = asyncio.new_event_loop()
        self._replay = replay
        self._transport = transport_to(target, lane) if replay is None else Transport()
        self._pace = Pace(target.timeout)
        self._way = self._layers(reading, room)
        self._volleys = 0
        self._lost: list[Exchange] = []
        self._gave_up = False

    def _layers(self, reading: Reading, room: Room | None) -> Way:
        pace, ledger, redactor = self._pace, self.ledger, self.redactor
        if self._replay is not None:
            return Retelling(self._replay, pace, ledger, redactor, reading)
        once = Transmission(self._transport, self._target, ledger, redactor, reading)
        return Patience(Turns(once, pace, ledger, redactor, reading, room), pace, ledger, self._target.seed)

    def close(self) -> None:
        """Close connections and event loop."""
        # An interruption leaves requests under way, and may have taken from one of them what would wake it.
        if under_way := asyncio.all_tasks(self._loop):
            for task in under_way:
                task.cancel()
            self._loop.run_until_complete(asyncio.wait(under_way, timeout=_A_MOMENT))
        self._loop.run_until_complete(self._transport.aclose())
        self._loop.close()

    def hang_up(self) -> None:
        """Close the connections that are idle."""
        self._transport.close_idle()
        # What is closed is gone only once the loop has had its turn.
        self._loop.run_until_complete(asyncio.sleep(0))

    def send(self, request: Request, sending: Sending = _USUALLY) -> Exchange:
        """Send one request; a 429 is waited out and the request sent again, within the budget.

        Raises BudgetSpentError. A transport error is no exception but the exchange's ``failure``.
        """
        return self._loop.run_until_complete(self._deliver(request, sending))

    def send_all(self, requests: Sequence[Request], sending: Sending = _USUALLY) -> list[Exchange]:
        """Send independent requests, several in flight at a time; the answers come in the requests' order."""
        lanes = asyncio.Semaphore(self._pace.lanes(pressing=sending.keep_429))

        async def deliver(request: Request) -> Exchange:
            async with lanes:
                return await self._deliver(request, sending)

        return self._loop.run_until_complete(_gather(deliver(request) for request in requests))

    def send_together(self, requests: Sequence[Request], *, keep_429: bool = False) -> list[Exchange]:
        """Send requests so that their last bytes leave in one go, each on a connection of its own.

        A target that takes fewer connections at a time gets the rest after these.
        """
        if not keep_429:
            self._await_allowance(len(requests))
        gate = Gate(len(requests))
        timeout = self._target.timeout + len(requests) * self._pace.slowest
        self._volleys += 1
        sending = Sending(gate=gate, timeout=timeout, together=self._volleys, keep_429=keep_429)

        async def all_at_once() -> list[Exchange]:
            self._transport.close_idle()
            opener = asyncio.ensure_future(gate.open_when_full(_GATE_PATIENCE + self._pace.slowest))
            try:
                return await _gather(self._deliver(request, sending) for request in requests)
            finally:
                opener.cancel()

        return self._loop.run_until_complete(all_at_once())

    def take_lost(self) -> list[Exchange]:
        """The exchanges since the last call that failed without being meant to, with their requests as they were."""
        lost, self._lost = self._lost, []
        return lost

    def _note_loss(self, exchange: Exchange) -> Exchange:
        failure = exchange.failure
        # What there was no room for was answered.
        meant = failure is None or failure.kind in (FailureKind.ABANDONED, FailureKind.UNKEPT)
        if not meant and not exchange.repeats:
            self._lost.append(exchange)
        return exchange

    def send_in_turn(self, requests: Sequence[Request]) -> list[Exchange]:
        """Send requests one after the other on one connection of their own, as long as the target keeps it open.

        Exchanges with one ``connection`` did share it.
        """
        line = Line()
        self._transport.close_idle()
        try:
            return [self.send(request, Sending(line=line)) for request in requests]
        finally:
            line.close()

    def pause(self, seconds: float) -> None:
        """Wait, where the contract itself speaks of time, at most as long as the time budget lasts.

        Raises BudgetSpentError where the budget is shorter.
        """
        if self._replay is not None:
            return
        if seconds > self.ledger.seconds_left:
            raise BudgetSpentError(f"a wait of {seconds:.0f} s does not fit into the time budget (--max-seconds)")
        time.sleep(max(0.0, seconds))

    def burst_size(self, wanted: int) -> int:
        """How many of ``wanted`` simultaneous requests the target's own limit leaves room for."""
        return wanted if self._pace.limit is None else max(2, min(wanted, self._pace.limit))

    @property
    def lanes(self) -> int:
        """How many independent requests may be in flight at a time, as the target's speed and limit allow."""
        return self._pace.lanes(pressing=False)

    @property
    def limit(self) -> int | None:
        """The limit that the target last stated, or None where it stated none."""
        return self._pace.limit

    @property
    def remaining(self) -> int | None:
        """What the target last said remains of its limit, or None where it did not say."""
        return self._pace.remaining

    def decide(self, name: str, value: int) -> int:
        """``value``, which hangs on the time that was left or had passed; in a replay what the run made of it."""
        earlier = None if self._replay is None else self._replay.decision(self.check, name)
        decided = value if earlier is None else earlier
        self.ledger.decide(Decision(self.check, name, decided))
        return decided

    def decided(self, name: str) -> list[tuple[str, int]]:
        """In a replay: what the run's checks decided under that name, in their order."""
        return [] if self._replay is None else self._replay.decided(name)

    @property
    def ban(self) -> Ban:
        """Whether the target refuses for longer, the more it is asked."""
        return self._pace.ban

    def _await_allowance(self, wanted: int) -> None:
        if (held := self._pace.hold_for(wanted)) is not None:
            self.ledger.hold(time.monotonic() + held)

    def give_up(self) -> None:
        """From now on wait a moment only for each answer: the target has stopped answering, it seems for good."""
        self._gave_up = True

    async def _deliver(self, request: Request, sending: Sending) -> Exchange:
        if self._gave_up:
            sending = replace(sending, timeout=_A_MOMENT)
        return self._note_loss(await self._way.deliver(request, replace(sending, check=self.check)))


async def _gather(deliveries: Any) -> list[Exchange]:
    """All results in order; the first exception is raised once nothing is in flight any more."""
    results = await asyncio.gather(*deliveries, return_exceptions=True)
    exchanges: list[Exchange] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        exchanges.append(result)
    return exchanges
