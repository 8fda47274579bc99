"""Bodies that are not read as every other one, for they are written otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable

SPELLING = "bodies.spelling_of_a_body_does_not_matter"


@fault(SPELLING)
class ReadsNoPairs(CreateEnvironmentVariableServer):
    """A character beyond U+FFFF that is written as a pair of escapes is read as two replacement characters."""

    def decode(self, body: bytes) -> str:
        return re.sub(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..", r"\\ufffd\\ufffd", super().decode(body))


@fault(SPELLING)
class KeepsEscapedSlashes(CreateEnvironmentVariableServer):
    """A slash that is escaped keeps its backslash."""

    def decode(self, body: bytes) -> str:
        return re.sub(r"(?<!\\)((?:\\\\)*)\\/", r"\1\\\\/", super().decode(body))


@fault(SPELLING)
class LosesValuesBeforeNames(CreateEnvironmentVariableServer):
    """A value that stands before its name is dropped: there was nothing yet to give it to."""

    def validate(self, document: Any) -> Variable:
        variable, names = super().validate(document), list(document)
        return variable if names.index("name") < names.index("value") else replace(variable, value="")
