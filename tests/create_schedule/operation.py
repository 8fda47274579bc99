"""Create a schedule: ``POST /api/v1/schedules``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from trigger_conformance.checks.operation import Fact, Operation
from trigger_conformance.checks.problem import Problem
from trigger_conformance.contract.contract import Expected, is_plain_key, is_taken_everywhere, strict_json
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.rules import cron

from .names import NAMES, name_of
from .values import KEY, UTC
from .zones import OTHER_SPELLINGS, STEADY

LIMITED = 422
SOME_DAY = "2000-01-01T00:00:00Z"
FULL = re.compile(r"\b(limit|maximum|max|quota|at most|too many|exceed\w*|upgrade|no more)\b", re.IGNORECASE)
SCHEDULES = re.compile(r"\bschedules\b", re.IGNORECASE)


def owner_of_zone(request):
    """The requirement that the zone of a ``request`` is accepted, where it has one that every target has; else ""."""
    zone = (request.document or {}).get("timezone")
    if zone == UTC:
        return "create_schedule.time_zones.utc_is_accepted"
    return "create_schedule.time_zones.listed_zones_are_accepted" if isinstance(zone, str) and zone in STEADY else ""


@dataclass(frozen=True)
class CreateSchedule(Operation):
    """A deduplicationKey has one schedule, which the last request with it describes."""

    def client(self, target, wire):
        """What the checks of this folder speak through."""
        from .client import ScheduleClient

        return ScheduleClient(self, target, wire)

    def is_full(self, exchange):
        """A 422 that speaks of a limit on how many schedules there may be."""
        if exchange.status != LIMITED or exchange.answer is None:
            return False
        said = exchange.answer.body.decode("utf-8", "replace")
        return FULL.search(said) is not None and SCHEDULES.search(said) is not None

    def asks(self, request):
        """Only a POST: what another method is answered is judged of methods."""
        return request.method == self.contract.method.upper()

    def made(self, exchange):
        """The id that a 200 to a request for a schedule names."""
        if exchange.status != self.contract.success or exchange.request.method != "POST":
            return None
        found = exchange.answer.document.get("id")
        return found if isinstance(found, str) and found else None

    def owner_of_refusal(self, exchange):
        """That of a request in a zone is any zone's affair, that of a later one with a key any second one's."""
        if owner := owner_of_zone(exchange.request):
            return owner
        key = self.key(exchange.request)
        return self.owner("deduplication.second_request_answers_with_the_first_id") if NAMES.had(exchange, key) else ""

    def unreadable(self, exchange):
        """All that an answer has without an id, or without anything of what was asked: the schema requires nothing."""
        if exchange.status != self.contract.success or exchange.request.method != "POST":
            return {}
        schema = self.contract.document["components"]["schemas"][self.contract.response_schema]
        told, owner = exchange.answer.document, None
        if self.made(exchange) is None:
            owner = "answers.id_is_a_path_segment"
        elif not {"task", "generator"} & set(told):
            owner = "answers.answer_has_what_the_request_asked_for"
        lacking = {each: self.owner(owner) for each in schema["properties"] if each not in told} if owner else {}
        return {**lacking, **super().unreadable(exchange)}

    def named(self, exchange):
        """The key, or the externalId where that alone says whose the schedule is."""
        return name_of(exchange.answer.document) if exchange.answer else None

    def is_new(self, exchange):
        """Whether no earlier answer of the run named the id: the answer itself says nothing of it."""
        named = self.made(exchange)
        return None if named is None else NAMES.is_first(exchange, named, self.key(exchange.request))

    def why_not_new(self, exchange):
        """What keeps an answer from being that of a schedule of the request's key: a new one, or the one it had."""
        if exchange.status != self.contract.success:
            return f"expected {self.contract.success} and a schedule, got {exchange.outcome}"
        named = self.made(exchange)
        if named is None:
            return Problem("the answer names no schedule", "id")
        if self.is_new(exchange) or NAMES.key_of(exchange, named) == self.key(exchange.request):
            return None
        return Problem(f"expected a schedule of its own, got {quoted(named)}, which another key had named", "id")

    def why_not_as_asked(self, exchange):
        """What keeps the answer's properties from being the request's."""
        asked, got = exchange.request.document or {}, exchange.answer.document
        wanted = {name: asked[name] for name in ("task", KEY, "externalId") if name in asked}
        # What a zone that is spelt otherwise is answered as is the target's affair, if it is that zone.
        if "timezone" in asked and asked["timezone"] not in OTHER_SPELLINGS.values():
            wanted["timezone"] = asked["timezone"]
        for name, value in wanted.items():
            if got.get(name) != value:
                return Problem(f"expected {name} {quoted(value)}, got {quoted(got.get(name))}", name)
        return why_another_pattern(asked.get("cron"), expression(got))

    def as_judged(self, exchange):
        """As ``as_judged`` has the schedule that it tells."""
        told = exchange.answer.document if exchange.answer else {}
        judged = as_judged(told)
        if judged == told:
            return exchange
        return replace(exchange, answer=replace(exchange.answer, body=json.dumps(judged).encode()))

    def expected(self, body, stated):
        """Which patterns, zones, tasks and unusual keys are accepted is decided elsewhere."""
        document = strict_json(body)
        if not self.contract.keeps_schema(document):
            return Expected.REJECTED
        known = document["task"] == stated["schedule_task"] and document["cron"].endswith(" *")
        plain = is_plain_key(document[KEY]) and is_taken_everywhere(document)
        zoned = document.get("timezone", UTC) in (UTC, *STEADY)
        usual = is_plain_key(document.get("externalId", "x"))
        return Expected.ACCEPTED if known and plain and zoned and usual else Expected.OPEN

    def fresh(self, body, key):
        """A key of the run's."""
        return {**body, KEY: key()} if isinstance(body.get(KEY), str) else body

    def shape(self, body):
        """All but the key."""
        return repr({**body, KEY: ""} if isinstance(body, dict) else body)


