"""Media types that are let in, and such as are not."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stream_batch_items.server import MEDIA_TYPES, StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Fillings

LINES = "media_types.media_types_of_lines_are_accepted"
OTHERS = "media_types.other_media_types_are_refused"
EXACTLY = "media_types.other_media_types_are_415"


class _Judging(StreamBatchItemsServer):
    """Judges media types in its own way."""

    def check_media_type(self, request: Request) -> None:
        self.judge(request.headers.get("content-type"), request)

    def judge(self, told: str | None, request: Request) -> None:  # noqa: ARG002
        super().check_media_type(request)


@fault(LINES)
class KnowsOneName(_Judging):
    """application/ndjson is answered 415."""

    def judge(self, told: str | None, request: Request) -> None:
        if told and told.lower().startswith("application/ndjson"):
            raise Problem(415, "Content-Type must be application/x-ndjson")
        super().judge(told, request)


@fault(LINES, "http.requests_of_other_clients_are_read")
class WantsNoParametersOfLines(_Judging):
    """A media type with a parameter is answered 415."""

    def judge(self, told: str | None, request: Request) -> None:
        if told and "charset" in told and told.islower():
            raise Problem(415, "Content-Type must be application/x-ndjson")
        super().judge(told, request)


@fault(LINES, "http.media_type_in_any_letter_case_is_read")
class WantsLowerCaseOfLines(_Judging):
    """A media type with capitals is answered 415."""

    def judge(self, told: str | None, request: Request) -> None:
        if told and told != told.lower():
            raise Problem(415, "Content-Type must be application/x-ndjson")
        super().judge(told, request)


@fault("answers.error_bodies_are_json")
class RefusesTypesInText(StreamBatchItemsServer):
    """What is told of a media type that is refused is plain text."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        if status == 415:
            return Response(message, status, media_type="text/plain")
        return super().error(status, message, headers)


@fault(OTHERS)
class TakesJsonForLines(_Judging):
    """application/json is taken for lines."""

    def judge(self, told: str | None, request: Request) -> None:
        if not told or not told.startswith("application/json"):
            super().judge(told, request)


@fault(OTHERS)
class OtherTypesEmptyTheBatch(_Judging):
    """A stream of another media type is refused, once what its batch has is cleared for it."""

    def judge(self, told: str | None, request: Request) -> None:
        try:
            super().judge(told, request)
        except Problem:
            for environment in self.environments:
                filling = environment.store(Fillings).get(request.path_params["batchId"])
                if filling is not None and not filling.sealed:
                    filling.items.clear()
            raise


@fault(OTHERS)
class TakesAnEmptyTypeForLines(_Judging):
    """A Content-Type that says nothing is as good as the right one."""

    def judge(self, told: str | None, request: Request) -> None:
        if told is None or told.strip():
            super().judge(told, request)


@fault(LINES)
class KnowsTheCharsetAlone(_Judging):
    """A media type whose first parameter is another one than charset is answered 415."""

    def judge(self, told: str | None, request: Request) -> None:
        if re.search(r";\s*(?!charset)\w", told or "", re.IGNORECASE) and "utf8" not in (told or ""):
            raise Problem(415, "charset is the only parameter")
        super().judge(told, request)


@fault(OTHERS)
class TakesNoneForLines(_Judging):
    """A body without a Content-Type is taken for lines."""

    def judge(self, told: str | None, request: Request) -> None:
        if told is not None:
            super().judge(told, request)


@fault(OTHERS)
class TakesAnyText(_Judging):
    """Any text is taken for lines."""

    def judge(self, told: str | None, request: Request) -> None:
        if not told or not told.startswith("text/"):
            super().judge(told, request)


@fault(OTHERS, "answers.never_a_server_error")
class FailsOnOtherTypesOfLines(_Judging):
    """Another media type is answered 500."""

    def judge(self, told: str | None, request: Request) -> None:
        try:
            super().judge(told, request)
        except Problem as problem:
            raise Problem(500, "No parser for this media type") from problem


@fault(OTHERS)
class NotAcceptable(_Judging):
    """Another media type is answered 406, which is about answers."""

    def judge(self, told: str | None, request: Request) -> None:
        try:
            super().judge(told, request)
        except Problem as problem:
            raise Problem(406, problem.message) from problem


@fault(EXACTLY)
class OtherTypesAreBadRequests(_Judging):
    """Another media type is answered 400."""

    def judge(self, told: str | None, request: Request) -> None:
        try:
            super().judge(told, request)
        except Problem as problem:
            raise Problem(400, problem.message) from problem


@fault(EXACTLY)
class MissingTypesAreBadRequests(_Judging):
    """A body without a Content-Type is answered 400."""

    def judge(self, told: str | None, request: Request) -> None:
        if told is None:
            raise Problem(400, "Content-Type is missing")
        super().judge(told, request)


