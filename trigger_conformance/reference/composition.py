"""How a sound class and some behaviours become one class: each behaviour overrides what it changes."""

from __future__ import annotations

from functools import partial, reduce
from typing import TypeVar

Kind = TypeVar("Kind")


class IncompatibleBehavioursError(LookupError):
    """Two behaviours change the same thing, so that a server can have one of them only."""


def composed(sound: type[Kind], behaviours: list[type]) -> type[Kind]:
    """``sound`` with all that ``behaviours`` change of it; what is of another kind, or it itself, changes nothing.

    Raises IncompatibleBehavioursError where one would hide another.
    """
    changing = [each for each in dict.fromkeys(behaviours) if not issubclass(sound, each) and _is_of(each, sound)]
    if not changing:
        return sound
    changed = reduce(partial(_both, sound), changing)
    return changed if issubclass(changed, sound) else type(changed.__name__, (changed, sound), {})


def _is_of(behaviour: type, sound: type) -> bool:
    """Whether a behaviour changes what ``sound`` is, or what that is made of."""
    return bool(set(behaviour.__mro__) & set(sound.__mro__) - {object})


def _both(sound: type, one: type, other: type) -> type:
    """Both behaviours: a method that both change is the first's, which hands on to the second's."""
    for first, second in ((one, other), (other, one)):
        if not _hidden(first, second, sound):
            return type(f"{first.__name__}And{second.__name__}", (first, second), {})
    both = " and ".join(sorted(_hidden(one, other, sound)))
    raise IncompatibleBehavioursError(f"{one.__name__} and {other.__name__} each replace {both}: give one of them")


def _hidden(first: type, second: type, sound: type) -> set[str]:
    """What ``second`` changes and what comes before it replaces without asking ``second``'s."""
    if issubclass(first, second) or issubclass(second, first):
        return {"the other"}
    order = type("Both", (first, second), {}).__mro__
    return {name for name, value in _changes(second, sound).items() if _is_hidden(name, value, order)}


def _is_hidden(name: str, value: object, order: tuple[type, ...]) -> bool:
    """Whether whoever asks for ``name``, class after class, never comes to ``value``."""
    for found in (vars(each)[name] for each in order if name in vars(each)):
        if found == value:
            return False
        if not _hands_on(found):
            return True
    return True


def _changes(behaviour: type, sound: type) -> dict[str, object]:
    """What a behaviour has in place of the sound class's."""
    changed: dict[str, object] = {}
    for each in behaviour.__mro__:
        if each not in sound.__mro__:
            for name, value in vars(each).items():
                if name == "__init__" or not name.startswith("__"):
                    changed.setdefault(name, value)
    return changed


def _hands_on(value: object) -> bool:
    """Whether a method calls the one that it overrides."""
    return "super" in getattr(getattr(value, "__code__", None), "co_names", ())
