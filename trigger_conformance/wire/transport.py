"""HTTP/1.1 over asyncio, able to send what well-behaved clients refuse to, and to survive any answer.

An ``httpx`` transport: requests and responses are httpx's, bytes are ours. Header lines go out as they stand,
answers are parsed by h11 and bounded in size. Request extensions it knows:

``target``   the request target, as bytes
``chunked``  send the body in chunks of this Framing, whatever the headers say
``delivery`` send head and body in the pieces that this Delivery says
``upload``   send the body in the pieces, and with the pauses, that this Upload says
``version``  say this version of HTTP in place of HTTP/1.1
``gate``     hold back the body's last byte until the gate opens
``hang_up``  close the connection once the last byte is sent, without reading
``fresh``    use a connection of its own, of HTTP/1.1
``alone``    use a connection of its own
``line``     use this line's connection
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

import h11
import httpx

from trigger_conformance.wire.decoding import OversizedAnswerError, decode, largest_answer
from trigger_conformance.wire.exchange import CONTINUE_PATIENCE, Delivery, Framing, Upload
from trigger_conformance.wire.proxy import Proxy

# With chunks' sizes, trailers and interim answers, of which nothing is kept.
# Beside its body a message has its head, and the sizes of its chunks.
_MESSAGE_OF_BODY = 2
_READ_AHEAD = 1 << 20
_MOST_HEADERS, _LARGEST_HEADERS = 256, 1 << 16
# Shorter than any server's keep-alive timeout in use, so that a connection is seldom closed under a request.
_IDLE_SECONDS = 0.75
# A server may close an idle connection just as a request leaves (RFC 9112 section 9.3.1), and nobody can tell that from
# dropping the request. So it is a loss, and for so many connections none is used again: what is lost time and again is
# lost where no connection was idle.
_CONNECTIONS_APART = 1000
_SLICE = 4096
_CONTINUE = b"HTTP/1.1 100"
# Between two pieces, so that they do not arrive as one.
_BETWEEN_PIECES = 0.002
# With however many pieces: a byte each, they come as fast as the line takes them.
_ALL_PAUSES = 0.1
_TOO_LARGE = "the answer is larger than {:,} bytes".format


class Gate:
    """Holds requests that lack only their last byte, then sends all last bytes in one go."""

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._turns = 0
        self._assembled = asyncio.Event()
        self._writers: list[Callable[[], None]] = []
        self._full = asyncio.Event()
        self._opened = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether the last bytes have gone; later arrivals need not wait."""
        return self._opened.is_set()

    def drop_out(self) -> None:
        """Wait for one lane less: it may not leave."""
        self._lanes -= 1
        self._check()

    async def assemble(self) -> None:
        """Wait until every lane may leave: they set out together, however slow the pace."""
        self._turns += 1
        self._check()
        await self._assembled.wait()

    def _check(self) -> None:
        if self._turns == self._lanes:
            self._assembled.set()

    async def pass_through(self, write: Callable[[], None]) -> None:
        """Wait until the gate opens; ``write`` is called at that moment."""
        if self.is_open:
            write()
            return
        self._writers.append(write)
        if len(self._writers) == self._lanes:
            self._full.set()
        await self._opened.wait()

    async def open_when_full(self, patience: float) -> None:
        """Open as soon as every lane is waiting, or ``patience`` seconds after all may leave with those that are."""
        await self._assembled.wait()
        try:
            async with asyncio.timeout(patience):
                await self._full.wait()
        except TimeoutError:
            pass
        self._opened.set()
        for write in self._writers:
            write()


