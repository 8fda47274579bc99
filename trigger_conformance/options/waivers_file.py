"""The file of waivers, and a baseline that stands for one: read, checked, and added to."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from trigger_conformance.checks.near_misses import full, hint
from trigger_conformance.options.target import UsageError
from trigger_conformance.verdicts.waivers import Waiver, expired

USUAL_FILE = "conformance-waivers.toml"
USUAL_TERM = timedelta(days=90)


def load(path: Path, known: Iterable[str]) -> list[Waiver]:
    """The entries of a waivers file.

    Raises UsageError where it cannot be read, names what does not exist, or waives one requirement twice.
    """
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"--waivers {path}: it cannot be read: {error}") from error
    entries = document.pop("waiver", [])
    if document or not isinstance(entries, list):
        raise UsageError(f"--waivers {path}: it may hold [[waiver]] entries only; see docs/how-to/waivers.md")
    known = set(known)
    found: dict[str, Waiver] = {}
    for entry in entries:
        waiver = _waiver(entry, path, text, known, again=found)
        found[waiver.requirement] = waiver
    return list(found.values())


def _waiver(entry: Any, path: Path, text: str, known: set[str], again: Mapping[str, Waiver]) -> Waiver:
    given = entry.get("requirement") if isinstance(entry, dict) else None
    identity = full(given, known) if isinstance(given, str) else None
    place = f"{path}:{_line(text, given, 1 if identity in again else 0)}"
    if identity is None:
        meant = hint(given, known) if isinstance(given, str) else ""
        raise UsageError(f"--waivers {place}: there is no requirement {given!r}{meant}; see trigger-conformance list")
    if identity in again:
        raise UsageError(f"--waivers {place}: {identity} is waived already at {again[identity].place}: keep one")
    reason, expires, link = entry.get("reason"), entry.get("expires"), entry.get("link", "")
    if not isinstance(reason, str) or not reason.strip():
        raise UsageError(f"--waivers {place}: the waiver of {identity} needs a reason")
    if type(expires) is not date:
        raise UsageError(f"--waivers {place}: the waiver of {identity} needs expires = YYYY-MM-DD")
    if not isinstance(link, str) or set(entry) - {"requirement", "reason", "expires", "link"}:
        raise UsageError(f"--waivers {place}: an entry has requirement, reason, expires and link, nothing else")
    return Waiver(requirement=identity, reason=reason, expires=expires, link=link, place=place)


def _line(text: str, identity: object, before: int) -> int:
    """The line of the entry that names ``identity`` and has so many ``before`` it."""
    quotes = (f'"{identity}"', f"'{identity}'")
    named = [number for number, line in enumerate(text.splitlines(), 1) if any(each in line for each in quotes)]
    return named[before] if before < len(named) else 1


def of_baseline(path: Path) -> list[Waiver]:
    """What was violated in an earlier run's results, as waivers. Raises UsageError where they cannot be read."""
    try:
        document = json.loads(path.read_text("utf-8"))
        reason = f"already violated in the baseline of {document['started_at'][:10]}"
        known = [each["id"] for each in document["requirements"] if each["verdict"] in ("violated", "waived")]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(f"--baseline {path}: these are no results of a run: {error}") from error
    return [Waiver(requirement=identity, reason=reason) for identity in known]


def add(path: Path, waiver: Waiver, known: Iterable[str], today: date) -> None:
    """Append ``waiver`` to the file at ``path``.

    Raises UsageError where the file cannot be used, waives the requirement already, or the waiver holds no longer.
    """
    if expired(waiver, today):
        raise UsageError(f"waive --expires {waiver.expires}: that day is past; give today or a later one")
    if path.exists():
        for each in load(path, known):
            if each.requirement == waiver.requirement:
                raise UsageError(f"waive {each.requirement}: it is waived already at {each.place}; change that entry")
    try:
        before = path.read_text("utf-8") if path.exists() else ""
        text = before + gap(before) + entry(waiver)
        _check_readable(text, waiver)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"waive --waivers {path}: it cannot be written: {error.strerror}") from error


def _check_readable(text: str, waiver: Waiver) -> None:
    """Raise UsageError where the text of a file could not be written, or not be read as ``waiver`` at its end."""
    try:
        text.encode("utf-8")
        last = tomllib.loads(text)["waiver"][-1]
    except ValueError as error:
        raise UsageError(f"waive {waiver.requirement}: no file can hold this reason or link: {error}") from error
    assert (last["reason"], last.get("link", "")) == (waiver.reason, waiver.link)


def gap(before: str) -> str:
    """What separates a new entry from the text ``before`` it."""
    return "" if not before else "\n" if before.endswith("\n") else "\n\n"


def entry(waiver: Waiver) -> str:
    """A waiver as text to append to a file."""
    lines = ["[[waiver]]", f"requirement = {_string(waiver.requirement)}", f"reason = {_string(waiver.reason)}"]
    lines += [f"link = {_string(waiver.link)}"] if waiver.link else []
    return "\n".join([*lines, f"expires = {waiver.expires}", ""])


def _string(text: str) -> str:
    """A basic string of TOML: JSON's, but for its pairs of surrogates, and with DEL escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
