"""Conforming variants: servers that differ from the sound one only where the contract leaves it open."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
import os
import random
import signal
import socket
import sqlite3
import string
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jwt
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.limiter import Allowance, TokenBucket
from trigger_conformance.reference.listening import end_with_parent, listen
from trigger_conformance.reference.server import Limits, Problem, ReferenceServer
from trigger_conformance.reference.settings import SOUND, Settings
from trigger_conformance.reference.store import Batch, Environment, Order

PROBLEM_TYPE = "acceptance.error_media_type_is_application_json"


class _SetUp(ReferenceServer):
    """Is set up otherwise."""

    def __init__(self, settings: Settings = SOUND) -> None:
        super().__init__(self.adjusted(settings))

    def adjusted(self, settings: Settings) -> Settings:
        raise NotImplementedError


@variant
class MaximumOf1(_SetUp):
    """A batch is one run."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, max_run_count=1, run_limit=(100, 60.0))


@variant
class MaximumOf5(_SetUp):
    """A batch is at most five runs."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, max_run_count=5, run_limit=(100, 200.0))


@variant
class MaximumOf500(_SetUp):
    """A batch is at most 500 runs."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, max_run_count=500)


@variant
class MaximumOf10000(_SetUp):
    """A batch is at most 10,000 runs."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, max_run_count=10_000, run_limit=(12_000, 10_000.0))


@variant
class BehindAPrefix(_SetUp):
    """The API stands under a path prefix."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, prefix="/gateway/v2")


class _TellsRequests(_SetUp):
    """Tells what remains of the limit of requests."""

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        super().charge_runs(environment, order)
        return self.charge_nothing(environment)

    def charge_nothing(self, environment: Environment) -> Allowance:
        return self.limits[environment.name].requests.take(0)


@variant
class LimitedByRequests(_TellsRequests):
    """60 requests at once, 50 a second."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, request_limit=(60, 50.0), run_limit=(10**6, 10.0**6))


@variant
class TightlyLimited(_TellsRequests):
    """10 requests at once, 5 a second."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, request_limit=(10, 5.0), run_limit=(10**6, 10.0**6))


@variant
class LimitedByRuns(_SetUp):
    """1,000 runs at once, 500 a second."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, run_limit=(1000, 500.0), request_limit=(10**6, 10.0**6))


@variant
class TightlyLimitedByRuns(_SetUp):
    """1,000 runs at once, 100 a second."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, run_limit=(1000, 100.0), request_limit=(10**6, 10.0**6))


@variant
class ChargesReplays(ReferenceServer):
    """A replay costs a run of the limit."""

    def charge_nothing(self, environment: Environment) -> Allowance:
        allowance = self.limits[environment.name].runs.take(1)
        return replace(allowance, granted=True)


@variant
class AsksForLongerWaits(ReferenceServer):
    """Retry-After and X-RateLimit-Reset have two seconds to spare."""

    def too_many(self, allowance: Allowance) -> Response:
        return super().too_many(replace(allowance, retry_after=allowance.retry_after + 2, reset=allowance.reset + 2))


# Errors


class _WithErrors(ReferenceServer):
    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return self.json(status, self.body(status, message), headers or [])

    def body(self, status: int, message: str) -> dict[str, Any]:
        raise NotImplementedError


@variant
class RichErrors(_WithErrors):
    """Errors have codes, details and a request id."""

    def body(self, status: int, message: str) -> dict[str, Any]:
        details = [{"path": ["runCount"], "code": "invalid"}]
        return {"message": message, "status": status, "details": details, "requestId": str(uuid.uuid4())}


@variant
class LocalisedErrors(_WithErrors):
    """Errors are in another language and script."""

    def body(self, status: int, message: str) -> dict[str, Any]:
        return {"message": f"запрос отклонён ({status}): {message[::-1]}"}


class _Problems(ReferenceServer):
    """Errors are problem documents (RFC 9457)."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        response = self.json(status, self.problem(status, message), headers or [])
        response.headers["content-type"] = "application/problem+json"
        return response

    def problem(self, status: int, message: str) -> dict[str, Any]:
        return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": message}


@variant(warns=(PROBLEM_TYPE, "acceptance.error_has_a_message"))
class ErrorsAreProblems(_Problems):
    """Every error is a problem document."""


@variant(warns=(PROBLEM_TYPE,))
class ErrorsAreProblemsWithMessages(_Problems):
    """Every error is a problem document that has a message too."""

    def problem(self, status: int, message: str) -> dict[str, Any]:
        return {**super().problem(status, message), "message": message}


@variant
class AllRejectionsAre400(ReferenceServer):
    """Every rejection is 400."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(400 if status == 422 else status, message, headers)


