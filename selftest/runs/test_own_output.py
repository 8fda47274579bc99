"""What the suite itself cannot write: a terminal that is gone, a full disk, an unusable folder, are no verdict."""

import contextlib
import errno
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from selftest.canned import answer, canned
from selftest.conftest import LONGEST, Ran, at, environment, keys, ran, reference
from trigger_conformance.cli import _run_command, cli
from trigger_conformance.contract.home import ROOT
from trigger_conformance.runs import standard_streams
from trigger_conformance.runs.standard_streams import LossyStream

SMOKE = "--profile=smoke"
ONE = "--only=run_count.out_of_range_is_rejected"
KEY = {"TRIGGER_API_KEY": "tr_dev_marker_key"}
RUN = ("trigger_conformance.cli", "run")
PLAIN = ("pytest", str(ROOT / "tests"))
# The redirections of a shell, and what is to be read of the loss.
LOST = {
    "a full disk": (">/dev/full", "No space left on device"),
    "nobody who reads": ("| true", "nobody reads it any more"),
    "closed": (">&-", "it is closed"),
}


def shell(folder, redirection, module, *arguments, **variables):
    """The command with its standard output redirected by a shell; the status is the command's own."""
    line = (
        f'{{ "$@"; echo $? >status; }} {redirection}' if "|" in redirection else f'"$@" {redirection}; echo $? >status'
    )
    process = subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, "-m", module, *arguments], cwd=folder,
        env=environment(**variables), capture_output=True, text=True, check=False,
    )  # fmt: skip
    ended = ran(process, folder / "report", process.stdout, process.stderr)
    ended.status = int((folder / "status").read_text())
    return ended


@pytest.mark.parametrize(("redirection", "said"), LOST.values(), ids=LOST)
@pytest.mark.parametrize(("behaviour", "status"), [("", 0), ("run_count.accepts_zero", 1)])
def test_a_verdict_stands_where_only_the_terminal_is_gone(tmp_path, redirection, said, behaviour, status):
    with reference(behaviour) as server:
        options = (*at(server, SMOKE)[1:], ONE, f"--report-dir={tmp_path / 'report'}")
        told = shell(tmp_path, redirection, *RUN, *options, **keys(server))
    assert (told.status, told.results["exit_status"]) == (status, status)
    assert told.errors == f"standard output did not take all that was to be told: {said}\n"


def test_a_verdict_stands_without_any_standard_stream(tmp_path):
    options = (ONE, SMOKE, f"--report-dir={tmp_path / 'report'}")
    told = shell(tmp_path, "<&- >&- 2>&-", *RUN, *options)
    assert (told.status, told.results["verdict"]) == (0, "conformant")


@pytest.mark.parametrize("redirection", [">/dev/full", "| true"])
def test_plain_pytest_keeps_the_verdict_too(tmp_path, redirection):
    options = (ONE, SMOKE, f"--report-dir={tmp_path / 'report'}")
    told = shell(tmp_path, redirection, *PLAIN, *options)
    assert (told.status, told.results["verdict"]) == (0, "conformant")


COMMANDS = [("list",), ("explain", "run_count.out_of_range_is_400"), ("config",), ("--version",),
            ("completion", "bash"), ("serve", "--list-faults"), ("plan", SMOKE, ONE)]  # fmt: skip


@pytest.mark.parametrize(("redirection", "said"), LOST.values(), ids=LOST)
@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_no_command_takes_a_lost_terminal_for_a_verdict(tmp_path, arguments, redirection, said):
    if arguments[0] == "plan" and "full" not in redirection:
        pytest.skip("once is enough for what takes seconds")
    told = shell(tmp_path, redirection, "trigger_conformance.cli", *arguments)
    assert told.errors == f"standard output did not take all that was to be told: {said}\n"
    missing = "|" not in redirection and arguments[0] != "--version"
    assert told.status == (3 if missing else 0)


