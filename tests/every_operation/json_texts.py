"""JSON texts: what is malformed, lenient, in another encoding, unusual or repeated, as functions of a valid text.

Rows come from what parsers of languages, frameworks and databases let pass (JSON5, JavaScript, Python, PHP, YAML, C),
and from what is reported of them. What is let pass most stands first: ``usual`` ones take turns in the places, larger
profiles put each into every place.
"""

import itertools
import json
import re

EXTRA = "conformanceExtra"
# An id that a request asks for, which no contract lets it choose.
OWN_ID = "conformance"
MARK = "\ue000"
# What a firewall in front may take for an attack, which is text like any other.
ATTACK = "' OR '1'='1' -- UNION SELECT 1; <script>alert(1)</script> ../../etc/passwd ${jndi:ldap://a} $(id) <?php"


def with_members(text, *members):
    """The object ``text`` with further members at its end."""
    return ",".join((text[:-1], *members)) + "}"


def _as_value(text, token):
    return with_members(text, f'"{EXTRA}":{token}')


def _in_object(text, token):
    return with_members(text, f'"{EXTRA}":{{"a":{token}}}')


def _in_array(text, token):
    return with_members(text, f'"{EXTRA}":[1,{token}]')


def _as_name(text, token):
    return with_members(text, f"{token}:1")


VALUES = {"as a value": _as_value, "in an object": _in_object, "in an array": _in_array}
STRINGS = {"as a value": _as_value, "as a name": _as_name, "in an object": _in_object, "in an array": _in_array}
GAPS = {
    "after the document": lambda text, gap: text + gap,
    "before the document": lambda text, gap: gap + text,
    "between tokens": lambda text, gap: "{" + gap + text[1:],
    "inside an array": lambda text, gap: with_members(text, f'"{EXTRA}":[{gap}1]'),
}

