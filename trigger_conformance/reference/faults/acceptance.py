"""Acceptance and response shape: wrong statuses, wrong bodies, wrong tokens, leaks."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import time
import traceback
from collections import Counter
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem, ReferenceServer
from trigger_conformance.reference.settings import Settings
from trigger_conformance.reference.store import Batch, Environment, Order


@fault("acceptance.valid_request_is_accepted")
class DemandsAKey(ReferenceServer):
    """A request without an idempotency key is rejected."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        if "idempotencyKey" not in document:
            raise Problem(400, "idempotencyKey is required")
        return super().check_key(document)


@fault("acceptance.every_subset_of_optional_properties_is_accepted")
class DemandsAParentToResume(ReferenceServer):
    """resumeParentOnCompletion true without parentRunId is rejected."""

    def check_resume(self, document: dict[str, Any]) -> bool:
        resume = super().check_resume(document)
        if resume and "parentRunId" not in document:
            raise Problem(422, "resumeParentOnCompletion needs parentRunId")
        return resume


@fault("acceptance.unknown_properties_are_accepted")
class RejectsUnknownProperties(ReferenceServer):
    """A property that the schema does not name is rejected."""

    def validate(self, document: Any) -> Order:
        known = {"runCount", "idempotencyKey", "parentRunId", "resumeParentOnCompletion"}
        if isinstance(document, dict) and set(document) - known:
            raise Problem(400, "Unrecognized key in object")
        return super().validate(document)


@fault("acceptance.unknown_properties_are_accepted")
class RejectsManyProperties(ReferenceServer):
    """An object of more than twenty properties is rejected."""

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict) and len(document) > 20:
            raise Problem(400, "Too many properties")
        return super().validate(document)


@fault("acceptance.look_alike_properties_are_ignored")
class IgnoresLetterCaseOfProperties(ReferenceServer):
    """RunCount and runcount are taken for runCount, as lenient object mappers do."""

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict):
            proper = {"runcount": "runCount", "idempotencykey": "idempotencyKey"}
            document = {proper.get(name.lower(), name): value for name, value in document.items()}
        return super().validate(document)


@fault("acceptance.look_alike_properties_are_ignored")
class PrefersSnakeCase(ReferenceServer):
    """run_count overrides runCount."""

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict) and "run_count" in document:
            document = {**document, "runCount": document["run_count"]}
        return super().validate(document)


class _WithStatus(ReferenceServer):
    status = 202

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        return super().json(self.status if status == 202 else status, body, headers)


@fault("acceptance.valid_request_is_accepted", "acceptance.only_documented_statuses")
class AnswersCreated(_WithStatus):
    """A new batch is answered 201."""

    status = 201


@fault("acceptance.valid_request_is_accepted", "acceptance.only_documented_statuses")
class AnswersOk(_WithStatus):
    """A new batch is answered 200."""

    status = 200


@fault("acceptance.accepted_answers_satisfy_the_schema")
class AnswersTextJson(ReferenceServer):
    """The 202 has media type text/json."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, body, headers)
        if status == 202:
            response.headers["content-type"] = "text/json"
        return response


@fault("acceptance.accepted_answers_satisfy_the_schema")
class AnswersWithoutMediaType(ReferenceServer):
    """The 202 has no Content-Type."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, body, headers)
        if status == 202:
            del response.headers["content-type"]
        return response


@fault("acceptance.accepted_answers_satisfy_the_schema")
class WrapsTheAnswer(ReferenceServer):
    """The batch comes inside a data property."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        return {"data": super().batch_body(order, batch, cached)}


class _Changed(ReferenceServer):
    """Changes one property of the answer's body."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        body = super().batch_body(order, batch, cached)
        self.change(body, order)
        return body

    def change(self, body: dict[str, Any], order: Order) -> None:
        raise NotImplementedError


@fault("acceptance.accepted_answers_satisfy_the_schema", "acceptance.id_is_a_path_segment")
class IdIsANumber(_Changed):
    """The id is a JSON number."""

    def change(self, body: dict[str, Any], order: Order) -> None:  # noqa: ARG002
        body["id"] = int(body["id"].removeprefix("batch_"), 16) % 2**53


@fault("acceptance.accepted_answers_satisfy_the_schema")
class RunCountIsText(_Changed):
    """runCount comes back as a string, as SQL drivers return bigint."""

    def change(self, body: dict[str, Any], order: Order) -> None:  # noqa: ARG002
        body["runCount"] = str(body["runCount"])


