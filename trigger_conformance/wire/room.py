"""How many requests are in flight at a time, counted over all processes that a run was forked into."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_A_MOMENT = 0.002


class Room:
    """Room for so many requests; made before the run forks, and shared by what comes of it."""

    def __init__(self, most: int) -> None:
        self._left = multiprocessing.get_context("fork").Semaphore(most)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """A context that takes the room of one request, once there is any."""
        while not self._left.acquire(block=False):
            await asyncio.sleep(_A_MOMENT)
        try:
            yield
        finally:
            self._left.release()
