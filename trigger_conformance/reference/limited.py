"""Conforming variants: servers with a rate limit of every kind in use, told honestly."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.limiter import (
    Allowance,
    FixedWindow,
    FullBucket,
    Gcra,
    LeakyBucket,
    Limiter,
    Limits,
    RequestsOnly,
    RunsOnly,
    SlidingLog,
    SlidingWindow,
    TokenBucket,
    UnderWay,
)
from trigger_conformance.reference.server import OperationServer
from trigger_conformance.reference.site import Environment, Site

PRESS = "rate_limits.pressing_past_the_limit_brings_a_429"


class _ByRequests(ReferenceApp):
    """Each request costs one, whatever becomes of it."""

    def new_limits(self) -> Limits:
        return RequestsOnly(self.limiter())

    def limiter(self) -> Limiter:
        """A new environment's limiter."""
        raise NotImplementedError


class _ByRuns(ReferenceApp):
    """Each run costs one, and a request nothing."""

    def new_limits(self) -> Limits:
        return RunsOnly(self.limiter())

    def limiter(self) -> Limiter:
        """A new environment's limiter."""
        raise NotImplementedError


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
        return [*super().run_options(), "--press-requests=1100", "--max-requests=4000"]


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


class _Tighter(Limits):
    """Of two limits, the tighter is told."""

    def take_runs(self, count: int) -> Allowance:
        return self.tighter(super().take_runs(count))

    def look(self) -> Allowance:
        return self.tighter(super().look())

    def tighter(self, of_runs: Allowance) -> Allowance:
        return min(of_runs, self.requests.take(0), key=lambda each: (each.granted, each.remaining / each.limit))


@variant
class RequestsAndRuns(ReferenceApp):
    """150 requests in three seconds and 1,500 runs at once, 800 a second; the tighter limit is told."""

    def new_limits(self) -> Limits:
        return _Tighter(FixedWindow(150, 3.0), TokenBucket(1500, 800.0))


class _FewUnderWay(_ByRequests):
    def limiter(self) -> Limiter:
        return UnderWay(12)


class _ManyUnderWay(_ByRequests):
    def limiter(self) -> Limiter:
        return UnderWay(200)


@variant(app=_FewUnderWay)
class RequestsUnderWay(OperationServer):
    """12 requests at a time, each of which takes a hundredth of a second."""

    def charge_request(self, environment: Environment) -> Allowance:
        return self.charge_nothing(environment)

    async def answer(self, request: Request, environment: Environment) -> Response:
        limiter = self.limits[environment.name].requests
        allowance = limiter.take(1)
        if not allowance.granted:
            return self.too_many(allowance)
        try:
            await asyncio.sleep(0.01)
            return await super().answer(request, environment)
        finally:
            limiter.give_back(1)


@variant(undecided=(PRESS,), app=_ManyUnderWay)
class ManyRequestsUnderWay(RequestsUnderWay):
    """200 requests at a time: more than a press has under way."""


class _Silent(OperationServer):
    """Speaks of the limit on a 429 only."""

    def limit_headers(self, allowance: Allowance) -> list[tuple[str, str]]:
        return [] if allowance.granted else super().limit_headers(allowance)


class _ShortWindow(_ByRequests):
    def limiter(self) -> Limiter:
        return FixedWindow(150, 3.0)


class _LargeWindow(_ByRequests):
    def limiter(self) -> Limiter:
        return FixedWindow(3000, 60.0)


@variant(warns=("rate_limits.accepted_answers_carry_the_limits",), app=_ShortWindow)
class SilentWindow(_Silent):
    """150 requests in three seconds, of which a 202 tells nothing."""


@variant(warns=("rate_limits.accepted_answers_carry_the_limits",), undecided=(PRESS,), app=_LargeWindow)
class SilentAndBeyondThePress(_Silent):
    """3,000 requests in a minute, of which a 202 tells nothing."""


@variant
class FewWrongCredentials(OperationServer):
    """Wrong credentials have a tight limit of their own: 20 in each second."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.wrong = FixedWindow(20, 1.0)

    def unauthorized(self, request: Request) -> Response:
        allowance = self.wrong.take(1)
        return super().unauthorized(request) if allowance.granted else self.too_many(allowance)
