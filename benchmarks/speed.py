"""Speed and memory of runs on the reference server, beside their goals: ``make bench``.

A row is one kind of run: requests, wall seconds, those that the run tells itself, CPU seconds, seconds from the start
of the process to its first request, the most memory, and the CPU of each request as a ratio to that of a bare httpx
loop that sends as many to the same server just after. The last rows are a peer's: schemathesis alone. Each figure is
shown as minimum, median and maximum of several runs; machines are noisy, so ratios are what to compare. Says which
goals are missed, and by how much; writes reports/speed.json.
"""

import argparse
import json
import os
import pickle
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from trigger_conformance.checks.operation import operations
from trigger_conformance.contract.home import ROOT
from trigger_conformance.reference.process import ReferenceProcess

LATENCIES = {0: "", 20: "variants.takes20_milliseconds", 100: "variants.takes100_milliseconds"}
ONE_CHECK = "create_batch.acceptance.valid_request_is_accepted"
CREATE_BATCH = "--only=create_batch"
OF_ONE = {
    "create_batch": {"cpu_ratio_without_start_up": 3},
    "create_schedule": {"requests": 400, "told_s": 3},
    "create_environment_variable": {"requests": 300, "told_s": 3},
    "stream_batch_items": {"requests": 350, "told_s": 4},
}
PEER = [sys.executable, "-m", "schemathesis.cli", "run", str(ROOT / "openapi" / "create-batch.openapi.yaml"),
        "--phases=coverage,fuzzing", "--continue-on-failure", "--max-examples=500", "--seed=1"]  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """A kind of run, with the goals of its figures: each at most so much."""

    name: str
    options: tuple[str, ...] = ()
    latency: int = 0
    goals: dict = field(default_factory=dict)


SETTINGS = [
    Setting("smoke", ("--profile=smoke",), goals={"requests": 60, "wall_s": 2, "first_request_s": 0.5}),
    Setting("standard", goals={"memory_mb": 200}),
    *(Setting(f"standard, {each}", (f"--only={each}",), goals=OF_ONE.get(each, {})) for each in operations()),
    Setting("create batch at 20 ms", (CREATE_BATCH,), 20, {"wall_s": 7}),
    Setting("create batch at 100 ms", (CREATE_BATCH,), 100, {"wall_s": 15}),
    Setting("create batch at 100 ms, 4 workers", (CREATE_BATCH, "--workers=4"), 100),
    Setting("thorough", ("--profile=thorough",), goals={"memory_mb": 400}),
]
QUICK = ("smoke", "standard")


@dataclass(frozen=True)
class Spent:
    """What a command and all its children took."""

    began: float
    wall: float
    cpu: float
    memory: float
    output: str


