"""Families of keys that differ in just one way: a label and a key each, all from one unique stem."""

import re

SPREAD = (36, 64, 100, 127, 128, 191, 192, 254)
LONGEST = 255
# An astral character is two UTF-16 units: a target that counts those allows half as many.
LONGEST_ASTRAL = 127


# What languages reserve, falsify, call truth, or give to every object.
WORDS = (
    "", "null", "undefined", "0", "__proto__", "constructor", "length", "false", "1", "true", "toString", " ",
    "00000000-0000-0000-0000-000000000000",
)  # fmt: skip
MORE_WORDS = (
    "*", "None", "nil", "NULL", "NaN", "yes", "no", "on", "off", "True", "False", "valueOf", "hasOwnProperty",
    "prototype", "__init__", "__class__", "[object Object]", "[]", "{}", "%", "_", ".", "..", "/", "-1", "Infinity",
)  # fmt: skip


def is_plain(key):
    """Whether a key is one of a check's own, without anything that makes it special."""
    return re.fullmatch(r"conformance-\w+-([0-9a-f]{8}|shared)-\d+", key) is not None


def filled(stem, length, filler="k"):
    """``stem`` filled up to ``length`` characters."""
    return stem + filler * (length - len(stem))


def invalid_bytes(stem, text):
    """Pairs of bodies whose keys differ in bytes that are no UTF-8 (RFC 3629), or in those and what they turn into.

    Each pair is what a decoder that replaces, drops or lets pass such bytes takes for one text; ``text`` is the body's
    JSON, with %s in the place of the key.
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
        label: tuple(text.encode() % (b"%s-%d-%s-" % (stem.encode(), number, end)) for end in ends)
        for number, (label, ends) in enumerate(pairs.items())
    }
    halves = tuple((text % f"{stem}-utf-16-{half}").encode("utf-16", "surrogatepass") for half in ("\ud800", "\ud801"))
    return {**bodies, "unpaired surrogates in UTF-16": halves}


def unusual(stem):
    """Keys that a target may refuse; those in pairs must not be taken for each other."""
    return {
        "256 characters": filled(stem, 256),
        "300 characters": filled(stem, 299) + "a",
        "300 characters, another end": filled(stem, 299) + "b",
        # Fewer than 255 characters, and more than 767 bytes, of which an index may have no more.
        "emoji, then a": f"{filled(stem, 250, '😀')}a",
        "emoji, then b": f"{filled(stem, 250, '😀')}b",
        "NUL, then a": f"{stem}\0a",
        "NUL, then b": f"{stem}\0b",
        "a line break": f"{stem}\na",
        "a carriage return and a line break": f"{stem}\r\na",
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
        "a line separator and a noncharacter": f"{stem}\u2028\uffff",
    }
