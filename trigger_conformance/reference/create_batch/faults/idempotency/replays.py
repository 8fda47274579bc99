"""What a replay gets."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.limiter import Allowance
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

REPLAY = "idempotency.replay_returns_the_existing_batch"
RUN_COUNT = "idempotency.replay_keeps_the_first_run_count"


@fault(REPLAY, "idempotency.no_key_ever_named_two_batches")
class IgnoresKeys(CreateBatchServer):
    """Every request makes a new batch."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:  # noqa: ARG002
        return None


@fault(REPLAY)
class ReplaysLookNew(CreateBatchServer):
    """A replay names the existing batch, but says isCached false."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:  # noqa: ARG002
        return super().batch_body(order, batch, False)


@fault(REPLAY)
class ReplaysHaveNewIds(CreateBatchServer):
    """A replay says isCached true, with an id of its own."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        return {**super().batch_body(order, batch, cached), **({"id": self.new_id()} if cached else {})}


class _WithReplayStatus(CreateBatchServer):
    status = 202

    def accepted(
        self, environment: Environment, order: Order, batch: Batch, cached: bool, allowance: Allowance
    ) -> Response:
        response = super().accepted(environment, order, batch, cached, allowance)
        response.status_code = self.status if cached else 202
        return response


@fault("idempotency.replay_is_answered_202", "acceptance.only_documented_statuses")
class ReplaysAreOk(_WithReplayStatus):
    """A replay is answered 200."""

    status = 200


@fault("idempotency.replay_is_answered_202", "acceptance.only_documented_statuses")
class ReplaysConflict(_WithReplayStatus):
    """A replay is answered 409."""

    status = 409


@fault("idempotency.replay_is_answered_202", "acceptance.only_documented_statuses")
class ReplaysSeeOther(_WithReplayStatus):
    """A replay is answered 303."""

    status = 303


@fault(RUN_COUNT)
class ReplaysEchoTheRequest(CreateBatchServer):
    """A replay's runCount is what it asked for."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        return {**super().batch_body(order, batch, cached), "runCount": order.run_count}


@fault(RUN_COUNT, REPLAY)
class OtherRunCountsAreNew(CreateBatchServer):
    """A replay with another runCount makes a new batch."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        return existing if existing is None or existing.run_count == order.run_count else None


@fault(RUN_COUNT)
class ReplaysUpdateTheBatch(CreateBatchServer):
    """A replay overwrites the batch's runCount: an upsert."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None and existing.run_count != order.run_count:
            existing = Batch(existing.id, order.run_count, existing.key)
            self.batches(environment)[self.stored_key(order.key or "")] = existing
        return existing


@fault(REPLAY)
class FingerprintsTheBody(CreateBatchServer):
    """The same key with other properties is another batch."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        return existing if order.document == {"runCount": order.run_count, "idempotencyKey": order.key} else None


@fault("idempotency.replay_ignores_other_properties")
class RejectsOtherBodies(CreateBatchServer):
    """The same key with other properties is answered 422."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None and set(order.document) - {"runCount", "idempotencyKey"}:
            raise Problem(422, "The key was used with other properties")
        return existing


class _Counting(CreateBatchServer):
    """Counts how often each key has come."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.seen: Counter[str | None] = Counter()

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        self.seen[order.key] += 1
        existing = await super().find(environment, order)
        return None if existing is not None and self.forgets(self.seen[order.key] - 1) else existing

    def forgets(self, replay: int) -> bool:
        raise NotImplementedError


@fault("idempotency.tenth_replay_is_as_the_first")
class FifthReplayIsNew(_Counting):
    """The fifth replay of a key is new."""

    def forgets(self, replay: int) -> bool:
        return replay == 5


@fault("idempotency.tenth_replay_is_as_the_first")
class TenthReplayIsNew(_Counting):
    """The tenth replay of a key is new."""

    def forgets(self, replay: int) -> bool:
        return replay == 10


@fault(REPLAY)
class SecondReplayIsNew(_Counting):
    """A key is good for one replay."""

    def forgets(self, replay: int) -> bool:
        return replay % 2 == 0


@fault("idempotency.replay_carries_the_token_headers")
class ReplaysHaveNoToken(CreateBatchServer):
    """A replay carries no delegated token."""

    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:
        return [] if cached else super().token_headers(environment, batch, cached)


@fault(REPLAY)
class TakesKeysAsWritten(CreateBatchServer):
    """A key is cut out of the body's text, so its JSON escapes count."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return await super().find(environment, self.as_written(order))

    async def create(self, environment: Environment, order: Order) -> Batch:
        return await super().create(environment, self.as_written(order))

    def parse(self, body: bytes) -> Any:
        document = super().parse(body)
        written = re.search(rb'"idempotencyKey" *: *"((?:[^"\\]|\\.)*)"', body)
        if isinstance(document, dict) and written:
            document["as written"] = written[1].decode("utf-8", "surrogatepass")
        return document

    def as_written(self, order: Order) -> Order:
        return replace(order, key=order.document.get("as written", order.key))


@fault("idempotency.spelling_of_a_key_does_not_matter")
class KeepsEscapedSlashes(TakesKeysAsWritten):
    """A slash that JSON writes with a backslash is another key's; every other escape is read."""

    def as_written(self, order: Order) -> Order:
        is_escaped = "\\/" in order.document.get("as written", "")
        return replace(order, key=order.key.replace("/", "\\/")) if is_escaped and order.key else order
