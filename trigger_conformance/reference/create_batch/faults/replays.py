"""Replays: the one defect that most of what a suite can ask stands on."""

from __future__ import annotations

from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.limiter import Allowance
from trigger_conformance.reference.site import Environment


@fault("idempotency.replay_is_answered_202")
class RefusesUsedKeys(CreateBatchServer):
    """Every replay is answered 422: the key has been used."""

    def accepted(
        self, environment: Environment, order: Order, batch: Batch, cached: bool, allowance: Allowance
    ) -> Response:
        if cached:
            return self.json(422, {"message": "idempotencyKey has been used"}, [])
        return super().accepted(environment, order, batch, cached, allowance)
