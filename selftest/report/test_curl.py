"""The curl line is what sh and curl make of it: the same bytes as the suite sent."""

import os
import re
import shutil
import subprocess

import pytest

from selftest.canned import answer, canned
from tests.every_operation.clients import HEADS, as_sent_by
from trigger_conformance.checks.client import Authorization
from trigger_conformance.checks.operation import operations
from trigger_conformance.options.target import Target
from trigger_conformance.report.curl import FRESH, Way, curl_line, file_of, is_fresh, needs_file
from trigger_conformance.wire.exchange import Framing
from trigger_conformance.wire.redaction import Redactor

KEY = "tr_dev_marker_key_0123456789"
GATEWAY = ("X-Gateway", "a-secret-of-the-gateway")


class _NoWire:
    redactor = Redactor((KEY,), (GATEWAY,))
    check = "create_batch.selftest"


TARGET = Target(base_url="http://127.0.0.1:1/prefix", api_key=KEY, run_id="0a1b2c3d", headers=(GATEWAY,))
API = operations()["create_batch"].client(TARGET, _NoWire())
RIGHT = API.bearer.values[0]
SWAPPED = KEY.swapcase()
BASIC = "dHJfZGV2X21hcmtlcl9rZXlfMDEyMzQ1Njc4OTo="


def with_authorization(*values):
    return API.order(authorization=Authorization(tuple(values)))


REQUESTS = {
    "plain": API.order(key="k"),
    "quotes and dollars": API.order(key='it\'s $HOME `x` \\ "q" !'),
    "Unicode": API.order(key="ключ 🔑"),
    "control characters": API.order(key="a\nb\tc\x7f"),
    "NUL": API.order(key="a\0b"),
    "a body that begins with @": API.request(b"@/etc/hostname"),
    "a body of percent signs": API.request(b'{"x":"%s%d%%\x01"}'),
    "broken UTF-8": API.request(b'{"x":"\xff\'\\"}'),
    "UTF-16": API.request('{"runCount":1}'.encode("utf-16")),
    "1 MiB": API.request(b'{"x":"' + b"x" * (1 << 20) + b'"}'),
    "10,000 arrays": API.request(b"[" * 10_000 + b"]" * 10_000),
    "10,000 objects": API.request(b'{"x/&":' * 10_000 + b"1" + b"}" * 10_000),
    "10,000 wide characters": API.order(key="한" * 10_000),
    "10,000 bytes that are no UTF-8": API.request(b"\xff\\" * 10_000),
    "no authorization": API.order(authorization=Authorization(())),
    "an empty authorization": API.order(authorization=API.credential("")),
    "an odd authorization": API.order(authorization=API.credential("Basic abc'd")),
    "bytes above 0x7F": API.order(authorization=API.credential(b"Bearer \xff\xfe\xc3\xa9")),
    "two authorizations": with_authorization(RIGHT, b"Bearer wrong"),
    "two, the other way round": with_authorization(b"Bearer wrong", RIGHT),
    "no scheme": API.order(authorization=API.derived(KEY)),
    "letter case swapped": API.order(authorization=API.derived(f"Bearer {SWAPPED}")),
    "middle character changed": API.order(authorization=API.derived(f"Bearer {KEY[:9]}x{KEY[10:]}")),
    "cut short": API.order(authorization=API.derived(f"Bearer {KEY[:-1]}")),
    "first character missing": API.order(authorization=API.derived(f"Bearer {KEY[1:]}")),
    "twice": API.order(authorization=API.derived(f"Bearer {KEY}{KEY}")),
    "extended": API.order(authorization=API.derived(f"Bearer {KEY}0")),
    "Basic": API.order(authorization=API.derived(f"Basic {BASIC}")),
    "16 kB": API.order(authorization=API.credential(b"Bearer " + b"a" * 16_384)),
    "the key and 16 kB": API.order(authorization=API.credential(b"Bearer " + KEY.encode() + b"a" * 16_384)),
    "no Content-Type": API.request({"runCount": 1}, content_type=None),
    "PUT": API.request({"runCount": 1}, method="PUT"),
    "FOO": API.request({"runCount": 1}, method="FOO"),
    "HEAD with a body": API.request({"runCount": 1}, method="HEAD"),
    "GET without a body": API.request(method="GET", content_type=None),
    "an empty POST": API.request(b""),
    "a query": API.request({"runCount": 1}, query="?a=b&c=d"),
    "the key in the query": API.request({"runCount": 1}, query=f"?api_key={KEY}&x=[1-3]{{a,b}}"),
    "the key in the body": API.request({"runCount": 1, "token": KEY, "too": f"it's {KEY}x"}),
    "the key in a cookie": API.request({"runCount": 1}, headers=[("Cookie", f"a={KEY}; c='{KEY}'")]),
    "a cookie": API.request({"runCount": 1}, headers=[("Cookie", "a=b; c='d'")]),
    "an empty header": API.request({"runCount": 1}, headers=[("X-Empty", "")]),
    "a header twice": API.request({"runCount": 1}, headers=[("X-Twice", "a"), ("X-Twice", "b")]),
    "chunked": API.request({"runCount": 1}, framing=Framing.CHUNKED),
    **{client: as_sent_by(client, API.order(key="k"), (GATEWAY,)) for client in HEADS},
}
FRESHENED = {
    "a key of the run": API.order(key=API.key("-suffix")),
    "its length kept": API.order(key=API.key() + "k" * 200),
    "written by numbers": API.request(
        b'{"idempotencyKey":"' + "".join(f"\\u{ord(each):04x}" for each in API.key()).encode() + b'"}'
    ),
    "in UTF-16": API.request(f'{{"idempotencyKey":"{API.key()}"}}'.encode("utf-16-le")),
    "a look-alike number": API.order(key=f"0{0x0A1B2C3D + 10}"),
    "a hexadecimal number": API.order(key=f"{0x0A1B2C3D + 10:#x}"),
    "beyond 2^53": API.order(key=f"{2**53 + 2 * (0x0A1B2C3D + 10) + 1}"),
    "in a header": API.request({"runCount": 1}, headers=[("X-Key", API.key())]),
}


