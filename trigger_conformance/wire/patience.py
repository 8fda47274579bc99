"""The outer layer of a request's way: a 429 is waited out, and the request sent again."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from trigger_conformance.wire.exchange import Exchange, Request
from trigger_conformance.wire.ledger import Ledger
from trigger_conformance.wire.pace import LONGEST_PAUSE, Pace
from trigger_conformance.wire.sending import Sending, Way
from trigger_conformance.wire.waiting import asked

# Without one other answer for this long, a target that says 429 to everything is given up.
_PATIENCE = 20.0
_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 0.5, 8.0, 0.1


class Patience:
    """Sends by ``way`` until the answer is no 429, or waiting is no use any more."""

    def __init__(self, way: Way, pace: Pace, ledger: Ledger, seed: int) -> None:
        self._way = way
        self._pace = pace
        self._ledger = ledger
        self._random = random.Random(seed)
        self._gave_up = 0.0

    async def deliver(self, request: Request, sending: Sending) -> Exchange:
        """As ``Way.deliver``; where the request was given up, the last 429."""
        first_sent = time.monotonic()
        wait = _FIRST_WAIT
        while True:
            exchange = await self._way.deliver(request, sending)
            if exchange.status != 429 or sending.keep_429:
                return exchange
            now = time.monotonic()
            delay = self._delay(exchange, wait)
            given_up = self._is_hopeless(first_sent, now) or self._pace.ban.why or self._pace.ban.is_suspected
            if given_up or delay > self._ledger.seconds_left:
                return exchange
            self._ledger.hold(now + delay)
            wait = min(_LONGEST_WAIT, 2 * wait)
            sending = replace(sending, gate=None)

    def _is_hopeless(self, first_sent: float, now: float) -> bool:
        success = self._ledger.last_success
        # Having waited in vain once is reason enough not to wait as long again.
        patience = _PATIENCE if self._gave_up <= success else LONGEST_PAUSE
        hopeless = now - first_sent > patience and success < first_sent
        if hopeless:
            self._gave_up = now
        return hopeless

    def _delay(self, exchange: Exchange, unasked: float) -> float:
        assert exchange.answer is not None
        after = asked(exchange.answer)
        # Jitter keeps requests that were refused together from coming back together.
        return (unasked if after is None else after) + self._random.uniform(0.0, _JITTER)
