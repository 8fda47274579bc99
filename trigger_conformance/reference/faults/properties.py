"""The body as a whole: lenient parsers, JSON library quirks, bodies that are too much."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import OperationServer, Problem
from trigger_conformance.reference.site import Environment

NO_OBJECT = "bodies.body_must_be_a_json_object"
MALFORMED = "bodies.malformed_json_is_rejected"
UTF8 = "bodies.invalid_utf8_is_rejected"


class ActsOnRejections(OperationServer):
    """Does something of its own with the object that a rejected request asked for."""

    async def answer(self, request: Request, environment: Environment) -> Response:
        body = await request.body()
        try:
            return await super().answer(request, environment)
        except Problem:
            with contextlib.suppress(Problem):
                document = self.parse(body)
                if isinstance(document, dict):
                    await self.act(environment, document)
            raise

    async def act(self, environment: Environment, document: dict[str, Any]) -> None:
        raise NotImplementedError


class _Parsing(OperationServer):
    """Repairs a body before it is parsed."""

    def decode(self, body: bytes) -> str:
        return self.repair(super().decode(body))

    def repair(self, text: str) -> str:
        raise NotImplementedError


@fault(NO_OBJECT)
class TakesTheFirstOfAList(OperationServer):
    """An array of one order is an order."""

    def validate(self, document: Any) -> Any:
        return super().validate(document[0] if isinstance(document, list) and len(document) == 1 else document)


@fault(NO_OBJECT)
class ParsesTwice(OperationServer):
    """A string that holds an object is parsed once more."""

    def validate(self, document: Any) -> Any:
        if isinstance(document, str):
            with contextlib.suppress(ValueError):
                document = json.loads(document)
        return super().validate(document)


@fault(NO_OBJECT, "answers.never_a_server_error")
class FailsOnOtherBodies(OperationServer):
    """A body that is no object is answered 500."""

    def validate(self, document: Any) -> Any:
        if not isinstance(document, dict):
            raise Problem(500, "Cannot read properties of undefined")
        return super().validate(document)


@fault(MALFORMED)
class AllowsTrailingCommas(_Parsing):
    """A trailing comma is let pass."""

    def repair(self, text: str) -> str:
        return re.sub(r",\s*}$", "}", text)


@fault(MALFORMED)
class AllowsSingleQuotes(_Parsing):
    """A Python literal is let pass for JSON."""

    def repair(self, text: str) -> str:
        if "'" in text and '"' not in text:
            with contextlib.suppress(ValueError, SyntaxError):
                return json.dumps(ast.literal_eval(text))
        return text


@fault(MALFORMED)
class AllowsBareNames(_Parsing):
    """Names need no quotes, as in JSON5."""

    def repair(self, text: str) -> str:
        return re.sub(r"([{,])(\w+):", r'\1"\2":', text)


@fault(MALFORMED)
class AllowsBlockComments(_Parsing):
    """Block comments are let pass."""

    def repair(self, text: str) -> str:
        return re.sub(r"/\*.*?\*/", "", text)


@fault(MALFORMED)
class AllowsLineComments(_Parsing):
    """Line comments are let pass."""

    def repair(self, text: str) -> str:
        return re.sub(r"}// \w+$", "}", text)


@fault(MALFORMED)
class ReadsTheFirstDocument(OperationServer):
    """Whatever follows the first document is ignored."""

    def parse(self, body: bytes) -> Any:
        try:
            return json.JSONDecoder(parse_constant=self.constant).raw_decode(self.decode(body))[0]
        except (ValueError, RecursionError) as error:
            raise Problem(400, "The body is not valid JSON") from error


@fault(MALFORMED)
class ClosesOpenObjects(_Parsing):
    """A body that was cut short is completed."""

    def repair(self, text: str) -> str:
        return text + "}" if text.startswith("{") and not text.endswith("}") and text.count('"') % 2 == 0 else text


@fault(MALFORMED)
class AllowsLeadingZeros(_Parsing):
    """01 is 1."""

    def repair(self, text: str) -> str:
        return re.sub(r":0+([1-9])", r":\1", text)


@fault(MALFORMED)
class AllowsPlusSigns(_Parsing):
    """+1 is 1."""

    def repair(self, text: str) -> str:
        return text.replace(":+", ":")


@fault(MALFORMED)
class AllowsHexadecimal(_Parsing):
    """0x1 is 1."""

    def repair(self, text: str) -> str:
        return re.sub(r"(?<=[:\[,\s])0x([0-9a-f]+)", lambda found: str(int(found[1], 16)), text)


@fault(MALFORMED)
class AllowsControlCharacters(OperationServer):
    """A raw line break in a string is let pass."""

    def parse(self, body: bytes) -> Any:
        try:
            return json.loads(self.decode(body), parse_constant=self.constant, strict=False)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "The body is not valid JSON") from error


@fault(MALFORMED)
class DropsUnknownEscapes(_Parsing):
    """An unknown escape stands for its letter."""

    def repair(self, text: str) -> str:
        return re.sub(r'\\(?![\\"/bfnrtu])', "", text)


@fault("bodies.spelling_of_a_body_does_not_matter")
class KnowsNoEscapedNames(_Parsing):
    """A property whose name is written with escapes is another one: its bytes are compared."""

    def repair(self, text: str) -> str:
        return re.sub(r'"((?:[^"\\]|\\.)*\\u[0-9a-f]{4}(?:[^"\\]|\\.)*)"(?=\s*:)', r'"_\1"', text)


@fault("bodies.utf16_and_utf32_are_rejected")
class DetectsEncodings(OperationServer):
    """UTF-16 is detected and read, as Python's json.loads does with bytes."""

    def decode(self, body: bytes) -> str:
        return body.decode(json.detect_encoding(body)) if body else ""


