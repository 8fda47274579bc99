"""What runs left behind on a target, found by how its names begin; and removed, where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from trigger_conformance.checks.catalogue import Selection
from trigger_conformance.checks.operation import RUN_ID, Operation, operations
from trigger_conformance.contract.quoting import harmless, visible
from trigger_conformance.options.settings import Settings
from trigger_conformance.options.target import UsageError
from trigger_conformance.report.results import LeftBehind
from trigger_conformance.runs.clearing import Clearing, is_removable
from trigger_conformance.runs.scratch import Scratch
from trigger_conformance.runs.station import Shared, Station
from trigger_conformance.verdicts.verdict import ExitStatus
from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.redaction import Redactor

_BUDGET = Budget(requests=20_000, runs=1 << 62, seconds=300)


@dataclass(frozen=True)
class Cleaned:
    """What runs left on the target at ``base_url``: what was ``found``, and what of it is ``left``.

    ``removing`` says that all was to be removed. ``unseen`` says of operations, a line each, why their things could not
    be listed, ``unasked`` why nothing was asked of them at all.
    """

    base_url: str
    found: Sequence[LeftBehind]
    left: Sequence[LeftBehind]
    unseen: Sequence[str]
    removing: bool
    unasked: Sequence[str] = ()

    @property
    def status(self) -> ExitStatus:
        """What the command ends with."""
        if self.left:
            return ExitStatus.NON_CONFORMANT
        return ExitStatus.INCONCLUSIVE if self.unseen else ExitStatus.CONFORMANT

    def text(self) -> str:
        """The end of it, for a reader."""
        lines = [f"{line(each)}: {harmless(visible(each.reason))}" for each in self.left if self.removing]
        lines += [f"what is left could not be seen: {harmless(visible(each))}" for each in self.unseen]
        count = f"{len(self.found)} thing{'' if len(self.found) == 1 else 's'}"
        if self.found and self.removing:
            lines.append(f"{count} found on {self.base_url}, {len(self.found) - len(self.left)} removed")
        elif self.found:
            lines.append(f"{count} found on {self.base_url}; nothing was removed: add --yes to remove what is shown")
        elif not self.unseen:
            lines.append(f"nothing is left on {self.base_url}")
        return "\n".join(lines)

    def json_text(self) -> str:
        """All of it, for programs."""
        left = {(each.operation, each.id): each.reason for each in self.left} if self.removing else {}
        found = [{"operation": each.operation, "id": each.id, "name": each.name,
                  "removed": self.removing and (each.operation, each.id) not in left,
                  "reason": left.get((each.operation, each.id), "")} for each in self.found]  # fmt: skip
        notes = {"unseen": list(self.unseen), "unasked": list(self.unasked)}
        return json.dumps({"base_url": self.base_url, "found": found, **notes}, indent=1)


def line(thing: LeftBehind) -> str:
    """A thing as it is shown: a target's ids and names must not steer a terminal."""
    return harmless("  ".join(visible(each) for each in (thing.operation, thing.id, thing.name)))


def clean(
    settings: Settings, run_ids: Sequence[str], show: Callable[[LeftBehind], None] | None, *, remove: bool
) -> Cleaned:  # fmt: skip
    """Find what runs left on the target of ``settings``, those with ``run_ids`` or all; ``show`` it, and ``remove`` it.

    Raises UsageError.
    """
    if settings.target is None:
        raise UsageError("clean: give --base-url or --target; the built-in server keeps nothing")
    _check_run_ids(run_ids)
    with _station(settings) as station:
        clearings = list(_clearings(station, run_ids))
        for each in clearings:
            each.look()
        found = _told(clearings, station.redactor)
        if show is not None:
            for thing in found:
                show(thing)
        if remove:
            for each in clearings:
                each.clear()
        left = _told(clearings, station.redactor) if remove else found
        unseen = dict.fromkeys(f"{each.operation}: {each.unseen}" for each in clearings if each.unseen)
        return Cleaned(settings.target.base_url, found, left, list(unseen), remove, _unasked(settings.target.stated))


def _told(clearings: Iterable[Clearing], redactor: Redactor) -> list[LeftBehind]:
    """What is left, once each: two credentials may see the same."""
    every = (LeftBehind(*map(redactor.text, astuple(thing))) for each in clearings for thing in each.left())
    return list({(thing.operation, thing.id): thing for thing in every}.values())


@contextmanager
def _station(settings: Settings) -> Iterator[Station]:
    scratch = Scratch()
    try:
        station = Station(_shared(settings, scratch), create=True)
        try:
            yield station
        finally:
            station.close()
    finally:
        scratch.remove()


def _unasked(stated: Mapping[str, Any]) -> list[str]:
    unreached = {each.id: each.unreached(stated) for each in operations().values()}
    return [f"{identity} {why}" for identity, why in unreached.items() if why]


def _check_run_ids(run_ids: Sequence[str]) -> None:
    """Raise UsageError where one of ``run_ids`` is none."""
    for each in run_ids:
        if not RUN_ID.fullmatch(each):
            raise UsageError(f"--run-id {each}: it must be a run's id as its results.json has it, such as 1f0a9b3c")


def _naming(operation: Operation, run_ids: Sequence[str]) -> Callable[[str], bool]:
    def is_ours(name: str) -> bool:
        run_id = operation.run_of(name)
        return run_id is not None and (not run_ids or run_id in run_ids)

    return is_ours


def _shared(settings: Settings, scratch: Scratch) -> Shared:
    target = settings.target
    assert target is not None
    return Shared(
        target=target,
        budget=replace(_BUDGET, per_second=settings.budget.per_second),
        ledger=scratch.path / "ledger.sqlite",
        report_dir=scratch.path,
        strict=False,
        selection=Selection((), None, target.profile),
        waivers=(),
        today=datetime.now(UTC).date(),
    )


def _clearings(station: Station, run_ids: Sequence[str]) -> Iterator[Clearing]:
    for operation in operations().values():
        client, is_ours = station.client(operation.id), _naming(operation, run_ids)
        if operation.unreached(client.stated) or not is_removable(client):
            continue
        yield Clearing(client, is_ours)
        if (second := client.of_second()) is not None:
            yield Clearing(second, is_ours)
