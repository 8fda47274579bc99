"""What checks of create batch rest on beside their own statement, and which requirement owns it."""

from tests.every_operation import grounds
from trigger_conformance.checks.expect import InconclusiveError
from trigger_conformance.checks.requirement import Profile

from .expectations import given
from .operation import OPERATION

VALID = "create_batch.acceptance.valid_request_is_accepted"
UNKNOWN = "create_batch.acceptance.unknown_properties_are_accepted"
NOT_CACHED = "create_batch.acceptance.new_batch_is_not_cached"
RUN_COUNT = "create_batch.run_count.values_between_are_accepted"
MISSING = "create_batch.run_count.missing_or_mistyped_is_rejected"
OUT_OF_RANGE = "create_batch.run_count.out_of_range_is_rejected"
WRONG_KEY = "create_batch.authentication.wrong_key_is_refused"
ON_ONE_CONNECTION = "create_batch.authentication.requests_on_one_connection_are_judged_by_themselves"
REFUSED = "create_batch.authentication.refused_request_creates_nothing"
REPLAY_STATUS = "create_batch.idempotency.replay_is_answered_202"
REPLAY = "create_batch.idempotency.replay_returns_the_existing_batch"
OUTLIVES = "create_batch.idempotency.key_outlives_errors_beside_it"
BURNT = "create_batch.idempotency.rejected_request_does_not_use_up_its_key"
RACE = "create_batch.idempotency.concurrent_requests_with_one_key_create_one_batch"


def given_accepted(firsts):
    """Plain valid requests are answered 202."""
    return given(firsts, rests_on=VALID).is_accepted()


def given_keys_taken(target, firsts):
    """Keys of printable characters are accepted; smoke has no requirement that says so alone."""
    if target.profile is Profile.SMOKE:
        return given_accepted(firsts)
    return grounds.given_keys_taken(firsts, "create_batch.idempotency")


def given_batches(firsts):
    """Plain valid requests make new batches."""
    return given(given_accepted(firsts), rests_on=NOT_CACHED).is_new_batch()


def given_right_batches(firsts, run_count):
    """The batches that requests made which were accepted are new ones, with the requested runCount."""
    return given_run_count(given(firsts, rests_on=NOT_CACHED).is_new_batch(), run_count)


def given_copies(replays, *firsts, needed=True):
    """Plain replays return the batches of ``firsts`` (one for all, or one for each)."""
    ones = firsts if len(firsts) > 1 else firsts * len(replays)
    first_of = {id(replay): first for replay, first in zip(replays, ones, strict=True)}
    answered = given(replays, rests_on=REPLAY_STATUS, needed=needed).is_accepted()
    if not answered:
        return []
    copies = given(answered, rests_on=REPLAY, needed=needed)
    return copies.is_cached_copy_of(*(first_of[id(each)] for each in answered))


def given_that_replays_work(target):
    """A fresh key that is sent twice at once finds the batch that it named."""
    key = target.key()
    first, replay = target.create(key=key), target.create(key=key)
    given_copies([replay], first)


def sound_beside(twins):
    """What stands beside a wrong value is accepted without it. Raises InconclusiveError where it is not."""
    wrong = [each for each in twins if OPERATION.why_not_new(each)]
    if wrong:
        raise InconclusiveError(f"{wrong[0].request.label} is not accepted either: {wrong[0].outcome}", wrong)


def given_run_count(firsts, run_count):
    """New batches have the requested runCount."""
    return given(firsts, rests_on=RUN_COUNT).has_run_count(run_count)
