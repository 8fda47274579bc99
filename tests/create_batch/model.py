"""A pure model of the contract: what a sound target answers to any sequence of requests with and without keys.

That no id is given twice is judged by all answers of a run, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import Exchange

from .operation import batch, is_cached


class Kind(StrEnum):
    """What a step does with its key."""

    CREATE = "create or replay"
    OTHER_BODY = "create or replay with another body"
    REJECTED = "rejected request"
    REFUSED = "refused request"
    PARENTLESS = "request whose parent run is unknown"
    ELSEWHERE = "create or replay in another environment"


@dataclass(frozen=True)
class Step:
    """One request: its kind, the number of its key in the pool, its runCount."""

    kind: Kind
    key: int
    run_count: int

    def __str__(self) -> str:
        return f"{self.kind} (key {self.key}, runCount {self.run_count})"


@dataclass(frozen=True)
class Known:
    """What the model knows of a key: the batch that it names."""

    batch: str
    run_count: int


class Model:
    """Keys and the batches that they name, by environment."""

    def __init__(self) -> None:
        self._known: dict[tuple[bool, int], Known] = {}

    def judge(self, step: Step, exchange: Exchange) -> str | None:
        """What is wrong with the answer to ``step``, or None; a right answer becomes part of the model."""
        if step.kind is Kind.REJECTED:
            return None if exchange.status in (400, 422) else f"{step}: expected 400 or 422, got {exchange.outcome}"
        if step.kind is Kind.REFUSED:
            return None if exchange.status == 401 else f"{step}: expected 401, got {exchange.outcome}"
        if step.kind is Kind.PARENTLESS and exchange.status in (400, 404, 422):
            return None
        if exchange.status != 202 or exchange.answer is None:
            return f"{step}: expected 202 and a batch, got {exchange.outcome}"
        if batch(exchange) is None:
            return f"{step}: the answer lacks its id"
        place = (step.kind is Kind.ELSEWHERE, step.key)
        known = self._known.get(place)
        run_count = exchange.answer.document.get("runCount")
        if known is None:
            return self._learn(step, place, exchange, run_count)
        expected = (known.batch, True, known.run_count)
        got = (batch(exchange), is_cached(exchange), run_count)
        return None if got == expected else f"{step}: {_difference(expected, got)}"

    def _learn(self, step: Step, place: tuple[bool, int], exchange: Exchange, run_count: object) -> str | None:
        assert batch(exchange) is not None
        if is_cached(exchange) is not False:
            return f"{step}: nothing had used this key, yet isCached is {is_cached(exchange)}"
        if run_count != step.run_count:
            return f"{step}: expected runCount {step.run_count}, got {quoted(run_count)}"
        self._known[place] = Known(batch(exchange), step.run_count)
        return None


def _difference(expected: tuple[object, ...], got: tuple[object, ...]) -> str:
    names = ("id", "isCached", "runCount")
    pairs = zip(names, expected, got, strict=True)
    differing = [(name, wanted, found) for name, wanted, found in pairs if wanted != found]
    return ", ".join(f"expected {name} {quoted(wanted)}, got {quoted(found)}" for name, wanted, found in differing)
