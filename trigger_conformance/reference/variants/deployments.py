"""What stands in front of the server."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.settings import SOUND, Settings


@variant
class BehindAPrefix(ReferenceApp):
    """The API stands under a path prefix."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, prefix="/gateway/v2")


@variant
class BehindTls(ReferenceApp):
    """The server speaks TLS, with a certificate of a private authority."""

    def __init__(self, settings: Settings = SOUND) -> None:
        super().__init__(settings)
        import trustme

        authority = trustme.CA()
        identity = authority.issue_cert("127.0.0.1")
        self.folder = tempfile.TemporaryDirectory(prefix="reference-tls-")
        self.authority, self.certificate, self.key = (Path(self.folder.name, name) for name in ("ca", "cert", "key"))
        authority.cert_pem.write_to_path(str(self.authority))
        identity.private_key_pem.write_to_path(str(self.key))
        for each in identity.cert_chain_pems:
            each.write_to_path(str(self.certificate), append=True)

    def base_url(self, port: int) -> str:
        return super().base_url(port).replace("http:", "https:")

    def run_options(self) -> list[str]:
        return [*super().run_options(), f"--ca-bundle={self.authority}"]

    def uvicorn_settings(self) -> dict[str, Any]:
        return {"ssl_certfile": self.certificate, "ssl_keyfile": self.key}

    def run(self, listener: socket.socket) -> None:
        # uvicorn hands a signal on when it has stopped; the files must go before that ends the process.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        with self.folder:
            super().run(listener)


@variant
class OverHttp2(BehindTls):
    """The server offers HTTP/2 beside HTTP/1.1."""

    def run_options(self) -> list[str]:
        return [*super().run_options(), "--http2"]

    def app(self) -> ASGIApp:
        sound = super().app()

        # hypercorn drops a connection on which a request was answered before it was whole.
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await sound(scope, receive, send)
                return
            try:
                body = await Request(scope, receive).body()
            except ClientDisconnect:
                return
            whole: list[Message] = [{"type": "http.request", "body": body}]

            async def read() -> Message:
                return whole.pop() if whole else await receive()

            await sound(scope, read, send)

        return app

    def run(self, listener: socket.socket) -> None:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config

        config = Config()
        config.bind = [f"fd://{listener.fileno()}"]
        config.certfile, config.keyfile = str(self.certificate), str(self.key)
        config.loglevel = "CRITICAL"
        with self.folder:
            asyncio.run(serve(self.app(), config))  # type: ignore[arg-type]


@variant
class BehindAGateway(ReferenceApp):
    """A gateway refuses, with a page of its own, what does not carry its header."""

    PASS = ("X-Gateway-Pass", "conformance-gateway-pass")

    def run_options(self) -> list[str]:
        return [*super().run_options(), f"--header={': '.join(self.PASS)}"]

    def app(self) -> ASGIApp:
        behind, refusal = super().app(), Response("<h1>Forbidden</h1>", 403, media_type="text/html")

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            passes = Request(scope).headers.get(self.PASS[0]) == self.PASS[1]
            await (behind if passes else refusal)(scope, receive, send)

        return app
