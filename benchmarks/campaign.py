"""How a campaign grows with its parts: ``make campaign``.

One, two, four and eight parts of the profile ``soak`` generate valid requests against one server, all on this machine,
for as long each. The server answers as it should and notes what it is asked: requests per second of all parts, how
many of them asked for what some part had asked for before, how many for what *another* part had, and when the first of
each of ten rare kinds of request came: a server that fails at it would be found out then. The last row tells what a
shared database of examples is worth: the requests that a part needs until a server fails at one rare request, when
nothing is known and when another part found it before. Writes reports/campaign.json.
"""

import argparse
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from trigger_conformance.contract.home import ROOT
from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.listening import listen
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.settings import Settings

CHECK = "create_batch.fuzzing.generated_valid_requests_are_accepted"
KEY = "idempotencyKey"
# What a run puts in front of the keys that it makes: its own name and a number.
OF_A_RUN = re.compile(r"conformance-(\w+)-\w+-\d+")
PARTS = (1, 2, 4, 8)
# Nothing is refused for its number: what is measured is how much is generated.
SETTINGS = Settings(request_limit=(10_000_000, 10.0), run_limit=(100_000_000, 10.0))


def inside(value):
    """A value and all that it has in it."""
    yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from inside(each)


def names(document):
    """The names of all properties, those of properties' properties too."""
    return {name for each in inside(document) if isinstance(each, dict) for name in each}


def numbers(document, kind):
    """The numbers of one Python type anywhere in a document."""
    return [each for each in inside(document) if type(each) is kind]


def others(document):
    """The properties that the contract does not name."""
    return set(document) - {"runCount", KEY, "resumeParentOnCompletion", "parentRunId"}


def _four_to_resume(document):
    return document["runCount"] == 4 and document.get("resumeParentOnCompletion") is True and len(others(document)) > 2


RARE = {
    "five runs and a property without a name": lambda each: each["runCount"] == 5 and "" in each,
    "a property's property is named as one beside it": lambda each: any(set(each) & names(each[one]) for one in each),
    "a name with Chinese characters": lambda each: any("\u4e00" <= sign <= "\u9fff" for sign in "".join(names(each))),
    "a zero that is a fraction": lambda each: 0.0 in numbers(each, float),
    "a fraction below 1e-300": lambda each: any(0 < abs(one) < 1e-300 for one in numbers(each, float)),
    "a whole number that no double holds": lambda each: any(abs(one) > 2**53 for one in numbers(each, int)),
    "four runs to resume and three properties more": _four_to_resume,
    "an empty object without a name, not to resume": lambda each: (each.get(""), each.get("resumeParentOnCompletion"))
    == ({}, False),
    "a name that Windows keeps": lambda each: bool(names(each) & {"LPT1", "CON", "COM1", "NUL", "AUX"}),
    "a name that every object has": lambda each: bool(names(each) & {"__proto__", "then", "constructor", "toString"}),
}  # fmt: skip


class Noting(CreateBatchServer):
    """Notes what it is asked, a line each: when, by which run, for what but for the key, and what of it is rare."""

    def validate(self, document):
        order = super().validate(document)
        rare = [name for name, is_so in RARE.items() if is_so(document)]
        run, asks = OF_A_RUN.search(str(document.get(KEY))), OF_A_RUN.sub("", json.dumps(document))
        line = json.dumps([time.time(), run[1] if run else "", asks, rare])
        os.write(self.notes, line.encode() + b"\n")
        return order


class FailsAtOne(CreateBatchServer):
    """Rejects a rare request."""

    def validate(self, document):
        order = super().validate(document)
        if _four_to_resume(document):
            raise Problem(400, "not so")
        return order


@contextmanager
def serving(server_class):
    """The base URL of a server of that class, as long as it is needed."""
    listener = listen()
    app = type("App", (ReferenceApp,), {"operations": {"create_batch": server_class}})(SETTINGS)
    process = multiprocessing.get_context("fork").Process(target=app.run, args=(listener,))
    process.start()
    try:
        yield app.base_url(listener.getsockname()[1])
    finally:
        process.terminate()
        process.join()


def started(base_url, part, of, seconds, folder, *options):
    """One part of a campaign, under way."""
    line = ["run", f"--base-url={base_url}", "--profile=soak", f"--only={CHECK}", f"--shard={part}/{of}",
            f"--max-seconds={seconds}", f"--report-dir={folder}/{part}", *options]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "trigger_conformance.cli", *line],
        env=os.environ | {"TRIGGER_API_KEY": SETTINGS.api_key},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@dataclass
class Noted:
    """What the parts of one campaign asked for together."""

    began: float = 0.0
    ended: float = 0.0
    requests: int = 0
    again: int = 0
    of_another: int = 0
    first: dict = field(default_factory=dict)

    def read(self, lines):
        """Take the server's notes."""
        known = {}
        for line in lines:
            at, run, asks, rare = json.loads(line)
            self.began = self.began or at
            runs = known.setdefault(asks, Counter())
            self.requests, self.ended = self.requests + 1, at
            self.again += bool(runs)
            self.of_another += bool(run and any(each and each != run for each in runs))
            runs[run] += 1
            for name in rare:
                self.first.setdefault(name, at - self.began)

    def row(self, parts):
        """The figures of a campaign."""
        return {
            "parts": parts,
            "requests": self.requests,
            "requests_per_second": round(self.requests / (self.ended - self.began), 1),
            "asked_before": round(self.again / self.requests, 3),
            "asked_by_another_part": round(self.of_another / self.requests, 3),
            "seconds_to_the_first": {name: round(self.first[name], 1) if name in self.first else None for name in RARE},
        }


def grown(parts, seconds):
    """A campaign of so many parts, for so many seconds, on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        notes = os.open(Path(folder, "notes"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        with serving(type("NotingThere", (Noting,), {"notes": notes})) as base_url:
            running = [started(base_url, part, parts, seconds, folder) for part in range(1, parts + 1)]
            for each in running:
                each.wait()
        os.close(notes)
        noted = Noted()
        noted.read(Path(folder, "notes").read_text("utf-8").splitlines())
    return noted.row(parts)


def until_found(base_url, part, parts, seconds, folder, *options):
    """How many requests a part sent until the server failed, or None where it did not."""
    started(base_url, part, parts, seconds, folder, *options).wait()
    sent = json.loads(Path(folder, str(part), "results.json").read_text("utf-8"))["timeline"]
    return next((each["number"] for each in sent if each["status"] == 400), None)


def shared(parts, seconds):
    """The requests of each part until it meets a rare failure: on its own, and after part 1 with its examples."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder, serving(FailsAtOne) as base_url:
        alone, after = (
            [until_found(base_url, part, parts, seconds, folder, *options) for part in range(1, parts + 1)]
            for options in ((), (f"--example-database={folder}/examples",))
        )
    return {"each by itself": alone, "with a shared database, one after the other": after}


def main():
    """Measure, print and write all rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="how long each campaign generates (default: 60)")
    arguments = parser.parse_args()
    rows = []
    for parts in PARTS:
        rows.append(grown(parts, arguments.seconds))
        print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    known = shared(max(PARTS), arguments.seconds)
    print(json.dumps(known))
    (ROOT / "reports" / "campaign.json").write_text(json.dumps({"rows": rows, "shared": known}, indent=1), "utf-8")


if __name__ == "__main__":
    main()
