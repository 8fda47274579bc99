"""What is accepted, and what is refused: bodies, headers, methods."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.server import OperationServer, Problem


@variant
class ByteOrderMarksAreTaken(OperationServer):
    """A byte-order mark is skipped."""

    def decode(self, body: bytes) -> str:
        return body.decode("utf-8-sig")


@variant(
    warns=(
        "bodies.invalid_utf8_is_rejected",
        "bodies.utf16_and_utf32_are_rejected",
    )
)
class EncodingsAreDetected(OperationServer):
    """UTF-16 and UTF-32 are detected, and surrogates let pass, as Python's json.loads does with bytes."""

    def parse(self, body: bytes) -> Any:
        try:
            return json.loads(body, parse_constant=self.constant)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "The body is not valid JSON") from error


@variant
class AnyMediaTypeIsTaken(OperationServer):
    """The body is read as JSON whatever its media type says."""

    def check_media_type(self, request: Request) -> None:
        """Nothing to check."""


@variant
class BodiesUpTo100Kilobytes(OperationServer):
    """A larger body is answered 413."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if len(body) > 100_000:
            raise Problem(413, "The body is too large")
        return body


@variant
class DeepBodiesAreRejected(OperationServer):
    """A body with more than a hundred levels is answered 400."""

    def parse(self, body: bytes) -> Any:
        if max(body.count(b"["), body.count(b"{")) > 100:
            raise Problem(400, "The body is nested too deeply")
        return super().parse(body)


@variant
class ChunkedBodiesAreRefused(OperationServer):
    """A body without Content-Length is answered 411."""

    async def read_body(self, request: Request) -> bytes:
        if "content-length" not in request.headers:
            raise Problem(411, "Content-Length is needed")
        return await super().read_body(request)


@variant
class LongHeadersAreRefused(OperationServer):
    """A credential of more than 8 kB is answered 431, one that is no ASCII 400."""

    async def handle(self, request: Request) -> Response:
        credential = request.headers.get("authorization", "")
        if len(credential) > 8192:
            return self.error(431, "Request header fields too large")
        if not credential.isascii():
            return self.error(400, "Malformed header")
        return await super().handle(request)


@variant
class FrontAnswersOddHeaders(OperationServer):
    """A front answers two credentials, a long one and one that is no ASCII with a page of its own, as nginx does."""

    async def handle(self, request: Request) -> Response:
        credentials = self.authorizations(request)
        if len(credentials) > 1 or not all(each.isascii() and len(each) <= 8192 for each in credentials):
            page = "<html><head><title>400 Bad Request</title></head><body><h1>400 Bad Request</h1></body></html>"
            return Response(page, 400, media_type="text/html")
        return await super().handle(request)


@variant
class TwoCredentialsAre400(OperationServer):
    """Two Authorization headers are answered 400."""

    async def handle(self, request: Request) -> Response:
        if len(self.authorizations(request)) > 1:
            return self.error(400, "Two credentials")
        return await super().handle(request)


@variant
class OptionsAreAnswered(OperationServer):
    """OPTIONS is answered 204 for CORS, HEAD 404."""

    async def handle(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(
                status_code=204,
                headers={"Allow": f"{self.allowed(request)}, OPTIONS", "Access-Control-Allow-Origin": "*"},
            )
        if request.method == "HEAD":
            return Response(status_code=404)
        return await super().handle(request)


@variant
class UnknownMethodsAre501(OperationServer):
    """A method that HTTP servers need not know is answered 501."""

    async def handle(self, request: Request) -> Response:
        if request.method in ("TRACE", "QUERY", "FOO"):
            return self.error(501, "Not implemented")
        return await super().handle(request)


@variant
class AuthenticatesEveryMethod(OperationServer):
    """405 names several methods."""

    def method_not_allowed(self, request: Request) -> Response:
        allowed = self.allowed(request)
        allow = [("Allow", f"OPTIONS, {allowed.lower()}"), ("Allow", allowed)]
        response = self.error(405, "Method not allowed", allow)
        response.body = b""
        response.headers["content-length"] = "0"
        return response
