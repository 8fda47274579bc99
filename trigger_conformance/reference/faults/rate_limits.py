"""Rate limits: headers in the wrong unit, number or place, limits of the wrong scope."""

from __future__ import annotations

import time
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.limiter import Allowance
from trigger_conformance.reference.server import OperationServer
from trigger_conformance.reference.site import Environment, Site

PRESS = "rate_limits.pressing_past_the_limit_brings_a_429"
ONCE = "rate_limits.every_429_carries_its_headers_once"
INTEGERS = "rate_limits.headers_of_a_429_are_integers"
COUNTS = "rate_limits.counts_of_a_429_are_consistent"
RESET = "rate_limits.reset_of_a_429_is_unix_time"
BODY = "rate_limits.429_has_an_error_body"
ELSEWHERE = "rate_limits.headers_elsewhere_keep_the_rules"


@fault(PRESS)
class NeverLimits(OperationServer):
    """There is no limit."""

    shown_by_press = True

    def charge_request(self, environment: Environment) -> Allowance:
        return replace(super().charge_request(environment), granted=True)

    def charge_runs(self, environment: Environment, order: Any) -> Allowance:
        return replace(super().charge_runs(environment, order), granted=True)


class _Refusal(OperationServer):
    """Changes the headers of a 429."""

    shown_by_press = True

    def too_many(self, allowance: Allowance) -> Response:
        return self.error(429, "Rate limit exceeded", list(self.change(dict(allowance.headers()), allowance)))

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        raise NotImplementedError


@fault(ONCE)
class SaysNothing(_Refusal):
    """A 429 has none of the headers."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return []


@fault(ONCE)
class SaysNoRetryAfter(_Refusal):
    """A 429 has no Retry-After."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return [header for header in headers.items() if header[0] != "Retry-After"]


@fault(ONCE)
class SaysNoReset(_Refusal):
    """A 429 has no X-RateLimit-Reset."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return [header for header in headers.items() if header[0] != "X-RateLimit-Reset"]


@fault(ONCE)
class SaysNoRemaining(_Refusal):
    """A 429 leaves X-RateLimit-Remaining out, for it would be 0."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return [header for header in headers.items() if header[0] != "X-RateLimit-Remaining"]


@fault(ONCE)
class SaysItTheOtherWay(_Refusal):
    """A 429 has the RateLimit headers of the IETF draft instead."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return [(name.removeprefix("X-").replace("RateLimit", "RateLimit"), value) for name, value in headers.items()]


@fault(ONCE)
class SaysItTwice(_Refusal):
    """Two middlewares both add the headers."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return [*headers.items(), *headers.items()]


@fault(ONCE)
class SaysRetryAfterTwice(_Refusal):
    """A gateway adds a Retry-After of its own."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return [*headers.items(), ("Retry-After", "60")]


@fault(INTEGERS)
class MergesHeaders(_Refusal):
    """Two limits are merged into one header line."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "X-RateLimit-Limit": f"{allowance.limit}, {allowance.limit}"}.items()


@fault(INTEGERS)
class SaysFractionsOfASecond(_Refusal):
    """Retry-After has a fraction."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "Retry-After": f"{allowance.retry_after}.5"}.items()


@fault(INTEGERS)
class SaysRetryAfterAsADate(_Refusal):
    """Retry-After is an HTTP date, which the contract does not have."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "Retry-After": formatdate(time.time() + allowance.retry_after, usegmt=True)}.items()


@fault(INTEGERS)
class SaysResetAsADate(_Refusal):
    """X-RateLimit-Reset is an ISO date."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "X-RateLimit-Reset": time.strftime("%FT%TZ", time.gmtime(allowance.reset))}.items()


@fault(INTEGERS)
class SaysUnlimited(_Refusal):
    """X-RateLimit-Limit is a word."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return {**headers, "X-RateLimit-Limit": "Infinity"}.items()


