"""The published contract: its clauses, its documented statuses, its schemas, and the overlay for generating.

Pure: reads the two documents in ``openapi/`` once and does no other I/O.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from trigger_conformance.contract.home import DOCUMENTS
from trigger_conformance.contract.told import INVALID, document

PATH = "/api/v3/batches"
RATE_LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After")
LONGEST_KEY = 255


class UnknownClauseError(LookupError):
    """A requirement names a clause that the contract does not have."""


class Expected(StrEnum):
    """What the contract says of a request body: how a sound target may answer it."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    OPEN = "accepted or rejected"


@dataclass(frozen=True)
class Clause:
    """A place in the contract or in an RFC.

    ``name`` is what requirements write, ``pointer`` a JSON pointer into the document (or a URL), ``text`` its words.
    """

    name: str
    pointer: str
    text: str


class Contract:
    """The OpenAPI document, read once.

    ``document`` is the parsed document, ``sha256`` the hexadecimal digest of the file as published.
    """

    def __init__(self, folder: Path = DOCUMENTS) -> None:
        published = (folder / "create-batch.openapi.yaml").read_bytes()
        self._overlay = folder / "create-batch.overlay.yaml"
        self.document: dict[str, Any] = yaml.safe_load(published)
        self.sha256 = hashlib.sha256(published).hexdigest()
        self.title: str = self.document["info"]["title"]
        self.version: str = self.document["info"]["version"]

    @property
    def _operation(self) -> dict[str, Any]:
        operation: dict[str, Any] = self.document["paths"][PATH]["post"]
        return operation

    @cached_property
    def statuses(self) -> frozenset[int]:
        """The documented statuses of createBatch."""
        return frozenset(int(status) for status in self._operation["responses"])

    @property
    def documentation(self) -> str:
        """Where the contract says that more is found."""
        url: str = self._operation["externalDocs"]["url"]
        return url

    def clause(self, name: str) -> Clause:
        """Look up ``name``, such as "CreateBatchRequest.runCount", "createBatch.responses.429" or "RFC 9110 11.6.1".

        Raises UnknownClauseError where the contract has no such place.
        """
        if rfc := re.fullmatch(r"RFC (\d+) ([\d.]+)", name):
            url = f"https://www.rfc-editor.org/rfc/rfc{rfc[1]}#section-{rfc[2]}"
            return Clause(name, url, f"RFC {rfc[1]}, section {rfc[2]}")
        pointer = list(self._root(name.split(".")[0]))
        node = self._at(pointer, name)
        for step in name.split(".")[1:]:
            if "properties" in node and step in node["properties"]:
                pointer.append("properties")
                node = node["properties"]
            pointer.append(step)
            node = self._at(pointer, name)
        escaped = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in pointer)
        return Clause(name, f"#{escaped}", _words(node))

    def _root(self, name: str) -> tuple[str, ...]:
        for section in ("schemas", "securitySchemes"):
            if name in self.document["components"][section]:
                return ("components", section, name)
        if name == self._operation["operationId"]:
            return ("paths", PATH, "post")
        raise UnknownClauseError(f"the contract has no clause {name!r}")

    def _at(self, pointer: list[str], name: str) -> Any:
        node: Any = self.document
        for step in pointer:
            if not isinstance(node, dict) or step not in node:
                raise UnknownClauseError(f"the contract has no clause {name!r}")
            node = node[step]
        return node

    def schema_errors(self, schema: str, instance: object) -> Iterator[str]:
        """Each way in which ``instance`` breaks the named schema of the contract, in words."""
        try:
            errors = self._errors(schema, instance)
        except ValueError as unreadable:
            yield f"it cannot be judged: {unreadable}"
            return
        for error in errors:
            where = "/".join(str(step) for step in error.instance_path)
            yield f"{where}: {error.message}" if where else error.message

    def _errors(self, schema: str, instance: object) -> Iterator[jsonschema_rs.ValidationError]:
        try:
            return self._validators[schema].iter_errors(instance)
        except UnicodeEncodeError:
            # Unpaired surrogates are no Unicode text, but JSON can hold them; no schema here looks at characters.
            text = json.dumps(instance, ensure_ascii=False).encode("utf-8", "replace")
            return self._validators[schema].iter_errors(json.loads(text))

    @cached_property
    def _validators(self) -> dict[str, jsonschema_rs.Draft4Validator]:
        # OpenAPI 3.0 schemas are Draft 4 in all that this contract uses.
        return {
            name: jsonschema_rs.Draft4Validator(schema)
            for name, schema in self.document["components"]["schemas"].items()
        }

    def expected(self, body: bytes, maximum: int) -> Expected:
        """How a sound target whose largest runCount is ``maximum`` may answer ``body``."""
        document = strict_json(body)
        if document is INVALID or self._breaks_schema(document):
            return Expected.REJECTED
        assert isinstance(document, dict)
        run_count = document["runCount"]
        if isinstance(run_count, float):
            # 1.0: whatever else has a fraction breaks the schema.
            return Expected.OPEN
        if run_count > maximum:
            return Expected.REJECTED
        unsettled = "parentRunId" in document or not is_plain_key(document.get("idempotencyKey", "k"))
        return Expected.OPEN if unsettled else Expected.ACCEPTED

    def _breaks_schema(self, document: object) -> bool:
        if isinstance(document, dict) and document.get("runCount") == 1 and isinstance(document["runCount"], float):
            document = {**document, "runCount": 1}
        return any(True for _ in self.schema_errors("CreateBatchRequest", document))

    def generating_document(self, maximum: int) -> dict[str, Any]:
        """The document with the overlay applied and ``maximum`` as runCount's largest value: for generating only."""
        from oas_patch.overlay import apply_overlay

        overlay = yaml.safe_load(self._overlay.read_text("utf-8"))
        overlay["actions"].append(
            {
                "target": "$.components.schemas.CreateBatchRequest.properties.runCount",
                "update": {"maximum": maximum},
            }
        )
        document: dict[str, Any] = apply_overlay(json.loads(json.dumps(self.document)), overlay)
        return document


def strict_json(body: bytes) -> object:
    """``body`` as RFC 8259 reads it (UTF-8, no NaN, no Infinity), or INVALID."""
    return document(body)


def is_plain_key(key: str) -> bool:
    """Whether every target must take ``key``: 1 to 255 characters of printable Unicode."""
    return 0 < len(key) <= LONGEST_KEY and all(character.isprintable() for character in key)


def _words(node: object) -> str:
    """What a place of the document says, in a line: its description and plain facts of its schema, or all of it."""
    if isinstance(node, list):
        return ", ".join(str(each) for each in node)
    if not isinstance(node, dict):
        return node if isinstance(node, str) else json.dumps(node)
    if "$ref" in node:
        return str(node["$ref"]).rpartition("/")[2]
    if isinstance(node.get("description"), str):
        known = {**node.get("schema", {}), **node}
        facts = [f"{name}: {_words(known[name])}" for name in ("type", "required", "minimum") if name in known]
        return " ".join(node["description"].split()) + (f" ({', '.join(facts)})" if facts else "")
    if set(node) == {"schema"}:
        return _words(node["schema"])
    return "; ".join(f"{name}: {_inside(value)}" for name, value in node.items())


def _inside(node: object) -> str:
    several = isinstance(node, dict) and len(node) > 1 and "description" not in node
    return f"({_words(node)})" if several else _words(node)
