"""One run: its target, its book, its outcomes, from the first request to the reports."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from trigger_conformance import attestation
from trigger_conformance.catalogue import Selection, catalogue
from trigger_conformance.client import BatchApi
from trigger_conformance.contract import Contract
from trigger_conformance.outcome import Outcome, undecided
from trigger_conformance.reference import settings as reference
from trigger_conformance.reference.process import ReferenceProcess
from trigger_conformance.report import files, har, results
from trigger_conformance.report.progress import Console, Output, Progress, State
from trigger_conformance.requirement import Profile, Requirement, Stage
from trigger_conformance.settings import Settings
from trigger_conformance.target import Budget, Target
from trigger_conformance.verdict import Decision, Ending, ExitStatus, exit_status, overall
from trigger_conformance.waivers import Waiver, problems
from trigger_conformance.wire.exchange import Answer, Exchange, FailureKind
from trigger_conformance.wire.ledger import BudgetSpentError, Ledger
from trigger_conformance.wire.redaction import Redactor
from trigger_conformance.wire.wire import Sending, Wire

_COLD_START = 30.0
_SLOW_START = 3.0


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What a worker process needs to take part in a run."""

    target: Target
    budget: Budget
    ledger: Path
    report_dir: Path
    strict: bool
    selection: Selection
    waivers: tuple[Waiver, ...]
    today: date
    replay: Path | None = None


class Station:
    """One process's part in a run: the client that checks speak through, over the run's shared book."""

    def __init__(self, shared: Shared, *, create: bool = False) -> None:
        self.shared = shared
        target = shared.target
        self.contract = Contract()
        keys = [key for key in (target.api_key, target.second_api_key) if key]
        self.redactor = Redactor(keys, target.headers)
        self.ledger = Ledger(shared.ledger, shared.budget, create=create)
        replay = attestation.evidence(shared.replay) if shared.replay is not None else None
        self.wire = Wire(target, self.ledger, self.redactor, replay)
        self.api = BatchApi(target, self.wire, self.contract)

    def close(self) -> None:
        """Close connections and the book."""
        self.wire.close()
        self.ledger.close()


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
        self.halted: str | None = None
        self.status = ExitStatus.SUITE_ERROR
        self.document: dict[str, Any] = {}
        self.area = ""
        self.total = 0
        self._progress: Progress | None = None
        self._reference: ReferenceProcess | None = None
        if settings.target is None:
            self._reference = ReferenceProcess.start(reference_settings(settings))
        self._folder = Path(tempfile.mkdtemp(prefix="trigger-conformance-"))
        self._station: Station | None = None
        self.report_dir = _report_dir(settings, self.started_at)

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
                ledger=self._folder / "ledger.sqlite",
                report_dir=self.report_dir,
                strict=settings.strict,
                selection=self.selection,
                waivers=self._waivers,
                today=self._today,
                replay=settings.replay,
            )
            self._station = Station(shared, create=True)
        return self._station

    def _target(self) -> Target:
        replayed = self.settings.replay
        run_id = uuid.uuid4().hex[:8] if replayed is None else files.read(replayed)["run_id"]
        changes: dict[str, Any] = {"run_id": run_id}
        if self._reference is not None:
            embedded = self._reference.wait_until_ready()
            changes |= {
                "base_url": embedded.base_url,
                "api_key": embedded.settings.api_key,
                "second_api_key": embedded.settings.second_api_key,
            }
        target = self.settings.with_target(**changes).target
        assert target is not None
        return target

    def preflight(self) -> None:
        """Send one plain valid request; where it is not answered as one, ``halted`` says why in one line."""
        api = self.station.api
        api.begin("preflight")
        timeout = max(api.options.timeout, min(_COLD_START, self.settings.budget.seconds))
        try:
            exchange = self.station.wire.send(api.order(key=api.key()), Sending(timeout=timeout))
        except BudgetSpentError as error:
            self.halted = f"the target could not be tried: {error}"
            return
        self.halted = why_no_target(exchange)
        self._tell_of_the_way(exchange)
        seconds = exchange.ended - exchange.started
        if seconds > _SLOW_START and self.halted is None:
            self.notes.append(f"the first request took {seconds:.1f} s (a cold start?); it was waited for once")

    def _tell_of_the_way(self, exchange: Exchange) -> None:
        target = self.station.shared.target
        if target.proxy is not None:
            self.notes.append(f"requests go by the proxy {target.proxy.url}: its answers are taken for the target's")
        if target.http2 and exchange.answer is not None and exchange.answer.version != "HTTP/2":
            self.notes.append(f"--http2: the target does not offer HTTP/2; it speaks {exchange.answer.version}")

    def record(self, outcome: Outcome) -> None:
        """Keep a check's outcome."""
        self.outcomes[outcome.requirement.id] = outcome

    def show_progress(self, console: Console) -> None:
        """Tell ``console`` where the run is until it is over."""
        if console.output is Output.QUIET:
            return
        # SQLite connections stay on the thread that opened them.
        path, budget = self.station.ledger.path, self.settings.budget
        books: list[Ledger] = []

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

    def finish(self) -> ExitStatus:
        """Settle the verdict, write the reports, stop what was started; returns the exit status."""
        chosen = self.selected
        why = self.halted or ("the run was interrupted" if self.interrupted else "the check did not run")
        outcomes = [self.outcomes.get(each.id) or undecided(each, why) for each in chosen]
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
        try:
            station = self.station
            found = results.Found(
                settings=self.settings,
                target=station.shared.target,
                overall=verdict,
                status=self.status,
                outcomes=outcomes,
                exchanges=station.ledger.exchanges(),
                requests=station.ledger.requests,
                runs=station.ledger.runs,
                started_at=self.started_at,
                duration=time.monotonic() - self._started,
                notes=self.notes,
                halted=self.halted,
                wrong_waivers=wrong_waivers,
                interrupted=self.interrupted,
            )
            self.document = results.results(found, station.contract, station.redactor)
            self.report_dir.mkdir(parents=True, exist_ok=True)
            self._write(station, found.exchanges, results.bodies(found, station.redactor))
            if self.settings.report_dir is None:
                files.point_latest(self.report_dir)
        finally:
            self.close()
        return self.status

    def _write(self, station: Station, exchanges: Sequence[Exchange], bodies: Mapping[str, bytes]) -> None:
        results.write(self.document, self.report_dir / files.RESULTS)
        for name, body in bodies.items():
            (self.report_dir / name).parent.mkdir(exist_ok=True)
            (self.report_dir / name).write_bytes(body)
        evidence = har.har(self._kept(exchanges), station.shared.target.base_url, station.ledger.decisions())
        text = station.redactor.text(json.dumps(evidence, indent=1))
        (self.report_dir / har.FILE).write_text(text, "utf-8")
        files.render(self.document, self.report_dir)
        # GitHub Actions shows what is appended there on the run's page.
        if page := os.environ.get("GITHUB_STEP_SUMMARY"):
            with open(page, "a", encoding="utf-8") as stream:
                stream.write((self.report_dir / "summary.md").read_text("utf-8"))

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
        shutil.rmtree(self._folder, ignore_errors=True)


