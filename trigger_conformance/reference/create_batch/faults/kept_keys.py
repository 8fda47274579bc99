"""Keys that hang on how their request was sent: in which framing, with which headers, behind how many bytes."""

from __future__ import annotations

import json
import time
from contextvars import ContextVar
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.faults.memory import EARLIEST
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.faults.other_clients import Inflating
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment

HEADERS = "idempotency.replay_ignores_headers"
_present: ContextVar[Request] = ContextVar("request")


class _Asked(CreateBatchServer):
    """Knows the present request where it looks a key up."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        _present.set(request)
        return await super().create_batch(request, environment)

    @property
    def request(self) -> Request:
        """The one that is being answered."""
        return _present.get()


class _NotKept(_Asked):
    """Remembers no key of a request that was sent in some way."""

    def was_sent_so(self, request: Request) -> bool:
        raise NotImplementedError

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        if order.key is not None and self.was_sent_so(self.request):
            del self.batches(environment)[self.stored_key(order.key)]
        return batch


@fault(EARLIEST)
class ForgetsKeysOfChunkedBodies(_NotKept):
    """A body whose length is not told is streamed past the middleware that remembers keys."""

    def was_sent_so(self, request: Request) -> bool:
        return "transfer-encoding" in request.headers


@fault(EARLIEST)
class ForgetsKeysThatExpected(_NotKept):
    """What is told to go on is taken for an upload, whose keys nobody keeps."""

    def was_sent_so(self, request: Request) -> bool:
        return "expect" in request.headers


@fault(EARLIEST)
class StoresNothingWhereAskedNotTo(_NotKept):
    """Cache-Control: no-store is heeded by the memory of keys, which is no cache."""

    def was_sent_so(self, request: Request) -> bool:
        return "no-store" in request.headers.get("cache-control", "")


@fault(EARLIEST)
class ForgetsWithTheConnection(_NotKept):
    """What a connection's last request stores is dropped when the connection is closed."""

    def was_sent_so(self, request: Request) -> bool:
        return request.headers.get("connection", "").lower() == "close"


@fault(EARLIEST)
class ForgetsKeysOfCodedBodies(_NotKept, Inflating):
    """The key is looked for in the bytes as they came, and those of a coded body have none."""

    def was_sent_so(self, request: Request) -> bool:
        return "content-encoding" in request.headers


@fault(EARLIEST)
class OtherEnvironmentsForget(CreateBatchServer):
    """The keys of any environment but the first live half a second, as a setting for tests has it."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is None or environment is self.environments[0]:
            return existing
        return existing if time.monotonic() - self.made[existing.id] < 0.5 else None

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        self.made: dict[str, float] = getattr(self, "made", {}) | {batch.id: time.monotonic()}
        return batch


class _Scoped(_Asked):
    """Keeps keys apart by something else of the request."""

    def scope(self, request: Request) -> str:
        raise NotImplementedError

    def stored_key(self, key: str) -> str:
        return f"{self.scope(self.request)}{key}"


@fault(HEADERS)
class LooksPastCaches(_Scoped):
    """Cache-Control: no-cache makes the look-up of a key look past its cache, which is all that there is."""

    def scope(self, request: Request) -> str:
        return request.headers.get("cache-control", "").replace("no-store", "")


@fault(HEADERS)
class KeysAreTheirClients(_Scoped):
    """Keys are unique within what a client calls itself."""

    def scope(self, request: Request) -> str:
        return request.headers.get("x-trigger-client", "")


@fault(HEADERS)
class KeysAreTheirQueries(_Scoped):
    """What is remembered is remembered by the URL, the query with it."""

    def scope(self, request: Request) -> str:
        return request.url.query


@fault("idempotency.replay_returns_the_existing_batch")
class LooksForKeysWithin4Kilobytes(CreateBatchServer):
    """The middleware that remembers keys peeks into a body's first 4 kB."""

    def validate(self, document: Any) -> Order:
        order = super().validate(document)
        self.hidden = '"idempotencyKey"' not in json.dumps(document)[:4096]
        return order

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return None if self.hidden else await super().find(environment, order)


class _Remembering(CreateBatchServer):
    """Remembers what was asked for with a key that failed, and takes nothing else for its retry."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        body = await request.body()
        try:
            return await super().create_batch(request, environment)
        except Problem:
            self.remember(body)
            raise

    async def read_body(self, request: Request) -> bytes:
        return await request.body()

    def remember(self, body: bytes) -> None:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return
        if isinstance(document, dict) and isinstance(document.get("idempotencyKey"), str):
            self.failed: dict[str, Any] = {**getattr(self, "failed", {}), document["idempotencyKey"]: document}

    def validate(self, document: Any) -> Order:
        order = super().validate(document)
        before = getattr(self, "failed", {}).get(order.key, {}).get("runCount", order.run_count)
        if type(before) is int and 0 < before <= self.settings.max_run_count and before != order.run_count:
            raise Problem(422, "this key was used with other parameters")
        return order


@fault(
    "idempotency.rejected_request_does_not_use_up_its_key",
    "idempotency.unknown_parent_does_not_use_up_its_key",
)
class RejectedKeysAreForTheirParameters(_Remembering):
    """A key of a rejected request is for what that one asked for: a corrected one is refused as another."""
