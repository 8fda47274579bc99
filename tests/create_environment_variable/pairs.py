"""The first requests with odd names and with odd values: in a standard run one request has both."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from trigger_conformance.checks.expect import REJECTIONS
from trigger_conformance.checks.generation import drawn
from trigger_conformance.checks.requirement import Profile

from . import names, rows
from .named import LOOKED_AT, Named
from .seen import CALLED, LONG, Seen, seen
from .values import count

MIXED = "everything inside one text"
# What an answer makes of a value as it shows it, one of each of these kinds tells.
SHOWN = (
    "empty_value_is_kept",
    "white_space_around_is_kept",
    "quotes_around_are_kept",
    "words_are_kept",
    "json_is_kept",
)


def _texts():
    """Texts of all of Unicode but NUL and surrogates, at times such as repeat what software looks for."""
    characters = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
    marks = st.sampled_from(["$", "${", "%", "\\", '"', "'", "\r\n", "\n", "=", "#", " ", "&#", "<", "{{", "\u0301"])
    return st.lists(st.one_of(st.text(characters, max_size=40), marks), max_size=12).map("".join)


def generated(target):
    """Random texts, called by their lengths."""
    texts = drawn(_texts(), target.options.seed, target.pick(smoke=0, standard=40, thorough=200))
    # The longest of them have most in them.
    chosen = sorted(dict.fromkeys(texts), key=len)[-target.pick(smoke=0, standard=1, thorough=200) :]
    return {f"random text {number}, {count(text)}": text for number, text in enumerate(chosen, 1)}


def references(name):
    """A value that refers to a variable that is there, as the languages of such values do."""
    ways = (f"${{{name}}}", f"${name}", f"%{name}%", f"{{{{{name}}}}}", f"$({name})", f"#{{{name}}}", f"!{name}!",
            f"#{{{name}}}#", f"${{{{ secrets.{name} }}}}", f"${{env:{name}}}", f"@{name}@", f"<{name}>")  # fmt: skip
    return {"references to a variable that is there": f"a {' b '.join(ways)} c"}


def named(target):
    """What was seen of names that software takes for each other."""
    both = target.once(_paired)
    return both.names if both else target.once(_names_alone)


def first_values(target):
    """What was seen of values that are something else as a whole."""
    both = target.once(_paired)
    return both.values if both else target.once(_values_alone)


def kinds_of_values(target):
    """Values that are something else as a whole, by their kinds and labels; and one with all that happens inside."""
    parts = rows.parts(rows.WHOLE, thorough=target.profile > Profile.STANDARD)
    kinds = {kind.check: values for kind, values in parts}
    mixed = {"mixed": {MIXED: rows.mixed()}}
    return mixed | kinds | {"generated": generated(target), "references": references(target.known_key())}


def _values(target):
    """The same, by their labels alone; and those of them that are looked at by their names, too."""
    kinds = target.once(kinds_of_values)
    shown = {MIXED, *(next(iter(kinds[check])) for check in SHOWN)}
    return {label: value for values in kinds.values() for label, value in values.items()}, shown


def _names_alone(target):
    return Named.sent(target, names.kinds(target.key, thorough=target.profile > Profile.STANDARD))


def _values_alone(target):
    values, shown = _values(target)
    return seen(target, values, None if target.profile > Profile.STANDARD else shown)


@dataclass(frozen=True)
class _Pairs:
    names: Named
    values: Seen


def _paired(target):
    """One volley of names, each with a value; None where either is not kept, and each has to be sent without the other.

    Where several lanes would each send both, and in larger profiles, they are never together.
    """
    if target.profile is not Profile.STANDARD or target.wire.lane:
        return None
    values, shown = _values(target)
    kinds = names.kinds(target.key, thorough=False)
    # Names that are looked at come first, for values that are.
    carriers = sorted((label for kind in kinds for label in kind.rows), key=lambda label: label not in LOOKED_AT)
    # Some targets show all that is there with every answer.
    passengers = sorted(values, key=lambda label: (label not in shown, len(values[label]) > LONG))
    pairs = _paired_off(carriers, passengers)
    both = Named.sent(target, kinds, {name: (label, values[label]) for name, label in pairs.items()})
    if not both.are_kept():
        return None
    rejected = [label for label, each in both.answers.items() if each.status in REJECTIONS]
    if rejected and (both := both.with_plain_values(target, rejected)) is None:
        return None
    taken = {label: name for name, label in pairs.items() if name not in rejected}
    answers = {label: both.answers[name] for label, name in taken.items()}
    looks = {label: both.by_name[name] for label, name in taken.items() if name in both.by_name}
    found = Seen(answers, looks, both.look)
    if left := {label: value for label, value in values.items() if label not in taken}:
        alone = seen(target, left, shown)
        found = Seen(answers | alone.answers, looks | alone.by_name, alone.look)
    return _Pairs(both, found)


def _paired_off(carriers, passengers):
    """Of each name's label a value's: how a value is shown may hang on what it is called, others go in turn."""
    (secret,) = CALLED
    called = {names.OF_SECRETS: secret}
    free = [label for label in passengers if label not in CALLED]
    return called | dict(zip((each for each in carriers if each not in called), free, strict=False))
