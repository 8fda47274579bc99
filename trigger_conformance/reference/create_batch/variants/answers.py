"""Ids, bodies and delegated tokens of other forms."""

from __future__ import annotations

import base64
import itertools
import json
import string
import time
import uuid
from typing import Any

import jwt
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.site import Environment, Site


class _WithId(CreateBatchServer):
    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.counter = itertools.count(1)


@variant
class IdsAreUuids(CreateBatchServer):
    """Ids are UUIDs."""

    def new_id(self) -> str:
        return str(uuid.uuid4())


@variant
class IdsCount(_WithId):
    """Ids are counted, as strings."""

    def new_id(self) -> str:
        return str(next(self.counter))


@variant
class IdsAreLong(_WithId):
    """Ids have 300 characters."""

    def new_id(self) -> str:
        return f"{next(self.counter):0300}"


@variant
class IdsUseEveryCharacter(_WithId):
    """Ids hold every character that a path segment may."""

    def new_id(self) -> str:
        return f"B-._~!$&'()*+,;=:@{next(self.counter)}"


@variant
class IdsDifferInCase(_WithId):
    """Ids are base62: some differ only in letter case."""

    def new_id(self) -> str:
        letters = string.ascii_letters
        number = next(self.counter)
        return f"b{letters[number % 52]}{letters[number // 52 % 52]}{letters[number // 2704]}"


@variant
class RichAnswers(CreateBatchServer):
    """A 202 has more than the schema names."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        more = {"object": "batch", "createdAt": time.strftime("%FT%TZ"), "items": None, "links": {"self": batch.id}}
        return {**more, **super().batch_body(order, batch, cached)}


@variant
class TokensHaveNoExpiry(CreateBatchServer):
    """The delegated token has no exp."""

    def claims(self, environment: Environment, batch: Batch) -> dict[str, Any]:
        return {name: value for name, value in super().claims(environment, batch).items() if name != "exp"}


@variant
class TokensAreNested(CreateBatchServer):
    """The delegated token has nested claims, and its header a key id."""

    def claims(self, environment: Environment, batch: Batch) -> dict[str, Any]:
        return {**super().claims(environment, batch), "realtime": {"skipColumns": ["payload"]}, "ratio": 0.5}

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.signing_key, algorithm="HS512", headers={"kid": "k1"})


@variant
class ClaimsAreAnExcerpt(CreateBatchServer):
    """The claims header holds some of the token's claims."""

    def token_headers(self, environment: Environment, batch: Batch, cached: bool) -> list[tuple[str, str]]:
        token, (name, claims) = super().token_headers(environment, batch, cached)
        some = {claim: value for claim, value in json.loads(claims).items() if claim in ("sub", "scopes")}
        return [token, (name, json.dumps(some))]


@variant
class TokensInBase64Ids(_WithId):
    """Ids are base64url of a number."""

    def new_id(self) -> str:
        return base64.urlsafe_b64encode(f"batch:{next(self.counter)}".encode()).rstrip(b"=").decode()


@variant
class MasksKeys(CreateBatchServer):
    """Answers name the credential by its beginning and end."""

    def masked(self, credential: str) -> str:
        return f"{credential[:10]}...{credential[-4:]}"

    def accepted(self, environment: Environment, *rest: Any) -> Response:
        response = super().accepted(environment, *rest)
        response.headers["x-api-key"] = self.masked(environment.api_key)
        return response

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        return {**super().batch_body(order, batch, cached), "createdBy": self.masked(self.environments[0].api_key)}
