"""An operation of the contract, as its folder's ``operation.py`` declares it, and all that are known.

Nothing else in the package knows what an operation's requests ask or what its answers say.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile, Requirement, Stage
from trigger_conformance.contract.contract import (
    Contract,
    Expected,
    UnknownClauseError,
    is_taken_everywhere,
    strict_json,
)
from trigger_conformance.contract.home import DOCUMENTS, ROOT, SUITE
from trigger_conformance.contract.quoting import quoted

if TYPE_CHECKING:
    from trigger_conformance.checks.facts import Facts
    from trigger_conformance.wire.exchange import Exchange, Request
    from trigger_conformance.wire.wire import Wire

RUN_ID = re.compile(r"[0-9a-f]{8}")
# Of any run: somebody else may well call a thing conformance-nightly.
_OF_A_RUN = re.compile(rf"conformance-({RUN_ID.pattern})-")
OTHER_METHODS = ("GET", "PUT", "PATCH", "DELETE")
# What holds for every operation is written there once.
EVERY = "every_operation"
# Processes of one run, and what pytest starts, look in the same places.
CHECKS = "TRIGGER_CONFORMANCE_CHECKS"
OPENAPI = "TRIGGER_CONFORMANCE_OPENAPI"


class UnusableChecksError(ValueError):
    """A folder of the user's own checks cannot be used: why, in a line."""


@dataclass(frozen=True)
class Fact:
    """Something that the contract does not state of a target, and its user does, by the option ``name``.

    ``kind`` reads the text that is given, ``default`` stands where none is (None: nobody said), a number is at least
    ``least``; ``help`` is the option's sentence.
    """

    name: str
    kind: Callable[[str], Any]
    help: str
    default: Any = None
    metavar: str = ""
    least: float | None = None

    @property
    def dest(self) -> str:
        """The name as an identifier."""
        return self.name.replace("-", "_")


# The requirement of every operation that its answers can be read.
SCHEMA = "answers.accepted_answers_satisfy_the_schema"


class Memory(Protocol):
    """What an operation remembers of a run; processes of the run tell each other, so it can be pickled."""

    def take_over(self, other: Any) -> None:
        """Know what ``other`` knows, which is another process's of the same kind."""


