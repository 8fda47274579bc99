"""Streams that go wrong by a line: they are rejected, seal nothing, and can be sent again whole."""

import pytest

from trigger_conformance.checks.expect import expect
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.requirement import Profile, must

from .client import line
from .grounds import ERRORS, PART, REJECTION, expect_whole_by_now, given_part, tells

ITEM = "BatchItem"
REJECTED = "streamBatchItems.responses.422"
SEALING = "StreamBatchItemsResponse.sealed"
SIZE = 3
# Where a wrong line stands among the right ones, and which items these are: one that has right lines behind it lacks an
# item of its batch, for what came behind may have been kept as well.
PLACES = {
    "before the others": ((), (0, 1)),
    "between the others": ((0, 1), (1,)),
    # Whoever looks closely at the first lines alone has seen enough of them.
    "after the others": ([*range(SIZE)] * 50, ()),
}


def index_of(value):
    return lambda text: text.replace('"index":0', f'"index":{value}')


OUT_OF_RANGE = {
    "below 0": index_of(-1),
    "the runCount": index_of(SIZE),
    "2^32": index_of(2**32),
    "2^8": index_of(2**8),
    "2^16": index_of(2**16),
    "2^64": index_of(2**64),
    "1e999": index_of("1e999"),
    "-2^32": index_of(-(2**32)),
    "one more": index_of(SIZE + 1),
    "2^31": index_of(2**31),
    "2^53 + 1": index_of(2**53 + 1),
    "10^100": index_of(10**100),
    "the least of 32 bits": index_of(-(2**31)),
}


# What the others stand beside, one a place; between the others, and after them, it is of an item that the batch has.
WRONG = ('{"index":0,', '{"index":0}', '{"index":1}')


@must(
    "an index below 0, and one that the batch has no place for, are rejected, and fill no place",
    clause=f"{ITEM}.index",
    cases="an index",
)
def test_index_out_of_range_is_rejected(target):
    right = target.text()
    cases = list(OUT_OF_RANGE.items())[: target.pick(smoke=1, standard=7, thorough=20)]
    batch = target.batch(SIZE)
    streams = [target.stream(batch, f"{wrong(right)}\n".encode(), label) for label, wrong in cases]
    expect(target.send_all(streams)).is_rejected()
    if target.profile > Profile.SMOKE:
        part = given(target.send(target.stream(batch, target.items([0]), "one item of 3")), rests_on=PART).has_status(
            200
        )
        fills_none = tells(itemsAccepted=1, sealed=False)
        if any(map(fills_none, part)):
            given_part(
                target.send(target.stream(target.batch(SIZE), target.items([0]), "the same of another batch")), 1
            )
        expect(part).satisfies(fills_none)
    # The sound twin, which is told apart where a wrong one was let in.
    expect_whole_by_now(target.send(target.whole(batch, "the sound twin")), SIZE)


@pytest.fixture(scope="module")
def spoilt(target):
    """Streams of right lines of a batch and one that is wrong, each for a batch of its own, by place.

    The one between the others is sent twice, to a batch that was told to have an item of it.
    """
    places = list(PLACES.items())[-target.pick(smoke=1, standard=2, thorough=3) :]
    batches = target.batches(*[SIZE] * len(places))
    streams = [
        target.stream(batch, among_right_ones(target, wrong, *items), f"a wrong line {place}")
        for batch, (place, items), wrong in zip(batches, places, WRONG[-len(places) :], strict=True)
    ]
    between = [each for each in streams if each.label.endswith("between the others")]
    target.send_all(target.stream(target.operation.key(each), target.items([0]), "one item of 3") for each in between)
    target.send_all(between)
    return list(zip(batches, target.send_all(streams), strict=True))


def among_right_ones(target, wrong, before, behind):
    """A body with a wrong line between the items with these indexes."""
    lines = [[line(each) for each in target.items(indexes)] for indexes in (before, behind)]
    return b"".join([*lines[0], f"{wrong}\n".encode(), *lines[1]])


@must("a stream with one wrong line is rejected, wherever that stands", clause=REJECTED, profile=Profile.SMOKE)
def test_stream_with_a_wrong_line_is_rejected(spoilt):
    expect(each for _, each in spoilt).is_rejected()


@must("a stream with a wrong line seals nothing: the batch still lacks what never came", clause=SEALING)
def test_stream_with_a_wrong_line_seals_nothing(target, spoilt):
    # Where the wrong line was the last one, nothing is lacking.
    lacking = [(batch, each) for batch, each in spoilt if not each.request.label.endswith("after the others")]
    # First the one with right lines before it.
    rejected = [(batch, each) for batch, each in reversed(lacking) if each.status in ERRORS]
    batch, stream = next(iter(rejected), (None, None))
    if batch is None:
        rests(REJECTION, "no stream with a wrong line was rejected", [each for _, each in spoilt])
    part = target.send(target.stream(batch, target.items([0]), f"one item of 3 after {stream.request.label}"))
    given(given(part, rests_on=PART).has_status(200), rests_on=PART).satisfies(tells(sealed=False))


@must("after a stream with a wrong line all items, sent again, are taken or there, and seal the batch", clause=SEALING,
      profile=Profile.SMOKE)  # fmt: skip
def test_whole_stream_after_a_wrong_one_seals(target, spoilt):
    # Whoever lets the wrong line pass has its own requirement.
    rejected = [(batch, each) for batch, each in spoilt if each.status in ERRORS]
    if not rejected:
        rests(REJECTION, "no stream with a wrong line was rejected", [each for _, each in spoilt])
    again = target.send_all(target.whole(batch, f"all items after {each.request.label}") for batch, each in rejected)
    expect_whole_by_now(again, SIZE)
