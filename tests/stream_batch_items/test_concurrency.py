"""Streams at once: of the same items, of complementary parts, of two batches."""

import pytest

from trigger_conformance.checks.expect import ViolationError, expect
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import must

from .grounds import ERRORS, seals, tells
from .operation import counts

TAKEN = "StreamBatchItemsResponse.itemsAccepted"
SEALING = "StreamBatchItemsResponse.sealed"
AT_ONCE = 4
SIZE = 6


def rounds(target):
    return target.pick(smoke=1, standard=2, thorough=10)


def answered(exchange):
    """A judge: 200, or a documented error."""
    return None if exchange.status in (200, *ERRORS) else f"expected 200, 400 or 422, got {exchange.outcome}"


def accepted(exchanges):
    """How many items the answers say were accepted, in all."""
    return sum(taken for each in exchanges if type(taken := counts(each)[0]) is int)


@pytest.fixture(scope="module")
def same(target):
    """Several whole streams at once, each round for a batch of its own."""
    batches = target.batches(*[SIZE] * rounds(target))
    return [
        (batch, target.send_together([target.whole(batch, "all items, at once with the same")] * AT_ONCE))
        for batch in batches
    ]


@pytest.fixture(scope="module")
def complementary(target):
    """The thirds of a batch at once, each round for a batch of its own."""
    batches = target.batches(*[SIZE] * rounds(target))
    parts = [range(start, SIZE, 3) for start in range(3)]
    return [
        (batch, target.send_together(
            target.stream(batch, target.items(part), f"items {list(part)}, at once with the others") for part in parts
        ))
        for batch in batches
    ]  # fmt: skip


def expect_each_once(races):
    """Every answer is one of those that a stream may have, and over all of them no item is accepted twice."""
    for batch, answers in races:
        expect(answers).satisfies(answered)
        if accepted(answers) > batch.size:
            told = f"{accepted(answers)} items were accepted of a batch of {batch.size}, by streams at once"
            raise ViolationError(Problem(told, "itemsAccepted"), answers)


@must("streams of the same items at once are each answered, and no item is accepted twice", clause=TAKEN)
def test_same_items_at_once_are_taken_once(same):
    expect_each_once(same)


@must("streams of complementary parts at once are each answered, and no item is accepted twice", clause=TAKEN)
def test_parts_at_once_are_taken_once(complementary):
    expect_each_once(complementary)


def expect_whole(target, races):
    """Where all were read nothing is missing; the whole stream again seals, or finds the batch sealed."""
    again = target.send_all(target.whole(batch, "all items after streams at once") for batch, _ in races)
    sealed = {each.number: any(counts(one)[2] is True for one in answers)
              for each, (_, answers) in zip(again, races, strict=True)}  # fmt: skip

    def judge(exchange):
        if not sealed[exchange.number]:
            return seals(SIZE)(exchange)
        return None if exchange.status in ERRORS else tells(itemsAccepted=0, sealed=True)(exchange)

    expect(again).satisfies(judge)


@must("after streams of the same items at once, all items sent again seal the batch or find it sealed", clause=SEALING)
def test_same_items_at_once_can_be_sealed(target, same):
    expect_whole(target, same)


@must("after streams of complementary parts at once, all items sent again seal the batch or find it sealed",
      clause=SEALING)  # fmt: skip
def test_parts_at_once_can_be_sealed(target, complementary):
    expect_whole(target, complementary)


@must("what streams at once were told to be accepted is what the batch then has", clause=TAKEN)
def test_nothing_is_lost_by_streams_at_once(complementary):
    for batch, answers in complementary:
        read = [each for each in answers if each.status == 200]
        if len(read) < len(answers):
            continue
        if accepted(read) != batch.size:
            told = f"{accepted(read)} items were accepted of {batch.size} that came in {len(read)} parts at once"
            raise ViolationError(Problem(told, "itemsAccepted"), read)


@must("two batches that are filled at once never get each other's items", clause="StreamBatchItemsResponse.id")
def test_batches_at_once_keep_apart(target):
    sizes = (2, 5, 3)
    batches = target.batches(*sizes)
    answers = target.send_together([target.whole(each, f"all {each.size} items of its own batch") for each in batches])
    wanted = {id(each): batch for each, batch in zip(answers, batches, strict=True)}
    expect(answers).satisfies(
        lambda each: tells(id=wanted[id(each)].id, itemsAccepted=wanted[id(each)].size, sealed=True)(each)
    )
