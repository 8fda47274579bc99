"""The Dockerfile, carried out line by line in a clean root of Debian, for want of an engine that builds images.

What differs from a real build: Debian's own Python stands in for the base image's, and layers are folders.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from selftest.conftest import keys, reference
from trigger_conformance import __version__
from trigger_conformance.contract.home import ROOT

LONGEST = 600
# Where this machine's own settings for package registries are, if it has some.
SETTINGS = ("/etc/resolv.conf", "/etc/pip.conf", "/etc/xdg/pip", "/etc/ssl/certs/ca-certificates.crt")
PASSED_ON = ("PIP_", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def instructions():
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


class Stage:
    """One stage of a build: a root folder, and what the instructions have set so far."""

    def __init__(self, root):
        self.root = root
        self.folder = "/"
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.user = "0"
        self.entry = []

    def inside(self, path):
        return self.root / str(Path(self.folder, path)).lstrip("/")

    def call(self, line, user=None, **variables):
        owned = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        command = ["chroot", f"--userspec={user or self.user}", str(self.root), "/bin/sh", "-ec",
                   f"cd {shlex.quote(self.folder)}; {line}"]  # fmt: skip
        return subprocess.run(
            command, env={**owned, **self.environment, **variables}, capture_output=True, text=True, timeout=LONGEST,
            check=False,
        )  # fmt: skip

    def copy(self, rest, stages):
        *sources, goal = [word for word in rest.split() if not word.startswith("--from=")]
        named = re.search(r"--from=(\S+)", rest)
        for source in sources:
            origin = stages[named[1]].root / source.lstrip("/") if named else ROOT / source
            target = self.inside(goal)
            if origin.is_dir():
                shutil.copytree(origin, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(origin, target)

    def carry_out(self, word, rest, stages):
        if word == "RUN":
            done = self.call(rest)
            assert done.returncode == 0, f"RUN {rest}\n{done.stdout}\n{done.stderr}"
        elif word == "COPY":
            self.copy(rest, stages)
        elif word == "ENV":
            for name, value in (pair.split("=", 1) for pair in shlex.split(rest)):
                self.environment[name] = value.replace("$PATH", self.environment["PATH"])
        elif word == "WORKDIR":
            self.folder = rest
            self.inside("").mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            self.user = rest
        elif word == "ENTRYPOINT":
            self.entry = json.loads(rest)
        else:
            assert word in ("CMD", "VOLUME"), word


pytestmark = pytest.mark.long(together="image")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The last stage of the build."""
    if not shutil.which("debootstrap") or os.geteuid() != 0:
        pytest.skip("needs debootstrap, and root to use it")
    folder = tmp_path_factory.mktemp("image")
    base = folder / "base"
    line = ["debootstrap", "--variant=minbase", "--include=python3,python3-venv,ca-certificates", "trixie", str(base)]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL, timeout=LONGEST)
    (base / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for path in map(Path, SETTINGS):
        target = base / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, target, dirs_exist_ok=True)
        elif path.exists():
            shutil.copy(path, target)
    stages = {}
    stage = None
    for word, rest in instructions():
        if word == "FROM":
            name = rest.partition(" AS ")[2] or "last"
            root = folder / name
            subprocess.run(["cp", "-a", str(base), str(root)], check=True)
            stage = stages[name] = Stage(root)
        else:
            stage.carry_out(word, rest, stages)
    yield stage
    shutil.rmtree(folder, ignore_errors=True)


def test_the_image_runs_without_being_root_whatever_the_user_id(image):
    program = shlex.join(image.entry)
    assert image.user not in ("", "0", "root")
    for user in (image.user, "12345:12345"):
        done = image.call(f"{program} run --profile smoke --quiet --report-dir reports/{user[:5]}", user)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (image.inside("reports") / user[:5] / "report.html").exists()
    assert __version__ in image.call(f"{program} --version").stdout


def test_the_image_tests_a_server_outside(image):
    with reference("run_count.accepts_zero") as server:
        line = (
            f"{shlex.join(image.entry)} run --base-url {server.base_url} --profile smoke --report-dir reports/outside"
        )
        done = image.call(line, **keys(server))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "NON-CONFORMANT" in done.stdout
