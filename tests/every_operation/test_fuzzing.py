"""Requests generated from the contract: whether they are accepted or rejected is judged here, all else elsewhere."""

import itertools

import pytest

from trigger_conformance.checks import generation
from trigger_conformance.checks.expect import REJECTIONS, ViolationError, expect
from trigger_conformance.checks.generation import portions
from trigger_conformance.checks.requirement import Profile, Stage, must
from trigger_conformance.contract.contract import Expected
from trigger_conformance.contract.quoting import shortened, visible
from trigger_conformance.runs import examples

SHORT = 40


@pytest.fixture(scope="module")
def generator(target):
    return generation.Generator(target)


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


def without_its_key(target, body):
    """What a generated body asks for, whatever key it has."""
    return target.operation.fresh(body, str) if isinstance(body, dict) else body


def campaign(target, generator, expected, judge, share):
    """In a soak run: generate on, until a ``share`` of what is left of the budget is spent or something is found."""
    if target.profile is not Profile.SOAK:
        return
    ledger, sent, taken = target.wire.ledger, itertools.count(1), set()
    until = {name: getattr(ledger, name) * (1 - share) for name in ("requests_left", "runs_left", "seconds_left")}

    def check(generated):
        if any(getattr(ledger, name) <= least for name, least in until.items()):
            raise generation.Enough
        asked = hash(repr(without_its_key(target, generated.case.body)))
        if asked in taken:
            return
        try:
            label = f"campaign, case {next(sent)} ({gist(generated.body)})"
            answer = target.send(target.request(generated.body, label=label))
            judge(expect(answer))
            taken.add(asked)
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


@must("generated valid requests are accepted", clause="{request}", stage=Stage.GENERATED)
def test_generated_valid_requests_are_accepted(target, generator):
    campaign(target, generator, Expected.ACCEPTED, lambda answer: answer.is_as_generated(), share=0.4)
    cases = generator.valid(target.pick(smoke=10, standard=6, thorough=1000, frugal=1))
    expect(send_generated(target, cases)).is_as_generated()


@must("generated invalid requests are rejected", clause="{request}", stage=Stage.GENERATED)
def test_generated_invalid_requests_are_rejected(target, generator):
    campaign(target, generator, Expected.REJECTED, lambda answer: answer.has_status(*REJECTIONS), share=0.6)
    cases = generator.invalid(target.pick(smoke=10, standard=12, thorough=1000, frugal=1))
    expect(send_generated(target, cases)).has_status(*REJECTIONS)
