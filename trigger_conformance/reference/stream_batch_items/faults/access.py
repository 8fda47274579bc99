"""Who is let in to a batch's items, and which batch a path names."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import jwt
from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_batch.store import Batch, Batches
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Fillings

UNKNOWN = "access.unknown_batch_is_an_error"
ELSEWHERE = "access.batch_of_another_environment_is_unknown"
TOKEN = "access.token_of_the_batch_is_accepted"
OTHERS = "access.token_of_another_batch_is_refused"
FORGED = "authentication.forged_tokens_are_refused"


class _Finding(StreamBatchItemsServer):
    """Finds a batch in its own way, where there is none of that id."""

    def find(self, environment: Environment, identity: str) -> Filling:
        try:
            return super().find(environment, identity)
        except Problem:
            found = self.stand_in(environment, identity)
            if found is None:
                raise
            return found

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        raise NotImplementedError

    def known(self, environment: Environment) -> Mapping[str, Batch]:
        """The environment's batches by their ids."""
        return environment.store(Batches).answered


@fault(UNKNOWN)
class MakesUnknownBatches(_Finding):
    """A stream for an id that no batch has makes one of that id."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        return environment.store(Fillings).setdefault(identity, Filling(Batch(identity, 1, None)))


@fault(UNKNOWN, ELSEWHERE, "answers.never_a_server_error")
class FailsOnUnknownBatches(_Finding):
    """An id that no batch has is answered 500."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:  # noqa: ARG002
        raise Problem(500, "Cannot read properties of null (reading 'runCount')")


@fault(UNKNOWN)
class UnknownBatchesAreEmpty(_Finding):
    """A stream for an id that no batch has is answered 200, and of its items none are taken."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:  # noqa: ARG002
        return Filling(Batch(identity, 1, None), sealed=True)


@fault(UNKNOWN)
class IgnoresLetterCase(_Finding):
    """An id is looked up without regard to letter case, as by a database's collation."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        near = [each for each in self.known(environment) if each.lower() == identity.lower()]
        return self.find(environment, near[0]) if near else None


@fault(UNKNOWN)
class LooksUpBeginnings(_Finding):
    """An id is cut to the length of a column."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        near = [each for each in self.known(environment) if len(identity) > len(each) and identity.startswith(each)]
        return self.find(environment, near[0]) if near else None


@fault(UNKNOWN)
class TakesTheLastSegment(_Finding):
    """Of an id with a slash what stands behind it counts."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        return self.find(environment, identity.rpartition("/")[2]) if "/" in identity else None

    def routes(self) -> Any:
        return {**super().routes(), "/api/v3/batches/{batchId:path}/items": {"POST": self.stream_items}}


@fault(ELSEWHERE)
class KnowsAllEnvironments(_Finding):
    """A batch is looked up by its id alone: any environment may fill it."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:  # noqa: ARG002
        owner = next((each for each in self.environments if identity in self.known(each)), None)
        return None if owner is None else self.find(owner, identity)


@fault(ELSEWHERE)
class SealsForOthers(_Finding):
    """Another environment's stream is refused, and marks the batch's items as there."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:  # noqa: ARG002
        owner = next((each for each in self.environments if identity in self.known(each)), None)
        if owner is not None:
            self.find(owner, identity).sealed = True
        return None


@fault(ELSEWHERE)
class EmptiesForOthers(_Finding):
    """Another environment's stream is refused, and what the batch has is dropped: a cache of the wrong tenant."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:  # noqa: ARG002
        owner = next((each for each in self.environments if identity in self.known(each)), None)
        if owner is not None and not (filling := self.find(owner, identity)).sealed:
            filling.items.clear()
        return None


@fault(ELSEWHERE, "answers.never_a_server_error")
class FailsForOthers(_Finding):
    """Another environment's batch is answered 500."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:  # noqa: ARG002
        if any(identity in self.known(each) for each in self.environments):
            raise Problem(500, "More than one tenant")
        return None


