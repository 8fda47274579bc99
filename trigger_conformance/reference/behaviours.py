"""The registry of faults (one deliberate defect each) and variants (different, but conforming)."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from trigger_conformance.reference.server import ReferenceServer

Server = type[ReferenceServer]


class UnknownBehaviourError(LookupError):
    """No fault or variant has this id."""


@dataclass(frozen=True)
class Behaviour:
    """A fault or a variant: its id, what it does in one sentence, and for a fault the requirements that must catch it.

    A variant's ``caught_by`` is empty; ``warns`` are the SHOULDs that it is warned of, and no others.
    """

    id: str
    sentence: str
    server: Server
    caught_by: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()


_registered: dict[str, Behaviour] = {}


def _identify(server: Server) -> str:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in server.__name__)
    return f"{server.__module__.rpartition('.')[2]}.{words.lstrip('_')}"


def fault(*caught_by: str) -> Callable[[Server], Server]:
    """Register a class as a fault that the requirements ``caught_by`` must catch ("area.requirement")."""

    def register(server: Server) -> Server:
        _register(server, caught_by=_full(caught_by))
        return server

    return register


def variant(server: Server) -> Server:
    """Register a class as a conforming variant."""
    _register(server)
    return server


def warned_variant(*warns: str) -> Callable[[Server], Server]:
    """Register a class as a variant that is conformant, with warnings of the requirements ``warns``."""

    def register(server: Server) -> Server:
        _register(server, warns=_full(warns))
        return server

    return register


def _full(requirements: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"create_batch.{requirement}" for requirement in requirements)


def _register(server: Server, caught_by: tuple[str, ...] = (), warns: tuple[str, ...] = ()) -> None:
    identity = _identify(server)
    sentence = " ".join((server.__doc__ or "").split())
    _registered[identity] = Behaviour(identity, sentence, server, caught_by, warns)


@cache
def _all() -> dict[str, Behaviour]:
    import trigger_conformance.reference.faults as faults

    importlib.import_module("trigger_conformance.reference.variants")
    for module in pkgutil.iter_modules(faults.__path__, f"{faults.__name__}."):
        importlib.import_module(module.name)
    return dict(sorted(_registered.items()))


def faults() -> list[Behaviour]:
    """Every fault, by id."""
    return [behaviour for behaviour in _all().values() if behaviour.caught_by]


def variants() -> list[Behaviour]:
    """Every conforming variant, by id."""
    return [behaviour for behaviour in _all().values() if not behaviour.caught_by]


def behaviour_class(identity: str) -> Server:
    """The server with the named behaviour; "" is the sound one. Raises UnknownBehaviourError."""
    if not identity:
        return ReferenceServer
    if identity not in _all():
        raise UnknownBehaviourError(f"no fault or variant is called {identity!r}")
    return _all()[identity].server
