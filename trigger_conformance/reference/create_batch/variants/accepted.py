"""What is accepted, and what is not: keys, parents, numbers, credentials."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.shared import KnowsByAge, RefusesKeys
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site


@variant
class OtherRejectionsAre422(CreateBatchServer):
    """Every rejection but that of a runCount out of range is 422."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(422 if status == 400 and "runCount" not in message else status, message, headers)


@variant
class KeysUpTo255(RefusesKeys):
    """A key of more than 255 characters is rejected."""

    def refuses(self, key: str) -> bool:
        return len(key) > 255


@variant
class NoEmptyKeys(RefusesKeys):
    """The empty key is rejected."""

    def refuses(self, key: str) -> bool:
        return not key


@variant
class PrintableKeysOnly(RefusesKeys):
    """A key with a character that cannot be printed is rejected."""

    def refuses(self, key: str) -> bool:
        return not key.isprintable()


@variant
class NoSurrogatesInKeys(RefusesKeys):
    """A key with an unpaired surrogate is rejected."""

    def refuses(self, key: str) -> bool:
        return any("\ud800" <= letter <= "\udfff" for letter in key)


@variant
class KeysOfAnyLength(CreateBatchServer):
    """A key may be a body long."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = document.get("idempotencyKey")
        return key if isinstance(key, str) else super().check_key(document)


@variant
class KeysAreHashed(CreateBatchServer):
    """Keys are stored as SHA-256."""

    def stored_key(self, key: str) -> str:
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@variant
class KeysLiveAMinute(KnowsByAge):
    """A key is forgotten after a minute and a quarter."""

    def is_known_at(self, age: float) -> bool:
        return age < 75


@variant
class UnknownParentsAreTaken(CreateBatchServer):
    """A parentRunId that names no run is accepted."""

    def find_parent(self, parent_run: str) -> str:
        return parent_run


@variant
class UnknownParentsAre400(CreateBatchServer):
    """A parentRunId that names no run is answered 400."""

    def find_parent(self, parent_run: str) -> str:  # noqa: ARG002
        raise Problem(400, "parentRunId names no run")


@variant(warns=("properties.invalid_utf8_is_rejected",))
class InvalidBytesAreReplaced(CreateBatchServer):
    """Invalid UTF-8 becomes replacement characters; a key that has any is rejected."""

    def decode(self, body: bytes) -> str:
        return body.decode("utf-8", "replace")

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if key is not None and "\ufffd" in key:
            raise Problem(422, "idempotencyKey holds a replacement character")
        return key


@variant
class WholeFractionsAreTaken(CreateBatchServer):
    """1.0 is 1."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        count = document.get("runCount")
        if isinstance(count, float) and count.is_integer():
            document = {**document, "runCount": int(count)}
        return super().check_run_count(document)


@variant
class DelegatedTokensMayCreate(CreateBatchServer):
    """The delegated token is a credential, verified."""

    def authenticate(self, request: Request) -> Environment | None:
        environment = super().authenticate(request)
        token = self.bearer_token(request.headers.get("authorization", "")) or ""
        if environment is not None or len(self.authorizations(request)) != 1:
            return environment
        try:
            name = jwt.decode(token, self.signing_key, algorithms=["HS256"])["sub"]
        except jwt.InvalidTokenError:
            return None
        return next(each for each in self.environments if each.name == name)


@variant
class LocksKeys(CreateBatchServer):
    """Requests with one key wait for each other; the first takes 10 ms."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        try:
            document = self.parse(await request.body())
        except Problem:
            document = None
        key = document.get("idempotencyKey") if isinstance(document, dict) else None
        if not isinstance(key, str):
            return await super().create_batch(request, environment)
        async with self.locks[environment.name, key]:
            if self.stored_key(key) not in self.batches(environment):
                await asyncio.sleep(0.01)
            return await super().create_batch(request, environment)
