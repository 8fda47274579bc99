"""Keys on their way to a look-up: what languages, databases and frameworks do to a text by themselves."""

from __future__ import annotations

import base64
import hashlib
import html
import ipaddress
import json
import posixpath
import quopri
import re
import unicodedata
import urllib.parse
import zlib
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any
from uuid import UUID

from trigger_conformance.reference import stored_keys
from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stored_keys import Stored, storing, tried

SPACE = "idempotency.white_space_makes_keys_different"
CASE = "idempotency.letter_case_makes_keys_different"
FORM = "idempotency.unicode_form_makes_keys_different"
WIDE = "idempotency.wide_suffix_makes_keys_different"
NUMBERS = "idempotency.look_alike_numbers_are_different"
DELIMITERS = "idempotency.delimiters_make_keys_different"
RESERVED = "idempotency.reserved_keys_work_or_are_rejected"
CUT = "idempotency.cut_off_ends_make_keys_different"
DECODED = "idempotency.encoded_spellings_are_different_keys"
CLEANED = "idempotency.invisible_characters_and_markup_make_keys_different"
VALUES = "idempotency.spellings_of_one_value_are_different_keys"
CHECKSUMS = "idempotency.keys_with_equal_checksums_are_different"
DERIVED = "idempotency.names_derived_from_a_key_are_other_keys"
LONG = "idempotency.long_keys_are_different_or_rejected"
EMPTY = "idempotency.empty_key_is_no_missing_key"
FAILS = "acceptance.never_a_server_error"


def _stored(*caught_by: str) -> Callable[[Stored], Stored]:
    """A fault that remembers keys as the decorated function makes them."""

    def register(stored: Stored) -> Stored:
        storing(CreateBatchServer, __name__, stored, *caught_by)
        return stored

    return register


# What other operations have too

_stored(CUT)(stored_keys.cuts_at_commas)
_stored(CLEANED)(stored_keys.drops_zero_width_characters)
_stored(VALUES)(stored_keys.reads_dates)
_stored(CHECKSUMS)(stored_keys.hashes_to_crc32)
_stored(CLEANED)(stored_keys.drops_marks_of_direction)
_stored(DECODED)(stored_keys.halves_percent_signs)
_stored(FORM)(stored_keys.folds_final_sigmas)
_stored(CLEANED)(stored_keys.drops_what_may_be_ignored)
_stored(SPACE)(stored_keys.reads_no_break_spaces_as_spaces)

# Cut


@_stored(CUT)
def cuts_at_question_marks(key: str) -> str:
    """A key ends where a query would begin."""
    return key.partition("?")[0]


@_stored(CUT)
def cuts_at_hashes(key: str) -> str:
    """A key ends where a fragment would begin."""
    return key.partition("#")[0]


@_stored(CUT)
def cuts_at_semicolons(key: str) -> str:
    """A key ends where parameters would begin."""
    return key.partition(";")[0]


@_stored(CUT)
def cuts_at_ampersands(key: str) -> str:
    """A key ends where the next form field would begin."""
    return key.partition("&")[0]


@_stored(CUT)
def cuts_at_equals_signs(key: str) -> str:
    """A key ends where a value would begin."""
    return key.partition("=")[0]


@_stored(CUT)
def cuts_at_bars(key: str) -> str:
    """A key ends at its first vertical bar: a composite key that is taken apart again."""
    return key.partition("|")[0]


@_stored(CUT)
def cuts_at_quotes(key: str) -> str:
    """A key ends at its first quotation mark: it is cut out of a quoted text."""
    return key.partition('"')[0]


@_stored(CUT)
def cuts_at_the_first_wide_character(key: str) -> str:
    """A key ends at its first character beyond ASCII."""
    return re.split(r"[^\x00-\x7f]", key)[0]


@_stored(CUT, WIDE)
def cuts_at_the_first_astral_character(key: str) -> str:
    """A key ends at its first character beyond the BMP, as in a utf8mb3 column that warns only."""
    return re.split("[\U00010000-\U0010ffff]", key)[0]


@_stored(CUT)
def keeps_what_follows_the_last_bar(key: str) -> str:
    """Of a key with vertical bars only the last part counts."""
    return key.rpartition("|")[2]


