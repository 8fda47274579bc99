"""Lines that are wrong and let pass, and what a wrong one leaves behind."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Item, Stream

MISTYPED = "bodies.mistyped_property_is_rejected"
LACKING = "bodies.missing_property_is_rejected"
RANGE = "wrong_lines.index_out_of_range_is_rejected"
REJECTED = "wrong_lines.stream_with_a_wrong_line_is_rejected"
NOT_SEALED = "wrong_lines.stream_with_a_wrong_line_seals_nothing"
AGAIN = "wrong_lines.whole_stream_after_a_wrong_one_seals"
NO_OBJECT = "bodies.body_must_be_a_json_object"


class _Repairing(StreamBatchItemsServer):
    """Makes a line right before it is looked at."""

    def validate(self, document: Any) -> Item:
        return super().validate(self.right(dict(document)) if isinstance(document, dict) else document)

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


@fault(MISTYPED)
class ReadsIndexesAsNumbers(_Repairing):
    """An index that is a string of digits is read as the number."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        index = document.get("index")
        return {**document, "index": int(index)} if isinstance(index, str) and index.isdigit() else document


@fault(MISTYPED)
class TruthValuesAreIndexes(_Repairing):
    """An index that is true or false is 1 or 0: a truth value is an integer in Python."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        index = document.get("index")
        return {**document, "index": int(index)} if isinstance(index, bool) else document


@fault(MISTYPED)
class CutsFractions(_Repairing):
    """An index with a fraction is cut."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        index = document.get("index")
        finite = isinstance(index, float) and abs(index) < 2**53
        return {**document, "index": int(index)} if finite else document  # type: ignore[arg-type]


@fault(MISTYPED)
class ReadsNullAsTheFirst(_Repairing):
    """An index that is null is 0, as in languages with zero values."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "index": 0} if "index" in document and document["index"] is None else document


@fault(MISTYPED)
class WritesTasksAsText(_Repairing):
    """A task that is a number is its digits."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        task = document.get("task")
        return {**document, "task": str(task)} if isinstance(task, int) else document


@fault(MISTYPED)
class OptionsMayBeAnything(StreamBatchItemsServer):
    """options is not looked at."""

    def check_options(self, document: dict[str, Any]) -> None:
        """Nothing to check."""


@fault(LACKING)
class NumbersLinesItself(_Repairing):
    """A line without an index has that of its place."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        return {"index": 0, **document}


@fault(LACKING, REJECTED)
class TasksAreOptional(_Repairing):
    """A line without a task is of the batch's first one."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        return {"task": self.settings.task, **document}


@fault(MISTYPED, "answers.never_a_server_error")
class FailsOnOtherIndexes(StreamBatchItemsServer):
    """An index that is no number is answered 500."""

    def check_index(self, document: dict[str, Any]) -> int:
        if "index" in document and not isinstance(document["index"], int | float):
            raise Problem(500, "unsupported operand types")
        return super().check_index(document)


@fault(RANGE)
class HasNoUpperBound(StreamBatchItemsServer):
    """An index of the runCount or more is an item like any other."""

    def check_place(self, filling: Filling, item: Item) -> None:
        """Nothing to check."""


@fault(RANGE)
class IsOneTooGenerous(StreamBatchItemsServer):
    """The runCount itself is let pass as an index."""

    def check_place(self, filling: Filling, item: Item) -> None:
        if item.index != filling.batch.run_count:
            super().check_place(filling, item)


class _Indexes(StreamBatchItemsServer):
    """Makes another number of an index."""

    def check_index(self, document: dict[str, Any]) -> int:
        index = document.get("index")
        if isinstance(index, int) and not isinstance(index, bool):
            document = {**document, "index": self.read(index)}
        return super().check_index(document)

    def read(self, index: int) -> int:
        raise NotImplementedError


@fault(RANGE)
class TakesNegativeIndexes(_Indexes):
    """An index below 0 counts from the end."""

    def read(self, index: int) -> int:
        return 0 if index < 0 else index


@fault(RANGE)
class WrapsAt32Bits(_Indexes):
    """An index is kept in 32 bits."""

    def read(self, index: int) -> int:
        return index % 2**32 if index >= 2**32 else index


@fault(RANGE, "answers.never_a_server_error")
class FailsOnLargeIndexes(_Indexes):
    """An index that the column has no room for is answered 500."""

    def read(self, index: int) -> int:
        if index >= 2**31:
            raise Problem(500, "value out of range for type integer")
        return index


@fault(RANGE)
class IgnoresWhatHasNoPlace(StreamBatchItemsServer):
    """An item that the batch has no place for is skipped, and the stream goes on."""

    def check_place(self, filling: Filling, item: Item) -> None:
        """Nothing to check."""

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        if item.index < filling.batch.run_count:
            super().take(filling, item, stream)


