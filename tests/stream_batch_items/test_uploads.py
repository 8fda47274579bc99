"""The body on the wire: chunks that end anywhere, line ends of every kind, slow uploads, and such as die."""

import gzip
from dataclasses import replace

import pytest

from trigger_conformance.checks.expect import NotApplicableError, expect
from trigger_conformance.checks.ground import given
from trigger_conformance.checks.requirement import Profile, must
from trigger_conformance.wire.exchange import Beyond, Framing, Upload

from .client import line
from .grounds import (
    AGAIN,
    COMPLETED,
    ERRORS,
    ID,
    LATE,
    PART,
    WRONG_AGAIN,
    adds_up,
    expect_whole_by_now,
    given_again,
    given_part,
    given_sealed,
    given_whole,
    takes_nothing,
    tells,
    why_not_taken,
)
from .operation import counts

BODY = "streamBatchItems.requestBody"
SEALING = "StreamBatchItemsResponse.sealed"
NO_MORE = ID("story", "batch_accepts_no_more_than_it_has")
ANY_PAYLOAD = ID("payloads", "any_json_is_a_payload")
CUT_AGAIN = ID("uploads", "whole_stream_after_a_cut_off_upload_seals")
SIZE = 3
# A multiple of every block and page that a body is read in.
BLOCKS = 1 << 16
BLOCK = 1 << 12
# Between pieces of a slow upload: longer than what is usually put together, or waited for.
SLOWLY = 0.6
BEFORE_IT_DIES, MEANWHILE = 0.2, 0.1
A_MOMENT = 0.5
whole = tells(itemsAccepted=SIZE, itemsDeduplicated=0, sealed=True)
unsealed = tells(itemsAccepted=0, sealed=False)


def text(target, *, end=b"\n", last=True):
    """All lines of a batch, with characters of several bytes and an escape in every line."""
    found = [
        line(target.item(index, payload={"n": "é😀", "i": index})).rstrip().replace(b'"payload"', rb'"payl\u006fad"')
        for index in range(SIZE)
    ]
    return end.join(found) + (end if last else b"")


def ends_of(body):
    """Where the lines of ``body`` end, their line feeds included."""
    return [at + 1 for at in range(len(body)) if body[at : at + 1] == b"\n"]


def within(body, mark, offset, *, line_from=0):
    """Where in ``body``, from the line that begins at ``line_from``, what is ``offset`` bytes into ``mark`` begins."""
    return body.index(mark, line_from) + offset


def chunks(body):
    """Where chunks of a body end, by what is cut in two."""
    first, second, _ = ends = ends_of(body)
    return {
        "a line cut in its index": [within(body, b'"index":', 4), within(body, b'"index":', 8, line_from=first)],
        "a character cut in two": [within(body, "é".encode(), 1), within(body, "😀".encode(), 2, line_from=second)],
        "an escape cut in two": [within(body, rb"\u006f", 3)],
        "lines and their ends apart": [each - 1 for each in ends],
        "a line and a half each": [first + 5, second + 9],
    }


def uploads(target, body, ways, slow=()):
    """The answers to a body whose chunks end so, by label, each for a batch of its own; ``slow`` ones pause there."""
    batches = target.batches(*[SIZE] * len(ways))
    return target.send_all(
        target.uploaded(batch, body, label, cuts=cuts, pause=SLOWLY if label in slow else 0.0)
        for batch, (label, cuts) in zip(batches, ways.items(), strict=True)
    )


def given_plain(target):
    """What is said of pieces rests on the same lines in one piece."""
    given_sealed(target.send(target.stream(target.batch(SIZE), text(target), "in one piece")), SIZE)


def expect_read(target, answers):
    """What came in pieces is read as the same lines are in one."""
    if any(map(whole, answers)):
        given_plain(target)
    given_sealed(answers, SIZE)


@pytest.fixture(scope="module")
def in_pieces(target):
    """The answers to the same lines in chunks, and in slow ones: nobody waits for these alone."""
    body = text(target)
    ends = ends_of(body)
    together = {
        "a byte each": range(1, len(body)),
        "two lines, and one that is cut in a character": [ends[1], within(body, "😀".encode(), 2, line_from=ends[1])],
    }
    slow = {
        # A second in all, which is a usual limit.
        "pauses in a line and behind it": [9, ends[0]],
        "a pause between lines": ends[:1],
        "a pause in a line": [ends[0] + 20],
    }
    slow = dict(list(slow.items())[: target.pick(smoke=0, standard=1, thorough=3)])
    answers = uploads(target, body, together | slow, slow)
    return answers[: len(together)], answers[len(together) :]


