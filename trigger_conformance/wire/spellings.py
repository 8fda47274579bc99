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
from functools import cached_property
from html.entities import html5

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
    """A text as it is read: without letter case, and perhaps without the escapes of ``beneath``.

    Those are what ``pattern`` finds in the first and last ``around`` characters of it.
    """

    text: str
    beneath: Reading | None = None
    pattern: re.Pattern[str] = _ESCAPE
    around: int = 0

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where the characters from ``start`` to before ``end`` stand in the text that was read."""
        if self.beneath is None:
            return start, end
        return self.beneath.span(self._origin(start), self._origin(end))

    def _origin(self, at: int) -> int:
        starts, origins = self._stretches
        stretch = bisect_right(starts, at) - 1
        return origins[stretch] + at - starts[stretch]

    @cached_property
    def _stretches(self) -> tuple[Sequence[int], Sequence[int]]:
        """Where the stretches of its text begin, and where these begin in the text beneath.

        A stretch of one character stands for an escape, in any other each character stands for itself.
        """
        starts, origins = [0], [0]
        beneath = self.beneath.text if self.beneath else ""
        for start, end in _ends(beneath, self.around):
            for match in self.pattern.finditer(beneath[start:end]):
                # The escape's own stretch, and the one after it.
                begins = starts[-1] + start + match.start() - origins[-1]
                starts += [begins, begins + len(_written(match))]
                origins += [start + match.start(), start + match.end()]
        return starts, origins


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
    done = 0
    for start, end in _ends(reading.text, around):
        parts += [reading.text[done:start], pattern.sub(_written, reading.text[start:end])]
        done = end
    text = "".join(parts)
    # What an escape stands for is shorter than it.
    return Reading(text, reading, pattern, around) if len(text) < len(reading.text) else None


def _ends(text: str, around: int) -> list[tuple[int, int]]:
    """From where to where the beginning and the end of ``text`` are, all of it where they meet."""
    if len(text) <= 2 * around:
        return [(0, len(text))]
    return [(0, around), (len(text) - around, len(text))]


def _written(match: re.Match[str]) -> str:
    """What an escape stands for; itself where that is no character."""
    character = _character(match)
    return match[0] if character is None else character


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
