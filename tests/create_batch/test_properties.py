"""The other properties of the request, and the body as a whole."""

import pytest

from tests.every_operation import json_texts
from tests.every_operation.packs import expect_ignored
from trigger_conformance.checks.expect import REJECTIONS
from trigger_conformance.checks.ground import rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile, info, must, should
from trigger_conformance.contract.quoting import quoted

from .beside import each_beside, sound_twin
from .expectations import expect, given
from .grounds import BURNT, MISSING, OUT_OF_RANGE, sound_beside
from .operation import batch

MISTYPED = {
    "parentRunId": ("1", "null", "true", '["run_1"]', "{}", "false", "0", "1.5", "[]"),
    "resumeParentOnCompletion": ('"true"', "1", "null", "0", '""', '"yes"', "[]", "{}", '"false"', '"1"', "[true]"),
    "idempotencyKey": ("1", "null", "true", '["key"]', "1.5", "0", "{}", "false", "[]", "1e30"),
}
USUAL = 9
SMOKE = {
    'resumeParentOnCompletion "true"', "idempotencyKey 1", "parentRunId 1", "an array",
    "a trailing comma",
}  # fmt: skip


def everywhere(target):
    return target.profile > Profile.STANDARD


@pytest.fixture(scope="module")
def mistyped(target):
    rows = {
        name: {
            literal: literal for literal in literals if target.profile > Profile.SMOKE or f"{name} {literal}" in SMOKE
        }
        for name, literals in MISTYPED.items()
    }
    usual = {name: json_texts.first(literals, USUAL, everywhere(target)) for name, literals in rows.items()}
    return target.send_all(
        request for name, literals in usual.items() for request in each_beside(target, name, literals)
    )


@pytest.fixture(scope="module")
def twin(target):
    """What shows that the others are rejected for the mistyped property, not for what stands beside it."""
    return target.send_all([sound_twin(target)] if target.profile > Profile.SMOKE else [])


def about(exchanges, name):
    return [each for each in exchanges if each.request.label.startswith(f"{name} ")]


@must("a parentRunId that is no string is rejected", clause="CreateBatchRequest.parentRunId", profile=Profile.SMOKE)
def test_mistyped_parent_run_is_rejected(mistyped, twin):
    expect(about(mistyped, "parentRunId")).is_rejected()
    sound_beside(twin)


@must(
    "a resumeParentOnCompletion that is no boolean is rejected",
    clause="CreateBatchRequest.resumeParentOnCompletion",
    profile=Profile.SMOKE,
)
def test_mistyped_resume_is_rejected(mistyped, twin):
    expect(about(mistyped, "resumeParentOnCompletion")).is_rejected()
    sound_beside(twin)


@must(
    "an idempotencyKey that is no string is rejected", clause="CreateBatchRequest.idempotencyKey", profile=Profile.SMOKE
)
def test_mistyped_key_is_rejected(mistyped, twin):
    expect(about(mistyped, "idempotencyKey")).is_rejected()
    sound_beside(twin)


@must("a request rejected for a mistyped property creates nothing", clause="createBatch.responses.422")
def test_mistyped_property_creates_nothing(target, mistyped):
    rejected = target.unspent([each for each in mistyped if each.status in REJECTIONS])
    kept = rejected[:: target.pick(smoke=1, standard=2, thorough=1)]
    given(target.send_all(target.twin(each.request) for each in kept), rests_on=BURNT).is_new_batch()


@must(
    "unknown properties whose names software gives a meaning are ignored, and nothing is inherited from them",
    clause="CreateBatchRequest",
    profile=Profile.SMOKE,
)
def test_special_names_change_nothing(target):
    answers = expect_ignored(target, json_texts.SPECIAL_NAMES, label="names that software gives a meaning")
    expect(answers).satisfies(
        lambda each: "the id is the one that an unknown property named" if batch(each) == json_texts.OWN_ID else None,
        place="id",
    )
    if target.profile is Profile.SMOKE:
        return
    # Before the heirs: what they leave in a prototype is every body's.
    missing = target.send(target.request({"idempotencyKey": target.key()}, label="runCount missing"))
    prototypes = {"__proto__": {"runCount": 1}, "constructor": {"prototype": {"runCount": 1}}}
    paths = {"runCount.a": 1, "runCount[]": 1, "$set": {"runCount": 1}}
    heir = {**prototypes, **paths, "idempotencyKey": target.key()}
    answer = target.send(target.request(heir, label="runCount in prototypes and paths only"))
    if missing.status == 202:
        rests(MISSING, "a body without runCount is accepted", [missing])
    expect(answer).is_rejected()


