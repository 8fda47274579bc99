"""A trial: one run of the suite on one server of the reference, each in a process of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, TypeVar

LONGEST = 240
# For a server that is busy with what nobody waits for any more.
TO_TELL = 10
PRELOADED = ["trigger_conformance.plugin", "trigger_conformance.checks.judges", "uvicorn",
             "allure_pytest", "trigger_conformance.reference.registry", "schemathesis",
             "trigger_conformance.checks.generation", "selftest.preloaded"]  # fmt: skip
Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Trial:
    """How a run ended: exit status, verdict, each requirement's verdict, seconds and requests spent.

    ``findings`` are the requirements of each finding, ``titles`` what they are called, ``ran_twice`` how many items of
    batches started more than one run, which no answer tells, ``shown_by`` the requests whose answers were wrong, as
    ``named`` tells them.
    """

    status: int
    seconds: float
    verdict: str = ""
    verdicts: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    output: str = ""
    findings: list[list[str]] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    ran_twice: int = 0
    shown_by: list[str] = field(default_factory=list)

    def having(self, *wanted: str) -> list[str]:
        """The requirements with one of these verdicts."""
        return [identity for identity, verdict in self.verdicts.items() if verdict in wanted]

    @property
    def caught(self) -> list[str]:
        """The requirements that found something."""
        return self.having("violated", "warned")


def processes() -> ForkServerContext:
    """Starts processes that are forked from one with everything imported."""
    multiprocessing.set_forkserver_preload(PRELOADED)
    return multiprocessing.get_context("forkserver")


def tell_into(*paths: Path) -> None:
    """Have this process write its standard output and error into one file, or one each."""
    for descriptor, path in zip((1, 2), (paths[0], paths[-1]), strict=True):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)


def serve(identity: str, ready: Connection) -> None:
    """A server with the named behaviour; sends its base URL, its settings and the options that it takes to reach it.

    Whatever it is sent then, it answers how many items ran twice.
    """
    from selftest.watched import second_runs
    from trigger_conformance.reference import listening, registry

    server = registry.behaviour_class(identity)()
    listener = listening.listen()
    ready.send((server.base_url(listener.getsockname()[1]), server.settings, server.run_options()))

    def tell() -> None:
        ready.recv()
        ready.send(second_runs(server))

    threading.Thread(target=tell, daemon=True).start()
    server.run(listener)


def examine(base_url: str, keys: tuple[str, str], options: list[str], folder: str) -> None:
    """One run of the suite."""
    from trigger_conformance.cli import cli

    os.environ |= {"TRIGGER_API_KEY": keys[0], "TRIGGER_CONFORMANCE_SECOND_API_KEY": keys[1]}
    tell_into(Path(folder, "output.txt"))
    line = ["run", f"--base-url={base_url}", f"--report-dir={folder}", *options]
    status = cli.main(line, standalone_mode=False)
    sys.stdout.flush()
    os._exit(int(status))


def attempt(identity: str, options: Sequence[str] = ()) -> Trial:
    """Run the suite on the server with the named behaviour; "" is the sound one."""
    started = processes()
    here, there = started.Pipe()
    server = started.Process(target=serve, args=(identity, there))
    began = time.monotonic()
    server.start()
    base_url, settings, own = here.recv()
    usual = ["--press-rate-limit", "--idempotency-wait=1", "--timeout=4", f"--max-run-count={settings.max_run_count}"]
    with tempfile.TemporaryDirectory(prefix="trial-") as folder:
        keys = (settings.api_key, settings.second_api_key)
        suite = started.Process(target=examine, args=(base_url, keys, [*usual, *own, *options], folder))
        suite.start()
        suite.join(LONGEST)
        if suite.is_alive():
            suite.kill()
            suite.join()
        seconds = time.monotonic() - began
        here.send("how many items ran twice?")
        ran_twice = here.recv() if here.poll(TO_TELL) else 0
        server.terminate()
        server.join()
        return replace(_read(Path(folder), suite.exitcode or 0, seconds), ran_twice=ran_twice)


def _read(folder: Path, status: int, seconds: float) -> Trial:
    results, output = folder / "results.json", folder / "output.txt"
    said = output.read_text("utf-8", "replace") if output.exists() else ""
    if not results.exists():
        return Trial(status, round(seconds, 2), output=said)
    document = json.loads(results.read_text("utf-8"))
    return Trial(
        status=status,
        seconds=round(seconds, 2),
        verdict=document["verdict"],
        verdicts={each["id"]: each["verdict"] for each in document["requirements"]},
        requests=document["requests"],
        output=said,
        findings=[each["requirements"] for each in document["findings"]],
        titles=[each["title"] for each in document["findings"]],
        shown_by=_shown_by(folder, document),
    )


def _shown_by(folder: Path, document: dict[str, Any]) -> list[str]:
    wrong = [each for each in document["requirements"] if each["verdict"] in ("violated", "warned")]
    numbers = {sight["exchange"] for each in wrong for sight in each["sights"]}
    entries = json.loads((folder / "evidence.har").read_text("utf-8"))["log"]["entries"] if numbers else ()
    return list(dict.fromkeys(named(each) for each in entries if each["_number"] in numbers))


def named(entry: dict[str, Any]) -> str:
    """A request of a run's evidence: the area that sent it and its case, or its check where the case has no name.

    What several checks of an area share is sent by whichever is first, another one in another profile.
    """
    check, case = entry["_requirement"], re.sub(r"\b(sched|batch)_\w+", "…", entry["_case"] or "")
    return f"{check.rpartition('.')[0]}: {case}" if case else check


def side_by_side(run: Callable[[Job], Result], jobs: Iterable[Job], lanes: int) -> list[Result]:
    """The results of all jobs in their order, ``lanes`` at a time."""
    with ThreadPoolExecutor(lanes) as pool:
        return list(pool.map(run, jobs))
