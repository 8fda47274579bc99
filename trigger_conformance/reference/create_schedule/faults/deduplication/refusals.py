"""Requests that were rejected or refused, and changed something all the same."""

from __future__ import annotations

import contextlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_schedule.server import CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Order, Schedule
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

CHANGES = "deduplication.rejected_request_changes_nothing"
REFUSED = "deduplication.refused_request_changes_nothing"
REFUSED_CREATES = "authentication.refused_request_creates_nothing"
REJECTED_CREATES = "bodies.rejected_body_creates_nothing"


def text_of(document: Any, name: str) -> str:
    """A body's property, where it is a text."""
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, str) else ""


class _Rejecting(CreateScheduleServer):
    """Does something of its own with a body that it rejects."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.home = site.environments[0]

    async def answer(self, request: Request, environment: Environment) -> Response:
        self.home = environment
        return await super().answer(request, environment)

    def validate(self, document: Any) -> Order:
        try:
            return super().validate(document)
        except Problem:
            with contextlib.suppress(Problem):
                self.rejected(document)
            raise

    def rejected(self, document: Any) -> None:
        raise NotImplementedError


class _RejectingInPart(_Rejecting):
    """Carries out what is left of a rejected body without what was wrong."""

    names: tuple[str, ...] = ()
    is_new_made = False

    def rejected(self, document: Any) -> None:
        sent = document if isinstance(document, dict) else {}
        kept = {name: value for name, value in sent.items() if name not in self.names}
        order = super(_Rejecting, self).validate({"task": self.settings.schedule_task, "cron": "0 0 1 1 *", **kept})
        existing = self.find(self.home, order)
        if existing is not None:
            self.schedules(self.home)[self.stored_key(order.key)] = self.updated(existing, order)
        elif self.is_new_made:
            self.schedules(self.home)[self.stored_key(order.key)] = self.made(order)


@fault(CHANGES)
class WritesThePatternBeforeTheZone(_RejectingInPart):
    """A known key's pattern is written before the zone is looked at, which is rejected."""

    names = ("timezone",)


@fault(CHANGES)
class WritesTheZoneBeforeThePattern(_RejectingInPart):
    """A known key's zone is written before the pattern is looked at, which is rejected."""

    names = ("cron",)


@fault(CHANGES)
class WritesBeforeTheTask(_RejectingInPart):
    """A known key's schedule is written before the task is looked for, which there is not."""

    names = ("task",)


@fault(REJECTED_CREATES)
class MakesWhatHasABadZone(_RejectingInPart):
    """A request with a bad zone is rejected, after its schedule was made in UTC."""

    names, is_new_made = ("timezone",), True


@fault("cron.rejected_pattern_creates_nothing")
class MakesWhatHasABadPattern(_RejectingInPart):
    """A request with a bad pattern is rejected, after its schedule was made."""

    names, is_new_made = ("cron",), True


@fault(CHANGES)
class RejectionsDeleteTheSchedule(_Rejecting):
    """A rejected request with a known key deletes its schedule: the cleanup of a failed create."""

    def rejected(self, document: Any) -> None:
        for each in self.visible(self.home):
            if each.key == text_of(document, "deduplicationKey"):
                self.remove(self.home, each)


@fault("answers.schedule_is_active")
class RejectionsSwitchOff(_Rejecting):
    """A rejected request with a known key leaves its schedule switched off."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.off: set[str] = set()

    def rejected(self, document: Any) -> None:
        self.off.add(text_of(document, "deduplicationKey"))

    def schedule_body(self, environment: Environment, schedule: Any) -> dict[str, Any]:
        return {**super().schedule_body(environment, schedule), "active": schedule.key not in self.off}


@fault("deduplication.key_is_free_after_a_delete")
class RejectionsUseUpTheKey(_Rejecting):
    """A key that came with a rejected request is refused from then on."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.used: set[str] = set()

    def rejected(self, document: Any) -> None:
        self.used.add(text_of(document, "deduplicationKey"))

    def check_key(self, key: str) -> None:
        super().check_key(key)
        if key in self.used:
            raise Problem(422, "deduplicationKey was rejected before")


