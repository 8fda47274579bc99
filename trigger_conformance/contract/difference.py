"""What a newer copy of a document has that the published one has not; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trigger_conformance.contract.contract import METHODS, Contract


def added(published: Contract, given: Contract) -> list[str]:
    """Operations, statuses of the operation, schemas and properties that only ``given`` has, a few words each."""
    before = set(_parts(published))
    return [part for part in _parts(given) if part not in before]


def _parts(contract: Contract) -> Iterator[str]:
    for path, methods in contract.document["paths"].items():
        for method in (each for each in METHODS if each in methods):
            yield f"operation {methods[method].get('operationId') or f'{method.upper()} {path}'}"
    yield from (f"status {status}" for status in sorted(map(str, contract.operation["responses"])))
    schemas: dict[str, Any] = contract.document.get("components", {}).get("schemas", {})
    for name, schema in schemas.items():
        yield f"schema {name}"
        yield from (f"property {name}.{each}" for each in schema.get("properties", {}))
