"""Keys that do not work."""

from __future__ import annotations

from typing import Any

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.shared import RefusesKeys
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment

PRINTABLE = "idempotency.printable_unicode_keys_work"
UNUSUAL = "idempotency.unusual_keys_work_or_are_rejected"


@fault("idempotency.keys_up_to_255_characters_work")
class RejectsKeysBeyond128(RefusesKeys):
    """A key of more than 128 characters is rejected."""

    def refuses(self, key: str) -> bool:
        return len(key) > 128


@fault("idempotency.keys_up_to_255_characters_work")
class RejectsKeysOf255(RefusesKeys):
    """A key of 255 characters is rejected."""

    def refuses(self, key: str) -> bool:
        return len(key) == 255


@fault(PRINTABLE)
class RejectsUnicodeKeys(RefusesKeys):
    """A key beyond ASCII is rejected."""

    def refuses(self, key: str) -> bool:
        return not key.isascii() and key.isprintable()


@fault(PRINTABLE, "acceptance.never_a_server_error")
class FailsOnAstralKeys(CreateBatchServer):
    """A key with an emoji is answered 500."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if key is not None and any(ord(letter) > 0xFFFF for letter in key):
            raise Problem(500, "Incorrect string value")
        return key


@fault(PRINTABLE)
class RejectsPunctuatedKeys(RefusesKeys):
    """A key with a slash, a colon or an asterisk is rejected."""

    def refuses(self, key: str) -> bool:
        return any(letter in key for letter in "/:*")


@fault(UNUSUAL, "acceptance.never_a_server_error")
class FailsOnSurrogates(CreateBatchServer):
    """A key with an unpaired surrogate is answered 500."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        try:
            (key or "").encode()
        except UnicodeEncodeError as error:
            raise Problem(500, "invalid unicode") from error
        return key


@fault(UNUSUAL, "acceptance.never_a_server_error")
class FailsOnNul(CreateBatchServer):
    """A key with NUL in it is answered 500, as PostgreSQL refuses it."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if "\0" in (key or ""):
            raise Problem(500, "invalid byte sequence")
        return key


@fault(UNUSUAL, "acceptance.never_a_server_error")
class FailsOnNoncharacters(CreateBatchServer):
    """A key with U+FFFF is answered 500: no document of XML may have it."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if "\uffff" in (key or ""):
            raise Problem(500, "invalid character")
        return key


@fault(UNUSUAL, "acceptance.never_a_server_error")
class FailsOnLongKeys(CreateBatchServer):
    """A key of more than 255 characters is answered 500."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if len(key or "") > 255:
            raise Problem(500, "value too long for type character varying(255)")
        return key


@fault(UNUSUAL)
class ForgetsLongKeys(CreateBatchServer):
    """A key of more than 255 characters is accepted, and not remembered."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return None if len(order.key or "") > 255 else await super().find(environment, order)


@fault("idempotency.reserved_keys_work_or_are_rejected")
class EmptyKeysAreNone(CreateBatchServer):
    """The empty key is accepted, and not remembered."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return await super().find(environment, order) if order.key else None


@fault("idempotency.reserved_keys_work_or_are_rejected")
class NullWordsAreNone(CreateBatchServer):
    """The keys "null" and "undefined" are as none."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return None if order.key in ("null", "undefined") else await super().find(environment, order)


@fault("idempotency.reserved_keys_work_or_are_rejected", "acceptance.never_a_server_error")
class InheritedNamesAreKnown(CreateBatchServer):
    """Keys that every JavaScript object has are found where none was stored."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        if order.key in ("__proto__", "constructor"):
            raise Problem(500, "Cannot read properties of undefined (reading 'id')")
        return await super().find(environment, order)


@fault("idempotency.reserved_keys_work_or_are_rejected", "acceptance.never_a_server_error")
class ListsHaveALength(CreateBatchServer):
    """Keys are properties of a JavaScript array, whose length can be no batch."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        if order.key == "length":
            raise Problem(500, "Invalid array length")
        return await super().find(environment, order)


@fault("idempotency.reserved_keys_work_or_are_rejected", "acceptance.only_documented_statuses")
class MethodsAreUnderWay(CreateBatchServer):
    """Locks are properties of a JavaScript object: a key that is a method's name is always under way."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        if order.key in ("toString", "valueOf", "hasOwnProperty"):
            raise Problem(409, "A request with this key is in progress")
        return await super().find(environment, order)
