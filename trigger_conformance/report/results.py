"""results.json: everything a run found, in one document with a published schema."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from trigger_conformance import __version__
from trigger_conformance.checks.operation import Operation, Readings, operation_of, operations
from trigger_conformance.checks.requirement import Requirement
from trigger_conformance.contract.home import DOCUMENTS
from trigger_conformance.contract.quoting import shortened
from trigger_conformance.options.settings import Settings
from trigger_conformance.options.target import Target
from trigger_conformance.report.curl import FRESH, Way, curl_line, file_of, is_fresh, needs_file
from trigger_conformance.report.reproduce import Reproducer
from trigger_conformance.rules.rate_limit import remaining
from trigger_conformance.verdicts.findings import Finding, findings
from trigger_conformance.verdicts.outcome import Outcome, Sight
from trigger_conformance.verdicts.verdict import Ending, ExitStatus, Overall, Verdict
from trigger_conformance.verdicts.waivers import Waiver
from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.exchange import Answer, Exchange
from trigger_conformance.wire.redaction import Redactor

SCHEMA_VERSION = "1.6"
SCHEMA = Path(__file__).with_name("results.schema.json")
_MOST_EVIDENCE = 5
_MOST_NUMBERS = 100
_ENDINGS = {Verdict.PASSED: Ending.HELD, Verdict.OBSERVED: Ending.HELD, Verdict.SKIPPED: Ending.NOT_APPLICABLE,
            Verdict.INCONCLUSIVE: Ending.BLOCKED}  # fmt: skip
_FOUND = (Verdict.VIOLATED, Verdict.WARNED, Verdict.WAIVED)
_LARGEST_BODY = 4096
_MOST_HEADERS, _LONGEST_HEADER = 60, 1200
LONGEST_TIMELINE = 5000
# On whose behalf requests leave that remove what a run made: no requirement's.
REMOVAL = "removal"
# More than these nobody reads, and a target may tell of any number.
_MOST_LEFT = 1000


@dataclass(frozen=True)
class LeftBehind:
    """Something that the run made and that is still on the target: which operation's, its id, its name, and why."""

    operation: str
    id: str
    name: str
    reason: str


@dataclass(frozen=True)
class Removal:
    """What became of what the run made, where the contract has a way to remove it.

    ``removed`` counts what is gone, an operation each, ``requests`` what that took; ``notes`` tell what was not seen.
    """

    removed: Mapping[str, int] = field(default_factory=dict)
    left: Sequence[LeftBehind] = ()
    requests: int = 0
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """All that a run's reports are made of; ``started_at`` is Unix time, ``duration`` seconds."""

    settings: Settings
    target: Target
    overall: Overall
    status: ExitStatus
    outcomes: Sequence[Outcome]
    exchanges: Sequence[Exchange]
    requests: int
    runs: int
    started_at: float
    duration: float
    notes: Sequence[str] = ()
    halted: str | None = None
    waivers: Sequence[Waiver] = ()
    wrong_waivers: Sequence[str] = ()
    interrupted: bool = False
    removal: Removal = Removal()


def results(found: Found, redactor: Redactor) -> dict[str, Any]:
    """The results document; ``redactor`` sees every text once more before it is written."""
    tested = _tested(found.outcomes)
    reproducer = Reproducer(found.exchanges, Way.to(found.target, dict(found.settings.key_variables)),
                            Readings(found.target.stated).cost)  # fmt: skip
    document = {
        "schema_version": SCHEMA_VERSION,
        "suite_version": __version__,
        "contract": _contract(tested[0]),
        "operations": [_operation(each, found) for each in tested],
        "target": {
            "name": found.settings.name,
            "base_url": found.target.base_url,
            "built_in": found.settings.target is None,
            "options": _options(found.target, found.settings),
        },
        "profile": found.target.profile.name.lower(),
        "seed": found.target.seed,
        "run_id": found.target.run_id,
        "started_at": datetime.fromtimestamp(found.started_at, UTC).isoformat(timespec="milliseconds"),
        "duration_s": round(found.duration, 3),
        "requests": found.requests,
        "removal_requests": found.removal.requests,
        "runs": found.runs,
        **{each.things: _made(each, found.exchanges) for each in counted()},
        "left_behind": [asdict(each) for each in found.removal.left[:_MOST_LEFT]],
        "statuses": _statuses(checked(found.exchanges)),
        "verdict": str(found.overall),
        "exit_status": int(found.status),
        "shards": [],
        "interrupted": found.interrupted,
        "halted": found.halted,
        "waivers": [waiver_data(each) for each in found.waivers],
        "wrong_waivers": list(found.wrong_waivers),
        "notes": [*found.notes, *found.removal.notes],
        "timeline": _timeline(found.exchanges),
        "findings": _findings(found, reproducer),
        "requirements": [requirement_data(each, reproducer) for each in found.outcomes],
        "suite_errors": suite_errors(found.outcomes),
    }
    clean: dict[str, Any] = _redacted(document, redactor)
    return clean


