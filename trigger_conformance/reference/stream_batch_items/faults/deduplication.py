"""Items that are taken twice, or taken for each other."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Item, Stream

AGAIN = "story.item_sent_again_is_deduplicated"
TWICE = "story.repeated_line_is_deduplicated"
INDEX = "story.index_tells_the_item"


class _Knowing(StreamBatchItemsServer):
    """Knows items again in its own way, as long as the batch is not sealed."""

    def is_known(self, filling: Filling, item: Item) -> bool:
        return filling.sealed or self.is_there(filling, item)

    def is_there(self, filling: Filling, item: Item) -> bool:
        raise NotImplementedError


@fault(AGAIN)
class TakesItemsTwice(_Knowing):
    """An item that is there already starts a second run."""

    def is_there(self, filling: Filling, item: Item) -> bool:  # noqa: ARG002
        return False


@fault(TWICE)
class LooksWhenAStreamBegins(_Knowing):
    """What is there is looked up once, when a stream begins: a line that comes twice starts two runs."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        filling.kept["known"] = frozenset(filling.items)
        return await super().fill(request, filling)

    def is_there(self, filling: Filling, item: Item) -> bool:
        return item.index in filling.kept["known"]


@fault(AGAIN)
class LooksWithinAStream(_Knowing):
    """Lines are deduplicated within a stream, but not across streams."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        filling.kept["seen"] = set()
        return await super().fill(request, filling)

    def is_there(self, filling: Filling, item: Item) -> bool:
        seen: set[int] = filling.kept["seen"]
        known = item.index in seen
        seen.add(item.index)
        return known


@fault(INDEX)
class ComparesWholeLines(_Knowing):
    """An item is known by its whole line: with another payload it starts a second run."""

    def is_there(self, filling: Filling, item: Item) -> bool:
        there = filling.items.get(item.index)
        return there is not None and json.dumps(there.document) == json.dumps(item.document)


@fault(INDEX)
class ComparesPayloads(_Knowing):
    """An item is known by its payload, as by a content hash: of two with the same one, one is lost."""

    def is_there(self, filling: Filling, item: Item) -> bool:
        if item.index in filling.items:
            return True
        payloads = [
            json.dumps(each.document["payload"]) for each in filling.items.values() if "payload" in each.document
        ]
        return "payload" in item.document and json.dumps(item.document["payload"]) in payloads


@fault("story.many_items_are_taken", "payloads.any_json_is_a_payload")
class KnowsTheLastDigit(_Knowing):
    """An index is known by its last digit."""

    def is_there(self, filling: Filling, item: Item) -> bool:
        return any(each % 10 == item.index % 10 for each in filling.items)


@fault("story.many_items_are_taken", "payloads.any_json_is_a_payload")
class KnowsByAPattern(_Knowing):
    """An index is looked up as a pattern without an end: 10 is known where 1 is."""

    def is_there(self, filling: Filling, item: Item) -> bool:
        return any(str(item.index).startswith(str(each)) for each in filling.items)


class _WithACursor(StreamBatchItemsServer):
    """Remembers the highest index that a stream has brought so far."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        filling.kept["highest"] = -1
        return await super().fill(request, filling)

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        if item.index not in filling.items and item.index < filling.kept["highest"]:
            self.fall_behind(filling, item, stream)
            return
        filling.kept["highest"] = max(filling.kept["highest"], item.index)
        super().take(filling, item, stream)

    def fall_behind(self, filling: Filling, item: Item, stream: Stream) -> None:
        raise NotImplementedError


@fault("story.items_may_come_in_any_order")
class WantsRisingIndexes(_WithACursor):
    """An item whose index is below that of one before it is answered 422."""

    def fall_behind(self, filling: Filling, item: Item, stream: Stream) -> None:  # noqa: ARG002
        raise Problem(422, "index must rise")


@fault("story.items_may_come_in_any_order")
class TakesEarlierOnesForKnown(_WithACursor):
    """An item whose index is below that of one before it counts as known."""

    def fall_behind(self, filling: Filling, item: Item, stream: Stream) -> None:  # noqa: ARG002
        stream.deduplicated += 1


@fault("story.replayed_create_leads_to_the_same_batch")
class KeyedBatchesStartAnew(_Knowing):
    """Items of a batch with an idempotency key are kept by stream: after a replay of the create all are new."""

    def is_there(self, filling: Filling, item: Item) -> bool:
        return filling.batch.key is None and item.index in filling.items


@fault(AGAIN)
class ForgetsOddIndexes(_Knowing):
    """Every second item is remembered."""

    def is_there(self, filling: Filling, item: Item) -> bool:
        return item.index in filling.items and item.index % 2 == 0


@fault(TWICE)
class LooksWithinBlocks(StreamBatchItemsServer):
    """Lines are written ten at a time, and those that come twice are looked for within the ten, and before a stream."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream, before = Stream(), set(filling.items)
        lines = list(self.lines(await self.read_body(request)))
        for block in (lines[at : at + 10] for at in range(0, len(lines), 10)):
            for each in {} if filling.sealed else dict.fromkeys(self.item(filling, line).index for line in block):
                if each not in before:
                    filling.items.pop(each, None)
            for line in block:
                self.take(filling, self.item(filling, line), stream)
        return stream


@fault(TWICE)
class TakesTwoHundredLines(StreamBatchItemsServer):
    """Of a stream two hundred lines are taken, and the others lost: so much goes into one command."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = Stream()
        for line in list(self.lines(await self.read_body(request)))[:200]:
            self.take(filling, self.item(filling, line), stream)
        return stream


@fault(INDEX)
class ComparesIndexesAsTexts(_Knowing):
    """What is there is a set of texts: 1 and 1.0, which is taken for an integer, are two items."""

    def check_index(self, document: dict[str, Any]) -> int:
        index = document.get("index")
        return int(index) if isinstance(index, float) and index.is_integer() else super().check_index(document)

    def is_there(self, filling: Filling, item: Item) -> bool:
        seen = filling.kept.setdefault("seen", set())
        text = str(item.document["index"])
        known = text in seen
        seen.add(text)
        return known


@fault("access.token_of_the_batch_is_accepted", "story.batch_accepts_no_more_than_it_has")
class KnowsItemsOfACredential(_Knowing):
    """An item is known to the credential that has brought it, as idempotency keys are: another brings it anew."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        filling.kept["whose"] = request.headers.get("authorization")
        return await super().fill(request, filling)

    def is_there(self, filling: Filling, item: Item) -> bool:
        brought = filling.kept.setdefault("brought", set())
        known = (filling.kept["whose"], item.index) in brought
        brought.add((filling.kept["whose"], item.index))
        return known


@fault("story.unsealed_batch_tells_its_counts", "story.many_items_are_taken")
class CountsInSevenBits(StreamBatchItemsServer):
    """How many items are there is a number of seven bits: a batch of more than 127 never has all of them."""

    def is_whole(self, filling: Filling) -> bool:
        return len(filling.items) < 128 and super().is_whole(filling)
