"""The other properties of the request, and the body as a whole."""

import pytest

from trigger_conformance.checks.client import encode
from trigger_conformance.checks.expect import REJECTIONS
from trigger_conformance.checks.requirement import Profile, info, must, should
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import Beyond

from .expectations import expect
from .keys import unspent

MISTYPED = {
    "parentRunId": ("1", "null", "true", "[]", "{}", '["run_1"]'),
    "resumeParentOnCompletion": ('"true"', '"false"', '""', "1", "0", "null", "[]", "{}"),
    "idempotencyKey": ("1", "0", "1.5", "null", "true", "false", "[]", "{}", '["key"]'),
}
SMOKE = {
    'resumeParentOnCompletion "true"', "idempotencyKey 1", "parentRunId 1", "an array",
    "a trailing comma",
}  # fmt: skip
NO_OBJECT = {
    "an array": b'[{"runCount":1}]',
    "a string": b'"runCount"',
    "a string that holds an object": rb'"{\"runCount\":1}"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "an empty body": b"",
    "a form": b"runCount=1",
}
MALFORMED = {
    "cut short": b'{"runCount":1',
    "a trailing comma": b'{"runCount":1,}',
    "single quotes": b"{'runCount':1}",
    "names without quotes": b"{runCount:1}",
    "a block comment": b'{"runCount":1/* one */}',
    "a line comment": b'{"runCount":1}// one',
    "two documents": b'{"runCount":1}{"runCount":1}',
    "text after the document": b'{"runCount":1}x',
    "a leading zero": b'{"runCount":01}',
    "a plus sign": b'{"runCount":+1}',
    "a hexadecimal number": b'{"runCount":0x1}',
    "a raw line break in a string": b'{"runCount":1,"x":"a\nb"}',
    "an unknown escape": rb'{"runCount":1,"x":"\q"}',
}
NO_UTF8 = {
    "in a string": b'{"runCount":1,"x":"\xff"}',
    "cut-off sequence": b'{"runCount":1,"x":"\xe2\x82"}',
    "overlong form": b'{"runCount":1,"x":"\xc0\xaf"}',
    "encoded surrogate": b'{"runCount":1,"x":"\xed\xa0\x80"}',
    "Latin-1": '{"runCount":1,"x":"é"}'.encode("latin-1"),
}
OTHER_ENCODINGS = {
    "UTF-16": '{"runCount":1}'.encode("utf-16"),
    "UTF-16 LE without a byte-order mark": '{"runCount":1}'.encode("utf-16-le"),
    "UTF-16 BE without a byte-order mark": '{"runCount":1}'.encode("utf-16-be"),
    "UTF-32": '{"runCount":1}'.encode("utf-32"),
    "UTF-32 LE without a byte-order mark": '{"runCount":1}'.encode("utf-32-le"),
    "UTF-32 BE without a byte-order mark": '{"runCount":1}'.encode("utf-32-be"),
}
NESTING = 10_000


def bodies(target, cases):
    return [
        target.request(body, label=label)
        for label, body in cases.items()
        if target.profile > Profile.SMOKE or label in SMOKE
    ]


@pytest.fixture(scope="module")
def mistyped(target):
    cases = [(name, literal) for name, literals in MISTYPED.items() for literal in literals]
    chosen = [case for case in cases if target.profile > Profile.SMOKE or f"{case[0]} {case[1]}" in SMOKE]
    requests = [
        target.request(
            encode(
                {"runCount": 1, **({} if name == "idempotencyKey" else {"idempotencyKey": target.key()})},
                **{name: literal},
            ),
            label=f"{name} {literal}",
        )
        for name, literal in chosen
    ]
    return target.send_all(requests)


def about(exchanges, name):
    return [each for each in exchanges if each.request.label.startswith(f"{name} ")]


@must("a parentRunId that is no string is rejected", clause="CreateBatchRequest.parentRunId", profile=Profile.SMOKE)
def test_mistyped_parent_run_is_rejected(mistyped):
    expect(about(mistyped, "parentRunId")).is_rejected()


@must(
    "a resumeParentOnCompletion that is no boolean is rejected",
    clause="CreateBatchRequest.resumeParentOnCompletion",
    profile=Profile.SMOKE,
)
def test_mistyped_resume_is_rejected(mistyped):
    expect(about(mistyped, "resumeParentOnCompletion")).is_rejected()


