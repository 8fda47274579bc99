"""What the contract says of rate-limit headers: pure rules over answers. Each returns what is wrong, or None.

Rests on the documented 429 and its documented headers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from trigger_conformance.contract import told
from trigger_conformance.contract.contract import RATE_LIMIT_HEADERS
from trigger_conformance.wire.exchange import Answer, Exchange

# Clocks differ, and a point in time is rounded up.
_SLACK = 60.0
_DAY = 86_400.0
_LEAST_MILLISECONDS = 1e11
# A reset in whole seconds that follows the clock changes within a second.
_STANDSTILL = 1.5
_LONGEST_DATE = 64
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", re.ASCII)
_NO_TIME = "not a number of seconds"


def carries_limits(answer: Answer) -> bool:
    """Whether an answer has any of the documented headers."""
    return any(answer.all(name) for name in RATE_LIMIT_HEADERS)


def presence_problem(answer: Answer) -> str | None:
    """Every documented header is there, exactly once."""
    counts = {name: len(answer.all(name)) for name in RATE_LIMIT_HEADERS}
    wrong = [f"{name} {count} times" if count else f"{name} missing" for name, count in counts.items() if count != 1]
    return ", ".join(wrong) or None


def repetition_problem(answer: Answer) -> str | None:
    """No documented header is there more than once (RFC 9110 section 5.3: it is no list)."""
    repeated = [f"{name} {len(answer.all(name))} times" for name in RATE_LIMIT_HEADERS if len(answer.all(name)) > 1]
    return ", ".join(repeated) or None


def integer_problem(answer: Answer) -> str | None:
    """Every value that is there is a decimal integer."""
    values = [(name, value) for name in RATE_LIMIT_HEADERS for value in answer.all(name)]
    wrong = [f"{name}: {_shown(value)}{_date(value)}" for name, value in values if told.integer(value) is None]
    return f"no decimal integer: {', '.join(wrong)}" if wrong else None


def _date(value: str) -> str:
    """What to say of a value that is a date, as HTTP writes it (RFC 9110 section 10.2.3) or as ISO 8601 does."""
    is_date = told.unix_time(value) is not None or (len(value) <= _LONGEST_DATE and _ISO_DATE.match(value))
    return f" (a point in time, {_NO_TIME})" if is_date else ""


def count_problem(answer: Answer) -> str | None:
    """Limit > 0, 0 <= Remaining <= Limit, 0 <= Retry-After <= a day (a number of seconds, no point in time)."""
    limit, remaining, _, after = _values(answer)
    wrong = []
    if limit is not None and limit <= 0:
        wrong.append(f"X-RateLimit-Limit is {limit}")
    if remaining is not None and remaining < 0:
        wrong.append(f"X-RateLimit-Remaining is {remaining}")
    if limit is not None and remaining is not None and remaining > limit:
        wrong.append(f"X-RateLimit-Remaining {remaining} is more than X-RateLimit-Limit {limit}")
    if after is not None and (problem := _wait_problem(after, answer.at)):
        wrong.append(problem)
    return ", ".join(wrong) or None


def _wait_problem(after: int, now: float) -> str | None:
    if 0 <= after <= _DAY:
        return None
    for unit, factor in (("", 1), (" in milliseconds", 1000)):
        if abs(after / factor - now) <= _DAY:
            return f"Retry-After {after} is a point in time{unit}, {_NO_TIME}"
    return f"Retry-After is {after}" if after < 0 else f"Retry-After {after} is more than a day"


def reset_problem(answer: Answer) -> str | None:
    """Reset is a Unix time in seconds, from a minute ago to a day ahead, by our clock or the target's own."""
    reset = _values(answer)[2]
    clocks = (answer.at, answer.date or answer.at)
    if reset is None or any(now - _SLACK <= reset <= now + _DAY + _SLACK for now in clocks):
        return None
    if reset >= _LEAST_MILLISECONDS:
        return f"X-RateLimit-Reset {reset} is in milliseconds, not a Unix time in seconds"
    if reset < _DAY:
        return f"X-RateLimit-Reset {reset} is a number of seconds from now, not a Unix time"
    return f"X-RateLimit-Reset {reset} is {reset - answer.at:+.0f} s from now: not within a minute ago and a day ahead"


def agreement_problem(answer: Answer) -> str | None:
    """Reset is not before now + Retry-After by more than 5 s or 10 %; now is ours, or the target's own if it tells it.

    It may be later: a bucket is full again long after its next token.
    """
    _, _, reset, after = _values(answer)
    if reset is None or after is None or reset_problem(answer) or _wait_problem(after, answer.at):
        return None
    early = min(now + after - reset for now in (answer.at, answer.date or answer.at))
    if early <= max(5.0, 0.1 * after):
        return None
    return f"X-RateLimit-Reset is {reset - answer.at:.0f} s from now, Retry-After says {after} s"


