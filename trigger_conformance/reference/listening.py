"""What a serving process begins with: its socket, and the tie to its parent."""

from __future__ import annotations

import os
import socket
import threading


def listen(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A listening socket, made before the server so that its port is known. Raises OSError where it is taken."""
    # asyncio switches Nagle's algorithm off only on sockets that name their protocol.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(256)
    return listener


def end_with_parent(pipe: int) -> None:
    """End this process when the other end of ``pipe`` is closed, as it is when the parent ends, even by SIGKILL."""

    def wait() -> None:
        os.read(pipe, 1)
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
