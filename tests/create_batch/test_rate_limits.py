"""Rate limits: the 429 and its headers, wherever they come."""

import time
from dataclasses import dataclass

import pytest

from trigger_conformance import rate_limit
from trigger_conformance.expect import InconclusiveError, NotApplicableError, ViolationError, expect, given
from trigger_conformance.quoting import quoted
from trigger_conformance.requirement import Profile, Stage, must, should
from trigger_conformance.wire.exchange import Exchange
from trigger_conformance.wire.ledger import BudgetSpentError

LIMITED = "createBatch.responses.429"
GRACE = 1.0
BIG_REQUESTS = 3
# Others who use the credential too may be served first, but not for ever.
OTHERS_TURNS = 10


@dataclass
class Press:
    """What provoking the rate limit showed: the 429, another environment's answer meanwhile, and the retry."""

    refused: Exchange
    other_environment: Exchange | None
    waited: float
    retry: Exchange


@pytest.fixture(scope="module")
def pressed(target, quiet):  # noqa: ARG001
    """Press until a 429 comes, at the least cost; then do what it says."""
    if not target.options.press_rate_limit:
        raise NotApplicableError("the run may not provoke a 429: allow it with --press-rate-limit")
    refused = first_429(target)
    other = None
    if target.second_bearer is not None:
        document = {"runCount": refused.request.run_count, "idempotencyKey": target.key()}
        other = target.send(target.request(document, authorization=target.second_bearer), keep_429=True)
    after = refused.answer.header("retry-after") or ""
    waited = float(after) if after.isdecimal() else GRACE
    target.wire.pause(refused.ended + waited - time.monotonic())
    retry = target.send(refused.request, keep_429=True)
    for _ in range(OTHERS_TURNS if target.options.shared_key else 1):
        if retry.status != 429:
            break
        waited += GRACE
        target.wire.pause(GRACE)
        retry = target.send(refused.request, keep_429=True)
    return Press(refused, other, waited, retry)


def first_429(target):
    """Press, at the least cost first, until a 429 comes or the press is as strong as it may be."""
    sent = []
    for volley in volleys(target):
        try:
            sent += target.send_all(volley[: target.options.press_requests - len(sent)], keep_429=True)
        except BudgetSpentError:
            break
        if refused := [each for each in sent if each.status == 429]:
            return refused[0]
        if len(sent) >= target.options.press_requests or past_the_limit(sent):
            break
    raise unlimited(sent)


