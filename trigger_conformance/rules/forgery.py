"""Tokens that no sound target honours, made from what it hands out."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import jwt

from trigger_conformance.rules.delegated_token import json_part

_FOREIGN_KEY = "a-signing-key-that-is-not-the-target's-own"
_OWN_KEY = "conformance"
_LONG_AGO = 1_500_000_000
_FAR_AHEAD = 4_000_000_000
# Of two numbers of 256 bits each, as ES256 has it.
_ZEROS = base64.urlsafe_b64encode(bytes(64)).rstrip(b"=").decode()


def forged(claims: dict[str, Any]) -> dict[str, str]:
    """Forged tokens by name; ``claims`` are those of a token that the target handed out, or might."""
    current = {**claims, "exp": _FAR_AHEAD}
    unsigned = jwt.encode(current, "", algorithm="none")
    return {
        "alg none": unsigned,
        "alg None": _with_header(unsigned, {"alg": "None", "typ": "JWT"}),
        "a signature of zeros": f"{_part({'alg': 'ES256', 'typ': 'JWT'})}.{_part(current)}.{_ZEROS}",
        "an empty signature": f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(current)}.",
        "signed with another key": jwt.encode(current, _FOREIGN_KEY, algorithm="HS256"),
        "signed with another key, expired": jwt.encode({**current, "exp": _LONG_AGO}, _FOREIGN_KEY, algorithm="HS256"),
    }


# Secrets that everybody knows: none, those of tutorials, READMEs, debuggers and example configurations.
KNOWN_SECRETS = {
    "no secret": "",
    "secret": "secret",
    "the debugger's secret": "your-256-bit-secret",
    "the README's secret": "shhhhh",
    "changeme": "changeme",
    "the debugger's newer secret": "a-string-secret-at-least-256-bits-long",
    "Trigger.dev's example configuration's secret": "2818143646516f6fffd707b36f334bbb",
    "Supabase's example configuration's secret": "super-secret-jwt-token-with-at-least-32-characters-long",
    "an example configuration's secret": "abcdef1234",
    "your-secret-key": "your-secret-key",
    "your_jwt_secret": "your_jwt_secret",
    "supersecret": "supersecret",
    "keyboard cat": "keyboard cat",
    "password": "password",
    "jwt_secret": "jwt_secret",
    "key": "key",
    "test": "test",
    "undefined": "undefined",
    "null": "null",
}


def with_known_secrets(claims: dict[str, Any]) -> dict[str, str]:
    """Tokens signed with each of KNOWN_SECRETS by name, and unsigned ones under other spellings of none."""
    current = {**claims, "exp": _FAR_AHEAD}
    signed = {f"signed with {name}": _signed({"alg": "HS256"}, current, secret)
              for name, secret in KNOWN_SECRETS.items()}  # fmt: skip
    unsigned = jwt.encode(current, "", algorithm="none")
    spelt = {f"alg {name}": _with_header(unsigned, {"alg": name, "typ": "JWT"}) for name in ("nOnE", "NONE", "")}
    longer = {f"{algorithm}, no secret": _signed({"alg": algorithm}, current, "") for algorithm in ("HS384", "HS512")}
    usual = {"HS512, signed with secret": _signed({"alg": "HS512"}, current, "secret")}
    return {"alg nOnE": spelt.pop("alg nOnE"), **usual, **signed, **spelt, **longer}


# Those of ``naming_their_key`` that whoever has no secret takes too, whatever their header says.
SIGNED_WITH_NOTHING = {"kid is an empty file", "kid is an empty file's path", "kid is a name that every object has"}


def naming_their_key(claims: dict[str, Any]) -> dict[str, str]:
    """Tokens whose header says which key verifies them: one that everybody has, or one that they bring."""
    current = {**claims, "exp": _FAR_AHEAD}
    own = {"kty": "oct", "k": base64.urlsafe_b64encode(_OWN_KEY.encode()).rstrip(b"=").decode()}
    up, elsewhere = "../" * 12, "https://conformance.invalid"
    return {
        "kid is an empty file": _signed({"alg": "HS256", "kid": f"{up}dev/null"}, current, ""),
        "kid is a query": _signed({"alg": "HS256", "kid": f"x' UNION SELECT '{_OWN_KEY}"}, current, _OWN_KEY),
        "a jwk of its own": _signed({"alg": "HS256", "jwk": own}, current, _OWN_KEY),
        "kid is an empty file's path": _signed({"alg": "HS256", "kid": "/dev/null"}, current, ""),
        "kid is a name that every object has": _signed({"alg": "HS256", "kid": "constructor"}, current, ""),
        "kid is a command": _signed({"alg": "HS256", "kid": "x|echo conformance"}, current, _OWN_KEY),
        "a jku of its own": _signed({"alg": "HS256", "jku": f"{elsewhere}/jwks.json"}, current, _OWN_KEY),
        "an x5u of its own": _signed({"alg": "HS256", "x5u": f"{elsewhere}/x.pem"}, current, _OWN_KEY),
    }


def _signed(header: dict[str, Any], claims: dict[str, Any], secret: str) -> str:
    """A compact JWS by HMAC, which libraries refuse to make with a secret that is none."""
    told = f"{_part({**header, 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.digest(secret.encode(), told.encode(), f"sha{header['alg'][2:]}")
    return f"{told}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def tampered(token: str) -> dict[str, str]:
    """A token that the target handed out, changed, by what was done to it."""
    header, payload, _ = token.split(".")
    return {
        "payload changed, signature kept": with_claims(token, exp=_FAR_AHEAD, scopes=["admin", "write:all"], pub=False),
        "signature removed": f"{header}.{payload}.",
        "alg none, payload kept": f"{_part({'alg': 'none', 'typ': 'JWT'})}.{payload}.",
    }


def with_claims(token: str, **more: Any) -> str:
    """A token that the target handed out, with these claims more under its signature."""
    header, payload, signature = token.split(".")
    return f"{header}.{_part({**(json_part(payload) or {}), **more})}.{signature}"


def _with_header(token: str, header: dict[str, Any]) -> str:
    return f"{_part(header)}.{token.split('.', 1)[1]}"


def _part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
