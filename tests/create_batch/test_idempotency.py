"""Idempotency: one key, one batch."""

import itertools
import time
import uuid
import zlib
from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise

import pytest

from tests.every_operation import keys, transformations
from tests.every_operation.json_texts import escaped
from trigger_conformance.checks.client import Authorization
from trigger_conformance.checks.expect import (
    REJECTIONS,
    InconclusiveError,
    NotApplicableError,
    ViolationError,
    Wrong,
)
from trigger_conformance.checks.ground import GroundError, rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile, Stage, info, must, should
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.rules.history import Call, why_impossible
from trigger_conformance.wire.exchange import Beyond, Exchange

from .expectations import expect, given
from .grounds import (
    BURNT,
    ON_ONE_CONNECTION,
    OUT_OF_RANGE,
    OUTLIVES,
    RACE,
    REFUSED,
    REPLAY,
    REPLAY_STATUS,
    UNKNOWN,
    WRONG_KEY,
    given_accepted,
    given_batches,
    given_copies,
    given_keys_taken,
    given_run_count,
)
from .life import (
    LIFE,
    again,
    longest_unused,
    of_the_other_environment,
    replayed_in_time,
    sent_in_ways,
    the_largest_and_the_limited,
    within_their_life,
)
from .look_alikes import BatchLookAlikes
from .operation import OPERATION, batch, is_cached, is_new, key_of, keyed_batches, run_count

KEY = "CreateBatchRequest.idempotencyKey"
MANY = 48
# Of each kind of look-alike keys one in so many comes again in a standard run.
FEW = 20
INVALID = '{"runCount":1,"idempotencyKey":"%s"}'
OTHERS = "create_batch.idempotency.replay_ignores_other_properties"
UNUSUAL = "create_batch.idempotency.unusual_keys_work_or_are_rejected"
PARENT = "run_conformance_that_is_not_there"
LARGE = 200_000
# More than what is looked at of a body by whatever does not read it.
BEHIND = 4_200
CHARSET = "create_batch.http.charset_parameter_is_accepted"
UUIDS = "create_batch.idempotency.spellings_of_one_value_are_different_keys"


@pytest.fixture(scope="module")
def first_and_replays(target):
    """A new batch, at once its replay with another body, then replays on connections of their own."""
    key = target.key()
    first = target.create(2, key=key, label="first")
    smoke = target.profile is Profile.SMOKE
    replays = [] if smoke else [target.create(1, key=key, label="replay that asks for another runCount")]
    count = 1 if smoke else target.within(2)
    text = b'{"conformanceExtra":"%s","idempotencyKey":"%s","runCount":%d}'
    written = text % (b"x" * BEHIND, escaped(key).encode(), count)
    otherwise = target.request(written, label="replay written otherwise, on a new connection")
    # Whether an unknown property is accepted is another requirement's affair.
    replays += given(target.send(otherwise, fresh=True), rests_on=UNKNOWN, needed=False).is_accepted()
    count = target.pick(smoke=0, standard=2, thorough=4)
    replays += [
        target.send(target.order(2, key=key, label=f"replay {number} on a new connection"), fresh=True)
        for number in range(3, count + 3)
    ]
    given_batches(first)
    return first, replays


@must("a replay has isCached true and the first answer's id", clause=KEY, profile=Profile.SMOKE)
def test_replay_returns_the_existing_batch(first_and_replays):
    first, replays = first_and_replays
    expect(given(replays, rests_on=REPLAY_STATUS).is_accepted()).is_cached_copy_of(first)


@must("a replay is answered 202", clause="createBatch.responses.202", profile=Profile.SMOKE)
def test_replay_is_answered_202(first_and_replays):
    _, replays = first_and_replays
    expect(replays).is_accepted()


@must("a replay's runCount is the first request's, whatever the replay asks for", clause=KEY, profile=Profile.SMOKE)
def test_replay_keeps_the_first_run_count(first_and_replays):
    first, replays = first_and_replays
    given_run_count(first, run_count(first.request))
    answered = given(replays, rests_on=REPLAY_STATUS).is_accepted()
    # What names another batch has that one's runCount.
    found = [each for each in answered if batch(each) == batch(first)]
    if not found:
        rests(REPLAY, "no replay found the existing batch", answered)
    expect(found).has_run_count(run_count(first.request))


@must("replays with other properties return the existing batch unchanged", clause=KEY)
def test_replay_ignores_other_properties(target):
    key = target.key()
    first = target.create(2, key=key)
    given_batches(first)
    plain, *replays, extra = target.send_all(
        [
            target.request({"idempotencyKey": key, "runCount": target.within(2)}, label="the same in another order"),
            target.order(7, key=key, label="another runCount"),
            target.order(2, key=key, label="resumeParentOnCompletion true", resumeParentOnCompletion=True),
            target.order(2, key=key, label="resumeParentOnCompletion false", resumeParentOnCompletion=False),
            target.order(2, key=key, label="an extra property", conformanceExtra="x"),
        ]
    )
    given_copies([plain], first)
    replays += given(extra, rests_on=UNKNOWN, needed=False).is_accepted()
    copies = given_copies(replays, first)
    given_run_count([first, plain], target.within(2))
    expect(copies).has_run_count(target.within(2))