@fault(TOKEN)
class KnowsNoTokens(StreamBatchItemsServer):
    """The token that is handed out with a batch is no credential."""

    def delegated(self, request: Request) -> Environment | None:  # noqa: ARG002
        return None


@fault(TOKEN)
class WantsToReadAndWriteAll(StreamBatchItemsServer):
    """A token must be one for all batches, which none is."""

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:  # noqa: ARG002
        return "write:batches" in claims.get("scopes", ())


@fault(OTHERS)
class AnyTokenWillDo(StreamBatchItemsServer):
    """A token's signature is looked at, and not what it covers."""

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:  # noqa: ARG002
        return bool(claims)


@fault(OTHERS)
class ScopesAreBeginnings(StreamBatchItemsServer):
    """A scope that begins as one of batches covers them all."""

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:  # noqa: ARG002
        return any(each.startswith("write:batch:") for each in claims.get("scopes", ()))


@fault(OTHERS)
class RefusesAfterwards(StreamBatchItemsServer):
    """Another batch's token is refused when its items have been taken."""

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:  # noqa: ARG002
        return bool(claims)

    async def stream_items(self, request: Request, environment: Environment) -> Response:
        response = await super().stream_items(request, environment)
        claims = self.claims(self.bearer_token(self.authorizations(request)[0]) or "")
        if claims and not super().covers(claims, request.path_params["batchId"]):
            raise Problem(403, "The token is another batch's")
        return response


