"""What a target says, as it may be shown: quoted, on one line, steering neither a reader's terminal nor a CI runner.

Nothing a target sends is trusted. ``quoted`` is for messages that are made from answers; ``visible`` and ``harmless``
are the last line of defence of whatever prints or writes a report. Pure.
"""

from __future__ import annotations

import re
import unicodedata

# Beyond what a line of a message shows: cutting what is shown comes after redaction, which must see whole credentials.
_LONGEST_PIECE = 2000
_LONGEST_LINE, _MOST_LINES = 500, 60
_CUT = "…"
# Characters that Python calls printable, but which show nothing (Unicode's Default_Ignorable_Code_Point).
_UNSEEN = frozenset(
    chr(code)
    for first, last in (
        (0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)  # fmt: skip
# GitHub reads :: at a line's beginning and ##[ anywhere, Azure ##vso[ and ##[ anywhere, TeamCity ##teamcity[ anywhere.
_COMMAND = re.compile(r"^([^\S\n]*):(?=:)|##(?=(?:vso|teamcity)?\[)", re.MULTILINE | re.IGNORECASE)
_PLAIN_REASON = re.compile(r"[A-Za-z][A-Za-z' -]{0,39}")


def visible(text: str) -> str:
    """``text`` on one line: line ends, controls, surrogates, and what reorders or hides text, as escapes."""
    if text.isprintable() and _UNSEEN.isdisjoint(text):
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character.isprintable() and character not in _UNSEEN:
        return character
    return character.encode("unicode_escape").decode("ascii")


def shortened(text: str, most: int) -> str:
    """``text``, or its beginning where it has more than ``most`` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}{_CUT}"


def quoted(value: object, most: int = _LONGEST_PIECE) -> str:
    """A value that a target sent as one piece of a message: a text in double quotes, anything else as Python shows it.

    More than ``most`` characters are cut.
    """
    if not isinstance(value, str):
        return shortened(visible(repr(value)), most)
    kept = value[:most].replace("\\", "\\\\").replace('"', '\\"')
    return f'"{visible(kept)}{_CUT if len(value) > most else ""}"'


def apart(one: object, other: object) -> tuple[str, str]:
    """Two values, ``quoted``; of texts that look alike all that is not ASCII is escaped."""
    if isinstance(one, str) and isinstance(other, str) and one != other and _alike(one) == _alike(other):
        return shortened(ascii(one), _LONGEST_PIECE), shortened(ascii(other), _LONGEST_PIECE)
    return quoted(one), quoted(other)


def _alike(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def reason(phrase: str) -> str:
    """A status line's reason phrase: as it is where it is a few plain words, else quoted."""
    return phrase if not phrase or _PLAIN_REASON.fullmatch(phrase) else quoted(phrase)


def harmless(text: str, colon: str = "\\:", mark: str = "\\#") -> str:
    """``text`` without anything that CI runners take for a command of ours.

    ``colon`` and ``mark`` stand for the character that makes it one, as the format escapes it.
    """
    return _COMMAND.sub(lambda found: f"#{mark}" if found[1] is None else f"{found[1]}{colon}", text)


def lines(text: str) -> str:
    """``text``, whose line ends are our own, with each line visible."""
    return "\n".join(visible(line) for line in text.split("\n"))


def bounded(text: str) -> str:
    """``text``, whose line ends are our own, with each line visible and neither lines nor length without bound."""
    every = text.split("\n")
    kept = [shortened(visible(line[:_LONGEST_LINE]), _LONGEST_LINE) for line in every[:_MOST_LINES]]
    more = len(every) - len(kept)
    return "\n".join([*kept, *([f"{_CUT} and {more} more lines"] if more else [])])
