"""What checks expect of answers, in the contract's words: ``expect(answers).is_rejected()``.

Every expectation takes one exchange or many, judges each, and names each that fails. Operations have more of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pytest

from trigger_conformance.checks.operation import operation_of
from trigger_conformance.checks.problem import Problem
from trigger_conformance.contract.quoting import shortened, visible
from trigger_conformance.wire.exchange import Exchange, FailureKind

REJECTIONS = (400, 422)
_MOST_PROBLEMS, _MOST_NAMES = 12, 8
_LONGEST_NAME = 60
# Of quotation marks that are never closed each is looked for the end of: that takes the square of their number.
_LONGEST_COMPARED = 2000
# What differs from one answer to the next where the problem is the same.
_PARTICULARS = re.compile(r'"(?:[^"\\]|\\.)*"|#\d+')


@dataclass(frozen=True)
class Wrong:
    """One wrong answer: the exchange, what is wrong with it, and where ("": with the whole of it)."""

    exchange: Exchange
    problem: str
    place: str = ""


class ViolationError(AssertionError):
    """The target broke a requirement: why, and the exchanges that show it.

    ``wrongs`` say of each wrong answer what is wrong with it; without them it is the last of ``evidence``.
    """

    def __init__(self, message: str, evidence: Sequence[Exchange], wrongs: Sequence[Wrong] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.evidence = list(evidence)
        self.wrongs = list(wrongs) or [Wrong(each, message, place_of(each, message)) for each in evidence[-1:]]


class InconclusiveError(Exception):
    """The check could not see what it needed to see: why, and the exchanges that kept it from seeing."""

    def __init__(self, message: str, evidence: Sequence[Exchange] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.evidence = list(evidence)


class NotApplicableError(pytest.skip.Exception):  # type: ignore[name-defined, misc]
    """The check has nothing to decide on this target: why, and which option would change that."""


Judge = Callable[[Exchange], str | None]


class Expectation:
    """Expectations on one or several exchanges. Raises ViolationError, or InconclusiveError where nothing was seen."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = exchanges

    def satisfies(self, judge: Judge, *, also_429: bool = False, place: str = "") -> list[Exchange]:
        """``judge`` returns what is wrong with an exchange, or None; it is not shown a 429 unless ``also_429``.

        ``place`` is where in an answer a problem is that does not say so itself. Returns what was judged.
        """
        if not self._exchanges:
            raise InconclusiveError("there was no answer to judge")
        blocked = [exchange for exchange in self._exchanges if is_blocked(exchange) and not also_429]
        judged = [exchange for exchange in self._exchanges if exchange not in blocked]
        wrong = [
            Wrong(exchange, problem, place_of(exchange, problem, place))
            for exchange in judged
            if (problem := judge(exchange)) is not None
        ]
        if wrong:
            raise _violation(wrong)
        if blocked:
            raise InconclusiveError(_told_blocked(blocked), blocked)
        return judged

    def has_status(self, *statuses: int) -> list[Exchange]:
        """The status is one of ``statuses``."""
        wanted = " or ".join(str(status) for status in statuses)
        return self.satisfies(lambda exchange: _unless(exchange.status in statuses, f"expected {wanted}", exchange))

    def is_accepted(self) -> list[Exchange]:
        """The status that answers a valid request."""
        return self.satisfies(_why_not_accepted)

    def is_rejected(self) -> list[Exchange]:
        """A documented error: 400 or 422."""
        return self.has_status(*REJECTIONS)

    def is_refused(self) -> list[Exchange]:
        """401."""
        return self.satisfies(_why_not_refused)

    def is_new(self) -> list[Exchange]:
        """The answer to a valid request that made something new."""
        return self.satisfies(lambda exchange: operation_of(exchange.request).why_not_new(exchange))

    def is_as_generated(self) -> list[Exchange]:
        """The answer to a generated request that the schema allows."""
        return self.satisfies(lambda exchange: operation_of(exchange.request).why_not_generated(exchange))

    def is_as_asked(self) -> list[Exchange]:
        """The answer to a valid request that made what it asked for."""
        return self.satisfies(lambda exchange: operation_of(exchange.request).why_not_as_asked(exchange))


def expect(exchanges: Exchange | Iterable[Exchange]) -> Expectation:
    """Begin an expectation on one exchange or several."""
    return Expectation(several(exchanges))


