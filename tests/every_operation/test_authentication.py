"""Authentication: what is refused, with 401, and without a trace."""

import base64
import re
from itertools import pairwise

import pytest

from trigger_conformance.checks.client import SECOND_KEY_VARIABLE, Authorization
from trigger_conformance.checks.expect import InconclusiveError, NotApplicableError, expect, seen
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.requirement import Profile, Stage, must, should
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.rules import forgery
from trigger_conformance.wire.exchange import Beyond

from . import credentials
from .clients import with_header
from .grounds import (
    REFUSAL,
    WRONG_KEY,
    expect_nobody_let_in,
    expect_nothing_made,
    expect_refused,
    expect_wrong_refused,
    given_kept_out,
    given_more_than_smoke,
    is_let_in,
    operation,
)

BEARER = "BearerAuth"
UNAUTHORIZED = "{operation}.responses.401"
SMOKE = {"no header", "no scheme", "alg none"}
# What is sent where an operation is sparing, and where it is not: there a connection begins with a wrong key.
SMOKE_SPARING, SMOKE_MORE = {"letter case swapped"}, {"an empty signature"}
ASKED_BY_KNOWN_KEY = {"no scheme"}
# One that is never closed ends with the text.
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?$)', re.DOTALL)
HEALTH_CHECKER = with_header("User-Agent", credentials.HEALTH_CHECKER)
NO_HEADER = Authorization((), "")
RIGHT = "the right key"
# What a frugal operation leaves to larger profiles: whoever lets it in lets in another row, too.
SPARED = {
    "Bearer and a space", "Basic, key as it is", "ApiKey", "BearerX", "XBearer", "first character changed",
    "signed with another key, expired", "16 kB of token", "bytes above 0x7F", "bearer", "BEARER",
    "a signature of zeros",
}  # fmt: skip
# What one whose things are removed leaves to them, too.
SPARED_MORE = {
    "percent-encoded", "twice", "Token", "alg None", "Bearer without a token", "Basic, key as the password",
    "a colon behind the scheme", "an empty signature", "an empty header", "wrong, then right",
}  # fmt: skip
# Who lets this one in lets in whatever is odder, which is no further finding.
PLAINLY_WRONG = "a wrong key"
FOREIGN, FORGED = "signed with another key", "authentication.forged_tokens_are_refused"
# Each wrong one comes after the right key and before it; in the first turn a wrong one is what a connection sees first.
TURNS = (
    ("letter case swapped", RIGHT, "no header"),
    (RIGHT, PLAINLY_WRONG, RIGHT, "letter case swapped", RIGHT, "no header", RIGHT),
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
        "a colon behind the scheme": target.derived(f"Bearer: {key}", '"Bearer: $TRIGGER_API_KEY"'),
        "XBearer": target.derived(f"XBearer {key}", '"XBearer $TRIGGER_API_KEY"'),
    }


def wrong_keys(target):
    key = target.options.api_key
    middle = len(key) // 2
    changed = {
        "first character changed": (credentials.other(key[0]) + key[1:], '"Bearer x${TRIGGER_API_KEY#?}"'),
        "middle character changed": (key[:middle] + credentials.other(key[middle]) + key[middle + 1 :], ""),
        "last character changed": credentials.last_changed(key),
        "cut short by one": (key[:-1], '"Bearer ${TRIGGER_API_KEY%?}"'),
        "first character missing": (key[1:], '"Bearer ${TRIGGER_API_KEY#?}"'),
        # As what is padded in base64, too.
        "extended": (f"{key}=", '"Bearer ${TRIGGER_API_KEY}="'),
        # To whoever looks for a pattern, or reads base64 of both alphabets, they are one.
        "dashes for underscores": (key.replace("_", "-"), ""),
        "twice": (key + key, '"Bearer $TRIGGER_API_KEY$TRIGGER_API_KEY"'),
        "letter case swapped": (key.swapcase(), ""),
    }
    if (second := target.options.second_api_key) and not target.sparing:
        changed |= {
            "another environment's, letter case swapped": (second.swapcase(), ""),
            "another environment's, extended": (f"{second}=", f'"Bearer ${{{SECOND_KEY_VARIABLE}}}="'),
        }
    near = {
        label: target.derived(f"Bearer {value}", shell) for label, (value, shell) in changed.items() if value != key
    }
    return {PLAINLY_WRONG: target.credential("Bearer tr_conformance_no_such_key"), **near}