@must("a replay with other headers returns the existing batch", clause=KEY)
def test_replay_ignores_headers(target):
    key = target.key()
    first = target.create(key=key)
    given_batches(first)
    others = [("User-Agent", "axios/1.7.9"), ("Accept", "*/*"), ("traceparent", f"00-{'1' * 32}-{'2' * 16}-01")]
    others += [("X-Request-Id", "conformance"), ("Accept-Language", "de"), ("X-Forwarded-For", "192.0.2.1")]
    others += [("Cache-Control", "no-cache"), ("Pragma", "no-cache"), ("x-trigger-client", "conformance")]
    lower = Authorization((f"bearer {target.options.api_key}".encode(),), '"bearer $TRIGGER_API_KEY"', "primary")
    plain, named, charset, *free = target.send_all(
        [
            target.order(key=key, label="a plain replay"),
            with_headers(target.order(key=key, label="another client and trace"), others),
            target.order(key=key, label="a charset", content_type="application/json; charset=utf-8"),
            target.order(key=key, label="the scheme in lower case", authorization=lower),
            target.order(key=key, label="a query", query="?conformance=1", beyond=Beyond.LINE),
        ]
    )
    given_copies([plain], first)
    replays = [named]
    replays += given(charset, rests_on=CHARSET, needed=False).is_accepted()
    # That the scheme's letter case does not matter is no MUST, and of queries nothing is said.
    replays += [each for each in free if each.status == 202]
    given_copies(replays, first)


def with_headers(request, headers):
    """``request`` with these ``headers`` in place of its own of the same names."""
    named = {name.lower() for name, _ in headers}
    kept = [(name, value) for name, value in request.headers if name.lower() not in named]
    return replace(request, headers=(*kept, *((name, value.encode()) for name, value in headers)))


@must("a key is the same however JSON writes it", clause=KEY, cases="a key")
def test_spelling_of_a_key_does_not_matter(target):
    key = target.key("-ké/😀")
    first, plain = (target.create(key=key, label="as it is") for _ in range(2))
    given_batches(given_keys_taken(target, [first]))
    given_copies([plain], first)
    spellings = {
        "every character escaped": b'{"runCount":1,"idempotencyKey":"%s"}' % escaped(key).encode(),
        "the slash escaped": f'{{"runCount":1,"idempotencyKey":"{key.replace("/", chr(92) + "/")}"}}'.encode(),
    }
    given_copies(target.send_all(target.request(body, label=label) for label, body in spellings.items()), first)


@must("a replay at once after the answer finds the batch", clause=KEY)
def test_replay_at_once_finds_the_batch(target):
    rounds = range(1, target.pick(smoke=2, standard=4, thorough=40) + 1)
    # What waits for its parent may be made in a way of its own.
    resuming = {"resumeParentOnCompletion": True}
    orders = [
        target.order(key=target.key(), label=f"round {number}", **(resuming if number % 2 == 0 else {}))
        for number in rounds
    ]
    pairs = [(target.send(order), target.send(order, fresh=number % 2 == 1)) for number, order in enumerate(orders)]
    given_batches(first for first, _ in pairs)
    # Later, it is a plain replay.
    given_copies([target.send(orders[0])], pairs[0][0])
    # Whether a replay may have another property at all is another requirement's affair.
    given((replay for _, replay in pairs[1::2]), rests_on=OTHERS, needed=False).is_accepted()
    taken = [pair for number, pair in enumerate(pairs) if number % 2 == 0 or pair[1].status == 202]
    given_copies([replay for _, replay in taken], *(first for first, _ in taken))


@must("the tenth replay is as the first", clause=KEY)
def test_tenth_replay_is_as_the_first(target, first_and_replays):
    first, earlier = first_and_replays
    given_copies(earlier[:1], first)
    given_run_count([first, earlier[0]], target.within(2))
    replays = [
        target.send(replace(first.request, label=f"replay {number}"), fresh=number % 2 == 0)
        for number in range(len(earlier) + 1, 11)
    ]
    later = given_copies(replays, first)
    expect(later).has_run_count(target.within(2))


@must("without a key nothing is cached: equal requests make different batches", clause=KEY)
def test_no_key_is_never_cached(target):
    count = target.pick(smoke=2, standard=3, thorough=8)
    # What names a request on its way, or in another protocol, is no key of this one.
    named = (("X-Request-Id", "conformance-same"), ("Idempotency-Key", "conformance-same"))
    first, *others = [target.order(3, label=f"request {number + 1}", headers=named) for number in range(count)]
    # Some keep what they answered, some share what is under way, and say of each answer that it is new.
    answers = given_accepted([target.send(first), *target.send_together(others)])
    expect_different_batches(answers, also_new=True)
    expect(answers).is_new_batch()


