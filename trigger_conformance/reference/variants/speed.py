"""Slow servers, and busy ones."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.server import OperationServer
from trigger_conformance.reference.site import Environment, Site


class _Delayed(OperationServer):
    """Takes its time."""

    async def handle(self, request: Request) -> Response:
        await asyncio.sleep(self.delay())
        return await super().handle(request)

    def delay(self) -> float:
        raise NotImplementedError


@variant
class Takes20Milliseconds(_Delayed):
    """Every answer takes 20 ms."""

    def delay(self) -> float:
        return 0.02


@variant
class Takes100Milliseconds(_Delayed):
    """Every answer takes 100 ms."""

    def delay(self) -> float:
        return 0.1


@variant
class TakesUpTo60Milliseconds(_Delayed):
    """An answer takes up to 60 ms."""

    def delay(self) -> float:
        return random.random() * 0.06


@variant
class TakesLongNowAndThen(_Delayed):
    """One answer in fifty takes half a second."""

    def delay(self) -> float:
        return 0.5 if random.random() < 0.02 else 0.0


@variant
class StallsOnce(_Delayed):
    """The machine stalls for as long as no client waits, once in 250 requests."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.requests = itertools.count(100)

    def delay(self) -> float:
        return 0.0 if next(self.requests) % 250 else 6.0


@variant
class LosesAConnectionNowAndThen(ReferenceApp):
    """One request in 250 is lost on its way to a busy machine."""

    def app(self) -> ASGIApp:
        sound, requests = super().app(), itertools.count(150)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if next(requests) % 250:
                await sound(scope, receive, send)
                return
            cycle: Any = send
            cycle.__self__.transport.abort()
            # The server closes what the transport has not yet noticed to be closed, so it gets time to notice.
            await asyncio.sleep(0.05)

        return app


@variant
class StartsCold(_Delayed):
    """The first answer takes five seconds."""

    first = True

    def delay(self) -> float:
        delay, self.first = (5.0 if self.first else 0.0), False
        return delay


@variant
class AnswersLateAfterCreating(OperationServer):
    """A batch exists 30 ms before its creator is told."""

    async def answer(self, request: Request, environment: Environment) -> Response:
        response = await super().answer(request, environment)
        await asyncio.sleep(0.03)
        return response


@variant
class OneAtATime(OperationServer):
    """Requests are served one after the other, 3 ms each."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.turn = asyncio.Lock()

    async def handle(self, request: Request) -> Response:
        await request.body()
        async with self.turn:
            await asyncio.sleep(0.003)
            return await super().handle(request)
