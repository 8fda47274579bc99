"""The run's options: one table that the command line, plain pytest, the environment and conformance.toml share."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trigger_conformance.requirement import Level, Profile
from trigger_conformance.target import Budget, Target, UsageError, check_least, check_url, usual_budget

CONFIGURATION = "conformance.toml"
PREFIX = "TRIGGER_CONFORMANCE_"
REPLAY = f"{PREFIX}REPLAY"


@dataclass(frozen=True)
class Option:
    """One option. ``kind`` reads a text into a value and raises ValueError; bool options are flags.

    ``default`` is what the help says; ``also`` are further environment variables, asked in order.
    """

    name: str
    kind: Callable[[str], Any]
    default: str
    help: str
    metavar: str = ""
    also: tuple[str, ...] = ()
    many: bool = False

    @property
    def dest(self) -> str:
        """The name as an identifier."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.dest.upper()


def _profile(text: str) -> Profile:
    try:
        return Profile[text.upper()]
    except KeyError:
        raise ValueError("smoke, standard or thorough") from None


def _level(text: str) -> Level:
    if text not in ("must", "should"):
        raise ValueError("must or should")
    return Level(text.upper())


def _flag(text: str) -> bool:
    if text.lower() not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError("true or false")
    return text.lower() in ("1", "true", "yes", "on")


def is_flag(option: Option) -> bool:
    """Whether an option is switched on or off rather than given a value."""
    return option.kind is _flag


OPTIONS = (
    Option("base-url", str, "the reference server", "origin of the target, with any path prefix", "URL",
           ("PYTEST_BASE_URL",)),
    Option("api-key", str, "$TRIGGER_API_KEY, else $TRIGGER_SECRET_KEY",
           "the bearer credential; never printed, never written", "KEY", ("TRIGGER_API_KEY", "TRIGGER_SECRET_KEY")),
    Option("second-api-key", str, "none", "another environment's credential: isolation checks", "KEY"),
    Option("max-run-count", int, "1000", "the target's stated maximum", "N"),
    Option("profile", _profile, "standard", "how much is sent: smoke, standard or thorough", "NAME"),
    Option("only", str, "all", "a requirement id or an area; may be repeated", "ID", many=True),
    Option("level", _level, "all", "only MUST requirements, or only SHOULD: must or should", "LEVEL"),
    Option("strict", _flag, "off", "a SHOULD counts as a MUST"),
    Option("waivers", str, "none", "a TOML file of known deviations", "FILE"),
    Option("baseline", str, "none", "results.json of an earlier run: only what is newly violated fails", "FILE"),
    Option("press-rate-limit", _flag, "off; on for the reference server", "the run may provoke a 429"),
    Option("press-requests", int, "300", "at most so many requests to provoke a 429", "N"),
    Option("shared-key", _flag, "off", "others use the credential meanwhile: Retry-After cannot be held to its word"),
    Option("idempotency-wait", float, "off; 1 for the reference server", "replay a key once more after so long",
           "SECONDS"),
    Option("max-requests", int, "by profile: 200, 2000, 20000", "the budget of requests", "N"),
    Option("max-runs", int, "by profile: 500, 2000, 26000, and 6 maxima",
           "budget of runs: the created batches' runCounts", "N"),
    Option("max-seconds", float, "by profile: 60, 300, 1800", "the budget of time", "N"),
    Option("requests-per-second", float, "unlimited", "pacing", "R"),
    Option("timeout", float, "10", "seconds for one request", "SECONDS"),
    Option("workers", int, "1", "processes that send (pytest-xdist)", "N"),
    Option("seed", int, "1", "the same seed sends the same requests", "N"),
    Option("ca-bundle", str, "the system's", "a PEM file of certificates to trust", "FILE"),
    Option("insecure", _flag, "off", "do not check the target's certificate"),
    Option("report-dir", str, "reports/<time>-<host>", "where results go; reports/latest points at the newest", "DIR"),
)  # fmt: skip
_BY_DEST = {option.dest: option for option in OPTIONS}
_SECRETS = ("api_key", "second_api_key")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A run's settings, validated. ``target`` is None where the run brings its own reference server."""

    target: Target | None
    template: Target
    budget: Budget
    only: tuple[str, ...] = ()
    level: Level | None = None
    strict: bool = False
    workers: int = 1
    report_dir: Path | None = None
    waivers: Path | None = None
    baseline: Path | None = None
    replay: Path | None = None

    def with_target(self, **changes: Any) -> Settings:
        """These settings with a target made from the template."""
        return replace(self, target=replace(self.template, **changes))


