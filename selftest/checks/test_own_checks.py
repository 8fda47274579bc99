"""Checks of the user's own (--checks): collected, run, reported, waived and attested as the suite's are."""

import shutil
import sys
from pathlib import Path

import pytest

from selftest.conftest import at, call, keys, reference
from trigger_conformance.checks.operation import CHECKS
from trigger_conformance.contract.home import ROOT

PROGRAM = (sys.executable, "-m", "trigger_conformance.cli")
NOTES = ROOT / "selftest" / "own" / "create_note"
HOLDS, BROKEN = "create_batch.house_rules.ids_are_long", "create_batch.house_rules.ids_begin_with_house"
RULES = '''"""Rules of our house."""

from trigger_conformance.checks.expect import expect
from trigger_conformance.checks.ground import given
from trigger_conformance.checks.requirement import must, should

VALID = "create_batch.acceptance.valid_request_is_accepted"


def answers(target):
    return given([target.create(1), target.create(1)], rests_on=VALID).is_accepted()


@must("an id has more than five characters", clause="CreateBatchResponse.id")
def test_ids_are_long(target):
    expect(answers(target)).satisfies(lambda each: None if len(each.answer.document["id"]) > 5 else "a short id")


@must("an id begins with house_", clause="CreateBatchResponse.id")
def test_ids_begin_with_house(target):
    expect(answers(target)).satisfies(
        lambda each: None if each.answer.document["id"].startswith("house_") else "another beginning"
    )
'''
NAMES = '''"""Names."""

from trigger_conformance.checks.expect import expect
from trigger_conformance.checks.ground import given
from trigger_conformance.checks.requirement import must


@must("a name has one note", clause="NoteRequest.name")
def test_one_note_a_name(target):
    first = target.send(target.valid())
    given(first, rests_on="create_note.answers.valid_request_is_accepted").has_status(204)
    again = target.send(target.twin(first.request))
    expect(again).satisfies(lambda each: None if target.operation.made(each) else "no note")
'''


def written(folder, **modules):
    """A folder of checks: what each package holds, by the names of its files without their end."""
    for package, files in modules.items():
        (folder / package).mkdir(parents=True, exist_ok=True)
        for name, text in {"__init__": "", **files}.items():
            (folder / package / f"{name}.py").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Two checks of create batch, one of which no server keeps, and an operation with a check of its own."""
    folder = written(tmp_path_factory.mktemp("home") / "own", create_batch={"test_house_rules": RULES})
    shutil.copytree(NOTES, folder / "create_note", ignore=shutil.ignore_patterns("__pycache__"))
    return written(folder, create_note={"__init__": "", "test_names": NAMES})


def program(folder, *arguments, **variables):
    return call(*PROGRAM, *arguments, folder=folder, **variables)


@pytest.fixture(scope="module")
def whole(own, tmp_path_factory):
    """A run of the suite's and the user's own checks, where the user keeps them."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(own, folder / "own")
    return program(folder, "run", "--checks", "own", "--profile", "smoke", "--only", "acceptance", "--only", "answers",
                   "--only", "ids_are_long", "--only", "ids_begin_with_house", "--report-dir", folder)  # fmt: skip


def test_they_are_judged_beside_the_suites_own(whole):
    assert whole.status == 1
    assert [whole.verdicts[each] for each in (HOLDS, BROKEN)] == ["passed", "violated"]
    assert whole.verdicts["create_batch.acceptance.valid_request_is_accepted"] == "passed"
    assert whole.verdicts["create_note.answers.valid_request_is_accepted"] == "passed"
    assert [each["id"] for each in whole.results["operations"]] == [
        "create_batch", "create_environment_variable", "create_schedule", "stream_batch_items", "create_note",
    ]  # fmt: skip
    assert [identity for identity, verdict in whole.verdicts.items() if verdict == "violated"] == [BROKEN]


@pytest.mark.parametrize("name", ["report.html", "summary.md", "junit.xml", "results.json"])
def test_reports_tell_of_them(whole, name):
    assert BROKEN.rpartition(".")[2] in (whole.folder / name).read_text("utf-8")


def test_the_command_that_judges_again_brings_them(whole):
    told = next(line for line in whole.output.splitlines() if f"run --only {BROKEN}" in line)
    assert "--checks own" in told
    again = program(whole.folder, *told.split()[1:], f"--report-dir={whole.folder / 'again'}")
    assert again.status == 1
    assert [each["id"] for each in again.results["findings"]] == [BROKEN]


def test_they_are_waived(own, tmp_path):
    told = program(tmp_path, "waive", BROKEN, "--reason", "no house of ours", **{CHECKS: str(own)})
    assert told.status == 0, told.errors
    ended = program(tmp_path, "run", "--checks", own, "--only", "house_rules",
                    "--waivers", "conformance-waivers.toml", "--report-dir", tmp_path)  # fmt: skip
    assert ended.status == 0, ended.output + ended.errors
    assert ended.verdicts == {HOLDS: "passed", BROKEN: "waived"}


def test_they_are_attested_and_verified_where_they_are_known(whole, own, tmp_path):
    refused = program(tmp_path, "attest", whole.folder)
    assert (refused.status, refused.errors.count("\n")) == (4, 1)
    assert f"set {CHECKS}" in refused.errors
    known = {CHECKS: str(own)}
    assert program(tmp_path, "attest", whole.folder, **known).status == 0
    verified = program(tmp_path, "verify", whole.folder / "attestation.zip", **known)
    assert verified.status == 0, verified.output + verified.errors
    unknown = program(tmp_path, "verify", whole.folder / "attestation.zip")
    assert unknown.status == 1
    assert CHECKS in unknown.output