class _Connection(asyncio.Protocol):
    """One connection; what has arrived stays readable after it was reset."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.number = 0
        self.idle_since: float | None = None
        self._received = bytearray()
        self._largest, self._allowance = 0, 0
        self.expect_answer(largest_answer("CONNECT"))
        self._over = False
        self._arrival: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > _READ_AHEAD:
            self.transport.pause_reading()
        self._notify()

    def eof_received(self) -> bool:
        self._over = True
        self._notify()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._over = True
        self._notify()

    def _notify(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    async def receive(self) -> bytes:
        """Bytes that have arrived, or b"" at the connection's end. Raises OversizedAnswerError."""
        while not self._received and not self._over:
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        data = bytes(self._received)
        self._received.clear()
        if len(data) > _READ_AHEAD:
            self.transport.resume_reading()
        self._allowance -= len(data)
        if self._allowance < 0:
            raise OversizedAnswerError(_TOO_LARGE(self._largest))
        return data

    async def wants_the_body(self, patience: float) -> bool:
        """Whether 100 (Continue) came, or nothing at all for ``patience`` seconds; else an answer came in its place."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while len(self._received) < len(_CONTINUE) and not self._over:
                    self._arrival = asyncio.get_running_loop().create_future()
                    await self._arrival
        return not self._received or self._received.startswith(_CONTINUE)

    def expect_answer(self, largest: int) -> None:
        """From here on the bytes are those of another answer, whose body has at most so many."""
        self._largest, self._allowance = largest, _MESSAGE_OF_BODY * largest

    @property
    def open(self) -> bool:
        """Whether nothing has arrived: neither bytes nor an end, also none that the event loop has yet to see."""
        if self._over or self._received or self.transport.is_closing():
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(self.transport.get_extra_info("socket"), selectors.EVENT_READ)
            return not selector.select(0)

    @property
    def reusable(self) -> bool:
        return self.open and self.idle_since is not None and time.monotonic() - self.idle_since < _IDLE_SECONDS

    def rest(self) -> None:
        """From now on it is idle."""
        self.idle_since = time.monotonic()

    def close(self) -> None:
        self.transport.abort()


class Line:
    """A connection for requests that take it in turn; a new one wherever the target has closed it."""

    def __init__(self) -> None:
        self._connection: _Connection | None = None

    def take(self) -> _Connection | None:
        """The connection, where it is still open."""
        connection, self._connection = self._connection, None
        if connection is None or connection.open:
            return connection
        connection.close()
        return None

    def rest(self, connection: _Connection) -> None:
        """Keep ``connection`` for the next request."""
        connection.rest()
        self._connection = connection

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()


class Slices(httpx.AsyncByteStream):
    """Hands a body on in small pieces, so that a decoder's output can be bounded."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), _SLICE):
            yield self._body[start : start + _SLICE]


async def bounded(pieces: AsyncIterator[bytes], largest: int) -> bytes:
    """All ``pieces`` as one; raises OversizedAnswerError beyond ``largest`` bytes."""
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > largest:
            raise OversizedAnswerError(_TOO_LARGE(largest))
    return bytes(body)


async def decoded(response: httpx.Response, largest: int) -> bytes:
    """The body as Content-Encoding says, at most ``largest`` bytes of it.

    Raises OversizedAnswerError beyond that and httpx.DecodingError where it cannot be decoded.
    """
    body = await bounded(response.aiter_raw(), largest)
    return decode(body, response.headers.get_list("content-encoding"), largest)