def gather(given: Mapping[str, Any], environment: Mapping[str, str], folder: Path) -> Settings:
    """Settings from what was given on the command line, the environment and ``folder``'s conformance.toml.

    Earlier sources win. Raises UsageError with one line that names the option and the remedy.
    """
    values = {**_from_file(folder / CONFIGURATION), **_from_environment(environment)}
    values |= {dest: _read(_BY_DEST[dest], value) for dest, value in given.items() if value not in (None, (), [])}
    # No option of a user's: ``verify`` sets it for the run with which it judges again.
    return _settings({**values, REPLAY: environment.get(REPLAY)})


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for option in OPTIONS:
        for variable in (option.variable, *option.also):
            if environment.get(variable):
                values[option.dest] = _read(option, environment[variable], variable)
                break
    return values


def _from_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path.name} cannot be read: {error}") from error
    values = {}
    for name, value in document.items():
        dest = name.replace("-", "_")
        if dest in _SECRETS:
            raise UsageError(
                f"{path.name}: {name} has no place in a file; set TRIGGER_API_KEY or {PREFIX}{dest.upper()}"
            )
        if dest not in _BY_DEST:
            raise UsageError(f"{path.name}: there is no option {name!r}; see trigger-conformance run --help")
        values[dest] = _read(_BY_DEST[dest], value, f"{path.name}: {name}")
    return values


def _read(option: Option, value: Any, source: str = "") -> Any:
    source = source or f"--{option.name}"
    if option.many:
        entries = value.split(",") if isinstance(value, str) else [part for each in value for part in each.split(",")]
        return tuple(entry.strip() for entry in entries if entry.strip())
    # An IntEnum would read a number as one of its members, and a key must not be printed.
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        return option.kind(text)
    except ValueError as error:
        wanted = {int: "a whole number", float: "a number"}.get(option.kind, str(error))  # type: ignore[call-overload]
        raise UsageError(f"{source} {text}: it must be {wanted}") from None


def _settings(values: dict[str, Any]) -> Settings:
    base_url = values.get("base_url")
    embedded = base_url is None
    if base_url is not None:
        check_url(base_url)
    if not embedded and not values.get("api_key"):
        raise UsageError("--api-key is missing: set TRIGGER_API_KEY to the key of the environment under test")
    profile = values.get("profile", Profile.STANDARD)
    target_values: dict[str, Any] = {
        name: values[name]
        for name in ("max_run_count", "press_rate_limit", "press_requests", "shared_key", "idempotency_wait",
                     "timeout", "seed", "ca_bundle", "insecure")
        if name in values
    }  # fmt: skip
    if embedded:
        target_values = {"press_rate_limit": True, "idempotency_wait": 1.0, **target_values}
        target_values |= {"api_key": "reference-primary", "second_api_key": "reference-second"}
    else:
        target_values |= {name: values[name] for name in _SECRETS if values.get(name)}
    template = Target(base_url=base_url or "http://reference.invalid", profile=profile, **target_values)
    check_least("--workers", values.get("workers", 1), 1)
    return Settings(
        target=None if embedded else template,
        template=template,
        budget=_budget(template, values),
        only=values.get("only", ()),
        level=values.get("level"),
        strict=values.get("strict", False),
        workers=values.get("workers", 1),
        replay=Path(replayed) if (replayed := values.get(REPLAY)) else None,
        **{name: Path(values[name]) for name in ("report_dir", "waivers", "baseline") if name in values},
    )


def _budget(template: Target, values: Mapping[str, Any]) -> Budget:
    usual = usual_budget(template.profile, template.max_run_count)
    per_second = values.get("requests_per_second")
    for option in ("max_requests", "max_runs", "max_seconds"):
        check_least(f"--{_BY_DEST[option].name}", values.get(option, 1), 1)
    if per_second is not None:
        check_least("--requests-per-second", per_second, 0.001)
    return Budget(
        requests=values.get("max_requests", usual.requests),
        runs=values.get("max_runs", usual.runs),
        seconds=values.get("max_seconds", usual.seconds),
        per_second=per_second,
    )
