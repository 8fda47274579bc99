"""Streams at once: of the same items, of complementary parts, of two batches."""

import itertools

import pytest

from trigger_conformance.checks.expect import NotApplicableError, expect
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import must

from .client import line
from .grounds import (
    AGAIN,
    COMPLETED,
    ERRORS,
    LATE,
    PART,
    expect_whole_by_now,
    given_chunks_read,
    given_sealed,
    tells,
)
from .operation import counts, lines

ITEMS_ACCEPTED = "StreamBatchItemsResponse.itemsAccepted"
SEALING = "StreamBatchItemsResponse.sealed"
AT_ONCE = 4
SIZE = 6
BACKWARDS = {1: "", -1: ", backwards"}
# Until all that leave at once have surely begun.
MEANWHILE = 0.2


def answered(exchange):
    """A judge: 200, or a documented error."""
    return None if exchange.status in (200, *ERRORS) else f"expected 200, 400 or 422, got {exchange.outcome}"


def accepted(exchanges):
    """How many items the answers say were accepted, in all."""
    return sum(taken for each in exchanges if type(taken := counts(each)[0]) is int)


@pytest.fixture(scope="module")
def same(target):
    """Several streams of the same items at once, each round for a batch of its own."""
    batches = target.batches(*[SIZE] * target.pick(smoke=1, standard=2, thorough=10))
    # By turns all of them, and a part: that seals nothing, so that whoever comes later is read, too.
    turns = zip(batches, itertools.cycle((whole_at_once, part_at_once)))
    # Whoever locks what it writes meets with who locks it from the other end.
    races = [
        (batch, target.send_together(stream(target, batch, (1, -1)[lane % 2]) for lane in range(AT_ONCE)))
        for batch, stream in turns
    ]
    given_read(target, races)
    return races


def whole_at_once(target, batch, order):
    """All items of a batch, from the last to the first where the ``order`` is -1."""
    items = target.items(range(batch.size)[::order])
    return target.stream(batch, items, f"all items{BACKWARDS[order]}, at once with the same")


def part_at_once(target, batch, order):
    """Some of a batch's items."""
    items = target.items(range(SIZE - 2)[::order])
    return paused(target)(batch, items, f"{len(items)} of {SIZE} items{BACKWARDS[order]}, at once with the same")


@pytest.fixture(scope="module")
def complementary(target):
    """The thirds of a batch at once, each round for a batch of its own."""
    batches = target.batches(*[SIZE] * target.pick(smoke=1, standard=1, thorough=10))
    parts = [range(start, SIZE, 3) for start in range(3)]
    turns = zip(batches, itertools.cycle((paused(target), target.stream)))
    races = [
        (batch, target.send_together(
            stream(batch, target.items(part), f"items {list(part)}, at once with the others") for part in parts
        ))
        for batch, stream in turns
    ]  # fmt: skip
    given_read(target, races)
    return races


def given_read(target, races):
    """What came in chunks at once says nothing where one stream in chunks is not read either."""
    chunked = [answers for _, answers in races if answers[0].request.upload]
    if any(accepted(answers) < came(answers) for answers in chunked):
        given_chunks_read(target)


def came(exchanges):
    """How many items streams brought in all, each counted once."""
    return len({text for each in exchanges for text in lines(each.request.content)})


def paused(target):
    """A stream with a pause behind its first item, in which all that leave at once have begun."""
    return lambda batch, items, label: target.uploaded(
        batch, b"".join(map(line, items)), label, cuts=[len(line(items[0]))], pause=MEANWHILE
    )


def expect_each_once(races):
    """Every answer is one of those that a stream may have, and over all of them no item is accepted twice."""
    # Of several streams at once those that come last may find the batch sealed.
    for _, answers in races:
        given(answers, rests_on=LATE).satisfies(answered)
    over = {}
    for _, answers in races:
        told = f"{accepted(answers)} items were accepted of {came(answers)} that came, by streams at once"
        over |= {each: Problem(told, "itemsAccepted") for each in answers if accepted(answers) > came(answers)}
    if over:
        given(over, rests_on=AGAIN).satisfies(over.get)