@variant
class OtherRejectionsAre422(ReferenceServer):
    """Every rejection but that of a runCount out of range is 422."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(422 if status == 400 and "runCount" not in message else status, message, headers)


@variant
class RefusalsAreEmpty(ReferenceServer):
    """A 401 has no body."""

    def unauthorized(self, request: Request) -> Response:  # noqa: ARG002
        return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})


@variant
class RefusalsAreText(ReferenceServer):
    """A 401 has a plain text body, and several challenges."""

    def unauthorized(self, request: Request) -> Response:  # noqa: ARG002
        challenges = {"WWW-Authenticate": 'Basic realm="x, y", Bearer error="invalid_token", Digest nonce="a"'}
        return Response("no", 401, challenges, media_type="text/plain")


@variant
class JsonWithCharset(ReferenceServer):
    """Every JSON answer names its charset."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, body, headers)
        response.headers["content-type"] = "application/json; charset=utf-8"
        return response


# What is accepted


class _KeyPolicy(ReferenceServer):
    """Rejects some keys that a target may reject."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if key is not None and self.refuses(key):
            raise Problem(400, "idempotencyKey is not acceptable")
        return key

    def refuses(self, key: str) -> bool:
        raise NotImplementedError


@variant
class KeysUpTo255(_KeyPolicy):
    """A key of more than 255 characters is rejected."""

    def refuses(self, key: str) -> bool:
        return len(key) > 255


@variant
class NoEmptyKeys(_KeyPolicy):
    """The empty key is rejected."""

    def refuses(self, key: str) -> bool:
        return not key


@variant
class PrintableKeysOnly(_KeyPolicy):
    """A key with a character that cannot be printed is rejected."""

    def refuses(self, key: str) -> bool:
        return not key.isprintable()


@variant
class NoSurrogatesInKeys(_KeyPolicy):
    """A key with an unpaired surrogate is rejected."""

    def refuses(self, key: str) -> bool:
        return any("\ud800" <= letter <= "\udfff" for letter in key)


@variant
class KeysOfAnyLength(ReferenceServer):
    """A key may be a body long."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = document.get("idempotencyKey")
        return key if isinstance(key, str) else super().check_key(document)


@variant
class KeysAreHashed(ReferenceServer):
    """Keys are stored as SHA-256."""

    def stored_key(self, key: str) -> str:
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@variant
class KeysLiveAMinute(ReferenceServer):
    """A key is forgotten after a minute and a quarter."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.born: dict[str, float] = {}

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        return existing if existing is None or time.monotonic() - self.born[existing.id] < 75 else None

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        self.born[batch.id] = time.monotonic()
        return batch


@variant
class UnknownParentsAreTaken(ReferenceServer):
    """A parentRunId that names no run is accepted."""

    def find_parent(self, parent_run: str) -> str:
        return parent_run


@variant
class UnknownParentsAre400(ReferenceServer):
    """A parentRunId that names no run is answered 400."""

    def find_parent(self, parent_run: str) -> str:  # noqa: ARG002
        raise Problem(400, "parentRunId names no run")


@variant
class ByteOrderMarksAreTaken(ReferenceServer):
    """A byte-order mark is skipped."""

    def decode(self, body: bytes) -> str:
        return body.decode("utf-8-sig")


@variant(warns=("properties.invalid_utf8_is_rejected",))
class InvalidBytesAreReplaced(ReferenceServer):
    """Invalid UTF-8 becomes replacement characters; a key that has any is rejected."""

    def decode(self, body: bytes) -> str:
        return body.decode("utf-8", "replace")

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if key is not None and "\ufffd" in key:
            raise Problem(422, "idempotencyKey holds a replacement character")
        return key


@variant(
    warns=(
        "properties.invalid_utf8_is_rejected",
        "properties.utf16_and_utf32_are_rejected",
    )
)
class EncodingsAreDetected(ReferenceServer):
    """UTF-16 and UTF-32 are detected, and surrogates let pass, as Python's json.loads does with bytes."""

    def parse(self, body: bytes) -> Any:
        try:
            return json.loads(body, parse_constant=self.constant)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "The body is not valid JSON") from error


