"""Where checks and documents stand: looked up by programs of ours, and by nobody else."""

import json
import os
import subprocess
import sys

import pytest

from selftest.conftest import environment
from trigger_conformance.checks.operation import CHECKS, OPENAPI
from trigger_conformance.contract.home import ROOT
from trigger_conformance.options import places

OWN = ROOT / "selftest" / "own"


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    found = {}
    monkeypatch.setattr(places, "SETTLED", found)
    return found


@pytest.mark.parametrize(
    ("arguments", "variable", "name"),
    [
        (["--checks=here"], "there", "here"),
        (["--checks", "here"], "there", "here"),
        ([], "there", "there"),
        (["--checks="], "there", "there"),
        (["--checks", ""], "", "file"),
        ([], f"{os.pathsep} {os.pathsep}", "file"),
        (["--target=a"], "", "table"),
    ],
)
def test_the_first_place_that_is_named_counts(tmp_path, arguments, variable, name):
    (tmp_path / "conformance.toml").write_text('checks = "file"\n[targets.a]\nchecks = ["table", ""]\n', "utf-8")
    variables = {CHECKS: variable}
    places.settle(arguments, variables, tmp_path)
    assert variables == {CHECKS: str(tmp_path / name)}


def test_nothing_named_is_nothing_settled(tmp_path, settled):
    variables = {}
    places.settle(["--checks=", f"--openapi={os.pathsep}"], variables, tmp_path)
    assert (variables, settled) == ({}, {})


UNREADABLE = {
    "a list for a target's name": 'target = ["a"]\n[targets.a]\nchecks = "x"\n',
    "a NUL in a name": 'checks = "a\\u0000b"\nopenapi = "\\u0000"\n',
    "no text": "checks = 5\nopenapi = [1]\n",
    "no table": 'target = "a"\ntargets = 1\n',
    "no TOML": "checks = ",
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_settles_nothing(tmp_path, text):
    (tmp_path / "conformance.toml").write_text(text, "utf-8")
    variables = {}
    places.settle([], variables, tmp_path)
    assert variables == {}


def test_a_place_of_links_in_a_circle_is_told_later(tmp_path):
    (tmp_path / "circle").symlink_to("circle")
    places.settle(["--checks=circle"], {}, tmp_path)


# A program of its own, which imports the library.
HOST = """
import json, os, sys
before = dict(os.environ)
import trigger_conformance.library
from trigger_conformance.checks.operation import operations
print(json.dumps([os.environ == before, "create_note" in operations()]))
"""


def test_the_library_reads_neither_command_line_nor_file_of_its_host(tmp_path):
    (tmp_path / "conformance.toml").write_text(f'checks = "{OWN}"\n', "utf-8")
    line = [sys.executable, "-c", HOST, f"--checks={OWN}", f"--openapi={ROOT / 'openapi/create-batch.openapi.yaml'}"]
    done = subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True, False]


def test_the_librarys_run_has_no_places_of_its_host(monkeypatch, tmp_path):
    from trigger_conformance import library

    handed_on = {}
    monkeypatch.setenv(CHECKS, str(OWN))
    monkeypatch.setattr(library, "run_apart", lambda *given, **_: handed_on.update(given[4]) or {})
    library.run("http://127.0.0.1:9", "a-key", report_dir=tmp_path)
    assert handed_on == {CHECKS: "", OPENAPI: ""}
