"""Acceptance and response shape."""

import re

import pytest

from trigger_conformance.checks.expect import REJECTIONS, InconclusiveError, NotApplicableError, expect
from trigger_conformance.checks.losses import Losses, is_late
from trigger_conformance.checks.requirement import Profile, Stage, must, should
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.rules import delegated_token as token
from trigger_conformance.wire.exchange import Beyond, Framing

from .packs import expect_ignored

MOST_SAID = 1 << 16
ERRORS = (*REJECTIONS, 429)
STANDARD_REFUSALS = {404, 405, 411, 413, 415, 431}
# RFC 3986 section 3.3: what a path segment holds as it stands, without percent-encoding.
PATH_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")
# Each takes time in proportion to the text.
INTERNALS = {
    "a stack trace": r"Traceback \(most recent call last\)|^[ \t]+at [\w.$<>\[\] ]+\(.*:\d+\)|goroutine \d+ \[",
    "a source position": r"""File "[^"]+", line \d|(?<=[\w./-])\.(ts|js|mjs|py|go|rb|java|php|rs|cs|ex):\d""",
    "SQL": r"SQLSTATE|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b.{1,400}\b(FROM|VALUES|SET|WHERE)\b"
    r"|violates unique constraint|duplicate key value|syntax error at or near",
    "a file path": r"(?<![\w/.:-])/(usr|home|app|srv|var|opt|root|etc|tmp|workspace|Users|node_modules)/[\w./-]"
    r"|\b[A-Z]:\\\w+\\",
}

LOOK_ALIKE_COUNTS = (
    "RunCount", "RUNCOUNT", "runcount", "run_count", "runCount ", " runCount", "run-count", "ｒｕｎＣｏｕｎｔ",
)  # fmt: skip
# The Kelvin sign and the long s are a k and an s where letter case is folded as Unicode has it.
LOOK_ALIKES = (
    "idempotency_key", "IdempotencyKey", "idempotencykey", "idempotency\u212aey", "parent_run_id", "ParentRunId",
    "resume_parent_on_completion", "re\u017fumeParentOnCompletion", "ResumeParentOnCompletion",
)  # fmt: skip
GENERATED = "create_batch.fuzzing.generated_"
# A soak run has more answers to generated requests than there is time to judge three times.
MOST_JUDGED = 4000


def accepted(traffic):
    return [exchange for exchange in traffic if exchange.status == 202]


def on_operation(traffic):
    return [exchange for exchange in traffic if exchange.request.method == "POST"]


def with_status(traffic, *statuses):
    """Error answers that the contract's words on bodies apply to; a refusal by the HTTP layer is not among them."""
    return [each for each in on_operation(traffic) if each.status in statuses and each.request.beyond is Beyond.NOTHING]


@pytest.fixture(scope="module")
def libraries(target, traffic):
    """What two libraries that know the published document hold against the answer to a generated request."""
    generated = {each.number for each in traffic if each.check.startswith(GENERATED)}
    if not generated:
        return lambda _: None
    from trigger_conformance.checks.judges import Judges

    judges, judged = Judges(target.contract), set(sorted(generated)[:MOST_JUDGED])
    return lambda exchange: judges.problem(exchange) if exchange.number in judged else None


def seen(exchanges, what):
    if not exchanges:
        raise NotApplicableError(f"the run saw no {what}")
    return expect(exchanges)


@must("a plain valid request is answered 202", clause="createBatch.responses.202", profile=Profile.SMOKE)
def test_valid_request_is_accepted(target):
    expect(target.create()).is_accepted()


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
    expect(target.send_all(orders)).is_new_batch()


@must("unknown extra properties are accepted", clause="CreateBatchRequest", profile=Profile.SMOKE)
def test_unknown_properties_are_accepted(target):
    values = {
        "a string": '"x"',
        "a number": "1.5",
        "null": "null",
        "an array": "[1,[2]]",
        "an object": '{"runCount":0}',
    }
    members = {
        f"extra property with {name}": f'"conformance{number}":{value}'
        for number, (name, value) in enumerate(values.items())
    }
    many = {"fifty extra properties": ",".join(f'"conformanceExtra{number}":{number}' for number in range(50))}
    expect_ignored(target, {**members, **many}, label="fifty and one of every type", ground=())


