"""The command that judges one requirement again as a run did: the same target, and all that decides the answer."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from trigger_conformance.checks.operation import Fact, operations

# Those that the lines set themselves have short names.
_VARIABLE = re.compile(r"\$\{?([A-Z_][A-Z0-9_]{3,})")
_PROGRAM = "trigger-conformance run"
_CLEAN = "trigger-conformance clean"
_PLACES = "Shell lines are for sh, in the folder of this report"
_DEFAULT_TIMEOUT = 10
_DEFAULT_PRESS = 300


def command(results: Mapping[str, Any], identity: str) -> str:
    """The line that judges the requirement ``identity`` again as the run of ``results`` did.

    Keys and gateway headers are never in it: they come from where the run had them.
    """
    target = results["target"]
    options = target["options"]
    checks = [f"--only {each}" for each in _checks(results, identity)]
    parts = [_PROGRAM, *checks, *_place(target), f"--profile {results['profile']}"]
    parts.append(f"--seed {results['seed']}")
    parts += [each for each in _options(options) if each]
    return " ".join(parts)


def cleaning(results: Mapping[str, Any]) -> str:
    """The line that removes what the run of ``results`` left behind; "" where its server is gone with all it had."""
    target = results["target"]
    return "" if target.get("built_in") else clean(results["run_id"], _place(target), target["options"])


def clean(run_id: str, place: Iterable[str], options: Mapping[str, Any]) -> str:
    """The line that removes what a run, or the parts of a merged one, left at a ``place``."""
    runs = [f"--run-id {each}" for each in run_id.split("-")]
    reached = (fact for each in operations().values() for fact in each.reached_by)
    way = [each for each in (*_stated(options, reached), *_way(options)) if each]
    return " ".join([_CLEAN, *place, *runs, *way, "--yes"])


def _checks(results: Mapping[str, Any], identity: str) -> list[str]:
    """The requirement, and the one whose requests it was found in: some judge what others sent."""
    evidence: list[Mapping[str, Any]] = next(
        (each["evidence"] for each in results["requirements"] if each["id"] == identity), []
    )
    number = evidence[0]["number"] if evidence else None
    sender = next((each["requirement"] for each in results["timeline"] if each["number"] == number), identity)
    return [identity] if sender == identity or sender.endswith(".preflight") else [identity, sender]


def _place(target: Mapping[str, Any]) -> list[str]:
    given = target["options"].get("base_url_from", "--base-url")
    if given is None:
        # The built-in server, which a run brings itself.
        return []
    place = [f"--target {shlex.quote(target['name'])}"] if target.get("name") else []
    if not place or "[targets." not in given:
        place.append(f"--base-url {shlex.quote(target['base_url'])}")
    return place


def _options(options: Mapping[str, Any]) -> list[str]:
    return [
        *_stated(options, (fact for each in operations().values() for fact in each.facts)),
        "--press-rate-limit" if options.get("press_rate_limit") else "",
        _unless(options, "press_requests", "press-requests", _DEFAULT_PRESS),
        "--shared-key" if options.get("shared_key") else "",
        _unless(options, "idempotency_wait_s", "idempotency-wait", None),
        "--strict" if options.get("strict") else "",
        *_way(options),
    ]


def _way(options: Mapping[str, Any]) -> list[str]:
    """What decides how a target is reached, and what is known of it."""
    return [
        _unless(options, "timeout_s", "timeout", _DEFAULT_TIMEOUT),
        _unless(options, "requests_per_second", "requests-per-second", None),
        *(f"--{name} {shlex.quote(place)}" for name in ("openapi", "checks") for place in options.get(name, ())),
        _unless(options, "ca_bundle", "ca-bundle", None),
        "--insecure" if options.get("insecure") else "",
        "--http2" if options.get("http2") else "",
    ]


def _stated(options: Mapping[str, Any], facts: Iterable[Fact]) -> list[str]:
    return [_unless(options, fact.dest, fact.name, fact.default) for fact in facts]


def _unless(options: Mapping[str, Any], name: str, option: str, usual: Any) -> str:
    value = options.get(name, usual)
    told = shlex.quote(value) if isinstance(value, str) else str(value).removesuffix(".0")
    return "" if value is None or value == usual else f"--{option} {told}"


def lines_of(requirement: Mapping[str, Any]) -> list[str]:
    """The shell lines that show a finding; of an older document the one that it has."""
    if "reproduce" in requirement:
        return list(requirement["reproduce"]["lines"])
    return [each["curl"] for each in requirement["evidence"][:1]]


def hint(results: Mapping[str, Any]) -> str:
    """Where these lines and commands are run, and what they take from the environment."""
    options = results["target"]["options"]
    if options.get("base_url_from", "--base-url") is None:
        return "trigger-conformance brings the built-in server again; curl finds none, unless one is served."
    lines = "\n".join(line for each in results["requirements"] for line in lines_of(each))
    needed = [each for each in dict.fromkeys(_VARIABLE.findall(lines)) if f"{each}=$(" not in lines] or ["the key"]
    same = "the same conformance.toml" if results["target"].get("name") else "the run's keys and headers"
    return f"{_PLACES}, with {', '.join(needed)} in the environment; trigger-conformance takes {same}."


def explained(identity: str, targets: Iterable[str]) -> list[str]:
    """How a requirement is checked on a server of the reader's: by its URL, or by a name of ``targets``."""
    lines = [f"Run it: {_PROGRAM} --only {identity} --base-url URL"]
    lines += [f"Run it: {_PROGRAM} --only {identity} --target {shlex.quote(name)}" for name in targets]
    return lines
