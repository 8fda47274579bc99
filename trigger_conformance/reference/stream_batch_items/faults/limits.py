"""What shows only at some length, late or twice: whole pages, first lines, long bodies that come again, slow ones."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.store import Batches
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Stream

NEVER_500 = "answers.never_a_server_error"


@fault("story.items_may_come_in_any_order", "story.repeated_line_is_deduplicated", NEVER_500)
class FailsOnWholePages(StreamBatchItemsServer):
    """Items are written ten at a time: where nothing is left at the end, an empty page is, which fails."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = await super().fill(request, filling)
        if (count := stream.accepted + stream.deduplicated) and count % 10 == 0:
            raise Problem(500, "INSERT has no VALUES")
        return stream


@fault("wrong_lines.stream_with_a_wrong_line_is_rejected")
class ChecksTheFirst100Lines(StreamBatchItemsServer):
    """The first hundred lines are checked; what is wrong in one that comes later is left out."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = Stream()
        for number, line in enumerate(self.lines(await self.read_body(request))):
            try:
                self.take(filling, self.item(filling, line), stream)
            except Problem:
                if number < 100:
                    raise
        return stream


@fault("uploads.blank_lines_and_crlf_are_read_or_rejected")
class EndsAtTwoBlankLines(StreamBatchItemsServer):
    """Two empty lines end the stream, as they end an event's or a form's."""

    def split(self, body: bytes) -> list[bytes]:
        return super().split(body.lstrip(b"\n").partition(b"\n\n\n")[0])


@fault("bodies.body_must_be_a_json_object")
class SkipsNull(StreamBatchItemsServer):
    """A line that is null is nothing, and is passed over."""

    def is_blank(self, line: bytes) -> bool:
        return super().is_blank(line) or line.strip() == b"null"


@fault("bodies.mistyped_property_is_rejected")
class TakesAnythingForATask(StreamBatchItemsServer):
    """A task may be an object or a list: its text is looked up, and found to be none's later."""

    def check_task(self, document: dict[str, Any]) -> str:
        task = document.get("task")
        return str(task) if isinstance(task, dict | list) and task else super().check_task(document)


@fault("access.batch_of_another_environment_is_unknown")
class ItemsAreTheKeys(StreamBatchItemsServer):
    """Items are kept by their batch's idempotencyKey, which another environment may have too."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.by_key: dict[str, Filling] = {}

    def find(self, environment: Environment, identity: str) -> Filling:
        filling = super().find(environment, identity)
        batch = environment.store(Batches).answered[identity]
        if batch.key is None:
            return filling
        shared = self.by_key.setdefault(batch.key, filling)
        filling.items, filling.runs = shared.items, shared.runs
        return filling


@fault("story.stream_after_sealing_takes_nothing", "story.batch_accepts_no_more_than_it_has")
class AnswersLongBodiesAgain(StreamBatchItemsServer):
    """A body of a kilobyte or more that comes again is a retry, and gets the first one's answer."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.answered: dict[tuple[str, bytes], Response] = {}

    async def stream_items(self, request: Request, environment: Environment) -> Response:
        key = (request.path_params["batchId"], await self.read_body(request))
        if len(key[1]) >= 1 << 10 and key in self.answered:
            return self.answered[key]
        answer = self.answered[key] = await super().stream_items(request, environment)
        return answer

    async def read_body(self, request: Request) -> bytes:
        return await request.body()


@fault("uploads.slow_upload_is_read_whole", NEVER_500)
class FailsAfterASecond(StreamBatchItemsServer):
    """What takes longer than a second to come is given up, with an exception that nobody catches."""

    async def read_body(self, request: Request) -> bytes:
        began = time.monotonic()
        body = await super().read_body(request)
        if time.monotonic() - began > 1:
            raise Problem(500, "context deadline exceeded")
        return body


@fault("concurrency.same_items_at_once_are_taken_once", NEVER_500)
class DeadlocksInOppositeOrders(StreamBatchItemsServer):
    """Items are locked as they come: of two streams of the same ones in opposite orders, one is answered 500."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.under_way: dict[str, list[int]] = {}

    async def fill(self, request: Request, filling: Filling) -> Stream:
        locked = self.under_way.setdefault(filling.batch.id, [])
        indexes = [self.item(filling, line).index for line in self.lines(await self.read_body(request))]
        order = 1 if indexes == sorted(indexes) else -1
        if -order in locked:
            raise Problem(500, "deadlock detected")
        locked.append(order)
        await asyncio.sleep(0.02)
        locked.remove(order)
        return await super().fill(request, filling)

    async def read_body(self, request: Request) -> bytes:
        return await request.body()


@fault("access.unknown_batch_is_an_error", NEVER_500)
class FailsOnEmojiInIds(StreamBatchItemsServer):
    """An id is compared in a column of three bytes a character, which an emoji has more of."""

    def find(self, environment: Environment, identity: str) -> Filling:
        if any(ord(each) > 0xFFFF for each in identity):
            raise Problem(500, "Illegal mix of collations")
        return super().find(environment, identity)


@fault("wrong_lines.index_out_of_range_is_rejected")
class IndexesAreBytes(StreamBatchItemsServer):
    """An index is kept in a byte, and what is too large for it is another one."""

    def check_index(self, document: dict[str, Any]) -> int:
        index = super().check_index(document)
        return index % (1 << 8) if index < 1 << 16 else index
