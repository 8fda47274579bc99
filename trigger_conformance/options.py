"""The run's options: one table that the command line, plain pytest, the environment and conformance.toml share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trigger_conformance.near_misses import hint
from trigger_conformance.requirement import Level, Profile
from trigger_conformance.sharding import shard
from trigger_conformance.target import UsageError

PREFIX = "TRIGGER_CONFORMANCE_"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class Option:
    """One option. ``kind`` reads a text into a value and raises ValueError; bool options are flags.

    ``default`` is what the help says; ``also`` are variables of other programs that stand in for it, asked in order.
    An option with a ``separator`` may be given several times, and one text may hold several values. A ``secret`` one
    is never shown.
    """

    name: str
    kind: Callable[[str], Any]
    default: str
    help: str
    metavar: str = ""
    also: tuple[str, ...] = ()
    separator: str = ""
    secret: bool = False

    @property
    def dest(self) -> str:
        """The name as an identifier."""
        return self.name.replace("-", "_")

    @property
    def many(self) -> bool:
        """Whether it may be given several times."""
        return bool(self.separator)

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.dest.upper()


def _profile(text: str) -> Profile:
    try:
        return Profile[text.upper()]
    except KeyError:
        meant = hint(text.lower(), (each.name.lower() for each in Profile))
        raise ValueError(f"smoke, standard, thorough or soak{meant}") from None


def _level(text: str) -> Level:
    if text not in ("must", "should"):
        raise ValueError("must or should")
    return Level(text.upper())


def _flag(text: str) -> bool:
    if text.lower() not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError("true or false")
    return text.lower() in ("1", "true", "yes", "on")


def header(text: str) -> tuple[str, str]:
    """Name and value of a header line."""
    name, colon, value = text.partition(":")
    if not colon or not _HEADER_NAME.fullmatch(name.strip()):
        raise ValueError("'Name: value'")
    return name.strip(), value.strip()


def is_flag(option: Option) -> bool:
    """Whether an option is switched on or off rather than given a value."""
    return option.kind is _flag


OPTIONS = (
    Option("target", str, "none", "a target of conformance.toml, by its name", "NAME"),
    Option("base-url", str, "the reference server", "origin of the target, with any path prefix", "URL",
           ("PYTEST_BASE_URL",)),
    Option("api-key", str, "$TRIGGER_API_KEY, else $TRIGGER_SECRET_KEY",
           "the bearer credential; never printed, never written", "KEY", ("TRIGGER_API_KEY", "TRIGGER_SECRET_KEY"),
           secret=True),
    Option("second-api-key", str, "none", "another environment's credential: isolation checks", "KEY", secret=True),
    Option("header", header, "none", "one more header on every request, as a gateway asks for; may be repeated",
           "'NAME: VALUE'", separator="\n", secret=True),
    Option("max-run-count", int, "1000", "the target's stated maximum", "N"),
    Option("profile", _profile, "standard", "how much is sent: smoke, standard, thorough or soak", "NAME"),
    Option("only", str, "all", "a requirement id or an area; may be repeated", "ID", separator=","),
    Option("level", _level, "all", "only MUST requirements, or only SHOULD: must or should", "LEVEL"),
    Option("strict", _flag, "off", "a SHOULD counts as a MUST"),
    Option("waivers", str, "none", "a TOML file of known deviations", "FILE"),
    Option("baseline", str, "none", "results.json of an earlier run: only what is newly violated fails", "FILE"),
    Option("press-rate-limit", _flag, "off; on for the reference server", "the run may provoke a 429"),
    Option("press-requests", int, "300", "at most so many requests to provoke a 429", "N"),
    Option("shared-key", _flag, "off", "others use the credential meanwhile: Retry-After cannot be held to its word"),
    Option("idempotency-wait", float, "off; 1 for the reference server", "replay a key once more after so long",
           "SECONDS"),
    Option("max-requests", int, "by profile: 200, 2000, 20000, 100000", "the budget of requests", "N"),
    Option("max-runs", int, "by profile: 500, 2000, 26000, 300000, and 6 maxima",
           "budget of runs: the created batches' runCounts", "N"),
    Option("max-seconds", float, "by profile: 60, 300, 1800, 7200", "the budget of time", "N"),
    Option("requests-per-second", float, "unlimited", "pacing", "R"),
    Option("timeout", float, "10", "seconds for one request", "SECONDS"),
    Option("workers", int, "1", "processes that send (pytest-xdist)", "N"),
    Option("shard", shard, "the whole", "this machine's part of a run that several share", "I/N"),
    Option("seed", int, "1", "the same seed sends the same requests", "N"),
    Option("example-database", str, "none",
           "where soak runs keep and find failing examples: a redis:// URL or a folder", "PLACE"),
    Option("ca-bundle", str, "the system's, or $SSL_CERT_FILE", "a PEM file of certificates to trust", "FILE"),
    Option("insecure", _flag, "off", "do not check the target's certificate"),
    Option("http2", _flag, "off", "HTTP/2 where the target offers it; what only HTTP/1.1 can say stays on that"),
    Option("report-dir", str, "reports/<time>-<host>", "where results go; reports/latest points at the newest", "DIR"),
)  # fmt: skip
BY_DEST = {option.dest: option for option in OPTIONS}


def read(option: Option, value: Any, source: str) -> Any:
    """``value`` as the option means it; ``source`` is named where it cannot be used. Raises UsageError."""
    if option.many:
        texts = [value] if isinstance(value, str) else list(value)
        entries = [entry.strip() for text in texts for entry in str(text).split(option.separator)]
        return tuple(_converted(option, entry, source) for entry in entries if entry)
    # An IntEnum would read a number as one of its members, and a key must not be printed.
    return _converted(option, str(value).lower() if isinstance(value, bool) else str(value), source)


def _converted(option: Option, text: str, source: str) -> Any:
    try:
        return option.kind(text)
    except ValueError as error:
        wanted = {int: "a whole number", float: "a number"}.get(option.kind, str(error))  # type: ignore[call-overload]
        told = source if option.secret else f"{source} {text}"
        raise UsageError(f"{told}: it must be {wanted}") from None
