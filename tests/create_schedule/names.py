"""Which request of a run an id was first given to: an answer does not say whether what it names is new."""

from __future__ import annotations

from .values import KEY

OURS = "conformance-"


class Names:
    """The ids that answers named, each with when the first request that got it set out, and its key."""

    def __init__(self) -> None:
        self._first: dict[tuple[bytes, str], tuple[float, str | None]] = {}

    def is_first(self, exchange, named, key):
        """Whether ``exchange``, whose request had the ``key``, is the earliest one seen whose answer ``named`` the id.

        Whoever is asked of again, and in whichever order, gets the same answer once all have been seen.
        """
        place = (_host(exchange), named)
        began, _ = self._first.get(place, (exchange.began, key))
        if exchange.began <= began:
            self._first[place] = (exchange.began, key)
        return exchange.began <= began

    def had(self, exchange, key):
        """Whether a request with the ``key`` that set out earlier was given an id."""
        host = _host(exchange)
        return key is not None and any(
            owner == key and began < exchange.began and place == host
            for (place, _), (began, owner) in self._first.items()
        )

    def take_over(self, other):
        """Know what another process saw: of each id the earliest."""
        for place, seen in other._first.items():  # noqa: SLF001  (it is one of ours)
            self._first[place] = min(self._first.get(place, seen), seen, key=lambda each: each[0])

    def key_of(self, exchange, named):
        """The key of the request that the id was first given to."""
        return self._first.get((_host(exchange), named), (0.0, None))[1]


def _host(exchange):
    # One process may see several targets, one after the other.
    return next((value for name, value in exchange.request.headers if name.lower() == "host"), b"")


NAMES = Names()


def name_of(schedule):
    """What a schedule is called: its key, or its externalId where that alone says that it is a run's."""
    names = [name for name in (schedule.get(KEY), schedule.get("externalId")) if isinstance(name, str)]
    return next((name for name in names if name.startswith(OURS)), names[0] if names else None)
