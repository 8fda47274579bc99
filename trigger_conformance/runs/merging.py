"""The parts of a run that several machines shared, as one run: one verdict, one set of reports."""

from __future__ import annotations

import fnmatch
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

from trigger_conformance import __version__
from trigger_conformance.checks.catalogue import Selection, catalogue
from trigger_conformance.checks.operation import operations
from trigger_conformance.checks.requirement import Level, Profile
from trigger_conformance.checks.sharding import Shard, shard
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.options.target import UsageError
from trigger_conformance.report import allure_run, files, har, results
from trigger_conformance.report.curl import BODIES, Way
from trigger_conformance.report.reproduce import Reproducer
from trigger_conformance.verdicts.findings import findings
from trigger_conformance.verdicts.outcome import Outcome, undecided
from trigger_conformance.verdicts.settling import settled
from trigger_conformance.verdicts.verdict import Decision, Ending, ExitStatus, Overall, Verdict, exit_status, overall
from trigger_conformance.verdicts.waivers import Waiver, applied
from trigger_conformance.wire.exchange import Exchange

Document = dict[str, Any]
# What several parts decided, each over what it sent, is as bad as the worst of them; a part that had nothing to decide
# says nothing, and one that could not see is no pass.
_RANK = (Verdict.SKIPPED, Verdict.OBSERVED, Verdict.PASSED, Verdict.INCONCLUSIVE, Verdict.WAIVED, Verdict.WARNED,
         Verdict.VIOLATED)  # fmt: skip
# The parts differ in these by their nature; all else must be the same.
# Of an operation, all parts together.
_COUNTED = ("made", "started", "removed")
_OWN_OPTIONS = {"press_rate_limit", "shared_key", "workers", "shard", "max_requests", "max_runs", "max_seconds",
                "requests_per_second", "proxy", "base_url_from", "ca_bundle"}  # fmt: skip


def merge(folders: Sequence[Path], report_dir: Path | None) -> tuple[Document, Path]:
    """Merge the parts reported in ``folders``; returns the results and the folder that they were written to.

    Raises UsageError where the folders do not hold parts of one run.
    """
    parts = sorted(((folder, files.read(folder)) for folder in folders), key=lambda part: _number(*part))
    documents = [document for _, document in parts]
    _check(parts)
    offsets = [0, *accumulate(document["requests"] for document in documents[:-1])]
    numbered = [_renumbered(document, offset) for document, offset in zip(documents, offsets, strict=True)]
    evidence = har.merged([_evidence(folder) for folder, _ in parts], offsets)
    merged = _merged(numbered, har.exchanges(evidence))
    started_at = datetime.fromisoformat(merged["started_at"]).timestamp()
    folder = report_dir or files.new_folder(f"{files.host(merged['target']['base_url'])}-merged", started_at)
    folder.mkdir(parents=True, exist_ok=True)
    _write(merged, evidence, folder)
    for part, _ in parts:
        for kept in (files.ALLURE, BODIES):
            if (part / kept).is_dir() and not (part / kept).is_symlink():
                shutil.copytree(part / kept, folder / kept, ignore=_left_out, dirs_exist_ok=True)
    allure_run.write(merged, folder / files.ALLURE)
    if report_dir is None:
        files.point_latest(folder)
    return merged, folder


def _left_out(folder: str, names: list[str]) -> set[str]:
    """What is wrong with a part, for it need not be wrong with the whole, and links, which lead anywhere."""
    return set(fnmatch.filter(names, allure_run.PATTERN)) | {each for each in names if Path(folder, each).is_symlink()}


def _number(folder: Path, document: Mapping[str, Any]) -> int:
    if document["target"]["options"].get("shard") is None:
        raise UsageError(f"merge {folder}: this run was no part of a run; make the parts with --shard I/N")
    return _shard(document).number


def _shard(document: Mapping[str, Any]) -> Shard:
    return shard(document["target"]["options"]["shard"])


