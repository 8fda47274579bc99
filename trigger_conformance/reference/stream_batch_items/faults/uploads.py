"""Readers of streams that trip over where chunks and lines end, and over uploads that do not."""

from __future__ import annotations

import asyncio
import codecs
import re
import zlib
from collections.abc import AsyncIterator, Iterable

from starlette.requests import ClientDisconnect, Request

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.shared import ReadsAsItComes
from trigger_conformance.reference.stream_batch_items.store import Filling, Item, Stream

ANYWHERE = "uploads.chunks_may_end_anywhere"
LAST = "uploads.last_line_needs_no_end"
ENDS = "uploads.blank_lines_and_crlf_are_read_or_rejected"
EMPTY = "uploads.empty_stream_seals_nothing"
CUT_OFF = "uploads.cut_off_upload_seals_nothing"
CUT_OFF_AGAIN = "uploads.whole_stream_after_a_cut_off_upload_seals"


@fault(EMPTY)
class BlankLinesSealWhatWasBegun(StreamBatchItemsServer):
    """A stream of blank lines alone says that the items which are there are all."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream, body = Stream(), await self.read_body(request)
        for line in self.lines(body):
            self.take(filling, self.item(filling, line), stream)
        filling.kept["ended"] = bool(body and not body.strip() and filling.items)
        return stream

    def is_whole(self, filling: Filling) -> bool:
        return bool(filling.kept.get("ended")) or super().is_whole(filling)


@fault(ANYWHERE)
class ReadsChunksAsLines(ReadsAsItComes):
    """A chunk is taken for whole lines: the two halves of a line that is cut are each no JSON."""

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        async for piece in request.stream():
            for line in self.split(piece):
                yield line


@fault(ANYWHERE)
class DropsWhatIsCut(ReadsAsItComes):
    """The part of a line at the end of a chunk is dropped."""

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        pieces = [piece async for piece in request.stream()]
        for piece in pieces[:-2]:
            for line in self.split(piece)[:-1]:
                yield line
        for line in self.split(b"".join(pieces[-2:])):
            yield line


@fault(ANYWHERE)
class DecodesEachChunk(ReadsAsItComes):
    """Chunks are decoded one by one, and strictly: a character that is cut in two ends the stream."""

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        text = ""
        async for piece in request.stream():
            try:
                text += piece.decode()
            except UnicodeDecodeError as error:
                raise Problem(400, "The body is no UTF-8") from error
        for line in self.split(text.encode()):
            yield line


@fault(ANYWHERE)
class DropsHalfCharacters(ReadsAsItComes):
    """What a decoder holds of a character is dropped at a chunk's end, and a quote with it."""

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        text = b""
        async for piece in request.stream():
            decoder = codecs.getincrementaldecoder("utf-8")("ignore")
            whole = decoder.decode(piece).encode()
            text += whole if len(whole) == len(piece) else whole[:-1]
        for line in self.split(text):
            yield line


@fault(ANYWHERE)
class TrimsChunks(ReadsAsItComes):
    """White space at a chunk's end is cut off, the line end too: two lines become one."""

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        text = b""
        async for piece in request.stream():
            text += piece.rstrip() if len(piece) > 1 else piece
        for line in self.split(text):
            yield line


@fault(ANYWHERE)
class TakesOneLineAChunk(ReadsAsItComes):
    """Of each chunk the first whole line is read."""

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        pieces = [piece async for piece in request.stream() if piece]
        if len(pieces) < 2:
            for line in self.split(b"".join(pieces)):
                yield line
            return
        rest = b""
        for piece in pieces:
            *lines, rest = self.split(rest + piece)
            for line in lines[:1]:
                yield line
        yield rest


@fault(ANYWHERE, "http.chunks_of_any_form_are_read")
class GivesUpOnManyChunks(ReadsAsItComes):
    """A body of more than fifty chunks is answered 400."""

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        pieces = [piece async for piece in request.stream()]
        if len(pieces) > 50:
            raise Problem(400, "Too many chunks")
        for line in self.split(b"".join(pieces)):
            yield line


@fault("uploads.slow_upload_is_read_whole")
class StopsAtAPause(ReadsAsItComes):
    """A stream that pauses for a tenth of a second is taken for ended."""

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        rest, pieces = b"", request.stream()
        while True:
            try:
                rest += await asyncio.wait_for(anext(pieces), 0.1)
            except (StopAsyncIteration, TimeoutError):
                break
        for line in self.split(rest):
            yield line


@fault("uploads.slow_upload_is_read_whole")
class TakesHalfASecondForTheEnd(StreamBatchItemsServer):
    """A body from which nothing comes for half a second is taken for ended."""

    async def read_body(self, request: Request) -> bytes:
        body, pieces = b"", request.stream()
        while True:
            try:
                body += await asyncio.wait_for(anext(pieces), 0.5)
            except (StopAsyncIteration, TimeoutError):
                return body


