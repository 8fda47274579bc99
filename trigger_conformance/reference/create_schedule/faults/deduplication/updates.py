"""What a second request with a key does, and later ones, and what a delete leaves of a key."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import Any

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_schedule.server import USUAL_ZONE, CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Order, Schedule
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

UPDATES = "deduplication.second_request_updates_the_schedule"

TENTH = "deduplication.tenth_request_is_as_the_second"
FREE = "deduplication.key_is_free_after_a_delete"
SAME_ID = "deduplication.second_request_answers_with_the_first_id"


@fault(SAME_ID)
class KeysAreIgnored(CreateScheduleServer):
    """A second request with a key makes a second schedule: the key is a property as any other."""

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        schedule = self.made(order)
        self.schedules(environment)[schedule.id] = schedule
        return schedule


class _Counting(CreateScheduleServer):
    """Knows how many requests a key has had."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.requests: Counter[str] = Counter()

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        self.requests[order.key] += 1
        return await super().keep(environment, order)

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        del self.requests[schedule.key]


@fault(TENTH)
class ThirdRequestMakesAnother(_Counting):
    """The third request with a key makes a new schedule, beside the one that is there."""

    def find(self, environment: Environment, order: Order) -> Schedule | None:
        existing = super().find(environment, order)
        if existing is not None and self.requests[order.key] == 3:
            self.schedules(environment)[existing.id] = existing
            return None
        return existing


@fault(TENTH, "answers.valid_request_is_accepted")
class FifthRequestIsRefused(_Counting):
    """From the fifth request on, a key is refused."""

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        if self.requests[order.key] >= 4:
            raise Problem(422, "deduplicationKey was used too often")
        return await super().keep(environment, order)


@fault(TENTH)
class TenthRequestMakesAnother(_Counting):
    """The tenth request with a key makes a new schedule in place of the old."""

    def find(self, environment: Environment, order: Order) -> Schedule | None:
        return None if self.requests[order.key] == 10 else super().find(environment, order)


@fault(SAME_ID)
class SecondRequestReplaces(CreateScheduleServer):
    """A second request deletes the schedule and makes another, with another id: REPLACE INTO."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:  # noqa: ARG002
        return self.made(order)


@fault(SAME_ID, "answers.valid_request_is_accepted")
class SecondRequestIsRefused(CreateScheduleServer):
    """A second request with a key is answered 409."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:  # noqa: ARG002
        raise Problem(409, "There is a schedule with this deduplicationKey")


@fault(SAME_ID, "answers.never_a_server_error")
class SecondRequestFails(CreateScheduleServer):
    """A second request with a key is answered 500: the unique index is not expected."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:  # noqa: ARG002
        raise Problem(500, "Unique constraint failed")


@fault(UPDATES)
class SecondRequestChangesNothing(CreateScheduleServer):
    """A second request with a key is answered with the schedule as it was, as an idempotency key would be."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:  # noqa: ARG002
        return existing


@fault(UPDATES)
class SecondRequestIsNotStored(CreateScheduleServer):
    """A second request with a key is answered with what it asked for, which is not stored."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:  # noqa: ARG002
        return existing

    def created_body(self, environment: Environment, order: Order, schedule: Schedule) -> dict[str, Any]:
        return super().created_body(environment, order, self.as_ordered(schedule.id, order))


@fault("answers.answer_has_what_the_request_asked_for")
class SecondRequestAnswersTheOld(CreateScheduleServer):
    """A second request with a key is answered with the schedule as it was, which is updated then."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        self.before = existing
        return super().updated(existing, order)

    def created_body(self, environment: Environment, order: Order, schedule: Schedule) -> dict[str, Any]:
        before: Schedule | None = getattr(self, "before", None)
        self.before = schedule
        return super().created_body(environment, order, before if before and before.id == schedule.id else schedule)


class _Keeping(CreateScheduleServer):
    """Keeps some of what a schedule had."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        return replace(super().updated(existing, order), **self.kept(existing))

    def kept(self, existing: Schedule) -> dict[str, Any]:
        raise NotImplementedError


@fault(UPDATES)
class SecondRequestKeepsThePattern(_Keeping):
    """A second request changes all but the pattern."""

    def kept(self, existing: Schedule) -> dict[str, Any]:
        return {"cron": existing.cron}


@fault(UPDATES)
class SecondRequestKeepsTheZone(_Keeping):
    """A second request changes all but the time zone."""

    def kept(self, existing: Schedule) -> dict[str, Any]:
        return {"timezone": existing.timezone}


@fault(UPDATES)
class SecondRequestKeepsTheExternalId(_Keeping):
    """A second request changes all but the externalId."""

    def kept(self, existing: Schedule) -> dict[str, Any]:
        return {"external_id": existing.external_id}


@fault(UPDATES)
class SecondRequestDropsTheExternalId(_Keeping):
    """A second request's externalId is dropped, and the first one's too."""

    def kept(self, existing: Schedule) -> dict[str, Any]:  # noqa: ARG002
        return {"external_id": None}


@fault(UPDATES)
class SecondRequestIsInUtc(_Keeping):
    """A second request's zone is dropped: the schedule is in UTC."""

    def kept(self, existing: Schedule) -> dict[str, Any]:  # noqa: ARG002
        return {"timezone": USUAL_ZONE}