MALFORMED_NUMBERS = {
    "a leading zero": "01",
    "a point with nothing after it": "1.",
    "a point with nothing before it": ".5",
    "a plus sign": "+1",
    "a negative leading zero": "-01",
    "underscores in a number": "1_000",
    "a hexadecimal number": "0x1f",
    "a doubled minus": "--1",
    "an exponent without digits": "1e",
    "a suffix": "1n",
    "a lone minus": "-",
    "an octal number": "0o17",
    "digits of another script": "١",
}
MALFORMED_STRINGS = {
    "a raw line break": '"a\nb"',
    "single quotes": "'a'",
    "an unknown escape": r'"\q"',
    "a raw tab": '"a\tb"',
    "a hexadecimal escape": r'"\x41"',
    "a continued line": '"a\\\nb"',
    "an escaped apostrophe": r'''"\'"''',
    "a cut-off escape": r'"\u12"',
    "an underscore in an escape": r'"\u1_23"',
    "an escape in braces": r'"\u{41}"',
    "an escape of zero": r'"\0"',
    "a raw NUL": '"a\0b"',
    "a raw control character": '"a\x01b"',
    "an octal escape": r'"\101"',
    "backticks": "`a`",
    "three quotes": '"""a"""',
    "no quotes": "a",
}
MALFORMED_DOCUMENTS = {
    "cut short": lambda text: text[:-1],
    "a raw tab in a name": lambda text: with_members(text, f'"{EXTRA}\t":1'),
    "a trailing comma": lambda text: f"{text[:-1]},}}",
    "single quotes throughout": lambda text: text.replace('"', "'"),
    "names without quotes": lambda text: re.sub(r'"(\w+)":', r"\1:", text),
    "a block comment": lambda text: f"{text[:-1]}/* one */}}",
    "a line comment": lambda text: f"{text}// one",
    "two documents": lambda text: text + text,
    "text after the document": lambda text: f"{text}x",
    "a comma after the document": lambda text: f"{text},",
    "a comma at the end of an array": lambda text: _as_value(text, "[1,]"),
    "a doubled comma": lambda text: _as_value(text, "[1,,2]"),
    "a hash comment": lambda text: f"# one\n{text}",
    "an array left open": lambda text: _as_value(text, "[1"),
    "a bracket too many": lambda text: f"{text}}}",
    "a missing comma": lambda text: f'{text[:-1]} "{EXTRA}":1}}',
    "a leading comma": lambda text: f"{{,{text[1:]}",
    "an equals sign": lambda text: with_members(text, f'"{EXTRA}"=1'),
    "brackets of two kinds": lambda text: _as_value(text, "[1}"),
    "a prefix against scripts": lambda text: f")]}}'\n{text}",
    "a hash comment at the end of a line": lambda text: f"{text[:-1]}\n# one\n}}",
    "a doubled comma between properties": lambda text: f'{text[:-1]},,"{EXTRA}":1}}',
    "an unknown name without quotes": lambda text: with_members(text, f"{EXTRA}:1"),
    "a semicolon": lambda text: f'{text[:-1]};"{EXTRA}":1}}',
    "a missing value": lambda text: with_members(text, f'"{EXTRA}":'),
    "a missing name": lambda text: with_members(text, ":1"),
    "a number for a name": lambda text: with_members(text, "1:1"),
    "a markup comment": lambda text: f"<!-- one -->{text}",
    "a string left open": lambda text: with_members(text, f'"{EXTRA}":"a'),
    "documents in lines": lambda text: f"{text}\n{text}\n",
}
WORDS = {
    "NaN": "NaN",
    "-Infinity": "-Infinity",
    "undefined": "undefined",
    "TRUE": "TRUE",
    "None": "None",
    "False": "False",
    "Null": "Null",
    "Infinity": "Infinity",
    "nil": "nil",
    "nan": "nan",
    "inf": "inf",
    "yes": "yes",
    "a call": "Date(0)",
}
NO_WHITE_SPACE = {
    "a NUL": "\0",
    "a form feed": "\f",
    "a no-break space": "\u00a0",
    "a vertical tab": "\v",
    "a control-Z": "\x1a",
    "a line separator": "\u2028",
    "a next-line": "\x85",
    "an ideographic space": "\u3000",
    "a zero-width space": "\u200b",
    "an information separator": "\x1f",
}
NO_SURROUNDINGS = {
    "a byte-order mark between tokens": lambda text: f"{{\ufeff{text[1:]}",
    "a prefix against hijacking": lambda text: f")]}}',\n{text}",
    "a callback": lambda text: f"callback({text});",
    "a record separator": lambda text: f"\x1e{text}\n",
    "a byte-order mark after the document": lambda text: f"{text}\ufeff",
    "a NUL and text after the document": lambda text: f"{text}\0x",
    "an endless loop": lambda text: f"while(1);{text}",
    "an event's field": lambda text: f"data: {text}\n\n",
}
NO_UTF8 = {
    "an impossible byte": b"\xff",
    "an overlong form": b"\xc0\xaf",
    "an encoded surrogate": b"\xed\xa0\x80",
    "a cut-off sequence": b"\xe2\x82",
    "Latin-1": "é".encode("latin-1"),
    "beyond U+10FFFF": b"\xf4\x90\x80\x80",
    "a lone continuation byte": b"\x80",
}
OTHER_ENCODINGS = {
    "UTF-16": "utf-16",
    "UTF-16 LE without a byte-order mark": "utf-16-le",
    "UTF-32": "utf-32",
    "UTF-16 BE without a byte-order mark": "utf-16-be",
    "UTF-32 LE without a byte-order mark": "utf-32-le",
    "UTF-32 BE without a byte-order mark": "utf-32-be",
}
LONG = "90,000 characters"
# What RFC 8259 allows, and no server needs to take.
UNNEEDED = {
    "NUL in a value, a nested one and a name": rf'"{EXTRA}":"a\u0000b","conformanceOther":{{"a\u0000":["\u0000"]}}',
    "unpaired surrogates in a value, a nested one and a name": rf'"{EXTRA}Unpaired":"\ud800","\udc00":["\udc00\ud800"]',
    "1e999": f'"{EXTRA}":[1e999,-1e999]',
    "400 digits": f'"{EXTRA}":1{"0" * 400}',
    "NUL in a value": rf'"{EXTRA}":"a\u0000b"',
    "NUL in a name": r'"a\u0000b":1',
    "NUL in a nested name": rf'"{EXTRA}":[{{"\u0000":1}}]',
    "a low surrogate in a value": rf'"{EXTRA}":"\udc00"',
    "a high surrogate in a name": r'"a\ud800":1',
    "a high surrogate before another": rf'"{EXTRA}":"\ud800\ud800\udc00"',
    "a number too small for a double": f'"{EXTRA}":1e-999',
    "400 digits after the point": f'"{EXTRA}":0.{"3" * 400}',
    "an exponent of 20 digits": f'"{EXTRA}":1e{"9" * 20}',
    "a hundred levels": f'"{EXTRA}":{"[" * 100}{"]" * 100}',
}
# What RFC 8259 allows, and every server takes in a property that it ignores. The object itself is the first level.
ALLOWED = {
    "64 levels": f'"{EXTRA}64":{"[" * 62}{{"a":1}}{"]" * 62}',
    "an escaped name": r'"\u0063onformance\u0045xtra":1',
    "an empty name": '"":1',
    "an empty name in an object": f'"{EXTRA}Empty":{{"":{{}}}}',
    "exponents": f'"{EXTRA}Exponents":[1e5,1E+2,1.5e-3,0e0]',
    "negative zero": f'"{EXTRA}Zeros":[-0,-0.0]',
    "20 digits": f'"{EXTRA}Digits":{"9" * 20}',
    "20 digits inside": f'"{EXTRA}DigitsInside":[{"9" * 20},-{"9" * 20}]',
    "20 digits of a fraction": f'"{EXTRA}Fraction":0.{"3" * 20}',
    "every escape": rf'"{EXTRA}Escapes":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\uD83D\uDE00"',
    "every plane": f'"{EXTRA}Planes":"\x7fé한😀\u2028\u2029"',
    "a long name": f'"{EXTRA}{"x" * 300}":1',
    LONG: f'"{EXTRA}Long":"{"x" * 90_000}"',
    "what firewalls look for": f'"{EXTRA}Attack":"{ATTACK}"',
    "every value": f'"{EXTRA}Values":[true,false,null,"",{{}},[],0]',
    "white space": f'\r\n\t "{EXTRA}Space"\t:\n[ ]\r\n',
}
WITHIN_A_LINE = '\t "conformanceSpace"\t: [ ] \t'
_BEYOND_ASCII = 0x80
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"(?P<name>(?=\s*:))?')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]')
# Texts that JSON may write otherwise: a slash, and characters of one and of two units.
SPELT = "conformance é/😀"


