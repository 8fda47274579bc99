"""Takes Content-Encoding off a body (RFC 9110 section 8.4), every coding by itself within bounds."""

from __future__ import annotations

import zlib

import httpx

_LARGEST_ANSWER, _LARGEST_LOOK = 1 << 20, 1 << 23
_MOST_CODINGS = 2
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
# Some servers send raw deflate under this name, which RFC 9110 section 8.4.1.2 mentions.
_WINDOWS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _RAW)}


class OversizedAnswerError(httpx.TransportError):
    """The answer is larger than ``largest_answer`` says."""


def largest_answer(method: str) -> int:
    """How many bytes of an answer are read: most of a look, for a list has all that others made, too."""
    return _LARGEST_LOOK if method == "GET" else _LARGEST_ANSWER


def decode(body: bytes, encodings: list[str], largest: int) -> bytes:
    """``body`` without the codings of its Content-Encoding headers; one that was not asked for stays.

    Raises OversizedAnswerError where a coding gives more than ``largest`` bytes, and httpx.DecodingError where a
    body is not what it says, or says more than two codings.
    """
    codings = [coding.strip().lower() for value in encodings for coding in value[:200].split(",")]
    known = [coding for coding in codings if coding in _WINDOWS]
    if len(known) > _MOST_CODINGS:
        raise httpx.DecodingError(f"{len(known)} content codings, one around the other")
    for coding in reversed(known):
        body = _inflated(body, _WINDOWS[coding], largest)
    return body


def _inflated(body: bytes, windows: tuple[int, ...], largest: int) -> bytes:
    for window in windows:
        try:
            inflated = zlib.decompressobj(window).decompress(body, largest + 1) if body else b""
        except zlib.error as error:
            problem = str(error)
            continue
        if len(inflated) > largest:
            raise OversizedAnswerError(f"the answer unpacks to more than {largest:,} bytes")
        return inflated
    raise httpx.DecodingError(problem)
