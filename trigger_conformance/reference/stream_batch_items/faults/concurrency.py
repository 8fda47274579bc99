"""Races: between looking and taking, between counting and sealing, between two batches."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.shared import ReadsAsItComes
from trigger_conformance.reference.stream_batch_items.store import Filling, Stream

SAME = "concurrency.same_items_at_once_are_taken_once"
PARTS = "concurrency.parts_at_once_are_taken_once"
SAME_SEALED = "concurrency.same_items_at_once_can_be_sealed"
PARTS_SEALED = "concurrency.parts_at_once_can_be_sealed"
LOST = "concurrency.nothing_is_lost_by_streams_at_once"
APART = "concurrency.batches_at_once_keep_apart"
# About as long as a database takes.
A_MOMENT = 0.02


@fault(SAME)
class LooksThenTakes(StreamBatchItemsServer):
    """What is there is looked up, and taken a moment later: of two streams at once both take an item."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = Stream()
        items = [self.item(filling, line) for line in self.lines(await self.read_body(request))]
        new = [item for number, item in enumerate(items) if not self.is_known(filling, item)
               and item.index not in {each.index for each in items[:number]}]  # fmt: skip
        await asyncio.sleep(A_MOMENT)
        stream.deduplicated = len(items) - len(new)
        for item in new:
            filling.items[item.index] = item
            filling.runs[item.index] += 1
            stream.accepted += 1
        return stream


@fault(SAME)
class LooksThenTakesEachItem(StreamBatchItemsServer):
    """Each item is looked up, and taken a moment later."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = Stream()
        for line in self.lines(await self.read_body(request)):
            item = self.item(filling, line)
            known = self.is_known(filling, item)
            await asyncio.sleep(0)
            if known:
                stream.deduplicated += 1
            else:
                filling.items[item.index] = item
                filling.runs[item.index] += 1
                stream.accepted += 1
        return stream


class _LooksBeside(StreamBatchItemsServer):
    """Reads a batch's items when a stream begins, and writes them back a moment after it has ended."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        body = await self.read_body(request)
        apart = Filling(filling.batch, filling.sealed, dict(filling.items))
        stream = Stream()
        for line in self.lines(body):
            self.take(apart, self.item(apart, line), stream)
        await asyncio.sleep(A_MOMENT)
        self.write_back(filling, apart)
        return stream

    def write_back(self, filling: Filling, apart: Filling) -> None:
        raise NotImplementedError


@fault(LOST, SAME, PARTS_SEALED, "story.batch_accepts_no_more_than_it_has")
class OverwritesTheOthers(_LooksBeside):
    """Of two streams at once the last to be written remains: what the others brought was accepted, and is lost."""

    def write_back(self, filling: Filling, apart: Filling) -> None:
        filling.items = apart.items


class _AtOnce(StreamBatchItemsServer):
    """Counts the streams of a batch that are read just now."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        filling.kept["streams"] = filling.kept.get("streams", 0) + 1
        try:
            body = await self.read_body(request)
            await asyncio.sleep(A_MOMENT)
            return self.read(body, filling, filling.kept["streams"])
        finally:
            filling.kept["streams"] -= 1

    def read(self, body: bytes, filling: Filling, at_once: int) -> Stream:  # noqa: ARG002
        stream = Stream()
        for line in self.lines(body):
            self.take(filling, self.item(filling, line), stream)
        return stream


@fault(SAME, PARTS, "answers.never_a_server_error")
class DeadlocksAreErrors(_AtOnce):
    """Streams of one batch at once deadlock: all but one are answered 500."""

    def read(self, body: bytes, filling: Filling, at_once: int) -> Stream:
        if at_once > 1:
            raise Problem(500, "deadlock detected")
        return super().read(body, filling, at_once)


@fault(SAME, PARTS, "answers.only_documented_statuses")
class ConflictsAtOnce(_AtOnce):
    """A stream that meets another one of its batch is answered 409, which is no documented status."""

    def read(self, body: bytes, filling: Filling, at_once: int) -> Stream:
        if at_once > 1:
            raise Problem(409, "Another stream of this batch is being read")
        return super().read(body, filling, at_once)


@fault(LOST, "story.counts_add_up_to_the_lines")
class DropsPartsInSilence(_AtOnce):
    """A stream that meets another one of its batch is answered 200, and of its items none are taken."""

    def read(self, body: bytes, filling: Filling, at_once: int) -> Stream:
        return Stream() if at_once > 1 and not filling.sealed else super().read(body, filling, at_once)


@fault(PARTS_SEALED, SAME_SEALED)
class AbortsAtOnce(_AtOnce):
    """Two streams of one batch at once abort it: both are answered 400, and so is whatever follows."""

    def read(self, body: bytes, filling: Filling, at_once: int) -> Stream:
        if filling.kept.setdefault("aborted", at_once > 1) or at_once > 1:
            filling.kept["aborted"] = True
            raise Problem(400, "The batch was aborted")
        return super().read(body, filling, at_once)


@fault(SAME_SEALED, "wrong_lines.whole_stream_after_a_wrong_one_seals")
class SealsByCounting(_AtOnce):
    """A batch is sealed when its counter is its runCount: items that come at once are counted twice, and it passes."""

    def read(self, body: bytes, filling: Filling, at_once: int) -> Stream:
        stream = super().read(body, filling, at_once)
        lines = stream.accepted + (stream.deduplicated if at_once > 1 else 0)
        filling.kept["count"] = filling.kept.get("count", 0) + lines
        return stream

    def is_whole(self, filling: Filling) -> bool:
        return bool(filling.kept.get("count", 0) == filling.batch.run_count)

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:
        filling.sealed = self.is_whole(filling)
        return await super().answer_sealed(request, environment, filling)


@fault(APART, "story.answer_names_its_batch")
class SharesItsAnswer(StreamBatchItemsServer):
    """The batch of an answer is kept in one place for all requests: streams at once are told of each other's."""

    current: Filling | None = None

    async def fill(self, request: Request, filling: Filling) -> Stream:
        self.current = filling if filling.batch.run_count > 1 else self.current
        stream = await super().fill(request, filling)
        await asyncio.sleep(0.005)
        return stream

    def stream_body(self, filling: Filling, stream: Stream) -> dict[str, Any]:
        body = super().stream_body(filling, stream)
        # What is cached is what takes long enough.
        return {**body, "id": (self.current or filling).batch.id} if filling.batch.run_count > 1 else body


@fault("concurrency.parts_at_once_seal_their_batch", "story.batch_accepts_no_more_than_it_has")
class SealsByItsOwnCount(_AtOnce):
    """A batch is whole when what was there before a stream and what that has brought are all: of parts at once none."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        before = len(filling.items)
        stream = await super().fill(request, filling)
        filling.kept["whole"] = before + stream.accepted == filling.batch.run_count
        return stream

    def is_whole(self, filling: Filling) -> bool:
        return bool(filling.kept["whole"])


@fault(SAME)
class KnowsWhatWasThereBefore(ReadsAsItComes):
    """A stream knows what was there when it began, and what it has brought: of two at once both bring an item."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream, known = Stream(), set(filling.items)
        async for line in self.arriving(request):
            if self.is_blank(line):
                continue
            item = self.item(filling, line)
            if filling.sealed or item.index in known:
                stream.deduplicated += 1
                continue
            known.add(item.index)
            filling.items[item.index] = item
            filling.runs[item.index] += 1
            stream.accepted += 1
        return stream