def allowed(*, of_lines):
    """What JSON allows; ``of_lines`` without line ends, and how long a line may be is documented nowhere."""
    if not of_lines:
        return ALLOWED
    rows = {label: text for label, text in ALLOWED.items() if label != LONG and "\n" not in text}
    return {**rows, "white space within a line": WITHIN_A_LINE}


def escaped(text):
    """``text`` as JSON may write it too: every character by its number, those beyond U+FFFF as a pair.

    The numbers' letters are small where the character is ASCII, and capital where it is not.
    """
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    return "".join(f"\\u{unit:04x}" if unit < _BEYOND_ASCII else f"\\u{unit:04X}" for unit in units)


def _escaped_but_slashes(text):
    return r"\/".join(map(escaped, text.split("/")))


def _with_strings(text, spell, *, names):
    """``text`` with its names, or its other strings, as ``spell`` writes them."""

    def spelt(match):
        is_name = match["name"] is not None
        return f'"{spell(json.loads(match[0]))}"' if is_name is names else match[0]

    return _STRING.sub(spelt, text)


# What may be done to the text of a body that says the same afterwards, each after those before it.
SPELLINGS = {
    "properties in another order": lambda text: json.dumps(
        dict(reversed(json.loads(text).items())), ensure_ascii=False, separators=(",", ":")
    ),
    "escaped slashes": lambda text: text.replace("/", r"\/"),
    "names with escapes": lambda text: _with_strings(text, escaped, names=True),
    "white space between": lambda text: _TOKEN.sub(lambda match: f" \r\n\t{match[0]}\n ", text),
    "texts with escapes": lambda text: _with_strings(text, _escaped_but_slashes, names=False),
    "a line break at the end": lambda text: f"{text}\n",
}
# Names that languages, document stores and mappers give a meaning.
SPECIAL_NAMES = {
    name: f'"{name}":{value}'
    for name, value in {
        "__proto__": f'{{"{EXTRA}":1}}',
        "constructor": f'{{"prototype":{{"{EXTRA}":1}}}}',
        "prototype": '{"a":1}',
        "hasOwnProperty": "1",
        "toString": "1",
        "toJSON": "1",
        "then": "1",
        "length": "0",
        "$where": '"1"',
        "$set": '{"a":1}',
        "a.b": "1",
        "a[0]": "1",
        "@type": '"java.lang.Object"',
        "$type": '"System.Object"',
        "$ref": '"#/a"',
        "__class__": '"object"',
        "_method": '"DELETE"',
        "id": f'"{OWN_ID}"',
        "isCached": "true",
        "items": '[{"a":1}]',
        "payload": '{"a":1}',
        "options": '{"a":1}',
        "metadata": '{"a":1}',
        "data": "[]",
        "status": '"FAILED"',
        "version": '"1"',
        "createdAt": '"1970-01-01T00:00:00Z"',
        "expiresAt": '"1970-01-01T00:00:00Z"',
        "environment": '"prod"',
        "env": '"prod"',
        "project": '"proj_conformance"',
        "isSecret": "true",
        "projectRef": '"proj_conformance"',
        "userId": '"1"',
        "isAdmin": "true",
        "dryRun": "true",
        "error": '"conformance"',
        f"{EXTRA}Nested": f'{{"__proto__":{{"{EXTRA}":1}},"constructor":{{"prototype":1}},"$set":1,"a.b":1}}',
    }.items()
}


