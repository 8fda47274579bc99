"""What is kept of batches that are given items."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from trigger_conformance.reference.create_batch.store import Batch


@dataclass(frozen=True)
class Item:
    """One line of a stream: an item's place in its batch, the task that it starts, and the whole of it."""

    index: int
    task: str
    document: dict[str, Any] = field(default_factory=dict)


@dataclass
class Filling:
    """A batch and the items that it has: ``runs`` counts what each of them has started, which must be one run.

    ``kept`` is what a fault or a variant keeps of it beside.
    """

    batch: Batch
    sealed: bool = False
    items: dict[int, Item] = field(default_factory=dict)
    runs: Counter[int] = field(default_factory=Counter)
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass
class Stream:
    """What became of one stream's lines."""

    accepted: int = 0
    deduplicated: int = 0


class Fillings(dict[str, Filling]):
    """An environment's batches that were asked for items, by their ids."""
