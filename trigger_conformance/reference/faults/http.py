"""HTTP: methods that do what they should not, framing and media types, answers that break off."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import itertools
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import OperationServer, Problem

SUCCEED = "http.other_methods_never_succeed"
CREATE = "http.other_methods_create_nothing"
ALLOW = "http.other_methods_are_405_with_allow"
UNUSUAL = "http.unusual_methods_create_nothing"
MEDIA = "http.other_media_types_are_handled"
_HEAD = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\n"


class _AlsoCreating(OperationServer):
    """Creates with other methods than POST."""

    methods: tuple[str, ...] = ()

    def is_create(self, request: Request) -> bool:
        return super().is_create(request) or request.method in self.methods


@fault(SUCCEED, CREATE)
class PutCreates(_AlsoCreating):
    """PUT is handled as POST."""

    methods = ("PUT",)


@fault(SUCCEED, CREATE)
class PatchCreates(_AlsoCreating):
    """PATCH is handled as POST."""

    methods = ("PATCH",)


@fault(SUCCEED, CREATE)
class DeleteCreates(_AlsoCreating):
    """DELETE is handled as POST: the framework's action takes every method but GET."""

    methods = ("DELETE",)


@fault(SUCCEED, CREATE)
class GetCreates(_AlsoCreating):
    """GET with a body is handled as POST."""

    methods = ("GET",)


@fault(UNUSUAL)
class UnknownMethodsCreate(OperationServer):
    """Whatever is not a known method is handled as POST."""

    def is_create(self, request: Request) -> bool:
        return request.method not in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@fault(UNUSUAL)
class HeadCreates(_AlsoCreating):
    """HEAD is handled as POST."""

    methods = ("HEAD",)


@fault(UNUSUAL)
class OptionsCreates(_AlsoCreating):
    """OPTIONS is handled as POST."""

    methods = ("OPTIONS",)


@fault(CREATE)
class MethodsAreOverridden(OperationServer):
    """X-HTTP-Method-Override makes any method a POST."""

    def is_create(self, request: Request) -> bool:
        override = request.headers.get("x-http-method-override") or request.headers.get("x-method-override")
        return "POST" in (request.method, override)


@fault(CREATE)
class CreatesBehindTheRefusal(OperationServer):
    """PUT is answered 405, after the batch was made."""

    async def handle(self, request: Request) -> Response:
        create = self.methods_of(request).get("POST")
        if request.method == "PUT" and create and (environment := self.authenticate(request)):
            with contextlib.suppress(Problem):
                await create(request, environment)
        return await super().handle(request)


class _AnsweringOthers(OperationServer):
    """Answers other methods in its own way."""

    def method_not_allowed(self, request: Request) -> Response:
        raise NotImplementedError


@fault(ALLOW)
class OtherMethodsAre404(_AnsweringOthers):
    """Another method is answered 404."""

    def method_not_allowed(self, request: Request) -> Response:  # noqa: ARG002
        return self.error(404, "Not found")


@fault(ALLOW)
class NoAllowHeader(_AnsweringOthers):
    """A 405 has no Allow."""

    def method_not_allowed(self, request: Request) -> Response:  # noqa: ARG002
        return self.error(405, "Method not allowed")


@fault(ALLOW)
class AllowNamesOthers(_AnsweringOthers):
    """Allow names GET only."""

    def method_not_allowed(self, request: Request) -> Response:  # noqa: ARG002
        return self.error(405, "Method not allowed", [("Allow", "GET, HEAD")])


@fault(SUCCEED)
class OtherMethodsAreOk(_AnsweringOthers):
    """Another method is answered 200 with an empty list."""

    def method_not_allowed(self, request: Request) -> Response:  # noqa: ARG002
        return self.json(200, {"data": []}, [])


@fault(SUCCEED, "http.unusual_methods_never_fail_the_server")
class OtherMethodsFail(_AnsweringOthers):
    """Another method is answered 500."""

    def method_not_allowed(self, request: Request) -> Response:  # noqa: ARG002
        return self.error(500, "no action for this method")


@fault("http.unusual_methods_never_fail_the_server")
class UnknownMethodsFail(OperationServer):
    """A method that is in no list is answered 500."""

    async def handle(self, request: Request) -> Response:
        if request.method in ("QUERY", "FOO"):
            return self.error(500, "KeyError")
        return await super().handle(request)


@fault("answers.credential_is_never_echoed")
class TraceEchoes(OperationServer):
    """TRACE sends the request's headers back."""

    async def handle(self, request: Request) -> Response:
        if request.method == "TRACE":
            lines = [f"{name}: {value}" for name, value in request.headers.items()]
            return Response("\r\n".join(lines), 200, media_type="message/http")
        return await super().handle(request)


@fault("http.chunked_body_is_accepted_or_411")
class IgnoresChunkedBodies(OperationServer):
    """A body without Content-Length is not read."""

    async def read_body(self, request: Request) -> bytes:
        return await super().read_body(request) if "content-length" in request.headers else b""


@fault("http.chunked_body_is_accepted_or_411", "answers.never_a_server_error")
class FailsOnChunkedBodies(OperationServer):
    """A body without Content-Length is answered 500."""

    async def read_body(self, request: Request) -> bytes:
        if "content-length" not in request.headers:
            raise Problem(500, "parseInt(undefined)")
        return await super().read_body(request)


