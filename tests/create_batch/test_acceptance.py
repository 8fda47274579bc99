"""Acceptance and response shape."""

import re

from tests.every_operation.packs import expect_ignored
from trigger_conformance.checks.expect import seen
from trigger_conformance.checks.ground import rests
from trigger_conformance.checks.requirement import Profile, Stage, must, should
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.rules import delegated_token as token
from trigger_conformance.wire.redaction import REDACTED

from . import look_alike_names
from .expectations import expect, given
from .grounds import MISSING, NOT_CACHED, given_accepted, given_batches
from .operation import batch, is_cached, is_new, key_of, run_count

ECHOED = "create_batch.acceptance.credential_is_never_echoed"
TOKEN, CLAIMS = f"header {token.TOKEN}", f"header {token.CLAIMS}"
# RFC 3986 section 3.3: what a path segment holds as it stands, without percent-encoding.
PATH_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")


def accepted(traffic):
    return [exchange for exchange in traffic if exchange.status == 202]


def plainly_accepted(traffic):
    return [exchange for exchange in accepted(traffic) if not look_alike_names.are_in(exchange.request)]


@must(
    "every subset of the optional properties is accepted",
    clause="CreateBatchRequest.resumeParentOnCompletion",
)
def test_every_subset_of_optional_properties_is_accepted(target):
    orders = [
        target.order(resumeParentOnCompletion=True, label="with resumeParentOnCompletion true"),
        target.order(resumeParentOnCompletion=False, label="with resumeParentOnCompletion false"),
        target.order(key=target.key(), resumeParentOnCompletion=True, label="with key and resume true"),
        target.order(key=target.key(), resumeParentOnCompletion=False, label="with key and resume false"),
    ]
    given(given_accepted(target.send_all(orders)), rests_on=NOT_CACHED).is_new_batch()


@must(
    "property names are case-sensitive: look-alikes are unknown properties",
    clause="CreateBatchRequest.runCount",
    profile=Profile.SMOKE,
)
def test_look_alike_properties_are_ignored(target):
    # Each with a value of its own, so that the answer tells which one counted, or of a type that would be rejected.
    counts = {f'"{name}"': str(number) for number, name in enumerate(look_alike_names.OF_RUN_COUNT, 1)}
    others = {f'"{name}"': "[]" for name in look_alike_names.OF_OTHERS}
    members = {f"extra property {name}": f"{name}:{value}" for name, value in {**counts, **others}.items()}
    expect_ignored(target, members, label="look-alikes of every property", plain=lambda: target.weighing(9))
    if target.profile > Profile.SMOKE:
        expect_no_stand_in(target)


def expect_no_stand_in(target):
    """Where a property is left out, its look-alikes do not stand in for it."""
    inside = {name: {"runCount": 1} for name in ("conformanceExtra", "data", "batch")}
    counts = {**dict.fromkeys(look_alike_names.OF_RUN_COUNT, 1), **inside, "items": [{}]}
    answer = target.send(
        target.request({**counts, "idempotencyKey": target.key()}, label="look-alikes of runCount only")
    )
    if answer.status == 202 and target.send(target.request({}, label="runCount missing")).status == 202:
        rests(MISSING, "a body without runCount is accepted", [answer])
    expect(answer).is_rejected()
    given_batches(target.send(target.order(label="no key")))
    key = target.key()
    named = {**dict.fromkeys(look_alike_names.OF_THE_KEY, key), "conformanceExtra": [{"idempotencyKey": key}]}
    labels = ("look-alikes of the key only", "the same again")
    answers = expect([target.send(target.order(label=label, properties=named)) for label in labels]).is_accepted()
    expect(answers).satisfies(
        lambda each: "a look-alike was taken for the key" if "idempotencyKey" in each.answer.document else None,
        place="idempotencyKey",
    )
    expect(answers).is_new_batch()