def forged_tokens(target, claims):
    return {label: target.credential(f"Bearer {token}") for label, token in forgery.forged(claims).items()}


def is_spared(target, label):
    """Whether a row is left to larger profiles."""
    return (target.sparing and label in SPARED) or (target.thrifty and label in SPARED_MORE)


def chosen(target, key, authorizations):
    smoke = target.profile is Profile.SMOKE
    few = SMOKE | (SMOKE_SPARING if target.sparing else SMOKE_MORE)
    # What is known must not open a door either; larger profiles ask that by itself.
    return [
        target.valid(
            label,
            key=target.known_key() if smoke and label in ASKED_BY_KNOWN_KEY else key,
            authorization=authorization,
        )
        for label, authorization in authorizations.items()
        if (label in few if smoke else not is_spared(target, label))
    ]


@pytest.fixture(scope="module")
def keys_of_groups(target):
    """One key for all requests of a group: what any of them makes, one request shows; of a frugal operation for all."""
    groups = ("missing", "schemes", "wrong", "forged", "looked up")
    if target.sparing:
        return dict.fromkeys(groups, target.key())
    return {group: target.key() for group in groups}


@pytest.fixture(scope="module")
def without_credential(target, keys_of_groups):
    return target.send_all(chosen(target, keys_of_groups["missing"], missing(target)))


@pytest.fixture(scope="module")
def under_other_schemes(target, keys_of_groups):
    return target.send_all(chosen(target, keys_of_groups["schemes"], other_schemes(target)))


@pytest.fixture(scope="module")
def lines(target):
    """Requests that took turns on a connection each: the right key and what is no key."""
    turns = TURNS[: target.pick(smoke=1, standard=2, thorough=2, frugal=1)]
    return [target.send_in_turn(in_turn(target, *turn)) for turn in turns]


@pytest.fixture(scope="module")
def with_wrong_keys(request, target, keys_of_groups):
    if target.profile is Profile.SMOKE and not target.sparing:
        # The first one on a connection is as one alone.
        return request.getfixturevalue("lines")[0][:1]
    return target.send_all(chosen(target, keys_of_groups["wrong"], wrong_keys(target)))


@pytest.fixture(scope="module")
def claims(target):
    """What a token of the target's own says, or might say where it hands out none."""
    told = target.token_claims() if target.profile > Profile.SMOKE else None
    return told or {"sub": "conformance", "pub": True, "scopes": [*target.operation.scopes]}


@pytest.fixture(scope="module")
def with_forged_tokens(target, keys_of_groups, claims):
    return target.send_all(chosen(target, keys_of_groups["forged"], forged_tokens(target, claims)))


@pytest.fixture(scope="module")
def look_up_key(keys_of_groups):
    return keys_of_groups["looked up"]


def looked_up(target, key, tokens, standard, frugal=1, thrifty=None, smoke=0):
    """Requests with ``tokens`` by label, ``standard`` of them in a standard run, ``frugal`` in one that sends less."""
    return [
        target.valid(
            label,
            key=key,
            authorization=target.credential(f"Bearer {token}".encode()),
            beyond=Beyond.NOTHING if credentials.TOKEN68.fullmatch(token) else Beyond.GRAMMAR,
        )
        for label, token in list(tokens.items())[
            : target.pick(smoke=smoke, standard=standard, thorough=len(tokens), frugal=frugal, thrifty=thrifty)
        ]
    ]


