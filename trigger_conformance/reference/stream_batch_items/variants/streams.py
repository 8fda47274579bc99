"""Readers of streams that differ in what the page leaves open."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.server import Handler, Problem
from trigger_conformance.reference.site import Environment, Site
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.shared import AllOrNothing, ReadsAsItComes
from trigger_conformance.reference.stream_batch_items.store import Filling, Item, Stream


@variant
class ItemsAreTakenAsTheyCome(ReadsAsItComes):
    """Each line is taken when it has arrived."""


@variant
class StreamsAreTakenWhole(AllOrNothing):
    """A stream's items are taken when all of its lines were read, and none where one is wrong."""


@variant
class BlankLinesAreRejected(StreamBatchItemsServer):
    """A blank line, and one that ends with CR, is answered 400."""

    def split(self, body: bytes) -> list[bytes]:
        lines = body.split(b"\n")
        if any(not line.strip() for line in lines[:-1]) or any(line.endswith(b"\r") for line in lines):
            raise Problem(400, "A line is no JSON")
        return lines


@variant
class EmptyStreamsAreRejected(StreamBatchItemsServer):
    """A stream without lines is answered 400."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if not body.strip():
            raise Problem(400, "The stream is empty")
        return body


@variant
class ByteOrderMarksOfLinesAreTaken(StreamBatchItemsServer):
    """A byte-order mark before the first line is skipped."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(body.removeprefix(b"\xef\xbb\xbf"))


@variant
class LinesAreTrimmed(StreamBatchItemsServer):
    """White space of any kind around a line is cut off, as JavaScript's trim and Python's strip do."""

    def parse(self, body: bytes) -> Any:
        try:
            return super().parse(body.decode().strip().strip("\ufeff").encode())
        except UnicodeDecodeError as error:
            raise Problem(400, "The body is no UTF-8") from error


@variant
class LargeItemsAreRefused(StreamBatchItemsServer):
    """A line of more than 512 KiB is answered 413."""

    def split(self, body: bytes) -> list[bytes]:
        lines = super().split(body)
        if any(len(line) > 1 << 19 for line in lines):
            raise Problem(413, "An item is too large")
        return lines


@variant
class LargeItemsAreBadRequests(ReadsAsItComes):
    """A line of more than 512 KiB is answered 400; what came before it was taken."""

    def item(self, filling: Filling, line: bytes) -> Item:
        if len(line) > 1 << 19:
            raise Problem(400, "An item is too large")
        return super().item(filling, line)


class _Exclusive(StreamBatchItemsServer):
    """Knows which batches are being read."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)


@variant
class StreamsTakeTurns(_Exclusive):
    """Streams of one batch wait for each other."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        async with self.locks[filling.batch.id]:
            await asyncio.sleep(0.002)
            return await super().fill(request, filling)


@variant
class OneStreamAtATime(_Exclusive):
    """A stream that meets another one of its batch is answered 422."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        lock = self.locks[filling.batch.id]
        if lock.locked():
            raise Problem(422, "Another stream of this batch is being read")
        async with lock:
            body = await self.read_body(request)
            await asyncio.sleep(0.005)
            stream = Stream()
            for line in self.lines(body):
                self.take(filling, self.item(filling, line), stream)
            return stream


@variant
class SlowStores(StreamBatchItemsServer):
    """An item takes a moment, during which others are served; whether it is there is decided when it is taken."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = Stream()
        for number, line in enumerate(self.lines(await self.read_body(request))):
            item = self.item(filling, line)
            if number % 8 == 7:
                await asyncio.sleep(0.001)
            self.take(filling, item, stream)
        return stream


@variant
class BrokenUploadsAreNoted(ReadsAsItComes):
    """Of an upload that is cut off the last line is kept apart, and looked at by nobody."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        try:
            return await super().fill(request, filling)
        except ClientDisconnect:
            filling.kept["cut off"] = True
            raise


@variant(warns=("story.same_stream_again_is_success",))
class SealedBatchesRefuse(StreamBatchItemsServer):
    """A stream for a sealed batch is answered 422."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:  # noqa: ARG002
        raise Problem(422, "The batch is sealed")


@variant
class SealedBatchesReadNothing(StreamBatchItemsServer):
    """A stream for a sealed batch is answered 200 without being read: nothing was accepted, nothing deduplicated."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:
        await self.read_body(request)
        return self.success(environment, filling, Stream())


@variant
class RightLinesBehindAWrongOneAreKept(StreamBatchItemsServer):
    """Lines are read several at a time: right ones behind a wrong one are kept too, and their stream is rejected."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream, wrong = Stream(), list[Problem]()
        for line in self.lines(await self.read_body(request)):
            try:
                self.take(filling, self.item(filling, line), stream)
            except Problem as problem:
                wrong.append(problem)
        if wrong:
            raise wrong[0]
        return stream


@variant
class PathsMayEndWithASlash(StreamBatchItemsServer):
    """A slash at the end of the path changes nothing."""

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        own = super().routes()
        return {**own, **{f"{path}/": methods for path, methods in own.items()}}
