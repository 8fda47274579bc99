"""Rate limits: the 429 and its headers, wherever they come."""

import time
from dataclasses import dataclass
from enum import Enum, auto

import pytest

from trigger_conformance.checks.expect import InconclusiveError, NotApplicableError, Problem, ViolationError, expect
from trigger_conformance.checks.requirement import Profile, Stage, must, should
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.rules import press, rate_limit
from trigger_conformance.wire.exchange import Beyond, Exchange
from trigger_conformance.wire.ledger import BudgetSpentError

LIMITED = "{operation}.responses.429"
PRESSING = "rate_limits.pressing_past_the_limit_brings_a_429"
GRACE = 1.0
LIMITS, RESET, RETRY = "header x-ratelimit", "header x-ratelimit-reset", "header retry-after"
# As long as a run waits for a target that refuses for longer the more it is asked.
LONGEST_BAN = 20.0
ERROR_MEDIA_TYPES = ("application/json", "application/problem+json")
BIG_REQUESTS = 4
# Others who use the credential too may be served first, but not for ever.
OTHERS_TURNS = 10


class Way(Enum):
    """How the requests of a press leave."""

    ONE_BY_ONE = auto()
    TOGETHER = auto()
    AT_ONCE = auto()


@dataclass
class Pressed:
    """What provoking the rate limit showed: every request of the press, its 429, or why there is none."""

    sent: list[Exchange]
    refused: Exchange | None
    problem: InconclusiveError | ViolationError | None = None
    other_environment: Exchange | None = None


@dataclass
class Retried:
    """The refused request again, after ``waited`` seconds; ``told`` says whether Retry-After told so many."""

    waited: float
    answer: Exchange
    told: bool


@pytest.fixture(scope="module")
def provoked(target, quiet):  # noqa: ARG001
    """Press until a 429 comes, at the least cost; another environment's request follows at once."""
    if not target.options.press_rate_limit:
        raise NotApplicableError("the run may not provoke a 429: allow it with --press-rate-limit")
    if not target.operation.presses:
        raise NotApplicableError("the rate limit is pressed with the requests of another operation")
    found = press_on(target)
    if found.refused is not None and target.second_bearer is not None:
        runs = target.cost(found.refused.request)
        found.other_environment = target.send(target.weighing(runs, authorization=target.second_bearer), keep_429=True)
    if found.refused is not None and target.profile > Profile.SMOKE:
        # Refused or not, its key stays known: the end of the run looks.
        runs = target.cost(found.refused.request)
        target.send(target.weighing(runs, key=target.known_key(), label="a known key while limited"), keep_429=True)
    return found


@pytest.fixture(scope="module")
def pressed(target, provoked, is_selected):
    """The press that brought a 429; without one there is nothing to judge here, for the press has its own check."""
    if provoked.refused is not None:
        return provoked
    pressing = target.operation.owner(PRESSING)
    if is_selected(pressing):
        raise NotApplicableError(f"the run saw no 429; why is told at {pressing}")
    raise InconclusiveError(f"the run saw no 429: {provoked.problem.message}", provoked.problem.evidence)


@pytest.fixture(scope="module")
def retried(target, pressed):
    """Do what the 429 says, then send the request again."""
    refused = pressed.refused
    after = rate_limit.wait(refused.answer)
    waited = until_reset(refused.answer) if after is None else float(after)
    if target.wire.ban.why and waited > LONGEST_BAN:
        raise InconclusiveError(f"not waited for {waited:.0f} s: {target.wire.ban.why}", [refused])
    target.wire.pause(refused.ended + waited - time.monotonic())
    answer = target.send(refused.request, keep_429=True)
    for _ in range(OTHERS_TURNS if target.options.shared_key else 1):
        if answer.status != 429:
            break
        waited += GRACE
        target.wire.pause(GRACE)
        answer = target.send(refused.request, keep_429=True)
    return Retried(waited, answer, told=after is not None)


def until_reset(answer):
    """The seconds until the limit is reset, where nothing readable says when to come back."""
    reset = rate_limit.reset(answer)
    return max(GRACE, reset - answer.at) if reset is not None and not rate_limit.reset_problem(answer) else GRACE


def press_on(target):
    """Press, at the least cost first, until a 429 comes, the limit is passed, or the press may be no stronger."""
    sent: list[Exchange] = []
    for way, run_counts in volleys(target, sent):
        try:
            volley = fire(target, way, run_counts[: target.options.press_requests - len(sent)])
        except BudgetSpentError as error:
            return Pressed(sent, None, unlimited(target, sent, str(error)))
        sent += volley
        if all(each.answer is None for each in volley):
            return Pressed(sent, None, unlimited(target, sent, "the target does not answer any more"))
        if refused := [each for each in sent if each.status == 429]:
            # The last promise counts: nothing was accepted after it was made.
            return Pressed(sent, max(refused, key=lambda each: each.ended))
        if len(sent) >= target.options.press_requests or has_passed(target, sent):
            break
    return Pressed(sent, None, unlimited(target, sent))


