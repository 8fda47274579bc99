"""Idempotency: caches that forget, keys that collide, races of several widths, work that survives its refusal."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import time
import unicodedata
import urllib.parse
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import Server, fault
from trigger_conformance.reference.limiter import Allowance
from trigger_conformance.reference.server import Problem, ReferenceServer
from trigger_conformance.reference.settings import Settings
from trigger_conformance.reference.store import Batch, Environment, Order

REPLAY = "idempotency.replay_returns_the_existing_batch"
RUN_COUNT = "idempotency.replay_keeps_the_first_run_count"
OTHER_BODY = "idempotency.replay_ignores_other_properties"
RACE = "idempotency.concurrent_requests_with_one_key_create_one_batch"
ABANDONED = "idempotency.abandoned_request_and_its_retry_make_one_batch"
CASE = "idempotency.letter_case_makes_keys_different"
SPACE = "idempotency.white_space_makes_keys_different"
SUFFIX = "idempotency.suffix_makes_keys_different"
WIDE = "idempotency.wide_suffix_makes_keys_different"
FORM = "idempotency.unicode_form_makes_keys_different"
NUMBERS = "idempotency.look_alike_numbers_are_different"
DELIMITERS = "idempotency.delimiters_make_keys_different"
UNUSUAL = "idempotency.unusual_keys_work_or_are_rejected"
MODEL = "fuzzing.any_order_is_answered_as_the_model_says"


# What a replay gets


@fault(REPLAY, "idempotency.no_key_ever_named_two_batches")
class IgnoresKeys(ReferenceServer):
    """Every request makes a new batch."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:  # noqa: ARG002
        return None


@fault(REPLAY)
class ReplaysLookNew(ReferenceServer):
    """A replay names the existing batch, but says isCached false."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:  # noqa: ARG002
        return super().batch_body(order, batch, False)


@fault(REPLAY)
class ReplaysHaveNewIds(ReferenceServer):
    """A replay says isCached true, with an id of its own."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        return {**super().batch_body(order, batch, cached), **({"id": self.new_id()} if cached else {})}


class _WithReplayStatus(ReferenceServer):
    status = 202

    def accepted(
        self, environment: Environment, order: Order, batch: Batch, cached: bool, allowance: Allowance
    ) -> Response:
        response = super().accepted(environment, order, batch, cached, allowance)
        response.status_code = self.status if cached else 202
        return response


@fault("idempotency.replay_is_answered_202", "acceptance.only_documented_statuses")
class ReplaysAreOk(_WithReplayStatus):
    """A replay is answered 200."""

    status = 200


@fault("idempotency.replay_is_answered_202", "acceptance.only_documented_statuses")
class ReplaysConflict(_WithReplayStatus):
    """A replay is answered 409."""

    status = 409


@fault("idempotency.replay_is_answered_202", "acceptance.only_documented_statuses")
class ReplaysSeeOther(_WithReplayStatus):
    """A replay is answered 303."""

    status = 303


@fault(RUN_COUNT)
class ReplaysEchoTheRequest(ReferenceServer):
    """A replay's runCount is what it asked for."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        return {**super().batch_body(order, batch, cached), "runCount": order.run_count}


@fault(RUN_COUNT, REPLAY)
class OtherRunCountsAreNew(ReferenceServer):
    """A replay with another runCount makes a new batch."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        return existing if existing is None or existing.run_count == order.run_count else None


@fault(RUN_COUNT)
class ReplaysUpdateTheBatch(ReferenceServer):
    """A replay overwrites the batch's runCount: an upsert."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None and existing.run_count != order.run_count:
            existing = Batch(existing.id, order.run_count, existing.key)
            environment.batches[self.stored_key(order.key or "")] = existing
        return existing


@fault(OTHER_BODY)
class FingerprintsTheBody(ReferenceServer):
    """The same key with other properties is another batch."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        return existing if order.document == {"runCount": order.run_count, "idempotencyKey": order.key} else None


