"""The controlling process: gathers outcomes, tells where the run is, and ends an interrupted one in order."""

from __future__ import annotations

import logging
import os
import pickle
import signal
from collections.abc import Generator
from contextlib import suppress
from pathlib import PurePath
from typing import Any, cast

import pytest

from trigger_conformance.options import interruption
from trigger_conformance.report.progress import Console
from trigger_conformance.runs.run import Run
from trigger_conformance.runs.stash import PROPERTY
from trigger_conformance.verdicts.outcome import Outcome
from trigger_conformance.verdicts.verdict import Verdict


class Collector:
    """Gathers outcomes in the controlling process and shows each verdict in the progress line."""

    def __init__(self, run: Run, console: Console | None) -> None:
        self._run = run
        self._console = console
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
            if name == PROPERTY:
                outcome: Outcome = pickle.loads(cast(bytes, data))
                self._run.record(outcome)
                report.conformance = outcome  # type: ignore[attr-defined]
        report.user_properties[:] = [each for each in report.user_properties if each[0] != PROPERTY]

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """A verdict's letter in the progress line."""
        outcome: Outcome | None = getattr(report, "conformance", None)
        if outcome is None:
            return None
        if self._console is not None:
            # The command line tells where the run is in its own way.
            return str(outcome.verdict), "", ""
        letters = {Verdict.PASSED: ".", Verdict.VIOLATED: "V", Verdict.INCONCLUSIVE: "?", Verdict.WAIVED: "W"}
        letter = letters.get(outcome.verdict, outcome.verdict[0])
        return str(outcome.verdict), letter, str(outcome.verdict).upper()
