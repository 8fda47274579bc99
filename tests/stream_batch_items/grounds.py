"""What checks of items rest on beside their own statement, and which requirement owns it; what answers tell."""

from trigger_conformance.checks.expect import expect
from trigger_conformance.checks.ground import given
from trigger_conformance.checks.problem import Problem
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import Framing

ADDED_UP = "stream_batch_items.story.counts_add_up_to_the_lines"
REPLAYED = "create_batch.idempotency.replay_returns_the_existing_batch"
ID = "stream_batch_items.{}.{}".format
VALID = ID("answers", "valid_request_is_accepted")
TAKEN = ID("story", "whole_stream_is_taken")
SEALED = ID("story", "whole_stream_seals_its_batch")
PART = ID("story", "part_is_taken")
COUNTED = ID("story", "part_tells_what_is_there")
COMPLETED = ID("story", "missing_items_complete_the_batch")
AGAIN = ID("story", "item_sent_again_is_deduplicated")
TWICE = ID("story", "repeated_line_is_deduplicated")
REJECTION = ID("wrong_lines", "stream_with_a_wrong_line_is_rejected")
WRONG_AGAIN = ID("wrong_lines", "whole_stream_after_a_wrong_one_seals")
CHUNKS = ID("uploads", "chunks_may_end_anywhere")
LATE = ID("story", "stream_after_sealing_takes_nothing")
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


def takes_nothing(exchange):
    """A judge: a documented error, or a 200 that says that the batch is sealed and nothing was accepted."""
    return None if exchange.status in ERRORS else tells(itemsAccepted=0, sealed=True)(exchange)


def given_accepted(exchanges):
    """Plain valid streams are answered 200."""
    return given(exchanges, rests_on=VALID).is_accepted()


def why_not_taken(size):
    """A judge: what keeps an answer from being a 200 that says that so many items were accepted, and none was there."""
    return tells(itemsAccepted=size, itemsDeduplicated=0)


def given_taken(exchanges, size):
    """Plain whole streams are taken."""
    return given(given_accepted(exchanges), rests_on=TAKEN).satisfies(why_not_taken(size))


def given_sealed(exchanges, size):
    """Whole streams are taken, and seal their batches."""
    return given_whole(given_taken(exchanges, size))


def given_part(exchanges, size):
    """A stream of some of a batch's items is taken, and the batch is not sealed by it."""
    answered = given(exchanges, rests_on=PART).has_status(200)
    return given(answered, rests_on=PART).satisfies(tells(itemsAccepted=size, itemsDeduplicated=0, sealed=False))


def given_again(exchanges, accepted, deduplicated):
    """Of a stream's items some were there: these are deduplicated, the others taken."""
    return given(given_accepted(exchanges), rests_on=AGAIN).satisfies(
        tells(itemsAccepted=accepted, itemsDeduplicated=deduplicated)
    )


def expect_as_it_was(target, own):
    """A batch of two that had an item had it still, and no more, when ``own`` streamed both; and is sealed by that.

    It rests on what becomes of a batch that nobody else has touched.
    """
    judge = tells(itemsAccepted=1, itemsDeduplicated=1, sealed=True)
    if judge(own):
        batch = target.batch(2)
        given_part(target.send(target.stream(batch, target.items([0]), "one of 2, and nothing beside it")), 1)
        twin = target.send(target.whole(batch, "both of them, and nothing beside it"))
        given_again(twin, 1, 1)
        given_whole(twin)
    expect(own).satisfies(judge)


def given_whole(exchanges):
    """A batch that has all its items is sealed."""
    return given(exchanges, rests_on=SEALED).satisfies(tells(sealed=True))


def given_chunks_read(target):
    """A plain whole stream in chunks is read."""
    chunked = target.send(target.whole(target.batch(1), "in chunks, alone", framing=Framing.CHUNKED))
    given(chunked, rests_on=CHUNKS).satisfies(why_not_taken(1))


def adds_up(size):
    """A judge: a 200 to all items of a batch of ``size``, some of which it may have had."""

    def judge(exchange):
        if exchange.status != 200:
            return f"expected 200, got {exchange.outcome}"
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


def expect_whole_by_now(exchanges, size):
    """All items of a batch, sent again, are taken or there, and the batch is sealed."""
    read = given_accepted(exchanges)
    given(read, rests_on=ADDED_UP).satisfies(adds_up(size))
    given_whole(read)


def expect_whole_after_wrong_lines(exchanges, size):
    """The same of a batch that was sent wrong lines, some of them behind right ones, which is another's statement."""
    read = given(exchanges, rests_on=WRONG_AGAIN).is_accepted()
    counted = given(read, rests_on=WRONG_AGAIN).satisfies(adds_up(size))
    given(counted, rests_on=WRONG_AGAIN).satisfies(tells(sealed=True))
