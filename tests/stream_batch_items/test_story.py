"""The whole story: batches get their items, by one stream or several, and are sealed when all are there."""

import itertools
from collections import Counter, defaultdict

import pytest

from trigger_conformance.checks.expect import expect, seen
from trigger_conformance.checks.ground import given
from trigger_conformance.checks.operation import operations
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile, Stage, must, should
from trigger_conformance.contract.contract import strict_json
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import Beyond

from ..every_operation.test_answers import first_request
from .client import batch_of
from .grounds import (
    ADDED_UP,
    COMPLETED,
    COUNTED,
    ERRORS,
    LATE,
    PART,
    REPLAYED,
    SEALED,
    TWICE,
    adds_up,
    given_accepted,
    given_again,
    given_part,
    given_sealed,
    given_taken,
    given_whole,
    takes_nothing,
    tells,
)
from .operation import counts, lines

ANSWER = "StreamBatchItemsResponse"
COUNTS = ("enqueuedCount", "expectedCount")
# As many lines, with the one behind them, as bulk writes have, and no more than are written in time one by one.
MANY = 245
FAR = 11
# As many lines as pages have.
PAGE = 100
PADDING, BLOCK = 400, 1 << 12
# So many that what is remembered of the last few streams has forgotten the first.
PARTS = ((1, 3), (2,), (4,), (5,))
LONG_AFTER = "what sealed a batch, long after"


@pytest.fixture(scope="module")
def filled(target):
    """The answers to streams that fill a batch, and its size: that of the run's first request has one item.

    What the first is answered that is no 200 is another's affair. Numbers of two digits, as texts, have another order.
    """
    sizes = (3, 12)[: target.pick(smoke=1, standard=2, thorough=2)]
    found = [(target.send(target.whole(target.batch(size), f"all {size}")), size) for size in sizes]
    first = first_request(target)
    return found + [(first, 1)] * (first is not None and first.status == 200)


@pytest.fixture(scope="module")
def parts(target):
    """A batch, and what several streams are answered that give it all its items but the first, which is to come."""
    indexes = PARTS[: target.pick(smoke=2, standard=4, thorough=4)]
    batch = target.batch(1 + sum(map(len, indexes)))
    streams = [target.stream(batch, long(target, part), f"{len(part)} of {batch.size}: {[*part]}") for part in indexes]
    return batch, [target.send(each) for each in streams]


@pytest.fixture(scope="module")
def completed(target, parts):
    """All items of that batch, of which it lacks one."""
    batch = parts[0]
    return target.send(target.stream(batch, long(target, range(batch.size)), f"all {batch.size}"))


def long(target, indexes):
    """Items that make a body so long that what remembers it by its hash, or by its beginning, does so."""
    return [target.item(index, payload={"n": index, "padding": "x" * PADDING}) for index in indexes]


@pytest.fixture(scope="module")
def late(target, parts, completed):
    """Streams for that batch after it was sealed: again the one that sealed it, and others."""
    given_whole(given_accepted(completed))
    again = [target.send(completed.request) for _ in range(target.pick(smoke=1, standard=2, thorough=9))]
    others = [
        target.stream(parts[0], [target.item(1, payload="another")], "one item once more, with another payload"),
        target.stream(parts[0], [target.item(99)], "an item that the batch has no place for"),
        target.stream(parts[0], [], "no item at all, once the batch is sealed"),
        target.stream(parts[0], b"{\n", "a line that is no JSON, once the batch is sealed"),
    ]
    return again, [] if target.profile is Profile.SMOKE else target.send_all(others)


@pytest.fixture(scope="module")
def repeated(target):
    """Streams with lines that come again: one that does not fill its batch, with as many lines, and such as do."""
    page = target.creates.within(PAGE)
    rows = {
        f"the last item, {page} times": (page, [page - 1] * page),
        # Between two that are the same are as many as a window of the last ones has.
        f"ten items, the first one {MANY:,} times, then another": (FAR, [*range(FAR - 1), *[0] * MANY, FAR - 1]),
        "three items in five lines": (3, [0, 1, 0, 2, 1]),
    }
    chosen = dict(list(rows.items())[: target.pick(smoke=0, standard=2, thorough=3)])
    batches = target.batches(*(size for size, _ in chosen.values()))
    return target.send_all(
        target.stream(batch, target.items(indexes), label)
        for batch, (label, (_, indexes)) in zip(batches, chosen.items(), strict=True)
    )


