"""What other services that take lines of JSON do in their own way, and may."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Item, Stream
from trigger_conformance.reference.stream_batch_items.variants.answers import OthersBatchesAreForbidden


def _brought() -> str:
    """Where a filling keeps what the present request has brought."""
    return f"brought by {id(asyncio.current_task())}"


@variant
class ErrorsAcknowledgeNothing(StreamBatchItemsServer):
    """What came before a wrong line is kept, and counts as accepted in the stream that is answered first."""

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        # What another stream brings meanwhile is told there.
        if item.index not in filling.items:
            filling.kept.setdefault(_brought(), set()).add(item.index)
        super().take(filling, item, stream)

    async def fill(self, request: Request, filling: Filling) -> Stream:
        untold = filling.kept.setdefault("untold", set())
        try:
            stream = await super().fill(request, filling)
        except Problem:
            untold |= filling.kept.get(_brought(), set())
            raise
        finally:
            filling.kept.pop(_brought(), None)
        late = min(len(untold), stream.deduplicated) if not filling.sealed else 0
        untold.clear()
        return Stream(stream.accepted + late, stream.deduplicated - late)


@variant
class SealingTakesAMoment(StreamBatchItemsServer):
    """A stream's end is answered a moment after its last item."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        await asyncio.sleep(0.003)
        return stream


class _Payloads(StreamBatchItemsServer):
    """Rejects payloads that no server needs to take."""

    unneeded = ""

    def validate(self, document: Any) -> Item:
        if isinstance(document, dict) and re.search(self.unneeded, json.dumps(document.get("payload"))):
            raise Problem(422, "The payload cannot be stored")
        return super().validate(document)


@variant
class NulIsRejected(_Payloads):
    """A payload with NUL, or with an unpaired surrogate, is answered 422."""

    unneeded = r"\\u0000|\\ud[89ab]..(?!\\ud[c-f])"


@variant
class VeryDeepPayloadsAreRejected(_Payloads):
    """A payload of more than 64 levels is answered 422."""

    unneeded = r"(?:[\[{](?:\"[^\"]*\": )?){65}"


@variant
class MalformedLinesAreUnprocessable(StreamBatchItemsServer):
    """A line that is no JSON is answered 422, as one that breaks the schema."""

    def parse(self, body: bytes) -> Any:
        try:
            return super().parse(body)
        except Problem as problem:
            raise Problem(422, problem.message) from problem


@variant(warns=("authentication.refusal_carries_a_challenge",))
class OthersBatchesAreUnauthorized(OthersBatchesAreForbidden):
    """Another environment's batch is answered 401, without a challenge."""

    refusal = (401, "The credential is none of this batch's")


@variant
class WholeFractionsAreIndexes(StreamBatchItemsServer):
    """An index of 1.0 is 1, as JSON Schema has it."""

    def check_index(self, document: dict[str, Any]) -> int:
        index = document.get("index")
        whole = isinstance(index, float) and index.is_integer()
        return super().check_index({**document, "index": int(index)} if whole else document)  # type: ignore[arg-type]


@variant
class TheLastOfTwoLinesCounts(StreamBatchItemsServer):
    """Of two lines with one index the last one's payload is kept."""

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        super().take(filling, item, stream)
        filling.items[item.index] = item


@variant(warns=("story.same_stream_again_is_success",))
class SealedBatchesAreBadRequests(StreamBatchItemsServer):
    """A stream for a sealed batch is answered 400, when it has been read."""

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:  # noqa: ARG002
        await self.fill(request, filling)
        raise Problem(400, "The batch is sealed")


@variant
class VeryLongStreamsAreRefused(StreamBatchItemsServer):
    """A stream of more than 5,000 lines is answered 422."""

    def split(self, body: bytes) -> list[bytes]:
        lines = super().split(body)
        if len(lines) > 5001:
            raise Problem(422, "Too many items in one stream")
        return lines


@variant
class LinesOf64Kibibytes(StreamBatchItemsServer):
    """A line of more than 64 KiB is rejected, as a scanner with a usual buffer does."""

    def item(self, filling: Filling, line: bytes) -> Item:
        if len(line) > 1 << 16:
            raise Problem(400, "A line has 64 KiB at most")
        return super().item(filling, line)
