"""The create-batch client that checks speak through: ``target.create(key=key)``.

It builds requests in the contract's words and sends them over the wire; it judges nothing.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from trigger_conformance import __version__
from trigger_conformance.checks.facts import Facts
from trigger_conformance.checks.requirement import Profile
from trigger_conformance.contract import shell
from trigger_conformance.contract.contract import PATH, Contract
from trigger_conformance.wire.exchange import Beyond, Exchange, Framing, Request
from trigger_conformance.wire.redaction import TELLING_LENGTH
from trigger_conformance.wire.wire import Sending, Wire

JSON = "application/json"
KEY_VARIABLE = "TRIGGER_API_KEY"
SECOND_KEY_VARIABLE = "TRIGGER_CONFORMANCE_SECOND_API_KEY"


@dataclass(frozen=True)
class Authorization:
    """The Authorization headers of a request.

    ``values`` are sent one header each, ``shell`` is how a reader writes the one of them in a shell ("": as it follows
    from the keys), ``honours`` says whose credential a sound target sees in them: "primary", "second" or "none".
    """

    values: tuple[bytes, ...]
    shell: str = ""
    honours: str = "none"


class BatchApi:
    """The target as a check sees it. ``profile`` and ``max_run_count`` are the run's facts."""

    def __init__(self, target: Facts, wire: Wire, contract: Contract) -> None:
        self.options = target
        self.contract = contract
        self.wire = wire
        self.profile = target.profile
        self.max_run_count = target.max_run_count
        self._keys = 0
        self._notes: list[str] = []
        parts = urlsplit(target.base_url)
        self._path = parts.path.rstrip("/") + PATH
        self._host = parts.netloc.encode("idna" if not parts.netloc.isascii() else "ascii")
        keys = {KEY_VARIABLE: target.api_key, SECOND_KEY_VARIABLE: target.second_api_key}
        self._secrets = {variable: key for variable, key in keys.items() if key}
        self.bearer = Authorization((f"Bearer {target.api_key}".encode(),), honours="primary")
        self.second_bearer = target.second_api_key and Authorization(
            (f"Bearer {target.second_api_key}".encode(),), honours="second"
        )

    # Keys and randomness

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

    def key(self, suffix: str = "") -> str:
        """A key that nothing else uses; operators find all of a run's keys by their beginning."""
        self._keys += 1
        tag = zlib.crc32(self.wire.check.encode())
        return f"conformance-{self.options.run_id}-{tag:08x}-{self._keys}{suffix}"

    def random(self, purpose: str) -> random.Random:
        """Randomness that is the same in every run with one seed."""
        return random.Random(f"{self.options.seed} {purpose}")

    def within(self, run_count: int) -> int:
        """``run_count``, or the target's maximum where that is smaller."""
        return min(run_count, self.max_run_count)

    def pick(self, smoke: int, standard: int, thorough: int) -> int:
        """The number that fits the run's profile."""
        return {Profile.SMOKE: smoke, Profile.STANDARD: standard}.get(self.profile, thorough)

    # Building requests

    def request(
        self,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        label: str = "",
        method: str = "POST",
        authorization: Authorization | None = None,
        content_type: str | None = JSON,
        headers: Iterable[tuple[str, str]] = (),
        query: str = "",
        framing: Framing = Framing.LENGTH,
        beyond: Beyond = Beyond.NOTHING,
    ) -> Request:
        """One request, by default a POST of JSON with the right credential; ``body`` is an object or raw bytes."""
        authorization = authorization or self.bearer
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
            target=self._path + query,
            method=method,
            headers=tuple(lines),
            body=payload,
            framing=framing,
            label=label,
            credential=authorization.honours,
            beyond=beyond,
            shell_authorization=self._written(authorization),
        )

    def order(
        self,
        run_count: int = 1,
        key: str | None = None,
        label: str = "",
        *,
        authorization: Authorization | None = None,
        content_type: str | None = JSON,
        framing: Framing = Framing.LENGTH,
        beyond: Beyond = Beyond.NOTHING,
        **properties: Any,
    ) -> Request:
        """A request that describes a batch; ``properties`` are further ones of the body.

        A target whose maximum is smaller than ``run_count`` is asked for its maximum.
        """
        document: dict[str, Any] = {"runCount": self.within(run_count)}
        if key is not None:
            document["idempotencyKey"] = key
        return self.request(
            {**document, **properties},
            label=label,
            authorization=authorization,
            content_type=content_type,
            framing=framing,
            beyond=beyond,
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

    # Sending

    def create(self, run_count: int = 1, key: str | None = None, label: str = "", **properties: Any) -> Exchange:
        """Create a batch, or replay the one that ``key`` names."""
        return self.send(self.order(run_count, key, label, **properties))

    def send(self, request: Request, *, fresh: bool = False, keep_429: bool = False) -> Exchange:
        """Send one request; ``fresh`` on a connection of its own, ``keep_429`` without waiting a refusal out."""
        return self.wire.send(request, Sending(fresh=fresh, keep_429=keep_429))

    def send_all(self, requests: Iterable[Request], *, keep_429: bool = False) -> list[Exchange]:
        """Send independent requests, several in flight at a time; answers in the same order."""
        return self.wire.send_all(list(requests), Sending(keep_429=keep_429))

    def send_together(self, requests: Iterable[Request], *, keep_429: bool = False) -> list[Exchange]:
        """Send requests whose last bytes leave in one go."""
        return self.wire.send_together(list(requests), keep_429=keep_429)

    def send_in_turn(self, requests: Iterable[Request]) -> list[Exchange]:
        """Send requests one after the other on one connection; each exchange tells which one it took."""
        return self.wire.send_in_turn(list(requests))

    def abandon(self, request: Request) -> Exchange:
        """Send a request whole and close the connection without reading the answer."""
        return self.wire.send(request, Sending(fresh=True, hang_up=True))

    def twin(self, request: Request) -> Request:
        """The sound request with the same key as ``request``: a plain valid one."""
        return self.order(key=request.key, label=f"the valid request after: {request.label}")

    def is_up(self) -> bool:
        """Whether a plain valid request gets its 202 just now."""
        return self.send(self.order(key=self.key("-probe")), fresh=True).status == 202


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
