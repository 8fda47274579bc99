"""What shows only while requests come together, or before all is warm: few connections to what is behind, locks."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.site import Environment, Site

STATUSES = "acceptance.only_documented_statuses"
NEVER = "acceptance.never_a_server_error"
ACCEPTED = "acceptance.valid_request_is_accepted"


class _Crowded(CreateBatchServer):
    """Counts the requests that are under way; each takes a few milliseconds."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.under_way = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    async def handle(self, request: Request) -> Response:
        with self.one_more():
            if self.under_way > self.most:
                return self.refused(request)
            await asyncio.sleep(0.004)
            return await super().handle(request)

    most = 1

    def refused(self, request: Request) -> Response:
        raise NotImplementedError


@fault(ACCEPTED)
class StrangersInACrowd(_Crowded):
    """The look-up of a key fails while four others are under way, and what is not found is a stranger's."""

    most = 4

    def refused(self, request: Request) -> Response:
        return self.unauthorized(request)


@fault(NEVER)
class HasTwelveConnections(_Crowded):
    """Behind it are twelve connections; a request that gets none is answered 503 at once."""

    most = 12

    def refused(self, request: Request) -> Response:  # noqa: ARG002
        return self.error(503, "remaining connection slots are reserved")


@fault(NEVER)
class FailsOnce(CreateBatchServer):
    """The very first request finds what is behind not ready."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.turn = itertools.count()

    async def handle(self, request: Request) -> Response:
        return await super().handle(request) if next(self.turn) else self.error(503, "starting")


@fault(ACCEPTED)
class OneStrangerInForty(CreateBatchServer):
    """One replica in forty has not heard of the key yet."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.turn = itertools.count(1)

    async def handle(self, request: Request) -> Response:
        return self.unauthorized(request) if next(self.turn) % 40 == 0 else await super().handle(request)


@fault(NEVER)
class DeadlocksNowAndThen(CreateBatchServer):
    """One create in sixty meets a deadlock, which nobody tries again."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.turn = itertools.count(1)

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        if next(self.turn) % 60 == 0:
            return self.error(500, "deadlock detected")
        return await super().create_batch(request, environment)


@fault(STATUSES)
class LocksKeysForAMoment(CreateBatchServer):
    """A replay within 20 ms of its first is answered 409."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.locked: dict[str, float] = {}

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        order = await self.order_of(request)
        now = asyncio.get_running_loop().time()
        if order.key is not None and now - self.locked.get(order.key, 0) < 0.02:
            return self.error(409, "a request with this key is in progress")
        if order.key is not None:
            self.locked[order.key] = now
        return await super().create_batch(request, environment)

    async def read_body(self, request: Request) -> bytes:
        return await request.body()
