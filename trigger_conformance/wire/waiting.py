"""How long a 429 asks to wait, and when waiting is no use any more: pure rules over answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from trigger_conformance.contract import told
from trigger_conformance.wire.exchange import Answer, Exchange, Request

_DAY = 86_400.0
# A quarter of a usual run's time: a run that waits longer for one answer has none left for the others.
_LONG_BAN = 75.0
_LONG = 20.0
_ROUNDS = 4
_DOUBLED = 1.9


def asked(answer: Answer) -> float | None:
    """The seconds that an answer asks to wait, from its arrival; None where it asks for nothing that can be waited.

    Retry-After comes first, also as a point in time: that is none of the contract's words, but clear enough to obey.
    """
    retry_after = answer.header("retry-after")
    seconds, until = told.seconds(retry_after), told.unix_time(retry_after)
    if seconds is not None and seconds > _DAY:
        # Nobody waits for decades: it is a Unix time, in seconds or in milliseconds.
        until = seconds if seconds - answer.at <= _DAY else seconds / 1000
        seconds = None
    reset = told.seconds(answer.header("x-ratelimit-reset"))
    waits = (seconds, *(None if point is None else point - answer.at for point in (until, reset)))
    return next((wait for wait in waits if wait is not None and 0 <= wait <= _DAY), None)


@dataclass
class Ban:
    """Whether a target refuses for longer, the more it is asked: whoever goes on sending only makes that worse.

    ``why`` says how it was seen, once it was. Times are seconds of one clock. It hears one credential's exchanges.
    Requests that a limit has no room for, ever, are refused however long they wait: so coming back in vain tells only
    where a request is refused after them, too, that is another and no larger than one that was let in. Until then it
    ``is_suspected``, and no refusal is worth waiting for.
    """

    why: str = ""
    _since: float | None = None
    _first_end: float = 0.0
    _end: float = 0.0
    _in_vain: int = 0
    _before: float = 0.0
    _doubled: int = 0
    is_suspected: bool = False
    _came_back: list[Request] = field(default_factory=list)
    _largest_let_in: int = 0

    def hear(self, exchange: Exchange) -> None:
        """Learn of an exchange that has ended."""
        if exchange.answer is None:
            return
        if exchange.status == 429:
            self._refused(exchange.started, exchange.ended, asked(exchange.answer) or 0.0)
            self._judge_in_vain(exchange)
        else:
            self._since, self.is_suspected = None, False
            self._largest_let_in = max(self._largest_let_in, len(exchange.request.body))

    def _judge_in_vain(self, exchange: Exchange) -> None:
        assert self._since is not None
        request = exchange.request
        if not self.is_suspected:
            self._came_back.append(request)
            self.is_suspected = self._in_vain >= _ROUNDS and exchange.ended - self._since >= _LONG
        elif request not in self._came_back and len(request.body) <= (self._largest_let_in or math.inf):
            self.why = f"it refused {self._in_vain} times more when it had been left alone for as long as it asked"

    def _refused(self, sent: float, came: float, wait: float) -> None:
        if self._since is None:
            self._since, self._first_end, self._end, self._in_vain = came, came + wait, came + wait, 0
            self._came_back.clear()
            self._doubled = self._doubled + 1 if 0 < self._before * _DOUBLED <= wait else 0
            self._before = wait
        elif sent >= self._end:
            self._in_vain += 1
        self._end = max(self._end, came + wait)
        # What a sliding window takes back moves with the clock, and no faster.
        grown = self._end - self._first_end - (came - self._since)
        if grown >= _LONG_BAN:
            self.why = f"{grown:.0f} s were added to the wait by requests that it refused meanwhile"
        elif self._doubled >= _ROUNDS and wait >= _LONG:
            self.why = f"each refusal asked for twice the wait of the one before, the last for {wait:.0f} s"
