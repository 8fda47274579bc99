"""The media types of lines, and those that are none."""

import pytest

from trigger_conformance.checks.expect import InconclusiveError, expect
from trigger_conformance.checks.requirement import Profile, must, should
from trigger_conformance.wire.exchange import Beyond

from .grounds import given_sealed, given_taken

CONTENT = "streamBatchItems.requestBody.content"
REFUSED = "streamBatchItems.responses.415"
SPELLINGS = (
    "application/ndjson",
    'application/x-ndjson; charset="utf-8"',
    "APPLICATION/NDJSON;Charset=UTF-8",
    "Application/X-NDJSON",
    "application/x-ndjson;charset=UTF-8",
)
OTHERS = {
    "application/json": "application/json",
    "no Content-Type": None,
    "text/plain": "text/plain",
    "application/x-www-form-urlencoded": "application/x-www-form-urlencoded",
    "application/jsonl": "application/jsonl",
    "application/x-ndjson-seq": "application/x-ndjson-seq",
    "x-ndjson alone": "x-ndjson",
}


@must("application/x-ndjson and application/ndjson are accepted, with parameters and in any letter case",
      clause=CONTENT, profile=Profile.SMOKE)  # fmt: skip
def test_media_types_of_lines_are_accepted(target):
    spellings = SPELLINGS[: target.pick(smoke=1, standard=3, thorough=5)]
    answers = target.send_all(target.valid(each, content_type=each) for each in spellings)
    given_sealed(answers, 1)


@pytest.fixture(scope="module")
def others(target):
    """Streams under media types that are none of lines, for one batch; its right stream follows."""
    batch = target.batch(1)
    types = list(OTHERS.items())[: target.pick(smoke=1, standard=4, thorough=7)]
    answers = target.send_all(
        target.whole(batch, label, content_type=media_type, beyond=Beyond.MEDIA) for label, media_type in types
    )
    return answers, target.send(target.whole(batch, "under its own media type, afterwards"))


@must("another media type, and none, are refused, and nothing is accepted", clause=REFUSED)
def test_other_media_types_are_refused(others):
    answers, afterwards = others
    expect(answers).has_status(415, 400)
    given_taken(afterwards, 1)


@should("another media type, and none, are answered 415", clause=REFUSED)
def test_other_media_types_are_415(others):
    refused = [each for each in others[0] if each.status in (400, 415)]
    if not refused:
        raise InconclusiveError("no other media type was refused", others[0])
    expect(refused).has_status(415)
