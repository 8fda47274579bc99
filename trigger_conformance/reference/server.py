"""The sound server: keeps every MUST and SHOULD of the contract.

Its behaviour is cut into small named methods, so that a fault or a variant is a subclass that overrides one.
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any, NamedTuple

import jwt
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from trigger_conformance.contract.contract import PATH
from trigger_conformance.reference.limiter import Allowance, TokenBucket
from trigger_conformance.reference.settings import SOUND, Settings
from trigger_conformance.reference.store import Batch, Environment, Order, new_batch_id

LARGEST_BODY = 4 << 20
LONGEST_KEY = 2048
TOKEN_LIFETIME = 3600


class Problem(Exception):  # noqa: N818  (an answer on its way, not an error of the server)
    """An error answer: status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Limits(NamedTuple):
    """An environment's two buckets."""

    requests: TokenBucket
    runs: TokenBucket


class ReferenceServer:
    """Answers ``POST /api/v3/batches``. One instance holds two environments in memory."""

    def __init__(self, settings: Settings = SOUND) -> None:
        self.settings = settings
        self.environments = [
            Environment("development", settings.api_key),
            Environment("production", settings.second_api_key),
        ]
        self.signing_key = "reference-signing-key-of-32-bytes-or-more"
        self.limits = {environment.name: self.new_limits() for environment in self.environments}

    def app(self) -> ASGIApp:
        """The ASGI application."""
        return Starlette(routes=[Route(self.settings.prefix + PATH, _Endpoint(self))])

    def base_url(self, port: int) -> str:
        """Where the server is found when it listens on ``port`` of this machine."""
        return f"http://127.0.0.1:{port}{self.settings.prefix}"

    def run_options(self) -> list[str]:
        """The options that a run needs in order to reach the server, beside its base URL and keys."""
        return []

    def run(self, listener: socket.socket) -> None:
        """Serve on ``listener`` until interrupted or terminated."""
        import uvicorn

        config = uvicorn.Config(
            self.app(), log_level="warning", access_log=False, lifespan="off", http="h11", **self.uvicorn_settings()
        )
        uvicorn.Server(config).run(sockets=[listener])

    def uvicorn_settings(self) -> dict[str, Any]:
        """Further settings of uvicorn, by its own names."""
        return {}

    def new_limits(self) -> Limits:
        """Full buckets for one environment."""
        return Limits(TokenBucket(*self.settings.request_limit), TokenBucket(*self.settings.run_limit))

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request from its first byte to its answer's last."""
        request = Request(scope, receive)
        try:
            response = await self.handle(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def handle(self, request: Request) -> Response:
        """The answer to any request on the path."""
        if not self.is_create(request):
            return self.method_not_allowed()
        environment = self.authenticate(request)
        if environment is None:
            return self.unauthorized(request)
        try:
            return await self.create_batch(request, environment)
        except Problem as problem:
            return self.error(problem.status, problem.message)

    def is_create(self, request: Request) -> bool:
        """Whether the method asks for a batch."""
        return request.method == "POST"

    def method_not_allowed(self) -> Response:
        """405 with Allow."""
        return self.error(405, "Method not allowed", [("Allow", "POST")])

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        """The answer to an authenticated create."""
        allowance = self.charge_request(environment)
        if not allowance.granted:
            return self.too_many(allowance)
        self.check_media_type(request)
        self.check_coding(request)
        order = self.validate(self.parse(await self.read_body(request)))
        existing = await self.find(environment, order)
        if existing is None:
            runs = self.charge_runs(environment, order)
            if not runs.granted:
                return self.too_many(runs)
            batch, cached = await self.create(environment, order), False
        else:
            runs = self.charge_nothing(environment)
            batch, cached = existing, True
        return self.accepted(environment, order, batch, cached, runs)

    # Authentication

    def authenticate(self, request: Request) -> Environment | None:
        """Whose credential the request carries; None where it carries none that counts."""
        headers = self.authorizations(request)
        if len(headers) != 1:
            return None
        token = self.bearer_token(headers[0])
        return next((each for each in self.environments if token and self.key_matches(token, each.api_key)), None)

    def authorizations(self, request: Request) -> list[str]:
        """The Authorization headers' values."""
        return request.headers.getlist("authorization")

    def bearer_token(self, authorization: str) -> str | None:
        """The token of a Bearer credential (scheme in any letter case, RFC 9110 section 11.1)."""
        scheme, _, token = authorization.partition(" ")
        return token.strip(" ") if scheme.lower() == "bearer" else None

    def key_matches(self, token: str, api_key: str) -> bool:
        """Whether a token is an environment's key."""
        return token == api_key

    def unauthorized(self, request: Request) -> Response:  # noqa: ARG002
        """401 with a challenge (RFC 9110 section 11.6.1)."""
        return self.error(401, "Invalid or missing API key", [("WWW-Authenticate", 'Bearer realm="batches"')])

    # Reading a request

    async def read_body(self, request: Request) -> bytes:
        """The body, bounded."""
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_BODY:
                raise Problem(413, "The body is too large")
        return bytes(body)

    def check_media_type(self, request: Request) -> None:
        """Only application/json, with any parameters."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise Problem(415, "Content-Type must be application/json")

    def check_coding(self, request: Request) -> None:
        """Only bodies as they are (RFC 9110 section 15.5.16)."""
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Problem(415, "The body must have no Content-Encoding")

    def parse(self, body: bytes) -> Any:
        """The body's JSON, read strictly."""
        try:
            return json.loads(self.decode(body), parse_constant=self.constant)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "The body is not valid JSON") from error

    def decode(self, body: bytes) -> str:
        """The body's text: strict UTF-8."""
        return body.decode("utf-8")

    def constant(self, name: str) -> Any:
        """NaN and Infinity are not JSON."""
        raise ValueError(name)

    def validate(self, document: Any) -> Order:
        """The order that a body describes; raises Problem where it breaks CreateBatchRequest."""
        if not isinstance(document, dict):
            raise Problem(400, "The body must be a JSON object")
        key = self.check_key(document)
        parent = self.check_parent(document)
        resume = self.check_resume(document)
        return Order(self.check_run_count(document), key, parent, resume, document)

    def check_run_count(self, document: dict[str, Any]) -> int:
        """runCount, from 1 to the maximum."""
        count = document.get("runCount")
        if not self.is_integer(count):
            raise Problem(422, "runCount must be an integer")
        assert isinstance(count, int)
        if count < self.smallest_run_count():
            raise Problem(400, "runCount must be a positive integer")
        if count > self.largest_run_count():
            raise Problem(400, f"runCount exceeds the maximum of {self.settings.max_run_count}")
        return count

    def is_integer(self, value: object) -> bool:
        """Whether a JSON value is an integer; a boolean is none."""
        return isinstance(value, int) and not isinstance(value, bool)

    def smallest_run_count(self) -> int:
        """The least runCount that is accepted."""
        return 1

    def largest_run_count(self) -> int:
        """The greatest runCount that is accepted."""
        return self.settings.max_run_count

    def check_key(self, document: dict[str, Any]) -> str | None:
        """idempotencyKey, where there is one."""
        if "idempotencyKey" not in document:
            return None
        key = document["idempotencyKey"]
        if not isinstance(key, str):
            raise Problem(422, "idempotencyKey must be a string")
        if len(key) > LONGEST_KEY:
            raise Problem(422, f"idempotencyKey is longer than {LONGEST_KEY} characters")
        return key

    def check_parent(self, document: dict[str, Any]) -> str | None:
        """parentRunId, where there is one; this server has no runs to be parents."""
        if "parentRunId" not in document:
            return None
        if not isinstance(document["parentRunId"], str):
            raise Problem(422, "parentRunId must be a string")
        return self.find_parent(document["parentRunId"])

    def find_parent(self, parent_run: str) -> str:  # noqa: ARG002
        """The named run."""
        raise Problem(422, "parentRunId names no run of this environment")

    def check_resume(self, document: dict[str, Any]) -> bool:
        """resumeParentOnCompletion, where there is one."""
        resume = document.get("resumeParentOnCompletion", False)
        if not isinstance(resume, bool):
            raise Problem(422, "resumeParentOnCompletion must be a boolean")
        return resume

    # Batches

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        """The batch that the order's key already names."""
        return None if order.key is None else environment.batches.get(self.stored_key(order.key))

    async def create(self, environment: Environment, order: Order) -> Batch:
        """A new batch. There is no await between ``find`` and here, so one key cannot create two."""
        batch = Batch(self.new_id(), order.run_count, order.key)
        if order.key is not None:
            environment.batches[self.stored_key(order.key)] = batch
        return batch

    def stored_key(self, key: str) -> str:
        """What a key is remembered as."""
        return key

    def new_id(self) -> str:
        """A new batch's id."""
        return new_batch_id()

    # Limits

    def charge_request(self, environment: Environment) -> Allowance:
        """Take one request from the environment's bucket."""
        return self.limits[environment.name].requests.take(1)

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        """Take the order's runs from the environment's bucket."""
        return self.limits[environment.name].runs.take(order.run_count)

    def charge_nothing(self, environment: Environment) -> Allowance:
        """Look at the environment's runs without taking any: a replay costs none."""
        return self.limits[environment.name].runs.take(0)

    def too_many(self, allowance: Allowance) -> Response:
        """429 with the documented headers."""
        return self.error(429, "Rate limit exceeded", self.limit_headers(allowance))

    def limit_headers(self, allowance: Allowance) -> list[tuple[str, str]]:
        """The rate-limit headers of an answer."""
        return allowance.headers()

    # Answers

    def accepted(
        self, environment: Environment, order: Order, batch: Batch, cached: bool, allowance: Allowance
    ) -> Response:
        """202 with the batch, its delegated token and the limits."""
        headers = [*self.token_headers(environment, batch, cached), *self.limit_headers(allowance)]
        return self.json(202, self.batch_body(order, batch, cached), headers)

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        """CreateBatchResponse."""
        body: dict[str, Any] = {"id": batch.id, "runCount": batch.run_count, "isCached": cached}
        if order.key is not None:
            body["idempotencyKey"] = order.key
        return body

    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:  # noqa: ARG002
        """The delegated token, and its claims for clients that do not decode it."""
        claims = self.claims(environment, batch)
        return [("x-trigger-jwt", self.sign(claims)), ("x-trigger-jwt-claims", json.dumps(claims))]

    def claims(self, environment: Environment, batch: Batch) -> dict[str, Any]:
        """What the delegated token says."""
        now = int(time.time())
        scopes = [f"read:batch:{batch.id}", f"write:batch:{batch.id}"]
        return {"sub": environment.name, "pub": True, "scopes": scopes, "iat": now, "exp": now + TOKEN_LIFETIME}

    def sign(self, claims: dict[str, Any]) -> str:
        """A compact JWS over the claims."""
        return jwt.encode(claims, self.signing_key, algorithm="HS256")

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        """An error answer with an Error body."""
        return self.json(status, {"message": message}, headers or [])

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        """A JSON answer; headers may repeat."""
        response = Response(json.dumps(body), status, media_type="application/json")
        for name, value in headers:
            response.headers.append(name, value)
        return response


class _Endpoint:
    """Hands every method on the path to the server."""

    def __init__(self, server: ReferenceServer) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._server.serve(scope, receive, send)