@variant
class WholeFractionsAreTaken(ReferenceServer):
    """1.0 is 1."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        count = document.get("runCount")
        if isinstance(count, float) and count.is_integer():
            document = {**document, "runCount": int(count)}
        return super().check_run_count(document)


@variant
class AnyMediaTypeIsTaken(ReferenceServer):
    """The body is read as JSON whatever its media type says."""

    def check_media_type(self, request: Request) -> None:
        """Nothing to check."""


@variant
class BodiesUpTo100Kilobytes(ReferenceServer):
    """A larger body is answered 413."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if len(body) > 100_000:
            raise Problem(413, "The body is too large")
        return body


@variant
class DeepBodiesAreRejected(ReferenceServer):
    """A body with more than a hundred levels is answered 400."""

    def parse(self, body: bytes) -> Any:
        if max(body.count(b"["), body.count(b"{")) > 100:
            raise Problem(400, "The body is nested too deeply")
        return super().parse(body)


@variant
class ChunkedBodiesAreRefused(ReferenceServer):
    """A body without Content-Length is answered 411."""

    async def read_body(self, request: Request) -> bytes:
        if "content-length" not in request.headers:
            raise Problem(411, "Content-Length is needed")
        return await super().read_body(request)


@variant
class LongHeadersAreRefused(ReferenceServer):
    """A credential of more than 8 kB is answered 431, one that is no ASCII 400."""

    async def handle(self, request: Request) -> Response:
        credential = request.headers.get("authorization", "")
        if len(credential) > 8192:
            return self.error(431, "Request header fields too large")
        if not credential.isascii():
            return self.error(400, "Malformed header")
        return await super().handle(request)


@variant
class FrontAnswersOddHeaders(ReferenceServer):
    """A front answers two credentials, a long one and one that is no ASCII with a page of its own, as nginx does."""

    async def handle(self, request: Request) -> Response:
        credentials = self.authorizations(request)
        if len(credentials) > 1 or not all(each.isascii() and len(each) <= 8192 for each in credentials):
            page = "<html><head><title>400 Bad Request</title></head><body><h1>400 Bad Request</h1></body></html>"
            return Response(page, 400, media_type="text/html")
        return await super().handle(request)


@variant
class TwoCredentialsAre400(ReferenceServer):
    """Two Authorization headers are answered 400."""

    async def handle(self, request: Request) -> Response:
        if len(self.authorizations(request)) > 1:
            return self.error(400, "Two credentials")
        return await super().handle(request)


@variant
class DelegatedTokensMayCreate(ReferenceServer):
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


# Methods


@variant
class OptionsAreAnswered(ReferenceServer):
    """OPTIONS is answered 204 for CORS, HEAD 404."""

    async def handle(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": "POST, OPTIONS", "Access-Control-Allow-Origin": "*"})
        if request.method == "HEAD":
            return Response(status_code=404)
        return await super().handle(request)


@variant
class UnknownMethodsAre501(ReferenceServer):
    """A method that HTTP servers need not know is answered 501."""

    async def handle(self, request: Request) -> Response:
        if request.method in ("TRACE", "QUERY", "FOO"):
            return self.error(501, "Not implemented")
        return await super().handle(request)


@variant
class AuthenticatesEveryMethod(ReferenceServer):
    """405 names several methods."""

    def method_not_allowed(self) -> Response:
        response = self.error(405, "Method not allowed", [("Allow", "OPTIONS, post"), ("Allow", "POST")])
        response.body = b""
        response.headers["content-length"] = "0"
        return response


# Answers


class _WithId(ReferenceServer):
    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.counter = itertools.count(1)


@variant
class IdsAreUuids(ReferenceServer):
    """Ids are UUIDs."""

    def new_id(self) -> str:
        return str(uuid.uuid4())


@variant
class IdsCount(_WithId):
    """Ids are counted, as strings."""

    def new_id(self) -> str:
        return str(next(self.counter))


@variant
class IdsAreLong(_WithId):
    """Ids have 300 characters."""

    def new_id(self) -> str:
        return f"{next(self.counter):0300}"


@variant
class IdsUseEveryCharacter(_WithId):
    """Ids hold every character that a path segment may."""

    def new_id(self) -> str:
        return f"B-._~!$&'()*+,;=:@{next(self.counter)}"


@variant
class IdsDifferInCase(_WithId):
    """Ids are base62: some differ only in letter case."""

    def new_id(self) -> str:
        letters = string.ascii_letters
        number = next(self.counter)
        return f"b{letters[number % 52]}{letters[number // 52 % 52]}{letters[number // 2704]}"


@variant
class RichAnswers(ReferenceServer):
    """A 202 has more than the schema names."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        more = {"object": "batch", "createdAt": time.strftime("%FT%TZ"), "items": None, "links": {"self": batch.id}}
        return {**more, **super().batch_body(order, batch, cached)}


@variant
class PrettyAnswers(ReferenceServer):
    """JSON is indented, with raw Unicode, and properties are in another order."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, body, headers)
        text = json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False)
        # Unpaired surrogates can only travel as escapes.
        try:
            response.body = text.encode()
        except UnicodeEncodeError:
            response.body = json.dumps(body, indent=2).encode()
        response.headers["content-length"] = str(len(response.body))
        return response


