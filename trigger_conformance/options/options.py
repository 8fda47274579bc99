"""The run's options: one table that the command line, plain pytest, the environment and conformance.toml share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trigger_conformance.checks.near_misses import hint
from trigger_conformance.checks.operation import Fact, operations
from trigger_conformance.checks.requirement import Level, Profile
from trigger_conformance.checks.sharding import shard
from trigger_conformance.contract import contract
from trigger_conformance.contract.quoting import shortened, visible
from trigger_conformance.options.target import UsageError, bare_budget

PREFIX = "TRIGGER_CONFORMANCE_"
# What a database holds (SQLite: 64 bits), and what a system's timers take.
_MOST = {int: (1 << 63) - 1, float: 1_000_000_000}
_LONGEST_SHOWN = 200
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


def _document(text: str) -> str:
    try:
        document: Any = contract.read(Path(text).read_bytes())
    except OSError as error:
        raise ValueError(f"a file that can be read ({error.strerror})") from error
    except ValueError as error:
        raise ValueError("an OpenAPI document that can be read") from error
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise ValueError("a document of OpenAPI 3")
    if not all(isinstance(document.get(part), dict) for part in ("info", "paths")):
        raise ValueError("an OpenAPI document, with info and paths")
    return str(Path(text).resolve())


def _folder(text: str) -> str:
    if not Path(text).is_dir():
        raise ValueError("a folder")
    if (Path(text) / "__init__.py").exists():
        raise ValueError("a folder of packages, and no package itself: remove its own __init__.py")
    for folder in {path.parent for path in Path(text).glob("*/*.py")}:
        if not (folder / "__init__.py").is_file():
            raise ValueError(f"a folder of packages; {folder.name} lacks its __init__.py")
    return str(Path(text).resolve())


def is_flag(option: Option) -> bool:
    """Whether an option is switched on or off rather than given a value."""
    return option.kind is _flag


def _of(fact: Fact) -> Option:
    shown = "none" if fact.default is None else str(fact.default)
    return Option(fact.name, fact.kind, shown, fact.help, fact.metavar)


def stated() -> tuple[Option, ...]:
    """The options by which a user states what operations ask of a target."""
    return tuple({fact.name: _of(fact) for each in operations().values() for fact in each.facts}.values())


def _by_profile(figure: str) -> str:
    """What the profiles' budgets say of ``figure``, without what a target's facts add to it."""
    return "by profile: " + ", ".join(f"{getattr(bare_budget(each), figure)}" for each in Profile)


_BEFORE = (
    Option("target", str, "none", "The target with this name in conformance.toml.", "NAME"),
    Option("base-url", str, "the reference server", "The target's origin, with any path prefix.", "URL",
           ("PYTEST_BASE_URL",)),
    Option("api-key", str, "$TRIGGER_API_KEY, else $TRIGGER_SECRET_KEY",
           "The bearer credential. It is never printed or written.", "KEY", ("TRIGGER_API_KEY", "TRIGGER_SECRET_KEY"),
           secret=True),
    Option("second-api-key", str, "none", "Another environment's credential, to check isolation.", "KEY", secret=True),
    Option("header", header, "none", "A header that every request carries, as a gateway asks for. May be repeated.",
           "'NAME: VALUE'", separator="\n", secret=True),
)  # fmt: skip
_AFTER = (
    Option("profile", _profile, "standard", "How much is sent: smoke, standard, thorough or soak.", "NAME"),
    Option("only", str, "all",
           "Check this operation, area (such as idempotency) or requirement only. May be repeated.", "ID",
           separator=","),
    Option("level", _level, "all", "Check requirements of this level only: must or should.", "LEVEL"),
    Option("strict", _flag, "off", "A SHOULD counts as a MUST."),
    Option("waivers", str, "none", "A TOML file of known deviations, which do not fail the run.", "FILE"),
    Option("baseline", str, "none", "The results.json of an earlier run. Only what it did not find fails.", "FILE"),
    Option("press-rate-limit", _flag, "off; on for the reference server", "The run may provoke a 429."),
    Option("press-requests", int, "300", "A 429 is provoked with at most so many requests.", "N"),
    Option("shared-key", _flag, "off", "Others use the credential meanwhile. Retry-After is not held to its word."),
    Option("idempotency-wait", float, "off; 1 for the reference server", "A key is replayed once more after so long.",
           "SECONDS"),
    Option("max-requests", int, _by_profile("requests"),
           "The checks send at most so many requests. Removing what they made has a budget of its own.", "N"),
    Option("max-runs", int, f"{_by_profile('runs')}; 6 x --max-run-count more, and 500 more with --task",
           "What is made costs at most so many runs.", "N"),
    Option("max-seconds", float, _by_profile("seconds"),
           "The checks take at most so many seconds. Removing what they made has a budget of its own.", "N"),
    Option("requests-per-second", float, "unlimited", "At most so many requests leave in a second.", "R"),
    Option("timeout", float, "10", "A request may take so many seconds.", "SECONDS"),
    Option("workers", int, "1", "So many processes send (pytest-xdist), for soak. A usual run needs one.", "N"),
    Option("shard", shard, "the whole", "This machine's part of a run that several share.", "I/N"),
    Option("seed", int, "1", "The same seed sends the same requests.", "N"),
    Option("example-database", str, "none",
           "Where soak runs keep and find failing examples: a redis:// URL or a folder.", "PLACE"),
    Option("ca-bundle", str, "the system's, or $SSL_CERT_FILE", "A PEM file of certificates to trust.", "FILE"),
    Option("insecure", _flag, "off", "The target's certificate is not checked."),
    Option("http2", _flag, "off", "HTTP/2, where the target offers it. What only HTTP/1.1 can say stays on that."),
    Option("openapi", _document, "the published documents",
           "The user's own, newer copy of an operation's document, in its place. May be repeated.", "FILE",
           separator=os.pathsep),
    Option("checks", _folder, "none",
           "A folder of one's own checks and operations, run with the rest. May be repeated.", "DIR",
           separator=os.pathsep),
    Option("report-dir", str, "reports/<time>-<host>",
           "Where the reports go. Where it is not given, reports/latest points at the newest.", "DIR"),
)  # fmt: skip
# Operations of the user's own bring options, too: whoever lets them stand beside the suite's settles that before.
OPTIONS = (*_BEFORE, *stated(), *_AFTER)
BY_DEST = {option.dest: option for option in OPTIONS}


def read(option: Option, value: Any, source: str) -> Any:
    """``value`` as the option means it; ``source`` is named where it cannot be used. Raises UsageError."""
    if option.many:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            raise UsageError(f"{source}: it must be a text, or a list of texts")
        entries = [entry.strip() for text in texts for entry in text.split(option.separator)]
        return tuple(_converted(option, entry, source) for entry in entries if entry)
    try:
        # An IntEnum would read a number as one of its members, and a key must not be printed.
        text = str(value).lower() if isinstance(value, bool) else str(value)
    except ValueError as error:
        raise UsageError(f"{source}: it has too many digits") from error
    return _converted(option, text, source)


def _converted(option: Option, text: str, source: str) -> Any:
    told = source if option.secret else f"{source} {shortened(visible(text), _LONGEST_SHOWN)}"
    try:
        value = option.kind(text)
    except ValueError as error:
        wanted = {int: "a whole number", float: "a number"}.get(option.kind, str(error))  # type: ignore[call-overload]
        raise UsageError(f"{told}: it must be {wanted}") from None
    most = _MOST.get(type(value))
    if most is not None and not -most <= value <= most:
        raise UsageError(f"{told}: it must be a number of at most {most:,}")
    return value
