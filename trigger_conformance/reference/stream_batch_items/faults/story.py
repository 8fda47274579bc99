"""Batches that are sealed too soon, too late or never, and answers that tell something else of them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Item, Stream

TAKEN = "story.whole_stream_is_taken"
SEALED = "story.whole_stream_seals_its_batch"
PART = "story.part_is_taken"
COUNTS = "story.part_tells_what_is_there"
NAMED = "story.answer_names_its_batch"
MISSING = "story.missing_items_complete_the_batch"
LATE = "story.stream_after_sealing_takes_nothing"
RETRY = "story.same_stream_again_is_success"


@fault(SEALED)
class NeverSeals(StreamBatchItemsServer):
    """A batch that has all its items is not sealed."""

    def is_whole(self, filling: Filling) -> bool:  # noqa: ARG002
        return False


@fault(PART)
class SealsEveryStream(StreamBatchItemsServer):
    """A batch is sealed by the end of a stream, whatever it lacks."""

    def is_whole(self, filling: Filling) -> bool:
        return bool(filling.items)


@fault(PART)
class SealsBySum(StreamBatchItemsServer):
    """A batch is whole when its items' indexes add up to what all of them do: the first is never missed."""

    def is_whole(self, filling: Filling) -> bool:
        count = filling.batch.run_count
        return bool(filling.items) and sum(filling.items) == count * (count - 1) // 2


@fault(PART, "uploads.empty_stream_seals_nothing")
class SaysSealedAlways(StreamBatchItemsServer):
    """Every answer says that the batch is sealed."""

    def stream_body(self, filling: Filling, stream: Stream) -> dict[str, Any]:
        body = super().stream_body(filling, stream)
        return {**{name: body[name] for name in body if not name.endswith("Count")}, "sealed": True}


@fault(SEALED)
class SealsLargeBatchesOnly(StreamBatchItemsServer):
    """A batch is sealed once it has more items than four, as many as a page of the store has."""

    def is_whole(self, filling: Filling) -> bool:
        return super().is_whole(filling) and filling.batch.run_count > 4


@fault(SEALED)
class SealsNoBatchOfOne(StreamBatchItemsServer):
    """A batch of one item, which is first and last in one, is not sealed."""

    def is_whole(self, filling: Filling) -> bool:
        return super().is_whole(filling) and filling.batch.run_count > 1


@fault(SEALED)
class SealsByTheLastOfItsTexts(StreamBatchItemsServer):
    """Indexes are kept as texts, and a batch is whole when the last of them, as texts, is there: 9 comes after 11."""

    def is_whole(self, filling: Filling) -> bool:
        return super().is_whole(filling) and max(map(str, filling.items)) == str(filling.batch.run_count - 1)


@fault("story.many_items_are_taken")
class CountsTheFirstPage(StreamBatchItemsServer):
    """Of a batch's items fifty are counted, a page of the store: a larger one is never whole."""

    def is_whole(self, filling: Filling) -> bool:
        return min(len(filling.items), 50) == filling.batch.run_count


@fault("story.many_items_are_taken", "payloads.any_json_is_a_payload")
class ReadsTwentyFiveLines(StreamBatchItemsServer):
    """Of a stream's lines those beyond the 25th are not read, which is what the store takes in one command."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(body)[:25]


@fault(MISSING, "story.many_items_are_taken")
class CountsTheStreamAlone(StreamBatchItemsServer):
    """A batch is whole when one stream had all its items: those of earlier ones do not count."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        filling.kept["lines"] = stream.accepted + stream.deduplicated
        return stream

    def is_whole(self, filling: Filling) -> bool:
        return super().is_whole(filling) and filling.kept["lines"] >= filling.batch.run_count


@fault(PART)
class RefusesParts(StreamBatchItemsServer):
    """A stream that leaves its batch without some items is answered 422."""

    def success(self, environment: Environment, filling: Filling, stream: Stream) -> Response:
        if not filling.sealed:
            raise Problem(422, "Items are missing")
        return super().success(environment, filling, stream)


class _Telling(StreamBatchItemsServer):
    """Tells something else of a stream."""

    def stream_body(self, filling: Filling, stream: Stream) -> dict[str, Any]:
        body = super().stream_body(filling, stream)
        self.change(body, filling, stream)
        return body

    def change(self, body: dict[str, Any], filling: Filling, stream: Stream) -> None:
        raise NotImplementedError


