"""Create batch, phase 1 of 2: ``POST /api/v3/batches``."""

from __future__ import annotations

from dataclasses import dataclass

from trigger_conformance.checks.operation import Fact, Operation
from trigger_conformance.checks.problem import Problem
from trigger_conformance.contract.contract import Expected, is_plain_key, is_taken_everywhere, strict_json
from trigger_conformance.contract.quoting import quoted

KEY = "idempotencyKey"
# Generated requests cost runs too; the boundaries have hand-written checks.
LARGEST_GENERATED = 5
# The maximum itself must be accepted once, and pressing asks for it up to five times.
BATCHES_OF_THE_MAXIMUM = 6


@dataclass(frozen=True)
class CreateBatch(Operation):
    """A batch is runCount runs, which nothing starts as long as it has no items."""

    def client(self, target, wire):
        """What the checks of this folder speak through."""
        from .client import BatchClient

        return BatchClient(self, target, wire)

    def runs_at_most(self, stated):
        """Six batches of the target's maximum."""
        return BATCHES_OF_THE_MAXIMUM * stated["max_run_count"]

    def cost(self, request, stated):
        """The runCount; what no sound target accepts is no spending, but a finding."""
        wanted = run_count(request) or 0
        return wanted if 0 < wanted <= stated["max_run_count"] else 0

    def made(self, exchange):
        """The id that a 202 names."""
        found = exchange.answer.document.get("id") if exchange.status == self.contract.success else None
        return found if isinstance(found, str) else None

    def is_new(self, exchange):
        """The reverse of a 202's isCached, where that is a boolean."""
        cached = is_cached(exchange)
        return None if cached is None else not cached

    def unreadable(self, exchange):
        """An empty id, too: no batch is named by it."""
        empty = {"id": self.owner("answers.id_is_a_path_segment")} if self.made(exchange) == "" else {}
        return {**super().unreadable(exchange), **empty}

    def why_not_new(self, exchange):
        """What keeps an answer from being that of a new batch."""
        if exchange.status != self.contract.success:
            return f"expected 202 and a new batch, got {exchange.outcome}"
        if not self.is_new(exchange):
            return Problem(f"expected a new batch (isCached false), got isCached {is_cached(exchange)}", "isCached")
        return None if self.made(exchange) else Problem("the answer names no batch", "id")

    def why_no_copy(self, exchange, first):
        """What keeps an answer from being that of a replay of ``first``."""
        if exchange.status != self.contract.success:
            return f"expected 202 and the existing batch, got {exchange.outcome}"
        batch, cached = self.made(exchange), is_cached(exchange)
        if batch != self.made(first):
            expected = f"expected the existing batch {quoted(self.made(first))}"
            return Problem(f"{expected}, got {quoted(batch)} (isCached {cached})", "id")
        return None if cached is True else Problem(f"expected isCached true, got {cached}", "isCached")

    def why_not_as_asked(self, exchange):
        """What keeps the answer's runCount from being the requested one, as a JSON integer."""
        wanted, got = run_count(exchange.request), exchange.answer.document.get("runCount")
        same = type(got) is int and got == wanted
        return None if same else Problem(f"expected runCount {wanted}, got {quoted(got)}", "runCount")

    def also_fine(self, request):
        """A 404 for an unknown parent run, which is a warning of its own."""
        return frozenset({404} if "parentRunId" in (request.document or {}) else ())

    def expected(self, body, stated):
        """A runCount above the maximum is rejected too; 1.0, a parent run and an unusual key are left open."""
        document = strict_json(body)
        if not self.contract.keeps_schema(_with_whole_number(document)):
            return Expected.REJECTED
        wanted = document["runCount"]
        if isinstance(wanted, float):
            # 1.0: whatever else has a fraction breaks the schema.
            return Expected.OPEN
        if wanted > stated["max_run_count"]:
            return Expected.REJECTED
        plain = is_plain_key(document.get(KEY, "k")) and is_taken_everywhere(document)
        unsettled = "parentRunId" in document or not plain
        return Expected.OPEN if unsettled else Expected.ACCEPTED

    def narrowed(self, stated):
        """Few runs a request."""
        place = f"$.components.schemas.{self.contract.request_schema}.properties.runCount"
        return [{"target": place, "update": {"maximum": min(stated["max_run_count"], LARGEST_GENERATED)}}]

    def fresh(self, body, key):
        """A key of its own, and no parent run, whose acceptance the contract leaves open."""
        body = dict(body)
        if isinstance(body.get("parentRunId"), str):
            del body["parentRunId"]
        if isinstance(body.get(KEY), str):
            plain = is_plain_key(body[KEY])
            body[KEY] = key() + (f"-{body[KEY][:100]}" if plain else "")
        return body

    def shape(self, body):
        """All but the key."""
        return repr({**body, KEY: ""} if isinstance(body, dict) else body)