@must("where chunks end changes nothing, be it in a line, a character or an escape", clause=BODY)
def test_chunks_may_end_anywhere(target, in_pieces, odd_ends):
    answers, _ = in_pieces
    # What tells the kinds apart is sent where one of them fails.
    if any(whole(each) for each in answers) or target.profile > Profile.STANDARD:
        body = text(target)
        answers = [*uploads(target, body, chunks(body)), *answers]
    expect_read(target, answers)
    expect_cut_ends_read(target, odd_ends)


def expect_cut_ends_read(target, odd_ends):
    """Whoever reads CRLF reads it cut in two as well."""
    refused = [each for each in odd_ends if each.request.upload and each.status in ERRORS]
    if refused:
        whole_ends = target.send(target.stream(target.batch(SIZE), refused[0].request.body, "CRLF in one piece"))
        if whole_ends.status == target.contract.success:
            expect(refused).has_status(target.contract.success)


@must("a slow upload is read whole, with pauses in a line and between lines", clause=BODY)
def test_slow_upload_is_read_whole(target, in_pieces):
    expect_read(target, in_pieces[1])


def blocks_of_lines(target):
    """Lines of which the first ends where a block does, and so does the last, which has no end."""
    filled = [target.item(index, payload={"n": ""}) for index in range(SIZE)]
    filled[0]["payload"]["n"] = "x" * (BLOCK - len(line(filled[0])))
    filled[1]["payload"]["n"] = "x" * (BLOCKS + 1 - sum(len(line(each)) for each in filled))
    return b"".join(map(line, filled))[:-1]


@must("a last line without a line end is read", clause=BODY, profile=Profile.SMOKE)
def test_last_line_needs_no_end(target):
    body, answers = text(target, last=False), []
    if target.profile is not Profile.STANDARD:
        # A standard run has it in chunks, and in blocks.
        answers.append(target.send(target.stream(target.batch(SIZE), body, "no line end at the end")))
    if target.profile > Profile.SMOKE:
        answers += uploads(target, body, {"no line end, in chunks": [len(body) - 1]})
        blocks = blocks_of_lines(target)
        answers.append(target.send(target.stream(target.batch(SIZE), blocks, f"no line end, {len(blocks):,} bytes")))
        if whole(answers[-1]):
            ended = target.send(target.stream(target.batch(SIZE), blocks + b"\n", "the same with a line end"))
            given_whole(given(ended, rests_on=ANY_PAYLOAD).satisfies(why_not_taken(SIZE)))
        only = target.send(target.stream(target.batch(1), line(target.item())[:-1], "no line end, one line alone"))
        given_sealed(only, 1)
    given_sealed(answers, SIZE)


@must("a body in gzip of one member a line is read whole, or refused with 400, 415 or 422", clause="RFC 1952 2.2")
def test_gzip_of_several_members_is_read_or_refused(target):
    batch, lines = target.batch(2), [line(each) for each in target.items([0, 1, 0])]
    body = b"".join(gzip.compress(each, mtime=0) for each in lines)
    coding = [("Content-Encoding", "gzip")]
    answer = target.send(target.stream(batch, body, "gzip, a member a line", headers=coding, beyond=Beyond.MEDIA))
    expect(answer).has_status(target.contract.success, *ERRORS, 415)
    if answer.status == target.contract.success:
        expect(answer).satisfies(tells(itemsAccepted=2, itemsDeduplicated=1))


def blank_lines(body):
    """Bodies with blank lines, by where they stand; the first has them everywhere."""
    white = b" \t\n"
    return {
        "blank lines before, between and after": b"\n"
        + body.replace(b"\n", b"\n\n\n" + white + b"\n")
        + white
        + b"\r\n\n",
        "blank lines between": body.replace(b"\n", b"\n\n"),
        "blank lines between, of white space too": body.replace(b"\n", b"\n\n" + white + b"\n"),
        "two blank lines between": body.replace(b"\n", b"\n\n\n"),
        "blank lines before and after": b"\n" + body + white + b"\r\n\n",
    }


