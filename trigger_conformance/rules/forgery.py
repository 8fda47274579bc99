"""Tokens that no sound target honours, made from what it hands out."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt

from trigger_conformance.rules.delegated_token import json_part

_FOREIGN_KEY = "a-signing-key-that-is-not-the-target's-own"
_CLAIMS = {"sub": "conformance", "pub": True, "scopes": ["write:batches", "read:batches", "admin"]}
_LONG_AGO = 1_500_000_000
_FAR_AHEAD = 4_000_000_000


def forged(claims: dict[str, Any] | None) -> dict[str, str]:
    """Forged tokens by name; ``claims`` are those of a token that the target handed out, if it did."""
    current = {**(claims or _CLAIMS), "exp": _FAR_AHEAD}
    unsigned = jwt.encode(current, "", algorithm="none")
    return {
        "alg none": unsigned,
        "alg None": _with_header(unsigned, {"alg": "None", "typ": "JWT"}),
        "signed with another key": jwt.encode(current, _FOREIGN_KEY, algorithm="HS256"),
        "signed with another key, expired": jwt.encode({**current, "exp": _LONG_AGO}, _FOREIGN_KEY, algorithm="HS256"),
    }


def tampered(token: str) -> dict[str, str]:
    """A token that the target handed out, changed, by what was done to it."""
    header, payload, signature = token.split(".")
    claims = json_part(payload) or {}
    richer = _part({**claims, "exp": _FAR_AHEAD, "scopes": ["admin", "write:all"], "pub": False})
    return {
        "payload changed, signature kept": f"{header}.{richer}.{signature}",
        "signature removed": f"{header}.{payload}.",
        "alg none, payload kept": f"{_part({'alg': 'none', 'typ': 'JWT'})}.{payload}.",
    }


def _with_header(token: str, header: dict[str, Any]) -> str:
    return f"{_part(header)}.{token.split('.', 1)[1]}"


def _part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
