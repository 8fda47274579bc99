"""What somebody meant who gave a part of a dotted name, and may have meant who gave one that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST = 3


def near(word: str, known: Iterable[str]) -> list[str]:
    """Those of ``known`` that are spelt like ``word``, as a whole or in their last part, the nearest first."""
    names = list(dict.fromkeys(known))
    whole = difflib.get_close_matches(word, names, _MOST, 0.75)
    tails: dict[str, list[str]] = {}
    for name in names:
        tails.setdefault(name.rpartition(".")[2], []).append(name)
    last = difflib.get_close_matches(word.rpartition(".")[2], tails, _MOST, 0.75)
    found = [*whole, *(name for tail in last for name in tails[tail])]
    return list(dict.fromkeys(found))[:_MOST]


def hint(word: str, known: Iterable[str]) -> str:
    """``near`` names as a part of a message: " (did you mean this or that?)", or nothing."""
    found = near(word, known)
    return f" (did you mean {' or '.join(found)}?)" if found else ""


def full(part: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``part`` is, or is the end of; None where there is none, or more than one."""
    names = list(known)
    found = [name for name in names if name == part] or [name for name in names if name.endswith(f".{part}")]
    return found[0] if len(found) == 1 else None
