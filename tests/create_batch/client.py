"""What checks of create batch speak through: ``target.create(key=key)``."""

from trigger_conformance.checks.client import Client


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

    def valid(self, label="", **how):
        """A request that makes a batch of one run, with a fresh key."""
        return self.order(key=self.key(), label=label, **how)

    def twin(self, request):
        """The valid request with the same key as ``request``: it is new unless that made a batch."""
        key = self.operation.key(request)
        return self.order(key=key, label=f"the valid request after: {request.label}")

    def create(self, run_count=1, key=None, label="", **properties):
        """Create a batch, or replay the one that ``key`` names."""
        return self.send(self.order(run_count, key, label, **properties))