def no_wait_problem(answer: Answer) -> str | None:
    """Retry-After is 1 or more."""
    after = _values(answer)[3]
    return f"Retry-After is {after}" if after is not None and after < 1 else None


def other_limit_problem(exchange: Exchange, runs: int) -> str | None:
    """Of a refused request less remained than it cost, whether requests or its ``runs`` are counted.

    A tenth of the limit may have come back until the headers were written.
    """
    assert exchange.answer is not None
    limit, remaining, _, _ = _values(exchange.answer)
    cost = max(1, runs)
    if limit is None or remaining is None or not max(cost, limit / 10) <= remaining <= limit:
        return None
    return f"X-RateLimit-Remaining is {remaining} of {limit}, though a request that asked for {cost} was refused"


def rises(exchanges: Iterable[Exchange]) -> Iterator[tuple[Exchange, str]]:
    """Where Remaining rose within one window by more than a refill allows.

    Only requests of one credential that followed each other are compared, and only while Limit and Reset stayed
    the same, for longer than a reset that follows the clock would: what a sliding window takes back is what was spent
    one window ago, which may be any number at once. A limiter that refills steadily gives back at most its limit over
    the time until its reset; that time is told in whole seconds, so one second is allowed for on either side.
    """
    by_credential: defaultdict[tuple[bytes, ...], list[_Reading]] = defaultdict(list)
    for each in exchanges:
        if each.request.credential == "primary" and (reading := _Reading.of(each)):
            # A limiter may take another spelling of the credential for another client.
            by_credential[each.request.authorization].append(reading)
    for readings in by_credential.values():
        yield from _rises(sorted(readings, key=lambda each: each.exchange.started))


def _rises(told: list[_Reading]) -> Iterator[tuple[Exchange, str]]:
    steady = _steady(told)
    for earlier, later in pairwise(told):
        elapsed = later.exchange.ended - earlier.exchange.started
        one_window = earlier.window == later.window and earlier.window in steady
        overlapping = later.exchange.started < earlier.exchange.ended
        allowed = earlier.limit * (elapsed + 1) / max(1.0, earlier.reset - earlier.at - 1)
        if one_window and not overlapping and later.remaining - earlier.remaining > allowed:
            rise = f"rose from {earlier.remaining} to {later.remaining} within {elapsed:.2f} s of one window"
            yield later.exchange, f"X-RateLimit-Remaining {rise}"


def _steady(readings: Iterable[_Reading]) -> set[tuple[int, int]]:
    """The windows whose reset stood still while time went on."""
    seen: dict[tuple[int, int], list[float]] = {}
    for each in readings:
        seen.setdefault(each.window, []).append(each.at)
    return {window for window, times in seen.items() if max(times) - min(times) > _STANDSTILL}


@dataclass(frozen=True)
class _Reading:
    """What an answer that came at ``at`` (Unix time) says of its window."""

    exchange: Exchange
    at: float
    limit: int
    remaining: int
    reset: int

    @property
    def window(self) -> tuple[int, int]:
        """What stays the same within a window."""
        return self.limit, self.reset

    @classmethod
    def of(cls, exchange: Exchange) -> _Reading | None:
        """An exchange's reading, or None where its answer does not tell all three numbers."""
        if exchange.answer is None:
            return None
        limit, remaining, reset, _ = _values(exchange.answer)
        if limit is None or remaining is None or reset is None:
            return None
        return cls(exchange, exchange.answer.at, limit, remaining, reset)


def limit(answer: Answer) -> int | None:
    """The limit that an answer states, where it can be read."""
    return _values(answer)[0]


def remaining(answer: Answer) -> int | None:
    """What an answer says remains of the limit, where it can be read."""
    return _values(answer)[1]


def reset(answer: Answer) -> int | None:
    """The Unix time at which an answer says that the limit is reset, where it can be read."""
    return _values(answer)[2]


def wait(answer: Answer) -> int | None:
    """The seconds that Retry-After tells, where it tells so many as it may."""
    after = _values(answer)[3]
    return None if after is None or _wait_problem(after, answer.at) else after


def _shown(value: str) -> str:
    return repr(value) if len(value) <= 40 else f"{value[:40]!r}… of {len(value):,} characters"


def _values(answer: Answer) -> tuple[int | None, int | None, int | None, int | None]:
    of_limit, left, until, after = (_integer(answer, name) for name in RATE_LIMIT_HEADERS)
    return of_limit, left, until, after


def _integer(answer: Answer, name: str) -> int | None:
    return told.integer(answer.header(name))
