"""``given``: expectations of what a check rests on, and what is noted until its statement is judged."""

import pytest

from selftest.checks.test_telling import exchange
from trigger_conformance.checks import ground
from trigger_conformance.checks.expect import InconclusiveError, ViolationError
from trigger_conformance.checks.ground import GroundError, given

OWNER = "x.y.owner"


@pytest.fixture(autouse=True)
def _a_check_of_its_own():
    ground.begin()
    yield
    ground.begin()


def test_ground_that_holds_is_returned_and_nothing_is_noted():
    answers = [exchange(1), exchange(2)]
    assert given(answers, rests_on=OWNER).is_accepted() == answers
    ground.end()


def test_ground_without_anything_left_ends_the_check():
    with pytest.raises(GroundError) as raised:
        given([exchange(1, status=409), exchange(2, status=409)], rests_on=OWNER).is_accepted()
    assert raised.value.owner == OWNER
    assert [each.exchange.number for each in raised.value.violation.wrongs] == [1, 2]


def test_what_holds_is_judged_on_and_the_rest_is_raised_at_the_end():
    held = given([exchange(1), exchange(2, "odd", status=409)], rests_on=OWNER).is_accepted()
    assert [each.number for each in held] == [1]
    with pytest.raises(GroundError, match="odd: expected 202, got 409"):
        ground.end()
    ground.end()


def test_what_one_check_noted_is_not_the_next_ones():
    given([exchange(1), exchange(2, status=409)], rests_on=OWNER).is_accepted()
    ground.begin()
    ground.end()


def test_what_only_confirms_never_ends_the_check_and_gives_way_to_what_is_needed():
    assert given(exchange(1, status=409), rests_on=OWNER, needed=False).is_accepted() == []
    given([exchange(2), exchange(3, status=409)], rests_on="x.y.other").is_accepted()
    with pytest.raises(GroundError) as raised:
        ground.end()
    assert raised.value.owner == "x.y.other"


def test_ground_that_is_limited_is_undecided_not_broken():
    with pytest.raises(InconclusiveError) as raised:
        given(exchange(1, status=429), rests_on=OWNER).is_accepted()
    assert not isinstance(raised.value, GroundError)


def test_broken_ground_is_no_violation():
    with pytest.raises(GroundError) as raised:
        ground.rests(OWNER, "nothing was refused", [exchange(1)])
    assert not isinstance(raised.value, ViolationError)
