"""The suite's requirements, read from the checks that declare them."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from trigger_conformance.checks.near_misses import full, hint
from trigger_conformance.checks.requirement import Level, Profile, Requirement, requirement_of
from trigger_conformance.checks.sharding import Shard
from trigger_conformance.contract.home import ROOT, SUITE

_OPERATION = "create_batch"


@cache
def catalogue() -> tuple[Requirement, ...]:
    """Every requirement, in the order of the suite's files."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    found = []
    for path in sorted(SUITE.glob("*/test_*.py")):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        checks = [check for name, check in vars(module).items() if name.startswith("test_") and callable(check)]
        found += [requirement for check in checks if (requirement := requirement_of(check))]
    return tuple(found)


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
    operation, area, name = identity.split(".")
    module = importlib.import_module(f"tests.{operation}.test_{area}")
    check = getattr(module, f"test_{name}")
    shared: list[Any] = [getattr(module, parameter, None) for parameter in inspect.signature(check).parameters]
    fixtures = [inspect.unwrap(each) for each in shared if hasattr(each, "__wrapped__")]
    return "\n".join(inspect.getsource(each) for each in (*fixtures, check))


def matches(requirement: Requirement, only: Iterable[str]) -> bool:
    """Whether a requirement is one of ``only``, or in one of its areas; everything matches an empty ``only``."""
    only = tuple(only)
    return not only or any(_is_in(requirement, entry) for entry in only)


def _is_in(requirement: Requirement, entry: str) -> bool:
    areas = (f"{entry}.", f"{_OPERATION}.{entry}.")
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

    @property
    def whole(self) -> bool:
        """Whether it leaves nothing of its profile out."""
        return not self.only and self.level is None and self.shard is None

    def __contains__(self, requirement: Requirement) -> bool:
        named = any(_is_named(requirement, entry) for entry in self.only)
        in_profile = named or requirement.profile <= self.profile
        of_level = self.level is None or requirement.level is self.level
        own = self.shard is None or self.shard.takes(requirement, self.profile)
        return in_profile and of_level and own and matches(requirement, self.only)