@variant
class HeadersInUpperCase(ReferenceServer):
    """Header names are in upper case."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, body, headers)
        response.raw_headers = [(name.upper(), value) for name, value in response.raw_headers]
        return response


@variant
class AnswersAreCompressed(ReferenceServer):
    """Answers are gzip."""

    def app(self) -> ASGIApp:
        return GZipMiddleware(super().app(), minimum_size=0)


@variant
class AnswersAreChunked(ReferenceServer):
    """Answers come in chunks of ten bytes."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        whole = super().json(status, body, headers)

        async def pieces() -> AsyncIterator[bytes | memoryview]:
            for start in range(0, len(whole.body), 10):
                yield whole.body[start : start + 10]

        response = StreamingResponse(pieces(), status)
        response.raw_headers = [header for header in whole.raw_headers if header[0] != b"content-length"]
        return response


@variant
class ConnectionsClose(ReferenceServer):
    """Every answer closes its connection."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        return super().json(status, body, [*headers, ("Connection", "close")])


@variant
class ConnectionsCloseSilently(ReferenceServer):
    """Every seventh connection is closed after its answer, without saying so."""

    def app(self) -> ASGIApp:
        sound = super().app()
        answers = itertools.count(1)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await sound(scope, receive, send)
            if next(answers) % 7 == 0:
                cycle: Any = send
                cycle.__self__.transport.close()

        return app


@variant
class TokensHaveNoExpiry(ReferenceServer):
    """The delegated token has no exp."""

    def claims(self, environment: Environment, batch: Batch) -> dict[str, Any]:
        return {name: value for name, value in super().claims(environment, batch).items() if name != "exp"}


@variant
class TokensAreNested(ReferenceServer):
    """The delegated token has nested claims, and its header a key id."""

    def claims(self, environment: Environment, batch: Batch) -> dict[str, Any]:
        return {**super().claims(environment, batch), "realtime": {"skipColumns": ["payload"]}, "ratio": 0.5}

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.signing_key, algorithm="HS512", headers={"kid": "k1"})


@variant
class ClaimsAreAnExcerpt(ReferenceServer):
    """The claims header holds some of the token's claims."""

    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:
        token, (name, claims) = super().token_headers(environment, batch, cached)
        some = {claim: value for claim, value in json.loads(claims).items() if claim in ("sub", "scopes")}
        return [token, (name, json.dumps(some))]


@variant
class ClockIsBehind(ReferenceServer):
    """The server's clock is half a minute behind, in all that it says."""

    def uvicorn_settings(self) -> dict[str, Any]:
        return {"date_header": False}

    def limit_headers(self, allowance: Allowance) -> list[tuple[str, str]]:
        return super().limit_headers(replace(allowance, reset=allowance.reset - 30))

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        return super().json(status, body, [*headers, ("Date", formatdate(time.time() - 30, usegmt=True))])


# Speed


class _Delayed(ReferenceServer):
    """Takes its time."""

    async def handle(self, request: Request) -> Response:
        await asyncio.sleep(self.delay())
        return await super().handle(request)

    def delay(self) -> float:
        raise NotImplementedError


@variant
class Takes20Milliseconds(_Delayed):
    """Every answer takes 20 ms."""

    def delay(self) -> float:
        return 0.02


@variant
class Takes100Milliseconds(_Delayed):
    """Every answer takes 100 ms."""

    def delay(self) -> float:
        return 0.1


@variant
class TakesUpTo60Milliseconds(_Delayed):
    """An answer takes up to 60 ms."""

    def delay(self) -> float:
        return random.random() * 0.06


@variant
class TakesLongNowAndThen(_Delayed):
    """One answer in fifty takes half a second."""

    def delay(self) -> float:
        return 0.5 if random.random() < 0.02 else 0.0


