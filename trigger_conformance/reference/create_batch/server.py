"""The sound server of create batch: what it accepts, what it creates, what it answers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.create_batch.store import Batch, Batches, Order, new_batch_id
from trigger_conformance.reference.limiter import Allowance
from trigger_conformance.reference.server import Handler, OperationServer, Problem
from trigger_conformance.reference.site import Environment, Site

PATH = "/api/v3/batches"
LONGEST_KEY = 2048
TOKEN_LIFETIME = 3600
SIGNING_KEY = "reference-signing-key-of-32-bytes-or-more"


class CreateBatchServer(OperationServer):
    """Answers ``POST /api/v3/batches``."""

    # Its one required property has checks, and so faults, of its own.
    spared = frozenset({"lenient_json.unwraps_bodies"})

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.signing_key = SIGNING_KEY

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """As ``OperationServer.routes``."""
        return {PATH: {"POST": self.create_batch}}

    async def create_batch(self, request: Request, environment: Environment) -> Response:
        """The answer to a create that its environment may send."""
        order = await self.order_of(request)
        existing = await self.find(environment, order)
        if existing is None:
            runs = self.charge_runs(environment, order)
            if not runs.granted:
                return self.too_many(runs)
            batch, cached = await self.create(environment, order), False
        else:
            runs = self.charge_nothing(environment)
            batch, cached = existing, True
        self.batches(environment).answered[batch.id] = batch
        return self.accepted(environment, order, batch, cached, runs)

    # What is accepted

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

    def batches(self, environment: Environment) -> Batches:
        """The environment's batches, by what their keys are remembered as."""
        return environment.store(Batches)

    async def find(self, environment: Environment, order: Order) -> Batch | None:
        """The batch that the order's key already names."""
        return None if order.key is None else self.batches(environment).get(self.stored_key(order.key))

    async def create(self, environment: Environment, order: Order) -> Batch:
        """A new batch. There is no await between ``find`` and here, so one key cannot create two."""
        batch = Batch(self.new_id(), order.run_count, order.key)
        if order.key is not None:
            self.batches(environment)[self.stored_key(order.key)] = batch
        return batch

    def stored_key(self, key: str) -> str:
        """What a key is remembered as."""
        return key

    def new_id(self) -> str:
        """A new batch's id."""
        return new_batch_id()

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        """Take the order's runs from what the environment may start."""
        return self.limits[environment.name].take_runs(order.run_count)

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