# Decoded


@_stored(DECODED)
def decodes_entities(key: str) -> str:
    """Entities of HTML are the characters that they stand for."""
    return html.unescape(key)


@_stored(DECODED)
def decodes_the_usual_entities(key: str) -> str:
    """&amp; is an ampersand: a filter against script injection, undone."""
    return key.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@_stored(DECODED)
def reads_json_twice(key: str) -> str:
    """A key is read as the inside of a JSON string once more."""
    return tried(lambda text: json.loads(f'"{text}"'), key)


@_stored(DECODED)
def decodes_base64(key: str) -> str:
    """A key that is base64 is what it stands for."""
    return tried(lambda text: base64.b64decode(text, validate=True).decode(), key)


@_stored(DECODED)
def decodes_quoted_printable(key: str) -> str:
    """An equals sign and two hexadecimal digits are one character."""
    return tried(lambda text: quopri.decodestring(text.encode()).decode(), key)


@_stored(DECODED)
def decodes_utf7(key: str) -> str:
    """A key is read as UTF-7."""
    return tried(lambda text: text.encode().decode("utf-7"), key)


@_stored(DECODED, DELIMITERS)
def decodes_urls_twice(key: str) -> str:
    """Per cent and two digits are decoded by the proxy, and again by the application."""
    return urllib.parse.unquote(urllib.parse.unquote(key))


# Cleaned


@_stored(CLEANED)
def strips_tags(key: str) -> str:
    """Tags are removed from keys."""
    return re.sub(r"<[^<>]*>", "", key)


@_stored(CLEANED)
def drops_soft_hyphens(key: str) -> str:
    """Soft hyphens are removed from keys."""
    return key.replace("\u00ad", "")


@_stored(CLEANED)
def takes_quotes_off(key: str) -> str:
    """Quotation marks around a key are taken off."""
    return key.strip("\"'")


@_stored(CLEANED)
def drops_trailing_dots(key: str) -> str:
    """Dots at the end of a key are dropped, as Windows does it with file names."""
    return key.rstrip(".")


@_stored(CLEANED, DELIMITERS)
def drops_trailing_slashes(key: str) -> str:
    """Slashes at the end of a key are dropped."""
    return key.rstrip("/")


@_stored(CLEANED, DELIMITERS)
def normalises_paths(key: str) -> str:
    """A key with slashes is normalised as a path."""
    return posixpath.normpath(key) if "/" in key else key


# Folded


