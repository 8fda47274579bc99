"""What checks of create batch speak through: ``target.create(key=key)``."""

from trigger_conformance.checks.client import Client
from trigger_conformance.rules import delegated_token


class BatchClient(Client):
    """A client that creates batches, and replays them. ``max_run_count`` is the target's stated maximum."""

    @property
    def max_run_count(self):
        """The largest runCount that the target states."""
        return self.stated["max_run_count"]

    def within(self, run_count):
        """``run_count``, or the target's maximum where that is smaller."""
        return min(run_count, self.max_run_count)

    def order(self, run_count=1, key=None, label="", *, properties=None, **how):
        """A request that describes a batch; what is no way of sending it is a further property of its body.

        A target whose maximum is smaller than ``run_count`` is asked for its maximum.
        """
        ways = {name: how.pop(name) for name in self.WAYS if name in how}
        document = {"runCount": self.within(run_count)}
        if key is not None:
            document["idempotencyKey"] = key
        return self.request({**document, **(properties or {}), **how}, label=label, **ways)

    def valid(self, label="", *, key=None, **how):
        """A request that makes a batch of one run, with the key or a fresh one."""
        return self.order(key=key or self.key(), label=label, **how)

    def plain(self, label=""):
        """runCount alone."""
        return self.order(label=label)

    def telling(self, label="", *, key=None, **how):
        """A request for two runs, which the answer names again."""
        return self.order(2, key=key or self.key(), label=label, **how)

    def weighing(self, runs, *, key=None, label="", **how):
        """A request for so many runs, with the key or a fresh one."""
        return self.order(runs, key=key or self.key(), label=label, **how)

    @property
    def most_runs(self):
        """The largest runCount."""
        return self.max_run_count

    def invalid(self):
        """Bodies that break one thing each."""
        return {
            "runCount 0": b'{"runCount":0}',
            "malformed JSON": b'{"runCount":',
            "a mistyped key": b'{"runCount":1,"idempotencyKey":1}',
        }

    def token_claims(self):
        """The claims of the delegated token that comes with a new batch."""
        batch = self.create(key=self.key())
        return delegated_token.payload_of(batch.answer) if batch.status == self.contract.success else None

    def twin(self, request):
        """A valid request with the same key as ``request``, and two runs: it is new unless that made a batch.

        Most that are rejected ask for one run, so that what remembers them knows this for another.
        """
        key = self.operation.key(request)
        return self.order(2, key=key, label=f"the valid request after: {request.label}")

    def create(self, run_count=1, key=None, label="", **properties):
        """Create a batch, or replay the one that ``key`` names."""
        return self.send(self.order(run_count, key, label, **properties))
