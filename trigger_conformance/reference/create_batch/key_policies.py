"""Conforming variants: servers that reject keys which no server needs to take, and that keep keys in their own ways."""

from __future__ import annotations

import unicodedata
from base64 import urlsafe_b64encode
from typing import Any

from starlette.requests import Request

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment


class _Choosy(CreateBatchServer):
    """Rejects keys that it does not take."""

    status = 400

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = document.get("idempotencyKey")
        if isinstance(key, str) and not self.takes(key):
            raise Problem(self.status, "idempotencyKey is not one that is taken here")
        return key if isinstance(key, str) else super().check_key(document)

    def takes(self, key: str) -> bool:
        raise NotImplementedError


@variant
class NoNulInKeys(_Choosy):
    """A key with NUL in it is rejected: PostgreSQL cannot store it."""

    def takes(self, key: str) -> bool:
        return "\0" not in key


@variant
class NoControlCharactersInKeys(_Choosy):
    """A key with a control character or an unpaired surrogate is rejected."""

    status = 422

    def takes(self, key: str) -> bool:
        return not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in key)


@variant
class NoInvisibleCharactersInKeys(_Choosy):
    """A key with a format character, such as a zero-width space, is rejected."""

    def takes(self, key: str) -> bool:
        return not any(unicodedata.category(letter)[0] == "C" for letter in key)


@variant
class KeysUpTo1000(_Choosy):
    """A key of more than a thousand characters is rejected."""

    def takes(self, key: str) -> bool:
        return len(key) <= 1000


@variant
class KeysUpToAnIndexPage(_Choosy):
    """A key of more than 2,700 bytes is rejected."""

    status = 422

    def takes(self, key: str) -> bool:
        return len(key.encode("utf-8", "surrogatepass")) <= 2700


@variant
class NoWordsForKeys(_Choosy):
    """Keys that mean nothing, or are names that every object has, are rejected."""

    words = ("", "null", "undefined", "None", "constructor", "__proto__", "toString")

    def takes(self, key: str) -> bool:
        return key not in self.words


@variant
class LargeBodiesAreRefusedByTheirLength(CreateBatchServer):
    """A body that says it is larger than 100 kB is answered 413 before it is read, as Express does."""

    async def read_body(self, request: Request) -> bytes:
        if int(request.headers.get("content-length", 0)) > 100_000:
            raise Problem(413, "The body is too large")
        return await super().read_body(request)


@variant
class KeysAndLocksInOneStore(CreateBatchServer):
    """Keys, their locks and their answers stand in one store, each name encoded so that it can be no other's."""

    def stored_key(self, key: str) -> str:
        return f"batch:{urlsafe_b64encode(key.encode('utf-8', 'surrogatepass')).decode()}:id"

    async def create(self, environment: Environment, order: Order) -> Batch:
        if order.key is None:
            return await super().create(environment, order)
        key = self.stored_key(order.key)
        batch = await super().create(environment, order)
        self.batches(environment)[key.replace(":id", ":lock")] = batch
        self.batches(environment)[key.replace(":id", ":response")] = batch
        return batch


@variant
class RemembersAThousandKeys(CreateBatchServer):
    """The thousand keys that were used last are remembered, longer than anybody waits before a retry."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        while len(self.batches(environment)) > 1000:
            del self.batches(environment)[next(iter(self.batches(environment)))]
        return batch
