"""The memory of keys: bounded, short, not shared by all processes, undone by an error."""

from __future__ import annotations

import contextlib
import itertools
import json
import time

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.shared import KnowsByAge
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

EARLIEST = "idempotency.earliest_keys_are_known_at_the_end"
ERRORS = "idempotency.key_outlives_errors_beside_it"
AT_ONCE = "idempotency.replay_at_once_finds_the_batch"


def _port(request: Request) -> int:
    return request.client.port if request.client else 0


class _Bounded(CreateBatchServer):
    """Remembers only the keys that were used last."""

    capacity = 0

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None and order.key is not None:
            key = self.stored_key(order.key)
            self.batches(environment)[key] = self.batches(environment).pop(key)
        return existing

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        while len(self.batches(environment)) > self.capacity:
            del self.batches(environment)[next(iter(self.batches(environment)))]
        return batch


@fault(EARLIEST)
class RemembersTheLast256Keys(_Bounded):
    """The 256 keys that were used last are remembered: an LRU cache."""

    capacity = 256


@fault(EARLIEST)
class RemembersTheLast200Keys(_Bounded):
    """The 200 keys that were used last are remembered."""

    capacity = 200


@fault(EARLIEST)
class KeysLiveThreeSeconds(KnowsByAge):
    """A key lives three seconds."""

    def is_known_at(self, age: float) -> bool:
        return age <= 3


@fault(EARLIEST)
class LargestAreNotKept(CreateBatchServer):
    """The store takes no batch of the maximum, of which only the log tells: its key is not remembered."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        if order.key is not None and order.run_count == self.settings.max_run_count:
            del self.batches(environment)[self.stored_key(order.key)]
        return batch


@fault(EARLIEST)
class LimitedReplaysForget(CreateBatchServer):
    """Whatever is no success deletes its key, and replays are limited too: one that is answered 429 is forgotten."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        order = await self.order_of(request)
        runs = self.charge_runs(environment, order)
        if not runs.granted:
            self.batches(environment).pop(self.stored_key(order.key or ""), None)
            return self.too_many(runs)
        existing = await self.find(environment, order)
        batch = existing or await self.create(environment, order)
        return self.accepted(environment, order, batch, existing is not None, runs)


@fault("idempotency.concurrent_requests_with_one_key_create_one_batch")
class OneConnectionInSixIsApart(CreateBatchServer):
    """One connection in six leads to a process whose memory is its own."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.turn = itertools.count()
        self.apart: dict[int, bool] = {}

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        self.here = not self.apart.setdefault(_port(request), next(self.turn) % 6 == 5)
        return await super().create_batch(request, environment)

    def stored_key(self, key: str) -> str:
        return key if self.here else f"apart {key}"


class _OnErrors(CreateBatchServer):
    """Loses the batch that was made last when a request fails."""

    statuses: tuple[int, ...] = ()

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        if status in self.statuses and self.applies(message):
            for environment in self.environments:
                if self.batches(environment):
                    self.batches(environment).popitem()
        return super().error(status, message, headers)

    def applies(self, message: str) -> bool:  # noqa: ARG002
        return True


@fault(ERRORS)
class RejectionsUndoTheLastBatch(_OnErrors):
    """A rejected request rolls back the batch before it, whose transaction was left open."""

    statuses = (400, 422)


@fault(ERRORS)
class RefusalsUndoTheLastBatch(_OnErrors):
    """A refused request ends the session, and the last batch with it."""

    statuses = (401,)


@fault(ERRORS)
class BrokenBodiesRestartTheProcess(_OnErrors):
    """A body that is no JSON restarts the process, which has not yet saved its last batch."""

    statuses = (400,)

    def applies(self, message: str) -> bool:
        return "JSON" in message


class _ForgetsTheirKey(CreateBatchServer):
    """Forgets the key of a request that fails."""

    def forget(self, environment: Environment, body: bytes) -> None:
        with contextlib.suppress(ValueError, AttributeError, TypeError):
            self.batches(environment).pop(json.loads(body).get("idempotencyKey"), None)


@fault(ERRORS)
class DeletesForgetTheirKey(_ForgetsTheirKey):
    """A DELETE is answered 405, when a cache in front has already dropped what its body names."""

    async def handle(self, request: Request) -> Response:
        if request.method == "DELETE":
            for environment in self.environments:
                self.forget(environment, await request.body())
        return await super().handle(request)


@fault(AT_ONCE)
class OthersReadLater(CreateBatchServer):
    """What one connection wrote, others read 10 ms later: only the writer is sent to the primary."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.written: dict[str, tuple[int, float]] = {}

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        self.port = _port(request)
        return await super().create_batch(request, environment)

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is None:
            return None
        port, at = self.written[existing.id]
        return existing if port == self.port or time.monotonic() - at > 0.01 else None

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        self.written[batch.id] = (self.port, time.monotonic())
        return batch


@fault("idempotency.reserved_keys_work_or_are_rejected")
class NumbersGoFirst(CreateBatchServer):
    """The memory is a JavaScript object: where it is full its first property goes, and numbers are the first."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        kept = self.batches(environment)
        numbers = [key for key in kept if key.isascii() and key.isdigit() and str(int(key)) == key]
        if len(kept) > 100 and numbers:
            del kept[min(numbers, key=int)]
        return batch


@fault(ERRORS, "idempotency.no_key_ever_named_two_batches")
class RejectionsForgetTheirKey(CreateBatchServer):
    """A rejected request removes what its key names, in the belief that it is its own lock."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        try:
            return await super().create_batch(request, environment)
        except Problem:
            with contextlib.suppress(Problem):
                document = self.parse(await request.body())
                if isinstance(document, dict):
                    self.batches(environment).pop(str(document.get("idempotencyKey")), None)
            raise

    async def read_body(self, request: Request) -> bytes:
        return await request.body()
