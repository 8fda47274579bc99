"""The wire against servers that break every rule: a finding within the time limit, bounded memory, never a crash."""

import asyncio
import gzip
import re
import time
import zlib
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import replace
from unittest.mock import create_autospec

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftest.canned import answer, canned
from trigger_conformance.checks.client import Authorization
from trigger_conformance.checks.operation import Readings, operations
from trigger_conformance.options.target import Target
from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.decoding import OversizedAnswerError, decode
from trigger_conformance.wire.exchange import FailureKind, Framing, Upload
from trigger_conformance.wire.ledger import BudgetSpentError, Ledger
from trigger_conformance.wire.redaction import Redactor
from trigger_conformance.wire.transport import _Connection, _parser_after, _pauses, _read
from trigger_conformance.wire.wire import Wire

BATCH = b'{"id":"batch_1","runCount":1,"isCached":false}'
OK = answer("202 Accepted", BATCH)
KEY = "tr_dev_marker_key"
AMPLE = Budget(requests=100, runs=1000, seconds=20)


@pytest.fixture
def connect(tmp_path):
    """A client for a base URL; ``budget`` and further options of the target may be given."""
    opened = []

    def make(base_url, budget=AMPLE, **options):
        target = Target(base_url=base_url, api_key=KEY, **{"timeout": 1.0, **options})
        ledger = Ledger(tmp_path / f"ledger{len(opened)}.sqlite", budget, create=True)
        wire = Wire(target, ledger, Redactor([KEY]), reading=Readings(target.stated))
        opened.append((wire, ledger))
        api = operations()["create_batch"].client(target, wire)
        api.begin("create_batch.selftest")
        return api

    yield make
    for wire, ledger in opened:
        wire.close()
        ledger.close()


def test_what_nothing_wakes_any_more_is_not_waited_for(tmp_path):
    """An interruption comes in the middle of anything, also where a request under way was about to be woken."""
    ledger = Ledger(tmp_path / "ledger.sqlite", AMPLE, create=True)
    wire = Wire(Target(base_url="http://127.0.0.1:1", api_key=KEY), ledger, Redactor([KEY]))

    async def never_ends():
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)

    under_way = wire._loop.create_task(never_ends())  # noqa: SLF001
    wire.hang_up()
    asked = time.monotonic()
    wire.close()
    assert time.monotonic() - asked < 5
    assert not under_way.done()
    ledger.close()


def raw(status="202 Accepted", *lines, body=b""):
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@contextmanager
def recording():
    """A server that accepts everything: its base URL, and the requests as they arrived."""
    seen = []

    def respond(request, _number, _connection):
        seen.append(request)
        return OK

    with canned(respond) as base_url:
        yield base_url, seen


def hang(_request, _number, _connection):
    time.sleep(3)


def endless(_request, _number, connection):
    connection.sendall(raw("202 Accepted", "Transfer-Encoding: chunked"))
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    while True:
        connection.sendall(chunk)


def trickle(_request, _number, connection):
    connection.sendall(raw("202 Accepted", "Content-Length: 1000"))
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def huge(_request, _number, connection):
    connection.sendall(raw("202 Accepted", "Content-Length: 100000000"))
    for _ in range(1600):
        connection.sendall(b"x" * 65536)


def endless_headers(_request, _number, connection):
    connection.sendall(b"HTTP/1.1 202 Accepted\r\n")
    while True:
        connection.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")


def endless_interim(_request, _number, connection):
    while True:
        connection.sendall(raw("103 Early Hints", "X-More: " + "x" * 1000))


def then_closed(said):
    """Sends these bytes and hangs up."""
    return lambda _request, _number, connection: connection.sendall(said)


