"""The documentation: it builds, its links lead somewhere, and what it tells to type can be typed."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from selftest.conftest import call, environment
from trigger_conformance.catalogue import catalogue, find
from trigger_conformance.cli import cli
from trigger_conformance.home import ROOT
from trigger_conformance.options import OPTIONS
from trigger_conformance.reference import behaviours
from trigger_conformance.verdict import ExitStatus

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def build(folder):
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    return folder


def built(folder):
    line = [Path(sys.executable).with_name("mkdocs"), "build", "--strict", "--site-dir", folder / "site"]
    return subprocess.run(
        line, cwd=folder, capture_output=True, text=True, check=False, env={"NO_MKDOCS_2_WARNING": "1", "PATH": ""}
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = build(tmp_path_factory.mktemp("docs"))
    done = built(folder)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_the_reference_tells_every_requirement_option_and_exit_status(site):
    requirements = (site / "reference/requirements/index.html").read_text("utf-8")
    assert [each.id for each in catalogue() if each.id not in requirements] == []
    options = (site / "reference/options/index.html").read_text("utf-8")
    assert [option.variable for option in OPTIONS if option.variable not in options] == []
    statuses = (site / "reference/exit-statuses/index.html").read_text("utf-8")
    assert statuses.count("<tr>") == len(ExitStatus) + 1
    commands = (site / "reference/commands/index.html").read_text("utf-8")
    assert [name for name in cli.commands if f'id="{name}"' not in commands] == []
    fields = (site / "reference/results/index.html").read_text("utf-8")
    assert "requirements[].evidence[].curl" in fields


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path):
    page = build(tmp_path) / "docs/tutorial.md"
    page.write_text(page.read_text("utf-8") + "\n[there](how-to/nowhere.md)\n", "utf-8")
    assert built(tmp_path).returncode != 0


def test_an_anchor_that_is_not_there_fails_the_build(tmp_path):
    page = build(tmp_path) / "docs/tutorial.md"
    page.write_text(page.read_text("utf-8") + "\n[there](index.md#nowhere)\n", "utf-8")
    assert built(tmp_path).returncode != 0


LINE = re.compile(r"^\s*\$ (?:\.venv/bin/)?trigger-conformance (.*)$", re.MULTILINE)


def typed():
    """Every command line of ours that a page tells to type."""
    return [(page.name, line.partition("  #")[0]) for page in PAGES for line in LINE.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "line"), typed())
def test_what_is_told_to_type_can_be_typed(page, line):  # noqa: ARG001
    name, *rest = shlex.split(line.replace("--base-url …", "--base-url https://x"))
    command = cli.commands[name]
    if name in ("attest", "verify", "merge", "report"):
        # Paths that a reader has by then need not be here.
        known = {option for parameter in command.params for option in parameter.opts}
        assert [word for word in rest if word.startswith("--") and word not in known] == []
        return
    with click.Context(cli) as parent:
        command.make_context(name, rest, parent=parent)


def test_the_tutorial_finds_what_it_says(tmp_path):
    page = (ROOT / "docs/tutorial.md").read_text("utf-8")
    serve, run = (next(line for line in LINE.findall(page) if said in line) for said in ("serve", "--only"))
    program = Path(sys.executable).with_name("trigger-conformance")
    line = [program, *shlex.split(serve), "--port", "0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment()) as server:
        told = server.stdout.readline()
        url = re.search(r"http://\S+?(?=;)", told)[0]
        shown = re.search(r"^serving .*$", page, re.MULTILINE)[0]
        assert told.strip() == shown.replace("http://127.0.0.1:8030", url)
        ran = call(program, *shlex.split(run.replace("http://127.0.0.1:8030", url)), folder=tmp_path)
        server.terminate()
    assert ran.status == 1
    for said in ("NON-CONFORMANT", "replay_returns_the_existing_batch", "If provided and a batch with this key"):
        assert said in ran.output, said


def test_requirements_and_faults_that_pages_name_exist():
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    for identity in re.findall(r"(?:waive|explain) ([a-z_]+\.[a-z_0-9]+)", text):
        assert find(identity), identity
    for identity in re.findall(r"serve --fault ([a-z_]+\.[a-z_0-9]+)", text):
        behaviours.behaviour_class(identity)


def test_pages_of_the_repository_link_to_what_is_there():
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md"):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (ROOT / link).exists(), f"{page.name}: {link}"
