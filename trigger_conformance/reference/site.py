"""What the operations of one server share: its set-up, its environments, their limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from trigger_conformance.reference.limiter import Limits
from trigger_conformance.reference.settings import Settings

Store = TypeVar("Store")


@dataclass(eq=False)
class Environment:
    """A tenant: its secret key, and what the operations keep for it."""

    name: str
    api_key: str
    stores: dict[type, Any] = field(default_factory=dict)

    def store(self, kind: type[Store]) -> Store:
        """What this environment keeps of a kind, empty at first; operations that name the same kind share it."""
        if kind not in self.stores:
            self.stores[kind] = kind()
        kept: Store = self.stores[kind]
        return kept


@dataclass
class Site:
    """What every operation's server is given; ``limits`` are by environment."""

    settings: Settings
    environments: list[Environment]
    limits: dict[str, Limits]