@fault(UPDATES)
class ExternalIdsAreNoChange(CreateScheduleServer):
    """A request that brings the same times changes nothing, its externalId neither."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        is_same = (order.cron, order.timezone) == (existing.cron, existing.timezone)
        return existing if is_same else super().updated(existing, order)


@fault("answers.schedule_is_active")
class SecondRequestSwitchesOff(CreateScheduleServer):
    """A schedule that was updated is not active."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.off: set[str] = set()

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        self.off.add(existing.id)
        return super().updated(existing, order)

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        return {**super().schedule_body(environment, schedule), "active": schedule.id not in self.off}


@fault(UPDATES)
class OnlyTheFirstUpdateCounts(_Counting):
    """From the third request on a key's schedule stays as it is."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        return super().updated(existing, order) if self.requests[order.key] == 2 else existing


@fault(TENTH, "deduplication.no_key_ever_named_two_schedules")
class KnowsTheLastTenKeys(CreateScheduleServer):
    """Of keys the ten that were used last are known; older schedules stay, under no key."""

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        schedule = await super().keep(environment, order)
        schedules = self.schedules(environment)
        keyed = [key for key, each in schedules.items() if key != each.id]
        for key in keyed[:-10]:
            older = schedules.pop(key)
            schedules[older.id] = older
        return schedule


@fault("deduplication.no_key_ever_named_two_schedules")
class KnowsKeysForTwoSeconds(CreateScheduleServer):
    """A key is known for two seconds after it was used last: older schedules stay, under no key."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.used: dict[str, float] = {}

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        schedules, key = self.schedules(environment), self.stored_key(order.key)
        if key in schedules and time.monotonic() - self.used.get(key, 0.0) > 2:
            older = schedules.pop(key)
            schedules[older.id] = older
        self.used[key] = time.monotonic()
        return await super().keep(environment, order)


@fault(FREE)
class DeletedKeysComeBack(CreateScheduleServer):
    """A key's schedule comes back with its old id when the key is used after a delete."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.ids: dict[str, str] = {}

    def made(self, order: Order) -> Schedule:
        made = super().made(order)
        return replace(made, id=self.ids.setdefault(order.key, made.id))


@fault(FREE)
class DeletedKeysAreRefused(CreateScheduleServer):
    """A key is refused after a delete: the unique index has the deleted row too."""

    status = 422

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.used: set[str] = set()

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        self.used.add(schedule.key)

    def check_key(self, key: str) -> None:
        super().check_key(key)
        if key in self.used:
            raise Problem(self.status, "deduplicationKey was used before")


@fault(FREE, "answers.never_a_server_error")
class DeletedKeysFail(DeletedKeysAreRefused):
    """A key is answered 500 after a delete."""

    status = 500


@fault(FREE)
class DeletedKeysMakeNothing(CreateScheduleServer):
    """After a delete a key updates the deleted schedule, which nobody sees."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.gone: dict[str, Schedule] = {}

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        self.gone[schedule.key] = schedule

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        gone = self.gone.get(order.key)
        return await super().keep(environment, order) if gone is None else self.updated(gone, order)


@fault(FREE)
class DeletedKeysBringTheirExternalId(CreateScheduleServer):
    """After a delete a key's new schedule has the old one's externalId where the request has none."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.gone: dict[str, str | None] = {}

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        self.gone[schedule.key] = schedule.external_id

    def made(self, order: Order) -> Schedule:
        made = super().made(order)
        return replace(made, external_id=made.external_id or self.gone.get(order.key))


@fault(FREE)
class ThirdScheduleHasTheFirstId(CreateScheduleServer):
    """The third schedule of a key has the first one's id: of several tombstones the oldest is taken up again."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.graves: dict[str, list[Schedule]] = {}

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        self.graves.setdefault(schedule.key, []).append(schedule)

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        schedule = await super().keep(environment, order)
        removed = [each.id for each in self.graves.get(order.key, ())]
        if len(removed) < 2 or schedule.id in removed:
            return schedule
        self.schedules(environment)[order.key] = replace(schedule, id=removed[0])
        return self.schedules(environment)[order.key]


@fault(TENTH, "cron.patterns_are_seen_as_sent")
class FastUpdatesAreDropped(CreateScheduleServer):
    """From the sixth update within two seconds on a schedule's updates are answered and not kept: a debounce."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.updates: dict[str, list[float]] = {}

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        existing = self.find(environment, order)
        if existing is None:
            return await super().keep(environment, order)
        now = time.monotonic()
        recent = [each for each in self.updates.get(existing.id, ()) if now - each < 2]
        self.updates[existing.id] = [*recent, now]
        return self.updated(existing, order) if len(recent) > 4 else await super().keep(environment, order)


@fault("deduplication.second_request_is_seen_in_the_list")
class ListIsKeptWhileNothingIsMade(CreateScheduleServer):
    """The list is remembered until a schedule is made or removed, not until one is updated."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.pages: dict[tuple[object, ...], dict[str, Any]] = {}

    def page_body(self, environment: Environment, page: int, size: int) -> dict[str, Any]:
        there = (environment.name, page, size, *(each.id for each in self.visible(environment)))
        return self.pages.setdefault(there, super().page_body(environment, page, size))