def _tested(outcomes: Iterable[Outcome]) -> list[Operation]:
    """The operations that requirements of the run belong to; of a run without any, all."""
    of = {outcome.requirement.operation for outcome in outcomes}
    return [each for each in operations().values() if each.id in of] or [*operations().values()]


def _contract(operation: Operation) -> dict[str, str]:
    contract = operation.contract
    return {"title": contract.title, "version": contract.version, "sha256": contract.sha256}


def counted() -> list[Operation]:
    """The operations whose things are counted by a name of the document's own: the suite's, not the user's."""
    return [each for each in operations().values() if each.place == DOCUMENTS]


def _operation(operation: Operation, found: Found) -> dict[str, Any]:
    contract, made = operation.contract, _made(operation, found.exchanges)
    return {
        "id": operation.id,
        "title": operation.title,
        "method": contract.method.upper(),
        "path": contract.path,
        "things": operation.things,
        "made": made,
        "started": sum(operation.starts(each) for each in found.exchanges if each.request.operation == operation.id),
        # A target that lists things under other ids is asked to remove them by both.
        "removed": min(made, found.removal.removed.get(operation.id, 0)),
        "contract": _contract(operation),
    }


def checked(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """The exchanges without those that removed what the run made: they decide nothing."""
    return [each for each in exchanges if each.check.partition(".")[2] != REMOVAL]


def _made(operation: Operation, exchanges: Iterable[Exchange]) -> int:
    """How many different things the operation's answers name."""
    own = (each for each in checked(exchanges) if each.request.operation == operation.id)
    return len({operation.made(each) for each in own} - {None})


def _findings(found: Found, reproducer: Reproducer) -> list[dict[str, Any]]:
    declared = {each.requirement.id: each.requirement for each in found.outcomes}
    return [
        finding_data(each, reproducer(declared[each.id], each.evidence))
        for each in findings(
            found.outcomes,
            _statuses(checked(found.exchanges)),
            {name: each.key_name for name, each in operations().items()},
        )
    ]


def suite_errors(outcomes: Iterable[Outcome]) -> list[str]:
    """One line for each check that an error in the suite itself kept from its judgement: told whatever the verdict."""
    return [
        f"an error in the suite itself kept {each.requirement.id} from being judged; please report it"
        for each in outcomes
        if each.ending is Ending.CRASHED
    ]


def write(document: Mapping[str, Any], path: Path) -> None:
    """Write a results document as UTF-8."""
    path.write_text(json.dumps(document, indent=1, ensure_ascii=True) + "\n", "utf-8")


def _redacted(value: Any, redactor: Redactor) -> Any:
    match value:
        case str():
            return redactor.text(value)
        case dict():
            return {name: _redacted(each, redactor) for name, each in value.items()}
        case list():
            return [_redacted(each, redactor) for each in value]
    return value


def _options(target: Target, settings: Settings) -> dict[str, Any]:
    budget: Budget = settings.budget
    return {
        "base_url_from": settings.base_url_from,
        **target.stated,
        "second_api_key": target.second_api_key is not None,
        "press_rate_limit": target.press_rate_limit,
        "press_requests": target.press_requests,
        "shared_key": target.shared_key,
        "idempotency_wait_s": target.idempotency_wait,
        "timeout_s": target.timeout,
        "strict": settings.strict,
        "waivers": settings.waivers and settings.waivers.name,
        "baseline": settings.baseline and settings.baseline.name,
        "only": list(settings.only),
        "level": settings.level and str(settings.level),
        "workers": settings.workers,
        "shard": settings.shard and str(settings.shard),
        "max_requests": budget.requests,
        "max_runs": budget.runs,
        "max_seconds": budget.seconds,
        "requests_per_second": budget.per_second,
        "ca_bundle": target.ca_bundle and _place(Path(os.path.abspath(target.ca_bundle))),
        "insecure": target.insecure,
        "http2": target.http2,
        "openapi": [_place(path) for path in settings.openapi],
        "checks": [_place(path) for path in settings.checks],
        "headers": [name for name, _ in target.headers],
        "proxy": target.proxy and target.proxy.url,
    }


def _place(path: Path) -> str:
    """A path as the run's folder knows it; one that lies elsewhere by its name, for reports are passed on."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.name


def _statuses(exchanges: Iterable[Exchange]) -> dict[str, int]:
    counts = Counter(str(exchange.status) if exchange.status else str(exchange.failure and exchange.failure.kind)
                     for exchange in exchanges)  # fmt: skip
    return dict(sorted(counts.items()))


def _timeline(exchanges: Sequence[Exchange]) -> list[dict[str, Any]]:
    """One short record an exchange: when it was in flight (seconds since the first), and what came back."""
    if not exchanges:
        return []
    origin = min(exchange.started for exchange in exchanges)
    return [
        {
            "number": exchange.number,
            "requirement": exchange.check,
            "started_s": round(exchange.started - origin, 5),
            "ended_s": round(exchange.ended - origin, 5),
            "status": exchange.status,
            "error": exchange.failure and str(exchange.failure.kind),
            "cached": _cached(exchange),
            "remaining": exchange.answer and remaining(exchange.answer),
            "together": exchange.together,
        }
        for exchange in exchanges[:LONGEST_TIMELINE]
    ]


def _cached(exchange: Exchange) -> bool | None:
    """Whether the answer says that what it names was there before."""
    new = operation_of(exchange.request).is_new(exchange)
    return None if new is None else not new


def bodies(found: Found, redactor: Redactor) -> dict[str, bytes]:
    """The files that the document's lines name, by their paths in the report folder, with nothing secret in them."""
    shown = {number for outcome in found.outcomes for number in outcome.evidence}
    sent = {exchange.request.body for exchange in found.exchanges if exchange.number in shown}
    return {file_of(body): redactor.text(body.decode("latin-1")).encode("latin-1") for body in sent if needs_file(body)}


def requirement_data(outcome: Outcome, reproducer: Reproducer) -> dict[str, Any]:
    """One requirement's part of the document; ``reproducer`` knows the run's exchanges."""
    requirement = outcome.requirement
    clause = operations()[requirement.operation].contract.clause(requirement.clause)
    reproduce = reproducer(requirement, outcome.evidence if outcome.verdict in _FOUND else ())
    numbers = dict.fromkeys([*reproduce["exchanges"][:1], *outcome.evidence])
    shown = reproducer.exchanges([*numbers][:_MOST_EVIDENCE])
    return {
        "id": requirement.id,
        "level": str(requirement.level),
        "clause": {"name": clause.name, "pointer": clause.pointer, "text": clause.text},
        "statement": requirement.statement,
        "verdict": str(outcome.verdict),
        "message": outcome.message,
        "notes": list(outcome.notes),
        "waiver": outcome.waiver and dict(outcome.waiver),
        "evidence": [exchange_data(exchange, reproducer.way) for exchange in shown],
        "reproduce": reproduce,
        "requests": outcome.requests,
        "duration_s": round(outcome.duration, 3),
        "rests_on": outcome.rests_on or None,
        "needed": outcome.needed,
        "stated": outcome.stated,
        "sights": [asdict(sight) for sight in outcome.sights],
    }


def waiver_data(waiver: Waiver) -> dict[str, str | None]:
    """One waiver's part of the document, without the place where its user keeps it."""
    expires = waiver.expires.isoformat() if waiver.expires else None
    return {"requirement": waiver.requirement, "reason": waiver.reason, "link": waiver.link, "expires": expires}


def waiver_of(data: Mapping[str, Any]) -> Waiver:
    """The waiver that ``waiver_data`` made ``data`` of."""
    expires = data["expires"] and date.fromisoformat(data["expires"])
    return Waiver(requirement=data["requirement"], reason=data["reason"], link=data["link"], expires=expires)


def outcome_of(data: Mapping[str, Any], requirement: Requirement, judged: Container[str]) -> Outcome:
    """The outcome that ``requirement_data`` made ``data`` of, as far as settling and findings need it.

    Ground whose owner is among those ``judged`` is still to be settled, else it was settled beside an owner of its own.
    """
    verdict, rests_on = Verdict(data["verdict"]), data.get("rests_on") or ""
    unsettled = rests_on in judged
    return Outcome(
        requirement=requirement,
        ending=Ending.UNGROUNDED if unsettled else _ENDINGS.get(verdict, Ending.BROKEN),
        verdict=verdict,
        message=data["message"],
        evidence=tuple(each["number"] for each in data["evidence"]),
        notes=tuple(data["notes"]),
        waiver=None if unsettled else data["waiver"],
        sights=tuple(Sight(**each) for each in data.get("sights", ())),
        rests_on=rests_on,
        needed=data.get("needed", True),
        stated=data.get("stated", False),
    )


def finding_data(finding: Finding, reproduce: Mapping[str, Any]) -> dict[str, Any]:
    """One finding's part of the document; ``reproduce`` are the lines that show it."""
    return {
        "id": finding.id,
        "title": finding.title,
        "level": str(finding.level),
        "requirements": list(finding.requirements),
        "evidence": list(finding.evidence[:_MOST_NUMBERS]),
        "reproduce": dict(reproduce),
        "not_judged": list(finding.not_judged),
    }


def exchange_data(exchange: Exchange, way: Way) -> dict[str, Any]:
    """One exchange as plain data, its bodies bounded."""
    request = exchange.request
    line = curl_line(request, way)
    data: dict[str, Any] = {
        "number": exchange.number,
        "case": request.label,
        "sent_at": datetime.fromtimestamp(exchange.began, UTC).isoformat(timespec="milliseconds"),
        "duration_ms": round((exchange.ended - exchange.started) * 1000, 2),
        "request": {
            "method": request.method,
            "target": request.target,
            "headers": [[name, value.decode("latin-1")] for name, value in request.headers],
            "body": _body(request.body),
        },
        "curl": f"{FRESH}; {line}" if is_fresh(line) else line,
        "response": None,
        "error": str(exchange.failure) if exchange.failure else None,
    }
    if exchange.answer is not None:
        data["response"] = {
            "status": exchange.answer.status,
            "reason": shortened(exchange.answer.reason, _LONGEST_HEADER),
            "headers": [list(header) for header in headers_shown(exchange.answer)],
            "body": _body(exchange.answer.body),
        }
    return data


def headers_shown(answer: Answer) -> list[tuple[str, str]]:
    """An answer's headers, long ones by their beginning, and of very many the first."""
    shown = [(shortened(name, _LONGEST_HEADER), shortened(value, _LONGEST_HEADER))
             for name, value in answer.headers[:_MOST_HEADERS]]  # fmt: skip
    more = len(answer.headers) - len(shown)
    return [*shown, ("…", f"and {more} more")] if more else shown


def _body(body: bytes) -> dict[str, Any]:
    """A body's text, or where it is long its head, with its size and digest."""
    text = body[:_LARGEST_BODY].decode("utf-8", "backslashreplace")
    if len(body) <= _LARGEST_BODY:
        return {"size": len(body), "text": text}
    return {"size": len(body), "head": text, "sha256": hashlib.sha256(body).hexdigest()}
