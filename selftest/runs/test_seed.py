"""One seed asks the same: no clock, machine or answer has a say in what is generated, only in how much is sent."""

import json
import sys
from collections import Counter

import pytest

from selftest.conftest import at, call, keys, reference

GENERATE = """
import json
from trigger_conformance.checks import generation
from trigger_conformance.checks.operation import operations
from trigger_conformance.options.target import Target
from tests.create_batch.model import Kind
from tests.create_batch.programs import programs as generated

class Wire:
    check = "create_batch.selftest"

target = Target(base_url="http://127.0.0.1", api_key="key", seed={seed}, stated={{"max_run_count": {maximum}}})
generator = generation.Generator(operations()["create_batch"].client(target, Wire()))
bodies = [each.body.decode("latin-1") for each in generator.valid(26) + generator.invalid(32)]
programs = [[list(map(str, wave)) for wave in each] for each in generated({seed}, 3, list(Kind), 12, 3)]
print(json.dumps([bodies, generation.near_keys({seed}, 8), programs]))
"""
LEAPING = """
import itertools, time
seconds = itertools.count(1_000_000, 7)
time.time = time.monotonic = time.perf_counter = lambda: float(next(seconds))
"""
OTHER_ORDER = (
    "import tests.create_batch.test_fuzzing, schemathesis, trigger_conformance.reference.variants, selftest.trial"
)
CIRCUMSTANCES = {
    "again": ("", {}),
    "hashes of their own": ("", {"PYTHONHASHSEED": "12345"}),
    "in CI": ("", {"CI": "true"}),
    "other imports": (OTHER_ORDER, {}),
    "a clock that leaps": (LEAPING, {}),
    "randomness that was used": ("import random; random.seed(7)", {}),
}
# What makes a target slow, and so the estimate of what it can be asked; the budget of the first is short, too.
SLOW = {"variants.starts_cold": ["--max-seconds=60"], "variants.takes_up_to60_milliseconds": []}


def generated(folder, before="", seed=1, maximum=1000, **variables):
    places = {"PYTHONHASHSEED": "0", "HYPOTHESIS_STORAGE_DIRECTORY": str(folder), "PYTHONPATH": ":".join(sys.path)}
    script = before + "\n" + GENERATE.format(seed=seed, maximum=maximum)
    done = call(sys.executable, "-c", script, folder=folder, **{**places, **variables})
    assert done.status == 0, done.errors
    return json.loads(done.output)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return generated(tmp_path_factory.mktemp("usual"))


@pytest.mark.parametrize(("before", "variables"), CIRCUMSTANCES.values(), ids=CIRCUMSTANCES)
def test_what_is_generated_hangs_on_no_circumstance(usual, tmp_path, before, variables):
    assert list(map(len, usual)) == [58, 8, 3]
    assert generated(tmp_path, before, **variables) == usual


def test_another_seed_generates_others(usual, tmp_path):
    assert all(mine != other for mine, other in zip(usual, generated(tmp_path, seed=2), strict=True))


def sent(run):
    log = json.loads((run.folder / "evidence.har").read_text("utf-8"))["log"]
    return Counter(
        (entry["_requirement"], entry["request"]["postData"]["text"].replace(run.results["run_id"], ""))
        for entry in log["entries"]
        if ".fuzzing." in entry["_requirement"] and "postData" in entry["request"]
    )


def test_a_slow_target_is_sent_no_other_requests(command):
    fast = sent(command("run", "--only=fuzzing"))
    assert fast.total() > 60
    for behaviour, options in SLOW.items():
        with reference(behaviour) as server:
            run = command(*at(server, "--only=fuzzing", *options), **keys(server))
        assert run.status == 0, run.output
        slow = sent(run)
        assert slow <= fast, f"{behaviour}: {(slow - fast).total()} others"
        assert slow.total() > 30
