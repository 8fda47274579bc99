"""The table of keys that software takes for each other: what each row is for, and who answers for what they share."""

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
import uuid
import zlib
from contextlib import nullcontext
from datetime import datetime
from email.header import decode_header, make_header
from fnmatch import fnmatchcase
from functools import reduce

import pytest

from tests.create_batch.look_alikes import BatchLookAlikes
from tests.every_operation import transformations
from tests.every_operation.grounds import LONG_KEYS, PRINTABLE_KEYS
from tests.every_operation.transformations import MARKS, PLAIN, SLASH, SPELLED, Kind
from trigger_conformance.checks import ground
from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.expect import InconclusiveError, ViolationError
from trigger_conformance.checks.ground import GroundError
from trigger_conformance.wire.exchange import Answer, Exchange, Request

NUMBER = 0xAB12CD34 * 100 + 17


def fresh():
    count = iter(range(1, 1000))
    return lambda: f"conformance-ab12cd34-0011aabb-{next(count)}"


def table(*, thorough):
    return transformations.kinds(fresh(), NUMBER, thorough=thorough)


KINDS = table(thorough=True)
ROWS = {label: key for kind in KINDS for label, key in kind.rows.items()}


def without_accents(key):
    return "".join(each for each in unicodedata.normalize("NFKD", key) if not unicodedata.combining(each))


def rolling(factor):
    return lambda key: reduce(lambda total, letter: (total * factor + ord(letter)) % 2**32, key, 0)


def fnv_1a(key):
    return reduce(lambda total, byte: (total ^ byte) * 0x01000193 % 2**32, key.encode(), 0x811C9DC5)


def short(name):
    return lambda key: hashlib.new(name, key.encode()).hexdigest()[:8]


def identifier(key):
    return uuid.UUID(key).int


def without_port(key):
    parts = urllib.parse.urlsplit(key)
    return parts.scheme, parts.hostname, parts.path, parts.query


