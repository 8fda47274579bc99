"""Authentication: what is refused, with 401, and without a trace."""

import base64
from itertools import pairwise

import pytest

from trigger_conformance.checks.client import Authorization
from trigger_conformance.checks.expect import REJECTIONS, InconclusiveError, NotApplicableError
from trigger_conformance.checks.ground import rests
from trigger_conformance.checks.requirement import Profile, Stage, info, must, should
from trigger_conformance.rules import delegated_token, forgery
from trigger_conformance.wire.exchange import Beyond

from .expectations import expect
from .grounds import REFUSAL, expect_refused, given_accepted, given_batches
from .keys import known, unspent
from .operation import key_of

BEARER = "BearerAuth"
UNAUTHORIZED = "createBatch.responses.401"
SMOKE = {"no header", "Basic", "cut short by one", "letter case swapped", "alg none"}
ASKED_BY_KNOWN_KEY = {"Basic"}
NO_HEADER = Authorization((), "")
RIGHT = "the right key"
# Each wrong one comes after the right key and before it; in the first turn a wrong one is what a connection sees first.
TURNS = (
    ("letter case swapped", RIGHT, "no header"),
    (RIGHT, "a wrong key", RIGHT, "letter case swapped", RIGHT, "no header", RIGHT),
)


def missing(target):
    return {
        "no header": NO_HEADER,
        "an empty header": target.credential(""),
        "Bearer without a token": target.credential("Bearer"),
        "Bearer and a space": target.credential("Bearer "),
    }


def other_schemes(target):
    key = target.options.api_key
    basic = base64.b64encode(f"{key}:".encode()).decode()
    user = base64.b64encode(f"api:{key}".encode()).decode()
    return {
        "Basic": target.derived(f"Basic {basic}"),
        "Basic, key as the password": target.derived(f"Basic {user}"),
        "Basic, key as it is": target.derived(f"Basic {key}", '"Basic $TRIGGER_API_KEY"'),
        "Token": target.derived(f"Token {key}", '"Token $TRIGGER_API_KEY"'),
        "ApiKey": target.derived(f"ApiKey {key}", '"ApiKey $TRIGGER_API_KEY"'),
        "no scheme": target.derived(key, '"$TRIGGER_API_KEY"'),
        "BearerX": target.derived(f"BearerX {key}", '"BearerX $TRIGGER_API_KEY"'),
    }


def wrong_keys(target):
    key = target.options.api_key
    middle = len(key) // 2
    changed = {
        "first character changed": (other(key[0]) + key[1:], '"Bearer x${TRIGGER_API_KEY#?}"'),
        "middle character changed": (key[:middle] + other(key[middle]) + key[middle + 1 :], ""),
        "last character changed": (key[:-1] + other(key[-1]), '"Bearer ${TRIGGER_API_KEY%?}x"'),
        "cut short by one": (key[:-1], '"Bearer ${TRIGGER_API_KEY%?}"'),
        "first character missing": (key[1:], '"Bearer ${TRIGGER_API_KEY#?}"'),
        "extended": (f"{key}0", '"Bearer ${TRIGGER_API_KEY}0"'),
        "twice": (key + key, '"Bearer $TRIGGER_API_KEY$TRIGGER_API_KEY"'),
        "with a comma": (f"{key},{key}", '"Bearer $TRIGGER_API_KEY,$TRIGGER_API_KEY"'),
        "letter case swapped": (key.swapcase(), ""),
    }
    near = {
        label: target.derived(f"Bearer {value}", shell) for label, (value, shell) in changed.items() if value != key
    }
    return {"a wrong key": target.credential("Bearer tr_conformance_no_such_key"), **near}


def other(character):
    return "x" if character != "x" else "y"


def forged_tokens(target, claims):
    return {label: target.credential(f"Bearer {token}") for label, token in forgery.forged(claims).items()}


