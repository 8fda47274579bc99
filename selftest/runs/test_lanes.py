"""Checks under way at a time: the same verdicts far away as near, whatever ends a run or one of its lanes."""

import json
import os
import signal
import subprocess
import threading
import time

import pytest

from selftest.canned import answer, canned
from selftest.conftest import at, keys, reference
from selftest.runs.test_interruption import COMMAND, started, wait_for
from trigger_conformance.runs import lanes
from trigger_conformance.runs.attestation import attest, verify
from trigger_conformance.runs.distance import LANES
from trigger_conformance.runs.lanes import groups

FAR = "variants.takes20_milliseconds"
A_LANES_CONNECTIONS = 1_000_000


def lanes_of(folder):
    """In how many processes a run's requests left."""
    entries = json.loads((folder / "evidence.har").read_text("utf-8"))["log"]["entries"]
    return {int(each["connection"]) // A_LANES_CONNECTIONS for each in entries if int(each["connection"] or 0)}


def children(folder):
    """The processes of the run that reports there."""
    lines = subprocess.run(["ps", "-eww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    here = [line.split(None, 2) for line in lines.splitlines() if str(folder / "report") in line]
    return [int(pid) for pid, state, _ in here if state[0] != "Z"]


@pytest.mark.parametrize(
    ("behaviour", "only"),
    [
        ("", "create_batch"),
        ("answers.active_is_left_out", "create_schedule"),
        ("values.collapses_white_space", "create_environment_variable"),
        ("wrong_lines.cuts_commas_off", "stream_batch_items"),
    ],
)
def test_far_away_is_judged_as_near(command, behaviour, only):
    found = []
    for place in (behaviour, f"{behaviour}+{FAR}".strip("+")):
        with reference(place) as server:
            found.append(command(*at(server, f"--only={only}", *server.run_options), **keys(server)))
    near, far = found
    assert near.verdicts == far.verdicts
    assert near.status == far.status
    assert [each["requirements"] for each in near.results["findings"]] == [
        each["requirements"] for each in far.results["findings"]
    ]
    # Where this machine is busy what is near may take as long.
    assert lanes_of(far.folder) == set(range(LANES + 1))
    assert not far.results["left_behind"]
    for each in found:
        assert verify(attest(each.folder))["verdict"] == each.results["verdict"]


@pytest.mark.parametrize(
    ("behaviour", "options"),
    [
        (FAR, ("--only=create_batch.acceptance.valid_request_is_accepted",)),
        (FAR, ("--profile=smoke", "--requests-per-second=500")),
        (FAR, ("--profile=smoke", "--max-requests=120")),
        (f"{FAR}+variants.tightly_limited", ("--profile=smoke",)),
    ],
    ids=["few checks", "a pace", "a small budget", "a tight limit"],
)
def test_some_runs_have_one_order(command, behaviour, options):
    with reference(behaviour) as server:
        assert lanes_of(command(*at(server, *options), **keys(server)).folder) == {0}


def test_a_target_that_serves_one_connection_at_a_time_is_asked_in_one_order(command):
    turn = threading.Lock()

    def one_at_a_time(*_):
        with turn:
            time.sleep(0.02)
        return answer("202 Accepted", b'{"id":"batch_1","runCount":1,"isCached":false}')

    with canned(one_at_a_time) as url:
        run = command("run", f"--base-url={url}", "--profile=smoke", TRIGGER_API_KEY="tr_dev_any_key_0123456789")
    assert lanes_of(run.folder) == {0}


def begun(folder, *options, server):
    """A far run whose lanes have begun."""
    return started(folder, COMMAND, f"--base-url={server.base_url}", "--only=create_batch", *options, **keys(server))


def has_lanes(folder):
    return lambda: len(children(folder)) == LANES + 1


def test_an_interrupted_run_leaves_no_lane(tmp_path):
    with reference("variants.takes100_milliseconds") as server, begun(tmp_path, server=server) as process:
        wait_for(has_lanes(tmp_path))
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=60) == 2
        wait_for(lambda: not children(tmp_path))
    results = json.loads((tmp_path / "report" / "results.json").read_text("utf-8"))
    assert results["interrupted"]
    assert any(each["verdict"] == "passed" for each in results["requirements"])


def test_lanes_end_where_their_run_is_killed(tmp_path):
    with reference("variants.takes100_milliseconds") as server, begun(tmp_path, server=server) as process:
        wait_for(has_lanes(tmp_path))
        process.kill()
        wait_for(lambda: not children(tmp_path))


def test_a_lane_that_dies_is_an_error_in_the_suite(tmp_path):
    with reference("variants.takes100_milliseconds") as server, begun(tmp_path, server=server) as process:
        wait_for(has_lanes(tmp_path))
        time.sleep(1)
        # Numbers of processes begin again, so that the largest may be the run's own.
        os.kill(next(each for each in children(tmp_path) if each != process.pid), signal.SIGKILL)
        assert process.wait(timeout=60) == 3
        wait_for(lambda: not children(tmp_path))
    results = json.loads((tmp_path / "report" / "results.json").read_text("utf-8"))
    assert results["verdict"] == "inconclusive"


class Item:
    """As much of a pytest item as grouping asks for."""

    def __init__(self, name, *shared):
        self.name = name
        self.shared = set(shared)


@pytest.mark.parametrize(
    ("items", "expected"),
    {
        "alone": ("a b c", "a b c"),
        "a fixture": ("a:1 b c:1", "ac b"),
        "a chain": ("a:1 b:2 c:12 d", "abc d"),
        "the largest first": ("a b:1 c:1 d:2 e:2 f:2", "def bc a"),
    }.values(),
)
def test_what_shares_a_fixture_stays_together(monkeypatch, items, expected):
    monkeypatch.setattr(lanes, "_shared", lambda item: item.shared)
    found = groups([Item(*text.split(":")[:1], *text.partition(":")[2]) for text in items.split()])
    assert " ".join("".join(each.name for each in group) for group in found) == expected