TWO_LENGTHS = raw("202 Accepted", "Content-Length: 2", "Content-Length: 3", body=b"{}x")
BAD_CHUNKS = raw("202 Accepted", "Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n")
BOMB = answer("202 Accepted", gzip.compress(b" " * (64 << 20), mtime=0), "Content-Encoding: gzip")
TWICE = answer("202 Accepted", gzip.compress(gzip.compress(b" " * (64 << 20), mtime=0)), "Content-Encoding: gzip, gzip")
THRICE = answer("202 Accepted", gzip.compress(b"{}", mtime=0), "Content-Encoding: gzip, gzip", "Content-Encoding: gzip")
MANY_HEADERS = answer("202 Accepted", BATCH, *(f"X-{number}: a" for number in range(5000)))
BROKEN = {
    "a body cut short": (then_closed(raw("202 Accepted", "Content-Length: 100", body=b"{")), FailureKind.BROKEN),
    "a head cut short": (then_closed(b"HTTP/1.1 202 Acc"), FailureKind.BROKEN),
    "no answer": (then_closed(b""), FailureKind.DROPPED),
    "no HTTP": (then_closed(b"SSH-2.0-OpenSSH\r\n"), FailureKind.BROKEN),
    "two lengths": (TWO_LENGTHS, FailureKind.BROKEN),
    "a length in words": (raw("202 Accepted", "Content-Length: two", body=b"{}"), FailureKind.BROKEN),
    "broken chunks": (BAD_CHUNKS, FailureKind.BROKEN),
    "gzip that is none": (answer("202 Accepted", BATCH, "Content-Encoding: gzip"), FailureKind.BROKEN),
    "hanging": (hang, FailureKind.TIMEOUT),
    "a trickle": (trickle, FailureKind.TIMEOUT),
    "an endless stream": (endless, FailureKind.OVERSIZE),
    "100 MB": (huge, FailureKind.OVERSIZE),
    "endless headers": (endless_headers, FailureKind.BROKEN),
    "a gzip bomb": (BOMB, FailureKind.OVERSIZE),
    "a gzip bomb in gzip": (TWICE, FailureKind.OVERSIZE),
    "three codings": (THRICE, FailureKind.BROKEN),
    "5,000 headers": (MANY_HEADERS, FailureKind.OVERSIZE),
    "endless interim answers": (endless_interim, FailureKind.OVERSIZE),
}


