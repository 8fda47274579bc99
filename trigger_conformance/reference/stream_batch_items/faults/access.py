"""Who is let in to a batch's items, and which batch a path names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.store import Batch, Batches
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Fillings

UNKNOWN = "access.unknown_batch_is_an_error"
ELSEWHERE = "access.batch_of_another_environment_is_unknown"
TOKEN = "access.token_of_the_batch_is_accepted"
OTHERS = "access.token_of_another_batch_is_refused"
FORGED = "authentication.forged_tokens_are_refused"


class _Finding(StreamBatchItemsServer):
    """Finds a batch in its own way, where there is none of that id."""

    def find(self, environment: Environment, identity: str) -> Filling:
        try:
            return super().find(environment, identity)
        except Problem:
            found = self.stand_in(environment, identity)
            if found is None:
                raise
            return found

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        raise NotImplementedError

    def known(self, environment: Environment) -> Mapping[str, Batch]:
        """The environment's batches by their ids."""
        return environment.store(Batches).answered


@fault(UNKNOWN)
class MakesUnknownBatches(_Finding):
    """A stream for an id that no batch has makes one of that id."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        return environment.store(Fillings).setdefault(identity, Filling(Batch(identity, 1, None)))


@fault(UNKNOWN, ELSEWHERE, "answers.never_a_server_error")
class FailsOnUnknownBatches(_Finding):
    """An id that no batch has is answered 500."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:  # noqa: ARG002
        raise Problem(500, "Cannot read properties of null (reading 'runCount')")


@fault(UNKNOWN)
class UnknownBatchesAreEmpty(_Finding):
    """A stream for an id that no batch has is answered 200, and of its items none are taken."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:  # noqa: ARG002
        return Filling(Batch(identity, 1, None), sealed=True)


@fault(UNKNOWN)
class IgnoresLetterCase(_Finding):
    """An id is looked up without regard to letter case, as by a database's collation."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        near = [each for each in self.known(environment) if each.lower() == identity.lower()]
        return self.find(environment, near[0]) if near else None


@fault(UNKNOWN)
class LooksUpBeginnings(_Finding):
    """An id is cut to the length of a column."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        near = [each for each in self.known(environment) if len(identity) > len(each) and identity.startswith(each)]
        return self.find(environment, near[0]) if near else None


@fault(UNKNOWN)
class TakesTheLastSegment(_Finding):
    """Of an id with a slash what stands behind it counts."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        return self.find(environment, identity.rpartition("/")[2]) if "/" in identity else None

    def routes(self) -> Any:
        return {**super().routes(), "/api/v3/batches/{batchId:path}/items": {"POST": self.stream_items}}


@fault(ELSEWHERE)
class KnowsAllEnvironments(_Finding):
    """A batch is looked up by its id alone: any environment may fill it."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:  # noqa: ARG002
        owner = next((each for each in self.environments if identity in self.known(each)), None)
        return None if owner is None else self.find(owner, identity)


@fault(ELSEWHERE)
class SealsForOthers(_Finding):
    """Another environment's stream is refused, and marks the batch's items as there."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:  # noqa: ARG002
        owner = next((each for each in self.environments if identity in self.known(each)), None)
        if owner is not None:
            self.find(owner, identity).sealed = True
        return None


@fault(ELSEWHERE, "answers.never_a_server_error")
class FailsForOthers(_Finding):
    """Another environment's batch is answered 500."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:  # noqa: ARG002
        if any(identity in self.known(each) for each in self.environments):
            raise Problem(500, "More than one tenant")
        return None


@fault(TOKEN)
class KnowsNoTokens(StreamBatchItemsServer):
    """The token that is handed out with a batch is no credential."""

    def delegated(self, request: Request) -> Environment | None:  # noqa: ARG002
        return None


@fault(TOKEN)
class WantsToReadAndWriteAll(StreamBatchItemsServer):
    """A token must be one for all batches, which none is."""

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:  # noqa: ARG002
        return "write:batches" in claims.get("scopes", ())


@fault(OTHERS)
class AnyTokenWillDo(StreamBatchItemsServer):
    """A token's signature is looked at, and not what it covers."""

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:  # noqa: ARG002
        return bool(claims)


@fault(OTHERS)
class ScopesAreBeginnings(StreamBatchItemsServer):
    """A scope that begins as one of batches covers them all."""

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:  # noqa: ARG002
        return any(each.startswith("write:batch:") for each in claims.get("scopes", ()))


@fault(OTHERS)
class RefusesAfterwards(StreamBatchItemsServer):
    """Another batch's token is refused when its items have been taken."""

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:  # noqa: ARG002
        return bool(claims)

    async def stream_items(self, request: Request, environment: Environment) -> Response:
        response = await super().stream_items(request, environment)
        claims = self.claims(self.bearer_token(self.authorizations(request)[0]) or "")
        if claims and not super().covers(claims, request.path_params["batchId"]):
            raise Problem(403, "The token is another batch's")
        return response


@fault(FORGED)
class VerifiesNothing(StreamBatchItemsServer):
    """A token's signature is not looked at."""

    def claims(self, token: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            return {}
        return found