@fault(OTHER_BODY)
class RejectsOtherBodies(ReferenceServer):
    """The same key with other properties is answered 422."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None and set(order.document) - {"runCount", "idempotencyKey"}:
            raise Problem(422, "The key was used with other properties")
        return existing


class _Counting(ReferenceServer):
    """Counts how often each key has come."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.seen: Counter[str | None] = Counter()

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        self.seen[order.key] += 1
        existing = await super().find(environment, order)
        return None if existing is not None and self.forgets(self.seen[order.key] - 1) else existing

    def forgets(self, replay: int) -> bool:
        raise NotImplementedError


@fault("idempotency.tenth_replay_is_as_the_first")
class FifthReplayIsNew(_Counting):
    """The fifth replay of a key is new."""

    def forgets(self, replay: int) -> bool:
        return replay == 5


@fault("idempotency.tenth_replay_is_as_the_first")
class TenthReplayIsNew(_Counting):
    """The tenth replay of a key is new."""

    def forgets(self, replay: int) -> bool:
        return replay == 10


@fault("idempotency.tenth_replay_is_as_the_first")
class SecondReplayIsNew(_Counting):
    """A key is good for one replay."""

    def forgets(self, replay: int) -> bool:
        return replay % 2 == 0


@fault("idempotency.replay_carries_the_token_headers")
class ReplaysHaveNoToken(ReferenceServer):
    """A replay carries no delegated token."""

    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:
        return [] if cached else super().token_headers(environment, batch, cached)


@fault("idempotency.spelling_of_a_key_does_not_matter")
class TakesKeysAsWritten(ReferenceServer):
    """A key is cut out of the body's text, so its JSON escapes count."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return await super().find(environment, self.as_written(order))

    async def create(self, environment: Environment, order: Order) -> Batch:
        return await super().create(environment, self.as_written(order))

    def parse(self, body: bytes) -> Any:
        document = super().parse(body)
        written = re.search(rb'"idempotencyKey" *: *"((?:[^"\\]|\\.)*)"', body)
        if isinstance(document, dict) and written:
            document["as written"] = written[1].decode("utf-8", "surrogatepass")
        return document

    def as_written(self, order: Order) -> Order:
        return replace(order, key=order.document.get("as written", order.key))


# Caches


class _Forgetting(ReferenceServer):
    """Remembers only the last few keys."""

    capacity = 0

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        while len(environment.batches) > self.capacity:
            del environment.batches[next(iter(environment.batches))]
        return batch


@fault(MODEL, "idempotency.concurrent_requests_with_different_keys_create_different_batches")
class RemembersThreeKeys(_Forgetting):
    """Only the last three keys are remembered."""

    capacity = 3


@fault("idempotency.concurrent_requests_with_different_keys_create_different_batches")
class RemembersTenKeys(_Forgetting):
    """Only the last ten keys are remembered."""

    capacity = 10


@fault("idempotency.concurrent_requests_with_different_keys_create_different_batches")
class RemembersThirtyKeys(_Forgetting):
    """Only the last thirty keys are remembered."""

    capacity = 30


@fault("idempotency.key_is_known_after_many_others")
class RemembersAHundredKeys(_Forgetting):
    """Only the last hundred keys are remembered."""

    capacity = 100


class _Expiring(ReferenceServer):
    """Keys expire."""

    lifetime = 0.0

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.born: dict[str, float] = {}

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None and time.monotonic() - self.born[existing.id] > self.lifetime:
            return None
        return existing

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        self.born[batch.id] = time.monotonic()
        return batch


@fault("idempotency.key_outlives_the_wait")
class KeysExpireInHalfASecond(_Expiring):
    """A key is forgotten after half a second."""

    lifetime = 0.5


@fault("idempotency.tenth_replay_is_as_the_first", REPLAY)
class KeysExpireInAMoment(_Expiring):
    """A key is forgotten after two milliseconds: a lifetime in the wrong unit."""

    lifetime = 0.002


def port_of(request: Request) -> int:
    """The client's port, which tells connections apart."""
    return request.client.port if request.client else 0