@fault(TAKEN, PART, MISSING)
class AcceptedIsTheLastIndex(_Telling):
    """itemsAccepted of several items is the last one's place, one less than there are."""

    def change(self, body: dict[str, Any], filling: Filling, stream: Stream) -> None:  # noqa: ARG002
        body["itemsAccepted"] = stream.accepted - (stream.accepted > 1)


@fault("story.counts_add_up_to_the_lines")
class AcceptedCountsAllLines(_Telling):
    """itemsAccepted is how many lines came, those that were there already too."""

    def change(self, body: dict[str, Any], filling: Filling, stream: Stream) -> None:
        body["itemsAccepted"] = stream.accepted + (0 if filling.sealed and not stream.accepted else stream.deduplicated)


@fault(TAKEN, "answers.accepted_answers_satisfy_the_schema")
class AcceptedIsText(_Telling):
    """itemsAccepted is a string."""

    def change(self, body: dict[str, Any], filling: Filling, stream: Stream) -> None:  # noqa: ARG002
        body["itemsAccepted"] = str(stream.accepted)


@fault(SEALED, "answers.accepted_answers_satisfy_the_schema")
class SealedIsANumber(_Telling):
    """sealed is 1 or 0, as some databases have it."""

    def change(self, body: dict[str, Any], filling: Filling, stream: Stream) -> None:  # noqa: ARG002
        body["sealed"] = int(filling.sealed)


@fault("answers.accepted_answers_satisfy_the_schema", SEALED)
class SealedIsLeftOut(_Telling):
    """sealed is there only where it is false."""

    def change(self, body: dict[str, Any], filling: Filling, stream: Stream) -> None:  # noqa: ARG002
        if filling.sealed:
            del body["sealed"]


@fault("story.sealed_batch_tells_no_counts")
class SealedBatchesTellCounts(_Telling):
    """enqueuedCount and expectedCount are there always."""

    def change(self, body: dict[str, Any], filling: Filling, stream: Stream) -> None:  # noqa: ARG002
        body |= self.counts(filling)


@fault("story.sealed_batch_tells_no_counts", "answers.accepted_answers_satisfy_the_schema")
class SealedBatchesTellNull(_Telling):
    """enqueuedCount and expectedCount are null once the batch is sealed."""

    def change(self, body: dict[str, Any], filling: Filling, stream: Stream) -> None:  # noqa: ARG002
        if filling.sealed:
            body |= {"enqueuedCount": None, "expectedCount": None}


@fault(COUNTS)
class TellsNoCounts(StreamBatchItemsServer):
    """A batch that lacks items tells no counts."""

    def counts(self, filling: Filling) -> dict[str, int]:  # noqa: ARG002
        return {}


@fault(COUNTS)
class TellsWhatIsMissing(StreamBatchItemsServer):
    """enqueuedCount is how many items are missing."""

    def counts(self, filling: Filling) -> dict[str, int]:
        counts = super().counts(filling)
        return {**counts, "enqueuedCount": counts["expectedCount"] - counts["enqueuedCount"]}


@fault(COUNTS)
class SwapsTheCounts(StreamBatchItemsServer):
    """enqueuedCount and expectedCount are each other's."""

    def counts(self, filling: Filling) -> dict[str, int]:
        counts = super().counts(filling)
        return {"enqueuedCount": counts["expectedCount"], "expectedCount": counts["enqueuedCount"]}


class _CountingTheStream(StreamBatchItemsServer):
    """Remembers how many items the last stream brought."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        filling.kept["accepted"] = stream.accepted
        return stream


@fault(COUNTS)
class EnqueuedIsTheStreams(_CountingTheStream):
    """enqueuedCount is how many items this stream brought."""

    def counts(self, filling: Filling) -> dict[str, int]:
        return {**super().counts(filling), "enqueuedCount": filling.kept["accepted"]}


@fault(COUNTS)
class ExpectsTheHighestIndex(StreamBatchItemsServer):
    """expectedCount is the highest index, one less than the items."""

    def counts(self, filling: Filling) -> dict[str, int]:
        return {**super().counts(filling), "expectedCount": filling.batch.run_count - 1}


@fault(NAMED, "concurrency.batches_at_once_keep_apart")
class NamesNoBatch(_Telling):
    """id is that of the stream, not of its batch."""

    def change(self, body: dict[str, Any], filling: Filling, stream: Stream) -> None:  # noqa: ARG002
        body["id"] = f"stream_{filling.batch.id}"


@fault(NAMED, "concurrency.batches_at_once_keep_apart")
class NamesInCapitals(_Telling):
    """id is the batch's in capitals."""

    def change(self, body: dict[str, Any], filling: Filling, stream: Stream) -> None:  # noqa: ARG002
        body["id"] = filling.batch.id.upper()


