"""The pytest side: options, fixtures and hooks that turn a session over ``tests/`` into a conformance run.

Works the same in one process and under pytest-xdist: workers share the run's ledger, the controller settles the
verdict. Sessions that do not collect the suite are left alone.
"""

from __future__ import annotations

import argparse
import logging
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any, TextIO, TypeVar, cast

import pytest

from trigger_conformance.checks import catalogue, contracts
from trigger_conformance.checks.client import Client
from trigger_conformance.checks.expect import InconclusiveError, NotApplicableError, ViolationError
from trigger_conformance.checks.ground import GroundError
from trigger_conformance.checks.operation import EVERY, UnusableChecksError, operations, suites
from trigger_conformance.checks.requirement import Requirement, Stage, requirement_of
from trigger_conformance.contract.home import SUITE
from trigger_conformance.contract.quoting import bounded, harmless, visible
from trigger_conformance.options import interruption, waivers_file
from trigger_conformance.options.options import OPTIONS, is_flag
from trigger_conformance.options.settings import Settings, check_names, gather
from trigger_conformance.options.target import UsageError
from trigger_conformance.report import allure_files, files
from trigger_conformance.report.attach import attach_exchanges, have_last_word, label
from trigger_conformance.report.curl import Way
from trigger_conformance.report.progress import Console, Output
from trigger_conformance.report.terminal import summary
from trigger_conformance.runs import standard_streams
from trigger_conformance.runs.owners import Owners
from trigger_conformance.runs.run import Run, Shared, Station
from trigger_conformance.runs.second_look import second_look
from trigger_conformance.runs.session import Prepared
from trigger_conformance.runs.sights import sights
from trigger_conformance.verdicts.outcome import Outcome
from trigger_conformance.verdicts.verdict import Ending, ExitStatus, Verdict, verdict_of
from trigger_conformance.verdicts.waivers import Waiver, applied
from trigger_conformance.wire.exchange import Exchange
from trigger_conformance.wire.ledger import BudgetSpentError

RUN = pytest.StashKey[Run]()
STATION = pytest.StashKey[Station]()
OWNERS = pytest.StashKey[Owners]()
OUTPUT = pytest.StashKey[TextIO]()
_PROPERTY = "conformance"
_REVIVAL_SECONDS = 5.0
_PYTEST_OWN = ("strict",)
Handed = TypeVar("Handed")


# Options


def pytest_addoption(parser: pytest.Parser) -> None:
    """The run's options, under the names that ``trigger-conformance run`` gives them."""
    group = parser.getgroup("conformance", "conformance run (trigger-conformance)")
    for option in OPTIONS:
        if option.name in _PYTEST_OWN:
            continue
        shape: dict[str, Any] = {"default": None, "help": f"{option.help} (default: {option.default})"}
        if is_flag(option):
            shape["action"] = argparse.BooleanOptionalAction
        else:
            shape |= {"metavar": option.metavar, "action": "append" if option.many else "store"}
        try:
            group.addoption(f"--{option.name}", dest=option.dest, **shape)
        except (ValueError, argparse.ArgumentError):
            # pytest-base-url, where it is installed, has registered --base-url: the same name, the same meaning.
            continue


def _given(config: pytest.Config) -> dict[str, Any]:
    given = {option.dest: getattr(config.option, option.dest, None) for option in OPTIONS}
    # pytest's own --strict sets this; a conformance run reads it as its own.
    return {**given, "strict": config.getini("strict") or None}


def _is_run(config: pytest.Config) -> bool:
    if hasattr(config, "workerinput"):
        return False
    if config.option.help or config.option.collectonly or config.option.version:
        return False
    paths = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args]
    return any(path == SUITE or SUITE in path.parents for path in paths)


