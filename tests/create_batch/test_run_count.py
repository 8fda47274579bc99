"""runCount: its boundaries, its type, and its way back in the answer."""

import pytest

from trigger_conformance.checks.client import encode
from trigger_conformance.checks.expect import REJECTIONS
from trigger_conformance.checks.requirement import Profile, info, must, should

from .expectations import expect
from .grounds import given_accepted
from .keys import known, unspent
from .operation import run_count

SMOKE = {"0", "-1", "maximum + 1", "2^64 + 1", "a string", "true", "1.5"}
ASKED_BY_KNOWN_KEY = {"-1"}


def out_of_range(maximum):
    return {
        "0": "0",
        "-0": "-0",
        "-1": "-1",
        "-2^32 + 1": str(-(2**32) + 1),
        "-2^64 + 1": str(-(2**64) + 1),
        "the most negative 32-bit integer": str(-(2**31)),
        "the most negative 64-bit integer": str(-(2**63)),
        "maximum + 1": str(maximum + 1),
        "2^16 + maximum": str(2**16 + maximum),
        "2^31": str(2**31),
        "2^32 + 1": str(2**32 + 1),
        "2^53 + 1": str(2**53 + 1),
        "2^63": str(2**63),
        "2^64": str(2**64),
        "2^64 + 1": str(2**64 + 1),
        "10^100": str(10**100),
    }


NO_INTEGER = {
    "null": "null",
    "a string": '"1"',
    "true": "true",
    "false": "false",
    "1.5": "1.5",
    "0.999999999": "0.999999999",
    "1e-7": "1e-7",
    "1e400": "1e400",
    "10^5000": "1" + "0" * 5000,
    "an array": "[1]",
    "an object": '{"value":1}',
    "NaN": "NaN",
    "Infinity": "Infinity",
}


def orders(target, literals):
    smoke = target.profile is Profile.SMOKE
    if smoke:
        literals = {label: literal for label, literal in literals.items() if label in SMOKE}

    def key(label):
        # What is known is validated all the same; larger profiles ask that by itself.
        return known(target) if smoke and label in ASKED_BY_KNOWN_KEY else target.key()

    return [
        target.request(encode({"idempotencyKey": key(label)}, runCount=literal), label=f"runCount {label}")
        for label, literal in literals.items()
    ]


@pytest.fixture(scope="module")
def refused_range(target):
    return target.send_all(orders(target, out_of_range(target.max_run_count)))


@must("runCount 1 is accepted", clause="CreateBatchRequest.runCount")
def test_one_is_accepted(target):
    expect(given_accepted([target.create(1)])).has_run_count(1)


@must(
    "the stated maximum is accepted, and comes back unchanged",
    clause="createBatch.responses.400",
    profile=Profile.SMOKE,
)
def test_maximum_is_accepted(target):
    expect(target.create(target.max_run_count)).has_run_count(target.max_run_count)


@must("values between 1 and the maximum are accepted, and come back unchanged", clause="CreateBatchRequest.runCount")
def test_values_between_are_accepted(target):
    values = sorted({value for value in (2, 3, 9, 10, 33) if value < target.max_run_count})
    for answer in target.send_all([target.order(value, label=f"runCount {value}") for value in values]):
        expect(answer).has_run_count(run_count(answer.request))


@must("a runCount out of range is rejected", clause="CreateBatchRequest.runCount", profile=Profile.SMOKE)
def test_out_of_range_is_rejected(refused_range):
    expect(refused_range).is_rejected()


@should("a runCount out of range is answered 400", clause="createBatch.responses.400", profile=Profile.SMOKE)
def test_out_of_range_is_400(refused_range):
    expect(refused_range).satisfies(
        lambda each: f"answered {each.status}" if each.status in (202, 422) else None, place="status"
    )


@must("a missing runCount, or one that is no integer, is rejected", clause="CreateBatchRequest", profile=Profile.SMOKE)
def test_missing_or_mistyped_is_rejected(target):
    missing = target.request({"idempotencyKey": target.key()}, label="runCount missing")
    expect(target.send_all([missing, *orders(target, NO_INTEGER)])).is_rejected()


@must("a rejected runCount creates nothing", clause="createBatch.responses.400", profile=Profile.SMOKE)
def test_rejected_run_count_creates_nothing(target, refused_range):
    rejected = unspent(target, [each for each in refused_range if each.status in REJECTIONS])
    kept = rejected[: target.pick(smoke=1, standard=6, thorough=len(rejected))]
    expect(target.send_all(target.twin(each.request) for each in kept)).is_new_batch()


@pytest.fixture(scope="module")
def whole_fractions(target):
    return target.send_all(orders(target, {"1.0": "1.0", "1e0": "1e0"}))


@must("1.0 and 1e0, where they are accepted, count as 1", clause="CreateBatchRequest.runCount")
def test_whole_fractions_count_as_one(whole_fractions):
    expect(whole_fractions).has_status(202, *REJECTIONS)
    for answer in whole_fractions:
        if answer.status == 202:
            expect(answer).has_run_count(1)


@info("how 1.0 and 1e0 are read", clause="CreateBatchRequest.runCount")
def test_reading_of_whole_fractions(target, whole_fractions):
    target.note(", ".join(f"{each.request.label}: {each.outcome}" for each in whole_fractions))
