"""How a server declares that it is a fault (one deliberate defect) or a variant (different, but conforming)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import overload

from trigger_conformance.reference.server import ReferenceServer

Server = type[ReferenceServer]


@dataclass(frozen=True)
class Behaviour:
    """A fault or a variant: its id, what it does in one sentence, and for a fault the requirements that must catch it.

    A variant's ``caught_by`` is empty; it may earn warnings (``warns``), and leave what a usual run cannot decide of it
    ``undecided``.
    """

    id: str
    sentence: str
    server: Server
    caught_by: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


registered: dict[str, Behaviour] = {}


def _identify(server: Server) -> str:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in server.__name__)
    return f"{server.__module__.rpartition('.')[2]}.{words.lstrip('_')}"


def fault(*caught_by: str) -> Callable[[Server], Server]:
    """Register a class as a fault that the requirements ``caught_by`` must catch ("area.requirement")."""

    def register(server: Server) -> Server:
        _register(server, caught_by=_full(caught_by))
        return server

    return register


@overload
def variant(server: Server) -> Server: ...


@overload
def variant(*, warns: tuple[str, ...] = (), undecided: tuple[str, ...] = ()) -> Callable[[Server], Server]: ...


def variant(
    server: Server | None = None, *, warns: tuple[str, ...] = (), undecided: tuple[str, ...] = ()
) -> Server | Callable[[Server], Server]:
    """Register a class as a conforming variant: one that warns of nothing and can be decided, but for what is named."""

    def register(server: Server) -> Server:
        _register(server, warns=_full(warns), undecided=_full(undecided))
        return server

    return register if server is None else register(server)


def _full(requirements: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"create_batch.{requirement}" for requirement in requirements)


def _register(server: Server, **facts: tuple[str, ...]) -> None:
    identity = _identify(server)
    sentence = " ".join((server.__doc__ or "").split())
    registered[identity] = Behaviour(identity, sentence, server, **facts)
