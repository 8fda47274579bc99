"""What smoke is chosen by: the requests that show most of what no other has shown."""

from selftest.smoke_choice import cover
from selftest.trial import named


def test_the_request_that_adds_most_comes_first():
    shown_by = {
        "races": frozenset({"a volley"}),
        "rejects": frozenset({"a string", "everything"}),
        "refuses": frozenset({"no header", "everything"}),
        "is not shown": frozenset(),
    }
    assert list(cover(shown_by)) == [
        ("everything", {"rejects", "refuses"}, {"rejects", "refuses"}),
        ("a volley", {"races"}, {"races"}),
    ]


def test_a_request_is_named_by_its_area_and_case():
    sent = {"_requirement": "create_batch.idempotency.tenth_replay_is_as_the_first", "_case": "replay 3"}
    assert named(sent) == "create_batch.idempotency: replay 3"
    assert named({**sent, "_case": ""}) == "create_batch.idempotency.tenth_replay_is_as_the_first"
