"""HTTP as other clients speak it: servers that read only what the client in their own tests sends.

Each is after public bug reports of frameworks and gateways, or after what a server makes of bytes by itself.
"""

from __future__ import annotations

import gzip
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import OperationServer, Problem

NAMES = "http.header_names_in_any_letter_case_are_read"
MEDIA_TYPE = "http.media_type_in_any_letter_case_is_read"
ACCEPT = "http.any_accept_that_has_json_is_answered"
EXPECT = "http.expectation_of_100_is_met"
PIECES = "http.body_in_pieces_is_read"
CLIENTS = "http.requests_of_other_clients_are_read"
HEADERS = "http.unknown_headers_are_ignored"
CHUNKS = "http.chunks_of_any_form_are_read"
GZIP = "http.gzip_body_is_accepted_or_rejected"


class _KeepingBytes(H11Protocol):
    """uvicorn's side of a connection, which knows what bytes the present request has come in."""

    received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        super().data_received(data)


class Telling(ReferenceApp):
    """Served so that a request's bytes are kept."""

    def uvicorn_settings(self) -> dict[str, Any]:
        return {"http": _KeepingBytes}


class Bytes(OperationServer):
    """Looks at a request's bytes, which a framework hides."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        protocol = receive.__self__.transport.get_protocol()  # type: ignore[attr-defined]
        try:
            await super().serve({**scope, "protocol": protocol}, receive, send)
        finally:
            protocol.received = b""

    def received(self, request: Request) -> bytes:
        """What has come of the request until now."""
        received: bytes = request.scope["protocol"].received
        return received

    def names(self, request: Request) -> list[str]:
        """The headers' names, as they were written."""
        head = self.received(request).partition(b"\r\n\r\n")[0].decode("latin-1")
        return [line.partition(":")[0] for line in head.split("\r\n")[1:]]


@fault(NAMES, app=Telling)
class KnowsHeadersAsTheyAreDocumented(Bytes):
    """A header is looked up in a plain map, by the name that the documentation writes: lower-case ones are missed."""

    def authorizations(self, request: Request) -> list[str]:
        return super().authorizations(request) if "Authorization" in self.names(request) else []


@fault(NAMES, app=Telling)
class KnowsHeadersInTwoSpellings(Bytes):
    """A header is looked up twice, as documented and in lower case, and in no other letter case."""

    def check_media_type(self, request: Request) -> None:
        if not {"Content-Type", "content-type"} & set(self.names(request)):
            raise Problem(415, "Content-Type is missing")
        super().check_media_type(request)


@fault(MEDIA_TYPE)
class KnowsItsMediaTypeByLetter(OperationServer):
    """A media type is the key of a map: Application/Json has no parser."""

    def check_media_type(self, request: Request) -> None:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Problem(415, "no parser for this media type")


@fault(MEDIA_TYPE)
class TakesOtherSpellingsForText(OperationServer):
    """A body whose media type is written otherwise stays text, and so is no object."""

    def check_media_type(self, request: Request) -> None:
        super().check_media_type(request)
        if "application/json" not in request.headers.get("content-type", ""):
            raise Problem(422, "expected an object, received a string")


class _ByAccept(OperationServer):
    """Looks at Accept before anything else."""

    async def handle(self, request: Request) -> Response:
        if self.satisfies(request.headers.get("accept")):
            return await super().handle(request)
        return self.error(406, "Not acceptable")

    def satisfies(self, accept: str | None) -> bool:
        raise NotImplementedError


@fault(ACCEPT)
class WantsAnAccept(_ByAccept):
    """A request without Accept is answered 406, as an old rule for JSON APIs had it."""

    def satisfies(self, accept: str | None) -> bool:
        return accept is not None


@fault(ACCEPT)
class WantsJsonByName(_ByAccept):
    """An Accept that does not name application/json is answered 406, */* too."""

    def satisfies(self, accept: str | None) -> bool:
        return accept is None or "application/json" in accept


@fault(ACCEPT)
class KnowsNoRangesOfTypes(_ByAccept):
    """An Accept that names neither application/json nor any type at all is answered 406, application/* too."""

    def satisfies(self, accept: str | None) -> bool:
        return accept is None or "application/json" in accept or "*/*" in accept


