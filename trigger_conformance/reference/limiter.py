"""Limiters of every kind in use, sound ones: each says of a request whether it may pass, and what the headers tell."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Clock = Callable[[], float]


@dataclass(frozen=True)
class Allowance:
    """What a limiter says of one request: may it pass, how much is left, and when to come back (seconds)."""

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


def told(granted: bool, limit: int, left: float, wait: float, until_reset: float | None = None) -> Allowance:
    """An allowance in whole numbers: ``left`` rounded down, ``wait`` and ``until_reset`` (seconds) rounded up."""
    reset = math.ceil(time.time() + (wait if until_reset is None else until_reset))
    return Allowance(granted, limit, max(0, int(left)), max(1, math.ceil(wait)), reset)


class Limiter(Protocol):
    """Counts what passes."""

    def take(self, cost: int) -> Allowance:
        """Take ``cost`` where there is as much; a refusal costs nothing, and a cost of 0 is a look."""

    def give_back(self, cost: int) -> None:
        """A request that took ``cost`` has been answered."""


class _Counter:
    """Counts what passes, whatever becomes of it."""

    def give_back(self, cost: int) -> None:
        """Nothing to do: what has passed has passed."""


class TokenBucket(_Counter):
    """Holds up to ``capacity`` tokens and gains ``rate`` of them a second. Its reset is the time of the next token."""

    full_again = False

    def __init__(self, capacity: int, rate: float, clock: Clock = time.monotonic) -> None:
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
        until_full = (self.capacity - self._tokens) / self.rate
        wait = until_full if granted else (cost - self._tokens) / self.rate
        return told(granted, self.capacity, self._tokens, wait, until_full if self.full_again else None)


class FullBucket(TokenBucket):
    """A bucket whose reset is when it is full again, on a refusal too."""

    full_again = True


class LeakyBucket(_Counter):
    """Whatever comes is poured in and leaks out evenly; a request that would make it run over is refused."""

    def __init__(self, capacity: int, rate: float, clock: Clock = time.monotonic) -> None:
        self._capacity, self._rate, self._clock = capacity, rate, clock
        self._level, self._at = 0.0, clock()

    def take(self, cost: int) -> Allowance:
        """As ``Limiter.take``."""
        now = self._clock()
        self._level = max(0.0, self._level - (now - self._at) * self._rate)
        self._at = now
        granted = self._level + cost <= self._capacity
        self._level += cost if granted else 0
        wait = 0.0 if granted else (self._level + cost - self._capacity) / self._rate
        return told(granted, self._capacity, self._capacity - self._level, wait, self._level / self._rate)


class Gcra(_Counter):
    """The generic cell rate algorithm: a theoretical arrival time that may run ahead of the clock by a burst."""

    def __init__(self, burst: int, rate: float, clock: Clock = time.monotonic) -> None:
        self._burst, self._interval, self._clock = burst, 1 / rate, clock
        self._arrival = clock()

    def take(self, cost: int) -> Allowance:
        """As ``Limiter.take``."""
        now = self._clock()
        arrival = max(self._arrival, now) + cost * self._interval
        wait = arrival - now - self._burst * self._interval
        granted = wait <= 0
        if granted:
            self._arrival = arrival
        ahead = max(0.0, self._arrival - now)
        return told(granted, self._burst, self._burst - ahead / self._interval, max(0.0, wait), ahead)


class FixedWindow(_Counter):
    """Counts in windows of ``seconds``, each of which begins with its first request, or is ``aligned`` by the clock."""

    def __init__(self, limit: int, seconds: float, *, aligned: bool = False) -> None:
        self._limit, self._seconds, self._aligned = limit, seconds, aligned
        self._end, self._used = 0.0, 0

    def take(self, cost: int) -> Allowance:
        """As ``Limiter.take``."""
        now = time.time()
        if now >= self._end:
            begin = now - now % self._seconds if self._aligned else now
            self._end, self._used = begin + self._seconds, 0
        granted = self._used + cost <= self._limit
        self._used += cost if granted else 0
        return told(granted, self._limit, self._limit - self._used, self._end - now)


class SlidingLog(_Counter):
    """Remembers when everything passed: at most ``limit`` in any ``seconds``. Its reset is when all is forgotten."""

    def __init__(self, limit: int, seconds: float, clock: Clock = time.monotonic) -> None:
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._passed: deque[tuple[float, int]] = deque()

    def take(self, cost: int) -> Allowance:
        """As ``Limiter.take``."""
        now = self._clock()
        while self._passed and self._passed[0][0] <= now - self._seconds:
            self._passed.popleft()
        left = self._limit - sum(count for _, count in self._passed)
        granted = cost <= left
        if granted and cost:
            self._passed.append((now, cost))
            left -= cost
        until_reset = self._passed[-1][0] + self._seconds - now if self._passed else 0.0
        return told(granted, self._limit, left, 0.0 if granted else self._wait(cost - left, now), until_reset)

    def _wait(self, missing: int, now: float) -> float:
        for at, count in self._passed:
            missing -= count
            if missing <= 0:
                return at + self._seconds - now
        return self._seconds


class SlidingWindow(_Counter):
    """Counts in aligned windows, and of the last one the share that still reaches into the sliding one."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit, self._seconds = limit, seconds
        self._window, self._before, self._used = 0, 0, 0

    def take(self, cost: int) -> Allowance:
        """As ``Limiter.take``."""
        now = time.time()
        window, into = divmod(now, self._seconds)
        if window != self._window:
            self._before = self._used if window == self._window + 1 else 0
            self._window, self._used = int(window), 0
        left = self._limit - self._used - self._before * (1 - into / self._seconds)
        granted = cost <= left
        self._used += cost if granted else 0
        until_end = self._seconds - into
        # By the end of the window after this one, all that counts now is forgotten.
        wait = until_end if cost <= self._limit - self._used else until_end + self._seconds
        return told(granted, self._limit, left - (cost if granted else 0), wait, until_end)


class UnderWay:
    """At most ``limit`` at a time: what is answered counts no more."""

    def __init__(self, limit: int) -> None:
        self._limit, self._used = limit, 0

    def take(self, cost: int) -> Allowance:
        """As ``Limiter.take``."""
        granted = self._used + cost <= self._limit
        self._used += cost if granted else 0
        return told(granted, self._limit, self._limit - self._used, 1.0)

    def give_back(self, cost: int) -> None:
        """As ``Limiter.give_back``."""
        self._used -= cost


class Limits:
    """What limits one environment: its requests, and the runs that they start. Of the two, what is told is the runs."""

    def __init__(self, requests: Limiter, runs: Limiter) -> None:
        self.requests, self.runs = requests, runs

    def take_request(self) -> Allowance:
        """Take one request."""
        return self.requests.take(1)

    def take_runs(self, count: int) -> Allowance:
        """Take the runs that a request starts."""
        return self.runs.take(count)

    def look(self) -> Allowance:
        """What is told where nothing is taken."""
        return self.runs.take(0)


class RequestsOnly(Limits):
    """Each request costs one, whatever becomes of it."""

    def __init__(self, requests: Limiter) -> None:
        super().__init__(requests, requests)

    def take_runs(self, count: int) -> Allowance:  # noqa: ARG002
        """Runs cost nothing."""
        return self.look()


class RunsOnly(Limits):
    """Each run costs one."""

    def __init__(self, runs: Limiter) -> None:
        super().__init__(runs, runs)

    def take_request(self) -> Allowance:
        """A request costs nothing."""
        return self.look()
