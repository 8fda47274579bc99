"""Credentials on their way to a look-up: what an object, a pattern, a query or a verifier takes for one.

Each is after public bug reports, or after what a language, a database or a library does by itself.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fnmatch
import hashlib
import json
import re
import sqlite3
import unicodedata
from typing import Any
from urllib.parse import unquote

from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.faults.credential_lookups import LookingUp, Verifying, decoded
from trigger_conformance.reference.site import Environment, Site

NAMES = "authentication.names_of_a_look_up_are_refused"
PATTERNS = "authentication.patterns_are_refused"
SPELLINGS = "authentication.other_spellings_of_the_key_are_refused"
SECRETS = "authentication.tokens_signed_with_known_secrets_are_refused"
KEYS = "authentication.tokens_that_name_their_own_key_are_refused"
LEAK = "acceptance.credential_is_never_echoed"


@fault(NAMES)
class FindsWhatIsTrue(LookingUp, CreateBatchServer):
    """A token that is a number, or true, is compared loosely."""

    def finds(self, token: str) -> bool:
        return token in ("true", "0", "1", "NaN", "True")


@fault(PATTERNS)
class FindsByLike(LookingUp, CreateBatchServer):
    """The key is looked up by SQL's LIKE."""

    def finds(self, token: str) -> bool:
        wanted = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in token)
        return re.fullmatch(wanted, self.key, re.DOTALL) is not None


@fault(PATTERNS)
class FindsByGlob(LookingUp, CreateBatchServer):
    """The key is looked up by a store's KEYS, which knows * and ?."""

    def finds(self, token: str) -> bool:
        return fnmatch.fnmatchcase(self.key, token)


@fault(PATTERNS)
class FindsByRegularExpression(LookingUp, CreateBatchServer):
    """The key is looked up by a regular expression that is made of the token, after the key's own prefix."""

    def finds(self, token: str) -> bool:
        with contextlib.suppress(re.error):
            return token.startswith("tr_") and re.fullmatch(token, self.key) is not None
        return False


@fault(PATTERNS)
class FindsBySql(LookingUp, CreateBatchServer):
    """The token is written into a query between two quotes."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.opened: sqlite3.Connection | None = None

    @property
    def database(self) -> sqlite3.Connection:
        """The keys, opened on the thread that uses them."""
        if self.opened is None:
            self.opened = sqlite3.connect(":memory:")
            self.opened.execute("CREATE TABLE environment (key)")
            self.opened.execute("INSERT INTO environment VALUES (?)", (self.key,))
        return self.opened

    def finds(self, token: str) -> bool:
        with contextlib.suppress(sqlite3.Error):
            query = f"SELECT key FROM environment WHERE key = '{token}'"
            return self.database.execute(query).fetchone() is not None
        return False


@fault(SPELLINGS)
class TakesEitherOfTwo(LookingUp, CreateBatchServer):
    """Headers that a proxy has joined with commas are taken apart again, and the key may be in any of them."""

    def finds(self, token: str) -> bool:
        return self.key in re.split(r"\s*,\s*", token)


@fault(SPELLINGS)
class NormalisesTokens(LookingUp, CreateBatchServer):
    """Tokens are brought into a Unicode normal form that knows no width."""

    def finds(self, token: str) -> bool:
        with contextlib.suppress(UnicodeError):
            return unicodedata.normalize("NFKC", token.encode("latin-1").decode("utf-8")) == self.key
        return False


@fault("authentication.oversized_or_binary_authorization_is_refused")
class DropsWhatIsNotAscii(LookingUp, CreateBatchServer):
    """What is not ASCII is left out of a token."""

    def finds(self, token: str) -> bool:
        return token.encode("ascii", "ignore").decode() == self.key


@fault(SPELLINGS)
class TakesHashesForKeys(LookingUp, CreateBatchServer):
    """Keys are stored as SHA-256, and a token may be the stored form itself."""

    def finds(self, token: str) -> bool:
        return token == hashlib.sha256(self.key.encode()).hexdigest()


@fault(SPELLINGS)
class TakesKeysInBase64(LookingUp, CreateBatchServer):
    """The token may be the key in base64, as in Basic."""

    def finds(self, token: str) -> bool:
        with contextlib.suppress(binascii.Error, ValueError):
            return base64.b64decode(token).decode().rstrip(":") == self.key
        return False


@fault(SPELLINGS)
class DecodesTokens(LookingUp, CreateBatchServer):
    """A token is percent-decoded."""

    def finds(self, token: str) -> bool:
        return unquote(token) == self.key


@fault(KEYS)
class AsksADatabaseForItsSecret(Verifying, CreateBatchServer):
    """kid is written into a query between two quotes."""

    def secret(self, header: dict[str, Any]) -> bytes:
        with sqlite3.connect(":memory:") as database:
            database.execute("CREATE TABLE secret (kid, value)")
            row = database.execute(f"SELECT value FROM secret WHERE kid = '{header['kid']}'").fetchone()
        if row is None:
            raise ValueError(header["kid"])
        return str(row[0]).encode()


class _OfParts(LookingUp, CreateBatchServer):
    """Takes what it reads in a token for the key."""

    def finds(self, token: str) -> bool:
        return self.environments[0].api_key in self.read_in(token)

    def read_in(self, token: str) -> list[str]:
        raise NotImplementedError


@fault(SPELLINGS)
class CutsTokensAtPoints(_OfParts):
    """A token ends at its first point: a key and its signature."""

    def read_in(self, token: str) -> list[str]:
        return [token.partition(".")[0]]


@fault(SPELLINGS)
class TakesAnyOfAList(_OfParts):
    """Of credentials with commas between them any one will do."""

    def read_in(self, token: str) -> list[str]:
        return [each.strip().removeprefix("Bearer ") for each in token.split(",")] if "," in token else []


@fault(SPELLINGS)
class ForgetsWhatKeysBeginWith(CreateBatchServer):
    """Keys are looked up by what comes after their beginning, and any known beginning will do."""

    def key_matches(self, token: str, api_key: str) -> bool:
        return re.sub(r"^tr_[a-z]+_", "", token) == re.sub(r"^tr_[a-z]+_", "", api_key)


@fault(SPELLINGS)
class FoldsWhatKeysBeginWith(CreateBatchServer):
    """The beginning of a key is compared without regard to letter case."""

    def key_matches(self, token: str, api_key: str) -> bool:
        end = len(re.match(r"(?:[a-z]+_){0,2}", api_key)[0])  # type: ignore[index]
        return token[:end].lower() == api_key[:end] and token[end:] == api_key[end:]


@fault(PATTERNS)
class LooksUpBySingleWildcards(CreateBatchServer):
    """An underscore in a token stands for any one character, as in LIKE."""

    def key_matches(self, token: str, api_key: str) -> bool:
        return len(token) == len(api_key) and all(
            given in (one, "_") for given, one in zip(token, api_key, strict=True)
        )


@fault(SECRETS)
class HasTheReadmesSecret(Verifying, CreateBatchServer):
    """Tokens are signed with the secret of a library's README."""

    def secret(self, header: dict[str, Any]) -> bytes:  # noqa: ARG002
        return b"shhhhh"