@fault(LATE, "answers.never_a_server_error")
class FailsOnNothingAfterSealing(StreamBatchItemsServer):
    """A stream without items is answered 500 once its batch is sealed: there is no first item to look at."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:
        if not await self.read_body(request):
            raise Problem(500, "The list of items is empty")
        return self.success(environment, filling, Stream())


@fault(LATE, "answers.never_a_server_error")
class FailsOnceSealed(StreamBatchItemsServer):
    """A stream for a sealed batch runs into what was cleaned up: 500."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:  # noqa: ARG002
        return self.error(500, "The batch's keys are gone")


@fault(LATE)
class UnsealsOnRetry(StreamBatchItemsServer):
    """Once the runs have ended what was kept of the batch is gone: a stream after that is told sealed false."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:
        told = Filling(filling.batch)
        return self.success(environment, told, await self.fill(request, filling))


@fault(LATE, "concurrency.same_items_at_once_are_taken_once", "story.batch_accepts_no_more_than_it_has")
class RunsLateItemsAgain(StreamBatchItemsServer):
    """Indexes are forgotten when the batch is sealed: a stream after that starts its items once more."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:
        read = await self.fill(request, filling)
        filling.runs.update(filling.items.keys())
        return self.success(environment, filling, Stream(accepted=read.deduplicated))


@fault(LATE, "answers.never_a_server_error")
class FailsOnWrongLinesOfSealedBatches(StreamBatchItemsServer):
    """A line that is no JSON is expected of batches that take items, and fails the server once a batch is sealed."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:
        try:
            return await super().answer_sealed(request, environment, filling)
        except Problem as problem:
            raise Problem(500, "Internal Server Error") from problem


@fault(RETRY)
class RefusesTheRetry(StreamBatchItemsServer):
    """A stream for a sealed batch is answered 422, the one that sealed it too: a client whose answer was lost fails."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:  # noqa: ARG002
        raise Problem(422, "The batch is sealed and takes no more items")


@fault(RETRY)
class RefusesTheSecondRetry(StreamBatchItemsServer):
    """The first stream after sealing is answered 200, those after it 400."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:
        filling.kept["retries"] = filling.kept.get("retries", 0) + 1
        if filling.kept["retries"] > 1:
            raise Problem(400, "The batch is in no state to take items")
        return await super().answer_sealed(request, environment, filling)


@fault("story.unread_answer_and_its_retry")
class ForgetsWhatNobodyReads(StreamBatchItemsServer):
    """Where the client has hung up, its items are rolled back and stay marked as known: they never come in again."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        async with filling.kept.setdefault("lock", asyncio.Lock()):
            before = dict(filling.items)
            try:
                stream = await super().fill(request, filling)
                # Until the end of the connection has arrived.
                await asyncio.sleep(0.01)
                gone = await request.is_disconnected()
            except ClientDisconnect:
                # Its end has come with its body, which uvicorn then gives nobody.
                stream, gone = Stream(), "content-length" in request.headers
            if gone:
                filling.kept["marked"] = range(filling.batch.run_count)
                filling.items = before
            return stream

    def is_known(self, filling: Filling, item: Item) -> bool:
        return super().is_known(filling, item) or item.index in filling.kept.get("marked", ())


@fault(LATE)
class ConflictsOnceSealed(StreamBatchItemsServer):
    """A stream for a sealed batch is answered 409, which is no documented status."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:  # noqa: ARG002
        raise Problem(409, "The batch is sealed")


@fault("story.same_stream_again_is_success")
class LateRetriesAreErrors(StreamBatchItemsServer):
    """Some time after a batch is sealed it is no longer pending, and the same stream again is answered 422."""

    def seal(self, filling: Filling) -> None:
        super().seal(filling)
        if filling.sealed:
            filling.kept.setdefault("at", time.monotonic())

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:
        if time.monotonic() - filling.kept["at"] > 1:
            raise Problem(422, "The batch is not pending any more")
        return await super().answer_sealed(request, environment, filling)


@fault("answers.never_a_server_error")
class FailsOnEveryStream(StreamBatchItemsServer):
    """Every stream is answered 500, though batches are created."""

    async def fill(self, request: Request, filling: Filling) -> Stream:  # noqa: ARG002
        await self.read_body(request)
        raise Problem(500, "Something went wrong")
