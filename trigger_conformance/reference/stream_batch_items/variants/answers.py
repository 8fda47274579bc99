"""Answers of other forms, and other batches that are told to be unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_batch.store import Batches
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Stream


@variant
class RichStreamAnswers(StreamBatchItemsServer):
    """A 200 has more than the schema names."""

    def stream_body(self, filling: Filling, stream: Stream) -> dict[str, Any]:
        return {**super().stream_body(filling, stream), "runCount": filling.batch.run_count, "errors": [], "next": None}


@variant
class UnknownBatchesAreInvalid(StreamBatchItemsServer):
    """An id that no batch has is answered 400."""

    def find(self, environment: Environment, identity: str) -> Filling:
        try:
            return super().find(environment, identity)
        except Problem as problem:
            raise Problem(400, problem.message) from problem


@variant
class MalformedIdsAreInvalid(StreamBatchItemsServer):
    """An id that no batch can have is answered 422, another unknown one 404."""

    def find(self, environment: Environment, identity: str) -> Filling:
        if not re.fullmatch(r"[\w-]+", identity, re.ASCII):
            raise Problem(422, "Invalid batch id")
        return super().find(environment, identity)


@variant
class OthersBatchesAreForbidden(StreamBatchItemsServer):
    """Another environment's batch is answered 403."""

    refusal = (403, "The batch belongs to another environment")

    def find(self, environment: Environment, identity: str) -> Filling:
        others = [each for each in self.environments if each is not environment]
        if any(identity in each.store(Batches).answered for each in others):
            raise Problem(*self.refusal)
        return super().find(environment, identity)


@variant
class OtherTokensAreForbidden(StreamBatchItemsServer):
    """Another batch's token is answered 403, for it is a credential, if not this batch's."""

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:  # noqa: ARG002
        return bool(claims)

    async def stream_items(self, request: Request, environment: Environment) -> Response:
        claims = self.claims(self.bearer_token(self.authorizations(request)[0]) or "")
        if claims and not super().covers(claims, request.path_params["batchId"]):
            raise Problem(403, "The token is another batch's")
        return await super().stream_items(request, environment)


@variant(warns=("access.token_of_the_batch_is_accepted",))
class TokensAreForReaders(StreamBatchItemsServer):
    """The token that is handed out with a batch is none for its items."""

    def delegated(self, request: Request) -> Environment | None:  # noqa: ARG002
        return None


@variant(warns=("media_types.other_media_types_are_415",))
class OtherTypesAreInvalid(StreamBatchItemsServer):
    """Another media type is answered 400."""

    def check_media_type(self, request: Request) -> None:
        try:
            super().check_media_type(request)
        except Problem as problem:
            raise Problem(400, problem.message) from problem


@variant
class UnknownTasksAreRefused(StreamBatchItemsServer):
    """A task that the environment does not have is answered 422."""

    def check_task(self, document: dict[str, Any]) -> str:
        task = super().check_task(document)
        if task != self.settings.task:
            raise Problem(422, "There is no such task")
        return task


@variant
class WrongLinesAreAll400(StreamBatchItemsServer):
    """A line that breaks the schema is answered 400, as one that is no JSON."""

    async def fill(self, request: Request, filling: Filling) -> Stream:
        try:
            return await super().fill(request, filling)
        except Problem as problem:
            raise Problem(400 if problem.status == 422 else problem.status, problem.message) from problem
