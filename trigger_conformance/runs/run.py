"""One run: its target, its book, its outcomes, from the first request to the reports."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from trigger_conformance.checks import contracts
from trigger_conformance.checks.catalogue import Selection, catalogue
from trigger_conformance.checks.operation import Operation, operations
from trigger_conformance.checks.requirement import Profile, Requirement, Stage
from trigger_conformance.options import interruption
from trigger_conformance.options.settings import Settings
from trigger_conformance.options.target import Target, UsageError
from trigger_conformance.reference import settings as reference
from trigger_conformance.reference.process import ReferenceProcess
from trigger_conformance.report import allure_run, files, har, results
from trigger_conformance.report.progress import Console, Output, Progress, State
from trigger_conformance.report.results import Removal
from trigger_conformance.runs import distance, preflight
from trigger_conformance.runs.removal import remove_made
from trigger_conformance.runs.scratch import Scratch
from trigger_conformance.runs.sights import with_kinds
from trigger_conformance.runs.station import Shared, Station
from trigger_conformance.verdicts.outcome import Outcome, undecided
from trigger_conformance.verdicts.settling import settled
from trigger_conformance.verdicts.verdict import Decision, Ending, ExitStatus, exit_status, overall
from trigger_conformance.verdicts.waivers import Waiver, problems
from trigger_conformance.wire.exchange import Exchange
from trigger_conformance.wire.ledger import Ledger

_LONGEST_TOLD = 100


class Run:
    """The run as its controlling process sees it."""

    def __init__(self, settings: Settings, waivers: Sequence[Waiver] = ()) -> None:
        self.settings = settings
        self._waivers = tuple(waivers)
        self.started_at = time.time()
        self._today = date.fromtimestamp(self.started_at)
        self._started = time.monotonic()
        self.outcomes: dict[str, Outcome] = {}
        self.notes: list[str] = []
        self.interrupted = False
        self.unwritten: Exception | None = None
        self.halted: str | None = None
        self.status = ExitStatus.SUITE_ERROR
        self.document: dict[str, Any] = {}
        self.area = ""
        self.total = 0
        self._progress: Progress | None = None
        # What the progress is told from: on its thread, then here.
        self._books: list[Ledger] = []
        self.report_dir = _report_dir(settings, self.started_at)
        self._page = os.environ.get("GITHUB_STEP_SUMMARY")
        self._reference: ReferenceProcess | None = None
        if settings.target is None:
            self._reference = ReferenceProcess.start(reference.set_up_for(settings.template.stated))
        self._scratch = Scratch()
        self._station: Station | None = None

    @property
    def selected(self) -> list[Requirement]:
        """The requirements that the options select."""
        return [each for each in catalogue() if each in self.selection]

    @property
    def selection(self) -> Selection:
        """What the options select."""
        settings = self.settings
        return Selection(settings.only, settings.level, settings.template.profile, settings.shard)

    @property
    def station(self) -> Station:
        """This process's part; begins the book, and waits for the reference server, at first use."""
        if self._station is None:
            target = self._target()
            settings = self.settings
            shared = Shared(
                target=target,
                budget=settings.budget,
                ledger=self._scratch.path / "ledger.sqlite",
                report_dir=self.report_dir,
                strict=settings.strict,
                selection=self.selection,
                waivers=self._waivers,
                today=self._today,
                built_in=settings.target is None,
                replay=settings.replay,
            )
            self._station = Station(shared, create=True)
        return self._station

    def _target(self) -> Target:
        replayed = self.settings.replay
        run_id = uuid.uuid4().hex[:8] if replayed is None else files.read(replayed)["run_id"]
        changes: dict[str, Any] = {"run_id": run_id}
        if self._reference is not None and (embedded := _awaited(self._reference)) is not None:
            changes |= {
                "base_url": embedded.base_url,
                "api_key": embedded.settings.api_key,
                "second_api_key": embedded.settings.second_api_key,
                "stated": reference.stated_of(embedded.settings, self.settings.template.stated),
            }
        target = self.settings.with_target(**changes).target
        assert target is not None
        return target

    def preflight(self) -> None:
        """Try each operation; where one cannot be tested, ``halted`` says why in one line."""
        for operation in self._tested():
            if (told := contracts.told(operation)) is not None:
                self.notes.append(told)
            if self.halted is None:
                tried = preflight.tried(self.station, operation, self.settings.budget.seconds)
                self.halted = tried.halted
                self.notes += tried.notes

    def is_far(self) -> bool:
        """Whether the target is so far away that checks are to be under way at a time; asks it where that is likely.

        The built-in server is not: where it answers late, this machine is busy.
        """
        tested = self._tested() if self.settings.target is not None else []
        return bool(tested) and distance.is_far(self.station, self.settings, tested[0].id, len(self.selected))

    def _tested(self) -> list[Operation]:
        """The operations of the selected requirements that can be tested."""
        selected = {each.operation for each in self.selected}
        known = [each for each in operations().values() if each.id in selected]
        return [each for each in known if self.station.why_untested(each) is None]

    def record(self, outcome: Outcome) -> None:
        """Keep a check's outcome."""
        self.outcomes[outcome.requirement.id] = outcome

    def show_progress(self, console: Console) -> None:
        """Tell ``console`` where the run is until it is over."""
        if console.output is Output.QUIET:
            return
        # SQLite connections stay on the thread that opened them.
        path, budget, books = self.station.ledger.path, self.settings.budget, self._books

        def book() -> Ledger:
            if not books:
                books.append(Ledger(path, budget, anywhere=True))
            return books[0]

        def state() -> State | None:
            if not self.area:
                return None
            return State(self.area, len(self.outcomes), self.total, book().requests, book().waiting)

        told = (lambda number: book().exchanges(after=number)) if console.output is Output.VERBOSE else None
        self._progress = Progress(state, console.stream, told)

    def end_progress(self) -> None:
        """Stop telling where the run is."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        while self._books:
            self._books.pop().close()

    def finish(self) -> ExitStatus:
        """Settle the verdict, write the reports, stop what was started; returns the exit status."""
        try:
            self._settle(remove_made(self.station))
        finally:
            self.close()
        if interruption.over(self.status) and not self.interrupted:
            # It came while the reports were written.
            self.interrupted = True
            self.status = ExitStatus.INTERRUPTED
            self.document |= {"interrupted": True, "exit_status": int(self.status)}
            self._render()
            interruption.over(self.status)
        return self.status

    def _settle(self, removal: Removal) -> None:
        chosen = self.selected
        why = self.halted or ("the run was interrupted" if self.interrupted else "the check did not run")
        outcomes = [self.outcomes.get(each.id) or undecided(each, why) for each in chosen]
        beside = [each for identity, each in self.outcomes.items() if identity not in {one.id for one in chosen}]
        outcomes = settled(outcomes, beside, waivers=self._waivers, today=self._today, strict=self.settings.strict)
        self.notes += [_judged_alone(each) for each in beside]
        decisions: list[Decision] = [outcome.decision for outcome in outcomes]
        verdict = overall(decisions, strict=self.settings.strict)
        wrong_waivers = problems(outcomes, self._waivers, self._today)
        crashed = any(outcome.ending is Ending.CRASHED for outcome in outcomes)
        self.status = exit_status(
            verdict,
            interrupted=self.interrupted,
            crashed=crashed,
            selected=bool(chosen),
            wrong_waivers=bool(wrong_waivers),
        )
        station = self.station
        self._try_page()
        exchanges = station.ledger.exchanges()
        found = results.Found(
            settings=self.settings,
            target=station.shared.target,
            overall=verdict,
            status=self.status,
            outcomes=with_kinds(outcomes, exchanges),
            exchanges=exchanges,
            requests=station.ledger.requests,
            runs=station.ledger.runs,
            started_at=self.started_at,
            duration=time.monotonic() - self._started,
            notes=self.notes,
            halted=self.halted,
            waivers=self._waivers,
            wrong_waivers=wrong_waivers,
            interrupted=self.interrupted,
            removal=removal,
        )
        self.document = results.results(found, station.redactor)
        self._last_word = station.redactor.text
        self._write(station, found.exchanges, results.bodies(found, station.redactor))
        if self.settings.report_dir is None:
            files.point_latest(self.report_dir)

    def _write(self, station: Station, exchanges: Sequence[Exchange], bodies: Mapping[str, bytes]) -> None:
        self.report_dir.mkdir(parents=True, exist_ok=True)
        for name, body in bodies.items():
            (self.report_dir / name).parent.mkdir(exist_ok=True)
            (self.report_dir / name).write_bytes(body)
        self._render()
        base_url, last = station.shared.target.base_url, station.redactor.text
        with open(self.report_dir / har.FILE, "w", encoding="utf-8") as stream:
            stream.writelines(har.texts(self._kept(exchanges), base_url, station.ledger.decisions(), last))
        # GitHub Actions shows what is appended there on the run's page.
        if self._page:
            with open(self._page, "a", encoding="utf-8") as stream:
                stream.write((self.report_dir / "summary.md").read_text("utf-8"))

    def _render(self) -> None:
        results.write(self.document, self.report_dir / files.RESULTS)
        files.render(self.document, self.report_dir, self._last_word)
        allure_run.write(self.document, self.report_dir / files.ALLURE)

    def _try_page(self) -> None:
        """Find out whether GitHub's page can be written while that can still be noted."""
        if not self._page:
            return
        try:
            open(self._page, "ab").close()
        except OSError as error:
            self.notes.append(f"GITHUB_STEP_SUMMARY {self._page}: it cannot be written ({error.strerror})")
            self._page = None

    def _kept(self, exchanges: Sequence[Exchange]) -> Sequence[Exchange]:
        """The exchanges that evidence.har keeps: all, but of a campaign's hundred thousands what is shown."""
        if self.settings.template.profile is not Profile.SOAK:
            return exchanges
        generated = {each.id for each in self.selected if each.stage is Stage.GENERATED}
        shown = {data["number"] for each in self.document["requirements"] for data in each["evidence"]}
        return [each for each in exchanges if each.check not in generated or each.number in shown]

    def close(self) -> None:
        """Stop the reference server and remove the book."""
        self.end_progress()
        if self._station is not None:
            self._station.close()
            self._station = None
        if self._reference is not None:
            self._reference.stop()
            self._reference = None
        self._scratch.remove()


def _judged_alone(outcome: Outcome) -> str:
    return (
        f"{outcome.requirement.id} was not selected; others rest on it, so it was judged by itself: {outcome.verdict}"
    )


def _report_dir(settings: Settings, started_at: float) -> Path:
    """Where the reports go. Raises UsageError where nothing can be written there."""
    folder = settings.report_dir
    if folder is None:
        host = files.host(settings.target.base_url) if settings.target else "reference"
        folder = files.new_folder(host, started_at)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, ValueError) as error:
        told = str(folder) if len(str(folder)) <= _LONGEST_TOLD else f"{str(folder)[:_LONGEST_TOLD]}…"
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"--report-dir {told}: nothing can be written there ({why}); name another folder") from error


def _awaited(reference: ReferenceProcess) -> ReferenceProcess | None:
    """The reference server once it listens; None where the run is interrupted before."""
    try:
        with interruption.raising():
            return reference.wait_until_ready()
    except KeyboardInterrupt:
        return None