class _Lenient(StreamBatchItemsServer):
    """Goes on after a wrong line, if there were right ones before or come after it."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream, wrong = Stream(), None
        for line in self.lines(await self.read_body(request)):
            try:
                self.take(filling, self.item(filling, line), stream)
            except Problem as problem:
                wrong = wrong or problem
        if wrong and not stream.accepted + stream.deduplicated:
            raise wrong
        return stream


@fault(REJECTED)
class SkipsWrongLines(_Lenient):
    """A wrong line among right ones is skipped."""


@fault(REJECTED)
class StopsAtAWrongLine(StreamBatchItemsServer):
    """A wrong line ends a stream as if it had ended before."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream, lines = Stream(), list(self.lines(await self.read_body(request)))
        for line in lines:
            try:
                item = self.item(filling, line)
            except Problem:
                if len(lines) == 1:
                    raise
                break
            self.take(filling, item, stream)
        return stream


@fault(REJECTED, "answers.only_documented_statuses")
class AnswersPartly(StreamBatchItemsServer):
    """A stream with right lines before a wrong one is answered 207."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        try:
            return await super().fill(request, filling)
        except Problem as problem:
            raise Problem(207 if filling.items else problem.status, problem.message) from problem


class _OnProblems(StreamBatchItemsServer):
    """Does something with a batch when a line of its stream is wrong."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        try:
            return await super().fill(request, filling)
        except Problem:
            self.after_a_problem(filling)
            raise

    def after_a_problem(self, filling: Filling) -> None:
        raise NotImplementedError


@fault(NOT_SEALED, AGAIN)
class SealsInAnyCase(_OnProblems):
    """A batch is sealed by the end of its stream, be that an error."""

    def after_a_problem(self, filling: Filling) -> None:
        filling.sealed = bool(filling.items)


@fault(AGAIN, NOT_SEALED)
class AbortsTheBatch(_OnProblems):
    """A batch that had some items when a line was wrong is aborted: whatever follows is answered 422."""

    def after_a_problem(self, filling: Filling) -> None:
        filling.kept["aborted"] = bool(filling.items)

    async def fill(self, request: Request, filling: Filling) -> Stream:
        if filling.kept.get("aborted"):
            raise Problem(422, "The batch was aborted")
        return await super().fill(request, filling)


@fault(AGAIN)
class CountsKeptItemsAsMissing(_OnProblems):
    """What came before a wrong line is kept, but the batch expects as many items more than it had."""

    def after_a_problem(self, filling: Filling) -> None:
        filling.kept["short"] = len(filling.items)

    def is_whole(self, filling: Filling) -> bool:
        return super().is_whole(filling) and not filling.kept.get("short")


@fault(AGAIN)
class MarksBeforeItKeeps(StreamBatchItemsServer):
    """A wrong line leaves its right neighbours marked as known, which are not there: they never come in again."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        marked = filling.kept.setdefault("marked", set())
        before = dict(filling.items)
        try:
            stream = await super().fill(request, filling)
        except Problem:
            marked |= filling.items.keys() - before.keys()
            filling.items = before
            raise
        return stream

    def is_known(self, filling: Filling, item: Item) -> bool:
        return super().is_known(filling, item) or item.index in filling.kept.get("marked", ())


@fault(NO_OBJECT)
class TakesListsOfItems(StreamBatchItemsServer):
    """A line may be a list of an item."""

    def validate(self, document: Any) -> Item:
        return super().validate(document[0] if isinstance(document, list) and len(document) == 1 else document)


@fault("bodies.malformed_json_is_rejected")
class SplitsJoinedObjects(StreamBatchItemsServer):
    """Two objects on one line are read as two."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(re.sub(rb"\}(?=\{)", b"}\n", body))


@fault("bodies.malformed_json_is_rejected")
class CutsCommasOff(StreamBatchItemsServer):
    """A comma or a bracket at a line's end is cut off, as in a list written in lines."""

    def parse(self, body: bytes) -> Any:
        try:
            return json.loads(self.decode(body), parse_constant=self.constant)
        except (ValueError, RecursionError):
            return super().parse(re.sub(rb",\s*\}$", b"}", body))


@fault(RANGE)
class WrapsAt64Bits(_Indexes):
    """An index is kept in 64 bits."""

    def read(self, index: int) -> int:
        return index % 2**64 if index >= 2**64 else index


