"""Which requests find most of the catalogue's faults: what smoke's are chosen by.

``make smoke-choice`` reads the table of a whole proof of an operation (reports/proof.json), and prints a cover of its
faults: always the request that shows most of those that none before it has shown (the greedy cover, which is within a
factor of ln n of the smallest). Beside each stands whether smoke sends it; below, what smoke sends and the cover needs
not. Labels of requests that are made at random, and what a check sends before the one that shows, are for the reader
to judge.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from selftest.proof import REPORTS, by_operation
from selftest.trial import named

MOST = 60


def cover(shown_by: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, set[str], set[str]]]:
    """Requests in the order of what each adds: the request, all faults that it shows, and those that it adds.

    ``shown_by`` has by fault the requests that show it. Of equals the first by name comes first.
    """
    shows: dict[str, set[str]] = {}
    for fault, requests in shown_by.items():
        for request in requests:
            shows.setdefault(request, set()).add(fault)
    left = {fault for fault, requests in shown_by.items() if requests}
    while left:
        best = min(shows, key=lambda request: (-len(shows[request] & left), request))
        yield best, shows[best], shows[best] & left
        left -= shows[best]


def sent_by_smoke(operation: str) -> set[str]:
    """The requests of a smoke run of an operation on the built-in reference server."""
    with tempfile.TemporaryDirectory(prefix="smoke-") as folder:
        options = ["--profile=smoke", f"--only={operation}", f"--report-dir={folder}"]
        line = [sys.executable, "-m", "trigger_conformance", "run", *options]
        subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
        entries = json.loads(Path(folder, "evidence.har").read_text("utf-8"))["log"]["entries"]
    return {named(each) for each in entries}


def main() -> int:
    """Print the cover; 1 without a table of the operation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("operation", nargs="?", default="create_batch")
    parser.add_argument("--table", type=Path, default=REPORTS / "proof.json", help="the table of a whole proof")
    parser.add_argument("--most", type=int, default=MOST, metavar="N", help="print N requests at most")
    parser.add_argument("--markdown", action="store_true", help="print the cover alone, as a table of a page")
    arguments = parser.parse_args()
    table = json.loads(arguments.table.read_text("utf-8")) if arguments.table.exists() else {"rows": []}
    rows = [each for each in table["rows"] if arguments.operation in by_operation(each["named"])]
    if not rows:
        line = f"make proof ARGS='--only {arguments.operation}'"
        sys.stderr.write(f"{arguments.table} has no faults of {arguments.operation}: {line}\n")
        return 1
    shown_by = {each["id"]: frozenset(each["shown_by"]) for each in rows}
    smoke, total, chosen = sent_by_smoke(arguments.operation), 0, []
    line = "| {} | {} | {} | {} | {} |" if arguments.markdown else "{:>6}  {:>6}  {:>6}  {:5}  {}"
    print(line.format("faults", "beyond", "of all", "smoke", "request"))
    if arguments.markdown:
        print(line.format(*["--:"] * 3, "---", "---"))
    for request, shows, adds in list(cover(shown_by))[: arguments.most]:
        total, in_smoke = total + len(adds), "yes" if request in smoke else ""
        chosen.append(request)
        print(line.format(len(shows), len(adds), f"{total / len(rows):.1%}", in_smoke, request))
    if arguments.markdown:
        return 0
    found = sum(1 for requests in shown_by.values() if requests & smoke)
    print(f"\nsmoke's {len(smoke)} requests are among those that show {found} of {len(rows)} faults")
    print("sent by smoke, beside the cover:")
    for request in sorted(smoke - set(chosen)):
        print(f"  {request}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
