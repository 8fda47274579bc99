"""What is taken for a credential and is none."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from http.cookies import SimpleCookie

import jwt
from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import OperationServer
from trigger_conformance.reference.site import Environment

MISSING = "authentication.missing_credential_is_refused"
SCHEMES = "authentication.other_schemes_are_refused"
WRONG = "authentication.wrong_key_is_refused"
ELSEWHERE = "authentication.key_elsewhere_is_refused"
HEADERS = "authentication.other_headers_are_no_credential"
FORGED = "authentication.forged_tokens_are_refused"


class _AlsoAccepting(OperationServer):
    """Takes some requests for the first environment's that carry no credential of it."""

    def authenticate(self, request: Request) -> Environment | None:
        return super().authenticate(request) or (self.environments[0] if self.takes(request) else None)

    def takes(self, request: Request) -> bool:
        raise NotImplementedError


@fault(HEADERS)
class LetsHealthCheckersIn(_AlsoAccepting):
    """Whatever names itself as what asks whether a server is well needs no credential."""

    def takes(self, request: Request) -> bool:
        return request.headers.get("user-agent", "").startswith(("kube-probe", "ELB-HealthChecker", "GoogleHC"))


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


class _Reading(OperationServer):
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


@fault(SCHEMES)
class TakesAColonBehindTheScheme(_Reading):
    """A pattern finds the token, which lets the scheme be followed by a colon or an equals sign as well."""

    def read(self, authorization: str) -> str | None:
        found = re.match(r"(?i)bearer[\s:=]+(\S+)", authorization)
        return found[1] if found else None


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


class Decoding(_AlsoAccepting):
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
class TrustsAnyToken(Decoding):
    """A JSON Web Token is decoded, not verified."""

    def trusts(self, token: str) -> bool:
        return bool(jwt.decode(token, options={"verify_signature": False}))


@fault(FORGED)
class TrustsUnsignedTokens(Decoding):
    """alg none is an algorithm."""

    def trusts(self, token: str) -> bool:
        return bool(jwt.get_unverified_header(token)["alg"] == "none")


@fault(FORGED)
class TrustsUnsignedTokensInDisguise(Decoding):
    """alg none is refused, alg None is not."""

    def trusts(self, token: str) -> bool:
        algorithm = jwt.get_unverified_header(token)["alg"]
        return bool(algorithm != "none" and algorithm.lower() == "none")


@fault(FORGED)
class TrustsEmptySignatures(Decoding):
    """A token whose signature is empty needs none, whatever its algorithm."""

    def trusts(self, token: str) -> bool:
        return jwt.get_unverified_header(token)["alg"] == "HS256" and token.endswith(".")


@fault(FORGED)
class TrustsForeignTokens(Decoding):
    """A signed token is trusted, whoever signed it."""

    def trusts(self, token: str) -> bool:
        return jwt.get_unverified_header(token)["alg"] == "HS256" and bool(
            jwt.decode(token, options={"verify_signature": False, "verify_exp": True})
        )


@fault(HEADERS)
class TakesKeysFromAHeaderOfTheirOwn(_Elsewhere):
    """The key may stand in X-Api-Key."""

    def found(self, request: Request) -> list[str]:
        return request.headers.getlist("x-api-key")


@fault(HEADERS)
class TakesKeysMeantForProxies(_Elsewhere):
    """Proxy-Authorization is as good as Authorization."""

    def found(self, request: Request) -> list[str]:
        return [value.partition(" ")[2] for value in request.headers.getlist("proxy-authorization")]


@fault(HEADERS)
class TrustsCallersOfItsOwnMachine(_AlsoAccepting):
    """Who says that it was forwarded for 127.0.0.1 needs no credential."""

    def takes(self, request: Request) -> bool:
        return request.headers.get("x-forwarded-for", "").partition(",")[0].strip() == "127.0.0.1"


@fault(HEADERS)
class SkipsAuthenticationForItsOwnRequests(_AlsoAccepting):
    """A header that the framework sets on requests to itself switches the middleware off."""

    def takes(self, request: Request) -> bool:
        return "authorization" not in request.headers and "middleware" in request.headers.get(
            "x-middleware-subrequest", ""
        )


@fault(HEADERS)
class TakesTokensThatAProxyForwards(_AlsoAccepting):
    """A key in X-Forwarded-Access-Token, as a proxy that logs people in hands it on, is as good as in Authorization."""

    def takes(self, request: Request) -> bool:
        return request.headers.get("x-forwarded-access-token") == self.environments[0].api_key


@fault(HEADERS)
class TrustsForwardedHosts(_AlsoAccepting):
    """Who is said to have asked for localhost needs no key."""

    def takes(self, request: Request) -> bool:
        return request.headers.get("x-forwarded-host") == "localhost"
