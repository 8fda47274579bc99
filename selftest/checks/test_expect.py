"""What a failed expectation says, whatever a target put into it."""

import time

import pytest

from tests.every_operation.test_authentication import test_refusal_carries_a_challenge as carries_a_challenge
from trigger_conformance.checks.expect import ViolationError, expect
from trigger_conformance.wire.exchange import Answer, Exchange, Request

OPEN_QUOTES = '"' + '\\"' * 30_000


def refused(*challenges):
    headers = tuple(("WWW-Authenticate", each) for each in challenges)
    return Exchange(Request(target="/"), Answer(401, "", headers, b"", 0.0), None, 0.0, 0.1, 0.0)


def test_problems_are_compared_in_time_whatever_marks_are_in_them():
    began = time.process_time()
    with pytest.raises(ViolationError):
        expect([refused()] * 20).satisfies(lambda _: OPEN_QUOTES)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "challenges", [("Bearer",), ('Basic realm="a, b"', 'BEARER realm="c"'), ('Basic realm="a\\", b", Bearer x="y"',)]
)
def test_a_bearer_challenge_is_found_among_others(challenges):
    carries_a_challenge([refused(*challenges)])


@pytest.mark.parametrize(
    "challenges", [(), ('Basic realm="a, Bearer b"',), ('Basic realm="a\\", Bearer b"',), (f"Basic {OPEN_QUOTES}",)]
)
def test_what_stands_in_quotation_marks_is_no_challenge(challenges):
    began = time.process_time()
    with pytest.raises(ViolationError, match="WWW-Authenticate is"):
        carries_a_challenge([refused(*challenges)])
    assert time.process_time() - began < 2
