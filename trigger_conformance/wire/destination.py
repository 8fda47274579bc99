"""What the wire needs to know of the server that it sends to."""

from __future__ import annotations

import ssl
from typing import Protocol

from trigger_conformance.wire.proxy import Proxy


class Destination(Protocol):
    """Where requests go, and how they travel there; the run's ``Target`` is one."""

    @property
    def base_url(self) -> str:
        """The origin, with any path prefix."""

    @property
    def api_key(self) -> str:
        """The bearer credential of a usual request."""

    @property
    def timeout(self) -> float:
        """Seconds that a request may take."""

    @property
    def seed(self) -> int:
        """What pauses are drawn from."""

    @property
    def http2(self) -> bool:
        """Whether HTTP/2 is spoken where it is offered."""

    @property
    def proxy(self) -> Proxy | None:
        """The proxy on the way."""

    def tls(self) -> ssl.SSLContext:
        """How the server's certificate is checked."""
