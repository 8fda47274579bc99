"""Requests generated from the contract and its overlay (schemathesis), and idempotency keys (hypothesis).

Generating sends nothing: it yields bodies, the checks send them over the wire. All is drawn before anything is sent, so
that no answer, no clock and no budget has a say in it: where the budget is short, the first of the same are sent.
"""

from __future__ import annotations

import contextlib
import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase
from hypothesis.errors import Flaky
from hypothesis.internal.conjecture import providers

from trigger_conformance.checks.expect import InconclusiveError
from trigger_conformance.contract.contract import Expected

if TYPE_CHECKING:
    from schemathesis import Case, GenerationMode

    from trigger_conformance.checks.client import Client
    from trigger_conformance.contract.contract import Contract

# Hypothesis mixes constants of the modules that it takes for the user's own into what it generates: the suite's, where
# it runs from a checkout. One seed must send the same requests however the suite was installed and started.
providers.is_local_module_file = lambda path: False  # type: ignore[assignment, attr-defined]  # noqa: ARG005

_ENDLESS = 1_000_000_000
# So many requests tell the pace of a target.
_FIRST = 5
_BODIES = (dict, list, str, int, float, bytes, type(None))
Drawn = TypeVar("Drawn")


def preload(contract: Contract) -> None:
    """Load what generates requests and judges them, of the ``contract`` as of others: while nothing else is to be done.

    The libraries take half a second, most of it when they read a document for the first time. In a thread they would
    change what Hypothesis looks through meanwhile.
    """
    import schemathesis

    from trigger_conformance.checks.judges import Judges

    # What is wrong with it is told where it is needed.
    with contextlib.suppress(Exception):
        schemathesis.openapi.from_dict(contract.generating_document(()))
        Judges(contract)


