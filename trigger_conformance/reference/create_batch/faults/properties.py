"""The properties beside runCount: lenient types, bodies that are completed, parents."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Order
from trigger_conformance.reference.faults.properties import ActsOnRejections
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment

PARENT = "properties.mistyped_parent_run_is_rejected"
RESUME = "properties.mistyped_resume_is_rejected"
KEY = "properties.mistyped_key_is_rejected"
NO_OBJECT = "properties.body_must_be_a_json_object"


class _Cleaning(CreateBatchServer):
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
class FailsOnMistypedKeys(CreateBatchServer):
    """A key that is no string is answered 500."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        if not isinstance(document.get("idempotencyKey", ""), str):
            raise Problem(500, "key.trim is not a function")
        return super().check_key(document)


@fault("properties.mistyped_property_creates_nothing", "idempotency.rejected_request_does_not_use_up_its_key")
class ValidatesAfterTheWrite(ActsOnRejections, CreateBatchServer):
    """The key is stored before the other properties are validated."""

    async def act(self, environment: Environment, document: dict[str, Any]) -> None:
        if isinstance(document.get("idempotencyKey"), str):
            await self.create(environment, Order(1, document["idempotencyKey"]))


@fault("properties.mistyped_property_creates_nothing")
class KeepsKeysBesideFractions(ActsOnRejections, CreateBatchServer):
    """A parentRunId that is a fraction is found out by the store, which has the key by then."""

    async def act(self, environment: Environment, document: dict[str, Any]) -> None:
        if isinstance(document.get("parentRunId"), float):
            await self.create(environment, Order(1, document.get("idempotencyKey")))


@fault(NO_OBJECT)
class EmptyBodyIsOne(CreateBatchServer):
    """An empty body is a batch of one."""

    def decode(self, body: bytes) -> str:
        return super().decode(body) or '{"runCount":1}'


@fault(NO_OBJECT)
class NullBodyIsOne(CreateBatchServer):
    """A body of null is a batch of one."""

    def validate(self, document: Any) -> Order:
        return super().validate({"runCount": 1} if document is None else document)


@fault(NO_OBJECT)
class NumberBodyIsARunCount(CreateBatchServer):
    """A body that is a number is its runCount."""

    def validate(self, document: Any) -> Order:
        number = isinstance(document, int) and not isinstance(document, bool)
        return super().validate({"runCount": document} if number else document)


@fault(NO_OBJECT)
class ReadsForms(CreateBatchServer):
    """A form is read whatever the media type says."""

    def decode(self, body: bytes) -> str:
        text = super().decode(body)
        form = dict(parse_qsl(text)) if re.fullmatch(r"\w+=[^{}]*", text) else {}
        return json.dumps({**form, "runCount": int(form["runCount"])}) if "runCount" in form else text


@fault("properties.unknown_parent_run_is_answered", "acceptance.never_a_server_error")
class FailsOnUnknownParents(CreateBatchServer):
    """A parentRunId that names no run is answered 500."""

    def find_parent(self, parent_run: str) -> str:  # noqa: ARG002
        raise Problem(500, "foreign key violated")


@fault("properties.unknown_parent_run_is_answered", "acceptance.never_a_server_error")
class FailsOnLongParents(CreateBatchServer):
    """A parentRunId that its column cannot hold is answered 500."""

    def find_parent(self, parent_run: str) -> str:
        if len(parent_run) > 64:
            raise Problem(500, "value too long for type character varying(64)")
        return super().find_parent(parent_run)


class _LookingParentsUp(CreateBatchServer):
    """Asks another service for a parent run, with an exception that nobody catches where it cannot be asked for."""

    def is_impossible(self, parent_run: str) -> bool:
        raise NotImplementedError

    def find_parent(self, parent_run: str) -> str:
        if self.is_impossible(parent_run):
            raise Problem(500, "the service of runs cannot be reached")
        return super().find_parent(parent_run)


@fault("properties.unknown_parent_run_is_answered", "acceptance.never_a_server_error")
class PutsParentsIntoUrls(_LookingParentsUp):
    """A parentRunId becomes part of a URL as it stands; one with a percent sign makes that malformed."""

    def is_impossible(self, parent_run: str) -> bool:
        return "%" in parent_run


@fault("properties.unknown_parent_run_is_answered", "acceptance.never_a_server_error")
class PutsParentsIntoHeaders(_LookingParentsUp):
    """A parentRunId becomes a header, which cannot have a line break."""

    def is_impossible(self, parent_run: str) -> bool:
        return "\n" in parent_run


@fault("properties.unknown_parent_run_is_answered", "acceptance.never_a_server_error")
class WritesParentsInLatin1(_LookingParentsUp):
    """A parentRunId is handed on in Latin-1, which lacks most letters."""

    def is_impossible(self, parent_run: str) -> bool:
        return any(ord(each) > 0xFF and not 0xD800 <= ord(each) < 0xE000 for each in parent_run)


@fault("properties.unknown_parent_run_is_answered", "acceptance.only_documented_statuses")
class ForbidsUnknownParents(CreateBatchServer):
    """A parentRunId that names no run is answered 403."""

    def find_parent(self, parent_run: str) -> str:  # noqa: ARG002
        raise Problem(403, "not your run")


@fault("properties.unknown_parent_run_is_no_404")
class UnknownParentsAre404(CreateBatchServer):
    """A parentRunId that names no run is answered 404."""

    def find_parent(self, parent_run: str) -> str:  # noqa: ARG002
        raise Problem(404, "no such run")
