"""What other clients send, read in ways that are create batch's alone."""

from __future__ import annotations

import gzip

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.faults.other_clients import Bytes, Coded, Telling
from trigger_conformance.reference.server import Problem


@fault("http.gzip_body_is_accepted_or_rejected")
class ForgetsHowLongItWas(Coded, CreateBatchServer):
    """A gzip-coded body is cut at the length that it had when it was coded, and then read leniently."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if request.headers.get("content-encoding") != "gzip":
            return body
        try:
            gzip.decompress(body)
        except (OSError, EOFError) as error:
            raise Problem(415, "not gzip") from error
        return b'{"runCount":1}'


@fault("http.body_in_pieces_is_read", app=Telling)
class ReadsTheFirstSegment(Bytes, CreateBatchServer):
    """A request is what one read of the socket brings; a body that comes after its head is empty."""

    async def read_body(self, request: Request) -> bytes:
        _, _, body = self.received(request).partition(b"\r\n\r\n")
        return body if "content-length" in request.headers else await super().read_body(request)


@fault("http.requests_of_other_clients_are_read")
class WantsConnectionsToStay(CreateBatchServer):
    """A middleware for upgrades takes any Connection header but keep-alive for an upgrade that it does not know."""

    async def handle(self, request: Request) -> Response:
        if request.headers.get("connection", "keep-alive").lower() != "keep-alive":
            return self.error(400, "unknown upgrade")
        return await super().handle(request)
