"""Requests that got no answer, and what they amount to: only what fails both times is violated.

On a loaded machine nobody is blamed for a stall (normative reading, "Verdicts"). Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from trigger_conformance.checks.expect import InconclusiveError, ViolationError, Wrong, is_unread
from trigger_conformance.wire.exchange import Exchange, FailureKind

_FEW = 4
# A busy machine may close a connection before it answers; what it sends is whole.
_FEW_BROKEN = 2
_BROKEN = (FailureKind.BROKEN, FailureKind.OVERSIZE)
# More than twice what a busy machine loses, on idle connections and on others.
_SHARE = 0.01


def is_lost(exchange: Exchange) -> bool:
    """Whether a request got no answer, or none that was whole, though somebody would have read it."""
    failed = exchange.failure is not None and not exchange.is_abandoned
    return failed and not is_unread(exchange)


def is_late(exchange: Exchange) -> bool:
    """Whether a request got no answer within the time limit."""
    return exchange.failure is not None and exchange.failure.kind is FailureKind.TIMEOUT


class LossError(ViolationError):
    """Requests of the run were lost for good, or time and again: a second look at the same traffic says the same."""


@dataclass(frozen=True)
class Losses:
    """Requests that got no answer: both times, once only, or once and never sent again."""

    twice: tuple[Exchange, ...]
    once: tuple[Exchange, ...]
    untried: tuple[Exchange, ...]

    @classmethod
    def of(cls, traffic: Sequence[Exchange], concerns: Callable[[Exchange], bool] = is_lost) -> Losses:
        """Sort those losses of a run's ``traffic`` that it ``concerns``."""
        again = {each.repeats: each for each in traffic if each.repeats}
        first = [each for each in traffic if is_lost(each) and not each.repeats and concerns(each)]
        return cls(
            twice=tuple(each for each in first if each.number in again and is_lost(again[each.number])),
            once=tuple(each for each in first if each.number in again and not is_lost(again[each.number])),
            untried=tuple(each for each in first if each.number not in again),
        )

    def decide(self, requests: int) -> str:
        """What to note of losses that were answered when sent again. Raises what the others amount to.

        ``requests`` is how many were sent. A loaded machine is slow; it does not close connections time and again.
        """
        if self.twice:
            raise LossError(_lines(self.twice), self.twice, _wrongs(self.twice))
        if (times := self.too_often(requests)) is not None:
            message = f"{len(self.once)} of {requests} requests got no answer, at {times} times of the run"
            raise LossError(f"{message}; sent again they were answered", self.once, _wrongs(self.once))
        if self.untried:
            raise InconclusiveError(f"not sent again, so not judged:\n{_lines(self.untried)}", self.untried)
        return f"answered only when sent again:\n{_lines(self.once)}" if self.once else ""

    def too_often(self, requests: int) -> int | None:
        """At how many times requests were lost once, where that is more than a busy machine accounts for."""
        broken = _episodes(each for each in self.once if each.failure and each.failure.kind in _BROKEN)
        times = _episodes(each for each in self.once if not is_late(each))
        some = _SHARE * requests
        return times if times > max(_FEW, some) or broken > max(_FEW_BROKEN, some) else None


def _wrongs(exchanges: Iterable[Exchange]) -> list[Wrong]:
    return [Wrong(each, str(each.failure), "answer") for each in exchanges]


def _lines(exchanges: Iterable[Exchange]) -> str:
    return "\n".join(f"{named(each)}: {each.failure}" for each in exchanges)


def named(exchange: Exchange) -> str:
    """An exchange's number, and what it was sent for."""
    return f"#{exchange.number} {exchange.request.label or exchange.request.method}"


def _episodes(exchanges: Iterable[Exchange]) -> int:
    """At how many separate times requests were lost: those that were in flight together count once."""
    count, end = 0, float("-inf")
    for each in sorted(exchanges, key=lambda one: one.started):
        count += each.started > end
        end = max(end, each.ended)
    return count
