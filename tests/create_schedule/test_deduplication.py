"""deduplicationKey: one key, one schedule, as the last request with it wants it."""

import math
from collections import Counter
from itertools import pairwise

import pytest

from tests.every_operation import keys, transformations
from tests.every_operation.grounds import given_keys_taken
from tests.every_operation.json_texts import escaped
from trigger_conformance.checks.expect import (
    REJECTIONS,
    InconclusiveError,
    NotApplicableError,
    ViolationError,
    Wrong,
    expect,
)
from trigger_conformance.checks.ground import GroundError, given, rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile, Stage, info, must
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.rules.register import Write, last_ones

from .carriers import Carriers
from .grounds import (
    AS_ASKED,
    DELETED,
    GONE,
    ID,
    IN_UTC,
    REFUSED,
    REJECTED,
    SAME_ID,
    VALID,
    accepted,
    differences,
    given_accepted,
    given_as_asked,
    given_ids_of_their_own,
    given_listed,
    given_same_id,
    given_schedules,
    given_seen,
    given_seen_as_answered,
    given_updated,
    is_refusal,
    plain,
    removed,
    remover,
    told,
    unlike,
    why_another_id,
    why_not_of,
)
from .look_alikes import ScheduleLookAlikes
from .operation import OPERATION
from .values import KEY, UTC

CLAUSE = "CreateScheduleOptions.deduplicationKey"
TOGETHER = ID("deduplication", "concurrent_requests_with_one_key_make_one_schedule")
MALFORMED = OPERATION.owner("bodies.malformed_json_is_rejected")
NAMED_ONE = ID("deduplication", "no_key_ever_named_two_schedules")
MINUTES = ID("cron", "minutes_out_of_range_are_rejected")
# Whose affair it is that what fails makes no schedule.
CREATE_NOTHING = {
    "refused": OPERATION.owner("authentication.refused_request_creates_nothing"),
    "rejected": OPERATION.owner("bodies.rejected_body_creates_nothing"),
}
TENTH = 10
# Requests of other checks have brought some of their keys along by then.
LATER = Stage.GENERATED
UNUSUAL = "create_schedule.deduplication.unusual_keys_work_or_are_rejected"
made, key_of = OPERATION.made, OPERATION.key


