"""What a check holds against an answer that is wrong whatever was asked is the affair of one requirement.

An answer that cannot be read where it is wrong is its schema's, a success of another status than the documented one is
that of the plainest valid request, where any later request with a key is refused that is the second one's, and where a
request that is not the plainest got no answer, that is the one's that every request is answered.
"""

from __future__ import annotations

from collections.abc import Callable

from trigger_conformance.checks.expect import ViolationError, Wrong
from trigger_conformance.checks.ground import GroundError, owner_of_loss
from trigger_conformance.checks.losses import LossError
from trigger_conformance.checks.operation import Operation, operation_of
from trigger_conformance.checks.requirement import Requirement

_ACCEPTED = "answers.valid_request_is_accepted"


def as_read(error: BaseException | None, requirement: Requirement, operation: Operation) -> BaseException | None:
    """``error``, which ended the check of ``requirement``, without what is wrong for another requirement's reason.

    Where nothing else is left, the check rests on that requirement.
    """
    violation = error.violation if isinstance(error, GroundError) else error
    # What was lost over the whole run is told by those that own it.
    if not isinstance(violation, ViolationError) or isinstance(violation, LossError):
        return error
    rules: list[Callable[[Wrong, Operation], str]] = [_unreadable]
    if not isinstance(error, GroundError):
        rules += [_of_another_status, _refused]
        # That the plainest valid request gets an answer is what it says itself.
        rules += [_unanswered] if requirement.id != operation.owner(_ACCEPTED) else []
    owners = [next(filter(None, (rule(each, operation) for rule in rules)), "") for each in violation.wrongs]
    left = [each for each, owner in zip(violation.wrongs, owners, strict=True) if owner in ("", requirement.id)]
    if len(left) == len(owners):
        return error
    needed, stated = (error.needed, error.stated) if isinstance(error, GroundError) else (True, True)
    if not left:
        return GroundError(owners[0], violation, needed=needed, stated=stated)
    rest = ViolationError(violation.message, [each.exchange for each in left], left)
    return GroundError(error.owner, rest, needed=needed, stated=stated) if isinstance(error, GroundError) else rest


def _unreadable(wrong: Wrong, _: Operation) -> str:
    place = wrong.place.partition(".")[0]
    return operation_of(wrong.exchange.request).unreadable(wrong.exchange).get(place, "") if place else ""


def _unanswered(wrong: Wrong, _: Operation) -> str:
    return owner_of_loss(wrong.exchange)


def _of_another_status(wrong: Wrong, operation: Operation) -> str:
    asked, status = operation_of(wrong.exchange.request).contract, wrong.exchange.status or 0
    is_other = status // 100 == 2 and status not in asked.statuses
    return operation.owner(_ACCEPTED) if is_other and f"expected {asked.success}" in wrong.problem else ""


def _refused(wrong: Wrong, _: Operation) -> str:
    asked, status = operation_of(wrong.exchange.request), wrong.exchange.status or 0
    is_refused = status // 100 == 4 and status != 429 and f"expected {asked.contract.success}" in wrong.problem
    return asked.owner_of_refusal(wrong.exchange) if is_refused else ""
