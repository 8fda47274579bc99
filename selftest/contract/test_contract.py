"""The contract: what it says of a body, its clauses, its schemas, and the document for generating."""

import json
import re

import pytest

from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.operation import operations
from trigger_conformance.contract.contract import (
    Contract,
    Expected,
    UnknownClauseError,
    is_plain_key,
    strict_json,
)
from trigger_conformance.contract.told import INVALID

BATCH = operations()["create_batch"]
STATED = {"max_run_count": 100}


@pytest.fixture
def contract():
    return BATCH.contract


ACCEPTED, REJECTED, OPEN = Expected.ACCEPTED, Expected.REJECTED, Expected.OPEN


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"runCount":1}', ACCEPTED),
        (b'{"runCount":100}', ACCEPTED),
        (b'{"runCount":101}', REJECTED),
        (b'{"runCount":0}', REJECTED),
        (b'{"runCount":-1}', REJECTED),
        (b'{"runCount":1.0}', OPEN),
        (b'{"runCount":1e0}', OPEN),
        (b'{"runCount":2.0}', REJECTED),
        (b'{"runCount":1.5}', REJECTED),
        (b'{"runCount":1.0,"resumeParentOnCompletion":1}', REJECTED),
        (b'{"runCount":"1"}', REJECTED),
        (b'{"runCount":true}', REJECTED),
        (b'{"runCount":NaN}', REJECTED),
        (b'{"runCount":null}', REJECTED),
        (b"{}", REJECTED),
        (b"[]", REJECTED),
        (b"1", REJECTED),
        (b"", REJECTED),
        (b'{"runCount":1', REJECTED),
        (b'{"runCount":1,"extra":1}', ACCEPTED),
        (b'{"runCount":1,"idempotencyKey":"k"}', ACCEPTED),
        (b'{"runCount":1,"idempotencyKey":""}', OPEN),
        (b'{"runCount":1,"idempotencyKey":"\\u0000"}', OPEN),
        (b'{"runCount":1,"idempotencyKey":"\\ud800"}', OPEN),
        (b'{"runCount":0,"idempotencyKey":"\\ud800"}', REJECTED),
        (b'{"runCount":1,"idempotencyKey":1}', REJECTED),
        (b'{"runCount":1,"parentRunId":"run_1"}', OPEN),
        (b'{"runCount":1,"parentRunId":1}', REJECTED),
        (b'{"runCount":1.0,"parentRunId":1}', REJECTED),
        (b'{"runCount":1,"resumeParentOnCompletion":false}', ACCEPTED),
        (b'{"runCount":1,"resumeParentOnCompletion":"true"}', REJECTED),
    ],
)
def test_a_body_is_accepted_rejected_or_open(body, expected):
    assert BATCH.expected(body, STATED) is expected


@pytest.mark.parametrize(
    ("key", "plain"),
    [
        ("k", True),
        ("k" * 255, True),
        ("k" * 256, False),
        ("", False),
        ("a b", True),
        ("a\nb", False),
        ("\ud800", False),
    ],
)
def test_a_plain_key_is_printable_and_of_up_to_255_characters(key, plain):
    assert is_plain_key(key) is plain


@pytest.mark.parametrize("body", [b"NaN", b"-Infinity", b"[1,]", b"\xff", b"\xef\xbb\xbf1", "1".encode("utf-16"),
                                  b"[" * 100_000, b"1" * 5000])  # fmt: skip
def test_what_rfc_8259_does_not_allow_is_no_json(body):
    assert strict_json(body) is INVALID


def test_json_is_read_as_utf8():
    assert strict_json('{"a":"é"}'.encode()) == {"a": "é"}


def test_a_schema_error_says_where_and_what(contract):
    errors = list(contract.schema_errors("CreateBatchResponse", {"id": 1, "runCount": 1, "isCached": "no"}))
    assert sorted(errors) == ['id: 1 is not of type "string"', 'isCached: "no" is not of type "boolean"']
    assert list(contract.schema_errors("CreateBatchResponse", [])) == ['[] is not of type "object"']
    assert list(contract.schema_errors("CreateBatchResponse", {"id": "b", "runCount": 1, "isCached": True})) == []


ALL = {"id", "runCount", "isCached", "idempotencyKey"}


@pytest.mark.parametrize(
    ("answer", "misfits"),
    [
        ({"id": "a", "runCount": 1, "isCached": False}, set()),
        ({"id": 1, "runCount": 1.0, "isCached": 0, "idempotencyKey": None}, ALL),
        ({"id": "a", "runCount": True, "more": 1}, {"runCount", "isCached"}),
        ([], ALL),
    ],
)  # fmt: skip
def test_what_an_answer_lacks_or_has_in_another_type(contract, answer, misfits):
    assert contract.misfits(contract.response_schema, answer) == misfits


def test_unpaired_surrogates_hide_no_error(contract):
    document = {"id": "\ud800é", "runCount": "x", "isCached": True}
    assert list(contract.schema_errors("CreateBatchResponse", document)) == ['runCount: "x" is not of type "integer"']
    assert list(contract.schema_errors("CreateBatchResponse", "\ud800é")) == ['"?é" is not of type "object"']


def test_the_document_for_generating_has_the_overlay_and_the_targets_maximum(contract):
    before = json.dumps(contract.document)
    document = contract.generating_document(BATCH.narrowed({"max_run_count": 3}))
    properties = document["components"]["schemas"]["CreateBatchRequest"]["properties"]
    assert properties["runCount"]["maximum"] == 3
    assert properties["runCount"]["minimum"] == 1
    assert properties["idempotencyKey"]["maxLength"] == 200
    assert json.dumps(contract.document) == before