def volleys(target, sent):
    """The road to a 429: how, and with which runCounts.

    Two requests show what is counted; where that may be runs, a few big requests cost least.
    """
    # Smoke has no requests to spare: it may ask for many runs in vain.
    if target.profile > Profile.SMOKE or target.wire.remaining is None:
        yield Way.ONE_BY_ONE, (1, press.TELLING_RUNS)
    for spare in (25, 100):
        if counts_runs(target, sent) is not False:
            yield Way.ONE_BY_ONE, ((target.wire.remaining or 0) * 5 // 4 + spare,)
    if counts_runs(target, sent) is not False:
        yield Way.TOGETHER, (target.most_runs,) * BIG_REQUESTS
    # However much is said to remain: something in front may have a limit of its own.
    while True:
        yield Way.AT_ONCE, (1 if counts_runs(target, sent) is False else 5,) * 32


def fire(target, way, run_counts):
    orders = [target.weighing(count) for count in run_counts]
    match way:
        case Way.ONE_BY_ONE:
            return [target.send(order, keep_429=True) for order in orders]
        case Way.TOGETHER:
            return target.send_together(orders, keep_429=True)
    return target.send_all(orders, keep_429=True)


def accepted(target, sent):
    return [press.Accepted.of(each, target.cost(each.request)) for each in sent if target.operation.is_new(each)]


def is_blurred(target, sent):
    """Whether Remaining may have fallen by more than what was seen to be accepted."""
    return target.options.shared_key or any(each.answer is None for each in sent)


def counts_runs(target, sent):
    return press.counts_runs(accepted(target, sent), shared=is_blurred(target, sent))


def has_passed(target, sent):
    return press.passed(accepted(target, sent), shared=is_blurred(target, sent))


def unlimited(target, sent, why=""):
    """Why pressing brought no 429: the target has no limit, or the press did not get past the one that it states."""
    evidence = sent[-1:]
    if not sent:
        return InconclusiveError(f"no request could be sent, so nothing could reach a limit: {why}")
    told, last = press.told(accepted(target, sent)), sent[-1].answer
    stated = last and rate_limit.limit(last)
    if has_passed(target, sent):
        return ViolationError(f"{told} brought no 429, though the limit is stated as {stated}", evidence)
    if stated is None:
        known = "no answer states a limit"
    else:
        known = f"the stated limit is {stated}, of which {rate_limit.remaining(last)} remained"
    return InconclusiveError(
        f"{told} brought no 429 and did not surely pass a limit ({known}): "
        f"{why or 'raise --press-requests or --max-runs'}",
        evidence,
    )


@pytest.fixture(scope="module")
def limited(traffic, request):
    """Every 429 of the run; where it saw none it presses for one, if it may."""
    exchanges = [each for each in traffic if each.status == 429]
    return expect(exchanges or [request.getfixturevalue("pressed").refused])


@must("pressing on past the limit brings a 429", clause=LIMITED, profile=Profile.SMOKE, stage=Stage.PRESS)
def test_pressing_past_the_limit_brings_a_429(provoked):
    if provoked.problem is not None:
        raise provoked.problem


@must(
    "Retry-After is honest: after that long a request is not 429",
    clause="{operation}.responses.429.headers.Retry-After",
    profile=Profile.SMOKE,
    stage=Stage.PRESS,
)
def test_retry_after_is_honest(target, retried):
    if target.options.shared_key:
        raise NotApplicableError("others use the credential meanwhile (--shared-key): the wait says nothing")
    if not retried.told:
        raise InconclusiveError("not judged: rests on a Retry-After that tells seconds", [retried.answer])
    said = f"still 429 after {retried.waited:.0f} s, which is Retry-After and {GRACE:.0f} s of grace"
    expect(retried.answer).satisfies(lambda each: said if each.status == 429 else None, also_429=True)


@must(
    "a request answered 429 creates nothing, and does not use up its key",
    clause=LIMITED,
    profile=Profile.SMOKE,
    stage=Stage.PRESS,
)
def test_limited_request_creates_nothing(retried):
    expect(retried.answer).is_new()


@must("another environment's credential is not limited", clause="BearerAuth", profile=Profile.SMOKE, stage=Stage.PRESS)
def test_another_environment_is_not_limited(pressed):
    if pressed.other_environment is None:
        raise NotApplicableError("needs another environment's credential: give --second-api-key")
    expect(pressed.other_environment).satisfies(
        lambda each: "429 though only the first environment was pressed" if each.status == 429 else None, also_429=True
    )
    expect(pressed.other_environment).is_new()


@must(
    "every 429 carries the four documented headers, each exactly once",
    clause=LIMITED,
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_every_429_carries_its_headers_once(limited):
    limited.satisfies(lambda each: rate_limit.presence_problem(each.answer), also_429=True, place=LIMITS)


@must("every header of a 429 is a decimal integer", clause=LIMITED, profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_headers_of_a_429_are_integers(limited):
    limited.satisfies(lambda each: rate_limit.integer_problem(each.answer), also_429=True, place=LIMITS)


@must(
    "on a 429 Limit is positive, Remaining from 0 to Limit, Retry-After from 0 seconds to a day",
    clause="{operation}.responses.429.headers.X-RateLimit-Remaining",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_counts_of_a_429_are_consistent(limited):
    limited.satisfies(lambda each: rate_limit.count_problem(each.answer), also_429=True, place=LIMITS)


@should(
    "on a 429 the headers describe the limit that refused: less remains of it than the request would take",
    clause="{operation}.responses.429.headers.X-RateLimit-Remaining",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_headers_describe_the_limit_that_refused(target, limited):
    limited.satisfies(
        lambda each: rate_limit.other_limit_problem(each, target.cost(each.request)), also_429=True, place=LIMITS
    )


@must(
    "on a 429 X-RateLimit-Reset is a Unix time in seconds, near now",
    clause="{operation}.responses.429.headers.X-RateLimit-Reset",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_reset_of_a_429_is_unix_time(limited):
    limited.satisfies(lambda each: rate_limit.reset_problem(each.answer), also_429=True, place=RESET)


def described(target, exchange):
    """What the document holds against the body of a 429, where it describes one."""
    schema = target.contract.error_schema(exchange.status)
    return target.contract.schema_errors(schema, exchange.answer.json) if schema else iter(())


@must("a 429 has an Error body", clause="{operation}.responses.429.content", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_429_has_an_error_body(target, limited):
    def judge(exchange):
        if exchange.answer.media_type not in ERROR_MEDIA_TYPES or not isinstance(exchange.answer.json, dict):
            media_type = quoted(exchange.answer.header("content-type"))
            return Problem(f"the body is no JSON object ({media_type})", "media type")
        return next(described(target, exchange), None)

    limited.satisfies(judge, also_429=True, place="body")


@should(
    "X-RateLimit-Reset is not before the end of Retry-After",
    clause="{operation}.responses.429.headers.X-RateLimit-Reset",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_reset_agrees_with_retry_after(limited):
    limited.satisfies(lambda each: rate_limit.agreement_problem(each.answer), also_429=True, place=RESET)


@should(
    "Retry-After is 1 or more",
    clause="{operation}.responses.429.headers.Retry-After",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_retry_after_is_at_least_one(limited):
    limited.satisfies(lambda each: rate_limit.no_wait_problem(each.answer), also_429=True, place=RETRY)


def with_limits_elsewhere(traffic):
    carrying = [
        each for each in traffic if each.answer and each.status != 429 and rate_limit.carries_limits(each.answer)
    ]
    if not carrying:
        raise NotApplicableError("no answer but a 429 carries rate-limit headers")
    return carrying


@must(
    "rate-limit headers on other answers keep the same rules",
    clause="{operation}.responses.429.headers",
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
        lambda each: "; ".join(filter(None, (rule(each.answer) for rule in rules))) or None,
        place=LIMITS,
    )


@should(
    "Remaining does not rise within one window by more than a refill allows",
    clause="{operation}.responses.429.headers.X-RateLimit-Remaining",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_remaining_rises_only_by_refill(traffic):
    carrying = with_limits_elsewhere(traffic)
    found = [ViolationError(Problem(why, LIMITS), [exchange]) for exchange, why in rate_limit.rises(carrying)]
    if found:
        raise found[0]


@should(
    "rate-limit headers are there on a {success}",
    clause="{operation}.responses.429.headers",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_accepted_answers_carry_the_limits(target, traffic):
    # What another method is answered is no answer of the operation's.
    asked = [each for each in traffic
             if target.operation.asks(each.request) and each.request.beyond is not Beyond.METHOD]  # fmt: skip
    accepted = [each for each in asked if each.status == target.contract.success]
    expect(accepted).satisfies(
        lambda each: None if rate_limit.carries_limits(each.answer) else "no rate-limit header",
        place=LIMITS,
    )