def spent(command, **variables):
    """Run ``command``; its time on the monotonic clock, wall and CPU seconds, megabytes at most, and output."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, env=os.environ | variables, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode("utf-8", "replace")
    return Spent(began, time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


def suite(server, options, folder):
    """What a run of the suite took, its results, and when its first request left."""
    command = [sys.executable, "-m", "trigger_conformance.cli", "run", f"--base-url={server.base_url}"]
    usual = ["--press-rate-limit", "--idempotency-wait=1", f"--report-dir={folder}", *server.run_options]
    took = spent(
        [*command, *usual, *options],
        TRIGGER_API_KEY=server.settings.api_key,
        TRIGGER_CONFORMANCE_SECOND_API_KEY=server.settings.second_api_key,
    )
    results = Path(folder, "results.json")
    document = json.loads(results.read_text("utf-8")) if results.exists() else {}
    if document.get("verdict") != "conformant":
        raise SystemExit(f"the run was not conformant:\n{took.output[-2000:]}")
    first = json.loads(Path(folder, "evidence.har").read_text("utf-8"))["log"]["entries"][0]["_started"]
    return took, document, first


def bare_loop(server, count, folder):
    """CPU seconds of the bare loop with ``count`` valid requests, its own start-up taken off."""
    headers = {"Authorization": f"Bearer {server.settings.api_key}", "Content-Type": "application/json"}
    requests = [
        ("POST", "/api/v3/batches", headers, b'{"runCount":1,"idempotencyKey":"bench-%d"}' % number)
        for number in range(count)
    ]

    def cpu(requests):
        path = Path(folder, "requests")
        path.write_bytes(pickle.dumps(requests))
        return spent([sys.executable, "-m", "benchmarks.loop", server.base_url, str(path)]).cpu

    return cpu(requests) - cpu([])


def figures_of(setting):
    """The figures of one run of its kind, on a server of its own."""
    server = ReferenceProcess.start(behaviour=LATENCIES[setting.latency]).wait_until_ready()
    try:
        with tempfile.TemporaryDirectory(prefix="speed-") as folder:
            began, _, _ = suite(server, [f"--only={ONE_CHECK}"], folder)
            took, document, first = suite(server, setting.options, folder)
            loop = bare_loop(server, document["requests"], folder)
    finally:
        server.stop()
    return {
        "requests": document["requests"],
        "wall_s": took.wall,
        "told_s": document["duration_s"],
        "cpu_s": took.cpu,
        "first_request_s": first - took.began,
        "memory_mb": took.memory,
        "cpu_ratio_to_bare_loop": took.cpu / loop,
        "cpu_ratio_without_start_up": (took.cpu - began.cpu) / loop,
    }


def figures_of_the_peer():
    """The figures of one run of schemathesis by itself, on a server of its own."""
    server = ReferenceProcess.start().wait_until_ready()
    try:
        with tempfile.TemporaryDirectory(prefix="speed-") as folder:
            key = server.settings.api_key
            took = spent([*PEER, f"--url={server.base_url}", "-H", f"Authorization: Bearer {key}"])
            found = re.search(r"(\d+) generated", took.output)
            if found is None:
                raise SystemExit(f"schemathesis told no number of cases:\n{took.output[-2000:]}")
            count = int(found[1])
            loop = bare_loop(server, count, folder)
    finally:
        server.stop()
    return {
        "requests": count,
        "wall_s": took.wall,
        "cpu_s": took.cpu,
        "memory_mb": took.memory,
        "cpu_ratio_to_bare_loop": took.cpu / loop,
    }


def summary(figures):
    """Minimum, median and maximum of each figure."""
    return {
        name: tuple(round(pick(each[name] for each in figures), 2) for pick in (min, statistics.median, max))
        for name in figures[0]
    }


def missed(setting, row):
    """The goals that the medians of a row miss, a sentence each."""
    return [
        f"{setting.name}: {name} {row[name][1]:g}, goal {goal:g}"
        for name, goal in setting.goals.items()
        if row[name][1] > goal
    ]


def shown(name, row):
    """A row as a line."""
    return f"{name}: " + ", ".join(f"{each} {low:g}/{middle:g}/{high:g}" for each, (low, middle, high) in row.items())


def main():
    """Measure, print and write all rows; the exit status is 1 where a goal is missed and ``--strict`` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each kind (default: 3)")
    parser.add_argument("--quick", action="store_true", help="only smoke and standard, without latency")
    parser.add_argument("--strict", action="store_true", help="fail where a goal is missed")
    arguments = parser.parse_args()
    rows, short = {}, []
    for setting in SETTINGS:
        if arguments.quick and setting.name not in QUICK:
            continue
        rows[setting.name] = summary([figures_of(setting) for _ in range(arguments.repeat)])
        print(shown(setting.name, rows[setting.name]), flush=True)
        short += missed(setting, rows[setting.name])
    rows["schemathesis, create batch"] = summary([figures_of_the_peer() for _ in range(arguments.repeat)])
    print(shown("schemathesis, create batch", rows["schemathesis, create batch"]))
    print("\n".join(["goals missed:", *short]) if short else "all goals are met")
    (ROOT / "reports" / "speed.json").write_text(json.dumps({"rows": rows, "missed": short}, indent=1), "utf-8")
    return 1 if short and arguments.strict else 0


if __name__ == "__main__":
    sys.exit(main())
