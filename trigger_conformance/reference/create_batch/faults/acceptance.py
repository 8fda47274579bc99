"""Acceptance and response shape: wrong bodies, wrong ids, wrong tokens."""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections import Counter
from typing import Any

import jwt

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site


@fault("acceptance.valid_request_is_accepted")
class DemandsAKey(CreateBatchServer):
    """A request without an idempotency key is rejected."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        if "idempotencyKey" not in document:
            raise Problem(400, "idempotencyKey is required")
        return super().check_key(document)


@fault("acceptance.every_subset_of_optional_properties_is_accepted")
class DemandsAParentToResume(CreateBatchServer):
    """resumeParentOnCompletion true without parentRunId is rejected."""

    def check_resume(self, document: dict[str, Any]) -> bool:
        resume = super().check_resume(document)
        if resume and "parentRunId" not in document:
            raise Problem(422, "resumeParentOnCompletion needs parentRunId")
        return resume


@fault("acceptance.unknown_properties_are_accepted")
class RejectsUnknownProperties(CreateBatchServer):
    """A property that the schema does not name is rejected."""

    def validate(self, document: Any) -> Order:
        known = {"runCount", "idempotencyKey", "parentRunId", "resumeParentOnCompletion"}
        if isinstance(document, dict) and set(document) - known:
            raise Problem(400, "Unrecognized key in object")
        return super().validate(document)


@fault("acceptance.look_alike_properties_are_ignored")
class IgnoresLetterCaseOfProperties(CreateBatchServer):
    """RunCount and runcount are taken for runCount, as lenient object mappers do."""

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict):
            proper = {"runcount": "runCount", "idempotencykey": "idempotencyKey"}
            document = {proper.get(name.lower(), name): value for name, value in document.items()}
        return super().validate(document)


@fault("acceptance.look_alike_properties_are_ignored")
class PrefersSnakeCase(CreateBatchServer):
    """run_count overrides runCount."""

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict) and "run_count" in document:
            document = {**document, "runCount": document["run_count"]}
        return super().validate(document)


@fault("acceptance.accepted_answers_satisfy_the_schema")
class WrapsTheAnswer(CreateBatchServer):
    """The batch comes inside a data property."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        return {"data": super().batch_body(order, batch, cached)}


class _Changed(CreateBatchServer):
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


class _WithId(CreateBatchServer):
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
class IdsRepeat(CreateBatchServer):
    """Ids come from a counter that wraps after 40."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.counter = itertools.count()

    def new_id(self) -> str:
        return f"batch_{next(self.counter) % 40}"


@fault("acceptance.ids_are_never_given_twice")
class IdsFromTheClock(CreateBatchServer):
    """An id is the time in hundredths of a second."""

    def new_id(self) -> str:
        return f"batch_{int(time.time() * 100)}"


@fault("acceptance.ids_are_never_given_twice")
class IdsByEnvironment(CreateBatchServer):
    """An id counts the batches of its environment, so two environments share ids."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        self.made[environment.name] += 1
        self.count = self.made[environment.name]
        return await super().create(environment, order)

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.made: Counter[str] = Counter()

    def new_id(self) -> str:
        return f"batch_{self.count}"


@fault("acceptance.only_documented_statuses")
class AnswersConflictToOtherBodies(CreateBatchServer):
    """A replay with another runCount is answered 409."""

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        existing = await super().find(environment, order)
        if existing is not None and existing.run_count != order.run_count:
            raise Problem(409, "The key was used with another body")
        return existing


@fault("acceptance.credential_is_never_echoed")
class TokensHoldTheCredential(CreateBatchServer):
    """The delegated token's payload holds the secret key."""

    def claims(self, environment: Environment, batch: Batch) -> dict[str, Any]:
        return {**super().claims(environment, batch), "key": environment.api_key}


@fault("acceptance.accepted_answers_carry_the_token_headers")
class NoDelegatedToken(CreateBatchServer):
    """A 202 carries neither token header."""

    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:  # noqa: ARG002
        return []


@fault("acceptance.accepted_answers_carry_the_token_headers")
class NoClaimsHeader(CreateBatchServer):
    """A 202 carries the token, but not its claims."""

    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:
        return super().token_headers(environment, batch, cached)[:1]


@fault("acceptance.delegated_token_is_well_formed")
class TokensHaveTwoParts(CreateBatchServer):
    """The delegated token lacks its signature."""

    def sign(self, claims: dict[str, Any]) -> str:
        return super().sign(claims).rpartition(".")[0]


@fault("acceptance.delegated_token_is_well_formed")
class TokensAreUnsigned(CreateBatchServer):
    """The delegated token has alg none and an empty signature."""

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, "", algorithm="none")


@fault("acceptance.delegated_token_is_well_formed")
class TokensSayNone(CreateBatchServer):
    """The delegated token's header says alg none, whatever its signature."""

    def sign(self, claims: dict[str, Any]) -> str:
        header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
        return f"{header}.{super().sign(claims).partition('.')[2]}"


@fault("acceptance.delegated_token_is_well_formed")
class TokensComeTwice(CreateBatchServer):
    """The delegated token is in two headers."""

    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:
        token, claims = super().token_headers(environment, batch, cached)
        return [token, token, claims]


@fault("acceptance.delegated_token_is_well_formed")
class TokensAreExpired(CreateBatchServer):
    """The delegated token expired an hour ago."""

    def claims(self, environment: Environment, batch: Batch) -> dict[str, Any]:
        return {**super().claims(environment, batch), "exp": int(time.time()) - 3600}


@fault("acceptance.delegated_token_is_well_formed")
class TokensHavePadding(CreateBatchServer):
    """The token's parts are ordinary base64 with padding."""

    def sign(self, claims: dict[str, Any]) -> str:
        parts = super().sign(claims).split(".")
        return ".".join(part + "=" * (-len(part) % 4 or 4) for part in parts)


@fault("acceptance.delegated_token_is_well_formed")
class TokensHoldNoObject(CreateBatchServer):
    """The token's payload is a JSON string."""

    def sign(self, claims: dict[str, Any]) -> str:
        header, _, signature = super().sign(claims).split(".")
        payload = base64.urlsafe_b64encode(json.dumps(json.dumps(claims)).encode()).rstrip(b"=").decode()
        return f"{header}.{payload}.{signature}"


class _WithClaims(CreateBatchServer):
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