# Session


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Read the options and begin the run, before other plug-ins look at what it sets for them."""
    if (shared := _handed_down(config)) is not None:
        # xdist calls its workers' command lines too: a worker takes part in a run and must never begin one.
        config.option.allure_report_dir = str(shared.report_dir / files.ALLURE)
        allure_files.use()
        interruption.follow_the_controller()
        config.args += [str(folder) for folder in suites()[1:]]
        return None
    if not _is_run(config):
        return None
    # A CI system's cancel is an interruption like Ctrl-C: the report is written.
    interruption.begin()
    interruption.postpone()
    # pytest's terminal takes what is there when it is set up, later than this.
    sys.stdout = config.stash[OUTPUT] = standard_streams.output()
    allure_files.use()
    try:
        run = Run(*_settings(config))
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return int(ExitStatus.USAGE)
    config.args += [str(folder) for folder in run.settings.checks]
    config.stash[RUN] = run
    config.add_cleanup(run.close)
    config.pluginmanager.register(Collector(run))
    _know_owners(config, run.selection, run.record)
    config.option.allure_report_dir = str(run.report_dir / files.ALLURE)
    config.option.clean_alluredir = True
    config.option.tbstyle = "no"
    config.option.reportchars = "N"
    if run.settings.workers > 1:
        config.option.numprocesses = run.settings.workers
        config.option.dist = "loadscope"
        config.option.loadscopereorder = False
    return None


def _settings(config: pytest.Config) -> tuple[Settings, list[Waiver]]:
    prepared = _handed_on(config, Prepared)
    settings = prepared.settings if prepared else gather(_given(config), os.environ, config.invocation_params.dir)
    if settings.template.example_database is not None:
        from trigger_conformance.runs import examples

        examples.check(settings.template.example_database)
    try:
        contracts.check()
    except contracts.UnusableDocumentError as error:
        raise UsageError(f"--openapi: {error}") from error
    except UnusableChecksError as error:
        raise UsageError(f"--checks: {error}") from error
    check_names(settings.only, catalogue.catalogue() if settings.only else ())
    known = (requirement.id for requirement in catalogue.catalogue())
    accepted = waivers_file.load(settings.waivers, known) if settings.waivers else []
    accepted += waivers_file.of_baseline(settings.baseline) if settings.baseline else []
    if settings.workers == 1 and config.option.numprocesses:
        raise UsageError("-n: give --workers instead, so that the run knows of its workers")
    return settings, accepted


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where the target is and where the run's book lies."""
    run = node.config.stash.get(RUN, None)
    if run is None:
        return
    node.workerinput[_PROPERTY] = pickle.dumps(run.station.shared)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let the run say which checks stay together."""
    if RUN not in config.stash:
        return None
    from trigger_conformance.runs.scheduling import ByArea

    return ByArea(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Open a worker's station."""
    if (shared := _handed_down(config)) is not None:
        _open(config, Station(shared))
        _know_owners(config, shared.selection, None)


def _open(config: pytest.Config, station: Station) -> None:
    config.stash[STATION] = station
    have_last_word(lambda text: bounded(station.redactor.text(text)))


def _know_owners(config: pytest.Config, selection: catalogue.Selection, keep: Callable[[Outcome], None] | None) -> None:
    config.stash[OWNERS] = Owners(keep, shared=selection.shard is not None)
    config.pluginmanager.register(config.stash[OWNERS])


def _handed_down(config: pytest.Config) -> Shared | None:
    """What the controller gave to this worker, if it is one."""
    given = getattr(config, "workerinput", {}).get(_PROPERTY)
    return None if given is None else cast(Shared, pickle.loads(given))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close a worker's station."""
    if config.stash.get(STATION, None) is not None and RUN not in config.stash:
        config.stash[STATION].close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what the options select, in the order of the stages."""
    selection = _selection(config)
    if selection is None:
        return
    kept = [item for item in items if _requirement(item) in selection]
    items[:] = sorted(kept, key=lambda item: _requirement(item).stage)


def _selection(config: pytest.Config) -> catalogue.Selection | None:
    if (station := config.stash.get(STATION, None)) is not None:
        return station.shared.selection
    if (run := config.stash.get(RUN, None)) is not None:
        return run.selection
    return None


def _requirement(item: pytest.Item) -> Requirement:
    declared = requirement_of(item.function)  # type: ignore[attr-defined]
    if declared is None:
        raise pytest.UsageError(f"{item.nodeid} declares no requirement: give it @must, @should or @info")
    if declared.operation != EVERY:
        return declared
    return operations()[item.callspec.params["operation"]].requirement(declared)  # type: ignore[attr-defined]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Try the target before anything else; a run that cannot begin ends here."""
    run = session.config.stash.get(RUN, None)
    if run is None:
        return None
    if session.testsfailed:
        return None
    interruption.raise_from_now()
    run.preflight()
    _open(session.config, run.station)
    if run.halted:
        return True
    run.total = len(run.selected)
    if console := _console(session.config):
        run.show_progress(console)
    return None


def _console(config: pytest.Config) -> Console | None:
    """The command line's console; plain pytest has its own dots instead."""
    return _handed_on(config, Console)


