"""The documents that a run judges by, where the user brings newer copies of them (``--openapi``)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.operation import OPENAPI, Operation, UnusableChecksError, operations
from trigger_conformance.checks.requirement import Requirement
from trigger_conformance.contract.contract import Contract, UnknownClauseError, read
from trigger_conformance.contract.difference import added
from trigger_conformance.contract.quoting import shortened

_MOST_NAMED = 8
_LONGEST = 120


class UnusableDocumentError(ValueError):
    """A document cannot stand in for the published one: why, in a line."""


def check() -> None:
    """Raise UnusableDocumentError where a given document has no known operation, or lost what requirements rest on.

    Raises UnusableChecksError where one of the user's own checks rests on what no document has.
    """
    given = [Path(each) for each in os.environ.get(OPENAPI, "").split(os.pathsep) if each]
    for document in given:
        _check_form(document)
    _ = catalogue()
    used = {each.contract.file for each in operations().values()}
    for document in given:
        if document not in used:
            known = ", ".join(each.operation_id for each in operations().values())
            raise UnusableDocumentError(f"{document.name} describes no operation that the suite knows ({known})")
    lost = [each for each in catalogue() if not _has(operations()[each.operation].contract, each)]
    if never := [each for each in lost if each.clause and not _has(operations()[each.operation].published, each)]:
        raise UnusableChecksError(f"requirements rest on what no document has: {_told(never)}")
    if lost:
        raise UnusableDocumentError(f"requirements rest on what it does not have: {_told(lost)}")


def _check_form(document: Path) -> None:
    """Raise UnusableDocumentError for what no tool reads as OpenAPI: a sound target would be blamed by it."""
    from openapi_core import OpenAPI

    try:
        OpenAPI.from_dict(read(document.read_bytes()))
    except Exception as error:
        place = "/".join(map(str, getattr(error, "absolute_path", ())))
        why = f"it is wrong at {place}" if place else shortened(str(error).splitlines()[0], _LONGEST)
        raise UnusableDocumentError(f"{document.name} is no OpenAPI document that can be judged by: {why}") from error


def _has(contract: Contract, requirement: Requirement) -> bool:
    try:
        contract.clause(requirement.clause)
    except UnknownClauseError:
        return False
    return True


def _told(lost: Iterable[Requirement]) -> str:
    clauses: dict[str, list[str]] = {}
    for each in lost:
        clauses.setdefault(each.clause or "a schema with a name for its bodies", []).append(each.id)
    told = [f"{clause} ({', '.join(ids)})" for clause, ids in clauses.items()]
    more = [f"and {len(told) - _MOST_NAMED} more"] if len(told) > _MOST_NAMED else []
    return "; ".join([*told[:_MOST_NAMED], *more])


def told(operation: Operation) -> str | None:
    """What a report says of a document that stands in for the published one; None where none does."""
    given, published = operation.contract, operation.published
    if given is published:
        return None
    more = added(published, given)
    what = f"it adds {', '.join(more)}" if more else "it adds nothing that the suite would not see"
    return f"{given.file.name} (sha256 {given.sha256[:12]}) stands in for the published {published.file.name}: {what}"
