"""Checks in a pytest session of a run: what they are given, how each is run, and what becomes of its end."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from trigger_conformance.checks import catalogue
from trigger_conformance.checks.client import Client
from trigger_conformance.checks.expect import InconclusiveError, NotApplicableError
from trigger_conformance.checks.operation import EVERY
from trigger_conformance.checks.requirement import Requirement, Stage, requirement_of
from trigger_conformance.contract.quoting import harmless, visible
from trigger_conformance.options import interruption
from trigger_conformance.report.attach import label
from trigger_conformance.runs import blame
from trigger_conformance.runs.second_look import second_look
from trigger_conformance.runs.stash import OWNERS, PROPERTY, RUN, STATION, requirement
from trigger_conformance.verdicts.outcome import Outcome
from trigger_conformance.verdicts.verdict import Verdict
from trigger_conformance.verdicts.waivers import applied
from trigger_conformance.wire.exchange import Exchange


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> list[pytest.Item] | None:
    """Leave out a check that decides nothing of the run, or that no operation needs, for each has its own."""
    declared = requirement_of(obj) if callable(obj) else None
    return [] if declared is not None and not _chosen(collector, name, obj) else None


def _chosen(collector: Any, name: str, check: Any) -> list[Requirement]:
    """Which of a check's requirements are collected."""
    owners = collector.config.stash.get(OWNERS, None)
    return owners.chosen(collector, name, check) if owners else catalogue.requirements_of(check)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Collect a check of every operation's once for each of them that the run selects."""
    declared = requirement_of(metafunc.function)
    if declared is not None and declared.operation == EVERY:
        if "operation" not in metafunc.fixturenames:
            metafunc.fixturenames.append("operation")
        definition = metafunc.definition
        chosen = _chosen(definition.parent, definition.name, metafunc.function)
        metafunc.parametrize("operation", [each.operation for each in chosen], scope="module", indirect=True)


@pytest.fixture(scope="module")
def operation(request: pytest.FixtureRequest) -> str:
    """The id of the operation whose checks have their turn: the folder's, or each in turn."""
    return str(getattr(request, "param", request.path.parent.name))


@pytest.fixture(scope="module")
def target(operation: str, pytestconfig: pytest.Config) -> Client:
    """The target as the checks of an operation speak to it."""
    return pytestconfig.stash[STATION].client(operation)


@pytest.fixture(scope="session")
def is_selected(pytestconfig: pytest.Config) -> Callable[[str], bool]:
    """Whether the run decides the requirement with this id, too."""
    selection = pytestconfig.stash[STATION].shared.selection
    selected = {each.id for each in catalogue.catalogue() if each in selection}
    return selected.__contains__


@pytest.fixture(scope="session")
def quiet(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> None:
    """Wait until no other worker is sending: all checks before the last stages have ended."""
    station = pytestconfig.stash[STATION]
    if not hasattr(pytestconfig, "workerinput"):
        return
    others = sum(requirement(item).stage < Stage.PRESS for item in request.session.items)
    while station.ledger.finished < others and station.ledger.seconds_left > 0:
        time.sleep(0.02)


@pytest.fixture(scope="module")
def traffic(target: Client, quiet: None, pytestconfig: pytest.Config) -> list[Exchange]:  # noqa: ARG001
    """Every exchange of the operation before its last checks, once all others have ended."""
    return _exchanges(target, pytestconfig)


@pytest.fixture
def so_far(target: Client, pytestconfig: pytest.Config) -> list[Exchange]:
    """Every exchange of the operation until now; others may be under way."""
    return _exchanges(target, pytestconfig)


def _exchanges(target: Client, config: pytest.Config) -> list[Exchange]:
    """What was sent; a part of the suite, which may never ask plainly, adds a sample of its own."""
    station = config.stash[STATION]
    operation = target.operation.id
    if not station.shared.selection.has_all_of(operation) and operation not in station.sampled:
        station.sampled.add(operation)
        for sample in target.sample():
            target.send(sample)
    return station.exchanges(operation)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Begin a check; where the target was given up there is nothing left to see."""
    station = item.config.stash.get(STATION, None)
    if station is None:
        return (yield)
    decided = requirement(item)
    operation = station.begin(decided.id).operation
    label(item, decided, operation.contract.clause(decided.clause), operation.contract.documentation)
    if why := station.why_untested(operation):
        raise NotApplicableError(why)
    if down := station.ledger.down:
        # Whichever process found it so.
        station.wire.give_up()
        if decided.stage is not Stage.CLOSING:
            raise InconclusiveError(down)
    return (yield from second_look(item, station, item.setup))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run a check, and once more where a request of it got no answer that did get one when it was sent again."""
    station = item.config.stash.get(STATION, None)
    if station is None:
        return (yield)

    def run_whole() -> None:
        item.setup()
        item.runtest()

    return (yield from second_look(item, station, run_whole))


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[pytest.TestReport]:
    """Turn what a check raised, or did not raise, into its verdict."""
    report: pytest.TestReport = yield  # type: ignore[misc, assignment]
    station = item.config.stash.get(STATION, None)
    decided = report.when == "call" or (report.when == "setup" and call.excinfo is not None)
    if station is None or not decided or (call.excinfo and call.excinfo.errisinstance(KeyboardInterrupt)):
        return report  # type: ignore[return-value]
    found = blame.outcome(requirement(item), station, call)
    outcome = applied(found, station.shared.waivers, station.shared.today)
    item.config.stash[OWNERS].take(outcome)
    report.user_properties.append((PROPERTY, pickle.dumps(outcome)))
    _tell(report, outcome)
    return report  # type: ignore[return-value]


def _tell(report: pytest.TestReport, outcome: Outcome) -> None:
    """Tell pytest, and through it JUnit and Allure, what the verdict amounts to."""
    match outcome.verdict:
        case Verdict.VIOLATED | Verdict.INCONCLUSIVE:
            report.outcome = "failed"
            report.longrepr = harmless(f"{outcome.verdict}: {outcome.requirement.statement}\n{outcome.message}")
        case Verdict.SKIPPED | Verdict.WAIVED:
            report.outcome = "skipped"
            said = f"waived: {outcome.waiver['reason']}" if outcome.waiver else outcome.message
            report.longrepr = (report.location[0], report.location[1] or 0, harmless(visible(said)))
        case _ if report.when == "setup":
            # A setup that has passed is followed by the check itself, which would lack what its fixture found.
            report.outcome = "skipped"
            said = harmless(visible(f"{outcome.verdict}: {outcome.message}"))
            report.longrepr = (report.location[0], report.location[1] or 0, said)
        case _:
            report.outcome = "passed"
            report.longrepr = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    """Note in the run's book that a check has ended, for those that wait for quiet."""
    result = yield
    if RUN in item.config.stash and interruption.requested():
        # Python swallows what is raised while it collects garbage.
        raise KeyboardInterrupt
    station = item.config.stash.get(STATION, None)
    if station is not None:
        station.ledger.finish(item.nodeid)
    return result
