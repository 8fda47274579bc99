"""Generated requests: from the contract, from strategies for keys, and from a model in any order.

Whether they are accepted or rejected is judged here; the shape of all answers is Acceptance's affair.
"""

import itertools

import pytest

from trigger_conformance.checks import generation
from trigger_conformance.checks.expect import REJECTIONS, InconclusiveError, ViolationError, expect
from trigger_conformance.checks.requirement import Profile, Stage, must
from trigger_conformance.contract.contract import Expected
from trigger_conformance.contract.quoting import shortened, visible
from trigger_conformance.rules.model import Kind, Model
from trigger_conformance.run import examples

POOL = 12
FIRST = 5
SHORT = 40


@pytest.fixture(scope="module")
def generator(target):
    return generation.Generator(target.contract, target.max_run_count, target.options.seed, target.key)


def portions(target, cases, requests=1):
    """Portions of ``cases`` of so many ``requests``, as long as the budget leaves room: the first ones, never others.

    The pace of those before says how many go at a time; the hand-written checks that follow keep their share of it.
    """
    ledger, wanted = target.wire.ledger, len(cases)
    by_requests = max(0, ledger.requests_left - target.options.press_requests) // 2
    began, least = ledger.seconds_spent, ledger.seconds_left * 2 / 3
    sent, room = 0, (FIRST // requests or 1) if by_requests >= min(wanted * requests, FIRST) else 0
    while sent < wanted and (room := target.wire.decide(f"cases after {sent} of {wanted}", room)):
        yield cases[sent : sent + room]
        sent = min(wanted, sent + room)
        pace = sent / max(0.001, ledger.seconds_spent - began)
        room = max(0, min(by_requests // requests - sent, int(pace * (ledger.seconds_left - least))))
    if not sent:
        raise InconclusiveError("the budget leaves no room for generated requests (--max-requests)")
    if sent < wanted:
        target.note(f"{sent} of {wanted} generated cases: the budget left no room for more")


def gist(body):
    """What a generated request says, in a few characters."""
    text = body.decode("utf-8", "backslashreplace")
    return shortened(visible(text[: SHORT + 1]), SHORT)


def send_generated(target, cases):
    requests = [
        target.request(case.body, label=f"case {number} ({gist(case.body)})") for number, case in enumerate(cases, 1)
    ]
    answers = [answer for portion in portions(target, requests) for answer in target.send_all(portion)]
    target.note(f"{len(answers)} generated cases")
    return answers


def campaign(target, generator, expected, judge, share):
    """In a soak run: generate on, until a ``share`` of what is left of the budget is spent or something is found."""
    if target.profile is not Profile.SOAK:
        return
    ledger, sent = target.wire.ledger, itertools.count(1)
    until = {name: getattr(ledger, name) * (1 - share) for name in ("requests_left", "runs_left", "seconds_left")}

    def check(generated):
        if any(getattr(ledger, name) <= least for name, least in until.items()):
            raise generation.Enough
        try:
            label = f"campaign, case {next(sent)} ({gist(generated.body)})"
            answer = target.send(target.request(generated.body, label=label))
            judge(expect(answer))
        except ViolationError as error:
            if answer.status is None and not target.is_up():
                # Nothing smaller can be looked for on a server that is down.
                raise generation.Enough(error) from None
            raise
        except Exception as error:
            raise generation.Enough(error) from None

    place = target.options.example_database
    database = examples.opened(place, f"{target.contract.sha256} {expected} ") if place else None
    generator.explore(expected, check, target.options.seed * 10_000 + target.options.stream, database)
    target.note(f"{next(sent) - 1} cases of a campaign")
    if database and database.failure:
        target.note(f"the example database failed meanwhile ({database.failure}); the campaign went on without it")


@must("generated valid requests are accepted", clause="CreateBatchRequest", stage=Stage.GENERATED)
def test_generated_valid_requests_are_accepted(target, generator):
    campaign(target, generator, Expected.ACCEPTED, lambda answer: answer.is_new_batch(), share=0.4)
    cases = generator.valid(target.pick(smoke=10, standard=26, thorough=1000))
    expect(send_generated(target, cases)).is_new_batch()


@must("generated invalid requests are rejected", clause="CreateBatchRequest", stage=Stage.GENERATED)
def test_generated_invalid_requests_are_rejected(target, generator):
    campaign(target, generator, Expected.REJECTED, lambda answer: answer.has_status(*REJECTIONS), share=0.6)
    cases = generator.invalid(target.pick(smoke=10, standard=32, thorough=1000))
    expect(send_generated(target, cases)).has_status(*REJECTIONS)


@must(
    "generated keys that are nearly alike are different keys",
    clause="CreateBatchRequest.idempotencyKey",
    stage=Stage.GENERATED,
)
def test_nearly_alike_keys_are_different(target):
    near = generation.near_keys(target.options.seed, target.pick(smoke=5, standard=6, thorough=300))
    pairs = [(target.key("-"), pair) for pair in near]
    for portion in portions(target, pairs):
        ones, others = ([(stem + pair[side], repr(pair[side])[:60]) for stem, pair in portion] for side in (0, 1))
        firsts = target.send_all(target.order(key=key, label=label) for key, label in ones)
        expect(firsts).is_new_batch()
        expect(target.send_all(target.order(key=key, label=label) for key, label in others)).is_new_batch()
        expect(target.send_all(each.request for each in firsts)).is_cached_copy_of(*firsts)


@must(
    "in any order, creates, replays, rejected and refused requests are answered as the contract's model says",
    clause="CreateBatchRequest.idempotencyKey",
    stage=Stage.GENERATED,
)
def test_any_order_is_answered_as_the_model_says(target):
    kinds = [kind for kind in Kind if kind is not Kind.ELSEWHERE or target.second_bearer is not None]
    count = target.pick(smoke=1, standard=2, thorough=40)
    programs = generation.programs(target.options.seed, count, kinds, POOL, target.within(3))
    for portion in portions(target, programs, generation.WAVE):
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
                raise ViolationError(problem, told[step.key])


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
