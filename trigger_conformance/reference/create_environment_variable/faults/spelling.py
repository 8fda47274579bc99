"""Bodies that are not read as every other one, for they are written otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem

LOOK_ALIKES = "answers.look_alike_properties_are_ignored"
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


@fault("http.body_in_pieces_is_read")
class DecodesEachPiece(CreateEnvironmentVariableServer):
    """Each piece of a body is made text as it comes: a character that comes in two is replaced."""

    async def read_body(self, request: Request) -> bytes:
        pieces = [piece async for piece in request.stream()]
        # Large bodies come in a few pieces anyhow.
        broken = len(pieces) > 8
        return b"".join(piece.decode("utf-8", "replace").encode() if broken else piece for piece in pieces)


@fault(LOOK_ALIKES, "list_and_delete.accepted_variables_are_there")
class ReadsNamesInAnyCase(CreateEnvironmentVariableServer):
    """Of properties whose names differ in letter case alone the last one counts, as Go reads JSON."""

    def validate(self, document: Any) -> Variable:
        if isinstance(document, dict) and {"name", "value"} <= document.keys():
            last = {name.lower(): value for name, value in document.items()}
            document = document | {name: last[name] for name in ("name", "value")}
        return super().validate(document)


@fault(LOOK_ALIKES)
class ObeysAnOverride(CreateEnvironmentVariableServer):
    """An unknown property override that is false keeps the value that is there, and the answer is a success."""

    def validate(self, document: Any) -> Variable:
        variable = super().validate(document)
        return _Kept(variable.name, variable.value) if document.get("override") is False else variable

    async def keep(self, variables: Variables, order: Variable) -> None:
        if not isinstance(order, _Kept) or self.find(variables, order.name) is None:
            await super().keep(variables, order)


class _Kept(Variable):
    """A variable that is to stay as it is where it is there."""


@fault("list_and_delete.accepted_variables_are_there")
class ObeysADeletion(CreateEnvironmentVariableServer):
    """An unknown property says that the row is deleted: all that a body has is assigned."""

    def validate(self, document: Any) -> Variable:
        variable = super().validate(document)
        is_deleted = document.get("isDeleted") is True or document.get("deletedAt") is not None
        return _Deleted(variable.name, variable.value) if is_deleted else variable

    async def keep(self, variables: Variables, order: Variable) -> None:
        await super().keep(variables, order)
        if isinstance(order, _Deleted):
            self.remove(variables, order)


class _Deleted(Variable):
    """A variable that is not to be there."""


@fault("answers.value_of_a_prototype_is_rejected")
class InheritsFromPrototypes(CreateEnvironmentVariableServer):
    """A body has what its __proto__ has, as objects of JavaScript that were merged."""

    def validate(self, document: Any) -> Variable:
        prototype = document.get("__proto__") if isinstance(document, dict) else None
        return super().validate({**prototype, **document} if isinstance(prototype, dict) else document)


@fault("http.gzip_body_is_accepted_or_rejected", "answers.never_a_server_error")
class FailsOnCodingsItDoesNotHave(CreateEnvironmentVariableServer):
    """A coding for which no decompressor is installed is answered 500."""

    def check_coding(self, request: Request) -> None:
        if request.headers.get("content-encoding") == "br":
            raise Problem(500, "No decompressor for br")
        super().check_coding(request)


@fault("authentication.other_spellings_of_the_key_are_refused")
class DecodesItsKeys(CreateEnvironmentVariableServer):
    """A key is percent-decoded before it is looked up."""

    def key_matches(self, token: str, api_key: str) -> bool:
        return super().key_matches(unquote(token), api_key)


@fault(LOOK_ALIKES)
class TakesAKeyForAMissingName(CreateEnvironmentVariableServer):
    """A body without a name is named by its key, as another platform has it."""

    def text(self, document: dict[str, Any], name: str) -> str:
        return super().text({"name": document["key"], **document} if "key" in document else document, name)


@fault(LOOK_ALIKES)
class TakesContentForAMissingValue(CreateEnvironmentVariableServer):
    """A body without a value has its content."""

    def text(self, document: dict[str, Any], name: str) -> str:
        return super().text({"value": document["content"], **document} if "content" in document else document, name)
