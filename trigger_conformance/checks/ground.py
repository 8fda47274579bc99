"""What a check needs beside its own statement: ``given(replays, rests_on=REPLAY).is_accepted()``.

Each kind of ground has one requirement that owns it. Where ground fails, the target is not blamed for it here: what
that amounts to hangs on the owner's verdict, and is settled when the run is over (normative reading, "Verdicts").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from trigger_conformance.checks.expect import (
    Expectation,
    InconclusiveError,
    Judge,
    ViolationError,
    is_blocked,
    several,
)
from trigger_conformance.checks.losses import is_late, is_lost
from trigger_conformance.checks.operation import operation_of
from trigger_conformance.wire.exchange import Beyond, Exchange

ANSWERED = "answers.every_request_is_answered"
IN_TIME = "answers.answers_come_in_time"


class GroundError(InconclusiveError):
    """Ground that did not hold: the requirement that owns it, what was wrong with it, and the exchanges that show.

    ``stated`` says that it is the check's own statement that failed, for what may be its owner's reason.
    """

    def __init__(self, owner: str, violation: ViolationError, *, needed: bool = True, stated: bool = False) -> None:
        super().__init__(violation.message, violation.evidence)
        self.owner = owner
        self.needed = needed
        self.stated = stated
        self.violation = violation


_noted: list[GroundError] = []


class Ground(Expectation):
    """The same expectations of what a check rests on; each returns the exchanges of which it holds.

    Some that fail are noted, so that the check judges its statement by the others first. Raises GroundError where none
    is left that the check needs.
    """

    def __init__(self, exchanges: Sequence[Exchange], rests_on: str, *, needed: bool = True) -> None:
        super().__init__(exchanges)
        self._owner = rests_on
        self._needed = needed

    def satisfies(self, judge: Judge, *, also_429: bool = False, place: str = "") -> list[Exchange]:
        """Those exchanges with which ``judge`` finds nothing wrong."""
        try:
            return super().satisfies(judge, also_429=also_429, place=place)
        except ViolationError as violation:
            wrong = {id(each.exchange) for each in violation.wrongs}
            held = [each for each in self._exchanges if id(each) not in wrong and (also_429 or not is_blocked(each))]
            broken = GroundError(_owner_of_losses(violation) or self._owner, violation, needed=self._needed)
            if self._needed and not held:
                raise broken from None
            _noted.append(broken)
            return held


def _owner_of_losses(violation: ViolationError) -> str:
    """The requirement that plain requests are answered, where all that is wrong is that some were not; else ""."""
    owners = [owner_of_loss(each.exchange) for each in violation.wrongs]
    return min(owners, key=lambda owner: owner.endswith(IN_TIME), default="") if all(owners) else ""


def owner_of_loss(exchange: Exchange) -> str:
    """The requirement that a plain request is answered, or in time, where this one was not; else ""."""
    if not is_lost(exchange) or exchange.request.beyond is not Beyond.NOTHING:
        return ""
    return operation_of(exchange.request).owner(IN_TIME if is_late(exchange) else ANSWERED)


def given(exchanges: Exchange | Iterable[Exchange], *, rests_on: str, needed: bool = True) -> Ground:
    """Begin an expectation on a check's ground, which the requirement ``rests_on`` owns.

    What is not ``needed`` confirms what the check has seen: where its owner is violated, the statement stands as seen.
    """
    return Ground(several(exchanges), rests_on, needed=needed)


def rests(owner: str, message: str, evidence: Sequence[Exchange] = ()) -> NoReturn:
    """The check has nothing left to judge, because of what the requirement ``owner`` says."""
    raise GroundError(owner, ViolationError(message, evidence))


def begin() -> None:
    """A check begins: nothing is noted yet."""
    _noted.clear()


def end() -> None:
    """A check has judged its statement by all that it could see. Raises the first GroundError that matters most."""
    noted = sorted(_noted, key=lambda each: not each.needed)
    _noted.clear()
    if noted:
        raise noted[0]
