"""Newer copies of a document (--openapi): what is judged and sent comes from them, and what they change is told."""

import copy
import hashlib
import json
import re
import shutil
import sys

import pytest
import yaml

from selftest.conftest import call
from trigger_conformance.checks.operation import CHECKS, OPENAPI
from trigger_conformance.contract.contract import Contract
from trigger_conformance.contract.difference import added
from trigger_conformance.contract.home import DOCUMENTS, ROOT

PROGRAM = (sys.executable, "-m", "trigger_conformance.cli")
BATCHES = DOCUMENTS / "create-batch.openapi.yaml"
NOTES = ROOT / "selftest" / "own" / "create_note"
PLAIN = "--only=create_batch.acceptance.valid_request_is_accepted"
PUBLISHED = yaml.safe_load(BATCHES.read_bytes())
POST = ("paths", "/api/v3/batches", "post")
SCHEMAS = ("components", "schemas")


def at(document, *steps):
    for step in steps:
        document = document[step]
    return document


def changed(change, document=PUBLISHED):
    made = copy.deepcopy(document)
    change(made)
    return made


def written(path, document):
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document, sort_keys=False), "utf-8")
    return path


def program(folder, *arguments, **variables):
    return call(*PROGRAM, *arguments, folder=folder, **variables)


def newer(document):
    document["info"]["version"] = "1.1.0"
    at(document, *SCHEMAS, "CreateBatchRequest", "properties")["priority"] = {"type": "integer"}
    at(document, *SCHEMAS)["Cause"] = {"type": "object", "properties": {"code": {"type": "string"}}}
    at(document, *POST, "responses")["409"] = {"description": "Busy."}
    document["paths"]["/api/v3/batches"]["get"] = {
        "operationId": "listBatches",
        "responses": {"200": {"description": ""}},
    }


