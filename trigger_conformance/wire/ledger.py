"""The run's one book: what was spent, when the next request may leave, and every exchange.

An SQLite file, so that all worker processes of a run share one budget, one pace and one record. It lives in a
private temporary folder for the length of the run and never holds a credential.
"""

from __future__ import annotations

import pickle
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.exchange import Exchange
from trigger_conformance.wire.replay import Decision

_TABLES = """
CREATE TABLE account (
    requests INTEGER, runs INTEGER, started REAL, next_slot REAL, hold_until REAL, last_success REAL, down TEXT
);
CREATE TABLE exchange (number INTEGER PRIMARY KEY, requirement TEXT, record BLOB);
CREATE INDEX of_requirement ON exchange (requirement);
CREATE TABLE finished (nodeid TEXT PRIMARY KEY);
CREATE TABLE decision (requirement TEXT, name TEXT, value INTEGER);
"""


class BudgetSpentError(Exception):
    """The run may send nothing more; the message says which budget ran out and how to raise it."""


class Ledger:
    """Opens, or with ``create`` begins, the book at ``path``; times are seconds of the monotonic clock.

    It is used on the thread that opened it, or with ``anywhere`` on any, one at a time.
    """

    def __init__(self, path: Path, budget: Budget, *, create: bool = False, anywhere: bool = False) -> None:
        self.budget = budget
        self._read: list[Exchange] = []
        self.path = path
        self._anywhere = anywhere
        self._open()
        if create:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.executescript(_TABLES)
            self._database.execute("INSERT INTO account VALUES (0, 0, ?, 0, 0, 0, NULL)", (time.monotonic(),))

    def _open(self) -> None:
        self._database = sqlite3.connect(
            self.path, isolation_level=None, timeout=30, check_same_thread=not self._anywhere
        )
        self._database.execute("PRAGMA synchronous = OFF")

    @contextmanager
    def shut(self) -> Iterator[None]:
        """A context in which the file is closed: SQLite forbids to carry an open one into a forked process."""
        self.close()
        try:
            yield
        finally:
            self._open()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def release(self) -> None:
        """Give up what an interruption left half written, so that others may write."""
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")

    def _account(self, column: str) -> float:
        value: float = self._database.execute(f"SELECT {column} FROM account").fetchone()[0]
        return value

    @property
    def requests(self) -> int:
        """Requests sent so far, the ones answered 429 included."""
        return int(self._account("requests"))

    @property
    def runs(self) -> int:
        """The runs that what was made so far costs."""
        return int(self._account("runs"))

    @property
    def seconds_left(self) -> float:
        """Seconds until the time budget is spent; not below 0."""
        return max(0.0, self._account("started") + self.budget.seconds - time.monotonic())

    @property
    def seconds_spent(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._account("started")

    @property
    def requests_left(self) -> int:
        """Requests that may still be sent."""
        return max(0, self.budget.requests - self.requests)

    @property
    def runs_left(self) -> int:
        """Runs that may still be created."""
        return max(0, self.budget.runs - self.runs)

    def reserve(self, runs: int) -> float:
        """Book one request that may create ``runs`` runs; returns when (monotonic) it may leave.

        Raises BudgetSpentError where a budget does not allow it.
        """
        with self._transaction():
            row = self._database.execute(
                "SELECT requests, runs, started, next_slot, hold_until FROM account"
            ).fetchone()
            requests, spent, started, next_slot, hold_until = row
            now = time.monotonic()
            if requests >= self.budget.requests:
                raise BudgetSpentError(f"the budget of {self.budget.requests} requests is spent (--max-requests)")
            if spent + runs > self.budget.runs:
                raise BudgetSpentError(f"{runs} more runs would exceed the budget of {self.budget.runs} (--max-runs)")
            if now > started + self.budget.seconds:
                raise BudgetSpentError(f"the budget of {self.budget.seconds:g} seconds is spent (--max-seconds)")
            slot = max(now, next_slot, hold_until)
            pause = 1 / self.budget.per_second if self.budget.per_second else 0.0
            self._database.execute("UPDATE account SET requests = requests + 1, next_slot = ?", (slot + pause,))
        return float(slot)

    def record(self, exchange: Exchange, runs: int) -> Exchange:
        """Keep ``exchange`` and count the ``runs`` that it created; returns it with its number in the run.

        An exchange that has a number already, from an earlier run, keeps it.
        """
        record = pickle.dumps(exchange, protocol=pickle.HIGHEST_PROTOCOL)
        with self._transaction():
            cursor = self._database.execute(
                "INSERT INTO exchange (number, requirement, record) VALUES (?, ?, ?)",
                (exchange.number or None, exchange.check, record),
            )
            success = exchange.ended if exchange.answer and exchange.status != 429 else 0.0
            self._database.execute(
                "UPDATE account SET runs = runs + ?, last_success = max(last_success, ?)", (runs, success)
            )
        return replace(exchange, number=int(cursor.lastrowid or 0))

    def hold(self, until: float) -> None:
        """Let no request of any worker leave before ``until``."""
        self._database.execute("UPDATE account SET hold_until = max(hold_until, ?)", (until,))

    @property
    def last_success(self) -> float:
        """When the last answer other than a 429 came, or 0."""
        return self._account("last_success")

    @property
    def down(self) -> str | None:
        """Why the target was given up, or None."""
        reason: str | None = self._database.execute("SELECT down FROM account").fetchone()[0]
        return reason

    @down.setter
    def down(self, reason: str) -> None:
        self._database.execute("UPDATE account SET down = ?", (reason,))

    @property
    def waiting(self) -> float:
        """Seconds until the next request may leave, as the target's limit asks; not below 0."""
        return max(0.0, self._account("hold_until") - time.monotonic())

    def exchanges(self, check: str | None = None, after: int = 0) -> list[Exchange]:
        """The run's exchanges in order, those ``after`` a number, or those that ``check`` sent."""
        if check is None and after == 0:
            return self._everything()
        where = "" if check is None else " AND requirement = ?"
        rows = self._database.execute(
            f"SELECT number, record FROM exchange WHERE number > ?{where} ORDER BY number",
            (after,) if check is None else (after, check),
        )
        return [replace(pickle.loads(record), number=number) for number, record in rows]

    def _everything(self) -> list[Exchange]:
        # Many checks look at all that was sent: what has been read before is read no more.
        self._read += self.exchanges(after=self._read[-1].number if self._read else -1)
        if len(self._read) != self.recorded:
            # Numbers that an earlier run gave need not come in their order.
            self._read = self.exchanges(after=-1)
        return list(self._read)

    @property
    def recorded(self) -> int:
        """How many exchanges there are."""
        count: int = self._database.execute("SELECT count(*) FROM exchange").fetchone()[0]
        return count

    @property
    def latest(self) -> int:
        """The number of the last exchange, or 0."""
        number: int | None = self._database.execute("SELECT max(number) FROM exchange").fetchone()[0]
        return number or 0

    def decide(self, decision: Decision) -> None:
        """Keep what a check made of the time that it had."""
        row = (decision.check, decision.name, decision.value)
        self._database.execute("INSERT INTO decision VALUES (?, ?, ?)", row)

    def decisions(self) -> list[Decision]:
        """What the run's checks decided."""
        return [Decision(*row) for row in self._database.execute("SELECT requirement, name, value FROM decision")]

    def finish(self, nodeid: str) -> None:
        """Note that the test ``nodeid`` has ended."""
        self._database.execute("INSERT OR IGNORE INTO finished VALUES (?)", (nodeid,))

    @property
    def finished(self) -> int:
        """How many tests have ended."""
        count: int = self._database.execute("SELECT count(*) FROM finished").fetchone()[0]
        return count

    def close(self) -> None:
        """Close the file."""
        self._database.close()