def _without_accents(key: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", key) if not unicodedata.combining(each))


@_stored(CASE, FORM)
def collates(key: str) -> str:
    """Keys are compared without case and accents: utf8mb4_0900_ai_ci."""
    return _without_accents(key).casefold()


@_stored(FORM)
def folds_look_alikes(key: str) -> str:
    """Cyrillic letters that look like Latin ones are those."""
    return key.translate(str.maketrans("аеорсух", "aeopcyx"))


@_stored(FORM)
def folds_digits(key: str) -> str:
    """Digits of other scripts are ours."""
    return "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in key)


@_stored(WIDE)
def takes_emoji_for_each_other(key: str) -> str:
    """All characters beyond the BMP are equal: utf8mb4_unicode_ci."""
    return re.sub("[\U00010000-\U0010ffff]", "\ufffd", key)


# Read as a value


@_stored(VALUES)
def reads_uuids(key: str) -> str:
    """A key that is a UUID is stored as one."""
    return tried(UUID, key)


def _normal_url(text: str) -> str:
    parts = urllib.parse.urlsplit(text)
    usual = {"http": 80, "https": 443}
    host = parts.hostname or ""
    place = host if parts.port in (None, usual.get(parts.scheme)) else f"{host}:{parts.port}"
    return parts._replace(netloc=place).geturl() if parts.netloc else text


@_stored(VALUES)
def normalises_urls(key: str) -> str:
    """A key that is a URL is normalised, its usual port left out."""
    return tried(_normal_url, key)


@_stored(NUMBERS)
def reads_leading_digits(key: str) -> str:
    """A key that begins with digits is the number that they are, as parseInt has it."""
    found = re.match(r"[+-]?\d+", key, re.ASCII)
    return str(int(found[0])) if found and not re.search("-", key[1:]) else key


@_stored(NUMBERS)
def reads_exponents(key: str) -> str:
    """A key in scientific notation is its number."""
    return tried(lambda text: int(float(text)), key) if re.fullmatch(r"\d+e\d+", key) else key


@_stored(RESERVED)
def reads_booleans(key: str) -> str:
    """The keys that mean yes are one."""
    return "true" if key.lower() in ("true", "1", "yes", "on") else key


@_stored(RESERVED)
def reads_nothing(key: str) -> str:
    """The keys that mean nothing are one."""
    return "null" if key in ("null", "None", "nil", "undefined") else key


# Hashed


def _rolling(factor: int, start: int) -> Callable[[str], str]:
    def hashed(key: str) -> str:
        return str(reduce(lambda total, letter: (total * factor + ord(letter)) % 2**32, key, start))

    return hashed


@_stored(CHECKSUMS)
def hashes_as_java_does(key: str) -> str:
    """A key is its hash: each character and 31 times what came before."""
    return _rolling(31, 0)(key)


@_stored(CHECKSUMS)
def hashes_by_thirty_three(key: str) -> str:
    """A key is its hash: each character and 33 times what came before."""
    return _rolling(33, 5381)(key)


@_stored(CHECKSUMS)
def hashes_to_adler32(key: str) -> str:
    """A key is its Adler-32."""
    return str(zlib.adler32(key.encode("utf-8", "surrogatepass")))


# Joined with what is beside it


@_stored(FORM)
def folds_kana(key: str) -> str:
    """Hiragana and katakana are equal, as in a collation."""
    return "".join(chr(ord(each) - 0x60) if "\u30a1" <= each <= "\u30f6" else each for each in key)


@_stored(CASE)
def folds_dotless_letters(key: str) -> str:
    """A dotless i is an i."""
    return key.replace("\u0131", "i")


@_stored(CLEANED)
def straightens_quotation_marks(key: str) -> str:
    """Typographic quotation marks become plain ones."""
    return key.replace("\u201c", '"').replace("\u201d", '"')


@_stored(CLEANED)
def shortens_dashes(key: str) -> str:
    """Dashes become hyphens."""
    return key.replace("\u2013", "-").replace("\u2014", "-")


@_stored(CLEANED)
def makes_slugs_of_underscores(key: str) -> str:
    """An underscore is a hyphen, as in a slug."""
    return key.replace("_", "-")


@_stored(DECODED)
def expands_variables(key: str) -> str:
    """A variable is replaced by its value, one that there is not by nothing."""
    return re.sub(r"\$\{?[A-Za-z_]\w*\}?", "", key)


@_stored(DECODED)
def fills_in_templates(key: str) -> str:
    """A name in double braces is replaced by its value, one that there is not by nothing."""
    return re.sub(r"\{\{\w+\}\}", "", key)


@_stored(VALUES)
def sorts_queries(key: str) -> str:
    """The fields of a query are put in order."""
    return "&".join(sorted(key.split("&")))


@_stored(CHECKSUMS)
def keeps_the_beginning_of_a_hash(key: str) -> str:
    """Keys are remembered by the first eight digits of their SHA-256."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]


@_stored("idempotency.unusual_keys_work_or_are_rejected")
def unifies_line_ends(key: str) -> str:
    """A carriage return and a line feed are a line feed."""
    return key.replace("\r\n", "\n")


class _Ignoring(CreateBatchServer):
    """Takes some keys for none."""

    def is_none(self, key: str) -> bool:
        raise NotImplementedError

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return None if order.key is not None and self.is_none(order.key) else await super().find(environment, order)


@fault(RESERVED)
class ZeroIsNoKey(_Ignoring):
    """The key "0" is empty, as in PHP."""

    def is_none(self, key: str) -> bool:
        return key == "0"


@fault(RESERVED)
class BlanksAreNoKey(_Ignoring):
    """A key of spaces is empty."""

    def is_none(self, key: str) -> bool:
        return key != "" and not key.strip()


@fault(RESERVED)
class TheNilUuidIsNoKey(_Ignoring):
    """A UUID of zeros is none."""

    def is_none(self, key: str) -> bool:
        return not key.strip("0-") and key.count("-") == 4


class _Marking(CreateBatchServer):
    """Keeps something of its own beside each key, under a name that is made of it."""

    mark = ""

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        if order.key is not None:
            self.batches(environment).setdefault(self.stored_key(order.key + self.mark), batch)
        return batch


@fault(DERIVED)
class KeepsLocksBesideKeys(_Marking):
    """A key's lock is stored as the key and ":lock"."""

    mark = ":lock"


@fault(DERIVED)
class KeepsResponsesBesideKeys(_Marking):
    """A key's answer is stored as the key and ":response"."""

    mark = ":response"


@fault(DERIVED)
class KeepsPartsBesideKeys(_Marking):
    """The parts of a batch have its key and their number for a key."""

    mark = "-0"


# Used as a pattern


class _Matching(CreateBatchServer):
    """Looks keys up with something that takes patterns."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None or order.key is None:
            return existing
        return next((each for key, each in self.batches(environment).items() if self.matches(key, order.key)), None)

    def matches(self, stored: str, key: str) -> bool:
        raise NotImplementedError


@fault(DELIMITERS)
class FindsByRegularExpression(_Matching):
    """A key is looked up as a regular expression."""

    def matches(self, stored: str, key: str) -> bool:
        try:
            return re.fullmatch(key, stored) is not None
        except (re.error, OverflowError):
            return False


@fault(DELIMITERS)
class FindsBySingleWildcards(_Matching):
    """A question mark in a key matches any character."""

    def matches(self, stored: str, key: str) -> bool:
        return fnmatchcase(stored, key.replace("[", "[[]").replace("*", "[*]")) if "?" in key else False


@fault(DELIMITERS)
class FindsBySets(_Matching):
    """Characters in square brackets match any of them."""

    def matches(self, stored: str, key: str) -> bool:
        return fnmatchcase(stored, key.replace("?", "[?]").replace("*", "[*]")) if "[" in key else False


# Long, and empty


class _Lengthy(CreateBatchServer):
    """Takes keys of any length."""

    longest = 0

    def check_key(self, document: dict[str, Any]) -> str | None:
        key = document.get("idempotencyKey")
        return self.taken(key) if isinstance(key, str) else super().check_key(document)

    def taken(self, key: str) -> str:
        return key


@fault(LONG)
class CutsKeysAt2000(_Lengthy):
    """Keys are cut at 2,000 characters."""

    def stored_key(self, key: str) -> str:
        return key[:2000]


@fault(LONG)
class CutsKeysAt4096(_Lengthy):
    """Keys are cut at 4,096 characters."""

    def stored_key(self, key: str) -> str:
        return key[:4096]


@fault(LONG, FAILS)
class FailsBeyondAnIndexPage(_Lengthy):
    """A key that does not fit into a third of an index page is answered 500, as PostgreSQL refuses it."""

    def taken(self, key: str) -> str:
        if len(zlib.compress(key.encode("utf-8", "replace"))) > 2000:
            raise Problem(500, "index row size 2736 exceeds btree version 4 maximum 2704")
        return key


@fault(LONG)
class ForgetsKeysBeyond1000(_Lengthy):
    """A key of a thousand characters is accepted, and not remembered: the cache takes no longer ones."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        return None if len(order.key or "") >= 1000 else await super().find(environment, order)


@fault(EMPTY)
class MissingKeysAreEmpty(CreateBatchServer):
    """A batch without a key is stored under the empty one."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = await super().create(environment, order)
        if order.key is None:
            self.batches(environment)[self.stored_key("")] = batch
        return batch


@_stored(DECODED)
def hashes_keys_that_are_no_hashes(key: str) -> str:
    """A key is remembered by its SHA-256, but for one that looks like a SHA-256 already, as the client's own do."""
    is_one = re.fullmatch("[0-9a-f]{64}", key)
    return key if is_one else hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


# Spelt otherwise


@_stored(CHECKSUMS)
def hashes_to_fnv_1a(key: str) -> str:
    """A key is its FNV-1a hash of 32 bits, as that of Go's standard library."""
    read = key.encode("utf-8", "surrogatepass")
    return str(reduce(lambda total, byte: (total ^ byte) * 0x01000193 % 2**32, read, 0x811C9DC5))


@_stored(NUMBERS)
def reads_sixties(key: str) -> str:
    """A number with colons is read in sixties, as YAML 1.1 does."""
    if not re.fullmatch(r"[1-9]\d*(:[0-5]?\d)+", key, re.ASCII):
        return key
    return str(reduce(lambda total, part: total * 60 + int(part), key.split(":"), 0))


@_stored(VALUES)
def keeps_json_as_a_value(key: str) -> str:
    """A key that is a JSON object is kept as one: the order of its names, and white space, are not."""
    return tried(lambda text: json.dumps(json.loads(text), sort_keys=True), key) if key[:1] == "{" else key


@_stored(VALUES)
def delivers_to_one_mailbox(key: str) -> str:
    """A mail address is its mailbox: points in it, and what is behind a plus, are taken out."""
    found = re.fullmatch(r"([^@+]+)(?:\+[^@]*)?@gmail\.com", key)
    return f"{found[1].replace('.', '')}@gmail.com" if found else key


@_stored(VALUES)
def reads_addresses(key: str) -> str:
    """An IP address is kept as one, in its shortest form."""
    return tried(lambda text: str(ipaddress.ip_address(text)), key)


@_stored(VALUES)
def reads_crockfords_digits(key: str) -> str:
    """In 26 letters and digits O is 0, and I and L are 1: they are a ULID."""
    is_one = re.fullmatch("[0-9A-Z]{26}", key)
    return key.translate(str.maketrans("OIL", "011")) if is_one else key


@_stored(FORM)
def fits_to_the_code_page(key: str) -> str:
    """What a code page lacks becomes what looks most like it: infinity an 8."""
    return key.translate({0x221E: "8", 0x2B9: "'", 0x2BC: "'", 0x2215: "/"})


@_stored(FORM)
def goes_through_shift_jis(key: str) -> str:
    """A wave dash and a full-width tilde are one: two tables of Shift-JIS have them in one place."""
    return key.replace("\uff5e", "\u301c")


@_stored(FORM)
def normalises_arabic_letters(key: str) -> str:
    """Arabic yeh and kaf are the Persian ones, as a search's analyser has it."""
    return key.translate({0x64A: 0x6CC, 0x643: 0x6A9})


@_stored(FORM)
def names_emoji(key: str) -> str:
    """An emoji is kept by its name between colons."""
    return key.replace("\U0001f680", ":rocket:").replace("\U0001f600", ":grinning:")


@_stored(DECODED)
def drops_padding(key: str) -> str:
    """Equals signs at the end are dropped, as the padding of base64."""
    return key.rstrip("=")


@_stored("idempotency.unusual_keys_work_or_are_rejected", LONG)
def compares767_bytes(key: str) -> str:
    """Keys are compared in their first 767 bytes, which are all that the index has; 255 letters may be more."""
    return key.encode("utf-8", "surrogatepass")[:767].decode("utf-8", "replace")


@fault(LONG, FAILS)
class FailsBeyond2704Bytes(CreateBatchServer):
    """A key of more bytes than a row of the index may have is an error of the server."""

    def stored_key(self, key: str) -> str:
        if len(key.encode("utf-8", "surrogatepass")) > 2704:
            raise Problem(500, "index row size exceeds btree maximum")
        return super().stored_key(key)


@_stored(FORM)
def folds_strokes(key: str) -> str:
    """Letters with a stroke are those without, which no normal form has, but a search's folding and a collation do."""
    return key.translate({0xF8: "o", 0x142: "l", 0x111: "d", 0xE6: "ae"})


@_stored(FORM)
def transliterates(key: str) -> str:
    """Cyrillic letters are written in Latin ones, as where a name for an address is made of a text."""
    return key.translate({0x436: "zh", 0x448: "sh", 0x447: "ch"})


@_stored(FORM)
def drops_tatweels(key: str) -> str:
    """What only makes a line of Arabic longer is dropped."""
    return key.replace("\u0640", "")


@_stored(FORM)
def drops_skin_tones(key: str) -> str:
    """An emoji is kept without its skin tone."""
    return re.sub("[\U0001f3fb-\U0001f3ff]", "", key)
