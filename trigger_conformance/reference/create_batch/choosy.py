"""Conforming variants: servers that are choosy about JSON where they may be, or read it in another sound way."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from starlette.requests import Request

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Order
from trigger_conformance.reference.server import Problem

DEEPEST = 64


def _inside(document: Any, depth: int = 1) -> Iterator[tuple[Any, int]]:
    """Every value and every name of a document, and how deep it stands."""
    parts = [(document, depth)]
    while parts:
        part, depth = parts.pop()
        yield part, depth
        inner = [*part, *part.values()] if isinstance(part, dict) else part if isinstance(part, list) else []
        parts += [(each, depth + 1) for each in inner]


class _Choosy(CreateBatchServer):
    """Rejects bodies that hold what no server needs to take."""

    def validate(self, document: Any) -> Order:
        if any(self.refuses(value, depth) for value, depth in _inside(document)):
            raise Problem(self.status(), "The body holds what this server does not take")
        return super().validate(document)

    def refuses(self, value: Any, depth: int) -> bool:
        raise NotImplementedError

    def status(self) -> int:
        """What such a body is answered with."""
        return 400


def _is_text_with(value: Any, unwanted: Callable[[str], bool]) -> bool:
    return isinstance(value, str) and any(unwanted(letter) for letter in value)


def _has_nul(value: Any) -> bool:
    return _is_text_with(value, lambda letter: letter == "\0")


def _has_surrogate(value: Any) -> bool:
    return _is_text_with(value, lambda letter: "\ud800" <= letter <= "\udfff")


def _is_infinite(value: Any) -> bool:
    return isinstance(value, float) and math.isinf(value)


def _is_long(value: Any) -> bool:
    return isinstance(value, int) and abs(value) > 10**308


@variant
class RejectsNul(_Choosy):
    """NUL is rejected in every string and name."""

    def refuses(self, value: Any, depth: int) -> bool:  # noqa: ARG002
        return _has_nul(value)


@variant
class RejectsSurrogates(_Choosy):
    """Unpaired surrogates are rejected in every string and name."""

    def refuses(self, value: Any, depth: int) -> bool:  # noqa: ARG002
        return _has_surrogate(value)

    def status(self) -> int:
        return 422


@variant
class RejectsMoreThan64Levels(_Choosy):
    """Nesting deeper than 64 levels is rejected."""

    def refuses(self, value: Any, depth: int) -> bool:
        return isinstance(value, dict | list) and depth > DEEPEST


@variant
class RejectsInfiniteNumbers(_Choosy):
    """A number beyond a double's range is rejected."""

    def refuses(self, value: Any, depth: int) -> bool:  # noqa: ARG002
        return _is_infinite(value) or _is_long(value)


@variant
class RejectsAllThatNobodyNeeds(_Choosy):
    """NUL, unpaired surrogates, deep nesting and numbers beyond a double's range are rejected."""

    def refuses(self, value: Any, depth: int) -> bool:
        deep = isinstance(value, dict | list) and depth > DEEPEST
        return deep or _has_nul(value) or _has_surrogate(value) or _is_infinite(value) or _is_long(value)


@variant
class RefusesOtherCharsets(CreateBatchServer):
    """A charset that is not UTF-8 is answered 415."""

    def check_media_type(self, request: Request) -> None:
        super().check_media_type(request)
        stated = request.headers["content-type"].lower().partition("charset=")[2].strip(' "')
        if stated not in ("", "utf-8"):
            raise Problem(415, "The charset must be UTF-8")


@variant
class RejectsRepeatedNames(CreateBatchServer):
    """A name that is there twice in one object is rejected (RFC 7493 section 2.3)."""

    def gather(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise Problem(400, "A name is there twice")
        return dict(pairs)


@variant
class TakesTheFirstOfRepeatedNames(CreateBatchServer):
    """Of two equal names the first counts."""

    def gather(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(reversed(pairs))


class _WithNumbers(CreateBatchServer):
    """Reads numbers in its own way."""

    whole: Callable[[str], Any] = int
    fractional: Callable[[str], Any] = float

    def parse(self, body: bytes) -> Any:
        whole, fractional = type(self).whole, type(self).fractional
        try:
            return json.loads(self.decode(body), parse_int=whole, parse_float=fractional, parse_constant=self.constant)
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise Problem(400, "The body is not valid JSON") from error

    def check_run_count(self, document: dict[str, Any]) -> int:
        count = document.get("runCount")
        if isinstance(count, float | Decimal) and count % 1 == 0:
            document = {**document, "runCount": int(count)}
        return super().check_run_count(document)


@variant
class NumbersAreDoubles(_WithNumbers):
    """Every number is a double, as in JavaScript: 1.0 is 1, and 10^5000 is infinite."""

    whole = float


@variant
class NumbersAreDecimals(_WithNumbers):
    """Numbers with a fraction or an exponent are decimals of any size."""

    fractional = Decimal

    def check_run_count(self, document: dict[str, Any]) -> int:
        count = document.get("runCount")
        large = isinstance(count, Decimal) and count.copy_abs() > self.settings.max_run_count
        return super().check_run_count({**document, "runCount": self.settings.max_run_count + 1} if large else document)


@variant
class LooksAtRunCountFirst(CreateBatchServer):
    """runCount is validated before what stands beside it."""

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict):
            self.check_run_count(document)
        return super().validate(document)


@variant
class TakesParentsOfPlainText(_Choosy):
    """Any parentRunId is taken, but NUL and unpaired surrogates are rejected wherever they stand."""

    def find_parent(self, parent_run: str) -> str:
        return parent_run

    def refuses(self, value: Any, depth: int) -> bool:  # noqa: ARG002
        return _has_nul(value) or _has_surrogate(value)
