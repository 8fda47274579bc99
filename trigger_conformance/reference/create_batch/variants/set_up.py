"""Other maxima, and what runs cost."""

from __future__ import annotations

from dataclasses import replace

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.limiter import Allowance
from trigger_conformance.reference.settings import Settings
from trigger_conformance.reference.site import Environment


@variant
class MaximumOf1(ReferenceApp):
    """A batch is one run."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, max_run_count=1, run_limit=(100, 60.0))


@variant
class MaximumOf5(ReferenceApp):
    """A batch is at most five runs."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, max_run_count=5, run_limit=(100, 200.0))


@variant
class MaximumOf500(ReferenceApp):
    """A batch is at most 500 runs."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, max_run_count=500)


@variant
class MaximumOf10000(ReferenceApp):
    """A batch is at most 10,000 runs."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, max_run_count=10_000, run_limit=(12_000, 10_000.0))


@variant
class LimitedByRuns(ReferenceApp):
    """1,000 runs at once, 500 a second."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, run_limit=(1000, 500.0), request_limit=(10**6, 10.0**6))


@variant
class TightlyLimitedByRuns(ReferenceApp):
    """1,000 runs at once, 100 a second."""

    def adjusted(self, settings: Settings) -> Settings:
        return replace(settings, run_limit=(1000, 100.0), request_limit=(10**6, 10.0**6))


@variant
class ChargesReplays(CreateBatchServer):
    """A replay costs a run of the limit."""

    def charge_nothing(self, environment: Environment) -> Allowance:
        allowance = self.limits[environment.name].runs.take(1)
        return replace(allowance, granted=True)
