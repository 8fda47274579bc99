"""What other services that take lines of JSON have got wrong, as their issues tell it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.shared import ReadsAsItComes
from trigger_conformance.reference.stream_batch_items.store import Filling, Item, Stream

MALFORMED = "bodies.malformed_json_is_rejected"
NO_OBJECT = "bodies.body_must_be_a_json_object"
ANY = "payloads.any_json_is_a_payload"
NEVER_500 = "answers.never_a_server_error"
ENDS = "uploads.blank_lines_and_crlf_are_read_or_rejected"
AGAIN = "story.item_sent_again_is_deduplicated"
PART = "story.part_is_taken"
COUNTS = "story.part_tells_what_is_there"
MANY = "story.many_items_are_taken"
SEALED = "story.whole_stream_seals_its_batch"
MISSING = "story.missing_items_complete_the_batch"
WRONG_AGAIN = "wrong_lines.whole_stream_after_a_wrong_one_seals"
LATE = "story.stream_after_sealing_takes_nothing"
OTHERS_TOKEN = "access.token_of_another_batch_is_refused"
ELSEWHERE = "access.batch_of_another_environment_is_unknown"


# Lines


@fault(MALFORMED)
class TakesTheFirstObjectOfALine(StreamBatchItemsServer):
    """A line is decoded once: what stands behind its first object is dropped."""

    def parse(self, body: bytes) -> Any:
        try:
            return json.JSONDecoder(parse_constant=self.constant).raw_decode(self.decode(body).strip(" \t\r"))[0]
        except (ValueError, RecursionError):
            return super().parse(body)


@fault(NO_OBJECT, MALFORMED, "bodies.mistyped_property_is_rejected")
class TakesOtherLinesForComments(StreamBatchItemsServer):
    """A line that does not begin with a brace is a comment."""

    def is_blank(self, line: bytes) -> bool:
        return not line.strip().startswith(b"{")


@fault(ANY, "payloads.large_payload_leaves_a_batch_that_can_be_sealed")
class EndsAtALongLine(StreamBatchItemsServer):
    """A line of more than 64 KiB ends the stream, as Go's scanner does, whose error nobody looks at."""

    def lines(self, body: bytes) -> Iterator[bytes]:
        for line in super().lines(body):
            if len(line) > 1 << 16:
                return
            yield line


@fault(ANY, "payloads.large_payload_leaves_a_batch_that_can_be_sealed")
class DropsLongLines(StreamBatchItemsServer):
    """A line of more than 64 KiB is thrown away up to its end, and the stream goes on."""

    def is_blank(self, line: bytes) -> bool:
        return super().is_blank(line) or len(line) > 1 << 16


@fault("answers.valid_request_is_accepted")
class TakesTheLastEndForALine(StreamBatchItemsServer):
    """A line end at the end begins an empty line, which is no JSON."""

    def is_blank(self, line: bytes) -> bool:
        return bool(line) and super().is_blank(line)


@fault(ANY, "bodies.what_json_allows_is_accepted")
class CutsBlocksAtTheirLastLine(StreamBatchItemsServer):
    """A body is read in blocks of 32 KiB, and of each the whole lines: what is cut in two is lost."""

    def split(self, body: bytes) -> list[bytes]:
        blocks = [body[at : at + 32_768] for at in range(0, len(body), 32_768)]
        last = len(blocks) - 1
        return [
            line
            for number, block in enumerate(blocks)
            for line in (block if number == last else block[: block.rfind(b"\n") + 1]).split(b"\n")
        ]


@fault(ANY, "bodies.what_json_allows_is_accepted")
class TakesEscapedEndsForEnds(StreamBatchItemsServer):
    r"""\n in a string ends the line."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(body.replace(rb"\n", b"\n"))


@fault(ANY, MALFORMED)
class CutsComments(StreamBatchItemsServer):
    """What stands behind two slashes is a comment, in a string too."""

    def parse(self, body: bytes) -> Any:
        return super().parse(body.partition(b"//")[0])


@fault(ENDS, NEVER_500)
class FailsOnLinesOfSpaces(StreamBatchItemsServer):
    """A line that has nothing but white space is answered 500."""

    def is_blank(self, line: bytes) -> bool:
        if line and not line.strip():
            raise Problem(500, "Unexpected end of JSON input")
        return not line


@fault(NEVER_500)
class FailsOnByteOrderMarks(StreamBatchItemsServer):
    """A byte-order mark is answered 500."""

    def split(self, body: bytes) -> list[bytes]:
        if body.startswith(b"\xef\xbb\xbf"):
            raise Problem(500, "Unexpected token in JSON at position 0")
        return super().split(body)


@fault("bodies.missing_property_is_rejected")
class ReadsNamesInAnyLetterCase(StreamBatchItemsServer):
    """A property's name is read in any letter case, as Go does: INDEX is the index."""

    def validate(self, document: Any) -> Item:
        if isinstance(document, dict):
            document = {
                name.lower() if name.lower() in ("index", "task") else name: document[name] for name in document
            }
        return super().validate(document)


