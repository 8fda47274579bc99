"""Schedules are gone from the reference server however a run ends, and ``clean`` finds what a killed one left."""

import json
import random
import signal
import sys
import time
import urllib.request

import pytest

from selftest.conftest import call, keys, ran, reference
from selftest.test_interruption import started

PROGRAM = "trigger_conformance.cli"
TASK = "--schedule-task=conformance-scheduled-task"
SECOND = "TRIGGER_CONFORMANCE_SECOND_API_KEY"
# Seconds after the first schedule was there.
MOMENTS = [(random.Random(number).random() * 3, (signal.SIGINT, signal.SIGTERM)[number % 2]) for number in range(3)]


def schedules(server, key="TRIGGER_API_KEY"):
    """The ids of the schedules that the target has for a credential."""
    request = urllib.request.Request(f"{server.base_url}/api/v1/schedules?page=1&perPage=100")
    request.add_header("Authorization", f"Bearer {keys(server)[key]}")
    with urllib.request.urlopen(request) as answer:
        return [each["id"] for each in json.load(answer)["data"]]


def until_one_is_there(server):
    """Wait for the run's first schedule."""
    end = time.monotonic() + 60
    while not schedules(server):
        assert time.monotonic() < end
        time.sleep(0.05)


def place(server):
    return f"--base-url={server.base_url}"


def clean(server, folder, *more):
    return call(sys.executable, "-m", PROGRAM, "clean", place(server), *more, folder=folder, **keys(server))


def running(server, folder):
    return started(folder, (PROGRAM, "run"), place(server), TASK, "--only=create_schedule", **keys(server))


@pytest.mark.parametrize(("delay", "sent"), MOMENTS)
def test_an_interrupted_run_leaves_no_schedule(delay, sent, tmp_path):
    with reference() as server, running(server, tmp_path) as process:
        until_one_is_there(server)
        time.sleep(delay)
        process.send_signal(sent)
        output, errors = process.communicate(timeout=60)
        ended = ran(process, tmp_path / "report", output, errors)
        assert (schedules(server), schedules(server, SECOND)) == ([], []), errors
    assert ended.results["left_behind"] == []


def test_what_a_killed_run_leaves_is_found_and_removed(tmp_path):
    with reference() as server:
        with running(server, tmp_path) as process:
            until_one_is_there(server)
            time.sleep(0.5)
            process.kill()
            process.wait(60)
        left = schedules(server)
        told = clean(server, tmp_path, "--json")
        assert {each["id"] for each in json.loads(told.output)["found"]} >= set(left) != set()
        assert clean(server, tmp_path, "--yes").status == 0
        assert (schedules(server), schedules(server, SECOND)) == ([], [])
