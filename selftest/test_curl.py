"""The curl line is what a shell and curl make of it: the same bytes as the suite sent."""

import os
import shutil
import subprocess

import pytest

from selftest.canned import answer, canned
from trigger_conformance.client import Authorization, BatchApi
from trigger_conformance.contract import Contract
from trigger_conformance.report.curl import curl_line
from trigger_conformance.target import Target
from trigger_conformance.wire.exchange import Framing
from trigger_conformance.wire.redaction import Redactor


class _NoWire:
    redactor = Redactor()
    check = "create_batch.selftest"


KEY = "tr_dev_marker_key"
API = BatchApi(Target(base_url="http://127.0.0.1:1/prefix", api_key=KEY), _NoWire(), Contract())
REQUESTS = {
    "plain": API.order(key="k"),
    "quotes and dollars": API.order(key='it\'s $HOME `x` \\ "q" !'),
    "Unicode": API.order(key="ключ 🔑"),
    "control characters": API.order(key="a\nb\tc\x7f"),
    "broken UTF-8": API.request(b'{"x":"\xff\'\\"}'),
    "no authorization": API.order(authorization=Authorization((), "")),
    "an odd authorization": API.order(authorization=API.credential("Basic abc'd")),
    "no Content-Type": API.request({"runCount": 1}, content_type=None),
    "PUT": API.request({"runCount": 1}, method="PUT"),
    "GET without a body": API.request(method="GET", content_type=None),
    "an empty POST": API.request(b""),
    "a query": API.request({"runCount": 1}, query="?a=b&c=d"),
    "a cookie": API.request({"runCount": 1}, headers=[("Cookie", "a=b; c='d'")]),
}


def parts(received):
    head, _, body = received.partition(b"\r\n\r\n") if b"\r\n\r\n" in received else (received, b"", b"")
    return head, body


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_curl_sends_what_the_suite_sent(request_):
    seen = []

    def respond(received, _number, _connection):
        seen.append(received)
        return answer("202 Accepted", b"{}", "Connection: close")

    with canned(respond) as base_url:
        line = curl_line(request_, base_url)
        subprocess.run(
            ["bash", "-c", line], env={**os.environ, "TRIGGER_API_KEY": KEY}, check=True, capture_output=True
        )
    received = seen[0]
    lines = received[: len(received) - len(request_.body)].decode("latin-1").splitlines()
    assert lines[0] == f"{request_.method} /prefix/api/v3/batches{request_.target.partition('batches')[2]} HTTP/1.1"
    assert received.endswith(request_.body)
    named = {name.lower(): value for name, value in (each.split(": ", 1) for each in lines[1:] if ": " in each)}
    wanted = {name.lower(): value.decode("latin-1") for name, value in request_.headers}
    for name in ("authorization", "content-type", "cookie", "content-length"):
        assert named.get(name) == wanted.get(name), name


def test_a_chunked_request_stays_one():
    line = curl_line(API.request({"runCount": 1}, framing=Framing.CHUNKED), "https://example.com/prefix")
    assert "-H 'Transfer-Encoding: chunked'" in line


def test_a_large_body_is_named_not_shown():
    line = curl_line(API.request(b"x" * 5000), "https://example.com")
    assert "5,000 bytes" in line
    assert len(line) < 500


def test_the_credential_is_a_variable():
    for request in REQUESTS.values():
        assert KEY not in curl_line(request, "https://example.com")
