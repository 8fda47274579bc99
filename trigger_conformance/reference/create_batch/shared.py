"""What several behaviours of create batch, faults and sound variants, have in common."""

from __future__ import annotations

import time
from typing import Any

from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site


class RefusesKeys(CreateBatchServer):
    """Rejects some keys."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if key is not None and self.refuses(key):
            raise Problem(400, "idempotencyKey is not acceptable")
        return key

    def refuses(self, key: str) -> bool:
        raise NotImplementedError


class KnowsByAge(CreateBatchServer):
    """Finds a key's batch at some ages only, in seconds."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.born: dict[str, float] = {}

    def is_known_at(self, age: float) -> bool:
        raise NotImplementedError

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        return existing if existing and self.is_known_at(time.monotonic() - self.born[existing.id]) else None

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        self.born[batch.id] = time.monotonic()
        return batch
