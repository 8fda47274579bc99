"""A run's evidence, to answer the same requests once more without sending anything."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trigger_conformance.wire.exchange import Exchange, Request


def fingerprint(check: str, request: Request) -> str:
    """What a request without its secrets is recognised by when ``check`` sends it again.

    Headers are left out: they hold the credential, and the case's label tells what is odd about them.
    """
    parts = (check, request.label, request.method, request.target)
    told = "\0".join(parts).encode("utf-8", "surrogatepass") + b"\0" + request.body
    return hashlib.sha256(told).hexdigest()[:32]


@dataclass(frozen=True)
class Decision:
    """What a check made of the time that it had: how much to send, or which exchange to look at again."""

    check: str
    name: str
    value: int


class Replay:
    """The answers of an earlier run by their requests' fingerprints, in the order in which they came."""

    def __init__(self, exchanges: Mapping[str, Iterable[Exchange]], decisions: Iterable[Decision]) -> None:
        self._left = defaultdict(deque[Exchange], {name: deque(each) for name, each in exchanges.items()})
        self._decisions = {(each.check, each.name): each.value for each in decisions}

    def has(self, name: str) -> bool:
        """Whether an answer is left for the fingerprint ``name``."""
        return bool(self._left[name])

    def take(self, name: str) -> Exchange | None:
        """The next answer for the fingerprint ``name``; None where there is none (any more)."""
        return self._left[name].popleft() if self._left[name] else None

    def decided(self, name: str) -> list[tuple[str, int]]:
        """What checks decided under that name, in the order in which they did."""
        return [(check, value) for (check, each), value in self._decisions.items() if each == name]

    def decision(self, check: str, name: str) -> int | None:
        """What ``check`` decided, if it did."""
        return self._decisions.get((check, name))
