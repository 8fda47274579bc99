"""The model of keys: what a sound target answers to a request whose parent run is unknown, and to the one after it."""

import json

import pytest

from tests.create_batch.model import Kind, Model, Step
from trigger_conformance.wire.exchange import Answer, Exchange, Request


def told(status, batch="b1", cached=False, run_count=2):
    body = {"id": batch, "runCount": run_count, "isCached": cached} if status == 202 else {"message": "no"}
    answer = Answer(status, "", (("Content-Type", "application/json"),), json.dumps(body).encode(), 0.0)
    return Exchange(Request(target="/", operation="create_batch"), answer, None, 0.0, 0.1, 0.0)


PARENTLESS, CREATE = Step(Kind.PARENTLESS, 1, 2), Step(Kind.CREATE, 1, 2)
# What both steps are answered, and whether a sound target answers so.
STORIES = {
    "rejected, then new": (told(422), told(202), True),
    "not found, then new": (told(404), told(202), True),
    "rejected, then cached": (told(422), told(202, cached=True), False),
    "accepted, then cached": (told(202), told(202, cached=True), True),
    "accepted, then new": (told(202), told(202, "b2"), False),
    "failed": (told(500), told(202), False),
}


@pytest.mark.parametrize(("orphan", "create", "sound"), STORIES.values(), ids=STORIES)
def test_an_unknown_parent_uses_up_its_key_where_it_is_accepted_only(orphan, create, sound):
    model = Model()
    problems = [model.judge(PARENTLESS, orphan), model.judge(CREATE, create)]
    assert (problems == [None, None]) is sound
