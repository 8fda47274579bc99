"""Limits of other sizes, honestly told."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.limiter import Allowance, Limits, RequestsOnly, TokenBucket
from trigger_conformance.reference.server import OperationServer


@variant
class LimitedByRequests(ReferenceApp):
    """60 requests at once, 50 a second."""

    def new_limits(self) -> Limits:
        return RequestsOnly(TokenBucket(60, 50.0))


@variant
class TightlyLimited(ReferenceApp):
    """10 requests at once, 5 a second."""

    def new_limits(self) -> Limits:
        return RequestsOnly(TokenBucket(10, 5.0))


@variant
class AsksForLongerWaits(OperationServer):
    """Retry-After and X-RateLimit-Reset have two seconds to spare."""

    def too_many(self, allowance: Allowance) -> Response:
        return super().too_many(replace(allowance, retry_after=allowance.retry_after + 2, reset=allowance.reset + 2))
