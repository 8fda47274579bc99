"""Plain records of what was sent and what came back; no I/O."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Any

from trigger_conformance.contract import told
from trigger_conformance.contract.contract import strict_json
from trigger_conformance.contract.quoting import reason, shortened, visible


class Beyond(StrEnum):
    """In which respect a request leaves what the operation declares, so that plain HTTP statuses may answer it."""

    NOTHING = "nothing"
    MEDIA = "media type"
    SIZE = "size"
    METHOD = "method"
    GRAMMAR = "header grammar"
    LINE = "request line"
    FRAMING = "framing"


# The seconds for which a body waits for 100 (Continue): as long as curl waits, and never without end (RFC 9110 section
# 10.1.1).
CONTINUE_PATIENCE = 1.0


class Framing(StrEnum):
    """How a body's end is told (RFC 9112 section 6)."""

    LENGTH = "Content-Length"
    CHUNKED = "chunked"
    SMALL_CHUNKS = "chunked, a byte each"
    EXTENDED_CHUNKS = "chunked, with extensions"
    TRAILED_CHUNKS = "chunked, with a trailer"
    ODD_CHUNKS = "chunked, a byte each, with extensions and a trailer"

    @property
    def in_chunks(self) -> bool:
        """Whether Transfer-Encoding tells the end."""
        return self is not Framing.LENGTH


class Delivery(StrEnum):
    """In which pieces a request leaves; all but the first need a connection of HTTP/1.1."""

    WHOLE = "whole"
    HEAD_FIRST = "the head, then the body"
    BY_BYTES = "the body byte by byte"
    EXPECTING = "the body after 100 (Continue), or after a second without"


@dataclass(frozen=True)
class Upload:
    """In which pieces a body leaves, on a connection of HTTP/1.1: one ends at each of the offsets ``cuts``.

    In a chunked body a piece is a chunk. ``pause`` seconds pass between two pieces, and ``late`` seconds before the
    first (0: as long as they need so as not to arrive as one). One that ``dies`` has no end: its request is one to be
    abandoned.
    """

    cuts: tuple[int, ...] = ()
    pause: float = 0.0
    dies: bool = False
    late: float = 0.0

    def pieces(self, body: bytes) -> list[bytes]:
        """The pieces of ``body``."""
        borders = (0, *self.cuts, len(body))
        return [body[start:end] for start, end in pairwise(borders) if start < end]


class FailureKind(StrEnum):
    """Why there is no answer."""

    UNREACHABLE = "unreachable"
    TLS = "TLS error"
    DROPPED = "connection closed without an answer"
    TIMEOUT = "no answer in time"
    BROKEN = "broken answer"
    OVERSIZE = "oversized answer"
    UNKEPT = "an answer that there was no room for"
    ABANDONED = "hung up on purpose"


@dataclass(frozen=True)
class Failure:
    """A transport error: its kind and one line of detail."""

    kind: FailureKind
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {shortened(visible(self.detail), 300)}" if self.detail else str(self.kind)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request as it goes over the wire.

    ``target`` is the request target (path and query, or an absolute URL), ``headers`` are sent as they stand and in
    this order,
    ``label`` names the case for a reader, ``credential`` says whose credential it carries: "primary", "second",
    or "none" where no sound target would honour it. ``operation`` is the id of the operation that it belongs to.
    """

    target: str
    method: str = "POST"
    headers: tuple[tuple[str, bytes], ...] = ()
    body: bytes = b""
    framing: Framing = Framing.LENGTH
    delivery: Delivery = Delivery.WHOLE
    upload: Upload | None = None
    version: str = "HTTP/1.1"
    label: str = ""
    credential: str = "primary"
    beyond: Beyond = Beyond.NOTHING
    shell_authorization: tuple[str, ...] = ()
    operation: str = ""

    @property
    def content(self) -> bytes:
        """The body without the coding that it says it has; one that has another stays as it is."""
        coded = any(name.lower() == "content-encoding" and value == b"gzip" for name, value in self.headers)
        if not coded:
            return self.body
        try:
            return gzip.decompress(self.body)
        except (OSError, EOFError):
            return self.body

    @cached_property
    def document(self) -> dict[str, Any] | None:
        """The body, where it is a JSON object in which nothing is said twice."""
        try:
            document = json.loads(self.content, object_pairs_hook=_said_once)
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None

    @property
    def authorization(self) -> tuple[bytes, ...]:
        """The values of its Authorization headers."""
        return tuple(value for name, value in self.headers if name.lower() == "authorization")


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a name is there twice, and which value counts is the reader's affair")
    return document


@dataclass(frozen=True)
class Answer:
    """One complete HTTP answer; ``body`` is decoded as Content-Encoding says, ``at`` is its Unix time of arrival."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float
    leaks: tuple[str, ...] = ()
    version: str = "HTTP/1.1"

    def all(self, name: str) -> list[str]:
        """Every value of the header ``name``, one for each time that it was sent."""
        wanted, size = name.lower(), len(name)
        return [value for header, value in self.headers if len(header) == size and header.lower() == wanted]

    def header(self, name: str) -> str | None:
        """The first value of the header ``name``, or None."""
        return next(iter(self.all(name)), None)

    @property
    def date(self) -> float | None:
        """The target's own clock, as its Date header tells it, in Unix time."""
        return told.unix_time(self.header("date"))

    @property
    def media_type(self) -> str:
        """The media type, lower case and without parameters; "" where there is none."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> Any:
        """The body read as JSON (RFC 8259: UTF-8, no byte-order mark, no NaN), or None where it is none."""
        document = strict_json(self.body)
        return None if document is told.INVALID else document

    @property
    def document(self) -> dict[str, Any]:
        """The body, where it is a JSON object; else an empty one."""
        document = self.json
        return document if isinstance(document, dict) else {}


@dataclass(frozen=True)
class Exchange:
    """One request and its answer or failure.

    ``started`` is when the request's last byte was about to leave and ``ended`` when the answer was complete, both
    in seconds of the machine's monotonic clock; ``began`` is the Unix time at which the client set out. ``number``
    counts the run's exchanges from 1, ``check`` is the id of the requirement that sent it, ``together`` numbers the
    volley that it left with, from 1 (0: it left alone), ``repeats`` is the number of a lost exchange whose request this
    one sends once more (0: none), ``connection`` its sender's connections, from 1 (0: unknown).
    """

    request: Request
    answer: Answer | None
    failure: Failure | None
    started: float
    ended: float
    began: float
    check: str = ""
    together: int = 0
    repeats: int = 0
    connection: int = 0
    number: int = field(default=0, compare=False)

    @property
    def status(self) -> int | None:
        """The answer's status, or None without an answer."""
        return self.answer.status if self.answer else None

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody waited for the answer."""
        return self.failure is not None and self.failure.kind is FailureKind.ABANDONED

    @property
    def outcome(self) -> str:
        """What came back, in a few words that are safe to print."""
        if self.answer is None:
            return str(self.failure)
        return f"{self.answer.status} {reason(self.answer.reason)}".strip()