@variant
class StallsOnce(_Delayed):
    """The machine stalls for as long as no client waits, once in 250 requests."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.requests = itertools.count(100)

    def delay(self) -> float:
        return 0.0 if next(self.requests) % 250 else 6.0


@variant
class LosesAConnectionNowAndThen(ReferenceServer):
    """One request in 250 is lost on its way to a busy machine."""

    def app(self) -> ASGIApp:
        sound, requests = super().app(), itertools.count(150)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if next(requests) % 250:
                await sound(scope, receive, send)
                return
            cycle: Any = send
            cycle.__self__.transport.abort()
            # The server closes what the transport has not yet noticed to be closed, so it gets time to notice.
            await asyncio.sleep(0.05)

        return app


@variant
class StartsCold(_Delayed):
    """The first answer takes five seconds."""

    first = True

    def delay(self) -> float:
        delay, self.first = (5.0 if self.first else 0.0), False
        return delay


@variant
class AnswersLateAfterCreating(ReferenceServer):
    """A batch exists 30 ms before its creator is told."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        response = await super().create_batch(request, environment)
        await asyncio.sleep(0.03)
        return response


@variant
class OneAtATime(ReferenceServer):
    """Requests are served one after the other, 3 ms each."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.turn = asyncio.Lock()

    async def handle(self, request: Request) -> Response:
        await request.body()
        async with self.turn:
            await asyncio.sleep(0.003)
            return await super().handle(request)


@variant
class LocksKeys(ReferenceServer):
    """Requests with one key wait for each other; the first takes 10 ms."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
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
            if self.stored_key(key) not in environment.batches:
                await asyncio.sleep(0.01)
            return await super().create_batch(request, environment)


@variant
class TokensInBase64Ids(_WithId):
    """Ids are base64url of a number."""

    def new_id(self) -> str:
        return base64.urlsafe_b64encode(f"batch:{next(self.counter)}".encode()).rstrip(b"=").decode()


# Deployments


@variant
class BehindTls(ReferenceServer):
    """The server speaks TLS, with a certificate of a private authority."""

    def __init__(self, settings: Settings = SOUND) -> None:
        super().__init__(settings)
        import trustme

        authority = trustme.CA()
        identity = authority.issue_cert("127.0.0.1")
        self.folder = tempfile.TemporaryDirectory(prefix="reference-tls-")
        self.authority, self.certificate, self.key = (Path(self.folder.name, name) for name in ("ca", "cert", "key"))
        authority.cert_pem.write_to_path(str(self.authority))
        identity.private_key_pem.write_to_path(str(self.key))
        for each in identity.cert_chain_pems:
            each.write_to_path(str(self.certificate), append=True)

    def base_url(self, port: int) -> str:
        return super().base_url(port).replace("http:", "https:")

    def run_options(self) -> list[str]:
        return [f"--ca-bundle={self.authority}"]

    def uvicorn_settings(self) -> dict[str, Any]:
        return {"ssl_certfile": self.certificate, "ssl_keyfile": self.key}

    def run(self, listener: socket.socket) -> None:
        # uvicorn hands a signal on when it has stopped; the files must go before that ends the process.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        with self.folder:
            super().run(listener)


@variant
class OverHttp2(BehindTls):
    """The server offers HTTP/2 beside HTTP/1.1."""

    def run_options(self) -> list[str]:
        return [*super().run_options(), "--http2"]

    async def handle(self, request: Request) -> Response:
        # hypercorn drops a connection on which a request was answered before it was whole.
        await request.body()
        return await super().handle(request)

    def run(self, listener: socket.socket) -> None:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config

        config = Config()
        config.bind = [f"fd://{listener.fileno()}"]
        config.certfile, config.keyfile = str(self.certificate), str(self.key)
        config.loglevel = "CRITICAL"
        with self.folder:
            asyncio.run(serve(self.app(), config))  # type: ignore[arg-type]


@variant
class MasksKeys(ReferenceServer):
    """Answers name the credential by its beginning and end."""

    def masked(self, credential: str) -> str:
        return f"{credential[:10]}...{credential[-4:]}"

    def accepted(self, environment: Environment, *rest: Any) -> Response:
        response = super().accepted(environment, *rest)
        response.headers["x-api-key"] = self.masked(environment.api_key)
        return response

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        return {**super().batch_body(order, batch, cached), "createdBy": self.masked(self.environments[0].api_key)}


