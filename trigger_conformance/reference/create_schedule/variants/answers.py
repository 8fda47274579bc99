"""Answers, lists and pages, where the contract leaves them open."""

from __future__ import annotations

import itertools
import secrets
import string
import uuid
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_schedule.cron import Cron
from trigger_conformance.reference.create_schedule.server import USUAL_PAGE, CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Schedule, Schedules
from trigger_conformance.reference.server import Handler, Problem
from trigger_conformance.reference.site import Environment, Site


@variant
class RejectionsAre400(CreateScheduleServer):
    """Whatever is rejected is answered 400."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(400 if status == 422 else status, message, headers)


@variant
class RejectionsAre422(CreateScheduleServer):
    """Whatever is rejected is answered 422, what is no JSON too."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(422 if status == 400 else status, message, headers)


@variant
class TellsEverythingAtLength(CreateScheduleServer):
    """A description of a pattern has 5,000 characters, and an id 200."""

    def new_id(self) -> str:
        return super().new_id() + secrets.token_hex(84)

    def description(self, cron: Cron) -> str:
        return f"{super().description(cron)}. ".ljust(5000, "-")


@variant
class IdsAreOfAnotherAlphabet(CreateScheduleServer):
    """Ids have letters of both cases, digits, dashes and underscores."""

    def new_id(self) -> str:
        return "sched_" + "".join(secrets.choice(f"{string.ascii_letters}{string.digits}-_") for _ in range(21))


@variant
class IdsAreUuids(CreateScheduleServer):
    """Ids end in a UUID."""

    def new_id(self) -> str:
        return f"sched_{uuid.uuid4()}"


