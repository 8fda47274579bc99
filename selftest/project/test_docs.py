"""The documentation: it builds, its links lead somewhere, and what it tells to type can be typed."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import textwrap
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from selftest.conftest import environment
from trigger_conformance.checks.catalogue import catalogue, find
from trigger_conformance.checks.requirement import Profile
from trigger_conformance.cli import cli
from trigger_conformance.contract.home import DOCUMENTS, ROOT
from trigger_conformance.options import waivers_file
from trigger_conformance.options.options import OPTIONS
from trigger_conformance.options.target import usual_budget, usually_stated
from trigger_conformance.reference import registry
from trigger_conformance.reference.settings import SOUND
from trigger_conformance.runs.removal import most_requests
from trigger_conformance.verdicts.verdict import ExitStatus

LONGEST = 1200
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# For those who carry on the work; what they tell to type is for a checkout in which something was changed.
INSIDE = [ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")]


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


# What a page says that is not so on this machine, and what stands for it here.
STANDS_FOR = {
    "https://staging.example.com": "the base URL of a reference server",
    "tr_dev_…": "its key",
    "trigger-conformance serve": "the same, on a free port",
    "http://127.0.0.1:8030": "the URL with that port",
    "2027-03-31": "a day to come",
    "--idempotency-wait 60": "one second",
    "~/Downloads": "the folder of the published documents",
}
# Programs that a page uses and not every machine has: each a line of shell.
STAND_INS = {
    "python3": f'exec "{sys.executable}" "$@"',
    "uv": f'exec "{Path(sys.executable).with_name("uv")}" "$@"',
    "pass": f"echo {SOUND.api_key}",
}
# Where a page names no profile, a run here is the smallest one, but for pages that show what a usual run judges.
PROFILES = {"tutorial.md": "standard", "own-checks.md": "standard"}
# Pages that begin with a checkout and install the suite, and one that installs it where it is installed already.
INSTALLING, INSTALLED = ("README.md", "index.md"), ("ci.md",)
# Beginnings of what is told to type and not typed here, with the reason.
NOT_TYPED = {
    "make test": "it is what runs this test",
    "pipx install": "pipx is no program of the suite's; what it installs is what pip and uv install",
    "docker build": "it needs an engine; test_image.py carries the Dockerfile out",
    "docker run": "it needs an engine; test_image.py runs the image",
    "trigger-conformance run --target staging --profile soak":
        "it takes two hours and a Redis; test_soak.py runs campaigns on a Redis of its own",
}  # fmt: skip
BLOCK = re.compile(r"^( *)```console\n(.*?)^\1```\n(.*?)(?=^ *```console|\Z)", re.MULTILINE | re.DOTALL)
# A block with a title is a file that the reader writes.
WRITTEN = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
KEPT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "site", "mutants", "dist", "build")


@dataclass
class Typed:
    """A line that a page tells to type, the output that it shows below, and how the page says that it ends."""

    line: str
    shown: list[str] = field(default_factory=list)
    status: int = 0


@dataclass
class Block:
    """What is typed in one go; ``behaviour`` is that of the staging server meanwhile."""

    typed: list[Typed]
    behaviour: str = ""


def blocks(page):
    for match in BLOCK.finditer(page.read_text("utf-8")):
        typed = []
        for line in textwrap.dedent(match[2]).splitlines():
            if line.startswith("$ "):
                said = re.search(r"#.*\bexit (\d)", line)
                typed.append(Typed(line[2:], status=int(said[1]) if said else 0))
            elif line.strip(" …"):
                typed[-1].shown.append(line)
        if said := re.search(r"exit status is (\d)", match[3]):
            typed[-1].status = int(said[1])
        # Only a server that deviates as the page tells needs the waiver.
        waives = "waive create_batch.http.other_methods_are_405_with_allow" in match[2]
        yield Block(typed, "http.other_methods_are404" if waives else "")


def all_typed():
    return [typed for page in PAGES for block in blocks(page) for typed in block.typed]


def not_typed(line):
    return next((start for start in NOT_TYPED if line.startswith(start)), None)


@contextmanager
def served(behaviour):
    """The URL of a server as ``serve`` starts it, which has the keys of all of its kind."""
    line = [sys.executable, "-m", "trigger_conformance.cli", "serve", "--port=0"]
    line += [f"--fault={behaviour}"] if behaviour else []
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment()) as server:
        try:
            yield re.search(r"http://[^;]+", server.stdout.readline())[0]
        finally:
            server.terminate()


class Reader:
    """Types what a page tells into one shell, in a folder of the reader's own, and tells how each line ended."""

    def __init__(self, folder, programs, packages=None):
        self.folder = folder
        self.packages = packages or {}
        self.port = free_port()
        stand_ins = folder.parent / "stand-ins"
        stand_ins.mkdir()
        for name, line in STAND_INS.items():
            (stand_ins / name).write_text(f"#!/bin/sh\n{line}\n")
            (stand_ins / name).chmod(0o755)
        self.path = os.pathsep.join([str(stand_ins), *programs, os.environ["PATH"]])

    def here(self, text, url):
        """A page's text as it is to be on this machine, where the staging server is at ``url``."""
        stands = {
            "https://staging.example.com": url,
            "tr_dev_…": SOUND.api_key,
            "trigger-conformance serve": f"trigger-conformance serve --port {self.port}",
            "http://127.0.0.1:8030": f"http://127.0.0.1:{self.port}",
            "2027-03-31": str(date.today() + timedelta(days=30)),
            "--idempotency-wait 60": "--idempotency-wait 1",
            "~/Downloads": str(DOCUMENTS),
        }
        assert stands.keys() == STANDS_FOR.keys()
        for told, meant in stands.items():
            text = text.replace(told, meant)
        return text

    def script(self, wanted):
        """Shell that types the lines, each with a line after it that tells its number and status."""
        for number, (typed, url) in enumerate(wanted):
            line = self.here(typed.line, url)
            if line.startswith("trigger-conformance serve") and "--list-faults" not in line:
                yield f"{line.partition('#')[0]} > served.txt 2>&1 &"
                yield "until grep -q '^try:' served.txt; do kill -0 $! || break; sleep 0.1; done; cat served.txt"
            else:
                yield f"{line} 2>&1"
            yield f'printf "\\n:: {number} %s\\n" $?'
        yield "kill $(jobs -p) 2> /dev/null; wait"

    def type(self, wanted, profile):
        (self.folder.parent / "page.sh").write_text("\n".join(self.script(wanted)) + "\n", "utf-8")
        named = {name: value for name, value in environment().items() if not name.startswith(("MAKE", "MFLAGS"))}
        variables = {
            "PATH": self.path, "PYTHON": sys.executable, "PIP_COMPILE": "0", "TRIGGER_CONFORMANCE_PROFILE": profile,
            "UV_TOOL_DIR": str(self.folder / "tools"), "UV_TOOL_BIN_DIR": str(self.folder / "tools/bin"),
        }  # fmt: skip
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", self.folder.parent / "page.sh"], cwd=self.folder,
            env=named | variables | self.packages,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
        parts = re.split(r"\n:: \d+ (\d+)\n", done.stdout)
        return list(zip(parts[::2], map(int, parts[1::2]), strict=False))


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def looks_as_shown(shown, output):
    """Whether a line that a page shows stands in the output, other numbers aside."""
    pattern = re.sub(r"\d+", lambda _: r"\d+", re.escape(shown)).replace("…", ".*")
    return re.search(f"^{pattern}", output, re.MULTILINE)


