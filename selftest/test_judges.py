"""Two judges of an answer's shape: whatever a target sends, they come to a judgement, and to the same."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_conformance.contract import Contract
from trigger_conformance.judges import Judges
from trigger_conformance.wire.exchange import Answer, Exchange, Request

JUDGES = Judges(Contract())
BATCH = b'{"id":"b","runCount":1,"isCached":false%s}'
FINE = {
    "as it should be": b"",
    "an unpaired surrogate": b',"x":"\\ud800"',
    "an unpaired surrogate in a name": b',"\\ud800":1',
    "nesting of 900": b',"x":' + b"[" * 900 + b"]" * 900,
    "an integer of 4,200 digits": b',"x":' + b"1" * 4200,
    "an exponent beyond all floats": b',"x":1e999',
}
WRONG = {
    "NaN": BATCH % b',"x":NaN',
    "nothing": b"",
    "nesting of 100,000": b"[" * 100_000,
    "an integer of 5,000 digits": BATCH % (b',"x":' + b"1" * 5000),
    "no text": b"\xff\x00",
    "a runCount beyond all floats": b'{"id":"b","runCount":1e999,"isCached":false}',
    "a nested runCount": b'{"id":"b","isCached":false,"runCount":' + b"[" * 900 + b"]" * 900 + b"}",
}
TYPES = ("application/json", "application/json; charset=nonsense", ";;;=\x01", "application/json;;;a", "text/\xff", "")


CASE = SimpleNamespace(body={"runCount": 1})


def problem(status, body, media_type="application/json"):
    answer = Answer(status, "", (("content-type", media_type),), body, 0.0)
    return JUDGES.problem(Exchange(Request(target="/"), answer, None, 0, 1, 0), CASE)


@pytest.mark.parametrize("more", FINE.values(), ids=FINE)
def test_what_json_can_hold_is_judged(more):
    assert problem(202, BATCH % more) is None


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_what_is_no_answer_is_told_as_one(body):
    assert problem(202, body)


@given(st.sampled_from((202, 400, 401, 422, 429, 500, 599)), st.binary(max_size=40), st.sampled_from(TYPES))
def test_any_answer_is_judged(status, body, media_type):
    problem(status, body, media_type)
