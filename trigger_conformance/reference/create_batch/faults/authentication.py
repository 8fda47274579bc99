"""Authentication: delegated tokens that are taken too lightly, work that survives a refusal."""

from __future__ import annotations

import contextlib
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Order
from trigger_conformance.reference.faults.authentication.credentials import Decoding
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

TAMPERED = "authentication.tampered_delegated_token_is_refused"


@fault(TAMPERED)
class TrustsKnownSignatures(Decoding, CreateBatchServer):
    """A signature that was given out is trusted with any payload."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.signatures: set[str] = set()

    def sign(self, claims: dict[str, Any]) -> str:
        token = super().sign(claims)
        self.signatures.add(token.rpartition(".")[2])
        return token

    def trusts(self, token: str) -> bool:
        return token.rpartition(".")[2] in self.signatures


@fault(TAMPERED)
class TrustsTokensWithoutASignature(Decoding, CreateBatchServer):
    """An HS256 token whose signature is missing is trusted."""

    def trusts(self, token: str) -> bool:
        return jwt.get_unverified_header(token)["alg"] == "HS256" and token.endswith(".")


@fault("authentication.refused_request_creates_nothing")
class CountsRefusedRequests(CreateBatchServer):
    """A refused request's key is reserved before the refusal."""

    async def handle(self, request: Request) -> Response:
        response = await super().handle(request)
        if response.status_code == 401:
            with contextlib.suppress(Problem):
                document = self.parse(await request.body())
                await self.create(self.environments[0], Order(1, document.get("idempotencyKey")))
        return response


@fault("authentication.other_spellings_of_the_key_are_refused", "authentication.wrong_key_is_refused")
class RemembersTokensByTheirBeginning(CreateBatchServer):
    """Tokens that were found right are remembered by their first 20 characters."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.known: dict[str, Environment] = {}

    def authenticate(self, request: Request) -> Environment | None:
        headers = self.authorizations(request)
        token = (self.bearer_token(headers[0]) if len(headers) == 1 else None) or ""
        found = super().authenticate(request) or self.known.get(token[:20])
        if found is not None:
            self.known[token[:20]] = found
        return found


class _OfTheSecond(CreateBatchServer):
    """Compares the second environment's key in a way of its own."""

    def key_matches(self, token: str, api_key: str) -> bool:
        is_second = api_key == self.settings.second_api_key
        return super().key_matches(token, api_key) or (is_second and self.similar(token, api_key))

    def similar(self, token: str, api_key: str) -> bool:
        raise NotImplementedError


@fault("authentication.wrong_key_is_refused")
class ComparesTheSecondWithoutCase(_OfTheSecond):
    """The second environment's key is looked up without regard to letter case."""

    def similar(self, token: str, api_key: str) -> bool:
        return token.lower() == api_key.lower()


@fault("authentication.wrong_key_is_refused")
class ComparesTheSecondsBeginning(_OfTheSecond):
    """A token that begins with the second environment's key will do."""

    def similar(self, token: str, api_key: str) -> bool:
        return token.startswith(api_key)
