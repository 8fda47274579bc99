"""Keys that software takes for each other on its way to a look-up: a table of kinds, a row a transformation.

A row's key looks like the plain one, or like the row before it, to a server that cuts, decodes, cleans, folds, reads,
hashes or matches keys as the row's name says. Rows come from reports on idempotency keys and unique indexes, and from
what languages, databases and frameworks do to a text by themselves. The list is meant to grow.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import random
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from . import keys

PLAIN, SLASH = "the plain key", "a slash inside"
FULL = "255 characters"
SPELLED = "before other spellings"
# Of what has other spellings: those that a language gives, and not an alphabet.
OF_ENCODINGS = ("one percent sign for two", "one apostrophe for two", "without its padding")
OF_PATHS = "one slash for two"
# Keys of so many wide characters are three times as many bytes.
WIDE_AND_LONG = ("2,000 wide characters", "2,000 wide characters, another end")
SHORT_HASHES = ("sha256", "md5", "sha1")
# What a key may be cut at; colons and slashes have rows of their own.
MARKS = ",?#;&=|'\"@()[]{}<>~!$^*\\ .한😀"
Rows = Mapping[str, str]


@dataclass(frozen=True)
class Kind:
    """The rows that one requirement judges: a label and a key each.

    ``needs`` names rows of other kinds whose acceptance is the ground of this one, ``more`` are for thorough runs.
    """

    check: str
    rows: Rows
    needs: tuple[str, ...] = (PLAIN,)
    more: Rows = field(default_factory=dict)

    def cut_to(self, labels: tuple[str, ...]) -> Kind:
        """The kind with these rows alone."""
        return replace(self, rows={label: key for label, key in self.rows.items() if label in labels})


def kinds(key: Callable[[], str], number: int, *, thorough: bool, searched: bool = True) -> list[Kind]:
    """The table, made of fresh keys and a fresh number; what takes a while to find is there where it is ``searched``.

    A kind explains what it has in common with those before it: a server that ignores all punctuation ignores a trailing
    dot too, and one that finds keys by their beginning finds them whatever they are cut at.
    """
    base = f"{key()}-k1ess"
    spelled = _counterparts(base)
    table = [
        _plain(base),
        _numbers(number),
        _values(number),
        _forms(base, spelled),
        _cleaned(base, spelled),
        _wide(base, key()),
        _letter_case(base),
        _white_space(base),
        _derived(base),
        _encoded(base, key(), spelled),
        _delimiters(base),
        _cut(key(), key()),
        _checksums(key(), thorough=thorough, searched=searched),
        _suffixes(base, key()),
        _containing(base),
        _lengths(key),
        _printable(key),
        _beginnings(key()),
    ]
    return [_with_more(each) for each in table] if thorough else table


def _with_more(kind):
    return Kind(kind.check, {**kind.rows, **kind.more}, kind.needs)


def _within(base, text):
    """``base`` with ``text`` in its middle."""
    return f"{base[:-3]}{text}{base[-3:]}"


def _plain(base):
    return Kind("delimiters_make_keys_different", {PLAIN: base, SLASH: _within(base, "/x")}, needs=())


def _numbers(number):
    """Spellings of one number; it is unique, for a stem would make them words."""
    # Divisible by four, so that the next one is rounded to it.
    big = 2**53 + 4 * number
    rows = {
        "a number": f"{number}",
        "with a leading zero": f"0{number}",
        "with a fraction of zero": f"{number}.0",
        "behind a hyphen": f"x-{number}",
        "behind a hyphen, with a leading zero": f"x-0{number}",
        "with a plus sign": f"+{number}",
        "hexadecimal": f"{number:#x}",
        "with an exponent": f"{number}e0",
        "in sixties": f"{number // 60}:{number % 60:02}",
        "with a unit": f"{number}px",
        "2^64 more": f"{number + 2**64}",
        "beyond 2^53": f"{big}",
        "one more": f"{big + 1}",
    }
    more = {
        "with a point": f"{number}.",
        "with groups": f"{number:_}",
        "with commas": f"{number:,}",
        "octal": f"{number:#o}",
        "binary": f"{number:#b}",
        "a big integer": f"{number}n",
        "in Arabic digits": "".join(chr(0x660 + int(digit)) for digit in str(number)),
        "with a leading space": f" {number}",
    }
    return Kind("look_alike_numbers_are_different", rows, needs=(), more=more)


def _values(number):
    """Spellings of one date, identifier, address, duration."""
    moment = datetime.fromtimestamp(number % 2**32, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    identifier = UUID(int=number % 2**64 << 62 | 0x4000 << 64 | 1 << 127)
    rows = {
        "a date": f"{moment}Z",
        "a date with an offset": f"{moment}+00:00",
        "a date with a fraction": f"{moment}.000Z",
        "a UUID": f"{identifier}",
        "a UUID without hyphens": identifier.hex,
        "a URL": f"https://example.com/{number}",
        "a URL with its usual port": f"https://example.com:443/{number}",
        "a URL with a query": f"https://example.com/{number}?a=1&b=2",
        "a URL with its query in another order": f"https://example.com/{number}?b=2&a=1",
        "a query": f"a={number}&b=2",
        "a query in another order": f"b=2&a={number}",
        "JSON": f'{{"n":{number},"a":1}}',
        "JSON in another order": f'{{"a": 1, "n": {number}}}',
        "a mail address": f"x{number}@gmail.com",
        "a mail address with a point": f"x.{number}@gmail.com",
        "a mail address with a tag": f"x{number}+tag@gmail.com",
        "an IP address": f"2001:db8::{number % 2**16:x}:{number >> 16 & 0xFFFF:x}",
        "an IP address with its zeros": f"2001:db8:0:0:0:0:{number % 2**16:x}:{number >> 16 & 0xFFFF:x}",
        "a path with brackets": f"x{number}[k]",
        "a path with a point": f"x{number}.k",
        "a ULID": f"01J0{number:022}",
        "a ULID with letters for digits": f"OIJO{number:022}",
    }
    more = {
        "a date with a space": f"{moment.replace('T', ' ')}Z",
        "a UUID in braces": f"{{{identifier}}}",
        "a UUID as a URN": identifier.urn,
        "a URL with an empty query": f"https://example.com/{number}?",
        "JSON with a space": f'{{"n": {number},"a":1}}',
        "a duration": f"PT{number}M",
        "a duration in seconds": f"PT{60 * number}S",
    }
    return Kind("spellings_of_one_value_are_different_keys", rows, needs=(), more=more)


def _counterparts(stem):
    """A key of what software has other spellings of, and of each such spelling a key that has it instead."""
    spelled = "-8''\u301c\u06cc\u03c2\u00f8\u0436\u0640\U0001f44d\U0001f3fd:rocket:%%//x="
    pairs = {
        "an infinity sign for 8": ("8", "\u221e"),
        "a modifier letter for an apostrophe": ("'", "\u02bc"),
        "a full-width tilde for a wave dash": ("\u301c", "\uff5e"),
        "an Arabic yeh for a Persian one": ("\u06cc", "\u064a"),
        "an emoji for its name": (":rocket:", "\U0001f680"),
        "a sigma for a final one": ("\u03c2", "\u03c3"),
        "a Latin letter for one with a stroke": ("\u00f8", "o"),
        "Latin letters for a Cyrillic one": ("\u0436", "zh"),
        "without its tatweel": ("\u0640", ""),
        "without its skin tone": ("\U0001f3fd", ""),
        "one percent sign for two": ("%%", "%"),
        "one apostrophe for two": ("''", "'"),
        "one slash for two": ("//", "/"),
        "without its padding": ("=", ""),
    }
    return {SPELLED: stem + spelled, **{label: stem + spelled.replace(*pair) for label, pair in pairs.items()}}


def _forms(base, spelled):
    rows = {
        **{label: key for label, key in spelled.items() if label not in (*OF_ENCODINGS, OF_PATHS)},
        "é composed": f"{base[:-3]}éss",
        "é decomposed": f"{base[:-2]}\u0301ss",
        "a Cyrillic е": f"{base[:-3]}\u0435ss",
        "a full-width k": base.replace("-k1", "-\uff4b1"),
        "a superscript digit": base.replace("-k1", "-k\u00b9"),
        "an Arabic digit": base.replace("-k1", "-k\u0661"),
        "sharp s": f"{base[:-2]}ß",
        "a long s": f"{base[:-1]}\u017f",
        "hiragana": _within(base, "か"),
        "katakana": _within(base, "カ"),
    }
    more = {
        "an Ångström sign": _within(base, "\u212b"),
        "an A with ring": _within(base, "\u00c5"),
        "a Greek epsilon": f"{base[:-3]}\u03b5ss",
        "half-width katakana": _within(base, "\uff76"),
        "ae": f"{base}-ae",
        "a ligature": _within(base, "\ufb01"),
        "letters for it": _within(base, "fi"),
        "a Roman numeral": _within(base, "\u2167"),
        "a mathematical k": base.replace("-k1", "-\U0001d4241"),
    }
    return Kind("unicode_form_makes_keys_different", rows, needs=(PLAIN, "Latin, Greek, Cyrillic"), more=more)


def _cleaned(base, spelled):
    rows = {
        OF_PATHS: spelled[OF_PATHS],
        "a zero-width space inside": _within(base, "\u200b"),
        "a soft hyphen inside": _within(base, "\u00ad"),
        "a variation selector inside": _within(base, "\ufe0f"),
        "a private character inside": _within(base, "\ue000"),
        "an empty element inside": _within(base, "<i></i>"),
        "in quotation marks": f'"{base}"',
        "a trailing dot": f"{base}.",
        "a trailing slash": f"{base}/",
        "two slashes inside": _within(base, "//x"),
        "a dot segment inside": _within(base, "/./x"),
        "a segment taken back inside": _within(base, "/y/../x"),
        "a byte-order mark before it": f"\ufeff{base}",
        "a mark from right to left inside": _within(base, "\u200f"),
        "a quotation mark inside": _within(base, '"'),
        "a typographic quotation mark inside": _within(base, "“"),
        "an en dash for a hyphen": base.replace("-k1", "–k1"),
        "an underscore for a hyphen": base.replace("-k1", "_k1"),
        "a plus for a hyphen": base.replace("-k1", "+k1"),
    }
    more = {
        "a joiner inside": _within(base, "\u200d"),
        "a comment inside": _within(base, "<!-- -->"),
        "an em dash for a hyphen": base.replace("-k1", "—k1"),
        "a typographic apostrophe inside": _within(base, "’"),
        "in apostrophes": f"'{base}'",
        "in back quotes": f"`{base}`",
        "a dot before it": f"./{base}",
        "a leading slash": f"/{base}",
    }
    needs = (PLAIN, SLASH, SPELLED)
    return Kind("invisible_characters_and_markup_make_keys_different", rows, needs, more)


def _wide(base, stem):
    wide = keys.filled(stem, keys.LONGEST - 1, "한")
    astral = keys.filled(stem, keys.LONGEST_ASTRAL - 1, "😀")
    rows = {
        "wide, ending in 한": f"{wide}한",
        "wide, ending in 글": f"{wide}글",
        "astral, ending in 😀": f"{astral}😀",
        "astral, ending in 😁": f"{astral}😁",
        "한 inside": _within(base, "한"),
    }
    return Kind("wide_suffix_makes_keys_different", rows, needs=(PLAIN, FULL, "Chinese, Japanese", "emoji"))


def _letter_case(base):
    rows = {
        "one letter in upper case": base.replace("-k1", "-K1"),
        "ä": f"{base}-ä",
        "Ä": f"{base}-Ä",
        "i": f"{base}-i",
        "ı": f"{base}-ı",
        "İ": f"{base}-İ",
        "I": f"{base}-I",
    }
    more = {
        "the first letter in upper case": base[:1].upper() + base[1:],
        "σ": f"{base}-σ",
        "ς": f"{base}-ς",
        "ж": f"{base}-ж",
        "Ж": f"{base}-Ж",
    }
    return Kind("letter_case_makes_keys_different", rows, more=more)


def _white_space(base):
    rows = {
        "a trailing space": f"{base} ",
        "a leading space": f" {base}",
        "one space inside": _within(base, " "),
        "two spaces inside": _within(base, "  "),
        "a no-break space inside": _within(base, "\u00a0"),
        "a tab inside": _within(base, "\t"),
        "a trailing line break": f"{base}\n",
    }
    more = {
        "an ideographic space inside": _within(base, "\u3000"),
        "a trailing ideographic space": f"{base}\u3000",
    }
    return Kind("white_space_makes_keys_different", rows, more=more)


def _derived(base):
    """Names that a server may give to what it keeps beside a key, or to what it joins with it."""
    rows = {
        ending: f"{base}{ending}" for ending in (":lock", ":response", ":1", "-0", ":status", ":result", ":undefined")
    }
    endings = (":data", ":processing", ":meta", ".lock", "_lock", "-lock", ":0", "-1", "_0", "|1",
               ":true", ":false", ":null", "null", "undefined")  # fmt: skip
    more = {ending: f"{base}{ending}" for ending in endings}
    return Kind("names_derived_from_a_key_are_other_keys", rows, needs=(PLAIN, "a colon and more"), more=more)


def _encoded(base, stem, spelled):
    plain = f"{stem}-coded"
    rows = {
        **{label: spelled[label] for label in OF_ENCODINGS},
        "&": _within(base, "&"),
        "an ampersand as entity": _within(base, "&amp;"),
        "a character by its number": base.replace("-k1", "-&#107;1"),
        "a character as in JSON": base.replace("-k1", "-\\u006b1"),
        "an encoded word": f"=?utf-8?q?{base}?=",
        "quoted-printable": base.replace("-k1", "-k=31"),
        "UTF-7": base.replace("-k1", "-k+ADE-"),
        "percent twice": base.replace("-k1", "-k%2531"),
        "before base64": plain,
        "base64": base64.b64encode(plain.encode()).decode(),
        "base64url": base64.urlsafe_b64encode(plain.encode()).decode().rstrip("="),
        "in hexadecimal": plain.encode().hex(),
        "its SHA-256": hashlib.sha256(plain.encode()).hexdigest(),
        "a variable inside": _within(base, "$X9"),
        "a variable in braces inside": _within(base, "${x9}"),
        "a template inside": _within(base, "{{x9}}"),
        "a conversion inside": _within(base, "%s"),
        "é": _within(base, "é"),
        "é read as Latin-1": _within(base, "é".encode().decode("latin-1")),
    }
    more = {
        "each character by its number": "".join(f"&#{ord(letter)};" for letter in plain),
        "each character percent-encoded": "".join(f"%{ord(letter):02X}" for letter in plain),
        "as in C": base.replace("-k1", "-\\x6b1"),
        "octal as in C": base.replace("-k1", "-\\1531"),
        "its MD5": hashlib.md5(plain.encode(), usedforsecurity=False).hexdigest(),
        "its SHA-1": hashlib.sha1(plain.encode(), usedforsecurity=False).hexdigest(),
        "a doubled percent sign": _within(base, "%%"),
        "a percent sign": _within(base, "%"),
    }
    return Kind("encoded_spellings_are_different_keys", rows, needs=(PLAIN, SPELLED), more=more)


def _delimiters(base):
    """Marks that mean something to a server; wildcards match the plain key, which has come before."""
    rows = {
        "an encoded slash inside": _within(base, "%2Fx"),
        "an encoded digit": base.replace("-k1", "-k%31"),
        "a plus inside": _within(base, "+"),
        "an exclamation mark inside": _within(base, "!"),
        "a backslash": base.replace("-k1", "-\\k1"),
        "a colon and more": f"{base}:x",
        "a slash and more": f"{base}/y",
        "another slash inside": _within(base, "/y"),
        "*": f"{base[:-3]}*",
        "%": f"{base[:-3]}%",
        "_": base.replace("-k1", "-k_"),
        "?": base.replace("-k1", "-k?"),
        ".": base.replace("-k1", "-k."),
        "[1]": base.replace("-k1", "-k[1]"),
    }
    more = {
        "a caret": _within(base, "^"),
        "+%20": _within(base, "%20"),
        "(k|x)": base.replace("-k1", "-(k|x)1"),
        "a star inside": _within(base, "*"),
        "a dollar": _within(base, "$"),
        "a tilde": _within(base, "~"),
    }
    return Kind("delimiters_make_keys_different", rows, more=more)


def _cut(stem, other):
    """One pair for all marks: what is cut at any of them, the last one too, loses where the two differ."""
    # Of a dot there are two before the end, for what takes names of one apart from others.
    dotted = ".".join(other.rsplit("-", 1))
    rows = {
        "marks, then a": f"{stem}{MARKS}a",
        "marks, then b": f"{stem}{MARKS}b",
        "before marks": f"1{MARKS}{dotted}",
        "another before marks": f"2{MARKS}{dotted}",
    }
    return Kind("cut_off_ends_make_keys_different", rows, needs=(PLAIN, "emoji"))


def _checksums(stem, *, thorough, searched):
    """Keys of one length, sum, and checksum; each pair of parts is alike whatever stands around it."""
    signs, mirrored = _polynomial_twins()
    rows = {
        "a start": f"{stem}plumless{signs}",
        "one sum, one polynomial": f"{stem}plumless{mirrored}",
        "one CRC-32": f"{stem}buckeroo{signs}",
    }
    if not searched:
        return Kind("keys_with_equal_checksums_are_different", rows)
    rows["FNV-1a"], rows["one FNV-1a"] = _fnv_collision(stem)
    for name in SHORT_HASHES if thorough else SHORT_HASHES[:2]:
        rows[f"{name}, cut short"], rows[f"{name}, cut short, of another key"] = collision(name, stem)
    return Kind("keys_with_equal_checksums_are_different", rows)


def _polynomial_twins():
    """Two texts with one sum, and one polynomial of their characters modulo 2^32 in whatever odd number: a hash of
    31, 33 or 65,599 times what was before, Adler-32, Fletcher's (the sequence of Thue and Morse and its mirror image).
    """
    odd = [bin(place).count("1") % 2 for place in range(64)]
    return "".join("-m"[each] for each in odd), "".join("m-"[each] for each in odd)


def _fnv_1a(text, state=0x811C9DC5):
    """The 32-bit FNV-1a hash of a text that comes after one with the hash ``state``."""
    for byte in text.encode():
        state = (state ^ byte) * 0x01000193 & 0xFFFFFFFF
    return state


def _fnv_collision(stem):
    """Two keys that begin with ``stem`` and have one FNV-1a hash: the last byte makes up for where they are apart."""
    parts, seen = _parts_with_fnv_1a(stem), {}
    while True:
        part, state = next(parts)
        earlier, its = seen.setdefault(state >> 5, (part, state))
        letter = chr(ord("a") ^ state ^ its)
        if earlier != part and letter.isalpha():
            return f"{stem}{earlier}a", f"{stem}{part}{letter}"


def _parts_with_fnv_1a(stem):
    """Texts of one length, and the hash of ``stem`` with each after it."""
    of_stem = _fnv_1a(stem)
    for number in itertools.count():
        start = f"{number:03x}"
        of_start = _fnv_1a(start, of_stem)
        yield from ((f"{start}{digit}", _fnv_1a(digit, of_start)) for digit in "0123456789abcdef")


def collision(name, stem):
    """Two keys of one length that begin with ``stem``, whose hashes have their first 32 bits in common."""
    of_stem = hashlib.new(name, stem.encode(), usedforsecurity=False)
    seen = {}
    numbers = itertools.count()
    while True:
        ending = b"%06x" % next(numbers)
        whole = of_stem.copy()
        whole.update(ending)
        earlier = seen.setdefault(whole.digest()[:4], ending)
        if earlier != ending:
            return f"{stem}{earlier.decode()}", f"{stem}{ending.decode()}"


def _suffixes(base, stem):
    long = keys.filled(stem, keys.LONGEST - 1)
    chain = {f"other after {length} characters": f"{long[:length]}~" for length in keys.SPREAD if length > len(stem)}
    rows = {
        "the plain key and more": f"{base}more",
        **chain,
        "other in the middle": f"{long[:100]}~{long[101:]}k",
        "other at the end": f"{long}k",
    }
    return Kind("suffix_makes_keys_different", rows, needs=(PLAIN, FULL))


def _beginnings(stem):
    tail = keys.filled(stem, keys.LONGEST - 1)
    rows = {"beginning with a": f"a{tail}", "beginning with b": f"b{tail}", "without either": tail}
    return Kind("beginning_makes_keys_different", rows, needs=(PLAIN, FULL))


def _containing(base):
    rows = {"a longer one": f"{base}-outer", "a shorter one": base[:-1], "its tail": base[1:]}
    return Kind("containing_keys_are_different", rows)


def _lengths(key):
    rows = {f"{length} characters": keys.filled(key(), length) for length in (40, 64, 128, 192, 255)}
    return Kind("keys_up_to_255_characters_work", rows, needs=())


def _printable(key):
    texts = {
        "Latin, Greek, Cyrillic": "naïve-çà-κλειδί-ключ",
        "Arabic, Hindi": "مفتاح-कुंजी",
        "Chinese, Japanese": "密钥-キー",
        "emoji": "🔑🗝",
        "Gothic": "𐌺𐌴𐌹",
        "mathematics, quotes": "∀x∈ℝ-«“‘’”»",
        "JSON marks": '{"a":[1]}',
    }
    return Kind("printable_unicode_keys_work", {label: f"{key()}-{text}" for label, text in texts.items()}, needs=())


# What finds most of each kind, for an operation whose every request costs another that removes what it made.
TELLING = (
    PLAIN, "a number", "with a leading zero", "a date", "a date with an offset", "é composed", "é decomposed",
    "a zero-width space inside", "wide, ending in 한", "wide, ending in 글", "one letter in upper case",
    "a trailing space", ":lock", "a character by its number", "an encoded digit", "marks, then a", "marks, then b",
    "without its padding", "a start", "one sum, one polynomial", SPELLED, "other after 254 characters", FULL,
    "other at the end", "a longer one", "beginning with a", "beginning with b", "an underscore for a hyphen", "emoji",
    "?", ".", OF_PATHS, "an empty element inside", "a soft hyphen inside", "astral, ending in 😀",
    "astral, ending in 😁", "a sigma for a final one", "one space inside", "two spaces inside",
    "a no-break space inside", "hiragana", "katakana", "a leading space", "a full-width k", "sharp s", "a long s",
    "two slashes inside", "a variable inside", "a shorter one", "its tail", "in quotation marks",
    "a byte-order mark before it", "other after 64 characters", "other after 128 characters", "with an exponent",
)  # fmt: skip


def telling(kinds):
    """The table cut to the rows that find most."""
    rows = {label for kind in kinds for label in kind.rows if label in TELLING}
    cut = [each.cut_to(TELLING) for each in kinds]
    return [replace(each, needs=tuple(label for label in each.needs if label in rows)) for each in cut]


def few(stem):
    """The first of what finds most, all of one long key, for runs that send little.

    What differs stands inside markup, a variable and a template too, which software takes out whole.
    """
    # At most 255 UTF-16 units in each: a target that counts those has to take them.
    plain = keys.filled(f"{stem}-<i {{{{$k1}}}} ${{k1é}}>:{MARKS}", 246, "한") + "a "
    trimmed = plain[:-1]
    return {
        "long": plain,
        "long, one letter in upper case": plain.replace("k1", "K1"),
        "long, decomposed": plain.replace("é", "e\u0301"),
        "long, another emoji": plain.replace("😀", "😁"),
        "long, another end": f"{plain[:-2]}b ",
        "long, without its last space": trimmed,
        "long, a slash behind": f"{trimmed}/",
        "long, an encoded digit": plain.replace("k1", "k%31", 1),
        # Whoever keeps what stands behind a mark sees no difference either.
        "long, a space in front": f" {plain}",
        "long, two spaces for one": plain.replace(" .", "  ."),
    }


def long_keys(stem):
    """Keys beyond 255 characters, each the beginning of the next but for its end; random, lest they compress.

    Those of wide characters are so many times longer in bytes, of which indexes take a few thousand.
    """
    letters = random.Random(stem).choices(string.ascii_letters + string.digits, k=8000)
    text = stem + "".join(letters)
    lengths = (1000, 2000, 2700, 4000, 8000)
    rows = {f"{length:,} characters": f"{text[: length - 1]}~" for length in (300, *lengths)}
    wide = stem + "".join(random.Random(stem).choices("한글漢字かな", k=2000 - len(stem) - 1))
    middle = f"{text[:480]}{text[480:520].swapcase()}{text[520:999]}~"
    rows["1,000 characters, letters in its middle in the other case"] = middle
    return {**rows, **{label: wide + end for label, end in zip(WIDE_AND_LONG, "한글", strict=True)},
            "8,000 characters, another end": text[:8000]}  # fmt: skip
