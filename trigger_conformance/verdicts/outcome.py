"""What a run found out about one requirement: plain data that crosses processes and that every report reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trigger_conformance.checks.requirement import Requirement
from trigger_conformance.verdicts.verdict import Decision, Ending, Verdict, verdict_of


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One wrong answer that a check saw: the exchange's number, what is wrong, at which place of the answer.

    ``case`` names it for a reader, ``kind`` says what kind of request it answers, ``got`` is its status, or how it
    failed, ``after`` the number of the exchange that had its key before (0: none had).
    """

    exchange: int
    problem: str
    place: str = ""
    case: str = ""
    kind: str = ""
    got: str = ""
    after: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One requirement's ending and verdict.

    ``evidence`` are numbers of exchanges in the ledger, ``requests`` how many the check sent, ``duration`` seconds,
    ``waiver`` tells reason, link and end of the waiver that covers a violation, ``sights`` the wrong answers,
    ``rests_on`` names the requirement that owns what the check lacked beside its own statement, ``needed`` says whether
    its statement cannot be judged without, ``stated`` that it is its statement that failed, for what may be that one's
    reason.
    """

    requirement: Requirement
    ending: Ending
    verdict: Verdict
    message: str = ""
    notes: tuple[str, ...] = ()
    evidence: tuple[int, ...] = ()
    requests: int = 0
    duration: float = 0.0
    waiver: Mapping[str, str | None] | None = None
    sights: tuple[Sight, ...] = ()
    rests_on: str = ""
    needed: bool = True
    stated: bool = False

    @property
    def decision(self) -> Decision:
        """The part that the run's verdict depends on."""
        return Decision(self.requirement.level, self.verdict)


def undecided(requirement: Requirement, reason: str) -> Outcome:
    """The outcome of a requirement whose check never got to run."""
    ending = Ending.BLOCKED
    return Outcome(
        requirement=requirement,
        ending=ending,
        verdict=verdict_of(ending, requirement.level, strict=False),
        message=reason,
    )