@pytest.fixture
def reader(request, tmp_path, page):
    """A folder with what a reader of ``page`` has by then, and the programs that the page's machine has."""
    folder = tmp_path / "reader"
    if page.name in INSTALLING:
        shutil.copytree(ROOT, folder, ignore=lambda place, names: {
            *KEPT_OUT(place, names), *({*names} - {"README.md"} if Path(place) == ROOT / "reports" else ())
        })  # fmt: skip
    else:
        folder.mkdir()
    if page.name == "README.md":
        return Reader(folder, [])
    packages = request.getfixturevalue("packages") if page.name in (*INSTALLING, *INSTALLED) else {}
    if page.name in INSTALLING:
        return Reader(folder, [], packages)
    if page.name in INSTALLED:
        shutil.copy(request.getfixturevalue("wheel"), folder)
        shutil.copy(ROOT / "requirements-run.lock", folder)
        return Reader(folder, [str(request.getfixturevalue("installed").parent)], packages)
    return Reader(folder, [str(Path(sys.executable).parent)])


def targets(reader, url):
    """The conformance.toml that the page about staging servers tells to write."""
    text = (ROOT / "docs/how-to/staging.md").read_text("utf-8")
    table = re.search(r"```toml\n(\[targets.staging\].*?)```", text, re.DOTALL)[1]
    (reader.folder / "conformance.toml").write_text(reader.here(table, url), "utf-8")