@must(
    "an idempotencyKey that is no string is rejected", clause="CreateBatchRequest.idempotencyKey", profile=Profile.SMOKE
)
def test_mistyped_key_is_rejected(mistyped):
    expect(about(mistyped, "idempotencyKey")).is_rejected()


@must("a request rejected for a mistyped property creates nothing", clause="createBatch.responses.422")
def test_mistyped_property_creates_nothing(target, mistyped):
    rejected = unspent(target, [each for each in mistyped if each.status in REJECTIONS])
    kept = rejected[:: target.pick(smoke=1, standard=2, thorough=1)]
    expect(target.send_all(target.twin(each.request) for each in kept)).is_new_batch()


@must("a body that is no JSON object is rejected", clause="createBatch.requestBody", profile=Profile.SMOKE)
def test_body_must_be_a_json_object(target):
    expect(target.send_all(bodies(target, NO_OBJECT))).is_rejected()


@must("malformed JSON is rejected", clause="createBatch.requestBody", profile=Profile.SMOKE)
def test_malformed_json_is_rejected(target):
    expect(target.send_all(bodies(target, MALFORMED))).is_rejected()


@should("invalid UTF-8 is rejected", clause="RFC 8259 8.1")
def test_invalid_utf8_is_rejected(target):
    expect(target.send_all(bodies(target, NO_UTF8))).is_rejected()


@should("UTF-16 and UTF-32 are rejected", clause="RFC 8259 8.1")
def test_utf16_and_utf32_are_rejected(target):
    expect(target.send_all(bodies(target, OTHER_ENCODINGS))).is_rejected()


@info("whether a UTF-8 byte-order mark is accepted", clause="createBatch.requestBody")
def test_byte_order_mark(target):
    answer = target.send(target.request(b'\xef\xbb\xbf{"runCount":1}', label="byte-order mark"))
    target.note(f"a body with a byte-order mark: {answer.outcome}")


@info("which of two equal names counts", clause="createBatch.requestBody")
def test_repeated_property(target):
    answer = target.send(target.request(b'{"runCount":1,"runCount":2}', label="runCount twice"))
    counted = f", runCount {quoted(answer.answer.document.get('runCount'))}" if answer.status == 202 else ""
    target.note(f"runCount 1 and then 2 in one object: {answer.outcome}{counted}")


@pytest.fixture(scope="module")
def orphans(target):
    parents = ("run_conformance0000000000", "", "no such run", "../runs/1", "run_" + "x" * 300, "' OR '1'='1")
    requests = [
        target.order(key=target.key(), parentRunId=parent, label=f"parentRunId {parent[:24]!r}") for parent in parents
    ]
    requests += [
        target.order(
            key=target.key(),
            parentRunId=parents[0],
            resumeParentOnCompletion=resume,
            label=f"unknown parent, resume {str(resume).lower()}",
        )
        for resume in (True, False)
    ]
    return target.send_all(requests)


@must(
    "a parentRunId that names no run is answered 202 or a documented error",
    clause="CreateBatchRequest.parentRunId",
)
def test_unknown_parent_run_is_answered(orphans):
    expect(orphans).has_status(202, *REJECTIONS, 404)


@should(
    "a parentRunId that names no run is not answered 404, which is not documented",
    clause="createBatch.responses",
)
def test_unknown_parent_run_is_no_404(orphans):
    expect(orphans).satisfies(lambda each: "404 is not documented" if each.status == 404 else None, place="status")


@must(
    "deep nesting and large bodies in an unknown property are answered, never with a 5xx",
    clause="createBatch.requestBody",
)
def test_deep_and_large_bodies_are_answered(target):
    extras = {
        "10,000 arrays in each other": b"[" * NESTING + b"]" * NESTING,
        "10,000 objects in each other": b'{"x":' * NESTING + b"1" + b"}" * NESTING,
        "a string of 1 MiB": b'"' + b"x" * (1 << 20) + b'"',
    }
    requests = [
        target.request(b'{"runCount":1,"conformanceExtra":' + extra + b"}", label=label, beyond=Beyond.SIZE)
        for label, extra in extras.items()
    ]
    expect([target.send(request) for request in requests]).has_status(202, *REJECTIONS, 404, 405, 411, 413, 415, 431)
