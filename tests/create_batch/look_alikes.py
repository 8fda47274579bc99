"""What look-alike keys are judged by where a replay returns the existing batch."""

from tests.every_operation.look_alikes import LookAlikes

from .expectations import expect
from .grounds import given_copies
from .operation import OPERATION


class BatchLookAlikes(LookAlikes):
    """Keys that software takes for each other: each makes a new batch, and its replay finds that."""

    area = "create_batch.idempotency"
    never_two = "no_key_ever_named_two_batches"
    operation = OPERATION
    why_no_copy = OPERATION.why_no_copy

    def given_copies(self, replays, *firsts):
        """Replays only confirm what the first answers showed."""
        return given_copies(replays, *firsts, needed=False)

    def expect_new(self, firsts):
        """Each is answered with a new batch."""
        return expect(firsts).is_new_batch()
