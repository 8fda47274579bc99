"""Do the printed lines show what was found? Every fault's findings, pasted into sh with real curl, on a server with it.

``make shown`` (``python -m selftest.shown``) runs the suite on each fault for the requirements that must catch it, runs
the lines that it prints, and compares what comes back with what was blamed: reports/shown.json. It fails where lines
show nothing and no note says why.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from selftest.trial import LONGEST, examine, processes, serve, side_by_side
from trigger_conformance.contract.home import ROOT
from trigger_conformance.reference.behaviours import Behaviour
from trigger_conformance.reference.registry import faults
from trigger_conformance.report.reproduce import RACES

FOUND = ("violated", "warned")
TOLD_OF_ITEMS = ("itemsAccepted", "itemsDeduplicated", "sealed", "enqueuedCount", "expectedCount")
_ANSWER = re.compile(r"^HTTP/[\d.]+ (\d{3})", re.MULTILINE)
_LONGEST_PASTE = 120
_REFILLED = 1.5


@dataclass(frozen=True)
class Shown:
    """What the lines of one requirement's finding came to: "shown", "noted" (a note says why not) or "not shown"."""

    fault: str
    requirement: str
    result: str
    wanted: list[str]
    got: list[str]
    note: str | None = None
    lines: tuple[str, ...] = ()
    errors: str = ""


def examined(behaviour: Behaviour, profile: str = "standard") -> list[Shown]:
    """Run the suite on one fault, then the lines of what it found, while the same server is up.

    Where the requirements that must catch it find nothing alone, they judge what all others send.
    """
    started = processes()
    here, there = started.Pipe()
    server = started.Process(target=serve, args=(behaviour.id, there))
    server.start()
    base_url, settings, own = here.recv()
    options = ["--press-rate-limit", "--idempotency-wait=1", "--timeout=4", f"--max-run-count={settings.max_run_count}",
               f"--profile={profile}", *own]  # fmt: skip
    keys = (settings.api_key, settings.second_api_key)
    found: list[Shown] = []
    for only in ([f"--only={each}" for each in behaviour.caught_by], []):
        with tempfile.TemporaryDirectory(prefix="shown-") as folder:
            suite = started.Process(target=examine, args=(base_url, keys, [*options, *only], folder))
            suite.start()
            suite.join(LONGEST)
            if suite.is_alive():
                suite.kill()
                suite.join()
            found = found or list(_pasted(behaviour, Path(folder), keys))
        if found:
            break
    server.terminate()
    server.join()
    return found or [Shown(behaviour.id, ", ".join(behaviour.caught_by), "nothing found", [], [])]


def _pasted(behaviour: Behaviour, folder: Path, keys: tuple[str, str]) -> Iterator[Shown]:
    results = folder / "results.json"
    document = json.loads(results.read_text("utf-8")) if results.exists() else {"requirements": []}
    found = [
        each for each in document["requirements"] if each["verdict"] in FOUND and each["id"] in behaviour.caught_by
    ]
    if found:
        # A reader comes later: what the run took of the limit is there again.
        time.sleep(_REFILLED)
    for each in found:
        yield pasted(behaviour.id, each, folder, keys)


def pasted(fault: str, requirement: Mapping[str, Any], folder: Path, keys: tuple[str, str]) -> Shown:
    """The lines of one finding, run in sh in the report folder."""
    reproduce = requirement["reproduce"]
    variables = {"TRIGGER_API_KEY": keys[0], "TRIGGER_CONFORMANCE_SECOND_API_KEY": keys[1]}
    try:
        ended = subprocess.run(
            ["sh", "-c", "\n".join(reproduce["lines"])], cwd=folder, env={**os.environ, **variables},
            capture_output=True, timeout=_LONGEST_PASTE, check=False,
        )  # fmt: skip
        output, errors = ended.stdout.decode("utf-8", "replace"), ended.stderr.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as error:
        output, errors = (error.stdout or b"").decode("utf-8", "replace"), f"not over after {_LONGEST_PASTE} s"
    wanted, got = blamed(requirement), answers(output, errors)
    same = _same_batches(wanted, got) and _more_than_the_rounds(reproduce["lines"], wanted, got)
    shown = wanted and same and not Counter(_fact(each) for each in wanted) - Counter(_fact(each) for each in got)
    result = "shown" if shown else "noted" if reproduce["note"] else "not shown"
    told = [[" ".join(map(str, each)) for each in answers_] for answers_ in (wanted, got)]
    return Shown(fault, requirement["id"], result, told[0], told[1][:40], reproduce["note"],
                 tuple(reproduce["lines"]), errors[-300:])  # fmt: skip


