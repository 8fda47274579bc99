"""A run's settings: what the command line, the environment and conformance.toml say, with where each value is from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trigger_conformance.checks.catalogue import matches
from trigger_conformance.checks.near_misses import hint
from trigger_conformance.checks.requirement import Level, Profile, Requirement
from trigger_conformance.checks.sharding import Shard
from trigger_conformance.options import configuration
from trigger_conformance.options.configuration import KEYS, KeySource, Value
from trigger_conformance.options.options import BY_DEST, OPTIONS, PREFIX, read
from trigger_conformance.options.places import SETTLED
from trigger_conformance.options.target import Target, UsageError, check_least, check_url, usual_budget, usually_stated
from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.proxy import UnusableProxyError, proxy_for

REPLAY = f"{PREFIX}REPLAY"
_OF_TARGET = ("press_rate_limit", "press_requests", "shared_key", "idempotency_wait", "timeout",
              "seed", "ca_bundle", "insecure", "http2", "example_database")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A run's settings, validated. ``target`` is None where the run brings its own reference server.

    ``name`` is the target's name in conformance.toml, if it has one there, ``base_url_from`` is where its URL was
    given, ``key_variables`` are the environment's names for "api_key" and "second_api_key" where the file has any.
    """

    target: Target | None
    template: Target
    budget: Budget
    name: str | None = None
    base_url_from: str | None = None
    key_variables: tuple[tuple[str, str], ...] = ()
    only: tuple[str, ...] = ()
    level: Level | None = None
    strict: bool = False
    workers: int = 1
    shard: Shard | None = None
    report_dir: Path | None = None
    waivers: Path | None = None
    baseline: Path | None = None
    replay: Path | None = None
    openapi: tuple[Path, ...] = ()
    checks: tuple[Path, ...] = ()

    def with_target(self, **changes: Any) -> Settings:
        """These settings with a target made from the template."""
        return replace(self, target=replace(self.template, **changes))


def values(given: Mapping[str, Any], environment: Mapping[str, str], folder: Path) -> dict[str, Value]:
    """What each option that is set anywhere is set to, and where: command line, environment, file, stand-ins.

    Earlier sources win. Raises UsageError.
    """
    told = {
        dest: Value(content, f"--{BY_DEST[dest].name}")
        for dest, value in given.items()
        # A list of empty texts, as a variable that is not set leaves, says nothing.
        if value is not None and (content := read(BY_DEST[dest], value, f"--{BY_DEST[dest].name}")) != ()
    }
    told = {**_environment(environment), **told}
    name = told.get("target")
    file = configuration.load(folder, environment)
    chosen = file.chosen(name.content if name else None)
    stand_ins = _stand_ins(environment)
    found = {**stand_ins, **chosen, **told}
    # A target's key is for that target only: it never goes to a base URL from somewhere else.
    where = found["base_url"].source if "base_url" in found else None
    misplaced = [dest for dest in KEYS if dest in found and found[dest].only_with not in (None, where)]
    usable = {dest: value for dest, value in found.items() if dest not in misplaced}
    return {**stand_ins, **usable}


def _environment(environment: Mapping[str, str]) -> dict[str, Value]:
    return {
        option.dest: Value(content, option.variable)
        for option in OPTIONS
        if (text := environment.get(option.variable))
        and SETTLED.get(option.variable) != text
        and (content := read(option, text, option.variable)) != ()
    }


def _stand_ins(environment: Mapping[str, str]) -> dict[str, Value]:
    """Values from other programs' variables, which stand in where nothing else says anything."""
    found = {}
    for option in OPTIONS:
        for variable in option.also:
            if environment.get(variable):
                found[option.dest] = Value(read(option, environment[variable], variable), variable)
                break
    return found


def gather(
    given: Mapping[str, Any], environment: Mapping[str, str], folder: Path, *, keyless: bool = False
) -> Settings:
    """A run's settings from what was given on the command line, the environment and ``folder``'s conformance.toml.

    Fetches the keys; where ``keyless``, others stand in for them. Raises UsageError with one line that names the option
    and the remedy.
    """
    sources = values(given, environment, folder)
    found = {dest: value.content for dest, value in sources.items()}
    variables = tuple((dest, found[dest].place) for dest in KEYS if _is_variable(found.get(dest)))
    base_url = found.get("base_url")
    if base_url is None and any(found.get(dest) for dest in KEYS):
        _check_nothing_is_empty(environment)
    if base_url is not None:
        check_url(base_url)
        try:
            found["proxy"] = proxy_for(base_url)
        except UnusableProxyError as error:
            raise UsageError(str(error)) from error
        if keyless:
            found |= {dest: f"no-{dest}-is-needed" for dest in KEYS if dest == "api_key" or dest in found}
        found |= {dest: found[dest].fetch() for dest in KEYS if isinstance(found.get(dest), KeySource)}
    # No option of a user's: ``verify`` sets it for the run with which it judges again.
    place = sources["base_url"].source if "base_url" in sources else None
    return _settings({**found, REPLAY: environment.get(REPLAY), "base_url_from": place, "key_variables": variables})