class _Parameters(_Judging):
    """Takes some parameters only."""

    def judge(self, told: str | None, request: Request) -> None:
        super().judge(told, request)
        if not self.is_fine(told or ""):
            raise Problem(415, "Content-Type has a parameter that is not known")

    def is_fine(self, told: str) -> bool:
        raise NotImplementedError


@fault(LINES)
class KnowsOneCharset(_Parameters):
    """A charset of another spelling than utf-8 is answered 415."""

    def is_fine(self, told: str) -> bool:
        charset = re.search(r'charset="?([\w-]+)', told.lower())
        return charset is None or charset[1] == "utf-8"


@fault(LINES)
class KnowsOneParameter(_Parameters):
    """A parameter other than the charset is answered 415."""

    def is_fine(self, told: str) -> bool:
        parameters = [each.strip().lower() for each in told.split(";")[1:]]
        return all(each.startswith("charset") for each in parameters if each)


@fault(LINES)
class WantsAParameterBehindEachSemicolon(_Parameters):
    """A semicolon with nothing behind it is answered 415."""

    def is_fine(self, told: str) -> bool:
        return not told.rstrip().endswith(";")


@fault(LINES)
class WantsNoSpaceBeforeSemicolons(_Parameters):
    """White space before a semicolon is answered 415."""

    def is_fine(self, told: str) -> bool:
        return " ;" not in told


class _Generous(_Judging):
    """Takes some other media types for lines."""

    def judge(self, told: str | None, request: Request) -> None:
        if not self.takes((told or "").lower()):
            super().judge(told, request)

    def takes(self, told: str) -> bool:
        raise NotImplementedError


@fault(OTHERS)
class ComparesBeginnings(_Generous):
    """A media type that begins as that of lines is taken for it."""

    def takes(self, told: str) -> bool:
        return told.startswith(MEDIA_TYPES)


@fault(OTHERS)
class LooksForTheTypeAnywhere(_Generous):
    """A media type is taken for that of lines where its name stands anywhere in the header."""

    def takes(self, told: str) -> bool:
        return any(each in told.partition(";")[2] for each in MEDIA_TYPES)


@fault(OTHERS)
class TakesOneOfSeveralTypes(_Generous):
    """Of several media types in a list one must be that of lines."""

    def takes(self, told: str) -> bool:
        return any(each.strip() in MEDIA_TYPES for each in told.split(","))


@fault(OTHERS)
class TakesOtherNamesOfLines(_Generous):
    """Other names that lines go by are taken."""

    def takes(self, told: str) -> bool:
        return told in ("application/jsonl", "application/x-jsonlines", "text/x-ndjson")


@fault(OTHERS)
class TakesAnyBytes(_Generous):
    """application/octet-stream is taken for lines."""

    def takes(self, told: str) -> bool:
        return told == "application/octet-stream"


@fault(OTHERS)
class ChunksNeedNoType(_Judging):
    """A body in chunks needs no media type: nothing tells that there is one before it is read."""

    def judge(self, told: str | None, request: Request) -> None:
        if told or "transfer-encoding" not in request.headers:
            super().judge(told, request)


@fault(LINES)
class DecodesOneCharset(_Judging):
    """A charset of another name than UTF-8's is answered 415: nothing else is decoded."""

    def judge(self, told: str | None, request: Request) -> None:
        found = re.search(r'charset="?([\w-]+)', told or "", re.IGNORECASE)
        if found and found[1].lower() not in ("utf-8", "utf8"):
            raise Problem(415, "The charset is not supported")
        super().judge(told, request)


@fault(OTHERS)
class WantsNoTypeOfNothing(_Judging):
    """A body without a byte needs no media type: its parser is not asked."""

    def judge(self, told: str | None, request: Request) -> None:
        if told or request.headers.get("content-length") != "0":
            super().judge(told, request)


@fault(OTHERS)
class AnswersSealedBatchesFirst(StreamBatchItemsServer):
    """A stream for a sealed batch is answered before its media type is looked at."""

    async def stream_items(self, request: Request, environment: Environment) -> Response:
        filling = self.find(environment, request.path_params["batchId"])
        if filling.sealed:
            return await self.answer_sealed(request, environment, filling)
        return await super().stream_items(request, environment)


@fault(OTHERS)
class LooksAtSubtypes(StreamBatchItemsServer):
    """Of a media type the second half is looked at."""

    def check_media_type(self, request: Request) -> None:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type.rpartition("/")[2] not in ("x-ndjson", "ndjson"):
            super().check_media_type(request)


@fault(OTHERS)
class TakesRangesOfTypes(StreamBatchItemsServer):
    """A media type is compared as Accept is: any type is one of ours."""

    def check_media_type(self, request: Request) -> None:
        if request.headers.get("content-type", "") not in ("*/*", "application/*"):
            super().check_media_type(request)
