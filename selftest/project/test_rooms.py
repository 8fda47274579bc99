"""The rooms of the package: arrows run downward only, and one that does not fails ``make lint``."""

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from selftest.conftest import ROOT, environment

PROGRAM = Path(sys.executable).with_name("lint-imports")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
FLOORS = next(each["layers"] for each in CONTRACTS if each["id"] == "floors")
ROOMS = [name for name in FLOORS if (ROOT / "trigger_conformance" / name).is_dir()]

# A module, what is written at its end, and the contract that this breaks.
WRONG = {
    "upward": ("trigger_conformance/wire/wire.py", "from trigger_conformance.options.target import Target", "floors"),
    "upward, at first use": (
        "trigger_conformance/contract/told.py", "def late():\n    import trigger_conformance.plugin", "floors",
    ),
    "upward, for types only": (
        "trigger_conformance/checks/expect.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from trigger_conformance.runs.run import Run",
        "floors",
    ),
    "between the two ways in": ("trigger_conformance/cli.py", "import trigger_conformance.plugin", "floors"),
    "of a module without a room": ("trigger_conformance/helpers.py", "", "floors"),
    "a circle in a room": (
        "trigger_conformance/reference/behaviours.py", "import trigger_conformance.reference.registry", "circles",
    ),
    "one operation in what any of them has": (
        "trigger_conformance/reference/faults/http.py", "import trigger_conformance.reference.create_batch.server",
        "any-operation",
    ),
    "a circle of checks": (
        "tests/create_batch/look_alikes.py", "import tests.create_batch.test_idempotency", "circles",
    ),
    "I/O in a rule": ("trigger_conformance/rules/history.py", "import sqlite3", "pure"),
    "I/O under a rule": ("trigger_conformance/wire/exchange.py", "import httpx", "pure"),
    "a file in a verdict": ("trigger_conformance/verdicts/waivers.py", "from pathlib import Path", "files"),
    "a check that sends by itself": ("tests/create_batch/test_http.py", "import httpx", "way-out"),
}  # fmt: skip


def judged(folder):
    """The ids of the contracts that the packages in ``folder`` break."""
    line = [PROGRAM, "--no-cache", "--no-logo"]
    done = subprocess.run(line, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    broken = {each["id"] for each in CONTRACTS if f"{each['name']} BROKEN" in done.stdout}
    kept = {each["id"] for each in CONTRACTS if f"{each['name']} KEPT" in done.stdout}
    assert broken | kept == {each["id"] for each in CONTRACTS}, done.stdout + done.stderr
    assert done.returncode == bool(broken)
    return broken


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("trigger_conformance", "tests"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_no_arrow_of_the_package_is_wrong(copy):
    assert judged(copy) == set()


@pytest.mark.parametrize(("module", "line", "contract"), WRONG.values(), ids=WRONG)
def test_a_wrong_arrow_is_seen(copy, module, line, contract):
    path = copy / module
    before = path.read_text("utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", "utf-8")
    try:
        assert contract in judged(copy)
    finally:
        path.write_text(before, "utf-8") if before is not None else path.unlink()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_belongs_there_and_costs_nothing_to_enter(room):
    module = ast.parse((ROOT / "trigger_conformance" / room / "__init__.py").read_text("utf-8"))
    assert len(module.body) == 1
    assert ast.get_docstring(module)


def test_the_command_line_lints_them():
    rules = (ROOT / "Makefile").read_text("utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    assert "lint-imports" in rules


def test_the_tests_stand_in_rooms_of_the_same_names():
    """Whoever changes a room finds its tests by its name."""
    assert [name for name in ROOMS if not list((ROOT / "selftest" / name).glob("test_*.py"))] == []