@must(
    "a batch's id is not empty and usable as one URL path segment as it stands",
    clause="CreateBatchResponse.id",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_id_is_a_path_segment(traffic):
    def judge(exchange):
        usable = batch(exchange) is not None and PATH_SEGMENT.fullmatch(batch(exchange)) and batch(exchange).strip(".")
        return None if usable else f"the id {batch(exchange)!r} is no path segment as it stands"

    expect(accepted(traffic)).satisfies(judge, place="id")


@must(
    "an id is never given to two batches", clause="CreateBatchResponse.id", profile=Profile.SMOKE, stage=Stage.CLOSING
)
def test_ids_are_never_given_twice(traffic):
    owners = {}

    def judge(exchange):
        owner = owners.setdefault(batch(exchange), exchange)
        # What one key got twice is one batch, whatever is said of it.
        same = owner is exchange or key_of(exchange.request) == key_of(owner.request) is not None
        return None if same else f"the id {quoted(batch(exchange))} is also that of exchange #{owner.number}"

    expect([exchange for exchange in accepted(traffic) if is_new(exchange)]).satisfies(judge, place="id")


@must(
    "a new batch's runCount is the requested one",
    clause="CreateBatchResponse.runCount",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_new_batch_has_the_requested_run_count(target, traffic):
    def judge(exchange):
        wanted, got = run_count(exchange.request), exchange.answer.document.get("runCount")
        return None if type(got) is int and got == wanted else f"expected runCount {wanted}, got {got!r}"

    # A replay that is said to be new is another requirement's affair.
    firsts = {batch(each): each for each in reversed(plainly_accepted(traffic)) if is_new(each)}
    # Of one that should have been rejected no answer is right.
    created = [each for each in firsts.values() if 1 <= (run_count(each.request) or 0) <= target.max_run_count]
    expect(created).satisfies(judge, place="runCount")


@must(
    "isCached is false for a new batch",
    clause="CreateBatchResponse.isCached",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_new_batch_is_not_cached(target, traffic):
    def judge(exchange):
        cached = exchange.answer.document.get("isCached")
        return None if cached is False else f"no key was sent, yet isCached is {cached!r}"

    keyless = [
        each
        for each in plainly_accepted(traffic)
        if "idempotencyKey" not in (each.request.document or {"idempotencyKey": 0})
    ]
    # A part of the suite may have sent a key each time.
    expect(keyless or given_accepted(target.send(target.order()))).satisfies(judge, place="isCached")


@must(
    "idempotencyKey, where an answer has it, is the request's; it is absent when none was sent",
    clause="CreateBatchResponse.idempotencyKey",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_answered_key_is_the_requests(traffic):
    def judge(exchange):
        if "idempotencyKey" not in exchange.answer.document:
            return None
        got = exchange.answer.document["idempotencyKey"]
        same = isinstance(got, str) and got == key_of(exchange.request)
        return None if same else f"expected {key_of(exchange.request)!r} or nothing, got {got!r}"

    expect([each for each in plainly_accepted(traffic) if each.request.document is not None]).satisfies(
        judge, place="idempotencyKey"
    )


@should(
    "an answer names the idempotency key whenever one was sent",
    clause="CreateBatchResponse.idempotencyKey",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_answer_names_the_key(traffic):
    # What is no batch at all is the schema's affair.
    keyed = [each for each in accepted(traffic) if key_of(each.request) is not None and is_cached(each) is not None]
    seen(keyed, "202 to a request with a key").satisfies(
        lambda each: None if "idempotencyKey" in each.answer.document else "idempotencyKey is missing",
        place="idempotencyKey",
    )


@should(
    "a 202 carries x-trigger-jwt and x-trigger-jwt-claims",
    clause="createBatch.responses.202.headers.x-trigger-jwt",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_accepted_answers_carry_the_token_headers(traffic):
    def judge(exchange):
        missing = [name for name in (token.TOKEN, token.CLAIMS) if exchange.answer.header(name) is None]
        return f"{' and '.join(missing)} missing" if missing else None

    seen([each for each in accepted(traffic) if is_new(each)], "new batch").satisfies(judge, place=TOKEN)


def with_token_headers(traffic):
    carrying = [
        each for each in accepted(traffic) if each.answer.header(token.TOKEN) or each.answer.header(token.CLAIMS)
    ]
    if hidden := [
        each
        for each in carrying
        if any(REDACTED in (each.answer.header(name) or "") for name in (token.TOKEN, token.CLAIMS))
    ]:
        # What stands in for a secret is no part of the token.
        rests(ECHOED, "the token holds a credential, which is kept out of every record", hidden[:1])
    return seen(carrying, "202 with x-trigger-jwt or x-trigger-jwt-claims")


@must(
    "x-trigger-jwt is a compact JWS with base64url JSON parts, signed, and not expired",
    clause="createBatch.responses.202.headers.x-trigger-jwt",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_delegated_token_is_well_formed(traffic):
    with_token_headers(traffic).satisfies(lambda each: token.token_problem(each.answer), place=TOKEN)


@must(
    "x-trigger-jwt-claims is a JSON object",
    clause="createBatch.responses.202.headers.x-trigger-jwt-claims",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_claims_header_is_a_json_object(traffic):
    with_token_headers(traffic).satisfies(lambda each: token.claims_problem(each.answer), place=CLAIMS)


@should(
    "every claim in x-trigger-jwt-claims equals the token's",
    clause="createBatch.responses.202.headers.x-trigger-jwt-claims",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_claims_header_agrees_with_the_token(traffic):
    with_token_headers(traffic).satisfies(lambda each: token.disagreement(each.answer), place=CLAIMS)