def write(page, reader, url):
    """The files that ``page`` tells to write."""
    for name, text in WRITTEN.findall(page.read_text("utf-8")):
        path = reader.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(reader.here(text, url), "utf-8")


def read(page, reader):
    """Type what ``page`` tells; an AssertionError says which line did not do what the page says."""
    found = list(blocks(page))
    with ExitStack() as stack:
        urls = {each: stack.enter_context(served(each)) for each in {block.behaviour for block in found}}
        if page.parent.name == "how-to":
            # A page about a deviation is read by who has it.
            targets(reader, urls[found[0].behaviour])
        write(page, reader, urls[found[0].behaviour])
        wanted = [(typed, urls[block.behaviour]) for block in found for typed in block.typed
                  if not not_typed(typed.line)]  # fmt: skip
        ended = reader.type(wanted, PROFILES.get(page.name, "smoke"))
    for (typed, url), (output, status) in zip(wanted, ended, strict=True):
        assert status == typed.status, f"{typed.line}\n{output}"
        missing = [line for line in typed.shown if not looks_as_shown(reader.here(line, url), output)]
        assert missing == [], f"{typed.line}\n{output}"


LONG = {"README.md", "index.md", "tutorial.md"}


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, id=page.stem, marks=[pytest.mark.long] if page.name in LONG else []) for page in PAGES
     if [*blocks(page)]],
)  # fmt: skip
def test_what_a_page_tells_to_type_does_what_it_says(page, reader):
    read(page, reader)


WRONG = {
    "a line fails": ("$ true\n$ trigger-conformance nothing\n", ""),
    "a line fails before others": ("$ trigger-conformance nothing\n$ true\n", ""),
    "it ends otherwise": ("$ trigger-conformance explain nothing\n", "The exit status is 1."),
    "it ends otherwise than its comment says": ("$ trigger-conformance list   # exit 1\n", ""),
    "it prints something else": ("$ trigger-conformance list\n112 passed\n", ""),
    "a line ends the shell": ("$ exit 0\n$ true\n", ""),
}


@pytest.mark.parametrize(("told", "after"), WRONG.values(), ids=WRONG)
def test_a_page_that_tells_something_wrong_is_found(told, after, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"```console\n{told}```\n\n{after}\n", "utf-8")
    (tmp_path / "reader").mkdir()
    with pytest.raises((AssertionError, ValueError)):
        read(page, Reader(tmp_path / "reader", [str(Path(sys.executable).parent)]))


def test_what_is_not_typed_here_is_told_on_a_page():
    assert {not_typed(typed.line) for typed in all_typed()} - {None} == set(NOT_TYPED)
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    assert [told for told in STANDS_FOR if told not in text] == []


def in_passing():
    """Command lines that a page names within its sentences, such as ``report --compare OLD NEW``."""
    return {
        (page.name, line)
        for page in PAGES
        for line in re.findall(r"`(trigger-conformance [a-z][^`]*)`", page.read_text())
    }


@pytest.mark.parametrize(("page", "line"), sorted(in_passing()))
def test_what_a_page_names_in_passing_exists(page, line):  # noqa: ARG001
    _, name, *rest = shlex.split(line)
    known = {option for parameter in cli.commands[name].params for option in parameter.opts}
    assert [word for word in rest if word.startswith("--") and word not in known] == []


def test_targets_of_make_that_pages_name_exist():
    text = "\n".join(page.read_text("utf-8") for page in [*PAGES, *INSIDE])
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text)) <= made


def test_requirements_and_faults_that_pages_name_exist():
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    for identity in re.findall(r"(?:waive|explain) ((?:[a-z_]+\.)+[a-z_0-9]+)", text):
        assert find(identity), identity
    for identity in re.findall(r"serve --fault ([a-z_]+\.[a-z_0-9]+)", text):
        registry.behaviour_class(identity)


