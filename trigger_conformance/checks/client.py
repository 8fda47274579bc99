"""What checks speak through: it builds one operation's requests and sends them over the wire; it judges nothing."""

from __future__ import annotations

import json
import math
import random
import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from urllib.parse import quote, urlsplit

from trigger_conformance import __version__
from trigger_conformance.checks.facts import Facts
from trigger_conformance.checks.requirement import Profile
from trigger_conformance.contract import shell
from trigger_conformance.contract.contract import Expected
from trigger_conformance.wire.exchange import Beyond, Exchange, Framing, Request
from trigger_conformance.wire.redaction import TELLING_LENGTH
from trigger_conformance.wire.sending import Sending
from trigger_conformance.wire.wire import Wire

if TYPE_CHECKING:
    from trigger_conformance.checks.operation import Operation

Made = TypeVar("Made")
JSON = "application/json"
KEY_VARIABLE = "TRIGGER_API_KEY"
SECOND_KEY_VARIABLE = "TRIGGER_CONFORMANCE_SECOND_API_KEY"
_SEGMENT = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_~.:@=+,-]{0,199}", re.ASCII)


@dataclass(frozen=True)
class Authorization:
    """The Authorization headers of a request.

    ``values`` are sent one header each, ``shell`` is how a reader writes the one of them in a shell ("": as it follows
    from the keys), ``honours`` says whose credential a sound target sees in them: "primary", "second" or "none".
    """

    values: tuple[bytes, ...]
    shell: str = ""
    honours: str = "none"


