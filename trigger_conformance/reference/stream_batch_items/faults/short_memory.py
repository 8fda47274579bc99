"""What is known of a batch's items is bounded: by how many lines, streams or uploads ago they came, or by a hash."""

from __future__ import annotations

import hashlib
import json

from starlette.requests import ClientDisconnect, Request

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Item, Stream

NO_MORE = "story.batch_accepts_no_more_than_it_has"
EMPTY = "uploads.empty_stream_seals_nothing"


@fault("story.repeated_line_is_deduplicated", NO_MORE)
class KnowsTheLastEightLines(StreamBatchItemsServer):
    """Within a stream an item is looked for among the last eight lines, and those of earlier streams."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream, before, window = Stream(), {*filling.items}, [-1]
        for line in self.lines(await self.read_body(request)):
            item = self.item(filling, line)
            if filling.sealed or item.index in {*before, *window}:
                stream.deduplicated += 1
            else:
                filling.items[item.index] = item
                stream.accepted += 1
            window = [*window, item.index][-8:]
        return stream


@fault("story.item_sent_again_is_deduplicated", NO_MORE)
class KnowsTheLastTwoStreams(StreamBatchItemsServer):
    """An item is looked for among those of its batch's last two streams."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        last = filling.kept.setdefault("last", [])
        stream, own = Stream(), {-1}
        for line in self.lines(await self.read_body(request)):
            item = self.item(filling, line)
            if filling.sealed or item.index in own.union(*last):
                stream.deduplicated += 1
            else:
                filling.items[item.index] = item
                stream.accepted += 1
            own.add(item.index)
        filling.kept["last"] = [*last, own][-2:]
        return stream


@fault("story.stream_after_sealing_takes_nothing", "story.whole_stream_seals_its_batch")
class DropsTheFifthStream(StreamBatchItemsServer):
    """What a batch's fifth stream brings, and later ones, is counted and dropped."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        before = dict(filling.items)
        stream = await super().fill(request, filling)
        filling.kept["streams"] = filling.kept.get("streams", 0) + bool(stream.accepted)
        if filling.kept["streams"] >= 5:
            filling.items.clear()
            filling.items.update(before)
        return stream


@fault("story.many_items_are_taken")
class TakesEarlierOnesForStale(StreamBatchItemsServer):
    """An item whose index is more than a hundred below the highest that has come is taken for one that is late."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream, highest = Stream(), -1
        for line in self.lines(await self.read_body(request)):
            item = self.item(filling, line)
            if item.index < highest - 100:
                stream.deduplicated += 1
            else:
                self.take(filling, item, stream)
            highest = max(highest, item.index)
        return stream


@fault("story.index_tells_the_item")
class KnowsLargePayloadsByTheirHash(StreamBatchItemsServer):
    """Payloads of more than a kilobyte are kept once, and so is their item."""

    def is_known(self, filling: Filling, item: Item) -> bool:
        text = json.dumps(item.document.get("payload")).encode()
        owners = filling.kept.setdefault("owners", {})
        owner = owners.setdefault(hashlib.sha256(text).digest(), item.index) if len(text) > 1024 else item.index
        return bool(owner != item.index) or super().is_known(filling, item)


@fault(EMPTY)
class SealsBatchesOfOne(StreamBatchItemsServer):
    """A batch of one item has no second stream to wait for: any stream seals it."""

    def is_whole(self, filling: Filling) -> bool:
        return filling.batch.run_count == 1 or super().is_whole(filling)


@fault(EMPTY)
class SealsWhatLacksOne(StreamBatchItemsServer):
    """An empty stream says that no more will come: it seals a batch that lacks its last item alone."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        filling.kept["ended"] = not stream.accepted + stream.deduplicated
        return stream

    def is_whole(self, filling: Filling) -> bool:
        lacking = filling.batch.run_count - len(filling.items)
        return (filling.kept["ended"] and lacking == 1 < filling.batch.run_count) or super().is_whole(filling)


@fault("uploads.whole_stream_after_a_cut_off_upload_seals")
class LocksAfterTwoCuts(StreamBatchItemsServer):
    """A batch for which two uploads were cut off takes nothing any more."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        if filling.kept.get("cuts", 0) > 1:
            raise Problem(422, "Too many failed uploads")
        try:
            return await super().fill(request, filling)
        except ClientDisconnect:
            filling.kept["cuts"] = filling.kept.get("cuts", 0) + 1
            raise
