"""Lenient values: checks that something beside them switches off, and what some language reads as a number."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from starlette.requests import Request

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Order
from trigger_conformance.reference.limiter import Allowance
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment

RANGE = "run_count.out_of_range_is_rejected"
TYPES = "run_count.missing_or_mistyped_is_rejected"
STRINGS = "run_count.numbers_in_strings_are_rejected"
CONTAINERS = "run_count.containers_of_numbers_are_rejected"
BESIDE_A_PARENT = "run_count.parent_run_switches_nothing_off"
PARENT = "properties.mistyped_parent_run_is_rejected"
RESUME = "properties.mistyped_resume_is_rejected"
KEY = "properties.mistyped_key_is_rejected"
KNOWN = {"runCount", "idempotencyKey", "parentRunId", "resumeParentOnCompletion"}


class _LaxBeside(CreateBatchServer):
    """Lets some values of runCount pass where something stands beside it; what is no integer counts as 1."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        if not self.lets_pass(document):
            return super().check_run_count(document)
        count = document.get("runCount")
        return count if isinstance(count, int) and not isinstance(count, bool) else 1

    def charge_runs(self, environment: Environment, order: Order) -> Allowance:
        charged = max(1, min(order.run_count, self.settings.max_run_count))
        return super().charge_runs(environment, Order(charged))

    def lets_pass(self, document: dict[str, Any]) -> bool:
        raise NotImplementedError

    def is_below(self, document: dict[str, Any]) -> bool:
        """Whether the document's runCount is an integer below 1."""
        count = document.get("runCount")
        return isinstance(count, int) and not isinstance(count, bool) and count < 1

    def is_above(self, document: dict[str, Any]) -> bool:
        """Whether the document's runCount is an integer above the maximum."""
        count = document.get("runCount")
        return isinstance(count, int) and count > self.settings.max_run_count

    def is_known(self, document: dict[str, Any]) -> bool:
        """Whether the document's key names a batch already."""
        key = document.get("idempotencyKey")
        return isinstance(key, str) and any(self.stored_key(key) in self.batches(each) for each in self.environments)


@fault(TYPES)
class TakesTheQueryForTheBody(CreateBatchServer):
    """What the body lacks is taken from the query, as frameworks do that merge all parameters of a request."""

    async def order_of(self, request: Request) -> Order:
        self.check_media_type(request)
        self.check_coding(request)
        document = self.parse(await self.read_body(request))
        asked = {name: int(value) if value.isdigit() else value for name, value in request.query_params.items()}
        return self.validate({**asked, **document} if isinstance(document, dict) else document)


@fault(RANGE)
class SkipsTheMaximumWhenResuming(_LaxBeside):
    """With resumeParentOnCompletion true another schema is used, which has no maximum."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return document.get("resumeParentOnCompletion") is True and self.is_above(document)


@fault(RANGE)
class SkipsTheMinimumWithAFalseFlag(_LaxBeside):
    """With resumeParentOnCompletion false a runCount below 1 is let pass."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return document.get("resumeParentOnCompletion") is False and self.is_below(document)


@fault(RANGE)
class SkipsTheMinimumWithoutAKey(_LaxBeside):
    """Only requests with a key have their runCount compared with 1."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return "idempotencyKey" not in document and self.is_below(document)


@fault(RANGE, TYPES, STRINGS)
class AnswersKnownKeysUnchecked(_LaxBeside):
    """A key that is known is looked up before the body is validated."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return self.is_known(document)


@fault(RANGE)
class SkipsTheMaximumBesideUnknownProperties(_LaxBeside):
    """A body with properties that the schema does not name goes round the maximum, as one from an older client."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return bool(set(document) - KNOWN) and self.is_above(document)


@fault(TYPES)
class DefaultsAMissingCountWhenResuming(_LaxBeside):
    """A missing runCount is 1 where resumeParentOnCompletion is true."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return document.get("resumeParentOnCompletion") is True and "runCount" not in document


@fault(TYPES)
class DefaultsAMissingCountWithoutAKey(_LaxBeside):
    """A missing runCount is 1 where there is no key."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return "idempotencyKey" not in document and "runCount" not in document


@fault(TYPES)
class TakesBooleansBesideUnknownProperties(_LaxBeside):
    """true and false are taken for 1 where the body has properties that the schema does not name."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return bool(set(document) - KNOWN) and isinstance(document.get("runCount"), bool)


