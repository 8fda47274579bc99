"""The sound server of schedules: what it accepts, what it keeps, what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.create_schedule.cron import EVERY, FIELDS, Cron, CronReading
from trigger_conformance.reference.create_schedule.next_run import NextRuns, all_zones
from trigger_conformance.reference.create_schedule.store import Order, Schedule, Schedules, new_schedule_id
from trigger_conformance.reference.server import Handler, OperationServer, Problem
from trigger_conformance.reference.site import Environment

PATH = "/api/v1/schedules"
USUAL_ZONE = "UTC"
LONGEST_KEY = 2048
USUAL_PAGE = 20
LARGEST_PAGE = 100


class CreateScheduleServer(CronReading, NextRuns, OperationServer):
    """Answers ``/api/v1/schedules``, ``/api/v1/schedules/{schedule_id}`` and ``/api/v1/timezones``."""

    # 200 is its success, GET is another operation's, and what an error says of itself is nowhere documented.
    spared = frozenset(
        {
            "acceptance.answers_ok",
            "acceptance.error_messages_are_objects",
            "acceptance.errors_are_mislabelled",
            "acceptance.errors_have_no_message",
            "acceptance.validation_messages_are_lists",
            "http.get_creates",
            "variants.errors_are_problems",
        }
    )

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """As ``OperationServer.routes``."""
        return {
            PATH: {"POST": self.create_schedule, "GET": self.list_schedules},
            f"{PATH}/{{schedule_id}}": {"GET": self.retrieve_schedule, "DELETE": self.delete_schedule},
            "/api/v1/timezones": {"GET": self.list_timezones},
        }

    def run_options(self) -> list[str]:
        """As ``OperationServer.run_options``."""
        return [f"--schedule-task={self.settings.schedule_task}"]

    async def create_schedule(self, request: Request, environment: Environment) -> Response:
        """The answer to a create that its environment may send."""
        order = await self.order_of(request)
        schedule = await self.keep(environment, order)
        return self.success(environment, self.created_body(environment, order, schedule))

    async def list_schedules(self, request: Request, environment: Environment) -> Response:
        """A page of the environment's schedules."""
        page = self.page_number(request.query_params.get("page"))
        size = self.page_size(request.query_params.get("perPage"))
        return self.success(environment, self.page_body(environment, page, size))

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        """A schedule by its id."""
        schedule = self.named(environment, request.path_params["schedule_id"])
        return self.success(environment, self.schedule_body(environment, schedule))

    async def delete_schedule(self, request: Request, environment: Environment) -> Response:
        """The answer to the removal of a schedule."""
        schedule = self.named(environment, request.path_params["schedule_id"])
        self.remove(environment, schedule)
        return self.success(environment, self.deleted_body(schedule))

    async def list_timezones(self, request: Request, environment: Environment) -> Response:  # noqa: ARG002
        """The time zones that schedules may have."""
        return self.success(environment, {"timezones": self.listed_zones()})

    # What is accepted

    def validate(self, document: Any) -> Order:
        """The order that a body describes; raises Problem where it breaks CreateScheduleOptions."""
        if not isinstance(document, dict):
            raise Problem(400, "The body must be a JSON object")
        task, cron, key = (self.required_text(document, each) for each in ("task", "cron", "deduplicationKey"))
        external_id, timezone = (self.optional_text(document, each) for each in ("externalId", "timezone"))
        self.check_task(task)
        self.check_key(key)
        if timezone is not None:
            timezone = self.check_timezone(timezone)
        return Order(task, self.check_cron(cron, timezone or USUAL_ZONE), key, external_id, timezone)

    def required_text(self, document: dict[str, Any], name: str) -> str:
        """A property that must be there."""
        if name not in document:
            raise Problem(400, f"{name} is missing")
        return self.text(document[name], name)

    def optional_text(self, document: dict[str, Any], name: str) -> str | None:
        """A property that may be there."""
        return self.text(document[name], name) if name in document else None

    def text(self, value: object, name: str) -> str:
        """A property's value, which must be a string."""
        if not isinstance(value, str):
            raise Problem(400, f"{name} must be a string")
        return value

    def check_task(self, task: str) -> None:
        """Only the scheduled task that there is."""
        if task != self.settings.schedule_task:
            raise Problem(422, "task names no scheduled task of this environment")

    def check_key(self, key: str) -> None:
        """Only keys of a length that can be kept."""
        if len(key) > LONGEST_KEY:
            raise Problem(422, f"deduplicationKey is longer than {LONGEST_KEY} characters")

    def check_timezone(self, timezone: str) -> str:
        """Only names of zones, as they are spelt."""
        if not self.is_zone(timezone):
            raise Problem(422, "timezone names no time zone")
        return timezone

    def is_zone(self, timezone: str) -> bool:
        """Whether a text is the name of a zone."""
        return timezone in all_zones()

    def check_cron(self, text: str, timezone: str) -> Cron:
        """A pattern that comes some day."""
        cron = self.read_cron(text)
        if self.next_run(cron, timezone) is None:
            raise self.no_cron("it never comes")
        return cron

    def listed_zones(self) -> list[str]:
        """The time zones that are offered."""
        return sorted(all_zones())

    # Schedules

    def schedules(self, environment: Environment) -> Schedules:
        """The environment's schedules, by what their keys are remembered as."""
        return environment.store(Schedules)

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        """The schedule that the order makes or updates. There is no await in here, so one key cannot make two."""
        existing = self.find(environment, order)
        schedule = self.made(order) if existing is None else self.updated(existing, order)
        self.schedules(environment)[self.stored_key(order.key)] = schedule
        return schedule

    def find(self, environment: Environment, order: Order) -> Schedule | None:
        """The schedule that the order's key already names."""
        return self.schedules(environment).get(self.stored_key(order.key))

    def made(self, order: Order) -> Schedule:
        """A new schedule."""
        return self.as_ordered(self.new_id(), order)

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        """The schedule as the order wants it: what that leaves out is as in a new one."""
        return self.as_ordered(existing.id, order)

    def as_ordered(self, identity: str, order: Order) -> Schedule:
        """A schedule of an order."""
        zone = USUAL_ZONE if order.timezone is None else order.timezone
        return Schedule(identity, order.task, order.cron, order.key, order.external_id, zone)

    def stored_key(self, key: str) -> str:
        """What a key is remembered as."""
        return key

    def new_id(self) -> str:
        """A new schedule's id."""
        return new_schedule_id()

    def named(self, environment: Environment, identity: str) -> Schedule:
        """The schedule with an id; raises Problem where the environment has none."""
        found = next((each for each in self.visible(environment) if each.id == identity), None)
        if found is None:
            raise Problem(404, "There is no such schedule")
        return found

    def visible(self, environment: Environment) -> list[Schedule]:
        """The schedules that the environment's credential sees, in the order of their making."""
        return list(self.schedules(environment).values())

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        """Forget a schedule; its key is free."""
        schedules = self.schedules(environment)
        for key in [key for key, each in schedules.items() if each.id == schedule.id]:
            del schedules[key]

    # Pages

    def page_number(self, given: str | None) -> int:
        """Which page is asked for, from 1; the first where the request says nothing that can be counted."""
        return self.counted(given, 1)

    def page_size(self, given: str | None) -> int:
        """How many schedules a page has."""
        return min(self.counted(given, USUAL_PAGE), LARGEST_PAGE)

    def counted(self, given: str | None, usual: int) -> int:
        """A number of one or more, or the usual one."""
        is_number = given is not None and given.isascii() and given.isdigit() and len(given) < 10
        return int(given) if is_number and given and int(given) > 0 else usual

    def listed(self, environment: Environment) -> list[Schedule]:
        """What the list's pages have."""
        return self.visible(environment)

    def page_of(self, listed: list[Schedule], page: int, size: int) -> list[Schedule]:
        """One page."""
        return listed[(page - 1) * size : page * size]

    def total_pages(self, count: int, size: int) -> int:
        """How many pages there are."""
        return -(-count // size)

    # Answers

    def success(self, environment: Environment, body: object) -> Response:
        """200 with a body, and the limits."""
        return self.json(200, body, self.limit_headers(self.charge_nothing(environment)))

    def created_body(self, environment: Environment, order: Order, schedule: Schedule) -> dict[str, Any]:  # noqa: ARG002
        """What a create says of the schedule that it made or updated."""
        return self.schedule_body(environment, schedule)

    def listed_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        """What the list says of a schedule."""
        return self.schedule_body(environment, schedule)

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        """ScheduleObject."""
        body: dict[str, Any] = {
            "id": schedule.id,
            "task": schedule.task,
            "type": "IMPERATIVE",
            "active": True,
            "deduplicationKey": schedule.key,
            "generator": self.generator(schedule),
            "timezone": schedule.timezone,
            "nextRun": self.told(self.next_run(schedule.cron, schedule.timezone), schedule),
            "environments": self.environments_of(environment),
        }
        return body if schedule.external_id is None else {**body, "externalId": schedule.external_id}

    def generator(self, schedule: Schedule) -> dict[str, Any]:
        """The pattern, and what it says."""
        cron = schedule.cron
        return {"type": "CRON", "expression": cron.text, "description": self.description(cron)}

    def description(self, cron: Cron) -> str:
        """The pattern in plain English."""
        named = zip(FIELDS, self.cron_fields(cron.text), strict=False)
        return ", ".join(f"{field.name} {text}" for field, text in named if text != EVERY) or "every minute"

    def told(self, instant: datetime | None, schedule: Schedule) -> str | None:  # noqa: ARG002
        """A time as answers tell it."""
        return None if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def environments_of(self, environment: Environment) -> list[dict[str, Any]]:
        """The environments in which a schedule starts its task."""
        return [self.environment_body(environment)]

    def environment_body(self, environment: Environment) -> dict[str, Any]:
        """ScheduleEnvironment."""
        return {"id": f"env_{environment.name}", "type": environment.name.upper()}

    def page_body(self, environment: Environment, page: int, size: int) -> dict[str, Any]:
        """ListSchedulesResult."""
        listed = self.listed(environment)
        return {
            "data": [self.listed_body(environment, each) for each in self.page_of(listed, page, size)],
            "pagination": self.pagination(listed, page, size),
        }

    def pagination(self, listed: list[Schedule], page: int, size: int) -> dict[str, Any]:
        """Which page it is, and of how many."""
        return {"currentPage": page, "totalPages": self.total_pages(len(listed), size), "count": len(listed)}

    def deleted_body(self, schedule: Schedule) -> dict[str, Any]:
        """What a removal says."""
        return {"id": schedule.id}
