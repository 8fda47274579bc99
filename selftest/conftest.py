"""Runs of the suite as users make them: a process of its own, in an empty folder, with a clean environment."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
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


@contextmanager
def alone(path):
    """A context in which no other worker of pytest-xdist is at the lock file ``path``."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Makes a folder of that name, and fills it with ``make(folder)``, once for all workers of pytest-xdist."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def made(name, make):
        folder, done = root / name, root / f"{name}-is-made"
        with alone(root / f"{name}-lock"):
            if not done.exists():
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def node():
    """The folder with the programs for node, its packages installed from their lock file."""
    if not shutil.which("npm"):
        pytest.skip("needs node and npm")
    folder = ROOT / "selftest" / "node"
    wanted = (folder / "package-lock.json").read_bytes()
    done = folder / "node_modules" / ".installed"
    with alone(folder / ".lock"):
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
def packages(once):
    """Variables by which pip finds what requirements-run.lock names in a folder, where it looks through far less.

    README's own lines install from the registry.
    """

    def fetch(folder):
        lock = ("--no-deps", "--require-hashes", "--requirement", ROOT / "requirements-run.lock")
        done = call(sys.executable, "-m", "pip", "download", "--quiet", *lock, "--dest", folder, folder=folder)
        assert done.status == 0, done.errors

    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(once("packages", fetch)), "PIP_COMPILE": "0"}


@pytest.fixture(scope="session")
def built(once):
    """The folder with the source archive, and the wheel that was built from it."""

    def build(folder):
        done = call(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, folder=folder)
        assert done.status == 0, done.output + done.errors

    return once("dist", build)


@pytest.fixture(scope="session")
def wheel(built):
    return next(built.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(once, wheel, packages):
    """The console script of the wheel in an environment of its own."""

    def install(folder):
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        done = call(folder / "venv/bin/pip", "install", "--quiet", wheel, folder=folder, **packages)
        assert done.status == 0, done.errors

    return once("clean", install) / "venv/bin/trigger-conformance"


def pytest_collection_modifyitems(config, items):
    """What takes long begins first, shared out among the workers of pytest-xdist: none ends with it alone.

    A worker's part is as many tests in a row; ``long`` tests with one name ``together`` share what one fixture makes.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    groups = defaultdict(list)
    for item in items:
        if mark := item.get_closest_marker("long"):
            groups[mark.kwargs.get("together", item.nodeid)].append(item)
    first = {item for group in groups.values() for item in group}
    rest = iter([item for item in items if item not in first])
    shares = [list(chain.from_iterable(list(groups.values())[number::workers])) for number in range(workers)]
    for number, share in enumerate(shares):
        size = (len(items) + number) // workers
        share += islice(rest, max(0, size - len(share)))
    items[:] = [*chain.from_iterable(shares), *rest]


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