@fault(ACCEPT)
class ReadsNoWeights(_ByAccept):
    """A weight is taken for a part of the media type, so that nothing matches."""

    def satisfies(self, accept: str | None) -> bool:
        ranges = [each.strip() for each in (accept or "*/*").split(",")]
        return any(each in ("*/*", "application/*", "application/json") for each in ranges)


@fault(ACCEPT)
class AnswersInTheFirstType(OperationServer):
    """The answer is a page wherever Accept begins with text/html."""

    async def handle(self, request: Request) -> Response:
        response = await super().handle(request)
        if request.headers.get("accept", "").startswith("text/html") and response.status_code // 100 == 2:
            kept = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
            page = b"<pre>" + bytes(response.body) + b"</pre>"
            return Response(page, response.status_code, kept, media_type="text/html")
        return response


@fault(ACCEPT)
class AnswersXmlToBrowsers(OperationServer):
    """The answer is XML wherever Accept names that and not JSON, as a library on the path has it."""

    async def handle(self, request: Request) -> Response:
        response, accept = await super().handle(request), request.headers.get("accept", "")
        if "application/xml" in accept and "json" not in accept and response.status_code // 100 == 2:
            kept = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
            return Response(b"<answer/>", response.status_code, kept, media_type="application/xml")
        return response


@fault(EXPECT)
class MeetsNoExpectation(OperationServer):
    """Whatever is expected is answered 417."""

    async def handle(self, request: Request) -> Response:
        return self.error(417, "Expectation failed") if "expect" in request.headers else await super().handle(request)


@fault(EXPECT)
class ReadsBeforeItContinues(OperationServer):
    """The body is read before 100 (Continue) is said, so that there is none."""

    async def read_body(self, request: Request) -> bytes:
        return b"" if "expect" in request.headers else await super().read_body(request)


@fault(EXPECT)
class NeverSaysToGoOn(OperationServer):
    """The body is waited for, and 100 (Continue) never said: a client that expects it keeps the body back."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        receive.__self__.waiting_for_100_continue = False  # type: ignore[attr-defined]
        await super().serve(scope, receive, send)


@fault(PIECES)
class ReadsTheBodysFirstPiece(OperationServer):
    """Only as much of a body is read as came at once."""

    async def read_body(self, request: Request) -> bytes:
        async for piece in request.stream():
            return piece
        return b""


@fault(HEADERS)
class WantsKnownHeadersOnly(OperationServer):
    """A header that is in no list is answered 400."""

    known = frozenset({"host", "authorization", "content-type", "content-length", "accept", "accept-encoding"}
                      | {"user-agent", "connection", "transfer-encoding", "expect", "content-encoding", "cookie"}
                      | {"x-http-method-override", "x-http-method", "x-method-override"})  # fmt: skip

    async def handle(self, request: Request) -> Response:
        unknown = set(request.headers) - self.known
        return self.error(400, f"unknown headers: {len(unknown)}") if unknown else await super().handle(request)


@fault(HEADERS)
class RefusesForeignOrigins(OperationServer):
    """A request that comes from a page of another origin is answered 403."""

    async def handle(self, request: Request) -> Response:
        return self.error(403, "Origin not allowed") if "origin" in request.headers else await super().handle(request)


@fault(HEADERS)
class ReadsTracesByPosition(OperationServer):
    """A traceparent of a later version than its own makes the tracing middleware refuse the request."""

    async def handle(self, request: Request) -> Response:
        if not request.headers.get("traceparent", "00").startswith("00"):
            return self.error(400, "malformed traceparent")
        return await super().handle(request)


class _ByUserAgent(OperationServer):
    """Looks at who asks."""

    async def handle(self, request: Request) -> Response:
        if self.takes(request.headers.get("user-agent")):
            return await super().handle(request)
        return self.error(403, "Forbidden")

    def takes(self, user_agent: str | None) -> bool:
        raise NotImplementedError


@fault(CLIENTS, "answers.only_documented_statuses")
class TakesLibrariesForRobots(_ByUserAgent):
    """A firewall's rule against robots refuses what names itself as a library does."""

    def takes(self, user_agent: str | None) -> bool:
        return not (user_agent or "").lower().startswith(("python-requests", "go-http-client", "java/"))