@pytest.fixture
def pasted(tmp_path):
    """What arrives when a line is pasted into sh: head and body."""

    def paste(request, *before):
        seen = []

        def respond(received, _number, connection):
            seen.append(received)
            connection.sendall(answer("202 Accepted", b"{}", "Connection: close"))

        kept = _NoWire.redactor.request(request)
        with canned(respond) as base_url:
            line = curl_line(kept, Way(base_url=base_url, run_id=TARGET.run_id, gateway=frozenset({"x-gateway"})))
            if needs_file(kept.body):
                (tmp_path / "bodies").mkdir(exist_ok=True)
                (tmp_path / file_of(kept.body)).write_bytes(kept.body)
            variables = {"TRIGGER_API_KEY": KEY, "HEADER_X_GATEWAY": GATEWAY[1]}
            ended = subprocess.run(
                ["sh", "-c", "\n".join([*before, line])], cwd=tmp_path, env={**os.environ, **variables},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        assert KEY not in line
        assert len(line) < 2600
        head, body = parted(seen[0])
        return head.decode("latin-1").split("\r\n"), body

    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    return paste


def parted(received):
    """Head and body of what ``canned`` received, which leaves the empty line between them out."""
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", received)
    chunks = re.search(rb"\r\n(?=[0-9a-f]+\r\n)", received)
    end = len(received) - int(length[1]) if length else chunks.end() if chunks else len(received)
    return received[:end].removesuffix(b"\r\n"), received[end:]


def values(headers, name):
    return [value.strip() for each, value in headers if each.lower() == name]


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_curl_sends_what_the_suite_sent(pasted, request_):
    lines, body = pasted(request_, "RUN=0a1b2c3d")
    assert lines[0] == f"{request_.method} {request_.target} HTTP/1.1"
    chunked = request_.framing is Framing.CHUNKED
    assert body == (b"%x\r\n%b\r\n0\r\n\r\n" % (len(request_.body), request_.body) if chunked else request_.body)
    got = [each.split(":", 1) for each in lines[1:]]
    for usual in ("accept", "user-agent"):
        told = [value.decode() for name, value in request_.headers if name.lower() == usual]
        if not any(each.startswith(("trigger-conformance/", "application/json")) for each in told):
            assert values(got, usual) == told
    sent = [(name, value.decode("latin-1")) for name, value in request_.headers]
    for name in {"authorization", "content-type", "cookie", "content-length", *(each.lower() for each, _ in sent)}:
        if name not in ("host", "user-agent", "accept", "accept-encoding"):
            assert values(got, name) == [value.strip() for value in values(sent, name)], name


@pytest.mark.parametrize("request_", FRESHENED.values(), ids=FRESHENED)
def test_a_key_of_the_run_is_never_sent_again(pasted, request_):
    assert is_fresh(curl_line(request_, Way(base_url="http://127.0.0.1:1", run_id=TARGET.run_id)))
    for run, same in (("RUN=0a1b2c3d", True), ("RUN=1a1b2c3d", False), (FRESH, False)):
        lines, body = pasted(request_, run)
        key = [each for each in lines if each.startswith("X-Key")]
        wanted = [f"X-Key: {value.decode()}" for name, value in request_.headers if name == "X-Key"]
        assert ((body, key) == (request_.body, wanted)) is same
        if (API.operation.key(request_) or "").startswith("conformance-"):
            assert len(body) == len(request_.body)


def test_a_body_that_does_not_fit_is_a_file(pasted):
    noise = bytes(range(1, 256)) * 40
    assert pasted(API.request(noise))[1] == noise
    key = API.key()
    _, body = pasted(API.request(noise + key.encode() + KEY.encode()), "RUN=1a1b2c3d")
    assert body == noise + key.replace("0a1b2c3d", "1a1b2c3d").encode() + KEY.encode()


def test_a_line_ends_by_itself_and_says_what_it_takes_from_the_environment():
    way = Way(base_url="https://example.com", timeout=4, key="STAGING_KEY", gateway=frozenset({"x-gateway"}))
    line = curl_line(_NoWire.redactor.request(API.request({"token": KEY})), way)
    assert line.endswith("--max-time 4")
    assert '"Authorization: Bearer $STAGING_KEY"' in line
    assert '"$STAGING_KEY"' in line.partition("--data-raw")[2]
    assert '"X-Gateway: $HEADER_X_GATEWAY"' in line
