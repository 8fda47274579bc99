"""Lenient JSON: what real parsers let pass, and what sound JSON fails in servers, wherever in a body it stands."""

from __future__ import annotations

import base64
import re
from typing import Any

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.create_batch.store import Batch, Order
from trigger_conformance.reference.faults.lenient_json import Inspecting, Repairing, UnwrapsBodies
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Site

MALFORMED = "properties.malformed_json_is_rejected"
WORDS = "properties.words_of_other_languages_are_rejected"
AROUND = "properties.what_is_no_white_space_is_rejected"
UTF8 = "properties.invalid_utf8_is_rejected"
UTF16 = "properties.utf16_and_utf32_are_rejected"
UNNEEDED = "properties.values_that_nobody_needs_are_answered"
ALLOWED = "properties.what_json_allows_is_accepted"
NAMES = "properties.special_names_change_nothing"
REPEATED = "properties.repeated_names_are_answered_consistently"
PARENTS = "properties.unknown_parent_run_is_answered"
NEVER = "acceptance.never_a_server_error"


@fault(MALFORMED)
class AllowsHashComments(Repairing, CreateBatchServer):
    """A line that begins with # is a comment, as in YAML."""

    pattern = r"(?m)^#.*\n"


@fault(AROUND)
class ReadsTextSequences(Repairing, CreateBatchServer):
    """A record separator in front is taken off, as in sequences of JSON texts (RFC 7464)."""

    pattern = r"^\x1e"


@fault(MALFORMED)
class AllowsCommasAtTheEndOfArrays(Repairing, CreateBatchServer):
    """A comma may stand before a closing square bracket, but before no other."""

    pattern, instead = r",\s*\]", "]"


@fault(MALFORMED)
class AllowsDoubledCommas(Repairing, CreateBatchServer):
    """Nothing between two commas is left out."""

    pattern, instead = r",(\s*,)+", ","


@fault(MALFORMED)
class AllowsPointsWithoutDigitsAfter(Repairing, CreateBatchServer):
    """1. is 1, as strtod has it."""

    pattern, instead = r"(\d)\.(?=[,}\]])", r"\1"


@fault(MALFORMED)
class AllowsPointsWithoutDigitsBefore(Repairing, CreateBatchServer):
    """.5 is 0.5, as JSON5 has it."""

    pattern, instead = r"([:,\[])\.(?=\d)", r"\g<1>0."


@fault(MALFORMED)
class AllowsUnderscoresInNumbers(Repairing, CreateBatchServer):
    """1_000 is 1000, as in source text."""

    pattern, instead = r"(?<=[:,\[]1)_(?=000)", ""


@fault(MALFORMED)
class AllowsHexadecimalEscapes(Repairing, CreateBatchServer):
    r"""\x41 is A, as in JavaScript."""

    pattern, instead = r"\\x(?=[0-9a-fA-F]{2})", r"\\u00"


@fault(MALFORMED)
class AllowsEscapedApostrophes(Repairing, CreateBatchServer):
    """An apostrophe may be escaped, as jQuery's clients once did."""

    pattern, instead = r"\\'", "'"


@fault(MALFORMED)
class AllowsRawTabs(Repairing, CreateBatchServer):
    """A raw tab may stand in a string, but no other control character."""

    pattern, instead = r"(?<=\w)\t(?=\w)", r"\\t"


@fault(MALFORMED)
class AllowsContinuedLines(Repairing, CreateBatchServer):
    """A backslash at the end of a line continues a string, as in JSON5."""

    pattern = r"\\\n"


@fault(MALFORMED)
class AllowsACommaAfterTheDocument(Repairing, CreateBatchServer):
    """A comma after the document is left over, as where documents are an array's."""

    pattern = r",\s*$"


@fault(MALFORMED)
class AllowsSuffixesOfBigIntegers(Repairing, CreateBatchServer):
    """1n is 1, as in JavaScript."""

    pattern = r"(?<=\d)n(?=\s*[,}\]])"


@fault(MALFORMED)
class AllowsEscapesOfZero(Repairing, CreateBatchServer):
    r"""\0 is NUL, as in JavaScript."""

    pattern, instead = r"\\0", r"\\u0000"