def run_count(request):
    """The requested runCount, where it is an integer."""
    count = (request.document or {}).get("runCount")
    return count if isinstance(count, int) and not isinstance(count, bool) else None


def key_of(request):
    """The request's idempotencyKey, where it is a string."""
    return OPERATION.key(request)


def batch(exchange):
    """The id of the batch that a 202 names."""
    return OPERATION.made(exchange)


def is_new(exchange):
    """Whether the answer says that the request made a new batch."""
    return OPERATION.is_new(exchange) is True


def keyed_batches(traffic):
    """The exchanges that made a batch with a key for the first environment."""
    return [each for each in traffic if is_new(each) and key_of(each.request) and each.request.credential == "primary"]


def is_cached(exchange):
    """A 202's isCached, where it is a boolean."""
    cached = exchange.answer.document.get("isCached") if exchange.status == OPERATION.contract.success else None
    return cached if isinstance(cached, bool) else None


def _with_whole_number(document):
    if isinstance(document, dict) and document.get("runCount") == 1 and isinstance(document["runCount"], float):
        return {**document, "runCount": 1}
    return document


# Its document says more than others' of these.
WORDING = {
    "answers.never_a_server_error": (
        "no request makes the server fail: never a 5xx", "createBatch.responses.500",
    ),
    "answers.error_bodies_are_json": (
        "the body of a 400, 422 or 429 is a JSON object whose message, where present, is a string", "Error",
    ),
    "answers.error_media_type_is_application_json": (
        "error bodies are application/json, as documented, not application/problem+json",
        "createBatch.responses.400.content",
    ),
    "answers.error_has_a_message": ("an error has a message", "Error.message"),
    "answers.errors_reveal_no_internals": ("error answers reveal no internals", "Error.message"),
}  # fmt: skip
COVERED = {
    "bodies.missing_property_is_rejected": "run_count.missing_or_mistyped_is_rejected",
    "bodies.mistyped_property_is_rejected": "properties.mistyped_key_is_rejected",
    "bodies.rejected_body_creates_nothing": "properties.mistyped_property_creates_nothing",
    "bodies.odd_characters_in_strings_are_answered": "properties.unknown_parent_run_is_answered",
}
OPERATION = CreateBatch(
    id="create_batch",
    title="batch API",
    document="create-batch.openapi.yaml",
    overlay="create-batch.overlay.yaml",
    operation_id="createBatch",
    thing="batch",
    things="batches",
    facts=(
        Fact("max-run-count", int, "The largest runCount that the target states.", default=1000, metavar="N", least=1),
    ),
    areas={"answers": "acceptance", "bodies": "properties", "bodies.unknown_properties_are_accepted": "acceptance"},
    wording=WORDING,
    error_texts=("message",),
    scopes=("write:batches", "read:batches", "admin"),
    aftermath="The batches of create batch's own checks are given no items.",
    key_property=KEY,
    covered=COVERED,
    presses=True,
    new_owner="create_batch.acceptance.new_batch_is_not_cached",
    as_asked_owner="create_batch.run_count.values_between_are_accepted",
    ids_owner="create_batch.acceptance.ids_are_never_given_twice",
)