def _check_nothing_is_empty(environment: Mapping[str, str]) -> None:
    """Raise UsageError where a base URL was meant: the built-in server, which needs no key, would pass for it."""
    option = BY_DEST["base_url"]
    for variable in (option.variable, *option.also):
        if environment.get(variable) == "":
            raise UsageError(
                f"{variable} is empty, but a key is given: set it to the target's origin, or give no key to run on the "
                "built-in server"
            )


def _is_variable(source: Any) -> bool:
    return isinstance(source, KeySource) and source.kind == "env"


def _settings(found: dict[str, Any]) -> Settings:
    base_url = found.get("base_url")
    if base_url is not None and not found.get("api_key"):
        raise UsageError(_no_key(found))
    profile = found.get("profile", Profile.STANDARD)
    target_values: dict[str, Any] = {name: found[name] for name in _OF_TARGET if name in found}
    usually = usually_stated()
    target_values["stated"] = {name: found.get(name, usual) for name, usual in usually.items()}
    if base_url is None:
        target_values = {"press_rate_limit": True, "idempotency_wait": 1.0, **target_values}
        target_values |= {"api_key": "reference-primary", "second_api_key": "reference-second"}
    else:
        target_values |= {name: found[name] for name in KEYS if found.get(name)}
        target_values |= {"headers": found.get("header", ()), "proxy": found["proxy"]}
    shard: Shard | None = found.get("shard")
    target_values = _of_shard(shard, target_values, alone=base_url is None)
    template = Target(base_url=base_url or "http://reference.invalid", profile=profile, **target_values)
    if template.base_url.startswith("https:"):
        template.tls()
    check_least("--workers", found.get("workers", 1), 1)
    return Settings(
        target=None if base_url is None else template,
        template=template,
        budget=_budget(template, found),
        name=found.get("target"),
        base_url_from=found["base_url_from"],
        key_variables=found["key_variables"],
        only=found.get("only", ()),
        level=found.get("level"),
        strict=found.get("strict", False),
        workers=found.get("workers", 1),
        shard=shard,
        openapi=tuple(map(Path, found.get("openapi", ()))),
        checks=tuple(map(Path, found.get("checks", ()))),
        replay=Path(replayed) if (replayed := found.get(REPLAY)) else None,
        **{name: Path(found[name]) for name in ("report_dir", "waivers", "baseline") if name in found},
    )


def _of_shard(shard: Shard | None, target_values: dict[str, Any], *, alone: bool) -> dict[str, Any]:
    """What being one part of a run changes: only one presses, and the others may use the credential meanwhile."""
    if shard is None:
        return target_values
    shared = {} if alone or shard.of == 1 else {"shared_key": target_values.get("shared_key", True)}
    quiet = {} if shard.presses else {"press_rate_limit": False}
    return {**target_values, **shared, **quiet, "stream": shard.number}


def _no_key(found: Mapping[str, Any]) -> str:
    if name := found.get("target"):
        return (
            f"--api-key is missing: give [targets.{name}] an api_key_env, api_key_file or api_key_command, "
            "which serve its own base_url only, or set TRIGGER_CONFORMANCE_API_KEY"
        )
    return "--api-key is missing: set TRIGGER_API_KEY to the key of the environment under test"


def check_names(only: Iterable[str], known: Iterable[Requirement]) -> None:
    """Raise UsageError for a name that is neither a requirement's id nor an area."""
    known = tuple(known)
    for entry in only:
        if not any(matches(requirement, (entry,)) for requirement in known):
            names = [name for each in known for name in (each.area, each.id)]
            raise UsageError(f"--only {entry}: no such requirement or area{hint(entry, names)}; "
                             "see trigger-conformance list")  # fmt: skip


def _budget(template: Target, found: Mapping[str, Any]) -> Budget:
    usual = usual_budget(template.profile, template.stated)
    per_second = found.get("requests_per_second")
    for option in ("max_requests", "max_runs", "max_seconds"):
        check_least(f"--{BY_DEST[option].name}", found.get(option, 1), 1)
    if per_second is not None:
        check_least("--requests-per-second", per_second, 0.001)
    return Budget(
        requests=found.get("max_requests", usual.requests),
        runs=found.get("max_runs", usual.runs),
        seconds=found.get("max_seconds", usual.seconds),
        per_second=per_second,
    )