@pytest.fixture(scope="module")
def with_names(target, look_up_key):
    return target.send_all(looked_up(target, look_up_key, credentials.NAMES, 6))


@pytest.fixture(scope="module")
def with_patterns(target, look_up_key):
    return target.send_all(looked_up(target, look_up_key, credentials.patterns(target.options.api_key), 6))


@pytest.fixture(scope="module")
def with_spellings(target, look_up_key):
    given_more_than_smoke(target)
    key = target.options.api_key
    tokens = {label: token for label, token in credentials.spellings(key).items() if token != key}
    for label, token in tokens.items():
        # A hash says nothing of the key, so that a target may tell it.
        keep_out = target.wire.redactor.conceal if label in credentials.HASHES else target.wire.redactor.learn
        keep_out(token)
    if target.profile is Profile.SMOKE:
        # Whoever takes a list apart, at its commas or its spaces, or looks for the key in it, finds the key.
        listed = {"a list with the key in front and behind": f"{key},x {key}"}
        return target.send_all(looked_up(target, look_up_key, listed, 1, smoke=1))
    return target.send_all(looked_up(target, look_up_key, tokens, 18, frugal=5, thrifty=1))


@pytest.fixture(scope="module")
def with_known_secrets(target, look_up_key, claims):
    tokens = forgery.with_known_secrets(claims)
    return target.send_all(looked_up(target, look_up_key, tokens, 7, frugal=2, thrifty=1))


@pytest.fixture(scope="module")
def with_keys_of_their_own(target, look_up_key, claims):
    tokens = forgery.naming_their_key(claims)
    return target.send_all(looked_up(target, look_up_key, tokens, 3))


@pytest.fixture(scope="module")
def key_elsewhere(target):
    key = target.options.api_key

    def order(label, extra=None, **more):
        document = {**target.document(), **(extra or {})}
        return target.request(document, label=label, authorization=NO_HEADER, **more)

    query = f"?{'&'.join(f'{name}={key}' for name in credentials.QUERIES)}"
    cookie = ("Cookie", "; ".join(f"{name}={key}" for name in credentials.COOKIES))
    body = dict.fromkeys(credentials.PROPERTIES, key)
    if target.profile is Profile.SMOKE or target.sparing:
        return target.send_all([order("key in query, cookie and body", body, headers=[cookie], query=query)])
    return target.send_all(
        [
            order("key in the query", query=query),
            order("key in a cookie", headers=[cookie]),
            order("key in the body", body),
        ]
    )


@pytest.fixture(scope="module")
def refusals(request, target, without_credential, under_other_schemes, with_wrong_keys, with_forged_tokens):
    """What was sent without a good credential, in groups of one key each."""
    answers = [*without_credential, *under_other_schemes, *with_wrong_keys, *with_forged_tokens]
    if target.profile > Profile.SMOKE:
        names = ("with_names", "with_patterns", "with_spellings", "with_known_secrets", "with_keys_of_their_own")
        answers += [each for name in names for each in request.getfixturevalue(name)]
    groups = {}
    for each in answers:
        groups.setdefault(target.operation.key(each.request), []).append(each)
    return list(groups.values())


@must(
    "a request without a credential is refused",
    clause=UNAUTHORIZED,
    profile=Profile.SMOKE,
    cases="a request without a credential",
)
def test_missing_credential_is_refused(without_credential):
    expect(without_credential).is_refused()


@must(
    "the right key under another scheme, or under none, is refused",
    clause=BEARER,
    profile=Profile.SMOKE,
    cases="the right key under another scheme",
)
def test_other_schemes_are_refused(under_other_schemes):
    expect_wrong_refused(under_other_schemes)


@must(
    "a key that is not quite the right one is refused", clause=UNAUTHORIZED, profile=Profile.SMOKE, cases="a wrong key"
)
def test_wrong_key_is_refused(with_wrong_keys):
    expect_refused(with_wrong_keys)


