"""What lists showed of a run's variables: the answer to a request for one says nothing of it."""

from __future__ import annotations


class Sights:
    """By host: the values that the last look at the list showed of a name, and whether values are shown at all."""

    def __init__(self) -> None:
        self._values = {}
        self._hidden = set()
        self._own = {}

    def take(self, request, name, sent, shown):
        """The look that came after a request with this name and value showed these values of the name."""
        self._values[_host(request), name, sent] = shown

    def of(self, request, name, sent):
        """The values that the list showed then: none where it was not there, None where nobody looked."""
        return self._values.get((_host(request), name, sent))

    def hide(self, request):
        """The target never shows a value again."""
        self._hidden.add(_host(request))

    def are_hidden(self, request):
        """Whether it does not."""
        return _host(request) in self._hidden

    def know(self, request, paths, beginning):
        """Which paths are those of each credential, by whose it is, and how the names of the run begin."""
        self._own[_host(request)] = paths, beginning

    def own(self, request):
        """How the names of the run begin; None where it has made nothing yet."""
        return self._own.get(_host(request), ({}, None))[1]

    def take_over(self, other):
        """Know what another process saw; no two look for one name."""
        self._values |= other._values  # noqa: SLF001  (it is one of ours)
        self._hidden |= other._hidden  # noqa: SLF001
        self._own |= other._own  # noqa: SLF001

    def is_foreign(self, request):
        """Whether a request names a project or an environment that is not its credential's."""
        own = self._own.get(_host(request), ({}, None))[0].get(request.credential)
        return own is not None and request.target.partition("?")[0] != own


def _host(request):
    # One process may see several targets, one after the other.
    return next((value for name, value in request.headers if name.lower() == "host"), b"")


SIGHTS = Sights()
