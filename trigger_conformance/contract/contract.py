"""A published document, read for one of its operations: clauses, documented statuses, schemas, the overlay.

Pure: reads the document and its overlay once and does no other I/O.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from trigger_conformance.contract.told import document

RATE_LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After")
LONGEST_KEY = 255
_DEEPEST, _LARGEST_NUMBER = 64, 10**20


_TYPES: Mapping[str, Any] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list
}  # fmt: skip
# libyaml's reads a document in a tenth of the time; where PyYAML comes without it, there is its own.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NO_OVERLAY: dict[str, Any] = {"overlay": "1.0.0", "info": {"title": "none", "version": "1"}, "actions": []}
# RFC 6570 level 1, as OpenAPI has it.
_PARAMETER = re.compile(r"\{(\w+)\}", re.ASCII)
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


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
    """The OpenAPI document ``published``, read once, as the contract of the operation with this ``operation_id``.

    Where a body is lines of JSON, which OpenAPI cannot say, ``line`` names the schema of each. ``document``
    is the parsed document, ``sha256`` the hexadecimal digest of the file, ``path`` and ``method`` are the operation's.
    Raises UnknownClauseError where the document has no such operation.
    """

    def __init__(self, published: Path, operation_id: str, overlay: Path | None = None, line: str = "") -> None:
        content = published.read_bytes()
        self.file = published
        self._overlay = overlay
        self._line = line
        self.document = read(content)
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.title = str(self.document["info"].get("title"))
        self.version = str(self.document["info"].get("version"))
        self.operation_id = operation_id
        self._clauses: dict[str, Clause] = {}
        self.path, self.method = self._place(operation_id)

    def _place(self, operation_id: str) -> tuple[str, str]:
        for path, methods in self.document["paths"].items():
            for method in METHODS:
                if isinstance(methods, dict) and _names(methods.get(method), operation_id):
                    return path, method
        raise UnknownClauseError(f"{self.file.name} has no operation {operation_id!r}")

    @property
    def operation(self) -> dict[str, Any]:
        """The operation's part of the document."""
        operation: dict[str, Any] = self.document["paths"][self.path][self.method]
        return operation

    @property
    def methods(self) -> frozenset[str]:
        """The methods that the document gives to the operation's path, in upper case."""
        return frozenset(method.upper() for method in self.document["paths"][self.path] if method in METHODS)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters in the path."""
        return tuple(_PARAMETER.findall(self.path))

    def at(self, values: Mapping[str, str]) -> str:
        """The path with ``values``, as they stand in a path, in place of its parameters; one without stays as it is."""
        return _PARAMETER.sub(lambda found: values.get(found[1], found[0]), self.path)

    def prefix_of(self, path: str) -> str | None:
        """What stands in ``path`` before the operation's own at its end; None where it does not end so."""
        own = "[^/]+".join(map(re.escape, _PARAMETER.sub("{}", self.path).split("{}")))
        found = re.fullmatch(f"(.*){own}", path)
        return found[1] if found else None

    @cached_property
    def statuses(self) -> frozenset[int]:
        """The documented statuses of the operation that are named one by one."""
        return frozenset(int(status) for status in self.operation["responses"] if str(status).isdecimal())

    def allows(self, status: int) -> bool:
        """Whether the operation documents a status: by itself, by its range ("4XX"), or as the default.

        It rests on OpenAPI 3.1, section 4.8.16.
        """
        documented = {str(each).upper() for each in self.operation["responses"]}
        return not documented.isdisjoint({str(status), f"{status // 100}XX", "DEFAULT"})

    @cached_property
    def success(self) -> int:
        """The status that answers a valid request: the first documented 2xx."""
        return min(status for status in self.statuses if status // 100 == 2)

    @cached_property
    def request_schema(self) -> str:
        """The name of the schema of a JSON body, or of each line of one; "" where the operation takes none."""
        return self._line or _schema_in(self._resolved(self.operation.get("requestBody", {})))

    @cached_property
    def response_schema(self) -> str:
        """The name of the schema of a success's JSON body; "" where it names none."""
        return _schema_in(self._resolved(self.operation["responses"][str(self.success)]))

    def error_schema(self, status: int) -> str:
        """The name of the schema of a documented error's JSON body; "" where it names none."""
        return _schema_in(self._resolved(self.operation["responses"].get(str(status), {})))

    def headers(self, status: int) -> dict[str, str]:
        """The types of the headers that the document describes on answers of a ``status``, by their names there."""
        response = self._resolved(self.operation["responses"].get(str(status), {}))
        described = {name: self._resolved(header) for name, header in response.get("headers", {}).items()}
        return {name: self._resolved(each.get("schema", {})).get("type", "") for name, each in described.items()}

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in node:
            return node
        found: Any = self.document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return self._resolved(found)

    @property
    def documentation(self) -> str:
        """Where the contract says that more is found."""
        url: str = self.operation.get("externalDocs", self.document.get("externalDocs", {})).get("url", "")
        return url

    def clause(self, name: str) -> Clause:
        """Look up ``name``, such as "Error.message", "createSchedule.responses.200" or "RFC 9110 11.6.1".

        Raises UnknownClauseError where the contract has no such place.
        """
        if name not in self._clauses:
            self._clauses[name] = self._looked_up(name)
        return self._clauses[name]

    def _looked_up(self, name: str) -> Clause:
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
        for section in ("schemas", "securitySchemes", "parameters"):
            if name in self.document["components"].get(section, {}):
                return ("components", section, name)
        with suppress(UnknownClauseError):
            return ("paths", *self._place(name))
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

    def misfits(self, schema: str, instance: object) -> frozenset[str]:
        """The properties of the named schema that ``instance`` lacks though they are required, or has in another type.

        Of what is no object, all of them.
        """
        node = self._resolved(self.document["components"]["schemas"].get(schema, {}))
        properties = node.get("properties", {})
        if not isinstance(instance, dict):
            return frozenset(properties)
        lacking = set(node.get("required", ())) - set(instance)
        return frozenset(
            lacking
            | {
                each
                for each in properties
                if each in instance and _is_odd(self._resolved(properties[each]), instance[each])
            }
        )

    def _errors(self, schema: str, instance: object) -> Iterator[jsonschema_rs.ValidationError]:
        try:
            return self._validators[schema].iter_errors(instance)
        except UnicodeEncodeError:
            # Unpaired surrogates are no Unicode text, but JSON can hold them; no schema here looks at characters.
            text = json.dumps(instance, ensure_ascii=False).encode("utf-8", "replace")
            return self._validators[schema].iter_errors(json.loads(text))

    @cached_property
    def _validators(self) -> dict[str, jsonschema_rs.Draft4Validator | jsonschema_rs.Draft202012Validator]:
        # OpenAPI 3.0 schemas are Draft 4, but for null.
        is_first = str(self.document["openapi"]).startswith("3.0")
        validator = jsonschema_rs.Draft4Validator if is_first else jsonschema_rs.Draft202012Validator
        components = _with_null(self.document["components"]) if is_first else self.document["components"]
        return {
            name: validator({"$ref": f"#/components/schemas/{name}", "components": components})
            for name in components["schemas"]
        }

    def keeps_schema(self, document: object) -> bool:
        """Whether ``document`` satisfies the schema of a request's body."""
        return not any(True for _ in self.schema_errors(self.request_schema, document))

    def generating_document(self, narrowed: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
        """The document with the overlay and the actions ``narrowed`` applied: for generating only."""
        from oas_patch.overlay import apply_overlay

        overlay = read(self._overlay.read_bytes()) if self._overlay else _NO_OVERLAY
        changes = {**overlay, "actions": [*overlay["actions"], *narrowed]}
        document: dict[str, Any] = apply_overlay(json.loads(json.dumps(self.document)), changes)
        return document


def _is_odd(schema: Mapping[str, Any], value: object) -> bool:
    """Whether a value has none of the types that a property's ``schema`` names, as far as it names any."""
    named = schema.get("type", [])
    if value is None:
        return bool(named) and not schema.get("nullable", "null" in named)
    types = [_TYPES.get(each, object) for each in ([named] if isinstance(named, str) else named)]
    is_one = any(isinstance(value, each) and (each in (bool, object) or not isinstance(value, bool)) for each in types)
    return bool(types) and not is_one


def read(content: bytes) -> dict[str, Any]:
    """A document as JSON knows it: names are texts, and so are days. Raises ValueError."""
    try:
        document: dict[str, Any] = json.loads(json.dumps(yaml.load(content, _LOADER), default=str))
    except (yaml.YAMLError, RecursionError, TypeError) as error:
        raise ValueError(f"it is no document: {error}") from error
    return document


def _names(operation: object, operation_id: str) -> bool:
    """Whether an operation has this id, and a success that can be told."""
    if not isinstance(operation, dict) or operation.get("operationId") != operation_id:
        return False
    return any(re.fullmatch(r"2\d\d", str(status)) for status in operation.get("responses", {}))


def _schema_in(node: Mapping[str, Any]) -> str:
    reference: str = node.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    return reference.rpartition("/")[2]


def _with_null(node: Any) -> Any:
    """Schemas of OpenAPI 3.0 that say ``nullable`` as JSON Schema says it."""
    if isinstance(node, list):
        return [_with_null(each) for each in node]
    if not isinstance(node, dict):
        return node
    inside = {name: _with_null(value) for name, value in node.items()}
    return {"anyOf": [{"enum": [None]}, inside]} if node.get("nullable") is True else inside


def strict_json(body: bytes) -> object:
    """``body`` as RFC 8259 reads it (UTF-8, no NaN, no Infinity), or INVALID."""
    return document(body)


def is_taken_everywhere(document: object, depth: int = 0) -> bool:
    """Whether every server needs to take a JSON value as part of an unknown property.

    Not so NUL, unpaired surrogates, numbers beyond a double's range or of more than 20 digits, and nesting beyond 64
    levels (normative reading, "Other request properties").
    """
    match document:
        case str():
            return "\0" not in document and not any("\ud800" <= each <= "\udfff" for each in document)
        case bool() | None:
            return True
        case int() | float():
            return abs(document) < _LARGEST_NUMBER
        case list():
            return depth < _DEEPEST and all(is_taken_everywhere(each, depth + 1) for each in document)
        case dict():
            inside = (part for pair in document.items() for part in pair)
            return depth < _DEEPEST and all(is_taken_everywhere(each, depth + 1) for each in inside)
    return False


def is_plain_key(key: str) -> bool:
    """Whether every target must take ``key``: 1 to 255 characters of printable Unicode."""
    return 0 < len(key) <= LONGEST_KEY and all(character.isprintable() for character in key)


def _words(node: object) -> str:
    """What a place of the document says, in a line: its description and plain facts of its schema, or all of it."""
    if isinstance(node, list):
        return ", ".join(_words(each) for each in node)
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
