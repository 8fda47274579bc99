"""The suite's requirements, read from the checks that declare them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from trigger_conformance.checks.near_misses import full, hint
from trigger_conformance.checks.operation import (
    EVERY,
    Operation,
    UnusableChecksError,
    imported,
    operations,
    suites,
    unusable,
)
from trigger_conformance.checks.requirement import Level, Profile, Requirement, requirement_of
from trigger_conformance.checks.sharding import Shard

Check = Callable[..., Any]


@cache
def catalogue() -> tuple[Requirement, ...]:
    """Every requirement, by operation and in the order of the suite's files. Raises UnusableChecksError."""
    if why := unusable():
        raise UnusableChecksError(why)
    _check_ids()
    found = [
        (list(operations()).index(requirement.operation), requirement.area, requirement)
        for requirement, _ in _decided()
    ]
    return tuple(requirement for *_, requirement in sorted(found, key=lambda each: each[:2]))


@cache
def _decided() -> tuple[tuple[Requirement, Check], ...]:
    """Every requirement and the check that decides it."""
    return tuple(
        (requirement, check)
        for module in _modules()
        for check in vars(module).values()
        for requirement in requirements_of(check)
    )


def declared() -> Iterator[Requirement]:
    """Every requirement as it is declared, every operation's once."""
    for module in _modules():
        for check in vars(module).values():
            if callable(check) and (found := requirement_of(check)) is not None:
                yield found


def _check_ids() -> None:
    seen = set()
    for requirement, check in _decided():
        if requirement.operation not in operations():
            known = ", ".join(operations())
            raise UnusableChecksError(f"{_place(check)}: its folder is named after no operation; there are {known}")
        if requirement.id in seen:
            raise UnusableChecksError(f"{_place(check)}: there is a requirement {requirement.id} already")
        seen.add(requirement.id)


def _place(check: Check) -> str:
    return f"{inspect.getsourcefile(check)}::{check.__name__}"


def _modules() -> Iterator[ModuleType]:
    for suite in suites():
        for path in sorted(suite.glob("*/test_*.py")):
            found = imported(suite, path)
            for name, check in vars(found).items():
                if name.startswith("test_") and inspect.isfunction(check) and requirement_of(check) is None:
                    raise UnusableChecksError(f"{path}::{name}: give it @must, @should or @info")
            yield found


def requirements_of(check: object) -> list[Requirement]:
    """What a check decides: one requirement, or one for each operation that has no check of its own in its place."""
    found = requirement_of(check) if callable(check) else None
    if found is None:
        return []
    if found.operation != EVERY:
        return [found]
    return [each.requirement(found) for each in operations_of(found)]


@cache
def operations_of(every: Requirement) -> list[Operation]:
    """The operations that a check of every operation's decides: those that do not replace it."""
    own = _own()
    return [each for each in operations().values() if not _says_itself(each, every, own)]


def _says_itself(operation: Operation, every: Requirement, own: frozenset[str]) -> bool:
    """Whether an operation's own folder declares what a check of every operation's would."""
    return operation.requirement(every).id in own or every.id.partition(".")[2] in operation.covered


@cache
def _own() -> frozenset[str]:
    """The ids that operations' own folders declare."""
    return frozenset(each.id for each in declared() if each.operation != EVERY)


def find(identity: str) -> Requirement | None:
    """The requirement with this id, which may be given without its operation, or as its last part alone."""
    requirements = {each.id: each for each in catalogue()}
    return requirements.get(full(identity, requirements) or "")


def unknown(identity: str) -> str:
    """What to tell whoever gave an id that ``find`` does not know: what may have been meant, and where all are."""
    meant = hint(identity, (each.id for each in catalogue()))
    return f"no such requirement{meant}; see trigger-conformance list"


def story(identity: str) -> str:
    """The source of the check that decides the requirement ``identity``, after what it shares with other checks."""
    check = next(check for requirement, check in _decided() if requirement.id == identity)
    module = inspect.getmodule(check)
    shared: list[Any] = [getattr(module, parameter, None) for parameter in inspect.signature(check).parameters]
    fixtures = [inspect.unwrap(each) for each in shared if hasattr(each, "__wrapped__")]
    return "\n".join(inspect.getsource(each) for each in (*fixtures, check))


def matches(requirement: Requirement, only: Iterable[str]) -> bool:
    """Whether a requirement is one of ``only``, or in one of its areas; everything matches an empty ``only``."""
    only = tuple(only)
    return not only or any(_is_in(requirement, entry) for entry in only)


def _is_in(requirement: Requirement, entry: str) -> bool:
    areas = (f"{entry}.", f"{requirement.operation}.{entry}.")
    return _is_named(requirement, entry) or requirement.id.startswith(areas)


def _is_named(requirement: Requirement, entry: str) -> bool:
    """Whether ``entry`` is the requirement's id, or the end of it."""
    return f".{requirement.id}".endswith(f".{entry}")


@dataclass(frozen=True)
class Selection:
    """Which requirements a run checks: its profile's, and in any profile those that ``only`` names, not their areas."""

    only: tuple[str, ...]
    level: Level | None
    profile: Profile
    shard: Shard | None = None

    def has_all_of(self, operation: str) -> bool:
        """Whether it leaves nothing of an operation out that its profile has."""
        return (not self.only or operation in self.only) and self.level is None and self.shard is None

    def __contains__(self, requirement: Requirement) -> bool:
        named = any(_is_named(requirement, entry) for entry in self.only)
        in_profile = named or requirement.profile <= self.profile
        of_level = self.level is None or requirement.level is self.level
        own = self.shard is None or self.shard.takes(requirement, self.profile)
        return in_profile and of_level and own and matches(requirement, self.only)