# Payloads


class _Payloads(StreamBatchItemsServer):
    """Has trouble with some payloads."""

    status = 400

    def validate(self, document: Any) -> Item:
        if isinstance(document, dict) and self.troubles(document.get("payload")):
            raise Problem(self.status, "The payload cannot be stored")
        return super().validate(document)

    def troubles(self, payload: Any) -> bool:
        raise NotImplementedError


@fault(ANY)
class TakesNoLongNumbers(_Payloads):
    """A number of more than 64 bits is answered 400."""

    def troubles(self, payload: Any) -> bool:
        return re.search(r"(?<![\d.\"])\d{20,}", json.dumps(payload)) is not None


@fault(ANY)
class TakesNoDeepPayloads(_Payloads):
    """Nesting of more than 20 levels is answered 400, as by BigQuery's 15 and Elasticsearch's 20."""

    def troubles(self, payload: Any) -> bool:
        return re.search(r"(?:[\[{](?:\"[^\"]*\": )?){21}", json.dumps(payload)) is not None


@fault(ANY)
class TakesNoEmptyNames(_Payloads):
    """An empty property name in a payload is answered 400."""

    def troubles(self, payload: Any) -> bool:
        return '"": ' in json.dumps(payload)


@fault(ANY)
class TakesNoDotsInNames(_Payloads):
    """A name with a dot, or one that begins with a dollar sign, is answered 400."""

    def troubles(self, payload: Any) -> bool:
        return re.search(r'"(?:\$\w*|\w*\.\w*)": ', json.dumps(payload)) is not None


@fault(ANY)
class StoresThreeBytes(_Payloads):
    """A character of four bytes is answered 400, as by MySQL's utf8."""

    def troubles(self, payload: Any) -> bool:
        return any(ord(character) > 0xFFFF for character in json.dumps(payload, ensure_ascii=False))


@fault("bodies.odd_characters_in_strings_are_answered", NEVER_500)
class FailsOnNulInPayloads(_Payloads):
    """NUL in a payload is answered 500, as by PostgreSQL."""

    status = 500

    def troubles(self, payload: Any) -> bool:
        return r"\u0000" in json.dumps(payload)


@fault(ANY)
class InfersTheFirstPayloadsType(StreamBatchItemsServer):
    """What the first payload of a batch is decides what all others must be."""

    def item(self, filling: Filling, line: bytes) -> Item:
        item = super().item(filling, line)
        kind = type(item.document.get("payload"))
        if filling.kept.setdefault("kind", kind) is not kind:
            raise Problem(400, "The payload is of another type than the mapping's")
        return item


@fault("payloads.options_and_more_are_accepted")
class KnowsItemsByTheirKeys(StreamBatchItemsServer):
    """Of two items with one idempotency key in their options the second counts as known, and is never there."""

    def is_known(self, filling: Filling, item: Item) -> bool:
        key = item.document.get("options", {}).get("idempotencyKey")
        keys = filling.kept.setdefault("keys", {})
        return super().is_known(filling, item) or (key is not None and keys.setdefault(key, item.index) != item.index)


# What is there, and whether it is all


@fault(SEALED, MISSING)
class ForgetsOnceAllRan(StreamBatchItemsServer):
    """The last item ran before its stream ended, and the batch's keys are gone: its stream is told sealed false."""

    def stream_body(self, filling: Filling, stream: Stream) -> dict[str, Any]:
        if not filling.sealed or not stream.accepted or filling.batch.run_count < 3:
            return super().stream_body(filling, stream)
        return {**super().stream_body(Filling(filling.batch), stream)}