class _Otherwise(CreateBatchServer):
    """Reads what is no JSON in another way."""

    def parse(self, body: bytes) -> Any:
        try:
            return super().parse(body)
        except Problem:
            document = self.read_otherwise(body)
            if document is None:
                raise
            return document

    def read_otherwise(self, body: bytes) -> Any:
        raise NotImplementedError


@fault("properties.body_must_be_a_json_object")
class ReadsYaml(_Otherwise):
    """The parser is one of YAML, of which JSON is a part: lines with a name and a value each are an object."""

    def read_otherwise(self, body: bytes) -> Any:
        lines = [line.partition(b": ") for line in body.splitlines()]
        if not lines or any(not mark or not name.isalnum() for name, mark, _ in lines):
            return None
        return {name.decode(): super(_Otherwise, self).parse(value) for name, _, value in lines}


@fault("properties.body_must_be_a_json_object")
class DecodesBodies(_Otherwise):
    """A body in base64 is decoded, as functions behind a gateway have to."""

    def read_otherwise(self, body: bytes) -> Any:
        try:
            return super().parse(base64.b64decode(body, validate=True)) if body else None
        except (ValueError, Problem):
            return None


@fault(MALFORMED)
class AllowsSingleQuotedNames(Repairing, CreateBatchServer):
    """A name may stand in single quotes, while other strings may not."""

    pattern, instead = r"'(\w+)'(?=\s*:)", r'"\1"'


@fault(MALFORMED)
class ClosesWhatIsOpen(Repairing, CreateBatchServer):
    """A bracket that was left open is closed, as parsers of unfinished streams do."""

    pattern, instead = r"\[([^\[\]{}]*)\}$", r"[\1]}"


@fault(WORDS)
class TakesPythonsWords(Repairing, CreateBatchServer):
    """None, True and False are taken for JSON's words."""

    pattern = r"(?<=[:,\[])(None|True|False)\b"

    def repair(self, text: str) -> str:
        words = {"None": "null", "True": "true", "False": "false"}
        return re.sub(self.pattern, lambda found: words[found[1]], text)


@fault(AROUND)
class StripsUnicodeWhiteSpace(Repairing, CreateBatchServer):
    """All that Unicode calls white space is stripped from the body's ends."""

    def repair(self, text: str) -> str:
        return text.strip()


@fault(AROUND)
class EndsAtControlZ(Repairing, CreateBatchServer):
    """The body ends at the end-of-file mark of DOS."""

    pattern = r"(?s)\x1a.*"


@fault(AROUND)
class IgnoresByteOrderMarks(Repairing, CreateBatchServer):
    """Byte-order marks are left out wherever they stand."""

    pattern = "\ufeff"


@fault(AROUND)
class SkipsAntiHijackingPrefixes(Repairing, CreateBatchServer):
    """The prefix that guards answers from being run as scripts is skipped."""

    pattern = r"^\)\]\}',?\n"


@fault(AROUND)
class UnwrapsCallbacks(Repairing, CreateBatchServer):
    """A call around the document is unwrapped, as for JSONP."""

    pattern, instead = r"(?s)^\w+\((.*)\);?$", r"\1"


@fault(UTF8)
class DropsInvalidBytes(CreateBatchServer):
    """Bytes that are no UTF-8 are left out."""

    def decode(self, body: bytes) -> str:
        return body.decode("utf-8", "ignore")


@fault(UTF8)
class ReplacesInvalidBytesInNames(CreateBatchServer):
    """Bytes that are no UTF-8 are replaced in names, which nobody validates."""

    def decode(self, body: bytes) -> str:
        names = re.compile(rb'"[^"]*"(?=\s*:)')
        return names.sub(lambda name: name[0].decode("utf-8", "replace").encode(), body).decode("utf-8")


@fault(UTF8, NEVER)
class FailsOnInvalidBytes(CreateBatchServer):
    """Bytes that are no UTF-8 raise what nobody catches."""

    def decode(self, body: bytes) -> str:
        try:
            return super().decode(body)
        except UnicodeDecodeError as error:
            raise Problem(500, "invalid byte sequence for encoding UTF8") from error


