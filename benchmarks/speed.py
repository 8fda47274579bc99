"""Speed of runs on the reference server: ``make bench`` (``python -m benchmarks.speed``).

For each profile, latency and number of workers: requests, runs, wall and CPU seconds of a whole run, and the CPU
for each request as a ratio to that of a bare httpx loop which sends as many to the same server just after.
Start-up (imports, collection, one check) is told apart. Each figure is the median of several runs; machines are noisy,
so ratios are what to compare. Writes reports/speed.json.
"""

import argparse
import json
import os
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trigger_conformance.checks.catalogue import ROOT
from trigger_conformance.reference.process import ReferenceProcess

LATENCIES = {0: "", 20: "variants.takes20_milliseconds", 100: "variants.takes100_milliseconds"}
SETTINGS = [("smoke", 0, 1), ("smoke", 20, 1), ("smoke", 100, 1), ("standard", 0, 1), ("standard", 0, 2),
            ("standard", 0, 4), ("standard", 20, 1), ("standard", 100, 1), ("standard", 100, 4)]  # fmt: skip
START_UP = ["--only=acceptance.valid_request_is_accepted"]


def timed(command, environment):
    """Wall and CPU seconds of a command and all its children, and its exit status."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    status = subprocess.run(command, env=environment, capture_output=True, check=False).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, status


def run(server, options, folder):
    """One run of the suite on ``server``."""
    environment = {
        **os.environ,
        "TRIGGER_API_KEY": server.settings.api_key,
        "TRIGGER_CONFORMANCE_SECOND_API_KEY": server.settings.second_api_key,
    }
    command = [sys.executable, "-m", "trigger_conformance.cli", "run", f"--base-url={server.base_url}"]
    wall, cpu, status = timed(
        [*command, "--press-rate-limit", "--idempotency-wait=1", f"--report-dir={folder}", *options], environment
    )
    document = json.loads(Path(folder, "results.json").read_text("utf-8"))
    assert status == 0, document["verdict"]
    return wall, cpu, document


def bare_loop(server, count, folder):
    """CPU seconds of the bare loop with ``count`` valid requests, its own start-up taken off."""

    def spent(requests):
        path = Path(folder, "requests")
        path.write_bytes(pickle.dumps(requests))
        return timed([sys.executable, "-m", "benchmarks.loop", server.base_url, str(path)], dict(os.environ))[1]

    headers = {"Authorization": f"Bearer {server.settings.api_key}", "Content-Type": "application/json"}
    requests = [
        ("POST", "/api/v3/batches", headers, b'{"runCount":1,"idempotencyKey":"bench-%d"}' % number)
        for number in range(count)
    ]
    return spent(requests) - spent([])


def measure(profile, latency, workers, repeat):
    """The figures of one setting: medians."""
    figures = []
    for _ in range(repeat):
        server = ReferenceProcess.start(behaviour=LATENCIES[latency]).wait_until_ready()
        try:
            with tempfile.TemporaryDirectory(prefix="speed-") as folder:
                start_wall, start_cpu, _ = run(server, START_UP, folder)
                wall, cpu, document = run(server, [f"--profile={profile}", f"--workers={workers}"], folder)
                loop = bare_loop(server, document["requests"], folder)
        finally:
            server.stop()
        figures.append(
            {
                "requests": document["requests"],
                "runs": document["runs"],
                "wall_s": wall,
                "cpu_s": cpu,
                "start_up_wall_s": start_wall,
                "start_up_cpu_s": start_cpu,
                "cpu_ratio_to_bare_loop": cpu / loop,
                "cpu_ratio_without_start_up": (cpu - start_cpu) / loop,
            }
        )
    medians = {name: round(statistics.median(each[name] for each in figures), 2) for name in figures[0]}
    return {"profile": profile, "latency_ms": latency, "workers": workers, **medians}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="only smoke and standard, without latency")
    arguments = parser.parse_args()
    rows = []
    for setting in SETTINGS:
        if arguments.quick and setting[1:] != (0, 1):
            continue
        rows.append(measure(*setting, arguments.repeat))
        print("  ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
    (ROOT / "reports" / "speed.json").write_text(json.dumps(rows, indent=1), "utf-8")


if __name__ == "__main__":
    main()