def volleys(target):
    """The road to a 429: requests just above what remains, which cost least; a few big ones; as many as may be."""

    def orders(count, run_count):
        return [target.order(run_count, key=target.key()) for _ in range(count)]

    if target.wire.remaining is None:
        # Its answer may say what remains.
        yield orders(1, 1)
    if target.wire.limit is None or target.wire.limit < (BIG_REQUESTS + 2) * target.max_run_count:
        for spare in (25, 100):
            yield orders(1, (target.wire.remaining or 0) * 5 // 4 + spare)
        yield orders(BIG_REQUESTS, target.max_run_count)
    while True:
        yield orders(16, 5)


def duration(sent):
    return max(each.ended for each in sent) - min(each.started for each in sent)


def past_the_limit(sent):
    """Whether more was sent than the stated limit allows, however fast it is refilled; None where none is stated."""
    stated = (sent[-1].answer.header("x-ratelimit-limit") if sent[-1].answer else None) or ""
    runs = sum(each.request.run_count for each in sent if each.created)
    seconds = duration(sent)
    # A limit that is refilled within a quarter of a second is none.
    return max(len(sent), runs) > int(stated) * (1 + seconds / 0.25) if stated.isdecimal() else None


def unlimited(sent):
    """Why pressing brought no 429: the target has no limit, or the press did not get past the one that it states."""
    if not sent:
        return InconclusiveError("no request could be sent, so nothing could reach a limit")
    given(sent[-1])
    runs = sum(each.request.run_count for each in sent if each.created)
    pressed = f"{len(sent)} requests with {runs} runs in {duration(sent):.1f} s"
    if past_the_limit(sent) is False:
        stated = sent[-1].answer.header("x-ratelimit-limit")
        return InconclusiveError(
            f"{pressed} did not get past the stated limit of {stated}, which may be refilled meanwhile: "
            "raise --press-requests or --max-runs",
            sent[-1:],
        )
    return ViolationError(f"{pressed} brought no 429", sent[-1:])


@pytest.fixture(scope="module")
def limited(traffic, request):
    """Every 429 of the run; where it saw none it presses for one, if it may."""
    exchanges = [each for each in traffic if each.status == 429]
    return expect(exchanges or [request.getfixturevalue("pressed").refused])


@must("pressing on past the limit brings a 429", clause=LIMITED, profile=Profile.SMOKE, stage=Stage.PRESS)
def test_pressing_past_the_limit_brings_a_429(pressed):
    expect(pressed.refused).satisfies(lambda each: None if each.status == 429 else each.outcome, also_429=True)


@must(
    "Retry-After is honest: after that long a request is not 429",
    clause="createBatch.responses.429.headers.Retry-After",
    profile=Profile.SMOKE,
    stage=Stage.PRESS,
)
def test_retry_after_is_honest(target, pressed):
    if target.options.shared_key:
        raise NotApplicableError("others use the credential meanwhile (--shared-key): the wait says nothing")
    said = f"still 429 after {pressed.waited:.0f} s, which is Retry-After and {GRACE:.0f} s of grace"
    expect(pressed.retry).satisfies(lambda each: said if each.status == 429 else None, also_429=True)


@must(
    "a request answered 429 creates nothing, and does not use up its key",
    clause=LIMITED,
    profile=Profile.SMOKE,
    stage=Stage.PRESS,
)
def test_limited_request_creates_nothing(pressed):
    expect(pressed.retry).is_new_batch()


@must("another environment's credential is not limited", clause="BearerAuth", profile=Profile.SMOKE, stage=Stage.PRESS)
def test_another_environment_is_not_limited(pressed):
    if pressed.other_environment is None:
        raise NotApplicableError("needs another environment's credential: give --second-api-key")
    expect(pressed.other_environment).satisfies(
        lambda each: "429 though only the first environment was pressed" if each.status == 429 else None, also_429=True
    )
    expect(pressed.other_environment).is_new_batch()


@must(
    "every 429 carries the four documented headers, each exactly once",
    clause=LIMITED,
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_every_429_carries_its_headers_once(limited):
    limited.satisfies(lambda each: rate_limit.presence_problem(each.answer), also_429=True)


@must("every header of a 429 is a decimal integer", clause=LIMITED, profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_headers_of_a_429_are_integers(limited):
    limited.satisfies(lambda each: rate_limit.integer_problem(each.answer), also_429=True)


@must(
    "on a 429 Limit is positive, Remaining from 0 to Limit, Retry-After not negative",
    clause="createBatch.responses.429.headers.X-RateLimit-Remaining",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_counts_of_a_429_are_consistent(limited):
    limited.satisfies(lambda each: rate_limit.count_problem(each.answer), also_429=True)


@must(
    "on a 429 X-RateLimit-Reset is a Unix time in seconds, near now",
    clause="createBatch.responses.429.headers.X-RateLimit-Reset",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_reset_of_a_429_is_unix_time(limited):
    limited.satisfies(lambda each: rate_limit.reset_problem(each.answer), also_429=True)


@must("a 429 has an Error body", clause="createBatch.responses.429.content", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_429_has_an_error_body(target, limited):
    def judge(exchange):
        if not exchange.answer.media_type.startswith("application/") or not isinstance(exchange.answer.json, dict):
            return f"the body is no JSON object ({quoted(exchange.answer.header('content-type'))})"
        return next(iter(target.contract.schema_errors("Error", exchange.answer.json)), None)

    limited.satisfies(judge, also_429=True)


@should("X-RateLimit-Reset and Retry-After agree", clause="createBatch.responses.429.headers.X-RateLimit-Reset",
        profile=Profile.SMOKE, stage=Stage.CLOSING)  # fmt: skip
def test_reset_agrees_with_retry_after(limited):
    limited.satisfies(lambda each: rate_limit.agreement_problem(each.answer), also_429=True)


@should(
    "Retry-After is 1 or more",
    clause="createBatch.responses.429.headers.Retry-After",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_retry_after_is_at_least_one(limited):
    limited.satisfies(lambda each: rate_limit.no_wait_problem(each.answer), also_429=True)


def with_limits_elsewhere(traffic):
    carrying = [
        each for each in traffic if each.answer and each.status != 429 and rate_limit.carries_limits(each.answer)
    ]
    if not carrying:
        raise NotApplicableError("no answer but a 429 carries rate-limit headers")
    return carrying


@must(
    "rate-limit headers on other answers keep the same rules",
    clause="createBatch.responses.429.headers",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_headers_elsewhere_keep_the_rules(traffic):
    rules = (
        rate_limit.repetition_problem,
        rate_limit.integer_problem,
        rate_limit.count_problem,
        rate_limit.reset_problem,
    )
    expect(with_limits_elsewhere(traffic)).satisfies(
        lambda each: "; ".join(filter(None, (rule(each.answer) for rule in rules))) or None
    )


@should(
    "Remaining does not rise within one window by more than a refill allows",
    clause="createBatch.responses.429.headers.X-RateLimit-Remaining",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_remaining_rises_only_by_refill(traffic):
    carrying = with_limits_elsewhere(traffic)
    found = [ViolationError(why, [exchange]) for exchange, why in rate_limit.rises(carrying)]
    if found:
        raise found[0]


@should(
    "rate-limit headers are there on a 202",
    clause="createBatch.responses.429.headers",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_accepted_answers_carry_the_limits(traffic):
    accepted = [each for each in traffic if each.status == 202]
    expect(accepted).satisfies(lambda each: None if rate_limit.carries_limits(each.answer) else "no rate-limit header")
