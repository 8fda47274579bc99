"""Generated requests: from the contract, from strategies for keys, and from a model in any order.

Whether they are accepted or rejected is judged here; the shape of all answers is Acceptance's affair.
"""

import itertools

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from trigger_conformance import examples, generation
from trigger_conformance.contract import Expected
from trigger_conformance.expect import REJECTIONS, InconclusiveError, ViolationError, expect
from trigger_conformance.model import Kind, Model, Step
from trigger_conformance.requirement import Profile, Stage, must

POOL = 12
WAVE = 8


@pytest.fixture(scope="module")
def generator(target):
    return generation.Generator(target.contract, target.max_run_count, target.options.seed, target.key)


def affordable(target, wanted):
    """As many generated cases as the budget leaves room for; the hand-written checks that follow keep their share."""
    ledger = target.wire.ledger
    by_requests = max(0, ledger.requests_left - target.options.press_requests) // 2
    pace = ledger.requests / max(0.001, ledger.seconds_spent)
    by_time = int(pace * ledger.seconds_left / 3)
    count = target.wire.decide(f"cases of {wanted}", min(wanted, by_requests, by_time))
    if count < min(wanted, 5):
        raise InconclusiveError("the budget leaves no room for generated requests (--max-requests, --max-seconds)")
    if count < wanted:
        target.note(f"{count} of {wanted} generated cases: the budget left no room for more")
    return count


def send_generated(target, cases):
    answers = target.send_all(
        target.request(case.body, label=f"case {number + 1}") for number, case in enumerate(cases)
    )
    target.note(f"{len(cases)} generated cases")
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
            answer = target.send(target.request(generated.body, label=f"campaign, case {next(sent)}"))
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
    cases = generator.valid(affordable(target, target.pick(smoke=10, standard=26, thorough=1000)))
    expect(send_generated(target, cases)).is_new_batch()


@must("generated invalid requests are rejected", clause="CreateBatchRequest", stage=Stage.GENERATED)
def test_generated_invalid_requests_are_rejected(target, generator):
    campaign(target, generator, Expected.REJECTED, lambda answer: answer.has_status(*REJECTIONS), share=0.6)
    cases = generator.invalid(affordable(target, target.pick(smoke=10, standard=32, thorough=1000)))
    expect(send_generated(target, cases)).has_status(*REJECTIONS)


@must(
    "generated keys that are nearly alike are different keys",
    clause="CreateBatchRequest.idempotencyKey",
    stage=Stage.GENERATED,
)
def test_nearly_alike_keys_are_different(target):
    count = affordable(target, target.pick(smoke=5, standard=8, thorough=300))
    pairs = [(target.key("-"), pair) for pair in generation.near_keys(target.options.seed, count)]
    firsts = target.send_all(target.order(key=stem + one, label=repr(one)[:60]) for stem, (one, _) in pairs)
    expect(firsts).is_new_batch()
    seconds = target.send_all(target.order(key=stem + other, label=repr(other)[:60]) for stem, (_, other) in pairs)
    expect(seconds).is_new_batch()
    expect(target.send_all(each.request for each in firsts)).is_cached_copy_of(*firsts)


@must(
    "in any order, creates, replays, rejected and refused requests are answered as the contract's model says",
    clause="CreateBatchRequest.idempotencyKey",
    stage=Stage.GENERATED,
)
def test_any_order_is_answered_as_the_model_says(target):
    programs = affordable(target, target.pick(smoke=1, standard=2, thorough=40) * WAVE) // WAVE or 1
    found = play(target, programs)
    if found is not None:
        raise found


def play(target, programs):
    """Run ``programs`` random programs beside the model; returns the first violation, or what blocked them.

    Each step is a wave of requests with different keys, which do not depend on each other. Nothing is shrunk: on
    somebody's server that would cost hundreds of requests, and the steps of one key are story enough.
    """
    found = []
    kinds = [kind for kind in Kind if kind is not Kind.ELSEWHERE or target.second_bearer is not None]
    steps = st.builds(Step, st.sampled_from(kinds), st.integers(0, POOL - 1), st.integers(1, target.within(3)))
    waves = st.lists(steps, min_size=WAVE // 2, max_size=WAVE, unique_by=lambda step: step.key)

    class Programs(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.model = Model()
            self.keys = [target.key() for _ in range(POOL)]
            self.told = {}

        @rule(wave=waves)
        def step(self, wave):
            if found:
                return
            exchanges = target.send_all(request_for(target, step, self.keys[step.key]) for step in wave)
            if limited := [each for each in exchanges if each.status == 429]:
                found.append(InconclusiveError("still 429 when waiting had to end", limited))
                return
            for step, exchange in zip(wave, exchanges, strict=True):
                self.told.setdefault(step.key, []).append(exchange)
                if problem := self.model.judge(step, exchange):
                    found.append(ViolationError(problem, self.told[step.key]))
                    return

    seed(target.options.seed)(Programs)
    run_state_machine_as_test(
        Programs,
        settings=settings(
            max_examples=programs,
            stateful_step_count=6,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return found[0] if found else None


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
        case Kind.ELSEWHERE:
            document = {"runCount": step.run_count, "idempotencyKey": key}
            return target.request(document, label=label, authorization=target.second_bearer)
    return target.order(step.run_count, key=key, label=label)