@fault(MALFORMED, "answers.never_a_server_error")
class FailsOnMalformedBodies(OperationServer):
    """A syntax error is answered 500."""

    def parse(self, body: bytes) -> Any:
        try:
            return super().parse(body)
        except Problem as problem:
            raise Problem(500, "Unexpected token in JSON") from problem


@fault(UTF8)
class ReplacesBrokenUtf8(OperationServer):
    """Invalid UTF-8 becomes replacement characters."""

    def decode(self, body: bytes) -> str:
        return body.decode("utf-8", "replace")


@fault(UTF8)
class FallsBackToLatin1(OperationServer):
    """What is no UTF-8 is read as Latin-1."""

    def decode(self, body: bytes) -> str:
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            return body.decode("latin-1")


@fault(UTF8)
class AllowsEncodedSurrogates(OperationServer):
    """Surrogates encoded in UTF-8 are let pass."""

    def decode(self, body: bytes) -> str:
        return body.decode("utf-8", "surrogatepass")


@fault(UTF8)
class AllowsOverlongForms(OperationServer):
    """An overlong slash is let pass."""

    def decode(self, body: bytes) -> str:
        return body.replace(b"\xc0\xaf", b"/").decode("utf-8")


@fault("bodies.deep_and_large_bodies_are_answered", "answers.never_a_server_error")
class FailsOnDeepNesting(OperationServer):
    """Deep nesting overflows the stack."""

    def parse(self, body: bytes) -> Any:
        if body.count(b"[") > 5_000 or body.count(b"{") > 5_000:
            raise Problem(500, "Maximum call stack size exceeded")
        return super().parse(body)


@fault("bodies.deep_and_large_bodies_are_answered", "answers.never_a_server_error")
class FailsOnLargeBodies(OperationServer):
    """A body over 100 kB is answered 500."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if len(body) > 500_000:
            raise Problem(500, "request entity too large")
        return body


@fault("bodies.deep_and_large_bodies_are_answered")
class RefusesLargeBodiesWrongly(OperationServer):
    """A body over 100 kB is answered 403 by a gateway."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if len(body) > 500_000:
            raise Problem(403, "blocked")
        return body


@fault("answers.answers_come_in_time")
class TakesForeverOnDeepNesting(OperationServer):
    """Deep nesting of objects takes a validator longer than anyone waits."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if body.count(b"{") > 5_000:
            await asyncio.sleep(60)
        return body
