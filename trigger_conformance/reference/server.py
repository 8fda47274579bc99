"""One operation's server, as far as it is every operation's: it keeps every MUST and SHOULD that is not of one alone.

Its behaviour is cut into small named methods, so that a fault or a variant is a subclass that overrides one.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar

from jwt import InsecureKeyLengthWarning
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trigger_conformance.reference.limiter import Allowance
from trigger_conformance.reference.site import Environment, Site

LARGEST_BODY = 4 << 20
# How weak a key somebody's token was signed with is nothing that whoever starts this server can mend.
warnings.simplefilter("ignore", InsecureKeyLengthWarning)

Handler = Callable[[Request, Environment], Awaitable[Response]]


class Problem(Exception):  # noqa: N818  (an answer on its way, not an error of the server)
    """An error answer: status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class OperationServer:
    """Answers the requests of one operation, and of whatever else its paths offer.

    ``spared`` names the faults and variants of any operation that would be none of this one; what only a press of the
    rate limit shows (``shown_by_press``) is none of an operation that does not press.
    """

    spared: ClassVar[frozenset[str]] = frozenset()
    shown_by_press: ClassVar[bool] = False

    def __init__(self, site: Site) -> None:
        self.settings = site.settings
        self.environments = site.environments
        self.limits = site.limits

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """What answers an authenticated request, by path (a template may have parameters) and method."""
        raise NotImplementedError

    def validate(self, document: Any) -> Any:
        """What a body asks for; raises Problem where it breaks its schema."""
        raise NotImplementedError

    def documents(self, body: bytes) -> Iterable[bytes]:
        """The texts that a body has, each of which is parsed and validated."""
        return [body]

    def run_options(self) -> list[str]:
        """The options that a run needs in order to test the operation."""
        return []

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request from its first byte to its answer's last; the scope's ``route`` is the path that it came by."""
        request = Request(scope, receive)
        try:
            response = await self.handle(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def handle(self, request: Request) -> Response:
        """The answer to any request on a path of the operation."""
        if self.handler(request) is None:
            return self.method_not_allowed(request)
        environment = self.authenticate(request)
        if environment is None:
            return self.unauthorized(request)
        try:
            return await self.answer(request, environment)
        except Problem as problem:
            return self.error(problem.status, problem.message)

    async def answer(self, request: Request, environment: Environment) -> Response:
        """The answer to an authenticated request."""
        allowance = self.charge_request(environment)
        if not allowance.granted:
            return self.too_many(allowance)
        handler = self.handler(request)
        assert handler is not None
        return await handler(request, environment)

    def handler(self, request: Request) -> Handler | None:
        """What answers the request; None where its method is none of its path."""
        methods = self.methods_of(request)
        return methods.get("POST" if self.is_create(request) and "POST" in methods else request.method)

    def methods_of(self, request: Request) -> Mapping[str, Handler]:
        """The methods of the request's path."""
        return self.routes()[request.scope["route"]]

    def is_create(self, request: Request) -> bool:
        """Whether the method asks to create."""
        return request.method == "POST"

    def method_not_allowed(self, request: Request) -> Response:
        """405 with Allow."""
        return self.error(405, "Method not allowed", [("Allow", self.allowed(request))])

    def allowed(self, request: Request) -> str:
        """The methods of the request's path, as Allow lists them."""
        return ", ".join(self.methods_of(request))

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
        return self.error(401, "Invalid or missing API key", [("WWW-Authenticate", 'Bearer realm="api"')])

    # Reading a request

    async def order_of(self, request: Request) -> Any:
        """What a request's body asks for; raises Problem."""
        self.check_media_type(request)
        self.check_coding(request)
        return self.validate(self.parse(await self.read_body(request)))

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
            return json.loads(self.decode(body), parse_constant=self.constant, object_pairs_hook=self.gather)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "The body is not valid JSON") from error

    def gather(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """One object of JSON: of equal names the last counts."""
        return dict(pairs)

    def decode(self, body: bytes) -> str:
        """The body's text: strict UTF-8."""
        return body.decode("utf-8")

    def constant(self, name: str) -> Any:
        """NaN and Infinity are not JSON."""
        raise ValueError(name)

    # Limits

    def charge_request(self, environment: Environment) -> Allowance:
        """Take one request from what the environment may send."""
        return self.limits[environment.name].take_request()

    def charge_runs(self, environment: Environment, order: Any) -> Allowance:  # noqa: ARG002
        """Take what a valid body asks for beside its request, of the environment's runs; most ask for none."""
        return self.charge_nothing(environment)

    def charge_nothing(self, environment: Environment) -> Allowance:
        """Look at the environment's limit without taking anything."""
        return self.limits[environment.name].look()

    def too_many(self, allowance: Allowance) -> Response:
        """429 with the documented headers."""
        return self.error(429, "Rate limit exceeded", self.limit_headers(allowance))

    def limit_headers(self, allowance: Allowance) -> list[tuple[str, str]]:
        """The rate-limit headers of an answer."""
        return allowance.headers()

    # Answers

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        """An error answer with an Error body."""
        return self.json(status, {"message": message}, headers or [])

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        """A JSON answer; headers may repeat."""
        response = Response(json.dumps(body), status, media_type="application/json")
        for name, value in headers:
            response.headers.append(name, value)
        return response
