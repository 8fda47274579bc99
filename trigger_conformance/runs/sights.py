"""What a check saw go wrong, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from trigger_conformance.checks.expect import ViolationError, Wrong
from trigger_conformance.checks.ground import GroundError
from trigger_conformance.checks.operation import operation_of
from trigger_conformance.contract.quoting import shortened, visible
from trigger_conformance.rules.kinds import kinds
from trigger_conformance.verdicts.outcome import Outcome, Sight
from trigger_conformance.wire.exchange import Exchange
from trigger_conformance.wire.redaction import Redactor

# As many as tell which answers decided a requirement; the message and the evidence are for the reader.
MOST = 500
_LONGEST_PROBLEM, _LONGEST_CASE = 300, 60


def sights(error: BaseException | None, redactor: Redactor) -> tuple[Sight, ...]:
    """What ``error``, which ended a check, holds against which answers."""
    if isinstance(error, GroundError):
        error = error.violation
    return tuple(_sight(each, redactor) for each in error.wrongs[:MOST]) if isinstance(error, ViolationError) else ()


def _sight(wrong: Wrong, redactor: Redactor) -> Sight:
    exchange = wrong.exchange
    got = str(exchange.status) if exchange.failure is None else str(exchange.failure.kind)
    return Sight(
        exchange=exchange.number,
        problem=shortened(redactor.text(visible(wrong.problem)), _LONGEST_PROBLEM),
        place=wrong.place,
        case=shortened(redactor.text(visible(exchange.request.label)), _LONGEST_CASE),
        got=got,
    )


def _key(exchange: Exchange) -> str | None:
    return operation_of(exchange.request).key(exchange.request)


def with_kinds(outcomes: Iterable[Outcome], exchanges: Sequence[Exchange]) -> list[Outcome]:
    """``outcomes`` whose sights say of what kind the requests were, beside all ``exchanges`` of the run."""
    outcomes = list(outcomes)
    numbers = {sight.exchange for each in outcomes for sight in each.sights}
    known = kinds(exchanges, numbers, _key) if numbers else {}

    def placed(sight: Sight) -> Sight:
        kind = known.get(sight.exchange)
        return sight if kind is None else replace(sight, kind=kind.words, after=kind.after)

    return [replace(each, sights=tuple(map(placed, each.sights))) for each in outcomes]
