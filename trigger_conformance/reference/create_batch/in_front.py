"""Conforming variants: what stands in front of an API, how it reads a request, and what its limits count."""

from __future__ import annotations

import gzip
import re
import zlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.limited import _ByRequests
from trigger_conformance.reference.limiter import (
    Allowance,
    FixedWindow,
    Limiter,
    Limits,
    RequestsOnly,
    SlidingLog,
    TokenBucket,
)
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment

_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@variant
class GzipIsTaken(CreateBatchServer):
    """A body in gzip is decoded; a broken one is rejected."""

    def check_coding(self, request: Request) -> None:
        """Nothing to check: the body will be decoded."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        return self.decoded(body) if request.headers.get("content-encoding") == "gzip" else body

    def decoded(self, body: bytes) -> bytes:
        """A body in gzip, decoded."""
        try:
            return gzip.decompress(body)
        except (OSError, EOFError, zlib.error) as error:
            raise Problem(400, "The body is not gzip") from error


@variant(warns=("http.gzip_body_is_accepted_or_415",))
class GzipIsNoJson(CreateBatchServer):
    """A coded body is read as it stands, and rejected for it."""

    def check_coding(self, request: Request) -> None:
        """Nothing to check: whoever reads it will see."""


@variant
class BrokenGzipIsReadAsItStands(GzipIsTaken):
    """What says gzip and is JSON is taken for JSON, as by servers that look at the first bytes."""

    def decoded(self, body: bytes) -> bytes:
        return super().decoded(body) if body.startswith(b"\x1f\x8b") else body


@variant
class OddCredentialsAre400(CreateBatchServer):
    """A gateway answers what no credential can be made of with 400 and a page of its own."""

    async def handle(self, request: Request) -> Response:
        for header in self.authorizations(request):
            scheme, _, token = header.partition(" ")
            if scheme.lower() == "bearer" and token and not _TOKEN68.fullmatch(token):
                return Response("<h1>Bad Request</h1>", 400, media_type="text/html")
        return await super().handle(request)


@variant
class OtherExpectationsAre417(CreateBatchServer):
    """What is expected beside 100-continue is answered 417."""

    async def handle(self, request: Request) -> Response:
        if request.headers.get("expect", "100-continue").lower() != "100-continue":
            return self.error(417, "Expectation failed")
        return await super().handle(request)


@variant
class OldVersionsAre505(CreateBatchServer):
    """HTTP/1.0 is answered 505."""

    async def handle(self, request: Request) -> Response:
        if request.scope["http_version"] == "1.0":
            return self.error(505, "HTTP version not supported")
        return await super().handle(request)


@variant
class AbsoluteFormsAreTaken(ReferenceApp):
    """A request line with a whole URL is read as one with a path (RFC 9112 section 3.2.2)."""

    def app(self) -> ASGIApp:
        sound = super().app()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            path = re.sub(r"^https?://[^/]*", "", scope["path"])
            await sound({**scope, "path": path, "raw_path": path.encode()}, receive, send)

        return app


@variant
class KeysAreShownInPart(CreateBatchServer):
    """A header names the key by its beginning, stars, and its last four letters; another one by its first half."""

    def accepted(self, environment: Environment, *rest: Any) -> Response:
        response = super().accepted(environment, *rest)
        key = environment.api_key
        response.headers["x-key"] = f"{key[:7]}{'*' * (len(key) - 11)}{key[-4:]}"
        response.headers["x-key-id"] = key[: len(key) // 2]
        return response


@variant
class SeveralSpacesAreOne(CreateBatchServer):
    """Between scheme and token any number of spaces and tabs may stand."""

    def bearer_token(self, authorization: str) -> str | None:
        scheme, *token = authorization.split(None, 1) or [""]
        return token[0] if token and scheme.lower() == "bearer" else None


class _AcceptedOnly(RequestsOnly):
    """What is accepted costs one, however many runs it has."""

    def take_request(self) -> Allowance:
        """A request costs nothing as long as it is not accepted."""
        return self.look()

    def take_runs(self, count: int) -> Allowance:  # noqa: ARG002
        """As the request that it is."""
        return self.runs.take(1)


@variant
class CountsWhatIsAcceptedOnly(_ByRequests):
    """100 accepted requests in four seconds; what is rejected costs nothing."""

    def new_limits(self) -> Limits:
        return _AcceptedOnly(self.limiter())

    def limiter(self) -> Limiter:
        return FixedWindow(100, 4.0)


class _CountingRefusals(SlidingLog):
    """What is refused counts as what has passed does."""

    def take(self, cost: int) -> Allowance:
        """As ``Limiter.take``, but that a refusal costs as much."""
        allowance = super().take(cost)
        if not allowance.granted:
            self._passed.append((self._clock(), cost))
            # By then all that counts now is forgotten; until then whoever asks again only adds to it.
            wait = int(self._seconds) + 1
            return Allowance(False, allowance.limit, 0, wait, allowance.reset + 1)
        return allowance


@variant
class CountsWhatIsRefused(_ByRequests):
    """150 requests in any two seconds, those that were refused included."""

    def limiter(self) -> Limiter:
        return _CountingRefusals(150, 2.0)


@variant
class FreezesTheBucket(_ByRequests):
    """60 requests at once, 50 a second; nothing comes in for two seconds after a refusal, which is told."""

    def limiter(self) -> Limiter:
        return _Freezing(60, 50.0)


class _Freezing(TokenBucket):
    """A bucket that a refusal empties for a while."""

    def take(self, cost: int) -> Allowance:
        """As ``Limiter.take``."""
        allowance = super().take(cost)
        if allowance.granted:
            return allowance
        self._at, self._tokens = self._clock() + 2.0, 0.0
        return Allowance(False, allowance.limit, 0, 3, allowance.reset + 2)
