"""Keys that are taken for each other: how they are looked up, and read."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stored_keys import KeysInBytes

SUFFIX = "idempotency.suffix_makes_keys_different"
DELIMITERS = "idempotency.delimiters_make_keys_different"
BYTES = "idempotency.invalid_bytes_make_keys_different"


class _Searching(CreateBatchServer):
    """Finds keys by something weaker than equality."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        if order.key is None:
            return None
        return next(
            (batch for batch in self.batches(environment).values() if self.alike(batch.key or "", order.key)), None
        )

    def alike(self, stored: str, key: str) -> bool:
        raise NotImplementedError


@fault("idempotency.containing_keys_are_different", SUFFIX)
class FindsByBeginning(_Searching):
    """A key that begins with a known one is that one."""

    def alike(self, stored: str, key: str) -> bool:
        return key.startswith(stored)


@fault("idempotency.containing_keys_are_different")
class FindsByLongerKeys(_Searching):
    """A key that a known one begins with is that one."""

    def alike(self, stored: str, key: str) -> bool:
        return stored.startswith(key) and bool(key)


@fault("idempotency.reserved_keys_work_or_are_rejected")
class FindsByIdToo(_Searching):
    """A key that is a batch's id is that batch."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        named = (each for each in self.batches(environment).values() if order.key in (each.key, each.id))
        return next(named, None) if order.key is not None else None


@fault("idempotency.replay_at_once_finds_the_batch")
class ForgetsKeysOfWhatWaits(CreateBatchServer):
    """A batch whose parent is to be resumed is made in another way, which keeps no key."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        return await super().create(environment, replace(order, key=None) if order.resume_parent else order)


@fault("idempotency.containing_keys_are_different")
class FindsByEnd(_Searching):
    """A key that a known one ends in is that one."""

    def alike(self, stored: str, key: str) -> bool:
        return stored.endswith(key) and bool(key)


@fault(DELIMITERS)
class FindsByPattern(_Searching):
    """A key is looked up as a shell pattern, as Redis KEYS does."""

    def alike(self, stored: str, key: str) -> bool:
        return stored == key or ("*" in key and fnmatchcase(stored, key.replace("[", "[[]")))


@fault(DELIMITERS)
class FindsByLike(_Searching):
    """A key is looked up with SQL's LIKE: underscores and per cent signs match anything."""

    def alike(self, stored: str, key: str) -> bool:
        if stored == key:
            return True
        if "_" not in key and "%" not in key:
            return False
        return fnmatchcase(stored, key.translate({ord("_"): "?", ord("%"): "*", ord("*"): "[*]", ord("["): "[[]"}))


class _KeysInBytes(KeysInBytes, CreateBatchServer):
    """Rejects invalid UTF-8, but for that in keys."""

    key_property = "idempotencyKey"


@fault(BYTES)
class ReplacesBytesInKeys(_KeysInBytes):
    """What is no UTF-8 in a key becomes replacement characters, as in Express, Hono and Go."""

    errors = "replace"


@fault(BYTES)
class DropsBytesInKeys(_KeysInBytes):
    """What is no UTF-8 in a key is dropped."""

    errors = "ignore"


@fault(BYTES)
class ReadsOverlongForms(CreateBatchServer):
    """An overlong form is the character that it stands for."""

    def decode(self, body: bytes) -> str:
        return super().decode(re.sub(rb"\xc0([\x80-\xbf])", lambda found: bytes([found[1][0] & 0x3F]), body))
