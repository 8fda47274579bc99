"""What a shell may complete: profiles, targets, requirement ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from click import Context, Parameter

from trigger_conformance.checks.requirement import Profile
from trigger_conformance.options.target import UsageError

Completer = Callable[[Context, Parameter, str], list[str]]


def beginning(with_: str, names: Iterable[str]) -> list[str]:
    """Those of ``names`` that begin so."""
    return [name for name in names if name.startswith(with_)]


def requirements(_: Context, __: Parameter, incomplete: str) -> list[str]:
    """Ids and areas, without the operation where none was begun."""
    from trigger_conformance.checks.catalogue import catalogue
    from trigger_conformance.checks.operation import operations

    names = [name for each in catalogue() for name in (each.area, each.id)]
    short = [name.partition(".")[2] for name in names]
    begun = any(incomplete.startswith(each) for each in operations())
    return beginning(incomplete, dict.fromkeys(names if begun else short))


def targets(_: Context, __: Parameter, incomplete: str) -> list[str]:
    """The names in this folder's conformance.toml."""
    from trigger_conformance.options import configuration

    try:
        return beginning(incomplete, configuration.load(Path.cwd()).targets)
    except UsageError:
        return []


def _words(*words: str) -> Completer:
    return lambda _, __, incomplete: beginning(incomplete, words)


def of_option(dest: str) -> Completer | None:
    """The completer for a run's option, if it has values that can be told beforehand."""
    return {
        "only": requirements,
        "target": targets,
        "profile": _words(*(each.name.lower() for each in Profile)),
        "level": _words("must", "should"),
    }.get(dest)
