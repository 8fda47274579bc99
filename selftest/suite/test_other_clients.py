"""What is sent as other clients send it: whole, in the pieces that are said, and as the clients themselves do."""

import itertools
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace

import pytest

from selftest.canned import answer
from selftest.wire.test_wire import connect  # noqa: F401
from tests.every_operation.clients import DELIVERIES, HABITS, HEADS, STANDARD, as_sent_by
from tests.every_operation.test_http import ODD_LINES, under_odd_line
from trigger_conformance.checks.operation import operations
from trigger_conformance.options.target import Target
from trigger_conformance.wire.exchange import Delivery, Framing
from trigger_conformance.wire.redaction import Redactor

OK = answer("202 Accepted", b'{"id":"batch_1","runCount":1,"isCached":false}', "Connection: close")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# What a client says of itself, and of the machine that it runs on.
_OWN = {"user-agent", "accept-encoding", "host", "authorization", "content-length"}


class _Segments:
    """A server that takes note of what each read of the socket brings, and says something after the first."""

    def __init__(self, first=b"", last=OK, ends=b"}"):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.seen = []
        self._first, self._last, self._ends = first, last, ends
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        connection, _ = self._listener.accept()
        connection.settimeout(3)
        with connection, self._listener:
            while not self.received.endswith(self._ends) and (data := connection.recv(65_536)):
                self.seen.append(data)
                if len(self.seen) == 1 and self._first:
                    connection.sendall(self._first)
            connection.sendall(self._last)

    @property
    def received(self):
        return b"".join(self.seen)


def order(api, **changes):
    return replace(api.order(key="k"), **changes)


def test_a_body_follows_its_head(connect):  # noqa: F811
    server = _Segments()
    api = connect(server.url)
    request = order(api, delivery=Delivery.HEAD_FIRST)
    assert api.send(request).status == 202
    assert server.seen[0].endswith(b"\r\n\r\n")
    assert server.seen[1:] == [request.body]


def test_a_body_comes_byte_by_byte(connect):  # noqa: F811
    server = _Segments()
    api = connect(server.url)
    request = order(api, delivery=Delivery.BY_BYTES)
    assert api.send(request).status == 202
    assert len(server.seen) > len(request.body) / 2
    assert server.received.endswith(request.body)


@pytest.mark.parametrize("first", [CONTINUE, b""], ids=["100", "nothing"])
def test_an_expected_body_follows_100_or_a_pause(connect, first):  # noqa: F811
    server = _Segments(first)
    api = connect(server.url, timeout=5)
    request = order(api, delivery=Delivery.EXPECTING)
    assert api.send(request).status == 202
    assert server.seen[0].endswith(b"\r\n\r\n")
    assert server.seen[1] == request.body


def test_a_body_stays_where_an_answer_came_in_its_place(connect):  # noqa: F811
    server = _Segments(last=answer("417 Expectation Failed", b"{}"), ends=b"\r\n\r\n")
    api = connect(server.url)
    assert api.send(order(api, delivery=Delivery.EXPECTING)).status == 417
    assert server.received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("framing", [each for each in Framing if each.in_chunks])
def test_chunks_in_every_form_are_the_same_body(connect, framing):  # noqa: F811
    h11 = pytest.importorskip("h11")
    server = _Segments(ends=b"X-Checksum: 0\r\n\r\n" if "trailer" in framing else b"0\r\n\r\n")
    api = connect(server.url)
    request = api.request({"runCount": 1}, framing=framing)
    assert api.send(request).status == 202
    parser, body = h11.Connection(h11.SERVER), b""
    parser.receive_data(server.received)
    while not isinstance(event := parser.next_event(), h11.EndOfMessage):
        body += bytes(event.data) if isinstance(event, h11.Data) else b""
    assert body == request.body
    assert [name for name, _ in event.headers] == ([b"x-checksum"] if "trailer" in framing else [])