@fault("authentication.forged_tokens_are_refused")
class TakesSignaturesOfZeros(LookingUp, CreateBatchServer):
    """A signature by an elliptic curve that is all zeros is valid for everything."""

    def finds(self, token: str) -> bool:
        with contextlib.suppress(ValueError, KeyError):
            header, _, signature = token.split(".")
            return json.loads(decoded(header))["alg"] == "ES256" and not any(decoded(signature))
        return False


class _Telling(CreateBatchServer):
    """Tells the credential back, in a form of its own."""

    def accepted(self, environment: Environment, order: Order, batch: Batch, *rest: Any) -> Response:
        response = super().accepted(environment, order, batch, *rest)
        for name, value in self.told(environment.api_key).items():
            response.headers[name] = value
        return response

    def told(self, key: str) -> dict[str, str]:
        raise NotImplementedError


@fault(LEAK)
class TellsTheKeysBytes(_Telling):
    """A debugging header has the key's bytes in hexadecimal, joined with dashes."""

    def told(self, key: str) -> dict[str, str]:
        return {"x-debug-token": "-".join(f"{byte:02X}" for byte in key.encode())}


@fault(LEAK)
class TellsTheKeyInGroups(_Telling):
    """A header has the key in groups of four."""

    def told(self, key: str) -> dict[str, str]:
        return {"x-licence": "-".join(key[start : start + 4] for start in range(0, len(key), 4))}


@fault(LEAK)
class TellsHalvesInHexadecimal(_Telling):
    """Two headers have a half of the key each, in hexadecimal."""

    def told(self, key: str) -> dict[str, str]:
        middle = len(key) // 2
        return {"x-trace-high": key[:middle].encode().hex(), "x-trace-low": key[middle:].encode().hex()}


@fault(SPELLINGS)
class CutsAtSemicolons(LookingUp, CreateBatchServer):
    """What is behind a semicolon is a parameter, and not the key."""

    def finds(self, token: str) -> bool:
        return token.partition(";")[0] == self.key


@fault(SPELLINGS)
class DropsTabs(LookingUp, CreateBatchServer):
    """Tabs in a key are dropped."""

    def finds(self, token: str) -> bool:
        return token.replace("\t", "") == self.key


@fault(SPELLINGS)
class DropsEverySchemesName(LookingUp, CreateBatchServer):
    """The scheme's name is taken off as often as it stands there."""

    def finds(self, token: str) -> bool:
        return re.sub(r"^(?:bearer +)+", "", token, flags=re.IGNORECASE) == self.key


@fault(NAMES)
class FindsWhatIsNotThere(LookingUp, CreateBatchServer):
    """A key that was never configured is the word undefined, and so is that of a client that has none."""

    def finds(self, token: str) -> bool:
        return token in ("undefined", "null", "None")


@fault(SECRETS)
class HasNoSecret(Verifying, CreateBatchServer):
    """The secret was never configured, and so is empty."""

    def secret(self, header: dict[str, Any]) -> bytes:  # noqa: ARG002
        return b""


@fault(SECRETS)
class HasTheTutorialsSecret(Verifying, CreateBatchServer):
    """The secret is the one of a well-known debugger's example."""

    def secret(self, header: dict[str, Any]) -> bytes:  # noqa: ARG002
        return b"your-256-bit-secret"


@fault(KEYS)
class TrustsTheKeyInTheToken(Verifying, CreateBatchServer):
    """A token brings the key that it is verified with."""

    def secret(self, header: dict[str, Any]) -> bytes:
        return decoded(header["jwk"]["k"]) if "jwk" in header else self.signing_key.encode()
