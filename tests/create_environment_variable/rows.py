"""Values that real stores, shells and parsers make something else of: a table of kinds, a row a value.

A row's name says what is in the value. Rows come from reports on .env files, shells, form parsers, database columns and
what languages do to a text by themselves. The list is meant to grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LONG = 1 << 16
# So much on one line every target should take.
PRINTABLE = "4,096 characters on one line"
# Of all the lengths, the one that every change of how a text is cut is seen in.
TELLING = "58,000 characters, many of two to four bytes"
LINE = "All of it on one line, as a connection string is: postgres://user:pass@host:5432/db?a=1&b=2 "


@dataclass(frozen=True)
class Kind:
    """The rows that one requirement judges: a label and a value each; ``more`` are for thorough runs alone.

    What happens ``inside`` a text happens beside other rows too: such rows may travel in one value. ``later`` rows are
    new values of variables that are there, as if they were the first.
    """

    check: str
    rows: Mapping[str, str]
    more: Mapping[str, str] = field(default_factory=dict)
    inside: bool = False
    later: Mapping[str, str] = field(default_factory=dict)


INSIDE = (
    Kind(
        "variables_in_values_are_kept",
        {"$HOME": "a$HOME b", "${X}": "a${X}b", "%PATH%": "a%PATH%b", "$(…) and `…`": "a$(id)b`id`c",
         "{{X}} and <%= %>": "a{{X}}b<%= 1 %>c", "#{X} and ${{ }}": "a#{X}b${{ secrets.X }}c",
         "$$ and $1": "a$$b$1c", "~": "~/a", "${X:-y}": "a${X:-y}b", "!!": "a!!b", "printf's": "100%s %d%%",
         "${jndi:X}": "a${jndi:ldap://b}c",
         "@X": "@Microsoft.KeyVault(x)", "$$(X)": "a$$(HOME)b", "!X!": "a!HOME!b", "%(X)s": "a%(HOME)s b",
         "__X__": "a __HOME__ b", "%{X}": "a%{HOME}b", "@X@": "a@project.version@b",
         "%env(X)%": "a%env(HOME)%b", "$' and $&": "a$'b$&c", "#{X}#": "a#{HOME}#b"},
        inside=True,
    ),
    Kind(
        "marks_in_values_are_kept",
        {"=": "a=b==", "#": "a #b#c", "; & | and ,": "a;b&c|d,e ;f", ": and ?": "a: b?c", "/": "a/b//c/../d",
         "* [ ] and !": "a*b[c]!d", "@ and ^": "a@b^c~d", "@ in front of it": "@a",
         "an emoji's words": "a:smile: b :) c", "sixteen digits": "a 4111111111111111 b 4111 1111 1111 1111",
         "files": "a /etc/passwd b /bin/sh c .env", "braces": "a{b,c}d {1..3}",
         "a password": "a Password=b c", "a URL's password": "a postgres://u:p@h/d b",
         "a token's marks": "a sk-conformance b AKIACONFORMANCE00"},
        inside=True,
    ),
    Kind(
        "quotes_in_values_are_kept",
        {"both inside": "it's \"so\" ``", "one only": "a\"b", "doubled": "a''b\"\"c",
         "French and German": "«a» „b“ ‘c’"},
        inside=True,
    ),
    Kind(
        "backslashes_are_kept",
        {"escapes": "a\\nb\\tc\\\\d\\x41\\u0041\\e", "of a path": "C:\\temp\\new", "before a mark": 'a\\$b\\"c\\ e',
         "at the end": "a\\", "octal": "a\\101b", "before a comma": "a\\,b,c",
         "before a c": "a\\cb"},
        inside=True,
    ),
    Kind(
        "encodings_are_kept",
        {"percent": "a%41b%2Fc%20d", "entities": "a&amp;b&#65;c&lt;d", "a plus": "a+b", "base64": "YWJjZA==",
         "quoted-printable": "a=41b", "an equals sign quoted so": "a=3Db", "UTF-8 read as Latin-1": "Ã©",
         "hexadecimal": "0x41"},
        inside=True,
    ),
    Kind(
        "markup_and_queries_are_kept",
        {"tags": "a<b>c</b><script>d</script>", "comments": "a<!-- b -->c /* d */ -- e",
         "SQL": "a'; DROP TABLE b; --",
         "< and >": "a < b > c", "a template of XML": "<![CDATA[a]]>", "a shell's operator": "a && b || c > d",
         "a template's comment": "a{# b #}c",
         "two slashes": "a //b"},
        inside=True,
    ),
    Kind(
        "line_breaks_are_kept",
        {"LF": "a\nb\n\nc", "CR LF": "a\r\nb\r\n\r\nc", "CR": "a\rb", "before a space": "a\n b",
         "a PEM": "-----BEGIN X-----\nMIIB\n-----END X-----",
         "LF CR": "a\n\rb", "line separators": "a\u2028b\u2029c", "before # and ;": "a\n#b\n;c\nd",
         "around hyphens": "a\n---\nb\n...\nc"},
        inside=True,
    ),
    Kind(
        "white_space_inside_is_kept",
        {"several spaces": "a  b   c", "tabs": "a\t\tb", "no-break spaces": "a\u00a0b\u202fc",
         "other spaces": "a\u2003b\u3000c"},
        inside=True,
    ),
    Kind(
        "control_characters_are_kept",
        {"escape, bell, backspace": "a\x1b[31mb\x07c\x08d", "delete": "a\x7fb", "next line": "a\x85b",
         "a form feed": "a\x0cb"},
        inside=True, later={"NUL": "a\0b"},
    ),
    Kind(
        "invisible_characters_are_kept",
        {"zero width": "a\u200bb\u200dc\u2060d", "a byte-order mark inside": "a\ufeffb", "a soft hyphen": "a\u00adb",
         "directions": "a\u202eb\u202cc", "a variation selector": "a\ufe0fb",
         "not characters": "a\ufffeb\uffffc", "a replacement character": "a\ufffdb"},
        inside=True,
    ),
    Kind(
        "every_plane_is_kept",
        {"Latin to Hebrew": "éßłžĄøκлא", "of the BMP": "ب한日本ก",
         "emoji": "\U0001f600\U0001f469\U0001f308", "other planes": "\U00010330\U0001d49c\U0002000b",
         "private use": "\ue000\U000f0000\U0010fffd", "long ago": "𓀀𒀀𐤀", "a flag": "🇩🇪", "digits": "٣१३"},
        inside=True,
    ),
    Kind(
        "normal_forms_are_kept",
        {"composed": "é한Å", "decomposed": "e\u0301\u1112\u1161\u11abA\u030a", "compatible": "ﬁ①½Ａ²\u212b",
         "two marks, in either order": "a\u0323\u0307 a\u0307\u0323",
         "Vietnamese": "ệ ê\u0323", "half width": "\uff76\uff9e",
         "six marks": "a\u0300\u0301\u0302\u0303\u0304\u0306b"},
        inside=True,
    ),
)  # fmt: skip
WHOLE = (
    Kind("empty_value_is_kept", {"the empty string": ""}),
    Kind(
        "white_space_around_is_kept",
        {"spaces around": " around ", "a line break behind": "behind\n",
         "a no-break space behind": "behind\u00a0", "a byte-order mark in front": "\ufefffront",
         "white space alone": " "},
        {"tabs around": "\taround\t", "a space in front": " front",
         "spaces behind": "behind  ", "line breaks around": "\r\n around\r\n"},
        # 16 characters are the full block of a cipher.
        later={"indented lines, a break in front and three behind": "\n four\n  five\n\n\n"},
    ),
    Kind(
        "quotes_around_are_kept",
        {"double quotes": '"quoted"', "single quotes": "'quoted'", "a word in quotes": '"a" b',
         "a quote in front": "'front"},
        {"only one": '"', "two": '""', "twice": "'\"quoted\"'"},
        later={"backticks": "`quoted`", "with an escape": '"quo\\nted"'},
    ),
    Kind(
        "words_are_kept",
        {"null": "null", "true": "true", "yes": "yes", "TRUE": "TRUE", "(null)": "(null)", "-n": "-n"},
        {"false": "false", "None": "None", "nil": "nil", "No": "No", "on": "on",
         "NaN": "NaN", "~": "~", "-": "-", "__proto__": "__proto__",
         "constructor": "constructor", "[object Object]": "[object Object]", "True": "True",
         "N, behind a backslash": "\\N"},
        later={"a letter of Latin-1": "é", "undefined": "undefined", "empty": "empty"},
    ),
    Kind(
        "numbers_are_kept",
        {"leading zeros": "0070", "a zero at the end": "1.10", "a plus": "+1", "hexadecimal": "0x1F", "commas": "1,000",
         "ten digits, a zero in front": "0123456789"},
        {"a zero fraction": "1.0", "hours and minutes": "22:22", "octal": "0o17",
         "a fraction of 20 digits": "0.12345678901234567891", "-0": "-0", "Infinity": "Infinity",
         "a plus and more": "+4930", "a point in front": ".5"},
        later={"two digits": "42", "0": "0", "sexagesimal": "12:30:45", "underscores": "1_000", "an exponent": "1e5",
               "beyond 2^53": "12345678901234567890", "an Arabic digit": "٣"},
    ),
    Kind(
        "dates_are_kept",
        {"a moment with an offset": "2026-03-01T10:00:00+01:00"},
        {"a moment": "2026-03-01 10:00:00", "a spreadsheet's": "1-2",
         "a moment of UTC": "2026-03-01T10:00:00Z"},
        later={"a day": "2026-03-01", "of America": "03/01/2026"},
    ),
    Kind(
        "json_is_kept",
        {"an object": '{"b": 1, "a": [1.0,2], "b": null }', "cut off": '{"a'},
        {"a nested object": '{"a":{"b":{"c":{}}}}',
         "an empty object": "{}", "an empty array": "[]", "YAML": "a: 1\nb: [x]\n",
         "an object without spaces": '{"bb":1,"a":2}'},
        later={"an array": "[1, 2]", "a string": '"\\u0061"', "a section": "[x]"},
    ),
    Kind(
        "lists_and_assignments_are_kept",
        {"an assignment": "export A=b &", "a list": "a, b, c", "a file": "@/etc/hostname",
         "a URL's port": "https://Example.COM:443", "a secret's address": "op://a/b/c", "an anchor": "&a b",
         "an address of mail": "Me@Example.COM", "a colon behind": "redis:"},
        {"a URL": "HTTPS://Example.com:443/a", "a vault's": "vault:a/b#c",
         "a comma list": "a,b,c", "spaces": "a b c", "a comment alone": "# a", "a query": "a=1&b=2",
         "a header": "a: b", "a path": "/usr//bin/", "an alias": "*a", "files' addresses": "file:///a"},
        later={"a mark in front": "#a", "a home": "~/bin", "a URL's slash": "https://a.example/",
               "a file's next line, and an end of text": "a\nCONFORMANCE_X=b\nEOF\n\tb",
               "a share": "\\\\server\\share\\", "a URL's password alone": "postgres://u:p@h/d", "a formula": "=1+1",
               "openings without ends": "a ${b $(c"},
    ),
    Kind(
        "encoded_values_are_kept",
        {"percent-encoded": "a%20b%2Fc%C3%A9"},
        {"a form": "a=1&b=c+d%20e", "percent-encoded twice": "a%2520b", "entities alone": "a&amp;b&#65;",
         "a template alone": "{{a.B}}", "salted": "U2FsdGVkX1conformance"},
        later={"marked as encrypted": "ENC(a)", "an address of data": "data:text/plain;base64,YWJj",
               "marked as cipher text": "{cipher}YWJj", "marked as base64": "base64:YWJj",
               "in hexadecimal": "636f6e666f726d"},
    ),
    Kind(
        "secrets_are_kept",
        {"what masks are": "********", "a service's key": "sk_live_conformance0123", "base64": "Y29uZm9ybWFuY2U="},
        {"dots": "••••••••",
         "a PEM and its line break": "-----BEGIN X-----\nMIIB\n-----END X-----\n",
         "a digest": "d41d8cd98f00b204e9800998ecf8427e"},
        later={"a token of GitHub": "ghp_conformance0123", "a JWT": "eyJhbGciOiJub25lIn0.e30.",
               "a password alone": "Password=abc", "a UUID": "C56A4180-65AA-42EC-A945-5FD21DEC0538",
               "a PEM alone": "-----BEGIN X-----\nMI\\nIB\n-----END X-----"},
    ),
    Kind(
        "long_values_are_kept",
        {"64 kB": (LINE * (LONG // len(LINE) + 1))[:LONG], PRINTABLE: (LINE * 50)[:4095] + "~"},
        {f"{length:,} characters": (LINE * (length // len(LINE) + 1))[: length - 1] + "~"
         for length in (255, 256, 1024, 4096, 8192, 32768)}
        | {"140,000 characters": (LINE * 2000)[:139_999] + "~", "1,000 characters of four bytes": "😀" * 1000,
           "21,845 characters of three": "한" * 21845},
        # Beyond 64 kB in bytes alone; of UTF-8, and of UTF-16, units of 4,096 end within characters.
        # So many of three bytes that any piece of 16,384 bytes ends within one.
        later={TELLING: f"{'x' * 4095}{'😀' * 3000}{'é' * 1000}{'한' * 15_000}{'y' * 35_000}~"},
    ),
)  # fmt: skip
# What software takes for one thing, and is of two kinds of rows.
TOGETHER = (
    "a\\\nb",
    'a = "b\\"c" # d',
    '$"{a}"',
    "\\ud83d\\ude00",
    "".join(map(chr, range(1, 32))),
    "\U0001f469\u200d\U0001f467\U0001f3f3\ufe0f\u200d\U0001f308 a\U000e0041b",
)
# Between rows that travel in one value, so that none of them is at an end of it.
BETWEEN = " | "


def mixed():
    """All that happens inside a text, in one value; and what is of several kinds at once."""
    rows = [value for kind in INSIDE for value in kind.rows.values()]
    return "|" + BETWEEN.join([*rows, *TOGETHER]) + "|"


def later(kinds):
    """The rows that are new values of variables that are there, by their kinds: long ones, removed at once, last.

    Some targets show all that is there with every answer.
    """
    found = sorted((kind for kind in kinds if kind.later), key=lambda kind: kind.check == "long_values_are_kept")
    return {kind.check: dict(kind.later) for kind in found}


def parts(kinds, *, thorough):
    """The rows of ``kinds`` one by one: of each kind that is inside a text all in one value, but in thorough runs."""
    for kind in kinds:
        rows = {**kind.rows, **kind.more} if thorough else kind.rows
        if kind.inside and not thorough:
            yield kind, {"; ".join(rows): f"|{BETWEEN.join(rows.values())}|"}
        else:
            yield kind, dict(rows)
