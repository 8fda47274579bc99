"""Runs of the suite as users make them: a process of its own, in an empty folder, with a clean environment."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from selftest import warm
from trigger_conformance.contract.home import ROOT
from trigger_conformance.reference.process import ReferenceProcess

LONGEST = 180
# What is for the run of these tests themselves, be it by make.
OWN = ("TRIGGER_", "PYTEST_", "MAKE", "MFLAGS", "ARGS")


@dataclass
class Ran:
    """How a run ended: exit status, standard output and error, report folder and results."""

    status: int
    output: str
    errors: str
    folder: Path
    results: dict = field(default_factory=dict)

    @property
    def verdicts(self):
        return {each["id"]: each["verdict"] for each in self.results["requirements"]}

    def files(self):
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    return {**kept, "COLUMNS": "200", **more}


def ran(process, folder, output, errors):
    return told(process.returncode, output, errors, folder)


def told(status, output, errors, folder):
    results = folder / "results.json"
    document = json.loads(results.read_text("utf-8")) if results.exists() else {}
    return Ran(status, output, errors, folder, document)


@pytest.fixture
def command(tmp_path):
    """``trigger-conformance`` with these arguments; another ``module`` in a process that begins anew."""

    def run(*arguments, module=None, **variables):
        folder = tmp_path / f"report{len(list(tmp_path.iterdir()))}"
        if arguments[0] in ("run", str(ROOT / "tests")):
            arguments = (*arguments, f"--report-dir={folder}")
        if module is None:
            return told(*warm.call(arguments, tmp_path, environment(**variables), LONGEST), folder)
        process = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=tmp_path, env=environment(**variables), capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
        return ran(process, folder, process.stdout, process.stderr)

    return run


@pytest.fixture(scope="session")
def node():
    """The folder with the programs for node, its packages installed from their lock file."""
    if not shutil.which("npm"):
        pytest.skip("needs node and npm")
    folder = ROOT / "selftest" / "node"
    wanted = (folder / "package-lock.json").read_bytes()
    done = folder / "node_modules" / ".installed"
    with (folder / ".lock").open("w") as lock:
        # Several workers of pytest-xdist come here at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_bytes() != wanted:
            subprocess.run(["npm", "ci", "--no-progress"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            done.write_bytes(wanted)
    return folder


def call(*line, folder, **variables):
    ended = subprocess.run(
        [str(each) for each in line], cwd=folder, env=environment(**variables), capture_output=True, text=True,
        timeout=LONGEST, check=False,
    )  # fmt: skip
    return ran(ended, Path(folder), ended.stdout, ended.stderr)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder with the source archive, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    done = call(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, folder=folder)
    assert done.status == 0, done.output + done.errors
    return folder


@pytest.fixture(scope="session")
def wheel(built):
    return next(built.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """The console script of the wheel in an environment of its own."""
    folder = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    done = call(folder / "venv/bin/pip", "install", "--quiet", wheel, folder=folder)
    assert done.status == 0, done.errors
    return folder / "venv/bin/trigger-conformance"


@contextmanager
def reference(behaviour="", more=None):
    """A reference server, or one of its faults and variants; ``more`` operations as of ``ReferenceProcess.start``."""
    process = ReferenceProcess.start(behaviour=behaviour, more=more)
    try:
        yield process.wait_until_ready()
    finally:
        process.stop()


def at(server, *options):
    """Arguments of a run on a reference server; its keys travel by ``keys``."""
    return ("run", f"--base-url={server.base_url}", "--press-rate-limit", *options)


def keys(server):
    return {
        "TRIGGER_API_KEY": server.settings.api_key,
        "TRIGGER_CONFORMANCE_SECOND_API_KEY": server.settings.second_api_key,
    }
