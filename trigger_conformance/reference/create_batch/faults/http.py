"""HTTP: media types under which another batch is created than was asked for."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Order

MEDIA = "http.other_media_types_are_handled"
UNUSUAL = "http.unusual_methods_never_fail_the_server"


@fault(MEDIA)
class MisreadsText(CreateBatchServer):
    """A body under text/plain is accepted with a runCount of 1."""

    def check_media_type(self, request: Request) -> None:
        self.plain = request.headers.get("content-type") == "text/plain"

    def validate(self, document: Any) -> Order:
        return super().validate({**document, "runCount": 1} if self.plain else document)


@fault(UNUSUAL)
class FailsWhereBrowsersAskBefore(CreateBatchServer):
    """What a browser asks before a page's request fails, for no credential comes with it."""

    async def handle(self, request: Request) -> Response:
        if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            return self.error(500, "Cannot read properties of undefined (reading 'split')")
        return await super().handle(request)