@pytest.fixture(scope="module")
def repeated(target):
    """Requests that say something twice, each with the runCounts that its answer may have."""
    two, keys = target.within(2), [target.key(), target.key()]
    rows = {
        "runCount twice": (f'{{"runCount":1,"runCount":{two}}}', (1, two)),
        "runCount 1, then 0": ('{"runCount":1,"runCount":0}', (1,)),
        "idempotencyKey and an unknown property twice": (
            f'{{"runCount":1,"a":1,"a":2,"idempotencyKey":"{keys[0]}","idempotencyKey":"{keys[1]}"}}', (1,),
        ),
        "runCount 0, then 1": ('{"runCount":0,"runCount":1}', (1,)),
        "resumeParentOnCompletion true, then 1": (
            '{"runCount":1,"resumeParentOnCompletion":true,"resumeParentOnCompletion":1}', (1,),
        ),
    }  # fmt: skip
    rows = json_texts.first(rows, 3, everywhere(target))
    answers = target.send_all(target.request(text.encode(), label=label) for label, (text, _) in rows.items())
    return list(zip(answers, (counts for _, counts in rows.values()), strict=True)), keys


@must(
    "a body that says something twice is rejected, or answered as one that says one of both",
    clause="createBatch.requestBody",
)
def test_repeated_names_are_answered_consistently(target, repeated):
    pairs, keys = repeated
    counts = {id(answer): allowed for answer, allowed in pairs}

    def judge(exchange):
        if exchange.status in REJECTIONS:
            return None
        if exchange.status != 202:
            return f"expected 202, 400 or 422, got {exchange.outcome}"
        count, key = (exchange.answer.document.get(name) for name in ("runCount", "idempotencyKey"))
        if count not in counts[id(exchange)]:
            return Problem(f"runCount {quoted(count)} is in the answer, which no sound reading has", "runCount")
        if key is None or key in keys:
            return None
        return Problem(f"the key {quoted(key)} is in the answer, which was not sent", "idempotencyKey")

    answers = [answer for answer, _ in pairs]
    zeros = [each for each in answers if each.status == 202 and each.answer.document.get("runCount") == 0]
    if zeros and target.send(target.request({"runCount": 0}, label="runCount 0 alone")).status == 202:
        rests(OUT_OF_RANGE, "runCount 0 is accepted alone", zeros)
    expect(answers).satisfies(judge)


@info("which of two equal names counts", clause="createBatch.requestBody")
def test_repeated_property(target, repeated):
    def told(answer):
        counted = f" with runCount {quoted(answer.answer.document.get('runCount'))}" if answer.status == 202 else ""
        return f"{answer.request.label}: {answer.outcome}{counted}"

    target.note(", ".join(told(answer) for answer, _ in repeated[0]))


@pytest.fixture(scope="module")
def orphans(target):
    unknown = "run_conformance0000000000"
    cases = {
        "that names no run": {"parentRunId": unknown},
        "that names no run, resume true": {"parentRunId": unknown, "resumeParentOnCompletion": True},
        "with a quote, resume false": {"parentRunId": "' OR '1'='1", "resumeParentOnCompletion": False},
        "of 304 characters": {"parentRunId": "run_" + "x" * 300},
        "with NUL": {"parentRunId": f"{unknown}\0"},
        "with an unpaired surrogate": {"parentRunId": f"{unknown}\ud800"},
        "that is no part of a URL": {"parentRunId": "../runs/1?a=%zz#b c"},
        "with a line break and wide letters": {"parentRunId": f"{unknown}\r\nX-Conformance: 1\r\n\r\n日本"},
        "that is empty": {"parentRunId": ""},
        "with a low surrogate, resume true": {"parentRunId": "\udc00", "resumeParentOnCompletion": True},
    }
    usual = json_texts.first(cases, 9, everywhere(target))
    if target.profile is Profile.SMOKE:
        usual = {"of 304 characters": cases["of 304 characters"]}
    return target.send_all(
        target.order(key=target.key(), label=f"parentRunId {label}", **properties)
        for label, properties in usual.items()
    )


@must(
    "a parentRunId that names no run is answered 202 or a documented error",
    clause="CreateBatchRequest.parentRunId",
    profile=Profile.SMOKE,
)
def test_unknown_parent_run_is_answered(orphans):
    expect(orphans).has_status(202, *REJECTIONS, 404)


@should(
    "a parentRunId that names no run is not answered 404, which is not documented",
    clause="createBatch.responses",
    profile=Profile.SMOKE,
)
def test_unknown_parent_run_is_no_404(orphans):
    expect(orphans).satisfies(lambda each: "404 is not documented" if each.status == 404 else None, place="status")