def given_no_header_is_refused(without_credential):
    """The ground of what is sent without the header and is odd beside: where that alone is let in, no more is seen."""
    let_in = [each for each in without_credential if each.request.label == "no header" and each.status != 401]
    if let_in:
        rests(operation(let_in).owner(REFUSAL), f"no header: expected 401, got {let_in[0].outcome}", let_in)


@must("the right key in the query, a cookie or the body is refused", clause=BEARER, profile=Profile.SMOKE)
def test_key_elsewhere_is_refused(without_credential, key_elsewhere):
    given_no_header_is_refused(without_credential)
    expect_refused(key_elsewhere)


@must("the right key in another header, or headers that let callers of a network in, are no credential", clause=BEARER)
def test_other_headers_are_no_credential(target, without_credential):
    given_no_header_is_refused(without_credential)
    key = target.options.api_key
    names = [(name, key) for name in credentials.HEADERS]
    names += [(name, f"Bearer {key}") for name in credentials.HEADERS_WITH_A_SCHEME]
    rows = {"key in other headers": names, "headers of callers within a network": credentials.OF_A_NETWORK}

    def order(label, headers):
        plain = target.valid(label, authorization=NO_HEADER, headers=headers)
        return plain if headers is names else HEALTH_CHECKER.given(plain)

    answers = []
    if target.sparing:
        # Whom neither lets in, both together do not.
        together = [header for headers in rows.values() for header in headers]
        answers.append(target.send(order("key in other headers, of a caller within a network", together)))
    if not answers or is_let_in(answers[0]):
        answers += target.send_all(order(label, headers) for label, headers in rows.items())
    expect_refused(answers)


@must(
    "unsigned, expired and self-signed tokens are refused", clause=BEARER, profile=Profile.SMOKE, cases="a forged token"
)
def test_forged_tokens_are_refused(with_wrong_keys, with_forged_tokens):
    given_kept_out(with_wrong_keys, PLAINLY_WRONG, WRONG_KEY)
    expect_wrong_refused(with_forged_tokens)


def expect_kept_out(answers):
    """Nobody is let in; what no credential can be made of may be answered 400, or by what stands in front."""
    refused = [each for each in answers if each.status != 400 or each.request.beyond is not Beyond.GRAMMAR]
    if refused:
        expect_wrong_refused(refused)


@must(
    "what every object has, and words for nothing or true, are no credentials",
    clause=UNAUTHORIZED,
    cases="a name in the key's place",
)
def test_names_of_a_look_up_are_refused(with_wrong_keys, with_names):
    given_kept_out(with_wrong_keys, PLAINLY_WRONG, WRONG_KEY)
    expect_kept_out(with_names)


@must(
    "wildcards, regular expressions and quotes are no credentials",
    clause=UNAUTHORIZED,
    cases="a pattern in the key's place",
)
def test_patterns_are_refused(with_wrong_keys, with_patterns):
    given_kept_out(with_wrong_keys, PLAINLY_WRONG, WRONG_KEY)
    expect_kept_out(with_patterns)


@must(
    "the right key with another beside it, or written otherwise, is refused",
    clause=UNAUTHORIZED,
    profile=Profile.SMOKE,
    cases="another spelling of the key",
)
def test_other_spellings_of_the_key_are_refused(with_wrong_keys, with_spellings):
    given_kept_out(with_wrong_keys, PLAINLY_WRONG, WRONG_KEY)
    expect_kept_out(with_spellings)


@must(
    "tokens signed with nothing, or with a secret that everybody knows, are refused",
    clause=BEARER,
    cases="a token that anybody can sign",
)
def test_tokens_signed_with_known_secrets_are_refused(with_forged_tokens, with_known_secrets):
    given_kept_out(with_forged_tokens, FOREIGN, FORGED)
    expect_kept_out(with_known_secrets)