def placed(tokens, places, usual, everywhere):
    """Functions of a text, by label: the first ``usual`` tokens in one place each, or each token in every place."""
    turns = zip(itertools.islice(tokens, usual), itertools.cycle(places), strict=False)
    chosen = itertools.product(tokens, places) if everywhere else turns
    return {f"{token} {place}": _placed(places[place], tokens[token]) for token, place in chosen}


def _placed(place, token):
    return lambda text: place(text, token)


def first(rows, usual, everywhere):
    """The first ``usual`` rows of a table, or all."""
    return dict(itertools.islice(rows.items(), None if everywhere else usual))


# What a parser lets pass that lets another row pass, too.
SPARED = (
    "a point with nothing after", "a negative leading zero", "underscores in a number", "a raw line break",
    "single quotes as a name",
)  # fmt: skip
# What parsers of JSON5 and of comments let pass that let other rows pass, and what few have a slip of their own for.
SPARED_MORE = (
    "a point with nothing before it", "an unknown escape", "names without quotes", "a block comment", "a plus sign",
    "a hexadecimal number", "a form feed", "a raw tab in a name", "a byte-order mark between", "a line comment",
    "a no-break space between", "an impossible byte",
)  # fmt: skip


def malformed(everywhere, *, sparing=False, thrifty=False):
    """What no grammar of JSON allows (RFC 8259 2 to 7); without what others show, too, where a run is ``sparing``."""
    documents, numbers, strings = (7, 7, 3) if sparing else (22, 10, 11)
    rows = {
        **first(MALFORMED_DOCUMENTS, documents, everywhere),
        **placed(MALFORMED_NUMBERS, VALUES, numbers, everywhere),
        **placed(MALFORMED_STRINGS, STRINGS, strings, everywhere),
    }
    return _without_spared(rows, sparing=sparing, thrifty=thrifty)


def _without_spared(rows, *, sparing, thrifty):
    spared = (*(SPARED if sparing else ()), *(SPARED_MORE if thrifty else ()))
    return {label: row for label, row in rows.items() if not label.startswith(spared)}


def words(everywhere, *, sparing=False):
    """Values that other languages write in words (RFC 8259 3)."""
    return placed(WORDS, VALUES, 1 if sparing else 6, everywhere)


def no_surroundings(everywhere, *, sparing=False, thrifty=False):
    """What stands around a document or between its tokens, and is no white space of JSON (RFC 8259 2)."""
    spaces, others = (3, 1) if sparing else (7, 5)
    rows = {**placed(NO_WHITE_SPACE, GAPS, spaces, everywhere), **first(NO_SURROUNDINGS, others, everywhere)}
    return _without_spared(rows, sparing=sparing, thrifty=thrifty)


def no_utf8(places, everywhere, *, sparing=False, thrifty=False):
    """Functions from a text to bytes that are no UTF-8 (RFC 3629), in strings in these ``places``."""
    texts = placed(dict.fromkeys(NO_UTF8, f'"{MARK}"'), places, 3 if sparing else 4, everywhere)
    texts = _without_spared(texts, sparing=sparing, thrifty=thrifty)
    return {label: _with_bytes(place, _bytes_of(label)) for label, place in texts.items()}


def _bytes_of(label):
    return next(found for name, found in NO_UTF8.items() if label.startswith(f"{name} "))


def _with_bytes(place, found):
    return lambda text: place(text).encode().replace(MARK.encode(), found)