@variant
class BehindAGateway(ReferenceServer):
    """A gateway refuses, with a page of its own, what does not carry its header."""

    PASS = ("X-Gateway-Pass", "conformance-gateway-pass")

    def run_options(self) -> list[str]:
        return [f"--header={': '.join(self.PASS)}"]

    async def handle(self, request: Request) -> Response:
        if request.headers.get(self.PASS[0]) != self.PASS[1]:
            return Response("<h1>Forbidden</h1>", 403, media_type="text/html")
        return await super().handle(request)


class _SharedBucket(TokenBucket):
    """A bucket whose tokens stand in a database that several processes share."""

    def __init__(self, database: sqlite3.Connection, name: str, capacity: int, rate: float) -> None:
        super().__init__(capacity, rate)
        self.database = database
        self.name = name
        database.execute("INSERT OR IGNORE INTO bucket VALUES (?, ?, ?)", (name, self._tokens, self._at))

    def take(self, cost: int) -> Allowance:
        with _transaction(self.database):
            row = self.database.execute("SELECT tokens, at FROM bucket WHERE name = ?", (self.name,)).fetchone()
            self._tokens, self._at = row
            allowance = super().take(cost)
            self.database.execute(
                "UPDATE bucket SET tokens = ?, at = ? WHERE name = ?", (self._tokens, self._at, self.name)
            )
        return allowance


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """A transaction that shuts other processes out; inside another one, a part of that."""
    if database.in_transaction:
        yield
        return
    database.execute("BEGIN IMMEDIATE")
    yield
    database.execute("COMMIT")


@variant
class TwoProcesses(ReferenceServer):
    """Two processes share one database; a proxy hands them connections in turn."""

    def __init__(self, settings: Settings = SOUND) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="reference-store-")
        self.opened: sqlite3.Connection | None = None
        self.numbers = itertools.cycle((1, 2))
        super().__init__(settings)

    @property
    def database(self) -> sqlite3.Connection:
        """The database, opened in the process that uses it."""
        if self.opened is None:
            self.opened = sqlite3.connect(Path(self.folder.name, "store"), isolation_level=None, timeout=30)
            self.opened.execute("PRAGMA journal_mode = WAL")
            self.opened.execute("PRAGMA synchronous = OFF")
            self.opened.execute(
                "CREATE TABLE IF NOT EXISTS batch (environment, key, id, runs, PRIMARY KEY (environment, key))"
            )
            self.opened.execute("CREATE TABLE IF NOT EXISTS bucket (name PRIMARY KEY, tokens, at)")
        return self.opened

    def new_limits(self) -> Limits:
        number = next(self.numbers)
        return Limits(
            _SharedBucket(self.database, f"requests {number}", *self.settings.request_limit),
            _SharedBucket(self.database, f"runs {number}", *self.settings.run_limit),
        )

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        if order.key is None:
            return None
        # Closed by create, or where the limit refuses it.
        self.database.execute("BEGIN IMMEDIATE")
        query = "SELECT id, runs FROM batch WHERE environment = ? AND key = ?"
        row = self.database.execute(query, (environment.name, self.stored_key(order.key))).fetchone()
        if row is None:
            return None
        self.database.execute("COMMIT")
        return Batch(row[0], row[1], order.key)

    def stored_key(self, key: str) -> str:
        return key.encode("utf-8", "surrogatepass").hex()

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        allowance = super().charge_runs(environment, order)
        if not allowance.granted and self.database.in_transaction:
            self.database.execute("COMMIT")
        return allowance

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = Batch(self.new_id(), order.run_count, order.key)
        if order.key is not None:
            row = (environment.name, self.stored_key(order.key), batch.id, batch.run_count)
            self.database.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", row)
            self.database.execute("COMMIT")
        return batch

    def run(self, listener: socket.socket) -> None:
        self.database.close()
        self.opened = None
        ports, end_of_parent = [], os.pipe()
        for _ in range(2):
            behind = listen()
            ports.append(behind.getsockname()[1])
            if os.fork() == 0:
                os.close(end_of_parent[1])
                end_with_parent(end_of_parent[0])
                self.limits = {each.name: self.new_limits() for each in self.environments}
                super().run(behind)
                os._exit(0)
            behind.close()
        with self.folder:
            asyncio.run(_hand_out(listener, ports))


async def _hand_out(listener: socket.socket, ports: list[int]) -> None:
    """Give each new connection to the next port."""
    turns = itertools.cycle(ports)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_connection("127.0.0.1", next(turns))
        await asyncio.gather(pump(reader, behind[1]), pump(behind[0], writer))

    terminated = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    async with await asyncio.start_server(connect, sock=listener):
        await terminated.wait()
