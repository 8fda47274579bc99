"""Authentication: credentials that are taken too lightly, and refusals in the wrong words."""

from __future__ import annotations

import base64
import contextlib
import json
from http.cookies import SimpleCookie
from typing import Any
from weakref import WeakKeyDictionary

import jwt
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem, ReferenceServer
from trigger_conformance.reference.settings import Settings
from trigger_conformance.reference.store import Environment, Order

MISSING = "authentication.missing_credential_is_refused"
SCHEMES = "authentication.other_schemes_are_refused"
WRONG = "authentication.wrong_key_is_refused"
ELSEWHERE = "authentication.key_elsewhere_is_refused"
FORGED = "authentication.forged_tokens_are_refused"
CONNECTION = "authentication.requests_on_one_connection_are_judged_by_themselves"
TAMPERED = "authentication.tampered_delegated_token_is_refused"


class _AlsoAccepting(ReferenceServer):
    """Takes some requests for the first environment's that carry no credential of it."""

    def authenticate(self, request: Request) -> Environment | None:
        return super().authenticate(request) or (self.environments[0] if self.takes(request) else None)

    def takes(self, request: Request) -> bool:
        raise NotImplementedError


@fault(MISSING, WRONG)
class NeedsNoCredential(_AlsoAccepting):
    """Anybody may create batches."""

    def takes(self, request: Request) -> bool:  # noqa: ARG002
        return True


@fault(MISSING)
class TakesMissingHeaders(_AlsoAccepting):
    """A request without an Authorization header belongs to the first environment."""

    def takes(self, request: Request) -> bool:
        return "authorization" not in request.headers


@fault(MISSING)
class TakesEmptyHeaders(_AlsoAccepting):
    """An empty Authorization header will do."""

    def takes(self, request: Request) -> bool:
        return request.headers.get("authorization") == ""


@fault(MISSING)
class TakesEmptyTokens(_AlsoAccepting):
    """Bearer without a token will do."""

    def takes(self, request: Request) -> bool:
        return request.headers.get("authorization", "").strip() == "Bearer"


class _Reading(ReferenceServer):
    """Reads the token from the header in a way of its own."""

    def bearer_token(self, authorization: str) -> str | None:
        return super().bearer_token(authorization) or self.read(authorization)

    def read(self, authorization: str) -> str | None:
        raise NotImplementedError


@fault(SCHEMES)
class IgnoresTheScheme(_Reading):
    """Whatever the scheme is, the last word is the token."""

    def read(self, authorization: str) -> str | None:
        return authorization.rpartition(" ")[2]


@fault(SCHEMES)
class TakesKeysWithoutAScheme(_Reading):
    """The bare key will do."""

    def read(self, authorization: str) -> str | None:
        return authorization


@fault(SCHEMES)
class TakesTheTokenScheme(_Reading):
    """Token is as good as Bearer."""

    def read(self, authorization: str) -> str | None:
        return authorization.removeprefix("Token ")


@fault(SCHEMES)
class TakesTheApiKeyScheme(_Reading):
    """ApiKey is as good as Bearer."""

    def read(self, authorization: str) -> str | None:
        return authorization.removeprefix("ApiKey ")


@fault(SCHEMES)
class LooksAtTheSchemesBeginning(_Reading):
    """Any scheme that begins with Bearer will do."""

    def read(self, authorization: str) -> str | None:
        return authorization.partition(" ")[2] if authorization.startswith("Bearer") else None


def _basic(authorization: str) -> tuple[str, str]:
    with contextlib.suppress(ValueError):
        user, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        return user, password
    return "", ""


@fault(SCHEMES)
class TakesBasicUsers(_Reading):
    """The key may be the user of Basic."""

    def read(self, authorization: str) -> str | None:
        return _basic(authorization)[0]


@fault(SCHEMES)
class TakesBasicPasswords(_Reading):
    """The key may be the password of Basic."""

    def read(self, authorization: str) -> str | None:
        return _basic(authorization)[1]


