"""HTTP/2 by httpx, for requests that both versions can say; the others go out as HTTP/1.1."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable

import httpx

from trigger_conformance.wire.decoding import largest_answer
from trigger_conformance.wire.proxy import Proxy
from trigger_conformance.wire.transport import Slices, Transport, bounded, check_modest

# What these ask of a connection is HTTP/1.1's (chunks, a last byte held back, hanging up), or needs one of its own.
_OF_CONNECTIONS = ("chunked", "delivery", "upload", "version", "gate", "hang_up", "fresh", "line")
_OF_HTTP1 = {b"connection", b"expect"}
# Servers close a connection after so many requests (nginx: 1,000, and 100 before), and what is in flight then is lost.
_MOST_ON_ONE = 90
_STATUSES = range(100, 1000)


class _Way:
    """A connection for many requests: how many it has had, and how many are under way."""

    def __init__(self, transport: httpx.AsyncHTTPTransport) -> None:
        self.transport = transport
        self.had = 0
        self.under_way = 0


class Http2Transport(httpx.AsyncBaseTransport):
    """Sends over HTTP/2 where the target negotiates it, and what HTTP/2 has no words for by ``plain``."""

    def __init__(self, plain: Transport, multiplexed: Callable[[], httpx.AsyncHTTPTransport]) -> None:
        self._plain = plain
        self._another = multiplexed
        self._current = _Way(multiplexed())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As ``Transport.handle_async_request``."""
        if not _fits(request):
            return await self._plain.handle_async_request(request)
        way = await self._way(alone=bool(request.extensions.get("alone")))
        started = time.monotonic()
        try:
            async with asyncio.timeout(request.extensions["timeout"]["read"]):
                response = await _head(way.transport, request)
                try:
                    check_modest(response.headers.raw)
                    body = await bounded(response.aiter_raw(), largest_answer(request.method))
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise httpx.ReadTimeout("the time limit ran out", request=request) from error
        except httpx.ConnectError as error:
            # A handshake's error is told apart from a host that is not there by its text alone.
            raise httpx.ConnectError(f"TLS: {error}" if "SSL" in str(error) else str(error)) from error
        finally:
            way.under_way -= 1
            if way is not self._current and not way.under_way:
                await way.transport.aclose()
        return httpx.Response(
            response.status_code,
            headers=response.headers.raw,
            stream=Slices(body),
            extensions={"started": started, "http_version": response.extensions["http_version"]},
            request=request,
        )

    async def _way(self, *, alone: bool) -> _Way:
        """A connection of its own, or the one that the others share until it has had its number."""
        if alone:
            way = _Way(self._another())
        else:
            earlier = self._current
            if earlier.had >= _MOST_ON_ONE:
                self._current = _Way(self._another())
                if not earlier.under_way:
                    await earlier.transport.aclose()
            way = self._current
        way.had += 1
        way.under_way += 1
        return way

    def close_idle(self) -> None:
        """Close the idle HTTP/1.1 connections; an HTTP/2 connection is for many requests and stays."""
        self._plain.close_idle()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._plain.aclose()
        await self._current.transport.aclose()


async def _head(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
    """The answer's head; its status is of three digits (RFC 9110 section 15), which httpx does not look at."""
    try:
        response = await transport.handle_async_request(request)
    except ValueError as error:
        raise httpx.RemoteProtocolError("the status is no number") from error
    if response.status_code not in _STATUSES:
        await response.aclose()
        raise httpx.RemoteProtocolError("the status is no number of three digits")
    return response


def multiplexed(plain: Transport, verify: ssl.SSLContext, proxy: Proxy | None) -> Http2Transport:
    """A transport that offers HTTP/2 and falls back on HTTP/1.1."""
    way = None if proxy is None else httpx.Proxy(proxy.url, headers=_authorization(proxy))
    return Http2Transport(plain, lambda: httpx.AsyncHTTPTransport(verify=verify, http2=True, proxy=way))


def _authorization(proxy: Proxy) -> dict[str, str]:
    return {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}


def _fits(request: httpx.Request) -> bool:
    """Whether HTTP/2 says the same: it has no room for odd headers, and frames bodies itself (RFC 9113 section 8)."""
    if any(request.extensions.get(name) for name in _OF_CONNECTIONS):
        return False
    names = [name.lower() for name, _ in request.headers.raw]
    if len(set(names)) < len(names) or not request.method.isalpha():
        return False
    if _OF_HTTP1 & set(names) or any(name.isupper() for name, _ in request.headers.raw):
        return False
    return all(value.isascii() and value.decode().isprintable() and value == value.strip()
               for _, value in request.headers.raw)  # fmt: skip
