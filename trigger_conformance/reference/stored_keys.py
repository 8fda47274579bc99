"""Keys that are taken for each other: what they are remembered as, where that is less than they are."""

from __future__ import annotations

import re
import unicodedata
import urllib.parse
import zlib
from collections.abc import Callable
from datetime import datetime
from email.header import decode_header, make_header

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import OperationServer

Stored = Callable[[str], str]


def storing(server: type[OperationServer], module: str, stored: Stored, *caught_by: str) -> None:
    """Declare a fault of an operation's ``server``, in ``module``: it remembers keys as ``stored`` makes them."""
    name = stored.__name__.title().replace("_", "")
    parts = {"__doc__": stored.__doc__, "__module__": module, "stored_key": lambda _, key: stored(key)}
    fault(*caught_by)(type(name, (server,), parts))


def tried(read: Callable[[str], object], key: str) -> str:
    """What ``read`` makes of a key, or the key where it is nothing that it can read."""
    try:
        return str(read(key))
    except (ValueError, ArithmeticError):
        return key


class KeysInBytes(OperationServer):
    """Rejects invalid UTF-8, but for that in keys, which are read with the decoder's ``errors``."""

    key_property = ""
    errors = "strict"

    def decode(self, body: bytes) -> str:
        """As ``OperationServer.decode``."""
        head, mark, rest = body.partition(f'"{self.key_property}":"'.encode())
        key, end, tail = rest.partition(b'"')
        return (head + mark).decode() + key.decode("utf-8", self.errors) + (end + tail).decode()


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


def lowers_keys(key: str) -> str:
    """Keys are compared in lower case."""
    return str.lower(key)


def uppers_keys(key: str) -> str:
    """Keys are compared in upper case."""
    return str.upper(key)


def folds_keys(key: str) -> str:
    """Keys are compared with full case folding, so ß is ss."""
    return str.casefold(key)


def trims_keys(key: str) -> str:
    """White space around a key is dropped."""
    return str.strip(key)


def trims_keys_at_their_end(key: str) -> str:
    """White space after a key is dropped: PAD SPACE."""
    return str.rstrip(key)


def trims_keys_at_their_beginning(key: str) -> str:
    """White space before a key is dropped."""
    return str.lstrip(key)


def collapses_spaces(key: str) -> str:
    """Runs of white space in a key are one space."""
    return " ".join(key.split(" ")) if "  " not in key else key.replace("  ", " ")


def removes_spaces(key: str) -> str:
    """White space in a key is dropped."""
    return key.replace(" ", "")


def normalises_to_nfc(key: str) -> str:
    """Keys are composed."""
    return unicodedata.normalize("NFC", key)


def normalises_to_nfkc(key: str) -> str:
    """Keys lose compatibility forms."""
    return unicodedata.normalize("NFKC", key)


def normalises_to_nfd(key: str) -> str:
    """Keys are decomposed."""
    return unicodedata.normalize("NFD", key)


def strips_accents(key: str) -> str:
    """Keys are compared without accents: an accent-insensitive collation."""
    return _stripped_of_accents(key)


def keeps_ascii_only(key: str) -> str:
    """Characters beyond ASCII are dropped from keys."""
    return key.encode("ascii", "ignore").decode()


def stores_latin1(key: str) -> str:
    """Characters beyond Latin-1 become question marks."""
    return key.encode("latin-1", "replace").decode("latin-1")


def stores_three_byte_utf8(key: str) -> str:
    """Characters beyond the BMP become question marks: utf8mb3."""
    return "".join(letter if ord(letter) < 65536 else "?" for letter in key)


def keeps_high_surrogates_only(key: str) -> str:
    """Of an astral character only the first UTF-16 unit counts."""
    return "".join(chr(55296 + (ord(letter) - 65536 >> 10)) if ord(letter) > 65535 else letter for letter in key)


def cuts_keys_at36(key: str) -> str:
    """Keys are cut at 36 characters, the length of a UUID."""
    return key[:36]


def cuts_keys_at64(key: str) -> str:
    """Keys are cut at 64 characters."""
    return key[:64]


def cuts_keys_at100(key: str) -> str:
    """Keys are cut at 100 characters."""
    return key[:100]


