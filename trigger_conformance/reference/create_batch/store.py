"""Batches, and what is kept of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Order:
    """What a valid request asks for."""

    run_count: int
    key: str | None = None
    parent_run: str | None = None
    resume_parent: bool = False
    document: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """A created batch."""

    id: str
    run_count: int
    key: str | None


class Batches(dict[str, Batch]):
    """An environment's batches, by what their idempotency keys are remembered as.

    ``answered`` are all that an answer has named, by their ids.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answered: dict[str, Batch] = {}


def new_batch_id() -> str:
    """A friendly id that no other batch has."""
    return f"batch_{secrets.token_hex(12)}"