class _Keyed(ReferenceServer):
    """Remembers keys together with something of the request."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        self.more = self.of(request)
        return await super().create_batch(request, environment)

    def of(self, request: Request) -> object:
        raise NotImplementedError

    def stored_key(self, key: str) -> str:
        return f"{self.more} {key}"


@fault(REPLAY)
class KeyedByConnection(_Keyed):
    """A key is known only on the connection that brought it."""

    def of(self, request: Request) -> object:
        return port_of(request)


@fault(REPLAY, OTHER_BODY)
class KeyedByLength(_Keyed):
    """The cache's key includes Content-Length."""

    def of(self, request: Request) -> object:
        return request.headers.get("content-length")


@fault(REPLAY)
class KeyedByProcess(ReferenceServer):
    """Each of two processes has a memory of its own; connections alternate."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.turn = itertools.count()
        self.processes: dict[int, int] = {}

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        self.process = self.processes.setdefault(port_of(request), next(self.turn) % 2)
        return await super().create_batch(request, environment)

    def stored_key(self, key: str) -> str:
        return f"{self.process} {key}"


@fault("idempotency.another_environment_has_keys_of_its_own")
class KeysAreShared(ReferenceServer):
    """All environments share one memory of keys."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        for environment in self.environments:
            environment.batches = self.environments[0].batches


@fault("idempotency.no_key_is_never_cached")
class EqualBodiesAreCached(ReferenceServer):
    """Without a key, the body serves as one."""

    def validate(self, document: Any) -> Order:
        order = super().validate(document)
        if order.key is not None:
            return order
        return Order(order.run_count, f"body {sorted(order.document.items())!r}", None, False, order.document)

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        body = super().batch_body(order, batch, cached)
        if "idempotencyKey" not in order.document:
            body.pop("idempotencyKey", None)
        return body