def chosen(target, authorizations):
    smoke = target.profile is Profile.SMOKE
    # What is known must not open a door either; larger profiles ask that by itself.
    return [
        target.order(
            key=known(target) if smoke and label in ASKED_BY_KNOWN_KEY else target.key(),
            label=label,
            authorization=authorization,
        )
        for label, authorization in authorizations.items()
        if not smoke or label in SMOKE
    ]


@pytest.fixture(scope="module")
def handed_out(target):
    """A new batch, for the delegated token that comes with it."""
    batch = target.create(key=target.key())
    given_accepted([batch])
    return batch.answer


@pytest.fixture(scope="module")
def without_credential(target):
    return target.send_all(chosen(target, missing(target)))


@pytest.fixture(scope="module")
def under_other_schemes(target):
    return target.send_all(chosen(target, other_schemes(target)))


@pytest.fixture(scope="module")
def with_wrong_keys(target):
    return target.send_all(chosen(target, wrong_keys(target)))


@pytest.fixture(scope="module")
def with_forged_tokens(target, request):
    smoke = target.profile is Profile.SMOKE
    claims = None if smoke else delegated_token.payload_of(request.getfixturevalue("handed_out"))
    return target.send_all(chosen(target, forged_tokens(target, claims)))


@pytest.fixture(scope="module")
def key_elsewhere(target):
    key = target.options.api_key

    def order(label, extra=None, **more):
        document = {"runCount": 1, "idempotencyKey": target.key(), **(extra or {})}
        return target.request(document, label=label, authorization=NO_HEADER, **more)

    queries = ("api_key", "apiKey", "token", "access_token")
    cookies = ("token", "api_key", "access_token", "session", "Authorization")
    properties = ("apiKey", "api_key", "access_token", "token", "authorization")
    if target.profile is Profile.SMOKE:
        everywhere = {"query": f"?{'&'.join(f'{name}={key}' for name in queries)}"}
        cookie = ("Cookie", "; ".join(f"{name}={key}" for name in cookies))
        body = dict.fromkeys(properties, key)
        return target.send_all([order("key in query, cookie and body", body, headers=[cookie], **everywhere)])
    return target.send_all(
        [order(f"key in the query as {name}", query=f"?{name}={key}") for name in queries]
        + [
            order("key in a cookie", headers=[("Cookie", "; ".join(f"{name}={key}" for name in cookies))]),
            order("key in the body", {**dict.fromkeys(properties, key)}),
        ]
    )


@must("a request without a credential is refused", clause=UNAUTHORIZED, profile=Profile.SMOKE)
def test_missing_credential_is_refused(without_credential):
    expect(without_credential).is_refused()


@must("the right key under another scheme, or under none, is refused", clause=BEARER, profile=Profile.SMOKE)
def test_other_schemes_are_refused(under_other_schemes):
    expect_refused(under_other_schemes)


@must("a key that is not quite the right one is refused", clause=UNAUTHORIZED, profile=Profile.SMOKE)
def test_wrong_key_is_refused(with_wrong_keys):
    expect_refused(with_wrong_keys)


def given_no_header_is_refused(without_credential):
    """The ground of what is sent without the header and is odd beside: where that alone is let in, no more is seen."""
    let_in = [each for each in without_credential if each.request.label == "no header" and each.status != 401]
    if let_in:
        rests(REFUSAL, f"no header: expected 401, got {let_in[0].outcome}", let_in)


@must("the right key in the query, a cookie or the body is refused", clause=BEARER, profile=Profile.SMOKE)
def test_key_elsewhere_is_refused(without_credential, key_elsewhere):
    given_no_header_is_refused(without_credential)
    expect_refused(key_elsewhere)


@must("unsigned, expired and self-signed tokens are refused", clause=BEARER, profile=Profile.SMOKE)
def test_forged_tokens_are_refused(with_forged_tokens):
    expect_refused(with_forged_tokens)


