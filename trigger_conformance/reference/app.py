"""The reference server: a small app into which operations are mounted, and how it is reached and run."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from trigger_conformance.reference.limiter import Limits, TokenBucket
from trigger_conformance.reference.server import OperationServer
from trigger_conformance.reference.settings import SOUND, Settings
from trigger_conformance.reference.site import Environment, Site

if TYPE_CHECKING:
    import uvicorn


class ReferenceApp:
    """One instance of each of its ``operations``' servers, by the operation's id, over one site with two environments.

    What changes how the whole is set up, reached or run is a subclass of this one.
    """

    operations: ClassVar[Mapping[str, type[OperationServer]]] = {}

    def __init__(self, settings: Settings = SOUND) -> None:
        self.settings = self.adjusted(settings)
        environments = [
            Environment("development", self.settings.api_key),
            Environment("production", self.settings.second_api_key),
        ]
        self.site = Site(self.settings, environments, {each.name: self.new_limits() for each in environments})
        self.servers = {identity: server(self.site) for identity, server in self.operations.items()}

    def adjusted(self, settings: Settings) -> Settings:
        """How the server is set up, by what was asked for."""
        return settings

    def new_limits(self) -> Limits:
        """Full buckets for one environment."""
        return Limits(TokenBucket(*self.settings.request_limit), TokenBucket(*self.settings.run_limit))

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route(self.settings.prefix + path, _Endpoint(server, path))
            for server in self.servers.values()
            for path in server.routes()
        ]
        return Starlette(routes=routes)

    def base_url(self, port: int) -> str:
        """Where the server is found when it listens on ``port`` of this machine."""
        return f"http://127.0.0.1:{port}{self.settings.prefix}"

    def run_options(self) -> list[str]:
        """The options that a run needs in order to reach the server and to test it, beside its base URL and keys."""
        return [option for server in self.servers.values() for option in server.run_options()]

    def run(self, listener: socket.socket) -> None:
        """Serve on ``listener`` until interrupted or terminated."""
        self.uvicorn().run(sockets=[listener])

    def uvicorn(self) -> uvicorn.Server:
        """What serves the application."""
        import uvicorn

        from trigger_conformance.reference.serving import Serving

        settings = {"http": "h11", **self.uvicorn_settings()}
        config = uvicorn.Config(self.app(), log_level="warning", access_log=False, lifespan="off", **settings)
        return Serving(config)

    def uvicorn_settings(self) -> dict[str, Any]:
        """Further settings of uvicorn, by its own names."""
        return {}


class _Endpoint:
    """Hands every method on a path to its operation's server."""

    def __init__(self, server: OperationServer, path: str) -> None:
        self._server, self._path = server, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._server.serve({**scope, "route": self._path}, receive, send)