def _handed_on(config: pytest.Config, kind: type[Handed]) -> Handed | None:
    """What the command line gave to the session, if it is of this ``kind``."""
    return next((each for each in config.pluginmanager.get_plugins() if isinstance(each, kind)), None)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, Any, Any]:
    """Settle the verdict and set the exit status, when the other plug-ins have written what they write."""
    run = session.config.stash.get(RUN, None)
    if run is None:
        return (yield)
    try:
        yield
    except OSError as error:
        run.unwritten = error
    run.unwritten = run.unwritten or allure_files.Files.unwritten
    run.end_progress()
    run.interrupted = interruption.requested() or session.exitstatus == pytest.ExitCode.INTERRUPTED
    broken = session.exitstatus == pytest.ExitCode.INTERNAL_ERROR or _failed_to_collect(session)
    try:
        # What was decided until something broke is written all the same.
        status = run.finish()
    except Exception as error:
        if not isinstance(error, OSError):
            traceback.print_exc()
        run.unwritten = error
    if run.unwritten is not None:
        why = getattr(run.unwritten, "strerror", None) or run.unwritten
        print(f"error: {run.report_dir}: the reports could not be written: {why}", file=sys.stderr)  # noqa: T201
    # Python's own exit status would be that of a non-conformant target.
    session.exitstatus = int(ExitStatus.SUITE_ERROR if broken or run.unwritten is not None else status)
    return None


def _failed_to_collect(session: pytest.Session) -> bool:
    reporter: Any = session.config.pluginmanager.getplugin("terminalreporter")
    return any(isinstance(report, pytest.CollectReport) for report in reporter.stats.get("error", ()))


def pytest_report_header(config: pytest.Config) -> str | None:
    """Name the target."""
    run = config.stash.get(RUN, None)
    if run is None:
        return None
    target = run.settings.target
    where = target.base_url if target else "the built-in reference server"
    return f"target: {where}, profile: {run.settings.template.profile.name.lower()}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The verdict, and what to do about it."""
    run = config.stash.get(RUN, None)
    if run is not None and run.interrupted:
        told = f"interrupted: what was decided until then is in {run.report_dir}"
        print(told, file=sys.stderr, flush=True)  # noqa: T201
    elif run is not None and run.document:
        console = _console(config)
        brief = console is not None and console.output is Output.QUIET
        summary(run.document, run.report_dir, config.stash[OUTPUT], brief=brief)
        config.stash[OUTPUT].flush()
        terminalreporter.ensure_newline()


# Checks


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Collect a check of every operation's once for each of them."""
    declared = requirement_of(metafunc.function)
    if declared is not None and declared.operation == EVERY:
        if "operation" not in metafunc.fixturenames:
            metafunc.fixturenames.append("operation")
        chosen = [each.id for each in catalogue.operations_of(declared)]
        metafunc.parametrize("operation", chosen, scope="module", indirect=True)


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
    others = sum(_requirement(item).stage < Stage.PRESS for item in request.session.items)
    while station.ledger.finished < others and station.ledger.seconds_left > 0:
        time.sleep(0.02)