@must("a delegated token whose payload or signature was changed is refused", clause=BEARER)
def test_tampered_delegated_token_is_refused(target, handed_out):
    token = handed_out.header(delegated_token.TOKEN)
    if token is None or delegated_token.token_problem(handed_out):
        raise NotApplicableError("the target hands out no delegated token that could be changed")
    forgeries = {label: target.credential(f"Bearer {forged}") for label, forged in forgery.tampered(token).items()}
    answers = target.send_all(chosen(target, forgeries))
    expect_refused(answers)
    expect(target.send_all(target.twin(each.request) for each in answers)).is_new_batch()


@must("a refused request creates nothing, and does not use up its key", clause=UNAUTHORIZED, profile=Profile.SMOKE)
def test_refused_request_creates_nothing(
    target, without_credential, under_other_schemes, with_wrong_keys, with_forged_tokens
):
    groups = (without_credential, under_other_schemes, with_wrong_keys, with_forged_tokens)
    each_group = target.pick(smoke=1, standard=3, thorough=20)
    fresh = [unspent(target, [one for one in group if one.status == 401]) for group in groups]
    refused = [each for group in fresh for each in group[:each_group]]
    if not refused:
        raise InconclusiveError("no request was refused, so there is no key that could be used up")
    twins = [target.twin(each.request) for each in refused[: target.pick(smoke=1, standard=100, thorough=100)]]
    expect(target.send_all(twins)).is_new_batch()


def in_turn(target, *labels):
    """Requests that carry, one after the other, the right key and what is no key."""
    authorizations = {**missing(target), **wrong_keys(target), RIGHT: target.bearer}
    return [
        target.order(label=label, authorization=authorizations[label]) for label in labels if label in authorizations
    ]


def followers(exchanges):
    """Pairs of neighbours that shared a connection."""
    return [
        (earlier, later)
        for earlier, later in pairwise(exchanges)
        if earlier.answer and later.answer and earlier.connection == later.connection != 0
    ]


@must(
    "on one connection every request is judged by itself, whichever credential came before",
    clause="RFC 9110 3.3",
    profile=Profile.SMOKE,
)
def test_requests_on_one_connection_are_judged_by_themselves(target, without_credential, with_wrong_keys):
    # What is let in on a connection of its own is another requirement's affair.
    alone = {each.request.label for each in (*without_credential, *with_wrong_keys) if each.status == 401}
    turns = TURNS[: target.pick(smoke=1, standard=2, thorough=2)]
    lines = [target.send_in_turn(in_turn(target, *turn)) for turn in turns]
    shared = [pair for line in lines for pair in followers(line)]
    if not shared:
        raise NotApplicableError("no two requests could share a connection: the target closes it after each answer")
    before = {later.number: earlier.request.label for earlier, later in shared}

    def judge(exchange):
        wanted = 202 if exchange.request.label == RIGHT else 401
        told = f"expected {wanted}, as on a connection of its own, got {exchange.outcome}"
        return None if exchange.status == wanted else f"{told} after {before[exchange.number]!r}"

    expect(later for _, later in shared if later.request.label in {RIGHT, *alone}).satisfies(judge)
    target.note(f"{len(shared)} requests on a connection that had carried others")


@must("a key that names a batch is no credential: its replay is refused like any request", clause=UNAUTHORIZED)
def test_known_key_is_no_credential(target, without_credential, with_wrong_keys, with_forged_tokens):
    first = target.create(key=target.key())
    given_batches(first)
    strangers = {
        "no header": NO_HEADER,
        "a wrong key": target.credential("Bearer tr_conformance_no_such_key"),
        "alg none": forged_tokens(target, None)["alg none"],
    }
    # Who is let in with any key is another requirement's affair.
    groups = (without_credential, with_wrong_keys, with_forged_tokens)
    refused = {each.request.label for group in groups for each in group if each.status == 401}
    replays = [
        target.order(key=key_of(first.request), label=f"{label}, known key", authorization=authorization)
        for label, authorization in strangers.items()
        if label in refused
    ]
    expect_refused(target.send_all(replays))


