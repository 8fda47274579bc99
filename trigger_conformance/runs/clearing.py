"""Removes one operation's things from one environment of the target, and never somebody else's.

The rule, for what is deleted is gone. A thing is removed only where the target itself says that its name is the run's:
its list shows the id under a name that begins so, or it answered our own request to make it with the id and that name.
Where its list shows the id under another name, that is believed, and the thing stays. An id goes into a path only
where it can name nothing else there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from trigger_conformance.checks.client import Client
from trigger_conformance.contract.quoting import quoted, shortened
from trigger_conformance.report.results import REMOVAL, LeftBehind
from trigger_conformance.wire.exchange import Exchange
from trigger_conformance.wire.ledger import BudgetSpentError, Ledger

_IN_FLIGHT = 8
# A request that was lost, or answered 5xx, is sent once more.
_TRIES = 2
_LONGEST_SHOWN = 200
_NOT_PLAIN = "its id is no plain segment of a path: it was put into no request"
_NOT_OURS = "the target does not say that it is the run's, so it may be somebody else's"
_SAID_GONE = "the target said that it is removed, and lists it still"
_SPENT = "the time or the requests for removing were spent before"
_NOT_ASKED = "the target was not asked for a list"
_SILENT = "the target did not answer"


# Any id will do to ask whether there is a way.
_ANY = "any"


def is_removable(client: Client) -> bool:
    """Whether the contract has a way to remove what the client's operation makes."""
    return client.removal(_ANY) is not None


@dataclass(frozen=True)
class Claim:
    """What an answer to our own request says: that the request made the thing ``id``, which is called ``name``.

    ``ours`` says whether that is the run's name.
    """

    id: str
    name: str
    ours: bool


@dataclass
class _Thing:
    """Something that is ours: its name, how often its removal was asked for, and what came of that last."""

    name: str
    tries: int = 0
    gone: bool = False
    listed: bool = False
    refused: bool = False
    answered: str = ""

    @property
    def is_there(self) -> bool:
        """Whether it is still on the target: what a list shows after its removal is."""
        return self.listed or not self.gone

    def learn(self, exchange: Exchange) -> None:
        """Take in the answer to a removal: 404 says that somebody else was faster."""
        status = exchange.status or 0
        self.tries, self.listed = self.tries + 1, False
        self.gone = 200 <= status < 300 or status == 404
        self.refused = 300 <= status < 500 and not self.gone
        self.answered = f"its removal was answered {shortened(exchange.outcome, _LONGEST_SHOWN)}"


class _StoppedError(Exception):
    """Nothing more can be removed."""


class Clearing:
    """The things of the client's operation in the environment that the client's credential has.

    ``is_ours`` says of a name that the list shows whether it is the run's, ``claims`` are what the run was answered.
    """

    def __init__(self, client: Client, is_ours: Callable[[str], bool], claims: Iterable[Claim] = ()) -> None:
        self._client = client
        self._is_ours = is_ours
        self._things: dict[str, _Thing] = {}
        self._doubtful: dict[str, str] = {}
        self._others: dict[str, str] = {}
        self._stopped = ""
        # Why the last look did not see all that there is.
        self.unseen = _NOT_ASKED
        for claim in claims:
            if claim.ours:
                self._things.setdefault(claim.id, _Thing(claim.name))
            else:
                self._doubtful.setdefault(claim.id, claim.name)

    @property
    def operation(self) -> str:
        """The operation's id."""
        return self._client.operation.id

    @property
    def removed(self) -> int:
        """How many things are gone."""
        return sum(not thing.is_there for thing in self._things.values())

    @property
    def things(self) -> dict[str, str]:
        """The names, by their ids, of what is ours and still there."""
        return {identity: thing.name for identity, thing in self._things.items() if thing.is_there}

    def stop(self, why: str) -> None:
        """Say why nothing more is removed."""
        self._stopped = self._stopped or why

    def look(self) -> None:
        """Ask the target what there is."""
        with self._guarded():
            self._look()

    def clear(self) -> None:
        """Look, remove what is ours, and look again; whatever keeps a thing from being removed is told by ``left``."""
        with self._guarded():
            self._look()
            for _ in range(_TRIES):
                if not (there := self._removable()):
                    return
                self._remove(there)
                self._look()

    def left(self) -> Iterator[LeftBehind]:
        """What is still there, and why."""
        for identity, thing in self._things.items():
            if thing.is_there:
                yield self._told(identity, thing.name, self._why_left(identity, thing))
        for identity, name in self._doubtful.items():
            if identity not in self._things:
                yield self._told(identity, name, _NOT_OURS)

    def _told(self, identity: str, name: str, reason: str) -> LeftBehind:
        return LeftBehind(self.operation, shortened(identity, _LONGEST_SHOWN), shortened(name, _LONGEST_SHOWN), reason)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """A context that whatever a target says, or a budget forbids, ends in good order."""
        self._client.begin(f"{self.operation}.{REMOVAL}")
        try:
            yield
        except BudgetSpentError:
            self.stop(_SPENT)
        except _StoppedError as error:
            self.stop(str(error))
        except Exception as error:
            # An operation's own list may trip over an answer; what the checks found is told all the same.
            self.stop(f"an error in the suite itself kept it from being removed: {error!r}; please report it")

    def _look(self) -> None:
        after = self._ledger.latest
        try:
            # All of it: what the target has under another name must stay.
            shown = self._client.left("")
        finally:
            # A page that could not be read ends the list, but for those that are asked for once more.
            last = next(reversed(self._sent(after)), None)
            self.unseen = _NOT_ASKED if last is None else "" if 200 <= (last.status or 0) < 300 else last.outcome
        ours = {identity: name for identity, name in shown.items() if self._is_ours(name)}
        self._others |= {identity: name for identity, name in shown.items() if identity not in ours}
        for identity, name in ours.items():
            self._things.setdefault(identity, _Thing(name))
        for identity, thing in self._things.items():
            thing.listed = identity in shown

    def _removable(self) -> list[str]:
        return [
            identity
            for identity, thing in self._things.items()
            if thing.is_there and not thing.refused and thing.tries < _TRIES and not self._why_not(identity, thing)
        ]

    def _why_not(self, identity: str, thing: _Thing) -> str:
        """Why what seems to be ours is not removed; "" where it is."""
        if (shown := self._others.get(identity, thing.name)) != thing.name:
            return f"the target lists it as {quoted(shown, _LONGEST_SHOWN)}, so it may be somebody else's"
        return "" if self._client.is_safe(identity) else _NOT_PLAIN

    def _why_left(self, identity: str, thing: _Thing) -> str:
        said = _SAID_GONE if thing.gone else thing.answered
        return self._why_not(identity, thing) or said or self._stopped

    def _remove(self, identities: Sequence[str]) -> None:
        for begin in range(0, len(identities), _IN_FLIGHT):
            wanted = {identity: self._client.removal(identity) for identity in identities[begin : begin + _IN_FLIGHT]}
            after = self._ledger.latest
            try:
                self._client.send_all([request for request in wanted.values() if request])
            finally:
                # A budget that ends, or Ctrl-C, comes between answers.
                answers = {each.request.target: each for each in self._sent(after)}
                for identity, request in wanted.items():
                    if request and (answer := answers.get(request.target)):
                        self._things[identity].learn(answer)
            if all(each.failure for each in answers.values()):
                raise _StoppedError(_SILENT)

    def _sent(self, after: int) -> list[Exchange]:
        return self._ledger.exchanges(self._client.wire.check, after)

    @property
    def _ledger(self) -> Ledger:
        return self._client.wire.ledger
