"""runCount: its boundaries, its type, and its way back in the answer."""

import pytest

from tests.every_operation.json_texts import first
from trigger_conformance.checks.client import encode
from trigger_conformance.checks.expect import REJECTIONS, NotApplicableError
from trigger_conformance.checks.ground import rests
from trigger_conformance.checks.requirement import Profile, info, must, should

from . import values
from .beside import each_beside, sound_twin
from .expectations import expect, given
from .grounds import BURNT, NOT_CACHED, OUT_OF_RANGE, given_accepted, sound_beside
from .operation import run_count

SMOKE = {"0", "-1", "maximum + 1", "2^64 + 1", "a string", "true", "1.5", "missing"}


def orders(target, *kinds):
    """Requests of all cases of these kinds; smoke's few cases are one kind."""
    if target.profile is Profile.SMOKE:
        kinds = [{label: literal for kind in kinds for label, literal in kind.items() if label in SMOKE}]
    return [request for kind in kinds for request in each_beside(target, "runCount", kind)]


def usual(target, rows, count):
    return first(rows, count, everywhere=target.profile > Profile.STANDARD)


@pytest.fixture(scope="module")
def refused_range(target):
    return target.send_all(orders(target, values.too_small(), values.too_large(target.max_run_count)))


@pytest.fixture(scope="module")
def twin(target):
    """What shows that it is runCount for which the others are rejected, not what stands beside it."""
    return target.send_all([sound_twin(target)] if target.profile > Profile.SMOKE else [])


@must("runCount 1 is accepted", clause="CreateBatchRequest.runCount")
def test_one_is_accepted(target):
    made = given(given_accepted([target.create(1)]), rests_on=NOT_CACHED).is_new_batch()
    expect(made).has_run_count(1)


@must(
    "the stated maximum is accepted, and comes back unchanged",
    clause="createBatch.responses.400",
    profile=Profile.SMOKE,
)
def test_maximum_is_accepted(target):
    # With a key, so that the end of the run can see whether that is remembered too.
    answer = given_accepted([target.create(target.max_run_count, key=target.key())])
    expect(given(answer, rests_on=NOT_CACHED).is_new_batch()).has_run_count(target.max_run_count)


@must("values between 1 and the maximum are accepted, and come back unchanged", clause="CreateBatchRequest.runCount")
def test_values_between_are_accepted(target):
    counts = [count for count in (2, 33) if count < target.max_run_count]
    if not counts:
        raise NotApplicableError("no value lies between 1 and the target's maximum")
    answers = target.send_all([target.order(count, label=f"runCount {count}") for count in counts])
    made = given(given_accepted(answers), rests_on=NOT_CACHED).is_new_batch()
    for answer in made:
        expect(answer).has_run_count(run_count(answer.request))


@must("a runCount out of range is rejected", clause="CreateBatchRequest.runCount", profile=Profile.SMOKE)
def test_out_of_range_is_rejected(refused_range, twin):
    expect(refused_range).is_rejected()
    sound_beside(twin)


@should("a runCount out of range is answered 400", clause="createBatch.responses.400", profile=Profile.SMOKE)
def test_out_of_range_is_400(refused_range, twin):
    # Where the twin is rejected too, what stands beside runCount may be what the others are rejected for.
    bare = set() if all(each.status == 202 for each in twin) else {"resumeParentOnCompletion", "conformanceExtra"}
    judged = [each for each in refused_range if not bare & set(each.request.document or {})]
    expect(judged).satisfies(
        lambda each: f"answered {each.status}" if each.status in (202, 422) else None, place="status"
    )


@must("a missing runCount, or one that is no integer, is rejected", clause="CreateBatchRequest", profile=Profile.SMOKE)
def test_missing_or_mistyped_is_rejected(target, twin):
    kinds = (values.MISSING, values.OTHER_VALUES, values.FRACTIONS, values.OTHER_TYPES, values.NO_NUMBERS)
    requests = [*orders(target, *kinds)]
    if target.profile > Profile.SMOKE:
        requests += [
            target.request({"json": {"runCount": 1}}, label="all of it inside another property"),
            target.request({"idempotencyKey": target.key()}, label="runCount in the query only", query="?runCount=1"),
        ]
        if target.second_bearer:
            requests.append(target.request({"runCount": "3"}, label="a string, in another environment",
                                           authorization=target.second_bearer))  # fmt: skip
    expect(target.send_all(requests)).is_rejected()
    sound_beside(twin)


@must("a string that some language reads as a number is rejected", clause="CreateBatchRequest.runCount")
def test_numbers_in_strings_are_rejected(target, twin):
    expect(target.send_all(orders(target, usual(target, values.NUMBERS_IN_STRINGS, 16)))).is_rejected()
    sound_beside(twin)


@must("an array or object that some language turns into a number is rejected", clause="CreateBatchRequest.runCount")
def test_containers_of_numbers_are_rejected(target, twin):
    expect(target.send_all(orders(target, usual(target, values.CONTAINERS_OF_NUMBERS, 8)))).is_rejected()
    sound_beside(twin)


@must("no runCount is let pass for a parentRunId beside it", clause="CreateBatchRequest.runCount")
def test_parent_run_switches_nothing_off(target):
    parent = {"parentRunId": "run_conformance0000000000"}
    if target.create(key=target.key(), label="parentRunId alone", **parent).status != 202:
        raise NotApplicableError("the target rejects a parentRunId that names no run, whatever stands beside it")
    wrongs = {
        "runCount 0": {"runCount": 0},
        "runCount maximum + 1": {"runCount": target.max_run_count + 1},
        "runCount a string": {"runCount": "1"},
        "runCount a fraction": {"runCount": 1.5},
        "runCount null": {"runCount": None},
        "runCount missing": {},
    }
    requests = (target.request({**wrong, **parent}, label=f"{label}, beside it") for label, wrong in wrongs.items())
    expect(target.send_all(requests)).is_rejected()


@must("a rejected runCount creates nothing", clause="createBatch.responses.400", profile=Profile.SMOKE)
def test_rejected_run_count_creates_nothing(target, refused_range):
    rejected = target.unspent([each for each in refused_range if each.status in REJECTIONS])
    if not rejected and (taken := [each for each in refused_range if each.status == 202]):
        rests(OUT_OF_RANGE, "what is out of range was accepted", taken)
    kept = rejected[:: target.pick(smoke=len(rejected) or 1, standard=2, thorough=1)]
    after = target.send_all(target.twin(each.request) for each in kept)
    expect(after).is_new_batch() if target.profile is Profile.SMOKE else given(after, rests_on=BURNT).is_new_batch()


@pytest.fixture(scope="module")
def whole_fractions(target):
    return target.send_all(
        target.request(encode({"idempotencyKey": target.key()}, runCount=literal), label=f"runCount {literal}")
        for literal in ("1.0", "1e0")[: target.pick(smoke=1, standard=2, thorough=2)]
    )


@must("1.0 and 1e0, where they are accepted, count as 1", clause="CreateBatchRequest.runCount", profile=Profile.SMOKE)
def test_whole_fractions_count_as_one(whole_fractions):
    expect(whole_fractions).has_status(202, *REJECTIONS)
    for answer in whole_fractions:
        if answer.status == 202:
            expect(answer).has_run_count(1)


@info("how 1.0 and 1e0 are read", clause="CreateBatchRequest.runCount")
def test_reading_of_whole_fractions(target, whole_fractions):
    target.note(", ".join(f"{each.request.label}: {each.outcome}" for each in whole_fractions))
