"""Of what kind a request is: whose credential it carries, and what had become of its key when it left. Pure.

Wrong answers to requests of one kind are the same thing, whatever the cases are called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from trigger_conformance.wire.exchange import Beyond, Exchange

_SURE = 2


class Key(StrEnum):
    """What had become of a request's key before."""

    NONE = "new"
    TAKEN = "replay"
    TOGETHER = "together"
    REJECTED = "after a rejected one"
    REFUSED = "after a refused one"
    LIMITED = "after a limited one"
    ABANDONED = "after an abandoned one"


class Kind(NamedTuple):
    """The kind of a request in ``words``, and the number of the one that had its key before (0: none had)."""

    words: str
    after: int


def kinds(
    exchanges: Iterable[Exchange], numbers: Collection[int], key: Callable[[Exchange], str | None]
) -> dict[int, Kind]:
    """The kinds of those of a run's ``exchanges`` that have one of ``numbers``; ``key`` tells the key of each."""
    by_key: dict[tuple[str, str], list[Exchange]] = {}
    wanted = []
    for each in exchanges:
        if (named := key(each)) is not None:
            by_key.setdefault((_environment(each), named), []).append(each)
        if each.number in numbers:
            wanted.append(each)
    return {each.number: kind(each, _beside(each, by_key, key(each))) for each in wanted}


def _beside(
    exchange: Exchange, by_key: Mapping[tuple[str, str], Sequence[Exchange]], key: str | None
) -> Sequence[Exchange]:
    """The run's exchanges with the same key; of one without a key there are none."""
    return () if key is None else by_key.get((_environment(exchange), key), ())


def kind(exchange: Exchange, with_its_key: Sequence[Exchange]) -> Kind:
    """The kind of one request, beside those of the run ``with_its_key``."""
    before = [each.number for each in with_its_key if each.ended <= exchange.started and each is not exchange]
    return Kind(_words(exchange, with_its_key), before[-1] if before else 0)


def _words(exchange: Exchange, with_its_key: Sequence[Exchange]) -> str:
    request = exchange.request
    words = [
        request.method if request.method != "POST" else "",
        "" if request.beyond is Beyond.NOTHING else request.beyond,
    ]
    if request.credential == "none":
        return " ".join(filter(None, [*words[:1], "no credential"]))
    return " ".join(filter(None, [*words, history(exchange, with_its_key)]))


def history(exchange: Exchange, with_its_key: Sequence[Exchange]) -> Key:
    """What had become of an exchange's key before it left."""
    before = [each for each in with_its_key if each.ended <= exchange.started and each.number != exchange.number]
    if exchange.together and any(
        each.together == exchange.together and each.check == exchange.check and each.number != exchange.number
        for each in with_its_key
    ):
        return Key.TOGETHER
    statuses = {each.status for each in before}
    if any(status is not None and status // 100 == _SURE for status in statuses):
        return Key.TAKEN
    if any(each.is_abandoned for each in before):
        return Key.ABANDONED
    if 401 in statuses:
        return Key.REFUSED
    if 429 in statuses:
        return Key.LIMITED
    return Key.REJECTED if statuses else Key.NONE


def _environment(exchange: Exchange) -> str:
    # What carries no credential asks for the keys of whoever it would pass for.
    return "second" if exchange.request.credential == "second" else "primary"