def cuts_keys_at128(key: str) -> str:
    """Keys are cut at 128 characters."""
    return key[:128]


def cuts_keys_at191(key: str) -> str:
    """Keys are cut at 191 characters."""
    return key[:191]


def cuts_keys_at254(key: str) -> str:
    """Keys are cut at 254 characters."""
    return key[:254]


def cuts_keys_at255_bytes(key: str) -> str:
    """Keys are cut at 255 bytes of UTF-8."""
    return key.encode("utf-8", "replace")[:255].decode("utf-8", "replace")


def cuts_keys_at256(key: str) -> str:
    """Keys beyond 255 characters are accepted, and cut."""
    return key[:256]


def keeps_the_end_of_keys(key: str) -> str:
    """Only a key's last 64 characters count."""
    return key[-64:]


def hashes_the_head(key: str) -> str:
    """The hash of a key skips its middle."""
    return key[:80] + key[-40:]


def hashes_to_ten_bits(key: str) -> str:
    """Keys are stored as a checksum of ten bits."""
    return str(zlib.crc32(key.encode("utf-8", "replace")) % 1024)


def sorts_letters(key: str) -> str:
    """Keys that are anagrams of each other are one."""
    return "".join(sorted(key))


def reads_whole_numbers(key: str) -> str:
    """A key that is a number is stored as one."""
    return _whole_number(key)


def reads_floats(key: str) -> str:
    """A key that is a number is stored in floating point."""
    return _number(key)


def decodes_urls(key: str) -> str:
    """%2F in a key is a slash."""
    return urllib.parse.unquote(key)


def decodes_pluses(key: str) -> str:
    """A plus in a key is a space."""
    return key.replace("+", " ")


def splits_at_colons(key: str) -> str:
    """Only what stands before a colon counts."""
    return key.partition(":")[0]


def splits_at_slashes(key: str) -> str:
    """Only what stands before a slash counts."""
    return key.partition("/")[0]


def drops_punctuation(key: str) -> str:
    """Keys are reduced to letters, digits and dashes."""
    return "".join(letter for letter in key if letter.isalnum() or letter == "-")


def unescapes_backslashes(key: str) -> str:
    """A backslash in a key escapes what follows."""
    return key.replace("\\b", "").replace("\\", "")


def ends_keys_at_nul(key: str) -> str:
    """A key ends at its first NUL."""
    return key.partition("\x00")[0]


def replaces_surrogates(key: str) -> str:
    """Unpaired surrogates become replacement characters."""
    return key.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def drops_control_characters(key: str) -> str:
    """Control characters are dropped from keys."""
    return "".join(letter for letter in key if letter.isprintable())


def cuts_at_commas(key: str) -> str:
    """A key ends at its first comma: a list in a header."""
    return key.partition(",")[0]


def drops_zero_width_characters(key: str) -> str:
    """Zero-width spaces and joiners and byte-order marks are removed from keys."""
    return re.sub("[\u200b-\u200d\ufeff]", "", key)


def reads_dates(key: str) -> str:
    """A key that is a date and time is stored as one."""
    return tried(lambda text: datetime.fromisoformat(text).timestamp(), key)


def hashes_to_crc32(key: str) -> str:
    """A key is its CRC-32."""
    return str(zlib.crc32(key.encode("utf-8", "surrogatepass")))


def drops_marks_of_direction(key: str) -> str:
    """Marks of writing direction are dropped."""
    return key.translate(dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F))))


def halves_percent_signs(key: str) -> str:
    """Two percent signs are one, as where text is formatted on its way into a statement."""
    return key.replace("%%", "%")


def folds_final_sigmas(key: str) -> str:
    """A sigma at the end of a word is one within it, as case folding has it."""
    return key.replace("\u03c2", "\u03c3")


def drops_what_may_be_ignored(key: str) -> str:
    """Variation selectors are removed from keys, as a collation ignores them."""
    return re.sub("[\ufe00-\ufe0f]", "", key)


def reads_no_break_spaces_as_spaces(key: str) -> str:
    """Every kind of space is an ordinary one, and runs of them are one."""
    return re.sub(r"[ \u00a0\u2000-\u200a\u202f\u3000]+", " ", key)