@fault("idempotency.no_key_is_never_cached", "acceptance.new_batch_is_not_cached")
class MissingKeysAreOneKey(ReferenceServer):
    """A missing key is stored as null, and found again."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return environment.batches.get(order.key or "null")

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        return environment.batches.setdefault(order.key or "null", batch)


# Keys that are taken for each other


def _storing(*caught_by: str) -> Callable[[Callable[[str], str]], Server]:
    """A fault that remembers keys as the decorated function makes them."""

    def register(store: Callable[[str], str]) -> Server:
        name = store.__name__.title().replace("_", "")
        parts = {"__doc__": store.__doc__, "__module__": __name__, "stored_key": lambda _, key: store(key)}
        return fault(*caught_by)(type(name, (ReferenceServer,), parts))

    return register


def _stripped_of_accents(key: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", key) if not unicodedata.combining(letter))


def _number(key: str) -> str:
    try:
        return str(float(key))
    except ValueError:
        return key


def _whole_number(key: str) -> str:
    try:
        return str(int(key, 0 if key.strip()[:2] == "0x" else 10))
    except ValueError:
        return key


@_storing(CASE)
def lowers_keys(key: str) -> str:
    """Keys are compared in lower case."""
    return str.lower(key)


@_storing(CASE)
def uppers_keys(key: str) -> str:
    """Keys are compared in upper case."""
    return str.upper(key)


@_storing(CASE, FORM)
def folds_keys(key: str) -> str:
    """Keys are compared with full case folding, so ß is ss."""
    return str.casefold(key)


@_storing(SPACE)
def trims_keys(key: str) -> str:
    """White space around a key is dropped."""
    return str.strip(key)


@_storing(SPACE)
def trims_keys_at_their_end(key: str) -> str:
    """White space after a key is dropped: PAD SPACE."""
    return str.rstrip(key)


@_storing(SPACE)
def trims_keys_at_their_beginning(key: str) -> str:
    """White space before a key is dropped."""
    return str.lstrip(key)


@_storing(SPACE)
def collapses_spaces(key: str) -> str:
    """Runs of white space in a key are one space."""
    return " ".join(key.split(" ")) if "  " not in key else key.replace("  ", " ")


@_storing(SPACE)
def removes_spaces(key: str) -> str:
    """White space in a key is dropped."""
    return key.replace(" ", "")


@_storing(FORM)
def normalises_to_nfc(key: str) -> str:
    """Keys are composed."""
    return unicodedata.normalize("NFC", key)


@_storing(FORM)
def normalises_to_nfkc(key: str) -> str:
    """Keys lose compatibility forms."""
    return unicodedata.normalize("NFKC", key)


@_storing(FORM)
def normalises_to_nfd(key: str) -> str:
    """Keys are decomposed."""
    return unicodedata.normalize("NFD", key)


@_storing(FORM)
def strips_accents(key: str) -> str:
    """Keys are compared without accents: an accent-insensitive collation."""
    return _stripped_of_accents(key)


@_storing(FORM, WIDE)
def keeps_ascii_only(key: str) -> str:
    """Characters beyond ASCII are dropped from keys."""
    return key.encode("ascii", "ignore").decode()


@_storing(WIDE, FORM)
def stores_latin1(key: str) -> str:
    """Characters beyond Latin-1 become question marks."""
    return key.encode("latin-1", "replace").decode("latin-1")


@_storing(WIDE)
def stores_three_byte_utf8(key: str) -> str:
    """Characters beyond the BMP become question marks: utf8mb3."""
    return "".join(letter if ord(letter) < 65536 else "?" for letter in key)


@_storing(WIDE)
def keeps_high_surrogates_only(key: str) -> str:
    """Of an astral character only the first UTF-16 unit counts."""
    return "".join(chr(55296 + (ord(letter) - 65536 >> 10)) if ord(letter) > 65535 else letter for letter in key)


@_storing(SUFFIX)
def cuts_keys_at36(key: str) -> str:
    """Keys are cut at 36 characters, the length of a UUID."""
    return key[:36]


@_storing(SUFFIX)
def cuts_keys_at64(key: str) -> str:
    """Keys are cut at 64 characters."""
    return key[:64]


@_storing(SUFFIX)
def cuts_keys_at100(key: str) -> str:
    """Keys are cut at 100 characters."""
    return key[:100]


@_storing(SUFFIX)
def cuts_keys_at128(key: str) -> str:
    """Keys are cut at 128 characters."""
    return key[:128]


@_storing(SUFFIX)
def cuts_keys_at191(key: str) -> str:
    """Keys are cut at 191 characters."""
    return key[:191]


@_storing(SUFFIX)
def cuts_keys_at254(key: str) -> str:
    """Keys are cut at 254 characters."""
    return key[:254]


@_storing(WIDE)
def cuts_keys_at255_bytes(key: str) -> str:
    """Keys are cut at 255 bytes of UTF-8."""
    return key.encode("utf-8", "replace")[:255].decode("utf-8", "replace")


@_storing(UNUSUAL)
def cuts_keys_at256(key: str) -> str:
    """Keys beyond 255 characters are accepted, and cut."""
    return key[:256]


@_storing("idempotency.beginning_makes_keys_different")
def keeps_the_end_of_keys(key: str) -> str:
    """Only a key's last 64 characters count."""
    return key[-64:]


@_storing(SUFFIX)
def hashes_the_head(key: str) -> str:
    """The hash of a key skips its middle."""
    return key[:80] + key[-40:]


# Which keys collide hangs on the run's id.
@_storing(
    "idempotency.concurrent_requests_with_different_keys_create_different_batches",
    "fuzzing.nearly_alike_keys_are_different",
    "fuzzing.any_order_is_answered_as_the_model_says",
    "idempotency.unicode_form_makes_keys_different",
    SUFFIX,
    UNUSUAL,
)
def hashes_to_ten_bits(key: str) -> str:
    """Keys are stored as a checksum of ten bits."""
    return str(zlib.crc32(key.encode("utf-8", "replace")) % 1024)


@_storing("fuzzing.nearly_alike_keys_are_different")
def sorts_letters(key: str) -> str:
    """Keys that are anagrams of each other are one."""
    return "".join(sorted(key))


@_storing(NUMBERS)
def reads_whole_numbers(key: str) -> str:
    """A key that is a number is stored as one."""
    return _whole_number(key)


@_storing(NUMBERS)
def reads_floats(key: str) -> str:
    """A key that is a number is stored in floating point."""
    return _number(key)


@_storing(DELIMITERS)
def decodes_urls(key: str) -> str:
    """%2F in a key is a slash."""
    return urllib.parse.unquote(key)


