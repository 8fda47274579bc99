"""Repeatability: the same target gets the same verdicts every time.

``make repeatability`` (``python -m selftest.repeatability``) runs the suite again and again on the sound server, on
races of several widths, on limiter faults and on jittery variants, and compares the lists of verdicts and of findings.
Any difference is a defect of the suite. Writes reports/repeatability.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from typing import Any

from selftest.trial import Trial, attempt, side_by_side
from trigger_conformance.contract.home import ROOT
from trigger_conformance.reference.registry import faults

SOUND = ("", "variants.takes_up_to60_milliseconds", "variants.takes_long_now_and_then",
         "variants.connections_close_silently")  # fmt: skip
RACES = ("idempotency.race_of_one_turn", "idempotency.race_of_half_a_millisecond", "idempotency.race_of5_milliseconds",
         "idempotency.race_of50_milliseconds", "idempotency.losers_look_new")  # fmt: skip
LIMITERS = ("rate_limits.extends_the_ban", "rate_limits.limits_everybody", "rate_limits.counts_per_process")


def compared(identity: str, trials: list[Trial], named: tuple[str, ...]) -> dict[str, Any]:
    """How the trials on one behaviour agree; ``detected`` counts those in which a named requirement caught it."""
    lists = Counter(json.dumps([trial.verdicts, trial.findings], sort_keys=True) for trial in trials)
    requirements = {each for trial in trials for each in trial.verdicts}
    differing = {
        each: dict(Counter(trial.verdicts.get(each, "missing") for trial in trials))
        for each in sorted(requirements)
        if len({trial.verdicts.get(each) for trial in trials}) > 1
    }
    return {
        "id": identity or "the sound server",
        "runs": len(trials),
        "lists": len(lists),
        "findings": dict(Counter(json.dumps(trial.findings) for trial in trials)),
        "statuses": dict(Counter(trial.status for trial in trials)),
        "detected": sum(bool(set(named) & set(trial.caught)) for trial in trials) if named else None,
        "differing": differing,
    }


def main() -> int:
    """Run, write the file, print a line a behaviour; 1 where any two runs differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=[*SOUND, *RACES, *LIMITERS], metavar="ID")
    arguments = parser.parse_args()
    named = {each.id: each.caught_by for each in faults()}
    rows = []
    for identity in arguments.only:
        trials = side_by_side(attempt, [identity] * arguments.runs, lanes=arguments.jobs)
        rows.append(compared(identity, trials, named.get(identity, ())))
        print(json.dumps(rows[-1]), flush=True)
    (ROOT / "reports" / "repeatability.json").write_text(json.dumps(rows, indent=1), "utf-8")
    return 1 if any(row["lists"] > 1 for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
