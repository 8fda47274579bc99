"""How a class declares that it is a fault (one deliberate defect) or a variant (different, but conforming).

It is a subclass of ``OperationServer`` where it holds for any operation, of one operation's server where it is that
one's alone, of ``ReferenceApp`` where it changes how the whole is set up, reached or run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, overload

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.server import OperationServer

Server = TypeVar("Server", bound=type[OperationServer] | type[ReferenceApp])


@dataclass(frozen=True)
class Behaviour:
    """A fault or a variant: its id, what it does in one sentence, and for a fault the requirements that must catch it.

    A variant's ``caught_by`` is empty; it may earn warnings (``warns``), and leave what a usual run cannot decide of it
    ``undecided``. ``app`` is what it makes of the app, beside what ``server`` makes of an operation's server.
    """

    id: str
    sentence: str
    server: type[OperationServer] | type[ReferenceApp]
    caught_by: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    app: type[ReferenceApp] = ReferenceApp


# By class, since two operations may each have a fault of one name. Requirements are named without their operation.
declared: dict[type, Behaviour] = {}


def fault(*caught_by: str, app: type[ReferenceApp] = ReferenceApp) -> Callable[[Server], Server]:
    """Register a class as a fault that the requirements ``caught_by`` must catch ("area.requirement")."""

    def register(server: Server) -> Server:
        _declare(server, app, caught_by=caught_by)
        return server

    return register


@overload
def variant(server: Server) -> Server: ...


@overload
def variant(
    *, warns: tuple[str, ...] = (), undecided: tuple[str, ...] = (), app: type[ReferenceApp] = ReferenceApp
) -> Callable[[Server], Server]: ...


def variant(
    server: Server | None = None,
    *,
    warns: tuple[str, ...] = (),
    undecided: tuple[str, ...] = (),
    app: type[ReferenceApp] = ReferenceApp,
) -> Server | Callable[[Server], Server]:
    """Register a class as a conforming variant: one that warns of nothing and can be decided, but for what is named."""

    def register(server: Server) -> Server:
        _declare(server, app, warns=warns, undecided=undecided)
        return server

    return register if server is None else register(server)


def _declare(
    server: type[OperationServer] | type[ReferenceApp], app: type[ReferenceApp], **facts: tuple[str, ...]
) -> None:
    sentence = " ".join((server.__doc__ or "").split())
    whole = server if issubclass(server, ReferenceApp) else app
    declared[server] = Behaviour(_identity(server), sentence, server, app=whole, **facts)


def _identity(server: type) -> str:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in server.__name__)
    return f"{_area(server.__module__.split('.'))}.{words.lstrip('_')}"


def _area(module: list[str]) -> str:
    """A fault's area is the file or folder of it in ``faults``; those in ``variants`` are all of one."""
    if "faults" in module[:-1]:
        return module[module.index("faults") + 1]
    return "variants" if "variants" in module else module[-1]