@_storing(DELIMITERS)
def decodes_pluses(key: str) -> str:
    """A plus in a key is a space."""
    return key.replace("+", " ")


@_storing(DELIMITERS)
def splits_at_colons(key: str) -> str:
    """Only what stands before a colon counts."""
    return key.partition(":")[0]


@_storing(DELIMITERS)
def splits_at_slashes(key: str) -> str:
    """Only what stands before a slash counts."""
    return key.partition("/")[0]


@_storing(DELIMITERS)
def drops_punctuation(key: str) -> str:
    """Keys are reduced to letters, digits and dashes."""
    return "".join(letter for letter in key if letter.isalnum() or letter == "-")


@_storing(DELIMITERS)
def unescapes_backslashes(key: str) -> str:
    """A backslash in a key escapes what follows."""
    return key.replace("\\b", "").replace("\\", "")


@_storing(UNUSUAL)
def ends_keys_at_nul(key: str) -> str:
    """A key ends at its first NUL."""
    return key.partition("\x00")[0]


@_storing(UNUSUAL)
def replaces_surrogates(key: str) -> str:
    """Unpaired surrogates become replacement characters."""
    return key.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@_storing(UNUSUAL)
def drops_control_characters(key: str) -> str:
    """Control characters are dropped from keys."""
    return "".join(letter for letter in key if letter.isprintable())


class _Searching(ReferenceServer):
    """Finds keys by something weaker than equality."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        if order.key is None:
            return None
        return next((batch for batch in environment.batches.values() if self.alike(batch.key or "", order.key)), None)

    def alike(self, stored: str, key: str) -> bool:
        raise NotImplementedError


@fault("idempotency.containing_keys_are_different", SUFFIX)
class FindsByBeginning(_Searching):
    """A key that begins with a known one is that one."""

    def alike(self, stored: str, key: str) -> bool:
        return key.startswith(stored)


@fault("idempotency.containing_keys_are_different")
class FindsByLongerKeys(_Searching):
    """A key that a known one begins with is that one."""

    def alike(self, stored: str, key: str) -> bool:
        return stored.startswith(key) and bool(key)


@fault("idempotency.containing_keys_are_different")
class FindsByEnd(_Searching):
    """A key that a known one ends in is that one."""

    def alike(self, stored: str, key: str) -> bool:
        return stored.endswith(key) and bool(key)


@fault(DELIMITERS)
class FindsByPattern(_Searching):
    """A key is looked up as a shell pattern, as Redis KEYS does."""

    def alike(self, stored: str, key: str) -> bool:
        return stored == key or ("*" in key and fnmatchcase(stored, key.replace("[", "[[]")))


@fault(DELIMITERS)
class FindsByLike(_Searching):
    """A key is looked up with SQL's LIKE: underscores and per cent signs match anything."""

    def alike(self, stored: str, key: str) -> bool:
        if stored == key:
            return True
        if "_" not in key and "%" not in key:
            return False
        return fnmatchcase(stored, key.translate({ord("_"): "?", ord("%"): "*", ord("*"): "[*]", ord("["): "[[]"}))


# Keys that do not work


class _Refusing(ReferenceServer):
    """Rejects some keys."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if key is not None and self.refuses(key):
            raise Problem(400, "idempotencyKey is not acceptable")
        return key

    def refuses(self, key: str) -> bool:
        raise NotImplementedError


@fault("idempotency.keys_up_to_255_characters_work")
class RejectsKeysBeyond128(_Refusing):
    """A key of more than 128 characters is rejected."""

    def refuses(self, key: str) -> bool:
        return len(key) > 128


@fault("idempotency.keys_up_to_255_characters_work")
class RejectsKeysOf255(_Refusing):
    """A key of 255 characters is rejected."""

    def refuses(self, key: str) -> bool:
        return len(key) == 255


@fault("idempotency.printable_unicode_keys_work")
class RejectsUnicodeKeys(_Refusing):
    """A key beyond ASCII is rejected."""

    def refuses(self, key: str) -> bool:
        return not key.isascii() and key.isprintable()


@fault("idempotency.printable_unicode_keys_work", "acceptance.never_a_server_error")
class FailsOnAstralKeys(ReferenceServer):
    """A key with an emoji is answered 500."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if key is not None and any(ord(letter) > 0xFFFF for letter in key):
            raise Problem(500, "Incorrect string value")
        return key


