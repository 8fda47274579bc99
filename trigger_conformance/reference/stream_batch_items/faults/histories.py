"""What becomes of a batch over several streams: items are lost, taken twice or sealed too soon by what came between."""

from __future__ import annotations

import json
import re
import time
from typing import Any, ClassVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.shared import AllOrNothing, ReadsAsItComes
from trigger_conformance.reference.stream_batch_items.store import Filling, Fillings, Item, Stream

NOT_SEALED = "wrong_lines.stream_with_a_wrong_line_seals_nothing"
WRONG_AGAIN = "wrong_lines.whole_stream_after_a_wrong_one_seals"
NO_MORE = "story.batch_accepts_no_more_than_it_has"
REPLAYED = "story.replayed_create_leads_to_the_same_batch"
LONG_BEFORE = "story.batch_sealed_long_before_takes_nothing"
LONG_OPEN = "story.part_is_there_long_after"
COUNTS = "story.unsealed_batch_tells_its_counts"
EMPTY = "uploads.empty_stream_seals_nothing"


# After a wrong line


@fault(NO_MORE)
class RollsBackWhatWasThere(StreamBatchItemsServer):
    """A stream with a wrong line is undone by its indexes, also of items that earlier streams brought."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        filling.kept["named"] = []
        try:
            return await super().fill(request, filling)
        except Problem:
            for each in [] if filling.sealed else filling.kept["named"]:
                filling.items.pop(each, None)
            raise

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        filling.kept["named"].append(item.index)
        super().take(filling, item, stream)


@fault(WRONG_AGAIN)
class CountsKnownLinesOff(StreamBatchItemsServer):
    """A stream with a wrong line takes its known lines off a counter that they were never in: the batch never seals."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        filling.kept["known"] = 0
        try:
            return await super().fill(request, filling)
        except Problem:
            filling.kept["off"] = filling.kept.get("off", 0) + filling.kept["known"]
            raise

    def is_known(self, filling: Filling, item: Item) -> bool:
        known = super().is_known(filling, item)
        filling.kept["known"] += known
        return known

    def is_whole(self, filling: Filling) -> bool:
        return super().is_whole(filling) and not filling.kept.get("off")


@fault(NOT_SEALED)
class CountsWhatItUndid(AllOrNothing):
    """The items of a stream with a wrong line are undone, but stay in a counter: some of them then seal the batch."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        filling.kept["read"] = []
        try:
            return await super().fill(request, filling)
        except Problem:
            filling.kept["over"] = filling.kept.get("over", 0) + len({*filling.kept["read"]} - filling.items.keys())
            raise

    def item(self, filling: Filling, line: bytes) -> Item:
        item = super().item(filling, line)
        filling.kept["read"].append(item.index)
        return item

    def is_whole(self, filling: Filling) -> bool:
        over: int = filling.kept.get("over", 0)
        return bool(filling.items) and len(filling.items) + over >= filling.batch.run_count


# Which items are there


@fault("story.repeated_line_is_deduplicated")
class SealsAtTheLastOfManyLines(StreamBatchItemsServer):
    """A stream with as many lines as the batch has items seals it, if the last index is there."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        filling.kept["lines"] = stream.accepted + stream.deduplicated if stream.accepted else 0
        return stream

    def is_whole(self, filling: Filling) -> bool:
        last = filling.batch.run_count - 1
        return super().is_whole(filling) or (filling.kept["lines"] > last and last in filling.items)


@fault("story.many_items_are_taken", NO_MORE)
class RemembersSixteen(StreamBatchItemsServer):
    """Of the indexes that have come the last sixteen are remembered."""

    def is_known(self, filling: Filling, item: Item) -> bool:
        recent: list[int] = filling.kept.setdefault("recent", [])
        known = item.index in recent
        filling.kept["recent"] = recent if known else [*recent, item.index][-16:]
        return filling.sealed or known


@fault("story.index_tells_the_item", NO_MORE)
class ComparesOptions(StreamBatchItemsServer):
    """An item is known by its index and its options, as a member of a set is by its text."""

    def is_known(self, filling: Filling, item: Item) -> bool:
        members: set[str] = filling.kept.setdefault("members", set())
        member = json.dumps([item.index, item.document.get("options")])
        known = member in members
        members.add(member)
        return filling.sealed or known


@fault(LONG_BEFORE)
class ForgetsAfterAWhile(StreamBatchItemsServer):
    """A moment after a batch was sealed its keys are cleaned up: its items come in again, and run again."""

    def find(self, environment: Environment, identity: str) -> Filling:
        filling = super().find(environment, identity)
        if filling.sealed and time.monotonic() - filling.kept.setdefault("sealed", time.monotonic()) > 0.8:
            del environment.store(Fillings)[identity]
            return super().find(environment, identity)
        return filling

    def seal(self, filling: Filling) -> None:
        super().seal(filling)
        if filling.sealed:
            filling.kept.setdefault("sealed", time.monotonic())