Fact = tuple[int | None, Any, str | None]


def blamed(requirement: Mapping[str, Any]) -> list[Fact]:
    """Status, what it says of the thing (a batch, a variable) and its id, of each blamed answer that the lines show."""
    shown = requirement["reproduce"]["exchanges"]
    responses = [each["response"] or {} for each in requirement["evidence"] if each["number"] in shown]
    return [_facts(each.get("status"), each.get("body", {}).get("text", "")) for each in responses]


def answers(output: str, errors: str) -> list[Fact]:
    """The same of each answer that curl printed, and None for each that did not come."""
    starts = [*_ANSWER.finditer(output)]
    found: list[Fact] = [(None, None, None)] * len(re.findall(r"^curl: \(", errors, re.MULTILINE))
    for number, start in enumerate(starts, 1):
        end = starts[number].start() if number < len(starts) else len(output)
        _, _, body = output[start.start() : end].replace("\r\n", "\n").partition("\n\n")
        found.append(_facts(int(start[1]), body))
    return found


def _facts(status: int | None, body: str) -> Fact:
    try:
        document, _ = json.JSONDecoder().raw_decode(body.strip())
    except ValueError:
        document = None
    if status == 200 and isinstance(document, dict) and isinstance(document.get("value"), str):
        return status, document["value"], None
    if status not in (200, 202) or not isinstance(document, dict):
        return status, None, None
    if status == 200:
        return status, tuple(map(str, map(document.get, TOLD_OF_ITEMS))), None
    cached, batch = document.get("isCached"), document.get("id")
    return status, cached if isinstance(cached, bool) else None, batch if isinstance(batch, str) else None


def _fact(fact: Fact) -> tuple[int | None, Any]:
    return fact[:2]


def _same_batches(wanted: list[Fact], got: list[Fact]) -> bool:
    """Whether blamed answers with one id have one id again, and those with different ids as many different ones."""
    if len(wanted) < 2 or len(got) > len(wanted) + 6:
        return True
    before = [batch for *_, batch in wanted if batch]
    after = [batch for *_, batch in got if batch]
    if len({*before}) < len(before):
        return len({*after}) < len(after)
    return len({*after}) >= len(before)


def _more_than_the_rounds(lines: Sequence[str], wanted: list[Fact], got: list[Fact]) -> bool:
    """Whether some round of a race made two batches, where that was blamed: a sound server makes one in each."""
    created = (202, False)
    if not any(line.startswith("for lane") for line in lines) or created not in map(_fact, wanted):
        return True
    return sum(_fact(each) == created for each in got) > RACES


def main() -> int:
    """Run, write the table, print what is not shown; 1 where anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=[""], metavar="ID", help="faults, or beginnings of their ids")
    parser.add_argument("--jobs", type=int, default=2, help="at a time")
    parser.add_argument("--profile", default="standard")
    arguments = parser.parse_args()
    chosen = [each for each in faults() if each.id.startswith(tuple(arguments.only))]
    began = time.monotonic()

    def run(behaviour: Behaviour) -> list[Shown]:
        found = examined(behaviour, arguments.profile)
        for each in found:
            print(f"{each.result:13} {each.fault}  {each.requirement}", flush=True)
        return found

    rows = [each for found in side_by_side(run, chosen, lanes=arguments.jobs) for each in found]
    tally = Counter(each.result for each in rows)
    (ROOT / "reports").mkdir(exist_ok=True)
    (ROOT / "reports" / "shown.json").write_text(json.dumps([asdict(each) for each in rows], indent=1), "utf-8")
    told = ", ".join(f"{count} {result}" for result, count in tally.items())
    print(f"{len(chosen)} faults, {len(rows)} findings: {told}; {time.monotonic() - began:.0f} s")
    for each in rows:
        if each.result == "not shown":
            print(f"  {each.fault}: {each.requirement}: wanted {each.wanted}, got {each.got}")
    return 1 if tally["not shown"] else 0


if __name__ == "__main__":
    sys.exit(main())