@fault(DELIMITERS)
class RejectsPunctuatedKeys(_Refusing):
    """A key with a slash, a colon or an asterisk is rejected."""

    def refuses(self, key: str) -> bool:
        return any(letter in key for letter in "/:*")


@fault(UNUSUAL, "acceptance.never_a_server_error")
class FailsOnSurrogates(ReferenceServer):
    """A key with an unpaired surrogate is answered 500."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        try:
            (key or "").encode()
        except UnicodeEncodeError as error:
            raise Problem(500, "invalid unicode") from error
        return key


@fault(UNUSUAL, "acceptance.never_a_server_error")
class FailsOnNul(ReferenceServer):
    """A key with NUL in it is answered 500, as PostgreSQL refuses it."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if "\0" in (key or ""):
            raise Problem(500, "invalid byte sequence")
        return key


@fault(UNUSUAL, "acceptance.never_a_server_error")
class FailsOnLongKeys(ReferenceServer):
    """A key of more than 255 characters is answered 500."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = super().check_key(document)
        if len(key or "") > 255:
            raise Problem(500, "value too long for type character varying(255)")
        return key


@fault(UNUSUAL)
class ForgetsLongKeys(ReferenceServer):
    """A key of more than 255 characters is accepted, and not remembered."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return None if len(order.key or "") > 255 else await super().find(environment, order)


@fault("idempotency.reserved_keys_work_or_are_rejected")
class EmptyKeysAreNone(ReferenceServer):
    """The empty key is accepted, and not remembered."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return await super().find(environment, order) if order.key else None


@fault("idempotency.reserved_keys_work_or_are_rejected")
class NullWordsAreNone(ReferenceServer):
    """The keys "null" and "undefined" are as none."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return None if order.key in ("null", "undefined") else await super().find(environment, order)


@fault("idempotency.reserved_keys_work_or_are_rejected", "acceptance.never_a_server_error")
class InheritedNamesAreKnown(ReferenceServer):
    """Keys that every JavaScript object has are found where none was stored."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        if order.key in ("__proto__", "constructor"):
            raise Problem(500, "Cannot read properties of undefined (reading 'id')")
        return await super().find(environment, order)


# Work that survives a refusal


@fault("idempotency.rejected_request_does_not_use_up_its_key", "run_count.rejected_run_count_creates_nothing")
class CachesRejections(ReferenceServer):
    """The first answer to a key is given for ever, a rejection too."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.rejections: dict[str, Problem] = {}

    def validate(self, document: Any) -> Order:
        key = document.get("idempotencyKey") if isinstance(document, dict) else None
        if isinstance(key, str) and key in self.rejections:
            raise self.rejections[key]
        try:
            return super().validate(document)
        except Problem as problem:
            if isinstance(key, str):
                self.rejections[key] = Problem(problem.status, problem.message)
            raise


@fault("authentication.refused_request_creates_nothing")
class CreatesBeforeAuthentication(ReferenceServer):
    """The batch is written before the credential is looked at."""

    async def handle(self, request: Request) -> Response:
        if request.method == "POST" and self.authenticate(request) is None:
            with contextlib.suppress(Problem):
                order = self.validate(self.parse(await request.body()))
                await self.create(self.environments[0], order)
        return await super().handle(request)


