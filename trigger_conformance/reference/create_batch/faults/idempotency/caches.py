"""Caches that forget, and that remember by more or less than the key."""

from __future__ import annotations

import itertools
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.shared import KnowsByAge
from trigger_conformance.reference.create_batch.store import Batch, Batches, Order
from trigger_conformance.reference.site import Environment, Site

REPLAY = "idempotency.replay_returns_the_existing_batch"
OTHER_BODY = "idempotency.replay_ignores_other_properties"
MODEL = "fuzzing.any_order_is_answered_as_the_model_says"


class _Forgetting(CreateBatchServer):
    """Remembers only the last few keys."""

    capacity = 0

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        while len(self.batches(environment)) > self.capacity:
            del self.batches(environment)[next(iter(self.batches(environment)))]
        return batch


@fault(MODEL, "idempotency.concurrent_requests_with_different_keys_create_different_batches")
class RemembersThreeKeys(_Forgetting):
    """Only the last three keys are remembered."""

    capacity = 3


@fault("idempotency.concurrent_requests_with_different_keys_create_different_batches")
class RemembersTenKeys(_Forgetting):
    """Only the last ten keys are remembered."""

    capacity = 10


@fault("idempotency.key_is_known_after_many_others")
class RemembersThirtyKeys(_Forgetting):
    """Only the last thirty keys are remembered."""

    capacity = 30


@fault("idempotency.key_is_known_after_many_others")
class RemembersAHundredKeys(_Forgetting):
    """Only the last hundred keys are remembered."""

    capacity = 100


class _Expiring(KnowsByAge):
    """Keys expire."""

    lifetime = 0.0

    def is_known_at(self, age: float) -> bool:
        return age <= self.lifetime


@fault("idempotency.key_outlives_the_wait")
class KeysExpireInHalfASecond(_Expiring):
    """A key is forgotten after half a second."""

    lifetime = 0.5


@fault("idempotency.tenth_replay_is_as_the_first", REPLAY)
class KeysExpireInAMoment(_Expiring):
    """A key is forgotten after two milliseconds: a lifetime in the wrong unit."""

    lifetime = 0.002


def port_of(request: Request) -> int:
    """The client's port, which tells connections apart."""
    return request.client.port if request.client else 0


class _Keyed(CreateBatchServer):
    """Remembers keys together with something of the request."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        self.more = self.of(request)
        return await super().create_batch(request, environment)

    def of(self, request: Request) -> object:
        raise NotImplementedError

    def stored_key(self, key: str) -> str:
        return f"{self.more} {key}"


@fault(REPLAY)
class KeyedByConnection(_Keyed):
    """A key is known only on the connection that brought it."""

    def of(self, request: Request) -> object:
        return port_of(request)


@fault(REPLAY, OTHER_BODY)
class KeyedByLength(_Keyed):
    """The cache's key includes Content-Length."""

    def of(self, request: Request) -> object:
        return request.headers.get("content-length")


@fault(REPLAY)
class KeyedByProcess(CreateBatchServer):
    """Each of two processes has a memory of its own; connections alternate."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.turn = itertools.count()
        self.processes: dict[int, int] = {}

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        self.process = self.processes.setdefault(port_of(request), next(self.turn) % 2)
        return await super().create_batch(request, environment)

    def stored_key(self, key: str) -> str:
        return f"{self.process} {key}"


@fault("idempotency.another_environment_has_keys_of_its_own")
class KeysAreShared(CreateBatchServer):
    """All environments share one memory of keys."""

    def batches(self, environment: Environment) -> Batches:  # noqa: ARG002
        return super().batches(self.environments[0])


@fault("idempotency.no_key_is_never_cached")
class EqualBodiesAreCached(CreateBatchServer):
    """Without a key, the body serves as one."""

    def validate(self, document: Any) -> Order:
        order = super().validate(document)
        if order.key is not None:
            return order
        return Order(order.run_count, f"body {sorted(order.document.items())!r}", None, False, order.document)

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        body = super().batch_body(order, batch, cached)
        if "idempotencyKey" not in order.document:
            body.pop("idempotencyKey", None)
        return body


@fault("idempotency.no_key_is_never_cached", "acceptance.new_batch_is_not_cached")
class MissingKeysAreOneKey(CreateBatchServer):
    """A missing key is stored as null, and found again."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return self.batches(environment).get(order.key or "null")

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        return self.batches(environment).setdefault(order.key or "null", batch)
