"""A batch's items, phase 2 of 2: ``POST /api/v3/batches/{batchId}/items``."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from trigger_conformance.checks.operation import Fact, Operation
from trigger_conformance.checks.problem import Problem
from trigger_conformance.contract.contract import Expected, is_taken_everywhere, strict_json
from trigger_conformance.contract.quoting import quoted

from .values import OF_ANOTHER

# A standard run's batches have fewer items than this in all, and not all of them are sealed.
MOST_RUNS = 500
COUNTS = ("itemsAccepted", "itemsDeduplicated")
OF_A_BATCH = (*COUNTS, "sealed", "enqueuedCount", "expectedCount")


@dataclass(frozen=True)
class StreamBatchItems(Operation):
    """A batch is given its items by streams of lines; when all are there it is sealed, and its runs start."""

    def client(self, target, wire):
        """What the checks of this folder speak through."""
        from .client import ItemsClient

        return ItemsClient(self, target, wire)

    def runs_at_most(self, stated):
        """The items of a standard run's batches, where there is a task for them."""
        return 0 if self.lacking(stated) else MOST_RUNS

    def asks(self, request):
        """Only a POST: what another method is answered is judged of methods."""
        return request.method == self.contract.method.upper()

    def key(self, request):
        """The batch of the path: whoever sends its items again gives it nothing that it has."""
        # A percent-encoded letter, and a slash at the end, name the same place where a target reads them so.
        *before, last = request.target.partition("?")[0].rstrip("/").split("/")
        return unquote(before[-1]) if unquote(last) == "items" and before else None

    def made(self, exchange):
        """The id of the batch that a 200 names."""
        found = exchange.answer.document.get("id") if exchange.status == self.contract.success else None
        return found if isinstance(found, str) and found else None

    def is_new(self, exchange):
        """Whether a 200 says that the batch is whole by the items of this stream."""
        if exchange.status != self.contract.success:
            return None
        accepted, deduplicated, sealed = counts(exchange)
        if accepted == 0:
            return False
        return True if sealed is True and deduplicated == 0 else None

    def unreadable(self, exchange):
        """Whatever is said of another batch, and counts of more lines than the stream has: none is this stream's."""
        if exchange.status != self.contract.success:
            return super().unreadable(exchange)
        own = {}
        accepted, deduplicated, _ = counts(exchange)
        # Whoever counts blank ones counts this stream all the same.
        most = exchange.request.content.count(b"\n") + 1
        if type(accepted) is type(deduplicated) is int and accepted + deduplicated > most:
            own |= dict.fromkeys(COUNTS, self.owner("story.counts_add_up_to_the_lines"))
        if self.made(exchange) not in (None, self.key(exchange.request)):
            own |= dict.fromkeys(OF_A_BATCH, self.owner("story.answer_names_its_batch"))
        return {**own, **super().unreadable(exchange)}

    def why_not_new(self, exchange):
        """What keeps an answer from being that of a stream all of whose items were taken."""
        if exchange.status != self.contract.success:
            return f"expected {self.contract.success} and all items accepted, got {exchange.outcome}"
        wanted = len(lines(exchange.request.content))
        accepted, deduplicated, _ = counts(exchange)
        if (accepted, deduplicated) == (wanted, 0):
            return None
        told = f"got {quoted(accepted)} and {quoted(deduplicated)}"
        return Problem(f"expected itemsAccepted {wanted} and itemsDeduplicated 0, {told}", "itemsAccepted")

    def why_not_as_asked(self, exchange):
        """What keeps an answer from being that of a batch that is whole by now; which one it names is judged of all."""
        sealed = exchange.answer.document.get("sealed")
        return None if sealed is True else Problem(f"expected sealed true, got {quoted(sealed)}", "sealed")

    def starts(self, exchange):
        """The items that an answer says were accepted: at the latest when their batch is sealed each starts a run."""
        accepted = counts(exchange)[0] if exchange.status == self.contract.success else 0
        return accepted if type(accepted) is int and accepted > 0 else 0

    def also_fine(self, request):
        """A 403 where the token of another batch is the credential, which the page names."""
        return frozenset({403} if request.credential == OF_ANOTHER else ())

    def expected(self, body, stated):
        """A line for a batch of one item; an empty stream, other tasks, options and 0.0 are left open."""
        if not body.strip():
            return Expected.OPEN
        document = strict_json(body)
        if isinstance(document, dict) and document.get("index") == 0 and isinstance(document["index"], float):
            return Expected.OPEN
        if not self.contract.keeps_schema(document) or document["index"] > 0:
            return Expected.REJECTED
        usual = document["task"] == stated["task"] and not document.get("options") and is_taken_everywhere(document)
        return Expected.ACCEPTED if usual else Expected.OPEN

    def narrowed(self, stated):
        """The only item of a batch, for the task."""
        place = f"$.components.schemas.{self.contract.request_schema}.properties"
        return [
            {"target": f"{place}.index", "update": {"enum": [0]}},
            {"target": f"{place}.task", "update": {"enum": [stated["task"]]}},
            {"target": f"{place}.options", "update": {"maxProperties": 0}},
        ]


def lines(body):
    """The lines of a body that have something in them."""
    return [each for each in body.split(b"\n") if each.strip()]


def counts(exchange):
    """itemsAccepted, itemsDeduplicated and sealed, as an answer has them."""
    document = exchange.answer.document if exchange.answer else {}
    return tuple(document.get(name) for name in ("itemsAccepted", "itemsDeduplicated", "sealed"))


# Its own checks say of lines what these say of a body as a whole. What stands around a line, and is no white space of
# JSON, the page leaves open: it speaks of blank lines and of line ends.
COVERED = {
    "bodies.what_is_no_white_space_is_rejected": "bodies.malformed_json_is_rejected",
    "bodies.spelling_of_a_body_does_not_matter": "bodies.lines_are_read_as_json",
    "http.charset_parameter_is_accepted": "media_types.media_types_of_lines_are_accepted",
    "http.other_media_types_are_handled": "media_types.other_media_types_are_refused",
    "http.reading_of_other_media_types": "media_types.other_media_types_are_refused",
}
OPERATION = StreamBatchItems(
    id="stream_batch_items",
    title="batch items API",
    document="stream-batch-items.openapi.yaml",
    overlay="stream-batch-items.overlay.yaml",
    operation_id="streamBatchItems",
    thing="filled batch",
    things="fillings",
    line="BatchItem",
    facts=(Fact("task", str, "A harmless task of the target, which sealed batches start: items are tested with it.",
                metavar="ID"),),
    needs=("task",),
    error_texts=("message",),
    scopes=("write:batches", "read:batches", "admin"),
    aftermath="Batches with all their items start a run of the task for each; no way is known to take that back.",
    frugal=True,
    covered=COVERED,
    smoke=(
        "answers.valid_request_is_accepted",
        "authentication.missing_credential_is_refused",
    ),
    key_name="batch",
    new_owner="stream_batch_items.story.whole_stream_is_taken",
    as_asked_owner="stream_batch_items.story.whole_stream_seals_its_batch",
)  # fmt: skip
