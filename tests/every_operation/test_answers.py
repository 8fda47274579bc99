"""Answers: their statuses, their bodies, and that there is one."""

import re

import pytest

from trigger_conformance.checks.expect import REJECTIONS, InconclusiveError, expect, seen
from trigger_conformance.checks.losses import Losses, is_late
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile, Stage, must, should
from trigger_conformance.wire.exchange import Beyond

from .grounds import why_failed

MOST_SAID = 1 << 16
ERRORS = (*REJECTIONS, 429)
UNSUPPORTED = 415
STANDARD_REFUSALS = {404, 405, 411, 413, 415, 431}
_STATEMENT = r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b"
# Each takes time in proportion to the text.
INTERNALS = {
    "a stack trace": r"Traceback \(most recent call last\)|^[ \t]+at [\w.$<>\[\] ]+\(.*:\d+\)|goroutine \d+ \[",
    "a source position": r"""File "[^"]+", line \d|(?<=[\w./-])\.(ts|js|mjs|py|go|rb|java|php|rs|cs|ex):\d""",
    # Between two such beginnings nothing is looked through twice.
    "SQL": rf"SQLSTATE|{_STATEMENT}((?!{_STATEMENT}).){{1,400}}\b(FROM|VALUES|SET|WHERE)\b"
    r"|(?i:\binsert into \W?\w{1,80}\W? ?\()|violates unique constraint|duplicate key value|syntax error at or near",
    "a file path": r"(?<![\w/.:-])/(usr|home|app|srv|var|opt|root|etc|tmp|workspace|Users|node_modules)/[\w./-]"
    r"|\b[A-Z]:\\\w+\\",
}
# A soak run has more answers to generated requests than there is time to judge three times.
MOST_JUDGED = 4000


def on_operation(target, traffic):
    """What was asked of the operation itself: an odd request line may name another resource, or none."""
    method = target.contract.method.upper()
    return [each for each in traffic if each.request.method == method and each.request.beyond is not Beyond.LINE]


def with_status(target, traffic, *statuses):
    """Error answers that the contract's words on bodies apply to; a refusal by the HTTP layer is not among them."""
    asked = on_operation(target, traffic)
    return [each for each in asked if each.status in statuses and each.request.beyond is Beyond.NOTHING]


@pytest.fixture(scope="module")
def libraries(target, traffic):
    """What two libraries that know the published document hold against the answer to a generated request."""
    generated = {each.number for each in traffic if ".fuzzing.generated_" in each.check}
    if not generated:
        return lambda _: None
    from trigger_conformance.checks.judges import Judges

    judges, judged = Judges(target.contract), set(sorted(generated)[:MOST_JUDGED])
    return lambda exchange: judges.problem(exchange) if exchange.number in judged else None


@must("a plain valid request is answered {success}", clause="{operation}.responses.{success}", profile=Profile.SMOKE)
def test_valid_request_is_accepted(target):
    plain = target.plain()
    # Where things are to be removed, the run's first request is no other.
    first = first_request(target) if target.thrifty else None
    is_plain = first is not None and first.request.document and plain.document.keys() == first.request.document.keys()
    expect(first if is_plain else target.send(plain)).is_accepted()


def first_request(target):
    """The exchange of the request with which the run found that the operation can be tested; None where it has none."""
    sent = (each for each in target.wire.ledger.exchanges() if each.check == f"{target.operation.id}.preflight")
    asked = (each for each in sent if each.request.operation == target.operation.id and not each.together)
    return next((each for each in asked if each.answer is not None), None)


