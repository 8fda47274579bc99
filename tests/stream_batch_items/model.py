"""A pure model of the contract: what a sound target answers to any story of one batch.

After an error, and after an upload that was cut off, some of what was sent may be there: the model knows what surely
is, what may be, and whether the batch is sealed, may be, or is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import Exchange

from .grounds import ERRORS
from .operation import counts


class Kind(StrEnum):
    """What a step does with its batch."""

    PART = "a stream"
    WRONG = "a stream with a wrong line at its end"
    CUT_OFF = "an upload that is cut off in a line"
    EMPTY = "an empty stream"
    REPLAY = "a replay of the create"
    TWICE = "a stream, twice at once"


@dataclass(frozen=True)
class Step:
    """One step: its kind, and the indexes of the items that it sends, in their order."""

    kind: Kind
    indexes: tuple[int, ...] = ()

    def __str__(self) -> str:
        items = f" of items {', '.join(map(str, self.indexes))}" if self.indexes else ""
        return f"{self.kind}{items}"


class Model:
    """A batch of ``size`` items, whose create answered with the id ``batch``."""

    def __init__(self, batch: str, size: int) -> None:
        self._batch = batch
        self._size = size
        self._sure: set[int] = set()
        self._may: set[int] = set()
        self._sealed = False
        # Whether it may be sealed without an answer that said so.
        self._unheard = False

    def judge(self, step: Step, exchanges: list[Exchange]) -> str | None:
        """What is wrong with the answers to ``step``, or None; what they say becomes part of the model."""
        match step.kind:
            case Kind.REPLAY:
                return self._replayed(exchanges[0])
            case Kind.CUT_OFF:
                return self._cut_off(step)
            case Kind.WRONG:
                return self._wrong(step, exchanges[0])
            case Kind.TWICE:
                return self._twice(step, exchanges)
        return self._streamed(step, exchanges[0])

    def _replayed(self, exchange: Exchange) -> str | None:
        named = exchange.answer.document.get("id") if exchange.answer else None
        return None if named == self._batch else f"expected the batch {quoted(self._batch)}, got {quoted(named)}"

    def _cut_off(self, step: Step) -> None:
        # The last item's line is the one that is cut.
        self._may |= {*step.indexes[:-1]} - self._sure

    def _wrong(self, step: Step, exchange: Exchange) -> str | None:
        if exchange.status in ERRORS:
            self._may |= {*step.indexes} - self._sure
            return None
        if (self._sealed or self._unheard) and self._why_not_late(exchange) is None:
            return None
        return f"expected 400 or 422, got {exchange.outcome}"

    def _why_not_late(self, exchange: Exchange) -> str | None:
        """What keeps an answer from being that to a stream for a sealed batch."""
        if exchange.status in ERRORS:
            return None
        if exchange.status != 200:
            return f"the batch is sealed: expected 200, 400 or 422, got {exchange.outcome}"
        accepted, _, sealed = counts(exchange)
        if sealed is not True:
            return f"the batch is sealed: expected sealed true, got {quoted(sealed)}"
        return None if accepted == 0 else f"the batch is sealed: expected itemsAccepted 0, got {quoted(accepted)}"

    def _streamed(self, step: Step, exchange: Exchange) -> str | None:
        if self._sealed:
            return self._why_not_late(exchange)
        if self._unheard and self._why_not_late(exchange) is None:
            self._sealed = exchange.status == 200
            return None
        if exchange.status in ERRORS and not step.indexes:
            return None
        if exchange.status != 200:
            return f"expected 200, got {exchange.outcome}"
        return self._why_not_counted(step, exchange) or self._learned(step, exchange)

    def _why_not_counted(self, step: Step, exchange: Exchange) -> str | None:
        accepted, deduplicated, _ = counts(exchange)
        new = {*step.indexes} - self._sure
        least, most = len(new - self._may), len(new)
        if type(accepted) is not int or not least <= accepted <= most:
            wanted = str(most) if least == most else f"{least} to {most}"
            return f"expected itemsAccepted {wanted}, got {quoted(accepted)}"
        wanted_rest = len(step.indexes) - accepted
        if deduplicated != wanted_rest:
            return f"expected itemsDeduplicated {wanted_rest}, got {quoted(deduplicated)}"
        return None

    def _learned(self, step: Step, exchange: Exchange) -> str | None:
        self._sure |= {*step.indexes}
        self._may -= self._sure
        sealed = counts(exchange)[2]
        whole, may_be = len(self._sure) == self._size, len(self._sure | self._may) == self._size
        if sealed is True and may_be:
            self._sealed = True
            return None
        if sealed is False and not whole:
            return None
        return f"expected sealed {'true' if whole else 'false'}, got {quoted(sealed)}"

    def _twice(self, step: Step, exchanges: list[Exchange]) -> str | None:
        if self._sealed:
            return next((why for each in exchanges if (why := self._why_not_late(each))), None)
        if wrong := [each for each in exchanges if each.status not in (200, *ERRORS)]:
            return f"expected 200, 400 or 422, got {wrong[0].outcome}"
        read = [each for each in exchanges if each.status == 200]
        most = len({*step.indexes} - self._sure)
        accepted = sum(taken for each in read if type(taken := counts(each)[0]) is int)
        if accepted > most:
            return f"expected itemsAccepted {most} at most over both answers, got {accepted}"
        self._may |= {*step.indexes} - self._sure
        if read:
            self._sure |= {*step.indexes}
            self._may -= self._sure
        may_be = len(self._sure | self._may) == self._size
        self._sealed = any(counts(each)[2] is True for each in read)
        if self._sealed and not may_be:
            return "expected sealed false, got true"
        self._unheard = may_be and not self._sealed
        return None
