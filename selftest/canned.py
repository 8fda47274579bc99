"""Servers that answer every request with bytes of our choosing, on a thread of their own."""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Respond = Callable[[bytes, int, socket.socket], bytes | None]


def answer(status: str, body: bytes = b"", *headers: str, media_type: str = "application/json") -> bytes:
    """A whole HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Handler(socketserver.StreamRequestHandler):
    """Reads requests, hands each to the server's ``respond`` with its number; None hangs up."""

    def handle(self) -> None:
        while head := self._head():
            body = self._body(head)
            with self.server.counting:
                self.server.count += 1
                number = self.server.count
            said = self.server.respond(head + body, number, self.connection)
            if said is None:
                return
            self.wfile.write(said)

    def _body(self, head: bytes) -> bytes:
        if length := re.search(rb"(?i)content-length: *(\d+)", head):
            return self.rfile.read(int(length[1]))
        body = b""
        # A client that is killed half-way leaves a line that never comes.
        while b"chunked" in head and not body.endswith(b"0\r\n\r\n") and (line := self.rfile.readline()):
            body += line
        return body

    def _head(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b"", b"\r\n"):
            lines.append(line)
        return b"".join(lines)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is nothing to report."""


@contextmanager
def canned(respond: Respond | bytes, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve on a loopback port; yields the base URL."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.count = 0
        server.counting = threading.Lock()
        server.respond = (lambda *_: respond) if isinstance(respond, bytes) else respond
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        scheme = "https" if tls else "http"
        try:
            yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
