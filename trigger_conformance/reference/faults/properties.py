"""The other properties and the body as a whole: lenient types, lenient parsers, JSON library quirks."""

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
from trigger_conformance.reference.server import Problem, ReferenceServer
from trigger_conformance.reference.store import Environment, Order

PARENT = "properties.mistyped_parent_run_is_rejected"
RESUME = "properties.mistyped_resume_is_rejected"
KEY = "properties.mistyped_key_is_rejected"
NO_OBJECT = "properties.body_must_be_a_json_object"
MALFORMED = "properties.malformed_json_is_rejected"
UTF8 = "properties.invalid_utf8_is_rejected"


class _Cleaning(ReferenceServer):
    """Changes the document before it is checked."""

    def validate(self, document: Any) -> Order:
        return super().validate(self.clean(document) if isinstance(document, dict) else document)

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


@fault(PARENT)
class CoercesParentNumbers(_Cleaning):
    """A parentRunId that is a number is dropped."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        return _without(document, "parentRunId", (int,))


@fault(PARENT)
class DropsNullParents(_Cleaning):
    """A parentRunId of null is as none, as ORMs have it."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        return _without(document, "parentRunId", (type(None),))


@fault(PARENT)
class DropsParentLists(_Cleaning):
    """An array as parentRunId is dropped."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        return _without(document, "parentRunId", (list,))


def _without(document: dict[str, Any], name: str, kinds: tuple[type, ...]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name or not isinstance(value, kinds)}


@fault(RESUME)
class ReadsResumeFromText(_Cleaning):
    """resumeParentOnCompletion "true" is true."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        return _without(document, "resumeParentOnCompletion", (str,))


@fault(RESUME)
class ReadsResumeFromNumbers(_Cleaning):
    """resumeParentOnCompletion 1 is true."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        value = document.get("resumeParentOnCompletion")
        number = isinstance(value, int) and not isinstance(value, bool)
        return {**document, "resumeParentOnCompletion": bool(value)} if number else document


@fault(RESUME)
class DropsNullResume(_Cleaning):
    """resumeParentOnCompletion null is false."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        return _without(document, "resumeParentOnCompletion", (type(None),))


@fault(RESUME)
class TakesTruthyResume(_Cleaning):
    """Any array or object will do for resumeParentOnCompletion."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        return _without(document, "resumeParentOnCompletion", (list, dict))


@fault(KEY)
class CoercesKeyNumbers(_Cleaning):
    """The key 1 is the key "1"."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        key = document.get("idempotencyKey")
        number = isinstance(key, int | float) and not isinstance(key, bool)
        return {**document, "idempotencyKey": str(key)} if number else document


@fault(KEY)
class DropsNullKeys(_Cleaning):
    """A key of null is as none."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        return _without(document, "idempotencyKey", (type(None),))


@fault(KEY)
class DropsFalsyKeys(_Cleaning):
    """A key that is 0 or false is as none."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        falsy = "idempotencyKey" in document and document["idempotencyKey"] in (0, False)
        return _without(document, "idempotencyKey", (int,)) if falsy else document


@fault(KEY)
class JoinsKeyLists(_Cleaning):
    """A key that is an array is joined to a string."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        key = document.get("idempotencyKey")
        return {**document, "idempotencyKey": ",".join(map(str, key))} if isinstance(key, list) else document


@fault(KEY)
class SerialisesKeyObjects(_Cleaning):
    """A key that is an object becomes [object Object]."""

    def clean(self, document: dict[str, Any]) -> dict[str, Any]:
        key = document.get("idempotencyKey")
        return {**document, "idempotencyKey": "[object Object]"} if isinstance(key, dict) else document


@fault(KEY, "acceptance.never_a_server_error")
class FailsOnMistypedKeys(ReferenceServer):
    """A key that is no string is answered 500."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        if not isinstance(document.get("idempotencyKey", ""), str):
            raise Problem(500, "key.trim is not a function")
        return super().check_key(document)


