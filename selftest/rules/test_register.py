"""Which of several concurrent requests may have been the last to take effect."""

import math

import pytest

from trigger_conformance.rules.register import Write, last_ones

HISTORIES = {
    "one request": ([(0, 1)], 2, [0]),
    "one after the other: the later one": ([(0, 1), (2, 3)], 4, [1]),
    "both at a time: either": ([(0, 3), (1, 2)], 4, [0, 1]),
    "two volleys: one of the second": ([(0, 2), (1, 2), (3, 5), (4, 5)], 6, [2, 3]),
    "one that touches the next: either": ([(0, 1), (1, 2)], 3, [0, 1]),
    "one that is still in flight when it is seen: either": ([(0, 1), (2, 9)], 4, [0, 1]),
    "one whose answer was never read: it may come late": ([(0, math.inf), (2, 3)], 4, [0, 1]),
    "a long one around two others: it, or the later one": ([(0, 9), (1, 2), (3, 4)], 10, [0, 2]),
}


@pytest.mark.parametrize(("times", "seen_from", "wanted"), HISTORIES.values(), ids=HISTORIES)
def test_who_may_have_been_the_last(times, seen_from, wanted):
    assert last_ones([Write(*each) for each in times], seen_from) == wanted