@fault("uploads.slow_upload_is_read_whole")
class TimesSlowUploadsOut(ReadsAsItComes):
    """An upload that takes longer than a quarter of a second is answered 408."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        try:
            return await asyncio.wait_for(super().fill(request, filling), 0.25)
        except TimeoutError as error:
            raise Problem(408, "The upload took too long") from error


@fault(LAST)
class WantsALineEnd(StreamBatchItemsServer):
    """What comes after the last line end is no line."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(body)[:-1]


@fault(LAST)
class RejectsAnOpenEnd(StreamBatchItemsServer):
    """A body whose last line has no end is answered 400, as if it were cut off."""

    def split(self, body: bytes) -> list[bytes]:
        if body and not body.endswith(b"\n"):
            raise Problem(400, "The stream is cut off")
        return super().split(body)


@fault(LAST)
class LosesAnOpenEndInChunks(ReadsAsItComes):
    """What is left when the last chunk has come is not looked at, where there was more than one chunk."""

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        pieces = [piece async for piece in request.stream() if piece]
        *lines, rest = self.split(b"".join(pieces))
        for line in lines if len(pieces) > 1 else [*lines, rest]:
            yield line


@fault(ENDS)
class StopsAtABlankLine(StreamBatchItemsServer):
    """A blank line ends the stream."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(body.partition(b"\n\n")[0])


@fault(ENDS, "answers.never_a_server_error")
class FailsOnBlankLines(StreamBatchItemsServer):
    """A blank line among others is answered 500."""

    def split(self, body: bytes) -> list[bytes]:
        if b"\n\n" in body:
            raise Problem(500, "Unexpected end of JSON input")
        return super().split(body)


@fault(ENDS)
class CountsBlankLines(StreamBatchItemsServer):
    """A blank line among others counts as one that was there already."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        stream.deduplicated += (await request.body()).strip().count(b"\n\n")
        return stream

    async def read_body(self, request: Request) -> bytes:
        return await request.body()


@fault(ENDS)
class ReadsCarriageReturnsAsEnds(StreamBatchItemsServer):
    """Of lines that end with CR and LF the first is read, for the others begin with what is no JSON of theirs."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(body.partition(b"\r\n")[0])


@fault(ENDS, "answers.never_a_server_error")
class FailsOnCarriageReturns(StreamBatchItemsServer):
    """A line that ends with CR and LF is answered 500."""

    def split(self, body: bytes) -> list[bytes]:
        if b"\r\n" in body:
            raise Problem(500, "Bad control character in string literal")
        return super().split(body)


@fault(EMPTY)
class SealsWithoutItems(StreamBatchItemsServer):
    """A stream without lines seals its batch, as one that has nothing left to bring."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        filling.sealed = stream == Stream()
        return stream


@fault(EMPTY)
class SealsBegunBatches(StreamBatchItemsServer):
    """A stream without lines seals a batch that has some of its items."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        filling.sealed = stream == Stream() and bool(filling.items)
        return stream


@fault(EMPTY, "answers.never_a_server_error")
class FailsOnEmptyBodies(StreamBatchItemsServer):
    """A body without a byte is answered 500."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if not body:
            raise Problem(500, "Cannot read properties of null (reading 'getReader')")
        return body


class _OnBreak(ReadsAsItComes):
    """Does something with a batch whose upload is cut off."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        try:
            return await super().fill(request, filling)
        except ClientDisconnect:
            self.after_the_break(filling)
            raise

    def after_the_break(self, filling: Filling) -> None:
        raise NotImplementedError


@fault(CUT_OFF, CUT_OFF_AGAIN)
class SealsWhenCutOff(_OnBreak):
    """An upload's end is its end, be it cut off: the batch is sealed."""

    def after_the_break(self, filling: Filling) -> None:
        filling.sealed = True


@fault(CUT_OFF_AGAIN)
class AbortsWhenCutOff(_OnBreak):
    """A batch whose upload was cut off is aborted: whatever follows is answered 422, once all items come."""

    def after_the_break(self, filling: Filling) -> None:
        filling.kept["aborted"] = True

    def item(self, filling: Filling, line: bytes) -> Item:
        item = super().item(filling, line)
        if filling.kept.get("aborted") and item.index == filling.batch.run_count - 1:
            raise Problem(422, "The batch was aborted")
        return item