@must("all items of a batch in one stream are accepted", clause=f"{ANSWER}.itemsAccepted", profile=Profile.SMOKE)
def test_whole_stream_is_taken(filled):
    for answered, size in filled:
        expect(given_accepted(answered)).satisfies(tells(itemsAccepted=size, itemsDeduplicated=0))


@must("a batch that has all its items is sealed", clause=f"{ANSWER}.sealed", profile=Profile.SMOKE)
def test_whole_stream_seals_its_batch(filled):
    for answered, _ in filled:
        expect(given_accepted(answered)).satisfies(tells(sealed=True))


@must("an answer names its batch", clause=f"{ANSWER}.id", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_answer_names_its_batch(target, traffic):
    def judge(exchange):
        wanted, got = target.operation.key(exchange.request), exchange.answer.document.get("id")
        if wanted is None:
            # A path of another form, which names a batch to the target alone.
            return None
        return None if got == wanted else Problem(f"expected the batch {quoted(wanted)}, got {quoted(got)}", "id")

    seen(successes(target, traffic), "200").satisfies(judge)


@must("a stream of some of a batch's items is taken, and does not seal it", clause=f"{ANSWER}.sealed",
      profile=Profile.SMOKE)  # fmt: skip
def test_part_is_taken(parts):
    for each, part in zip(parts[1], PARTS, strict=False):
        expect(given_accepted(each)).satisfies(tells(itemsAccepted=len(part), itemsDeduplicated=0, sealed=False))


def given_parts(streams):
    """Each of several streams of some of a batch's items is taken, and seals nothing."""
    for each, part in zip(streams, PARTS, strict=False):
        given_part(each, len(part))


@must("a batch that lacks items tells how many it has and how many it expects", clause=f"{ANSWER}.enqueuedCount",
      profile=Profile.SMOKE)  # fmt: skip
def test_part_tells_what_is_there(parts, repeated):
    batch, streams = parts
    given_parts(streams)
    there = itertools.accumulate(map(len, PARTS))
    for each, count in zip(streams, there, strict=False):
        expect(each).satisfies(tells(enqueuedCount=count, expectedCount=batch.size))
    for short in repeated[:1]:
        size = len(lines(short.request.body))
        once = tells(itemsAccepted=1, itemsDeduplicated=size - 1, sealed=False)
        expect(given(short, rests_on=TWICE).satisfies(once)).satisfies(tells(enqueuedCount=1, expectedCount=size))


@must("every answer about a batch that lacks items tells how many it has and expects", clause=f"{ANSWER}.expectedCount",
      profile=Profile.SMOKE, stage=Stage.CLOSING)  # fmt: skip
def test_unsealed_batch_tells_its_counts(target, traffic):
    known = sizes(target)
    unsealed = [each for each in successes(target, traffic) if counts(each)[2] is False]
    streams = defaultdict(list)
    for each in traffic:
        if target.operation.asks(each.request):
            streams[target.operation.key(each.request)].append(each)

    def judge(exchange):
        told = exchange.answer.document
        there, size = told.get("enqueuedCount"), known.get(target.operation.key(exchange.request))
        if size is None:
            # Whatever is no batch of the run has its own requirement.
            return None
        if type(there) is not int or there < 0:
            return Problem(f"it lacks items, and tells enqueuedCount {quoted(there)}", "enqueuedCount")
        return tells(expectedCount=size)(exchange)

    def not_whole(exchange):
        there, size = exchange.answer.document.get("enqueuedCount"), known.get(target.operation.key(exchange.request))
        # Between the look whether all are there and the count another stream may have brought the last ones.
        others = streams[target.operation.key(exchange.request)]
        if size is None or there < size or any(may_be_beside(exchange, each) for each in others):
            return None
        return Problem(f"sealed false, and enqueuedCount {there} of expectedCount {size}", "enqueuedCount")

    seen(unsealed, "answer with sealed false")
    counted = given(unsealed, rests_on=COUNTED).satisfies(judge)
    by_owner = defaultdict(list)
    for each in counted:
        at_once = counts(each)[0] == known.get(target.operation.key(each.request))
        by_owner[SEALED if at_once else COMPLETED].append(each)
    for owner, answered in by_owner.items():
        given(answered, rests_on=owner).satisfies(not_whole)


def may_be_beside(exchange, other):
    """Whether another stream may have been read at the same time: one whose end, or whose beginning, nobody saw may."""
    if other is exchange:
        return False
    unseen = other.answer is None or other.request.upload is not None
    return unseen or (other.started < exchange.ended and exchange.started < other.ended)


@must("enqueuedCount and expectedCount are absent once the batch is sealed", clause=f"{ANSWER}.expectedCount",
      profile=Profile.SMOKE, stage=Stage.CLOSING)  # fmt: skip
def test_sealed_batch_tells_no_counts(target, traffic):
    sealed = [each for each in successes(target, traffic) if counts(each)[2] is True]

    def judge(exchange):
        there = [name for name in COUNTS if name in exchange.answer.document]
        return Problem(f"it is sealed, and tells {' and '.join(there)}", there[0]) if there else None

    seen(sealed, "answer with sealed true").satisfies(judge)


@must("the items that are missing complete the batch, and seal it", clause=f"{ANSWER}.sealed")
def test_missing_items_complete_the_batch(target):
    batch = target.batch(3)
    given_part(target.send(target.stream(batch, target.items([0]), "the first of 3")), 1)
    rest = target.send(target.stream(batch, target.items([1, 2]), "the missing two"))
    expect(given_accepted(rest)).satisfies(tells(itemsAccepted=2, itemsDeduplicated=0))
    given_whole(rest)


@must("items may come in any order", clause="BatchItem.index")
def test_items_may_come_in_any_order(target):
    order = [9, 4, 0, 7, 3, 8, 1, 6, 2, 5]
    # As many as a page has: what is left of it at its end is nothing.
    given_sealed(
        target.send(target.stream(target.batch(len(order)), target.items(order), "in another order")), len(order)
    )


@must("an item that is sent again is deduplicated", clause=f"{ANSWER}.itemsDeduplicated", profile=Profile.SMOKE)
def test_item_sent_again_is_deduplicated(parts, completed):
    given_parts(parts[1])
    expect(given_accepted(completed)).satisfies(tells(itemsAccepted=1, itemsDeduplicated=parts[0].size - 1))


@must("an index tells which item it is: the same one whatever its payload, another one with the same payload",
      clause="BatchItem.index")  # fmt: skip
def test_index_tells_the_item(target):
    batch = target.batch(4)
    given_part(target.send(target.stream(batch, target.items([1]), "one of 4")), 1)
    others = [
        target.item(1, payload={"n": "another"}),
        target.item(1, payload={"n": 1}, options={"conformanceExtra": "another"}),
    ]
    given_again(target.send(target.stream(batch, others, "the same index")), 0, 2)
    equal = [target.item(index, payload={"n": 1, "padding": "x" * BLOCK}) for index in (0, 2)]
    given_taken(target.send(target.stream(batch, equal, "equal payloads")), 2)
    if target.profile > Profile.SMOKE:
        # JSON Schema takes 1.0 for an integer, and need not be followed in that: it is no second item.
        fraction = target.send(target.stream(batch, [target.item(1.0)], "the index written as 1.0"))
        known = tells(itemsAccepted=0, itemsDeduplicated=1)
        expect(fraction).satisfies(lambda each: None if each.status in ERRORS else known(each))


@must("a line that comes twice in a stream is deduplicated", clause=f"{ANSWER}.itemsDeduplicated")
def test_repeated_line_is_deduplicated(repeated):
    short, far, *doubled = repeated
    given_again(short, 1, len(lines(short.request.body)) - 1)
    given_again(far, FAR, MANY)
    for each in doubled:
        given_again(each, 3, 2)
    given_whole([far, *doubled])
    given(short, rests_on=PART).satisfies(tells(sealed=False))


@must("a batch of many items is filled by two streams of half of them", clause=f"{ANSWER}.itemsAccepted")
def test_many_items_are_taken(target):
    size = target.creates.within(target.pick(smoke=30, standard=116, thorough=1000))
    batch, odd = target.batch(size), range(1, size, 2)
    given_part(target.send(target.stream(batch, target.items(odd), f"{len(odd)} of {size}")), len(odd))
    # From the last to the first; of what is there one comes once more, with many between.
    even = [*range(0, size, 2)][::-1]
    rest = target.send(
        target.stream(batch, target.items([*even, 1]), f"the other {len(even)} backwards, and one again")
    )
    given_again(rest, len(even), 1)
    given_whole(rest)


@must("a stream for a sealed batch takes nothing: success, or a documented error", clause=f"{ANSWER}.sealed",
      profile=Profile.SMOKE)  # fmt: skip
def test_stream_after_sealing_takes_nothing(late):
    again, others = late
    expect([*again, *others]).satisfies(takes_nothing)


@must("a batch that was sealed long before takes nothing either", clause=f"{ANSWER}.sealed", stage=Stage.GENERATED)
def test_batch_sealed_long_before_takes_nothing(target):
    first = next((each for each in target.wire.ledger.exchanges() if is_sealing(target, each)), None)
    if first is None:
        # Alone: then it waits for what a target does once the runs are over.
        first = target.send(target.whole(target.batch(1), "a stream that seals a batch"))
        given_sealed(first, 1)
        target.wire.pause(1)
    again = target.stream(target.operation.key(first.request), first.request.body, LONG_AFTER)
    # A target need not keep what is done for ever.
    given(target.send(again), rests_on=LATE).satisfies(lambda each: None if each.status == 404 else takes_nothing(each))


@must("what a batch that lacks items has is still there long after: the missing ones complete it",
      clause=f"{ANSWER}.sealed", stage=Stage.GENERATED)  # fmt: skip
def test_part_is_there_long_after(target):
    begun = left_open(target)
    if begun is None:
        # Alone: then it waits for what a target does with what nobody completes.
        begun = target.send(target.stream(target.batch(2), target.items([0]), "one of 2"))
        given_part(begun, 1)
        target.wire.pause(1)
    batch = target.operation.key(begun.request)
    there, size = counts(begun)[0], sizes(target)[batch]
    again = target.send(target.stream(batch, target.items(range(size)), "all items, long after some of them"))
    given_again(again, size - there, there)
    given_whole(again)


def left_open(target):
    """The first stream of a check of stories that brought its batch some items, alone; None where all have come."""
    known = sizes(target)
    streams = [each for each in target.wire.ledger.exchanges() if each.request.operation == target.operation.id]
    times = Counter(target.operation.key(each.request) for each in streams)

    def is_open(exchange):
        batch, (taken, _, sealed) = target.operation.key(exchange.request), counts(exchange)
        size = known.get(batch)
        part = type(taken) is int and type(size) is int and 0 < taken < size
        return part and sealed is False and times[batch] == 1 and ".story." in exchange.check

    return next(filter(is_open, streams), None)


def is_plain(target, exchange):
    """Whether an exchange is a plain one of the operation's own."""
    request = exchange.request
    own = request.operation == target.operation.id and request.credential == "primary"
    return own and not request.upload and request.beyond is Beyond.NOTHING


def is_sealing(target, exchange):
    """Whether an exchange is a plain one whose answer says that it sealed its batch."""
    accepted, _, sealed = counts(exchange)
    return is_plain(target, exchange) and sealed is True and type(accepted) is int and accepted > 0


def sent_again(target):
    """What streams that had sealed a batch were answered when they were sent once more, if that was not long after."""
    ended, found = {}, []
    for each in target.wire.ledger.exchanges():
        what = each.request.target, each.request.body
        if what in ended and is_plain(target, each) and each.started >= ended[what]:
            found += [each] if each.request.label != LONG_AFTER else []
        elif is_sealing(target, each):
            ended.setdefault(what, each.ended)
    return found


@should("the stream that sealed a batch, sent again, is answered with success", clause="RFC 9110 9.2.2",
        stage=Stage.GENERATED)  # fmt: skip
def test_same_stream_again_is_success(request, target):
    # Where no other check of stories has run, it tells its own.
    again = sent_again(target) or request.getfixturevalue("late")[0]
    answered = given(again, rests_on=LATE).has_status(200, *ERRORS)
    # A target need not keep what is done for ever; where it knows the batch, a client may have come back late.
    long_after = (each for each in target.wire.ledger.exchanges() if each.request.label == LONG_AFTER)
    answered += [each for each in long_after if each.status in ERRORS]
    expect(answered).satisfies(lambda each: None if each.status == 200 else f"expected 200 again, got {each.outcome}")


@must("a replayed create leads to the same batch: its items are deduplicated across both", clause=f"{ANSWER}.id")
def test_replayed_create_leads_to_the_same_batch(target):
    key = target.creates.key()
    batch = target.batch(3, key=key)
    given_part(target.send(target.stream(batch, target.items([0, 1]), "two of 3")), 2)
    replay(target, batch, target.creates.order(1, key, "a replay with runCount 1"))
    again = target.send(target.stream(batch, target.items([1]), "one of the two again, after that replay"))
    given(given_again(again, 0, 1), rests_on=TWICE).satisfies(tells(sealed=False))
    whole = target.send(target.whole(batch, "all items, after a replay of the create"))
    given_again(whole, 1, 2)
    if counts(whole)[2] is True:
        replay(target, batch, target.creates.order(3, key, "a replay once the batch is sealed"))
        late = target.send(target.whole(batch, "all items, after a replay once the batch is sealed"))
        given(late, rests_on=LATE).satisfies(takes_nothing)


def replay(target, batch, order):
    """Replay the create of a batch; whether that leads to the same one is that requirement's affair."""
    given(target.creates.send(order), rests_on=REPLAYED).satisfies(
        lambda each: None if batch_of(each) == batch.id else f"the replay names another batch: {each.outcome}"
    )


@must("a stream whose answer was not read is sent again: the batch is whole, and no item is taken twice",
      clause=f"{ANSWER}.itemsDeduplicated")  # fmt: skip
def test_unread_answer_and_its_retry(target):
    batch = target.batch(3)
    target.abandon(target.whole(batch, "all items, the answer unread"))
    # On an older connection it may overtake.
    retry = target.send(target.whole(batch, "the retry"), fresh=True)
    # What was read before may have sealed the batch: a target need not tell again item by item, or at all.
    late = tells(itemsAccepted=0, itemsDeduplicated=0, sealed=True)
    given(retry, rests_on=LATE).has_status(target.contract.success, *ERRORS)
    if retry.status == target.contract.success and late(retry) is not None:
        given(retry, rests_on=ADDED_UP).satisfies(adds_up(batch.size))
        whole_before = counts(retry)[0] == 0
        given(retry, rests_on=LATE if whole_before else SEALED).satisfies(tells(sealed=True))


def successes(target, traffic):
    return [each for each in traffic if each.status == target.contract.success and target.operation.asks(each.request)]


def sizes(target):
    """How many items the batches of the run expect, by their ids."""
    creates = operations()["create_batch"]
    asked = [each for each in target.wire.ledger.exchanges() if each.request.operation == creates.id]
    known = {}
    for each in asked:
        # A replay may ask for another number, and changes nothing.
        if made := creates.made(each):
            known.setdefault(made, (each.request.document or {}).get("runCount"))
    return known


def sound(target, traffic, known):
    """The successes of streams all of whose lines are items of their batch; what else is accepted is another affair."""

    def is_item(text, size):
        document = strict_json(text)
        return target.contract.keeps_schema(document) and document["index"] < size

    return [
        each
        for each in successes(target, traffic)
        if isinstance(size := known.get(target.operation.key(each.request)), int)
        and all(is_item(text, size) for text in lines(each.request.content))
    ]


@must("over all its streams a batch accepts no more items than it has", clause=f"{ANSWER}.itemsAccepted",
      profile=Profile.SMOKE, stage=Stage.CLOSING)  # fmt: skip
def test_batch_accepts_no_more_than_it_has(target, traffic):
    known = sizes(target)
    accepted, last = Counter(), {}
    for each in sound(target, traffic, known):
        taken, batch = counts(each)[0], target.operation.key(each.request)
        if type(taken) is int and taken > 0:
            accepted[batch] += taken
            last[batch] = each

    def judge(exchange):
        batch = target.operation.key(exchange.request)
        told = f"{accepted[batch]} items were accepted over all streams of a batch of {known[batch]}"
        return Problem(told, "itemsAccepted") if accepted[batch] > known[batch] else None

    seen(last.values(), "stream that was accepted").satisfies(judge)


@must("as long as a batch is not sealed, a stream's accepted and deduplicated items add up to its lines",
      clause=f"{ANSWER}.itemsDeduplicated", profile=Profile.SMOKE, stage=Stage.CLOSING)  # fmt: skip
def test_counts_add_up_to_the_lines(target, traffic):
    streams = sound(target, traffic, sizes(target))
    sealing = defaultdict(list)
    for each in streams:
        if counts(each)[2] is True:
            sealing[target.operation.key(each.request)].append(each)

    def judge(exchange):
        accepted, deduplicated, sealed = counts(exchange)
        # A stream whose answer nobody read may have sealed the batch: then this one need not be read.
        if (accepted, deduplicated, sealed) == (0, 0, True):
            return None
        others = sealing[target.operation.key(exchange.request)]
        # Whoever finds a batch sealed, by another stream that came before or at once, need not read what is sent to it.
        if any(each is not exchange and each.started < exchange.ended for each in others):
            return None
        wanted = len(lines(exchange.request.content))
        if type(accepted) is not int or type(deduplicated) is not int or accepted + deduplicated == wanted:
            return None
        told = f"itemsAccepted {accepted} and itemsDeduplicated {deduplicated} do not add up to {wanted} lines"
        return Problem(told, "itemsAccepted")

    seen(streams, "200 to a sound stream").satisfies(judge)