@must("tokens that say which key verifies them are refused", clause=BEARER, cases="a token that names its own key")
def test_tokens_that_name_their_own_key_are_refused(with_forged_tokens, with_known_secrets, with_keys_of_their_own):
    given_kept_out(with_forged_tokens, FOREIGN, FORGED)
    # Where no secret will do, what the header says decides nothing.
    without = any(each.request.label == "signed with no secret" and each.status != 401 for each in with_known_secrets)
    taken = forgery.SIGNED_WITH_NOTHING if without else set()
    expect_kept_out([each for each in with_keys_of_their_own if each.request.label not in taken])


@must("a refused request creates nothing, and does not use up its key", clause=UNAUTHORIZED, profile=Profile.SMOKE)
def test_refused_request_creates_nothing(target, refusals):
    # Who is let in uses up the key of the group: that is another requirement's affair.
    refused = [group for group in refusals if group and all(each.status in (400, 401) for each in group)]
    fresh = [target.unspent(group)[:1] for group in refused]
    firsts = [each for group in fresh for each in group][: target.pick(smoke=1, standard=100, thorough=100)]
    if not firsts:
        raise InconclusiveError("no request was refused, so there is no key that could be used up")
    expect_nothing_made(target, (each.request for each in firsts))


def in_turn(target, *labels):
    """Requests that carry, one after the other, the right key and what is no key."""
    authorizations = {**missing(target), **wrong_keys(target), RIGHT: target.bearer}
    keys = {RIGHT: target.spare_key()}
    known = [label for label in labels if label in authorizations]
    return [target.valid(label, key=keys.get(label), authorization=authorizations[label]) for label in known]


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
    cases="a request on a shared connection",
)
def test_requests_on_one_connection_are_judged_by_themselves(target, without_credential, with_wrong_keys, lines):
    # What is let in on a connection of its own is another requirement's affair.
    alone = {each.request.label for each in (*without_credential, *with_wrong_keys) if each.status == 401}
    shared = [pair for line in lines for pair in followers(line)]
    if not shared:
        raise NotApplicableError("no two requests could share a connection: the target closes it after each answer")
    before = {later.number: earlier.request.label for earlier, later in shared}

    def judge(exchange):
        wanted = target.contract.success if exchange.request.label == RIGHT else 401
        told = f"expected {wanted}, as on a connection of its own, got {exchange.outcome}"
        return None if exchange.status == wanted else f"{told} after {before[exchange.number]!r}"

    expect(later for _, later in shared if later.request.label in {RIGHT, *alone}).satisfies(judge)
    target.note(f"{len(shared)} requests on a connection that had carried others")


@must(
    "a key that names a {thing} is no credential: its replay is refused like any request",
    clause=UNAUTHORIZED,
    cases="a known key without a credential",
)
def test_known_key_is_no_credential(target, claims, without_credential, with_wrong_keys, with_forged_tokens):
    key = target.known_key()
    strangers = {
        "no header": NO_HEADER,
        PLAINLY_WRONG: target.credential("Bearer tr_conformance_no_such_key"),
        "alg none": forged_tokens(target, claims)["alg none"],
    }
    if target.sparing:
        strangers = {PLAINLY_WRONG: strangers[PLAINLY_WRONG]}
    # Who is let in with any key is another requirement's affair.
    groups = (without_credential, with_wrong_keys, with_forged_tokens)
    refused = {each.request.label for group in groups for each in group if each.status == 401}
    replays = [
        target.valid(f"{label}, known key", key=key, authorization=authorization)
        for label, authorization in strangers.items()
        if label in refused
    ]
    expect_refused(target.send_all(replays))


