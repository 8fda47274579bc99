"""Checks under way at a time: where a target is far away, the run's process forks into lanes that share its book.

A lane is a copy of this process, with a station of its own, that takes one group of checks after the other; what they
came to is reported here as if they had run here. Checks that share what a fixture saw stay together. What needs quiet
follows in this process, as everything does where there is nothing to hide: a target on this machine answers faster
than several lanes could take turns.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from multiprocessing.connection import Connection, wait
from typing import Any, Self, cast

import pytest

from trigger_conformance.checks.operation import Memory, operations
from trigger_conformance.checks.requirement import Stage
from trigger_conformance.options import interruption
from trigger_conformance.runs.collector import Collector
from trigger_conformance.runs.distance import LANES
from trigger_conformance.runs.stash import OWNERS, STATION, requirement
from trigger_conformance.runs.station import Station
from trigger_conformance.wire.pace import MOST_LANES
from trigger_conformance.wire.replay import Decision
from trigger_conformance.wire.room import Room

Group = Sequence[pytest.Item]
Memories = list[tuple[str, Memory]]
_LANE = "lane"


@dataclass(frozen=True)
class Lane:
    """A process and the way to it: a group's number goes there, reports come back, and at its end what was seen."""

    number: int
    process: Any
    way: Connection


class _Queue:
    """The groups of a stage: each lane gets the next one, in a replay the one that it had in the run."""

    def __init__(self, groups: Sequence[Group], first: int, station: Station) -> None:
        self._left = {requirement(group[0]).id: number for number, group in enumerate(groups, first)}
        self._ledger = station.ledger
        self._had = station.wire.decided(_LANE)

    def next(self, lane: int) -> int | None:
        """The number of the group that the lane is to have, or None."""
        asked = [name for name, number in self._had if number == lane] if self._had else list(self._left)
        name = next((each for each in asked if each in self._left), None)
        if name is None:
            return None
        self._ledger.decide(Decision(name, _LANE, lane))
        return self._left.pop(name)


class Lanes:
    """The checks of a session that need no quiet, in so many processes."""

    def __init__(self, session: pytest.Session, stages: Sequence[Sequence[Group]], lanes: Sequence[Lane]) -> None:
        self._session = session
        self._stages = stages
        self._lanes = {lane.way: lane for lane in lanes}

    @classmethod
    def begin(cls, session: pytest.Session) -> Self:
        """Fork, before there are any threads and while the book is shut."""
        stages = [groups(list(items)) for _, items in groupby(_early(session), lambda item: requirement(item).stage)]
        every = [group for stage in stages for group in stage]
        context = multiprocessing.get_context("fork")
        lanes: list[Lane] = []
        room = Room(MOST_LANES)
        station = session.config.stash[STATION]
        with station.apart(), interruption.held_back():
            for number in range(1, LANES + 1):
                here, there = context.Pipe()
                others = [here, *(lane.way for lane in lanes)]
                given = (session, number, every, room, there, others)
                process = context.Process(target=_work, args=given, daemon=True)
                process.start()
                there.close()
                lanes.append(Lane(number, process, here))
        return cls(session, stages, lanes)

    def conduct(self) -> None:
        """Have the checks run, stage by stage, then those that need quiet. Raises KeyboardInterrupt."""
        try:
            first = 0
            for stage in self._stages:
                self._share_out(_Queue(stage, first, self._session.config.stash[STATION]))
                first += len(stage)
        finally:
            self._end()
        _run([item for item in self._session.items if requirement(item).stage >= Stage.PRESS])

    def _share_out(self, queue: _Queue) -> None:
        busy = {way for way, lane in self._lanes.items() if _hand(queue, lane)}
        while busy:
            for way in wait(list(busy)):
                lane = self._lanes[cast(Connection, way)]
                told = self._heard(lane)
                if isinstance(told, dict):
                    _take(self._session, told)
                    continue
                for operation, memory in told:
                    operations()[operation].memory.take_over(memory)  # type: ignore[union-attr]
                if not _hand(queue, lane):
                    busy.remove(lane.way)

    def _heard(self, lane: Lane) -> dict[str, Any] | Memories:
        try:
            return cast("dict[str, Any] | Memories", lane.way.recv())
        except EOFError:
            lane.process.join()
            raise RuntimeError(f"a lane ended by itself: {lane.process.exitcode}") from None

    def _end(self) -> None:
        for way, lane in self._lanes.items():
            # Nobody waits for what an interrupted one is at; the book takes no harm.
            lane.process.kill()
            lane.process.join()
            way.close()