@pytest.fixture(scope="module")
def traffic(target: Client, quiet: None, pytestconfig: pytest.Config) -> list[Exchange]:  # noqa: ARG001
    """Every exchange of the operation; a part of the suite, which may never ask plainly, adds a sample of its own."""
    station = pytestconfig.stash[STATION]
    if not station.shared.selection.whole and target.operation.id not in station.sampled:
        station.sampled.add(target.operation.id)
        for sample in target.sample():
            target.send(sample)
    return station.exchanges(target.operation.id)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Begin a check; where the target was given up there is nothing left to see."""
    station = item.config.stash.get(STATION, None)
    if station is None:
        return (yield)
    requirement = _requirement(item)
    operation = station.begin(requirement.id).operation
    label(item, requirement, operation.contract.clause(requirement.clause), operation.contract.documentation)
    if why := station.why_untested(operation):
        raise NotApplicableError(why)
    if station.ledger.down and requirement.stage is not Stage.CLOSING:
        raise InconclusiveError(station.ledger.down)
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
    found = _outcome(_requirement(item), station, call)
    outcome = applied(found, station.shared.waivers, station.shared.today)
    item.config.stash[OWNERS].take(outcome)
    report.user_properties.append((_PROPERTY, pickle.dumps(outcome)))
    _tell(report, outcome)
    return report  # type: ignore[return-value]


def _outcome(requirement: Requirement, station: Station, call: pytest.CallInfo[None]) -> Outcome:
    error = call.excinfo.value if call.excinfo is not None else None
    ending, message, evidence = _ending(error, station)
    own = station.ledger.exchanges(requirement.id)
    attach_exchanges(own, Way.to(station.shared.target), station.redactor)
    if not evidence:
        evidence = own[:2]
    if ending is Ending.CRASHED and call.excinfo is not None:
        message = f"an error in the suite itself: {call.excinfo.exconly()}\n{call.excinfo.getrepr(style='short')}"
    return Outcome(
        requirement=requirement,
        ending=ending,
        verdict=verdict_of(ending, requirement.level, strict=station.shared.strict),
        message=bounded(station.redactor.text(message)),
        notes=tuple(bounded(station.redactor.text(visible(note))) for note in station.api.take_notes()),
        evidence=tuple(exchange.number for exchange in evidence),
        requests=len(own),
        duration=call.duration,
        sights=sights(error, station.redactor),
        rests_on=error.owner if isinstance(error, GroundError) else "",
    )


def _ending(error: BaseException | None, station: Station) -> tuple[Ending, str, Sequence[Exchange]]:
    match error:
        case None:
            return Ending.HELD, "", ()
        case ViolationError() if why := _why_not_blamed(error, station):
            return Ending.BLOCKED, f"{why}\n{error.message}", error.evidence
        case ViolationError():
            return Ending.BROKEN, error.message, error.evidence
        case GroundError():
            return Ending.UNGROUNDED, error.message, error.evidence
        case InconclusiveError():
            return Ending.BLOCKED, error.message, error.evidence
        case BudgetSpentError():
            return Ending.BLOCKED, str(error), ()
        case NotApplicableError():
            return Ending.NOT_APPLICABLE, str(error), ()
    return Ending.CRASHED, str(error), ()


def _why_not_blamed(violation: ViolationError, station: Station) -> str | None:
    """Why a violation does not count: it may be no more than a sign that the target is down or the key refused.

    That is settled by a plain valid request afterwards; a target that comes back within moments is up.
    """
    suspicious = [each for each in violation.evidence if _may_mean_down(each)]
    if not suspicious or len(suspicious) < len(violation.evidence):
        return None
    last = max(exchange.ended for exchange in suspicious)
    success = station.api.contract.success
    if any(each.started > last and each.status == success for each in station.exchanges(station.api.operation.id)):
        return None
    until = time.monotonic() + _REVIVAL_SECONDS
    try:
        while not station.api.is_up():
            if time.monotonic() > until:
                station.ledger.down = f"the target stopped answering after: {suspicious[-1].outcome}"
                return station.ledger.down
            station.wire.pause(0.25)
    except BudgetSpentError as error:
        return f"whether the target is still up could not be seen: {error}"
    return None


def _may_mean_down(exchange: Exchange) -> bool:
    if exchange.answer is None:
        return True
    refused = exchange.status in (401, 403) and exchange.request.credential == "primary"
    return refused or exchange.answer.status >= 500


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


class Collector:
    """Gathers outcomes in the controlling process and shows each verdict in the progress line."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._workers: list[int] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Generator[None, Any, Any]:
        """Start workers so that an interruption is the controller's alone."""
        self._run.station  # noqa: B018  (begins the book, for which the reference server may have to be waited)
        with interruption.held_back():
            return (yield)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_newgateway(self, gateway: Any) -> None:
        """Note which process a worker is."""
        self._workers.append(gateway.remote_exec("import os; channel.send(os.getpid())").receive())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, Any, Any]:
        """End an interrupted run in the order of any other."""
        try:
            try:
                return (yield)
            finally:
                interruption.postpone()
        except KeyboardInterrupt:
            # What asyncio says of the requests that were under way helps nobody.
            logging.getLogger("asyncio").disabled = True
            for worker in self._workers:
                # Nobody waits for what they are at; their book takes no harm.
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            return True

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note the area that the run is in."""
        self._run.area = PurePath(nodeid.partition("::")[0]).stem.removeprefix("test_").replace("_", " ")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the outcome out of a report before other plug-ins write it down."""
        for name, data in report.user_properties:
            if name == _PROPERTY:
                outcome: Outcome = pickle.loads(cast(bytes, data))
                self._run.record(outcome)
                report.conformance = outcome  # type: ignore[attr-defined]
        report.user_properties[:] = [each for each in report.user_properties if each[0] != _PROPERTY]

    def pytest_report_teststatus(self, report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
        """A verdict's letter in the progress line."""
        outcome: Outcome | None = getattr(report, "conformance", None)
        if outcome is None:
            return None
        if _console(config):
            # The command line tells where the run is in its own way.
            return str(outcome.verdict), "", ""
        letters = {Verdict.PASSED: ".", Verdict.VIOLATED: "V", Verdict.INCONCLUSIVE: "?", Verdict.WAIVED: "W"}
        letter = letters.get(outcome.verdict, outcome.verdict[0])
        return str(outcome.verdict), letter, str(outcome.verdict).upper()
