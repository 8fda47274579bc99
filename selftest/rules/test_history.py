"""Concurrent histories: the rule against a search over every order."""

from itertools import permutations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trigger_conformance.rules.history import Call, why_impossible

NEW, CACHED, UNREAD = False, True, None


def operation(start, end, cached, batch="b1"):
    return Call(start, end, None if cached is None else batch, cached)


def some_order_explains(history):
    """Brute force: each unread request took effect at some point after it started, or never."""
    unread = [each for each in history if not each.answered]
    answered = [each for each in history if each.answered]
    for chosen in range(2 ** len(unread)):
        effective = [each for position, each in enumerate(unread) if chosen >> position & 1]
        if any(explains(order) for order in permutations([*answered, *effective])):
            return True
    return False


def explains(order):
    # An unread request has no end that the client knows of: nothing must come after it.
    for earlier, later in ((a, b) for i, a in enumerate(order) for b in order[i + 1 :]):
        if later.answered and later.end < earlier.start:
            return False
    batch = None
    for position, each in enumerate(order):
        if position == 0:
            batch = each.made
            if each.answered and each.cached:
                return False
        elif each.answered:
            if not each.cached or (batch is not None and each.made != batch):
                return False
            batch = batch or each.made
    return True


OPERATIONS = st.builds(
    lambda start, length, cached, batch: operation(start, start + length, cached, batch),
    st.integers(0, 6),
    st.integers(0, 5),
    st.sampled_from([NEW, CACHED, CACHED, UNREAD]),
    st.sampled_from(["b1", "b1", "b1", "b2"]),
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(OPERATIONS, max_size=6))
@example([operation(0, 1, NEW), operation(1, 2, CACHED)])
@example([operation(0, 1, CACHED), operation(2, 3, NEW)])
@example([operation(0, 5, UNREAD), operation(1, 2, CACHED)])
@example([operation(2, 2, CACHED), operation(2, 3, NEW)])
@example([operation(2, 2, CACHED), operation(3, 3, UNREAD)])
@example([operation(2, 2, CACHED), operation(2, 3, UNREAD)])
def test_the_rule_agrees_with_a_search_over_every_order(history):
    assert (why_impossible(history) is None) == some_order_explains(history)


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        ([operation(0, 1, NEW), operation(0, 1, CACHED, "b2")], "one key named 2 different things"),
        ([operation(0, 1, NEW), operation(0, 1, NEW)], "2 answers say isCached false: each made something"),
        (
            [operation(0, 1, CACHED), operation(2, 3, NEW)],
            "a cached answer had arrived before the request that made it was sent",
        ),
        (
            [operation(0, 1, CACHED), operation(0, 1, CACHED)],
            "every answer says isCached true: none of the requests made anything",
        ),
    ],
)
def test_an_impossible_history_says_why(history, reason):
    assert why_impossible(history) == reason


def test_an_empty_history_and_one_that_nobody_read_are_possible():
    assert why_impossible([]) is None
    assert why_impossible([operation(0, 1, UNREAD)]) is None


def test_an_operation_is_answered_where_it_names_a_batch():
    assert operation(0, 1, NEW).answered
    assert not operation(0, 1, UNREAD).answered