def expect_different_batches(exchanges, *, place="", also_new=False):
    """No two got one batch. Two that are said to be new have an id that is given twice, unless ``also_new``."""
    owners: dict[str | None, Exchange] = {}
    for exchange in exchanges:
        owner = owners.setdefault(batch(exchange), exchange)
        if exchange.status == 202 and batch(exchange) and owner is not exchange:
            message = f"{owner.request.label!r} and {exchange.request.label!r} got one batch: {quoted(batch(exchange))}"
            if is_new(owner) and is_new(exchange) and not also_new:
                rests(OPERATION.ids_owner, message, [owner, exchange])
            # What says that it is cached says so wrongly; what says that it is new has an id that is not.
            told = place or ("isCached" if is_cached(exchange) else "id")
            raise ViolationError(message, [owner, exchange], [Wrong(exchange, message, told)])


@must("keys that differ a little are different keys", clause=KEY, profile=Profile.SMOKE, cases="a key")
def test_slightly_different_keys_are_different(target):
    few = transformations.few(target.key())
    # The look-alikes have them all; of the long ones, larger runs send the first again.
    family = dict(itertools.islice(few.items(), target.pick(smoke=len(few) - 1, standard=4, thorough=len(few))))
    counts = itertools.chain((9, 17), itertools.repeat(1))
    firsts = target.send_all(target.order(next(counts), key=key, label=label) for label, key in family.items())
    firsts = given_keys_taken(target, firsts)
    # As the look-alikes tell it, so that both are one finding.
    expect_different_batches(firsts, place="id")
    expect(firsts).is_new_batch()


