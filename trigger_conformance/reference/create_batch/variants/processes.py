"""Several processes with one store."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.limiter import Allowance, Limits, TokenBucket
from trigger_conformance.reference.listening import end_with_parent, listen
from trigger_conformance.reference.settings import SOUND, Settings
from trigger_conformance.reference.site import Environment


class _Database:
    """What one environment keeps, in a file that several processes open."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="reference-store-")
        self._opened: sqlite3.Connection | None = None

    @property
    def connection(self) -> sqlite3.Connection:
        """The database, opened in the process that uses it."""
        if self._opened is None:
            self._opened = sqlite3.connect(Path(self.folder.name, "store"), isolation_level=None, timeout=30)
            self._opened.execute("PRAGMA journal_mode = WAL")
            self._opened.execute("PRAGMA synchronous = OFF")
            self._opened.execute("CREATE TABLE IF NOT EXISTS batch (key PRIMARY KEY, id, runs)")
            self._opened.execute("CREATE TABLE IF NOT EXISTS bucket (name PRIMARY KEY, tokens, at)")
        return self._opened

    def close(self) -> None:
        """Close it in this process; it is opened again at its next use."""
        self.connection.close()
        self._opened = None


class _SharedBucket(TokenBucket):
    """A bucket whose tokens stand in a database that several processes share."""

    def __init__(self, database: _Database, name: str, capacity: int, rate: float) -> None:
        super().__init__(capacity, rate)
        self.database, self.name = database, name
        database.connection.execute("INSERT OR IGNORE INTO bucket VALUES (?, ?, ?)", (name, self._tokens, self._at))

    def take(self, cost: int) -> Allowance:
        connection = self.database.connection
        with _transaction(connection):
            row = connection.execute("SELECT tokens, at FROM bucket WHERE name = ?", (self.name,)).fetchone()
            self._tokens, self._at = row
            allowance = super().take(cost)
            changed = (self._tokens, self._at, self.name)
            connection.execute("UPDATE bucket SET tokens = ?, at = ? WHERE name = ?", changed)
        return allowance


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """A transaction that shuts other processes out; inside another one, a part of that."""
    if database.in_transaction:
        yield
        return
    database.execute("BEGIN IMMEDIATE")
    yield
    database.execute("COMMIT")


class _InTwo(ReferenceApp):
    """Runs in two processes, whose limits stand in the environments' databases."""

    def __init__(self, settings: Settings = SOUND) -> None:
        super().__init__(settings)
        self.databases = [each.store(_Database) for each in self.site.environments]
        for environment, database in zip(self.site.environments, self.databases, strict=True):
            self.site.limits[environment.name] = Limits(
                _SharedBucket(database, "requests", *self.settings.request_limit),
                _SharedBucket(database, "runs", *self.settings.run_limit),
            )

    def run(self, listener: socket.socket) -> None:
        for database in self.databases:
            database.close()
        ports, end_of_parent = [], os.pipe()
        for _ in range(2):
            behind = listen()
            ports.append(behind.getsockname()[1])
            if os.fork() == 0:
                os.close(end_of_parent[1])
                end_with_parent(end_of_parent[0])
                super().run(behind)
                os._exit(0)
            behind.close()
        with ExitStack() as stack:
            for database in self.databases:
                stack.enter_context(database.folder)
            asyncio.run(_hand_out(listener, ports))


@variant(app=_InTwo)
class TwoProcesses(CreateBatchServer):
    """Two processes share one database; a proxy hands them connections in turn."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        if order.key is None:
            return None
        connection = environment.store(_Database).connection
        # Closed by create, or where the limit refuses it.
        connection.execute("BEGIN IMMEDIATE")
        query = "SELECT id, runs FROM batch WHERE key = ?"
        row = connection.execute(query, (self.stored_key(order.key),)).fetchone()
        if row is None:
            return None
        connection.execute("COMMIT")
        return Batch(row[0], row[1], order.key)

    def stored_key(self, key: str) -> str:
        return key.encode("utf-8", "surrogatepass").hex()

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        allowance = super().charge_runs(environment, order)
        connection = environment.store(_Database).connection
        if not allowance.granted and connection.in_transaction:
            connection.execute("COMMIT")
        return allowance

    async def create(self, environment: Environment, order: Order) -> Batch:
        batch = Batch(self.new_id(), order.run_count, order.key)
        if order.key is not None:
            connection = environment.store(_Database).connection
            connection.execute(
                "INSERT INTO batch VALUES (?, ?, ?)", (self.stored_key(order.key), batch.id, batch.run_count)
            )
            connection.execute("COMMIT")
        return batch


async def _hand_out(listener: socket.socket, ports: list[int]) -> None:
    """Give each new connection to the next port."""
    turns = itertools.cycle(ports)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_connection("127.0.0.1", next(turns))
        await asyncio.gather(pump(reader, behind[1]), pump(behind[0], writer))

    terminated = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    async with await asyncio.start_server(connect, sock=listener):
        await terminated.wait()
