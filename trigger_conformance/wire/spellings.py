"""The ways in which software writes a text otherwise, and the ways in which a reader reads one.

``FORMS`` are what a text as a whole may be turned into. ``readings`` are a text as it stands and with its escapes read,
layer by layer: JSON in JSON, a percent-encoded entity. Every step takes time in proportion to the text.
"""

from __future__ import annotations

import base64
import codecs
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html.entities import html5
from itertools import chain

_LAYERS = 4
# As licence keys are written.
_GROUP = 4
_ESCAPE = re.compile(
    r"\\u\{0{0,8}(?P<braced>[0-9a-fA-F]{1,6})\}"
    r"|\\u(?P<json>[0-9a-fA-F]{4})"
    r"|\\x(?P<byte>[0-9a-fA-F]{2})"
    r"|\\(?P<octal>[0-3][0-7]{2})"
    r"|\\(?P<itself>[^0-9A-Za-z])"
    r"|%(?P<percent>[0-9a-fA-F]{2})"
    r"|&#[xX]0{0,8}(?P<hexadecimal>[0-9a-fA-F]{1,6});?"
    r"|&#0{0,8}(?P<decimal>[0-9]{1,7});?"
    r"|&(?P<entity>[A-Za-z]{2,31});"
)
# Quoted-printable, and the Q of RFC 2047, are read by themselves: an equals sign stands before many other escapes.
_QUOTED = re.compile(r"=(?:(?P<quoted>[0-9a-fA-F]{2})|(?P<nothing>\r?\n|(?:\\r)?\\n))")
_BASES = {"octal": 8, "decimal": 10}
# The only letter whose lower case is longer than it is, which would shift all that follows.
_LONGER = str.maketrans({"İ": "i"})


def _line_ends(*ends: str) -> re.Pattern[str]:
    """Where a long code is broken into lines, as MIME has base64 (RFC 2045 section 6.8); few other lines end so."""
    code = r"[\w+/-]"
    between = "|".join(rf"{each}(?<={code}{{16}}{each})[ \t]*" for each in map(re.escape, ends))
    return re.compile(rf"(?P<nothing>{between})(?={code})", re.ASCII)


# By what must be there; JSON has its line ends in escapes.
_AS_MAIL = {"=": _QUOTED, "\n": _line_ends("\n", "\r\n"), "\\n": _line_ends("\\n", "\\r\\n")}


def folded(text: str) -> str:
    """``text`` without letter case, of the same length."""
    return text.translate(_LONGER).lower() if "İ" in text else text.lower()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _aligned(encode: Callable[[bytes], bytes], secret: bytes, bits: int) -> Iterator[str]:
    """The characters of ``bits`` each that stand for ``secret`` wherever it begins in what is encoded."""
    for offset in range({6: 3, 5: 5}[bits]):
        encoded = encode(b"\0" * offset + secret).decode()
        yield encoded[-(-offset * 8 // bits) : (offset + len(secret)) * 8 // bits]


def _base64(text: str) -> Iterator[str]:
    for form in _aligned(base64.b64encode, _utf8(text), 6):
        yield form
        yield form.translate(str.maketrans("+/", "-_"))


def _in_hexadecimal(text: str) -> Iterator[str]:
    for between in ("", ":", " ", "-"):
        yield between.join(f"{byte:02x}" for byte in _utf8(text))


def _as_codes(text: str) -> Iterator[str]:
    for between in (",", ", ", " "):
        yield between.join(str(byte) for byte in _utf8(text))


def _in_groups(text: str) -> Iterator[str]:
    groups = [text[start : start + _GROUP] for start in range(0, len(text), _GROUP)]
    for between in (" ", "-"):
        yield between.join(groups)


FORMS: dict[str, Callable[[str], Iterable[str]]] = {
    "as it is": lambda text: [text, _utf8(text).decode("latin-1")],
    "in base64": _base64,
    "in base32": lambda text: _aligned(base64.b32encode, _utf8(text), 5),
    "in hexadecimal": _in_hexadecimal,
    "as a list of codes": _as_codes,
    "in UTF-16": lambda text: ["\0".join(text)],
    "with spaces between": lambda text: [" ".join(text)],
    "in groups": _in_groups,
    "reversed": lambda text: [text[::-1]],
    "rotated by 13": lambda text: [codecs.encode(text, "rot13")],
}


@dataclass(frozen=True)
class Reading:
    """A text as it is read: without letter case, and perhaps without escapes.

    ``starts`` are where its stretches begin, ``origins`` where these begin in the text that was read; a stretch of one
    character stands for an escape, in any other each character stands for itself.
    """

    text: str
    starts: Sequence[int] = (0,)
    origins: Sequence[int] = (0,)
    beneath: Reading | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where the characters from ``start`` to before ``end`` stand in the text that was read."""
        if self.beneath is None:
            return start, end
        return self.beneath.span(self._origin(start), self._origin(end))

    def _origin(self, at: int) -> int:
        stretch = bisect_right(self.starts, at) - 1
        return self.origins[stretch] + at - self.starts[stretch]


def readings(text: str, around: int | None = None) -> Iterator[Reading]:
    """``text`` as it stands, and with each layer of its escapes read; each also as mail is, where it is written so.

    With ``around`` escapes are read in as many characters at its beginning and end: of a long body no more is shown.
    """
    reading: Reading | None = Reading(folded(text))
    for _ in range(_LAYERS + 1):
        if reading is None:
            return
        yield reading
        for mark, pattern in _AS_MAIL.items():
            if mark in reading.text and (other := _read(reading, pattern, around or len(text))):
                yield other
        escaped = any(mark in reading.text for mark in "\\%&")
        reading = _read(reading, _ESCAPE, around or len(text)) if escaped else None


def _read(reading: Reading, pattern: re.Pattern[str], around: int) -> Reading | None:
    """``reading`` with what ``pattern`` finds in its beginning and end read; None where that is nothing."""
    parts: list[str] = []
    starts, origins = [0], [0]
    length = done = 0
    middle = max(around, len(reading.text) - around)
    for match in chain(pattern.finditer(reading.text, 0, around), pattern.finditer(reading.text, middle)):
        character = _character(match)
        if character is None:
            continue
        between = reading.text[done : match.start()]
        parts += [between, character]
        length += len(between)
        # The escape's own stretch, and the one after it.
        starts += [length, length + len(character)]
        origins += [match.start(), match.end()]
        length += len(character)
        done = match.end()
    if not parts:
        return None
    return Reading("".join([*parts, reading.text[done:]]), starts, origins, reading)


def _character(match: re.Match[str]) -> str | None:
    kind = str(match.lastgroup)
    digits = match[kind]
    if kind == "nothing":
        return ""
    if kind == "itself":
        return digits
    if kind == "entity":
        character = html5.get(f"{digits};", "")
        return folded(character) if len(character) == 1 else None
    code = int(digits, _BASES.get(kind, 16))
    return folded(chr(code)) if code <= 0x10FFFF else None
