"""Races of several widths, and clients that are gone."""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.shared import KnowsByAge
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

RACE = "idempotency.concurrent_requests_with_one_key_create_one_batch"
ABANDONED = "idempotency.abandoned_request_and_its_retry_make_one_batch"
UNDONE = "idempotency.abandoned_request_is_not_undone_later"


class _Slow(CreateBatchServer):
    """Looks a key up, loses some time, then creates."""

    width = 0.0

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is None:
            await asyncio.sleep(self.width)
        return existing


@fault(RACE)
class RaceOf50Milliseconds(_Slow):
    """Check, then act 50 ms later."""

    width = 0.05


@fault(RACE)
class RaceOf5Milliseconds(_Slow):
    """Check, then act 5 ms later."""

    width = 0.005


@fault(RACE)
class RaceOfHalfAMillisecond(_Slow):
    """Check, then act half a millisecond later."""

    width = 0.0005


@fault(RACE)
class RaceOfOneTurn(_Slow):
    """Check, then act one turn of the event loop later."""

    width = 0.0


@fault(RACE, "acceptance.never_a_server_error")
class LosersFail(_Slow):
    """A unique index catches the race, and its error is answered 500."""

    width = 0.005

    async def create(self, environment: Environment, order: Order) -> Batch:
        if order.key is not None and self.stored_key(order.key) in self.batches(environment):
            raise Problem(500, "duplicate key")
        return await super().create(environment, order)


@fault(RACE, "acceptance.only_documented_statuses")
class LosersConflict(_Slow):
    """Whoever comes while the first request is at work is answered 409."""

    width = 0.005

    async def create(self, environment: Environment, order: Order) -> Batch:
        if order.key is not None and self.stored_key(order.key) in self.batches(environment):
            raise Problem(409, "a request with this key is in progress")
        return await super().create(environment, order)


@fault(RACE)
class LosersLookNew(_Slow):
    """The race is settled for one batch, but every racer says isCached false."""

    width = 0.005

    async def create(self, environment: Environment, order: Order) -> Batch:
        stored = self.batches(environment).get(self.stored_key(order.key)) if order.key is not None else None
        return stored or await super().create(environment, order)


@fault(RACE)
class LosersKeepTheirRunCount(_Slow):
    """The losers of the race get the winner's id with their own runCount, and say isCached true."""

    width = 0.005

    async def create(self, environment: Environment, order: Order) -> Batch:
        stored = self.batches(environment).get(self.stored_key(order.key)) if order.key is not None else None
        if stored is None:
            return await super().create(environment, order)
        return Batch(stored.id, order.run_count, order.key)


@fault(RACE)
class NobodyCreates(CreateBatchServer):
    """In a race every racer says isCached true."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.racing: Counter[str] = Counter()

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None or order.key is None:
            return existing
        self.racing[order.key] += 1
        await asyncio.sleep(0.005)
        if self.racing[order.key] == 1:
            return None
        return self.batches(environment).get(self.stored_key(order.key)) or await self.create(environment, order)


class _Lagging(KnowsByAge):
    """Reads come from a replica that is behind."""

    lag = 0.0

    def is_known_at(self, age: float) -> bool:
        return age >= self.lag


@fault(RACE, "idempotency.replay_at_once_finds_the_batch", "idempotency.replay_returns_the_existing_batch")
class ReplicaIs50MillisecondsBehind(_Lagging):
    """What was written is read back 50 ms later."""

    lag = 0.05


@fault(RACE, "idempotency.replay_at_once_finds_the_batch", "idempotency.replay_returns_the_existing_batch")
class ReplicaIs5MillisecondsBehind(_Lagging):
    """What was written is read back 5 ms later."""

    lag = 0.005


@fault(
    "idempotency.concurrent_requests_with_different_keys_create_different_batches",
    "acceptance.new_batch_has_the_requested_run_count",
)
class MixesUpConcurrentOrders(CreateBatchServer):
    """The current order is kept in one variable that all requests share."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        self.current = order
        await asyncio.sleep(0.002)
        mixed = Order(self.current.run_count, order.key, None, False, order.document)
        return await super().create(environment, mixed)