@pytest.mark.parametrize(
    "name", ["results.json", "report.html", "summary.md", "badge.svg", "evidence.har", "junit.xml", "allure-results"]
)
def test_reports_that_cannot_be_written_are_no_verdict(tmp_path, name):
    report = tmp_path / "report"
    report.mkdir()
    # Whatever is written there finds the disk full, or no folder.
    (report / name).symlink_to("/dev/full")
    line = [sys.executable, "-m", *RUN, SMOKE, ONE, f"--report-dir={report}"]
    process = subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    ended = Ran(process.returncode, process.stdout, process.stderr, report)
    assert ended.status == 3, ended.output + ended.errors
    assert ended.errors.startswith(f"error: {report}: the reports could not be written: ")
    assert len(ended.errors.splitlines()) == 1
    assert "Traceback" not in ended.output
    assert "INTERNALERROR" not in ended.output


UNUSABLE = {
    "a file in the way": ("file", "File exists"),
    "a file on the way": ("file/below", "Not a directory"),
    "a name that is too long": ("a" * 300, "File name too long"),
    "no folder of this system": ("/proc/none/below", "No such file or directory"),
}


@pytest.mark.parametrize(("folder", "said"), UNUSABLE.values(), ids=UNUSABLE)
@pytest.mark.parametrize(("module", "first"), [RUN, PLAIN], ids=["command", "pytest"])
def test_an_unusable_report_folder_is_told_before_the_first_request(tmp_path, folder, said, module, first):
    (tmp_path / "file").write_text("")
    asked = []

    def respond(_request, number, _connection):
        asked.append(number)

    with canned(respond) as base_url:
        arguments = (f"--base-url={base_url}", f"--report-dir={folder}")
        ended = subprocess.run(
            [sys.executable, "-m", module, first, *arguments], cwd=tmp_path, env=environment(**KEY),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert (ended.returncode, len(ended.stderr.splitlines())) == (4, 1)
    assert ended.stderr.startswith("error: --report-dir ")
    assert said in ended.stderr
    assert len(ended.stderr) < 250
    assert asked == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_unusable(command, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    ended = command("run", f"--report-dir={tmp_path / 'closed'}")
    assert ended.status == 4


def test_a_page_that_cannot_be_written_is_a_note(command):
    with canned(answer("401 Unauthorized", b"{}")) as base_url:
        ended = command("run", f"--base-url={base_url}", GITHUB_STEP_SUMMARY="/no/such/folder/page.md", **KEY)
    assert ended.status == 6
    note = "GITHUB_STEP_SUMMARY /no/such/folder/page.md: it cannot be written (No such file or directory)"
    assert note in ended.results["notes"]


@pytest.fixture
def full():
    """Both ends of a pipe that does not block and is full, and how many bytes are in it."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    taken = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            taken += os.write(write, b"x" * 4096)
    yield read, write, taken
    os.close(read)


def test_a_pipe_that_is_read_late_takes_all(full):
    read, write, taken = full
    text = "told late\n" * 50_000

    def reading():
        with open(read, "rb", closefd=False) as stream:
            return stream.read()

    with ThreadPoolExecutor() as pool, LossyStream(write) as stream:
        heard = pool.submit(reading)
        stream.write(text)
        stream.flush()
        assert stream.lost is None
        os.close(write)
        assert heard.result(LONGEST)[taken:].decode() == text


def test_a_pipe_that_nobody_reads_is_not_waited_for_without_end(full, monkeypatch):
    _, write, _ = full
    monkeypatch.setattr(standard_streams, "LONGEST_WAIT", 0.01)
    with LossyStream(write) as stream:
        stream.write("told to nobody")
        stream.flush()
        assert stream.lost.errno == errno.EAGAIN
    os.close(write)


def test_an_error_in_the_suite_itself_is_one_line_and_no_verdict(capsys, monkeypatch):
    def fail(**_):
        raise KeyError("somebody's key")

    monkeypatch.setattr(cli, "main", fail)
    assert _run_command() == 3
    line = r"error: an error in the suite itself: KeyError at trigger_conformance/cli\.py:\d+; please report it\n"
    assert re.fullmatch(line, capsys.readouterr().err)


def test_a_suite_that_cannot_be_imported_is_no_verdict(tmp_path):
    """As a module of the suite that lacks something it stands on."""
    (tmp_path / "click.py").write_text("raise RuntimeError('no click')", "utf-8")
    line = [sys.executable, "-m", "trigger_conformance", "--version"]
    ended = subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (3, "error: the suite cannot be imported: RuntimeError: no click\n")
