"""The media types of lines, and those that are none."""

import pytest

from trigger_conformance.checks.expect import InconclusiveError, expect
from trigger_conformance.checks.ground import given
from trigger_conformance.checks.requirement import Profile, must, should
from trigger_conformance.wire.exchange import Beyond, Framing

from .grounds import ERRORS, PART, expect_as_it_was, given_part, given_sealed, given_taken, why_not_taken

CONTENT = "streamBatchItems.requestBody.content"
REFUSED = "streamBatchItems.responses.415"
# The last of these has all that parameters may be (RFC 9110 5.6.6); what tells that apart follows where it is refused.
SPELLINGS = (
    "application/ndjson",
    'application/x-ndjson; version=1; charset="iso-8859-1"',
    "APPLICATION/NDJSON;Charset=UTF-8",
    'application/x-ndjson ; charset=utf8;profile="a;b"\t; version=1 ;',
)
APART = (
    "Application/X-NDJSON",
    "application/x-ndjson;charset=UTF-8",
    'application/x-ndjson; charset="utf-8"',
    "application/x-ndjson; charset=iso-8859-1",
    "application/x-ndjson; charset=utf8",
    "application/x-ndjson; profile=a",
    'application/x-ndjson; profile="a;b"',
    "application/x-ndjson ; charset=utf-8",
    "application/x-ndjson;\tcharset=utf-8",
    "application/x-ndjson;",
)
# Several at once are none; this is what a look for the right one anywhere takes, and what a list's reader does.
LISTED = "text/plain;x=application/x-ndjson, application/x-ndjson"
OTHERS = {
    "application/json": "application/json",
    "no Content-Type": None,
    "application/octet-stream": "application/octet-stream",
    "application/x-ndjson-seq": "application/x-ndjson-seq",
    "application/jsonl": "application/jsonl",
    "another one, a parameter and a list": LISTED,
    "text/x-ndjson": "text/x-ndjson",
    "any type": "*/*",
    "text/plain": "text/plain",
    "application/x-www-form-urlencoded": "application/x-www-form-urlencoded",
    "application/x-jsonlines": "application/x-jsonlines",
    "application/ndjson+gzip": "application/ndjson+gzip",
    "the right one in a parameter": 'text/plain; x="application/x-ndjson"',
    "the right one in a list": "text/plain, application/x-ndjson",
    "x-ndjson alone": "x-ndjson",
}


@must("application/x-ndjson and application/ndjson are accepted, with parameters and in any letter case",
      clause=CONTENT, profile=Profile.SMOKE, cases="a media type")  # fmt: skip
def test_media_types_of_lines_are_accepted(target):
    if target.profile is Profile.SMOKE:
        given_sealed(target.send(target.valid(SPELLINGS[0], content_type=SPELLINGS[0])), 1)
        return
    batch = target.batch(len(SPELLINGS) + len(APART) + 1)
    answers = under_types(target, batch, SPELLINGS, 0)
    if any(map(why_not_taken(1), answers)) or target.profile > Profile.STANDARD:
        answers += under_types(target, batch, APART, len(SPELLINGS))
    given(answers, rests_on=PART).satisfies(why_not_taken(1))


def under_types(target, batch, types, first):
    """The answers to an item under each of the media ``types``, from the index ``first`` on: none seals the batch."""
    return target.send_all(
        target.stream(batch, target.items([index]), each, content_type=each) for index, each in enumerate(types, first)
    )


@pytest.fixture(scope="module")
def others(target):
    """Streams under media types that are none of lines, for a batch that may have an item; its right stream follows."""
    is_smoke = target.profile is Profile.SMOKE
    batch = target.batch(1 if is_smoke else 2)
    if not is_smoke:
        given_part(target.send(target.stream(batch, target.items([0]), "one of 2")), 1)
    types = list(OTHERS.items())[: target.pick(smoke=1, standard=8, thorough=len(OTHERS))]
    streams = [target.whole(batch, label, content_type=media_type, beyond=Beyond.MEDIA) for label, media_type in types]
    if target.profile > Profile.SMOKE:
        # Whoever reads pieces as they come may never look.
        streams.append(target.whole(batch, "an empty Content-Type, in chunks", content_type="", beyond=Beyond.MEDIA,
                                    framing=Framing.CHUNKED))  # fmt: skip
    answers = target.send_all(streams)
    return answers, target.send(target.whole(batch, "under its own media type, afterwards"))


@must("another media type, and none, are refused, and nothing is accepted", clause=REFUSED, cases="a media type")
def test_other_media_types_are_refused(target, others):
    answers, afterwards = others
    expect(answers).has_status(415, 400)
    if target.profile is Profile.SMOKE:
        given_taken(afterwards, 1)
    else:
        expect_as_it_was(target, afterwards)
        # What is wrong beside, an empty stream or one that comes late, may be found first.
        batch, text = target.operation.key(afterwards.request), {"content_type": "text/plain", "beyond": Beyond.MEDIA}
        late = target.stream(batch, [target.item()], "text/plain, once the batch is sealed", **text)
        nothing = target.stream(batch, b"", "no Content-Type, and no line", **text | {"content_type": None})
        beside = [nothing] if target.profile is Profile.STANDARD else [late, nothing]
        expect(target.send_all(beside)).has_status(415, *ERRORS)


@should("another media type, and none, are answered 415", clause=REFUSED, cases="a media type")
def test_other_media_types_are_415(others):
    refused = [each for each in others[0] if each.status in (400, 415)]
    if not refused:
        raise InconclusiveError("no other media type was refused", others[0])
    expect(refused).has_status(415)
