"""Rate limits: dishonest waits for runs, batches that are made in spite of a refusal."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Order
from trigger_conformance.reference.limiter import Allowance, TokenBucket
from trigger_conformance.reference.settings import Settings
from trigger_conformance.reference.site import Environment, Site

HONEST = "rate_limits.retry_after_is_honest"
NOTHING = "rate_limits.limited_request_creates_nothing"


class _SlowRefill(ReferenceApp):
    """Refills so slowly that a wait matters."""

    def adjusted(self, settings: Settings) -> Settings:
        usual = super().adjusted(settings)
        capacity, rate = usual.run_limit
        return replace(usual, run_limit=(capacity, rate / 10))


@fault(HONEST, app=_SlowRefill)
class WaitsTooShort(CreateBatchServer):
    """Retry-After says a second whatever is missing."""

    def too_many(self, allowance: Allowance) -> Response:
        return super().too_many(replace(allowance, retry_after=1, reset=int(time.time()) + 1))

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        allowance = super().charge_runs(environment, order)
        if order.run_count > 10 and not allowance.granted:
            cast(TokenBucket, self.limits[environment.name].runs)._tokens -= 500  # noqa: SLF001
        return allowance


@fault(HONEST)
class ExtendsTheBan(CreateBatchServer):
    """Whoever was refused once stays refused for ten seconds, whatever Retry-After says."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.banned_until = 0.0

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        allowance = super().charge_runs(environment, order)
        if order.run_count > 10 and not allowance.granted:
            self.banned_until = time.monotonic() + 10
        return replace(allowance, granted=allowance.granted and time.monotonic() > self.banned_until)


@fault(NOTHING)
class CreatesBeforeTheLimit(CreateBatchServer):
    """The batch is written before the limit is looked at."""

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        allowance = super().charge_runs(environment, order)
        if not allowance.granted:
            self.late.append((environment, order))
        return allowance

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.late: list[tuple[Environment, Order]] = []

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        response = await super().create_batch(request, environment)
        while self.late:
            await self.create(*self.late.pop())
        return response


@fault("rate_limits.retry_after_is_honest")
class RefusesTheFirstRetry(CreateBatchServer):
    """After a refusal the next big request is refused too, however long one waits."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.refusals = 0

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        allowance = super().charge_runs(environment, order)
        if not allowance.granted:
            self.refusals = 3
        elif order.run_count > 10 and self.refusals:
            self.refusals -= 1
            return replace(allowance, granted=False)
        return allowance