@fault(LONG_OPEN)
class ForgetsOpenItems(StreamBatchItemsServer):
    """A moment after a batch got its first items those are forgotten, if it lacks others."""

    def find(self, environment: Environment, identity: str) -> Filling:
        filling = super().find(environment, identity)
        if filling.items:
            begun = filling.kept.setdefault("begun", time.monotonic())
            if not filling.sealed and time.monotonic() - begun > 0.8:
                filling.items.clear()
        return filling

    def seal(self, filling: Filling) -> None:
        super().seal(filling)
        filling.kept.setdefault("begun", time.monotonic())


@fault("story.stream_after_sealing_takes_nothing", "answers.never_a_server_error")
class FailsOnLateIndexes(StreamBatchItemsServer):
    """Once a batch is sealed an item that it has no place for is answered 500: what told its size is gone."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:
        try:
            return await super().answer_sealed(request, environment, filling)
        except Problem as problem:
            if "runCount" in problem.message:
                raise Problem(500, "Cannot read properties of null") from problem
            raise


# Replays of the create


class _Replaying(ReferenceApp):
    """Does something with a batch when its create is replayed."""

    creating: ClassVar[type[CreateBatchServer]]

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        usual = type(self.servers["create_batch"])
        self.servers["create_batch"] = type("Replaying", (self.creating, usual), {})(self.site)


class _Reopening(CreateBatchServer):
    """A replay makes a new batch of a sealed one."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        batch = await super().find(environment, order)
        fillings = environment.store(Fillings)
        if batch and batch.id in fillings and fillings[batch.id].sealed:
            del fillings[batch.id]
        return batch


class _Reopened(_Replaying):
    creating = _Reopening


@fault(REPLAYED, NO_MORE, app=_Reopened)
class ReplaysOpenSealedBatches(StreamBatchItemsServer):
    """A create that is replayed once its batch is sealed opens it again, without items."""


class _Resizing(CreateBatchServer):
    """A replay says how many items the batch expects from now on."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        batch = await super().find(environment, order)
        if batch:
            environment.store(Fillings).setdefault(batch.id, Filling(batch)).kept["size"] = order.run_count
        return batch


class _Resized(_Replaying):
    creating = _Resizing


@fault(REPLAYED, app=_Resized)
class ReplaysChangeTheSize(StreamBatchItemsServer):
    """A create that is replayed with another runCount names the batch, and changes how many items it expects."""

    def is_whole(self, filling: Filling) -> bool:
        return bool(len(filling.items) >= filling.kept.get("size", filling.batch.run_count))


# Uploads that die


@fault("uploads.upload_that_dies_takes_nothing_back")
class DiesWithItsItems(ReadsAsItComes):
    """What an upload brought is undone when it dies, though another stream has found it there and sealed the batch."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream, brought = Stream(), list[int]()
        try:
            async for line in self.arriving(request):
                if not self.is_blank(line):
                    item = self.item(filling, line)
                    brought += [] if self.is_known(filling, item) else [item.index]
                    self.take(filling, item, stream)
        except ClientDisconnect:
            for each in brought:
                filling.items.pop(each, None)
            filling.sealed = filling.sealed and not brought
            raise
        return stream


@fault("uploads.cut_off_upload_seals_nothing")
class CountsTheBrokenItem(ReadsAsItComes):
    """The line in which an upload was cut off counts where its index and task were there already."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream, rest = Stream(), b""
        try:
            async for piece in request.stream():
                *whole, rest = self.split(rest + piece)
                self.take_all(filling, whole, stream)
        except ClientDisconnect:
            if found := re.match(rb'\{"index":(\d+),"task":"([\w-]+)",', rest):
                self.take(filling, Item(int(found[1]), found[2].decode()), stream)
            raise
        self.take_all(filling, [rest], stream)
        return stream

    def take_all(self, filling: Filling, lines: list[bytes], stream: Stream) -> None:
        for line in lines:
            if not self.is_blank(line):
                self.take(filling, self.item(filling, line), stream)


# Streams without items


@fault(EMPTY)
class BlankLinesSeal(StreamBatchItemsServer):
    """A body of blank lines alone is the sign that all items have come."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        request.scope["ends"] = bool(body) and not body.strip()
        return body

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        filling.sealed = filling.sealed or request.scope["ends"]
        return stream


@fault(COUNTS)
class LeavesZeroesOut(StreamBatchItemsServer):
    """enqueuedCount is left out where it is 0."""

    def counts(self, filling: Filling) -> dict[str, int]:
        return {name: count for name, count in super().counts(filling).items() if count}
