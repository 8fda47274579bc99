"""One process's part in a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from trigger_conformance.checks.catalogue import Selection
from trigger_conformance.checks.client import Client
from trigger_conformance.checks.operation import Operation, Readings, operations
from trigger_conformance.options.target import Target
from trigger_conformance.reference.mounted import mounted
from trigger_conformance.runs import attestation
from trigger_conformance.verdicts.waivers import Waiver
from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.exchange import Exchange
from trigger_conformance.wire.ledger import Ledger
from trigger_conformance.wire.redaction import Redactor
from trigger_conformance.wire.room import Room
from trigger_conformance.wire.wire import Wire


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What a worker process needs to take part in a run."""

    target: Target
    budget: Budget
    ledger: Path
    report_dir: Path
    strict: bool
    selection: Selection
    waivers: tuple[Waiver, ...]
    today: date
    built_in: bool = False
    replay: Path | None = None


class Station:
    """One process's part in a run: the clients that checks speak through, over the run's shared book.

    ``api`` is the client of the operation whose check has its turn. A run's own process is ``lane`` 0; those beside it
    are numbered from 1, and share the ``room`` of what may be in flight.
    """

    def __init__(self, shared: Shared, *, create: bool = False, lane: int = 0, room: Room | None = None) -> None:
        self.shared = shared
        target = shared.target
        keys = [key for key in (target.api_key, target.second_api_key) if key]
        self.redactor = Redactor(keys, target.headers)
        for secret in target.proxy.secrets if target.proxy else ():
            self.redactor.conceal(secret)
        self.ledger = Ledger(shared.ledger, shared.budget, create=create)
        replay = attestation.evidence(shared.replay) if shared.replay is not None else None
        self.wire = Wire(target, self.ledger, self.redactor, replay, Readings(target.stated), lane=lane, room=room)
        self._clients: dict[str, Client] = {}
        self.sampled: set[str] = set()
        self.api = self.client(next(iter(operations())))

    def client(self, operation: str) -> Client:
        """The client of an operation."""
        if operation not in self._clients:
            self._clients[operation] = operations()[operation].client(self.shared.target, self.wire)
        return self._clients[operation]

    def begin(self, requirement: str) -> Client:
        """From now on requests leave on behalf of ``requirement``; returns its operation's client."""
        self.api = self.client(requirement.partition(".")[0])
        self.api.begin(requirement)
        return self.api

    def why_untested(self, operation: Operation) -> str | None:
        """Why an operation cannot be tested on the target, or None."""
        if self.shared.built_in and operation.id not in mounted():
            return f"{operation.title}: the built-in reference server does not have it"
        lacking = operation.lacking(self.shared.target.stated)
        return f"{operation.title}: {lacking}" if lacking else None

    def exchanges(self, operation: str) -> list[Exchange]:
        """What was sent so far on behalf of an operation's checks; requests of another's that they need are not its."""
        own = (each for each in self.ledger.exchanges() if each.check.partition(".")[0] == operation)
        return [each for each in own if each.request.operation == operation]

    @contextmanager
    def apart(self) -> Iterator[None]:
        """A context in which no connection and no book is open, for neither may be carried into another process."""
        self.wire.hang_up()
        with self.ledger.shut():
            yield

    def close(self) -> None:
        """Close connections and the book."""
        self.wire.close()
        self.ledger.close()