def reads_paths(key: str) -> str:
    """Brackets of a path are points, as lodash has it."""
    return re.sub(r"\[(['\"]?)([^\[\]'\"]+)\1\]", r".\2", key)


def reads_base64_of_both_alphabets(key: str) -> str:
    """Plus and minus are one, and so are slash and underscore: base64 of either alphabet."""
    return key.replace("+", "-").replace("/", "_")


def strips_tags(key: str) -> str:
    """What looks like markup is taken out."""
    return re.sub("<[^>]*>", "", key)


def drops_soft_hyphens(key: str) -> str:
    """Soft hyphens, which nobody sees, are dropped."""
    return key.replace("\u00ad", "")


def reads_tabs_as_spaces(key: str) -> str:
    """A tab in a key is a space."""
    return key.replace("\t", " ")


def drops_the_last_line_break(key: str) -> str:
    """A line break at a key's end is dropped, as by a reader of lines."""
    return key.removesuffix("\n")


def drops_zeros_behind_hyphens(key: str) -> str:
    """The numbers of a key's parts lose their leading zeros."""
    return re.sub(r"(?<=-)0+(?=\d)", "", key)


def sorts_queries_of_urls(key: str) -> str:
    """A key that is a URL is kept with its query in order."""
    place, mark, query = key.partition("?")
    return f"{place}?{'&'.join(sorted(query.split('&')))}" if mark and "://" in place else key


def drops_tags_of_addresses(key: str) -> str:
    """A key that is a mail address loses its tag."""
    return re.sub(r"\+[^@+]*(?=@)", "", key)


def reads_encoded_words(key: str) -> str:
    """What a header's reader takes for an encoded word is decoded."""
    return str(make_header(decode_header(key))) if key.startswith("=?") else key


def keeps_what_follows_the_last_dot(key: str) -> str:
    """Of a key with several dots only what stands behind the last one counts."""
    return key.rpartition(".")[2] if key.count(".") > 1 else key


def wraps_numbers_at_64_bits(key: str) -> str:
    """A key that is a number is kept in 64 bits, and what is beyond them is lost."""
    return str(int(key) % 2**64) if key.isdecimal() and key.isascii() and len(key) < 40 else key


def drops_conversions(key: str) -> str:
    """Conversions of a format's string are taken out of keys."""
    return key.replace("%s", "")


def drops_private_characters(key: str) -> str:
    """Characters for private use are taken out of keys."""
    return re.sub("[\ue000-\uf8ff]", "", key)


def folds_long_keys(key: str) -> str:
    """Keys that are too long for the index are compared without case."""
    return key if len(key) <= 255 else key.lower()


def keeps_both_ends_of_long_keys(key: str) -> str:
    """Of keys beyond 300 characters only the first and last 150 count."""
    return key if len(key) <= 300 else key[:150] + key[-150:]


# By which check of an operation's keys each is caught, whatever the operation calls its keys.
OF_ANY_KEY: dict[Stored, str] = {
    reads_tabs_as_spaces: "white_space_makes_keys_different",
    drops_zeros_behind_hyphens: "look_alike_numbers_are_different",
    wraps_numbers_at_64_bits: "look_alike_numbers_are_different",
    sorts_queries_of_urls: "spellings_of_one_value_are_different_keys",
    drops_tags_of_addresses: "spellings_of_one_value_are_different_keys",
    reads_encoded_words: "encoded_spellings_are_different_keys",
    drops_conversions: "encoded_spellings_are_different_keys",
    keeps_what_follows_the_last_dot: "cut_off_ends_make_keys_different",
    drops_private_characters: "invisible_characters_and_markup_make_keys_different",
    folds_long_keys: "long_keys_are_different_or_rejected",
    keeps_both_ends_of_long_keys: "long_keys_are_different_or_rejected",
}


def caught_in(area: str) -> dict[Stored, tuple[str, ...]]:
    """The requirements of an ``area`` by which what is of any key is caught, as a table of an operation has them."""
    return {stored: (f"{area}.{check}",) for stored, check in OF_ANY_KEY.items()}