@fault(TYPES)
class TakesFractionsWhenResuming(_LaxBeside):
    """A fraction is rounded where resumeParentOnCompletion is true."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return document.get("resumeParentOnCompletion") is True and isinstance(document.get("runCount"), float)


@fault(TYPES, STRINGS)
class TakesStringsWithAFalseFlag(_LaxBeside):
    """Any string is taken for 1 where resumeParentOnCompletion is false."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return document.get("resumeParentOnCompletion") is False and isinstance(document.get("runCount"), str)


class _TakesParents(CreateBatchServer):
    """Takes a parentRunId that names no run."""

    def find_parent(self, parent_run: str) -> str:
        return parent_run


@fault(BESIDE_A_PARENT)
class SkipsTheBoundsBesideAParent(_TakesParents, _LaxBeside):
    """The batch of a parent run may have any runCount."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return "parentRunId" in document and self.is_integer(document.get("runCount"))


@fault(BESIDE_A_PARENT)
class DefaultsAMissingCountBesideAParent(_TakesParents, _LaxBeside):
    """A missing runCount is the parent's."""

    def lets_pass(self, document: dict[str, Any]) -> bool:
        return "parentRunId" in document and "runCount" not in document


@fault(PARENT)
class ParentIsUncheckedWithoutResume(CreateBatchServer):
    """parentRunId is looked at only where resumeParentOnCompletion stands beside it."""

    def check_parent(self, document: dict[str, Any]) -> str | None:
        beside = "resumeParentOnCompletion" in document or isinstance(document.get("parentRunId", ""), str)
        return super().check_parent(document) if beside else None


@fault(RESUME)
class ResumeIsUncheckedWithoutAKey(CreateBatchServer):
    """resumeParentOnCompletion is looked at only where a key stands beside it."""

    def check_resume(self, document: dict[str, Any]) -> bool:
        return super().check_resume(document) if "idempotencyKey" in document else False


@fault(KEY)
class KeyIsUncheckedWhenResuming(CreateBatchServer):
    """A key that is no string is as none where resumeParentOnCompletion is true."""

    def check_key(self, document: dict[str, Any]) -> str | None:
        mistyped = not isinstance(document.get("idempotencyKey", ""), str)
        return None if mistyped and document.get("resumeParentOnCompletion") is True else super().check_key(document)


class _ReadsStrings(CreateBatchServer):
    """Reads strings of one spelling as 1, while the plain "1" is refused."""

    spelling = ""

    def check_run_count(self, document: dict[str, Any]) -> int:
        value = document.get("runCount")
        reads = isinstance(value, str) and self.reads(value)
        return super().check_run_count({**document, "runCount": 1} if reads else document)

    def reads(self, text: str) -> bool:
        return re.fullmatch(self.spelling, text, re.DOTALL) is not None


@fault(STRINGS)
class ReadsHexadecimalStrings(_ReadsStrings):
    """A string that begins with 0x is a number, as JavaScript's Number and Ruby's Integer have it."""

    spelling = r"0[xX][0-9a-fA-F]+"


@fault(STRINGS)
class ReadsBinaryAndOctalStrings(_ReadsStrings):
    """A string that begins with 0b or 0o is a number, as Go's ParseInt with base 0 has it."""

    spelling = r"0[bBoO][0-7]+"


@fault(STRINGS)
class ReadsExponentsInStrings(_ReadsStrings):
    """A string with an exponent is a number, as PHP's numeric strings are."""

    spelling = r"\d+[eE]\d+"


@fault(STRINGS)
class ReadsFractionsInStrings(_ReadsStrings):
    """A string with a fraction of zero is an integer, as lax validators have it."""

    spelling = r"\d+\.0*"


@fault(STRINGS)
class TrimsStrings(_ReadsStrings):
    """A number with white space around is a number, as int() of Python and int.Parse of .NET have it."""

    spelling = r"\s+\d+\s*|\d+\s+"


@fault(STRINGS)
class ReadsSignedStrings(_ReadsStrings):
    """A number with a plus sign is a number, as Java's parseInt has it."""

    spelling = r"\+\d+"


@fault(STRINGS)
class ReadsUnderscores(_ReadsStrings):
    """Underscores in a number are left out, as int() of Python and Integer() of Ruby leave them out."""

    spelling = r"\d+(_\d+)+"


