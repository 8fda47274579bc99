"""What checks of items rest on beside their own statement, and which requirement owns it; what answers tell."""

from trigger_conformance.checks.ground import given
from trigger_conformance.checks.problem import Problem
from trigger_conformance.contract.quoting import quoted

BATCH = "create_batch.acceptance.valid_request_is_accepted"
REPLAYED = "create_batch.idempotency.replay_returns_the_existing_batch"
TOKEN = "create_batch.acceptance.accepted_answers_carry_the_token_headers"
ID = "stream_batch_items.{}.{}".format
VALID = ID("answers", "valid_request_is_accepted")
TAKEN = ID("story", "whole_stream_is_taken")
SEALED = ID("story", "whole_stream_seals_its_batch")
PART = ID("story", "part_is_taken")
AGAIN = ID("story", "item_sent_again_is_deduplicated")
ANY_ORDER = ID("story", "items_may_come_in_any_order")
AFTER = ID("story", "stream_after_sealing_takes_nothing")
ERRORS = (400, 422)


def tells(**wanted):
    """A judge: a 200 that says these things."""

    def judge(exchange):
        if exchange.status != 200:
            return f"expected 200, got {exchange.outcome}"
        told = exchange.answer.document
        for name, value in wanted.items():
            if type(told.get(name)) is not type(value) or told[name] != value:
                return Problem(f"expected {name} {quoted(value)}, got {quoted(told.get(name))}", name)
        return None

    return judge


def given_accepted(exchanges):
    """Plain valid streams are answered 200."""
    return given(exchanges, rests_on=VALID).is_accepted()


def given_taken(exchanges, size):
    """Plain whole streams are taken."""
    return given(given_accepted(exchanges), rests_on=TAKEN).satisfies(tells(itemsAccepted=size, itemsDeduplicated=0))


def given_sealed(exchanges, size):
    """Plain whole streams are taken, and seal their batches."""
    return given(given_taken(exchanges, size), rests_on=SEALED).satisfies(tells(sealed=True))


def given_part(exchanges, size):
    """A stream of some of a batch's items is taken, and the batch is not sealed by it."""
    return given(given_accepted(exchanges), rests_on=PART).satisfies(
        tells(itemsAccepted=size, itemsDeduplicated=0, sealed=False)
    )


def seals(size):
    """A judge: all items of a batch of ``size`` were sent again, some of which it may have had, and it is sealed."""

    def judge(exchange):
        if (problem := tells(sealed=True)(exchange)) is not None:
            return problem
        told = exchange.answer.document
        got = told.get("itemsAccepted"), told.get("itemsDeduplicated")
        if all(type(each) is int and each >= 0 for each in got) and sum(got) == size:
            return None
        return Problem(
            f"expected itemsAccepted and itemsDeduplicated to add up to {size}, got {quoted(got[0])} and "
            f"{quoted(got[1])}",
            "itemsAccepted",
        )

    return judge