class _Comparing(ReferenceServer):
    """Compares a token with a key in a way of its own."""

    def key_matches(self, token: str, api_key: str) -> bool:
        return token == api_key or self.similar(token, api_key)

    def similar(self, token: str, api_key: str) -> bool:
        raise NotImplementedError


@fault(WRONG)
class ComparesTheShorterLength(_Comparing):
    """Only as many characters are compared as the shorter one has."""

    def similar(self, token: str, api_key: str) -> bool:
        return all(one == other for one, other in zip(token, api_key, strict=False))


@fault(WRONG)
class TakesTheKeysBeginning(_Comparing):
    """A beginning of the key of half its length or more will do."""

    def similar(self, token: str, api_key: str) -> bool:
        return api_key.startswith(token) and len(token) * 2 >= len(api_key)


@fault(WRONG)
class TakesLongerTokens(_Comparing):
    """A token that begins with the key will do."""

    def similar(self, token: str, api_key: str) -> bool:
        return token.startswith(api_key)


@fault(WRONG)
class FindsTheKeyInTheToken(_Comparing):
    """A list with the key in it will do."""

    def similar(self, token: str, api_key: str) -> bool:
        return api_key in token.split(",")


@fault(WRONG)
class ComparesKeysWithoutCase(_Comparing):
    """The key's letter case does not matter."""

    def similar(self, token: str, api_key: str) -> bool:
        return token.lower() == api_key.lower()


@fault(WRONG)
class ComparesTheKeysHead(_Comparing):
    """Only the key's first 20 characters are compared."""

    def similar(self, token: str, api_key: str) -> bool:
        return token[:20] == api_key[:20]


@fault(WRONG)
class ComparesTheKeysTail(_Comparing):
    """Only the key's last 20 characters are compared."""

    def similar(self, token: str, api_key: str) -> bool:
        return token[-20:] == api_key[-20:]


@fault(WRONG)
class AllowsOneTypingError(_Comparing):
    """One wrong character is forgiven."""

    def similar(self, token: str, api_key: str) -> bool:
        pairs = zip(token, api_key, strict=False)
        return len(token) == len(api_key) and sum(one != other for one, other in pairs) == 1


@fault(WRONG)
class ChecksTheKeysFormOnly(_Comparing):
    """A token that looks like a key is taken for one."""

    def similar(self, token: str, api_key: str) -> bool:
        return token.startswith("tr_") and len(token) == len(api_key)


class _Elsewhere(_AlsoAccepting):
    """Finds the key in another place than the header."""

    def takes(self, request: Request) -> bool:
        return self.environments[0].api_key in self.found(request)

    def found(self, request: Request) -> list[str]:
        raise NotImplementedError


@fault(ELSEWHERE)
class TakesKeysFromTheQuery(_Elsewhere):
    """The key may stand in the query."""

    def found(self, request: Request) -> list[str]:
        return list(request.query_params.values())


@fault(ELSEWHERE)
class TakesKeysFromCookies(_Elsewhere):
    """The key may stand in a cookie."""

    def found(self, request: Request) -> list[str]:
        return [morsel.value for morsel in SimpleCookie(request.headers.get("cookie", "")).values()]


@fault(ELSEWHERE)
class TakesKeysFromTheBody(_Elsewhere):
    """The key may stand in the body."""

    async def handle(self, request: Request) -> Response:
        self.body = await request.body()
        return await super().handle(request)

    def found(self, request: Request) -> list[str]:  # noqa: ARG002
        with contextlib.suppress(ValueError, RecursionError):
            document = json.loads(self.body)
            return (
                [value for value in document.values() if isinstance(value, str)] if isinstance(document, dict) else []
            )
        return []


class _Decoding(_AlsoAccepting):
    """Takes tokens that it does not verify as it should."""

    def takes(self, request: Request) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            return self.trusts(token)
        except (jwt.InvalidTokenError, ValueError):
            return False

    def trusts(self, token: str) -> bool:
        raise NotImplementedError


@fault(FORGED)
class TrustsAnyToken(_Decoding):
    """A JSON Web Token is decoded, not verified."""

    def trusts(self, token: str) -> bool:
        return bool(jwt.decode(token, options={"verify_signature": False}))