@fault(MODEL)
class RejectionsForgetTheKey(ReferenceServer):
    """A rejected request with a known key deletes it: the cleanup of a failed create."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        body = await request.body()
        try:
            return await super().create_batch(request, environment)
        except Problem:
            with contextlib.suppress(Problem):
                document = self.parse(body)
                if isinstance(document, dict):
                    environment.batches.pop(str(document.get("idempotencyKey")), None)
            raise


@fault(MODEL)
class ReplaysSkipValidation(ReferenceServer):
    """A known key is answered before the rest of the request is validated."""

    def validate(self, document: Any) -> Order:
        key = document.get("idempotencyKey") if isinstance(document, dict) else None
        if isinstance(key, str) and key in self.environments[0].batches:
            document = {**document, "runCount": 1}
        return super().validate(document)


@fault("authentication.known_key_is_no_credential", MODEL)
class ReplaysSkipAuthentication(ReferenceServer):
    """A known key is answered whoever asks: the cache stands in front of authentication."""

    async def handle(self, request: Request) -> Response:
        with contextlib.suppress(Problem):
            document = self.parse(await request.body())
            key = document.get("idempotencyKey") if isinstance(document, dict) else None
            home = self.environments[0]
            if isinstance(key, str) and key in home.batches and self.authenticate(request) is None:
                return await self.create_batch(request, home)
        return await super().handle(request)


# Races


class _Slow(ReferenceServer):
    """Looks a key up, loses some time, then creates."""

    width = 0.0

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is None:
            await asyncio.sleep(self.width)
        return existing


@fault(RACE)
class RaceOf50Milliseconds(_Slow):
    """Check, then act 50 ms later."""

    width = 0.05


@fault(RACE)
class RaceOf5Milliseconds(_Slow):
    """Check, then act 5 ms later."""

    width = 0.005


@fault(RACE)
class RaceOfHalfAMillisecond(_Slow):
    """Check, then act half a millisecond later."""

    width = 0.0005


@fault(RACE)
class RaceOfOneTurn(_Slow):
    """Check, then act one turn of the event loop later."""

    width = 0.0


@fault(RACE, "acceptance.never_a_server_error")
class LosersFail(_Slow):
    """A unique index catches the race, and its error is answered 500."""

    width = 0.005

    async def create(self, environment: Environment, order: Order) -> Batch:
        if order.key is not None and self.stored_key(order.key) in environment.batches:
            raise Problem(500, "duplicate key")
        return await super().create(environment, order)


@fault(RACE, "acceptance.only_documented_statuses")
class LosersConflict(_Slow):
    """Whoever comes while the first request is at work is answered 409."""

    width = 0.005

    async def create(self, environment: Environment, order: Order) -> Batch:
        if order.key is not None and self.stored_key(order.key) in environment.batches:
            raise Problem(409, "a request with this key is in progress")
        return await super().create(environment, order)


@fault(RACE)
class LosersLookNew(_Slow):
    """The race is settled for one batch, but every racer says isCached false."""

    width = 0.005

    async def create(self, environment: Environment, order: Order) -> Batch:
        stored = environment.batches.get(self.stored_key(order.key)) if order.key is not None else None
        return stored or await super().create(environment, order)


@fault(RACE)
class LosersKeepTheirRunCount(_Slow):
    """The losers of the race get the winner's id with their own runCount, and say isCached true."""

    width = 0.005

    async def create(self, environment: Environment, order: Order) -> Batch:
        stored = environment.batches.get(self.stored_key(order.key)) if order.key is not None else None
        if stored is None:
            return await super().create(environment, order)
        return Batch(stored.id, order.run_count, order.key)


@fault(RACE)
class NobodyCreates(ReferenceServer):
    """In a race every racer says isCached true."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.racing: Counter[str] = Counter()

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None or order.key is None:
            return existing
        self.racing[order.key] += 1
        await asyncio.sleep(0.005)
        if self.racing[order.key] == 1:
            return None
        return environment.batches.get(self.stored_key(order.key)) or await self.create(environment, order)


class _Lagging(ReferenceServer):
    """Reads come from a replica that is behind."""

    lag = 0.0

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.born: dict[str, float] = {}

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None and time.monotonic() - self.born[existing.id] < self.lag:
            return None
        return existing

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        self.born[batch.id] = time.monotonic()
        return batch


@fault(RACE, "idempotency.replay_at_once_finds_the_batch")
class ReplicaIs50MillisecondsBehind(_Lagging):
    """What was written is read back 50 ms later."""

    lag = 0.05


@fault(RACE, "idempotency.replay_at_once_finds_the_batch")
class ReplicaIs5MillisecondsBehind(_Lagging):
    """What was written is read back 5 ms later."""

    lag = 0.005


@fault("idempotency.concurrent_requests_with_different_keys_create_different_batches")
class MixesUpConcurrentOrders(ReferenceServer):
    """The current order is kept in one variable that all requests share."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        self.current = order
        await asyncio.sleep(0.002)
        mixed = Order(self.current.run_count, order.key, None, False, order.document)
        return await super().create(environment, mixed)


