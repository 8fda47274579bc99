"""What stands in for something else: names for properties, clients for callers, failed requests for batches."""

from __future__ import annotations

import contextlib
import re
from contextvars import ContextVar
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

NAMES = "acceptance.look_alike_properties_are_ignored"
SPECIAL = "properties.special_names_change_nothing"
CLIENTS = "idempotency.replay_ignores_headers"
UNUSED = "idempotency.rejected_request_does_not_use_up_its_key"
ENVIRONMENTS = "idempotency.another_environment_has_keys_of_its_own"
KEY = "properties.mistyped_key_is_rejected"
RESUME = "properties.mistyped_resume_is_rejected"
JSON = "properties.what_json_allows_is_accepted"
HEADERS = "http.unknown_headers_are_ignored"


class _Renaming(CreateBatchServer):
    """Takes another name for a property that is left out."""

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict):
            document = {**{self.named(name): value for name, value in document.items()}, **document}
        return super().validate(document)

    def named(self, name: str) -> str:
        raise NotImplementedError


@fault(NAMES)
class TakesTheKeyInLowerCase(_Renaming):
    """A property idempotencykey is the key where there is no other."""

    def named(self, name: str) -> str:
        return "idempotencyKey" if name == "idempotencykey" else name


@fault(NAMES)
class TakesTheKeyInSnakeCase(_Renaming):
    """A property idempotency_key is the key where there is no other."""

    def named(self, name: str) -> str:
        return "idempotencyKey" if name == "idempotency_key" else name


@fault(NAMES)
class TakesTheCountInSnakeCase(_Renaming):
    """A property run_count is the runCount where there is no other."""

    def named(self, name: str) -> str:
        return "runCount" if name == "run_count" else name


@fault(SPECIAL)
class TakesIdsFromRequests(CreateBatchServer):
    """A property id is spread over the batch that is answered."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        body = super().batch_body(order, batch, cached)
        return {**body, **{name: value for name, value in order.document.items() if name == "id"}}


@fault(SPECIAL)
class RefusesItemsOfTheOlderApi(CreateBatchServer):
    """Bodies with items, as an older version has them, are rejected."""

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict) and "items" in document:
            raise Problem(422, "items are sent in phase 2")
        return super().validate(document)


_caller: ContextVar[str] = ContextVar("caller")


class _Scoping(CreateBatchServer):
    """Remembers keys by something else of the request, too."""

    async def handle(self, request: Request) -> Response:
        _caller.set(self.scope_of(request))
        return await super().handle(request)

    def stored_key(self, key: str) -> str:
        return f"{_caller.get()} {key}"

    def scope_of(self, request: Request) -> str:
        raise NotImplementedError


@fault(CLIENTS)
class KeysAreAClients(_Scoping):
    """Each User-Agent has keys of its own."""

    def scope_of(self, request: Request) -> str:
        return request.headers.get("user-agent", "")


@fault(CLIENTS)
class KeysAreAMediaTypes(_Scoping):
    """Each Content-Type, as it is written, has keys of its own."""

    def scope_of(self, request: Request) -> str:
        return request.headers.get("content-type", "")


@fault(CLIENTS)
class KeysAreAnAddresses(_Scoping):
    """Each address that a request was forwarded for has keys of its own."""

    def scope_of(self, request: Request) -> str:
        return request.headers.get("x-forwarded-for", "")


class _CreatingFirst(CreateBatchServer):
    """Creates before it looks at what it rejects with this status."""

    status = 0

    async def order_of(self, request: Request) -> Order:
        try:
            asked: Order = await super().order_of(request)
        except Problem as problem:
            if problem.status == self.status and (environment := self.authenticate(request)) is not None:
                with contextlib.suppress(Problem):
                    order: Order = self.validate(self.parse(await request.body()))
                    if await self.find(environment, order) is None:
                        await self.create(environment, order)
            raise
        return asked


@fault(UNUSED)
class LargeBodiesUseUpTheirKey(_CreatingFirst):
    """A body is found to be too large when its batch is there."""

    status = 413

    async def read_body(self, request: Request) -> bytes:
        body = await request.body()
        if len(body) > 200_000:
            raise Problem(413, "The body is too large")
        return body


@fault(UNUSED)
class OtherMediaTypesUseUpTheirKey(_CreatingFirst):
    """A media type is found to be none of its own when its batch is there."""

    status = 415


@fault(ENVIRONMENTS)
class UuidsAreEverybodys(CreateBatchServer):
    """A key that is a UUID is looked up in all environments: it is unique anyway."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        if order.key and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", order.key):
            stores = [self.batches(each) for each in self.environments]
            return next((store[order.key] for store in stores if order.key in store), None)
        return await super().find(environment, order)


