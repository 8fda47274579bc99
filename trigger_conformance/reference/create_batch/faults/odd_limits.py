"""Rate limits that mislead those who keep to them: waits that are points in time, of another limit, or not enough."""

from __future__ import annotations

import time
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Order
from trigger_conformance.reference.limiter import Allowance, FixedWindow, TokenBucket
from trigger_conformance.reference.settings import Settings
from trigger_conformance.reference.site import Environment, Site

INTEGERS = "rate_limits.headers_of_a_429_are_integers"
COUNTS = "rate_limits.counts_of_a_429_are_consistent"
ONCE = "rate_limits.every_429_carries_its_headers_once"
HONEST = "rate_limits.retry_after_is_honest"
OTHER = "rate_limits.headers_describe_the_limit_that_refused"


class _Waiting(CreateBatchServer):
    """Says in its own way when to come back."""

    def too_many(self, allowance: Allowance) -> Response:
        headers = {**dict(allowance.headers()), "Retry-After": self.retry_after(allowance)}
        return self.error(429, "Rate limit exceeded", list(headers.items()))

    def retry_after(self, allowance: Allowance) -> str:
        raise NotImplementedError


@fault(INTEGERS)
class SaysWhenInAnIsoDate(_Waiting):
    """Retry-After is a date as databases write it."""

    def retry_after(self, allowance: Allowance) -> str:
        return time.strftime("%FT%TZ", time.gmtime(time.time() + allowance.retry_after))


@fault(COUNTS)
class SaysWhenInMilliseconds(_Waiting):
    """Retry-After is a Unix time in milliseconds."""

    def retry_after(self, allowance: Allowance) -> str:
        return str(int(time.time() * 1000) + 1000 * allowance.retry_after)


@fault(COUNTS)
class CountsBackToTheEpoch(_Waiting):
    """Retry-After is a reset that is gone already, less the present time."""

    def retry_after(self, allowance: Allowance) -> str:  # noqa: ARG002
        return str(-int(time.time()))


class _Plenty(ReferenceApp):
    """Has more runs than anybody asks for."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, run_limit=(10**6, 10.0**6))


class _TwoLimits(CreateBatchServer):
    """Has a limit of its own of what it accepts, and tells another one."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.windows = {environment.name: FixedWindow(60, 2.0) for environment in self.environments}

    def charge_request(self, environment: Environment) -> Allowance:
        window = self.windows[environment.name].take(1)
        return self.told(environment, window) if not window.granted else super().charge_request(environment)

    def told(self, environment: Environment, window: Allowance) -> Allowance:
        """What is said of a request that the window refused."""
        raise NotImplementedError


@fault(OTHER, app=_Plenty)
class TellsTheOtherLimit(_TwoLimits):
    """What refuses is the window of requests; what is told is the bucket of runs, which has plenty."""

    def told(self, environment: Environment, window: Allowance) -> Allowance:
        other = self.limits[environment.name].runs.take(0)
        return replace(window, limit=other.limit, remaining=other.remaining)


@fault(OTHER, app=_Plenty)
class TellsThePlansLimit(_TwoLimits):
    """What refuses is the window of requests; what is told is the month's quota."""

    def told(self, environment: Environment, window: Allowance) -> Allowance:  # noqa: ARG002
        return replace(window, limit=1_000_000, remaining=985_310)


@fault(OTHER, app=_Plenty)
class TellsTheWindowBefore(_TwoLimits):
    """The headers are those of a window that has just begun."""

    def told(self, environment: Environment, window: Allowance) -> Allowance:  # noqa: ARG002
        return replace(window, remaining=window.limit)


@fault(ONCE)
class RefusesWrongCredentialsInSilence(CreateBatchServer):
    """Wrong credentials have a limit of their own, of which nothing is said."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.wrong = FixedWindow(20, 1.0)

    def unauthorized(self, request: Request) -> Response:
        if self.wrong.take(1).granted:
            return super().unauthorized(request)
        return self.error(429, "Too many failed attempts")


class _Banning(CreateBatchServer):
    """Refuses for as long as a ban lasts, and each refused request changes that."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.bucket = TokenBucket(30, 20.0)
        self.banned_until = 0.0
        self.refused = 0

    def charge_request(self, environment: Environment) -> Allowance:
        if environment is not self.environments[0]:
            return super().charge_request(environment)
        allowance = self.bucket.take(1)
        now = time.monotonic()
        if allowance.granted and now >= self.banned_until:
            return allowance
        return self.ban(allowance)

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        allowance = super().charge_runs(environment, order)
        return allowance if allowance.granted or environment is not self.environments[0] else self.ban(allowance)

    def ban(self, allowance: Allowance) -> Allowance:
        """What a request is told that lengthens the ban."""
        self.refused += 1
        self.banned_until = max(time.monotonic(), self.banned_until) + self.longer()
        return replace(allowance, granted=False, remaining=0, **self.told())

    def longer(self) -> float:
        """By how many seconds a refused request lengthens the ban."""
        raise NotImplementedError

    def told(self) -> dict[str, int]:
        """What a refused request is told: a second, whatever is true."""
        return {"retry_after": 1, "reset": int(time.time()) + 1}

    def limit_headers(self, allowance: Allowance) -> list[tuple[str, str]]:
        """Nothing warns of the limit: who is told of it is banned already."""
        return [] if allowance.granted else super().limit_headers(allowance)


@fault(HONEST)
class BansForLongerEachTime(_Banning):
    """Each refused request adds five seconds to a ban, and Retry-After says one."""

    def longer(self) -> float:
        return 5.0


@fault(HONEST)
class DoublesTheBan(_Banning):
    """Each refused request doubles a ban, and Retry-After says a second."""

    def longer(self) -> float:
        return min(600.0, 2.0 ** min(self.refused, 10))