ADDED = ["operation listBatches", "status 409", "property CreateBatchRequest.priority", "schema Cause",
         "property Cause.code"]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that judges by a newer document, which lies beside its reports."""
    folder = tmp_path_factory.mktemp("newer")
    written(folder / "newer.yaml", changed(newer))
    return program(folder, "run", "--openapi", "newer.yaml", PLAIN, "--report-dir", folder)


def test_what_it_adds_is_told_with_its_sum(run):
    assert run.status == 0, run.output + run.errors
    sum_ = hashlib.sha256((run.folder / "newer.yaml").read_bytes()).hexdigest()
    (note,) = run.results["notes"]
    assert note.startswith(f"newer.yaml (sha256 {sum_[:12]}) stands in for the published create-batch.openapi.yaml")
    assert all(each in note for each in ADDED)
    assert run.results["operations"][0]["contract"] == {"title": "Trigger.dev API", "version": "1.1.0", "sha256": sum_}
    assert run.results["target"]["options"]["openapi"] == ["newer.yaml"]


@pytest.mark.parametrize("name", ["report.html", "summary.md"])
def test_reports_tell_of_it(run, name):
    text = (run.folder / name).read_text("utf-8")
    assert "newer.yaml" in text
    assert "property CreateBatchRequest.priority" in text


def test_a_run_by_it_is_attested_and_verified_with_it(run, tmp_path):
    refused = program(tmp_path, "attest", run.folder)
    assert (refused.status, refused.errors.count("\n")) == (4, 1)
    assert f"set {OPENAPI}" in refused.errors
    known = {OPENAPI: str(run.folder / "newer.yaml")}
    assert program(tmp_path, "attest", run.folder, **known).status == 0
    verified = program(tmp_path, "verify", run.folder / "attestation.zip", **known)
    assert verified.status == 0, verified.output + verified.errors
    unknown = program(tmp_path, "verify", run.folder / "attestation.zip")
    assert unknown.status == 1
    assert OPENAPI in unknown.output


# How a user says which document it is: what conformance.toml says, and variables.
WAYS = {
    "a variable": ("", {OPENAPI: "newer.yaml"}),
    "conformance.toml": ("openapi = 'newer.yaml'", {}),
    "a target of conformance.toml": ("target = 'here'\n[targets.here]\nopenapi = ['newer.yaml']", {}),
}


@pytest.mark.parametrize(("file", "variables"), WAYS.values(), ids=WAYS)
def test_it_is_found(file, variables, tmp_path):
    written(tmp_path / "newer.yaml", changed(newer))
    written(tmp_path / "conformance.toml", file)
    ended = program(tmp_path, "run", PLAIN, "--report-dir", tmp_path, **variables)
    assert [note.partition(" ")[0] for note in ended.results["notes"]] == ["newer.yaml"], ended.errors


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """The made-up operation with a server that follows a newer document than the published one; and that document."""
    folder = tmp_path_factory.mktemp("notes")
    shutil.copytree(NOTES, folder / "own" / "create_note", ignore=shutil.ignore_patterns("__pycache__"))
    server = folder / "own" / "create_note" / "server.py"
    text = server.read_text("utf-8").replace('f"note_{next(self.numbers)}"', "next(self.numbers)")
    check = '        if document.get("color", "red") != "red":\n            raise Problem(400, "there is one color")\n'
    server.write_text(
        text.replace('        return document["name"]\n', f'{check}        return document["name"]\n'), "utf-8"
    )

    def follow(document):
        at(document, *SCHEMAS, "NoteRequest", "properties")["color"] = {"type": "string", "enum": ["red"]}
        at(document, *SCHEMAS, "Note", "properties")["id"] = {"type": "integer"}

    published = yaml.safe_load((NOTES / "create-note.openapi.yaml").read_bytes())
    written(folder / "newer.yaml", changed(follow, published))
    return folder


def judged(notes, folder, *options, checks=None):
    only = ("--only=create_note.answers", "--only=create_note.fuzzing", f"--report-dir={folder}")
    return program(notes, "run", *only, *options, **{CHECKS: str(checks or notes / "own")})


def test_a_server_that_follows_it_is_conformant_by_it_alone(notes, tmp_path):
    by_the_newer = judged(notes, tmp_path / "newer", "--openapi=newer.yaml")
    assert json.loads((tmp_path / "newer/results.json").read_text("utf-8"))["verdict"] == "conformant", (
        by_the_newer.output
    )
    sent = (tmp_path / "newer/evidence.har").read_text("utf-8")
    assert re.search(r'\\"color\\": ?\\"red\\"', sent)
    judged(notes, tmp_path / "published")
    found = json.loads((tmp_path / "published/results.json").read_text("utf-8"))
    violated = {each["id"] for each in found["requirements"] if each["verdict"] == "violated"}
    assert "create_note.answers.accepted_answers_satisfy_the_schema" in violated


def test_a_server_that_does_not_follow_it_is_found(notes, tmp_path):
    judged(notes, tmp_path, "--openapi=newer.yaml", checks=NOTES.parent)
    found = json.loads((tmp_path / "results.json").read_text("utf-8"))
    violated = {each["id"] for each in found["requirements"] if each["verdict"] == "violated"}
    assert "create_note.answers.accepted_answers_satisfy_the_schema" in violated
    assert "create_note.fuzzing.generated_invalid_requests_are_rejected" in violated


def without(*steps):
    return changed(lambda document: at(document, *steps[:-1]).pop(steps[-1]))


def having(value, *steps):
    return changed(lambda document: at(document, *steps[:-1]).update({steps[-1]: value}))


COUNT = (*SCHEMAS, "CreateBatchRequest", "properties", "runCount")
KEY = (*SCHEMAS, "CreateBatchRequest", "properties", "idempotencyKey")
IN_BODY = (*POST, "requestBody", "content", "application/json", "schema")
# What cannot stand in for the published document, and what the one line says of it.
WRONG = {
    "no file": (None, "it must be a file that can be read (No such file or directory)"),
    "no YAML": ("a: [", "it must be an OpenAPI document that can be read"),
    "nothing": ("", "it must be a document of OpenAPI 3"),
    "a list": ("[1]", "it must be a document of OpenAPI 3"),
    "OpenAPI 2": ("swagger: '2.0'\ninfo: {title: a, version: b}\npaths: {}\n", "it must be a document of OpenAPI 3"),
    "no paths": ("openapi: 3.0.0\ninfo: {title: a, version: b}\n", "with info and paths"),
    "a circle": ("openapi: 3.0.0\ninfo: &a {title: a, version: b, x: *a}\npaths: {}\n", "that can be read"),
    "no operation that is known": ("openapi: 3.0.0\ninfo: {title: a, version: b}\npaths: {}\n", "(createBatch, c"),
    "another name of the operation": (having("other", *POST, "operationId"), "(createBatch, c"),
    "no title": (without("info", "title"), "wrong at info"),
    "a title that is none": (having(7, "info", "title"), "wrong at info/title"),
    "no responses": (without(*POST, "responses"), "wrong at paths"),
    "a path that is none": (having("text", "paths", "/x"), "wrong at paths//x"),
    "a type that there is not": (having("whole", *COUNT, "type"), "wrong at"),
    "a reference to nothing": (having({"$ref": "#/components/schemas/No"}, *KEY), "schemas/No' does not exist"),
    "a body of no name": (having({"type": "object"}, *IN_BODY), "generated_valid_requests_are_accepted"),
    "a clause lost": (without(*KEY), "CreateBatchRequest.idempotencyKey (create_batch."),
    "a status lost": (without(*POST, "responses", "429"), "createBatch.responses.429"),
}  # fmt: skip


@pytest.mark.parametrize(("document", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_stand_in_is_told_in_one_line(document, said, tmp_path):
    if document is not None:
        written(tmp_path / "given.yaml", document)
    ended = program(tmp_path, "run", "--openapi=given.yaml", PLAIN, f"--report-dir={tmp_path / 'reports'}")
    assert (ended.status, ended.errors.count("\n")) == (4, 1), ended.output + ended.errors
    assert said in ended.errors
    assert not (tmp_path / "reports").exists()


def test_a_lost_clause_names_what_rests_on_it_whatever_the_command(tmp_path):
    path = written(tmp_path / "given.yaml", without(*KEY))
    for command in (("list",), ("explain", "run_count.one_is_accepted"), ("plan",)):
        ended = program(tmp_path, *command, **{OPENAPI: str(path)})
        assert (ended.status, ended.errors.count("\n")) == (4, 1), command
        assert "create_batch.idempotency.replay_keeps_the_first_run_count" in ended.errors


def test_what_only_the_newer_has_is_told(tmp_path):
    documents = [
        written(tmp_path / f"{each}.yaml", text) for each, text in {"a": PUBLISHED, "b": changed(newer)}.items()
    ]
    published, given = (Contract(each, "createBatch") for each in documents)
    assert added(published, given) == ADDED
    assert added(given, published) == added(published, published) == []


NULLABLE = {"type": "string", "nullable": True}
# A schema, an instance of it, and whether the instance keeps it; 3.0 and 3.1 say some of it differently.
SCHEMAS_IN_USE = {
    "null where 3.0 allows it": ("3.0.3", NULLABLE, None, True),
    "a number where 3.0 allows null": ("3.0.3", NULLABLE, 7, False),
    "null where 3.0 does not": ("3.0.3", {"type": "string"}, None, False),
    "null where 3.1 allows it": ("3.1.0", {"type": ["string", "null"]}, None, True),
    "a bound of 3.0": ("3.0.3", {"type": "integer", "minimum": 0, "exclusiveMinimum": True}, 0, False),
    "a bound of 3.1": ("3.1.0", {"type": "integer", "exclusiveMinimum": 0}, 0, False),
    "another schema": ("3.0.3", {"$ref": "#/components/schemas/Error"}, {"message": 7}, False),
    "another schema kept": ("3.0.3", {"$ref": "#/components/schemas/Error"}, {"message": "a"}, True),
}


@pytest.mark.parametrize(("version", "schema", "instance", "keeps"), SCHEMAS_IN_USE.values(), ids=SCHEMAS_IN_USE)
def test_schemas_of_newer_documents_are_read(version, schema, instance, keeps, tmp_path):
    def change(document):
        document["openapi"] = version
        at(document, *SCHEMAS)["Newer"] = {"type": "object", "properties": {"value": schema}}

    contract = Contract(written(tmp_path / "a.yaml", changed(change)), "createBatch")
    assert (not [*contract.schema_errors("Newer", {"value": instance})]) is keeps


def test_statuses_that_are_written_as_numbers_are_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(re.sub(r"'(\d{3})':", r"\1:", BATCHES.read_text("utf-8")), "utf-8")
    assert Contract(path, "createBatch").response_schema == "CreateBatchResponse"
