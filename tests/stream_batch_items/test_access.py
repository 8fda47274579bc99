"""Who may: unknown batches, those of another environment, the token that is handed out with a batch."""

from dataclasses import replace
from urllib.parse import quote

import pytest

from trigger_conformance.checks.client import Authorization
from trigger_conformance.checks.expect import NotApplicableError, expect
from trigger_conformance.checks.ground import given
from trigger_conformance.checks.requirement import must, should
from trigger_conformance.rules import forgery
from trigger_conformance.wire.exchange import Beyond

from ..every_operation.grounds import expect_nobody_let_in
from .grounds import ERRORS, ID, expect_as_it_was, given_again, given_part, given_taken, given_whole
from .values import OF_ANOTHER

WRONG_KEY = ID("authentication", "wrong_key_is_refused")
SCHEMES = ID("authentication", "other_schemes_are_refused")
FORGED = ID("authentication", "forged_tokens_are_refused")
MISSING = ID("authentication", "missing_credential_is_refused")

BATCH_ID = "streamBatchItems.parameters"
BEARER = "BearerAuth"
UNKNOWN = (*ERRORS, 404)
# Whoever looks a batch up at its first item finds nothing wrong.
NO_LINES = "brackets, quotes and an emoji, and no lines"
# On a live target a number may be some batch's.
NUMBER = "a number, and no lines"
# So long an id is not of a number alone.
LONG = 20
# Nothing, or what stands in front, finds no path in these at all.
NO_PATH = (*UNKNOWN, 405)


def unknown(target):
    """Ids that no batch has, as they stand in a path, by label: the first ones tell most."""
    near = target.batch(1).id
    others = {
        # No digit: where ids count, that would be another batch of the run.
        "an id like a batch's": f"{near[:-1]}{'x' if near[-1] != 'x' else 'y'}",
        "another letter case": near.swapcase() if near.swapcase() != near else "x",
        # Where ids are short and count, that would be another batch too.
        "the id without its last character": near[:-1] if len(near) >= LONG else "x",
        "the id with an extension": f"{near}.json",
        "a path": f"../{near}",
        "a space after it": f"{near} ",
        "a wildcard": f"{near[:-4]}%",
        "its first letter full-width": f"{chr(ord(near[0]) + 0xFEE0)}{near[1:]}" if "!" <= near[0] <= "~" else "x",
        "a zero-width space, a byte-order mark and a NUL": f"\ufeff{near}\u200b\0",
        "a NUL and more": f"{near}\0and more",
        "encoded twice": f"{near[:-1]}%{ord(near[-1]):02X}",
        "the id and more": f"{near}0",
        "a quote": f"{near}' OR '1'='1",
        "a wildcard for one character": f"{near[:-1]}_",
        "a space before it": f" {near}",
        "300 characters": "x" * 300,
    }
    quoted = {label: quote(text, safe="") for label, text in others.items()}
    *_, bare = near.partition("_")
    return {
        "no id at all": "",
        NO_LINES: quote("""conformance-no-such-batch['"(\\😀""", safe=""),
        NUMBER: "1",
        "the id without its prefix": quote(bare or near[1:], safe=""),
        "300 characters and more, not all of them UTF-8": f"{quote(near, safe='')}%ff{'x' * 300}",
        "no percent-encoding": f"{quote(near, safe='')}%zz",
        "a name that objects have": "constructor",
        **quoted,
        "__proto__": "__proto__",
        "no UTF-8": f"{quote(near, safe='')}%ff",
        "a parameter behind it": f"{quote(near, safe='')};v=1",
    }


@must("an id that no batch has is answered with a documented error or 404", clause=BATCH_ID, cases="a batch's id")
def test_unknown_batch_is_an_error(target):
    ids = list(unknown(target).items())[: target.pick(smoke=1, standard=18, thorough=99)]
    prefix, _, after = target.path(batchId="\ue000").partition(quote("\ue000"))
    item = {NO_LINES: [], NUMBER: []}
    streams = [
        target.stream(
            "x", item.get(label, [target.item()]), label, path=f"{prefix}{text}{after}", beyond=Beyond.LINE
        )
        for label, text in ids
    ]  # fmt: skip
    expect(target.send_all(streams)).satisfies(
        lambda each: None
        if each.status in (NO_PATH if "//" in each.request.target else UNKNOWN)
        else f"expected 400, 404 or 422, got {each.outcome}"
    )  # fmt: skip


@must("another environment's batch is answered as an unknown one is, and stays as it was", clause=BEARER)
def test_batch_of_another_environment_is_unknown(target):
    if target.second_bearer is None:
        raise NotApplicableError("needs another environment's credential: give --second-api-key")
    # With one key each: what is looked up by that must be looked up in its environment.
    key = target.creates.key()
    batch, theirs = target.batch(2, key=key), target.batch(2, key=key, authorization=target.second_bearer)
    given_part(target.send(target.stream(batch, target.items([0]), "one of 2 by its own environment")), 1)
    answer = target.send(
        target.whole(batch, "by another environment", authorization=target.second_bearer, beyond=Beyond.LINE)
    )
    given_not_anybody(target, batch, answer, target.options.second_api_key, WRONG_KEY)
    expect(answer).has_status(*UNKNOWN, 401, 403)
    own = target.send(target.whole(batch, "by its own environment, afterwards"))
    expect_as_it_was(target, own)
    expect(target.send(replace(answer.request, label="by another environment, once it is sealed"))).has_status(
        *UNKNOWN, 401, 403
    )
    if theirs.id != batch.id:
        label = "the other environment's own batch, of the same key"
        given_taken(target.send(target.whole(theirs, label, authorization=target.second_bearer)), 2)