@fault(RANGE, "answers.never_a_server_error")
class FailsOnInfiniteIndexes(StreamBatchItemsServer):
    """An index that is too large for a double is answered 500."""

    def check_index(self, document: dict[str, Any]) -> int:
        if document.get("index") == float("inf"):
            raise Problem(500, "cannot convert float infinity to integer")
        return super().check_index(document)


@fault(MISTYPED)
class ReadsNothingAsTheFirst(_Repairing):
    """An index that is an empty text is 0, as JavaScript's Number has it."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "index": 0} if document.get("index") == "" else document


@fault(MISTYPED)
class ReadsListsAsTheirItem(_Repairing):
    """An index that is a list of a number is that number."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        index = document.get("index")
        return {**document, "index": index[0]} if isinstance(index, list) and len(index) == 1 else document


@fault(MISTYPED)
class ReadsNullAsTheUsualTask(_Repairing):
    """A task that is null is the batch's usual one."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        missing = "task" in document and document["task"] is None
        return {**document, "task": self.settings.task} if missing else document


@fault(MISTYPED)
class TruncatesNegativeFractions(StreamBatchItemsServer):
    """An index between -1 and 0 is 0: it is truncated, then compared."""

    def check_index(self, document: dict[str, Any]) -> int:
        index = document.get("index")
        return 0 if isinstance(index, float) and -1 < index < 0 else super().check_index(document)


@fault(MISTYPED)
class TrimsTextsForIndexes(StreamBatchItemsServer):
    """A text is no index, but where white space that stands around it was taken off: that reads it as a number."""

    def check_index(self, document: dict[str, Any]) -> int:
        index = document.get("index")
        if isinstance(index, str) and index != index.strip() and index.strip().isdecimal():
            return int(index)
        return super().check_index(document)


@fault(REJECTED)
class LooksAtNothingOfWhatItKnows(StreamBatchItemsServer):
    """A line whose item is there is deduplicated before the rest of it is looked at."""

    def item(self, filling: Filling, line: bytes) -> Item:
        document = self.parse(line)
        index = document.get("index") if isinstance(document, dict) else None
        known = filling.items.get(index) if type(index) is int else None
        return known or super().item(filling, line)


@fault(NO_OBJECT)
class ReadsTuples(StreamBatchItemsServer):
    """An array has the properties in their order, as encoders of structs write them."""

    def validate(self, document: Any) -> Item:
        if isinstance(document, list) and len(document) > 1:
            document = dict(zip(("index", "task", "payload"), document, strict=False))
        return super().validate(document)


@fault(LACKING)
class OpensEnvelopes(_Repairing):
    """An item may stand in an envelope of its name."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        return document["item"] if isinstance(document.get("item"), dict) else document


@fault(MISTYPED)
class TakesTasksForTheirIds(_Repairing):
    """A task may be the object that a client has of it."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "task": str(document["task"])} if isinstance(document.get("task"), dict) else document


@fault(MISTYPED)
class TakesListsForObjects(StreamBatchItemsServer):
    """options may be a list, whose type JavaScript calls an object."""

    def check_options(self, document: dict[str, Any]) -> None:
        if not isinstance(document.get("options"), list):
            super().check_options(document)


@fault(MISTYPED)
class TakesNullForAbsent(StreamBatchItemsServer):
    """options that are null are none."""

    def check_options(self, document: dict[str, Any]) -> None:
        if document.get("options") is not None:
            super().check_options(document)


@fault(RANGE)
class WrapsWhatIsBelowZero(_Repairing):
    """An index below 0 is made one of 32 bits without a sign."""

    def right(self, document: dict[str, Any]) -> dict[str, Any]:
        index = document.get("index")
        return {**document, "index": index % 2**32} if type(index) is int and index < 0 else document


@fault(REJECTED)
class LooksAtTenLines(StreamBatchItemsServer):
    """The first ten lines tell what all are: a wrong one behind them is dropped."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = Stream()
        for number, line in enumerate(self.lines(await self.read_body(request))):
            try:
                item = self.item(filling, line)
            except Problem:
                if number < 10:
                    raise
                continue
            self.take(filling, item, stream)
        return stream


@fault(RANGE)
class RefusedPlacesCount(StreamBatchItemsServer):
    """An index is noted before it is looked at: a batch has all its items when as many indexes have come."""

    def check_place(self, filling: Filling, item: Item) -> None:
        filling.kept.setdefault("places", set()).add(item.index)
        super().check_place(filling, item)

    def is_whole(self, filling: Filling) -> bool:
        return len(filling.kept.get("places", ())) >= filling.batch.run_count


@fault("bodies.malformed_json_is_rejected")
class DropsCarriageReturns(StreamBatchItemsServer):
    """Carriage returns are dropped before lines are read, wherever they stand."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(body.replace(b"\r", b""))