def seen(exchanges: Iterable[Exchange], what: str) -> Expectation:
    """Begin an expectation on what a run saw; where it saw none, there is nothing to decide."""
    found = list(exchanges)
    if not found:
        raise NotApplicableError(f"the run saw no {what}")
    return Expectation(found)


def several(exchanges: Exchange | Iterable[Exchange]) -> list[Exchange]:
    """One exchange or many as a list."""
    return [exchanges] if isinstance(exchanges, Exchange) else list(exchanges)


def is_blocked(exchange: Exchange) -> bool:
    """Whether a limit answered, of requests or of what may be there, or one of ours kept an answer from being read.

    So the answer says nothing of its request.
    """
    return exchange.status == 429 or is_unread(exchange) or operation_of(exchange.request).is_full(exchange)


def is_unread(exchange: Exchange) -> bool:
    """Whether there was an answer that is more than a run reads, or keeps: a list may have any number of things."""
    kind = exchange.failure.kind if exchange.failure else None
    return kind is FailureKind.UNKEPT or (kind is FailureKind.OVERSIZE and exchange.request.method == "GET")


def _told_blocked(blocked: Sequence[Exchange]) -> str:
    if unread := [each for each in blocked if is_unread(each)]:
        return f"{len(unread)} answers were more than a run reads: {unread[0].failure}"
    if all(each.status == 429 for each in blocked):
        return f"{len(blocked)} answers were still 429 when waiting had to end"
    things = operation_of(blocked[0].request).things
    return f"{len(blocked)} answers say that a limit was reached, such as on how many {things} there may be"


def _why_not_accepted(exchange: Exchange) -> str | None:
    success = operation_of(exchange.request).contract.success
    return _unless(exchange.status == success, f"expected {success}", exchange)


def place_of(exchange: Exchange, problem: str, place: str = "") -> str:
    """Where in an answer a problem is: where it says itself; where there is no answer, or another status, there."""
    if isinstance(problem, Problem):
        return problem.place
    if exchange.answer is None:
        return "answer"
    return "status" if place == "" and exchange.outcome in problem else place


def _why_not_refused(exchange: Exchange) -> str | None:
    if exchange.status == 401:
        return None
    if exchange.status == 403:
        return "expected 401, got 403, which is no documented status of this operation"
    return f"expected 401, got {exchange.outcome}"


def _unless(fine: bool, wanted: str, exchange: Exchange) -> str | None:
    return None if fine else f"{wanted}, got {exchange.outcome}"


def _violation(wrong: Sequence[Wrong]) -> ViolationError:
    """One line a problem, however many cases have it: cases with a name first, and of each problem one as evidence."""
    alike: dict[str, list[Wrong]] = {}
    for each in sorted(wrong, key=lambda each: _is_generated(each.exchange)):
        alike.setdefault(_PARTICULARS.sub("", shortened(each.problem, _LONGEST_COMPARED)), []).append(each)
    groups = list(alike.values())
    lines = [_told(group) for group in groups[:_MOST_PROBLEMS]]
    if len(groups) > _MOST_PROBLEMS:
        lines.append(f"… and {len(groups) - _MOST_PROBLEMS} more problems")
    ordered = [group[0] for group in groups] + [each for group in groups for each in group[1:]]
    return ViolationError("\n".join(lines), [each.exchange for each in ordered], ordered)


def _is_generated(exchange: Exchange) -> bool:
    return ".fuzzing." in exchange.check


def _told(group: Sequence[Wrong]) -> str:
    """The problem of one case, or of several that have the same: "17 cases: a; b; c …: expected 202, got 500"."""
    problem = group[0].problem
    if len(group) == 1:
        return _line(group[0].exchange, problem)
    names = list(dict.fromkeys(_name(each.exchange) for each in group))
    told = "; ".join(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "")
    such = "" if all(each.problem == problem for each in group) else "such as "
    return f"{len(group)} cases: {told}: {such}{visible(problem)}"


def _name(exchange: Exchange) -> str:
    return shortened(visible(exchange.request.label or f"#{exchange.number}"), _LONGEST_NAME)


def _line(exchange: Exchange, problem: str) -> str:
    told = visible(problem)
    return f"{_name(exchange)}: {told}" if exchange.request.label else told