# What software does to a text by itself, and two rows that it takes for one key.
TRANSFORMATIONS = {
    "HTML's entities, by number": (html.unescape, PLAIN, "a character by its number"),
    "HTML's entities, by name": (html.unescape, "&", "an ampersand as entity"),
    "JSON, read twice": (lambda key: json.loads(f'"{key}"'), PLAIN, "a character as in JSON"),
    "backslashes": (lambda key: key.replace("\\", ""), PLAIN, "a backslash"),
    "quoted-printable": (lambda key: quopri.decodestring(key).decode(), PLAIN, "quoted-printable"),
    "UTF-7": (lambda key: key.encode().decode("utf-7"), PLAIN, "UTF-7"),
    "URLs": (urllib.parse.unquote, PLAIN, "an encoded digit"),
    "URLs with a slash": (urllib.parse.unquote, SLASH, "an encoded slash inside"),
    "forms": (urllib.parse.unquote_plus, "one space inside", "a plus inside"),
    "URLs, twice": (lambda key: urllib.parse.unquote(urllib.parse.unquote(key)), PLAIN, "percent twice"),
    "Latin-1 repaired": (
        lambda key: key.encode("latin-1").decode("utf-8", "ignore") if "Ã" in key else key, "é", "é read as Latin-1"
    ),
    "hexadecimal": (
        lambda key: bytes.fromhex(key).decode() if key.isalnum() else key, "before base64", "in hexadecimal"
    ),
    "base64": (
        lambda key: key if "-" in key else base64.urlsafe_b64decode(f"{key}==").decode(), "before base64", "base64"
    ),
    "base64url": (
        lambda key: key if "-" in key else base64.urlsafe_b64decode(f"{key}==").decode(), "before base64", "base64url"
    ),
    "tags": (lambda key: re.sub("<[^>]*>", "", key), PLAIN, "an empty element inside"),
    "comments": (lambda key: re.sub("<!--.*-->", "", key), PLAIN, "a comment inside"),
    "format characters": (str.isprintable, "a zero-width space inside", "a soft hyphen inside"),
    "quotation marks": (lambda key: key.strip('"'), PLAIN, "in quotation marks"),
    "paths, two slashes": (posixpath.normpath, SLASH, "two slashes inside"),
    "paths, a dot": (posixpath.normpath, SLASH, "a dot segment inside"),
    "paths, two dots": (posixpath.normpath, SLASH, "a segment taken back inside"),
    "paths, a trailing slash": (posixpath.normpath, PLAIN, "a trailing slash"),
    "file names": (lambda key: key.rstrip("."), PLAIN, "a trailing dot"),
    "NFC": (lambda key: unicodedata.normalize("NFC", key), "é composed", "é decomposed"),
    "NFKC, width": (lambda key: unicodedata.normalize("NFKC", key), PLAIN, "a full-width k"),
    "NFKC, superscripts": (lambda key: unicodedata.normalize("NFKC", key), PLAIN, "a superscript digit"),
    "NFKC, mathematics": (lambda key: unicodedata.normalize("NFKC", key), PLAIN, "a mathematical k"),
    "accents": (without_accents, PLAIN, "é composed"),
    "case folding": (str.casefold, PLAIN, "sharp s"),
    "case folding, a long s": (str.casefold, PLAIN, "a long s"),
    "case": (str.lower, PLAIN, "one letter in upper case"),
    "upper case": (str.upper, "σ", "ς"),
    "collation": (lambda key: without_accents(key).casefold(), "é decomposed", "one letter in upper case"),
    "look-alikes": (lambda key: key.replace("е", "e"), PLAIN, "a Cyrillic е"),
    "digits": (lambda key: key.replace("١", "1"), PLAIN, "an Arabic digit"),
    "ASCII only": (lambda key: key.encode("ascii", "ignore"), PLAIN, "한 inside"),
    "UTF-8 of three bytes": (
        lambda key: re.sub("[^\0-\uffff]", "?", key), "astral, ending in 😀", "astral, ending in 😁"
    ),
    "numbers": (float, "a number", "with an exponent"),
    "numbers, hexadecimal": (lambda key: int(key, 0), "a number", "hexadecimal"),
    "numbers, octal": (lambda key: int(key, 0), "a number", "octal"),
    "numbers, binary": (lambda key: int(key, 0), "a number", "binary"),
    "numbers, other scripts": (int, "a number", "in Arabic digits"),
    "numbers, groups": (int, "a number", "with groups"),
    "numbers, floating": (float, "beyond 2^53", "one more"),
    "dates": (lambda key: datetime.fromisoformat(key).timestamp(), "a date", "a date with an offset"),
    "dates, fractions": (lambda key: datetime.fromisoformat(key).timestamp(), "a date", "a date with a fraction"),
    "dates, a space": (lambda key: datetime.fromisoformat(key).timestamp(), "a date", "a date with a space"),
    "UUIDs": (identifier, "a UUID", "a UUID without hyphens"),
    "UUIDs in braces": (identifier, "a UUID", "a UUID in braces"),
    "UUIDs as URNs": (identifier, "a UUID", "a UUID as a URN"),
    "URLs, ports": (without_port, "a URL", "a URL with its usual port"),
    "URLs, queries": (without_port, "a URL", "a URL with an empty query"),
    "numbers, in sixties": (
        lambda key: reduce(lambda total, part: total * 60 + int(part), key.split(":"), 0), "a number", "in sixties"
    ),
    "JSON": (lambda key: json.dumps(json.loads(key), sort_keys=True), "JSON", "JSON in another order"),
    "mailboxes, points": (lambda key: key.replace(".", ""), "a mail address", "a mail address with a point"),
    "mailboxes, tags": (lambda key: re.sub(r"\+.*@", "@", key), "a mail address", "a mail address with a tag"),
    "numbers, 64 bits": (lambda key: int(key) % 2**64, "a number", "2^64 more"),
    "numbers behind hyphens": (
        lambda key: re.sub(r"-0+", "-", key), "behind a hyphen", "behind a hyphen, with a leading zero"
    ),
    "queries of URLs": (
        lambda key: sorted(re.split("[?&]", key)), "a URL with a query", "a URL with its query in another order"
    ),
    "encoded words": (lambda key: str(make_header(decode_header(key))), PLAIN, "an encoded word"),
    "conversions": (lambda key: key.replace("%s", ""), PLAIN, "a conversion inside"),
    "private characters": (lambda key: re.sub("[\ue000-\uf8ff]", "", key), PLAIN, "a private character inside"),
    "tabs": (lambda key: key.replace("\t", " "), "one space inside", "a tab inside"),
    "line ends": (lambda key: key.removesuffix("\n"), PLAIN, "a trailing line break"),
    "addresses": (ipaddress.ip_address, "an IP address", "an IP address with its zeros"),
    "Crockford's digits": (
        lambda key: key.translate(str.maketrans("OIL", "011")), "a ULID", "a ULID with letters for digits"
    ),
    "best fit": (lambda key: key.replace("\u221e", "8"), SPELLED, "an infinity sign for 8"),
    "Shift-JIS": (lambda key: key.replace("\uff5e", "\u301c"), SPELLED, "a full-width tilde for a wave dash"),
    "Arabic letters": (lambda key: key.replace("\u064a", "\u06cc"), SPELLED, "an Arabic yeh for a Persian one"),
    "names of emoji": (lambda key: key.replace("\U0001f680", ":rocket:"), SPELLED, "an emoji for its name"),
    "lodash's paths": (lambda key: re.sub(r"\[(\w+)\]", r".\1", key), "a path with brackets", "a path with a point"),
    "base64's alphabets": (lambda key: key.replace("+", "-").replace("/", "_"), PLAIN, "a plus for a hyphen"),
    "doubled percent signs": (lambda key: key.replace("%%", "%"), SPELLED, "one percent sign for two"),
    "doubled apostrophes": (lambda key: key.replace("''", "'"), SPELLED, "one apostrophe for two"),
    "doubled slashes": (lambda key: key.replace("//", "/"), SPELLED, "one slash for two"),
    "padding": (lambda key: key.rstrip("="), SPELLED, "without its padding"),
    "31-fold hash": (rolling(31), "a start", "one sum, one polynomial"),
    "33-fold hash": (rolling(33), "a start", "one sum, one polynomial"),
    "sdbm": (rolling(65599), "a start", "one sum, one polynomial"),
    "FNV-1a": (fnv_1a, "FNV-1a", "one FNV-1a"),
    "CRC-32": (lambda key: zlib.crc32(key.encode()), "a start", "one CRC-32"),
    "Adler-32": (lambda key: zlib.adler32(key.encode()), "a start", "one sum, one polynomial"),
    "sum of characters": (lambda key: sum(map(ord, key)), "a start", "one sum, one polynomial"),
    "MD5, cut short": (short("md5"), "md5, cut short", "md5, cut short, of another key"),
    "SHA-256, cut short": (short("sha256"), "sha256, cut short", "sha256, cut short, of another key"),
    "cut at 254": (lambda key: key[:254], "other after 254 characters", "other at the end"),
    "the last 64": (lambda key: key[-64:], "beginning with a", "beginning with b"),
}  # fmt: skip
TRANSFORMATIONS |= {
    f"cut at {mark!r}": (lambda key, mark=mark: key.split(mark)[0], "marks, then a", "marks, then b") for mark in MARKS
}
TRANSFORMATIONS |= {
    f"cut after {mark!r}": (lambda key, mark=mark: key.rsplit(mark)[-1], "before marks", "another before marks")
    for mark in MARKS
}