@should("an invalid body without a credential is 401, not 400 or 422", clause=UNAUTHORIZED)
def test_invalid_body_without_credential_is_401(target, without_credential):
    given_no_header_is_refused(without_credential)
    wrongs = target.invalid().items()
    requests = [target.request(body, label=label, authorization=NO_HEADER) for label, body in wrongs]
    expect(target.send_all(requests[: target.pick(smoke=1, standard=3, thorough=3, frugal=1)])).has_status(401)


@should(
    "a 401 carries a WWW-Authenticate header with a Bearer challenge",
    clause="RFC 9110 11.6.1",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_refusal_carries_a_challenge(traffic):
    refused = [each for each in traffic if each.status == 401]

    def judge(exchange):
        challenges = ", ".join(exchange.answer.all("www-authenticate"))
        schemes = [each.strip().split(" ")[0] for each in QUOTED.sub("", challenges.lower()).split(",")]
        return None if "bearer" in schemes else f"WWW-Authenticate is {quoted(challenges) if challenges else 'missing'}"

    seen(refused, "401").satisfies(judge)


@should("the scheme's letter case does not matter", clause="RFC 9110 11.1", cases="the scheme in other letters")
def test_scheme_is_matched_without_regard_to_case(target):
    key = target.options.api_key
    spellings = {scheme: Authorization((f"{scheme} {key}".encode(),), f'"{scheme} $TRIGGER_API_KEY"', "primary")
                 for scheme in ("bearer", "BEARER", "bEaReR")}  # fmt: skip
    orders = [target.valid(scheme, key=target.spare_key(), authorization=spelling)
              for scheme, spelling in spellings.items() if not is_spared(target, scheme)]  # fmt: skip
    expect(target.send_all(orders)).is_new()


def expect_turned_away(answers, *statuses):
    """Nobody is let in, and nothing fails; with which other status strangers are refused is another requirement's."""
    expect_nobody_let_in(answers)
    expect(answers).satisfies(lambda each: f"expected 401, got {each.outcome}" if each.status >= 500 else None)
    given(answers, rests_on=operation(answers).owner(WRONG_KEY)).has_status(*statuses)


@must(
    "an oversized Authorization header, or one with bytes above 0x7F, is refused",
    clause=UNAUTHORIZED,
    profile=Profile.SMOKE,
    cases="an oversized or binary credential",
)
def test_oversized_or_binary_authorization_is_refused(target):
    key = target.options.api_key.encode()
    requests = [
        target.valid(
            "the key and 16 kB",
            authorization=target.credential(b"Bearer " + key + b"a" * 16_384),
            beyond=Beyond.SIZE,
        ),
        target.valid("16 kB of token", authorization=target.credential(b"Bearer " + b"a" * 16_384), beyond=Beyond.SIZE),
        target.valid(
            "bytes above 0x7F", authorization=target.credential(b"Bearer \xff\xfe\xc3\xa9"), beyond=Beyond.GRAMMAR
        ),
        target.valid(
            "the key and a byte above 0x7F",
            # A no-break space in Latin-1, too, which is white space to some.
            authorization=target.credential(b"Bearer " + key + b"\xa0"),
            beyond=Beyond.GRAMMAR,
        ),
    ]
    chosen = [each for each in requests if not is_spared(target, each.label)]
    expect_turned_away(target.send_all(chosen[: target.pick(smoke=1, standard=4, thorough=4)]), 400, 401, 431)


@should(
    "two Authorization headers, one right and one wrong, are refused", clause=BEARER, cases="two Authorization headers"
)
def test_two_authorization_headers_are_refused(target):
    right, wrong = target.bearer.values[0], b"Bearer tr_conformance_no_such_key"
    pairs = {"right, then wrong": (right, wrong), "wrong, then right": (wrong, right)}
    orders = [
        target.valid(label, authorization=Authorization(values, '"Bearer $TRIGGER_API_KEY"'), beyond=Beyond.GRAMMAR)
        for label, values in pairs.items()
        if not is_spared(target, label)
    ]
    expect_turned_away(target.send_all(orders), 400, 401)