@fault(UTF16)
class ObeysByteOrderMarks(CreateBatchServer):
    """UTF-16 is read where it has a byte-order mark, as .NET's readers do."""

    def decode(self, body: bytes) -> str:
        return body.decode("utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")


@fault(UNNEEDED, PARENTS, NEVER)
class FailsOnNul(Inspecting, CreateBatchServer):
    """A body is kept as jsonb, which cannot hold NUL."""

    def look_at(self, value: Any) -> None:
        if isinstance(value, str) and "\0" in value:
            raise Problem(500, "unsupported Unicode escape sequence")


@fault(UNNEEDED, NEVER)
class FailsOnSurrogatesInUnknownProperties(Inspecting, CreateBatchServer):
    """Unknown properties are written on in UTF-8, which has no unpaired surrogates."""

    def look_at(self, value: Any) -> None:
        if isinstance(value, str) and len(value) < 8 and re.search("[\ud800-\udfff]", value):
            raise Problem(500, "surrogates not allowed")


@fault(PARENTS, NEVER)
class FailsOnSurrogatesInParents(CreateBatchServer):
    """A parentRunId with an unpaired surrogate fails the look-up."""

    def find_parent(self, parent_run: str) -> str:
        if re.search("[\ud800-\udfff]", parent_run):
            raise Problem(500, "surrogates not allowed")
        return super().find_parent(parent_run)


@fault(UNNEEDED, NEVER)
class FailsOnHundredsOfDigits(Inspecting, CreateBatchServer):
    """A number of 400 digits in an unknown property is too large for a double."""

    def look_at(self, value: Any) -> None:
        if isinstance(value, int) and abs(value) > 10**309:
            raise Problem(500, "int too large to convert to float")


@fault(ALLOWED)
class RejectsEmptyNames(CreateBatchServer):
    """An empty name is refused in a nested object."""

    def validate(self, document: Any) -> Order:
        nested = [each for each in document.values() if isinstance(each, dict)] if isinstance(document, dict) else []
        if any("" in each for each in nested):
            raise Problem(422, "names must not be empty")
        return super().validate(document)


@fault(ALLOWED)
class RejectsNestingOver32Levels(CreateBatchServer):
    """More than 32 levels are refused, as some parsers set it."""

    def parse(self, body: bytes) -> Any:
        if max(body.count(b"["), body.count(b"{")) > 32:
            raise Problem(400, "The maximum depth has been exceeded")
        return super().parse(body)


@fault(ALLOWED)
class ReadsEscapedPairsSeparately(Inspecting, CreateBatchServer):
    """The halves of an escaped pair are read each by itself, and refused as unpaired."""

    def parse(self, body: bytes) -> Any:
        if re.search(rb"\\u[dD]83[dD]\\u[dD]", body):
            raise Problem(400, "unpaired surrogate")
        return super().parse(body)


@fault(NAMES)
class InheritsFromTheBody(CreateBatchServer):
    """What __proto__ holds is inherited by the body that holds it."""

    def validate(self, document: Any) -> Order:
        inherited = document.get("__proto__") if isinstance(document, dict) else None
        return super().validate({**inherited, **document} if isinstance(inherited, dict) else document)


