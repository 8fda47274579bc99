"""uvicorn's server, which ends where this process was interrupted before it took the signals over."""

from __future__ import annotations

import socket

import uvicorn

from trigger_conformance.options import interruption


class Serving(uvicorn.Server):
    """Serves until it is interrupted, however early that is."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's: begins to accept connections, or ends at once.

        What a handler raises is lost where Python was in the middle of what ignores errors, an import's callback for
        one; that a signal came is remembered.
        """
        await super().startup(sockets)
        self.should_exit = self.should_exit or interruption.requested()
