"""The sound server of a batch's items: which lines it takes, when it seals the batch, what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.create_batch.server import SIGNING_KEY
from trigger_conformance.reference.create_batch.store import Batches
from trigger_conformance.reference.server import Handler, OperationServer, Problem
from trigger_conformance.reference.site import Environment
from trigger_conformance.reference.stream_batch_items.store import Filling, Fillings, Item, Stream

PATH = "/api/v3/batches/{batchId}/items"
MEDIA_TYPES = ("application/x-ndjson", "application/ndjson")


class StreamBatchItemsServer(OperationServer):
    """Answers ``POST /api/v3/batches/{batchId}/items``."""

    # 200 is its success, and its media types are not JSON's: it has faults of its own about these. Of one request in
    # 29 that is dropped, and is answered when sent again, so short a run sees no more than a loaded machine may lose.
    spared = frozenset(
        {
            "acceptance.answers_ok",
            "http.drops_connections",
            "http.fails_on_other_media_types",
            "http.wants_no_parameters",
            "http.wants_parameters_in_lower_case",
            "lenient_json.allows_no_break_spaces",
            "lenient_json.ends_at_nul",
            "lenient_json.unwraps_bodies",
            "other_clients.knows_its_media_type_by_letter",
            "other_clients.reads_the_space_before_parameters",
            "other_clients.refuses_foreign_origins",
            "other_clients.takes_other_spellings_for_text",
            "other_clients.wants_no_line_break_at_the_end",
            # Its reading says that other media types are 415, and that uploads in chunks are read.
            "variants.any_media_type_is_taken",
            "variants.chunked_bodies_are_refused",
        }
    )

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """As ``OperationServer.routes``."""
        return {PATH: {"POST": self.stream_items}}

    def run_options(self) -> list[str]:
        """As ``OperationServer.run_options``."""
        return [f"--task={self.settings.task}"]

    async def stream_items(self, request: Request, environment: Environment) -> Response:
        """The answer to a stream that its environment may send."""
        self.check_media_type(request)
        self.check_coding(request)
        filling = self.find(environment, request.path_params["batchId"])
        if filling.sealed:
            return await self.answer_sealed(request, environment, filling)
        stream = await self.fill(request, filling)
        self.seal(filling)
        return self.success(environment, filling, stream)

    # Who may

    def authenticate(self, request: Request) -> Environment | None:
        """As ``OperationServer.authenticate``; a batch's own token is a credential too."""
        return super().authenticate(request) or self.delegated(request)

    def delegated(self, request: Request) -> Environment | None:
        """Whose batch the request's token was handed out with, if that is the batch of its path."""
        headers = self.authorizations(request)
        claims = self.claims(self.bearer_token(headers[0]) or "") if len(headers) == 1 else {}
        if not self.covers(claims, request.path_params["batchId"]):
            return None
        return next((each for each in self.environments if each.name == claims.get("sub")), None)

    def claims(self, token: str) -> dict[str, Any]:
        """What a delegated token says; nothing where it is none."""
        try:
            found: dict[str, Any] = jwt.decode(token, SIGNING_KEY, algorithms=["HS256", "HS512"])
        except jwt.InvalidTokenError:
            return {}
        return found

    def covers(self, claims: Mapping[str, Any], batch: str) -> bool:
        """Whether a token's claims let it write a batch."""
        return f"write:batch:{batch}" in claims.get("scopes", ())

    def find(self, environment: Environment, identity: str) -> Filling:
        """The batch of the path; raises Problem where the environment has none of that id."""
        batch = environment.store(Batches).answered.get(identity)
        if batch is None:
            raise Problem(404, "There is no such batch")
        return environment.store(Fillings).setdefault(identity, Filling(batch))

    # What is read

    def check_media_type(self, request: Request) -> None:
        """Lines of JSON, under either name, with any parameters."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in MEDIA_TYPES:
            raise Problem(415, f"Content-Type must be {' or '.join(MEDIA_TYPES)}")

    async def fill(self, request: Request, filling: Filling) -> Stream:
        """Read the body's lines, and take each that is right until there is one that is not; raises Problem."""
        stream = Stream()
        for line in self.lines(await self.read_body(request)):
            self.take(filling, self.item(filling, line), stream)
        return stream

    def documents(self, body: bytes) -> Iterable[bytes]:
        """As ``OperationServer.documents``."""
        return self.lines(body)

    def lines(self, body: bytes) -> Iterator[bytes]:
        """The lines of a body; the last may have no end."""
        return (each for each in self.split(body) if not self.is_blank(each))

    def split(self, body: bytes) -> list[bytes]:
        """What stands between line feeds; that a carriage return stands before one is white space of JSON."""
        return body.split(b"\n")

    def is_blank(self, line: bytes) -> bool:
        """Whether a line has nothing but white space of JSON."""
        return not line.strip(b" \t\r")

    def item(self, filling: Filling, line: bytes) -> Item:
        """The item of a line; raises Problem where it is none of the batch."""
        item: Item = self.validate(self.parse(line))
        self.check_place(filling, item)
        return item

    def validate(self, document: Any) -> Item:
        """As ``OperationServer.validate``, of a line."""
        if not isinstance(document, dict):
            raise Problem(400, "A line must be a JSON object")
        index = self.check_index(document)
        self.check_options(document)
        return Item(index, self.check_task(document), document)

    def check_index(self, document: dict[str, Any]) -> int:
        """index, an integer that is not below 0."""
        index = document.get("index")
        if not isinstance(index, int) or isinstance(index, bool):
            raise Problem(422, "index must be an integer")
        if index < 0:
            raise Problem(422, "index must not be negative")
        return index

    def check_task(self, document: dict[str, Any]) -> str:
        """task, a text; that there is none of that name is found out when the item's run is to start."""
        task = document.get("task")
        if not isinstance(task, str):
            raise Problem(422, "task must be a string")
        return task

    def check_options(self, document: dict[str, Any]) -> None:
        """options, an object where there are any."""
        if not isinstance(document.get("options", {}), dict):
            raise Problem(422, "options must be an object")

    def check_place(self, filling: Filling, item: Item) -> None:
        """The batch has a place of the item's index."""
        if item.index >= filling.batch.run_count:
            raise Problem(422, f"index must be below the batch's runCount, {filling.batch.run_count}")

    # What becomes of it

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        """Keep an item and start its run, if it is not there already."""
        if self.is_known(filling, item):
            stream.deduplicated += 1
            return
        filling.items[item.index] = item
        filling.runs[item.index] += 1
        stream.accepted += 1

    def is_known(self, filling: Filling, item: Item) -> bool:
        """Whether the batch has the item; one that is sealed takes nothing more."""
        return filling.sealed or item.index in filling.items

    def seal(self, filling: Filling) -> None:
        """Seal the batch, if it has all its items."""
        filling.sealed = filling.sealed or self.is_whole(filling)

    def is_whole(self, filling: Filling) -> bool:
        """Whether a batch has all its items."""
        return len(filling.items) == filling.batch.run_count

    # Answers

    async def answer_sealed(self, request: Request, environment: Environment, filling: Filling) -> Response:
        """A stream for a sealed batch is read as any other: all its items are there."""
        return self.success(environment, filling, await self.fill(request, filling))

    def success(self, environment: Environment, filling: Filling, stream: Stream) -> Response:
        """200 with what became of the stream and the batch."""
        headers = self.limit_headers(self.charge_nothing(environment))
        return self.json(200, self.stream_body(filling, stream), headers)

    def stream_body(self, filling: Filling, stream: Stream) -> dict[str, Any]:
        """StreamBatchItemsResponse."""
        body: dict[str, Any] = {
            "id": filling.batch.id,
            "itemsAccepted": stream.accepted,
            "itemsDeduplicated": stream.deduplicated,
            "sealed": filling.sealed,
        }
        return body if filling.sealed else {**body, **self.counts(filling)}

    def counts(self, filling: Filling) -> dict[str, int]:
        """What is told of a batch that lacks items."""
        return {"enqueuedCount": len(filling.items), "expectedCount": filling.batch.run_count}
