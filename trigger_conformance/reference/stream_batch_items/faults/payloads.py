"""Payloads and options that are not let pass, and large ones."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer
from trigger_conformance.reference.stream_batch_items.store import Filling, Item, Stream

ANY = "payloads.any_json_is_a_payload"
OPTIONS = "payloads.options_and_more_are_accepted"
LARGE = "payloads.large_payload_leaves_a_batch_that_can_be_sealed"


class _Payloads(StreamBatchItemsServer):
    """Takes some payloads only."""

    def validate(self, document: Any) -> Item:
        item = super().validate(document)
        if "payload" in document and not self.is_fine(document["payload"]):
            raise Problem(422, "payload is not acceptable")
        return item

    def is_fine(self, payload: object) -> bool:
        raise NotImplementedError


@fault(ANY)
class PayloadsAreObjects(_Payloads):
    """A payload must be an object."""

    def is_fine(self, payload: object) -> bool:
        return isinstance(payload, dict)


@fault(ANY)
class PayloadsAreNotNull(_Payloads):
    """A payload that is null is answered 422."""

    def is_fine(self, payload: object) -> bool:
        return payload is not None


@fault(ANY)
class PayloadsAreSomething(_Payloads):
    """A payload that a language takes for false is answered 422."""

    def is_fine(self, payload: object) -> bool:
        return bool(payload) or payload is None


@fault(ANY)
class PayloadsAreShort(_Payloads):
    """A payload of more than 50,000 characters is answered 422."""

    def is_fine(self, payload: object) -> bool:
        return len(str(payload)) < 50_000 or len(str(payload)) > 1_000_000


@fault(ANY)
class SkipsItemsWithoutPayloads(StreamBatchItemsServer):
    """Among items with payloads one without is left out."""

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        if filling.batch.run_count > 1 and "payload" not in item.document and "options" not in item.document:
            return
        super().take(filling, item, stream)


@fault(OPTIONS)
class KnowsItsOptions(StreamBatchItemsServer):
    """options that are empty are answered 422."""

    def check_options(self, document: dict[str, Any]) -> None:
        super().check_options(document)
        if document.get("options") == {}:
            raise Problem(422, "options must not be empty")


@fault(OPTIONS)
class WantsNothingElseInItems(StreamBatchItemsServer):
    """payloadType, which clients send, is answered 422."""

    def validate(self, document: Any) -> Item:
        item = super().validate(document)
        if "payloadType" in document:
            raise Problem(422, "Unrecognized key: payloadType")
        return item


@fault(LARGE, "answers.never_a_server_error")
class FailsOnLargePayloads(StreamBatchItemsServer):
    """A payload of a million characters is answered 500."""

    def validate(self, document: Any) -> Item:
        item = super().validate(document)
        if len(str(document.get("payload", ""))) > 1_000_000:
            raise Problem(500, "upload failed")
        return item


@fault(LARGE)
class SealsWithoutLargePayloads(StreamBatchItemsServer):
    """A large item is refused and counted: its batch has more than it expects, and is never sealed."""

    def validate(self, document: Any) -> Item:
        item = super().validate(document)
        if len(str(document.get("payload", ""))) > 1_000_000:
            raise Problem(413, "The item is too large")
        return item

    async def fill(self, request: Request, filling: Filling) -> Stream:
        try:
            return await super().fill(request, filling)
        except Problem as problem:
            filling.kept["large"] = filling.kept.get("large", False) or problem.status == 413
            raise

    def is_whole(self, filling: Filling) -> bool:
        return super().is_whole(filling) and not filling.kept.get("large")


@fault(LARGE, "story.counts_add_up_to_the_lines")
class DropsLargeItems(StreamBatchItemsServer):
    """A large item is left out of its stream."""

    def take(self, filling: Filling, item: Item, stream: Stream) -> None:
        if len(str(item.document.get("payload", ""))) < 1_000_000:
            super().take(filling, item, stream)