class _Teller:
    """In a lane: sends on what pytest reports there."""

    def __init__(self, config: pytest.Config, way: Connection) -> None:
        self._config = config
        self._way = way

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._way.send(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))


def _work(
    session: pytest.Session,
    number: int,
    parts: Sequence[Group],
    room: Room,
    way: Connection,
    others: Sequence[Connection],
) -> None:
    """A lane, from its first group to its end: the run's own process kills it, or is gone."""
    interruption.follow_the_controller()
    for each in others:
        # Else nobody would see that the run's own process is gone.
        each.close()
    config = session.config
    _leave_the_reports_to_the_controller(config.pluginmanager)
    config.pluginmanager.register(_Teller(config, way))
    config.stash[STATION] = Station(config.stash[STATION].shared, lane=number, room=room)
    while True:
        try:
            part = parts[way.recv()]
            _run(part)
            way.send(_memories({requirement(item).operation for item in part}))
        except (EOFError, OSError):
            return


def _memories(names: set[str]) -> Memories:
    known = [(name, operations()[name].memory) for name in sorted(names)]
    return [(name, memory) for name, memory in known if memory is not None]


def _hand(queue: _Queue, lane: Lane) -> bool:
    """Give the lane its next group; whether there is one."""
    if (group := queue.next(lane.number)) is None:
        return False
    lane.way.send(group)
    return True


def _leave_the_reports_to_the_controller(plugins: pytest.PytestPluginManager) -> None:
    for plugin in list(plugins.get_plugins()):
        if isinstance(plugin, Collector) or plugins.get_name(plugin) == "terminalreporter":
            plugins.unregister(plugin)


def _take(session: pytest.Session, told: dict[str, Any]) -> None:
    """Report here what a lane reported."""
    config = session.config
    report = config.hook.pytest_report_from_serializable(config=config, data=told)
    config.hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
    config.hook.pytest_runtest_logreport(report=report)
    if (outcome := getattr(report, "conformance", None)) is not None:
        config.stash[OWNERS].take(outcome)


def _run(items: Group) -> None:
    for item, following in pairwise([*items, None]):
        assert item is not None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _early(session: pytest.Session) -> list[pytest.Item]:
    return [item for item in session.items if requirement(item).stage < Stage.PRESS]


def groups(items: Sequence[pytest.Item]) -> list[list[pytest.Item]]:
    """The ``items`` that share a fixture which lasts longer than one of them, in their order; the largest group first.

    What takes longest begins first, that no lane is left with it alone.
    """
    found: list[tuple[set[object], list[pytest.Item]]] = []
    for item in items:
        shared = _shared(item)
        joined = [each for each in found if each[0] & shared]
        if not joined:
            found.append((shared, [item]))
            continue
        first, *others = joined
        first[0].update(shared, *(names for names, _ in others))
        first[1].extend(each for _, those in others for each in those)
        first[1].append(item)
        found = [each for each in found if each not in others]
    order = {item: place for place, item in enumerate(items)}
    return [sorted(those, key=order.__getitem__) for _, those in sorted(found, key=lambda group: -len(group[1]))]


def _shared(item: pytest.Item) -> set[object]:
    """What an item's own module sees once for several of its checks; pytest has no public way to ask."""
    definitions = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]  # noqa: SLF001
    operation = requirement(item).operation
    return {
        (operation, each[-1].baseid, name)
        for name, each in definitions.items()
        if each[-1].baseid and each[-1].scope != "function"
    }
