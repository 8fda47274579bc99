"""Payloads and options that are not let pass, and large ones."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.requests import Request

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.store import Batches
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Fillings, Item, Stream

ANY = "payloads.any_json_is_a_payload"
OPTIONS = "payloads.options_and_more_are_accepted"
ODD = "bodies.odd_characters_in_strings_are_answered"
LARGE = "payloads.large_payload_leaves_a_batch_that_can_be_sealed"


class _Payloads(StreamBatchItemsServer):
    """Takes some payloads only."""

    def validate(self, document: Any) -> Item:
        item = super().validate(document)
        if "payload" in document and not self.is_fine(document["payload"]):
            raise Problem(422, "payload is not acceptable")
        return item

    def is_fine(self, payload: object) -> bool:
        raise NotImplementedError


@fault(ANY)
class PayloadsAreObjects(_Payloads):
    """A payload must be an object."""

    def is_fine(self, payload: object) -> bool:
        return isinstance(payload, dict)


@fault(ANY)
class PayloadsAreNotNull(_Payloads):
    """A payload that is null is answered 422."""

    def is_fine(self, payload: object) -> bool:
        return payload is not None


@fault(ANY)
class PayloadsAreSomething(_Payloads):
    """A payload that a language takes for false is answered 422."""

    def is_fine(self, payload: object) -> bool:
        return bool(payload) or payload is None


@fault(ANY)
class PayloadsAreShort(_Payloads):
    """A payload of more than 50,000 bytes is answered 422."""

    def is_fine(self, payload: object) -> bool:
        return not 50_000 <= len(str(payload).encode("utf-8", "replace")) <= 1_000_000


@fault(ANY)
class SkipsItemsWithoutPayloads(StreamBatchItemsServer):
    """Among items with payloads one without is left out."""

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        if filling.batch.run_count > 1 and "payload" not in item.document and "options" not in item.document:
            return
        super().take(filling, item, stream)


@fault(OPTIONS)
class KnowsItsOptions(StreamBatchItemsServer):
    """options that are empty are answered 422."""

    def check_options(self, document: dict[str, Any]) -> None:
        super().check_options(document)
        if document.get("options") == {}:
            raise Problem(422, "options must not be empty")


@fault(OPTIONS)
class WantsNothingElseInItems(StreamBatchItemsServer):
    """payloadType, which clients send, is answered 422."""

    def validate(self, document: Any) -> Item:
        item = super().validate(document)
        if "payloadType" in document:
            raise Problem(422, "Unrecognized key: payloadType")
        return item


@fault(LARGE, "answers.never_a_server_error")
class FailsOnLargePayloads(StreamBatchItemsServer):
    """A payload of a million characters is answered 500."""

    def validate(self, document: Any) -> Item:
        item = super().validate(document)
        if len(str(document.get("payload", ""))) > 1_000_000:
            raise Problem(500, "upload failed")
        return item


@fault(LARGE)
class SealsWithoutLargePayloads(StreamBatchItemsServer):
    """A large item is refused and counted: its batch has more than it expects, and is never sealed."""

    def validate(self, document: Any) -> Item:
        item = super().validate(document)
        if len(str(document.get("payload", ""))) > 1_000_000:
            raise Problem(413, "The item is too large")
        return item

    async def fill(self, request: Request, filling: Filling) -> Stream:
        try:
            return await super().fill(request, filling)
        except Problem as problem:
            filling.kept["large"] = filling.kept.get("large", False) or problem.status == 413
            raise

    def is_whole(self, filling: Filling) -> bool:
        return super().is_whole(filling) and not filling.kept.get("large")


@fault(LARGE, "story.counts_add_up_to_the_lines")
class DropsLargeItems(StreamBatchItemsServer):
    """A large item is left out of its stream."""

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        if len(str(item.document.get("payload", ""))) < 1_000_000:
            super().take(filling, item, stream)


@fault(LARGE)
class LosesWhatIsOffloaded(StreamBatchItemsServer):
    """A line of 100 to 512 KiB goes to a store of objects, and is not counted; what is larger is answered 413."""

    def lines(self, body: bytes) -> Iterator[bytes]:
        for line in super().lines(body):
            if len(line) > 512 << 10:
                raise Problem(413, "The item is too large")
            if len(line) <= 100 << 10:
                yield line


@fault(LARGE)
class LargeItemsHaveTheirLinesNumber(StreamBatchItemsServer):
    """An item of more than 256 KiB is read by another parser, and has its line's number for its index."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = Stream()
        for number, line in enumerate(self.lines(await self.read_body(request))):
            item = self.item(filling, line)
            self.take(filling, item if len(line) <= 256 << 10 else replace(item, index=number), stream)
        return stream


