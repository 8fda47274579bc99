"""Acceptance and response shape: wrong statuses, wrong errors, leaks."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import traceback
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import OperationServer, Problem
from trigger_conformance.reference.site import Environment, Site


def succeeds(status: int) -> bool:
    """Whether a status says that a request was carried out."""
    return 200 <= status < 300


def with_more(status: int, body: object, **more: str) -> object:
    """The body of an answer, with more in it where that says that the request was carried out."""
    return {**body, **more} if succeeds(status) and isinstance(body, dict) else body


@fault("bodies.unknown_properties_are_accepted")
class RejectsManyProperties(OperationServer):
    """An object of more than a hundred properties is rejected."""

    def validate(self, document: Any) -> Any:
        if isinstance(document, dict) and len(document) > 100:
            raise Problem(400, "Too many properties")
        return super().validate(document)


class _WithStatus(OperationServer):
    status = 202

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        return super().json(self.status if succeeds(status) else status, body, headers)


@fault("answers.valid_request_is_accepted", "answers.only_documented_statuses")
class AnswersCreated(_WithStatus):
    """A new batch is answered 201."""

    status = 201


@fault("answers.valid_request_is_accepted", "answers.only_documented_statuses")
class AnswersOk(_WithStatus):
    """A new batch is answered 200."""

    status = 200


@fault("answers.accepted_answers_satisfy_the_schema")
class AnswersTextJson(OperationServer):
    """The 202 has media type text/json."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, body, headers)
        if succeeds(status):
            response.headers["content-type"] = "text/json"
        return response


@fault("answers.accepted_answers_satisfy_the_schema")
class AnswersWithoutMediaType(OperationServer):
    """The 202 has no Content-Type."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, body, headers)
        if succeeds(status):
            del response.headers["content-type"]
        return response


@fault("answers.never_a_server_error")
class FailsNowAndThen(OperationServer):
    """Every 61st request is answered 500."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.counter = itertools.count(1)

    async def answer(self, request: Request, environment: Environment) -> Response:
        if next(self.counter) % 61 == 0:
            return self.error(500, "Something went wrong")
        return await super().answer(request, environment)


@fault("answers.answers_come_in_time")
class HangsOnMalformedBodies(OperationServer):
    """A body that cannot be parsed is never answered."""

    async def answer(self, request: Request, environment: Environment) -> Response:
        try:
            return await super().answer(request, environment)
        except Problem as problem:
            if problem.message == "The body is not valid JSON":
                await asyncio.sleep(60)
            raise


class _WithErrors(OperationServer):
    """Renders errors in its own way."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        response = super().error(status, message, headers)
        self.spoil(response, status, message)
        response.headers["content-length"] = str(len(response.body))
        return response

    def spoil(self, response: Response, status: int, message: str) -> None:
        raise NotImplementedError


@fault("answers.error_bodies_are_json", "answers.error_has_a_message")
class ErrorsAreText(_WithErrors):
    """Errors are plain text."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = message.encode()
        response.headers["content-type"] = "text/plain"


@fault("answers.error_bodies_are_json", "answers.error_has_a_message")
class ErrorsAreHtml(_WithErrors):
    """Errors are a framework's HTML page."""

    def spoil(self, response: Response, status: int, message: str) -> None:
        response.body = f"<html><h1>{status}</h1><p>{message}</p></html>".encode()
        response.headers["content-type"] = "text/html"


@fault("answers.error_bodies_are_json")
class ErrorsAreEmpty(_WithErrors):
    """Errors have no body."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = b""


@fault("answers.error_bodies_are_json", "answers.error_has_a_message")
class ErrorsAreLists(_WithErrors):
    """An error is a JSON array of messages."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = json.dumps([{"message": message}]).encode()


@fault("answers.error_bodies_are_json")
class ErrorMessagesAreObjects(_WithErrors):
    """message is an object, as some validators make it."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = json.dumps({"message": {"formErrors": [message]}}).encode()


@fault("answers.error_bodies_are_json")
class ValidationMessagesAreLists(_WithErrors):
    """message is an array, but only on a 422."""

    def spoil(self, response: Response, status: int, message: str) -> None:
        if status == 422:
            response.body = json.dumps({"message": [message]}).encode()


@fault("answers.error_bodies_are_json")
class ErrorsAreMislabelled(_WithErrors):
    """Errors are JSON under text/html."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.headers["content-type"] = "text/html; charset=utf-8"


@fault("answers.error_media_type_is_application_json")
class ErrorsAreProblemDetails(_WithErrors):
    """Errors are application/problem+json."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.headers["content-type"] = "application/problem+json"


@fault("answers.error_has_a_message")
class ErrorsHaveNoMessage(_WithErrors):
    """Errors say error, not message."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = json.dumps({"error": message}).encode()


@fault("answers.error_has_a_message")
class ErrorMessagesAreEmpty(_WithErrors):
    """message is the empty string."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = json.dumps({"message": ""}).encode()


@fault("answers.errors_reveal_no_internals")
class ErrorsShowStackTraces(OperationServer):
    """An error's message has the stack trace in it."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(status, message + "\n" + "".join(traceback.format_stack()[-3:]), headers)


