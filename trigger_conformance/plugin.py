"""The pytest side: options, and the hooks that turn a session over ``tests/`` into a conformance run.

Works the same in one process and under pytest-xdist: workers share the run's ledger, the controller settles the
verdict. Sessions that do not collect the suite are left alone.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TextIO, TypeVar, cast

import pytest

from trigger_conformance.options import places

if not places.SETTLED:
    # The command line has done so before; here, pytest is what was called.
    places.settle(sys.argv[1:], os.environ, Path.cwd())

from trigger_conformance.checks import catalogue, contracts
from trigger_conformance.checks.operation import UnusableChecksError, operations, suites
from trigger_conformance.checks.requirement import Stage
from trigger_conformance.contract.home import SUITE
from trigger_conformance.contract.quoting import bounded
from trigger_conformance.options import interruption, waivers_file
from trigger_conformance.options.options import OPTIONS, is_flag
from trigger_conformance.options.settings import Settings, check_names, gather
from trigger_conformance.options.target import UsageError
from trigger_conformance.report import allure_files, files
from trigger_conformance.report.attach import have_last_word
from trigger_conformance.report.progress import Console, Output
from trigger_conformance.report.telling import leftovers
from trigger_conformance.report.terminal import summary
from trigger_conformance.runs import standard_streams
from trigger_conformance.runs.collector import Collector
from trigger_conformance.runs.lanes import Lanes
from trigger_conformance.runs.owners import Owners
from trigger_conformance.runs.run import Run
from trigger_conformance.runs.session import Prepared
from trigger_conformance.runs.stash import OWNERS, PROPERTY, RUN, STATION, requirement
from trigger_conformance.runs.station import Shared, Station
from trigger_conformance.verdicts.outcome import Outcome
from trigger_conformance.verdicts.verdict import ExitStatus
from trigger_conformance.verdicts.waivers import Waiver

pytest_plugins = ("trigger_conformance.runs.checking",)
OUTPUT = pytest.StashKey[TextIO]()
_PYTEST_OWN = ("strict",)
Handed = TypeVar("Handed")


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
    # What is imported and collected stays until the end: looking through it for garbage took a fifth of a run.
    gc.disable()
    config.add_cleanup(_collect_garbage_as_ever)
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
    config.pluginmanager.register(Collector(run, _console(config)))
    _know_owners(config, run.selection, run.record)
    config.option.allure_report_dir = str(run.report_dir / files.ALLURE)
    config.option.clean_alluredir = True
    config.option.tbstyle = "no"
    config.option.reportchars = "N"
    if run.settings.target is None:
        # There is time until the built-in server has started.
        _preload(run)
    if run.settings.workers > 1:
        config.option.numprocesses = run.settings.workers
        config.option.dist = "loadscope"
        config.option.loadscopereorder = False
    return None


def _collect_garbage_as_ever() -> None:
    gc.unfreeze()
    gc.enable()


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
    node.workerinput[PROPERTY] = pickle.dumps(run.station.shared)


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
        # Workers are called gw0, gw1 and so on; 0 is the controller.
        number = int(config.workerinput["workerid"].removeprefix("gw")) + 1  # type: ignore[attr-defined]
        _open(config, Station(shared, lane=number))
        _know_owners(config, shared.selection, None)


def _open(config: pytest.Config, station: Station) -> None:
    config.stash[STATION] = station
    have_last_word(lambda text: bounded(station.redactor.text(text)))


def _know_owners(config: pytest.Config, selection: catalogue.Selection, keep: Callable[[Outcome], None] | None) -> None:
    config.stash[OWNERS] = Owners(keep, selection)
    config.pluginmanager.register(config.stash[OWNERS])


def _handed_down(config: pytest.Config) -> Shared | None:
    """What the controller gave to this worker, if it is one."""
    given = getattr(config, "workerinput", {}).get(PROPERTY)
    return None if given is None else cast(Shared, pickle.loads(given))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close a worker's station."""
    if config.stash.get(STATION, None) is not None and RUN not in config.stash:
        config.stash[STATION].close()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what was selected in the order of the stages: last, for pytest groups items by their parameters."""
    if OWNERS in config.stash:
        items.sort(key=lambda item: (requirement(item).stage, _only_judges(item)))


def _only_judges(item: pytest.Item) -> bool:
    """Whether a check that closes a run sends nothing: it judges what others that close it have sent, too."""
    asked = inspect.signature(getattr(item, "function", _only_judges)).parameters
    return requirement(item).stage is Stage.CLOSING and "target" not in asked


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Try the target before anything else; a run that cannot begin ends here."""
    run = session.config.stash.get(RUN, None)
    if run is None:
        return None
    if session.testsfailed:
        return None
    interruption.raise_from_now()
    gc.freeze()
    gc.enable()
    run.preflight()
    _open(session.config, run.station)
    if run.halted:
        return True
    # A process forks before it has threads.
    side_by_side = Lanes.begin(session) if run.is_far() else None
    run.total = len(run.selected)
    if console := _console(session.config):
        run.show_progress(console)
    if side_by_side is None:
        return None
    side_by_side.conduct()
    return True


def _preload(run: Run) -> None:
    """Load what generates requests, where any are to be generated in this process."""
    fuzzed = [each.operation for each in run.selected if each.area.endswith(".fuzzing")]
    if fuzzed and run.settings.workers == 1:
        from trigger_conformance.checks import generation

        generation.preload(operations()[fuzzed[0]].contract)


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
        if (left := leftovers(run.document)) is not None:
            # Whoever interrupts a run sees no summary.
            remedy = f": {left.command}" if left.command else ""
            print(f"{left.sentence}{remedy}", file=sys.stderr, flush=True)  # noqa: T201
    elif run is not None and run.document:
        console = _console(config)
        brief = console is not None and console.output is Output.QUIET
        summary(run.document, run.report_dir, config.stash[OUTPUT], brief=brief)
        config.stash[OUTPUT].flush()
        terminalreporter.ensure_newline()