def as_judged(schedule):
    """A schedule as its schema judges it: an externalId that is null is a warning of its own, and when comes what never
    comes is not judged.
    """
    if not isinstance(schedule, dict):
        return schedule
    kept = {name: value for name, value in schedule.items() if name != "externalId" or value is not None}
    pattern = expression(schedule)
    return kept if not isinstance(pattern, str) or cron.comes(pattern) else {**kept, "nextRun": SOME_DAY}


def expression(document):
    """The pattern of a schedule, as an answer has it."""
    generator = document.get("generator")
    return generator.get("expression") if isinstance(generator, dict) else None


def why_another_pattern(wanted, got):
    """What keeps ``got`` from being the pattern ``wanted``; white space that is no field's may be another."""
    if got == wanted or (isinstance(got, str) and isinstance(wanted, str) and is_spaced(wanted, got)):
        return None
    return Problem(f"expected generator.expression {quoted(wanted)}, got {quoted(got)}", "generator")


def is_spaced(wanted, got):
    """Whether ``wanted`` has more white space than a pattern needs, and ``got`` the same fields."""
    return wanted != " ".join(wanted.split()) and wanted.split() == got.split()


OPERATION = CreateSchedule(
    id="create_schedule",
    title="schedules API",
    document="create-schedule.openapi.yaml",
    operation_id="createSchedule",
    thing="schedule",
    things="schedules",
    facts=(Fact("schedule-task", str, "A scheduled task of the target: schedules are tested with it.", metavar="ID"),),
    needs=("schedule-task",),
    scopes=("write:schedules", "read:schedules", "admin"),
    aftermath="Their patterns are months away, a few of them hours, and they are removed at the end.",
    key_property=KEY,
    frugal=True,
    memory=NAMES,
    smoke=(
        "answers.valid_request_is_accepted",
        "authentication.missing_credential_is_refused",
        "authentication.wrong_key_is_refused",
        "bodies.malformed_json_is_rejected",
    ),
    new_owner="create_schedule.answers.ids_are_never_given_twice",
    as_asked_owner="create_schedule.answers.answer_has_what_the_request_asked_for",
    ids_owner="create_schedule.answers.ids_are_never_given_twice",
)
