"""The innermost layer of a request's way: it leaves by the transport, and its answer is read and bounded."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx

from trigger_conformance.wire.decoding import OversizedAnswerError, largest_answer
from trigger_conformance.wire.destination import Destination
from trigger_conformance.wire.exchange import Answer, Delivery, Exchange, Failure, FailureKind, Request
from trigger_conformance.wire.ledger import Ledger
from trigger_conformance.wire.reading import Reading
from trigger_conformance.wire.redaction import Redactor
from trigger_conformance.wire.sending import Sending
from trigger_conformance.wire.transport import Transport, decoded

if TYPE_CHECKING:
    from trigger_conformance.wire.http2 import Http2Transport

# What a run keeps of answers that are larger than any usual one: every check looks at all of them again and again.
# Policies and tokens make the headers of every answer of some servers large. Who sends more looks at longer lists.
_LARGE, _MOST_LARGE, _MOST_HEADERS = 1 << 12, 1 << 25, 3 << 24
_A_LARGE_RUN, _MOST_TIMES = 10_000, 3
# What each member of a JSON text takes in memory beside its characters.
_MEMBER = 100
# More than a process opens: what one book tells of connections is told apart by their numbers.
_A_LANES_CONNECTIONS = 1_000_000


class Transmission:
    """Sends one request now, once."""

    def __init__(
        self,
        transport: Transport | Http2Transport,
        target: Destination,
        ledger: Ledger,
        redactor: Redactor,
        reading: Reading,
    ) -> None:
        self._transport = transport
        self._target = target
        self._ledger = ledger
        self._redactor = redactor
        self._reading = reading
        self._url = httpx.URL(target.base_url)
        self._usual = f"Bearer {target.api_key}".encode()
        times = min(max(ledger.budget.requests / _A_LARGE_RUN, 1), _MOST_TIMES)
        self._room, self._room_of_headers = times * _MOST_LARGE, _MOST_HEADERS

    async def deliver(self, request: Request, sending: Sending) -> Exchange:
        """What came back, or what went wrong on the way: an error of the transport is the exchange's ``failure``."""
        began = time.time()
        prepared = self._prepare(request, sending)
        started = time.monotonic()
        answer: Answer | None = None
        failure: Failure | None = None
        connection = 0
        try:
            response = await self._transport.handle_async_request(prepared)
            started = response.extensions.get("started", started)
            connection = response.extensions.get("connection", 0)
            if prepared.extensions["hang_up"]:
                failure = Failure(FailureKind.ABANDONED, "")
            else:
                body = await decoded(response, largest_answer(request.method))
                answer = self._answer(response, body, self._reading.repeatable(request))
        except (httpx.TransportError, httpx.DecodingError) as error:
            failure = _failure(error, self._redactor)
        found = Exchange(
            request,
            answer,
            failure,
            started,
            time.monotonic(),
            began,
            sending.check,
            # What comes after the others have left, or is sent again, raced with nothing.
            together=sending.together if "gate" in prepared.extensions else 0,
            repeats=sending.repeats,
            connection=connection,
        )
        return self._with_room(self._reading.kept(found))

    def _timeout(self, sending: Sending) -> float:
        """A request sent in good time has its whole time limit; a longer one is for as long as the run may last."""
        usual = self._target.timeout
        return min(sending.timeout or usual, max(usual, self._ledger.seconds_left))

    def _prepare(self, request: Request, sending: Sending) -> httpx.Request:
        extensions: dict[str, Any] = {
            "target": request.target.encode("latin-1"),
            "timeout": {"read": self._timeout(sending)},
            "chunked": request.framing if request.framing.in_chunks else None,
            "delivery": None if request.delivery is Delivery.WHOLE else request.delivery,
            "upload": request.upload,
            "version": None if request.version == "HTTP/1.1" else request.version,
            "fresh": sending.fresh,
            # What a target keeps of a connection must decide no other check than the one on connections.
            "alone": not sending.line and request.authorization != (self._usual,),
            # An upload that comes to no end is answered by nobody, whatever else is under way beside it.
            "hang_up": sending.hang_up or bool(request.upload and request.upload.dies),
            "line": sending.line,
        }
        if sending.gate is not None and not sending.gate.is_open:
            extensions["gate"] = sending.gate
        headers = [(name.encode("ascii"), value) for name, value in request.headers]
        return httpx.Request(
            request.method, self._url, headers=headers, stream=httpx.ByteStream(request.body), extensions=extensions
        )

    def _with_room(self, exchange: Exchange) -> Exchange:
        """The exchange as it is kept; without its answer where there is no room for it any more."""
        if exchange.answer is None:
            return exchange
        body = exchange.answer.body
        headers = sum(len(name) + len(value) for name, value in exchange.answer.headers)
        if len(body) + headers <= _LARGE:
            return exchange
        self._room -= _weight(body)
        self._room_of_headers -= headers
        if min(self._room, self._room_of_headers) >= 0:
            return exchange
        cut = Failure(FailureKind.UNKEPT, f"answers of more than {_LARGE:,} bytes are more than a run keeps")
        return replace(exchange, answer=None, failure=cut)

    def _answer(self, response: httpx.Response, body: bytes, given: str) -> Answer:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
        where = [("the reason phrase", response.reason_phrase), ("the body", body.decode("latin-1"))]
        where[1:1] = [(f"header {name}", value) for name, value in headers]
        where += [("a header's name", name) for name, _ in headers]
        leaks = self._redactor.leaks(where, given)
        return Answer(
            response.status_code, response.reason_phrase, headers, body, time.time(), leaks, response.http_version
        )


def _weight(body: bytes) -> int:
    """What a body takes in memory, and what becomes of it where it is JSON, in bytes."""
    members = 1 + body.count(b",") if body.lstrip()[:1] in (b"{", b"[") else 0
    return (2 if members else 1) * len(body) + _MEMBER * members


def transport_to(target: Destination, lane: int = 0) -> Transport | Http2Transport:
    """The transport that ``target`` asks for, in the process of that number."""
    verify = target.tls() if target.base_url.startswith("https:") else None
    plain = Transport(verify, target.proxy, first=lane * _A_LANES_CONNECTIONS)
    if not target.http2 or verify is None:
        return plain
    from trigger_conformance.wire.http2 import multiplexed

    # A context of its own: offering HTTP/2 is written into it, and HTTP/1.1 connections must not offer that.
    return multiplexed(plain, target.tls(), target.proxy)


def _failure(error: Exception, redactor: Redactor) -> Failure:
    detail = redactor.text(str(error))
    match error:
        case httpx.ConnectError() if detail.startswith("TLS"):
            return Failure(FailureKind.TLS, detail)
        case httpx.ConnectError():
            return Failure(FailureKind.UNREACHABLE, detail)
        case httpx.ReadError():
            return Failure(FailureKind.DROPPED, detail)
        case httpx.TimeoutException():
            return Failure(FailureKind.TIMEOUT, detail)
        case OversizedAnswerError():
            return Failure(FailureKind.OVERSIZE, detail)
    return Failure(FailureKind.BROKEN, detail)
