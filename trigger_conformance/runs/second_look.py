"""A request that got no answer is sent once more, alone, and a check that this kept from holding is run again.

On a loaded machine nobody is blamed for a stall: only what fails both times is violated, once is observed and shown
(normative reading, "Verdicts"). What was answered 5xx is sent once more, too: where it is not any more, what was asked
has nothing to do with it, and the check rests on the requirement that no answer is one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trigger_conformance.checks.expect import InconclusiveError, ViolationError
from trigger_conformance.checks.ground import GroundError
from trigger_conformance.checks.losses import LossError, Losses, is_lost, named
from trigger_conformance.wire.exchange import Exchange
from trigger_conformance.wire.ledger import BudgetSpentError
from trigger_conformance.wire.sending import Sending

if TYPE_CHECKING:
    import pytest

    from trigger_conformance.runs.station import Station

# A target that is down for good is not asked about each of a hundred requests.
_MOST_REPEATED = 8
NO_SERVER_ERROR = "answers.never_a_server_error"
SERVER_ERRORS = 500


def second_look(item: pytest.Item, station: Station, again: Callable[[], None]) -> Generator[None, Any, Any]:
    """Around one phase of a check: send once more what was lost in it; ``again`` where that kept it from holding."""
    try:
        result = yield
    except LossError:
        raise
    except (ViolationError, InconclusiveError) as error:
        violation = error.violation if isinstance(error, GroundError) else error
        owner = station.api.operation.owner(NO_SERVER_ERROR)
        if isinstance(violation, ViolationError) and station.wire.check != owner and _passes(violation, station):
            raise GroundError(owner, violation) from None
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
            station.api.note(f"{named(lost)} got no answer ({lost.failure}); sent again: {again.outcome}")
            repeated.append(again)
            if is_lost(again):
                break
    return repeated


def _passes(violation: ViolationError, station: Station) -> bool:
    """Whether all that is wrong was answered 5xx, and is not when it is sent once more.

    Where another request had the key before or beside it, that may be why, and nothing is told by sending it alone.
    """
    wrong = {each.exchange.number: each.exchange for each in violation.wrongs}
    if not wrong or not all(_is_server_error(each) and _is_first(each, station) for each in wrong.values()):
        return False
    with suppress(BudgetSpentError):
        for each in list(wrong.values())[:_MOST_REPEATED]:
            again = station.wire.send(each.request, Sending(fresh=True))
            if again.answer is None or _is_server_error(again):
                return False
        return True
    return False


def _is_first(exchange: Exchange, station: Station) -> bool:
    operation = station.api.operation
    key = operation.key(exchange.request)
    earlier = station.exchanges(operation.id) if key is not None else ()
    return all(
        each.number == exchange.number or each.started > exchange.ended or operation.key(each.request) != key
        for each in earlier
    )


def _is_server_error(exchange: Exchange) -> bool:
    return exchange.status is not None and exchange.status >= SERVER_ERRORS


def _may_be_a_stall(evidence: Iterable[Exchange], repeated: Sequence[Exchange], station: Station) -> bool:
    """Whether something was lost, in this check or in what it looked at, and nothing of it was lost again."""
    seen = {each.number for each in evidence if is_lost(each)}
    if not (repeated or seen) or any(map(is_lost, repeated)):
        return False
    # The whole book is read for a loss only, not for every violation.
    return seen <= {each.number for each in Losses.of(station.ledger.exchanges()).once}


def _renew(item: pytest.Item) -> None:
    """Forget what the module's fixtures saw, so that the check sees it anew (pytest has no public way to)."""
    manager = item.session._fixturemanager  # noqa: SLF001
    for name in vars(item.module):  # type: ignore[attr-defined]
        for definition in manager.getfixturedefs(name, item) or ():
            if definition.scope == "module":
                definition.finish(item._request)  # type: ignore[attr-defined]  # noqa: SLF001
    item._initrequest()  # type: ignore[attr-defined]  # noqa: SLF001