@fault("idempotency.concurrent_requests_with_different_keys_create_different_batches")
class LosesConcurrentWrites(ReferenceServer):
    """Two creates that overlap read, change and write the same table, and one of them is lost."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        table = dict(environment.batches)
        batch = Batch(self.new_id(), order.run_count, order.key)
        await asyncio.sleep(0.002)
        if order.key is not None:
            table[self.stored_key(order.key)] = batch
        environment.batches = table
        return batch


# A client that is gone


@fault(ABANDONED)
class AbandonedKeysStayLocked(ReferenceServer):
    """A key is locked while its batch is made; where the client has gone, nobody unlocks it."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.locked: set[str] = set()

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        self.request = request
        return await super().create_batch(request, environment)

    async def create(self, environment: Environment, order: Order) -> Batch:
        request = self.request
        if order.key is None:
            return await super().create(environment, order)
        if order.key in self.locked:
            raise Problem(400, "a request with this key is in progress")
        self.locked.add(order.key)
        await asyncio.sleep(0.005)
        if await request.is_disconnected():
            raise Problem(400, "nobody is there to answer")
        self.locked.discard(order.key)
        existing = environment.batches.get(self.stored_key(order.key))
        return existing or await super().create(environment, order)


@fault(ABANDONED)
class AbandonedBatchesAreRolledBack(ReferenceServer):
    """A batch whose client has gone is taken back a moment later, after others have been given its id."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        self.request = request
        return await super().create_batch(request, environment)

    async def create(self, environment: Environment, order: Order) -> Batch:
        request = self.request
        batch = await super().create(environment, order)
        if order.key is not None:
            asyncio.get_running_loop().create_task(self.take_back(request, environment, order, batch))
            await asyncio.sleep(0.001)
        return batch

    async def take_back(self, request: Request, environment: Environment, order: Order, batch: Batch) -> None:
        await asyncio.sleep(0.0005)
        if await request.is_disconnected():
            await asyncio.sleep(0.002)
            key = self.stored_key(order.key or "")
            if environment.batches.get(key) is batch:
                del environment.batches[key]


@fault(ABANDONED)
class AbandonedRequestsAreMadeTwice(ReferenceServer):
    """A batch whose client has gone is made once more by a job that retries, and replaces what the retry got."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        body = await request.body()
        response = await super().create_batch(request, environment)
        document = self.parse(body)
        key = document.get("idempotencyKey")
        if isinstance(key, str):
            asyncio.get_running_loop().create_task(self.retry(request, environment, key, document["runCount"]))
        return response

    async def retry(self, request: Request, environment: Environment, key: str, run_count: int) -> None:
        await asyncio.sleep(0.001)
        if await request.is_disconnected():
            environment.batches[self.stored_key(key)] = Batch(self.new_id(), run_count, key)


BYTES = "idempotency.invalid_bytes_make_keys_different"


class _KeysInBytes(ReferenceServer):
    """Rejects invalid UTF-8, but for that in keys."""

    errors = "strict"

    def decode(self, body: bytes) -> str:
        head, mark, rest = body.partition(b'"idempotencyKey":"')
        key, end, tail = rest.partition(b'"')
        return (head + mark).decode() + key.decode("utf-8", self.errors) + (end + tail).decode()


@fault(BYTES)
class ReplacesBytesInKeys(_KeysInBytes):
    """What is no UTF-8 in a key becomes replacement characters, as in Express, Hono and Go."""

    errors = "replace"


@fault(BYTES)
class DropsBytesInKeys(_KeysInBytes):
    """What is no UTF-8 in a key is dropped."""

    errors = "ignore"


@fault(BYTES)
class ReadsOverlongForms(ReferenceServer):
    """An overlong form is the character that it stands for."""

    def decode(self, body: bytes) -> str:
        return super().decode(re.sub(rb"\xc0([\x80-\xbf])", lambda found: bytes([found[1][0] & 0x3F]), body))