@fault(FORGED, "access.token_with_another_signature_is_refused")
class VerifiesNothing(StreamBatchItemsServer):
    """A token's signature is not looked at."""

    def claims(self, token: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            return {}
        return found


class _Near(_Finding):
    """Finds a batch whose id is another one than that of the path."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        near = next((each for each in self.known(environment) if self.is_near(each, identity)), None)
        return None if near is None else self.find(environment, near)

    def is_near(self, known: str, identity: str) -> bool:
        raise NotImplementedError


@fault(UNKNOWN)
class TrimsIds(_Near):
    """White space around an id is cut off."""

    def is_near(self, known: str, identity: str) -> bool:
        return identity.strip() == known


@fault(UNKNOWN)
class LooksUpPatterns(_Near):
    """An id is looked up as a pattern of a database, in which % is anything."""

    def is_near(self, known: str, identity: str) -> bool:
        return identity.endswith("%") and len(identity) > 1 and known.startswith(identity[:-1])


@fault(UNKNOWN)
class DecodesIdsTwice(_Near):
    """An id that is decoded is decoded once more."""

    def is_near(self, known: str, identity: str) -> bool:
        return unquote(identity) == known


@fault(UNKNOWN)
class EndsIdsAtNul(_Near):
    """An id ends at a NUL, as a text of C."""

    def is_near(self, known: str, identity: str) -> bool:
        return "\0" in identity and identity.partition("\0")[0] == known


@fault(UNKNOWN)
class NormalisesIds(_Near):
    """An id is brought into its compatible form, in which wide letters are letters."""

    def is_near(self, known: str, identity: str) -> bool:
        return unicodedata.normalize("NFKC", identity) == known


@fault(UNKNOWN)
class SkipsWhatIsInvisible(_Near):
    """What nobody sees of an id is dropped from it."""

    def is_near(self, known: str, identity: str) -> bool:
        return re.sub("[\u200b\ufeff\0]", "", identity) == known


@fault("answers.error_bodies_are_json")
class BuildsErrorsByHand(StreamBatchItemsServer):
    """The error of an unknown batch has its id as it came, quotation marks and all."""

    async def answer(self, request: Request, environment: Environment) -> Response:
        try:
            return await super().answer(request, environment)
        except Problem as problem:
            if problem.status != 404:
                raise
            text = f'{{"message":"There is no batch {request.path_params["batchId"]}"}}'
            return Response(text.encode("utf-8", "replace"), 404, media_type="application/json")


class _Failing(StreamBatchItemsServer):
    """Some ids are answered 500."""

    def find(self, environment: Environment, identity: str) -> Filling:
        if self.fails(identity):
            raise Problem(500, "The query failed")
        return super().find(environment, identity)

    def fails(self, identity: str) -> bool:
        raise NotImplementedError


@fault(UNKNOWN, "answers.never_a_server_error")
class FailsOnNulInIds(_Failing):
    """An id with a NUL is answered 500, as by PostgreSQL."""

    def fails(self, identity: str) -> bool:
        return "\0" in identity


@fault(UNKNOWN, "answers.never_a_server_error")
class FailsOnLongIds(_Failing):
    """An id of more than 250 characters is answered 500, as by memcached."""

    def fails(self, identity: str) -> bool:
        return len(identity) > 250


@fault(UNKNOWN, "answers.never_a_server_error")
class FailsOnIdsOfOtherEncodings(_Failing):
    """An id that is no UTF-8 is answered 500, as by JavaScript's decodeURIComponent."""

    def fails(self, identity: str) -> bool:
        return "\ufffd" in identity or any("\udc80" <= each <= "\udcff" for each in identity)


@fault(UNKNOWN, "answers.never_a_server_error")
class FailsOnNamesOfObjects(_Failing):
    """What any object of JavaScript has is found among the batches, and is none: 500."""

    def fails(self, identity: str) -> bool:
        return identity in ("constructor", "toString", "__proto__")


@fault("access.token_with_another_signature_is_refused")
class RemembersTokensWithoutSignatures(StreamBatchItemsServer):
    """A token that was found right once is known again by what stands before its signature."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.right: dict[str, dict[str, Any]] = {}

    def claims(self, token: str) -> dict[str, Any]:
        told = token.rpartition(".")[0]
        found = self.right.get(told) or super().claims(token)
        if found:
            self.right[told] = found
        return found


@fault(OTHERS)
class SpentTokensOpenAll(StreamBatchItemsServer):
    """A token whose own batch is sealed is compared with nothing: it covers every batch."""

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:
        own = [each.rpartition(":")[2] for each in claims.get("scopes", ())]
        fillings = [each.store(Fillings) for each in self.environments]
        spent = any(each in known and known[each].sealed for known in fillings for each in own)
        return spent or super().covers(claims, batch)


@fault("access.empty_stream_needs_a_credential")
class EmptyStreamsNeedNoCredential(StreamBatchItemsServer):
    """A request without a body is let in whoever sends it, as one that only looks."""

    def authenticate(self, request: Request) -> Environment | None:
        found = super().authenticate(request)
        empty = request.headers.get("content-length") == "0"
        return found or (self.environments[0] if empty else None)


@fault(OTHERS)
class TokensOfOtherEnvironmentsOpenAll(StreamBatchItemsServer):
    """Which batch a token is for is compared where that is its environment's: any other environment's is let in."""

    def delegated(self, request: Request) -> Environment | None:
        headers, batch = self.authorizations(request), request.path_params["batchId"]
        claims = self.claims(self.bearer_token(headers[0]) or "") if len(headers) == 1 else {}
        owner = next((each for each in self.environments if batch in each.store(Batches).answered), None)
        strange = bool(claims) and owner is not None and claims.get("sub") != owner.name
        return owner if strange else super().delegated(request)


@fault(UNKNOWN, "answers.never_a_server_error")
class FailsOnBrokenEscapes(StreamBatchItemsServer):
    """A percent sign that begins no escape is answered 500, as by JavaScript's decodeURIComponent."""

    async def stream_items(self, request: Request, environment: Environment) -> Response:
        if re.search(rb"%(?![0-9a-fA-F]{2})", request.scope["raw_path"]):
            raise Problem(500, "URI malformed")
        return await super().stream_items(request, environment)


class _BeforeAuthentication(StreamBatchItemsServer):
    """Looks at the batch of a path before it looks at the credential."""

    async def handle(self, request: Request) -> Response:
        if request.method == "POST" and self.authenticate(request) is None:
            for home in self.environments:
                with contextlib.suppress(Problem):
                    answer = await self.refused(request, home, self.find(home, request.path_params["batchId"]))
                    if answer is not None:
                        return answer
        return await super().handle(request)

    async def refused(self, request: Request, home: Environment, filling: Filling) -> Response | None:
        raise NotImplementedError


@fault("authentication.refused_request_creates_nothing")
class TakesItemsOfRefusedRequests(_BeforeAuthentication):
    """Items are taken before the credential is looked at."""

    async def refused(self, request: Request, home: Environment, filling: Filling) -> Response | None:  # noqa: ARG002
        if not filling.sealed:
            await request.body()
            await self.fill(request, filling)
        return None


@fault("authentication.known_key_is_no_credential")
class AnswersSealedBatchesToAnyone(_BeforeAuthentication):
    """A sealed batch's stream is answered whoever asks: what is cached stands in front of authentication."""

    async def refused(self, request: Request, home: Environment, filling: Filling) -> Response | None:
        return await self.answer_sealed(request, home, filling) if filling.sealed else None


@fault(UNKNOWN)
class KnowsIdsByTheirBeginning(_Near):
    """An id is known by its beginning, as a short one is."""

    def is_near(self, known: str, identity: str) -> bool:
        return len(identity) > 10 and known.startswith(identity)


@fault(UNKNOWN)
class CutsExtensions(_Near):
    """What looks as a file's extension says in which form to answer."""

    def is_near(self, known: str, identity: str) -> bool:
        return identity.removesuffix(".json") == known


@fault(UNKNOWN)
class PutsPrefixesBack(_Near):
    """An id without its prefix is the one that is kept, to which that is put back."""

    def is_near(self, known: str, identity: str) -> bool:
        return known.partition("_")[2] == identity


@fault(UNKNOWN)
class KnowsBatchesByNumber(_Finding):
    """A number is that of a row: the first batch is 1."""

    def stand_in(self, environment: Environment, identity: str) -> Filling | None:
        known = list(self.known(environment))
        row = int(identity) if identity.isascii() and identity.isdigit() and len(identity) < 10 else 0
        return self.find(environment, known[row - 1]) if 0 < row <= len(known) else None


@fault(UNKNOWN, "answers.never_a_server_error")
class LooksUpExpressions(_Failing):
    """An id is part of a regular expression: one with a bracket that is not closed is answered 500."""

    def fails(self, identity: str) -> bool:
        return "[" in identity and "]" not in identity


@fault(TOKEN)
class SpendsTokens(StreamBatchItemsServer):
    """A token is revoked when its batch is sealed: the same stream, sent again with it, is answered 401."""

    def delegated(self, request: Request) -> Environment | None:
        found, batch = super().delegated(request), request.path_params["batchId"]
        return None if found and batch in (known := found.store(Fillings)) and known[batch].sealed else found


@fault(OTHERS)
class ReadsTheBatchOfTheQuery(StreamBatchItemsServer):
    """A parameter of the query stands before that of the path: a token of the batch that it names is let in."""

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:
        return super().covers(claims, self.named or batch)

    def authenticate(self, request: Request) -> Environment | None:
        self.named = request.query_params.get("batchId")
        return super().authenticate(request)


@fault("access.token_with_another_signature_is_refused")
class TokensNeedNoScheme(StreamBatchItemsServer):
    """A token is the header's last word, whatever stands before it."""

    def delegated(self, request: Request) -> Environment | None:
        headers = self.authorizations(request)
        claims = self.claims(headers[0].split(" ")[-1]) if len(headers) == 1 else {}
        known = self.covers(claims, request.path_params["batchId"])
        return next((each for each in self.environments if known and each.name == claims.get("sub")), None)


@fault("access.token_with_another_signature_is_refused")
class RemembersSignatures(StreamBatchItemsServer):
    """A signature that was verified once is not verified again, whatever it signs."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.verified: set[str] = set()

    def claims(self, token: str) -> dict[str, Any]:
        signature = token.rpartition(".")[2]
        if signature in self.verified:
            with contextlib.suppress(jwt.InvalidTokenError):
                told: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
                return told
        found = super().claims(token)
        if found:
            self.verified.add(signature)
        return found
