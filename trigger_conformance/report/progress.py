"""What a run tells while it goes on: a live line for a person, plain lines now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from trigger_conformance.contract.quoting import harmless, visible
from trigger_conformance.wire.exchange import Exchange

_LIVE_SECONDS = 0.2
_PLAIN_SECONDS = 5.0


class Output(StrEnum):
    """How much a run tells."""

    USUAL = "usual"
    QUIET = "quiet"
    VERBOSE = "verbose"


@dataclass(frozen=True)
class State:
    """Where a run is: the area it is in, checks done and to do, requests sent, seconds that the rate limit asks for."""

    area: str
    done: int
    total: int
    requests: int
    waiting: float = 0.0

    def __str__(self) -> str:
        wait = f", waiting {self.waiting:.0f} s for the rate limit" if self.waiting >= 1 else ""
        return f"{self.area}: {self.done} of {self.total} checks, {self.requests} requests{wait}"


def line(exchange: Exchange) -> str:
    """One exchange of the run's record, which holds no secret, on one line without control characters."""
    took = 1000 * (exchange.ended - exchange.started)
    said = f"#{exchange.number} {exchange.check} [{exchange.request.label or exchange.request.method}]"
    told = f"{said} {exchange.outcome}, {took:.1f} ms"
    return harmless(visible(told))


@dataclass(frozen=True)
class Console:
    """Where the command line wants a run to tell where it is; a pytest plug-in only so that it is handed on."""

    output: Output
    stream: TextIO


class Progress:
    """Tells ``stream`` where a run is, on a thread of its own, until it is stopped.

    ``state`` is asked for the present one, ``exchanges`` for those after a number (only where they are to be told).
    """

    def __init__(
        self,
        state: Callable[[], State | None],
        stream: TextIO,
        exchanges: Callable[[int], Sequence[Exchange]] | None = None,
    ) -> None:
        self._state = state
        self._stream = stream
        self._exchanges = exchanges
        self._live = stream.isatty()
        self._told = ""
        self._number = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell what is left to tell, and take the live line away."""
        self._stopped.set()
        self._thread.join()
        self._tell_exchanges()
        if self._live:
            self._write("\r\x1b[K")

    def _run(self) -> None:
        due = time.monotonic() + _PLAIN_SECONDS
        while not self._stopped.wait(_LIVE_SECONDS):
            self._tell_exchanges()
            state = self._state()
            if state is None:
                continue
            if self._live:
                self._write(f"\r{state}\x1b[K")
            elif time.monotonic() >= due and str(state) != self._told:
                self._told, due = str(state), time.monotonic() + _PLAIN_SECONDS
                self._write(f"{state}\n")

    def _tell_exchanges(self) -> None:
        for exchange in self._exchanges(self._number) if self._exchanges else ():
            self._number = exchange.number
            self._write(("\r\x1b[K" if self._live else "") + line(exchange) + "\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
