"""HTTP/2 heads that no sound server sends: a failure, never a crash."""

import socketserver
import ssl
import threading
from contextlib import contextmanager

import h2.config
import h2.connection
import h2.events
import pytest
import trustme

from selftest.wire.test_wire import connect  # noqa: F401
from trigger_conformance.wire.exchange import FailureKind

# Without its own validation h2 sends any head.
SERVER = h2.config.H2Configuration(client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False)


class _Handler(socketserver.BaseRequestHandler):
    """Answers every request with the server's ``head`` and an empty body."""

    def handle(self):
        speaker = h2.connection.H2Connection(SERVER)
        speaker.initiate_connection()
        self.request.sendall(speaker.data_to_send())
        while data := self.request.recv(65536):
            for event in speaker.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    speaker.send_headers(event.stream_id, self.server.head, end_stream=True)
            self.request.sendall(speaker.data_to_send())


@contextmanager
def http2(head):
    """Serve on a loopback port with TLS; yields the base URL."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["h2"])
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None
        server.head = head
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def test_a_sound_head_is_read(connect):  # noqa: F811
    with http2([(":status", "204")]) as base_url:
        exchange = connect(base_url, http2=True, insecure=True).create()
    assert (exchange.status, exchange.answer.version) == (204, "HTTP/2")


BROKEN = {
    "a status in words": ([(":status", "abc")], FailureKind.BROKEN),
    "an empty status": ([(":status", "")], FailureKind.BROKEN),
    "a negative status": ([(":status", "-5")], FailureKind.BROKEN),
    "a status of two digits": ([(":status", "99")], FailureKind.BROKEN),
    "a status of many digits": ([(":status", "99999999")], FailureKind.BROKEN),
    "300 headers": ([(":status", "202"), *((f"x-{number}", "a") for number in range(300))], FailureKind.OVERSIZE),
}


@pytest.mark.parametrize(("head", "kind"), BROKEN.values(), ids=BROKEN)
def test_a_broken_head_is_a_failure(connect, head, kind):  # noqa: F811
    with http2(head) as base_url:
        exchange = connect(base_url, http2=True, insecure=True).create()
    assert exchange.failure.kind is kind