@fault(WRONG_AGAIN, "wrong_lines.stream_with_a_wrong_line_seals_nothing")
class TakesAbortedForDone(StreamBatchItemsServer):
    """A wrong line aborts its batch, which counts as done: what follows is answered 200, sealed, nothing accepted."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        if filling.kept.get("aborted"):
            filling.sealed = True
            return Stream()
        try:
            return await super().fill(request, filling)
        except Problem:
            filling.kept["aborted"] = bool(filling.items)
            raise


@fault("story.repeated_line_is_deduplicated", "story.batch_accepts_no_more_than_it_has")
class SealsByLines(StreamBatchItemsServer):
    """A batch is whole when as many lines have come as it has items, repeated ones too."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        filling.kept["lines"] = filling.kept.get("lines", 0) + stream.accepted + stream.deduplicated
        return stream

    def is_whole(self, filling: Filling) -> bool:
        return bool(filling.kept["lines"] >= filling.batch.run_count)


@fault("story.items_may_come_in_any_order", PART)
class SealsAtTheLastIndex(StreamBatchItemsServer):
    """A batch is whole when its last index has come."""

    def is_whole(self, filling: Filling) -> bool:
        return filling.batch.run_count - 1 in filling.items


@fault(MANY)
class KeepsThirtyTwoBits(StreamBatchItemsServer):
    """What is there stands in a mask of 32 bits: index 32 is known where 0 is."""

    def is_known(self, filling: Filling, item: Item) -> bool:
        return filling.sealed or any(known % 32 == item.index % 32 for known in filling.items)


@fault(MANY)
class LimitsStreams(StreamBatchItemsServer):
    """A stream of more than 50 lines is answered 422."""

    def split(self, body: bytes) -> list[bytes]:
        lines = super().split(body)
        if len(lines) > 51:
            raise Problem(422, "Too many items")
        return lines


@fault(LATE, "story.batch_accepts_no_more_than_it_has", "concurrency.same_items_at_once_are_taken_once")
class RepeatsItsAnswer(StreamBatchItemsServer):
    """The same body again for a batch gets the answer that it got, from a cache."""

    def stream_body(self, filling: Filling, stream: Stream) -> dict[str, Any]:
        answers = filling.kept.setdefault("answers", {})
        body: dict[str, Any] = answers.setdefault(filling.kept.pop("body"), super().stream_body(filling, stream))
        return body

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        request.scope["body"] = body
        return body

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        filling.kept["body"] = request.scope["body"]
        return stream


@fault("uploads.whole_stream_after_a_cut_off_upload_seals", "uploads.cut_off_upload_seals_nothing")
class KeepsTheRest(ReadsAsItComes):
    """What is left of an upload that was cut off stands before the first line of its batch's next stream."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream, rest = Stream(), filling.kept.pop("rest", b"")
        try:
            async for piece in request.stream():
                *whole, rest = self.split(rest + piece)
                for line in whole:
                    self.take_line(filling, line, stream)
            self.take_line(filling, rest, stream)
        except ClientDisconnect:
            filling.kept["rest"] = rest
            raise
        return stream

    def take_line(self, filling: Filling, line: bytes, stream: Stream) -> None:
        if not self.is_blank(line):
            self.take(filling, self.item(filling, line), stream)


@fault(WRONG_AGAIN, "wrong_lines.stream_with_a_wrong_line_seals_nothing")
class StaysLockedAfterAWrongLine(StreamBatchItemsServer):
    """A batch is locked while a stream is read, and stays so where a line after a right one is wrong: 422 then on."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        if filling.kept.get("locked"):
            raise Problem(422, "Another stream is being read")
        before = len(filling.items)
        try:
            return await super().fill(request, filling)
        except Problem:
            filling.kept["locked"] = len(filling.items) > before
            raise


@fault("payloads.large_payload_leaves_a_batch_that_can_be_sealed")
class AbortsAtLargeItems(StreamBatchItemsServer):
    """An item of more than 512 KiB is answered 413, and its batch takes nothing more."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        if filling.kept.get("aborted"):
            raise Problem(422, "The batch was aborted")
        return await super().fill(request, filling)

    def item(self, filling: Filling, line: bytes) -> Item:
        if len(line) > 1 << 19:
            filling.kept["aborted"] = True
            raise Problem(413, "The item is too large")
        return super().item(filling, line)


@fault(MISSING, PART, "story.items_may_come_in_any_order")
class NumbersByPlace(StreamBatchItemsServer):
    """An item is known by its place in its stream, whatever index it has."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        filling.kept["place"] = -1
        return await super().fill(request, filling)

    def item(self, filling: Filling, line: bytes) -> Item:
        item = super().item(filling, line)
        filling.kept["place"] += 1
        return Item(filling.kept["place"] % filling.batch.run_count, item.task, item.document)


