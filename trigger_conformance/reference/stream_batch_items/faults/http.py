"""Headers that a stream may carry, and that are taken for more than they are."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer

BESIDE = "http.preferences_and_origins_change_nothing"


@fault(BESIDE, "answers.only_documented_statuses")
class TellsNothingToWhoPrefersLess(StreamBatchItemsServer):
    """A stream that prefers a minimal answer is answered 204, which tells no counts."""

    async def stream_items(self, request: Request, environment: Environment) -> Response:
        response = await super().stream_items(request, environment)
        return Response(status_code=204) if "minimal" in request.headers.get("prefer", "") else response


@fault(BESIDE, "answers.only_documented_statuses")
class RefusesOtherOrigins(StreamBatchItemsServer):
    """A stream that comes from a page of another origin is answered 403."""

    async def stream_items(self, request: Request, environment: Environment) -> Response:
        if "origin" in request.headers:
            raise Problem(403, "Invalid CORS request")
        return await super().stream_items(request, environment)