@fault("idempotency.concurrent_requests_with_different_keys_create_different_batches")
class LosesConcurrentWrites(CreateBatchServer):
    """Two creates that overlap read, change and write the same table, and one of them is lost."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        table = dict(self.batches(environment))
        batch = Batch(self.new_id(), order.run_count, order.key)
        await asyncio.sleep(0.002)
        if order.key is not None:
            table[self.stored_key(order.key)] = batch
        batches = self.batches(environment)
        batches.clear()
        batches.update(table)
        return batch


@fault(ABANDONED)
class AbandonedKeysStayLocked(CreateBatchServer):
    """A key is locked while its batch is made; where the client has gone, nobody unlocks it."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.locked: set[str] = set()

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        self.request = request
        return await super().create_batch(request, environment)

    async def create(self, environment: Environment, order: Order) -> Batch:
        request = self.request
        if order.key is None:
            return await super().create(environment, order)
        if order.key in self.locked:
            raise Problem(400, "a request with this key is in progress")
        self.locked.add(order.key)
        await asyncio.sleep(0.005)
        if await request.is_disconnected():
            raise Problem(400, "nobody is there to answer")
        self.locked.discard(order.key)
        existing = self.batches(environment).get(self.stored_key(order.key))
        return existing or await super().create(environment, order)


@fault(ABANDONED, "idempotency.no_key_ever_named_two_batches", UNDONE)
class AbandonedBatchesAreRolledBack(CreateBatchServer):
    """A batch whose client has gone is taken back a moment later, after others have been given its id."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        self.request = request
        return await super().create_batch(request, environment)

    async def create(self, environment: Environment, order: Order) -> Batch:
        request = self.request
        batch = await super().create(environment, order)
        if order.key is not None:
            asyncio.get_running_loop().create_task(self.take_back(request, environment, order, batch))
            await asyncio.sleep(0.001)
        return batch

    seconds = 0.008

    async def take_back(self, request: Request, environment: Environment, order: Order, batch: Batch) -> None:
        await asyncio.sleep(0.0005)
        if await request.is_disconnected():
            await asyncio.sleep(self.seconds)
            key = self.stored_key(order.key or "")
            if self.batches(environment).get(key) is batch:
                del self.batches(environment)[key]


@fault(ABANDONED)
class AbandonedRequestsAreMadeTwice(CreateBatchServer):
    """A batch whose client has gone is made once more by a job that retries, and replaces what the retry got."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        body = await request.body()
        response = await super().create_batch(request, environment)
        document = self.parse(body)
        key = document.get("idempotencyKey")
        if isinstance(key, str):
            asyncio.get_running_loop().create_task(self.retry(request, environment, key, document["runCount"]))
        return response

    async def retry(self, request: Request, environment: Environment, key: str, run_count: int) -> None:
        await asyncio.sleep(0.001)
        if await request.is_disconnected():
            self.batches(environment)[self.stored_key(key)] = Batch(self.new_id(), run_count, key)


@fault("idempotency.no_key_is_never_cached")
class SharesWhatIsUnderWay(CreateBatchServer):
    """Equal requests without a key that are under way at once are answered by one batch: a single flight."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.flying: dict[tuple[str, int], asyncio.Task[Batch]] = {}

    async def create(self, environment: Environment, order: Order) -> Batch:
        if order.key is not None:
            return await super().create(environment, order)
        flight = (environment.name, order.run_count)
        if flight not in self.flying:
            self.flying[flight] = asyncio.create_task(self.fly(environment, order))
            self.flying[flight].add_done_callback(lambda _: self.flying.pop(flight))
        return await self.flying[flight]

    async def fly(self, environment: Environment, order: Order) -> Batch:
        await asyncio.sleep(0.005)
        return await super().create(environment, order)


@fault("idempotency.another_environment_has_keys_of_its_own")
class SharesKeysUnderWay(CreateBatchServer):
    """A key that is under way is whoever's it is: environments that send it at once get one batch."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.flying: dict[str, asyncio.Task[Batch]] = {}

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        flight = self.flying.get(order.key or "")
        return await flight if flight is not None else await super().find(environment, order)

    async def create(self, environment: Environment, order: Order) -> Batch:
        if order.key is None:
            return await super().create(environment, order)
        self.flying[order.key] = asyncio.create_task(self.fly(environment, order))
        try:
            return await self.flying[order.key]
        finally:
            del self.flying[order.key]

    async def fly(self, environment: Environment, order: Order) -> Batch:
        await asyncio.sleep(0.02)
        return await super().create(environment, order)


@fault(UNDONE)
class AbandonedBatchesAreRolledBackLater(AbandonedBatchesAreRolledBack):
    """A batch whose client has gone is taken back when its transaction times out; its retry has seen it by then."""

    seconds = 0.3
