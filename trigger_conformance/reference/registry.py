"""Every fault and variant, by id, and the servers that have one or several of them."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache, reduce
from typing import cast

from trigger_conformance.checks.near_misses import full, hint
from trigger_conformance.reference.behaviours import Behaviour, Server, registered
from trigger_conformance.reference.server import ReferenceServer


class UnknownBehaviourError(LookupError):
    """No fault or variant has this id."""


class IncompatibleBehavioursError(LookupError):
    """Two behaviours change the same thing, so that a server can have one of them only."""


@cache
def _all() -> dict[str, Behaviour]:
    import trigger_conformance.reference.faults as faults

    for name in ("variants", "limited", "key_policies"):
        importlib.import_module(f"trigger_conformance.reference.{name}")
    for module in pkgutil.iter_modules(faults.__path__, f"{faults.__name__}."):
        importlib.import_module(module.name)
    return dict(sorted(registered.items()))


def faults() -> list[Behaviour]:
    """Every fault, by id."""
    return [behaviour for behaviour in _all().values() if behaviour.caught_by]


def variants() -> list[Behaviour]:
    """Every conforming variant, by id."""
    return [behaviour for behaviour in _all().values() if not behaviour.caught_by]


def behaviour_class(identity: str) -> Server:
    """The server with the named behaviour; "" is the sound one, and "a+b" has both.

    Raises UnknownBehaviourError, or IncompatibleBehavioursError where one would hide another.
    """
    servers = [_named(each) for each in dict.fromkeys(identity.split("+"))] if identity else [ReferenceServer]
    return reduce(_both, servers)


def _named(identity: str) -> Server:
    name = full(identity, _all())
    if name is None:
        raise UnknownBehaviourError(f"no fault or variant is called {identity!r}{hint(identity, _all())}")
    return _all()[name].server


def _both(one: Server, other: Server) -> Server:
    """A server with both behaviours: a method that both change is the first's, which hands on to the second's."""
    for first, second in ((one, other), (other, one)):
        if not _hidden(first, second):
            return cast(Server, type(f"{first.__name__}And{second.__name__}", (first, second), {}))
    both = " and ".join(sorted(_hidden(one, other)))
    raise IncompatibleBehavioursError(f"{one.__name__} and {other.__name__} each replace {both}: give one of them")


def _hidden(first: Server, second: Server) -> set[str]:
    """What ``second`` changes and ``first`` replaces without asking ``second``'s."""
    if issubclass(first, second) or issubclass(second, first):
        return {"the other"}
    own, others = _changes(first), _changes(second)
    return {name for name in own.keys() & others.keys() if own[name] != others[name] and not _hands_on(own[name])}


def _changes(server: Server) -> dict[str, object]:
    """What a behaviour has in place of the sound server's."""
    changed: dict[str, object] = {}
    for each in server.__mro__[: server.__mro__.index(ReferenceServer)]:
        for name, value in vars(each).items():
            if name == "__init__" or not name.startswith("__"):
                changed.setdefault(name, value)
    return changed


def _hands_on(value: object) -> bool:
    """Whether a method calls the one that it overrides."""
    return "super" in getattr(getattr(value, "__code__", None), "co_names", ())
