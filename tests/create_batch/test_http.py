"""HTTP: methods, framing, media types."""

import pytest

from trigger_conformance.checks.expect import REJECTIONS
from trigger_conformance.checks.requirement import Profile, info, must, should
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import Beyond, Framing

from .expectations import expect
from .grounds import given_right_batches
from .operation import key_of

METHODS = ("PUT", "GET", "PATCH", "DELETE")
UNUSUAL = ("HEAD", "OPTIONS", "TRACE", "QUERY", "FOO")
# RFC 9110 section 9.1: servers must support GET and HEAD, every other method is optional.
MAY_BE_UNKNOWN = ("OPTIONS", "TRACE", "QUERY", "FOO")
OVERRIDE = (("X-HTTP-Method-Override", "POST"), ("X-HTTP-Method", "POST"), ("X-Method-Override", "POST"))


def with_body(target, method, label="", headers=()):
    return target.request(
        {"runCount": 1, "idempotencyKey": target.key()},
        method=method,
        label=label or f"{method} with a body",
        headers=headers,
        beyond=Beyond.METHOD,
    )


@pytest.fixture(scope="module")
def other_methods(target):
    chosen = METHODS[: target.pick(smoke=1, standard=4, thorough=4)]
    requests = [with_body(target, method) for method in chosen]
    if target.profile > Profile.SMOKE:
        requests += [
            target.request(method=method, label=method, content_type=None, beyond=Beyond.METHOD) for method in METHODS
        ]
        requests.append(with_body(target, "GET", "GET with method override headers", OVERRIDE))
        requests.append(with_body(target, "PUT", "PUT with method override headers", OVERRIDE))
    return target.send_all(requests)


@pytest.fixture(scope="module")
def unusual_methods(target):
    return target.send_all(
        # RFC 9110 section 9.3.8: a client sends no content in a TRACE request.
        target.request(method=method, label=method, content_type=None, beyond=Beyond.METHOD)
        if method == "TRACE"
        else with_body(target, method)
        for method in UNUSUAL
    )


@should(
    "GET, PUT, PATCH and DELETE are answered 405 with Allow naming POST",
    clause="RFC 9110 15.5.6",
    profile=Profile.SMOKE,
)
def test_other_methods_are_405_with_allow(other_methods):
    def judge(exchange):
        if exchange.status != 405:
            return f"expected 405, got {exchange.outcome}"
        allowed = [method.strip().upper() for value in exchange.answer.all("allow") for method in value.split(",")]
        return None if "POST" in allowed else f"405 with Allow: {quoted(', '.join(allowed)) if allowed else 'missing'}"

    expect(other_methods).satisfies(judge)


@must("GET, PUT, PATCH and DELETE are never 2xx or 5xx", clause="createBatch", profile=Profile.SMOKE)
def test_other_methods_never_succeed(other_methods):
    expect(other_methods).satisfies(
        lambda each: f"answered {each.outcome}" if each.answer is None or each.status // 100 in (2, 5) else None
    )


@must("GET, PUT, PATCH and DELETE create nothing", clause="createBatch", profile=Profile.SMOKE)
def test_other_methods_create_nothing(target, other_methods):
    keyed = [each.request for each in other_methods if key_of(each.request)]
    expect(target.send_all(target.twin(request) for request in keyed)).is_new_batch()


@must(
    "HEAD, OPTIONS, TRACE and unknown methods are never 5xx, but for 501 where a server may not know them",
    clause="RFC 9110 15.6.2",
)
def test_unusual_methods_never_fail_the_server(unusual_methods):
    def judge(exchange):
        if exchange.answer is None:
            return f"not answered: {exchange.outcome}"
        unknown = exchange.status == 501 and exchange.request.method in MAY_BE_UNKNOWN
        return f"answered {exchange.outcome}" if exchange.status >= 500 and not unknown else None

    expect(unusual_methods).satisfies(judge)


@must("HEAD, OPTIONS, TRACE and unknown methods create nothing", clause="createBatch")
def test_unusual_methods_create_nothing(target, unusual_methods):
    keyed = [each.request for each in unusual_methods if key_of(each.request)]
    expect(target.send_all(target.twin(request) for request in keyed)).is_new_batch()


@should(
    "a chunked body without Content-Length is accepted as any other, or refused with 411",
    clause="RFC 9112 7.1",
    profile=Profile.SMOKE,
)
def test_chunked_body_is_accepted_or_411(target):
    answer = target.send(target.order(2, key=target.key(), label="chunked", framing=Framing.CHUNKED))
    expect(answer).has_status(202, 411)
    if answer.status == 202:
        given_right_batches([answer], target.within(2))


@pytest.fixture(scope="module")
def other_media_types(target):
    types = {
        "no Content-Type": None,
        "text/plain": "text/plain",
        "application/x-www-form-urlencoded": "application/x-www-form-urlencoded",
        "application/xml": "application/xml",
        "multipart/form-data without a boundary": "multipart/form-data",
        "a malformed Content-Type": "application",
    }
    return target.send_all(
        target.order(2, key=target.key(), label=label, content_type=value, beyond=Beyond.MEDIA)
        for label, value in types.items()
    )


@must(
    "a body under another media type is never a 5xx, and where it is accepted the batch is right",
    clause="createBatch.requestBody",
)
def test_other_media_types_are_handled(target, other_media_types):
    expect(other_media_types).has_status(202, *REJECTIONS, 401, 404, 405, 411, 413, 415, 431)
    taken = [each for each in other_media_types if each.status == 202]
    if taken:
        given_right_batches(taken, target.within(2))


@info("how a body under another media type is answered", clause="createBatch.requestBody")
def test_reading_of_other_media_types(target, other_media_types):
    target.note(", ".join(f"{each.request.label}: {each.status}" for each in other_media_types))


@must(
    "application/json with a charset parameter is accepted as application/json is",
    clause="createBatch.requestBody.content",
    profile=Profile.SMOKE,
)
def test_charset_parameter_is_accepted(target):
    spellings = (
        "application/json;charset=UTF-8",
        "application/json; charset=utf-8",
        'application/json; charset="utf-8"',
    )[: target.pick(smoke=1, standard=3, thorough=3)]
    requests = [target.order(2, key=target.key(), label=spelling, content_type=spelling) for spelling in spellings]
    answers = target.send_all(requests)
    expect(answers).is_accepted()
    given_right_batches(answers, target.within(2))
