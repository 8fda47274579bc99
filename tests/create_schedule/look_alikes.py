"""What look-alike keys are judged by where a second request with a key updates its schedule."""

from tests.every_operation.look_alikes import LookAlikes
from trigger_conformance.checks.expect import expect

from .grounds import given_same_id, why_another_id
from .operation import OPERATION


def why_no_copy(second, first):
    """What keeps an answer from naming the schedule of ``first``."""
    if second.status != OPERATION.contract.success:
        return f"expected {OPERATION.contract.success}, got {second.outcome}"
    return why_another_id(first)(second)


class ScheduleLookAlikes(LookAlikes):
    """Keys that software takes for each other: each makes a schedule, and the next request with it finds that."""

    area = "create_schedule.deduplication"
    never_two = "no_key_ever_named_two_schedules"
    operation = OPERATION
    why_no_copy = why_no_copy

    @classmethod
    def seen_twice(cls, target, named):
        """Those of the ids ``named`` that several schedules of the list have."""
        return target.look().given_twice() & named

    def given_copies(self, seconds, *firsts):
        """Second requests only confirm what the first answers showed."""
        ones = firsts if len(firsts) > 1 else firsts * len(seconds)
        for second, first in zip(seconds, ones, strict=True):
            given_same_id([second], first, needed=False)

    def expect_new(self, firsts):
        """Each is answered with a schedule of its own."""
        return expect(firsts).is_new()
