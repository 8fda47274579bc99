"""What requests for variables have in common, and how two values differ; and when a target hides what they are."""

from __future__ import annotations

import re
from itertools import takewhile

from trigger_conformance.wire.spellings import FORMS, folded

NAME, VALUE = "name", "value"
OF_RUNS = "CONFORMANCE_"  # with what the names that a run makes begin
ENVIRONMENTS = ("dev", "staging", "prod")
# Beginnings of names that platforms keep for themselves.
RESERVED = ("TRIGGER_", "GITHUB_", "SUPABASE_", "VERCEL_", "AWS_", "LD_", "NODE_")
LONGEST_PRINTABLE = 4096
# What would lead out of the place where variables are, to whatever reads a path once more, or has no bytes there.
CLIMBING = re.compile(r"\.\.|%(?:25)*(?:2e|2f|5c)|[\0\ud800-\udfff]", re.IGNORECASE)
# So much of a value at either end may stand beside what masks it.
_SHOWN_OF_A_MASK = 4
# What is shown of a value that is not: one character again and again, or a word in brackets.
_MASK = re.compile(r"(\W|_|x)\1{2,}|[<\[({][\w .-]+[>\])}]", re.IGNORECASE)
_TELLING = 5
# So much of a spelling is in no cipher by chance.
_OF_A_SPELLING = 9
# As texts of ciphers are written: base64 or hexadecimal, perhaps with a version and a nonce before it.
_WORD = re.compile(r"[\w+/=.:$-]{24,}", re.ASCII)


def is_plain(value):
    """Whether a value is one line of printable text that every target should take."""
    return 0 < len(value) <= LONGEST_PRINTABLE and value.isprintable() and value == value.strip()


def difference(sent, shown):
    """What tells a value that is seen from the one that was sent, without either of them; None where they are one."""
    if shown == sent:
        return None
    if not isinstance(shown, str):
        return f"sent {count(sent)}, seen is no text but {type(shown).__name__}"
    same = _common(sent, shown)
    return f"sent {count(sent)}, seen {count(shown)}: the same up to character {same}, then {_how(sent, shown)}"


def is_misread(sent, shown):
    """Whether what is seen are the bytes of what was sent, in UTF-8, read as Latin-1 or as Windows-1252."""
    told = sent.encode("utf-8", "surrogatepass")
    return not sent.isascii() and shown in {told.decode("latin-1"), told.decode("cp1252", "replace")}


def count(text):
    """How long a text is."""
    return f"{len(text):,} character{'' if len(text) == 1 else 's'}"


def _how(sent, shown):
    """What became of a value, where that has a name."""
    same = {
        "nothing": shown == "",
        "its end is gone": sent.startswith(shown),
        "white space around it is gone": shown == sent.strip(),
        "its line ends are others": shown.split() == sent.split(),
        "it is in other letters": shown.casefold() == sent.casefold(),
        "something is there that was not sent": sent in shown,
        "something is gone": shown in sent,
    }
    return next((how for how, is_so in same.items() if is_so), "it is another text")


def hides(pairs):
    """Whether a target shows something else in the place of each value: ``pairs`` of plain ones, sent and shown.

    It shows one thing for all, a mask that may keep an end, what is of one length and of nothing that was sent, or what
    is encrypted.
    """
    if not pairs or not all(isinstance(shown, str) and shown and shown != sent for sent, shown in pairs):
        return False
    return (
        len({shown for _, shown in pairs}) == 1
        or all(_is_masked(*each) for each in pairs)
        or (len({len(shown) for _, shown in pairs}) == 1 and not any(_repeats(*each) for each in pairs))
        or all(_is_encrypted(*each) for each in pairs)
    )


def _is_encrypted(sent, shown):
    """Whether what is shown is a long word with nothing of what was sent in it, however that may be spelt."""
    spellings = {folded(form) for write in FORMS.values() for form in write(sent)}
    pieces = {form[at : at + _OF_A_SPELLING] for form in spellings for at in range(len(form) - _OF_A_SPELLING + 1)}
    return _WORD.fullmatch(shown) is not None and not any(piece in folded(shown) for piece in pieces)


def _is_masked(sent, shown):
    left = min(_SHOWN_OF_A_MASK, _common(sent, shown))
    right = min(_SHOWN_OF_A_MASK, _common(sent[::-1], shown[::-1]))
    return _MASK.fullmatch(shown[left : len(shown) - right]) is not None


def _common(one, other):
    """How many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _repeats(sent, shown):
    return any(sent[at : at + _TELLING] in shown for at in range(len(sent) - _TELLING + 1))
