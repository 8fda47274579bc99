"""Credentials on their way to a look-up: what an object or a verifier takes for one, of any operation."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import sqlite3
from pathlib import Path
from typing import Any

from starlette.requests import Request

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import OperationServer
from trigger_conformance.reference.site import Environment

NAMES = "authentication.names_of_a_look_up_are_refused"
SECRETS = "authentication.tokens_signed_with_known_secrets_are_refused"
KEYS = "authentication.tokens_that_name_their_own_key_are_refused"
SPELLINGS = "authentication.other_spellings_of_the_key_are_refused"


class LookingUp(OperationServer):
    """Finds the first environment by more than its key."""

    def authenticate(self, request: Request) -> Environment | None:
        own = super().authenticate(request)
        if own is not None or len(headers := self.authorizations(request)) != 1:
            return own
        token = self.bearer_token(headers[0])
        return self.environments[0] if token and self.finds(token) else None

    def finds(self, token: str) -> bool:
        raise NotImplementedError

    @property
    def key(self) -> str:
        """The first environment's key."""
        return self.environments[0].api_key


@fault(NAMES)
class FindsWhatEveryObjectHas(LookingUp):
    """Keys are the properties of an object, so that those which every object inherits are found too."""

    def finds(self, token: str) -> bool:
        return token in ("constructor", "toString", "__proto__", "hasOwnProperty", "valueOf", "isPrototypeOf")


@fault(SPELLINGS)
class TakesTheFirstWord(LookingUp):
    """The header is split at its spaces, and what follows the token is not looked at."""

    def finds(self, token: str) -> bool:
        return token.split(" ")[0] == self.key


@fault(SPELLINGS)
class TakesTheLastWord(LookingUp):
    """The header's last word is the token."""

    def finds(self, token: str) -> bool:
        return token.split(" ")[-1] == self.key


@fault(SPELLINGS)
class TakesQuotesAway(LookingUp):
    """Quotes around a token are taken away."""

    def finds(self, token: str) -> bool:
        return token.strip("\"'") == self.key


@fault(SPELLINGS)
class CutsTokensAtColons(LookingUp):
    """A token ends at its first colon: a key and its secret."""

    def finds(self, token: str) -> bool:
        return token.partition(":")[0] == self.key


class Verifying(LookingUp):
    """Trusts a token that it verifies with a secret which others know."""

    def finds(self, token: str) -> bool:
        with contextlib.suppress(ValueError, LookupError, sqlite3.Error, OSError):
            header, payload, signature = token.split(".")
            head = json.loads(decoded(header))
            if not str(head.get("alg")).startswith("HS"):
                return False
            signed = hmac.digest(self.secret(head), f"{header}.{payload}".encode(), f"sha{head['alg'][2:]}")
            return hmac.compare_digest(signed, decoded(signature))
        return False

    def secret(self, header: dict[str, Any]) -> bytes:
        """What a token with this header is signed with."""
        raise NotImplementedError


def decoded(part: str) -> bytes:
    """What a part of a token says."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@fault(SECRETS)
class HasTheDefaultSecret(Verifying):
    """The secret is the one of the example configuration."""

    def secret(self, header: dict[str, Any]) -> bytes:  # noqa: ARG002
        return b"secret"


@fault(SECRETS)
class TakesAnyCaseOfNone(LookingUp):
    """Unsigned tokens are refused by a list of spellings that lacks one."""

    def finds(self, token: str) -> bool:
        with contextlib.suppress(ValueError):
            algorithm = str(json.loads(decoded(token.split(".")[0]))["alg"])
            return algorithm not in ("none", "None", "NONE") and algorithm.lower() == "none"
        return False


@fault(KEYS)
class ReadsItsSecretFromAFile(Verifying):
    """kid names the file with the secret, wherever that is."""

    def secret(self, header: dict[str, Any]) -> bytes:
        return Path("/etc", str(header["kid"])).read_bytes()