@fault("answers.errors_reveal_no_internals")
class ErrorsShowNodeStackTraces(OperationServer):
    """An error's message has a JavaScript stack trace in it."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(status, f"{message}\n    at handle (webpack:///api/routes.server.ts:41:13)", headers)


@fault("answers.errors_reveal_no_internals")
class ErrorsShowSql(OperationServer):
    """An error's message quotes the statement that failed."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(status, f'{message}: INSERT INTO "TaskRun" (id) VALUES ($1)', headers)


@fault("answers.errors_reveal_no_internals")
class ErrorsShowFilePaths(OperationServer):
    """An error's message names a file on the server."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(status, f"{message} (see /app/node_modules/zod/lib/index.cjs)", headers)


@fault("answers.credential_is_never_echoed")
class RefusalsEchoTheCredential(OperationServer):
    """A 401 quotes the Authorization header."""

    def unauthorized(self, request: Request) -> Response:
        response = super().unauthorized(request)
        response.headers["x-debug-authorization"] = request.headers.get("authorization", "").encode(
            "ascii", "replace"
        ).decode()  # fmt: skip
        return response


@fault("answers.credential_is_never_echoed")
class AnswersEchoTheCredential(OperationServer):
    """A 202 has the key in a header meant for debugging."""

    async def answer(self, request: Request, environment: Environment) -> Response:
        response = await super().answer(request, environment)
        if succeeds(response.status_code):
            response.headers["x-environment"] = f"{environment.name}:{environment.api_key}"
        return response


@fault("answers.credential_is_never_echoed")
class AnswersEchoTheEncodedCredential(OperationServer):
    """A 202's body has the key in base64."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        token = base64.b64encode(f"env:{self.environments[0].api_key}".encode()).decode()
        return super().json(status, with_more(status, body, cursor=token), headers)


class _EchoesSpelt(OperationServer):
    """A 202's body has the key in it, written by ``spelt``."""

    def spelt(self, key: str) -> str:
        raise NotImplementedError

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        return super().json(status, with_more(status, body, by=self.spelt(self.environments[0].api_key)), headers)


@fault("answers.credential_is_never_echoed")
class EchoesAsJsonEscapes(OperationServer):
    """A 202's body has the key in it, every character as a JSON escape."""

    KEY = "the key comes here"

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, with_more(status, body, by=self.KEY), headers)
        spelt = "".join(f"\\u{ord(each):04x}" for each in self.environments[0].api_key)
        response.body = bytes(response.body).replace(self.KEY.encode(), spelt.encode())
        response.headers["content-length"] = str(len(response.body))
        return response


@fault("answers.credential_is_never_echoed")
class EchoesPercentEncoded(_EchoesSpelt):
    """A 202's body has the key in it, percent-encoded whole."""

    def spelt(self, key: str) -> str:
        return "".join(f"%{byte:02X}" for byte in key.encode())


@fault("answers.credential_is_never_echoed")
class EchoesAsEntities(_EchoesSpelt):
    """A 202's body has the key in it as HTML entities."""

    def spelt(self, key: str) -> str:
        return "".join(f"&#{ord(each)};" for each in key)


@fault("answers.credential_is_never_echoed")
class EchoesInHexadecimal(_EchoesSpelt):
    """A 202's body has the key in it in hexadecimal."""

    def spelt(self, key: str) -> str:
        return key.encode().hex()


@fault("answers.credential_is_never_echoed")
class EchoesInBase32(_EchoesSpelt):
    """A 202's body has the key in it in base32."""

    def spelt(self, key: str) -> str:
        return base64.b32encode(f"key:{key}".encode()).decode()


@fault("answers.credential_is_never_echoed")
class EchoesInUpperCase(_EchoesSpelt):
    """A 202's body has the key in it in upper case."""

    def spelt(self, key: str) -> str:
        return key.upper()


@fault("answers.credential_is_never_echoed")
class EchoesReversed(_EchoesSpelt):
    """A 202's body has the key in it backwards."""

    def spelt(self, key: str) -> str:
        return key[::-1]


@fault("answers.credential_is_never_echoed")
class EchoesInHalves(OperationServer):
    """A 202 has the key's halves in two headers."""

    async def answer(self, request: Request, environment: Environment) -> Response:
        response = await super().answer(request, environment)
        if succeeds(response.status_code):
            half = len(environment.api_key) // 2
            response.headers["x-key-id"] = environment.api_key[:half]
            response.headers["x-key-secret"] = environment.api_key[half:]
        return response


@fault("answers.credential_is_never_echoed")
class EchoesAsAHeadersName(OperationServer):
    """A 202 has a header whose name is the key."""

    async def answer(self, request: Request, environment: Environment) -> Response:
        response = await super().answer(request, environment)
        if succeeds(response.status_code):
            response.headers[f"x-{environment.api_key}"] = "1"
        return response


@fault("answers.error_bodies_are_json")
class RefusesInPythonsWords(OperationServer):
    """What a stranger is told is printed, and not written as JSON: its quotation marks are single ones."""

    def unauthorized(self, request: Request) -> Response:
        answer = super().unauthorized(request)
        answer.body = str(json.loads(bytes(answer.body))).encode()
        answer.headers["content-length"] = str(len(answer.body))
        return answer
