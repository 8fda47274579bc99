"""Has a press passed the limit? Pure rules over what was accepted and what the target said meanwhile.

What a limit counts is open (requests, runs, requests under way), and so is its kind (fixed or sliding window, a bucket
that refills meanwhile). A press has passed the limit only where it passed it under each of these readings that the
target's own Remaining and Reset leave possible. Rests on the documented 429 (normative reading, "Rate limits").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from trigger_conformance.rules.rate_limit import limit, remaining, reset
from trigger_conformance.wire.exchange import Exchange

# A limit that is refilled as fast as this is none; a reset in whole seconds says no more of a window so short.
_FASTEST_REFILL = 0.1
_ROUNDING = 1.0
# A window of so many seconds is told apart from the next one by its reset.
_TOLD_APART = 2.0
TELLING_RUNS = 30


@dataclass(frozen=True)
class Accepted:
    """One request of a press that was accepted.

    It was in flight from ``started`` to ``ended`` (seconds of one clock) and made ``runs`` runs. ``limit``,
    ``remaining`` and ``reset`` are what its answer said, ``ahead`` the seconds from its answer to that reset.
    """

    started: float
    ended: float
    runs: int
    limit: int | None = None
    remaining: int | None = None
    reset: int | None = None
    ahead: float = 0.0

    @classmethod
    def of(cls, exchange: Exchange, runs: int) -> Accepted:
        """What an answered ``exchange`` that made so many ``runs`` says."""
        answer = exchange.answer
        assert answer is not None
        until = reset(answer)
        return cls(
            exchange.started, exchange.ended, runs, limit(answer), remaining(answer), until,
            0.0 if until is None else until - answer.at,
        )  # fmt: skip


def counts_runs(accepted: Sequence[Accepted], *, shared: bool = False) -> bool | None:
    """Whether the stated limit counts runs rather than requests, as Remaining shows it; None where it does not show.

    ``shared`` says that others use the credential meanwhile, so that Remaining may fall by more than was sent.
    """
    for earlier, later in _lone_pairs(accepted):
        fall = earlier.remaining - later.remaining  # type: ignore[operator]
        if later.runs > 1 and fall >= 2 and not shared:
            return True
        if later.runs >= TELLING_RUNS and 0 <= fall <= 1:
            return False
    return None


def passed(accepted: Sequence[Accepted], *, shared: bool = False) -> bool:
    """Whether more was accepted at once, at any time of the press, than any reading of the stated limit allows."""
    stated = [each.limit for each in accepted if each.limit is not None]
    if not stated or _may_count_what_is_under_way(accepted, shared=shared):
        return False
    runs_alone = counts_runs(accepted, shared=shared) is True
    window = max(each.ahead for each in accepted) - _ROUNDING
    bursts = _bursts(accepted) if sum(each.runs for each in accepted) > max(stated) else ()
    return any(
        min(burst.runs, burst.runs if runs_alone else burst.requests) > max(stated) * burst.windows(window)
        for burst in bursts
    )


@dataclass(frozen=True)
class _Burst:
    """Requests that followed each other: how many, their runs, how long they took, whether one window held them all."""

    requests: int
    runs: int
    seconds: float
    one_window: bool

    def windows(self, window: float) -> float:
        """How many times a limit over ``window`` seconds may have been spent meanwhile, at most."""
        begun = 1 if self.one_window and window > _TOLD_APART else 2
        return begun + self.seconds / max(_FASTEST_REFILL, window)


def _bursts(accepted: Sequence[Accepted]) -> Iterator[_Burst]:
    ordered = sorted(accepted, key=lambda each: each.started)
    for first, begin in enumerate(ordered):
        rest = ordered[first:]
        runs = accumulate(each.runs for each in rest)
        ends = accumulate((each.ended for each in rest), max)
        one_window = True
        for count, (each, sum_of_runs, end) in enumerate(zip(rest, runs, ends, strict=True), 1):
            one_window = one_window and each.reset is not None and each.reset == begin.reset
            yield _Burst(count, sum_of_runs, end - begin.started, one_window)


def _lone_pairs(accepted: Sequence[Accepted]) -> Iterator[tuple[Accepted, Accepted]]:
    """Requests that followed each other with nothing else in flight, whose answers both tell Limit and Remaining."""
    ordered = sorted(accepted, key=lambda each: each.started)
    ends = accumulate((each.ended for each in ordered), max)
    for earlier, later, rest, over in zip(ordered, ordered[1:], [*ordered[2:], None], ends, strict=False):
        alone = over <= later.started and (rest is None or later.ended <= rest.started)
        if alone and earlier.limit == later.limit and earlier.remaining is not None and later.remaining is not None:
            yield earlier, later


def _may_count_what_is_under_way(accepted: Sequence[Accepted], *, shared: bool) -> bool:
    """Whether Remaining may be what is left beside the requests under way: for a lone one it is all but that one."""
    short = any(later.limit and later.remaining < later.limit - 1 for _, later in _lone_pairs(accepted))  # type: ignore[operator]
    return shared or not short


def told(accepted: Iterable[Accepted]) -> str:
    """A press in words."""
    accepted = list(accepted)
    if not accepted:
        return "no request of the press was accepted"
    seconds = max(each.ended for each in accepted) - min(each.started for each in accepted)
    runs = sum(each.runs for each in accepted)
    return f"{len(accepted)} requests with {runs} runs in {seconds:.2f} s"
