"""What checks of create batch expect of answers: ``expect(replay).is_cached_copy_of(first)``."""

from trigger_conformance.checks.expect import Expectation
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import Exchange

from .operation import OPERATION


class BatchExpectation(Expectation):
    """Expectations on the answers to one request or several."""

    def is_new_batch(self):
        """202, isCached false, and an id."""
        self.is_new()

    def is_cached_copy_of(self, *firsts):
        """202, isCached true, and the id of the first answer (one first for all, or one for each)."""
        several = firsts if len(firsts) > 1 else firsts * len(self._exchanges)
        pairs = dict(zip((id(exchange) for exchange in self._exchanges), several, strict=True))
        self.satisfies(lambda exchange: OPERATION.why_no_copy(exchange, pairs[id(exchange)]))

    def has_run_count(self, run_count):
        """202 with this runCount, a JSON integer."""

        def judge(exchange):
            if exchange.status != OPERATION.contract.success:
                return f"expected 202, got {exchange.outcome}"
            count = exchange.answer.document.get("runCount")
            same = type(count) is int and count == run_count
            return None if same else f"expected runCount {run_count}, got {quoted(count)}"

        self.satisfies(judge)


def expect(exchanges):
    """Begin an expectation on one exchange or several."""
    return BatchExpectation([exchanges] if isinstance(exchanges, Exchange) else list(exchanges))