class Transport(httpx.AsyncBaseTransport):
    """Sends raw HTTP/1.1 requests; keeps idle connections for a moment and reuses them.

    A ``proxy`` forwards plain requests and tunnels TLS (RFC 9110 section 9.3.6). Connections are numbered from after
    ``first``.
    """

    def __init__(self, verify: ssl.SSLContext | None = None, proxy: Proxy | None = None, first: int = 0) -> None:
        self._verify = verify
        self._proxy = proxy
        self._idle: list[_Connection] = []
        self._connections = first
        self._reuses_from = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` and read its answer whole.

        ``extensions["started"]`` is when the last byte left, ``extensions["connection"]`` the number of the
        transport's connection that it took.
        Raises httpx.ConnectError (also for TLS), httpx.RemoteProtocolError, httpx.ReadError,
        httpx.TimeoutException and OversizedAnswerError.
        """
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("read")):
                return await self._handle(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("the time limit ran out", request=request) from error

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        connection = self._take_idle(request)
        if connection is None:
            connection = await self._connect(request.url)
            self._connections += 1
            connection.number = self._connections
        try:
            return await self._exchange(connection, request)
        except httpx.ReadError:
            if connection.idle_since is not None:
                self._reuses_from = self._connections + _CONNECTIONS_APART
            raise

    def _take_idle(self, request: httpx.Request) -> _Connection | None:
        if line := request.extensions.get("line"):
            taken: _Connection | None = line.take()
            return taken
        if request.extensions.get("alone"):
            # A target may serve one connection at a time: idle ones would keep this one waiting.
            self.close_idle()
        if _needs_its_own(request) or self._connections < self._reuses_from:
            return None
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
            connection.close()
        return None

    def _rest(self, connection: _Connection) -> None:
        """Keep a connection for the next request, but not for long: a target may serve one connection at a time."""
        connection.rest()
        self._idle.append(connection)

        def expire() -> None:
            if connection in self._idle and not connection.reusable:
                self._idle.remove(connection)
                connection.close()

        asyncio.get_running_loop().call_later(_IDLE_SECONDS, expire)

    async def _connect(self, url: httpx.URL) -> _Connection:
        secure = url.scheme == "https"
        host, port = url.raw_host.decode("ascii").strip("[]"), url.port or (443 if secure else 80)
        try:
            if self._proxy is None:
                return await _open(host, port, self._verify if secure else None)
            return await self._connect_by_proxy(self._proxy, host, port, secure=secure)
        except ssl.SSLError as error:
            raise httpx.ConnectError(f"TLS: {error.reason or error}: {getattr(error, 'verify_message', '')}") from error
        except OSError as error:
            raise httpx.ConnectError(error.strerror or str(error)) from error

    async def _connect_by_proxy(self, proxy: Proxy, host: str, port: int, *, secure: bool) -> _Connection:
        try:
            connection = await _open(proxy.host, proxy.port, ssl.create_default_context() if proxy.secure else None)
        except OSError as error:
            raise httpx.ConnectError(f"the proxy {proxy.url}: {error.strerror or error}") from error
        if not secure:
            return connection
        assert self._verify is not None
        try:
            await _tunnel(connection, proxy, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
            transport = await asyncio.get_running_loop().start_tls(
                connection.transport, connection, self._verify, server_hostname=host
            )
        except BaseException:
            connection.close()
            raise
        assert transport is not None
        connection.transport = transport
        return connection

    async def _exchange(self, connection: _Connection, request: httpx.Request) -> httpx.Response:
        keep = False
        try:
            largest = largest_answer(request.method)
            connection.expect_answer(largest)
            started = await self._send(connection, request)
            if request.extensions.get("hang_up"):
                connection.transport.close()
                keep = True
                return httpx.Response(499, extensions={"started": started})
            parser = _parser_after(request.method)
            head, body = await _read(parser, connection, largest)
            keep = parser.their_state is h11.DONE and not parser.trailing_data[0] and not _needs_its_own(request)
            if keep and (line := request.extensions.get("line")):
                line.rest(connection)
            elif keep:
                self._rest(connection)
            return httpx.Response(
                head.status_code,
                headers=list(head.headers.raw_items()),
                stream=Slices(body),
                extensions={
                    "started": started,
                    "reason_phrase": bytes(head.reason),
                    "connection": connection.number,
                },
                request=request,
            )
        finally:
            if not keep:
                connection.close()

    async def _send(self, connection: _Connection, request: httpx.Request) -> float:
        head = _head(request, self._proxy)
        if upload := request.extensions.get("upload"):
            pieces = upload.pieces(await request.aread())
            return await _send_pieces(connection, head, pieces, upload, chunked=bool(request.extensions.get("chunked")))
        body = await _body(request)
        if delivery := request.extensions.get("delivery"):
            return await _send_in_pieces(connection, head, body, delivery)
        message = head + body
        gate: Gate | None = request.extensions.get("gate")
        if gate is None:
            started = time.monotonic()
            connection.transport.write(message)
            return started
        connection.transport.write(message[:-1])
        left: list[float] = []

        def write_last_byte() -> None:
            left.append(time.monotonic())
            connection.transport.write(message[-1:])

        await gate.pass_through(write_last_byte)
        return left[0]

    def close_idle(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    async def aclose(self) -> None:
        """Close every connection."""
        self.close_idle()


def _needs_its_own(request: httpx.Request) -> bool:
    return any(request.extensions.get(name) for name in ("fresh", "alone", "gate", "delivery", "upload", "version"))


async def _open(host: str, port: int, verify: ssl.SSLContext | None) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, host, port, ssl=verify)
    return connection


async def _tunnel(connection: _Connection, proxy: Proxy, authority: str) -> None:
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    lines += [f"Proxy-Authorization: {proxy.authorization}"] if proxy.authorization else []
    connection.transport.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    parser = _parser_after("CONNECT")
    try:
        while (event := parser.next_event()) is h11.NEED_DATA:
            parser.receive_data(await connection.receive())
    except h11.RemoteProtocolError as error:
        raise httpx.ConnectError(f"the proxy {proxy.url} does not speak HTTP: {error}") from error
    status = event.status_code if isinstance(event, h11.Response) else 0
    if not 200 <= status < 300:
        said = f"answered {status}" if status else "closed the connection"
        raise httpx.ConnectError(f"the proxy {proxy.url} {said} when asked for a tunnel to {authority}")


def _head(request: httpx.Request, proxy: Proxy | None) -> bytes:
    target = request.extensions.get("target", request.url.raw_path)
    forwarded = proxy is not None and request.url.scheme == "http"
    if forwarded and target.startswith(b"/"):
        target = b"http://" + request.url.netloc + target
    version = (request.extensions.get("version") or "HTTP/1.1").encode("ascii")
    lines = [b"%s %s %s" % (request.method.encode("ascii"), target, version)]
    lines += [b"%s: %s" % header for header in request.headers.raw]
    if forwarded and proxy is not None and proxy.authorization:
        lines.append(b"Proxy-Authorization: " + proxy.authorization.encode("latin-1"))
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def _body(request: httpx.Request) -> bytes:
    body = await request.aread()
    framing: Framing | None = request.extensions.get("chunked")
    if framing is None:
        return body
    odd = framing is Framing.ODD_CHUNKS
    size = 1 if odd or framing is Framing.SMALL_CHUNKS else max(1, len(body) // 2)
    extension = b';part=1;note="a b"' if odd or framing is Framing.EXTENDED_CHUNKS else b""
    trailer = b"X-Checksum: 0\r\n" if odd or framing is Framing.TRAILED_CHUNKS else b""
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    told = [b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks]
    return b"".join(told) + b"0\r\n" + trailer + b"\r\n"


async def _send_in_pieces(connection: _Connection, head: bytes, body: bytes, delivery: Delivery) -> float:
    """Send a request as ``delivery`` says; returns when its last piece was about to leave."""
    started = time.monotonic()
    connection.transport.write(head)
    if delivery is Delivery.EXPECTING and not await connection.wants_the_body(CONTINUE_PATIENCE):
        return started
    size = 1 if delivery is Delivery.BY_BYTES else max(1, len(body))
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    for piece in pieces:
        await asyncio.sleep(_moment(len(pieces)))
        started = time.monotonic()
        connection.transport.write(piece)
    return started


def _moment(pieces: int) -> float:
    """The seconds before each of so many ``pieces``, none of which is to be in one packet with another."""
    return min(_BETWEEN_PIECES, _ALL_PAUSES / (pieces or 1))


def _pauses(upload: Upload, pieces: int) -> list[float]:
    """The seconds before each of so many ``pieces``, and before the end of a chunked body."""
    moment = _moment(pieces)
    return [upload.late or moment, *[upload.pause or moment] * (pieces - 1), moment]


async def _send_pieces(
    connection: _Connection, head: bytes, pieces: Sequence[bytes], upload: Upload, *, chunked: bool
) -> float:
    """Send a request whose body leaves in ``pieces``, until an answer comes; returns when the last was about to."""
    pauses = _pauses(upload, len(pieces))
    sent = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces] if chunked else [*pieces]
    sent += [b"0\r\n\r\n"] if chunked and not upload.dies else []
    started = time.monotonic()
    connection.transport.write(head)
    for piece, pause in zip(sent, pauses, strict=False):
        await asyncio.sleep(pause)
        if not connection.open:
            break
        started = time.monotonic()
        connection.transport.write(piece)
    return started


def _parser_after(method: str) -> h11.Connection:
    """An h11 parser that believes it has sent a request with ``method``, and so awaits the answer to one."""
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 16)
    target = "target:443" if method == "CONNECT" else "/"
    parser.send(h11.Request(method=method, target=target, headers=[("Host", "target")]))
    parser.send(h11.EndOfMessage())
    return parser


def check_modest(headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Raise OversizedAnswerError where an answer's headers are more than any client takes."""
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > _MOST_HEADERS or size > _LARGEST_HEADERS:
        raise OversizedAnswerError(f"{len(headers)} headers of {size:,} bytes in all")


async def _read(parser: h11.Connection, connection: _Connection, largest: int) -> tuple[h11.Response, bytes]:
    head: h11.Response | None = None
    body = bytearray()
    silent = True
    try:
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                data = await connection.receive()
                if not data and silent:
                    raise httpx.ReadError("the connection was closed before a byte of an answer came")
                silent = False
                parser.receive_data(data)
            elif isinstance(event, h11.Response):
                check_modest(event.headers.raw_items())
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > largest:
                    raise OversizedAnswerError(_TOO_LARGE(largest))
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                return head, bytes(body)
            elif isinstance(event, h11.ConnectionClosed):
                raise httpx.RemoteProtocolError("the connection was closed in the middle of an answer")
    except h11.RemoteProtocolError as error:
        status = f" (status {head.status_code})" if head else ""
        raise httpx.RemoteProtocolError(f"{error}{status}") from error
