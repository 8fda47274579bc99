"""What checks of create batch expect of answers: ``expect(replay).is_cached_copy_of(first)``."""

from trigger_conformance.checks.expect import Expectation, several
from trigger_conformance.checks.ground import Ground
from trigger_conformance.checks.problem import Problem
from trigger_conformance.contract.quoting import quoted

from .operation import OPERATION


class BatchExpectation(Expectation):
    """Expectations on the answers to one request or several."""

    def is_new_batch(self):
        """202, isCached false, and an id."""
        return self.is_new()

    def is_cached_copy_of(self, *firsts):
        """202, isCached true, and the id of the first answer (one first for all, or one for each)."""
        several = firsts if len(firsts) > 1 else firsts * len(self._exchanges)
        pairs = dict(zip((id(exchange) for exchange in self._exchanges), several, strict=True))
        return self.satisfies(lambda exchange: OPERATION.why_no_copy(exchange, pairs[id(exchange)]))

    def has_run_count(self, run_count):
        """202 with this runCount, a JSON integer."""

        def judge(exchange):
            if exchange.status != OPERATION.contract.success:
                return f"expected 202, got {exchange.outcome}"
            count = exchange.answer.document.get("runCount")
            same = type(count) is int and count == run_count
            return None if same else Problem(f"expected runCount {run_count}, got {quoted(count)}", "runCount")

        return self.satisfies(judge)


class BatchGround(Ground, BatchExpectation):
    """The same of what a check rests on."""


def given(exchanges, *, rests_on, needed=True):
    """Begin an expectation on a check's ground, which the requirement ``rests_on`` owns."""
    return BatchGround(several(exchanges), rests_on, needed=needed)


def expect(exchanges):
    """Begin an expectation on one exchange or several."""
    return BatchExpectation(several(exchanges))
