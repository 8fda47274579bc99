"""The proof: the suite against every fault and every conforming variant, on one page.

``python -m selftest.proof`` (``make proof``) writes reports/proof.json and reports/proof.html, and fails where a
fault is missed, a variant is blamed, a requirement has no fault, or the suite crashes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from trigger_conformance.catalogue import catalogue
from trigger_conformance.reference.behaviours import Behaviour, faults, variants
from trigger_conformance.requirement import Level
from trigger_conformance.verdict import ExitStatus

REPORTS = Path(__file__).resolve().parent.parent / "reports"
LONGEST = 240
PRELOADED = ["trigger_conformance.plugin", "trigger_conformance.judges", "uvicorn", "allure_pytest",
             "trigger_conformance.reference.behaviours", "schemathesis", "trigger_conformance.generation"]  # fmt: skip


@dataclass
class Row:
    """What one run on one behaviour came to; ``caught`` are the requirements that were violated or warned of."""

    id: str
    sentence: str
    named: list[str]
    status: int
    verdict: str = ""
    caught: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    seconds: float = 0.0
    requests: int = 0

    @property
    def is_fault(self) -> bool:
        """Whether a requirement is named that must catch it; else it is a variant."""
        return bool(self.named)

    @property
    def complaint(self) -> str | None:
        """What is wrong with this run, if anything."""
        if self.status == ExitStatus.SUITE_ERROR or not self.verdict:
            return f"the suite ended with status {self.status}"
        if not self.is_fault:
            blamed = ", ".join([*self.caught, *self.undecided])
            return None if self.verdict == "conformant" and not blamed else f"{self.verdict}: {blamed}"
        if not set(self.named) & set(self.caught):
            return f"caught by {', '.join(self.caught)} only" if self.caught else "missed"
        return None


def serve(identity: str, ready: Connection) -> None:
    """A server with the named behaviour, in a process of its own; sends its base URL and options."""
    from trigger_conformance.reference import behaviours, process

    server = behaviours.behaviour_class(identity)()
    listener = process.listen()
    ready.send((f"http://127.0.0.1:{listener.getsockname()[1]}{server.settings.prefix}", server.settings))
    process.serve(server, listener)


def examine(base_url: str, keys: tuple[str, str], options: list[str], folder: str) -> None:
    """One run of the suite, in a process of its own."""
    import pytest

    from trigger_conformance.catalogue import SUITE

    os.environ |= {"TRIGGER_API_KEY": keys[0], "TRIGGER_CONFORMANCE_SECOND_API_KEY": keys[1]}
    with open(Path(folder, "output.txt"), "w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        options = [f"--base-url={base_url}", f"--report-dir={folder}", *options]
        status = pytest.main([str(SUITE), "-qq", "--no-header", "--assert=plain", "-W", "ignore", *options])
        sys.stdout.flush()
    os._exit(int(status))


def prove(behaviour: Behaviour, options: list[str]) -> Row:
    """Run the suite on one behaviour."""
    processes = multiprocessing.get_context("forkserver")
    here, there = processes.Pipe()
    server = processes.Process(target=serve, args=(behaviour.id, there), daemon=True)
    began = time.monotonic()
    server.start()
    base_url, settings = here.recv()
    usual = ["--press-rate-limit", "--idempotency-wait=1", "--timeout=4", f"--max-run-count={settings.max_run_count}"]
    with tempfile.TemporaryDirectory(prefix="proof-") as folder:
        keys = (settings.api_key, settings.second_api_key)
        suite = processes.Process(target=examine, args=(base_url, keys, [*usual, *options], folder))
        suite.start()
        suite.join(LONGEST)
        if suite.is_alive():
            suite.kill()
            suite.join()
        server.kill()
        server.join()
        row = Row(behaviour.id, behaviour.sentence, list(behaviour.caught_by), suite.exitcode or 0)
        row.seconds = round(time.monotonic() - began, 2)
        results = Path(folder, "results.json")
        if results.exists():
            _read(json.loads(results.read_text("utf-8")), row)
        else:
            sys.stderr.write(Path(folder, "output.txt").read_text("utf-8", "replace"))
    return row


def _read(document: dict, row: Row) -> None:
    row.verdict, row.requests = document["verdict"], document["requests"]
    verdicts = {each["id"]: each["verdict"] for each in document["requirements"]}
    row.caught = [identity for identity, verdict in verdicts.items() if verdict in ("violated", "warned")]
    row.undecided = [identity for identity, verdict in verdicts.items() if verdict == "inconclusive"]


def unproven(rows: list[Row]) -> list[str]:
    """The requirements that can be violated and that no fault was caught by."""
    proven = {identity for row in rows if row.is_fault for identity in row.caught}
    return [each.id for each in catalogue() if each.level is not Level.INFO and each.id not in proven]


def chosen(only: list[str], third: bool) -> list[Behaviour]:
    """The behaviours to run: all, those that are named, or a fixed third of the faults and all variants."""
    every = [*faults(), *variants()]
    if only:
        return [each for each in every if any(each.id.startswith(entry) for entry in only)]
    return [each for each in every if not third or not each.caught_by or zlib.crc32(each.id.encode()) % 3 == 0]


def main() -> int:
    """Run, write both files, print what is wrong; 1 where anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="ID", help="behaviours, or the beginnings of their ids"
    )
    parser.add_argument("--third", action="store_true", help="a fixed third of the faults, and all variants")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--profile", default="standard")
    arguments = parser.parse_args()
    multiprocessing.set_forkserver_preload(PRELOADED)
    began = time.monotonic()
    behaviours = chosen(arguments.only, arguments.third)
    with ThreadPoolExecutor(arguments.jobs) as jobs:
        rows = list(jobs.map(lambda each: _told(prove(each, [f"--profile={arguments.profile}"])), behaviours))
    complete = not arguments.only and not arguments.third
    document = _document(rows, time.monotonic() - began, complete)
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "proof.json").write_text(json.dumps(document, indent=1), "utf-8")
    print(document["summary"])
    return 1 if document["complaints"] else 0


def _told(row: Row) -> Row:
    print(
        f"{'ok  ' if row.complaint is None else 'FAIL'} {row.id} {row.seconds:.1f} s {row.complaint or ''}", flush=True
    )
    return row


def _document(rows: list[Row], seconds: float, complete: bool) -> dict:
    lacking = unproven(rows) if complete else []
    complaints = [f"{row.id}: {row.complaint}" for row in rows if row.complaint]
    complaints += [f"{identity}: no fault was caught by it" for identity in lacking]
    wrong = [row for row in rows if row.is_fault and row.complaint]
    tried = [row for row in rows if row.is_fault]
    blamed = [row for row in rows if not row.is_fault and row.complaint]
    binding = [each for each in catalogue() if each.level is not Level.INFO]
    summary = (
        f"{len(tried) - len(wrong)} of {len(tried)} faults caught, {len(binding) - len(lacking)} of {len(binding)} "
        f"requirements proven, {len(blamed)} false alarms on {len(rows) - len(tried)} variants, {seconds:.0f} s"
    )
    return {
        "summary": summary if complete else f"{summary} (a part of the whole)",
        "complaints": complaints,
        "rows": [asdict(row) for row in rows],
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
