"""A request that got no answer is sent once more, alone, and a check that this kept from holding is run again.

On a loaded machine nobody is blamed for a stall: only what fails both times is violated, once is observed and shown
(normative reading, "Verdicts").
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trigger_conformance.checks.expect import InconclusiveError, ViolationError
from trigger_conformance.wire.exchange import Exchange, FailureKind
from trigger_conformance.wire.ledger import BudgetSpentError
from trigger_conformance.wire.wire import Sending

if TYPE_CHECKING:
    import pytest

    from trigger_conformance.run.run import Station

# A target that is down for good is not asked about each of a hundred requests.
_MOST_REPEATED = 8
_FEW = 4
_SHARE = 0.005


def is_lost(exchange: Exchange) -> bool:
    """Whether a request got no answer, or none that was whole, though somebody waited for it."""
    return exchange.failure is not None and exchange.failure.kind is not FailureKind.ABANDONED


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
            raise LossError(_lines(self.twice), self.twice)
        times = _episodes(each for each in self.once if not is_late(each))
        if times > max(_FEW, _SHARE * requests):
            message = f"{len(self.once)} of {requests} requests got no answer, at {times} times of the run"
            raise LossError(f"{message}; sent again they were answered", self.once)
        if self.untried:
            raise InconclusiveError(f"not sent again, so not judged:\n{_lines(self.untried)}", self.untried)
        return f"answered only when sent again:\n{_lines(self.once)}" if self.once else ""


def _lines(exchanges: Iterable[Exchange]) -> str:
    return "\n".join(f"{_named(each)}: {each.failure}" for each in exchanges)


def _named(exchange: Exchange) -> str:
    return f"#{exchange.number} {exchange.request.label or exchange.request.method}"


def _episodes(exchanges: Iterable[Exchange]) -> int:
    """At how many separate times requests were lost: those that were in flight together count once."""
    count, end = 0, float("-inf")
    for each in sorted(exchanges, key=lambda one: one.started):
        count += each.started > end
        end = max(end, each.ended)
    return count


def second_look(item: pytest.Item, station: Station, again: Callable[[], None]) -> Generator[None, Any, Any]:
    """Around one phase of a check: send once more what was lost in it; ``again`` where that kept it from holding."""
    try:
        result = yield
    except LossError:
        raise
    except (ViolationError, InconclusiveError) as error:
        repeated = _repeat_lost(station)
        if not _may_be_a_stall(error.evidence, repeated, station):
            raise
    else:
        _repeat_lost(station)
        return result
    _renew(item)
    try:
        again()
    except (ViolationError, InconclusiveError) as error:
        if _may_be_a_stall(error.evidence, _repeat_lost(station), station):
            raise InconclusiveError(
                f"requests got no answer, others in each of two tries\n{error}", error.evidence
            ) from None
        raise
    _repeat_lost(station)


def _repeat_lost(station: Station) -> list[Exchange]:
    """The answers, or failures, of the check's lost requests, each sent once more by itself."""
    repeated: list[Exchange] = []
    with suppress(BudgetSpentError):
        for lost in station.wire.take_lost()[:_MOST_REPEATED]:
            again = station.wire.send(lost.request, Sending(fresh=True, repeats=lost.number))
            station.api.note(f"{_named(lost)} got no answer ({lost.failure}); sent again: {again.outcome}")
            repeated.append(again)
            if is_lost(again):
                break
    return repeated


def _may_be_a_stall(evidence: Iterable[Exchange], repeated: Sequence[Exchange], station: Station) -> bool:
    """Whether something was lost, in this check or in what it looked at, and nothing of it was lost again."""
    losses = Losses.of(station.ledger.exchanges())
    again = {each.number for each in losses.once}
    seen = [each for each in evidence if is_lost(each)]
    return bool(repeated or seen) and not any(map(is_lost, repeated)) and all(each.number in again for each in seen)


def _renew(item: pytest.Item) -> None:
    """Forget what the module's fixtures saw, so that the check sees it anew (pytest has no public way to)."""
    manager = item.session._fixturemanager  # noqa: SLF001
    for name in vars(item.module):  # type: ignore[attr-defined]
        for definition in manager.getfixturedefs(name, item) or ():
            if definition.scope == "module":
                definition.finish(item._request)  # type: ignore[attr-defined]  # noqa: SLF001
    item._initrequest()  # type: ignore[attr-defined]  # noqa: SLF001