@fault(CHANGES)
class UpdatesSkipValidation(CreateScheduleServer):
    """A known key's request is not validated: a bad pattern is daily."""

    def validate(self, document: Any) -> Order:
        try:
            return super().validate(document)
        except Problem:
            keys = {each.key for home in self.environments for each in self.visible(home)}
            if text_of(document, "deduplicationKey") not in keys:
                raise
            return super().validate({**document, "cron": "0 0 * * *", "timezone": "UTC"})


class _BeforeAuthentication(CreateScheduleServer):
    """Does something with the body of a request before it looks at the credential."""

    async def handle(self, request: Request) -> Response:
        if request.method == "POST" and self.authenticate(request) is None:
            with contextlib.suppress(Problem):
                answer = await self.refused(request, self.validate(self.parse(await request.body())))
                if answer is not None:
                    return answer
        return await super().handle(request)

    async def refused(self, request: Request, order: Order) -> Response | None:
        raise NotImplementedError


@fault(REFUSED)
class RefusedRequestsUpdate(_BeforeAuthentication):
    """A known key's schedule is updated before the credential is looked at."""

    async def refused(self, request: Request, order: Order) -> Response | None:  # noqa: ARG002
        for environment in self.environments:
            if self.find(environment, order) is not None:
                await self.keep(environment, order)
        return None


@fault(REFUSED_CREATES)
class RefusedRequestsMake(_BeforeAuthentication):
    """A schedule is made before the credential is looked at."""

    async def refused(self, request: Request, order: Order) -> Response | None:  # noqa: ARG002
        await self.keep(self.environments[0], order)
        return None


@fault(REFUSED)
class RefusedRequestsDelete(_BeforeAuthentication):
    """A refused request with a known key ends its schedule: access is taken for withdrawn."""

    async def refused(self, request: Request, order: Order) -> Response | None:  # noqa: ARG002
        for environment in self.environments:
            existing = self.find(environment, order)
            if existing is not None:
                self.remove(environment, existing)
        return None


class _Unauthenticated(CreateScheduleServer):
    """Answers some methods without a credential."""

    method = ""

    async def handle(self, request: Request) -> Response:
        if request.method == self.method and self.authenticate(request) is None:
            try:
                return await self.answer(request, self.environments[0])
            except Problem as problem:
                return self.error(problem.status, problem.message)
        return await super().handle(request)


@fault("list_and_delete.looking_needs_a_credential")
class SeeingNeedsNoCredential(_Unauthenticated):
    """A GET needs no credential: the middleware stands before POST only."""

    method = "GET"


@fault("list_and_delete.removing_needs_a_credential")
class RemovingNeedsNoCredential(_Unauthenticated):
    """A DELETE needs no credential."""

    method = "DELETE"


@fault("deduplication.key_is_free_after_a_delete")
class RejectedRequestsBringBack(_Rejecting):
    """A rejected request with the key of a removed schedule brings that back: it is restored before it is changed."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.graves: dict[str, Schedule] = {}

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        self.graves[schedule.key] = schedule

    def rejected(self, document: Any) -> None:
        schedule = self.graves.pop(text_of(document, "deduplicationKey"), None)
        if schedule is not None:
            self.schedules(self.home)[schedule.key] = schedule


@fault(CHANGES)
class RejectedPatternsPause(_Rejecting):
    """A rejected pattern leaves the schedule of its key inactive: it is paused while it is changed."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.paused: set[str] = set()

    def rejected(self, document: Any) -> None:
        self.paused.add(text_of(document, "deduplicationKey"))

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        return {**super().schedule_body(environment, schedule), "active": schedule.key not in self.paused}


@fault("authentication.known_key_is_no_credential")
class KnownKeysNeedNoCredential(_BeforeAuthentication):
    """A known key's request is answered whoever asks: what is cached stands in front of authentication."""

    async def refused(self, request: Request, order: Order) -> Response | None:
        home = next((each for each in self.environments if self.find(each, order)), None)
        return None if home is None else await self.create_schedule(request, home)