class Enough(BaseException):
    """Ends a campaign at once, with ``error`` where there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error


@dataclass(frozen=True)
class Generated:
    """One generated body (bytes as they are sent), what the contract expects of it, and the case it came from."""

    body: bytes
    expected: Expected
    case: Case[Any]


class Generator:
    """Generates bodies of the requests that a ``client`` can send, for its run's seed."""

    def __init__(self, client: Client) -> None:
        import schemathesis

        self._client = client
        self._contract = contract = client.contract
        self._seed = client.options.seed
        config = schemathesis.Config()
        config.projects.default.generation.update(with_security_parameters=False)
        document = contract.generating_document(client.narrowed())
        self._schema = schemathesis.openapi.from_dict(document, config=config)
        self._operation = self._schema[contract.path][contract.method.upper()]

    def valid(self, count: int) -> list[Generated]:
        """Up to ``count`` different bodies that every target must accept."""
        from schemathesis import GenerationMode

        return self._several(GenerationMode.POSITIVE, Expected.ACCEPTED, count)

    def invalid(self, count: int) -> list[Generated]:
        """Up to ``count`` different bodies that every target must reject, each for one reason."""
        from schemathesis import GenerationMode

        return self._several(GenerationMode.NEGATIVE, Expected.REJECTED, count)

    def explore(
        self, expected: Expected, check: Callable[[Generated], None], number: int, database: ExampleDatabase | None
    ) -> None:
        """Generate bodies of which the contract expects ``expected`` until ``check`` raises.

        Examples that failed before come first, from the ``database``. What is raised was raised for the smallest body
        that Hypothesis could find; ``check`` ends the search itself by raising Enough.
        """
        from schemathesis import GenerationMode

        mode = GenerationMode.POSITIVE if expected is Expected.ACCEPTED else GenerationMode.NEGATIVE
        found: list[tuple[int, Exception]] = []

        # Outermost: a seed takes the database away from the settings inside it.
        @settings(
            max_examples=_ENDLESS,
            database=database,
            deadline=None,
            phases=[Phase.reuse, Phase.generate, Phase.shrink],
            # Otherwise it would look for more, for ten seconds, and raise a group of what it found.
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @seed(number)
        @given(self._operation.as_strategy(generation_mode=mode))
        def campaign(case: Case[Any]) -> None:
            generated = self._fresh(case)
            if generated is None or not self._is_clear(generated, expected):
                return
            try:
                check(generated)
            except Exception as error:
                found.append((len(generated.body), error))
                raise

        try:
            campaign()
        except Enough as enough:
            # What was found stands, though the search for a smaller body was cut short.
            if (error := _smallest(found) or enough.error) is not None:
                raise error from None
        except Flaky:
            # It was seen, if only once.
            raise found[0][1] from None

    def _is_clear(self, generated: Generated, expected: Expected) -> bool:
        """Whether a body is what was asked for, and for one reason where it is to be rejected."""
        if generated.expected is not expected:
            return False
        return expected is Expected.ACCEPTED or self._breaks_one_thing(generated.body)

    def _several(self, mode: Any, expected: Expected, count: int) -> list[Generated]:
        found: dict[str, Generated] = {}
        for case in self._cases(mode, count):
            # Each takes time to make.
            if len(found) == count:
                break
            generated = self._fresh(case)
            if generated is None or not self._is_clear(generated, expected):
                continue
            # Keys are fresh in every body: without them equal bodies are seen to be equal.
            found.setdefault(self._client.operation.shape(case.body), generated)
        return list(found.values())

    def _cases(self, mode: GenerationMode, count: int) -> Iterator[Case[Any]]:
        """The cases that cover the document, then ``count`` others."""
        generation = self._schema.config.generation_for(operation=self._operation)
        yield from self._schema.iter_coverage_cases(
            self._operation, generation_modes=[mode], generation_config=generation
        )
        yield from drawn(self._operation.as_strategy(generation_mode=mode), self._seed, count)

    def _fresh(self, case: Case[Any]) -> Generated | None:
        """A case's body as its operation sends it: with a key of its own, and so on."""
        body: Any = case.body
        if case.method.lower() != self._contract.method or case.headers or not isinstance(body, _BODIES):
            return None
        if isinstance(body, dict):
            body = self._client.operation.fresh(body, self._client.generated_key)
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Generated(payload, self._client.expected(payload), case)

    def _breaks_one_thing(self, body: bytes) -> bool:
        try:
            document = json.loads(body)
        except ValueError:
            return True
        errors = list(self._contract.schema_errors(self._contract.request_schema, document))
        return len(errors) <= 1


def _smallest(found: list[tuple[int, Exception]]) -> Exception | None:
    return min(found, key=lambda each: each[0])[1] if found else None


def portions(target: Client, cases: Sequence[Drawn], requests: int = 1) -> Iterator[Sequence[Drawn]]:
    """Portions of ``cases`` of so many ``requests``, as long as the budget leaves room: the first ones, never others.

    The pace of those before says how many go at a time; the hand-written checks that follow keep their share of it.
    """
    ledger, wanted = target.wire.ledger, len(cases)
    by_requests = max(0, ledger.requests_left - target.options.press_requests) // 2
    began, least = ledger.seconds_spent, ledger.seconds_left * 2 / 3
    sent, room = 0, (_FIRST // requests or 1) if by_requests >= min(wanted * requests, _FIRST) else 0
    while sent < wanted and (room := target.wire.decide(f"cases after {sent} of {wanted}", room)):
        yield cases[sent : sent + room]
        sent = min(wanted, sent + room)
        pace = sent / max(0.001, ledger.seconds_spent - began)
        room = max(0, min(by_requests // requests - sent, int(pace * (ledger.seconds_left - least))))
    if not sent:
        raise InconclusiveError("the budget leaves no room for generated requests (--max-requests)")
    if sent < wanted:
        target.note(f"{sent} of {wanted} generated cases: the budget left no room for more")


def near_keys(number: int, count: int) -> list[tuple[str, str]]:
    """Up to ``count`` pairs of different printable endings, each a small change of the other."""
    return list(dict.fromkeys(drawn(_pairs(), number, count)))


def drawn(strategy: st.SearchStrategy[Drawn], number: int, count: int) -> list[Drawn]:
    """What Hypothesis draws for the seed ``number``; the list for another ``count`` may begin otherwise."""
    found: list[Drawn] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: Drawn) -> None:
        found.append(value)

    collect()
    return found


def _printable() -> st.SearchStrategy[str]:
    letters = st.characters(categories=("L", "M", "N", "P", "S")).filter(str.isprintable)
    return st.text(letters, min_size=1, max_size=12)


def _lengthened() -> st.SearchStrategy[str]:
    around = [power + step for power in (32, 64, 128) for step in (-1, 0, 1)]
    return st.tuples(_printable(), st.sampled_from(around)).map(lambda drawn: (drawn[0] * drawn[1])[: drawn[1]])


_CHANGES: tuple[Callable[[str], str], ...] = (
    str.swapcase,
    str.casefold,
    lambda text: unicodedata.normalize("NFC", text),
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: unicodedata.normalize("NFKC", text),
    lambda text: text[:-1],
    lambda text: text + text[-1:],
    lambda text: f"{text} ",
    lambda text: text[::-1],
    lambda text: text[1:] + text[:1],
)


def _pairs() -> st.SearchStrategy[tuple[str, str]]:
    texts = st.one_of(_printable(), _lengthened())
    changed = st.tuples(texts, st.sampled_from(_CHANGES)).map(lambda drawn: (drawn[0], drawn[1](drawn[0])))
    return changed.filter(lambda pair: pair[0] != pair[1] and all(text.isprintable() for text in pair))
