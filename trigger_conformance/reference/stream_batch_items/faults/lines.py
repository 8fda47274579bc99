"""Readers of lines that forgive what is no JSON, and such as know one way only in which a line may be written."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.requests import Request

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.shared import ReadsAsItComes
from trigger_conformance.reference.stream_batch_items.store import Filling, Item

MALFORMED = "bodies.malformed_json_is_rejected"
WRITTEN = "bodies.lines_are_read_as_json"
LAST = "uploads.last_line_needs_no_end"
ENDS = "uploads.blank_lines_and_crlf_are_read_or_rejected"


# What is no line of JSON


@fault(MALFORMED)
class CutsCommasBehindLines(StreamBatchItemsServer):
    """A comma behind a line is cut off, as in a list that has an item a line."""

    def lines(self, body: bytes) -> Iterator[bytes]:
        return (re.sub(rb"\},\s*$", b"}", line) for line in super().lines(body))


@fault(MALFORMED)
class DropsABrokenEnd(StreamBatchItemsServer):
    """A last line without an end that is no JSON is dropped, as the tail of a log that is being written."""

    def lines(self, body: bytes) -> Iterator[bytes]:
        *whole, rest = self.split(body)
        yield from (each for each in whole if not self.is_blank(each))
        if whole and not self.is_blank(rest):
            try:
                self.parse(rest)
            except Problem:
                return
        if not self.is_blank(rest):
            yield rest


@fault(MALFORMED)
class SkipsComments(StreamBatchItemsServer):
    """A line that begins with a hash is a comment."""

    def is_blank(self, line: bytes) -> bool:
        return super().is_blank(line) or line.lstrip().startswith(b"#")


@fault(MALFORMED)
class EndsAtNul(StreamBatchItemsServer):
    """A body ends at its first NUL, as a text of C."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(body.partition(b"\0")[0])


@fault(MALFORMED)
class TakesBrokenPayloads(StreamBatchItemsServer):
    """A line with an index and a task whose payload is no JSON is an item that fails later."""

    def parse(self, body: bytes) -> Any:
        try:
            return super().parse(body)
        except Problem:
            found = re.match(rb'\{"index":(\d+),"task":"([\w-]+)","payload"', body)
            if found is None:
                raise
            return {"index": int(found[1]), "task": found[2].decode()}


# Ends of lines


@fault(ENDS, "answers.never_a_server_error")
class FailsOnBlankCarriageReturns(StreamBatchItemsServer):
    """Blank lines are skipped, but one that ends with CR and LF is answered 500."""

    def is_blank(self, line: bytes) -> bool:
        if line == b"\r":
            raise Problem(500, "Unexpected end of JSON input")
        return super().is_blank(line)


@fault("uploads.chunks_may_end_anywhere")
class TakesACutEndForTwo(ReadsAsItComes):
    """CR and LF in two chunks are two ends, and what stands between them is no JSON; in one chunk they are one."""

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        body = b""
        async for piece in request.stream():
            if body.endswith(b"\r") and piece.startswith(b"\n"):
                raise Problem(400, "A line is empty")
            body += piece
        for line in self.split(body):
            yield line


# How a line may be written


class _Scanning(StreamBatchItemsServer):
    """Knows a line's index where it stands as this pattern has it."""

    pattern = rb'"index"'

    def parse(self, body: bytes) -> Any:
        found = super().parse(body)
        if isinstance(found, dict) and "index" in found and "task" in found and not re.search(self.pattern, body):
            raise Problem(422, "index is missing")
        return found


@fault(WRITTEN)
class ScansForNames(_Scanning):
    """A property is looked for in the text of a line: with an escape in its name it is missing."""


@fault(WRITTEN)
class ScansForColons(_Scanning):
    """A property is looked for in the text of a line: with white space behind its name it is missing."""

    pattern = rb'(?s)^(?!.*"index"\s).'


@fault(WRITTEN)
class WantsLinesToBeginWithTheirBrace(_Scanning):
    """A line that begins with white space has no index."""

    pattern = rb"^\{"


@fault(WRITTEN)
class WantsPayloadsLast(_Scanning):
    """What stands behind a payload is not read: the index must stand before it."""

    pattern = rb'^(?!\{"payload").'


# Where lines end


@fault(LAST)
class LosesTheEndOfABlock(StreamBatchItemsServer):
    """A body of whole blocks of 4 KiB loses what stands behind its last line end: nothing more was read after them."""

    def split(self, body: bytes) -> list[bytes]:
        found = super().split(body)
        return found[:-1] if len(body) % 4096 == 0 else found


@fault(LAST)
class NeedsAnEndSomewhere(StreamBatchItemsServer):
    """A body without any line end has no lines: there was nothing to split it at."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(body) if b"\n" in body else []


@fault(ENDS)
class TwoBlankLinesEndTheStream(StreamBatchItemsServer):
    """Two blank lines in a row are the end, as of a message; what follows is not read."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(re.split(rb"\n[ \t\r]*\n[ \t\r]*\n", body, maxsplit=1)[0])


@fault(ENDS)
class WhiteSpaceEndsTheStream(StreamBatchItemsServer):
    """A line of spaces alone is the end, where an empty one is passed over."""

    def split(self, body: bytes) -> list[bytes]:
        lines = super().split(body)
        return list(itertools.takewhile(lambda line: not line or line.strip(b" \t\r"), lines))


@fault(MALFORMED)
class DropsWhatFollowsNul(StreamBatchItemsServer):
    """A line ends at its first NUL, as in a buffer of one length."""

    def lines(self, body: bytes) -> Iterator[bytes]:
        return (line.partition(b"\0")[0] for line in super().lines(body))


@fault(MALFORMED)
class GathersObjectsOverLines(StreamBatchItemsServer):
    """An object may go over several lines: these are gathered until it is closed."""

    def lines(self, body: bytes) -> Iterator[bytes]:
        gathered = b""
        for line in super().lines(body):
            gathered += line
            if gathered.count(b"{") <= gathered.count(b"}") or not gathered.rstrip().endswith(b","):
                yield gathered
                gathered = b""
        if gathered:
            yield gathered


@fault(MALFORMED)
class ReadsEvents(StreamBatchItemsServer):
    """A line may be a field of an event, as in what the server itself streams."""

    def item(self, filling: Filling, line: bytes) -> Item:
        return super().item(filling, line.removeprefix(b"data: "))


@fault(LAST)
class ChompsBlocks(StreamBatchItemsServer):
    """A body is read in blocks of 4 KiB, and of each a line end at its end is cut off: two lines become one."""

    def split(self, body: bytes) -> list[bytes]:
        blocks = [body[at : at + 4096] for at in range(0, len(body), 4096)]
        return super().split(b"".join(each.removesuffix(b"\n") for each in blocks))
