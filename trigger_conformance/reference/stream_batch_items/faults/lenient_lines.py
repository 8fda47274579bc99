"""Lines that are none of a batch's items, and are passed over or taken for some all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Item, Stream

ENDS = "bodies.malformed_json_is_rejected"
MISTYPED = "bodies.mistyped_property_is_rejected"


class _Skipping(StreamBatchItemsServer):
    """Passes over lines that say nothing of an item."""

    def skips(self, document: object, number: int, last: int) -> bool:
        raise NotImplementedError

    def lines(self, body: bytes) -> Iterator[bytes]:
        found = list(super().lines(body))
        for number, line in enumerate(found):
            try:
                document = self.parse(line)
            except Problem:
                # The line is read once more, and then it is told.
                document = None
            if not self.skips(document, number, len(found) - 1):
                yield line


def _names_no_item(document: object) -> bool:
    return isinstance(document, dict) and not {"index", "task"} & {*document}


@fault(ENDS)
class SkipsEmptyObjects(_Skipping):
    """An empty object is nothing, and is passed over."""

    def skips(self, document: object, number: int, last: int) -> bool:  # noqa: ARG002
        return document == {}


@fault(ENDS)
class SkipsAHeader(_Skipping):
    """A first line without index and task is a header, as exports of logs have it."""

    def skips(self, document: object, number: int, last: int) -> bool:
        return number == 0 < last and _names_no_item(document)


@fault(ENDS)
class SkipsASummary(_Skipping):
    """A last line without index and task tells of the others, as streams of events have it."""

    def skips(self, document: object, number: int, last: int) -> bool:
        return 0 < number == last and _names_no_item(document)


@fault(ENDS)
class EndsLinesAtCarriageReturns(StreamBatchItemsServer):
    """A carriage return alone ends a line as well."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(body.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))


@fault(MISTYPED)
class TakesBooleansForTasks(StreamBatchItemsServer):
    """A task that is a boolean is made a text."""

    def check_task(self, document: dict[str, Any]) -> str:
        task = document.get("task")
        return str(task) if isinstance(task, bool) else super().check_task(document)


@fault(MISTYPED)
class LooksForTasksInOptions(StreamBatchItemsServer):
    """Where an item has options, its task may be null: they may name one."""

    def check_task(self, document: dict[str, Any]) -> str:
        named_there = document.get("task", "") is None and document.get("options")
        return "none" if named_there else super().check_task(document)


@fault(MISTYPED)
class RoundsIndexes(StreamBatchItemsServer):
    """An index that is nearly an integer is that."""

    def check_index(self, document: dict[str, Any]) -> int:
        index = document.get("index")
        if isinstance(index, float) and abs(index - round(index, 0)) < 0.01:
            return super().check_index({"index": int(round(index, 0))})
        return super().check_index(document)


@fault(MISTYPED)
class ReadsOptionsOfAnyForm(StreamBatchItemsServer):
    """Options may be a list of pairs, or a text of JSON."""

    def check_options(self, document: dict[str, Any]) -> None:
        options = document.get("options")
        if not (isinstance(options, str | list) and options):
            super().check_options(document)


@fault("wrong_lines.index_out_of_range_is_rejected")
class TakesTheEndForKnown(StreamBatchItemsServer):
    """In every stream but a batch's first an index that equals the runCount is taken for one that is there."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        filling.kept["streams"] = filling.kept.get("streams", 0) + 1
        return await super().fill(request, filling)

    def is_the_end(self, filling: Filling, item: Item) -> bool:
        return filling.kept["streams"] > 1 and item.index == filling.batch.run_count

    def check_place(self, filling: Filling, item: Item) -> None:
        if not self.is_the_end(filling, item):
            super().check_place(filling, item)

    def is_known(self, filling: Filling, item: Item) -> bool:
        return self.is_the_end(filling, item) or super().is_known(filling, item)