@fault(INTEGERS)
class SaysUnits(_Refusal):
    """Retry-After has its unit behind it."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "Retry-After": f"{allowance.retry_after}s"}.items()


@fault(COUNTS)
class SaysALimitOfZero(_Refusal):
    """X-RateLimit-Limit is 0."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return {**headers, "X-RateLimit-Limit": "0", "X-RateLimit-Remaining": "0"}.items()


@fault(COUNTS)
class SaysANegativeRemainder(_Refusal):
    """X-RateLimit-Remaining goes on below 0."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return {**headers, "X-RateLimit-Remaining": "-1"}.items()


@fault(COUNTS)
class SaysMoreThanTheLimit(_Refusal):
    """X-RateLimit-Remaining is more than the limit."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "X-RateLimit-Remaining": str(allowance.limit + 1)}.items()


@fault(COUNTS)
class SaysANegativeWait(_Refusal):
    """Retry-After is negative, for a clock is ahead."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return {**headers, "Retry-After": "-3"}.items()


@fault(RESET)
class SaysResetInMilliseconds(_Refusal):
    """X-RateLimit-Reset is in milliseconds, as JavaScript's clock."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "X-RateLimit-Reset": str(allowance.reset * 1000)}.items()


@fault(RESET)
class SaysResetFromNow(_Refusal):
    """X-RateLimit-Reset is a number of seconds from now."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "X-RateLimit-Reset": str(allowance.retry_after)}.items()


@fault(RESET)
class SaysAResetLongPast(_Refusal):
    """X-RateLimit-Reset is when the window began, an hour ago."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "X-RateLimit-Reset": str(allowance.reset - 3600)}.items()


@fault(RESET)
class SaysAResetFarAhead(_Refusal):
    """X-RateLimit-Reset is two days ahead."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "X-RateLimit-Reset": str(allowance.reset + 2 * 86_400)}.items()


@fault(COUNTS)
class SaysWhenToRetry(_Refusal):
    """Retry-After is a Unix time."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "Retry-After": str(int(time.time()) + allowance.retry_after)}.items()


@fault(COUNTS)
class WaitsForWeeks(_Refusal):
    """Retry-After is far more than a day."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return {**headers, "Retry-After": "2592000"}.items()


@fault("rate_limits.reset_agrees_with_retry_after")
class SaysTwoTimes(_Refusal):
    """X-RateLimit-Reset is when the window began, half a minute before Retry-After is over."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "X-RateLimit-Reset": str(allowance.reset - 30)}.items()


@fault("rate_limits.reset_agrees_with_retry_after")
class WaitsInMilliseconds(_Refusal):
    """Retry-After is in milliseconds."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:
        return {**headers, "Retry-After": str(allowance.retry_after * 1000)}.items()


@fault("rate_limits.retry_after_is_at_least_one")
class SaysNoWait(_Refusal):
    """Retry-After is 0: less than a second, rounded down."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return {**headers, "Retry-After": "0"}.items()


@fault("rate_limits.another_environment_is_not_limited")
class LimitsEverybody(OperationServer):
    """All environments share one limit."""

    shown_by_press = True

    def charge_request(self, environment: Environment) -> Allowance:  # noqa: ARG002
        return super().charge_request(self.environments[0])

    def charge_runs(self, environment: Environment, order: Any) -> Allowance:  # noqa: ARG002
        return super().charge_runs(self.environments[0], order)


@fault(BODY, "answers.error_bodies_are_json")
class RefusesInText(_Refusal):
    """A 429's body is plain text."""

    def too_many(self, allowance: Allowance) -> Response:
        response = super().too_many(allowance)
        response.body = b"Too Many Requests"
        response.headers["content-type"] = "text/plain"
        response.headers["content-length"] = str(len(response.body))
        return response

    def change(self, headers: dict[str, str], allowance: Allowance) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return headers.items()