@fault(PART, "story.items_may_come_in_any_order")
class WantsNoGaps(StreamBatchItemsServer):
    """An item whose index is not the next, or known, is answered 422."""

    def check_place(self, filling: Filling, item: Item) -> None:
        super().check_place(filling, item)
        if item.index > len(filling.items):
            raise Problem(422, f"Expected index {len(filling.items)}")


# What is told


class _Telling(StreamBatchItemsServer):
    """Tells something else of a stream."""

    def stream_body(self, filling: Filling, stream: Stream) -> dict[str, Any]:
        return {**super().stream_body(filling, stream), **self.told(filling, stream)}

    def told(self, filling: Filling, stream: Stream) -> dict[str, Any]:
        raise NotImplementedError


@fault("story.counts_add_up_to_the_lines")
class AcceptedIsTheBatchs(_Telling):
    """itemsAccepted is how many items the batch has by now."""

    def told(self, filling: Filling, stream: Stream) -> dict[str, Any]:  # noqa: ARG002
        return {"itemsAccepted": len(filling.items)}


@fault("story.counts_add_up_to_the_lines")
class DeduplicatedAddsUp(_Telling):
    """itemsDeduplicated is what all streams of the batch have brought twice."""

    def told(self, filling: Filling, stream: Stream) -> dict[str, Any]:
        filling.kept["known"] = filling.kept.get("known", 0) + stream.deduplicated
        return {"itemsDeduplicated": filling.kept["known"]}


@fault(AGAIN)
class DeduplicatedIsLeftOver(_Telling):
    """itemsDeduplicated is how many lines came beyond the batch's items."""

    def told(self, filling: Filling, stream: Stream) -> dict[str, Any]:
        return {"itemsDeduplicated": max(0, stream.accepted + stream.deduplicated - filling.batch.run_count)}


@fault(COUNTS, "answers.accepted_answers_satisfy_the_schema")
class CountsAreText(StreamBatchItemsServer):
    """enqueuedCount and expectedCount are strings, as Redis has them."""

    def counts(self, filling: Filling) -> dict[str, Any]:
        return {name: str(count) for name, count in super().counts(filling).items()}


@fault(COUNTS)
class EnqueuedCountsAllLines(StreamBatchItemsServer):
    """enqueuedCount is how many lines have come, repeated ones too."""

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        filling.kept["lines"] = filling.kept.get("lines", 0) + 1
        super().take(filling, item, stream)

    def counts(self, filling: Filling) -> dict[str, int]:
        return {**super().counts(filling), "enqueuedCount": filling.kept.get("lines", 0)}


@fault(COUNTS)
class ExpectsTheRest(StreamBatchItemsServer):
    """expectedCount is how many items are still to come."""

    def counts(self, filling: Filling) -> dict[str, int]:
        counts = super().counts(filling)
        return {**counts, "expectedCount": counts["expectedCount"] - counts["enqueuedCount"]}


# Who may, once a batch is sealed


@fault(OTHERS_TOKEN)
class SealedBatchesTakeAnyToken(StreamBatchItemsServer):
    """A token covers any batch that is sealed: nothing is taken any more."""

    def delegated(self, request: Request) -> Environment | None:
        found = super().delegated(request)
        headers = self.authorizations(request)
        claims = self.claims(self.bearer_token(headers[0]) or "") if len(headers) == 1 else {}
        for environment in self.environments if claims and not found else ():
            try:
                if self.find(environment, request.path_params["batchId"]).sealed:
                    return environment
            except Problem:
                continue
        return found


@fault(ELSEWHERE)
class TellsStrangersOfSealedBatches(StreamBatchItemsServer):
    """That a batch is sealed is told before it is asked whose it is."""

    def find(self, environment: Environment, identity: str) -> Filling:
        for each in self.environments:
            try:
                filling = super().find(each, identity)
            except Problem:
                continue
            if filling.sealed:
                return filling
        return super().find(environment, identity)


@fault("access.unknown_batch_is_an_error")
class LooksForABatchAtTheFirstItem(StreamBatchItemsServer):
    """A batch is looked up when its first item comes: an empty stream for an unknown one is answered 200."""

    async def stream_items(self, request: Request, environment: Environment) -> Response:
        if not await request.body():
            body = {"id": request.path_params["batchId"], "itemsAccepted": 0, "itemsDeduplicated": 0, "sealed": False}
            return self.json(200, body, self.limit_headers(self.charge_nothing(environment)))
        return await super().stream_items(request, environment)