def test_each_kind_has_three_faults_that_its_requirement_finds():
    page = (ROOT / "docs/explanation/what-the-field-gets-wrong.md").read_text("utf-8")
    _, _, table = page.partition("## A fault of each kind")
    kinds = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")][2:]
    caught_by = {each.id: each.caught_by for each in registry.usual().behaviours("create_batch")}
    for kind, requirement, faults in kinds:
        named = re.findall(r"`(.+?)`", faults)
        found = [name for name in named if f"create_batch.{requirement.strip(' `')}" in caught_by[name]]
        assert found == named, kind
        assert len(set(named)) >= 3, kind


def test_pages_of_the_repository_link_to_what_is_there():
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *INSIDE):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (ROOT / link).exists(), f"{page.name}: {link}"


def test_what_pages_name_of_the_repository_is_there():
    """Paths that pages for those who carry on the work name in passing, such as `selftest/own/create_note`."""
    for page in INSIDE:
        for path in re.findall(
            r"`((?:selftest|tests|openapi|docs|reference|trigger_conformance)/[\w./-]*)`", page.read_text()
        ):
            place = ROOT / ("trigger_conformance" if path.startswith("reference/") else "") / path
            assert place.exists(), f"{page.name}: {path}"


def test_the_waiver_that_a_page_shows_can_be_used(tmp_path):
    page = (ROOT / "docs/how-to/waivers.md").read_text("utf-8")
    file = tmp_path / "waivers.toml"
    file.write_text(re.search(r"```toml\n(\[\[waiver\]\].*?)```", page, re.DOTALL)[1], "utf-8")
    [waiver] = waivers_file.load(file, [each.id for each in catalogue()])
    assert all((waiver.reason, waiver.link, waiver.expires))
    assert f"{waivers_file.USUAL_TERM.days} days" in page


def test_the_readme_tells_how_much_is_sent_at_most():
    page = (ROOT / "README.md").read_text("utf-8")
    for profile in (Profile.SMOKE, Profile.STANDARD):
        budget = usual_budget(profile, usually_stated())
        assert f"{budget.requests + most_requests(budget.requests):,}" in page


def test_how_many_requirements_there_are():
    assert f"in {len(catalogue())} requirements" in (ROOT / "docs/index.md").read_text("utf-8")
    alone = sum(each.operation == "create_batch" for each in catalogue())
    assert f"{alone} of {len(catalogue())} requirements" in (ROOT / "docs/how-to/vendor-statement.md").read_text(
        "utf-8"
    )


def test_the_job_that_merges_reads_what_the_parts_wrote():
    parts, merging = (
        yaml.safe_load((ROOT / f"docs/ci/{name}.yaml").read_text("utf-8"))["spec"]
        for name in ("kubernetes", "kubernetes-merge")
    )
    pods = [each["template"]["spec"] for each in (parts, merging)]
    assert pods[0]["volumes"] == pods[1]["volumes"]
    assert pods[0]["containers"][0]["volumeMounts"] == pods[1]["containers"][0]["volumeMounts"]
    read = pods[1]["containers"][0]["args"]
    assert read[: parts["completions"] + 1] == [
        "merge",
        *(f"/reports/{part + 1}" for part in range(parts["completions"])),
    ]


def test_placeholders_are_named_where_a_maintainer_looks():
    """What stands for something unknown is of the kinds that CONTRIBUTING.md tells, and where it says."""
    rows = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## What a maintainer fills in")[2]
    told = dict(re.findall(r"^\| `([^`]+)` \| [^|]+ \| `([^`]+)` \|$", rows, re.MULTILINE))
    assert len(told) == 3
    for path in [*(ROOT / "docs").rglob("*.*"), *INSIDE[::2], ROOT / "README.md", ROOT / "action.yml"]:
        text = path.read_text("utf-8") if path.suffix != ".png" else ""
        for found in re.findall(r"[\w@./-]*(?:your-organisation|registry\.example)[\w./-]*", text):
            place = path.relative_to(ROOT).as_posix()
            assert any(name in found and place.startswith(where) for name, where in told.items()), f"{place}: {found}"
