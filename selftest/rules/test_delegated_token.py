"""The rules for the delegated token and its claims."""

import base64
import hmac
import json
from contextlib import suppress

import jwt
import pytest

from trigger_conformance.rules import delegated_token as token
from trigger_conformance.rules import forgery
from trigger_conformance.wire.exchange import Answer

NOW = 1_800_000_000.0
KEY = "a-key-of-thirty-two-bytes-or-more"
CLAIMS = {"sub": "dev", "scopes": ["read"], "exp": int(NOW) + 60}


def answer(text=None, claims=None, date=None):
    headers = [(token.TOKEN, text), (token.CLAIMS, claims), ("date", date)]
    return Answer(202, "", tuple((name, value) for name, value in headers if value is not None), b"", NOW)


def signed(claims=CLAIMS, **changes):
    return jwt.encode({**claims, **changes}, KEY, algorithm="HS256")


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "told", [answer(), answer(signed()), answer(signed({"sub": "x"})), answer(signed(exp=NOW + 0.5))]
)
def test_a_sound_token_or_none_has_no_problem(told):
    assert token.token_problem(told) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no compact JWS"),
        ("a.b", "no compact JWS"),
        (signed() + ".x", "no compact JWS"),
        (signed().rpartition(".")[0] + ".", "no compact JWS"),
        (signed() + "=", "no compact JWS"),
        (f"{part([])}.{part(CLAIMS)}.c2ln", "the header is no base64url JSON object"),
        (f"{part({'alg': 'HS256'})}.{part('x')}.c2ln", "the payload is no base64url JSON object"),
        ("a.b.c", "the header is no base64url JSON object"),
        (f"{part({'alg': 'none'})}.{part(CLAIMS)}.c2ln", "alg 'none'"),
        (f"{part({'alg': 'NONE'})}.{part(CLAIMS)}.c2ln", "alg 'NONE'"),
        (f"{part({'typ': 'JWT'})}.{part(CLAIMS)}.c2ln", "alg None"),
        (signed(exp=NOW - 61), "already expired"),
        (f"{part({'alg': 'HS256'})}.{part({'exp': 'soon'})}.c2ln", "exp 'soon', which is no number"),
        (f"{part({'alg': 'HS256'})}.{part({'exp': True})}.c2ln", "exp True, which is no number"),
    ],
)
def test_a_broken_token_is_named(text, said):
    assert said in token.token_problem(answer(text))


def test_a_clock_that_is_a_little_off_is_forgiven_unless_the_target_tells_its_own():
    assert token.token_problem(answer(signed(exp=NOW - 59))) is None
    same = "Fri, 15 Jan 2027 08:00:00 GMT"
    assert "already expired" in token.token_problem(answer(signed(exp=NOW), date=same))
    assert token.token_problem(answer(signed(exp=NOW + 1), date=same)) is None


@pytest.mark.parametrize(
    ("claims", "fine"), [("{}", True), ("[]", False), ("{'a': 1}", False), ("", False), (None, True)]
)
def test_claims_are_a_json_object(claims, fine):
    assert (token.claims_problem(answer(claims=claims)) is None) is fine


def test_claims_that_differ_from_the_token_are_named():
    assert token.disagreement(answer(signed(), json.dumps({"sub": "dev"}))) is None
    told = token.disagreement(answer(signed(), json.dumps({"sub": "prod", "aud": None})))
    assert told.endswith('differ in "sub", "aud"')
    assert token.disagreement(answer(signed())) is None
    assert token.disagreement(answer(None, "{}")) is None


def test_forged_tokens_are_what_they_say():
    forged = forgery.forged(CLAIMS)
    assert jwt.get_unverified_header(forged["alg none"])["alg"] == "none"
    assert token.json_part(forged["alg None"].split(".")[0])["alg"] == "None"
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(forged["signed with another key"], KEY, algorithms=["HS256"])
    assert jwt.decode(forged["signed with another key, expired"], options={"verify_signature": False})["exp"] < NOW


def test_tampered_tokens_keep_what_they_should():
    original = signed()
    tampered = forgery.tampered(original)
    changed = tampered["payload changed, signature kept"].split(".")
    assert changed[2] == original.split(".")[2]
    assert token.json_part(changed[1])["scopes"] != CLAIMS["scopes"]
    assert tampered["signature removed"] == original.rpartition(".")[0] + "."
    assert original not in tampered.values()


def signed_with(secret):
    def verifies(token):
        with suppress(jwt.InvalidTokenError, ValueError):
            header, payload, signature = token.split(".")
            algorithm = jwt.get_unverified_header(token)["alg"].replace("HS", "sha")
            wanted = hmac.digest(secret.encode(), f"{header}.{payload}".encode(), algorithm)
            return base64.urlsafe_b64encode(wanted).rstrip(b"=").decode() == signature
        return False

    return verifies


def test_each_known_secret_signs_one_token_that_has_not_expired():
    tokens = forgery.with_known_secrets(CLAIMS)
    for name, secret in forgery.KNOWN_SECRETS.items():
        verifies = signed_with(secret)
        signed = [label for label, token in tokens.items() if verifies(token)]
        assert f"signed with {name}" in signed
        assert len(signed) == {"": 3, "secret": 2}.get(secret, 1)
    spelt = {jwt.get_unverified_header(token)["alg"] for token in tokens.values()}
    assert spelt >= {"nOnE", "NONE", "", "HS256", "HS512"}
    assert len(set(tokens.values())) == len(tokens)
    claims = [jwt.decode(token, options={"verify_signature": False, "verify_exp": True}) for token in tokens.values()]
    assert all(each["sub"] == CLAIMS["sub"] for each in claims)


def test_tokens_that_name_their_key_are_signed_with_it():
    tokens = forgery.naming_their_key(CLAIMS)
    nothing, own = signed_with(""), signed_with("conformance")
    assert {label for label, token in tokens.items() if nothing(token)} == forgery.SIGNED_WITH_NOTHING
    assert {label for label, token in tokens.items() if own(token)} == tokens.keys() - forgery.SIGNED_WITH_NOTHING
    headers = {label: jwt.get_unverified_header(token) for label, token in tokens.items()}
    assert base64.urlsafe_b64decode(headers["a jwk of its own"]["jwk"]["k"] + "=") == b"conformance"
    assert headers["kid is an empty file"]["kid"].endswith("../dev/null")
