"""Answers of other forms, and how they come."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from email.utils import formatdate
from typing import Any, ClassVar

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.limiter import Allowance
from trigger_conformance.reference.server import OperationServer


class _WithHeader(OperationServer):
    """Every JSON answer has this header, in place of its own one if it has that."""

    added_header: ClassVar[tuple[str, str]]

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, body, headers)
        name, value = self.added_header
        response.headers[name] = value
        return response


@variant
class JsonWithCharset(_WithHeader):
    """Every JSON answer names its charset."""

    added_header = ("content-type", "application/json; charset=utf-8")


@variant
class PrettyAnswers(OperationServer):
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
class HeadersInUpperCase(OperationServer):
    """Header names are in upper case."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, body, headers)
        response.raw_headers = [(name.upper(), value) for name, value in response.raw_headers]
        return response


@variant
class AnswersAreCompressed(ReferenceApp):
    """Answers are gzip."""

    def app(self) -> ASGIApp:
        return GZipMiddleware(super().app(), minimum_size=0)


@variant
class AnswersAreChunked(OperationServer):
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
class ConnectionsClose(OperationServer):
    """Every answer closes its connection."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        return super().json(status, body, [*headers, ("Connection", "close")])


@variant
class ConnectionsCloseSilently(ReferenceApp):
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


class _SendsNoDate(ReferenceApp):
    """Leaves the Date header to its operations."""

    def uvicorn_settings(self) -> dict[str, Any]:
        return {"date_header": False}


@variant(app=_SendsNoDate)
class ClockIsBehind(OperationServer):
    """The server's clock is half a minute behind, in all that it says."""

    def limit_headers(self, allowance: Allowance) -> list[tuple[str, str]]:
        return super().limit_headers(replace(allowance, reset=allowance.reset - 30))

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        return super().json(status, body, [*headers, ("Date", formatdate(time.time() - 30, usegmt=True))])


@variant
class MediaTypesWithMarks(OperationServer):
    """The media type has parameters in quotes, with marks that part parameters elsewhere."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, body, headers)
        response.headers["content-type"] = 'application/json; profile="a;b"; charset=UTF-8'
        return response


@variant
class MediaTypeEndsInASemicolon(_WithHeader):
    """After the media type comes a parameter that is none, as RFC 9110 5.6.6 allows."""

    added_header = ("content-type", "application/json;")


@variant
class LongPolicies(_WithHeader):
    """Every answer has a policy of 4,500 characters, as what stands in front adds one."""

    added_header = ("content-security-policy", "; ".join(["default-src 'self'"] * 225))