@fault("properties.mistyped_property_creates_nothing", "idempotency.rejected_request_does_not_use_up_its_key")
class ValidatesAfterTheWrite(ReferenceServer):
    """The key is stored before the other properties are validated."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        body = await request.body()
        try:
            return await super().create_batch(request, environment)
        except Problem:
            with contextlib.suppress(Problem):
                document = self.parse(body)
                if isinstance(document, dict) and isinstance(document.get("idempotencyKey"), str):
                    await self.create(environment, Order(1, document["idempotencyKey"]))
            raise


class _Parsing(ReferenceServer):
    """Repairs a body before it is parsed."""

    def decode(self, body: bytes) -> str:
        return self.repair(super().decode(body))

    def repair(self, text: str) -> str:
        raise NotImplementedError


@fault(NO_OBJECT)
class TakesTheFirstOfAList(ReferenceServer):
    """An array of one order is an order."""

    def validate(self, document: Any) -> Order:
        return super().validate(document[0] if isinstance(document, list) and len(document) == 1 else document)


@fault(NO_OBJECT)
class ParsesTwice(ReferenceServer):
    """A string that holds an object is parsed once more."""

    def validate(self, document: Any) -> Order:
        if isinstance(document, str):
            with contextlib.suppress(ValueError):
                document = json.loads(document)
        return super().validate(document)


@fault(NO_OBJECT)
class EmptyBodyIsOne(_Parsing):
    """An empty body is a batch of one."""

    def repair(self, text: str) -> str:
        return text or '{"runCount":1}'


@fault(NO_OBJECT)
class NullBodyIsOne(ReferenceServer):
    """A body of null is a batch of one."""

    def validate(self, document: Any) -> Order:
        return super().validate({"runCount": 1} if document is None else document)


@fault(NO_OBJECT)
class NumberBodyIsARunCount(ReferenceServer):
    """A body that is a number is its runCount."""

    def validate(self, document: Any) -> Order:
        number = isinstance(document, int) and not isinstance(document, bool)
        return super().validate({"runCount": document} if number else document)


@fault(NO_OBJECT)
class ReadsForms(_Parsing):
    """A form is read whatever the media type says."""

    def repair(self, text: str) -> str:
        form = re.fullmatch(r"runCount=(\d+)", text)
        return f'{{"runCount":{form[1]}}}' if form else text


@fault(NO_OBJECT, "acceptance.never_a_server_error")
class FailsOnOtherBodies(ReferenceServer):
    """A body that is no object is answered 500."""

    def validate(self, document: Any) -> Order:
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
        return re.sub(r"^\{(\w+):", r'{"\1":', text)


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
class ReadsTheFirstDocument(ReferenceServer):
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
        return re.sub(r":0x([0-9a-f]+)", lambda found: f":{int(found[1], 16)}", text)


@fault(MALFORMED)
class AllowsControlCharacters(ReferenceServer):
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


@fault("properties.utf16_and_utf32_are_rejected")
class DetectsEncodings(ReferenceServer):
    """UTF-16 is detected and read, as Python's json.loads does with bytes."""

    def decode(self, body: bytes) -> str:
        return body.decode(json.detect_encoding(body)) if body else ""


@fault(MALFORMED, "acceptance.never_a_server_error")
class FailsOnMalformedBodies(ReferenceServer):
    """A syntax error is answered 500."""

    def parse(self, body: bytes) -> Any:
        try:
            return super().parse(body)
        except Problem as problem:
            raise Problem(500, "Unexpected token in JSON") from problem


@fault(UTF8)
class ReplacesBrokenUtf8(ReferenceServer):
    """Invalid UTF-8 becomes replacement characters."""

    def decode(self, body: bytes) -> str:
        return body.decode("utf-8", "replace")


@fault(UTF8)
class FallsBackToLatin1(ReferenceServer):
    """What is no UTF-8 is read as Latin-1."""

    def decode(self, body: bytes) -> str:
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            return body.decode("latin-1")


@fault(UTF8)
class AllowsEncodedSurrogates(ReferenceServer):
    """Surrogates encoded in UTF-8 are let pass."""

    def decode(self, body: bytes) -> str:
        return body.decode("utf-8", "surrogatepass")


@fault(UTF8)
class AllowsOverlongForms(ReferenceServer):
    """An overlong slash is let pass."""

    def decode(self, body: bytes) -> str:
        return body.replace(b"\xc0\xaf", b"/").decode("utf-8")


@fault("properties.unknown_parent_run_is_answered", "acceptance.never_a_server_error")
class FailsOnUnknownParents(ReferenceServer):
    """A parentRunId that names no run is answered 500."""

    def find_parent(self, parent_run: str) -> str:  # noqa: ARG002
        raise Problem(500, "foreign key violated")


@fault("properties.unknown_parent_run_is_answered", "acceptance.never_a_server_error")
class FailsOnLongParents(ReferenceServer):
    """A parentRunId that its column cannot hold is answered 500."""

    def find_parent(self, parent_run: str) -> str:
        if len(parent_run) > 64:
            raise Problem(500, "value too long for type character varying(64)")
        return super().find_parent(parent_run)


@fault("properties.unknown_parent_run_is_answered", "acceptance.only_documented_statuses")
class ForbidsUnknownParents(ReferenceServer):
    """A parentRunId that names no run is answered 403."""

    def find_parent(self, parent_run: str) -> str:  # noqa: ARG002
        raise Problem(403, "not your run")


@fault("properties.unknown_parent_run_is_no_404")
class UnknownParentsAre404(ReferenceServer):
    """A parentRunId that names no run is answered 404."""

    def find_parent(self, parent_run: str) -> str:  # noqa: ARG002
        raise Problem(404, "no such run")


@fault("properties.deep_and_large_bodies_are_answered", "acceptance.never_a_server_error")
class FailsOnDeepNesting(ReferenceServer):
    """Deep nesting overflows the stack."""

    def parse(self, body: bytes) -> Any:
        if body.count(b"[") > 5_000 or body.count(b"{") > 5_000:
            raise Problem(500, "Maximum call stack size exceeded")
        return super().parse(body)


@fault("properties.deep_and_large_bodies_are_answered", "acceptance.never_a_server_error")
class FailsOnLargeBodies(ReferenceServer):
    """A body over 100 kB is answered 500."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if len(body) > 500_000:
            raise Problem(500, "request entity too large")
        return body


@fault("properties.deep_and_large_bodies_are_answered")
class RefusesLargeBodiesWrongly(ReferenceServer):
    """A body over 100 kB is answered 403 by a gateway."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if len(body) > 500_000:
            raise Problem(403, "blocked")
        return body


@fault("acceptance.answers_come_in_time")
class TakesForeverOnDeepNesting(ReferenceServer):
    """Deep nesting of objects takes a validator longer than anyone waits."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if body.count(b"{") > 5_000:
            await asyncio.sleep(60)
        return body