@dataclass(frozen=True)
class Operation(ABC):
    """One method and path of a published document, and how its requests and answers are read.

    ``needs`` are the facts without which it is skipped, ``path_facts`` those that parameters of its path are, by the
    parameters' names (other parameters are its client's affair), ``line`` the schema of a line where its bodies are
    lines of JSON, ``error_texts`` the properties of an error that may say what is wrong, ``areas`` its own names for
    areas of every operation's checks, ``wording`` its own statement and clause for one of them ("area.name"),
    ``covered`` those of them whose statements its own checks make in other words, with these checks. ``scopes`` is what
    a forged token claims for it, ``aftermath`` what becomes of what a run makes. ``ids_owner`` is the requirement that
    no id is given twice, ``new_owner`` and ``as_asked_owner`` are those that a valid request makes something new, and
    what it asked for. ``key_property`` makes a retry safe, ``key_name`` is what titles call its key. A ``frugal`` one
    sends less of what every operation's checks have in tables, for what it makes has to be removed again. ``smoke`` are
    those of every operation's checks that send something and are in its smoke profile (None: all that are so anyhow).
    ``presses`` says that its requests provoke the rate limit. ``memory`` is what it knows of a run's answers beside its
    book, where it needs any: ``take_over`` adds what another process's knows. ``place`` is the folder of its document.
    """

    id: str
    title: str
    document: str
    operation_id: str
    thing: str
    things: str
    overlay: str | None = None
    facts: tuple[Fact, ...] = ()
    needs: tuple[str, ...] = ()
    path_facts: Mapping[str, str] = field(default_factory=dict)
    line: str = ""
    areas: Mapping[str, str] = field(default_factory=dict)
    wording: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    error_texts: tuple[str, ...] = ("error", "message", "title")
    scopes: tuple[str, ...] = ()
    aftermath: str = ""
    ids_owner: str = ""
    new_owner: str = ""
    as_asked_owner: str = ""
    key_property: str = ""
    key_name: str = "key"
    frugal: bool = False
    smoke: tuple[str, ...] | None = None
    covered: Mapping[str, str] = field(default_factory=dict)
    presses: bool = False
    memory: Memory | None = None
    place: Path = DOCUMENTS

    @cached_property
    def contract(self) -> Contract:
        """Its contract: the published document, or the user's own copy of it (``--openapi``)."""
        for given in filter(None, os.environ.get(OPENAPI, "").split(os.pathsep)):
            try:
                return Contract(Path(given), self.operation_id, self._overlay, self.line)
            except UnknownClauseError:
                continue
        return self.published

    @cached_property
    def published(self) -> Contract:
        """Its contract as it was published."""
        return Contract(self.place / self.document, self.operation_id, self._overlay, self.line)

    @property
    def _overlay(self) -> Path | None:
        return self.place / self.overlay if self.overlay else None

    @cached_property
    def words(self) -> Mapping[str, str]:
        """What every operation's checks call its parts, in their clauses and statements."""
        contract = self.contract
        return {
            "operation": contract.operation_id,
            "request": contract.request_schema,
            "response": contract.response_schema,
            "success": str(contract.success),
            "method": contract.method.upper(),
            "others": _listed([each for each in OTHER_METHODS if each not in contract.methods]),
            "thing": self.thing,
            "things": self.things,
        }

    def requirement(self, every: Requirement) -> Requirement:
        """The requirement of every operation ``every`` as this one's."""
        _, area, name = every.id.split(".")
        every = replace(every, clause=self._nearest(every.clause.format_map(self.words)))
        statement, clause = self.wording.get(f"{area}.{name}", (every.statement, every.clause))
        in_smoke = self.smoke is None or every.stage is Stage.CLOSING or f"{area}.{name}" in self.smoke
        return replace(
            every,
            profile=every.profile if in_smoke else max(every.profile, Profile.STANDARD),
            id=self.owner(f"{area}.{name}"),
            statement=statement.format_map(self.words),
            clause=clause.format_map(self.words),
        )

    def _nearest(self, clause: str) -> str:
        """The clause, or where the published document has no such place the nearest that it is in."""
        while "." in clause and not clause.startswith("RFC "):
            with suppress(UnknownClauseError):
                return self.published.clause(clause).name
            clause = clause.rpartition(".")[0]
        return clause

    def owner(self, every: str) -> str:
        """The id of its requirement that every operation has as ``every`` ("area.name")."""
        if every in self.covered:
            return f"{self.id}.{self.covered[every]}"
        area, name = every.split(".")
        return f"{self.id}.{self.areas.get(every, self.areas.get(area, area))}.{name}"

    def lacking(self, stated: Mapping[str, Any]) -> str | None:
        """Why it cannot be tested on a target of which this is ``stated``, and what would change that."""
        return _needing(fact.name for fact in self.facts if fact.name in self.needs and stated.get(fact.dest) is None)

    def unreached(self, stated: Mapping[str, Any]) -> str | None:
        """Why nothing can be asked on its path, on a target of which this is ``stated``; None where it can."""
        facts = {fact.dest: fact.name for fact in self.facts}
        return _needing(facts[dest] for dest in self.path_facts.values() if stated.get(dest) is None)

    @property
    def reached_by(self) -> tuple[Fact, ...]:
        """What must be said of a target where its path is to be known, and whose it is."""
        return self.facts if self.path_facts else ()

    @abstractmethod
    def client(self, target: Facts, wire: Wire) -> Any:
        """What its checks speak through: a ``Client`` of its own."""

    def runs_at_most(self, stated: Mapping[str, Any]) -> int:  # noqa: ARG002
        """What a usual run may need of the budget of runs, beside the profile's."""
        return 0

    def cost(self, request: Request, stated: Mapping[str, Any]) -> int:  # noqa: ARG002
        """How many runs a request costs where it is accepted."""
        return 0

    def starts(self, exchange: Exchange) -> int:  # noqa: ARG002
        """How many runs of a task of the target a request has started, as its answer tells, or will yet start."""
        return 0

    def key(self, request: Request) -> str | None:
        """The key that makes a retry of the request safe, where it has one: a text in ``key_property``."""
        key = (request.document or {}).get(self.key_property) if self.key_property else None
        return key if isinstance(key, str) else None

    def about(self, request: Request) -> str | None:
        """The key of what a request asks for, looks at, or removes, where the request itself says it."""
        return self.key(request)

    def also_shows(self, exchange: Exchange, book: Sequence[Exchange]) -> list[Exchange]:  # noqa: ARG002
        """Those exchanges of a run's ``book`` whose things an answer shows in the place of its own."""
        return []

    def beginning(self, run_id: str) -> str:
        """How the names of what a run makes begin."""
        return f"conformance-{run_id}-"

    def run_of(self, name: str) -> str | None:
        """The id of the run that a name says it is of; None where it is no run's."""
        found = _OF_A_RUN.match(name)
        return found[1] if found else None

    def names_its_key(self, request: Request) -> bool:
        """Whether there is something in the place of the key, be it a key or not."""
        return self.key(request) is not None or (
            bool(self.key_property) and self.key_property in (request.document or {})
        )

    def made(self, exchange: Exchange) -> str | None:  # noqa: ARG002
        """The id of what the answer says the request made or found."""
        return None

    def is_new(self, exchange: Exchange) -> bool | None:  # noqa: ARG002
        """Whether the answer says that the request made something new; None where it says neither."""
        return None

    def named(self, exchange: Exchange) -> str | None:
        """The name that the answer says of what was made: what it has for the key's property."""
        document = exchange.answer.document if exchange.answer else None
        name = document.get(self.key_property) if isinstance(document, dict) else None
        return name if isinstance(name, str) else None

    def why_not_new(self, exchange: Exchange) -> str | None:
        """What keeps an answer from being that of a valid request that made something new."""
        if exchange.status != self.contract.success:
            return f"expected {self.contract.success} and a new {self.thing}, got {exchange.outcome}"
        if self.is_new(exchange) is False:
            return f"expected a new {self.thing}, got {quoted(self.made(exchange))}, which was there before"
        return None if self.made(exchange) else Problem(f"the answer names no {self.thing}", "id")

    def why_not_generated(self, exchange: Exchange) -> str | None:
        """What keeps an answer from being right for a generated request that the schema allows."""
        return self.why_not_new(exchange)

    def is_full(self, exchange: Exchange) -> bool:  # noqa: ARG002
        """Whether an answer says that there may be no more of what the operation makes: it says nothing else."""
        return False

    def asks(self, request: Request) -> bool:  # noqa: ARG002
        """Whether a request asks the operation itself; others look at what it made, or remove it."""
        return True

    def kept(self, exchange: Exchange) -> Exchange:
        """An exchange as it may be kept and shown: without the secrets of others that an answer may tell."""
        return exchange

    def as_judged(self, exchange: Exchange) -> Exchange:
        """An answer as the document's schema judges it: without what the operation's page lets pass."""
        return exchange

    def owner_of_refusal(self, exchange: Exchange) -> str:  # noqa: ARG002
        """Whose affair it is that a valid request was refused, whatever it asked for; "" where it is its check's."""
        return ""

    def unreadable(self, exchange: Exchange) -> dict[str, str]:
        """The properties of which the answer to an accepted request tells nothing, with whose affair that is.

        Required ones that it lacks, and those of another type than the documented one, are the schema's.
        """
        if exchange.status != self.contract.success or not self.asks(exchange.request):
            return {}
        answer = self.as_judged(exchange).answer
        misfits = self.contract.misfits(self.contract.response_schema, answer.json if answer else None)
        return dict.fromkeys(misfits, self.owner(SCHEMA))

    def also_fine(self, request: Request) -> frozenset[int]:  # noqa: ARG002
        """Statuses beside the documented ones that may answer ``request``."""
        return frozenset()

    def why_not_as_asked(self, exchange: Exchange) -> str | None:  # noqa: ARG002
        """What keeps the answer to a valid request from being what it asked for."""
        return None

    def expected(self, body: bytes, stated: Mapping[str, Any]) -> Expected:  # noqa: ARG002
        """How a sound target may answer a ``body``."""
        document = strict_json(body)
        if not self.contract.keeps_schema(document):
            return Expected.REJECTED
        return Expected.ACCEPTED if is_taken_everywhere(document) else Expected.OPEN

    def narrowed(self, stated: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:  # noqa: ARG002
        """Actions of an overlay, beside the file's, that keep generated requests inside what every target accepts."""
        return ()

    def fresh(self, body: dict[str, Any], key: Callable[[], str]) -> dict[str, Any]:  # noqa: ARG002
        """A generated ``body`` with a key of its own, and without what the contract leaves open."""
        return body

    def shape(self, body: Any) -> str:
        """What generated bodies have in common that ask the same."""
        return repr(body)


def operations() -> Mapping[str, Operation]:
    """Every operation, by its id, in the order of their folders."""
    return _declared()[0]


def unusable() -> str | None:
    """Why an operation of the user's own is none, told later than the options that operations bring are read."""
    return next(iter(_declared()[1]), None)


@cache
def _declared() -> tuple[Mapping[str, Operation], list[str]]:
    found: dict[str, Operation] = {}
    wrong = []
    for suite in suites():
        root = str(ROOT if suite == SUITE else suite)
        if root not in sys.path:
            sys.path.insert(0, root)
        for path in sorted(suite.glob("*/operation.py")):
            try:
                operation = _operation(suite, path)
                if operation.id in found:
                    raise UnusableChecksError(f"{path}: there is an operation {operation.id} already")
                found[operation.id] = operation
            except UnusableChecksError as error:
                wrong.append(str(error))
    return found, wrong


def _operation(suite: Path, path: Path) -> Operation:
    operation = getattr(imported(suite, path), "OPERATION", None)
    if not isinstance(operation, Operation) or operation.id != path.parent.name:
        raise UnusableChecksError(f"{path}: it must declare OPERATION, an Operation with the id {path.parent.name!r}")
    return operation


def _needing(options: Iterable[str]) -> str | None:
    missing = [f"--{name}" for name in options]
    return f"needs {' and '.join(missing)}" if missing else None


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def imported(suite: Path, path: Path) -> ModuleType:
    """A module of a folder of checks. Raises UnusableChecksError where one of the user's own cannot be imported."""
    name = f"{'tests.' if suite == SUITE else ''}{path.parent.name}.{path.stem}"
    try:
        return importlib.import_module(name)
    except Exception as error:
        if suite == SUITE:
            raise
        raise UnusableChecksError(f"{path}: it cannot be imported: {type(error).__name__}: {error}") from error


def suites() -> tuple[Path, ...]:
    """The folders that hold checks and operations: the suite's own, and the user's (``--checks``)."""
    return (SUITE, *(Path(each) for each in filter(None, os.environ.get(CHECKS, "").split(os.pathsep))))


class _None(Operation):
    def client(self, target: Facts, wire: Wire) -> Any:
        raise NotImplementedError


_NONE = _None("", "", "", "", "thing", "things")


def operation_of(request: Request) -> Operation:
    """The operation that a request belongs to; of one that belongs to none nothing is known."""
    return operations().get(request.operation, _NONE)


class Readings:
    """How all operations read their requests and answers, on a target of which this is ``stated``."""

    def __init__(self, stated: Mapping[str, Any]) -> None:
        self._stated = stated

    def cost(self, request: Request) -> int:
        """How many runs a request costs where it is accepted."""
        return operation_of(request).cost(request, self._stated)

    def is_new(self, exchange: Exchange) -> bool | None:
        """Whether the answer says that the request made something new; None where it says neither."""
        return operation_of(exchange.request).is_new(exchange)

    def repeatable(self, request: Request) -> str:
        """The request's key: what was given may be given back."""
        return operation_of(request).key(request) or ""

    def kept(self, exchange: Exchange) -> Exchange:
        """The exchange as it may be kept and shown."""
        return operation_of(exchange.request).kept(exchange)