def test_the_contract_tells_its_title_version_and_digest(contract):
    assert (contract.title, contract.version) == ("Trigger.dev API", "1.0.0")
    assert contract.sha256.startswith("45e75c9a4ab9a5dbfad87202c51355ad")
    assert contract.documentation == "https://trigger.dev/docs/triggering"
    assert contract.statuses == {202, 400, 401, 422, 429, 500}


@pytest.mark.parametrize(
    ("documented", "allowed", "refused"),
    [("404", 404, 405), ("4XX", 499, 500), ("4xx", 404, 304), ("default", 599, None)],
)
def test_a_status_is_documented_by_itself_by_its_range_or_as_the_default(tmp_path, documented, allowed, refused):
    responses = {"200": {"description": "There it is."}, documented: {"description": "Whatever it is."}}
    found = with_responses(tmp_path, responses)
    assert found.allows(200)
    assert found.allows(allowed)
    assert refused is None or not found.allows(refused)


def test_an_operation_whose_success_is_a_range_only_is_none(tmp_path):
    with pytest.raises(UnknownClauseError):
        with_responses(tmp_path, {"2XX": {"description": "There it is."}})


def with_responses(tmp_path, responses):
    """The contract of an operation with these responses."""
    operation = {"operationId": "createThing", "responses": responses}
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/things": {"post": operation}}}
    (tmp_path / "document.yaml").write_text(json.dumps(document))
    return Contract(tmp_path / "document.yaml", "createThing")


def with_parameters(tmp_path):
    """The contract of an operation that has parameters in its path."""
    operation = {"operationId": "createThing", "responses": {"200": {"description": "There it is."}}}
    parameter = {"name": "place", "in": "path", "required": True, "schema": {"type": "string"}}
    document = {
        "openapi": "3.0.0",
        "info": {"title": "things", "version": "1"},
        "paths": {"/v1.0/{place}/things/{kind}": {"post": operation}},
        "components": {"parameters": {"place": parameter}},
    }
    (tmp_path / "things.json").write_text(json.dumps(document))
    return Contract(tmp_path / "things.json", "createThing")


def test_a_paths_parameters_are_filled_in_and_told_from_other_paths(tmp_path):
    contract = with_parameters(tmp_path)
    assert contract.parameters == ("place", "kind")
    assert contract.at({"place": "here", "kind": "a%2Fb"}) == "/v1.0/here/things/a%2Fb"
    assert contract.at({"kind": "one"}) == "/v1.0/{place}/things/one"
    assert contract.prefix_of("/api/v1.0/here/things/one") == "/api"
    assert contract.prefix_of("/v1.0/here/things/one") == ""
    for other in ("/v1.0/here/things", "/v1.0/here/things/one/more", "/v1.0/a/b/things/one", "/v1x0/here/things/one"):
        assert contract.prefix_of(other) is None
    assert contract.clause("place.schema").pointer == "#/components/parameters/place/schema"


@pytest.mark.parametrize(
    ("name", "pointer", "text"),
    [
        ("RFC 9110 11.6.1", "https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1", "RFC 9110, section 11.6.1"),
        ("CreateBatchRequest.runCount", "#/components/schemas/CreateBatchRequest/properties/runCount",
         "Expected number of items in the batch. Must be a positive integer. (type: integer, minimum: 1)"),
        ("Error.message", "#/components/schemas/Error/properties/message", "type: string"),
        ("BearerAuth", "#/components/securitySchemes/BearerAuth", "type: http; scheme: bearer; bearerFormat: JWT"),
        ("createBatch.responses.401", "#/paths/~1api~1v3~1batches/post/responses/401",
         "Unauthorized - API key is missing or invalid"),
        ("createBatch.responses.400.content", "#/paths/~1api~1v3~1batches/post/responses/400/content",
         "application/json: Error"),
    ],
)  # fmt: skip
def test_a_clause_has_its_name_pointer_and_words(contract, name, pointer, text):
    clause = contract.clause(name)
    assert (clause.name, clause.pointer, clause.text) == (name, pointer, text)


def test_the_words_of_a_wide_clause_are_in_the_contracts_order(contract):
    said = contract.clause("createBatch.responses.429.headers").text
    assert said.split("; ")[:2] == [
        "X-RateLimit-Limit: Maximum number of requests allowed (type: integer)",
        "X-RateLimit-Remaining: Number of requests remaining (type: integer)",
    ]


def test_a_schemas_words_name_what_it_requires(contract):
    assert contract.clause("CreateBatchRequest").text.startswith("type: object; required: runCount; properties: (")


@pytest.mark.parametrize(("operation", "clause"), dict.fromkeys((each.operation, each.clause) for each in catalogue()))
def test_every_clause_that_is_quoted_is_a_line_of_words_and_no_markup(operation, clause):
    words = operations()[operation].contract.clause(clause).text
    assert words == " ".join(words.split())
    assert not {"$", "["} & set(words)
    # A schema's words are no Python; a description's may have an apostrophe.
    assert not re.search(r"(?<!\w)'|'(?!\w)", words)
    assert words.count("(") == words.count(")")


@pytest.mark.parametrize("name", ["CreateBatchRequest.colour", "createBatch.responses.418", "Nothing", "RFC 9110"])
def test_a_clause_that_does_not_exist_is_an_error(contract, name):
    with pytest.raises(UnknownClauseError, match=f"the contract has no clause '{name}'"):
        contract.clause(name)