@fault(NAMES)
class KeepsPoisonedPrototypes(CreateBatchServer):
    """What __proto__ holds is inherited by every body from then on."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.prototype: dict[str, Any] = {}

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict):
            poison = document.get("__proto__")
            self.prototype |= poison if isinstance(poison, dict) else {}
            document = {**self.prototype, **document}
        return super().validate(document)


@fault(NAMES)
class ReadsPathsInNames(CreateBatchServer):
    """A dot in a name is a step into an object, and what it leads to replaces the value."""

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict):
            deep = {name: value for name, value in document.items() if name.startswith("runCount.")}
            document = {**document, "runCount": next(iter(deep.values()))} if deep else document
        return super().validate(document)


@fault(NAMES)
class AssignsWhatTheBodyNames(CreateBatchServer):
    """Whatever the body names is written over the batch: the id too."""

    def batch_body(self, order: Order, batch: Batch, cached: bool) -> dict[str, Any]:
        given = {name: order.document[name] for name in ("id", "isCached") if name in order.document}
        return super().batch_body(order, batch, cached) | given


@fault(NAMES, NEVER)
class CallsWhatTheBodyNames(Inspecting, CreateBatchServer):
    """A body that has a property hasOwnProperty is asked for its properties by it."""

    def look_at_name(self, name: str) -> None:
        if name == "hasOwnProperty":
            raise Problem(500, "body.hasOwnProperty is not a function")


@fault(REPEATED, NEVER)
class FailsOnRepeatedNames(CreateBatchServer):
    """A name that comes twice violates a constraint."""

    def gather(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise Problem(500, "duplicate key value")
        return dict(pairs)


@fault(REPEATED)
class AddsRepeatedCounts(CreateBatchServer):
    """A runCount that comes twice is the sum of both."""

    def gather(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = [value for name, value in pairs if name == "runCount" and isinstance(value, int)]
        return {**dict(pairs), "runCount": sum(counts)} if len(counts) > 1 else dict(pairs)


@fault(REPEATED)
class ValidatesTheFirstAndUsesTheLast(CreateBatchServer):
    """Of two runCounts the first is validated and the last is used."""

    def gather(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {**dict(pairs), "first": dict(reversed(pairs)).get("runCount")} if pairs else {}

    def check_run_count(self, document: dict[str, Any]) -> int:
        first = super().check_run_count({**document, "runCount": document.get("first")})
        return int(document["runCount"]) if self.is_integer(document.get("runCount")) else first


@fault(REPEATED)
class JoinsRepeatedKeys(CreateBatchServer):
    """A key that comes twice is both, with a comma between."""

    def gather(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [value for name, value in pairs if name == "idempotencyKey" and isinstance(value, str)]
        return {**dict(pairs), "idempotencyKey": ",".join(keys)} if len(keys) > 1 else dict(pairs)


@fault(MALFORMED)
class ClosesWithEitherBracket(Repairing, CreateBatchServer):
    """What an unknown property has is skipped by counting brackets, of whichever kind."""

    pattern, instead = r"\[[0-9, ]*\}(?=,|\})", "[]"


@fault(MALFORMED)
class PassesOverThePrefixAgainstScripts(Repairing, CreateBatchServer):
    """A body may begin with what answers begin with that no page shall run as a script."""

    pattern = r"^\)\]\}'\n"


@fault(MALFORMED)
class ReadsUnderscoresInEscapes(Repairing, CreateBatchServer):
    """The digits of an escape are read as the language reads numbers, with underscores and signs in them."""

    pattern, instead = r"\\u(?=[0-9a-f]?[_+])....", "x"


@fault(MALFORMED)
class AllowsHashCommentsInside(Repairing, CreateBatchServer):
    """A line of its own inside a document may be a comment with a hash."""

    pattern = r"(?m)(?<=\n)#[^\n\"]*$(?=\n\})"


@fault(MALFORMED)
class AllowsNegativeLeadingZeros(Repairing, CreateBatchServer):
    """A negative number may begin with zeros; only what begins with one is looked at."""

    pattern, instead = r"(?<=[:\[, ])-0+(?=[1-9])", "-"


@fault(WORDS)
class UndefinedIsNull(Repairing, CreateBatchServer):
    """undefined is null, as in JavaScript's evaluation."""

    pattern, instead = r"(?<=[:,\[])undefined\b", "null"


@fault(UNNEEDED, NEVER)
class FailsOnInfiniteValues(Inspecting, CreateBatchServer):
    """1e999 in an unknown property is infinite, and cannot be written on."""

    def look_at(self, value: Any) -> None:
        if isinstance(value, float) and abs(value) == float("inf"):
            raise Problem(500, "Out of range float values are not JSON compliant")


@fault("run_count.missing_or_mistyped_is_rejected")
class UnwrapsBatches(UnwrapsBodies, CreateBatchServer):
    """A body of one property that is an object is that object."""