@pytest.fixture(scope="module")
def look_alikes(target):
    """One volley of keys that software takes for each other: they must all be new, and be remembered."""
    thorough = target.profile >= Profile.THOROUGH
    # As fresh as any key, also where the volley is sent once more.
    number = zlib.crc32(target.key().encode()) * 100 + 11
    table = transformations.kinds(target.key, number, thorough=thorough)

    def again(kind):
        labels = list(kind.rows)
        return labels if thorough else target.random(kind.check).sample(labels, -(-len(labels) // FEW))

    return BatchLookAlikes.sent(target, table, again)


@must("keys that differ in letter case are different", clause=KEY, cases="a key")
def test_letter_case_makes_keys_different(look_alikes):
    look_alikes.judge("letter_case_makes_keys_different")


@must("keys that differ in white space are different", clause=KEY, cases="a key")
def test_white_space_makes_keys_different(look_alikes):
    look_alikes.judge("white_space_makes_keys_different")


@must("keys that differ after any length up to 255 characters are different", clause=KEY, cases="a key")
def test_suffix_makes_keys_different(look_alikes):
    look_alikes.judge("suffix_makes_keys_different")


@must("keys that differ only in their beginning are different", clause=KEY, cases="a key")
def test_beginning_makes_keys_different(look_alikes):
    look_alikes.judge("beginning_makes_keys_different")


@must("long keys of wide characters that differ at their end are different", clause=KEY, cases="a key")
def test_wide_suffix_makes_keys_different(look_alikes):
    look_alikes.judge("wide_suffix_makes_keys_different")


@must("keys in different Unicode normal forms are different", clause=KEY, cases="a key")
def test_unicode_form_makes_keys_different(look_alikes):
    look_alikes.judge("unicode_form_makes_keys_different")


@must("keys that look like one number are different", clause=KEY, cases="a key")
def test_look_alike_numbers_are_different(look_alikes):
    look_alikes.judge("look_alike_numbers_are_different")


@must("keys that are spellings of one date, UUID or URL are different", clause=KEY, cases="a key")
def test_spellings_of_one_value_are_different_keys(look_alikes):
    look_alikes.judge("spellings_of_one_value_are_different_keys")


@must("a key that contains another is different from it", clause=KEY, cases="a key")
def test_containing_keys_are_different(look_alikes):
    look_alikes.judge("containing_keys_are_different")


@must("a key that a server may make of another, such as its lock's, is different from it", clause=KEY, cases="a key")
def test_names_derived_from_a_key_are_other_keys(look_alikes):
    look_alikes.judge("names_derived_from_a_key_are_other_keys")


@must("keys with delimiters and wildcards stand for themselves", clause=KEY, cases="a key")
def test_delimiters_make_keys_different(look_alikes):
    look_alikes.judge("delimiters_make_keys_different")


@must("keys that differ only before or after marks, wide characters or emoji are different", clause=KEY, cases="a key")
def test_cut_off_ends_make_keys_different(look_alikes):
    look_alikes.judge("cut_off_ends_make_keys_different")


@must("a key and what it may be decoded to are different", clause=KEY, cases="a key")
def test_encoded_spellings_are_different_keys(look_alikes):
    look_alikes.judge("encoded_spellings_are_different_keys")


@must(
    "keys that differ in invisible characters, markup, quotation marks or dots are different", clause=KEY, cases="a key"
)
def test_invisible_characters_and_markup_make_keys_different(look_alikes):
    look_alikes.judge("invisible_characters_and_markup_make_keys_different")


@must("keys of one length, sum, or checksum of 32 bits are different", clause=KEY, cases="a key")
def test_keys_with_equal_checksums_are_different(look_alikes):
    look_alikes.judge("keys_with_equal_checksums_are_different")


@must("keys of up to 255 characters work", clause=KEY, cases="a key")
def test_keys_up_to_255_characters_work(look_alikes):
    look_alikes.judge("keys_up_to_255_characters_work")


@must("keys of printable Unicode work", clause=KEY, cases="a key")
def test_printable_unicode_keys_work(look_alikes):
    look_alikes.judge("printable_unicode_keys_work")


@must(
    "long keys that differ at any place up to 8,000 characters are different, or are rejected",
    clause=KEY,
    cases="a key",
)
def test_long_keys_are_different_or_rejected(target):
    family = transformations.long_keys(target.key())
    if target.profile < Profile.THOROUGH:
        # What these find is found by those of wide characters.
        family = {label: key for label, key in family.items() if label not in ("2,700 characters", "4,000 characters")}
    shortest, *longer = target.send_all(target.order(key=key, label=label) for label, key in family.items())
    replays = again_of(target, [shortest, *longer], always=2, more=1)
    mixed = [each for each in longer if batch(each) and batch(each) == batch(shortest)]
    if shortest.status not in (202, *REJECTIONS) or mixed:
        rests(UNUSUAL, "a key of 256 characters is no key of its own", [shortest, *mixed])
    again = [each for each in replays[:1] if key_of(each.request) == key_of(shortest.request)]
    if problems := [each for each in again if not is_cached(each)]:
        key = target.key()
        _, plain = target.create(key=key), target.create(key=key)
        rests(
            UNUSUAL if is_cached(plain) else REPLAY, "a key of 256 characters is not remembered", [shortest, *problems]
        )
    given_short_ones_differ(target, longer)
    expect_different_or_rejected(longer, replays)


def given_short_ones_differ(target, longer):
    """Where long keys that differ in the letter case of their middle are one, short ones that differ so are not."""
    alike = {}
    for each in longer:
        alike.setdefault((batch(each), key_of(each.request).casefold()), []).append(each)
    if not any(named and len(several) > 1 for (named, _), several in alike.items()):
        return
    stem = target.key()
    tail = keys.filled(stem, 240)
    pairs = {
        "letter_case_makes_keys_different": (f"{stem}-k", f"{stem}-K"),
        "beginning_makes_keys_different": (f"a{tail}", f"b{tail}"),
        "suffix_makes_keys_different": (f"{tail[:120]}a{tail[120:]}", f"{tail[:120]}b{tail[120:]}"),
    }
    for name, pair in pairs.items():
        one, other = (target.create(key=key) for key in pair)
        if batch(one) and batch(one) == batch(other):
            rests(f"create_batch.idempotency.{name}", "short keys that differ so are one, too", [one, other])


@must("keys outside the ordinary work as any key, or are rejected", clause=KEY, profile=Profile.SMOKE, cases="a key")
def test_unusual_keys_work_or_are_rejected(target):
    family = keys.unusual(target.key())
    if target.profile is Profile.SMOKE:
        family = {"NUL and a low surrogate behind a known key": f"{target.known_key()}\0\udc00"}
    firsts = target.send_all(target.order(key=key, label=label) for label, key in family.items())
    expect_different_or_rejected(firsts, again_of(target, firsts, always=2, more=3))


def again_of(target, firsts, always, more):
    """Replays of those of ``firsts`` that made a batch: the first few, and some more of the others."""
    taken = [each for each in firsts if each.status == 202]
    rest = taken[always:]
    count = target.pick(smoke=0, standard=min(more, len(rest)), thorough=len(rest))
    some = [*taken[:always], *target.random(f"again {always}").sample(rest, count)]
    return target.send_all(each.request for each in some)


def expect_different_or_rejected(firsts, replays):
    """Every key made a batch of its own and is remembered, but for those that were rejected."""
    expect(firsts).has_status(202, *REJECTIONS)
    taken = {key_of(each.request): each for each in firsts if each.status == 202}
    if taken:
        expect(taken.values()).is_new_batch()
        expect_different_batches(taken.values())
    if known := [each for each in replays if key_of(each.request) in taken]:
        given_copies(known, *(taken[key_of(each.request)] for each in known), needed=False)


@must("keys that differ in invalid bytes are different keys, or are rejected", clause=KEY, cases="a key")
def test_invalid_bytes_make_keys_different(target):
    pairs = keys.invalid_bytes(target.key(), INVALID)
    firsts = target.send_all(target.request(one, label=f"{label}, one") for label, (one, _) in pairs.items())
    expect(firsts).has_status(202, *REJECTIONS)
    seconds = target.send_all(target.request(other, label=f"{label}, other") for label, (_, other) in pairs.items())
    expect(seconds).has_status(202, *REJECTIONS)
    for first, second in zip(firsts, seconds, strict=True):
        if first.status == second.status == 202:
            expect_different_batches([first, second])
            expect(second).is_new_batch()


@must("the empty key, and words that languages reserve, work as any key, or are rejected", clause=KEY, cases="a key")
def test_reserved_keys_work_or_are_rejected(target):
    # These cannot be made unique, so an earlier run may have used them: only the second answer is certain.
    words = target.pick(smoke=0, standard=len(keys.WORDS), thorough=len(keys.WORDS) + len(keys.MORE_WORDS))
    reserved = [*keys.WORDS, *keys.MORE_WORDS][:words]
    firsts = target.send_all(target.order(key=word, label=f"key {word!r}") for word in reserved)
    expect(firsts).has_status(202, *REJECTIONS)
    replays = again_of(target, firsts, always=len(keys.WORDS), more=0)
    taken = {key_of(each.request): each for each in firsts if each.status == 202}
    expect_different_batches(taken.values())
    if taken:
        given_copies(replays, *(taken[key_of(each.request)] for each in replays), needed=False)
    if reserved:
        made = target.create(key=target.key(), label="a batch with a key")
        given_batches(made)
        named = target.send(target.order(key=batch(made), label="a key that is a batch's id"))
        expect(named).has_status(202, *REJECTIONS)
        expect_different_batches([made, named])


@must("the empty key is another than no key at all, or is rejected", clause=KEY)
def test_empty_key_is_no_missing_key(target):
    without, empty, after = (
        target.send(target.order(key=key, label=label))
        for label, key in (("no key", None), ("the empty key", ""), ("no key again", None))
    )
    given_accepted([without, after])
    expect(empty).has_status(202, *REJECTIONS)
    expect_different_batches([without, empty])
    expect_different_batches([empty, after])


@must("a rejected request does not use up its key", clause="createBatch.responses.400")
def test_rejected_request_does_not_use_up_its_key(target):
    wrongs = {
        "runCount 0": {"runCount": 0},
        "runCount above the maximum": {"runCount": target.max_run_count + 1},
        "runCount a string": {"runCount": "1"},
        "runCount missing": {},
        "resumeParentOnCompletion a string": {"runCount": 1, "resumeParentOnCompletion": "yes"},
        "parentRunId a number": {"runCount": 1, "parentRunId": 1},
    }
    requests = [
        target.request({"idempotencyKey": target.key(), **wrong}, label=label) for label, wrong in wrongs.items()
    ]
    requests += [
        target.order(key=target.key(), label="a large body", beyond=Beyond.SIZE, conformanceExtra="x" * (1 << 20)),
        target.order(key=target.key(), label="another media type", content_type="text/plain", beyond=Beyond.MEDIA),
    ]
    answers = target.send_all(requests)
    rejected = target.unspent([each for each in answers if each.status in (*REJECTIONS, 413, 415)])
    if not rejected:
        raise InconclusiveError("no request was rejected, so there is no key that could be used up", answers)
    expect(target.send_all(target.twin(each.request) for each in rejected)).is_new_batch()


@must("concurrent requests with one new key create one batch", clause=KEY, profile=Profile.SMOKE)
def test_concurrent_requests_with_one_key_create_one_batch(target):
    for number in range(target.pick(smoke=1, standard=3, thorough=20)):
        key = target.key()
        lanes = target.wire.burst_size(target.pick(smoke=3, standard=16, thorough=16))
        orders = [
            target.order(1 + lane % 2, key=key, label=f"round {number + 1}, lane {lane + 1}") for lane in range(lanes)
        ]
        answers = target.send_together(orders)
        answers = given(answers, rests_on=REPLAY_STATUS).is_accepted()
        if number == 0 and target.profile > Profile.SMOKE:
            given_copies([target.send(orders[0])], answers[0])
        expect_one_batch(answers)
        creator = next(each for each in answers if is_new(each))
        given_run_count(creator, run_count(creator.request))
        expect(answers).has_run_count(run_count(creator.request))


@must("a parentRunId that is rejected does not use up its key", clause="CreateBatchRequest.parentRunId")
def test_unknown_parent_does_not_use_up_its_key(target):
    orphans = target.send_all(
        target.order(key=target.key(), label=label, parentRunId=PARENT, **more)
        for label, more in (("alone", {}), ("with resumeParentOnCompletion", {"resumeParentOnCompletion": True}))
    )
    rejected = target.unspent([each for each in orphans if each.status in (*REJECTIONS, 404)])
    if all(each.status == 202 for each in orphans):
        raise NotApplicableError("needs a target that rejects a parentRunId that names no run")
    if not rejected:
        raise InconclusiveError("no request was rejected, so there is no key that could be used up", orphans)
    given(target.send_all(target.twin(each.request) for each in rejected), rests_on=BURNT).is_new_batch()


@must(
    "what is rejected or refused with a key that is in use changes nothing of its batch",
    clause="createBatch.responses.400",
)
def test_failing_requests_change_nothing_of_a_key_in_use(target, around_failures):
    _, *around = around_failures
    if undone := [pair for pair in around[:2] if pair[1].status == 202 and not is_cached(pair[1])]:
        rests(OUTLIVES, "a request that fails does so where nothing else is under way, too", undone[0])
    rounds = target.pick(smoke=0, standard=3, thorough=15)
    for number in range(rounds):
        key = target.key()
        order = target.order(2, key=key, label=f"round {number + 1}, valid")
        # The key is new, in the hands of a request that nobody waits for, or known.
        before = [target.abandon(order)] if number % 4 == 2 else [target.send(order)] if number % 4 == 3 else []
        failing = failing_with(target, key)
        volley = [order, *failing[:2], target.order(1, key=key, label="valid too"), *failing[2:]]
        # A target may take them in the order of its connections: each round has another.
        together = target.send_together(volley if number % 2 == 0 else volley[::-1])
        after = [target.send(order)] if number + 1 < rounds else [*target.send_all(failing), target.send(order)]
        judge_one_key(before, [*together, *after])


def failing_with(target, key):
    """Requests with ``key`` that a target rejects, refuses, or may reject: the last two, for what stands beside it."""
    wrong = target.credential("Bearer tr_conformance_no_such_key")
    large = {"conformanceExtra": "x" * LARGE}
    return [
        target.request({"runCount": 0, "idempotencyKey": key}, label="rejected"),
        target.order(3, key=key, label="refused", authorization=wrong),
        target.order(2, key=key, label="a parent run that is not there", parentRunId=PARENT),
        target.order(2, key=key, label="large", beyond=Beyond.SIZE, **large),
    ]


def judge_one_key(before, answers):
    """One batch with its first request's runCount, whatever failed beside it; ``before`` may lack its answer."""
    if wrong := [each for each in answers if each.status == 202 and not _may_create(each.request)]:
        refused = wrong[0].request.label == "refused"
        rests(WRONG_KEY if refused else OUT_OF_RANGE, "what must fail was accepted", wrong)
    valid = [each for each in answers if each.request.label.endswith(("valid", "valid too"))]
    given(valid, rests_on=REPLAY_STATUS).is_accepted()
    took_part = (each for each in answers if each.status == 202 or (each.failure and _may_create(each.request)))
    history = [*before, *took_part]
    if all(is_new(each) for each in history):
        rests(REPLAY, "no request found what another had made", history)
    if not before and all(is_cached(each) for each in history):
        rests(REFUSED, "every answer says isCached true: something else made the batch", history)
    if rivals := pairs_of_rivals(history):
        rests(RACE, "two requests at once have each made a batch", rivals[0])
    expect_one_batch(history)
    creator = next((each for each in history if is_new(each)), None) or next(each for each in history if each.failure)
    given_run_count([each for each in history if each.answer], run_count(creator.request))


def pairs_of_rivals(history):
    """Each two that were under way at once and say that they made something new."""
    made = [each for each in history if is_new(each)]
    return [
        (one, other) for one, other in combinations(made, 2) if one.started < other.ended and other.started < one.ended
    ]


def _may_create(request):
    return request.credential == "primary" and run_count(request) != 0


def why_no_batch(exchange):
    """What keeps a 202 from naming a batch, new or not."""
    if not batch(exchange):
        return Problem("the answer lacks its id", "id")
    return Problem("the answer lacks its isCached", "isCached") if is_cached(exchange) is None else None


def expect_one_batch(exchanges):
    """An order of the exchanges exists that respects real time and has the first one new and the rest cached."""
    expect(each for each in exchanges if each.status == 202).satisfies(why_no_batch)
    history = [Call(each.started, each.ended, batch(each), is_cached(each)) for each in exchanges]
    if why := why_impossible(history):
        message = f"{why} ({len(exchanges)} requests with one key)"
        raise ViolationError(message, exchanges, [Wrong(each, message) for each in exchanges])


@must("a request whose answer was never read and its retry make one batch", clause=KEY, profile=Profile.SMOKE)
def test_abandoned_request_and_its_retry_make_one_batch(target):
    for number in range(target.pick(smoke=1, standard=3, thorough=15)):
        order = target.order(2, key=target.key(), label=f"round {number + 1}")
        abandoned = target.abandon(order)
        if not abandoned.is_abandoned:
            raise InconclusiveError(f"the request to abandon could not be sent: {abandoned.outcome}", [abandoned])
        retry = target.send(order, fresh=True)
        replays = [target.send(order) for _ in range(target.pick(smoke=1, standard=2, thorough=3))]
        given(retry, rests_on=REPLAY_STATUS).is_accepted()
        given_copies(replays, retry)
        expect_one_batch([abandoned, retry, *replays])
        given_run_count([retry, *replays], target.within(2))


@must("concurrent requests with different keys create different batches, and all are remembered", clause=KEY)
def test_concurrent_requests_with_different_keys_create_different_batches(target):
    firsts = []
    for _ in range(target.pick(smoke=1, standard=1, thorough=12)):
        lanes = target.wire.burst_size(target.pick(smoke=16, standard=12, thorough=16))
        firsts += target.send_together(target.order(1 + lane % 2, key=target.key()) for lane in range(lanes))
    firsts = given_accepted(firsts)
    expect(firsts).is_new_batch()
    expect_different_batches(firsts)
    for first in firsts:
        given_run_count(first, run_count(first.request))
    some = firsts[:: target.pick(smoke=4, standard=4, thorough=1)]
    given_copies(target.send_all(each.request for each in some), *some)


@must("a key is still known when many others have come after it", clause=KEY, profile=Profile.SMOKE)
def test_key_is_known_after_many_others(target):
    made, times = target.keyed(), Counter(key_of(each.request) for each in target.wire.ledger.exchanges())
    # The first whose key nothing else had, be it a replay or what has to fail.
    early = next((each for each in made if times[key_of(each.request)] == 1), None)
    others = [each for each in made if early and each.number > early.number]
    many = target.pick(smoke=12, standard=MANY, thorough=MANY)
    in_time = early is not None and time.monotonic() - early.ended < LIFE
    if target.wire.decide("other keys", len(others) if in_time else 0) < many:
        early, *others = target.send_all(
            target.order(key=target.key(), label=f"key {number}") for number in range(many + 1)
        )
        given_batches([early, *others])
    target.note(f"{len(others)} other keys by then")
    given_copies([again(target, early)], early)


def failures(target):
    """Requests that must fail and have an order's key, by what they are."""
    wrong = target.credential("Bearer tr_conformance_no_such_key")
    return {
        "a rejected request": lambda order: target.request({**order.document, "runCount": 0}, label="rejected"),
        "a refused request": lambda order: target.order(key=key_of(order), label="refused", authorization=wrong),
        "a body that is cut short": lambda order: target.request(order.body[:-1] + b",", label="cut short"),
        "a DELETE": lambda order: target.request(order.document, label="a DELETE", method="DELETE"),
    }


@pytest.fixture(scope="module")
def around_failures(target):
    """Requests with a key and their replays in turn: with nothing between them, and with what fails."""
    # One whose replay nothing has gone wrong before shows that replays work at all.
    pairs = [target.send_in_turn([target.order(key=target.key())] * 2)]
    for label, failing in failures(target).items():
        # What fails has the same key: where that is forgotten, it is whatever key fails, or this one.
        order = target.order(key=target.key(), label=f"before {label}")
        first, _, replay = target.send_in_turn([order, failing(order), order])
        pairs.append([first, replay])
    return pairs


@must("a key is still known after other requests have failed", clause=KEY)
def test_key_outlives_errors_beside_it(around_failures):
    given_batches([first for first, _ in around_failures])
    (first, replay), *beside = around_failures
    given_copies([replay], first)
    # One that is refused, for itself or for what came before on its connection, says nothing of its key.
    if refused := [replay for _, replay in beside if replay.status != 202]:
        given(refused, rests_on=ON_ONE_CONNECTION, needed=False).is_accepted()
    if judged := [pair for pair in beside if pair[1] not in refused and batch(pair[0]) is not None]:
        given_copies([replay for _, replay in judged], *(first for first, _ in judged))


def told_apart(target):
    """Whether one key is two batches where each environment has a connection of its own."""
    here, there = target.order(key=target.key(), label="first environment"), target.second_bearer
    again = target.order(key=key_of(here), label="second environment", authorization=there)
    first, second = (target.send(each, fresh=True) for each in (here, again))
    return batch(first) is not None and batch(first) != batch(second)


@must("one key under another environment's credential is another batch", clause="BearerAuth", profile=Profile.SMOKE)
def test_another_environment_has_keys_of_its_own(target):
    if target.second_bearer is None:
        raise NotApplicableError("needs another environment's credential: give --second-api-key")
    key = target.key()
    here = target.order(2, key=key, label="first environment")
    there = target.request(
        {"runCount": 1, "idempotencyKey": key}, label="second environment", authorization=target.second_bearer
    )
    # On one connection, so that whose it is hangs on no connection.
    first, second = target.send_in_turn([here, there])
    given_batches(first)
    if batch(first) == batch(second) and told_apart(target):
        rests(ON_ONE_CONNECTION, "on connections of their own they are different batches", [first, second])
    expect_different_batches([first, second])
    expect(second).is_new_batch()
    if target.profile is Profile.SMOKE:
        return
    # What is unique by itself is looked up without its environment by some.
    key = str(uuid.UUID(int=zlib.crc32(key.encode()) << 96 | 4 << 76 | 2 << 62))
    ours = target.send(target.order(key=key, label="a UUID, first environment"))
    theirs = target.send(target.order(key=key, label="a UUID, second environment", authorization=target.second_bearer))
    expect_different_batches([ours, theirs])
    key = target.key()
    at_once = target.send_together(
        target.order(key=key, label=f"at once, {label} environment", authorization=credential)
        for label, credential in (("first", target.bearer), ("second", target.second_bearer))
    )
    expect_different_batches(at_once)
    expect(given(theirs, rests_on=UUIDS, needed=False).is_accepted()).is_new_batch()
    replays = given_copies([target.send(here), target.send(there)], first, second, needed=False)
    given_run_count([first, *(each for each in replays if each.request == first.request)], target.within(2))
    given_run_count([second, *(each for each in replays if each.request == second.request)], 1)


@should(
    "a replay carries the same delegated-token headers as a new batch",
    clause="createBatch.responses.202.headers",
    profile=Profile.SMOKE,
)
def test_replay_carries_the_token_headers(first_and_replays):
    first, replays = first_and_replays
    carried = {name.lower() for name, _ in first.answer.headers if name.lower().startswith("x-trigger-jwt")}
    expect(given(replays, rests_on=REPLAY_STATUS).is_accepted()).satisfies(
        lambda each: f"{', '.join(missing)} missing" if (missing := sorted(_missing(each, carried))) else None,
        place="header x-trigger-jwt",
    )


def _missing(exchange, carried):
    return {name for name in carried if exchange.answer.header(name) is None}


# Before the rate limit is pressed: of the keys that were made in that time one is nearly as old as it has to be.
@must("a key is still known after --idempotency-wait", clause=KEY, profile=Profile.SMOKE, stage=Stage.GENERATED)
def test_key_outlives_the_wait(target, so_far):
    wait = target.options.idempotency_wait
    if wait is None:
        raise NotApplicableError("needs --idempotency-wait SECONDS")
    # Generated requests may still be under way, each in its own time.
    made = [each for each in keyed_batches(so_far) if ".fuzzing." not in each.check]
    # An older key may have expired, for all that the option says.
    old = target.wire.decide("too old keys", sum(time.monotonic() - each.ended > wait for each in made))
    first = made[old] if old < len(made) else target.create(key=target.key())
    given_batches([first])
    target.wire.pause(wait - (time.monotonic() - first.ended))
    given_copies([again(target, first)], first)


def oldest(traffic):
    """The run's first exchange that made a batch with a key."""
    made = keyed_batches(traffic)
    if not made:
        raise InconclusiveError("the run made no batch with a key")
    return made[0]


@must("the run's earliest keys, and its largest batch's, are still known at its end", clause=KEY, stage=Stage.CLOSING)
def test_earliest_keys_are_known_at_the_end(target, traffic):
    young = within_their_life(target, traffic)
    firsts = [*longest_unused(target, traffic, young), *the_largest_and_the_limited(traffic, young)]
    firsts += [*sent_in_ways(young), *of_the_other_environment(target, traffic)]
    if target.profile >= Profile.THOROUGH:
        target.wire.pause(LIFE - 1 - (time.monotonic() - firsts[0].ended))
    in_time = replayed_in_time(target, firsts)
    age = max(replay.ended - first.ended for first, replay in in_time)
    target.note(f"after {age:.1f} s and {len(keyed_batches(traffic))} batches with keys")
    given_copies([replay for _, replay in in_time], *(first for first, _ in in_time))


@must("what the retry of an abandoned request found is still there at the run's end", clause=KEY, stage=Stage.CLOSING)
def test_abandoned_request_is_not_undone_later(target, traffic):
    abandoned = {key_of(each.request) for each in traffic if each.is_abandoned}
    found = {}
    for each in traffic:
        if key_of(each.request) in abandoned and batch(each):
            found.setdefault(key_of(each.request), []).append(each)
    old = sum(time.monotonic() - retry.ended > LIFE - 2 for retry, *_ in found.values())
    young = list(found.values())[target.wire.decide("abandoned keys beyond their life", old) :]
    if not young:
        raise NotApplicableError("no abandoned request was sent once more, or too long ago for its key to be known")
    young = young[: target.pick(smoke=1, standard=1, thorough=9)]
    for retry, *replays in young:
        given_copies(replays, retry)
    known = longest_unused(target, traffic, within_their_life(target, traffic))
    ((plain, replay),) = replayed_in_time(target, known[:1])
    given_copies([replay], plain)
    in_time = replayed_in_time(target, [retry for retry, *_ in young])
    expect(replay for _, replay in in_time).is_cached_copy_of(*(first for first, _ in in_time))


@info("how long a key lives", clause=KEY, stage=Stage.CLOSING)
def test_lifetime_of_a_key(target, traffic):
    first = oldest(traffic)
    replay = again(target, first)
    given(replay, rests_on=REPLAY_STATUS).is_accepted()
    known = (
        "still known" if is_cached(replay) and batch(replay) == batch(first) else f"no longer known ({replay.outcome})"
    )
    target.note(f"the run's first key was {known} after {replay.ended - first.ended:.1f} s")


@must("in the whole run, no key ever named two batches", clause=KEY, profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_no_key_ever_named_two_batches(traffic):
    by_key: dict[tuple[str, str], list[Exchange]] = {}
    for each in traffic:
        if batch(each) and key_of(each.request) and each.request.credential != "none":
            by_key.setdefault((each.request.credential, key_of(each.request)), []).append(each)
    if not by_key:
        raise InconclusiveError("the run made no batch with a key")
    for exchanges in by_key.values():
        for earlier, later in pairwise(exchanges):
            if batch(earlier) != batch(later):
                message = f"one key named {quoted(batch(earlier))} and {quoted(batch(later))}"
                owner = RACE if earlier.together == later.together != 0 else REPLAY
                raise GroundError(owner, ViolationError(message, [earlier, later], [Wrong(later, message, "id")]))
