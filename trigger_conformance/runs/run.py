"""One run: its target, its book, its outcomes, from the first request to the reports."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trigger_conformance.checks import contracts
from trigger_conformance.checks.catalogue import Selection, catalogue
from trigger_conformance.checks.client import Client
from trigger_conformance.checks.operation import Operation, Readings, operations
from trigger_conformance.checks.requirement import Profile, Requirement, Stage
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.options import interruption
from trigger_conformance.options.settings import Settings
from trigger_conformance.options.target import Target, UsageError
from trigger_conformance.reference import settings as reference
from trigger_conformance.reference.mounted import mounted
from trigger_conformance.reference.process import ReferenceProcess
from trigger_conformance.report import allure_run, files, har, results
from trigger_conformance.report.progress import Console, Output, Progress, State
from trigger_conformance.runs import attestation
from trigger_conformance.runs.scratch import Scratch
from trigger_conformance.runs.sights import with_kinds
from trigger_conformance.verdicts.outcome import Outcome, undecided
from trigger_conformance.verdicts.settling import settled
from trigger_conformance.verdicts.verdict import Decision, Ending, ExitStatus, exit_status, overall
from trigger_conformance.verdicts.waivers import Waiver, problems
from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.destination import Destination
from trigger_conformance.wire.exchange import Answer, Exchange, FailureKind
from trigger_conformance.wire.handshake import speaks_tls
from trigger_conformance.wire.ledger import BudgetSpentError, Ledger
from trigger_conformance.wire.redaction import Redactor
from trigger_conformance.wire.wire import Sending, Wire

_COLD_START = 30.0
_SLOW_START = 3.0
# What a second request meets too, or has waited for long enough.
_HOPELESS = (FailureKind.UNREACHABLE, FailureKind.TLS, FailureKind.TIMEOUT)
_LONGEST_PIECE = 200
_LONGEST_TOLD = 100
# How OpenSSL calls an answer that is no TLS.
_NO_TLS = re.compile("wrong.version.number|record.layer.failure|packet.length.too.long|http.request", re.IGNORECASE)


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
    built_in: bool = False
    replay: Path | None = None


class Station:
    """One process's part in a run: the clients that checks speak through, over the run's shared book.

    ``api`` is the client of the operation whose check has its turn.
    """

    def __init__(self, shared: Shared, *, create: bool = False) -> None:
        self.shared = shared
        target = shared.target
        keys = [key for key in (target.api_key, target.second_api_key) if key]
        self.redactor = Redactor(keys, target.headers)
        self.ledger = Ledger(shared.ledger, shared.budget, create=create)
        self._read: list[Exchange] = []
        replay = attestation.evidence(shared.replay) if shared.replay is not None else None
        self.wire = Wire(target, self.ledger, self.redactor, replay, Readings(target.stated))
        self._clients: dict[str, Client] = {}
        self.sampled: set[str] = set()
        self.api = self.client(next(iter(operations())))

    def client(self, operation: str) -> Client:
        """The client of an operation."""
        if operation not in self._clients:
            self._clients[operation] = operations()[operation].client(self.shared.target, self.wire)
        return self._clients[operation]

    def begin(self, requirement: str) -> Client:
        """From now on requests leave on behalf of ``requirement``; returns its operation's client."""
        self.api = self.client(requirement.partition(".")[0])
        self.api.begin(requirement)
        return self.api

    def why_untested(self, operation: Operation) -> str | None:
        """Why an operation cannot be tested on the target, or None."""
        if self.shared.built_in and operation.id not in mounted():
            return f"{operation.title}: the built-in reference server does not have it"
        lacking = operation.lacking(self.shared.target.stated)
        return f"{operation.title}: {lacking}" if lacking else None

    def exchanges(self, operation: str) -> list[Exchange]:
        """What was sent so far on behalf of an operation's checks."""
        everything = self._everything()
        return [each for each in everything if each.check.partition(".")[0] == operation]

    def _everything(self) -> list[Exchange]:
        # Reading them takes a while, and what judges all that was sent sends nothing itself.
        if len(self._read) != self.ledger.recorded:
            self._read = self.ledger.exchanges()
        return self._read

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
        self.unwritten: Exception | None = None
        self.halted: str | None = None
        self.status = ExitStatus.SUITE_ERROR
        self.document: dict[str, Any] = {}
        self.area = ""
        self.total = 0
        self._progress: Progress | None = None
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
            }
        target = self.settings.with_target(**changes).target
        assert target is not None
        return target

    def preflight(self) -> None:
        """Send one plain valid request an operation; where one is not answered so, ``halted`` says why in one line."""
        for operation in self._tested():
            if (told := contracts.told(operation)) is not None:
                self.notes.append(told)
            if self.halted is None:
                self._try(operation)

    def _tested(self) -> list[Operation]:
        """The operations of the selected requirements that can be tested."""
        selected = {each.operation for each in self.selected}
        known = [each for each in operations().values() if each.id in selected]
        return [each for each in known if self.station.why_untested(each) is None]

    def _try(self, operation: Operation) -> None:
        api = self.station.begin(f"{operation.id}.preflight")
        timeout = max(api.options.timeout, min(_COLD_START, self.settings.budget.seconds))
        try:
            exchange = self._first_answer(Sending(timeout=timeout))
        except BudgetSpentError as error:
            self.halted = f"the target could not be tried: {error}"
            return
        # What is told is cut, and what is cut must be redacted before.
        clean = self.station.redactor.exchange(exchange)
        self.halted = _other_scheme(api.options, clean) or why_no_target(clean, operation)
        self._tell_of_the_way(exchange)
        seconds = exchange.ended - exchange.started
        if seconds > _SLOW_START and self.halted is None:
            self.notes.append(f"the first request took {seconds:.1f} s (a cold start?); it was waited for once")

    def _first_answer(self, sending: Sending) -> Exchange:
        """The answer to a plain valid request; one that is lost on its way is sent once more."""
        api, wire = self.station.api, self.station.wire
        exchange = wire.send(api.valid(), sending)
        if wire.take_lost() and exchange.failure and exchange.failure.kind not in _HOPELESS:
            exchange = wire.send(exchange.request, replace(sending, repeats=exchange.number))
        return exchange

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
        try:
            self._settle()
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

    def _settle(self) -> None:
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
            wrong_waivers=wrong_waivers,
            interrupted=self.interrupted,
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
        evidence = har.har(self._kept(exchanges), station.shared.target.base_url, station.ledger.decisions())
        text = station.redactor.text(json.dumps(evidence, indent=1))
        self._render()
        (self.report_dir / har.FILE).write_text(text, "utf-8")
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


