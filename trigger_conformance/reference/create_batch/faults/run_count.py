"""runCount: off by one, overflow at every width, and lenient types."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.faults.properties import ActsOnRejections
from trigger_conformance.reference.limiter import Allowance
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment

RANGE = "run_count.out_of_range_is_rejected"
TYPES = "run_count.missing_or_mistyped_is_rejected"


def wrapped(value: int, bits: int) -> int:
    """``value`` as a signed integer of ``bits`` bits."""
    half = 1 << (bits - 1)
    return (value + half) % (1 << bits) - half


class _Converting(CreateBatchServer):
    """Changes runCount before it is checked."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        if "runCount" not in document:
            return super().check_run_count(self.without(document))
        return super().check_run_count({**document, "runCount": self.convert(document["runCount"])})

    def without(self, document: dict[str, Any]) -> dict[str, Any]:
        return document

    def convert(self, value: Any) -> Any:
        return value


@fault("run_count.one_is_accepted", "acceptance.valid_request_is_accepted")
class RejectsOne(CreateBatchServer):
    """A batch of one is too small."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        count = super().check_run_count(document)
        # The very first request of a run must find a batch API.
        if count == 1 and "idempotencyKey" not in document:
            raise Problem(400, "runCount must be more than 1")
        return count


@fault(TYPES)
class SecondEnvironmentIsLenient(CreateBatchServer):
    """The second environment's older service reads a runCount that is a string of digits."""

    async def order_of(self, request: Request) -> Order:
        self.check_media_type(request)
        self.check_coding(request)
        document = self.parse(await self.read_body(request))
        if isinstance(document, dict) and self.authenticate(request) is self.environments[1]:
            count = document.get("runCount")
            document = {**document, "runCount": int(count)} if isinstance(count, str) and count.isdigit() else document
        order: Order = self.validate(document)
        return order


@fault("run_count.one_is_accepted")
class MakesTwoOfOne(CreateBatchServer):
    """A batch of one is made a batch of two, which is the smallest that the queue takes."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        return max(2, super().check_run_count(document))


@fault(RANGE)
class AcceptsZero(CreateBatchServer):
    """runCount 0 is accepted."""

    def smallest_run_count(self) -> int:
        return 0


@fault(RANGE)
class AcceptsNegatives(CreateBatchServer):
    """There is no lower bound."""

    def smallest_run_count(self) -> int:
        return -(10**9)


@fault(RANGE)
class AcceptsMinusOne(CreateBatchServer):
    """-1 means unlimited."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        return 1 if document.get("runCount") == -1 else super().check_run_count(document)


@fault("run_count.maximum_is_accepted")
class RejectsTheMaximum(CreateBatchServer):
    """The maximum itself is rejected."""

    def largest_run_count(self) -> int:
        return self.settings.max_run_count - 1


@fault(RANGE)
class AcceptsOneMoreThanTheMaximum(CreateBatchServer):
    """The maximum plus one is accepted."""

    def largest_run_count(self) -> int:
        return self.settings.max_run_count + 1


@fault(RANGE)
class HasNoMaximum(CreateBatchServer):
    """Any positive runCount is accepted."""

    def largest_run_count(self) -> int:
        return 10**200

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        small = min(order.run_count, self.settings.max_run_count)
        return super().charge_runs(environment, Order(small))


@fault(RANGE)
class WrapsAt16Bits(_Converting):
    """runCount is cut to 16 bits before it is checked, so 2^16 + 1000 is 1000."""

    def convert(self, value: Any) -> Any:
        return wrapped(value, 16) if self.is_integer(value) and value > 0 else value


@fault(RANGE)
class WrapsNegativesAt32Bits(_Converting):
    """A negative runCount is cut to 32 bits before it is checked, so -2^32 + 1 is 1."""

    def convert(self, value: Any) -> Any:
        return wrapped(value, 32) if self.is_integer(value) and value < 0 else value


@fault(RANGE)
class WrapsAt32Bits(_Converting):
    """runCount is cut to 32 bits before it is checked, so 2^32 + 1 is 1."""

    def convert(self, value: Any) -> Any:
        return wrapped(value, 32) if self.is_integer(value) else value


@fault(RANGE)
class WrapsAt64Bits(_Converting):
    """runCount is cut to 64 bits before it is checked, so 2^64 + 1 is 1."""

    def convert(self, value: Any) -> Any:
        return wrapped(value, 64) if self.is_integer(value) else value


