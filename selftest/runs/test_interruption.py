"""Ctrl-C, SIGTERM and SIGHUP at any moment, once and twice: exit status 2, one line, whole reports, nothing left."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from contextlib import contextmanager
from pathlib import Path

import jsonschema_rs
import pytest

from selftest.canned import answer, canned
from selftest.conftest import environment, ran
from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.requirement import Profile
from trigger_conformance.contract.home import ROOT
from trigger_conformance.report.results import SCHEMA

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
COMMAND = ("trigger_conformance.cli", "run")
PLAIN = ("pytest", str(ROOT / "tests"))
BATCH = b'{"id":"batch_1","runCount":1,"isCached":false}'
KEY = "tr_dev_marker_key_0123456789"
REPORTS = {"results.json", "evidence.har", "report.html", "summary.md", "badge.svg", "junit.xml"}


@contextmanager
def started(folder, program, *options, **variables):
    """A run in a process group of its own, as a terminal starts it."""
    (folder / "temporary").mkdir(exist_ok=True)
    module, *arguments = program
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments, f"--report-dir={folder / 'report'}", *options],
        cwd=folder, env=environment(TMPDIR=str(folder / "temporary"), PYTHONFAULTHANDLER="1", **variables), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        # A shell has what it starts in the background ignore Ctrl-C, these tests among it.
        preexec_fn=lambda: signal.signal(INT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        yield process
    except subprocess.TimeoutExpired as error:
        # Where it hangs is said before it dies.
        process.send_signal(signal.SIGABRT)
        error.add_note(process.communicate()[1])
        raise
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(happened, seconds=60):
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.001)


def listens(process):
    """Whether the program has taken SIGTERM over; until then the kernel ends it, and nobody can do anything."""
    caught = re.search(r"SigCgt:\s+(\w+)", Path(f"/proc/{process.pid}/status").read_text())
    return process.poll() is not None or int(caught[1], 16) & 1 << (TERM - 1)


def left_of(process):
    """The processes of the run's session that still live."""
    lines = subprocess.run(["ps", "-eo", "sess=,stat=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in lines.splitlines() if line.split()[0] == str(process.pid) and line.split()[1][0] != "Z"]


def interrupted(process, folder, sent, times=1):
    """Send the signal to the process group, as a terminal does, and see how the run ends."""
    for _ in range(times):
        os.killpg(process.pid, sent)
        time.sleep(0.02)
        if process.poll() is not None:
            break
    output, errors = process.communicate(timeout=60)
    assert left_of(process) == []
    assert list((folder / "temporary").glob("trigger-conformance*")) == []
    return ran(process, folder / "report", output, errors)


def is_in_good_order(stopped):
    assert stopped.status == 2, stopped.output + stopped.errors
    assert stopped.errors == f"interrupted: what was decided until then is in {stopped.folder}\n"
    assert stopped.results["interrupted"]
    assert stopped.results["exit_status"] == 2
    schema = json.loads(SCHEMA.read_text("utf-8"))
    assert list(jsonschema_rs.validator_for(schema).iter_errors(stopped.results)) == []
    assert set(stopped.verdicts) == {each.id for each in catalogue() if each.profile <= Profile.STANDARD}
    assert {path.name for path in stopped.folder.iterdir()} >= REPORTS
    ElementTree.parse(stopped.folder / "junit.xml")


# Seconds after the program has taken the signals over, which signal, how often.
MOMENTS = [(0, INT, 1), (0, TERM, 2), (0.05, HUP, 1), (0.1, INT, 2), (0.2, TERM, 1), (0.4, INT, 2), (0.7, HUP, 2),
           (1.0, TERM, 2), (1.5, INT, 1), (2.0, INT, 2)]  # fmt: skip


@pytest.mark.parametrize(("seconds", "sent", "times"), MOMENTS)
def test_a_run_is_interrupted_at_any_moment(tmp_path, seconds, sent, times):
    with started(tmp_path, COMMAND) as process:
        wait_for(lambda: listens(process))
        time.sleep(seconds)
        stopped = interrupted(process, tmp_path, sent, times)
    if not stopped.results:
        # The options were not read yet.
        assert (stopped.status, stopped.errors) == (2, "interrupted: nothing was decided yet\n")
        return
    is_in_good_order(stopped)


@pytest.mark.parametrize(("program", "sent"), [(COMMAND, TERM), (PLAIN, INT), (PLAIN, TERM), (PLAIN, HUP)])
def test_a_run_is_interrupted_while_it_waits_for_its_first_answer(tmp_path, program, sent):
    reached, let_go = threading.Event(), threading.Event()

    def respond(*_):
        reached.set()
        let_go.wait(60)

    with canned(respond) as base_url:
        with started(tmp_path, program, f"--base-url={base_url}", TRIGGER_API_KEY=KEY) as process:
            wait_for(reached.is_set)
            stopped = interrupted(process, tmp_path, sent)
        let_go.set()
    is_in_good_order(stopped)
    assert set(stopped.verdicts.values()) == {"inconclusive"}


@pytest.mark.parametrize(("sent", "times"), [(INT, 1), (TERM, 2)])
def test_a_run_is_interrupted_while_its_reports_are_written(tmp_path, sent, times):
    slow = tmp_path / "report" / "badge.svg"
    slow.parent.mkdir()
    # A file that is not open before somebody reads it.
    os.mkfifo(slow)
    with (
        canned(answer("401 Unauthorized", b"{}")) as base_url,
        started(tmp_path, COMMAND, f"--base-url={base_url}", TRIGGER_API_KEY=KEY) as process,
    ):
        wait_for((slow.parent / "summary.md").exists)
        for _ in range(times):
            process.send_signal(sent)
            time.sleep(0.05)
        with slow.open("rb") as reader:
            slow.unlink()
            reader.read()
        output, errors = process.communicate(timeout=60)
    is_in_good_order(ran(process, slow.parent, output, errors))


def test_a_third_signal_ends_a_run_whose_reports_cannot_be_written(tmp_path):
    stuck = tmp_path / "report" / "badge.svg"
    stuck.parent.mkdir()
    os.mkfifo(stuck)
    with (
        canned(answer("401 Unauthorized", b"{}")) as base_url,
        started(tmp_path, COMMAND, f"--base-url={base_url}", TRIGGER_API_KEY=KEY) as process,
    ):
        wait_for((stuck.parent / "summary.md").exists)
        for _ in range(3):
            assert process.poll() is None
            process.send_signal(INT)
            time.sleep(0.2)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (2, "interrupted once more: the reports may not be whole\n")


@pytest.mark.parametrize(("seconds", "sent", "times"), [(0, INT, 2), (1, TERM, 1), (4, INT, 1)])
def test_a_run_with_workers_is_interrupted_at_any_moment(tmp_path, seconds, sent, times):
    with started(tmp_path, COMMAND, "--workers=2") as process:
        wait_for(lambda: list((tmp_path / "temporary").glob("*/lock")))
        time.sleep(seconds)
        stopped = interrupted(process, tmp_path, sent, times)
    is_in_good_order(stopped)


def test_what_a_killed_run_leaves_is_private_redacted_and_removed_by_the_next(tmp_path):
    with canned(answer("202 Accepted", BATCH)) as base_url:
        options = (f"--base-url={base_url}", "--requests-per-second=20")
        with started(tmp_path, COMMAND, *options, TRIGGER_API_KEY=KEY) as living:
            wait_for(lambda: list((tmp_path / "temporary").glob("*/lock")))
            [kept] = (tmp_path / "temporary").iterdir()
            with started(tmp_path, COMMAND, *options, TRIGGER_API_KEY=KEY) as killed:
                wait_for(lambda: len(list((tmp_path / "temporary").glob("*/ledger.sqlite-wal"))) == 2)
                time.sleep(1)
                os.kill(killed.pid, signal.SIGKILL)
            [left] = set((tmp_path / "temporary").iterdir()) - {kept}
            assert left.stat().st_mode & 0o777 == 0o700
            assert any(b"/api/v3/batches" in path.read_bytes() for path in left.iterdir())
            assert all(KEY.encode() not in path.read_bytes() for path in left.iterdir())
            with started(tmp_path, COMMAND, *options, TRIGGER_API_KEY=KEY) as third:
                wait_for(lambda: not left.exists())
                os.kill(third.pid, TERM)
                third.communicate(timeout=60)
            assert kept.exists()
            os.kill(living.pid, TERM)
            living.communicate(timeout=60)
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("arguments", [("plan",), ("serve", "--port=0")])
def test_other_commands_end_with_one_line(tmp_path, arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "trigger_conformance.cli", *arguments], cwd=tmp_path,
        env=environment(TMPDIR=str(tmp_path)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=lambda: signal.signal(INT, signal.SIG_DFL),
    )  # fmt: skip
    wait_for(lambda: listens(process))
    time.sleep(1.5)
    os.killpg(process.pid, INT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (2, "interrupted\n")
    assert left_of(process) == []
    assert list(tmp_path.iterdir()) == []


CAUGHT_IN_A_TEXT = """
import os, signal, sys, time
from trigger_conformance.options import interruption
interruption.begin()
interruption.raise_from_now()
try:
    exec("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)")
except KeyboardInterrupt:
    print("caught", flush=True)
%s
sys.exit(2)
"""


@pytest.mark.parametrize("ended", ["interruption.end()", "interruption.over(2)"])
def test_an_interruption_of_code_that_was_made_from_a_text_ends_like_any_other(tmp_path, ended):
    # Python itself would end a module by the signal, though it was caught.
    (tmp_path / "caught.py").write_text(CAUGHT_IN_A_TEXT % ended, "utf-8")
    line = [sys.executable, "-m", "caught"]
    done = subprocess.run(
        line, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
        preexec_fn=lambda: signal.signal(INT, signal.default_int_handler),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "caught\n")