@fault(CUT_OFF_AGAIN)
class StaysLockedWhenCutOff(StreamBatchItemsServer):
    """A batch is locked while a stream is read, and stays so where the client hangs up: 422 from then on."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        if filling.kept.get("reading"):
            raise Problem(422, "Another stream is being read")
        filling.kept["reading"] = "content-length" not in request.headers
        stream = await super().fill(request, filling)
        filling.kept["reading"] = False
        return stream


@fault(CUT_OFF)
class CountsTheBrokenLine(_OnBreak):
    """The line in which an upload was cut off counts as its item: the batch is whole one item too soon."""

    def after_the_break(self, filling: Filling) -> None:
        filling.kept["broken"] = 1

    def is_whole(self, filling: Filling) -> bool:
        return bool(len(filling.items) + filling.kept.get("broken", 0) >= filling.batch.run_count)


@fault("payloads.any_json_is_a_payload", "bodies.what_json_allows_is_accepted")
class SplitsAtEveryKindOfLine(StreamBatchItemsServer):
    """Line separators of Unicode end a line too, as in Python's splitlines."""

    def split(self, body: bytes) -> list[bytes]:
        try:
            return [line.encode() for line in body.decode().splitlines()]
        except UnicodeDecodeError:
            return super().split(body)


@fault("payloads.any_json_is_a_payload", "bodies.what_json_allows_is_accepted")
class ReadsLinesOfLimitedLength(StreamBatchItemsServer):
    """A line of more than 16 kB is read as several, as by a reader with a buffer of that size."""

    def split(self, body: bytes) -> list[bytes]:
        return re.findall(rb"[^\n]{1,16384}", body)


@fault(CUT_OFF_AGAIN, "story.batch_accepts_no_more_than_it_has")
class RollsBackWhenCutOff(_OnBreak):
    """What is undone when an upload is cut off is its whole batch: items of earlier streams are gone too."""

    def after_the_break(self, filling: Filling) -> None:
        if not filling.sealed:
            filling.items.clear()


@fault(EMPTY)
class EmptyStreamsReplace(StreamBatchItemsServer):
    """A stream without lines takes the place of what the batch has, as a PUT of nothing does."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        if stream == Stream() and not filling.sealed:
            filling.items.clear()
        return stream


@fault(CUT_OFF_AGAIN)
class ResumesOnce(StreamBatchItemsServer):
    """The end of an upload that was cut off stands before the next stream, which is rejected; the one after is read."""

    async def read_body(self, request: Request) -> bytes:
        kept, batch = self.__dict__.setdefault("kept", {}), request.path_params["batchId"]
        body = bytearray(kept.pop(batch, b""))
        try:
            async for piece in request.stream():
                body += piece
        except ClientDisconnect:
            kept[batch] = body.rpartition(b"\n")[2]
            raise
        return bytes(body)


@fault("uploads.gzip_of_several_members_is_read_or_refused")
class InflatesOneMember(StreamBatchItemsServer):
    """A body in gzip is read to the end of its first member, as by zlib's one call."""

    def check_coding(self, request: Request) -> None:
        if request.headers.get("content-encoding") != "gzip":
            super().check_coding(request)

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if request.headers.get("content-encoding") != "gzip":
            return body
        inflater = zlib.decompressobj(31)
        try:
            text = inflater.decompress(body)
        except zlib.error as error:
            raise Problem(400, "The body is no gzip") from error
        if not inflater.eof:
            raise Problem(400, "The body is cut off")
        return text


@fault("uploads.cut_off_upload_seals_nothing")
class CompletesWhatWasCutOff(StreamBatchItemsServer):
    """The last line of an upload that was cut off is closed and taken, as readers of partial JSON do."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        body = bytearray()
        try:
            async for piece in request.stream():
                body += piece
        except ClientDisconnect:
            whole, _, part = bytes(body).rpartition(b"\n")
            self.take_all(filling, [*self.lines(whole), part + b"}" * (part.count(b"{") - part.count(b"}"))])
            raise
        return self.take_all(filling, self.lines(bytes(body)))

    def take_all(self, filling: Filling, lines: Iterable[bytes]) -> Stream:
        stream = Stream()
        for line in lines:
            self.take(filling, self.item(filling, line), stream)
        self.seal(filling)
        return stream


class _Restores(StreamBatchItemsServer):
    """A batch that is not sealed has again what it had when a stream began that comes to nothing."""

    ends: tuple[type[Exception], ...]

    async def fill(self, request: Request, filling: Filling) -> Stream:
        before = dict(filling.items)
        try:
            return await super().fill(request, filling)
        except self.ends:
            if not filling.sealed:
                filling.items.clear()
                filling.items.update(before)
            raise


@fault("uploads.upload_that_dies_takes_nothing_back")
class DyingUploadsRestore(_Restores):
    """An upload that is cut off restores what was there when it began: what others brought meanwhile is lost."""

    ends = (ClientDisconnect,)


@fault("uploads.upload_that_dies_takes_nothing_back")
class WrongUploadsRestore(_Restores):
    """A wrong line restores what was there when its stream began: what others brought meanwhile is lost."""

    ends = (Problem,)