class _Reading(CreateBatchServer):
    """Reads a value of another type as one of the right type."""

    name = ""

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict) and self.name in document:
            document = {**document, self.name: self.read(document[self.name])}
        return super().validate(document)

    def read(self, value: Any) -> Any:
        raise NotImplementedError


@fault(KEY)
class TakesFractionsAsKeys(_Reading):
    """A number with a fraction becomes a text."""

    name = "idempotencyKey"

    def read(self, value: Any) -> Any:
        return str(value) if isinstance(value, float) else value


@fault(KEY)
class TakesListsOfOneKey(_Reading):
    """A list of one text is that text, as a validator that coerces has it."""

    name = "idempotencyKey"

    def read(self, value: Any) -> Any:
        return value[0] if isinstance(value, list) and len(value) == 1 else value


@fault(RESUME)
class ReadsYesAndNo(_Reading):
    """Yes, no, on and off are booleans."""

    name = "resumeParentOnCompletion"

    def read(self, value: Any) -> Any:
        return value in ("yes", "on") if value in ("yes", "no", "on", "off") else value


@fault(JSON)
class RefusesBodiesBeyond16KiB(CreateBatchServer):
    """Bodies of more than 16 KiB are 413."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if len(body) > 1 << 14:
            raise Problem(413, "The body is too large")
        return body


@fault(HEADERS)
class RefusesLongHeaders(CreateBatchServer):
    """A header that it does not know, of more than 1,000 characters, is 400."""

    async def handle(self, request: Request) -> Response:
        unknown = (value for name, value in request.headers.items() if name != "authorization")
        if any(len(value) > 1000 for value in unknown):
            return self.error(400, "A header is too long")
        return await super().handle(request)


@fault(JSON)
class CutsBodiesAt64KiB(CreateBatchServer):
    """What stands in front hands on 64 KiB of a body, and no more."""

    async def read_body(self, request: Request) -> bytes:
        return (await super().read_body(request))[: 1 << 16]


@fault(JSON)
class TakesTextForAnAttack(CreateBatchServer):
    """A firewall in front refuses a body with what attacks are known by, wherever it stands."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if re.search(rb"\$\{jndi:|<script|/etc/passwd|union\s+select", body, re.IGNORECASE):
            raise Problem(403, "Blocked")
        return body


class _FindingAnywhere(CreateBatchServer):
    """Looks for a property in the body's text where the body itself has none: one of an inner object will do."""

    member = re.compile(rb"")
    name = ""

    def parse(self, body: bytes) -> Any:
        document = super().parse(body)
        inner = self.member.search(body)
        if isinstance(document, dict) and self.name not in document and inner:
            document |= super().parse(b"{%s}" % inner[0])
        return document


@fault(NAMES)
class FindsKeysAnywhere(_FindingAnywhere):
    """An idempotencyKey of an inner object is taken for the request's."""

    member = re.compile(rb'"idempotencyKey": ?"(?:[^"\\]|\\.)*"')
    name = "idempotencyKey"


@fault(NAMES, SPECIAL)
class FindsCountsAnywhere(_FindingAnywhere):
    """A runCount of an inner object is taken for the request's."""

    member = re.compile(rb'"runCount": ?\d+(?=[,}])')
    name = "runCount"


class _NamedByAHeader(CreateBatchServer):
    """Knows a request without a key by a header of its own."""

    header = ""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.known: dict[str, Batch] = {}
        self.name: ContextVar[str | None] = ContextVar("name", default=None)

    async def handle(self, request: Request) -> Response:
        self.name.set(request.headers.get(self.header))
        return await super().handle(request)

    async def create(self, environment: Environment, order: Order) -> Batch:
        name = self.name.get()
        if order.key is not None or name is None:
            return await super().create(environment, order)
        if name not in self.known:
            self.known[name] = await super().create(environment, order)
        return self.known[name]


@fault("idempotency.no_key_is_never_cached")
class NamesRequestsByTheirId(_NamedByAHeader):
    """A gateway's filter of retries: requests without a key that have one X-Request-Id are one."""

    header = "x-request-id"


@fault("idempotency.no_key_is_never_cached")
class KeysMayComeInAHeader(_NamedByAHeader):
    """Where a body has no key, a header's counts."""

    header = "idempotency-key"


@fault(ENVIRONMENTS)
class ConnectionsKeepTheirEnvironment(CreateBatchServer):
    """Whose a connection is, is known since its first request."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.homes: dict[tuple[str, int], Environment] = {}

    def authenticate(self, request: Request) -> Environment | None:
        found = super().authenticate(request)
        place = request.client and (request.client.host, request.client.port)
        return self.homes.setdefault(place, found) if found and place else found