@fault(CLIENTS, "answers.only_documented_statuses")
class WantsAUserAgent(_ByUserAgent):
    """Who does not say who it is is refused."""

    def takes(self, user_agent: str | None) -> bool:
        return bool(user_agent)


class Coded(OperationServer):
    """Takes a coded body, in a way of its own."""

    def check_coding(self, request: Request) -> None:
        """Nothing to check: the body will be decoded."""


@fault(GZIP, "answers.never_a_server_error")
class FailsOnGzip(Coded):
    """A coded body is handed to the JSON parser as it is, which nobody catches."""

    async def read_body(self, request: Request) -> bytes:
        if "content-encoding" in request.headers:
            raise Problem(500, "Unexpected token")
        return await super().read_body(request)


class Inflating(Coded):
    """Understands gzip."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if request.headers.get("content-encoding") != "gzip":
            return body
        try:
            return gzip.decompress(body)
        except (OSError, EOFError) as error:
            raise self.of_no_gzip(error) from error

    def of_no_gzip(self, error: OSError | EOFError) -> Problem:  # noqa: ARG002
        """The answer to a body that is none, or is cut off."""
        return Problem(400, "The body is no gzip")


@fault(GZIP, "answers.never_a_server_error")
class FailsOnBrokenGzip(Inflating):
    """gzip is understood; what is none, and says that it is, ends in an exception."""

    def of_no_gzip(self, error: OSError | EOFError) -> Problem:  # noqa: ARG002
        return Problem(500, "zlib.error")


@fault(GZIP, "answers.never_a_server_error")
class FailsOnNoGzip(Inflating):
    """gzip is understood, cut off too; what does not begin as it ends in an exception."""

    def of_no_gzip(self, error: OSError | EOFError) -> Problem:
        return Problem(500, "Not a gzipped file") if isinstance(error, OSError) else super().of_no_gzip(error)


@fault("http.gzip_body_is_accepted_or_415")
class SaysThatGzipIsNoJson(Coded):
    """A coded body is read as it stands, and its JSON found to be invalid: nothing says what would be taken."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if "content-encoding" in request.headers:
            raise Problem(422, "The body is not valid JSON")
        return body


class _Chunks(Bytes):
    """Takes chunks apart by itself, and not every form of them."""

    def is_strange(self, received: bytes) -> bool:
        raise NotImplementedError

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if "content-length" not in request.headers and self.is_strange(self.received(request)):
            raise Problem(400, "a chunk's size is no number")
        return body


@fault(CHUNKS, app=Telling)
class ReadsNoChunkExtensions(_Chunks):
    """What stands behind a chunk's size makes it no number."""

    def is_strange(self, received: bytes) -> bool:
        return b";" in received.partition(b"\r\n\r\n")[2].partition(b"\r\n")[0]


@fault(CHUNKS, app=Telling)
class ReadsNoTrailers(_Chunks):
    """After the last chunk there must be nothing."""

    def is_strange(self, received: bytes) -> bool:
        return not received.endswith(b"\r\n0\r\n\r\n")


@fault(CHUNKS, app=Telling)
class TakesFewChunks(_Chunks):
    """A body in more than 16 chunks is taken for an attack."""

    def is_strange(self, received: bytes) -> bool:
        return received.partition(b"\r\n\r\n")[2].count(b"\r\n") > 2 * 16


@fault("http.unusual_request_lines_never_fail_the_server")
class FailsOnOldVersions(OperationServer):
    """A table of versions lacks HTTP/1.0, which proxies speak to what is behind them."""

    async def handle(self, request: Request) -> Response:
        if request.scope["http_version"] == "1.0":
            return self.error(500, "KeyError: (1, 0)")
        return await super().handle(request)


@fault(HEADERS)
class AnswersRanges(OperationServer):
    """A range of the answer may be asked for, whatever the method is: a success is then 206."""

    async def handle(self, request: Request) -> Response:
        answer = await super().handle(request)
        if "range" in request.headers and answer.status_code // 100 == 2:
            answer.status_code = 206
        return answer