@must(
    "property names are case-sensitive: look-alikes are unknown properties",
    clause="CreateBatchRequest.runCount",
    profile=Profile.SMOKE,
)
def test_look_alike_properties_are_ignored(target):
    # Each with a value of its own, so that the answer tells which one counted, or of a type that would be rejected.
    counts = {f'"{name}"': str(number) for number, name in enumerate(LOOK_ALIKE_COUNTS, 1)}
    others = {f'"{name}"': "[]" for name in LOOK_ALIKES}
    members = {f"extra property {name}": f"{name}:{value}" for name, value in {**counts, **others}.items()}
    expect_ignored(target, members, label="look-alikes of every property", run_count=9)


@must(
    "every 202 has an application/json body that satisfies CreateBatchResponse",
    clause="CreateBatchResponse",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_accepted_answers_satisfy_the_schema(target, traffic, libraries):
    def judge(exchange):
        found = libraries(exchange)
        if exchange.answer.media_type != "application/json":
            return f"expected application/json, got {exchange.answer.header('content-type')!r}"
        if len(exchange.answer.all("content-type")) > 1:
            return "Content-Type is there more than once"
        return next(iter(target.contract.schema_errors("CreateBatchResponse", exchange.answer.json)), found)

    expect(accepted(traffic)).satisfies(judge)


@must(
    "a batch's id is not empty and usable as one URL path segment as it stands",
    clause="CreateBatchResponse.id",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_id_is_a_path_segment(traffic):
    def judge(exchange):
        usable = exchange.batch is not None and PATH_SEGMENT.fullmatch(exchange.batch) and exchange.batch.strip(".")
        return None if usable else f"the id {exchange.batch!r} is no path segment as it stands"

    expect(accepted(traffic)).satisfies(judge)


@must(
    "an id is never given to two batches", clause="CreateBatchResponse.id", profile=Profile.SMOKE, stage=Stage.CLOSING
)
def test_ids_are_never_given_twice(traffic):
    owners = {}

    def judge(exchange):
        owner = owners.setdefault(exchange.batch, exchange)
        return (
            None if owner is exchange else f"the id {quoted(exchange.batch)} is also that of exchange #{owner.number}"
        )

    expect([exchange for exchange in accepted(traffic) if exchange.created]).satisfies(judge)


@must(
    "a new batch's runCount is the requested one",
    clause="CreateBatchResponse.runCount",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_new_batch_has_the_requested_run_count(traffic):
    def judge(exchange):
        wanted, got = exchange.request.run_count, exchange.answer.document.get("runCount")
        return None if type(got) is int and got == wanted else f"expected runCount {wanted}, got {got!r}"

    created = [each for each in accepted(traffic) if each.created and each.request.run_count is not None]
    expect(created).satisfies(judge)


@must(
    "isCached is false for a new batch",
    clause="CreateBatchResponse.isCached",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_new_batch_is_not_cached(traffic):
    def judge(exchange):
        cached = exchange.answer.document.get("isCached")
        return None if cached is False else f"no key was sent, yet isCached is {cached!r}"

    keyless = [
        each for each in accepted(traffic) if "idempotencyKey" not in (each.request.document or {"idempotencyKey": 0})
    ]
    expect(keyless).satisfies(judge)


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
        same = isinstance(got, str) and got == exchange.request.key
        return None if same else f"expected {exchange.request.key!r} or nothing, got {got!r}"

    expect([each for each in accepted(traffic) if each.request.document is not None]).satisfies(judge)


@should(
    "an answer names the idempotency key whenever one was sent",
    clause="CreateBatchResponse.idempotencyKey",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_answer_names_the_key(traffic):
    keyed = [each for each in accepted(traffic) if each.request.key is not None]
    seen(keyed, "202 to a request with a key").satisfies(
        lambda each: None if "idempotencyKey" in each.answer.document else "idempotencyKey is missing"
    )


@must(
    "only documented statuses answer a request on this operation",
    clause="createBatch.responses",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_only_documented_statuses(target, traffic):
    def judge(exchange):
        allowed = target.contract.statuses | _also_fine(exchange.request)
        if exchange.answer is None or exchange.status in allowed or exchange.status >= 500:
            return None
        instead = " in place of 401" if exchange.status == 403 else ""
        return f"{exchange.outcome}{instead} is no documented status"

    expect(on_operation(traffic)).satisfies(judge, also_429=True)


def _also_fine(request):
    if request.beyond in (Beyond.MEDIA, Beyond.SIZE, Beyond.GRAMMAR):
        return STANDARD_REFUSALS
    also = {411} if request.framing is Framing.CHUNKED else set()
    # A 404 for an unknown parent run is a warning of its own.
    return also | {404} if "parentRunId" in (request.document or {}) else also


@must(
    "no request makes the server fail: never a 5xx",
    clause="createBatch.responses.500",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_never_a_server_error(traffic):
    expect(on_operation(traffic)).satisfies(
        lambda each: f"{each.outcome} to what a client can send" if (each.status or 0) >= 500 else None,
        also_429=True,
    )


@must(
    "every request is answered, and every answer is whole",
    clause="createBatch.responses",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_every_request_is_answered(target, traffic):
    expect_no_losses(
        target,
        traffic,
        lambda each: each.request.method == "POST" and each.request.beyond is not Beyond.GRAMMAR and not is_late(each),
    )


def expect_no_losses(target, traffic, concerns):
    if not traffic:
        raise InconclusiveError("there was no answer to judge")
    if noted := Losses.of(traffic, concerns).decide(len(traffic)):
        target.note(noted)


@must(
    "every answer comes within the time limit",
    clause="createBatch.responses",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_answers_come_in_time(target, traffic):
    expect_no_losses(target, traffic, is_late)


@must(
    "the body of a 400, 422 or 429 is a JSON object whose message, where present, is a string",
    clause="Error",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_error_bodies_are_json(target, traffic, libraries):
    def judge(exchange):
        found = libraries(exchange)
        if exchange.answer.media_type not in ("application/json", "application/problem+json"):
            return f"{exchange.status} with media type {exchange.answer.header('content-type')!r}"
        return next(iter(target.contract.schema_errors("Error", exchange.answer.json)), found)

    seen(with_status(traffic, *ERRORS), "400, 422 or 429").satisfies(judge, also_429=True)


@should(
    "error bodies are application/json, as documented, not application/problem+json",
    clause="createBatch.responses.400.content",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_error_media_type_is_application_json(traffic):
    seen(with_status(traffic, *ERRORS), "400, 422 or 429").satisfies(
        lambda each: "application/problem+json" if each.answer.media_type == "application/problem+json" else None,
        also_429=True,
    )


@should("an error has a message", clause="Error.message", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_error_has_a_message(traffic):
    seen(with_status(traffic, *ERRORS), "400, 422 or 429").satisfies(
        lambda each: None if each.answer.document.get("message") else f"{each.status} without a message", also_429=True
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

    seen([each for each in accepted(traffic) if each.created], "new batch").satisfies(judge)


def with_token_headers(traffic):
    carrying = [
        each for each in accepted(traffic) if each.answer.header(token.TOKEN) or each.answer.header(token.CLAIMS)
    ]
    return seen(carrying, "202 with x-trigger-jwt or x-trigger-jwt-claims")


@must(
    "x-trigger-jwt is a compact JWS with base64url JSON parts, signed, and not expired",
    clause="createBatch.responses.202.headers.x-trigger-jwt",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_delegated_token_is_well_formed(traffic):
    with_token_headers(traffic).satisfies(lambda each: token.token_problem(each.answer))


@must(
    "x-trigger-jwt-claims is a JSON object",
    clause="createBatch.responses.202.headers.x-trigger-jwt-claims",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_claims_header_is_a_json_object(traffic):
    with_token_headers(traffic).satisfies(lambda each: token.claims_problem(each.answer))


@should(
    "every claim in x-trigger-jwt-claims equals the token's",
    clause="createBatch.responses.202.headers.x-trigger-jwt-claims",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_claims_header_agrees_with_the_token(traffic):
    with_token_headers(traffic).satisfies(lambda each: token.disagreement(each.answer))


def words(answer):
    """The texts of an answer: those in its JSON as they read without escapes, or the body as it is."""
    parts = [answer.body.decode("utf-8", "replace") if answer.json is None else answer.json]
    while parts:
        part = parts.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            parts += [*part, *part.values()]
        elif isinstance(part, list):
            parts += part


@should("error answers reveal no internals", clause="Error.message", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_errors_reveal_no_internals(traffic):
    def judge(exchange):
        said = "\n".join(words(exchange.answer))[:MOST_SAID]
        told = [name for name, pattern in INTERNALS.items() if re.search(pattern, said, re.MULTILINE)]
        return f"the {exchange.status} shows {', '.join(told)}" if told else None

    errors = [each for each in traffic if (each.status or 0) >= 400]
    seen(errors, "error").satisfies(judge, also_429=True)


@must(
    "no answer contains the credential that was sent", clause="BearerAuth", profile=Profile.SMOKE, stage=Stage.CLOSING
)
def test_credential_is_never_echoed(traffic):
    expect(traffic).satisfies(
        lambda each: (
            f"the credential is in {', '.join(each.answer.leaks)}" if each.answer and each.answer.leaks else None
        ),
        also_429=True,
    )
