"""What a check's end amounts to: its outcome, and who is to blame where it did not hold."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from trigger_conformance.checks.expect import InconclusiveError, NotApplicableError, ViolationError, is_unread
from trigger_conformance.checks.ground import GroundError
from trigger_conformance.checks.requirement import Requirement
from trigger_conformance.contract.quoting import bounded, visible
from trigger_conformance.report.attach import attach_exchanges
from trigger_conformance.report.curl import Way
from trigger_conformance.runs.reading import as_read
from trigger_conformance.runs.second_look import NO_SERVER_ERROR
from trigger_conformance.runs.sights import sights
from trigger_conformance.runs.station import Station
from trigger_conformance.verdicts.outcome import Outcome
from trigger_conformance.verdicts.verdict import Ending, verdict_of
from trigger_conformance.wire.exchange import Exchange
from trigger_conformance.wire.ledger import BudgetSpentError

_REVIVAL_SECONDS = 5.0
# What stands in front of a server says that it is down.
_OF_GATEWAYS = (502, 503, 504)


def outcome(requirement: Requirement, station: Station, call: pytest.CallInfo[None]) -> Outcome:
    """The outcome of the check of ``requirement``, which ended as ``call`` says."""
    error = as_read(call.excinfo.value if call.excinfo is not None else None, requirement, station.api.operation)
    ending, message, evidence = _ending(error, station, requirement)
    own = station.ledger.exchanges(requirement.id)
    attach_exchanges(own, Way.to(station.shared.target), station.redactor)
    if not evidence:
        evidence = own[:2]
    if ending is Ending.CRASHED and call.excinfo is not None:
        message = f"an error in the suite itself: {call.excinfo.exconly()}\n{call.excinfo.getrepr(style='short')}"
    return Outcome(
        requirement=requirement,
        ending=ending,
        verdict=verdict_of(ending, requirement.level, strict=station.shared.strict),
        message=bounded(station.redactor.text(message)),
        notes=tuple(bounded(station.redactor.text(visible(note))) for note in station.api.take_notes()),
        evidence=tuple(exchange.number for exchange in evidence),
        requests=len(own),
        duration=call.duration,
        sights=sights(error, station.redactor),
        rests_on=error.owner if ending is Ending.UNGROUNDED and isinstance(error, GroundError) else "",
        needed=not isinstance(error, GroundError) or error.needed,
        stated=isinstance(error, GroundError) and error.stated,
    )


def _ending(
    error: BaseException | None, station: Station, requirement: Requirement
) -> tuple[Ending, str, Sequence[Exchange]]:
    match error:
        case None:
            return Ending.HELD, "", ()
        case ViolationError() if why := _why_not_blamed(error, station, requirement):
            return Ending.BLOCKED, f"{why}\n{error.message}", error.evidence
        case ViolationError():
            return Ending.BROKEN, error.message, error.evidence
        case GroundError() if why := _why_not_blamed(error.violation, station, requirement):
            return Ending.BLOCKED, f"{why}\n{error.message}", error.evidence
        case GroundError():
            return Ending.UNGROUNDED, error.message, error.evidence
        case InconclusiveError():
            return Ending.BLOCKED, error.message, error.evidence
        case BudgetSpentError():
            return Ending.BLOCKED, str(error), ()
        case NotApplicableError():
            return Ending.NOT_APPLICABLE, str(error), ()
    return Ending.CRASHED, str(error), ()


def _why_not_blamed(violation: ViolationError, station: Station, requirement: Requirement) -> str | None:
    """Why a violation does not count: nothing was read, or it may be no more than a sign that the target is down or the
    key refused.

    That is settled by a plain valid request afterwards; a target that comes back within moments is up. One that answers
    every request with an error of its own is up for the requirement that says it never does.
    """
    if violation.wrongs and all(is_unread(each.exchange) for each in violation.wrongs):
        return f"the target answered with more than a run reads: {violation.wrongs[0].exchange.failure}"
    fails = requirement.id == station.api.operation.owner(NO_SERVER_ERROR)
    suspicious = [each for each in violation.evidence if _may_mean_down(each) and not (fails and _is_its_own(each))]
    if not suspicious or len(suspicious) < len(violation.evidence):
        return None
    last = max(exchange.ended for exchange in suspicious)
    success = station.api.contract.success
    since = (each for each in station.exchanges(station.api.operation.id) if each.started > last)
    # What other checks had sent by then hangs on the time.
    if station.wire.decide("answered since", int(any(each.status == success for each in since))):
        return None
    # One that was given up is asked once, by each check that ends all the same.
    until = time.monotonic() + (0.0 if station.ledger.down else _REVIVAL_SECONDS)
    try:
        while not station.api.is_up():
            if time.monotonic() >= until:
                station.ledger.down = f"the target stopped answering after: {suspicious[-1].outcome}"
                return station.ledger.down
            station.wire.pause(0.25)
    except BudgetSpentError as error:
        return f"whether the target is still up could not be seen: {error}"
    return None


def _is_its_own(exchange: Exchange) -> bool:
    return exchange.answer is not None and exchange.answer.status not in _OF_GATEWAYS


def _may_mean_down(exchange: Exchange) -> bool:
    if exchange.answer is None:
        return True
    refused = exchange.status in (401, 403) and exchange.request.credential == "primary"
    return refused or exchange.answer.status >= 500