@pytest.mark.parametrize(("respond", "kind"), BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_a_failure_within_the_time_limit(connect, respond, kind):
    with canned(respond) as base_url:
        began = time.monotonic()
        exchange = connect(base_url).create()
    assert exchange.failure.kind is kind
    assert exchange.status is None
    assert time.monotonic() - began < 2.5


def test_an_answer_without_a_length_ends_with_its_connection(connect):
    with canned(then_closed(raw(body=BATCH))) as base_url:
        api = connect(base_url)
        assert api.operation.made(api.create()) == "batch_1"


def test_a_redirect_is_not_followed(connect):
    with canned(answer("302 Found", b"", "Location: /elsewhere")) as base_url:
        assert connect(base_url).create().status == 302


def test_nobody_listens(connect):
    began = time.monotonic()
    exchange = connect("http://127.0.0.1:9").create()
    assert exchange.failure.kind is FailureKind.UNREACHABLE
    assert time.monotonic() - began < 2


def test_requests_leave_as_they_stand(connect):
    with recording() as (base_url, seen):
        api = connect(base_url)
        api.send(api.order(authorization=Authorization((b"Bearer \xff\xe9", b"Bearer x"), "")))
        api.send(api.order(authorization=Authorization((b"",), "")))
        api.send(api.request(b"\x00\xff", content_type=None))
        api.send(api.request({"runCount": 1}, method="FOO"))
    assert b"\nAuthorization: Bearer \xff\xe9\r\nAuthorization: Bearer x\r\n" in seen[0]
    assert b"\nAuthorization: \r\n" in seen[1]
    assert b"Content-Type" not in seen[2]
    assert seen[2].endswith(b"\x00\xff")
    assert seen[3].startswith(b"FOO /api/v3/batches HTTP/1.1\r\n")


def test_a_chunked_body_has_no_length(connect):
    seen = []

    def respond(request, *_):
        seen.append(request)
        return OK

    with canned(respond) as base_url:
        api = connect(base_url)
        api.send(api.request({"runCount": 1}, framing=Framing.CHUNKED))
    assert b"Content-Length" not in seen[0]
    assert b"Transfer-Encoding: chunked" in seen[0]


LIMITED = answer("429 Too Many Requests", b"{}", "Retry-After: 1")


def test_a_429_is_waited_out(connect):
    with canned(lambda _request, number, _connection: LIMITED if number == 1 else OK) as base_url:
        api = connect(base_url)
        began = time.monotonic()
        exchange = api.create()
    assert exchange.status == 202
    assert 1.0 <= time.monotonic() - began < 2.0
    assert [each.status for each in api.wire.ledger.exchanges()] == [429, 202]


def test_a_429_without_a_wait_is_tried_again_ever_more_slowly(connect):
    bare = answer("429 Too Many Requests", b"{}")
    with canned(lambda _request, number, _connection: bare if number <= 2 else OK) as base_url:
        api = connect(base_url)
        exchange = api.create()
    first, second, third = api.wire.ledger.exchanges()
    assert exchange.status == 202
    assert second.started - first.ended >= 0.45
    assert third.started - second.ended >= 0.95


def test_a_wait_that_does_not_fit_into_the_budget_is_not_begun(connect):
    with canned(answer("429 Too Many Requests", b"{}", "Retry-After: 3600")) as base_url:
        began = time.monotonic()
        exchange = connect(base_url).create()
    assert exchange.status == 429
    assert time.monotonic() - began < 1


def test_a_429_may_be_kept(connect):
    with canned(LIMITED) as base_url:
        api = connect(base_url)
        assert api.send(api.order(), keep_429=True).status == 429
        assert api.wire.ledger.requests == 1


def test_budgets_are_kept(connect):
    with canned(OK) as base_url:
        api = connect(base_url, Budget(requests=3, runs=10, seconds=20))
        with pytest.raises(BudgetSpentError, match="--max-runs"):
            api.create(11)
        for _ in range(2):
            api.create()
        with pytest.raises(BudgetSpentError, match="--max-requests"):
            api.send_all([api.order() for _ in range(5)])
        assert api.wire.ledger.requests == 3


def test_a_pace_is_kept(connect):
    with canned(OK) as base_url:
        api = connect(base_url, Budget(requests=100, runs=100, seconds=20, per_second=20))
        exchanges = api.send_all([api.order() for _ in range(10)])
    started = sorted(exchange.started for exchange in exchanges)
    assert started[-1] - started[0] >= 9 / 20 - 0.01


def test_last_bytes_leave_together(connect):
    def respond(_request, _number, _connection):
        time.sleep(0.05)
        return OK

    with canned(respond) as base_url:
        api = connect(base_url)
        exchanges = api.send_together([api.order() for _ in range(16)])
    assert max(each.started for each in exchanges) - min(each.started for each in exchanges) < 0.02
    assert max(each.started for each in exchanges) < min(each.ended for each in exchanges)


def test_a_volley_leaves_together_however_slow_the_pace(connect):
    with canned(OK) as base_url:
        api = connect(base_url, Budget(requests=100, runs=1000, seconds=20, per_second=2.5))
        exchanges = api.send_together([api.order() for _ in range(8)])
    started = [each.started for each in exchanges]
    assert max(started) - min(started) < 0.1
    assert {each.together for each in exchanges} == {1}


def test_a_volley_of_which_the_budget_allows_a_part_comes_to_an_end(connect):
    with canned(OK) as base_url:
        api = connect(base_url, Budget(requests=3, runs=1000, seconds=20))
        with pytest.raises(BudgetSpentError):
            api.send_together([api.order() for _ in range(5)])
        exchanges = api.wire.ledger.exchanges()
    assert [each.status for each in exchanges] == [202] * 3


def test_what_is_sent_again_after_a_volley_is_no_part_of_it(connect):
    with canned(lambda _request, number, _connection: LIMITED if number == 1 else OK) as base_url:
        api = connect(base_url)
        exchanges = api.send_together([api.order() for _ in range(3)])
    assert sorted(each.together for each in exchanges) == [0, 1, 1]
    assert [each.together for each in api.wire.ledger.exchanges()] == [1, 1, 1, 0]


def test_an_upload_pauses_between_its_pieces_alone():
    assert _pauses(Upload((1, 2), pause=0.6), 3) == [0.002, 0.6, 0.6, 0.002]
    assert _pauses(Upload(late=0.1), 1) == [0.1, 0.002]
    # However many pieces there are, none of which waits by itself, they take no time to speak of.
    assert sum(_pauses(Upload(tuple(range(1, 1000))), 1000)) < 0.2


def test_an_upload_arrives_whole_and_no_sooner_than_its_pauses(connect):
    with recording() as (base_url, seen):
        api = connect(base_url)
        order = replace(api.order(key="k", framing=Framing.CHUNKED), upload=Upload((5,), 0.1, late=0.1))
        began = time.monotonic()
        assert api.send(order).status == 202
    assert time.monotonic() - began >= 0.2
    assert order.body[:5] in seen[0]
    assert order.body[5:] in seen[0]


def test_an_abandoned_request_arrives_whole(connect):
    with recording() as (base_url, seen):
        api = connect(base_url)
        order = api.order(key="k")
        assert api.abandon(order).failure.kind is FailureKind.ABANDONED
        assert api.create().status == 202
    assert any(each.endswith(order.body) for each in seen)


def test_a_connection_that_is_closed_while_idle_loses_one_request_at_most(connect):
    def respond(_request, _number, connection):
        connection.sendall(OK)

    with canned(respond) as base_url:
        api = connect(base_url)
        # The end may come just as a request leaves (RFC 9112 section 9.3.1); from then on no connection is used twice.
        statuses = [api.create().status for _ in range(5)]
    assert statuses.count(202) >= 4
    assert set(statuses) <= {202, None}


def test_what_is_kept_holds_no_credential(connect):
    echo = answer("202 Accepted", b'{"id":"' + KEY.encode() + b'"}', f"X-Echo: {KEY}")
    with canned(echo) as base_url:
        api = connect(base_url)
        exchange = api.create()
        assert exchange.answer.leaks == ("header X-Echo", "the body")
        assert KEY not in repr(api.wire.ledger.exchanges())


@pytest.fixture
def listener():
    """A server that keeps what each connection carried: the Authorization values, in order."""
    carried = defaultdict(list)

    def respond(request, _number, connection):
        found = re.search(rb"(?i)authorization: ([^\r]*)", request)
        carried[connection].append(found[1].decode() if found else None)
        return OK

    with canned(respond) as base_url:
        yield base_url, carried


def test_requests_in_turn_share_one_connection(connect, listener):
    base_url, carried = listener
    api = connect(base_url)
    wrong = api.credential("Bearer wrong")
    exchanges = api.send_in_turn([api.order(), api.order(authorization=wrong), api.order()])
    assert list(carried.values()) == [[f"Bearer {KEY}", "Bearer wrong", f"Bearer {KEY}"]]
    assert len({each.connection for each in exchanges}) == 1
    assert exchanges[0].connection > 0


def test_a_connection_that_the_target_closes_is_seen_to_be_another(connect):
    with canned(answer("202 Accepted", b"{}", "Connection: close")) as base_url:
        api = connect(base_url)
        exchanges = api.send_in_turn([api.order(), api.order(), api.order()])
    assert [each.status for each in exchanges] == [202, 202, 202]
    assert len({each.connection for each in exchanges}) == 3


def test_what_is_no_plain_right_key_has_a_connection_of_its_own(connect, listener):
    base_url, carried = listener
    api = connect(base_url, second_api_key="tr_prod_another_key")
    others = [api.credential("Bearer wrong"), api.credential(f"bearer {KEY}"), api.second_bearer]
    for other in others:
        api.send_all([api.order(), api.order(authorization=other), api.order()])
        api.send(api.order(authorization=other))
        api.send(api.order())
    assert all(set(values) == {f"Bearer {KEY}"} or len(values) == 1 for values in carried.values())
    assert max(len(values) for values in carried.values()) > 1


@pytest.mark.parametrize(
    ("codings", "coded"),
    [
        ("gzip", gzip.compress(BATCH, mtime=0)),
        ("x-gzip, identity", gzip.compress(BATCH, mtime=0)),
        ("deflate", zlib.compress(BATCH)),
        ("deflate", zlib.compress(BATCH)[2:-4]),
        ("deflate, gzip", gzip.compress(zlib.compress(BATCH), mtime=0)),
        ("unknown", BATCH),
    ],
)
def test_a_coded_body_is_read(connect, codings, coded):
    with canned(answer("202 Accepted", coded, f"Content-Encoding: {codings}")) as base_url:
        assert connect(base_url).create().answer.body == BATCH


PACKED = gzip.compress(BATCH[:9], mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(BATCH[9:], mtime=0)


def test_gzip_of_several_members_is_read():
    assert decode(PACKED, ["gzip"], 1 << 20) == BATCH
    assert decode(PACKED, ["gzip"], len(BATCH)) == BATCH
    with pytest.raises(OversizedAnswerError):
        decode(PACKED, ["gzip"], len(BATCH) - 1)


NOT_WHOLE = {
    "gzip without its trailer": ("gzip", gzip.compress(BATCH, mtime=0)[:-8]),
    "gzip without its last byte": ("gzip", gzip.compress(BATCH, mtime=0)[:-1]),
    "gzip whose last member is cut off": ("gzip", PACKED[:-1]),
    "gzip and what is none": ("gzip", gzip.compress(BATCH, mtime=0) + b"{}"),
    "gzip and noughts": ("gzip", gzip.compress(BATCH, mtime=0) + bytes(8)),
    "deflate that is cut off": ("deflate", zlib.compress(BATCH)[:-1]),
    "raw deflate that is cut off": ("deflate", zlib.compress(BATCH)[2:-6]),
    "deflate twice": ("deflate", zlib.compress(BATCH) * 2),
}


@pytest.mark.parametrize(("coding", "coded"), NOT_WHOLE.values(), ids=NOT_WHOLE)
def test_a_coded_body_that_is_not_whole_is_an_error(coding, coded):
    with pytest.raises(httpx.DecodingError):
        decode(coded, [coding], 1 << 20)


def test_a_coded_body_of_very_many_members_is_read_in_time():
    members = gzip.compress(b"", mtime=0) * 50_000
    began = time.monotonic()
    assert decode(members, ["gzip"], 1 << 20) == b""
    assert time.monotonic() - began < 2


def test_what_runs_ahead_of_its_reader_is_read_on_when_that_comes():
    connection = _Connection()
    connection.connection_made(create_autospec(asyncio.Transport))
    connection.expect_answer(1 << 22)
    connection.data_received(b"x" * (3 << 19))
    connection.transport.pause_reading.assert_called_once()
    assert len(asyncio.run(connection.receive())) == 3 << 19
    connection.transport.resume_reading.assert_called_once()


def test_a_target_that_was_given_up_is_waited_for_a_moment_only(connect):
    with canned(lambda _request, _number, _connection: time.sleep(3) or OK) as base_url:
        api = connect(base_url, timeout=30.0)
        api.wire.give_up()
        began = time.monotonic()
        exchange = api.create()
    assert exchange.failure.kind is FailureKind.TIMEOUT
    assert time.monotonic() - began < 3


ONE_TEXT, MANY_NUMBERS = b'{"id":"' + b"x" * 1_000_000 + b'"}', b"[" + b"7," * 100_000 + b"7]"


@pytest.mark.parametrize(
    ("requests", "body", "fit"),
    [(100, ONE_TEXT, 16), (20_000, ONE_TEXT, 33), (100_000, ONE_TEXT, 50), (100, MANY_NUMBERS, 3)],
    ids=["a run", "a larger one", "the largest", "many numbers"],
)
def test_a_run_keeps_so_much_of_large_answers_and_no_more(requests, body, fit, connect):
    large = answer("202 Accepted", body)
    with canned(lambda _request, number, _connection: large if number <= fit + 2 else OK) as base_url:
        api = connect(base_url, Budget(requests=requests, runs=1000, seconds=20))
        kinds = [api.create().outcome for _ in range(fit + 4)]
    whole, cut = "202 Accepted", "an answer that there was no room for"
    assert [kind.partition(":")[0] for kind in kinds] == [*[whole] * fit, cut, cut, whole, whole]


HEADS = (b"", b"HTTP/1.1 202 Accepted\r\n", b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n")


@given(st.sampled_from(HEADS), st.binary(max_size=60) | st.text("\r\n:; 0123456789abcdefHTP/.\x00\xff", max_size=60))
def test_any_bytes_are_an_answer_or_a_failure(head, said):
    connection = _Connection()
    connection.data_received(head + (said if isinstance(said, bytes) else said.encode("latin-1")))
    connection.eof_received()
    with suppress(httpx.TransportError):
        assert asyncio.run(_read(_parser_after("POST"), connection, 1 << 20))