@fault(ANY)
class DecodesBlockByBlock(StreamBatchItemsServer):
    """A body is decoded in blocks of 16 KiB: a character that begins in one and ends in the next is answered 400."""

    block = 16 << 10

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        try:
            for at in range(0, len(body), self.block):
                self.decode(body[at : at + self.block])
        except UnicodeDecodeError as error:
            raise Problem(400, "The body must be UTF-8") from error
        return body


@fault(ANY, "answers.never_a_server_error")
class StoresNoFloats(_Payloads):
    """A number with a fraction inside a payload is answered 500, as by clients of DynamoDB."""

    def is_fine(self, payload: object) -> bool:
        if any(isinstance(each, float) and each is not payload for each in _values(payload)):
            raise Problem(500, "Float types are not supported")
        return True


@fault(ANY)
class StoresNoVeryLargeNumbers(_Payloads):
    """A number that a decimal of 38 digits has no room for is answered 422."""

    def is_fine(self, payload: object) -> bool:
        return not any(isinstance(each, float) and abs(each) > 1e126 for each in _values(payload))


@fault(ANY)
class StoresNoEmptyTexts(_Payloads):
    """An empty text inside a payload is answered 422."""

    def is_fine(self, payload: object) -> bool:
        return payload == "" or "" not in [each for each in _values(payload) if isinstance(each, str)]


@fault(ANY)
class ReadsTextsOfJson(_Payloads):
    """A payload that is a text and begins as JSON is read once more, and is answered 422 where it is none."""

    def is_fine(self, payload: object) -> bool:
        if isinstance(payload, str) and payload[:1] in ("{", "["):
            try:
                json.loads(payload)
            except ValueError:
                return False
        return True


@fault(ANY)
class ComparesNamesInAnyLetterCase(_Payloads):
    """A payload with names that differ in letter case alone is answered 422."""

    def is_fine(self, payload: object) -> bool:
        objects = [each for each in _values(payload) if isinstance(each, dict)]
        return all(len({name.lower() for name in each}) == len(each) for each in objects)


class _Names(_Payloads):
    """Takes some names in payloads only."""

    def is_fine(self, payload: object) -> bool:
        names = [name for each in _values(payload) if isinstance(each, dict) for name in each]
        return self.are_fine(names)

    def are_fine(self, names: list[str]) -> bool:
        raise NotImplementedError


@fault(ANY)
class LoadsTypesOfPayloads(_Names):
    """A name in a payload that says of which type it is names one that is not known: 422."""

    def are_fine(self, names: list[str]) -> bool:
        return not {"@type", "$type"} & {*names}


@fault(ANY)
class StoresShortNames(_Names):
    """A name of more than 255 characters in a payload is answered 422."""

    def are_fine(self, names: list[str]) -> bool:
        return all(len(each) < 256 for each in names)


@fault(ANY)
class StoresAThousandNames(_Names):
    """A payload of more than a thousand names is answered 422, as by a limit on the fields of an index."""

    def are_fine(self, names: list[str]) -> bool:
        return len(names) <= 1000


@fault(ANY)
class StoresNamesOfThreeBytes(_Names):
    """A character of four bytes in a payload's name is answered 422."""

    def are_fine(self, names: list[str]) -> bool:
        return all(character < "\U00010000" for name in names for character in name)