@fault(STRINGS)
class ReadsDigitGroups(_ReadsStrings):
    """Commas between digits are left out, as .NET's NumberStyles.Number and many locales have it."""

    spelling = r"\d+(,\d{3})+"


@fault(STRINGS)
class ReadsDigitsOfOtherScripts(_ReadsStrings):
    """Digits of any script are digits, as int() of Python and parseInt of Java have it."""

    def reads(self, text: str) -> bool:
        return text.isdecimal() and not text.isascii()


@fault(STRINGS)
class ReadsUpToTheFirstLetter(_ReadsStrings):
    """What begins with digits is a number, as parseInt of JavaScript and intval of PHP have it."""

    spelling = r"\d+[A-Za-z]+.*"


@fault(STRINGS)
class EmptyStringsAreNumbers(_ReadsStrings):
    """An empty string is a number, as Number("") is 0 and a lenient mapper's null is its default."""

    spelling = r"\s*"


@fault(STRINGS)
class ReadsWords(_ReadsStrings):
    """Words for values are values: "true" is true, and that is 1, as in YAML and SQL."""

    spelling = r"true|null|yes|on"


@fault(STRINGS)
class ReadsNumerals(_ReadsStrings):
    """Numerals in words are numbers."""

    spelling = r"one|two|three"


@fault(STRINGS)
class EndsStringsAtNul(_ReadsStrings):
    """A number ends where C's strings end."""

    spelling = r"\d+\0.*"


@fault(STRINGS, "acceptance.never_a_server_error")
class FailsOnOtherDigits(_ReadsStrings):
    """Digits of another script pass the pattern, and the database answers for them with 500."""

    def reads(self, text: str) -> bool:
        if any(unicodedata.category(each) == "Nd" and not each.isascii() for each in text):
            raise Problem(500, "invalid input syntax for type integer")
        return False


class _Unwraps(CreateBatchServer):
    """Takes what contains a number for 1, while the plainest containers are refused."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        value = document.get("runCount")
        return super().check_run_count({**document, "runCount": 1} if self.contains(value) else document)

    def contains(self, value: object) -> bool:
        raise NotImplementedError


@fault(CONTAINERS)
class UnwrapsNestedLists(_Unwraps):
    """[[1]] is joined to the text 1, as JavaScript's lists are."""

    def contains(self, value: object) -> bool:
        return isinstance(value, list) and len(value) == 1 and isinstance(value[0], list)


@fault(CONTAINERS)
class UnwrapsListsOfStrings(_Unwraps):
    """["1"] is 1, as a form's field that may be repeated is."""

    def contains(self, value: object) -> bool:
        return isinstance(value, list) and value == ["1"]


@fault(CONTAINERS)
class CallsValueOf(_Unwraps):
    """An object with valueOf is its value."""

    def contains(self, value: object) -> bool:
        return isinstance(value, dict) and "valueOf" in value


@fault(CONTAINERS)
class ReadsExtendedJson(_Unwraps):
    """{"$numberInt":"1"} is 1, as MongoDB's drivers read it."""

    def contains(self, value: object) -> bool:
        return isinstance(value, dict) and any(name.startswith("$number") for name in value)


class _ReadingStrings(CreateBatchServer):
    """Reads some strings as a runCount."""

    pattern = ""

    def check_run_count(self, document: dict[str, Any]) -> int:
        count = document.get("runCount")
        found = re.fullmatch(self.pattern, count, re.ASCII) if isinstance(count, str) else None
        return super().check_run_count({**document, "runCount": int(found[1])} if found else document)


@fault(STRINGS)
class ReadsTheNumberBeforeWords(_ReadingStrings):
    """A string that begins with a number and goes on in words is that number."""

    pattern = r"([1-9]\d{0,2}) [a-z ]+"


@fault(STRINGS)
class ReadsJavasLiterals(_ReadingStrings):
    """A string may be a number as Java writes one, with a letter behind it."""

    pattern = r"([1-9]\d{0,2})[LlDdFf]"


@fault(TYPES)
class RoundsWhatIsNearlyWhole(CreateBatchServer):
    """A fraction that is less than 1e-10 off is the whole number."""

    def check_run_count(self, document: dict[str, Any]) -> int:
        count = document.get("runCount")
        is_near = isinstance(count, float) and abs(count) < 1e9 and 0 < abs(count - round(count)) < 1e-10
        return super().check_run_count({**document, "runCount": round(count)} if is_near and count else document)