@fault("acceptance.accepted_answers_satisfy_the_schema", "acceptance.new_batch_has_the_requested_run_count")
class RunCountIsAFloat(_Changed):
    """runCount comes back with a fraction of zero."""

    def change(self, body: dict[str, Any], order: Order) -> None:  # noqa: ARG002
        body["runCount"] = float(body["runCount"])


@fault("acceptance.accepted_answers_satisfy_the_schema")
class RunCountMissing(_Changed):
    """The answer has no runCount."""

    def change(self, body: dict[str, Any], order: Order) -> None:  # noqa: ARG002
        del body["runCount"]


@fault("acceptance.accepted_answers_satisfy_the_schema")
class IsCachedIsANumber(_Changed):
    """isCached is 0 or 1, as SQLite stores booleans."""

    def change(self, body: dict[str, Any], order: Order) -> None:  # noqa: ARG002
        body["isCached"] = int(body["isCached"])


@fault("acceptance.accepted_answers_satisfy_the_schema")
class IsCachedOnlyWhenTrue(_Changed):
    """isCached is left out of the answer for a new batch."""

    def change(self, body: dict[str, Any], order: Order) -> None:  # noqa: ARG002
        if not body["isCached"]:
            del body["isCached"]


@fault("acceptance.new_batch_is_not_cached")
class CachedWithoutAKey(_Changed):
    """A batch without a key says isCached true."""

    def change(self, body: dict[str, Any], order: Order) -> None:
        body["isCached"] = body["isCached"] or order.key is None


@fault("acceptance.answered_key_is_the_requests", "acceptance.accepted_answers_satisfy_the_schema")
class KeyIsNullWhenNoneWasSent(_Changed):
    """idempotencyKey is null in the answer to a request without one."""

    def change(self, body: dict[str, Any], order: Order) -> None:  # noqa: ARG002
        body.setdefault("idempotencyKey", None)


@fault("acceptance.answered_key_is_the_requests")
class KeyIsMadeUp(_Changed):
    """The server invents a key where none was sent."""

    def change(self, body: dict[str, Any], order: Order) -> None:  # noqa: ARG002
        body.setdefault("idempotencyKey", body["id"])


@fault("acceptance.answered_key_is_the_requests")
class KeyIsHashed(_Changed):
    """The answer names the key's hash instead of the key."""

    def change(self, body: dict[str, Any], order: Order) -> None:
        if order.key is not None:
            body["idempotencyKey"] = f"{hash(order.key):x}"


@fault("acceptance.answered_key_is_the_requests")
class KeyIsShortenedInTheAnswer(_Changed):
    """The answer names only the key's first 64 characters."""

    def change(self, body: dict[str, Any], order: Order) -> None:
        if order.key is not None:
            body["idempotencyKey"] = order.key[:64]


@fault("acceptance.answered_key_is_the_requests")
class KeyIsEscapedInTheAnswer(_Changed):
    """The answer escapes the key for HTML."""

    def change(self, body: dict[str, Any], order: Order) -> None:
        if order.key is not None:
            body["idempotencyKey"] = order.key.replace("&", "&amp;").replace('"', "&quot;").replace("'", "&#39;")


@fault("acceptance.answer_names_the_key")
class KeyIsNeverAnswered(_Changed):
    """The answer never names the key."""

    def change(self, body: dict[str, Any], order: Order) -> None:  # noqa: ARG002
        body.pop("idempotencyKey", None)


@fault("acceptance.new_batch_has_the_requested_run_count")
class RunCountIsOneLess(_Changed):
    """The answer's runCount is one less than the request's, but never 0."""

    def change(self, body: dict[str, Any], order: Order) -> None:  # noqa: ARG002
        body["runCount"] = max(1, body["runCount"] - 1)


class _WithId(ReferenceServer):
    form = "{}"

    def new_id(self) -> str:
        return self.form.format(super().new_id())


@fault("acceptance.id_is_a_path_segment")
class IdIsEmpty(_WithId):
    """The id is the empty string."""

    form = ""


@fault("acceptance.id_is_a_path_segment")
class IdHasASlash(_WithId):
    """The id is two path segments."""

    form = "batches/{}"


@fault("acceptance.id_is_a_path_segment")
class IdHasAHash(_WithId):
    """The id begins a fragment."""

    form = "#{}"


@fault("acceptance.id_is_a_path_segment")
class IdHasASpace(_WithId):
    """The id has a space in it."""

    form = "batch {}"


@fault("acceptance.id_is_a_path_segment")
class IdHasPadding(_WithId):
    """The id holds base64's slash and plus signs and a question mark."""

    form = "{}?="