class _Values(_Payloads):
    """Takes payloads with some values only."""

    def is_fine(self, payload: object) -> bool:
        return all(map(self.is_fine_value, _values(payload)))

    def is_fine_value(self, value: object) -> bool:
        raise NotImplementedError


@fault(ANY)
class TakesShortLists(_Values):
    """A list of more than a thousand values is refused."""

    def is_fine_value(self, value: object) -> bool:
        return not isinstance(value, list) or len(value) <= 1000


@fault(ANY)
class TakesCharactersOfXml(_Values):
    """A text with a character that is none to XML is refused."""

    def is_fine_value(self, value: object) -> bool:
        return not isinstance(value, str) or re.search("[\ufffe\uffff]", value) is None


@fault(ANY)
class TakesNumbersOfOracle(_Values):
    """A number that is nearer to zero than a database's is refused."""

    def is_fine_value(self, value: object) -> bool:
        return not isinstance(value, float) or value == 0 or abs(value) > 1e-300


class _MixingUp(StreamBatchItemsServer):
    """Takes what a line has elsewhere for its own."""

    def validate(self, document: Any) -> Item:
        return super().validate({**document, **self.mixed(document)} if isinstance(document, dict) else document)

    def mixed(self, document: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


@fault(OPTIONS)
class OptionsNameTheItem(_MixingUp):
    """An index in an item's options is the item's."""

    def mixed(self, document: dict[str, Any]) -> dict[str, Any]:
        options = document.get("options")
        return {name: options[name] for name in options if name == "index"} if isinstance(options, dict) else {}


@fault(OPTIONS)
class LinesNameTheirBatch(StreamBatchItemsServer):
    """A line that names another batch is an item of that one."""

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        named = item.document.get("batchId")
        for each in self.environments:
            if named in each.store(Batches).answered:
                filling = self.find(each, named)
        super().take(filling, item, stream)


@fault(OPTIONS)
class LinesSealTheirBatch(StreamBatchItemsServer):
    """A line that says that the batch is sealed seals it, as one that is assigned to it would."""

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        super().take(filling, item, stream)
        filling.sealed = filling.sealed or item.document.get("sealed") is True


def _values(payload: object) -> Iterator[object]:
    """All values in a payload."""
    yield payload
    inside = payload.values() if isinstance(payload, dict) else payload if isinstance(payload, list) else ()
    for each in inside:
        yield from _values(each)


@fault(OPTIONS)
class TellsListsByTheirNames(StreamBatchItemsServer):
    """Options whose names are 0, 1 and so on are a list, as in PHP, and answered 422."""

    def check_options(self, document: dict[str, Any]) -> None:
        super().check_options(document)
        options = document.get("options")
        if options and list(options) == [str(number) for number in range(len(options))]:
            raise Problem(422, "options must be an object")


@fault(OPTIONS)
class TheLastNameOfAnyCaseCounts(StreamBatchItemsServer):
    """Of names that differ in letter case alone the last one counts, as Go reads JSON."""

    def validate(self, document: Any) -> Item:
        if isinstance(document, dict) and "index" in document:
            document = document | {"index": [each for name, each in document.items() if name.lower() == "index"][-1]}
        return super().validate(document)


@fault(ODD, "answers.never_a_server_error")
class FailsOnOddOptions(StreamBatchItemsServer):
    """An unpaired surrogate in the options is answered 500, where one in the payload is kept as text."""

    def check_options(self, document: dict[str, Any]) -> None:
        super().check_options(document)
        try:
            json.dumps(document.get("options"), ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise Problem(500, "invalid byte sequence") from error


@fault(ODD, "answers.never_a_server_error")
class FailsOnLongTasks(StreamBatchItemsServer):
    """A task of more than 255 characters is answered 500: its column is full."""

    def check_task(self, document: dict[str, Any]) -> str:
        task = super().check_task(document)
        if len(task) > 255:
            raise Problem(500, "value too long for type character varying(255)")
        return task


class _OnTheWay(StreamBatchItemsServer):
    """A line's text goes through something else before it is read."""

    def item(self, filling: Filling, line: bytes) -> Item:
        return super().item(filling, self.passed_on(line))

    def passed_on(self, line: bytes) -> bytes:
        raise NotImplementedError


@fault(ANY, "answers.never_a_server_error")
class FormatsLinesForItsLog(_OnTheWay):
    """A line is the format of a call that logs it: a percent sign that stands for nothing is answered 500."""

    def passed_on(self, line: bytes) -> bytes:
        if re.search(rb"%[^\w%]", line):
            raise Problem(500, "not enough arguments for format string")
        return line


@fault(ANY)
class UnescapesMarkup(_OnTheWay):
    """Entities of markup in a line are read before it is: a quote among them ends a string."""

    def passed_on(self, line: bytes) -> bytes:
        return line.replace(b"&quot;", b'"')


@fault(ANY, "answers.never_a_server_error")
class RevivesDates(_Payloads):
    """A text in the form of a point in time is read as one: where that is none it is answered 500."""

    def is_fine(self, payload: object) -> bool:
        for each in _values(payload):
            if isinstance(each, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", each):
                try:
                    datetime.strptime(each, "%Y-%m-%dT%H:%M:%S%z")
                except ValueError as error:
                    raise Problem(500, "Invalid time value") from error
        return True


@fault(ANY)
class TakesEmptyListsForNothing(_Payloads):
    """A payload that is an empty list is missing, as PHP's empty has it: 422."""

    def is_fine(self, payload: object) -> bool:
        return payload != []


@fault(ODD, "answers.never_a_server_error")
class WritesNoInfinity(_Payloads):
    """A number beyond a double's is read as infinity, which cannot be written as JSON again: 500."""

    def is_fine(self, payload: object) -> bool:
        if any(isinstance(each, float) and math.isinf(each) for each in _values(payload)):
            raise Problem(500, "Out of range float values are not JSON compliant")
        return True


@fault(OPTIONS)
class KnowsItemsByAnId(StreamBatchItemsServer):
    """Items are written over those of the same id, which no item has: of two that say one the second is known."""

    def is_known(self, filling: Filling, item: Item) -> bool:
        ids = [each.document["id"] for each in filling.items.values() if "id" in each.document]
        return super().is_known(filling, item) or item.document.get("id") in ids


@fault(OPTIONS)
class LinesNameABatchUnderWay(StreamBatchItemsServer):
    """A line that names another batch that has items goes to that one, and is accepted of its own."""

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        homes = [each.store(Fillings) for each in self.environments]
        named = [home[item.document["batchId"]] for home in homes if item.document.get("batchId") in home]
        super().take(named[0] if named and named[0].items else filling, item, stream)


@fault(OPTIONS)
class TypesAreTexts(StreamBatchItemsServer):
    """An unknown property type that is no text is answered 422: another version's lines are told by it."""

    def validate(self, document: Any) -> Item:
        item = super().validate(document)
        if not isinstance(document.get("type", ""), str):
            raise Problem(422, "type must be a string")
        return item


@fault(ANY)
class DecodesLargeBlocks(DecodesBlockByBlock):
    """The same in blocks of 64 KiB, which the large text of most streams does not reach."""

    block = 64 << 10


@fault(LARGE)
class LosesLargeBodiesInChunks(StreamBatchItemsServer):
    """What stands in front keeps large bodies in a file, and sends on an empty one where no length was told."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        return body if "content-length" in request.headers or len(body) <= 64 << 10 else b""


@fault(LARGE)
class SkipsLinesWhereBlocksBegin(StreamBatchItemsServer):
    """A line that begins where a block of 64 KiB does is neither block's."""

    def split(self, body: bytes) -> list[bytes]:
        lines, at = [], 0
        for each in super().split(body):
            if not at or at % (64 << 10):
                lines.append(each)
            at += len(each) + 1
        return lines
