"""Who may: unknown batches, those of another environment, the token that is handed out with a batch."""

from dataclasses import replace
from urllib.parse import quote

from trigger_conformance.checks.expect import NotApplicableError, expect
from trigger_conformance.checks.ground import given
from trigger_conformance.checks.requirement import must, should
from trigger_conformance.wire.exchange import Beyond

from ..every_operation.grounds import expect_nobody_let_in
from .grounds import ERRORS, ID, given_sealed, given_taken
from .values import OF_ANOTHER

WRONG_KEY = ID("authentication", "wrong_key_is_refused")
FORGED = ID("authentication", "forged_tokens_are_refused")

BATCH_ID = "streamBatchItems.parameters"
BEARER = "BearerAuth"
UNKNOWN = (*ERRORS, 404)
# Whoever looks a batch up at its first item finds nothing wrong.
NO_LINES = "a word, and no lines"
# Nothing, or what stands in front, finds no path in these at all.
NO_PATH = (*UNKNOWN, 405)


def unknown(target):
    """Ids that no batch has, as they stand in a path, by label: the first ones tell most."""
    near = target.batch(1).id
    return {
        "an id like a batch's": quote(f"{near[:-1]}{'0' if near[-1] != '0' else '1'}", safe=""),
        "no id at all": "",
        NO_LINES: "conformance-no-such-batch",
        "another letter case": quote(near.swapcase(), safe="") if near.swapcase() != near else "x",
        "the id and more": quote(f"{near}0", safe=""),
        "a path": quote(f"../{near}", safe=""),
        "a NUL": quote(f"{near}\0", safe=""),
        "a quote": quote(f"{near}' OR '1'='1", safe=""),
        "a wildcard": quote(f"{near[:-4]}%", safe=""),
        "__proto__": "__proto__",
        "no UTF-8": f"{quote(near, safe='')}%ff",
        "a space after it": f"{quote(near, safe='')}%20",
    }


@must("an id that no batch has is answered with a documented error or 404", clause=BATCH_ID)
def test_unknown_batch_is_an_error(target):
    ids = list(unknown(target).items())[: target.pick(smoke=1, standard=6, thorough=20)]
    prefix, _, after = target.path(batchId="\ue000").partition(quote("\ue000"))
    streams = [
        target.stream(
            "x", [] if label == NO_LINES else [target.item()], label, path=f"{prefix}{text}{after}", beyond=Beyond.LINE
        )
        for label, text in ids
    ]
    expect(target.send_all(streams)).satisfies(
        lambda each: None
        if each.status in (NO_PATH if "//" in each.request.target else UNKNOWN)
        else f"expected 400, 404 or 422, got {each.outcome}"
    )  # fmt: skip


@must("another environment's batch is answered as an unknown one is, and stays as it was", clause=BEARER)
def test_batch_of_another_environment_is_unknown(target):
    if target.second_bearer is None:
        raise NotApplicableError("needs another environment's credential: give --second-api-key")
    batch = target.batch(2)
    answer = target.send(
        target.whole(batch, "by another environment", authorization=target.second_bearer, beyond=Beyond.LINE)
    )
    given_not_anybody(target, batch, answer, target.options.second_api_key, WRONG_KEY)
    expect(answer).has_status(*UNKNOWN, 401, 403)
    own = target.send(target.whole(batch, "by its own environment, afterwards"))
    given_sealed(own, 2)
    expect(target.send(replace(answer.request, label="by another environment, once it is sealed"))).has_status(
        *UNKNOWN, 401, 403
    )


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


@should("the token that is handed out with a batch is accepted as the credential of its items", clause=BEARER)
def test_token_of_the_batch_is_accepted(target):
    [(batch, token)] = with_tokens(target, 2, 1)
    answer = target.send(target.whole(batch, "with the batch's own token", authorization=token))
    given_sealed(answer, 2)


@must("the token of one batch is not accepted for another's items: 401 or 403, nothing accepted", clause=BEARER)
def test_token_of_another_batch_is_refused(target):
    (batch, _), (other, _) = with_tokens(target, 2, 2)
    token = target.token_of(other, OF_ANOTHER)
    answer = target.send(target.whole(batch, "with another batch's token", authorization=token))
    given_not_anybody(target, batch, answer, token.values[0].decode().rpartition(" ")[2], FORGED)
    expect_nobody_let_in(answer)
    given(answer, rests_on=WRONG_KEY).has_status(401, 403)
    own = target.send(target.whole(batch, "with the key, afterwards"))
    given_taken(own, 2)
    expect_nobody_let_in(target.send(replace(answer.request, label="with another batch's token, once it is sealed")))