@fault("acceptance.ids_are_never_given_twice")
class IdsRepeat(ReferenceServer):
    """Ids come from a counter that wraps after 40."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.counter = itertools.count()

    def new_id(self) -> str:
        return f"batch_{next(self.counter) % 40}"


@fault("acceptance.ids_are_never_given_twice")
class IdsFromTheClock(ReferenceServer):
    """An id is the time in hundredths of a second."""

    def new_id(self) -> str:
        return f"batch_{int(time.time() * 100)}"


@fault("acceptance.ids_are_never_given_twice")
class IdsByEnvironment(ReferenceServer):
    """An id counts the batches of its environment, so two environments share ids."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        self.made[environment.name] += 1
        self.count = self.made[environment.name]
        return await super().create(environment, order)

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.made: Counter[str] = Counter()

    def new_id(self) -> str:
        return f"batch_{self.count}"


@fault("acceptance.never_a_server_error")
class FailsNowAndThen(ReferenceServer):
    """Every 61st request is answered 500."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.counter = itertools.count(1)

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        if next(self.counter) % 61 == 0:
            return self.error(500, "Something went wrong")
        return await super().create_batch(request, environment)


@fault("acceptance.answers_come_in_time")
class HangsOnMalformedBodies(ReferenceServer):
    """A body that cannot be parsed is never answered."""

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        try:
            return await super().create_batch(request, environment)
        except Problem as problem:
            if problem.message == "The body is not valid JSON":
                await asyncio.sleep(60)
            raise


@fault("acceptance.only_documented_statuses")
class AnswersConflictToOtherBodies(ReferenceServer):
    """A replay with another runCount is answered 409."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None and existing.run_count != order.run_count:
            raise Problem(409, "The key was used with another body")
        return existing


class _WithErrors(ReferenceServer):
    """Renders errors in its own way."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        response = super().error(status, message, headers)
        self.spoil(response, status, message)
        response.headers["content-length"] = str(len(response.body))
        return response

    def spoil(self, response: Response, status: int, message: str) -> None:
        raise NotImplementedError


@fault("acceptance.error_bodies_are_json")
class ErrorsAreText(_WithErrors):
    """Errors are plain text."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = message.encode()
        response.headers["content-type"] = "text/plain"


@fault("acceptance.error_bodies_are_json")
class ErrorsAreHtml(_WithErrors):
    """Errors are a framework's HTML page."""

    def spoil(self, response: Response, status: int, message: str) -> None:
        response.body = f"<html><h1>{status}</h1><p>{message}</p></html>".encode()
        response.headers["content-type"] = "text/html"


@fault("acceptance.error_bodies_are_json")
class ErrorsAreEmpty(_WithErrors):
    """Errors have no body."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = b""


@fault("acceptance.error_bodies_are_json")
class ErrorsAreLists(_WithErrors):
    """An error is a JSON array of messages."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = json.dumps([{"message": message}]).encode()


@fault("acceptance.error_bodies_are_json")
class ErrorMessagesAreObjects(_WithErrors):
    """message is an object, as some validators make it."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = json.dumps({"message": {"formErrors": [message]}}).encode()


@fault("acceptance.error_bodies_are_json")
class ValidationMessagesAreLists(_WithErrors):
    """message is an array, but only on a 422."""

    def spoil(self, response: Response, status: int, message: str) -> None:
        if status == 422:
            response.body = json.dumps({"message": [message]}).encode()


@fault("acceptance.error_bodies_are_json")
class ErrorsAreMislabelled(_WithErrors):
    """Errors are JSON under text/html."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.headers["content-type"] = "text/html; charset=utf-8"


@fault("acceptance.error_media_type_is_application_json")
class ErrorsAreProblemDetails(_WithErrors):
    """Errors are application/problem+json."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.headers["content-type"] = "application/problem+json"


@fault("acceptance.error_has_a_message")
class ErrorsHaveNoMessage(_WithErrors):
    """Errors say error, not message."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = json.dumps({"error": message}).encode()


@fault("acceptance.error_has_a_message")
class ErrorMessagesAreEmpty(_WithErrors):
    """message is the empty string."""

    def spoil(self, response: Response, status: int, message: str) -> None:  # noqa: ARG002
        response.body = json.dumps({"message": ""}).encode()


@fault("acceptance.errors_reveal_no_internals")
class ErrorsShowStackTraces(ReferenceServer):
    """An error's message has the stack trace in it."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(status, message + "\n" + "".join(traceback.format_stack()[-3:]), headers)


@fault("acceptance.errors_reveal_no_internals")
class ErrorsShowNodeStackTraces(ReferenceServer):
    """An error's message has a JavaScript stack trace in it."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(status, f"{message}\n    at createBatch (webpack:///api/batches.server.ts:41:13)", headers)