@fault("http.charset_parameter_is_accepted")
class ReadsTheSpaceBeforeParameters(OperationServer):
    """A media type is what stands before the semicolon, the space there too."""

    def check_media_type(self, request: Request) -> None:
        if request.headers.get("content-type", "").partition(";")[0].lower().endswith(" "):
            raise Problem(415, "Content-Type must be application/json")
        super().check_media_type(request)


@fault("http.unusual_request_lines_never_fail_the_server", "answers.never_a_server_error")
class FailsOnQueriesThatAreCutOff(OperationServer):
    """A query with a percent sign that nothing follows is an error of the server, which decodes it before it routes."""

    async def handle(self, request: Request) -> Response:
        if re.search(rb"%(?![0-9a-fA-F]{2})", request.scope["query_string"]):
            return self.error(500, "URI malformed")
        return await super().handle(request)


@fault(HEADERS, "answers.only_documented_statuses")
class WantsATokenBesideCookies(OperationServer):
    """Who sends a cookie is taken for a browser, and must send a token against forged requests beside it."""

    async def handle(self, request: Request) -> Response:
        return self.error(403, "CSRF token missing") if "cookie" in request.headers else await super().handle(request)


@fault(HEADERS, "answers.never_a_server_error")
class FailsOnOddCookies(OperationServer):
    """A cookie with a percent sign that begins no escape is answered 500: nobody catches the decoder's error."""

    async def handle(self, request: Request) -> Response:
        if re.search("%(?![0-9a-fA-F]{2})", request.headers.get("cookie", "")):
            return self.error(500, "URI malformed")
        return await super().handle(request)


@fault(HEADERS, "answers.never_a_server_error")
class FailsOnChainsOfProxies(OperationServer):
    """X-Forwarded-For is written into a column of addresses, which takes one and no list."""

    async def handle(self, request: Request) -> Response:
        if "," in request.headers.get("x-forwarded-for", ""):
            return self.error(500, "invalid input syntax for type inet")
        return await super().handle(request)


@fault(HEADERS)
class RefusesEmptyHeaders(OperationServer):
    """A header without a value is malformed to a strict parser."""

    async def handle(self, request: Request) -> Response:
        if any(not value and name != "authorization" for name, value in request.headers.items()):
            return self.error(400, "a header has no value")
        return await super().handle(request)


@fault(HEADERS)
class RefusesRepeatedHeaders(OperationServer):
    """A header that comes twice is taken for an attack, whatever it is."""

    async def handle(self, request: Request) -> Response:
        names = [name for name in request.headers.keys() if name != "authorization"]  # noqa: SIM118
        if len(names) > len({*names}):
            return self.error(400, "a header is there twice")
        return await super().handle(request)


@fault(HEADERS)
class WantsAddressesOfProxies(OperationServer):
    """X-Forwarded-For is a list of addresses, and "unknown" is none."""

    async def handle(self, request: Request) -> Response:
        if "unknown" in request.headers.get("x-forwarded-for", ""):
            return self.error(400, "no address: unknown")
        return await super().handle(request)


@fault(HEADERS)
class LooksForKeysElsewhereFirst(OperationServer):
    """X-Api-Key goes before Authorization: another API's key there makes a stranger of who has the right one."""

    async def handle(self, request: Request) -> Response:
        key = request.headers.get("x-api-key")
        if key is None or any(self.key_matches(key, each.api_key) for each in self.environments):
            return await super().handle(request)
        return self.unauthorized(request)


@fault(HEADERS)
class TakesCookiesForSessions(OperationServer):
    """Who has a cookie called session is looked for among the sessions, and nowhere else."""

    async def handle(self, request: Request) -> Response:
        if "session=" in request.headers.get("cookie", ""):
            return self.unauthorized(request)
        return await super().handle(request)


@fault("bodies.spelling_of_a_body_does_not_matter")
class WantsNoLineBreakAtTheEnd(OperationServer):
    """A body must end with its brace, for a line break there may be an attack."""

    def parse(self, body: bytes) -> Any:
        if body.endswith(b"\n"):
            raise Problem(400, "The body is not valid JSON")
        return super().parse(body)
