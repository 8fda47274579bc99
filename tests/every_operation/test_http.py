"""HTTP: methods, framing, media types, and what other clients send."""

import gzip
from dataclasses import replace
from functools import reduce

import pytest

from trigger_conformance.checks.client import Authorization
from trigger_conformance.checks.expect import REJECTIONS, InconclusiveError, NotApplicableError, expect
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.operation import OTHER_METHODS, SCHEMA, operation_of
from trigger_conformance.checks.requirement import Profile, info, must, should
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import CONTINUE_PATIENCE, Beyond, Delivery, Framing

from .clients import DELIVERIES, FEW, HABITS, HEADS, STANDARD, TELLING, as_sent_by, value
from .grounds import ACCEPTED, expect_nothing_made, given_as_asked, has_failed, why_no_json
from .json_texts import SPELT
from .packs import is_right

CHUNKED, GZIPPED = "http.chunked_body_is_accepted_or_411", "http.gzip_body_is_accepted_or_rejected"
ANY_TYPE = HABITS["accept"]["Accept: */*"]
# What a frugal operation leaves to larger profiles.
SPARED = {"Accept with other types behind", "a traceparent"}
# What one whose things are removed leaves to them, too.
SPARED_MORE = {"Accept of a browser"}
CHARSETS = (
    "application/json; charset=utf-8", "application/json ;charset=UTF-8", 'application/json; charset="utf-8"'
)  # fmt: skip
# What a browser sends before a request of another origin's page (Fetch, section 3.3.3).
PREFLIGHT = (
    ("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "POST"),
    ("Access-Control-Request-Headers", "authorization,content-type"),
)  # fmt: skip
UNUSUAL = ("OPTIONS", "TRACE", "QUERY", "HEAD", "FOO")
# RFC 9110 section 9.1: servers must support GET and HEAD, every other method is optional.
OVERRIDE = (("X-HTTP-Method-Override", "POST"), ("X-HTTP-Method", "POST"), ("X-Method-Override", "POST"))


def why_not_new(exchange):
    return operation_of(exchange.request).why_not_new(exchange)


def with_body(target, method, label="", headers=(), key=""):
    return target.valid(
        label or f"{method} with a body", key=key or None, method=method, headers=headers, beyond=Beyond.METHOD,
        **elsewhere(target, method),
    )  # fmt: skip


def elsewhere(target, method):
    """The path of a request with a ``method`` that is better not sent to the operation's own."""
    place = target.place_of(method)
    return {} if place == target.path() else {"path": place}


def methods(target):
    """Methods that the document gives to no operation of the path, PUT first: it is the one most often let in."""
    unknown = sorted({*OTHER_METHODS} - target.contract.methods, key=("PUT", "GET", "PATCH", "DELETE").index)
    return [each for each in unknown if target.place_of(each) is not None]


def overridden(target):
    """Methods that headers may override: such as are sent to the operation's own path."""
    own = [each for each in methods(target) if target.place_of(each) == target.path()]
    usual = [each for each in ("GET", "PUT") if each in own] or own[:1]
    return usual[:1] if target.sparing else usual


@pytest.fixture(scope="module")
def other_methods(target):
    if target.profile is Profile.SMOKE:
        # Whether it heeds the method or the headers, a server that makes something here is wrong.
        return target.send_all(
            with_body(target, method, f"{method} with a body and method override headers", OVERRIDE)
            for method in methods(target)[:1]
        )
    # A method and its overriding have one key, where only that shows what was made: one request shows it for both.
    keys = {} if target.sparing else {method: target.key() for method in methods(target)}
    # What headers override is sent with a body, too.
    own = [each for each in methods(target) if not (target.sparing and each in overridden(target))]
    requests = [with_body(target, method, key=keys.get(method, "")) for method in own]
    bare = (
        []
        if target.sparing
        else [each for each in methods(target) if each == "GET" or target.profile > Profile.STANDARD]
    )
    requests += [
        target.request(
            method=method, label=method, content_type=None, beyond=Beyond.METHOD, **elsewhere(target, method)
        )
        for method in bare
    ]
    requests += [with_body(target, method, f"{method} with method override headers", OVERRIDE, keys.get(method, ""))
                 for method in overridden(target)]  # fmt: skip
    return target.send_all(requests)


@pytest.fixture(scope="module")
def unusual_methods(target):
    # One key for all: what any of them makes, one request shows.
    key = target.key()
    requests = [
        # RFC 9110 section 9.3.8: a client sends no content in a TRACE request.
        target.request(method=method, label=method, content_type=None, beyond=Beyond.METHOD)
        if method == "TRACE"
        else with_body(target, method, key=key)
        for method in UNUSUAL[: target.pick(smoke=5, standard=5, thorough=5, frugal=4, thrifty=1)]
    ]
    if not target.sparing:
        requests.append(
            target.request(
                method="OPTIONS", label="OPTIONS as a browser asks before", content_type=None, beyond=Beyond.METHOD,
                authorization=Authorization((), ""), headers=PREFLIGHT,
            )
        )  # fmt: skip
    return target.send_all(requests)


@should(
    "{others} are answered 405 with Allow naming {method}",
    clause="RFC 9110 15.5.6",
    profile=Profile.SMOKE,
)
def test_other_methods_are_405_with_allow(target, other_methods):
    own = target.contract.method.upper()

    def judge(exchange):
        if elsewhere(target, exchange.request.method) and exchange.status in (400, 401, 403, 404):
            # Where there is nothing, no method is offered either.
            return None
        if exchange.status != 405:
            return f"expected 405, got {exchange.outcome}"
        allowed = [method.strip().upper() for value in exchange.answer.all("allow") for method in value.split(",")]
        return None if own in allowed else f"405 with Allow: {quoted(', '.join(allowed)) if allowed else 'missing'}"

    expect(other_methods).satisfies(judge)


@must("{others} are never 2xx or 5xx", clause="{operation}", profile=Profile.SMOKE)
def test_other_methods_never_succeed(other_methods):
    expect(other_methods).satisfies(
        lambda each: f"answered {each.outcome}" if each.answer is None or each.status // 100 in (2, 5) else None
    )


@must("{others} create nothing", clause="{operation}", profile=Profile.SMOKE)
def test_other_methods_create_nothing(request, target, other_methods):
    if target.thrifty and target.profile > Profile.SMOKE:
        # One look shows what these made, too.
        request.getfixturevalue("unusual_methods")
    keyed = [each.request for each in other_methods if target.operation.key(each.request)]
    expect_nothing_made(target, keyed)


@must(
    "HEAD, OPTIONS, TRACE and unknown methods are never 5xx, but for 501 where a server may not know them",
    clause="RFC 9110 15.6.2",
)
def test_unusual_methods_never_fail_the_server(unusual_methods):
    def judge(exchange):
        if exchange.answer is None:
            return f"not answered: {exchange.outcome}"
        return f"answered {exchange.outcome}" if has_failed(exchange) else None

    expect(unusual_methods).satisfies(judge)


@must("HEAD, OPTIONS, TRACE and unknown methods create nothing", clause="{operation}")
def test_unusual_methods_create_nothing(target, unusual_methods):
    keyed = [each.request for each in unusual_methods if target.operation.key(each.request)]
    # All have one key.
    expect_nothing_made(target, keyed[:1])


@pytest.fixture(scope="module")
def send(target):
    """Sends requests; where what was made is looked at, those of several checks are sent at once, for one look."""
    rows = []
    if target.thrifty and target.profile > Profile.SMOKE:
        clients = as_clients(target)
        rows = [*chunks(target, Framing.ODD_CHUNKS), *media_types(target), *clients, *charsets(target, clients),
                with_all_unknown(target), *odd_lines(target)]  # fmt: skip
    ahead = {each.request.label: each for each in target.send_all(rows)}

    def send_all(orders):
        orders = list(orders)
        later = iter(target.send_all(each for each in orders if each.label not in ahead))
        return [ahead.get(each.label) or next(later) for each in orders]

    return send_all


def chunks(target, *framings):
    """What is sent so; servers in front that take odd chunks for wrong ones answer as they please."""
    return [
        target.telling(
            str(framing), framing=framing, beyond=Beyond.NOTHING if framing is Framing.CHUNKED else Beyond.FRAMING
        )
        for framing in framings
    ]


@pytest.fixture(scope="module")
def chunked(target, send):
    """A body in one chunk; where one request is all there is, odd chunks that are read say more."""
    framings = [Framing.ODD_CHUNKS, Framing.CHUNKED][target.pick(smoke=0, standard=1, thorough=1, frugal=0) :]
    for framing in framings:
        (answer,) = send(chunks(target, framing))
        if why_not_new(answer) is None:
            break
    return answer


@should(
    "a chunked body without Content-Length is accepted as any other, or refused with 411",
    clause="RFC 9112 7.1",
    profile=Profile.SMOKE,
)
def test_chunked_body_is_accepted_or_411(target, chunked):
    expect(chunked).has_status(target.contract.success, 411)
    if chunked.status == target.contract.success:
        given_as_asked([chunked])


def media_types(target):
    """Valid requests under other media types."""
    types = {
        "no Content-Type": None,
        "a charset that nobody knows": "application/json; charset=conformance",
        "text/plain": "text/plain",
        "application/x-www-form-urlencoded": "application/x-www-form-urlencoded",
        "multipart/form-data without a boundary": "multipart/form-data",
        "a malformed Content-Type": "application",
    }
    return [
        target.telling(label, content_type=value, beyond=Beyond.MEDIA)
        for label, value in list(types.items())[: target.pick(smoke=0, standard=6, thorough=6, frugal=3, thrifty=2)]
    ]


@pytest.fixture(scope="module")
def other_media_types(target, send):
    return send(media_types(target))


@must(
    "a body under another media type is never a 5xx, and where it is accepted the {thing} is right",
    clause="{operation}.requestBody",
)
def test_other_media_types_are_handled(target, other_media_types):
    expect(other_media_types).has_status(target.contract.success, *REJECTIONS, 401, 404, 405, 411, 413, 415, 431)
    taken = [each for each in other_media_types if each.status == target.contract.success]
    if taken:
        given_as_asked(taken)


@info("how a body under another media type is answered", clause="{operation}.requestBody")
def test_reading_of_other_media_types(target, other_media_types):
    target.note(", ".join(f"{each.request.label}: {each.status}" for each in other_media_types))


def clients_of(target):
    if target.profile is Profile.SMOKE:
        return TELLING
    heads = [each for each in HEADS if each in FEW] if target.sparing else list(HEADS)
    return heads if target.profile > Profile.STANDARD else heads[:STANDARD]


def as_clients(target):
    """A valid request as each client of the table sends it."""
    orders = {label: target.telling(label) for label in clients_of(target)}
    if target.sparing and not target.operation.line:
        # Byte by byte it tells more where its characters have several.
        orders |= {label: target.worded(label, SPELT) for label in orders if DELIVERIES.get(label) is Delivery.BY_BYTES}
    return [as_sent_by(label, order, target.options.headers) for label, order in orders.items()]


@pytest.fixture(scope="module")
def other_clients(target, send):
    """What those are answered."""
    answers = send(as_clients(target))
    return [each if is_in_ascii(each) or is_right(target, each)
            else target.send(as_sent_by(each.request.label, target.telling(each.request.label), target.options.headers))
            for each in answers]  # fmt: skip


def is_in_ascii(exchange):
    """Whether each character of a request's body is one byte."""
    return exchange.request.body.isascii()


@must(
    "application/json with a charset parameter is accepted as application/json is",
    clause="{operation}.requestBody.content",
    profile=Profile.SMOKE,
)
def test_charset_parameter_is_accepted(target, other_clients, send):
    # Some clients write one of them, and what they are refused for may be something else.
    served = [each for each in other_clients if media_type(each.request) in CHARSETS and why_not_new(each) is None]
    answers = [*served, *send(charsets(target, [each.request for each in served]))]
    expect(answers).is_accepted()
    given_as_asked(answers)


def charsets(target, shown):
    """Valid requests with a charset parameter each, but as ``shown`` ones have it."""
    spellings = CHARSETS[: target.pick(smoke=1, standard=3, thorough=3, frugal=2)]
    alone = [each for each in spellings if each not in map(media_type, shown)]
    return [target.telling(spelling, content_type=spelling) for spelling in alone]


def media_type(request):
    return value(request, "content-type").decode("latin-1")


def is_spared(target, label):
    """Whether a habit is left to larger profiles."""
    return (target.sparing and label in SPARED) or (target.thrifty and label in SPARED_MORE)


def with_all_unknown(target):
    """What is ignored is so together, and JSON is one of all types."""
    together = [*HABITS["unknown headers"].values(), HABITS["accept"]["Accept: application/*"]]
    order = target.telling("headers that nobody knows, and Accept: application/*")
    return reduce(lambda given, habit: habit.given(given), together, order)


@pytest.fixture(scope="module")
def habits(target, other_clients, send):
    """Of each habit the clients' requests that had it and were served; where there is none, one that has it alone."""
    wanted = {
        label: habit
        for ways in HABITS.values()
        for label, habit in ways.items()
        # Smoke shows those of its few clients, and a frugal operation those that matter most beside them.
        if any(habit.has(each.request) for each in other_clients)
        or (target.profile > Profile.SMOKE and not is_spared(target, label))
    }
    served = [each for each in other_clients if why_not_new(each) is None]
    if target.profile > Profile.SMOKE:
        # Where that is not served, each goes alone.
        served += [each for each in send([with_all_unknown(target)]) if why_not_new(each) is None]
    shown = {label: [each for each in served if habit.has(each.request)] for label, habit in wanted.items()}
    alone = {label: habit.given(target.telling(label)) for label, habit in wanted.items() if not shown[label]}
    shown |= {label: [answer] for label, answer in zip(alone, target.send_all(alone.values()), strict=True)}
    if all(why_not_new(each) for answers in shown.values() for each in answers):
        # What is refused without any habit, too, has nothing to do with them.
        plain = target.send(target.telling("none of these habits"))
        given(plain, rests_on=target.operation.owner(ACCEPTED)).is_accepted()
    return {name: {label: shown[label] for label in ways if label in shown} for name, ways in HABITS.items()}


def served(habits, name):
    answers = [answer for answers in habits[name].values() for answer in answers]
    return expect(answers).is_accepted()


def expect_served(habits, name):
    given_as_asked(served(habits, name))


@must("header names are read in any letter case", clause="RFC 9110 5.1", profile=Profile.SMOKE)
def test_header_names_in_any_letter_case_are_read(habits):
    expect_served(habits, "names")


@must("the media type is read in any letter case", clause="RFC 9110 8.3.1", profile=Profile.SMOKE)
def test_media_type_in_any_letter_case_is_read(habits):
    expect_served(habits, "media type")


@must(
    "Accept: */*, application/*, none, and one with weights are answered as application/json is",
    clause="RFC 9110 12.5.1",
    profile=Profile.SMOKE,
)
def test_any_accept_that_has_json_is_answered(target, habits):
    answers = served(habits, "accept")
    if all(map(why_no_json, answers)):
        # Whatever is asked for: that is its answers' schema's affair.
        given(answers, rests_on=target.operation.owner(SCHEMA)).satisfies(why_no_json)
    expect(answers).satisfies(why_no_json)
    given_as_asked(answers)
    if target.profile is Profile.SMOKE:
        return
    # Frameworks lead whoever does not ask for JSON by name somewhere else when something is wrong: back, or to log in.
    failing = [
        target.valid("a refused request", authorization=Authorization((), "")),
        target.request(next(iter(target.invalid().values())), label="a rejected request"),
    ][: target.pick(smoke=0, standard=2, thorough=2, thrifty=1)]
    with_any = [replace(ANY_TYPE.given(each), label=f"{each.label}, Accept: */*") for each in failing]
    answers = zip(failing, target.send_all(with_any), strict=True)
    odd = [(order, answer) for order, answer in answers if answer.status not in (*REJECTIONS, 401)]
    # What whoever asks for JSON is answered so, too, is another requirement's affair.
    alike = {each.status for each in target.send_all(order for order, _ in odd)}
    if wrong := [answer for _, answer in odd if answer.status not in alike]:
        expect(wrong).has_status(*REJECTIONS, 401)


@must(
    "Expect: 100-continue is met: by 100 and then the answer, or by the answer at once",
    clause="RFC 9110 10.1.1",
    profile=Profile.SMOKE,
)
def test_expectation_of_100_is_met(target, habits):
    expect_served(habits, "expectation")
    # Many a forward proxy says nothing before it has all of a request.
    judged = [each for answers in habits["expectation"].values() for each in answers if target.options.proxy is None]
    silent = [each for each in judged if why_unprompted(each)]
    # On a busy machine a second may pass once.
    again = target.send_all(replace(each.request, label=f"{each.request.label}, once more") for each in silent)
    if silent and all(map(why_unprompted, again)):
        expect([*silent, *again]).satisfies(why_unprompted)


def why_unprompted(exchange):
    """A judge: nothing said that the body may come, though what answers it answers soon."""
    took = exchange.ended - exchange.started
    waited = exchange.answer.at - exchange.began - took
    silent = waited >= CONTINUE_PATIENCE and took < CONTINUE_PATIENCE / 2
    return f"neither 100 nor an answer came within {CONTINUE_PATIENCE:g} s" if silent else None


@must("a body that comes after its head, and in pieces, is read whole", clause="RFC 9112 6.3", profile=Profile.SMOKE)
def test_body_in_pieces_is_read(target, habits, other_clients):
    expect_served(habits, "pieces")
    # Of lines an upload's own checks say so.
    shown = [each for each in other_clients if each.request.delivery is Delivery.BY_BYTES and not is_in_ascii(each)]
    if target.profile > Profile.SMOKE and not target.operation.line and not shown:
        expect_characters_in_pieces_read(target)


def expect_characters_in_pieces_read(target):
    """A text that is taken in one piece is taken byte by byte, too, though its characters have several."""
    label = "byte by byte, in characters of several bytes"
    pieces = target.send(replace(target.worded(label, SPELT), delivery=Delivery.BY_BYTES))
    if is_right(target, pieces) or is_right(target, target.send(target.worded("the same in one piece", SPELT))):
        given_as_asked(expect([pieces]).is_accepted())


@must("headers that the target does not know are ignored", clause="RFC 9110 5.1", profile=Profile.SMOKE)
def test_unknown_headers_are_ignored(habits):
    expect_served(habits, "unknown headers")


@must(
    "a valid request is accepted as each of the usual clients sends it",
    clause="{operation}.responses.{success}",
    profile=Profile.SMOKE,
)
def test_requests_of_other_clients_are_read(target, other_clients, habits):
    broken = {label for ways in habits.values() for label, answers in ways.items() if any(map(why_not_new, answers))}
    ways = {label: habit for each in HABITS.values() for label, habit in each.items()}
    # What a habit of the client's explains is that habit's requirement's affair.
    judged = [each for each in other_clients if not any(ways[label].has(each.request) for label in broken)]
    if not judged:
        raise InconclusiveError(f"not judged: every client has a habit that is not read ({', '.join(sorted(broken))})")
    expect(judged).is_accepted()
    given_as_asked(judged)
    target.note(f"as {', '.join(each.request.label for each in judged)} send it")


@should(
    "a chunked body is read in chunks of any size, with extensions and a trailer",
    clause="RFC 9112 7.1.1",
    profile=Profile.SMOKE,
)
def test_chunks_of_any_form_are_read(target, chunked, send):
    if chunked.status == 411:
        raise NotApplicableError("the target takes no chunked bodies: 411")
    if why_not_new(chunked):
        rests(target.operation.owner(CHUNKED), f"a chunked body is not read: {chunked.outcome}", [chunked])

    answers = [chunked] if chunked.request.framing is Framing.ODD_CHUNKS else send(chunks(target, Framing.ODD_CHUNKS))
    if why_not_new(answers[0]):
        answers += send(chunks(target, Framing.SMALL_CHUNKS, Framing.EXTENDED_CHUNKS, Framing.TRAILED_CHUNKS))
    expect(answers).is_accepted()
    given_as_asked(answers)


@pytest.fixture(scope="module")
def coded_bodies(target):
    """A body in gzip, one that is cut off, and one in a coding that few servers know."""

    def coded(label, change, coding=b"gzip"):
        order = target.telling(label, beyond=Beyond.MEDIA)
        body = change(order.body)
        headers = [(name, str(len(body)).encode() if name == "Content-Length" else value)
                   for name, value in order.headers]  # fmt: skip
        return replace(order, body=body, headers=(*headers, ("Content-Encoding", coding)))

    return target.send_all(
        [
            coded("a body in gzip", lambda body: gzip.compress(body, mtime=0)),
            coded("a body that is no gzip, and said to be", lambda body: body),
            coded("a cut-off body in gzip", lambda body: gzip.compress(body, mtime=0)[:-12]),
            coded("a body in a coding that few know", lambda body: body, b"br"),
        ][: target.pick(smoke=0, standard=4, thorough=4, thrifty=1)]
    )


@must(
    "a body in gzip, or another coding, is accepted, or rejected with 400, 415 or 422; never 5xx, broken off neither",
    clause="RFC 9110 15.5.16",
)
def test_gzip_body_is_accepted_or_rejected(target, coded_bodies):
    expect(coded_bodies).has_status(target.contract.success, *REJECTIONS, 415)
    taken = [each for each in coded_bodies if each.status == target.contract.success]
    if taken:
        expect(taken).is_accepted()
        given_as_asked(taken)


@should("a body in gzip is accepted, or refused with 415", clause="RFC 9110 15.5.16")
def test_gzip_body_is_accepted_or_415(target, coded_bodies):
    whole = coded_bodies[0]
    if whole.status not in (target.contract.success, 415, *REJECTIONS):
        rests(target.operation.owner(GZIPPED), f"a body in gzip is answered {whole.outcome}", [whole])
    expect(whole).has_status(target.contract.success, 415)


def odd_lines(target):
    """Valid requests under some of them."""
    count = target.pick(smoke=0, standard=3, thorough=len(ODD_LINES), frugal=2, thrifty=1)
    return [under_odd_line(target, label) for label in list(ODD_LINES)[:count]]


@pytest.fixture(scope="module")
def odd_request_lines(target, send):
    return send(odd_lines(target))


OLD_VERSION = "HTTP/1.0"
# What a request line names beside a path as it is usual, as HTTP allows or clients write it by mistake.
ODD_LINES = {
    OLD_VERSION: "{path}",
    "a query that is cut off": "{path}?v=%E0%A4%A",
    "absolute form": "{origin}{path}",
    "an empty query": "{path}?",
    "a percent-encoded letter": "{before}/%{letter:02x}{after}",
    "a doubled slash": "/{path}",
    "a trailing slash": "{path}/",
}


def under_odd_line(target, label):
    """A valid request under an odd line."""
    plain = target.telling(label, beyond=Beyond.LINE)
    before, _, last = plain.target.rpartition("/")
    scheme, host = target.options.base_url.partition(":")[0], dict(plain.headers)["Host"].decode()
    place = ODD_LINES[label].format(
        path=plain.target, origin=f"{scheme}://{host}", before=before, letter=ord(last[0]), after=last[1:]
    )
    version = {"version": OLD_VERSION} if label == OLD_VERSION else {}
    return replace(kept_alive(plain), target=place, **version)


def kept_alive(request):
    """The request with the header that asks a server of HTTP/1.0 to keep the connection (RFC 9112 appendix C.2.2)."""
    return replace(request, headers=(*request.headers, ("Connection", b"keep-alive")))


@must("an unusual request line is answered, and never with 5xx, but for 505", clause="RFC 9110 15.6.6")
def test_unusual_request_lines_never_fail_the_server(odd_request_lines):
    expect(odd_request_lines).satisfies(
        lambda each: (
            f"answered {each.outcome}" if each.answer is None or (each.status >= 500 and each.status != 505) else None
        )
    )


@info("how an unusual request line is answered", clause="RFC 9112 3.2")
def test_reading_of_unusual_request_lines(target, odd_request_lines):
    target.note(", ".join(f"{each.request.label}: {each.outcome}" for each in odd_request_lines))
