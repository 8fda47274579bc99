"""Work that survives a refusal, and replays that skip what refuses."""

from __future__ import annotations

import contextlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Order
from trigger_conformance.reference.faults.properties import ActsOnRejections
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

MODEL = "fuzzing.any_order_is_answered_as_the_model_says"


@fault("idempotency.rejected_request_does_not_use_up_its_key", "run_count.rejected_run_count_creates_nothing")
class CachesRejections(CreateBatchServer):
    """The first answer to a key is given for ever, a rejection too."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.rejections: dict[str, Problem] = {}

    def validate(self, document: Any) -> Order:
        key = document.get("idempotencyKey") if isinstance(document, dict) else None
        if isinstance(key, str) and key in self.rejections:
            raise self.rejections[key]
        try:
            return super().validate(document)
        except Problem as problem:
            if isinstance(key, str):
                self.rejections[key] = Problem(problem.status, problem.message)
            raise


@fault("authentication.refused_request_creates_nothing")
class CreatesBeforeAuthentication(CreateBatchServer):
    """The batch is written before the credential is looked at."""

    async def handle(self, request: Request) -> Response:
        if request.method == "POST" and self.authenticate(request) is None:
            with contextlib.suppress(Problem):
                order = self.validate(self.parse(await request.body()))
                await self.create(self.environments[0], order)
        return await super().handle(request)


@fault("idempotency.key_outlives_errors_beside_it", "idempotency.no_key_ever_named_two_batches", MODEL)
class RejectionsForgetTheKey(ActsOnRejections, CreateBatchServer):
    """A rejected request with a known key deletes it: the cleanup of a failed create."""

    async def act(self, environment: Environment, document: dict[str, Any]) -> None:
        self.batches(environment).pop(str(document.get("idempotencyKey")), None)


@fault("run_count.out_of_range_is_rejected", MODEL)
class ReplaysSkipValidation(CreateBatchServer):
    """A known key is answered before the rest of the request is validated."""

    def validate(self, document: Any) -> Order:
        key = document.get("idempotencyKey") if isinstance(document, dict) else None
        if isinstance(key, str) and key in self.batches(self.environments[0]):
            document = {**document, "runCount": 1}
        return super().validate(document)


@fault("authentication.known_key_is_no_credential", MODEL)
class ReplaysSkipAuthentication(CreateBatchServer):
    """A known key is answered whoever asks: the cache stands in front of authentication."""

    async def handle(self, request: Request) -> Response:
        with contextlib.suppress(Problem):
            document = self.parse(await request.body())
            key = document.get("idempotencyKey") if isinstance(document, dict) else None
            home = self.environments[0]
            if isinstance(key, str) and key in self.batches(home) and self.authenticate(request) is None:
                return await self.create_batch(request, home)
        return await super().handle(request)