@pytest.mark.parametrize(("transform", "one", "other"), TRANSFORMATIONS.values(), ids=TRANSFORMATIONS)
def test_a_transformation_makes_two_rows_one(transform, one, other):
    assert ROWS[one] != ROWS[other]
    assert transform(ROWS[one]) == transform(ROWS[other])


WILDCARDS = {
    "*": fnmatchcase,
    "?": fnmatchcase,
    "[1]": fnmatchcase,
    ".": lambda key, pattern: re.fullmatch(pattern, key),
    "(k|x)": lambda key, pattern: re.fullmatch(pattern, key),
    "%": lambda key, pattern: fnmatchcase(key, pattern.replace("%", "*")),
    "_": lambda key, pattern: fnmatchcase(key, pattern.replace("_", "?")),
}


@pytest.mark.parametrize("label", WILDCARDS)
def test_a_wildcard_matches_the_plain_key(label):
    assert WILDCARDS[label](ROWS[PLAIN], ROWS[label])


@pytest.mark.parametrize("thorough", [False, True])
def test_rows_have_names_and_keys_of_their_own(thorough):
    labels = [label for kind in table(thorough=thorough) for label in kind.rows]
    made = [key for kind in table(thorough=thorough) for key in kind.rows.values()]
    assert len(set(labels)) == len(labels) == len(set(made))
    assert all(len(key) <= 255 for key in made)


def test_a_standard_run_sends_few_of_them():
    assert sum(len(kind.rows) for kind in table(thorough=False)) < 185 < len(ROWS)


FEW = transformations.few("conformance-ab12cd34-0011aabb-1")
FOUND_BY_FEW = {
    "case": str.lower,
    "white space": str.strip,
    "NFC": lambda key: unicodedata.normalize("NFC", key),
    "emoji": lambda key: re.sub("[^\0-\uffff]", "?", key),
    "URLs": urllib.parse.unquote,
    "white space in front": str.lstrip,
    "what follows a colon": lambda key: key.rpartition(":")[2],
    "a length": lambda key: key[:191],
    "bytes": lambda key: key.encode()[:255],
    "tags": lambda key: re.sub("<[^>]+>", "", key),
    "variables": lambda key: re.sub(r"\$\{[^}]*\}", "", key),
    "templates": lambda key: re.sub(r"\{\{[^}]*\}\}", "", key),
    "paths": posixpath.normpath,
    "a slash behind": lambda key: key.rstrip("/"),
    **{f"cut at {mark!r}": lambda key, mark=mark: key.split(mark)[0] for mark in MARKS},
}


@pytest.mark.parametrize("transform", FOUND_BY_FEW.values(), ids=FOUND_BY_FEW)
def test_a_small_run_finds_what_is_most_usual(transform):
    assert len(set(map(transform, FEW.values()))) < len(set(FEW.values())) == len(FEW) == 10