def variant(target, key, number, label=""):
    """A request with the key in which all that can differ differs from the number before; even ones are in UTC."""
    return target.order(
        target.cron(number % 60, number // 60 + 1),
        key,
        label or f"request {number}",
        externalId=f"conformance-{number}",
        timezone=target.place(0) if number % 2 else UTC,
    )


@pytest.fixture(scope="module")
def first_and_seconds(target):
    """A schedule, and at once more requests with its key, each with other properties; what is seen of it in between."""
    return target.once(ask_again)


def ask_again(target):
    key = target.key()
    first = target.send(variant(target, key, 1, "first"))
    given_schedules(first)
    before = target.send(target.at(made(first)))
    seconds = [target.send(variant(target, key, 2, "second"), fresh=True)]
    looks = [before, target.send(target.at(made(first)))]
    if target.profile > Profile.SMOKE:
        # Of the last one nothing but the externalId is new.
        for which in ("third", "fourth"):
            order = target.order(target.cron(9, 9), key, which, externalId=which, timezone=target.place(1))
            seconds.append(target.send(order))
            looks.append(target.send(target.at(made(first))))
    return first, seconds, looks


def given_shown(first_and_seconds):
    """A plain schedule is as its request asked, and is seen so."""
    first, _, looks = first_and_seconds
    given_as_asked([first])
    given_seen_as_answered(looks[0], first)


@must("a second request with a key answers with the first one's id", clause=CLAUSE, profile=Profile.SMOKE)
def test_second_request_answers_with_the_first_id(target, first_and_seconds):
    first, (second, *_), _ = first_and_seconds
    if is_refusal(second):
        # It may be the zone that is refused.
        plain = target.send(target.order(key=OPERATION.key(first.request), label="second, without a zone"))
        expect(plain).is_accepted()
        rests(IN_UTC, "the same without a zone is accepted", [second, plain])
    expect(expect(second).is_accepted()).satisfies(why_another_id(first))


@must(
    "after a second request with a key the schedule has that request's cron, timezone and externalId",
    clause=CLAUSE,
    profile=Profile.SMOKE,
)
def test_second_request_updates_the_schedule(target, first_and_seconds):
    first, seconds, looks = first_and_seconds
    given_same_id(seconds, first)
    given_shown(first_and_seconds)
    for second, look in zip(seconds, looks[1:], strict=True):
        if why_another_id(first)(second):
            continue
        judge = why_not_of(second.request)
        if judge(look):
            # With a key of its own the same makes a schedule that is as asked.
            given_as_asked([target.send(target.order(label="the same anew", **without_key(second)))])
        expect(given_seen([look])).satisfies(judge)
        if OPERATION.why_not_as_asked(second) is None:
            given_seen_as_answered(look, second)


@must("a second request with a key is seen in the list, where the list was looked at before",
      clause="listSchedules.responses.200")  # fmt: skip
def test_second_request_is_seen_in_the_list(target, first_and_seconds):
    first, seconds, _ = first_and_seconds
    given_same_id(seconds, first)
    given_updated(first_and_seconds)
    given_listed(target.look())
    again = target.send(variant(target, key_of(first.request), 8, "another"))
    given_same_id([again], first)
    look = target.look()
    given_listed(look)

    def judge(page):
        entries = [entry for entry, its in look.entries() if its is page and entry.get("id") == made(first)]
        return next((why for entry in entries if (why := told(differences(again.request, entry)))), None)

    expect(look.pages).satisfies(judge)


def without_key(exchange):
    """What a request for a schedule says, beside its key and task."""
    return {name: value for name, value in exchange.request.document.items() if name not in (KEY, "task")}


@must("the tenth request with a key is as the second", clause=CLAUSE, stage=Stage.CLOSING)
def test_tenth_request_is_as_the_second(target, traffic, first_and_seconds):
    shared = {}
    for each in plain(accepted(target, traffic)):
        if each.request.credential == "primary":
            shared.setdefault(key_of(each.request), []).append(each)
    longest = max(shared.values(), key=len, default=[])
    # What lacks of ten is sent.
    key = key_of(longest[0].request) if longest else target.key()
    sent = [target.send(variant(target, key, number)) for number in range(len(longest) + 1, TENTH + 1)]
    given_accepted([*longest, *sent][:2])
    if sent:
        expect(sent).is_accepted()
    shared[key] = [*longest, *sent]
    long = [exchanges for exchanges in shared.values() if len(exchanges) >= TENTH]
    for exchanges in long:
        given_same_id(exchanges[1:2], exchanges[0])
        given_kept(traffic, exchanges)
        expect(exchanges[TENTH - 1 :]).satisfies(why_another_id(exchanges[0]))
        given(exchanges[TENTH - 1 :], rests_on=AS_ASKED).is_as_asked()
    # What was answered last is there, however fast the requests came.
    last = max((exchanges[-1] for exchanges in long), key=lambda each: each.number)
    with_its_key = [each for each in accepted(target, traffic) if key_of(each.request) == key_of(last.request)]
    if any(each.ended > last.started for each in with_its_key if each is not last):
        # Which of two that were under way at once was the last one is the target's affair.
        last = target.send(target.telling("the key once more", key=key_of(last.request)))
    given_as_asked([last])
    given_updated(first_and_seconds)
    expect(given_seen([target.send(target.at(made(last)))])).satisfies(why_not_of(last.request))


def given_kept(traffic, exchanges):
    """Nothing has removed the schedule between two of the ``exchanges``, which have its key."""
    for earlier, later in pairwise(exchanges):
        if made(earlier) == made(later):
            continue
        if owner := remover(traffic, key_of(earlier.request), earlier.began, later.began):
            rests(owner, f"{quoted(made(earlier))} is gone", [earlier, later])


@info("what becomes of properties that a second request leaves out", clause=CLAUSE, profile=Profile.THOROUGH)
def test_left_out_properties(target):
    key = target.key()
    first, second = target.send(variant(target, key, 1)), target.send(target.order(key=key, label="the key and cron"))
    given_same_id([second], first)
    kept = {
        name: second.answer.document.get(name) == first.request.document[name] for name in ("externalId", "timezone")
    }
    target.note(", ".join(f"{name} is {'kept' if same else 'as in a new one'}" for name, same in kept.items()))


@must("a key is the same however JSON writes it", clause=CLAUSE, cases="a key")
def test_spelling_of_a_key_does_not_matter(target):
    key = target.key("-ké/😀")
    first = target.send(target.order(key=key, label="as it is"))
    given_schedules(first)
    text = first.request.body.decode()
    spellings = {
        "every character escaped": text.replace(key, escaped(key)),
        "the slash escaped": text.replace(key, key.replace("/", "\\/")),
    }
    spellings = dict(list(spellings.items())[: target.pick(smoke=0, standard=1, thorough=2)])
    seconds = [target.send(target.request(each.encode(), label=label)) for label, each in spellings.items()]
    expect(seconds).has_status(OPERATION.contract.success)
    given(seconds, rests_on=SAME_ID).satisfies(why_another_id(first))


@must("keys that differ a little are different keys", clause=CLAUSE, profile=Profile.THOROUGH, cases="a key")
def test_slightly_different_keys_are_different(target):
    family = transformations.few(target.key())
    firsts = target.send_all(target.order(key=key, label=label) for label, key in family.items())
    expect_different(target, given_keys_taken(firsts, ScheduleLookAlikes.area))


def expect_different(target, exchanges):
    """No two of the exchanges, which have different keys, name one schedule."""
    owners = {}
    for exchange in exchanges:
        owner = owners.setdefault(made(exchange), exchange)
        if made(exchange) and owner is not exchange:
            given_ids_of_their_own(target.look())
            both = f"{owner.request.label!r} and {exchange.request.label!r}"
            message = f"{both} got one schedule: {quoted(made(exchange))}"
            raise ViolationError(message, [owner, exchange], [Wrong(exchange, message, "id")])


@pytest.fixture(scope="module")
def look_alikes(target):
    """One volley of keys that software takes for each other: each must make a schedule, and be remembered."""
    carriers = target.once(Carriers)

    def again(kind):
        labels = list(kind.rows)
        few = labels[:1] if kind.check.startswith("unicode") else []
        return labels if target.profile >= Profile.THOROUGH else few

    return ScheduleLookAlikes.sent(target, carriers.kinds, again, carriers.answered)


@must("keys that differ in letter case are different", clause=CLAUSE, stage=LATER, cases="a key")
def test_letter_case_makes_keys_different(look_alikes):
    look_alikes.judge("letter_case_makes_keys_different")


@must("keys that differ in white space are different", clause=CLAUSE, stage=LATER, cases="a key")
def test_white_space_makes_keys_different(look_alikes):
    look_alikes.judge("white_space_makes_keys_different")


@must("keys that differ after any length up to 255 characters are different", clause=CLAUSE, stage=LATER, cases="a key")
def test_suffix_makes_keys_different(look_alikes):
    look_alikes.judge("suffix_makes_keys_different")


@must("keys that differ only in their beginning are different", clause=CLAUSE, stage=LATER, cases="a key")
def test_beginning_makes_keys_different(look_alikes):
    look_alikes.judge("beginning_makes_keys_different")


@must("long keys of wide characters that differ at their end are different", clause=CLAUSE, stage=LATER, cases="a key")
def test_wide_suffix_makes_keys_different(look_alikes):
    look_alikes.judge("wide_suffix_makes_keys_different")


@must("keys in different Unicode normal forms are different", clause=CLAUSE, stage=LATER, cases="a key")
def test_unicode_form_makes_keys_different(look_alikes):
    look_alikes.judge("unicode_form_makes_keys_different")


@must("keys that look like one number are different", clause=CLAUSE, stage=LATER, cases="a key")
def test_look_alike_numbers_are_different(look_alikes):
    look_alikes.judge("look_alike_numbers_are_different")


@must("keys that are spellings of one date, UUID or URL are different", clause=CLAUSE, stage=LATER, cases="a key")
def test_spellings_of_one_value_are_different_keys(look_alikes):
    look_alikes.judge("spellings_of_one_value_are_different_keys")


@must("a key that contains another is different from it", clause=CLAUSE, stage=LATER, cases="a key")
def test_containing_keys_are_different(look_alikes):
    look_alikes.judge("containing_keys_are_different")


@must(
    "a key that a server may make of another, such as its lock's, is different from it",
    clause=CLAUSE,
    stage=LATER,
    cases="a key",
)
def test_names_derived_from_a_key_are_other_keys(look_alikes):
    look_alikes.judge("names_derived_from_a_key_are_other_keys")


@must("keys with delimiters and wildcards stand for themselves", clause=CLAUSE, stage=LATER, cases="a key")
def test_delimiters_make_keys_different(look_alikes):
    look_alikes.judge("delimiters_make_keys_different")


@must(
    "keys that differ only before or after marks, wide characters or emoji are different",
    clause=CLAUSE,
    stage=LATER,
    cases="a key",
)
def test_cut_off_ends_make_keys_different(look_alikes):
    look_alikes.judge("cut_off_ends_make_keys_different")


@must("a key and what it may be decoded to are different", clause=CLAUSE, stage=LATER, cases="a key")
def test_encoded_spellings_are_different_keys(look_alikes):
    look_alikes.judge("encoded_spellings_are_different_keys")


@must(
    "keys that differ in invisible characters, markup, quotation marks or dots are different",
    clause=CLAUSE,
    stage=LATER,
    cases="a key",
)
def test_invisible_characters_and_markup_make_keys_different(look_alikes):
    look_alikes.judge("invisible_characters_and_markup_make_keys_different")


@must("keys of one length, sum, or checksum of 32 bits are different", clause=CLAUSE, stage=LATER, cases="a key")
def test_keys_with_equal_checksums_are_different(look_alikes):
    look_alikes.judge("keys_with_equal_checksums_are_different")


@must("keys of up to 255 characters work", clause=CLAUSE, stage=LATER, cases="a key")
def test_keys_up_to_255_characters_work(look_alikes):
    look_alikes.judge("keys_up_to_255_characters_work")


@must("keys of printable Unicode work", clause=CLAUSE, stage=LATER, cases="a key")
def test_printable_unicode_keys_work(look_alikes):
    look_alikes.judge("printable_unicode_keys_work")


@must(
    "long keys that differ at any place up to 8,000 characters are different, or are rejected",
    clause=CLAUSE,
    cases="a key",
)
def test_long_keys_are_different_or_rejected(target):
    family = transformations.long_keys(target.key())
    # Whoever cuts it, or keeps no more of it, answers with another key, or fails.
    telling = transformations.WIDE_AND_LONG[:1]
    chosen = {label: key for label, key in family.items() if target.profile > Profile.STANDARD or label in telling}
    firsts = target.send_all(target.order(key=key, label=label) for label, key in chosen.items())
    # Every list that is yet to come would have them.
    target.send_all(target.removal(made(each)) for each in firsts if made(each) and target.is_safe(made(each)))
    expect_different_or_rejected(target, firsts)


@must("keys outside the ordinary work as any key, or are rejected", clause=CLAUSE, cases="a key")
def test_unusual_keys_work_or_are_rejected(target):
    family = keys.unusual(target.key())
    told_apart = ("NUL, then a", "NUL, then b", "a high surrogate", "a replacement character")
    chosen = {label: key for label, key in family.items() if target.profile > Profile.STANDARD or label in told_apart}
    firsts = target.send_all(target.order(key=key, label=label) for label, key in chosen.items())
    expect_different_or_rejected(target, firsts)


def expect_different_or_rejected(target, firsts):
    """Every key made a schedule of its own, but for those that were rejected."""
    expect(firsts).has_status(OPERATION.contract.success, *REJECTIONS)
    expect_different(target, [each for each in firsts if each.status == OPERATION.contract.success])


@must("keys that differ in invalid bytes are different keys, or are rejected", clause=CLAUSE, cases="a key")
def test_invalid_bytes_make_keys_different(target):
    text = target.order(key="%s").body.decode()
    pairs = list(keys.invalid_bytes(target.key(), text).items())[: target.pick(smoke=0, standard=1, thorough=99)]
    bodies = [
        (f"{label}, {side}", body) for label, both in pairs for side, body in zip(("one", "other"), both, strict=True)
    ]
    answers = target.send_all(target.request(body, label=label) for label, body in bodies)
    failed = [each for each in answers if each.answer is None or each.status >= 500]
    if failed:
        # Bytes that are no text are one more way in which a body is no JSON.
        given(failed, rests_on=MALFORMED).is_rejected()
    expect_different_or_rejected(target, answers)


@pytest.fixture(scope="module")
def races(target):
    """Volleys of requests with one key, new at first and then known, and what is seen of the schedule after each.

    The last bytes of a volley leave together. All that was answered with a key so far comes with what is seen.
    """
    found, key, history = [], target.key(), []
    for number in range(target.pick(smoke=1, standard=2, thorough=20)):
        if number % 2 == 0:
            key, history = target.key(), []
        lanes = target.wire.burst_size(target.pick(smoke=3, standard=4, thorough=16))
        orders = [
            variant(target, key, 61 * lane + number % 2 * 20, f"volley {number + 1}, lane {lane}")
            for lane in range(1, lanes + 1)
        ]
        history = [*history, *target.send_together(orders)]
        named = next((made(each) for each in history if made(each)), None)
        found.append((history, [target.send(target.at(named))] if named else []))
    return found


@must("concurrent requests with one new key make one schedule", clause=CLAUSE, profile=Profile.SMOKE)
def test_concurrent_requests_with_one_key_make_one_schedule(races):
    for answers, _ in races:
        served = given(answers, rests_on=VALID).is_accepted()
        given(served, rests_on=SAME_ID).satisfies(why_another_id(answers[0]))


@must(
    "after concurrent requests the schedule is as one of the last wanted it, and no mixture",
    clause=CLAUSE,
    profile=Profile.SMOKE,
)
def test_concurrent_requests_leave_one_whole(races, first_and_seconds):
    given_shown(first_and_seconds)
    given_updated(first_and_seconds)
    for answers, looks in races:
        served = given(answers, rests_on=VALID).is_accepted()
        given(served, rests_on=TOGETHER).satisfies(why_another_id(served[0]))
        writes = [Write(each.started, each.ended if each.answer else math.inf) for each in answers]

        def judge(look, answers=answers, writes=writes):
            last = [answers[place] for place in last_ones(writes, look.started)]
            if any(not list(differences(each.request, look.answer.document)) for each in last):
                return None
            why = told(differences(last[-1].request, look.answer.document))
            return Problem(f"the schedule is as none of the last {len(last)} requests wanted it: {why}", "mixture")

        expect(given_seen(looks)).satisfies(judge)


@must("concurrent requests with different keys make different schedules", clause=CLAUSE)
def test_concurrent_requests_with_different_keys_make_different_schedules(target, first_and_seconds):
    given_as_asked(first_and_seconds[:1])
    lanes = target.wire.burst_size(target.pick(smoke=0, standard=2, thorough=16))
    numbers = range(1, 2 * lanes, 2)
    firsts = given_accepted(target.send_together(variant(target, target.key(), number) for number in numbers))
    expect_different(target, firsts)
    expect(firsts).is_as_asked()


def failing(target, key):
    """Requests with a ``key`` that must fail, by why."""
    wrong = target.credential("Bearer tr_conformance_no_such_key")
    more = {"externalId": "conformance-failing", "timezone": target.place(5)}
    rejected = {
        "a pattern of four fields": {"cron": f"0 12 15 {target.month}"},
        "minute 60": {"cron": f"60 12 15 {target.month} *"},
        "a zone that is none": {"timezone": "Mars/Phobos"},
        "an unknown task": {"task": "conformance-no-such-task"},
        "an externalId that is a number": {"externalId": 1},
        "no cron": {"cron": None},
        "a task that is a number": {"task": 1},
    }
    sound = target.order(target.cron(7, 7), key, **more).document
    bodies = {label: {**sound, **change} for label, change in rejected.items()}
    return {
        "refused": [target.order(target.cron(7, 7), key, "a wrong credential", authorization=wrong, **more)],
        "rejected": [
            target.request({name: value for name, value in body.items() if value is not None}, label=label)
            for label, body in bodies.items()
        ],
    }


@pytest.fixture(scope="module")
def failed_beside(target):
    """A schedule, requests with its key that must fail, and what is seen of it after each kind of them."""
    first = target.send(variant(target, target.key(), 5, "first"))
    given_schedules(first)
    before, found = target.send(target.at(made(first))), {}
    for why, requests in failing(target, key_of(first.request)).items():
        chosen = requests[: target.pick(smoke=2, standard=4, thorough=9)]
        answers = [target.send(request) for request in chosen]
        found[why] = (answers, target.send(target.at(made(first))))
    return first, before, found


def expect_unchanged(target, failed_beside, why, *statuses):
    first, before, found = failed_beside
    answers, look = found[why]
    if not any(each.status in statuses for each in answers):
        raise InconclusiveError("no request failed as it must", answers)
    taken = [each for each in answers if each.status == OPERATION.contract.success]
    if taken:
        rests(owner_of(taken[0]), f"{taken[0].request.label}: accepted", taken)
    seen = given_seen([look])
    if why_not_of(first.request)(look):
        # What is carried out all the same makes a schedule where there is none.
        anew = failing(target, target.key())[why]
        target.send_all(anew)
        pages, judge = target.look_for(anew)
        if any(map(judge, pages)):
            rests(CREATE_NOTHING[why], "with a new key it makes a schedule", pages)
    expect(seen).satisfies(why_not_of(first.request))
    given_seen_as_answered(before, first)
    expect(seen).satisfies(lambda each: next(unlike(before.answer.document, each.answer.document), None))


def owner_of(exchange):
    """The requirement that a request that must fail does."""
    return {
        "a wrong credential": "create_schedule.authentication.wrong_key_is_refused",
        "a pattern of four fields": "create_schedule.cron.other_counts_of_fields_are_rejected",
        "minute 60": "create_schedule.cron.minutes_out_of_range_are_rejected",
        "a zone that is none": "create_schedule.time_zones.names_of_no_zone_are_rejected",
        "an unknown task": "create_schedule.answers.unknown_task_is_rejected",
        "no cron": "create_schedule.bodies.missing_property_is_rejected",
    }.get(exchange.request.label, "create_schedule.bodies.mistyped_property_is_rejected")


@must("a rejected request with a known key changes nothing", clause="createSchedule.responses.422")
def test_rejected_request_changes_nothing(target, failed_beside, first_and_seconds):
    first, _, found = failed_beside
    given_shown(first_and_seconds)
    given(given_seen([found["refused"][1]]), rests_on=REFUSED).satisfies(why_not_of(first.request))
    expect_unchanged(target, failed_beside, "rejected", *REJECTIONS)


@must("a refused request with a known key changes nothing", clause="createSchedule.responses.401")
def test_refused_request_changes_nothing(target, failed_beside, first_and_seconds):
    given_shown(first_and_seconds)
    expect_unchanged(target, failed_beside, "refused", 401)


@must("what fails beside valid requests with a key changes nothing of its schedule", clause="createSchedule.responses")
def test_failing_requests_change_nothing_of_a_key_in_use(target, first_and_seconds):
    given_shown(first_and_seconds)
    for number in range(target.pick(smoke=0, standard=1, thorough=10)):
        key = target.key()
        order = variant(target, key, 11 + 2 * number, f"round {number + 1}, valid")
        wrongs = failing(target, key)
        volley = [order, *wrongs["refused"], *wrongs["rejected"][:1]]
        answers = target.send_together(volley if number % 2 else volley[::-1])
        valid = next(each for each in answers if each.request is order or each.request.label == order.label)
        given_accepted([valid])
        taken = [each for each in answers if each is not valid and each.status == OPERATION.contract.success]
        if taken:
            owner = REJECTED if taken[0].request.credential == "primary" else REFUSED
            rests(owner, f"{taken[0].request.label}: accepted", taken)
        expect(given_seen([target.send(target.at(made(valid)))])).satisfies(why_not_of(order))


@must(
    "a request whose answer was never read and its retry make one schedule",
    clause=CLAUSE,
)
def test_abandoned_request_and_its_retry_make_one_schedule(target):
    for number in range(target.pick(smoke=1, standard=1, thorough=10)):
        order = variant(target, target.key(), number + 1, f"round {number + 1}")
        abandoned = target.abandon(order)
        if not abandoned.is_abandoned:
            raise InconclusiveError(f"the request to abandon could not be sent: {abandoned.outcome}", [abandoned])
        retries = [target.send(order, fresh=True), target.send(order)]
        given_accepted(retries)
        given(retries[1:], rests_on=TOGETHER).satisfies(why_another_id(retries[0]))


def expect_one_each(look, wanted):
    """The list has one schedule of each key that is ``wanted``."""
    given_listed(look)
    found = look.having(wanted)
    for key in wanted:
        several = [entry.get("id") for entry in found.get(key, ())]
        if len(set(map(str, several))) > 1:
            message = f"one key has {len(several)} schedules in the list: {quoted(several[0])} and {quoted(several[1])}"
            rests(NAMED_ONE, message, look.pages)


@must("after a delete its key is free: the next request makes a schedule with another id", clause=CLAUSE)  # fmt: skip
def test_key_is_free_after_a_delete(target):
    key = target.key()
    first = target.send(variant(target, key, 3))
    given_schedules(first)
    given(target.send(target.removal(made(first))), rests_on=DELETED).has_status(OPERATION.contract.success)
    given(target.send(target.at(made(first))), rests_on=GONE).has_status(404)
    # What fails must not bring back what was removed.
    given(target.send(failing(target, key)["rejected"][1]), rests_on=MINUTES).is_rejected()
    order = target.order(target.cron(4, 4), key, "the key once more, with less beside it")
    again = target.send(order)
    expect(again).has_status(OPERATION.contract.success)
    given_as_asked([first])

    def judge(exchange):
        ids = (made(first), made(again)) if exchange is not again else (made(first),)
        return "a removed schedule's id was given again" if made(exchange) in ids else None

    def why_not_new(look):
        got, old = look.answer.document, first.request.document
        # Of a target that has no other zone nothing can be told by it.
        kept = [name for name in ("externalId", "timezone") if got.get(name) == old[name] != UTC]
        return f"the new schedule has the removed one's {kept[0]}" if kept else why_not_of(order)(look)

    expect(again).satisfies(judge, place="id")
    expect(target.send(target.at(made(again)))).satisfies(why_not_new)
    expect(target.send(target.at(made(first), label="the removed schedule's id"))).has_status(404)
    given(target.send(target.removal(made(again))), rests_on=DELETED).has_status(OPERATION.contract.success)
    both = target.send_together([variant(target, key, 5), variant(target, key, 6)])
    expect(expect(both).has_status(OPERATION.contract.success)).satisfies(judge, place="id")
    given(both, rests_on=TOGETHER).satisfies(why_another_id(both[0]))


@pytest.fixture(scope="module")
def elsewhere(target):
    """A schedule, and a request with its key under another environment's credential."""
    if target.second_bearer is None:
        raise NotApplicableError("needs another environment's credential: give --second-api-key")
    key = target.key()
    first = target.send(variant(target, key, 1))
    given_schedules(first)
    before = target.send(target.at(made(first)))
    other = target.send(target.order(key=key, label="another environment", authorization=target.second_bearer))
    looks = []
    if made(other):
        looks = [target.send(target.at(made(other), authorization=target.second_bearer))]
    return first, other, looks, (before, target.send(target.at(made(first))))


@info("what one key is under another environment's credential", clause=CLAUSE)
def test_key_of_another_environment(target, elsewhere):
    first, other, _, (_, after) = elsewhere
    same = "the same schedule" if made(other) == made(first) else "a schedule of its own"
    kept = "still seen" if after.status == OPERATION.contract.success else "no longer seen"
    target.note(f"{other.outcome}: {same if made(other) else 'no schedule'}; the first environment's is {kept}")


@must("no credential is answered with a schedule that it cannot see", clause="BearerAuth")
def test_answered_schedule_is_seen_by_the_credential(elsewhere):
    _, other, looks, _ = elsewhere
    if not made(other):
        raise NotApplicableError("the other environment's request made no schedule")
    expect(looks).has_status(OPERATION.contract.success)


@must("where each environment has a schedule of one key, the other's request and its removal change nothing",
      clause="BearerAuth")  # fmt: skip
def test_key_of_another_environment_changes_nothing(target, elsewhere):
    first, other, _, (before, after) = elsewhere
    if not made(other) or made(other) == made(first) or after.status != OPERATION.contract.success:
        raise NotApplicableError("a key is not each environment's own here")
    given_seen([before])

    def judge(look):
        if look.status != OPERATION.contract.success:
            return f"expected {OPERATION.contract.success}, got {look.outcome}"
        return next(unlike(before.answer.document, look.answer.document), None)

    expect(after).satisfies(judge)
    removal = target.at(made(other), "DELETE", authorization=target.second_bearer)
    given(target.send(removal), rests_on=DELETED).has_status(OPERATION.contract.success)
    expect(target.send(target.at(made(first)))).satisfies(judge)


def earliest_again(target, traffic):
    """The run's earliest request whose key no other one had, once more: as it was, so that it changes nothing."""
    times, gone = Counter(key_of(each.request) for each in traffic), removed(traffic)
    alone = [each for each in plain(accepted(target, traffic)) if each.request.credential == "primary"
             and times[key_of(each.request)] == 1 and made(each) not in gone]  # fmt: skip
    earliest = alone[: target.pick(smoke=0, standard=1, thorough=3)]
    again = [target.request(each.request.body, label=f"{each.request.label}, long after") for each in earliest]
    return [each for each in target.send_all(again) if made(each)]


@must("in the whole run, no key ever named two schedules at a time", clause=CLAUSE, profile=Profile.SMOKE,
      stage=Stage.CLOSING)  # fmt: skip
def test_no_key_ever_named_two_schedules(target, traffic):
    by_key = {}
    for each in [*accepted(target, traffic), *earliest_again(target, traffic)]:
        if key_of(each.request) and each.request.credential == "primary" and made(each):
            by_key.setdefault(key_of(each.request), []).append(each)
    gone = removed(traffic)
    owners = {}
    for key, exchanges in by_key.items():
        for earlier, later in pairwise(exchanges):
            if made(earlier) != made(later) and made(earlier) not in gone:
                owner = TOGETHER if later.together else remover(traffic, key, earlier.began, later.began)
                owners.setdefault(owner or SAME_ID, (earlier, later))
    if owners:
        # What a removal may explain is told where nothing else is left to tell.
        owner = min(owners, key=lambda each: each not in (TOGETHER, SAME_ID))
        message = f"one key named {' and '.join(quoted(made(each)) for each in owners[owner])}"
        raise GroundError(owner, ViolationError(message, owners[owner], [Wrong(owners[owner][1], message, "id")]))


@must("the list has one schedule of each key of the run", clause=CLAUSE, stage=Stage.CLOSING)
def test_a_key_has_one_schedule_in_the_list(target, traffic):
    used = {key_of(each.request): None for each in accepted(target, traffic) if key_of(each.request)}
    expect_one_each(target.latest_look(), list(used))
    target.note(f"{len(used)} keys")
