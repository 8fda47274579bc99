"""Concurrent histories of one idempotency key: is there an order that explains all the answers?

A key is a write-once register: in any order, the first request to take effect makes something, every later one gets
that back. An order respects real time if no request comes before one that had ended when it started
(linearizability).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """One request with the key: when it was in flight (seconds, one clock) and what its answer said.

    ``made`` and ``cached`` are None where the client never read the answer: the request may have taken effect
    at any time after ``start``, or never.
    """

    start: float
    end: float
    made: str | None
    cached: bool | None

    @property
    def answered(self) -> bool:
        """Whether the client read the answer."""
        return self.made is not None


def why_impossible(history: Sequence[Call]) -> str | None:
    """Why no order of ``history`` that respects real time explains its answers, or None where one does."""
    answered = [operation for operation in history if operation.answered]
    made = {operation.made for operation in answered}
    if len(made) > 1:
        return f"one key named {len(made)} different things"
    creators = [operation for operation in answered if not operation.cached]
    if len(creators) > 1:
        return f"{len(creators)} answers say isCached false: each made something"
    if not answered:
        return None
    first_end = min(operation.end for operation in answered)
    if creators:
        late = creators[0].start > first_end
        return "a cached answer had arrived before the request that made it was sent" if late else None
    unread = [operation for operation in history if not operation.answered]
    if any(operation.start <= first_end for operation in unread):
        return None
    return "every answer says isCached true: none of the requests made anything"
