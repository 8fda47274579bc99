"""Families of idempotency keys that differ in just one way: a label and a key each, all from one unique stem."""

import math

from .operation import is_new, key_of

SPREAD = (36, 64, 100, 127, 128, 191, 192, 254)
LONGEST = 255
# An astral character is two UTF-16 units: a target that counts those allows half as many.
LONGEST_ASTRAL = 127


def filled(stem, length, filler="k"):
    """``stem`` filled up to ``length`` characters."""
    return stem + filler * (length - len(stem))


def keyed_batches(traffic):
    """The exchanges that made a batch with a key for the first environment."""
    return [each for each in traffic if is_new(each) and key_of(each.request) and each.request.credential == "primary"]


def known(target):
    """A key that names a batch of this run, or a new one where the run has made none yet."""
    made = keyed_batches(target.wire.ledger.exchanges())
    return key_of(made[0].request) if made else target.key()


def unspent(target, exchanges):
    """Those whose key no request had that may have made a batch before: the key's next batch must be a new one."""
    may_have = [each for each in target.wire.ledger.exchanges() if each.status == 202 or each.failure]
    taken = {}
    for each in may_have:
        taken.setdefault(key_of(each.request), each.number)
    return [
        each for each in exchanges if key_of(each.request) and taken.get(key_of(each.request), math.inf) >= each.number
    ]


def slightly_different(stem):
    """Few keys, of which each change of keys that is often made by mistake takes two for each other."""
    long = filled(stem, LONGEST - 1, "한")
    marks = "<&'\"/:*>"
    return {
        "a space inside": f"{stem}-a b",
        "upper case": f"{stem}-A b",
        "trailing space": f"{stem}-a b ",
        "composed": f"{stem}-{marks}é한😀",
        "decomposed": f"{stem}-{marks}e\u0301한😀",
        "another emoji": f"{stem}-{marks}é한😁",
        "long": f"{long}a",
        "long, another end": f"{long}b",
    }


def letter_case(stem):
    endings = ("abc", "ABC", "Abc", "ä", "Ä", "σ", "ς")
    return {f"ending in {ending!r}": f"{stem}-{ending}" for ending in endings}


def white_space(stem):
    return {
        "no space": stem,
        "a trailing space": f"{stem} ",
        "a leading space": f" {stem}",
        "one space inside": f"{stem} x",
        "two spaces inside": f"{stem}  x",
    }


def suffixes(stem):
    long = filled(stem, LONGEST - 1)
    chain = {f"other after {length} characters": f"{long[:length]}~" for length in SPREAD if length > len(stem)}
    return {**chain, "255 characters": f"{long}k", "other in the middle": f"{long[:100]}~{long[101:]}k"}


def beginnings(stem):
    tail = filled(stem, LONGEST - 1)
    return {"beginning with a": f"a{tail}", "beginning with b": f"b{tail}", "without either": tail}


def wide_suffixes(stem):
    wide, astral = filled(stem, LONGEST - 1, "한"), filled(stem, LONGEST_ASTRAL - 1, "😀")
    return {
        "wide, ending in 한": f"{wide}한",
        "wide, ending in 글": f"{wide}글",
        "astral, ending in 😀": f"{astral}😀",
        "astral, ending in 😁": f"{astral}😁",
    }


def unicode_forms(stem):
    forms = {
        "é composed": "\u00e9",
        "é decomposed": "e\u0301",
        "e without accent": "e",
        "Ångström sign": "\u212b",
        "A with ring": "\u00c5",
        "Latin A": "A",
        "Cyrillic A": "\u0410",
        "sharp s": "ß",
        "double s": "ss",
    }
    return {label: f"{stem}-{text}" for label, text in forms.items()}


def look_alike_numbers(number):
    """Keys that one number may be taken for; ``number`` is unique, for a stem would make them words."""
    big = 2**53 + 2 * number
    return {
        "a number": f"{number}",
        "with a leading zero": f"0{number}",
        "with a fraction of zero": f"{number}.0",
        "with a plus sign": f"+{number}",
        "with a leading space": f" {number}",
        "hexadecimal": f"{number:#x}",
        "beyond 2^53": f"{big}",
        "one more": f"{big + 1}",
    }


def containing(stem):
    return {
        "the key": f"{stem}-inner",
        "a longer one": f"{stem}-inner-outer",
        "a shorter one": f"{stem}-inne",
        "its tail": f"{stem}-inner"[1:],
    }


def plain_before_delimiters(stem):
    return {"ab": f"{stem}-ab", "a": f"{stem}-a", "a/b": f"{stem}-a/b", "axb": f"{stem}-axb", "a b": f"{stem}-a b"}


def with_delimiters(stem):
    endings = ("a%2Fb", "a:b", "a*", "a*b", "a_b", "a.b", "a%", "a%b", "a+b", "a%20b", "a\\b", "a'b")  # fmt: skip
    return {ending: f"{stem}-{ending}" for ending in endings}


def invalid_bytes(stem):
    """Pairs of bodies whose keys differ in bytes that are no UTF-8 (RFC 3629), or in those and what they turn into.

    Each pair is what a decoder that replaces, drops or lets pass such bytes takes for one text.
    """
    pairs = {
        "impossible bytes": (b"\xff", b"\xfe"),
        "lone continuation bytes": (b"\x80", b"\xbf"),
        "overlong forms": (b"\xc0\xaf", b"\xc0\xae"),
        "cut-off sequences": (b"\xe2\x82", b"\xe2\x84"),
        "encoded surrogates": (b"\xed\xa0\x80", b"\xed\xb0\x80"),
        "Latin-1": ("é".encode("latin-1"), "è".encode("latin-1")),
        "a replacement character and an impossible byte": ("\ufffd".encode(), b"\xff"),
        "nothing and an impossible byte": (b"", b"\xff"),
        "a slash and its overlong form": (b"/", b"\xc0\xaf"),
    }
    bodies = {
        label: tuple(b'{"runCount":1,"idempotencyKey":"%s-%d-%s-"}' % (stem.encode(), number, end) for end in ends)
        for number, (label, ends) in enumerate(pairs.items())
    }
    text = f'{{"runCount":1,"idempotencyKey":"{stem}-utf-16-'
    halves = tuple((text + half + '"}').encode("utf-16", "surrogatepass") for half in ("\ud800", "\ud801"))
    return {**bodies, "unpaired surrogates in UTF-16": halves}


def unusual(stem):
    """Keys that a target may refuse; those in pairs must not be taken for each other."""
    return {
        "256 characters": filled(stem, 256),
        "300 characters": filled(stem, 299) + "a",
        "300 characters, another end": filled(stem, 299) + "b",
        "10,000 characters": filled(stem, 10_000),
        "NUL, then a": f"{stem}\0a",
        "NUL, then b": f"{stem}\0b",
        "a line break": f"{stem}\na",
        "a tab": f"{stem}\ta",
        "a letter": f"{stem}-b",
        "a trailing line break": f"{stem}-b\n",
        "a trailing tab": f"{stem}-b\t",
        "a trailing no-break space": f"{stem}-b\u00a0",
        "a delete character": f"{stem}\x7fa",
        "a high surrogate": f"{stem}\ud800",
        "a low surrogate": f"{stem}\udc00",
        "a replacement character": f"{stem}\ufffd",
        "a zero-width space": f"{stem}\u200b",
        "a line separator": f"{stem}\u2028",
    }
