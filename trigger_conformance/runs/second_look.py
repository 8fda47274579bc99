"""A request that got no answer is sent once more, alone, and a check that this kept from holding is run again.

On a loaded machine nobody is blamed for a stall: only what fails both times is violated, once is observed and shown
(normative reading, "Verdicts"). What was answered 5xx is sent once more, too: where it is not any more, what was asked
has nothing to do with it, and the check rests on the requirement that no answer is one. So it does on the one that a
connection's requests are judged by themselves, where an error followed another on its connection, and does not come on
a connection of its own: what is left of a body that nobody read is what the next request seems to begin with.
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
ON_ONE_CONNECTION = "authentication.requests_on_one_connection_are_judged_by_themselves"
ERRORS, SERVER_ERRORS = 400, 500


def second_look(item: pytest.Item, station: Station, again: Callable[[], None]) -> Generator[None, Any, Any]:
    """Around one phase of a check: send once more what was lost in it; ``again`` where that kept it from holding."""
    try:
        result = yield
    except LossError:
        raise
    except (ViolationError, InconclusiveError) as error:
        violation = error.violation if isinstance(error, GroundError) else error
        if isinstance(violation, ViolationError) and (owner := _owner_of(violation, station)):
            raise GroundError(owner, violation, stated=not isinstance(error, GroundError)) from None
        repeated = _repeat_lost(station)
        if not _may_be_a_stall(error.evidence, repeated, station):
            raise
        if _lost_time_and_again(station):
            # Another look would lose more, and take what other checks may spend.
            raise InconclusiveError(
                f"requests got no answer, at many times of the run\n{error}", error.evidence
            ) from None
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


def _owner_of(violation: ViolationError, station: Station) -> str | None:
    """The requirement that answers for what is wrong where what was asked has nothing to do with it, else None.

    Where another request had the key before or beside one that was answered 5xx, that may be why, and nothing is told
    by sending it alone.
    """
    wrong = list({each.exchange.number: each.exchange for each in violation.wrongs}.values())
    if all(_is_server_error(each) and _is_first(each, station) for each in wrong):
        return _unless_again(wrong, NO_SERVER_ERROR, lambda again, _: not _is_server_error(again), station)
    if all((each.status or 0) >= ERRORS for each in wrong) and _follow_errors(wrong, station.ledger.exchanges()):
        return _unless_again(wrong, ON_ONE_CONNECTION, lambda again, once: again.status != once.status, station)
    return None


def _unless_again(
    wrong: Sequence[Exchange], name: str, differs: Callable[[Exchange, Exchange], bool], station: Station
) -> str | None:
    """The owner of the ground ``name`` where all that is wrong ``differs`` when it is sent once more, by itself."""
    owner = station.api.operation.owner(name)
    if not wrong or station.wire.check == owner:
        return None
    with suppress(BudgetSpentError):
        for each in wrong[:_MOST_REPEATED]:
            again = station.wire.send(each.request, Sending(fresh=True))
            if again.answer is None or not differs(again, each):
                return None
        return owner
    return None


def _follow_errors(wrong: Iterable[Exchange], book: Sequence[Exchange]) -> bool:
    """Whether the answer before each of ``wrong`` on its connection was an error, too."""
    return all(_follows_an_error(each, [other for other in book if other.connection == each.connection != 0])
               for each in wrong)  # fmt: skip


def _follows_an_error(exchange: Exchange, on_its_connection: Iterable[Exchange]) -> bool:
    before = [each for each in on_its_connection if each.ended <= exchange.started and each is not exchange]
    return bool(before) and (max(before, key=lambda each: each.ended).status or 0) >= ERRORS


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


def _lost_time_and_again(station: Station) -> bool:
    """Whether so much was lost that the requirement that every request is answered is violated."""
    traffic = station.exchanges(station.api.operation.id)
    try:
        Losses.of(traffic).decide(len(traffic))
    except LossError:
        return True
    except InconclusiveError:
        return False
    return False


def _renew(item: pytest.Item) -> None:
    """Forget what the module's fixtures saw, so that the check sees it anew (pytest has no public way to)."""
    manager = item.session._fixturemanager  # noqa: SLF001
    for name in vars(item.module):  # type: ignore[attr-defined]
        for definition in manager.getfixturedefs(name, item) or ():
            if definition.scope == "module":
                definition.finish(item._request)  # type: ignore[attr-defined]  # noqa: SLF001
    item._initrequest()  # type: ignore[attr-defined]  # noqa: SLF001
