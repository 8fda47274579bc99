"""Operations: what users know of create batch stays as it is, and another one needs no change of the package."""

import json
import re
import sys
from pathlib import Path

import jsonschema_rs
import pytest

from selftest.conftest import at, call, keys, reference
from trigger_conformance.checks.catalogue import Selection, catalogue, declared
from trigger_conformance.checks.operation import CHECKS, EVERY
from trigger_conformance.checks.requirement import Level, Profile
from trigger_conformance.checks.sharding import Shard
from trigger_conformance.contract.home import ROOT
from trigger_conformance.report.results import SCHEMA

OWN = ROOT / "selftest" / "own"
PROGRAM = (sys.executable, "-m", "trigger_conformance.cli")
PACKAGE = ROOT / "trigger_conformance"
# What waivers, baselines and reports out there name. Entries are added here, and neither changed nor removed.
PROMISED = json.loads(Path(__file__).parents[1].joinpath("create_batch.json").read_text("utf-8"))
FAULTS = ("faults.numbers_notes", "faults.takes_any_name")


def sources():
    return [path for path in PACKAGE.rglob("*.py") if PACKAGE / "reference" not in path.parents]


def lines_with(pattern):
    """How many lines of the package's files, but for the reference server, have the pattern."""
    found = {}
    for path in sources():
        lines = [line for line in path.read_text("utf-8").splitlines() if re.search(pattern, line, re.IGNORECASE)]
        found |= {path.relative_to(PACKAGE).as_posix(): len(lines)} if lines else {}
    return found


def test_no_file_of_the_package_knows_create_batch():
    assert lines_with("batch|runcount|run_count|idempotencykey") == {}


def test_no_file_of_the_package_knows_the_made_up_operation():
    assert lines_with(r"create_?note|\bnotes?_?(api|request|client)") == {}


def test_requirements_of_create_batch_are_what_users_know():
    found = {each.id: each for each in catalogue()}
    now = [
        {"id": each["id"], "level": str(one.level), "clause": one.clause, "statement": one.statement}
        for each in PROMISED
        if (one := found.get(each["id"]))
    ]
    assert len(PROMISED) >= 121
    assert now == PROMISED


def noted(folder, *arguments, **variables):
    return call(*PROGRAM, *arguments, folder=folder, **{CHECKS: str(OWN)}, **variables)


def test_the_made_up_operation_has_every_requirement_of_any(tmp_path):
    listed = {each["id"]: each for each in json.loads(noted(tmp_path, "list", "--json").output)}
    every = [each.id.split(".")[1:] for each in declared() if each.operation == EVERY]
    assert every
    assert [each for each in every if f"create_note.{each[0]}.{each[1]}" not in listed] == []
    assert [each for each in PROMISED if each["id"] not in listed] == []
    statement = listed["create_note.answers.valid_request_is_accepted"]
    assert statement["clause"] == "createNote.responses.201"
    assert "{" not in "".join(each["statement"] + each["clause"] for each in listed.values())


def test_the_made_up_operation_is_conformant_on_the_built_in_server(tmp_path):
    ended = noted(tmp_path, "run", "--only", "create_note", "--report-dir", tmp_path)
    assert ended.status == 0, ended.output + ended.errors
    assert {identity.partition(".")[0] for identity in ended.verdicts} == {"create_note"}
    assert set(ended.verdicts.values()) <= {"passed", "observed", "skipped"}
    assert list(ended.verdicts.values()).count("passed") > len(ended.verdicts) / 2
    jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8"))).validate(ended.results)
    (operation,) = ended.results["operations"]
    assert (operation["things"], operation["made"] > 10, ended.results["batches"]) == ("notes", True, 0)
    # What the operation makes has the name of a field that every run has.
    assert all(isinstance(note, str) for note in ended.results["notes"])


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """The made-up operation's own faults, with the requirements that they name."""
    program = (
        "import json; from trigger_conformance.reference.registry import faults;"
        "print(json.dumps({each.id: each.caught_by for each in faults('create_note')"
        " if each.server.__module__.startswith('create_note.')}))"
    )
    folder = tmp_path_factory.mktemp("faults")
    return json.loads(call(sys.executable, "-c", program, folder=folder, **{CHECKS: str(OWN)}).output)


def test_the_faults_tried_here_are_all(named):
    assert sorted(named) == sorted(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_made_up_operation_is_found_by_what_it_names(fault, named, tmp_path, monkeypatch):
    monkeypatch.setenv(CHECKS, str(OWN))
    with reference(fault) as server:
        ended = noted(tmp_path, *at(server, "--only=create_note", f"--report-dir={tmp_path}"), **keys(server))
    assert ended.status == 1, ended.output + ended.errors
    violated = {identity for identity, verdict in ended.verdicts.items() if verdict == "violated"}
    assert violated & set(named[fault])
    assert {identity.partition(".")[0] for identity in violated} == {"create_note"}


@pytest.mark.parametrize(
    ("only", "level", "shard", "all_of_it"),
    [
        ((), None, None, True),
        (("create_batch",), None, None, True),
        (("create_batch.http", "create_batch"), None, None, True),
        (("create_batch.http",), None, None, False),
        (("create_schedule",), None, None, False),
        (("create_batch",), Level.MUST, None, False),
        ((), None, Shard(1, 2), False),
    ],
)
def test_only_a_run_that_leaves_checks_of_an_operation_out_has_to_send_a_sample(only, level, shard, all_of_it):
    assert Selection(only, level, Profile.SMOKE, shard).has_all_of("create_batch") is all_of_it