@fault(BODY, "answers.error_bodies_are_json")
class RefusesWithoutABody(RefusesInText):
    """A 429 has no body."""

    def too_many(self, allowance: Allowance) -> Response:
        response = super().too_many(allowance)
        response.body = b""
        response.headers["content-length"] = "0"
        return response


@fault(BODY, "answers.error_bodies_are_json")
class RefusesInHtml(RefusesInText):
    """A gateway's HTML page comes with the 429."""

    def too_many(self, allowance: Allowance) -> Response:
        response = super().too_many(allowance)
        response.body = b"<html><h1>429 Too Many Requests</h1></html>"
        response.headers["content-type"] = "text/html"
        response.headers["content-length"] = str(len(response.body))
        return response


class _OtherStatus(OperationServer):
    shown_by_press = True
    status = 429

    def too_many(self, allowance: Allowance) -> Response:
        response = super().too_many(allowance)
        response.status_code = self.status
        return response


@fault(PRESS, "answers.never_a_server_error")
class RefusesAsUnavailable(_OtherStatus):
    """A limited request is answered 503."""

    status = 503


@fault(PRESS, "answers.only_documented_statuses")
class RefusesAsForbidden(_OtherStatus):
    """A limited request is answered 403."""

    status = 403


class _Accepted(OperationServer):
    """Changes the rate-limit headers of other answers than a 429."""

    def limit_headers(self, allowance: Allowance) -> list[tuple[str, str]]:
        headers = dict(allowance.headers())
        return list((self.change(headers, allowance) if allowance.granted else headers).items())

    def change(self, headers: dict[str, str], allowance: Allowance) -> dict[str, str]:
        raise NotImplementedError


@fault(ELSEWHERE)
class AcceptsWithEverythingTwice(OperationServer):
    """On a 202 two middlewares both add the headers."""

    def limit_headers(self, allowance: Allowance) -> list[tuple[str, str]]:
        headers = super().limit_headers(allowance)
        return headers * 2 if allowance.granted else headers


@fault(ELSEWHERE)
class AcceptsWithMilliseconds(_Accepted):
    """On a 202 X-RateLimit-Reset is in milliseconds."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> dict[str, str]:
        return {**headers, "X-RateLimit-Reset": str(allowance.reset * 1000)}


@fault(ELSEWHERE)
class AcceptsWithANegativeRemainder(_Accepted):
    """On a 202 X-RateLimit-Remaining is -1."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> dict[str, str]:  # noqa: ARG002
        return {**headers, "X-RateLimit-Remaining": "-1"}


@fault(ELSEWHERE)
class AcceptsWithFractions(_Accepted):
    """On a 202 X-RateLimit-Remaining is a fraction of a token."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> dict[str, str]:
        return {**headers, "X-RateLimit-Remaining": f"{allowance.remaining}.25"}


@fault("rate_limits.accepted_answers_carry_the_limits")
class AcceptsInSilence(_Accepted):
    """A 202 has no rate-limit headers."""

    def change(self, headers: dict[str, str], allowance: Allowance) -> dict[str, str]:  # noqa: ARG002
        return {}


@fault("rate_limits.remaining_rises_only_by_refill")
class CountsPerProcess(OperationServer):
    """Two processes count for themselves, in windows of a minute; requests alternate."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.processes = [self.limits, {name: deepcopy(limits) for name, limits in self.limits.items()}]
        self.turn = 0

    def charge_request(self, environment: Environment) -> Allowance:
        self.turn += 1
        self.limits = self.processes[self.turn % 2]
        return super().charge_request(environment)

    def charge_runs(self, environment: Environment, order: Any) -> Allowance:
        return self.in_window(super().charge_runs(environment, order))

    def charge_nothing(self, environment: Environment) -> Allowance:
        return self.in_window(super().charge_nothing(environment))

    def in_window(self, allowance: Allowance) -> Allowance:
        if not allowance.granted:
            return allowance
        remaining = allowance.remaining // (1 + self.turn % 2)
        return replace(allowance, remaining=remaining, reset=(int(time.time()) // 600 + 1) * 600)
