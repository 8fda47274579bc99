"""Token buckets."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """What a bucket says of one request: may it pass, how much is left, and when to come back (seconds)."""

    granted: bool
    limit: int
    remaining: int
    retry_after: int
    reset: int

    def headers(self) -> list[tuple[str, str]]:
        """The documented rate-limit headers; Retry-After only on a refusal."""
        headers = [
            ("X-RateLimit-Limit", str(self.limit)),
            ("X-RateLimit-Remaining", str(self.remaining)),
            ("X-RateLimit-Reset", str(self.reset)),
        ]
        return headers if self.granted else [*headers, ("Retry-After", str(self.retry_after))]


class TokenBucket:
    """Holds up to ``capacity`` tokens and gains ``rate`` of them a second."""

    def __init__(self, capacity: int, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.capacity = capacity
        self.rate = rate
        self._clock = clock
        self._tokens = float(capacity)
        self._at = clock()

    def take(self, cost: int) -> Allowance:
        """Take ``cost`` tokens where there are as many; a refusal costs nothing."""
        now = self._clock()
        self._tokens = min(self.capacity, self._tokens + (now - self._at) * self.rate)
        self._at = now
        granted = self._tokens >= cost
        if granted:
            self._tokens -= cost
        missing = self.capacity - self._tokens if granted else cost - self._tokens
        wait = missing / self.rate
        return Allowance(
            granted, self.capacity, int(self._tokens), max(1, math.ceil(wait)), math.ceil(time.time() + wait)
        )
