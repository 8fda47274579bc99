"""Takes Content-Encoding off a body (RFC 9110 section 8.4), every coding by itself within bounds."""

from __future__ import annotations

import zlib

import httpx

_LARGEST_ANSWER, _LARGEST_LOOK = 1 << 20, 1 << 23
_MOST_CODINGS = 2
_PIECE = 1 << 12
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
    body is not what it says, whole and with nothing behind it, or says more than two codings.
    """
    codings = [coding.strip().lower() for value in encodings for coding in value[:200].split(",")]
    known = [coding for coding in codings if coding in _WINDOWS]
    if len(known) > _MOST_CODINGS:
        raise httpx.DecodingError(f"{len(known)} content codings, one around the other")
    for coding in reversed(known):
        body = _inflated(body, _WINDOWS[coding], largest)
    return body


def _inflated(body: bytes, windows: tuple[int, ...], largest: int) -> bytes:
    problems: list[str] = []
    for window in windows:
        try:
            return _members(memoryview(body), window, largest)
        except zlib.error as error:
            problems.append(str(error))
    raise httpx.DecodingError(problems[0])


def _members(body: memoryview, window: int, largest: int) -> bytes:
    """All of ``body``: gzip may have several members, one after the other (RFC 1952 section 2.2)."""
    inflated = bytearray()
    at = 0
    while at < len(body):
        if at and window != _GZIP:
            raise zlib.error(f"{len(body) - at} bytes come after the end of what is coded")
        member = zlib.decompressobj(window)
        while not member.eof:
            # What follows a member is copied, so it is given little at a time: there may be many of them.
            piece = body[at : at + _PIECE]
            if not piece:
                raise zlib.error("what is coded is cut off before its end")
            inflated += member.decompress(piece, largest + 1 - len(inflated))
            if len(inflated) > largest:
                raise OversizedAnswerError(f"the answer unpacks to more than {largest:,} bytes")
            at += len(piece) - len(member.unused_data)
    return bytes(inflated)