@info("whether the delegated token can create another batch", clause=BEARER)
def test_delegated_token_as_credential(target, handed_out):
    token = handed_out.header(delegated_token.TOKEN)
    if token is None:
        raise NotApplicableError("the target hands out no delegated token")
    answer = target.send(target.order(label="delegated token", authorization=target.credential(f"Bearer {token}")))
    target.note(f"a create with the delegated token: {answer.outcome}")


@should("an invalid body without a credential is 401, not 400 or 422", clause=UNAUTHORIZED, profile=Profile.SMOKE)
def test_invalid_body_without_credential_is_401(target, without_credential):
    given_no_header_is_refused(without_credential)
    wrongs = {
        "runCount 0": b'{"runCount":0}',
        "malformed JSON": b'{"runCount":',
        "a mistyped key": b'{"runCount":1,"idempotencyKey":1}',
    }
    requests = [target.request(body, label=label, authorization=NO_HEADER) for label, body in wrongs.items()]
    expect(target.send_all(requests[: target.pick(smoke=1, standard=3, thorough=3)])).has_status(401)


@should(
    "a 401 carries a WWW-Authenticate header with a Bearer challenge",
    clause="RFC 9110 11.6.1",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_refusal_carries_a_challenge(traffic):
    refused = [each for each in traffic if each.status == 401]
    if not refused:
        raise NotApplicableError("the run saw no 401")

    def judge(exchange):
        challenges = ", ".join(exchange.answer.all("www-authenticate")).lower()
        schemes = [challenge.strip().split(" ")[0] for challenge in challenges.split(",")]
        return None if "bearer" in schemes else f"WWW-Authenticate is {challenges or 'missing'}"

    expect(refused).satisfies(judge)


@should("the scheme's letter case does not matter", clause="RFC 9110 11.1")
def test_scheme_is_matched_without_regard_to_case(target):
    key = target.options.api_key
    spellings = {scheme: Authorization((f"{scheme} {key}".encode(),), f'"{scheme} $TRIGGER_API_KEY"', "primary")
                 for scheme in ("bearer", "BEARER", "bEaReR")}  # fmt: skip
    orders = [target.order(label=scheme, authorization=spelling) for scheme, spelling in spellings.items()]
    expect(target.send_all(orders)).is_new_batch()


@must("an oversized Authorization header, or one with bytes above 0x7F, is refused", clause=UNAUTHORIZED)
def test_oversized_or_binary_authorization_is_refused(target):
    key = target.options.api_key.encode()
    requests = [
        target.order(
            label="16 kB of token", authorization=target.credential(b"Bearer " + b"a" * 16_384), beyond=Beyond.SIZE
        ),
        target.order(
            label="the key and 16 kB",
            authorization=target.credential(b"Bearer " + key + b"a" * 16_384),
            beyond=Beyond.SIZE,
        ),
        target.order(
            label="bytes above 0x7F", authorization=target.credential(b"Bearer \xff\xfe\xc3\xa9"), beyond=Beyond.GRAMMAR
        ),
        target.order(
            label="the key and a byte above 0x7F",
            authorization=target.credential(b"Bearer " + key + b"\xe9"),
            beyond=Beyond.GRAMMAR,
        ),
    ]
    expect(target.send_all(requests)).has_status(400, 401, 431)


@should("two Authorization headers, one right and one wrong, are refused", clause=BEARER)
def test_two_authorization_headers_are_refused(target):
    right, wrong = target.bearer.values[0], b"Bearer tr_conformance_no_such_key"
    pairs = {"right, then wrong": (right, wrong), "wrong, then right": (wrong, right)}
    orders = [
        target.order(
            label=label, authorization=Authorization(values, '"Bearer $TRIGGER_API_KEY"'), beyond=Beyond.GRAMMAR
        )
        for label, values in pairs.items()
    ]
    expect(target.send_all(orders)).has_status(*REJECTIONS[:1], 401)