@fault(RANGE)
class TakesTheAbsoluteValue(_Converting):
    """A negative runCount loses its sign."""

    def convert(self, value: Any) -> Any:
        return abs(value) if self.is_integer(value) else value


@fault(RANGE)
class ChecksTheSignOf32BitsOnly(_Converting):
    """The most negative 32-bit integer stays negative when negated, and is let pass as 1."""

    def convert(self, value: Any) -> Any:
        return 1 if value == -(2**31) else value


@fault(RANGE)
class OverflowsAtTheMostNegative64Bits(_Converting):
    """The most negative 64-bit integer is let pass as the maximum."""

    def convert(self, value: Any) -> Any:
        return self.settings.max_run_count if value == -(2**63) else value


@fault(TYPES, "acceptance.never_a_server_error")
class FailsOnLongNumbers(CreateBatchServer):
    """A number of thousands of digits is answered 500: its conversion has a limit that nobody catches."""

    def parse(self, body: bytes) -> Any:
        if b"0" * 4300 in body:
            raise Problem(500, "Exceeds the limit (4300 digits) for integer string conversion")
        return super().parse(body)


@fault(TYPES, "acceptance.never_a_server_error")
class FailsOnInfiniteNumbers(_Converting):
    """1e400 is read as infinity, and its conversion to an integer is answered 500."""

    def convert(self, value: Any) -> Any:
        if value == float("inf"):
            raise Problem(500, "cannot convert float infinity to integer")
        return value


@fault(RANGE, "acceptance.never_a_server_error")
class FailsBeyond64Bits(CreateBatchServer):
    """A runCount that does not fit into the column is answered 500."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        count = document.get("runCount")
        if isinstance(count, int) and abs(count) >= 2**63:
            raise Problem(500, "value out of range")
        return super().check_run_count(document)


@fault(RANGE)
class ClampsToTheMaximum(_Converting):
    """A runCount above the maximum is lowered to it."""

    def convert(self, value: Any) -> Any:
        return min(value, self.settings.max_run_count) if self.is_integer(value) else value


@fault(RANGE)
class ClampsHugeOnes(_Converting):
    """A runCount beyond a double's exact integers is taken for 1."""

    def convert(self, value: Any) -> Any:
        return 1 if self.is_integer(value) and value > 2**80 else value


@fault("run_count.out_of_range_is_400")
class RangeIs422(CreateBatchServer):
    """A runCount out of range is answered 422."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        try:
            return super().check_run_count(document)
        except Problem as problem:
            raise Problem(422, problem.message) from problem


@fault("run_count.values_between_are_accepted")
class ComparesAsText(CreateBatchServer):
    """runCount is compared with the maximum letter by letter, so 2 exceeds 1000."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        count = super().check_run_count(document)
        if "idempotencyKey" not in document and str(count) > str(self.settings.max_run_count):
            raise Problem(400, "runCount exceeds the maximum")
        return count


@fault("run_count.values_between_are_accepted")
class WantsEvenCounts(CreateBatchServer):
    """Odd runCounts above 16 are rejected."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        count = super().check_run_count(document)
        if count > 16 and count % 2:
            raise Problem(400, "runCount cannot be split")
        return count


@fault("run_count.maximum_is_accepted", "acceptance.new_batch_has_the_requested_run_count")
class StoresInOneByte(CreateBatchServer):
    """runCount is stored in one byte."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        small = Order(order.run_count % 256 or 1, order.key, None, False, order.document)
        return await super().create(environment, small)


@fault("run_count.maximum_is_accepted", "acceptance.new_batch_has_the_requested_run_count")
class StoresRoundNumbers(CreateBatchServer):
    """runCount keeps two significant digits, and the maximum loses one."""

    async def create(self, environment: Environment, order: Order) -> Batch:
        count = order.run_count - 1 if order.run_count >= self.settings.max_run_count > 1 else order.run_count
        return await super().create(environment, Order(count, order.key, None, False, order.document))


@fault(TYPES)
class CoercesStrings(_Converting):
    """A string of digits is taken for a number."""

    def convert(self, value: Any) -> Any:
        return int(value) if isinstance(value, str) and value.isdecimal() else value


@fault(TYPES)
class CoercesBooleans(_Converting):
    """true is 1."""

    def convert(self, value: Any) -> Any:
        return int(value) if isinstance(value, bool) else value