@pytest.fixture(scope="module")
def odd_ends(target):
    """Streams with line ends and blank lines that a reader may take or reject, each for a batch of its own."""
    body, crlf = text(target), text(target, end=b"\r\n")
    cut = target.uploaded(
        target.batch(SIZE), crlf, "CRLF, one of them cut in two by chunks", cuts=[within(crlf, b"\r", 1)]
    )
    everywhere, *alone = blank_lines(body).items()
    answers = target.send_all([cut, target.stream(target.batch(SIZE), everywhere[1], everywhere[0])])
    # What tells the places apart is sent where one of them is not read.
    if whole(answers[-1]) or target.profile > Profile.STANDARD:
        batches = target.batches(*[SIZE] * len(alone))
        answers += target.send_all(
            target.stream(batch, each, label) for batch, (label, each) in zip(batches, alone, strict=True)
        )
    return answers


@must("blank lines and CRLF are read as plain lines are, or the stream is rejected whole", clause=BODY)
def test_blank_lines_and_crlf_are_read_or_rejected(target, odd_ends):
    expect(odd_ends).has_status(200, *ERRORS)
    if read := [each for each in odd_ends if each.status == 200]:
        given_sealed(read, SIZE)
    if rejected := [target.operation.key(each.request) for each in odd_ends if each.status in ERRORS]:
        again = target.send_all(
            target.stream(batch, target.items(range(SIZE)), "plain lines after the rejected ones") for batch in rejected
        )
        expect_whole_by_now(again, SIZE)


@must("an empty stream seals no batch whose items are not all there", clause=SEALING)
def test_empty_stream_seals_nothing(target):
    # One that lacks all it has a place for, and one that lacks its last.
    empty, *begun = target.batches(1, *[SIZE] * target.pick(smoke=0, standard=1, thorough=2))
    streams = [target.stream(empty, b"", "nothing at all"), target.stream(empty, b"\n", "a blank line")]
    for batch in begun:
        first = target.send(target.stream(batch, target.items([0, 1]), "two of 3"))
        given(first, rests_on=PART).satisfies(tells(itemsAccepted=2, sealed=False))
        streams.append(target.stream(batch, b"", "nothing after two of 3"))
        streams.append(target.stream(batch, b"\n", "a blank line after two of 3"))
    answers = target.send_all(streams)
    expect(answers).satisfies(lambda each: None if each.status in ERRORS else unsealed(each))
    expect_whole_by_now(target.send(target.whole(empty, "all items after nothing")), 1)
    for batch in begun[:1]:
        rest = target.send(target.stream(batch, target.items([2]), "the last one after nothing"))
        given(rest, rests_on=COMPLETED).satisfies(tells(itemsAccepted=1, itemsDeduplicated=0, sealed=True))


def cut_off(body):
    """Bodies that end in the middle of a line, by where."""
    return {
        # Whoever completes what was cut short makes an item of it.
        "cut off before the last line's closing braces": body[: body.rindex(b"}}")],
        "cut off in a character of the last line's payload": body[: body.rindex("😀".encode()) + 2],
        "cut off in the first line": body[:9],
        "cut off in a character of the second line": body[: within(body, "😀".encode(), 2, line_from=ends_of(body)[0])],
        "cut off after the last line's index": body[: body.rindex(b'"index":') + 9],
        "cut off in the last line": body[: body.rindex(b'"task"')],
    }


@pytest.fixture(scope="module")
def died(target):
    """Uploads that were cut off, each for a batch of its own."""
    bodies = list(cut_off(text(target)).items())[: target.pick(smoke=1, standard=2, thorough=6)]
    batches = target.batches(*[SIZE] * len(bodies))
    uploads = [target.dying(batch, body, label) for batch, (label, body) in zip(batches, bodies, strict=True)]
    if len(batches) > 1:
        # What another stream has brought before is there whatever becomes of this one.
        given_part(target.send(target.stream(batches[1], target.items([2]), "one of 3, before an upload dies")), 1)
    for each in uploads:
        target.abandon(each)
    if len(batches) > 1:
        # A second one of its batch, as a client on a bad line has it.
        target.abandon(replace(uploads[1], label=f"once more {uploads[1].label}"))
    return list(zip(batches, uploads, strict=True))


def patiently(target, request):
    """What a request is answered; once more where it is refused, for until the end of an upload is seen it goes on."""
    answer = target.send(request)
    if answer.status in ERRORS:
        target.wire.pause(A_MOMENT)
        answer = target.send(request)
    return answer


@must("an upload that is cut off in a line seals nothing: the batch still lacks what never came", clause=SEALING)
def test_cut_off_upload_seals_nothing(target, died):
    batch, upload = died[0]
    part = patiently(target, target.stream(batch, target.items([0, 1]), f"the first two of 3 after one {upload.label}"))
    given(given(part, rests_on=PART).has_status(200), rests_on=PART).satisfies(tells(sealed=False))