@fault("acceptance.errors_reveal_no_internals")
class ErrorsShowSql(ReferenceServer):
    """An error's message quotes the statement that failed."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(status, f'{message}: INSERT INTO "BatchTaskRun" (id) VALUES ($1)', headers)


@fault("acceptance.errors_reveal_no_internals")
class ErrorsShowFilePaths(ReferenceServer):
    """An error's message names a file on the server."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(status, f"{message} (see /app/node_modules/zod/lib/index.cjs)", headers)


@fault("acceptance.credential_is_never_echoed")
class RefusalsEchoTheCredential(ReferenceServer):
    """A 401 quotes the Authorization header."""

    def unauthorized(self, request: Request) -> Response:
        response = super().unauthorized(request)
        response.headers["x-debug-authorization"] = request.headers.get("authorization", "").encode(
            "ascii", "replace"
        ).decode()  # fmt: skip
        return response


@fault("acceptance.credential_is_never_echoed")
class AnswersEchoTheCredential(ReferenceServer):
    """A 202 has the key in a header meant for debugging."""

    def accepted(self, environment: Environment, *rest: Any) -> Response:
        response = super().accepted(environment, *rest)
        response.headers["x-environment"] = f"{environment.name}:{environment.api_key}"
        return response


@fault("acceptance.credential_is_never_echoed")
class AnswersEchoTheEncodedCredential(ReferenceServer):
    """A 202's body has the key in base64."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        token = base64.b64encode(f"env:{self.environments[0].api_key}".encode()).decode()
        return {**super().batch_body(order, batch, cached), "cursor": token}


@fault("acceptance.credential_is_never_echoed")
class TokensHoldTheCredential(ReferenceServer):
    """The delegated token's payload holds the secret key."""

    def claims(self, environment: Environment, batch: Batch) -> dict[str, Any]:
        return {**super().claims(environment, batch), "key": environment.api_key}


class _EchoesSpelt(ReferenceServer):
    """A 202's body has the key in it, written by ``spelt``."""

    def spelt(self, key: str) -> str:
        raise NotImplementedError

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        return {**super().batch_body(order, batch, cached), "by": self.spelt(self.environments[0].api_key)}


@fault("acceptance.credential_is_never_echoed")
class EchoesAsJsonEscapes(ReferenceServer):
    """A 202's body has the key in it, every character as a JSON escape."""

    def accepted(self, environment: Environment, *rest: Any) -> Response:
        response = super().accepted(environment, *rest)
        spelt = "".join(f"\\u{ord(each):04x}" for each in environment.api_key)
        response.body = bytes(response.body)[:-1] + f', "by": "{spelt}"}}'.encode()
        response.headers["content-length"] = str(len(response.body))
        return response


@fault("acceptance.credential_is_never_echoed")
class EchoesPercentEncoded(_EchoesSpelt):
    """A 202's body has the key in it, percent-encoded whole."""

    def spelt(self, key: str) -> str:
        return "".join(f"%{byte:02X}" for byte in key.encode())


@fault("acceptance.credential_is_never_echoed")
class EchoesAsEntities(_EchoesSpelt):
    """A 202's body has the key in it as HTML entities."""

    def spelt(self, key: str) -> str:
        return "".join(f"&#{ord(each)};" for each in key)


@fault("acceptance.credential_is_never_echoed")
class EchoesInHexadecimal(_EchoesSpelt):
    """A 202's body has the key in it in hexadecimal."""

    def spelt(self, key: str) -> str:
        return key.encode().hex()


@fault("acceptance.credential_is_never_echoed")
class EchoesInBase32(_EchoesSpelt):
    """A 202's body has the key in it in base32."""

    def spelt(self, key: str) -> str:
        return base64.b32encode(f"key:{key}".encode()).decode()


@fault("acceptance.credential_is_never_echoed")
class EchoesInUpperCase(_EchoesSpelt):
    """A 202's body has the key in it in upper case."""

    def spelt(self, key: str) -> str:
        return key.upper()


@fault("acceptance.credential_is_never_echoed")
class EchoesReversed(_EchoesSpelt):
    """A 202's body has the key in it backwards."""

    def spelt(self, key: str) -> str:
        return key[::-1]


@fault("acceptance.credential_is_never_echoed")
class EchoesInHalves(ReferenceServer):
    """A 202 has the key's halves in two headers."""

    def accepted(self, environment: Environment, *rest: Any) -> Response:
        response = super().accepted(environment, *rest)
        half = len(environment.api_key) // 2
        response.headers["x-key-id"] = environment.api_key[:half]
        response.headers["x-key-secret"] = environment.api_key[half:]
        return response


