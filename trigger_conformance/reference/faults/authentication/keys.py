"""How a credential is read and compared, in odd headers and on one connection too."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import OperationServer, Problem
from trigger_conformance.reference.site import Environment, Site

WRONG = "authentication.wrong_key_is_refused"
CONNECTION = "authentication.requests_on_one_connection_are_judged_by_themselves"


class _Comparing(OperationServer):
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
class TakesDashesForUnderscores(_Comparing):
    """Dashes and underscores are one, as in the two alphabets of base64."""

    def similar(self, token: str, api_key: str) -> bool:
        return token.replace("-", "_") == api_key


@fault(WRONG)
class DropsPadding(_Comparing):
    """Equals signs behind a key are the padding of base64, and dropped."""

    def similar(self, token: str, api_key: str) -> bool:
        return token.rstrip("=") == api_key


@fault(WRONG)
class TakesTheKeyForAPattern(_Comparing):
    """The token is compared by LIKE with the key that is kept, of which each underscore stands for any character."""

    def similar(self, token: str, api_key: str) -> bool:
        return len(token) == len(api_key) and all(
            one in (given, "_") for given, one in zip(token, api_key, strict=True)
        )


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


@fault("authentication.other_spellings_of_the_key_are_refused")
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


class _PerConnection(OperationServer):
    """Keeps something of each connection that outlives a request."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
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


@fault("authentication.scheme_is_matched_without_regard_to_case")
class WantsBearerInTitleCase(OperationServer):
    """bearer and BEARER are refused."""

    def bearer_token(self, authorization: str) -> str | None:
        return authorization.removeprefix("Bearer ") if authorization.startswith("Bearer ") else None


@fault("authentication.oversized_or_binary_authorization_is_refused", "answers.never_a_server_error")
class FailsOnLongCredentials(OperationServer):
    """A credential of 16 kB is answered 500."""

    def authenticate(self, request: Request) -> Environment | None:
        self.look_at(request.headers.get("authorization", ""))
        return super().authenticate(request)

    def look_at(self, header: str) -> None:
        if len(header) > 8192:
            raise Problem(500, "header too large")

    async def handle(self, request: Request) -> Response:
        try:
            return await super().handle(request)
        except Problem as problem:
            return self.error(problem.status, problem.message)


@fault("authentication.oversized_or_binary_authorization_is_refused")
class TrimsAllWhiteSpace(_Comparing):
    """What the language calls white space is dropped behind a credential, a no-break space too."""

    def similar(self, token: str, api_key: str) -> bool:
        return token.rstrip() == api_key


@fault("authentication.oversized_or_binary_authorization_is_refused", "answers.never_a_server_error")
class FailsOnBinaryCredentials(FailsOnLongCredentials):
    """A credential with bytes above 0x7F is answered 500."""

    def look_at(self, header: str) -> None:
        if not header.isascii():
            raise Problem(500, "invalid byte")


@fault("authentication.oversized_or_binary_authorization_is_refused")
class CutsLongCredentials(OperationServer):
    """A credential is cut at the key's length where it is longer than 8 kB."""

    def key_matches(self, token: str, api_key: str) -> bool:
        return (token[: len(api_key)] if len(token) > 8192 else token) == api_key


@fault("authentication.two_authorization_headers_are_refused")
class TakesTheFirstHeader(OperationServer):
    """Of two Authorization headers the first counts."""

    def authorizations(self, request: Request) -> list[str]:
        return super().authorizations(request)[:1]


@fault("authentication.two_authorization_headers_are_refused")
class TakesTheLastHeader(OperationServer):
    """Of two Authorization headers the last counts."""

    def authorizations(self, request: Request) -> list[str]:
        return super().authorizations(request)[-1:]


@fault(WRONG, "authentication.patterns_are_refused")
class ComparesMaskedKeys(_Comparing):
    """Keys are found as they are shown to people: by their first eight and last four characters, and their length."""

    def similar(self, token: str, api_key: str) -> bool:
        return (token[:8], token[-4:], len(token)) == (api_key[:8], api_key[-4:], len(api_key))


@fault(CONNECTION)
class LeavesRefusedBodiesUnread(_PerConnection):
    """What is answered before its body is read leaves it unread: the connection's next request begins with it."""

    async def handle(self, request: Request) -> Response:
        kept = request.scope["kept"]
        if kept.pop("unread", False):
            return self.error(400, "Bad request syntax")
        response = await super().handle(request)
        has_body = request.headers.get("content-length", "0") != "0"
        kept["unread"] = response.status_code in (401, 405, 415) and has_body
        return response