def test_no_counting_of_characters_finds_the_few_too_long():
    assert max(len(key.encode("utf-16-le")) // 2 for key in FEW.values()) <= 255


def test_every_kind_has_its_requirement_and_its_ground():
    known = {each.id for each in catalogue()}
    assert {f"create_batch.idempotency.{kind.check}" for kind in KINDS} <= known
    standard = {label for kind in table(thorough=False) for label in kind.rows}
    assert {label for kind in KINDS for label in kind.needs} <= standard


def test_long_keys_differ_at_every_length_and_do_not_compress():
    rows = transformations.long_keys("conformance-ab12cd34-0011aabb-1")
    for length in range(300, 8000, 100):
        assert len({key[:length] for key in rows.values()}) < len(rows), length
    assert len(zlib.compress(rows["4,000 characters"].encode())) > 2704


@pytest.mark.parametrize("check", [PRINTABLE_KEYS, LONG_KEYS])
def test_that_keys_are_taken_is_judged_by_the_kinds_that_say_so(check):
    kinds = [Kind(check, {PLAIN: "k", "a": "ka"})]
    answers = {PLAIN: told("k", "1", cached=False), "a": told("ka", "", cached=False)}
    with pytest.raises(ViolationError, match="expected 202 and a new batch"):
        BatchLookAlikes(kinds, answers, {}).judge(check)


# A volley of four keys of two kinds, and the batches that they got: who is blamed?

FOUR = [Kind("first", {PLAIN: "k", "a": "ka"}, needs=()), Kind("second", {"b": "kb", "c": "k\u200b"})]


def told(key, batch, cached):
    status, body = (202, {"id": batch, "runCount": 1, "isCached": cached}) if batch else (400, {"message": "no"})
    answer = Answer(status, "", (("Content-Type", "application/json"),), json.dumps(body).encode(), 0.0)
    request = Request(
        target="/",
        label=key,
        operation="create_batch",
        body=json.dumps({"runCount": 1, "idempotencyKey": key}).encode(),
    )
    return Exchange(request, answer, None, 0.0, 0.1, 0.0)


def volley(firsts, replays):
    rows = {label: key for kind in FOUR for label, key in kind.rows.items()}
    made = {label: told(rows[label], batch.rstrip("!"), batch.endswith("!")) for label, batch in firsts.items()}
    again = {label: told(rows[label], batch.rstrip("!"), batch.endswith("!")) for label, batch in replays.items()}
    return BatchLookAlikes(FOUR, made, again)


SOUND = {PLAIN: "1", "a": "2", "b": "3", "c": "4"}
# What the four were answered ("!": cached, "": rejected), what some when they came again, and what becomes of the two.
ANSWERS = {
    "all new": (SOUND, {PLAIN: "1!", "a": "2!", "c": "4!"}, None, None),
    "one kind's key is the plain one": ({**SOUND, "b": "1!"}, {PLAIN: "1!"}, None, ViolationError),
    "both kinds' keys are the plain one": (
        {**SOUND, "a": "1!", "b": "1!"}, {PLAIN: "1!"}, InconclusiveError, ViolationError
    ),
    "the first kind alone": ({**SOUND, "a": "1!"}, {PLAIN: "1!"}, ViolationError, None),
    "the plain key comes back as another's": (SOUND, {PLAIN: "3!", "a": "2!"}, None, ViolationError),
    "two new ones have one id": ({**SOUND, "a": "1"}, {PLAIN: "1!"}, GroundError, None),
    "an old batch": ({**SOUND, "a": "0!"}, {PLAIN: "1!"}, ViolationError, None),
    "a replay that looks new": (SOUND, {PLAIN: "1!", "a": "2", "b": "3!"}, GroundError, None),
    "the plain key's replay looks new": (SOUND, {PLAIN: "1", "b": "3"}, InconclusiveError, InconclusiveError),
    "a forgotten key": (SOUND, {PLAIN: "1!", "b": "9"}, None, GroundError),
    "nothing is remembered": (SOUND, {PLAIN: "8", "a": "7", "b": "9"}, InconclusiveError, InconclusiveError),
    "what cannot be printed is rejected": ({**SOUND, "c": ""}, {PLAIN: "1!"}, None, None),
    "what can be printed is rejected": ({**SOUND, "b": ""}, {PLAIN: "1!"}, None, GroundError),
    "the plain key is rejected": ({**SOUND, PLAIN: ""}, {}, GroundError, GroundError),
}  # fmt: skip


@pytest.mark.parametrize(("firsts", "replays", "first", "second"), ANSWERS.values(), ids=ANSWERS)
def test_who_answers_for_what_two_kinds_share(firsts, replays, first, second):
    for check, error in (("first", first), ("second", second)):
        ground.begin()
        with nullcontext() if error is None else pytest.raises(error):
            volley(firsts, replays).judge(check)
            ground.end()