@fault(FORGED)
class TrustsUnsignedTokens(_Decoding):
    """alg none is an algorithm."""

    def trusts(self, token: str) -> bool:
        return bool(jwt.get_unverified_header(token)["alg"] == "none")


@fault(FORGED)
class TrustsUnsignedTokensInDisguise(_Decoding):
    """alg none is refused, alg None is not."""

    def trusts(self, token: str) -> bool:
        algorithm = jwt.get_unverified_header(token)["alg"]
        return bool(algorithm != "none" and algorithm.lower() == "none")


@fault(FORGED)
class TrustsForeignTokens(_Decoding):
    """A signed token is trusted, whoever signed it."""

    def trusts(self, token: str) -> bool:
        return jwt.get_unverified_header(token)["alg"] == "HS256" and bool(
            jwt.decode(token, options={"verify_signature": False, "verify_exp": True})
        )


@fault(TAMPERED)
class TrustsKnownSignatures(_Decoding):
    """A signature that was given out is trusted with any payload."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.signatures: set[str] = set()

    def sign(self, claims: dict[str, Any]) -> str:
        token = super().sign(claims)
        self.signatures.add(token.rpartition(".")[2])
        return token

    def trusts(self, token: str) -> bool:
        return token.rpartition(".")[2] in self.signatures


@fault(TAMPERED)
class TrustsTokensWithoutASignature(_Decoding):
    """An HS256 token whose signature is missing is trusted."""

    def trusts(self, token: str) -> bool:
        return jwt.get_unverified_header(token)["alg"] == "HS256" and token.endswith(".")


class _PerConnection(ReferenceServer):
    """Keeps something of each connection that outlives a request."""

    def __init__(self, *settings: Settings) -> None:
        super().__init__(*settings)
        self.kept: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        # ASGI does not tell one connection from another; uvicorn's own side of ``receive`` does.
        connection = receive.__self__.transport  # type: ignore[attr-defined]
        await super().serve({**scope, "kept": self.kept.setdefault(connection, {})}, receive, send)


@fault(CONNECTION)
class CachesHeaderValues(_PerConnection):
    """A connection's earlier header value is taken for a later one that differs in letter case only, as in Jetty."""

    def authorizations(self, request: Request) -> list[str]:
        kept = request.scope["kept"]
        return [kept.setdefault(value.lower(), value) for value in super().authorizations(request)]


@fault(CONNECTION)
class AuthenticatesConnections(_PerConnection):
    """Who has shown a credential once need not show it again on that connection."""

    def authenticate(self, request: Request) -> Environment | None:
        kept = request.scope["kept"]
        found: Environment | None = kept.get("environment") or super().authenticate(request)
        kept["environment"] = found
        return found


@fault(CONNECTION)
class RefusesConnections(_PerConnection):
    """A connection that has been refused once is refused for good."""

    def authenticate(self, request: Request) -> Environment | None:
        kept = request.scope["kept"]
        found = None if kept.get("refused") else super().authenticate(request)
        kept["refused"] = found is None
        return found


@fault("authentication.refused_request_creates_nothing")
class CountsRefusedRequests(ReferenceServer):
    """A refused request's key is reserved before the refusal."""

    async def handle(self, request: Request) -> Response:
        response = await super().handle(request)
        if response.status_code == 401:
            with contextlib.suppress(Problem):
                document = self.parse(await request.body())
                await self.create(self.environments[0], Order(1, document.get("idempotencyKey")))
        return response


class _Refusing(ReferenceServer):
    """Refuses with another status."""

    status = 401

    def unauthorized(self, request: Request) -> Response:
        response = super().unauthorized(request)
        response.status_code = self.status
        return response


@fault(WRONG, MISSING, "acceptance.only_documented_statuses")
class RefusesWith403(_Refusing):
    """A refusal is 403."""

    status = 403


@fault(WRONG, MISSING, "acceptance.only_documented_statuses")
class RefusesWith404(_Refusing):
    """A refusal is 404, to hide what is there."""

    status = 404


