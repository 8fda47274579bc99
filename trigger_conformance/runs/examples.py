"""Where campaigns keep failing examples, so that other machines and later runs try them first (Hypothesis)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from trigger_conformance.options.target import UsageError

if TYPE_CHECKING:
    from redis import Redis

_NETWORKED = ("redis", "rediss")
_SCHEMES = (*_NETWORKED, "unix")
_SECONDS = 5.0
Result = TypeVar("Result")


class Examples(ExampleDatabase):
    """The examples in ``inner`` under names of their own: those of another suite or contract would mean nothing here.

    A database that fails meanwhile costs shared knowledge, but no verdict: ``failure`` says what happened.
    """

    def __init__(self, inner: ExampleDatabase, namespace: str) -> None:
        super().__init__()
        self._inner = inner
        self._namespace = namespace.encode()
        self.failure: str | None = None

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """The examples under ``key``."""
        return self._tried(lambda: list(self._inner.fetch(self._namespace + key))) or []

    def save(self, key: bytes, value: bytes) -> None:
        """Keep an example."""
        self._tried(lambda: self._inner.save(self._namespace + key, value))

    def delete(self, key: bytes, value: bytes) -> None:
        """Forget an example."""
        self._tried(lambda: self._inner.delete(self._namespace + key, value))

    def _tried(self, act: Callable[[], Result]) -> Result | None:
        try:
            return act()
        except Exception as error:  # redis' errors, the system's, whatever a database may raise
            self.failure = f"{type(error).__name__}: {error}"
            return None


def opened(place: str, namespace: str) -> Examples:
    """The database at ``place``, a Redis URL or a folder."""
    if _is_redis(place):
        from hypothesis.extra.redis import RedisExampleDatabase

        return Examples(RedisExampleDatabase(_client(place)), namespace)
    return Examples(DirectoryBasedExampleDatabase(Path(place)), namespace)


def check(place: str) -> None:
    """Raise UsageError where nothing can be kept at ``place``; the message holds no password."""
    _check_form(place)
    if "://" in place and not _is_redis(place):
        raise UsageError(f"--example-database: {urlsplit(place).scheme}:// is no Redis URL; give one, or a folder")
    if not _is_redis(place):
        try:
            Path(place).mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise UsageError(f"--example-database {place}: {why}") from error
        return
    try:
        _client(place).ping()
    except ImportError as error:
        raise UsageError("--example-database: Redis needs another package; install it: pip install redis") from error
    except Exception as error:
        raise UsageError(f"--example-database: Redis cannot be used: {error}") from error


def _check_form(place: str) -> None:
    """Raise UsageError for a URL whose host or port would be a piece of its password (RFC 3986 section 3.2)."""
    try:
        parts = urlsplit(place)
        _ = parts.port
        ends_early = parts.scheme in _NETWORKED and "@" in f"{parts.path}{parts.query}{parts.fragment}"
    except ValueError:
        ends_early = "://" in place
    if ends_early:
        raise UsageError("--example-database: this URL cannot be read; escape its password (/ is %2F, ? %3F, # %23)")


def _is_redis(place: str) -> bool:
    return "://" in place and urlsplit(place).scheme in _SCHEMES


def _client(place: str) -> Redis:
    from redis import Redis

    return Redis.from_url(place, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)
