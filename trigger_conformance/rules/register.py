"""Concurrent requests that each replace something whole: which of them may have been the last to take effect? Pure.

A key is a register. In any order that respects real time, what is seen of it afterwards is what the last request wrote:
never what was written before a request that came wholly later, and never a mixture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Write:
    """One request: when it was in flight (seconds, one clock); ``end`` is infinite where no answer was read."""

    start: float
    end: float = math.inf


def last_ones(writes: Sequence[Write], seen_from: float) -> list[int]:
    """The places of the ``writes`` that may be seen from ``seen_from`` on: none that came wholly later had ended."""
    ended = [each for each in writes if each.end < seen_from]
    return [place for place, write in enumerate(writes) if not any(write.end < each.start for each in ended)]