def reference_settings(settings: Settings) -> reference.Settings:
    """A reference server set up for the maximum that the options state.

    Its limit has room for one such batch, and is slow enough for small batches to press it.
    """
    maximum = settings.template.max_run_count
    capacity = maximum + max(100, maximum // 10)
    return reference.Settings(max_run_count=maximum, run_limit=(capacity, float(max(200, maximum))))


def why_no_target(exchange: Exchange) -> str | None:
    """Why a run must stop at the answer to its first, plain valid request; None where it need not."""
    if exchange.answer is None:
        assert exchange.failure is not None
        hints = {
            FailureKind.TLS: "check the certificate, or name its authority with --ca-bundle",
            FailureKind.TIMEOUT: "is the target up? a longer --timeout waits longer",
        }
        hint = hints.get(exchange.failure.kind, "check --base-url, and that the target is up")
        return f"the target does not answer ({exchange.failure}): {hint}"
    return _why_no_batch_api(exchange.answer)


def _why_no_batch_api(answer: Answer) -> str | None:
    status = answer.status
    if status == 202:
        return None
    if status in (401, 403):
        return f"the target refused the key ({status} on a plain valid request): check --api-key"
    if status == 407:
        return (
            "a proxy on the way asks for credentials (407): give them in HTTP_PROXY, as http://user:password@host:port"
        )
    if status == 429:
        return "the target answers 429 and waiting did not help: try again later, or with a key that is not limited"
    if 300 <= status < 400:
        place = answer.header("location") or "nowhere"
        return f"the target redirects to {place} ({status}): give the final origin as --base-url"
    if status >= 500:
        return f"the target is down ({status} on a plain valid request): {_gist(answer)}"
    if status in (404, 405) or "html" in answer.media_type:
        return f"this is no batch API ({status} {answer.media_type or 'without a media type'}): check --base-url"
    return None


def _gist(answer: Answer) -> str:
    message = answer.document.get("message")
    return message if isinstance(message, str) and message else "try again when it is up"


def _report_dir(settings: Settings, started_at: float) -> Path:
    if settings.report_dir is not None:
        return settings.report_dir
    return files.new_folder(files.host(settings.target.base_url) if settings.target else "reference", started_at)