@must(
    "every {success} has an application/json body that satisfies {response}",
    clause="{response}",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_accepted_answers_satisfy_the_schema(target, traffic, libraries):
    def judge(exchange):
        exchange = target.operation.as_judged(exchange)
        found = libraries(exchange)
        if exchange.answer.media_type != "application/json":
            return Problem(f"expected application/json, got {exchange.answer.header('content-type')!r}", "media type")
        if len(exchange.answer.all("content-type")) > 1:
            return "Content-Type is there more than once"
        if exchange.answer.json is None:
            return "its body is no JSON object"
        return next(iter(target.contract.schema_errors(target.contract.response_schema, exchange.answer.json)), found)

    asked = [each for each in traffic if target.operation.asks(each.request)]
    expect([each for each in asked if each.status == target.contract.success]).satisfies(judge, place="body")


@must(
    "only documented statuses answer a request on this operation",
    clause="{operation}.responses",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_only_documented_statuses(target, traffic):
    def judge(exchange):
        also_fine = {429} | _also_fine(target, exchange.request)
        if exchange.answer is None or exchange.status in also_fine or exchange.status >= 500:
            return None
        if target.contract.allows(exchange.status):
            return None
        instead = " in place of 401" if exchange.status == 403 else ""
        return f"{exchange.outcome}{instead} is no documented status"

    expect(on_operation(target, traffic)).satisfies(judge, also_429=True, place="status")


def _also_fine(target, request):
    if request.beyond in (Beyond.MEDIA, Beyond.SIZE, Beyond.GRAMMAR):
        return STANDARD_REFUSALS
    also = {411} if request.framing.in_chunks else set()
    return also | target.operation.also_fine(request)


@must(
    "no request makes the server fail: never a 5xx",
    clause="{operation}.responses",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_never_a_server_error(target, traffic):
    expect(on_operation(target, traffic)).satisfies(why_failed, also_429=True, place="status")


@must(
    "every request is answered, and every answer is whole",
    clause="{operation}.responses",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_every_request_is_answered(target, traffic):
    # What looks at things, or removes them, is asked as anything else is.
    plain = [each for each in traffic if each.request.beyond is Beyond.NOTHING]
    asked = {
        each.number for each in (*on_operation(target, traffic), *plain) if each.request.beyond is not Beyond.GRAMMAR
    }
    expect_no_losses(target, traffic, lambda each: each.number in asked and not is_late(each))


def expect_no_losses(target, traffic, concerns):
    if not traffic:
        raise InconclusiveError("there was no answer to judge")
    if noted := Losses.of(traffic, concerns).decide(len(traffic)):
        target.note(noted)


@must(
    "every answer comes within the time limit",
    clause="{operation}.responses",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_answers_come_in_time(target, traffic):
    expect_no_losses(target, traffic, is_late)


@must(
    "an error body that the document describes satisfies its schema, and any other that is JSON is valid JSON",
    clause="{operation}.responses",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_error_bodies_are_json(target, traffic, libraries):
    def judge(exchange):
        # Whether a status may be there at all is another requirement's affair.
        found = libraries(exchange) if exchange.status in target.contract.statuses else None
        described = target.contract.error_schema(exchange.status)
        if not described:
            return found or _invalid_json(exchange)
        if exchange.answer.media_type not in ("application/json", "application/problem+json"):
            return Problem(
                f"{exchange.status} with media type {exchange.answer.header('content-type')!r}", "media type"
            )
        return next(iter(target.contract.schema_errors(described, exchange.answer.json)), found)

    answers = [*with_status(target, traffic, *ERRORS), *refused_types(target, traffic)]
    seen(answers, "400, 422 or 429").satisfies(judge, also_429=True, place="body")
    # Whatever else is refused, and says that it tells why in JSON.
    if broken := [each for each in traffic if is_other_error(each) and _invalid_json(each)]:
        expect(broken).satisfies(_invalid_json, also_429=True, place="body")


def is_other_error(exchange):
    """Whether an answer is an error with a body, to whatever request; a failure of the server is another matter."""
    is_error = exchange.answer is not None and 400 <= exchange.status < 500
    return is_error and exchange.request.method != "HEAD" and bool(exchange.answer.body.strip())


def refused_types(target, traffic):
    """Refusals of a media type, where the document says what they are."""
    asked = on_operation(target, traffic) if target.contract.error_schema(UNSUPPORTED) else ()
    return [each for each in asked if each.status == UNSUPPORTED and each.request.beyond is Beyond.MEDIA]


def _invalid_json(exchange):
    claims = exchange.answer.media_type in ("application/json", "application/problem+json")
    return f"the body of the {exchange.status} is no JSON" if claims and exchange.answer.json is None else None


@should(
    "error bodies are application/json, as documented, not application/problem+json",
    clause="{operation}.responses",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_error_media_type_is_application_json(target, traffic):
    seen(with_status(target, traffic, *ERRORS), "400, 422 or 429").satisfies(
        lambda each: "application/problem+json" if each.answer.media_type == "application/problem+json" else None,
        also_429=True,
        place="problem document",
    )


@should(
    "an error has a text that says what is wrong",
    clause="{operation}.responses",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_error_has_a_message(target, traffic):
    texts = target.operation.error_texts

    def judge(exchange):
        said = any(exchange.answer.document.get(text) for text in texts)
        return None if said else f"{exchange.status} without any of {', '.join(texts)}"

    answers = seen(with_status(target, traffic, *ERRORS), "400, 422 or 429")
    answers.satisfies(judge, also_429=True, place="message")


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


@should("error answers reveal no internals", clause="{operation}.responses", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_errors_reveal_no_internals(traffic):
    def judge(exchange):
        said = "\n".join(words(exchange.answer))[:MOST_SAID]
        told = [name for name, pattern in INTERNALS.items() if re.search(pattern, said, re.MULTILINE)]
        return f"the {exchange.status} shows {', '.join(told)}" if told else None

    errors = [each for each in traffic if (each.status or 0) >= 400]
    seen(errors, "error").satisfies(judge, also_429=True, place="internals")


@must(
    "no answer contains the credential that was sent", clause="BearerAuth", profile=Profile.SMOKE, stage=Stage.CLOSING
)
def test_credential_is_never_echoed(traffic):
    expect(traffic).satisfies(
        lambda each: (
            f"the credential is in {', '.join(each.answer.leaks)}" if each.answer and each.answer.leaks else None
        ),
        also_429=True,
        place="leak",
    )