class Client(ABC):
    """The target as a check of ``operation`` sees it. ``profile`` and ``stated`` are the run's facts.

    ``WAYS`` are the ways in which a request can be made, beside what its body says.
    """

    WAYS = ("authorization", "content_type", "framing", "beyond", "headers", "method", "path", "query")

    def __init__(self, operation: Operation, target: Facts, wire: Wire) -> None:
        self.operation = operation
        self.options = target
        self.contract = operation.contract
        self.wire = wire
        self.profile = target.profile
        self.stated = target.stated
        self._keys = 0
        self._notes: list[str] = []
        self.found: dict[Callable[..., Any], Any] = {}
        parts = urlsplit(target.base_url)
        self._prefix = parts.path.rstrip("/")
        self._host = parts.netloc.encode("idna" if not parts.netloc.isascii() else "ascii")
        keys = {KEY_VARIABLE: target.api_key, SECOND_KEY_VARIABLE: target.second_api_key}
        self._secrets = {variable: key for variable, key in keys.items() if key}
        self.bearer = Authorization((f"Bearer {target.api_key}".encode(),), honours="primary")
        self.second_bearer = target.second_api_key and Authorization(
            (f"Bearer {target.second_api_key}".encode(),), honours="second"
        )

    # Keys and randomness

    @property
    def own(self) -> str:
        """How the names of what the run makes begin."""
        return self.operation.beginning(self.options.run_id)

    def begin(self, check: str) -> None:
        """From now on requests leave on behalf of the requirement ``check``."""
        self.wire.check = check
        self._keys = 0
        self._notes.clear()

    def note(self, text: str) -> None:
        """Something worth telling beside the verdict: what was observed, how many cases were sent."""
        self._notes.append(text)

    def take_notes(self) -> list[str]:
        """The check's notes."""
        notes, self._notes = self._notes, []
        return notes

    def once(self, make: Callable[[Self], Made]) -> Made:
        """What ``make`` made of the target the first time: checks of a later stage see what those before it saw."""
        if make not in self.found:
            self.found[make] = make(self)
        return cast(Made, self.found[make])

    def key(self, suffix: str = "") -> str:
        """A key that nothing else uses; operators find all of a run's keys by their beginning."""
        self._keys += 1
        tag = zlib.crc32(self.wire.check.encode())
        # All numbers are of one length, that no plain key is the beginning of another.
        return f"{self.own}{tag:08x}-{self._keys:05}{suffix}"

    def random(self, purpose: str) -> random.Random:
        """Randomness that is the same in every run with one seed."""
        return random.Random(f"{self.options.seed} {purpose}")

    def pick(
        self, smoke: int, standard: int, thorough: int, frugal: int | None = None, thrifty: int | None = None
    ) -> int:
        """The number that fits the run's profile.

        ``frugal`` is a standard run's of an operation that is so, ``thrifty`` that of one whose things are removed.
        """
        if self.profile is Profile.STANDARD and self.thrifty and thrifty is not None:
            return thrifty
        if self.profile is Profile.STANDARD and self.sparing and frugal is not None:
            return frugal
        return {Profile.SMOKE: smoke, Profile.STANDARD: standard}.get(self.profile, thorough)

    @property
    def sparing(self) -> bool:
        """Whether the run sends less of every operation's tables, for this operation is frugal."""
        return self.operation.frugal and self.profile <= Profile.STANDARD

    @property
    def thrifty(self) -> bool:
        """Whether it sends less than that: each thing that it makes costs a further request, which removes it."""
        return self.sparing and self.removal("conformance") is not None

    def generated_key(self) -> str:
        """A key for a generated request that is to be accepted."""
        return self.key()

    # Building requests

    @abstractmethod
    def valid(
        self,
        label: str = "",
        *,
        key: str | None = None,
        authorization: Authorization | None = None,
        content_type: str | None = JSON,
        framing: Framing = Framing.LENGTH,
        beyond: Beyond = Beyond.NOTHING,
        **properties: Any,
    ) -> Request:
        """A valid request, which makes something new: with the ``key``, or a fresh one where the operation has keys.

        ``properties`` are further ones of its body.
        """

    def plain(self, label: str = "") -> Request:
        """A valid request with what it needs and nothing else."""
        return self.valid(label)

    def telling(self, label: str = "", **how: Any) -> Request:
        """A valid request whose answer tells whether its body was read right."""
        return self.valid(label, **how)

    def worded(self, label: str, text: str) -> Request:  # noqa: ARG002
        """As ``telling``, with this ``text`` where the operation has a property that takes any and tells it again."""
        return self.telling(label)

    def weighing(self, runs: int, **how: Any) -> Request:  # noqa: ARG002
        """A valid request that costs so many ``runs``, or as near to it as the operation can come."""
        return self.valid(**how)

    @property
    def most_runs(self) -> int:
        """The most that a request may cost; 0 where requests cost no runs."""
        return 0

    def cost(self, request: Request) -> int:
        """How many runs a request costs where it is accepted."""
        return self.operation.cost(request, self.stated)

    def invalid(self) -> dict[str, bytes]:
        """Bodies that every target must reject, the most telling first."""
        return {"malformed JSON": b"{", "an array": b"[]"}

    def token_claims(self) -> dict[str, Any] | None:
        """What a token of the target's own says, for forgeries of it; None where it hands out none."""
        return None

    @abstractmethod
    def twin(self, request: Request) -> Request:
        """The sound request whose answer shows whether ``request`` made anything: then it would not make it anew."""

    def look_for(self, requests: Iterable[Request]) -> tuple[list[Exchange], Callable[[Exchange], str | None]]:
        """What shows whether ``requests``, which must fail, made anything: exchanges, and what judges each of them."""
        # One with a key is enough: the first, after which it is called.
        firsts: dict[str | None, Request] = {}
        for each in requests:
            firsts.setdefault(self.operation.key(each), each)
        twins = self.send_all(self.twin(each) for each in firsts.values())
        return twins, self.operation.why_not_new

    def narrowed(self) -> Iterable[Mapping[str, Any]]:
        """What keeps generated requests inside what the target accepts, as actions of an overlay."""
        return self.operation.narrowed(self.stated)

    def path(self, **values: str) -> str:
        """The operation's path: its parameters are ``values``, and what the user stated of the others."""
        known = {name: self.stated.get(fact) for name, fact in self.operation.path_facts.items()}
        filled = {name: quote(value, safe="") for name, value in {**known, **values}.items() if value is not None}
        return self.contract.at(filled)

    def place_of(self, method: str) -> str | None:  # noqa: ARG002
        """The path to which a ``method`` that the document does not have is sent; None where it is better not sent."""
        return self.path()

    def spare_key(self) -> str | None:
        """The key of something that is there for what need not make anything new; None: a fresh one, or none."""
        return None

    def text(self, key: str | None = None) -> str:
        """The JSON text of a valid request's body, a fresh one's where no ``key`` is given."""
        return json.dumps(self.valid(key=key).document, separators=(",", ":"))

    def spaced(self, text: str) -> str:
        """A body's JSON ``text`` with white space around it that every target takes."""
        return f"\t\r\n {text} \n"

    def document(self) -> dict[str, Any]:
        """The body of a fresh valid request."""
        return self.valid().document or {}

    def expected(self, body: bytes) -> Expected:
        """How a sound target may answer a ``body``."""
        return self.operation.expected(body, self.stated)

    def request(
        self,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        label: str = "",
        method: str | None = None,
        path: str | None = None,
        authorization: Authorization | None = None,
        content_type: str | None = JSON,
        headers: Iterable[tuple[str, str]] = (),
        query: str = "",
        framing: Framing = Framing.LENGTH,
        beyond: Beyond = Beyond.NOTHING,
    ) -> Request:
        """One request, by default with the right credential; ``body`` is an object, sent as JSON, or raw bytes."""
        authorization = authorization or self.bearer
        method = method or self.contract.method.upper()
        payload = body if isinstance(body, bytes) else b"" if body is None else encode(body)
        lines = [("Host", self._host)]
        lines += [("Authorization", value) for value in authorization.values]
        if content_type is not None:
            lines.append(("Content-Type", content_type.encode("latin-1")))
        lines += [("Accept", JSON.encode()), ("Accept-Encoding", b"gzip, deflate")]
        lines.append(("User-Agent", f"trigger-conformance/{__version__}".encode()))
        lines += [(name, value.encode("latin-1")) for name, value in (*headers, *self.options.headers)]
        if framing.in_chunks:
            lines.append(("Transfer-Encoding", b"chunked"))
        elif payload or method in ("POST", "PUT", "PATCH"):
            lines.append(("Content-Length", str(len(payload)).encode()))
        return Request(
            target=self._prefix + (path or self.path()) + query,
            method=method,
            headers=tuple(lines),
            body=payload,
            framing=framing,
            label=label,
            credential=authorization.honours,
            beyond=beyond,
            shell_authorization=self._written(authorization),
            operation=self.operation.id,
        )

    def credential(self, value: str | bytes, shell: str = "") -> Authorization:
        """An Authorization header that no sound target honours."""
        return Authorization((value if isinstance(value, bytes) else value.encode("latin-1"),), shell)

    def derived(self, value: str, shell: str = "") -> Authorization:
        """The same with a value that was made from a key: it is kept secret like the key itself."""
        secret = value.rpartition(" ")[2]
        if len(secret) >= TELLING_LENGTH:
            self.wire.redactor.learn(secret)
        return self.credential(value, shell)

    def _written(self, authorization: Authorization) -> tuple[str, ...]:
        if authorization.shell and len(authorization.values) == 1:
            return (authorization.shell,)
        written = (shell.word(shell.from_secrets(value, self._secrets)) for value in authorization.values)
        return tuple(self.wire.redactor.text(each) for each in written)

    def sample(self) -> list[Request]:
        """What shows an operation's usual answers: a valid request, its replay, a malformed and a refused one."""
        valid = self.valid()
        wrong = self.credential("Bearer wrong-key")
        return [self.valid(), valid, valid, self.request(b"{"), self.valid(authorization=wrong)]

    # Sending

    def send(self, request: Request, *, fresh: bool = False, keep_429: bool = False) -> Exchange:
        """Send one request; ``fresh`` on a connection of its own, ``keep_429`` without waiting a refusal out."""
        return self.wire.send(request, Sending(fresh=fresh, keep_429=keep_429))

    def send_all(self, requests: Iterable[Request], *, keep_429: bool = False) -> list[Exchange]:
        """Send independent requests, several in flight at a time; answers in the same order."""
        return self.wire.send_all(list(requests), Sending(keep_429=keep_429))

    def _waves(self, requests: Iterable[Request]) -> list[list[Request]]:
        """The requests in order, in waves in which no two share a key: those would depend on each other."""
        waves: list[tuple[set[str], list[Request]]] = []
        for request in requests:
            key = self.operation.key(request) if request.credential == "primary" else None
            if not waves or key in waves[-1][0]:
                waves.append((set(), []))
            if key is not None:
                waves[-1][0].add(key)
            waves[-1][1].append(request)
        return [wave for _, wave in waves]

    def send_together(self, requests: Iterable[Request], *, keep_429: bool = False) -> list[Exchange]:
        """Send requests whose last bytes leave in one go."""
        return self.wire.send_together(list(requests), keep_429=keep_429)

    def send_in_turn(self, requests: Iterable[Request]) -> list[Exchange]:
        """Send requests one after the other on one connection; each exchange tells which one it took."""
        return self.wire.send_in_turn(list(requests))

    def abandon(self, request: Request) -> Exchange:
        """Send a request whole and close the connection without reading the answer."""
        return self.wire.send(request, Sending(fresh=True, hang_up=True))

    # What the run has made

    def keyed(self) -> list[Exchange]:
        """The exchanges that made something new under a key, for the first environment."""
        return [
            each
            for each in self.wire.ledger.exchanges()
            if each.request.operation == self.operation.id and each.request.credential == "primary"
            and self.operation.is_new(each) and self.operation.key(each.request)
        ]  # fmt: skip

    def known_key(self) -> str:
        """A key that names something that the run has made, or a fresh one where it has made nothing yet.

        The second, for the first may be looked at again when many others have come after it.
        """
        made = self.keyed()[:2]
        return self.operation.key(made[-1].request) or "" if made else self.key()

    def has_only_looked_since(self, exchange: Exchange) -> bool:
        """Whether nothing but looks has come after an ``exchange``: what it showed is as it was."""
        since = (each for each in self.wire.ledger.exchanges() if each.number > exchange.number)
        return all(each.request.method == "GET" for each in since)

    def unspent(self, exchanges: Iterable[Exchange]) -> list[Exchange]:
        """Those whose key no request had that may have made something before: it must name something new next."""
        key, success = self.operation.key, self.contract.success
        taken: dict[str | None, int] = {}
        for each in self.wire.ledger.exchanges():
            if each.request.operation == self.operation.id and (each.status == success or each.failure):
                taken.setdefault(key(each.request), each.number)
        return [each for each in exchanges if (own := key(each.request)) and taken.get(own, math.inf) >= each.number]

    # What the run leaves behind

    def removal(self, thing: str) -> Request | None:  # noqa: ARG002
        """The request that removes the thing with that id; None where the contract has no way to."""
        return None

    def is_safe(self, thing: str) -> bool:
        """Whether the thing's id in a path can name nothing but that thing, whatever reads the path.

        No slash, no percent sign, no dot in front.
        """
        return _SEGMENT.fullmatch(thing) is not None

    def left(self, beginning: str) -> dict[str, str]:  # noqa: ARG002
        """The names, by their ids, of the things on the target whose names begin so: what its list shows, all pages.

        It sends, and is bounded, whatever the target says: pages that go on for ever, or show nothing new, end it, and
        so does an answer that cannot be read. A spent budget raises BudgetSpentError.
        """
        return {}

    def of_second(self) -> Self | None:
        """The same client of the second credential's environment; None where there is no second credential."""
        if not self.second_bearer:
            return None
        other = copy(self)
        other.bearer, other.found = self.second_bearer, {}
        return other

    def is_up(self) -> bool:
        """Whether a plain valid request succeeds just now."""
        return self.send(self.valid(), fresh=True).status == self.contract.success


def encode(document: Mapping[str, Any], **literals: str) -> bytes:
    """``document`` as JSON in UTF-8; ``literals`` are further properties whose values are written as they stand."""
    parts = [f"{json.dumps(name)}:{value}" for name, value in literals.items()]
    parts += [f"{_json(name)}:{_json(value)}" for name, value in document.items()]
    return ("{" + ",".join(parts) + "}").encode("utf-8")


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # An unpaired surrogate can only travel as an escape.
        return json.dumps(value, separators=(",", ":"))
    return text