@fault("http.chunked_body_is_accepted_or_411")
class ReadsTheFirstChunk(OperationServer):
    """Only the first chunk of a body is read."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        return body if "content-length" in request.headers else body[: len(body) // 2]


class _ByMediaType(OperationServer):
    """Treats some media types in its own way."""

    def check_media_type(self, request: Request) -> None:
        self.judge(request.headers.get("content-type"))

    def judge(self, media_type: str | None) -> None:
        raise NotImplementedError


@fault(MEDIA, "answers.never_a_server_error")
class FailsWithoutAMediaType(_ByMediaType):
    """A request without Content-Type is answered 500."""

    def judge(self, media_type: str | None) -> None:
        if media_type is None:
            raise Problem(500, "Cannot read properties of null (reading 'split')")


@fault(MEDIA, "answers.never_a_server_error")
class FailsOnOtherMediaTypes(_ByMediaType):
    """Another media type is answered 500."""

    def judge(self, media_type: str | None) -> None:
        if not (media_type or "").startswith("application/json"):
            raise Problem(500, "no parser")


@fault(MEDIA, "answers.never_a_server_error")
class FailsOnUnknownCharsets(_ByMediaType):
    """A charset that the language does not know is answered 500."""

    def judge(self, media_type: str | None) -> None:
        _, given, charset = (media_type or "").partition("charset=")
        try:
            codecs.lookup(charset.strip('" ') if given else "utf-8")
        except LookupError:
            raise Problem(500, "unknown encoding") from None


@fault("http.charset_parameter_is_accepted")
class WantsNoParameters(_ByMediaType):
    """application/json with a charset is answered 415."""

    def judge(self, media_type: str | None) -> None:
        if media_type != "application/json":
            raise Problem(415, "Content-Type must be application/json")


@fault("http.charset_parameter_is_accepted")
class WantsParametersInLowerCase(_ByMediaType):
    """charset=UTF-8 is answered 415, charset=utf-8 is not."""

    def judge(self, media_type: str | None) -> None:
        if media_type not in ("application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"):
            raise Problem(415, "Unsupported charset")


class _Raw(ReferenceApp):
    """Writes bytes of its own to every 23rd request's connection, below what a framework would send."""

    def app(self) -> ASGIApp:
        sound = super().app()
        requests = itertools.count(1)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if next(requests) % 23:
                await sound(scope, receive, send)
                return
            await self.before(sound, scope, receive)
            cycle: Any = send
            await self.send_raw(cycle.__self__.transport)
            # The server closes what the transport has not yet noticed to be closed, so it gets time to notice.
            await asyncio.sleep(0.05)

        return app

    async def before(self, sound: ASGIApp, scope: Scope, receive: Receive) -> None:
        """What is done before; the request is not served."""

    async def send_raw(self, transport: asyncio.Transport) -> None:
        """Write what there is to write, and close."""
        raise NotImplementedError


@fault("http.unusual_methods_never_fail_the_server")
class DropsUnknownMethods(ReferenceApp):
    """A request with a method that is in no list ends its worker: the connection is dropped."""

    def app(self) -> ASGIApp:
        sound = super().app()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["method"] in ("QUERY", "FOO"):
                cycle: Any = send
                cycle.__self__.transport.abort()
                await asyncio.sleep(0.05)
                return
            await sound(scope, receive, send)

        return app


@fault("answers.every_request_is_answered")
class DropsConnections(_Raw):
    """A request is dropped without an answer."""

    async def send_raw(self, transport: asyncio.Transport) -> None:
        transport.abort()


@fault("answers.every_request_is_answered")
class DropsAnswers(_Raw):
    """Every 23rd request is served, and its answer is lost."""

    async def before(self, sound: ASGIApp, scope: Scope, receive: Receive) -> None:
        async def lose(message: Message) -> None:
            pass

        await sound(scope, receive, lose)

    async def send_raw(self, transport: asyncio.Transport) -> None:
        transport.abort()


@fault("answers.every_request_is_answered")
class BreaksOffAnswers(_Raw):
    """An answer ends before its Content-Length."""

    async def send_raw(self, transport: asyncio.Transport) -> None:
        transport.write(_HEAD + b'content-length: 100\r\n\r\n{"id":"thing_1"')
        transport.close()


@fault("answers.every_request_is_answered")
class BreaksOffChunks(_Raw):
    """A chunked answer ends without its last chunk."""

    async def send_raw(self, transport: asyncio.Transport) -> None:
        transport.write(_HEAD + b'transfer-encoding: chunked\r\n\r\nf\r\n{"id":"thing_1"\r\n')
        transport.close()


@fault("answers.every_request_is_answered")
class AnswersNoHttp(_Raw):
    """An answer is no HTTP."""

    async def send_raw(self, transport: asyncio.Transport) -> None:
        transport.write(b"it works\r\n\r\n")
        transport.close()


@fault("answers.every_request_is_answered")
class LiesAboutEncoding(_Raw):
    """An answer says gzip and is not."""

    async def send_raw(self, transport: asyncio.Transport) -> None:
        transport.write(_HEAD + b"content-encoding: gzip\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        transport.close()


@fault("answers.every_request_is_answered")
class AnswersWithoutEnd(_Raw):
    """An answer goes on for megabytes."""

    async def send_raw(self, transport: asyncio.Transport) -> None:
        transport.write(_HEAD + b"transfer-encoding: chunked\r\n\r\n" + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 40)
        transport.close()