@fault(WRONG, MISSING)
class RefusesWith400(_Refusing):
    """A refusal is 400."""

    status = 400


@fault(WRONG, MISSING, "acceptance.never_a_server_error")
class RefusesWith500(_Refusing):
    """A refusal is 500: an exception that nobody catches."""

    status = 500


@fault(WRONG, "acceptance.only_documented_statuses")
class WrongKeysAreForbidden(ReferenceServer):
    """A missing key is 401, a wrong one 403."""

    def unauthorized(self, request: Request) -> Response:
        response = super().unauthorized(request)
        if request.headers.get("authorization", "").startswith("Bearer "):
            response.status_code = 403
        return response


@fault(MISSING, "acceptance.only_documented_statuses")
class RedirectsToALogin(ReferenceServer):
    """Whoever has no key is sent to a login page."""

    def unauthorized(self, request: Request) -> Response:  # noqa: ARG002
        return RedirectResponse("/login", 302)


@fault("authentication.invalid_body_without_credential_is_401")
class ValidatesBeforeAuthentication(ReferenceServer):
    """An invalid body without a credential is answered 400."""

    async def handle(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self.validate(self.parse(await request.body()))
            except Problem as problem:
                return self.error(problem.status, problem.message)
        return await super().handle(request)


@fault("authentication.refusal_carries_a_challenge")
class RefusesWithoutAChallenge(ReferenceServer):
    """A 401 has no WWW-Authenticate."""

    def unauthorized(self, request: Request) -> Response:  # noqa: ARG002
        return self.error(401, "Invalid or missing API key")


@fault("authentication.refusal_carries_a_challenge")
class ChallengesForBasic(ReferenceServer):
    """A 401 asks for Basic."""

    def unauthorized(self, request: Request) -> Response:  # noqa: ARG002
        return self.error(401, "Invalid or missing API key", [("WWW-Authenticate", 'Basic realm="bearer"')])


@fault("authentication.scheme_is_matched_without_regard_to_case")
class WantsBearerInTitleCase(ReferenceServer):
    """bearer and BEARER are refused."""

    def bearer_token(self, authorization: str) -> str | None:
        return authorization.removeprefix("Bearer ") if authorization.startswith("Bearer ") else None


@fault("authentication.oversized_or_binary_authorization_is_refused", "acceptance.never_a_server_error")
class FailsOnLongCredentials(ReferenceServer):
    """A credential of 16 kB is answered 500."""

    def authenticate(self, request: Request) -> Environment | None:
        if len(request.headers.get("authorization", "")) > 8192:
            raise Problem(500, "header too large")
        return super().authenticate(request)

    async def handle(self, request: Request) -> Response:
        try:
            return await super().handle(request)
        except Problem as problem:
            return self.error(problem.status, problem.message)


@fault("authentication.oversized_or_binary_authorization_is_refused", "acceptance.never_a_server_error")
class FailsOnBinaryCredentials(FailsOnLongCredentials):
    """A credential with bytes above 0x7F is answered 500."""

    def authenticate(self, request: Request) -> Environment | None:
        if not request.headers.get("authorization", "").isascii():
            raise Problem(500, "invalid byte")
        return ReferenceServer.authenticate(self, request)


@fault("authentication.oversized_or_binary_authorization_is_refused")
class CutsLongCredentials(ReferenceServer):
    """A credential is cut at the key's length where it is longer than 8 kB."""

    def key_matches(self, token: str, api_key: str) -> bool:
        return (token[: len(api_key)] if len(token) > 8192 else token) == api_key


@fault("authentication.two_authorization_headers_are_refused")
class TakesTheFirstHeader(ReferenceServer):
    """Of two Authorization headers the first counts."""

    def authorizations(self, request: Request) -> list[str]:
        return super().authorizations(request)[:1]


@fault("authentication.two_authorization_headers_are_refused")
class TakesTheLastHeader(ReferenceServer):
    """Of two Authorization headers the last counts."""

    def authorizations(self, request: Request) -> list[str]:
        return super().authorizations(request)[-1:]
