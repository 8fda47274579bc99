"""Something goes wrong while a key is in use: a rejected, refused, large or parentless request with the same key."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

IN_USE = "idempotency.failing_requests_change_nothing_of_a_key_in_use"
PARENT = "idempotency.unknown_parent_does_not_use_up_its_key"


def _key_of(document: Any) -> str | None:
    key = document.get("idempotencyKey") if isinstance(document, dict) else None
    return key if isinstance(key, str) else None


class _Working(CreateBatchServer):
    """Marks a key while its batch is made, which takes a while; others wait for the mark to go."""

    takes = 0.03

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.at_work: set[str] = set()

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        while order.key is not None and order.key in self.at_work:
            await asyncio.sleep(0.001)
        existing = await super().find(environment, order)
        if existing is None and order.key is not None:
            self.at_work.add(order.key)
            await asyncio.sleep(self.takes)
            self.at_work.discard(order.key)
        return existing

    async def read_document(self, request: Request) -> Any:
        with contextlib.suppress(Problem):
            return self.parse(await request.body())
        return None


@fault(IN_USE)
class RejectionsTakeTheMark(_Working):
    """A rejected request takes the mark of the valid one that is at work, and a second batch is made."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        document = await self.read_document(request)
        try:
            return await super().create_batch(request, environment)
        except Problem:
            self.at_work.discard(_key_of(document) or "")
            raise


@fault(IN_USE)
class RefusalsTakeTheMark(_Working):
    """A refused request takes the mark of the valid one that is at work, and a second batch is made."""

    async def handle(self, request: Request) -> Response:
        document = await self.read_document(request)
        response = await super().handle(request)
        if response.status_code == 401:
            self.at_work.discard(_key_of(document) or "")
        return response


@fault(IN_USE)
class RejectedNumbersAreTaken(_Working):
    """A rejected runCount that comes while a batch with its key is made becomes that batch's."""

    takes = 0.1

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.wanted: dict[str | None, int] = {}

    def validate(self, document: Any) -> Order:
        key, count = _key_of(document), document.get("runCount") if isinstance(document, dict) else None
        try:
            return super().validate(document)
        except Problem:
            if key in self.at_work and isinstance(count, int) and count < 1:
                self.wanted[key] = count
            raise

    async def create(self, environment: Environment, order: Order) -> Batch:
        return await super().create(environment, replace(order, run_count=self.wanted.get(order.key, order.run_count)))


@fault(IN_USE)
class FailuresRemoveTheKey(_Working):
    """A request that fails while another with its key is at work removes what that one stores."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.doomed: set[str] = set()

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        document = await self.read_document(request)
        try:
            return await super().create_batch(request, environment)
        except Problem:
            self.doomed |= {_key_of(document) or ""} & self.at_work
            raise

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        if order.key in self.doomed:
            self.batches(environment).pop(self.stored_key(order.key or ""))
        return batch


@fault(IN_USE)
class LargeBodiesReplaceTheBatch(CreateBatchServer):
    """A request that is too large is streamed into the store before its size is known, and replaces what is there."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if len(body) > 100_000:
            key = _key_of(self.parse(body))
            for environment in self.environments:
                if key is not None and key in self.batches(environment):
                    self.batches(environment)[key] = Batch(self.new_id(), 1, key)
            raise Problem(413, "The body is too large")
        return body


class _SavingFirst(CreateBatchServer):
    """Stores a key before it looks for the parent run."""

    def validate(self, document: Any) -> Order:
        try:
            return super().validate(document)
        except Problem as problem:
            key = _key_of(document)
            if key is not None and "parentRunId names" in problem.message:
                self.burn(key)
            raise

    def burn(self, key: str) -> None:
        self.batches(self.environments[0]).setdefault(key, Batch(self.new_id(), 1, key))


@fault(PARENT)
class UnknownParentsUseUpKeys(_SavingFirst):
    """The key of a request whose parent run is unknown names a batch that nobody was told of."""


@fault(PARENT)
class UnknownParentsLockKeys(_SavingFirst):
    """The key of a request whose parent run is unknown stays marked as in progress."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.locked: set[str] = set()

    def burn(self, key: str) -> None:
        self.locked.add(key)

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        if order.key in self.locked:
            raise Problem(400, "a request with this key is in progress")
        return await super().find(environment, order)


@fault(PARENT, IN_USE)
class UnknownParentsRemoveKeys(_SavingFirst):
    """A request whose parent run is unknown removes its key, whoever stored it."""

    def burn(self, key: str) -> None:
        self.batches(self.environments[0]).pop(key, None)
