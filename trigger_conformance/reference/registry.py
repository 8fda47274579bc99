"""Every fault and variant, by id, and the apps that have one or several of them."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, cached_property
from typing import NamedTuple

import trigger_conformance.reference as home
from trigger_conformance.checks.near_misses import full, hint
from trigger_conformance.checks.operation import operations
from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import Behaviour, declared
from trigger_conformance.reference.composition import composed
from trigger_conformance.reference.mounted import HERE, mounted
from trigger_conformance.reference.server import OperationServer

Operations = Mapping[str, type[OperationServer]]

# Where behaviours stand: beside the server that is every operation's, and beside one operation's.
ROOMS = ("faults", "variants", "limited", "in_front", "choosy", "key_policies")


class UnknownBehaviourError(LookupError):
    """No fault or variant has this id."""


def operation_server(identity: str) -> type[OperationServer]:
    """The server of an operation, here or in its own folder: of ``create_batch`` it is ``server.CreateBatchServer``."""
    house = home.__name__ if (HERE / identity).is_dir() else ""
    operations()
    module = importlib.import_module(f"{house}.{identity}.server".removeprefix("."))
    server: type[OperationServer] = getattr(module, f"{identity.title().replace('_', '')}Server")
    return server


@cache
def known() -> Operations:
    """The servers of all operations that have one, by the operations' ids."""
    return {each: operation_server(each) for each in mounted()}


class _Concerning(NamedTuple):
    """A behaviour, and the operations that may have it."""

    behaviour: Behaviour
    operations: tuple[str, ...]


def _add(found: dict[str, _Concerning], identity: str, more: _Concerning) -> None:
    if identity in found:
        raise ValueError(f"{more.behaviour.server} and {found[identity].behaviour.server} are both called {identity}")
    found[identity] = more


class Registry:
    """The faults and variants of some operations' servers: those that any operation may have, and each one's own.

    An id names a behaviour without its operation, but for where two operations' own ones clash: the later gets it.
    """

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    @cached_property
    def _all(self) -> dict[str, _Concerning]:
        """By id; read at first use, since the sound app needs none of them."""
        found: dict[str, _Concerning] = {}
        for each in _declared_in(home.__name__, [f"{home.__name__}.{room}" for room in ROOMS]):
            concerned = tuple(name for name, server in self.operations.items() if _may_have(name, server, each))
            _add(found, each.id, _Concerning(each, concerned))
        for operation, server in self.operations.items():
            house, taken = server.__module__.removesuffix(".server"), set(found)
            for each in _declared_in(house, [house]):
                _add(found, f"{operation}.{each.id}" if each.id in taken else each.id, _Concerning(each, (operation,)))
        return {identity: each for identity, each in sorted(found.items()) if each.operations}

    def behaviours(self, operation: str | None = None) -> list[Behaviour]:
        """Every fault and variant by id, or those that one operation may have, with its requirements only."""
        return [
            _completed(identity, each.behaviour, each.operations if operation is None else (operation,))
            for identity, each in self._all.items()
            if operation is None or operation in each.operations
        ]

    def faults(self, operation: str | None = None) -> list[Behaviour]:
        """Every fault by id, or those of one operation."""
        return [each for each in self.behaviours(operation) if each.caught_by]

    def variants(self, operation: str | None = None) -> list[Behaviour]:
        """Every conforming variant by id, or those of one operation."""
        return [each for each in self.behaviours(operation) if not each.caught_by]

    def app(self, identity: str) -> type[ReferenceApp]:
        """The app whose operations have the named behaviour, as far as it concerns them.

        "" is the sound one, and "a+b" has both. Raises UnknownBehaviourError, or IncompatibleBehavioursError where one
        would hide another.
        """
        named = [self._named(each) for each in dict.fromkeys(identity.split("+"))] if identity else []
        servers = {
            operation: composed(server, [each.behaviour.server for each in named if operation in each.operations])
            for operation, server in self.operations.items()
        }
        whole = composed(ReferenceApp, [each.behaviour.app for each in named])
        return type(whole.__name__, (whole,), {"operations": servers})

    def _named(self, identity: str) -> _Concerning:
        name = full(identity, self._all)
        if name is None:
            raise UnknownBehaviourError(f"no fault or variant is called {identity!r}{hint(identity, self._all)}")
        return self._all[name]


@cache
def usual() -> Registry:
    """That of all operations that have a folder here."""
    return Registry(known())


def faults(operation: str | None = None) -> list[Behaviour]:
    """Every fault by id, or those of one operation."""
    return usual().faults(operation)


def variants(operation: str | None = None) -> list[Behaviour]:
    """Every conforming variant by id, or those of one operation."""
    return usual().variants(operation)


def behaviour_class(identity: str) -> type[ReferenceApp]:
    """The app with the named behaviour, as ``Registry.app`` of all operations that have a folder here."""
    return usual().app(identity)


def _declared_in(house: str, places: list[str]) -> list[Behaviour]:
    """What is declared in modules at or below ``places``, once all that stands in the rooms of ``house`` is read."""
    for room in (f"{house}.{room}" for room in ROOMS):
        if _exists(room):
            module = importlib.import_module(room)
            for each in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{room}."):
                importlib.import_module(each.name)
    below = tuple(f"{place}." for place in places)
    return [each for server, each in declared.items() if f"{server.__module__}.".startswith(below)]


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        # What should be a package is a module.
        return False


def _completed(identity: str, behaviour: Behaviour, operations: tuple[str, ...]) -> Behaviour:
    """The behaviour under its id here, with the requirements of ``operations``."""

    def full_ids(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_owned(operation, name) for operation in operations for name in names)

    def left(operation: str) -> tuple[str, ...]:
        # What a press alone decides is skipped where nothing is pressed.
        presses = _presses(operation)
        return tuple(each for each in behaviour.undecided if presses or not each.startswith("rate_limits."))

    return replace(
        behaviour,
        id=identity,
        caught_by=full_ids(behaviour.caught_by),
        warns=full_ids(behaviour.warns),
        undecided=tuple(_owned(operation, name) for operation in operations for name in left(operation)),
    )


def _presses(name: str) -> bool:
    """Whether the requests of the operation called ``name`` provoke the rate limit."""
    declared_operation = operations().get(name)
    return declared_operation is None or declared_operation.presses


def _may_have(name: str, server: type[OperationServer], behaviour: Behaviour) -> bool:
    """Whether a behaviour of any operation may be one of the operation called ``name``."""
    if behaviour.id in server.spared:
        return False
    return _presses(name) or not getattr(behaviour.server, "shown_by_press", False)


def _owned(operation: str, name: str) -> str:
    """An operation's own id of a requirement, which may have another name for what holds for every operation."""
    declared_operation = operations().get(operation)
    return declared_operation.owner(name) if declared_operation else f"{operation}.{name}"
