"""Races of several widths, and clients that are gone."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_schedule.server import CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Order, Schedule
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

RACE = "deduplication.concurrent_requests_with_one_key_make_one_schedule"
ABANDONED = "deduplication.abandoned_request_and_its_retry_make_one_schedule"
WHOLE = "deduplication.concurrent_requests_leave_one_whole"


class _Slow(CreateScheduleServer):
    """Looks a key up, loses some time, then makes a schedule: the last one has the key, others stay beside it."""

    width = 0.0

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        existing = self.find(environment, order)
        if existing is not None:
            return await super().keep(environment, order)
        await asyncio.sleep(self.width)
        return (
            self.lost(environment, order) if self.find(environment, order) else await super().keep(environment, order)
        )

    def lost(self, environment: Environment, order: Order) -> Schedule:
        """What a request makes that finds another one's schedule after it has looked in vain."""
        schedule = self.made(order)
        self.schedules(environment)[schedule.id] = schedule
        return schedule


@fault(RACE)
class RaceOf50Milliseconds(_Slow):
    """Check, then act 50 ms later."""

    width = 0.05


@fault(RACE)
class RaceOf5Milliseconds(_Slow):
    """Check, then act 5 ms later."""

    width = 0.005


@fault(RACE)
class RaceOfOneTurn(_Slow):
    """Check, then act one turn of the event loop later."""


@fault(RACE, "answers.never_a_server_error")
class LosersFail(_Slow):
    """A unique index catches the race, and its error is answered 500."""

    width = 0.005

    def lost(self, environment: Environment, order: Order) -> Schedule:  # noqa: ARG002
        raise Problem(500, "Unique constraint failed")


@fault(RACE)
class LosersConflict(_Slow):
    """Whoever comes while the first request is at work is answered 409."""

    width = 0.005

    def lost(self, environment: Environment, order: Order) -> Schedule:  # noqa: ARG002
        raise Problem(409, "A request with this deduplicationKey is in progress")


@fault(RACE)
class LosersReplace(_Slow):
    """Each racer replaces the other's schedule: one is left, and the answers name several."""

    width = 0.005

    def lost(self, environment: Environment, order: Order) -> Schedule:
        schedule = self.made(order)
        self.schedules(environment)[self.stored_key(order.key)] = schedule
        return schedule


@fault(WHOLE)
class LosersMixHalves(_Slow):
    """The losers of a race write their pattern, and leave the winner's zone and externalId."""

    width = 0.005

    def lost(self, environment: Environment, order: Order) -> Schedule:
        existing = self.find(environment, order)
        assert existing is not None
        schedule = replace(existing, cron=order.cron)
        self.schedules(environment)[self.stored_key(order.key)] = schedule
        return schedule


@fault(WHOLE)
class WritesPropertyByProperty(CreateScheduleServer):
    """An update writes one property after another, and another request comes between."""

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        is_new = self.find(environment, order) is None
        schedule = await super().keep(environment, order) if is_new else self.find(environment, order)
        assert schedule is not None
        wanted, key = self.as_ordered(schedule.id, order), self.stored_key(order.key)
        for change in ({"cron": wanted.cron}, {"timezone": wanted.timezone}, {"external_id": wanted.external_id}):
            await asyncio.sleep(random.random() * 0.006)
            schedule = replace(self.schedules(environment).get(key, schedule), **change)
            self.schedules(environment)[key] = schedule
        return schedule


@fault("deduplication.concurrent_requests_with_different_keys_make_different_schedules")
class MixesUpConcurrentOrders(CreateScheduleServer):
    """The current order is kept in one variable that all requests share."""

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        self.current = order
        await asyncio.sleep(0.002)
        return await super().keep(environment, replace(self.current, key=order.key))


@fault(
    "deduplication.concurrent_requests_with_different_keys_make_different_schedules",
    "list_and_delete.list_has_every_schedule",
)
class LosesConcurrentWrites(CreateScheduleServer):
    """Two requests that overlap read, change and write the same table, and one of them is lost."""

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        before = dict(self.schedules(environment))
        schedule = await super().keep(environment, order)
        table = {**before, self.stored_key(order.key): schedule}
        await asyncio.sleep(0.002)
        self.schedules(environment).clear()
        self.schedules(environment).update(table)
        return schedule


class _Watching(CreateScheduleServer):
    """Sees whether the client is still there when a schedule was made."""

    async def create_schedule(self, request: Request, environment: Environment) -> Response:
        order = await self.order_of(request)
        schedule = await self.keep(environment, order)
        await asyncio.sleep(0.005)
        if await request.is_disconnected():
            self.left(environment, schedule)
        return self.success(environment, self.created_body(environment, order, schedule))

    def left(self, environment: Environment, schedule: Schedule) -> None:
        """What is done with a schedule whose client has gone."""
        raise NotImplementedError


@fault(ABANDONED)
class AbandonedSchedulesLoseTheirKey(_Watching):
    """A key is remembered once its answer is out: what a client left has none, and its retry makes another."""

    def left(self, environment: Environment, schedule: Schedule) -> None:
        self.remove(environment, schedule)
        self.schedules(environment)[schedule.id] = schedule


@fault(ABANDONED)
class AbandonedKeysStayLocked(_Watching):
    """A key is locked while its schedule is made; where the client has gone, nobody unlocks it."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.locked: set[str] = set()

    def left(self, environment: Environment, schedule: Schedule) -> None:  # noqa: ARG002
        self.locked.add(schedule.key)

    def check_key(self, key: str) -> None:
        super().check_key(key)
        if key in self.locked:
            raise Problem(422, "A request with this deduplicationKey is in progress")


@fault(ABANDONED, "deduplication.second_request_answers_with_the_first_id")
class RetriesAreKnownByConnection(CreateScheduleServer):
    """A retry is known on the connection that brought its request, and makes another schedule on a new one."""

    async def create_schedule(self, request: Request, environment: Environment) -> Response:
        self.port = request.client.port if request.client else 0
        return await super().create_schedule(request, environment)

    def stored_key(self, key: str) -> str:
        return f"{getattr(self, 'port', 0)} {key}"
