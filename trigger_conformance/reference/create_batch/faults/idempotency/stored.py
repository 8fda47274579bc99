"""Keys that are taken for each other: what they are stored as."""

from __future__ import annotations

import unicodedata
import urllib.parse
import zlib
from collections.abc import Callable

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer

CASE = "idempotency.letter_case_makes_keys_different"
SPACE = "idempotency.white_space_makes_keys_different"
SUFFIX = "idempotency.suffix_makes_keys_different"
WIDE = "idempotency.wide_suffix_makes_keys_different"
FORM = "idempotency.unicode_form_makes_keys_different"
NUMBERS = "idempotency.look_alike_numbers_are_different"
DELIMITERS = "idempotency.delimiters_make_keys_different"
UNUSUAL = "idempotency.unusual_keys_work_or_are_rejected"


def _storing(*caught_by: str) -> Callable[[Callable[[str], str]], type[CreateBatchServer]]:
    """A fault that remembers keys as the decorated function makes them."""

    def register(store: Callable[[str], str]) -> type[CreateBatchServer]:
        name = store.__name__.title().replace("_", "")
        parts = {"__doc__": store.__doc__, "__module__": __name__, "stored_key": lambda _, key: store(key)}
        return fault(*caught_by)(type(name, (CreateBatchServer,), parts))

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
