"""The documents that a run judges by, where the user brings newer copies of them (``--openapi``)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.operation import OPENAPI, Operation, operations
from trigger_conformance.contract.contract import UnknownClauseError
from trigger_conformance.contract.difference import added

_MOST_NAMED = 8


class UnusableDocumentError(ValueError):
    """A document cannot stand in for the published one: why, in a line."""


def check() -> None:
    """Raise UnusableDocumentError where a given document has no known operation, or lost what requirements rest on."""
    _ = catalogue()
    used = {each.contract.file for each in operations().values()}
    for given in filter(None, os.environ.get(OPENAPI, "").split(os.pathsep)):
        if Path(given) not in used:
            known = ", ".join(each.operation_id for each in operations().values())
            raise UnusableDocumentError(f"{Path(given).name} describes no operation that the suite knows ({known})")
    lost = list(_lost())
    if lost:
        shown = "; ".join(lost[:_MOST_NAMED]) + (
            f"; and {len(lost) - _MOST_NAMED} more" if len(lost) > _MOST_NAMED else ""
        )
        raise UnusableDocumentError(f"requirements rest on what it does not have: {shown}")


def _lost() -> Iterator[str]:
    missing: dict[str, list[str]] = {}
    for requirement in catalogue():
        try:
            operations()[requirement.operation].contract.clause(requirement.clause)
        except UnknownClauseError:
            missing.setdefault(requirement.clause, []).append(requirement.id)
    for clause, ids in missing.items():
        yield f"{clause} ({', '.join(ids)})"


def told(operation: Operation) -> str | None:
    """What a report says of a document that stands in for the published one; None where none does."""
    given, published = operation.contract, operation.published
    if given is published:
        return None
    more = added(published, given)
    what = f"it adds {', '.join(more)}" if more else "it adds nothing that the suite would not see"
    return f"{given.file.name} (sha256 {given.sha256[:12]}) stands in for the published {published.file.name}: {what}"
