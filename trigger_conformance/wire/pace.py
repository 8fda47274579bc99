"""How fast a target may be asked, as its answers tell: its speed, its stated limit, and whether it bans."""

from __future__ import annotations

import time

from trigger_conformance.contract import told
from trigger_conformance.wire.exchange import Exchange
from trigger_conformance.wire.waiting import Ban

MOST_LANES = 16
LONGEST_PAUSE = 1.0
_LONGEST_AWAITED = 5.0


class Pace:
    """What one credential's answers say of the target's speed and limit. Times are seconds.

    ``limit`` and ``remaining`` are as last stated, None where they were not; ``slowest`` is about the slowest answer.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.slowest = 0.0
        # Seconds of an answer for each request in flight beside it: a target that serves one at a time keeps this up,
        # one that is merely far away does not.
        self._share = 0.0
        self.limit: int | None = None
        self.remaining: int | None = None
        self._reset = 0.0
        self.ban = Ban()

    def learn(self, exchange: Exchange, in_flight: int) -> None:
        """Take in an exchange that had so many in flight, itself among them."""
        if exchange.answer is None:
            return
        took = exchange.ended - exchange.started
        self.slowest = max(self.slowest * 0.9, took)
        # One alone only says how much it can be at most.
        self._share = min(self._share or took, took) if in_flight == 1 else max(self._share * 0.9, took / in_flight)
        if exchange.request.credential != "primary":
            return
        self.ban.hear(exchange)
        limit = told.seconds(exchange.answer.header("x-ratelimit-limit"))
        remaining = told.seconds(exchange.answer.header("x-ratelimit-remaining"))
        if limit and remaining is not None:
            self.limit, self.remaining = int(limit), int(remaining)
            self._reset = told.seconds(exchange.answer.header("x-ratelimit-reset")) or 0.0

    def lanes(self, *, pressing: bool) -> int:
        """How many requests may be in flight at a time."""
        by_speed = self._timeout / (4 * self._share) if self._share else MOST_LANES
        by_limit = self.limit / 4 if self.limit and not pressing else MOST_LANES
        return max(1, min(MOST_LANES, int(by_speed), int(by_limit)))

    def hold_for(self, wanted: int) -> float | None:
        """How long to wait before ``wanted`` requests leave at once; None where the limit has room for them."""
        return self._hold(_LONGEST_AWAITED) if self.remaining is not None and self.remaining < wanted else None

    def hold_for_one(self) -> float | None:
        """How long to wait before one request leaves, where nothing remains of the limit."""
        return self._hold(LONGEST_PAUSE) if self.remaining == 0 else None

    def _hold(self, longest: float) -> float:
        # What remains then, the next answer tells.
        self.remaining = None
        return min(longest, max(0.0, self._reset - time.time()))
