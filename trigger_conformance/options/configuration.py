"""conformance.toml: options for every run in its folder, and named targets with options of their own.

Keys never stand in it: it says which variable, file or command has them.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trigger_conformance.checks.near_misses import hint
from trigger_conformance.options import interruption
from trigger_conformance.options.options import BY_DEST, read
from trigger_conformance.options.places import FILE
from trigger_conformance.options.target import UsageError, shown

KEYS = ("api_key", "second_api_key")
_PLACES = ("env", "file", "command")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_PASSWORD = re.compile(r"://.*:.+@", re.DOTALL)
_TELLS_A_SECRET = re.compile(r"auth|key|secret|token|cookie|password|signature", re.IGNORECASE)
# Long enough for a person who is asked for a passphrase.
_COMMAND_SECONDS = 120


@dataclass(frozen=True)
class Value:
    """An option's value and where it is from; ``only_with`` is where the base URL must be from for it to count."""

    content: Any
    source: str
    only_with: str | None = None


@dataclass(frozen=True)
class KeySource:
    """Where a key is kept: ``kind`` is env, file or command, ``place`` its name, path or line."""

    kind: str
    place: str
    option: str
    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def fetch(self) -> str:
        """The key. Raises UsageError where it is not to be had."""
        key = {"env": self._variable, "file": self._file, "command": self._command}[self.kind]()
        if not key:
            raise UsageError(f"{self}: there is nothing in it")
        return key

    def _variable(self) -> str:
        return self.environment.get(self.place, "")

    def _file(self) -> str:
        try:
            return (self.folder / Path(self.place).expanduser()).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise UsageError(f"{self}: it cannot be read: {getattr(error, 'strerror', None) or error}") from None

    def _command(self) -> str:
        # The command's own questions and errors go to the terminal; what it prints is the key, and is not repeated.
        try:
            with interruption.unwinding():
                ended = subprocess.run(
                    shlex.split(self.place), cwd=self.folder, stdout=subprocess.PIPE, text=True, check=True,
                    timeout=_COMMAND_SECONDS,
                )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise UsageError(f"{self}: it did not end within {_COMMAND_SECONDS} s") from None
        except subprocess.CalledProcessError as error:
            raise UsageError(f"{self}: it ended with status {error.returncode}") from None
        except (OSError, ValueError) as error:
            raise UsageError(f"{self}: it cannot be run: {getattr(error, 'strerror', None) or error}") from None
        return ended.stdout.partition("\n")[0].strip()

    def __str__(self) -> str:
        return f"{FILE}: {self.option}_{self.kind} = {self.place!r}"


@dataclass(frozen=True)
class Configuration:
    """What a conformance.toml says: ``values`` for every run, ``targets`` by their names."""

    values: Mapping[str, Value]
    targets: Mapping[str, Mapping[str, Value]]

    def chosen(self, name: str | None) -> dict[str, Value]:
        """The values for a run on the target ``name``, or on the file's own choice. Raises UsageError."""
        if name is None and "target" in self.values:
            name = self.values["target"].content
        if name is None:
            return dict(self.values)
        if name not in self.targets:
            known = f"it has {', '.join(self.targets)}" if self.targets else f"there is none in this folder's {FILE}"
            raise UsageError(f"--target {name}: no such target{hint(name, self.targets)}; {known}")
        return {**self.values, **self.targets[name]}


def load(folder: Path, environment: Mapping[str, str] = os.environ) -> Configuration:
    """The configuration in ``folder``, empty where there is none. Raises UsageError with one line."""
    path = folder / FILE
    if not path.exists():
        return Configuration({}, {})
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{FILE} cannot be read: {error}") from error
    targets = document.pop("targets", {})
    if not isinstance(targets, dict) or not all(isinstance(table, dict) for table in targets.values()):
        raise UsageError(f"{FILE}: targets are tables, such as [targets.staging]")
    return Configuration(
        _values(document, FILE, folder, environment),
        {name: _values(table, f"{FILE} [targets.{name}]", folder, environment) for name, table in targets.items()},
    )


def _values(table: dict[str, Any], source: str, folder: Path, environment: Mapping[str, str]) -> dict[str, Value]:
    own = source if "base_url" in table or "base-url" in table else None
    found = {}
    for dest, content in _entries(table, source, folder, environment):
        if dest in found:
            raise UsageError(f"{source}: {dest} is there twice; keep one")
        found[dest] = Value(content, source, own if isinstance(content, KeySource) else None)
    return found


def _entries(
    table: dict[str, Any], source: str, folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        dest = name.replace("-", "_")
        key, _, kind = dest.rpartition("_")
        if dest in KEYS:
            raise UsageError(
                f"{source}: {name} has no place in a file, which is copied and committed: name what holds the key with "
                f"{dest}_env, {dest}_file or {dest}_command"
            )
        if key in KEYS and kind in _PLACES:
            if not isinstance(value, str) or not value.strip():
                raise UsageError(f"{source}: {name} must be a text that is not empty")
            yield key, KeySource(kind, value, key, folder, environment)
        elif dest not in BY_DEST:
            meant = hint(dest, [*BY_DEST, *(f"{key}_{place}" for key in KEYS for place in _PLACES), "targets"])
            raise UsageError(f"{source}: there is no option {name!r}{meant}; see trigger-conformance run --help")
        else:
            yield dest, _content(dest, value, f"{source}: {name}", environment)


def _content(dest: str, value: Any, source: str, environment: Mapping[str, str]) -> Any:
    if dest == "example_database" and _PASSWORD.search(str(value)):
        raise UsageError(
            f"{source}: a password has no place in a file; set {BY_DEST[dest].variable} to the URL with the password"
        )
    if dest != "header":
        return read(BY_DEST[dest], value, source)
    lines = [value] if isinstance(value, str) else value
    for name, content in read(BY_DEST[dest], lines, source):
        if _TELLS_A_SECRET.search(name) and not _VARIABLE.search(content):
            raise UsageError(
                f'{source}: {name} looks like a secret, which has no place in a file: write "{name}: ${{VARIABLE}}", '
                "and set that variable"
            )

    def variable(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise UsageError(f"{source}: the variable {match[1]} is not set")
        return environment[match[1]]

    return read(BY_DEST[dest], [_VARIABLE.sub(variable, line) for line in lines], source)


def told(dest: str, value: Value) -> str:
    """A value as ``trigger-conformance config`` shows it: no secret, but where it is kept."""
    content = value.content
    if isinstance(content, KeySource):
        return f"kept in {content.kind}: {content.place}"
    if dest == "header":
        return ", ".join(f"{name}: (a secret)" for name, _ in content)
    if BY_DEST[dest].secret:
        return "(a secret)"
    if dest == "example_database":
        scheme, separator, rest = content.partition("://")
        return f"{scheme}{separator}{rest.rpartition('@')[2]}"
    if dest == "base_url":
        return shown(content)
    if isinstance(content, bool):
        return "on" if content else "off"
    if isinstance(content, tuple):
        return ", ".join(map(str, content))
    return getattr(content, "name", str(content)).lower() if dest in ("profile", "level") else str(content)
