"""Authentication: what becomes of the tokens that the target itself hands out."""

import pytest

from tests.every_operation.grounds import expect_wrong_refused
from trigger_conformance.checks.expect import NotApplicableError
from trigger_conformance.checks.requirement import info, must
from trigger_conformance.rules import delegated_token, forgery

from .expectations import expect
from .grounds import given_accepted

BEARER = "BearerAuth"


@pytest.fixture(scope="module")
def handed_out(target):
    """A new batch, for the delegated token that comes with it."""
    batch = target.create(key=target.key())
    given_accepted([batch])
    return batch.answer


@must("a delegated token whose payload or signature was changed is refused", clause=BEARER)
def test_tampered_delegated_token_is_refused(target, handed_out):
    token = handed_out.header(delegated_token.TOKEN)
    if token is None or delegated_token.token_problem(handed_out):
        raise NotApplicableError("the target hands out no delegated token that could be changed")
    forgeries = {label: target.credential(f"Bearer {forged}") for label, forged in forgery.tampered(token).items()}
    key = target.key()
    answers = target.send_all(
        target.valid(label, key=key, authorization=authorization) for label, authorization in forgeries.items()
    )
    expect_wrong_refused(answers)
    expect(target.send(target.twin(answers[0].request))).is_new_batch()


@info("whether the delegated token can create another batch", clause=BEARER)
def test_delegated_token_as_credential(target, handed_out):
    token = handed_out.header(delegated_token.TOKEN)
    if token is None:
        raise NotApplicableError("the target hands out no delegated token")
    answer = target.send(target.order(label="delegated token", authorization=target.credential(f"Bearer {token}")))
    target.note(f"a create with the delegated token: {answer.outcome}")