@must("streams of the same items at once are each answered, and no item is accepted twice", clause=ITEMS_ACCEPTED)
def test_same_items_at_once_are_taken_once(same):
    expect_each_once(same)


@must("streams of complementary parts at once are each answered, and no item is accepted twice", clause=ITEMS_ACCEPTED)
def test_parts_at_once_are_taken_once(complementary):
    expect_each_once(complementary)


def expect_sealed(races, again):
    """The whole stream ``again`` after each of the ``races`` seals the batch, or finds it sealed."""
    late = [each for each, (_, answers) in zip(again, races, strict=True) if any(counts(one)[2] for one in answers)]
    if late:
        given(late, rests_on=LATE).satisfies(lambda each: None if each.status in ERRORS else tells(sealed=True)(each))
    if unsealed := [each for each in again if each not in late]:
        expect_whole_by_now(unsealed, SIZE)


@must("after streams of the same items at once, all items sent again seal the batch or find it sealed", clause=SEALING)
def test_same_items_at_once_can_be_sealed(target, same):
    again = target.send_all(target.whole(batch, "all items after the same at once") for batch, _ in same)
    expect_sealed(same, again)


@pytest.fixture(scope="module")
def afterwards(target, complementary):
    """The whole stream after each round of parts."""
    return target.send_all(target.whole(batch, "all items after parts at once") for batch, _ in complementary)


@must("after streams of complementary parts at once, all items sent again seal the batch or find it sealed",
      clause=SEALING)  # fmt: skip
def test_parts_at_once_can_be_sealed(complementary, afterwards):
    expect_sealed(complementary, afterwards)


@must("what streams at once were told to be accepted is what the batch then has", clause=ITEMS_ACCEPTED)
def test_nothing_is_lost_by_streams_at_once(complementary, afterwards):
    read = [
        (answers, again)
        for (_, answers), again in zip(complementary, afterwards, strict=True)
        if all(each.status == 200 for each in answers)
    ]
    if not read:
        raise NotApplicableError("the target takes no two streams of one batch at once")
    for answers, _ in read:
        if accepted(answers) != SIZE:
            told = f"{accepted(answers)} items were accepted of {SIZE} that came in {len(answers)} parts at once"
            rests(PART, told, answers)
    given([again for _, again in read], rests_on=LATE).satisfies(
        lambda each: None if each.status in ERRORS else tells(itemsAccepted=0)(each)
    )


@must("of streams at once that bring a batch all its items, one at least is told that it is sealed", clause=SEALING)
def test_parts_at_once_seal_their_batch(complementary, afterwards):
    # Where some are lost, not all are there.
    taken = [
        answers for (_, answers), again in zip(complementary, afterwards, strict=True)
        if all(each.status == 200 for each in answers) and accepted(answers) == SIZE and not counts(again)[0]
    ]  # fmt: skip
    if not taken:
        raise NotApplicableError("the target does not take all of a batch's parts at once")
    for answers in taken:
        # Whichever was taken last found all the others there.
        sealed = any(counts(each)[2] is True for each in answers)
        untold = Problem(f"all {SIZE} items are there, and no stream is told that the batch is sealed", "sealed")
        given(answers, rests_on=COMPLETED).satisfies(lambda _, told=None if sealed else untold: told)


@must("two batches that are filled at once never get each other's items", clause="StreamBatchItemsResponse.id")
def test_batches_at_once_keep_apart(target):
    sizes = (2, 5)
    batches = target.batches(*sizes)
    answers = target.send_together([target.whole(each, f"all {each.size} items of its own batch") for each in batches])
    wanted = {id(each): batch for each, batch in zip(answers, batches, strict=True)}
    expect(answers).satisfies(lambda each: tells(id=wanted[id(each)].id)(each))
    for each in answers:
        given_sealed(each, wanted[id(each)].size)
