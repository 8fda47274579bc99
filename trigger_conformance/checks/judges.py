"""Two judges of an answer's shape, both on the published document: schemathesis' checks and openapi-core."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError

from trigger_conformance.contract.contract import Contract, strict_json
from trigger_conformance.contract.told import INVALID
from trigger_conformance.wire.exchange import Answer, Exchange

if TYPE_CHECKING:
    from schemathesis.core.transport import Response


JSON, PROBLEM = "application/json", "application/problem+json"
# The errors whose bodies the contract speaks of.
ERRORS = (400, 422, 429)
_DEEPEST = 64
_DECIMAL = re.compile(r"-?[0-9]{1,19}")


class DisagreementError(RuntimeError):
    """The judges differ on one answer: an error of the suite, for at most one of them is right."""


@dataclass(frozen=True)
class _Request:
    """What openapi-core needs to know of a request in order to find its operation."""

    body: bytes
    host_url: str
    path: str
    method: str
    content_type: str = "application/json"
    parameters: RequestParameters = field(default_factory=RequestParameters)


@dataclass(frozen=True)
class _Response:
    status_code: int
    content_type: str
    data: bytes
    headers: dict[str, str]


class Judges:
    """Judges the shape of an operation's answers: status, media type, headers, body."""

    def __init__(self, contract: Contract) -> None:
        import schemathesis

        self._openapi = OpenAPI.from_dict(contract.document)
        self._contract = contract
        self._responses: dict[str, Any] = contract.operation["responses"]
        self._host: str = contract.document["servers"][0]["url"]
        # Which values stood in the path says nothing of the answer's shape.
        self._values = {name: name for name in contract.parameters}
        self._path = contract.at(self._values)
        self._operation = schemathesis.openapi.from_dict(contract.document)[contract.path][contract.method.upper()]

    def problem(self, exchange: Exchange) -> str | None:
        """What both judges hold against an answer, or None. Raises DisagreementError where only one of them does.

        A problem document (RFC 9457) is read as the documented error; that it is one is a warning elsewhere.
        """
        if exchange.answer is None:
            return str(exchange.failure)
        documented = _as_documented(exchange.answer)
        if self._lacks_its_json(documented):
            return f"{exchange.outcome}: the body is no JSON"
        exchange = replace(exchange, answer=_readable(self._with_plain_headers(documented)))
        first, second = self._schemathesis(exchange), self._openapi_core(exchange)
        if (first is None) != (second is None):
            raise DisagreementError(
                f"schemathesis says {first or 'fine'}, openapi-core says {second or 'fine'} of {exchange.outcome}"
            )
        return first

    def _lacks_its_json(self, answer: Answer) -> bool:
        documented = self._responses.get(str(answer.status), {}).get("content", {})
        return answer.media_type in documented and strict_json(answer.body) is INVALID

    def _with_plain_headers(self, answer: Answer) -> Answer:
        """``answer`` with header names as the document writes them, since openapi-core minds their letter case.

        Without what the judges differ on: numbers that are no plain decimals, which the rules of rate limits judge, and
        the parameters and letter case of a media type (RFC 9110 8.3.1).
        """
        documented = self._contract.headers(answer.status)
        names = {name.lower(): name for name in documented}
        plain = [(name, answer.media_type if name.lower() == "content-type" else value)
                 for name, value in answer.headers]  # fmt: skip
        written = ((names.get(name.lower(), name), value) for name, value in plain)
        return replace(answer, headers=tuple(
            (name, value) for name, value in written
            if documented.get(name) != "integer" or _DECIMAL.fullmatch(value)
        ))  # fmt: skip

    def _schemathesis(self, exchange: Exchange) -> str | None:
        from schemathesis.checks import load_all_checks
        from schemathesis.core.failures import FailureGroup
        from schemathesis.specs.openapi import checks

        load_all_checks()
        method: Any = self._contract.method.upper()
        case = self._operation.Case(method=method, path_parameters=dict(self._values), media_type="application/json")
        try:
            case.validate_response(
                self._response(exchange),
                checks=[
                    checks.status_code_conformance,
                    checks.content_type_conformance,
                    checks.response_headers_conformance,
                    checks.response_schema_conformance,
                ],
            )
        except FailureGroup as group:
            return "; ".join(f"{failure.title}: {failure.message.splitlines()[0]}" for failure in group.exceptions)
        return None

    def _openapi_core(self, exchange: Exchange) -> str | None:
        answer = exchange.answer
        assert answer is not None
        response = _Response(answer.status, answer.media_type, answer.body, dict(answer.headers))
        request: Any = _Request(exchange.request.body, self._host, self._path, self._contract.method)
        try:
            self._openapi.validate_response(request, response)
        except OpenAPIError as error:
            return f"{error}: {error.__cause__ or ''}".rstrip(": ")
        return None

    def _response(self, exchange: Exchange) -> Response:
        import requests
        from schemathesis.core.transport import Response

        answer = exchange.answer
        assert answer is not None
        sent = requests.Request(
            self._contract.method.upper(), f"http://target{self._path}", data=exchange.request.body
        ).prepare()
        names = {name.lower() for name, _ in answer.headers}
        return Response(
            status_code=answer.status,
            headers={name: answer.all(name) for name in names},
            content=answer.body,
            request=sent,
            elapsed=exchange.ended - exchange.started,
            verify=True,
            message=answer.reason,
            encoding="utf-8",
        )


def _as_documented(answer: Answer) -> Answer:
    if answer.status not in ERRORS or answer.media_type != PROBLEM:
        return answer
    headers = [(name, JSON if name.lower() == "content-type" else value) for name, value in answer.headers]
    return replace(answer, headers=tuple(headers))


def _readable(answer: Answer) -> Answer:
    """``answer`` with what JSON can hold but the judges cannot take replaced by its like in text and numbers."""
    if answer.json is None:
        return answer
    plain = json.dumps(_plain(answer.json), ensure_ascii=False).encode("utf-8", "replace")
    return replace(answer, body=plain)


def _plain(value: Any, depth: int = 0) -> Any:
    match value:
        case list() | dict() if depth >= _DEEPEST:
            return type(value)()
        case list():
            return [_plain(each, depth + 1) for each in value]
        case dict():
            return {name: _plain(each, depth + 1) for name, each in value.items()}
        case float() if math.isinf(value):
            return math.copysign(sys.float_info.max, value)
    return value