def test_ground_of_every_operation_is_judged_beside_them(own, tmp_path):
    ended = program(tmp_path, "run", "--checks", own, "--only", "create_note.names", "--report-dir", tmp_path)
    assert ended.verdicts == {"create_note.names.one_note_a_name": "violated"}
    assert any("judged by itself: passed" in note for note in ended.results["notes"])


@pytest.fixture(scope="module")
def server():
    with reference() as server:
        yield server


# How a user says where the checks are: what conformance.toml says, options, variables, and the program.
WAYS = {
    "an option": ("", ("--checks={own}",), {}),
    "an option, its value apart": ("", ("--checks", "{own}"), {}),
    "a variable": ("", (), {CHECKS: "{own}"}),
    "conformance.toml": ("checks = ['{own}']", (), {}),
    "a text in conformance.toml": ("checks = '{own}'", (), {}),
    "a target of conformance.toml": ("[targets.here]\nchecks = ['{own}']", ("--target=here",), {}),
    "the file's own choice of a target": ("target = 'here'\n[targets.here]\nchecks = ['{own}']", (), {}),
    "an option where the file says otherwise": ("checks = ['.']", ("--checks={own}",), {}),
    "an option, with workers": ("", ("--checks={own}", "--workers=2"), {}),
    "a variable, with workers": ("", ("--workers=2",), {CHECKS: "{own}"}),
}


def told(way, own, folder):
    file, options, variables = way
    (folder / "conformance.toml").write_text(file.format(own=own), "utf-8")
    return [each.format(own=own) for each in options], {name: str(own) for name in variables}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_they_are_found(way, own, server, tmp_path):
    options, variables = told(way, own, tmp_path)
    line = at(server, "--only=ids_are_long", f"--report-dir={tmp_path}", *options)
    ended = program(tmp_path, *line, **keys(server), **variables)
    assert ended.status == 0, ended.output + ended.errors
    assert ended.verdicts == {HOLDS: "passed"}


@pytest.mark.parametrize("options", [(), ("--workers=2",)], ids=["one process", "workers"])
def test_plain_pytest_finds_them(options, own, server, tmp_path):
    line = [f"--base-url={server.base_url}", "--only=ids_are_long", f"--report-dir={tmp_path}", *options]
    ended = call(
        sys.executable, "-m", "pytest", ROOT / "tests", "--checks", own, *line, folder=tmp_path, **keys(server)
    )
    assert ended.status == 0, ended.output + ended.errors
    assert ended.verdicts == {HOLDS: "passed"}


def test_config_tells_where_they_are_from(own, tmp_path):
    sources = {
        "an option": "--checks", "a variable": CHECKS, "conformance.toml": "conformance.toml",
        "a target of conformance.toml": "conformance.toml [targets.here]",
    }  # fmt: skip
    for name, source in sources.items():
        options, variables = told(WAYS[name], own, tmp_path)
        shown = program(tmp_path, "config", *options, **variables).output
        assert f"{own}" in shown
        assert next(line for line in shown.splitlines() if line.startswith("checks")).endswith(f"  {source}")


PACKAGE, MINE = {"create_batch/__init__.py": ""}, {"mine/__init__.py": ""}
THE_SUITES = "from tests.create_batch.operation import OPERATION"
TAKEN = RULES.replace("ids_are_long", "one_is_accepted")
DECLARED = RULES.replace("@must", "#", 1)
# What is no folder of checks: what it holds, and what the one line says of it.
WRONG = {
    "nothing": (None, "it must be a folder"),
    "a file": ("text", "it must be a folder"),
    "a package without __init__.py": ({"create_batch/test_x.py": RULES}, "create_batch lacks its __init__.py"),
    "a package itself": ({"__init__.py": "", "create_batch/__init__.py": ""}, "remove its own __init__.py"),
    "a folder of no operation": ({"other/__init__.py": "", "other/test_x.py": RULES}, "named after no operation"),
    "a check that cannot be read": ({**PACKAGE, "create_batch/test_x.py": "def ("}, "SyntaxError"),
    "a check that cannot be imported": (
        {**PACKAGE, "create_batch/test_x.py": "import nowhere"}, "No module named 'nowhere'",
    ),
    "a check that declares nothing": ({**PACKAGE, "create_batch/test_x.py": DECLARED}, "give it @must"),
    "a clause that there is not": (
        {**PACKAGE, "create_batch/test_x.py": RULES.replace("Response.id", "Response.nothing")},
        "CreateBatchResponse.nothing (create_batch.x.ids_are_long",
    ),
    "a requirement of the suite's own": (
        {**PACKAGE, "create_batch/test_run_count.py": TAKEN},
        "a requirement create_batch.run_count.one_is_accepted already",
    ),
    "an operation that is none": ({**MINE, "mine/operation.py": "OPERATION = 1"}, "must declare OPERATION"),
    "an operation that cannot be imported": ({**MINE, "mine/operation.py": "1 / 0"}, "ZeroDivisionError"),
    "an operation of another name": (
        {**MINE, "mine/operation.py": THE_SUITES},
        "an Operation with the id 'mine'",
    ),
    "an operation of the suite's own": (
        {**PACKAGE, "create_batch/operation.py": THE_SUITES},
        "an operation create_batch already",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_folder_of_checks_is_told_in_one_line(content, said, tmp_path):
    folder = tmp_path / "own"
    if isinstance(content, str):
        folder.write_text(content, "utf-8")
    for name, text in content.items() if isinstance(content, dict) else ():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    ended = program(tmp_path, "run", "--checks", folder, "--report-dir", tmp_path / "reports")
    assert (ended.status, ended.errors.count("\n")) == (4, 1), ended.output + ended.errors
    assert said in ended.errors
    assert not (tmp_path / "reports").exists()