def given_not_anybody(target, batch, answer, secret, owner):
    """Where somebody was let in to a batch, nobody is with the ``secret`` changed; else nothing is left to judge."""
    if answer.status == target.contract.success:
        anybody = target.derived(f"Bearer {secret[:-6]}AAAAAA")
        given(target.send(target.whole(batch, "with a wrong one", authorization=anybody)), rests_on=owner).is_refused()


def with_tokens(target, size, count):
    """New batches with their tokens as credentials; where none is handed out there is nothing to decide."""
    batches = target.batches(*[size] * count)
    tokens = [target.token_of(each) for each in batches]
    if all(each.made_by.answer.header("x-trigger-jwt") is None for each in batches):
        raise NotApplicableError("the target hands out no token with a batch")
    if None in tokens:
        raise NotApplicableError("what the target hands out with a batch is no token")
    return list(zip(batches, tokens, strict=True))


@pytest.fixture(scope="module")
def by_its_token(target):
    """A batch of two that has an item by the key, its token, and what its whole stream is answered with that, twice."""
    [(batch, token)] = with_tokens(target, 2, 1)
    given_part(target.send(target.stream(batch, target.items([0]), "one of 2 with the key")), 1)
    whole = target.whole(batch, "with the batch's own token", authorization=token)
    return batch, token, target.send(whole), target.send(replace(whole, label="with the batch's own token, once more"))


@should("the token that is handed out with a batch is accepted as the credential of its items", clause=BEARER)
def test_token_of_the_batch_is_accepted(by_its_token):
    _, _, whole, again = by_its_token
    given_again(whole, 1, 1)
    given_whole(whole)
    # What else a stream may be told once its batch is sealed is another requirement's affair.
    expect(again).satisfies(lambda each: f"got {each.outcome}" if each.status in (401, 403) else None)


@must(
    "a token with another signature, other claims or no scheme is refused, after the right one was seen too",
    clause=BEARER,
)
def test_token_with_another_signature_is_refused(target, by_its_token):
    batch, token, *_ = by_its_token
    answers = target.send_all(tampered(target, batch, token))
    if answers[0].status == target.contract.success:
        # Nor is one that the target has never seen: that is another requirement's affair.
        given(target.send(tampered(target, *with_tokens(target, 2, 1)[0])[0]), rests_on=FORGED).is_refused()
    if answers[-1].status == target.contract.success:
        key = target.derived(target.options.api_key, '"$TRIGGER_API_KEY"')
        given(target.send(target.valid("the key without a scheme", authorization=key)), rests_on=SCHEMES).is_refused()
    expect_nobody_let_in(answers)


def tampered(target, batch, token):
    """All items of a batch with its token: its signature turned round; the same, of other claims; without a scheme."""
    whole = token.values[0].decode().rpartition(" ")[2]
    head, _, signature = whole.rpartition(".")
    changed = {
        "with its token under another signature": f"Bearer {head}.{signature[::-1]}",
        "with other claims under its token's signature": f"Bearer {forgery.with_claims(whole, conformance=1)}",
    }
    requests = [target.whole(batch, label, authorization=target.derived(value)) for label, value in changed.items()]
    # As it is, the token is in the evidence, but for its signature: what is judged again needs the rest.
    bare = target.credential(whole)
    return [*requests, target.whole(batch, "with its token without a scheme", authorization=bare)]


@must("an empty stream needs a credential as any other does", clause=BEARER)
def test_empty_stream_needs_a_credential(target):
    nobody, batch = Authorization((), ""), target.known_key()
    answer = target.send(target.stream(batch, b"", "nothing at all", authorization=nobody))
    if answer.status == target.contract.success:
        plain = target.stream(batch, target.items([0]), "an item", authorization=nobody)
        given(target.send(plain), rests_on=MISSING).is_refused()
    expect_nobody_let_in(answer)


@must("the token of one batch is not accepted for another's items: 401 or 403, nothing accepted", clause=BEARER)
def test_token_of_another_batch_is_refused(target, by_its_token):
    (batch, _), (other, _) = with_tokens(target, 2, 2)
    token = target.token_of(other, OF_ANOTHER)
    answer = target.send(target.whole(batch, "with another batch's token", authorization=token))
    given_not_anybody(target, batch, answer, token.values[0].decode().rpartition(" ")[2], FORGED)
    expect_nobody_let_in(answer)
    given(answer, rests_on=WRONG_KEY).has_status(401, 403)
    if elsewhere := token_from_elsewhere(target):
        label = "with the token of another environment's batch"
        # Where that is, there is no such batch.
        stream = target.whole(batch, label, authorization=elsewhere, beyond=Beyond.LINE)
        expect_nobody_let_in(target.send(stream))
    spent, sealed = target.token_of(by_its_token[0], OF_ANOTHER), by_its_token[0].id
    once_sealed = target.whole(
        batch, "with the token of another batch that is sealed, and that the query names", authorization=spent,
        path=f"{target.path(batchId=batch.id)}?batchId={quote(sealed, safe='')}",
    )  # fmt: skip
    expect_nobody_let_in(target.send(once_sealed))
    own = target.send(target.whole(batch, "with the key, afterwards"))
    given_taken(own, 2)
    expect_nobody_let_in(target.send(replace(answer.request, label="with another batch's token, once it is sealed")))


def token_from_elsewhere(target):
    """The token of another environment's batch, where there is one."""
    if target.second_bearer is None:
        return None
    return target.token_of(target.batch(2, authorization=target.second_bearer), OF_ANOTHER)
