"""Conforming variants: servers with a rate limit of every kind in use, told honestly."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.limiter import (
    Allowance,
    FixedWindow,
    FullBucket,
    Gcra,
    LeakyBucket,
    Limiter,
    SlidingLog,
    SlidingWindow,
    TokenBucket,
    UnderWay,
)
from trigger_conformance.reference.server import ReferenceServer
from trigger_conformance.reference.settings import SOUND, Settings
from trigger_conformance.reference.store import Environment, Order

PRESS = "rate_limits.pressing_past_the_limit_brings_a_429"


class _Limited(ReferenceServer):
    """Has one limiter an environment."""

    def __init__(self, settings: Settings = SOUND) -> None:
        super().__init__(settings)
        self.limiters = {environment.name: self.limiter() for environment in self.environments}

    def limiter(self) -> Limiter:
        """A new environment's limiter."""
        raise NotImplementedError


class _ByRequests(_Limited):
    """Each request costs one, whatever becomes of it."""

    def charge_request(self, environment: Environment) -> Allowance:
        return self.limiters[environment.name].take(1)

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:  # noqa: ARG002
        return self.charge_nothing(environment)

    def charge_nothing(self, environment: Environment) -> Allowance:
        return self.limiters[environment.name].take(0)


class _ByRuns(_Limited):
    """Each new batch costs its runs."""

    def charge_request(self, environment: Environment) -> Allowance:
        return self.charge_nothing(environment)

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        return self.limiters[environment.name].take(order.run_count)

    def charge_nothing(self, environment: Environment) -> Allowance:
        return self.limiters[environment.name].take(0)


@variant
class TokenBucketOfRequests(_ByRequests):
    """60 requests at once, 50 a second; the reset is when the bucket is full again."""

    def limiter(self) -> Limiter:
        return FullBucket(60, 50.0)


@variant
class LeakyBucketOfRequests(_ByRequests):
    """100 requests, which leak out at 60 a second."""

    def limiter(self) -> Limiter:
        return LeakyBucket(100, 60.0)


@variant
class GcraOfRequests(_ByRequests):
    """A request each fiftieth of a second, bursts of 40 (generic cell rate algorithm)."""

    def limiter(self) -> Limiter:
        return Gcra(40, 50.0)


@variant
class FixedWindowOfRequests(_ByRequests):
    """150 requests in three seconds from the first one."""

    def limiter(self) -> Limiter:
        return FixedWindow(150, 3.0)


@variant
class ShortWindowOfRequests(_ByRequests):
    """60 requests in each second of the clock."""

    def limiter(self) -> Limiter:
        return FixedWindow(60, 1.0, aligned=True)


@variant
class AlignedWindowOfRequests(_ByRequests):
    """200 requests in each five seconds of the clock."""

    def limiter(self) -> Limiter:
        return FixedWindow(200, 5.0, aligned=True)


@variant
class SlidingLogOfRequests(_ByRequests):
    """150 requests in any three seconds."""

    def limiter(self) -> Limiter:
        return SlidingLog(150, 3.0)


@variant
class SlidingWindowOfRequests(_ByRequests):
    """150 requests in three seconds, of which the last window's share counts on."""

    def limiter(self) -> Limiter:
        return SlidingWindow(150, 3.0)


@variant
class ThousandRequestsAMinute(_ByRequests):
    """1,000 requests in each minute: the press has to be as strong."""

    def limiter(self) -> Limiter:
        return FixedWindow(1000, 60.0)

    def run_options(self) -> list[str]:
        return ["--press-requests=1100", "--max-requests=4000"]


@variant(undecided=(PRESS,))
class BeyondThePress(_ByRequests):
    """3,000 requests in each minute: more than a press may send."""

    def limiter(self) -> Limiter:
        return FixedWindow(3000, 60.0)


@variant
class FixedWindowOfRuns(_ByRuns):
    """3,000 runs in each three seconds of the clock."""

    def limiter(self) -> Limiter:
        return FixedWindow(3000, 3.0, aligned=True)


@variant
class SlidingLogOfRuns(_ByRuns):
    """2,000 runs in any two seconds."""

    def limiter(self) -> Limiter:
        return SlidingLog(2000, 2.0)


@variant
class RequestsAndRuns(_ByRequests):
    """150 requests in three seconds and 1,500 runs at once, 800 a second; the tighter limit is told."""

    def __init__(self, settings: Settings = SOUND) -> None:
        super().__init__(settings)
        self.runs = {environment.name: TokenBucket(1500, 800.0) for environment in self.environments}

    def limiter(self) -> Limiter:
        return FixedWindow(150, 3.0)

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        return self.tighter(environment, self.runs[environment.name].take(order.run_count))

    def charge_nothing(self, environment: Environment) -> Allowance:
        return self.tighter(environment, self.runs[environment.name].take(0))

    def tighter(self, environment: Environment, of_runs: Allowance) -> Allowance:
        of_requests = self.limiters[environment.name].take(0)
        return min(of_runs, of_requests, key=lambda each: (each.granted, each.remaining / each.limit))


@variant
class RequestsUnderWay(_ByRequests):
    """12 requests at a time, each of which takes a hundredth of a second."""

    def limiter(self) -> Limiter:
        return UnderWay(12)

    def charge_request(self, environment: Environment) -> Allowance:
        return self.charge_nothing(environment)

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        limiter = self.limiters[environment.name]
        allowance = limiter.take(1)
        if not allowance.granted:
            return self.too_many(allowance)
        try:
            await asyncio.sleep(0.01)
            return await super().create_batch(request, environment)
        finally:
            limiter.give_back(1)


@variant(undecided=(PRESS,))
class ManyRequestsUnderWay(RequestsUnderWay):
    """200 requests at a time: more than a press has under way."""

    def limiter(self) -> Limiter:
        return UnderWay(200)


class _Silent(_ByRequests):
    """Speaks of the limit on a 429 only."""

    def limit_headers(self, allowance: Allowance) -> list[tuple[str, str]]:
        return [] if allowance.granted else super().limit_headers(allowance)


@variant(warns=("rate_limits.accepted_answers_carry_the_limits",))
class SilentWindow(_Silent):
    """150 requests in three seconds, of which a 202 tells nothing."""

    def limiter(self) -> Limiter:
        return FixedWindow(150, 3.0)


@variant(warns=("rate_limits.accepted_answers_carry_the_limits",), undecided=(PRESS,))
class SilentAndBeyondThePress(_Silent):
    """3,000 requests in a minute, of which a 202 tells nothing."""

    def limiter(self) -> Limiter:
        return FixedWindow(3000, 60.0)


@variant
class FewWrongCredentials(ReferenceServer):
    """Wrong credentials have a tight limit of their own: 20 in each second."""

    def __init__(self, settings: Settings = SOUND) -> None:
        super().__init__(settings)
        self.wrong = FixedWindow(20, 1.0)

    def unauthorized(self, request: Request) -> Response:
        allowance = self.wrong.take(1)
        return super().unauthorized(request) if allowance.granted else self.too_many(allowance)