def test_an_old_version_and_a_whole_url_stand_in_the_request_line(connect):  # noqa: F811
    server = _Segments()
    api = connect(server.url)
    whole = f"{server.url}/api/v3/batches"
    assert api.send(order(api, version="HTTP/1.0", target=whole)).status == 202
    assert server.received.startswith(f"POST {whole} HTTP/1.0\r\n".encode())


class _NoWire:
    redactor, check = Redactor(), "create_batch.selftest"


API = operations()["create_batch"].client(
    Target(base_url="http://127.0.0.1:1", api_key="k", run_id="0a1b2c3d"), _NoWire()
)


@pytest.mark.parametrize("client", HEADS)
def test_a_clients_request_is_whole(client):
    request = API.order(2, key="k")
    sent = as_sent_by(client, request, (("X-Gateway", "v"),))
    names = Counter(name.lower() for name, _ in sent.headers)
    assert {"host", "authorization", "content-type", "content-length", "x-gateway"} <= names.keys()
    assert max(names.values()) == 1
    assert (sent.body, sent.authorization) == (request.body, request.authorization)
    assert not any(b"{" in value for _, value in sent.headers)


def test_every_habit_is_shown_by_a_client_of_a_standard_run():
    sent = [as_sent_by(client, API.order()) for client in list(HEADS)[:STANDARD]]
    lonely = [label for ways in HABITS.values() for label, habit in ways.items() if not any(map(habit.has, sent))]
    # No client of an API is a browser or asks a POST for a range, and cookies and proxies are no client's own.
    assert lonely == [
        "Accept: application/*", "Accept of a browser", "cookies of others", "an origin", "a preference",
        "the way by proxies", "the proxies' names", "another API's key", "no-store", "a header without a value",
        "a header twice", "a range",
    ]  # fmt: skip


@pytest.mark.parametrize("ways", HABITS.values(), ids=HABITS)
def test_a_habit_that_is_given_is_had(ways):
    for habit in ways.values():
        assert not habit.has(API.order())
        assert habit.has(habit.given(API.order()))


FETCH = """fetch(process.argv[1], {method: "POST", body: "{}", headers:
  {authorization: "Bearer k", "content-type": "application/json"}}).then(each => each.text())"""
REQUESTS = """import requests, sys
requests.post(sys.argv[1], json={}, headers={"Authorization": "Bearer k"})"""
REAL = {
    "fetch (undici)": ["node", "-e", FETCH],
    "Python requests": [sys.executable, "-c", REQUESTS],
    "curl": ["curl", "-s", "-H", "Authorization: Bearer k", "-H", "Content-Type: application/json", "-d", "{}"],
}


@pytest.mark.parametrize("client", REAL)
def test_the_table_is_what_the_client_itself_sends(client):
    if shutil.which(REAL[client][0]) is None:
        pytest.skip(f"needs {REAL[client][0]}")
    server = _Segments()
    subprocess.run([*REAL[client], server.url], check=True, capture_output=True, timeout=30)
    head = server.received.partition(b"\r\n\r\n")[0].decode()
    got = [line.split(": ", 1) for line in head.split("\r\n")[1:]]
    wanted = [line.split(": ", 1) for line in HEADS[client].strip().splitlines()]
    assert [name for name, _ in got] == [name for name, _ in wanted]
    assert {name: told for name, told in got if name.lower() not in _OWN} == {
        name: told for name, told in wanted if name.lower() not in _OWN
    }
    comes_apart = re.search(rb"\r\n\r\n$", server.seen[0]) is not None
    # What leaves in two pieces may still arrive as one.
    assert not comes_apart or DELIVERIES.get(client) is Delivery.HEAD_FIRST


def test_what_is_sent_under_an_odd_line_has_its_own_length(connect, monkeypatch):  # noqa: F811
    api, lengths = connect("http://127.0.0.1:9"), itertools.count(1)
    monkeypatch.setattr(api, "telling", lambda label, **how: api.order(key="k" * next(lengths), label=label, **how))
    for request in (under_odd_line(api, label) for label in ODD_LINES):
        assert int(dict(request.headers)["Content-Length"]) == len(request.body), request.label
