"""The delegated token in ``x-trigger-jwt`` and its claims header: pure rules over answers.

Rests on the documented headers of a success and RFC 7515 section 7.1 (compact JWS), RFC 7519 section 4.1.4 (exp).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from trigger_conformance.contract import told
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import Answer

TOKEN = "x-trigger-jwt"
_MOST_NAMED = 20
CLAIMS = "x-trigger-jwt-claims"
_CLOCK_SKEW = 60.0
_PART = re.compile(r"[A-Za-z0-9_-]+")


def token_problem(answer: Answer) -> str | None:
    """What is wrong with an answer's token, where it has one."""
    tokens = answer.all(TOKEN)
    if not tokens:
        return None
    if len(tokens) > 1:
        return f"{TOKEN} is there {len(tokens)} times"
    parts = tokens[0].split(".")
    if len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
        return f"{TOKEN} is no compact JWS of three base64url parts"
    header, payload = json_part(parts[0]), json_part(parts[1])
    if header is None or payload is None:
        return f"{TOKEN}: the {'payload' if header else 'header'} is no base64url JSON object"
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm.lower() == "none":
        return f"{TOKEN} has alg {algorithm!r}: nothing vouches for it"
    return _expiry_problem(payload.get("exp"), answer)


def _expiry_problem(expiry: object, answer: Answer) -> str | None:
    if expiry is None:
        return None
    if not isinstance(expiry, int | float) or isinstance(expiry, bool):
        return f"{TOKEN} has exp {expiry!r}, which is no number"
    # The target's own clock decides, where it tells the time.
    if expiry <= (answer.at - _CLOCK_SKEW if answer.date is None else answer.date):
        return f"{TOKEN} has already expired (exp {expiry})"
    return None


def claims_problem(answer: Answer) -> str | None:
    """What is wrong with the claims header, where there is one: it must be a JSON object."""
    claims = answer.all(CLAIMS)
    if len(claims) > 1:
        return f"{CLAIMS} is there {len(claims)} times"
    return f"{CLAIMS} is no JSON object" if claims and _object(claims[0]) is None else None


def disagreement(answer: Answer) -> str | None:
    """Which claims of the claims header differ from the token's payload, where both can be read."""
    payload, claims = payload_of(answer), _object(answer.header(CLAIMS) or "")
    if payload is None or claims is None:
        return None
    missing = object()
    differing = [name for name, value in claims.items() if payload.get(name, missing) != value]
    named = ", ".join(map(quoted, differing[:_MOST_NAMED]))
    return f"{CLAIMS} and the token's payload differ in {named}" if differing else None


def payload_of(answer: Answer) -> dict[str, Any] | None:
    """The token's payload, where it can be read."""
    parts = (answer.header(TOKEN) or "").split(".")
    return json_part(parts[1]) if len(parts) == 3 else None


def json_part(part: str) -> dict[str, Any] | None:
    """A JWS part as the JSON object that it encodes, or None."""
    try:
        return _object(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8"))
    except (binascii.Error, ValueError):
        return None


def _object(text: str) -> dict[str, Any] | None:
    value = told.document(text)
    return value if isinstance(value, dict) else None