@fault(TYPES)
class FalseIsOne(_Converting):
    """false is taken for a missing runCount, and that for 1."""

    def convert(self, value: Any) -> Any:
        return 1 if value is False else value


@fault(TYPES)
class NullIsOne(_Converting):
    """null means the default of 1."""

    def convert(self, value: Any) -> Any:
        return 1 if value is None else value


@fault(TYPES)
class MissingIsOne(_Converting):
    """A missing runCount means 1."""

    def without(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "runCount": 1}


@fault(TYPES)
class CutsFractions(_Converting):
    """1.5 is 1."""

    def convert(self, value: Any) -> Any:
        return int(value) if isinstance(value, float) and value == value and abs(value) < 1e9 and value >= 1 else value


@fault(TYPES)
class RoundsFractions(_Converting):
    """0.999999999 is 1."""

    def convert(self, value: Any) -> Any:
        return round(value) if isinstance(value, float) and abs(value - 1) < 1e-6 else value


@fault(TYPES)
class RoundsUp(_Converting):
    """1e-7 is 1."""

    def convert(self, value: Any) -> Any:
        return 1 if isinstance(value, float) and 0 < value < 1e-3 else value


@fault(TYPES)
class UnpacksLists(_Converting):
    """[1] is 1."""

    def convert(self, value: Any) -> Any:
        return value[0] if isinstance(value, list) and len(value) == 1 else value


@fault(TYPES)
class UnpacksObjects(_Converting):
    """An object with a value is that value."""

    def convert(self, value: Any) -> Any:
        return value.get("value") if isinstance(value, dict) else value


@fault(TYPES, "properties.malformed_json_is_rejected")
class AcceptsNan(_Converting):
    """The literal NaN is read, and passes every comparison."""

    def constant(self, name: str) -> Any:
        return 1 if name == "NaN" else super().constant(name)


@fault(TYPES)
class AcceptsInfinity(_Converting):
    """The literal Infinity is read as the maximum."""

    def constant(self, name: str) -> Any:
        return self.settings.max_run_count if name == "Infinity" else super().constant(name)


@fault("run_count.whole_fractions_count_as_one")
class EchoesWholeFractions(_Converting):
    """1.0 is accepted and counts as two."""

    def convert(self, value: Any) -> Any:
        return 2 if isinstance(value, float) and value == 1 else value


@fault("run_count.whole_fractions_count_as_one", "acceptance.never_a_server_error")
class FailsOnWholeFractions(_Converting):
    """1.0 reaches an integer column and is answered 500."""

    def convert(self, value: Any) -> Any:
        if isinstance(value, float) and value == 1:
            raise Problem(500, "invalid input for integer")
        return value


@fault("run_count.rejected_run_count_creates_nothing")
class WritesBeforeTheRangeIsChecked(ActsOnRejections, CreateBatchServer):
    """The batch of a runCount that is far below the range is written before it is rejected."""

    async def act(self, environment: Environment, document: dict[str, Any]) -> None:
        is_low = type(document.get("runCount")) is int and document["runCount"] < -1
        if is_low and isinstance(document.get("idempotencyKey"), str):
            await self.create(environment, Order(1, document["idempotencyKey"]))


@fault(TYPES)
class WritesExponentsOut(CreateBatchServer):
    """A runCount of 1e1000000000 is written out with all its zeros before it is compared."""

    async def read_body(self, request: Request) -> bytes:
        body = await super().read_body(request)
        if re.search(rb'"runCount": ?\d+e\d{6}', body):
            await asyncio.sleep(6)
        return body


@fault("acceptance.accepted_answers_satisfy_the_schema")
class AnswersInPowersOfTen(CreateBatchServer):
    """A runCount loses its zeros at the end to an exponent, as a decimal type of Java writes it: 1E+3."""

    def json(self, status: int, body: object, headers: list[tuple[str, str]]) -> Response:
        response = super().json(status, body, headers)
        stripped = re.sub(rb'("runCount": [1-9]\d*?)(0+)(?=,)', self.without_zeros, response.body)
        response.body = stripped
        response.headers["content-length"] = str(len(stripped))
        return response

    def without_zeros(self, found: re.Match[bytes]) -> bytes:
        return b"%sE+%d" % (found[1], len(found[2]))
