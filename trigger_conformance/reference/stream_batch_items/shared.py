"""What several behaviours of batch items, faults and sound variants, have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request

from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Stream


class ReadsAsItComes(StreamBatchItemsServer):
    """Takes each line when it has arrived: what came before a wrong one, or before an upload died, is kept."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = Stream()
        async for line in self.arriving(request):
            if not self.is_blank(line):
                self.take(filling, self.item(filling, line), stream)
        return stream

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        """The lines of the body, each as soon as it is whole."""
        rest = b""
        async for piece in request.stream():
            *whole, rest = self.split(rest + piece)
            for line in whole:
                yield line
        yield rest


class AllOrNothing(StreamBatchItemsServer):
    """Takes a stream's items when all of its lines were read, and none where one is wrong."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        stream = Stream()
        for item in [self.item(filling, line) for line in self.lines(await self.read_body(request))]:
            self.take(filling, item, stream)
        return stream