@must("after an upload that was cut off in a line, all items sent again seal the batch", clause=SEALING)
def test_whole_stream_after_a_cut_off_upload_seals(target, died):
    late, label = target.wire.ledger.exchanges()[-1].number, "all items after one {}".format
    again = [patiently(target, target.whole(batch, label(each.label))) for batch, each in died]
    expect_whole_by_now(again, SIZE)
    refused = [each for each in target.wire.ledger.exchanges() if each.number > late and each.status in ERRORS]
    if target.wire.decide("refused after an upload that died", len(refused)):
        # It was accepted a moment later: after two of these no upload is under way any more.
        batch, (_, upload) = target.batch(SIZE), died[-1]
        target.abandon(target.dying(batch, upload.body, f"once more {upload.label}"))
        target.wire.pause(2 * A_MOMENT)
        expect_whole_by_now(target.send(target.whole(batch, f"{label(upload.label)}, and a second")), SIZE)


@must(
    "an upload that hangs up, or goes wrong, takes nothing back of what another stream has brought meanwhile",
    clause=SEALING,
)
def test_upload_that_dies_takes_nothing_back(target):
    pairs = beside_failing_ones(target)
    meanwhile, *parts = target.send_beside(pairs)
    expect(meanwhile).has_status(target.contract.success, *ERRORS)
    if counts(meanwhile)[2] is not True:
        raise NotApplicableError("the target takes no second stream of a batch while one is under way")
    # Until it is seen that the others have hung up.
    target.wire.pause(MEANWHILE)
    whole = replace(meanwhile.request, label="all items after the other one has hung up", upload=None)
    given(target.send(whole, fresh=True), rests_on=LATE).satisfies(takes_nothing)
    for (other, _), part in zip(pairs[1:], parts, strict=True):
        expect_kept(target, other, part)


def beside_failing_ones(target):
    """Uploads that come to nothing, each with a stream for its batch meanwhile: of all items, or of the last one."""
    body = text(target)
    half = ends_of(body)[1]
    dies, fails = (Upload((half,), BEFORE_IT_DIES, dies=each) for each in (True, False))
    failing = {
        "two of 3 and a part of the third, then nothing": (body[: half + 9], dies),
        "an upload that has hung up": (body[: half + 9], dies),
        "an upload that has gone wrong": (body[: half + 9] + b"\n", fails),
    }
    batches = target.batches(*[SIZE] * len(failing))
    others = [
        target.stream(batch, lines, label, framing=Framing.CHUNKED, upload=upload)
        for batch, (label, (lines, upload)) in zip(batches, failing.items(), strict=True)
    ]
    # These come when the other one's first items have come, and before that comes to nothing.
    late = Upload(late=MEANWHILE)
    whole = target.stream(batches[0], body, "all items meanwhile", upload=late)
    parts = [target.stream(batch, target.items([2]), "the last one meanwhile", upload=late) for batch in batches[1:]]
    return list(zip(others, [whole, *parts], strict=True))


def why_not_kept(exchange):
    """A judge: what keeps an answer to all items from saying that some were there."""
    if exchange.status != 200:
        return f"expected 200, got {exchange.outcome}"
    return None if counts(exchange)[1] else "what was accepted meanwhile is not there"


def expect_kept(target, other, part):
    """What one stream brought while another one of the batch came to nothing is known when all items come."""
    if counts(part)[0] != 1:
        return
    batch = target.operation.key(other)
    again = patiently(target, target.stream(batch, target.items(range(SIZE)), f"all items after {other.label}"))
    if why_not_kept(again):
        given_kept_in_turn(target, replace(other, label=f"{other.label}, alone"))
    # Where nothing is known again, that is another requirement's affair.
    given(again, rests_on=AGAIN).satisfies(why_not_kept)


def given_kept_in_turn(target, upload):
    """What came before an ``upload`` that comes to nothing is there after it, where nothing else is under way."""
    batch = target.batch(SIZE)
    last = target.stream(batch, target.items([2]), "the last one before it")
    given_part(target.send(last), 1)
    given_again(target.send(replace(last, label="the last one once more")), 0, 1)
    alone = replace(upload, target=target.whole(batch).target)
    if upload.upload.dies:
        target.abandon(alone)
    else:
        target.send(alone)
    again = patiently(target, target.whole(batch, f"all items after {upload.label}"))
    given(again, rests_on=CUT_AGAIN if upload.upload.dies else WRONG_AGAIN).satisfies(adds_up(SIZE))
    given(again, rests_on=NO_MORE).satisfies(why_not_kept)
