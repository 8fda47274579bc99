"""Bytes as a POSIX shell writes them, with variables and commands where secrets and long repetitions stand.

Only what IEEE Std 1003.1 gives is used (printf, tr, sed, cut, od), and base64, which every system has.
"""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile

# A shorter piece of a key says nothing, so a value that shares no more with one was not made from it.
_TELLING_LENGTH = 8
_SHORTEST = 48
_LONG = 2048
_REPETITION = re.compile(rb"(.{1,8}?)\1{%d,}+" % (_SHORTEST - 1), re.DOTALL)
_PLAIN = re.compile(r"[\w %+,./:;=@()-]*", re.ASCII)


@dataclass(frozen=True)
class Expression:
    """What the shell expands, as it stands in double quotes; ``length`` is that of what comes out.

    One with ``escapes`` gives backslash escapes that printf's %b resolves, for NUL goes into no variable.
    """

    text: str
    length: int = 0
    escapes: bool = False


Piece = bytes | Expression


def split(data: bytes, forms: Mapping[bytes, Expression]) -> list[Piece]:
    """``data`` with every occurrence of one of ``forms`` replaced by its expression, long repetitions by commands."""
    if not forms:
        return _squeezed(data)
    found: list[Piece] = []
    pattern = b"|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    for part in re.split(b"(" + pattern + b")", data):
        found += [forms[part]] if part in forms else _squeezed(part)
    return found


def _squeezed(data: bytes) -> list[Piece]:
    if len(data) < _SHORTEST or (len(data) > _LONG and not _repeats_within(data)):
        return [data] if data else []
    found: list[Piece] = []
    end = 0
    for match in _REPETITION.finditer(data):
        unit, count = match[1], len(match[0]) // len(match[1])
        found += [data[end : match.start()], _repeated(unit, count)]
        end = match.end()
    return [piece for piece in (*found, data[end:]) if piece]


def _repeats_within(data: bytes) -> bool:
    # Whatever else is that long goes into a file, and looking through it takes longer than sending it.
    middle = len(data) // 2
    return _REPETITION.search(data, middle - _LONG // 2, middle + _LONG // 2) is not None


def _repeated(unit: bytes, count: int) -> Expression:
    text = unit.decode("latin-1")
    if len(unit) == 1 and re.fullmatch(r"[\w]", text, re.ASCII):
        return Expression(f"$(printf %{count}s | tr ' ' {text})", count)
    escaped = re.sub(r"[&/\\]", r"\\\g<0>", _printable(unit) or "")
    if escaped and "\n" not in escaped:
        return Expression(f"$(printf %{count}s | sed {shlex.quote(f's/ /{escaped}/g')})", count * len(unit))
    script = shlex.quote("s/ /{}/g".format(_octal(unit, "0").replace("\\", "\\\\").replace("/", "\\/")))
    return Expression(f"$(printf %{count}s | sed {script})", count * len(unit), escapes=True)


def _printable(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def fits_a_word(pieces: Iterable[Piece]) -> bool:
    """Whether one argument can hold the text as it is: nothing but printable characters."""
    return all(
        _printable(piece) is not None if isinstance(piece, bytes) else not piece.escapes for piece in pieces
    )  # fmt: skip


def length(pieces: Iterable[Piece]) -> int:
    """How many bytes the shell makes of ``pieces``, about."""
    return sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in pieces)


def word(pieces: Iterable[Piece]) -> str:
    """One shell word that expands to ``pieces``."""
    pieces = list(pieces)
    if not any(isinstance(piece, Expression) for piece in pieces) and fits_a_word(pieces):
        return shlex.quote(b"".join(each for each in pieces if isinstance(each, bytes)).decode())
    if all(isinstance(piece, Expression) or _PLAIN.fullmatch(piece.decode("latin-1")) for piece in pieces):
        return f'"{_joined(pieces)}"'
    return "".join(_quoted(piece) for piece in pieces)


def _joined(pieces: list[Piece]) -> str:
    text = ""
    for piece in pieces:
        plain = piece.decode("latin-1") if isinstance(piece, bytes) else piece.text
        name = re.search(r"\$(\w+)$", text)
        if name and isinstance(piece, bytes) and re.match(r"\w", plain):
            text = f"{text[: name.start()]}${{{name[1]}}}"
        text += plain
    return text


def _quoted(piece: Piece) -> str:
    if isinstance(piece, Expression):
        return f'"{piece.text}"'
    text = _printable(piece)
    return shlex.quote(text) if text is not None else f"\"$(printf '{_octal(piece)}')\""


def _octal(data: bytes, lead: str = "") -> str:
    """``data`` in printf's escapes; ``lead`` is "0" for those of %b."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b"'\\%" else f"\\{lead}{byte:03o}" for byte in data
    )  # fmt: skip


def printed(pieces: Iterable[Piece]) -> str:
    """The command that prints ``pieces``, byte for byte, NUL too."""
    template, arguments = "", []
    for piece in pieces:
        if isinstance(piece, bytes):
            template += _octal(piece)
        else:
            template += "%b" if piece.escapes else "%s"
            arguments.append(f'"{piece.text}"')
    return " ".join([f"printf '{template}'", *arguments])


def from_secrets(value: bytes, secrets: Mapping[str, str]) -> list[Piece]:
    """``value`` written without any of ``secrets`` (by the variables that hold them), however it was made from them."""
    forms = {key.encode(): Expression(f"${variable}", len(key)) for variable, key in secrets.items()}
    if any(form in value for form in forms):
        return split(value, forms)
    head, space, token = value.rpartition(b" ")
    for variable, key in secrets.items():
        if made := _made_from(token.decode("latin-1"), key, variable):
            return [*split(head + space, {}), *made]
    return split(value, {})


def _made_from(token: str, key: str, variable: str) -> list[Piece] | None:
    cases = {key.swapcase(): "A-Za-z a-zA-Z", key.upper(): "a-z A-Z", key.lower(): "A-Z a-z"}
    if token in cases:
        return [Expression(f'$(printf %s "${variable}" | tr {cases[token]})', len(key))]
    try:
        decoded = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if key.encode() in decoded:
        inner = split(decoded, {key.encode(): Expression(f"${variable}", len(key))})
        return [Expression(f"$({printed(inner)} | base64 | tr -d '\\n')", len(token))]
    return _changed(token, key, variable)


def _changed(token: str, key: str, variable: str) -> list[Piece] | None:
    """The key with a part of it replaced."""
    head = _alike(token, key)
    tail = min(_alike(token[::-1], key[::-1]), min(len(token), len(key)) - head)
    if head + tail < max(_TELLING_LENGTH, len(key) // 2):
        return None
    kept: list[Piece] = []
    if head:
        kept.append(Expression(f'$(printf %s "${variable}" | cut -c1-{head})', head))
    if replaced := token[head : len(token) - tail]:
        kept.append(replaced.encode("latin-1"))
    if tail:
        kept.append(Expression(f'$(printf %s "${variable}" | cut -c{len(key) - tail + 1}-)', tail))
    return kept


def _alike(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