def _other_scheme(target: Destination, exchange: Exchange) -> str | None:
    """What to say where the target speaks TLS and was called without, or the reverse."""
    parts = urlsplit(target.base_url)
    rest = target.base_url.partition("://")[2]
    failure = exchange.failure
    if parts.scheme == "https":
        plain = failure is not None and failure.kind is FailureKind.TLS and _NO_TLS.search(failure.detail)
        return f"the target speaks no TLS on this port: give --base-url http://{rest}" if plain else None
    odd = exchange.status == 400 if failure is None else failure.kind in (FailureKind.DROPPED, FailureKind.BROKEN)
    if not odd or target.proxy is not None:
        return None
    if speaks_tls(parts.hostname or "", parts.port or 80, target.timeout):
        return f"the target speaks TLS on this port: give --base-url https://{rest}"
    return None


def why_no_target(exchange: Exchange, operation: Operation) -> str | None:
    """Why a run must stop at the answer to an operation's first, plain valid request; None where it need not."""
    if exchange.answer is None:
        assert exchange.failure is not None
        hints = {
            FailureKind.TLS: "check the certificate, or name its authority with --ca-bundle",
            FailureKind.TIMEOUT: "is the target up? a longer --timeout waits longer",
        }
        hint = hints.get(exchange.failure.kind, "check --base-url, and that the target is up")
        return f"the target does not answer ({exchange.failure}): {hint}"
    return _why_not_it(exchange.answer, operation)


def _why_not_it(answer: Answer, operation: Operation) -> str | None:
    status = answer.status
    if status == operation.contract.success:
        return None
    if status in (401, 403):
        return f"the target refused the key ({status} on a plain valid request): check --api-key, or TRIGGER_API_KEY"
    if status == 407:
        return (
            "a proxy on the way asks for credentials (407): give them in HTTP_PROXY, as http://user:password@host:port"
        )
    if status == 429:
        return "the target answers 429 and waiting did not help: try again later, or with a key that is not limited"
    if 300 <= status < 400:
        place = quoted(answer.header("location") or "nowhere", _LONGEST_PIECE)
        return f"the target redirects to {place} ({status}): give the final origin as --base-url"
    if status >= 500:
        return f"the target is down ({status} on a plain valid request): {_gist(answer)}"
    if status in (404, 405) or "html" in answer.media_type:
        media_type = quoted(answer.media_type, _LONGEST_PIECE) if answer.media_type else "without a media type"
        return f"this is no {operation.title} ({status} {media_type}): check --base-url"
    return None


def _gist(answer: Answer) -> str:
    message = answer.document.get("message")
    return quoted(message, _LONGEST_PIECE) if isinstance(message, str) and message else "try again when it is up"


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