def _check(parts: Sequence[tuple[Path, Document]]) -> None:
    first_folder, first = parts[0]
    if first["suite_version"] != __version__:
        made = first["suite_version"]
        raise UsageError(f"merge {first_folder}: made by suite {made}; merge with that, not with {__version__}")
    wanted = _identity(first)
    seen: dict[Shard, Path] = {}
    for folder, document in parts:
        found = _identity(document)
        for name, value in wanted.items():
            if found.get(name) != value:
                raise UsageError(f"merge {folder}: {name} is {found.get(name)!r}, but {value!r} in {first_folder}")
        part = _shard(document)
        if part in seen:
            raise UsageError(f"merge {folder}: part {part} is also in {seen[part]}; give each part once")
        seen[part] = folder


def _identity(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the parts of one run have in common."""
    options = {name: value for name, value in document["target"]["options"].items() if name not in _OWN_OPTIONS}
    return {
        "suite_version": document["suite_version"],
        "contract": document["contract"]["sha256"],
        "target": _target(document["target"]),
        "number of parts": _shard(document).of,
        "profile": document["profile"],
        "seed": document["seed"],
        **options,
    }


def _target(target: Mapping[str, Any]) -> str:
    """What was tested. Each part brings a built-in server of its own, on a port of its own, and all are alike."""
    return "the built-in reference server" if target.get("built_in") else str(target["base_url"])


def _renumbered(document: Document, offset: int) -> Document:
    """A part whose exchanges are numbered after the ``offset`` ones of the parts before."""

    def moved(exchange: Mapping[str, Any]) -> dict[str, Any]:
        return {**exchange, "number": exchange["number"] + offset}

    def moved_in(requirement: Mapping[str, Any]) -> dict[str, Any]:
        reproduce, sights = requirement["reproduce"], requirement["sights"]
        return {
            **requirement,
            "evidence": [moved(exchange) for exchange in requirement["evidence"]],
            "reproduce": {**reproduce, "exchanges": [number + offset for number in reproduce["exchanges"]]},
            "sights": [
                {**each, "exchange": each["exchange"] + offset, "after": each["after"] and each["after"] + offset}
                for each in sights
            ],
        }

    requirements = [moved_in(each) for each in document["requirements"]]
    timeline = [moved(exchange) for exchange in document["timeline"]]
    return {**document, "requirements": requirements, "timeline": timeline}


def _merged(documents: Sequence[Document], exchanges: Iterable[Exchange]) -> Document:
    first = documents[0]
    options = first["target"]["options"]
    statuses: Counter[str] = sum((Counter(document["statuses"]) for document in documents), Counter())
    began = [datetime.fromisoformat(document["started_at"]).timestamp() for document in documents]
    waivers = _waivers(documents)
    requirements, found = _settled(
        [_across(each, exchanges) for each in _requirements(documents)],
        statuses,
        waivers=[results.waiver_of(each) for each in waivers],
        today=date.fromtimestamp(min(began)),
        strict=options["strict"],
    )
    verdicts = {each["id"]: each["verdict"] for each in requirements}
    decisions = [Decision(Level(each["level"]), Verdict(each["verdict"])) for each in requirements]
    verdict = overall(decisions, strict=options["strict"])
    wrong_waivers = [
        line
        for line in dict.fromkeys(line for document in documents for line in document["wrong_waivers"])
        if not _violated_elsewhere(line, verdicts)
    ]
    status = _status(documents, verdict, selected=bool(requirements), wrong_waivers=bool(wrong_waivers))
    ended = [start + document["duration_s"] for start, document in zip(began, documents, strict=True)]
    return {
        **first,
        "target": {**first["target"], "options": {**options, **_options(documents)}},
        "run_id": "-".join(document["run_id"] for document in documents),
        "started_at": datetime.fromtimestamp(min(began), UTC).isoformat(timespec="milliseconds"),
        "duration_s": round(max(ended) - min(began), 3),
        "operations": _operations(documents),
        **{name: sum(document[name] for document in documents) for name in ("requests", "removal_requests", "runs")},
        **{each.things: sum(document.get(each.things, 0) for document in documents) for each in results.counted()},
        "left_behind": [thing for document in documents for thing in document["left_behind"]],
        "statuses": dict(sorted(statuses.items())),
        "verdict": str(verdict),
        "exit_status": int(status),
        "shards": [_part(document) for document in documents],
        "interrupted": any(document["interrupted"] for document in documents),
        "halted": _halted(documents),
        "waivers": waivers,
        "wrong_waivers": wrong_waivers,
        "notes": [note for document in documents for note in _named(document, document["notes"])],
        "timeline": _timeline(documents, began),
        "findings": found,
        "requirements": requirements,
        "suite_errors": [line for document in documents for line in document.get("suite_errors", ())],
    }


def _operations(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """What any part tested, in the order of the parts, with all that it made."""
    merged: dict[str, dict[str, Any]] = {}
    for each in (operation for document in documents for operation in document["operations"]):
        before = merged.get(each["id"], dict.fromkeys(_COUNTED, 0))
        merged[each["id"]] = {**each, **{name: before.get(name, 0) + each.get(name, 0) for name in _COUNTED}}
    return list(merged.values())


def _waivers(documents: Iterable[Document]) -> list[dict[str, Any]]:
    """What any part knew to be waived, each once."""
    every = [waiver for document in documents for waiver in document.get("waivers", ())]
    return [each for place, each in enumerate(every) if each not in every[:place]]


def _settled(
    requirements: Sequence[Document],
    statuses: Mapping[str, int],
    *,
    waivers: Sequence[Waiver],
    today: date,
    strict: bool,
) -> tuple[list[Document], list[Document]]:
    """The requirements once more settled by what all parts found, and the findings of the whole."""
    declared = {each.id: each for each in catalogue()}
    judged = {each["id"] for each in requirements}
    before = [results.outcome_of(each, declared[each["id"]], judged) for each in requirements]
    # What only all parts together show is waived as what one of them saw.
    outcomes = [applied(each, waivers, today) for each in settled(before, waivers=waivers, today=today, strict=strict)]
    told = [
        {**each, **_shown(each, outcome, requirements), "verdict": str(outcome.verdict), "message": outcome.message,
         "notes": [*outcome.notes], "waiver": outcome.waiver and dict(outcome.waiver),
         "rests_on": outcome.rests_on or None, "needed": outcome.needed}
        for each, outcome in zip(requirements, outcomes, strict=True)
    ]  # fmt: skip
    lines = {each["id"]: each["reproduce"] for each in told}
    return told, [results.finding_data(each, lines[each.id]) for each in findings(outcomes, statuses)]


def _shown(entry: Document, outcome: Outcome, entries: Iterable[Document]) -> Document:
    """What shows that a requirement is violated which holds in every part: what a check saw that needs it."""
    if entry["verdict"] != Verdict.PASSED or outcome.ending is not Ending.BROKEN:
        return {}
    numbers = {*outcome.evidence}
    saw = (each for each in entries if any(one["number"] in numbers for one in each["evidence"]))
    first = next(saw, entry)
    return {name: first[name] for name in ("evidence", "reproduce", "sights")}


def _options(documents: Sequence[Document]) -> dict[str, Any]:
    every = [document["target"]["options"] for document in documents]
    sums = {name: sum(options[name] for options in every) for name in ("max_requests", "max_runs", "workers")}
    return {
        **sums,
        "shard": None,
        "press_rate_limit": any(options["press_rate_limit"] for options in every),
        "shared_key": every[-1]["shared_key"],
    }


def _status(documents: Sequence[Document], verdict: Overall, *, selected: bool, wrong_waivers: bool) -> ExitStatus:
    return exit_status(
        verdict,
        interrupted=any(document["interrupted"] for document in documents),
        crashed=any(
            document["exit_status"] == ExitStatus.SUITE_ERROR or document.get("suite_errors") for document in documents
        ),
        selected=selected,
        wrong_waivers=wrong_waivers,
    )


def _violated_elsewhere(line: str, verdicts: Mapping[str, str]) -> bool:
    """Whether a part that saw no violation found a waiver useless which another part needs."""
    needed = [identity for identity, verdict in verdicts.items() if verdict == Verdict.WAIVED]
    return any(f" {identity} is no longer violated" in line for identity in needed)


def _requirements(documents: Sequence[Document]) -> list[Document]:
    """Each requirement once, in the order of the suite; what no part decided is inconclusive."""
    found: dict[str, list[Document]] = {}
    for document in documents:
        for each in document["requirements"]:
            found.setdefault(each["id"], []).append(each)
    selection = _selection(documents[0])
    missing = _missing(documents)
    merged = []
    for requirement in catalogue():
        if entries := found.get(requirement.id):
            merged.append(_worst(entries))
        elif requirement in selection:
            outcome = undecided(requirement, f"no part decided it: {missing}")
            merged.append(results.requirement_data(outcome, Reproducer((), Way(base_url=""))))
    return merged


def _selection(document: Mapping[str, Any]) -> Selection:
    options = document["target"]["options"]
    level = Level(options["level"]) if options["level"] else None
    return Selection(tuple(options["only"]), level, Profile[document["profile"].upper()])


def _missing(documents: Sequence[Document]) -> str:
    of = _shard(documents[0]).of
    there = {_shard(document).number for document in documents}
    missing = [f"{number}/{of}" for number in range(1, of + 1) if number not in there]
    return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing" if missing else "it was left out"


def _worst(entries: Sequence[Document]) -> Document:
    worst = max(entries, key=lambda entry: _RANK.index(Verdict(entry["verdict"])))
    return {
        **worst,
        "notes": list(dict.fromkeys(note for entry in entries for note in entry["notes"])),
        "requests": sum(entry["requests"] for entry in entries),
        "duration_s": round(sum(entry["duration_s"] for entry in entries), 3),
    }


def _across(entry: Document, exchanges: Iterable[Exchange]) -> Document:
    """The one requirement that a part cannot decide for all: its ids are its own, but another may have them too."""
    operation = next((each for each in operations().values() if each.ids_owner == entry["id"]), None)
    if operation is None or entry["verdict"] != Verdict.PASSED:
        return entry
    owners: dict[str, Exchange] = {}
    for exchange in exchanges:
        made = operation.made(exchange) if exchange.request.operation == operation.id else None
        owner = owners.setdefault(made, exchange) if made and operation.is_new(exchange) else exchange
        name = operation.named(exchange)
        # What has one name is one thing, whatever is said of it.
        if owner is not exchange and (name is None or name != operation.named(owner)):
            where = f"exchange #{exchange.number} is also that of exchange #{owner.number}"
            told = f"the id {quoted(made)} of {where}"
            return {**entry, "verdict": str(Verdict.VIOLATED), "message": told}
    return entry


def _part(document: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("run_id", "started_at", "duration_s", "requests", "runs", "verdict", "exit_status")
    return {"shard": str(_shard(document)), **{name: document[name] for name in kept}}


def _halted(documents: Sequence[Document]) -> str | None:
    of = _shard(documents[0]).of
    said = [line for document in documents if document["halted"] for line in _named(document, [document["halted"]])]
    if len(documents) < of:
        said.append(f"{len(documents)} of {of} parts were given: {_missing(documents)}")
    return "; ".join(said) or None


def _named(document: Mapping[str, Any], lines: Iterable[str]) -> list[str]:
    return [f"part {_shard(document)}: {line}" for line in lines]


def _timeline(documents: Sequence[Document], began: Sequence[float]) -> list[dict[str, Any]]:
    """All exchanges by the time at which they began; machines' clocks are taken as they are."""
    shifted = [
        {
            **each,
            "started_s": round(each["started_s"] + start - min(began), 5),
            "ended_s": round(each["ended_s"] + start - min(began), 5),
        }
        for document, start in zip(documents, began, strict=True)
        for each in document["timeline"]
    ]
    return sorted(shifted, key=lambda each: each["started_s"])[: results.LONGEST_TIMELINE]


def _write(merged: Document, evidence: Document, folder: Path) -> None:
    results.write(merged, folder / files.RESULTS)
    files.render(merged, folder)
    (folder / har.FILE).write_text(json.dumps(evidence), "utf-8")


def _evidence(folder: Path) -> Document:
    try:
        document: Document = json.loads((folder / har.FILE).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"merge {folder}: {har.FILE} cannot be read: {error}") from error
    return document