@variant
class IdsCount(CreateScheduleServer):
    """Ids end in a number, which is never given again."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.numbers = itertools.count(1)

    def new_id(self) -> str:
        return f"sched_{next(self.numbers)}"


@variant
class AnswersHaveMore(CreateScheduleServer):
    """Answers have properties that no document names."""

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        more: dict[str, Any] = {
            "friendlyId": schedule.id,
            "projectId": "proj_reference",
            "lastRun": None,
            "instances": [],
        }
        return {**super().schedule_body(environment, schedule), **more}


@variant
class EnvironmentsHaveUserNames(CreateScheduleServer):
    """An environment says whose it is."""

    def environment_body(self, environment: Environment) -> dict[str, Any]:
        return {**super().environment_body(environment), "userName": "reference", "slug": environment.name[:4]}


@variant
class EnvironmentsHaveIdsAlone(CreateScheduleServer):
    """An environment is its id."""

    def environment_body(self, environment: Environment) -> dict[str, Any]:
        return {"id": super().environment_body(environment)["id"]}


@variant
class DeleteHasNoBody(CreateScheduleServer):
    """A delete is answered 200 without a body."""

    async def delete_schedule(self, request: Request, environment: Environment) -> Response:
        await super().delete_schedule(request, environment)
        return Response(status_code=200)


@variant
class DeleteTellsTheSchedule(CreateScheduleServer):
    """A delete is answered with the schedule that is gone."""

    async def delete_schedule(self, request: Request, environment: Environment) -> Response:
        schedule = self.named(environment, request.path_params["schedule_id"])
        await super().delete_schedule(request, environment)
        return self.success(environment, self.schedule_body(environment, schedule))


@variant
class NewestFirst(CreateScheduleServer):
    """The list begins with what was made last."""

    def listed(self, environment: Environment) -> list[Schedule]:
        return super().listed(environment)[::-1]


@variant
class ListedById(CreateScheduleServer):
    """The list is in the order of ids, so that what is made comes anywhere in it."""

    def listed(self, environment: Environment) -> list[Schedule]:
        return sorted(super().listed(environment), key=lambda each: each.id)


@variant
class PerPageIsIgnored(CreateScheduleServer):
    """A page has twenty schedules, whatever is asked for."""

    def page_size(self, given: str | None) -> int:  # noqa: ARG002
        return USUAL_PAGE


@variant
class PagesOfTenAtMost(CreateScheduleServer):
    """A page has ten schedules at most."""

    def page_size(self, given: str | None) -> int:
        return min(super().page_size(given), 10)


@variant
class PagesOfAThousand(CreateScheduleServer):
    """A page has a thousand schedules at most, and usually so many."""

    def page_size(self, given: str | None) -> int:
        return min(self.counted(given, 1000), 1000)


@variant
class AnEmptyListHasAPage(CreateScheduleServer):
    """An empty list has one page."""

    def total_pages(self, count: int, size: int) -> int:
        return max(1, super().total_pages(count, size))


@variant
class CountIsThePages(CreateScheduleServer):
    """count is how many the page has."""

    def pagination(self, listed: list[Schedule], page: int, size: int) -> dict[str, Any]:
        count = len(self.page_of(listed, page, size))
        return {**super().pagination(listed, page, size), "count": count}


@variant
class PagesDoNotSayWhichTheyAre(CreateScheduleServer):
    """A page says how many there are, and nothing else."""

    def pagination(self, listed: list[Schedule], page: int, size: int) -> dict[str, Any]:
        return {"totalPages": super().pagination(listed, page, size)["totalPages"]}


@variant
class HeadIsAnsweredAsGet(CreateScheduleServer):
    """HEAD is answered as GET is, without a body (RFC 9110 9.3.2), as many frameworks do by themselves."""

    def handler(self, request: Request) -> Handler | None:
        is_head = request.method == "HEAD"
        return self.methods_of(request).get("GET") if is_head else super().handler(request)


@variant
class InvalidPagesAre400(CreateScheduleServer):
    """A page, or a perPage, that is no number of one or more is answered 400."""

    def counted(self, given: str | None, usual: int) -> int:
        found = super().counted(given, usual)
        if given is not None and str(found) != given:
            raise Problem(400, "page and perPage are numbers of one or more")
        return found


@variant
class TooManyAPageAre400(CreateScheduleServer):
    """A perPage of more than a hundred is answered 400."""

    def page_size(self, given: str | None) -> int:
        if self.counted(given, USUAL_PAGE) > 100:
            raise Problem(400, "perPage is 100 at most")
        return super().page_size(given)


@variant
class PagesBeyondTheLastAreTheLast(CreateScheduleServer):
    """A page beyond the last is the last."""

    def page_of(self, listed: list[Schedule], page: int, size: int) -> list[Schedule]:
        return super().page_of(listed, min(page, max(1, self.total_pages(len(listed), size))), size)


@variant
class OthersAreThere(CreateScheduleServer):
    """There are schedules that stand in the tasks' code, which have no key, and others that people made."""

    def schedules(self, environment: Environment) -> Schedules:
        kept = super().schedules(environment)
        return kept if kept else self.begun(environment, kept)

    def begun(self, environment: Environment, kept: Schedules) -> Schedules:
        """What an environment has from its beginning."""
        for number in range(45):
            cron = self.read_cron(f"{number} 3 1 {1 + number % 12} *")
            identity = f"sched_{environment.name}{number:03}"
            kept[identity] = Schedule(identity, self.settings.schedule_task, cron, f"made-{number}", None, "UTC")
        return kept

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        body = super().schedule_body(environment, schedule)
        if schedule.key.startswith("made-") and int(schedule.key[5:]) % 2:
            del body["deduplicationKey"]
            return {**body, "type": "DECLARATIVE", "task": "another-task"}
        return body


@variant
class PropertiesAreInAnotherOrder(CreateScheduleServer):
    """A schedule's properties are in another order."""

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        body = super().schedule_body(environment, schedule)
        return dict(sorted(body.items(), reverse=True))


@variant
class SchedulesAreCopied(CreateScheduleServer):
    """Whoever sees a schedule sees a copy of it, read anew each time."""

    def visible(self, environment: Environment) -> list[Schedule]:
        return [replace(each, cron=self.read_cron(each.cron.text)) for each in super().visible(environment)]
