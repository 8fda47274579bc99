"""Generated requests: from strategies for keys, and from a model in any order."""

from trigger_conformance.checks.expect import InconclusiveError, ViolationError, Wrong, place_of
from trigger_conformance.checks.generation import near_keys, portions
from trigger_conformance.checks.ground import GroundError
from trigger_conformance.checks.requirement import Stage, must

from .expectations import expect
from .grounds import (
    OUT_OF_RANGE,
    REPLAY,
    UNKNOWN,
    VALID,
    WRONG_KEY,
    given_batches,
    given_copies,
    given_keys_taken,
)
from .model import Kind, Model
from .operation import is_new
from .programs import WAVE, programs

POOL = 12
MEMBERS = ("id", "isCached", "runCount")


@must(
    "generated keys that are nearly alike are different keys",
    clause="CreateBatchRequest.idempotencyKey",
    stage=Stage.GENERATED,
)
def test_nearly_alike_keys_are_different(target):
    near = near_keys(target.options.seed, target.pick(smoke=3, standard=3, thorough=300))
    pairs = [(target.key("-"), pair) for pair in near]
    for portion in portions(target, pairs):
        ones, others = ([(stem + pair[side], repr(pair[side])[:60]) for stem, pair in portion] for side in (0, 1))
        sent = target.send_all(target.order(key=key, label=label) for key, label in ones)
        firsts = given_batches(given_keys_taken(target, sent))
        seconds = target.send_all(target.order(key=key, label=label) for key, label in others)
        expect(given_keys_taken(target, seconds)).is_new_batch()
        given_copies(target.send_all(each.request for each in firsts), *firsts, needed=False)


@must(
    "in any order, creates, replays, rejected and refused requests are answered as the contract's model says",
    clause="CreateBatchRequest.idempotencyKey",
    stage=Stage.GENERATED,
)
def test_any_order_is_answered_as_the_model_says(target):
    kinds = [kind for kind in Kind if kind is not Kind.ELSEWHERE or target.second_bearer is not None]
    count = target.pick(smoke=1, standard=1, thorough=40)
    generated = programs(target.options.seed, count, kinds, POOL, target.within(3))
    for portion in portions(target, generated, WAVE):
        for program in portion:
            play(target, program)


def play(target, program):
    """Run a program beside the model. Raises ViolationError at the first answer that the model does not foresee.

    Each step is a wave of requests with different keys, which do not depend on each other. Nothing is shrunk: on
    somebody's server that would cost hundreds of requests, and the steps of one key are story enough.
    """
    model, told = Model(), {}
    keys = [target.key() for _ in range(POOL)]
    for wave in program:
        exchanges = target.send_all(request_for(target, step, keys[step.key]) for step in wave)
        if limited := [each for each in exchanges if each.status == 429]:
            raise InconclusiveError("still 429 when waiting had to end", limited)
        for step, exchange in zip(wave, exchanges, strict=True):
            told.setdefault(step.key, []).append(exchange)
            if problem := model.judge(step, exchange):
                found = [wrong(exchange, problem.removeprefix(f"{step}: "))]
                violation = ViolationError(problem, told[step.key], found)
                raise GroundError(owner, violation) if (owner := owner_of(step, exchange)) else violation


def owner_of(step, exchange):
    """The requirement that says as much of the plain case, so that an order is no further finding; else ""."""
    if step.kind in (Kind.REFUSED, Kind.REJECTED):
        return WRONG_KEY if step.kind is Kind.REFUSED else OUT_OF_RANGE
    if exchange.status != 202:
        return UNKNOWN if step.kind is Kind.OTHER_BODY else VALID
    return REPLAY if is_new(exchange) else ""


def wrong(exchange, problem):
    """What the model did not foresee, at the place that it names."""
    place = place_of(exchange, problem) or next((each for each in MEMBERS if each in problem.split()), "")
    return Wrong(exchange, problem, place)


def request_for(target, step, key):
    label = str(step)
    match step.kind:
        case Kind.OTHER_BODY:
            return target.order(
                step.run_count, key=key, label=label, resumeParentOnCompletion=True, conformanceExtra=key
            )
        case Kind.REJECTED:
            return target.request({"runCount": 0, "idempotencyKey": key}, label=label)
        case Kind.REFUSED:
            wrong = target.credential("Bearer tr_conformance_no_such_key")
            return target.request({"runCount": step.run_count, "idempotencyKey": key}, label=label, authorization=wrong)
        case Kind.PARENTLESS:
            return target.order(step.run_count, key=key, label=label, parentRunId="run_conformance_that_is_not_there")
        case Kind.ELSEWHERE:
            document = {"runCount": step.run_count, "idempotencyKey": key}
            return target.request(document, label=label, authorization=target.second_bearer)
    return target.order(step.run_count, key=key, label=label)