@fault("acceptance.credential_is_never_echoed")
class EchoesAsAHeadersName(ReferenceServer):
    """A 202 has a header whose name is the key."""

    def accepted(self, environment: Environment, *rest: Any) -> Response:
        response = super().accepted(environment, *rest)
        response.headers[f"x-{environment.api_key}"] = "1"
        return response


@fault("acceptance.accepted_answers_carry_the_token_headers")
class NoDelegatedToken(ReferenceServer):
    """A 202 carries neither token header."""

    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:  # noqa: ARG002
        return []


@fault("acceptance.accepted_answers_carry_the_token_headers")
class NoClaimsHeader(ReferenceServer):
    """A 202 carries the token, but not its claims."""

    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:
        return super().token_headers(environment, batch, cached)[:1]


@fault("acceptance.delegated_token_is_well_formed")
class TokensHaveTwoParts(ReferenceServer):
    """The delegated token lacks its signature."""

    def sign(self, claims: dict[str, Any]) -> str:
        return super().sign(claims).rpartition(".")[0]


@fault("acceptance.delegated_token_is_well_formed")
class TokensAreUnsigned(ReferenceServer):
    """The delegated token has alg none and an empty signature."""

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, "", algorithm="none")


@fault("acceptance.delegated_token_is_well_formed")
class TokensSayNone(ReferenceServer):
    """The delegated token's header says alg none, whatever its signature."""

    def sign(self, claims: dict[str, Any]) -> str:
        header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
        return f"{header}.{super().sign(claims).partition('.')[2]}"


@fault("acceptance.delegated_token_is_well_formed")
class TokensComeTwice(ReferenceServer):
    """The delegated token is in two headers."""

    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:
        token, claims = super().token_headers(environment, batch, cached)
        return [token, token, claims]


@fault("acceptance.delegated_token_is_well_formed")
class TokensAreExpired(ReferenceServer):
    """The delegated token expired an hour ago."""

    def claims(self, environment: Environment, batch: Batch) -> dict[str, Any]:
        return {**super().claims(environment, batch), "exp": int(time.time()) - 3600}


@fault("acceptance.delegated_token_is_well_formed")
class TokensHavePadding(ReferenceServer):
    """The token's parts are ordinary base64 with padding."""

    def sign(self, claims: dict[str, Any]) -> str:
        parts = super().sign(claims).split(".")
        return ".".join(part + "=" * (-len(part) % 4 or 4) for part in parts)


@fault("acceptance.delegated_token_is_well_formed")
class TokensHoldNoObject(ReferenceServer):
    """The token's payload is a JSON string."""

    def sign(self, claims: dict[str, Any]) -> str:
        header, _, signature = super().sign(claims).split(".")
        payload = base64.urlsafe_b64encode(json.dumps(json.dumps(claims)).encode()).rstrip(b"=").decode()
        return f"{header}.{payload}.{signature}"


class _WithClaims(ReferenceServer):
    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:
        token, (name, claims) = super().token_headers(environment, batch, cached)
        return [token, (name, self.render(json.loads(claims)))]

    def render(self, claims: dict[str, Any]) -> str:
        raise NotImplementedError


@fault("acceptance.claims_header_is_a_json_object")
class ClaimsAreNoJson(_WithClaims):
    """The claims header is a Python dictionary's text."""

    def render(self, claims: dict[str, Any]) -> str:
        return str(claims)


@fault("acceptance.claims_header_is_a_json_object")
class ClaimsAreAList(_WithClaims):
    """The claims header is the array of scopes."""

    def render(self, claims: dict[str, Any]) -> str:
        return json.dumps(claims["scopes"])


@fault("acceptance.claims_header_is_a_json_object")
class ClaimsAreAnObjectsName(_WithClaims):
    """The claims header says [object Object]."""

    def render(self, claims: dict[str, Any]) -> str:  # noqa: ARG002
        return "[object Object]"


@fault("acceptance.claims_header_agrees_with_the_token")
class ClaimsDisagree(_WithClaims):
    """The claims header promises another scope than the token gives."""

    def render(self, claims: dict[str, Any]) -> str:
        return json.dumps({**claims, "scopes": ["write:all"]})


@fault("acceptance.claims_header_agrees_with_the_token")
class ClaimsOfAnotherBatch(_WithClaims):
    """The claims header is that of the batch before."""

    before = None

    def render(self, claims: dict[str, Any]) -> str:
        self.before, told = claims, self.before or claims
        return json.dumps(told)
