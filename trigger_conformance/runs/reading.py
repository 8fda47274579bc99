"""What a check holds against an answer that cannot be read where it is wrong is the affair of the answer's schema."""

from __future__ import annotations

from trigger_conformance.checks.expect import ViolationError, Wrong
from trigger_conformance.checks.ground import GroundError
from trigger_conformance.checks.operation import Operation, operation_of
from trigger_conformance.checks.requirement import Requirement

_SCHEMA = "answers.accepted_answers_satisfy_the_schema"


def as_read(error: BaseException | None, requirement: Requirement, operation: Operation) -> BaseException | None:
    """``error``, which ended the check of ``requirement``, without what is wrong for want of a readable answer.

    Where nothing else is left, the check rests on the requirement that answers satisfy their schema.
    """
    owner = operation.owner(_SCHEMA)
    violation = error.violation if isinstance(error, GroundError) else error
    if requirement.id == owner or not isinstance(violation, ViolationError):
        return error
    left = [each for each in violation.wrongs if not _is_unreadable(each)]
    if len(left) == len(violation.wrongs):
        return error
    if not left:
        return GroundError(owner, violation, needed=not isinstance(error, GroundError) or error.needed)
    rest = ViolationError(violation.message, [each.exchange for each in left], left)
    return GroundError(error.owner, rest, needed=error.needed) if isinstance(error, GroundError) else rest


def _is_unreadable(wrong: Wrong) -> bool:
    place = wrong.place.partition(".")[0]
    return bool(place) and place in operation_of(wrong.exchange.request).unreadable(wrong.exchange)
