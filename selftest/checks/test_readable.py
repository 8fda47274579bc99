"""What is held against an answer that is wrong whatever was asked is the affair of one requirement."""

from dataclasses import replace

import pytest

from selftest.checks.test_telling import exchange
from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.expect import ViolationError, Wrong
from trigger_conformance.checks.ground import GroundError
from trigger_conformance.checks.losses import LossError
from trigger_conformance.checks.operation import operations
from trigger_conformance.runs.reading import as_read
from trigger_conformance.wire.exchange import Beyond, Failure, FailureKind

BATCH = operations()["create_batch"]
SCHEMA = "create_batch.acceptance.accepted_answers_satisfy_the_schema"
ANY = {each.id: each for each in catalogue()}
ODD = exchange(1, body=b'{"id": 7, "runCount": 1, "isCached": false}')
SOUND = exchange(2, body=b'{"id": "batch_7", "runCount": 1, "isCached": false}')
NEW = ANY["create_batch.acceptance.new_batch_is_not_cached"]


def broken(*exchanges, place="id"):
    return ViolationError("wrong", exchanges, [Wrong(each, "it names no batch", place) for each in exchanges])


def test_a_check_of_which_nothing_else_is_left_rests_on_the_schema():
    read = as_read(broken(ODD), NEW, BATCH)
    assert isinstance(read, GroundError)
    assert read.owner == SCHEMA


def test_ground_that_cannot_be_read_is_the_schemas_too():
    read = as_read(GroundError("create_batch.x.y", broken(ODD), needed=False), NEW, BATCH)
    assert (read.owner, read.needed) == (SCHEMA, False)


def test_answers_that_can_be_read_are_judged_beside_those_that_cannot():
    read = as_read(broken(ODD, SOUND), NEW, BATCH)
    assert isinstance(read, ViolationError)
    assert [each.exchange for each in read.wrongs] == [SOUND]


@pytest.mark.parametrize(
    ("problem", "owner"),
    [
        ("expected 202 and a new batch, got 200", "create_batch.acceptance.valid_request_is_accepted"),
        ("expected 400 or 422, got 200", None),
    ],
)
def test_a_success_of_another_status_is_that_of_the_plainest_request(problem, owner):
    other = exchange(3, status=200)
    read = as_read(ViolationError("wrong", [other], [Wrong(other, problem, "status")]), NEW, BATCH)
    assert getattr(read, "owner", None) == owner


def lost(kind, beyond=Beyond.NOTHING):
    unanswered = exchange(4)
    return replace(
        unanswered, answer=None, failure=Failure(kind, ""), request=replace(unanswered.request, beyond=beyond)
    )


@pytest.mark.parametrize(
    ("kind", "owner"),
    [
        (FailureKind.DROPPED, "create_batch.acceptance.every_request_is_answered"),
        (FailureKind.TIMEOUT, "create_batch.acceptance.answers_come_in_time"),
    ],
)
def test_a_plain_request_without_an_answer_is_the_affair_of_those_that_say_so(kind, owner):
    assert as_read(broken(lost(kind)), NEW, BATCH).owner == owner
    read = as_read(broken(lost(kind), SOUND), NEW, BATCH)
    assert [each.exchange for each in read.wrongs] == [SOUND]


def test_one_that_is_beyond_the_contract_is_its_checks_own():
    error = broken(lost(FailureKind.DROPPED, Beyond.SIZE))
    assert as_read(error, NEW, BATCH) is error


def test_what_the_whole_run_lost_is_told_by_who_says_it():
    error = LossError("lost", [lost(FailureKind.DROPPED)])
    assert as_read(error, NEW, BATCH) is error


@pytest.mark.parametrize(
    ("error", "requirement"),
    [
        (broken(SOUND), NEW), (broken(ODD, place="status"), NEW), (broken(ODD, place=""), NEW),
        (broken(ODD), ANY[SCHEMA]), (GroundError("create_batch.x.y", broken(SOUND)), NEW), (None, NEW),
        (ValueError("crashed"), NEW),
    ],
)  # fmt: skip
def test_all_else_stays_as_it_is(error, requirement):
    assert as_read(error, requirement, BATCH) is error
