"""Lenient JSON: what real parsers let pass, and what sound JSON fails in servers, of any operation."""

from __future__ import annotations

import re
from typing import Any

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import OperationServer, Problem

WORDS = "bodies.words_of_other_languages_are_rejected"
AROUND = "bodies.what_is_no_white_space_is_rejected"
UNNEEDED = "bodies.values_that_nobody_needs_are_answered"
ALLOWED = "bodies.what_json_allows_is_accepted"
NAMES = "bodies.special_names_change_nothing"
NEVER = "answers.never_a_server_error"


class Repairing(OperationServer):
    """Repairs a body's text before it is parsed."""

    pattern = ""
    instead = ""

    def decode(self, body: bytes) -> str:
        return self.repair(super().decode(body))

    def repair(self, text: str) -> str:
        return re.sub(self.pattern, self.instead, text)


@fault(WORDS)
class InfinityIsNull(OperationServer):
    """NaN and the infinities are read as null, so that only a required number refuses them."""

    def constant(self, name: str) -> Any:  # noqa: ARG002
        return None


@fault(AROUND)
class EndsAtNul(Repairing):
    """The body ends where C's strings end."""

    pattern = r"(?s)\0.*"


@fault(AROUND)
class AllowsNoBreakSpaces(Repairing):
    """A no-break space between tokens is white space, as in JSON5."""

    pattern = r"(?<=[{:,])\u00a0+"


class Inspecting(OperationServer):
    """Looks at every name and value of the body once it is parsed."""

    def validate(self, document: Any) -> Any:
        parts = [document]
        while parts:
            part = parts.pop()
            self.look_at(part)
            if isinstance(part, dict):
                for name in part:
                    self.look_at_name(name)
                parts += part.values()
            elif isinstance(part, list):
                parts += part
        return super().validate(document)

    def look_at(self, value: Any) -> None:
        """A value."""

    def look_at_name(self, name: str) -> None:
        """A property's name."""


@fault(UNNEEDED, NEVER)
class FailsOnNulInNames(Inspecting):
    """A NUL in a name fails the logger."""

    def look_at_name(self, name: str) -> None:
        if "\0" in name:
            raise Problem(500, "embedded null character")


@fault(ALLOWED)
class RejectsIntegersBeyond64Bits(Inspecting):
    """An integer that fits into no 64 bits is refused wherever it stands."""

    def look_at(self, value: Any) -> None:
        if isinstance(value, int) and value >= 2**63:
            raise Problem(400, "number out of range")


@fault(ALLOWED)
class CannotReadExponents(OperationServer):
    """A number with an exponent of either sign is refused."""

    def parse(self, body: bytes) -> Any:
        if re.search(rb"[:,\[]-?\d+(\.\d+)?[eE][+-]\d\D", body):
            raise Problem(400, "malformed number")
        return super().parse(body)


@fault(NAMES)
class RejectsPrototypeNames(Inspecting):
    """A body that names __proto__ is refused, as guards against poisoned prototypes do."""

    def look_at_name(self, name: str) -> None:
        if name == "__proto__":
            raise Problem(400, "Object contains forbidden prototype property")


@fault(NAMES)
class RejectsDollarsAndDots(Inspecting):
    """Names that a document store gives a meaning are refused."""

    def look_at_name(self, name: str) -> None:
        if name.startswith("$") or "." in name:
            raise Problem(400, "field names must not begin with $ or hold a dot")


@fault(NAMES)
class RejectsPrototypeNamesInside(Inspecting):
    """A nested __proto__ is refused, where one of the body itself is not."""

    def look_at(self, value: Any) -> None:
        if isinstance(value, dict) and any(isinstance(each, dict) and "__proto__" in each for each in value.values()):
            raise Problem(400, "Object contains forbidden prototype property")


@fault("bodies.missing_property_is_rejected")
class UnwrapsBodies(OperationServer):
    """A body of one property that is an object is that object, as where a root value is unwrapped."""

    def validate(self, document: Any) -> Any:
        if isinstance(document, dict) and len(document) == 1:
            inner = next(iter(document.values()))
            document = inner if isinstance(inner, dict) else document
        return super().validate(document)
