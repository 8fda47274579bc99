"""What clients of lines send beside what the contract speaks of."""

from trigger_conformance.checks.ground import given
from trigger_conformance.checks.requirement import must

from .grounds import TAKEN, why_not_taken

# Preferences need not be met (RFC 7240 2), and a page of any origin may be a client.
ASKED_BESIDE = {
    "a preference for less": ("Prefer", "return=minimal"),
    "an origin": ("Origin", "https://app.example.com"),
    "a preference for later": ("Prefer", "respond-async, wait=10"),
}


@must("preferences and an origin change nothing of what a stream is answered", clause="streamBatchItems.responses.200")
def test_preferences_and_origins_change_nothing(target):
    answers = [target.send(target.valid("all of them", headers=ASKED_BESIDE.values()))]
    if why_not_taken(1)(answers[0]) and answers[0].status != 429:
        answers += target.send_all(target.valid(label, headers=[each]) for label, each in ASKED_BESIDE.items())
    given(answers, rests_on=TAKEN).satisfies(why_not_taken(1))
