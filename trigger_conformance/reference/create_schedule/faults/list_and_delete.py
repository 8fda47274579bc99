"""Lists, pages, and what a delete leaves."""

from __future__ import annotations

import asyncio
import random
import re
import time
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_schedule.server import USUAL_PAGE, CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Order, Schedule, Schedules
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

ONCE = "list_and_delete.list_has_each_schedule_once"
PAGES = "list_and_delete.total_pages_have_the_list"

GONE = "list_and_delete.deleted_schedule_is_404"
OTHERS = "list_and_delete.delete_removes_no_other"
INVALID = "list_and_delete.odd_pages_never_fail_the_server"
UNKNOWN = "list_and_delete.unknown_id_is_404"
SCHEMA = "answers.accepted_answers_satisfy_the_schema"
LISTED = "list_and_delete.created_schedule_is_in_the_list"
ALL = "list_and_delete.list_has_every_schedule"
OTHER_SIZE = "list_and_delete.pages_of_another_size_have_the_same"


class _Removing(CreateScheduleServer):
    """Forgets deleted schedules in part."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.deleted: dict[str, Schedule] = {}

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        self.deleted[schedule.id] = schedule


@fault("list_and_delete.deleted_schedule_is_in_no_page")
class DeletedStaysInTheList(_Removing):
    """A deleted schedule stays in the list."""

    def listed(self, environment: Environment) -> list[Schedule]:
        return [*super().listed(environment), *self.deleted.values()]


@fault(GONE)
class DeletedStaysById(_Removing):
    """A deleted schedule is still found by its id."""

    def named(self, environment: Environment, identity: str) -> Schedule:
        return self.deleted[identity] if identity in self.deleted else super().named(environment, identity)


@fault(GONE, "list_and_delete.deleted_schedule_is_in_no_page")
class DeletedIsInactive(_Removing):
    """A deleted schedule is there, and not active."""

    def visible(self, environment: Environment) -> list[Schedule]:
        return [*super().visible(environment), *self.deleted.values()]

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        return {**super().schedule_body(environment, schedule), "active": schedule.id not in self.deleted}


@fault(GONE, "list_and_delete.deleted_schedule_is_in_no_page")
class DeleteDoesNothing(CreateScheduleServer):
    """A delete is answered 200, and nothing is gone."""

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        pass


@fault(GONE, "list_and_delete.deleted_schedule_is_in_no_page")
class DeleteComesLater(CreateScheduleServer):
    """A delete takes effect with the request after the next."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.marked: list[tuple[int, Environment, Schedule]] = []
        self.turn = 0

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        self.marked.append((self.turn + 3, environment, schedule))

    async def answer(self, request: Request, environment: Environment) -> Response:
        self.turn += 1
        for due, home, schedule in self.marked:
            if due <= self.turn:
                super().remove(home, schedule)
        self.marked = [each for each in self.marked if each[0] > self.turn]
        return await super().answer(request, environment)


class _Deleting(CreateScheduleServer):
    """Answers a delete with another status."""

    status = 200

    async def delete_schedule(self, request: Request, environment: Environment) -> Response:
        done = await super().delete_schedule(request, environment)
        return (
            Response(status_code=self.status)
            if self.status == 204
            else self.json(self.status, {}, [])
            if done
            else done
        )


@fault("list_and_delete.delete_is_answered_200")
class DeleteIs204(_Deleting):
    """A delete is answered 204."""

    status = 204


@fault("list_and_delete.delete_is_answered_200")
class DeleteIs202(_Deleting):
    """A delete is answered 202."""

    status = 202


@fault(GONE)
class DeletedIs410(_Removing):
    """A schedule that was deleted is answered 410."""

    def named(self, environment: Environment, identity: str) -> Schedule:
        if identity in self.deleted:
            raise Problem(410, "The schedule was deleted")
        return super().named(environment, identity)


@fault(GONE)
class DeletedIs200AndNull(_Removing):
    """A schedule that was deleted is answered 200, with null."""

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        if request.path_params["schedule_id"] in self.deleted:
            return self.json(200, None, [])
        return await super().retrieve_schedule(request, environment)


class _DeletingMore(CreateScheduleServer):
    """Removes others too."""

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        for each in self.visible(environment):
            if each.id == schedule.id or self.goes_too(each, schedule):
                super().remove(environment, each)

    def goes_too(self, other: Schedule, schedule: Schedule) -> bool:
        raise NotImplementedError


@fault(OTHERS)
class DeleteTakesAll(_DeletingMore):
    """A delete has no condition: all that the environment has is gone."""

    def goes_too(self, other: Schedule, schedule: Schedule) -> bool:  # noqa: ARG002
        return True


@fault(OTHERS)
class DeleteTakesKeysThatBeginSo(_DeletingMore):
    """A delete takes every schedule whose key begins with the deleted one's."""

    def goes_too(self, other: Schedule, schedule: Schedule) -> bool:
        return other.key.startswith(schedule.key)


@fault(OTHERS)
class DeleteTakesTheSameExternalId(_DeletingMore):
    """A delete takes every schedule with the deleted one's externalId."""

    def goes_too(self, other: Schedule, schedule: Schedule) -> bool:
        return schedule.external_id is not None and other.external_id == schedule.external_id


@fault(OTHERS)
class DeleteTakesTheSamePattern(_DeletingMore):
    """Schedules with one pattern share a timer, and a delete takes all of them."""

    def goes_too(self, other: Schedule, schedule: Schedule) -> bool:
        return (other.cron, other.timezone) == (schedule.cron, schedule.timezone)


@fault(OTHERS, GONE)
class DeleteTakesTheLast(CreateScheduleServer):
    """A delete takes the schedule that was made last."""

    def remove(self, environment: Environment, schedule: Schedule) -> None:  # noqa: ARG002
        super().remove(environment, self.visible(environment)[-1])


class _Paging(CreateScheduleServer):
    """Cuts pages in its own way."""

    overlap = 0

    def page_of(self, listed: list[Schedule], page: int, size: int) -> list[Schedule]:
        first = max(0, (page - 1) * (size - self.overlap))
        return listed[first : first + size]


@fault(OTHER_SIZE)
class PagesOverlap(_Paging):
    """The last schedule of a page is the first of the next."""

    overlap = 1


@fault(OTHER_SIZE)
class PagesHaveGaps(_Paging):
    """Between two pages a schedule is missing."""

    overlap = -1


@fault(LISTED, ALL)
class PagesCountFrom0(CreateScheduleServer):
    """Page 1 is the second."""

    def page_of(self, listed: list[Schedule], page: int, size: int) -> list[Schedule]:
        return super().page_of(listed, page + 1, size)


@fault(OTHER_SIZE)
class PagesAreAllTheFirst(CreateScheduleServer):
    """page has no effect."""

    def page_of(self, listed: list[Schedule], page: int, size: int) -> list[Schedule]:  # noqa: ARG002
        return super().page_of(listed, 1, size)


@fault(OTHER_SIZE)
class PagesAreOfAnyOrder(CreateScheduleServer):
    """The list has no order of its own, and each page another."""

    def listed(self, environment: Environment) -> list[Schedule]:
        return random.sample(super().listed(environment), len(super().listed(environment)))


@fault(OTHER_SIZE)
class PagesEndBeforeTheirLast(CreateScheduleServer):
    """A full page lacks its last."""

    def page_of(self, listed: list[Schedule], page: int, size: int) -> list[Schedule]:
        return super().page_of(listed, page, size)[: max(1, size - 1)]


@fault(OTHER_SIZE)
class PerPageMovesNothing(CreateScheduleServer):
    """perPage says how many a page has, and pages begin where those of the usual size do."""

    def page_of(self, listed: list[Schedule], page: int, size: int) -> list[Schedule]:
        first = (page - 1) * USUAL_PAGE
        return listed[first : first + size]


@fault(PAGES, OTHER_SIZE)
class LastPageIsMissing(CreateScheduleServer):
    """totalPages counts full pages only."""

    def total_pages(self, count: int, size: int) -> int:
        return count // size


@fault(PAGES)
class OnePageTooMany(CreateScheduleServer):
    """totalPages is one too many."""

    def total_pages(self, count: int, size: int) -> int:
        return super().total_pages(count, size) + 1


@fault(PAGES)
class FullPagesNeedAnother(CreateScheduleServer):
    """totalPages is one too many where the last page is full."""

    def total_pages(self, count: int, size: int) -> int:
        return count // size + 1


@fault(PAGES)
class PagesAreCountedByTheUsualSize(CreateScheduleServer):
    """totalPages is counted without perPage."""

    def total_pages(self, count: int, size: int) -> int:  # noqa: ARG002
        return super().total_pages(count, USUAL_PAGE)


@fault(PAGES)
class TotalPagesIsMissing(CreateScheduleServer):
    """There is no totalPages."""

    def pagination(self, listed: list[Schedule], page: int, size: int) -> dict[str, Any]:
        told = super().pagination(listed, page, size)
        del told["totalPages"]
        return told


@fault("list_and_delete.current_page_is_the_one_asked_for")
class CurrentPageIs1(CreateScheduleServer):
    """currentPage is always 1."""

    def pagination(self, listed: list[Schedule], page: int, size: int) -> dict[str, Any]:
        return {**super().pagination(listed, page, size), "currentPage": 1}


@fault("list_and_delete.pages_satisfy_the_schema")
class PaginationHasTexts(CreateScheduleServer):
    """totalPages and count are texts."""

    def pagination(self, listed: list[Schedule], page: int, size: int) -> dict[str, Any]:
        return {name: str(value) for name, value in super().pagination(listed, page, size).items()}


@fault("list_and_delete.pages_satisfy_the_schema")
class ListIsAnArray(CreateScheduleServer):
    """The list is a JSON array, without pagination."""

    def page_body(self, environment: Environment, page: int, size: int) -> Any:
        return super().page_body(environment, page, size)["data"]


@fault(LISTED, ALL)
class ListEndsAtTwenty(CreateScheduleServer):
    """The list has the twenty schedules that were made first, and no more."""

    def listed(self, environment: Environment) -> list[Schedule]:
        return super().listed(environment)[:20]


@fault(LISTED)
class ListIsBehind(CreateScheduleServer):
    """The list lacks what was made last: it is read from a replica."""

    def listed(self, environment: Environment) -> list[Schedule]:
        return super().listed(environment)[:-1]


@fault(LISTED, ALL)
class ListIsKept(CreateScheduleServer):
    """The list is kept for a second, whatever is made meanwhile."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.kept: dict[str, tuple[float, list[Schedule]]] = {}

    def listed(self, environment: Environment) -> list[Schedule]:
        now = self.now().timestamp()
        made, listed = self.kept.get(environment.name, (0.0, []))
        if now - made < 1:
            return listed
        self.kept[environment.name] = (now, super().listed(environment))
        return self.kept[environment.name][1]


@fault("cron.patterns_are_seen_as_sent", "list_and_delete.listed_schedule_is_the_answered_one")
class ListHasSchedulesAsTheyWereMade(CreateScheduleServer):
    """The list has schedules as they were made, not as they were updated."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.first: dict[str, Schedule] = {}

    def made(self, order: Order) -> Schedule:
        made = super().made(order)
        self.first[made.id] = made
        return made

    def listed_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        return super().listed_body(environment, self.first.get(schedule.id, schedule))


@fault(ALL)
class ListHidesSchedulesWithoutExternalId(CreateScheduleServer):
    """The list is joined with external ids, and lacks schedules without one."""

    def listed(self, environment: Environment) -> list[Schedule]:
        return [each for each in super().listed(environment) if each.external_id is not None]


@fault(INVALID)
class FailsOnPage0(CreateScheduleServer):
    """Page 0 is a negative offset, which the database refuses: 500."""

    def page_number(self, given: str | None) -> int:
        if given in ("0", "-1"):
            raise Problem(500, "OFFSET must not be negative")
        return super().page_number(given)


@fault(INVALID)
class FailsOnPagesThatAreNoNumbers(CreateScheduleServer):
    """A page that is no number is answered 500."""

    def page_number(self, given: str | None) -> int:
        if given is not None and not given.lstrip("-").isdigit():
            raise Problem(500, "NaN is no integer")
        return super().page_number(given)


@fault(INVALID)
class FailsOnPagesThatAreNotWhole(CreateScheduleServer):
    """A page that is a fraction is answered 500."""

    def page_number(self, given: str | None) -> int:
        if given is not None and re.fullmatch(r"\d+\.\d+", given):
            raise Problem(500, "OFFSET must be an integer")
        return super().page_number(given)


@fault(INVALID)
class FailsOnEmptyPages(CreateScheduleServer):
    """A page that is empty is answered 500."""

    def page_number(self, given: str | None) -> int:
        if given == "":
            raise Problem(500, "invalid literal for int() with base 10: ''")
        return super().page_number(given)


@fault(INVALID)
class FailsOnPageSizesThatAreNoNumbers(CreateScheduleServer):
    """A perPage that is no number is answered 500."""

    def page_size(self, given: str | None) -> int:
        if given is not None and given.isalpha():
            raise Problem(500, "NaN is no integer")
        return super().page_size(given)


@fault(INVALID)
class FailsOnNoneAPage(CreateScheduleServer):
    """perPage 0 divides by nothing: 500."""

    def page_size(self, given: str | None) -> int:
        if given == "0":
            raise Problem(500, "division by zero")
        return super().page_size(given)


class _Unknown(CreateScheduleServer):
    """Answers for ids that name nothing in its own way."""

    status = 404

    def named(self, environment: Environment, identity: str) -> Schedule:
        try:
            return super().named(environment, identity)
        except Problem as problem:
            raise Problem(self.status, problem.message) from problem


@fault(UNKNOWN)
class UnknownIdsAre400(_Unknown):
    """An id that names nothing is answered 400."""

    status = 400


@fault(UNKNOWN)
class UnknownIdsFail(_Unknown):
    """An id that names nothing is answered 500: a row was expected."""

    status = 500


@fault(UNKNOWN)
class UnknownIdsAreTheFirst(CreateScheduleServer):
    """An id that names nothing is looked up by its beginning, and finds the first schedule."""

    def named(self, environment: Environment, identity: str) -> Schedule:
        try:
            return super().named(environment, identity)
        except Problem:
            found = [each for each in self.visible(environment) if each.id[:6] == identity[:6]]
            if not found:
                raise
            return found[0]


STAYS = "list_and_delete.what_nobody_asks_for_stays"
ODD = "list_and_delete.odd_ids_never_fail_the_server"
LOOKING = "list_and_delete.looking_never_fails_the_server"
EVERY_GONE = "list_and_delete.every_deleted_schedule_is_gone"


@fault(EVERY_GONE)
class GoesBackByAVersion(CreateScheduleServer):
    """A removal takes away what the last request made of a schedule, and what it was before is there again."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.before: dict[str, Schedule] = {}

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        self.before[existing.id] = existing
        return super().updated(existing, order)

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        if (before := self.before.pop(schedule.id, None)) is not None:
            self.schedules(environment)[self.stored_key(before.key)] = before


@fault(EVERY_GONE)
class RemovesByTheKeysBeginning(CreateScheduleServer):
    """A removal looks for the first hundred characters of a key, and says success whatever it finds."""

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        if len(schedule.key) <= 100:
            super().remove(environment, schedule)


@fault("list_and_delete.failed_requests_left_nothing")
class KeepsWhatItRejects(CreateScheduleServer):
    """That a zone is none is found once the schedule is made."""

    def validate(self, document: Any) -> Order:
        try:
            return super().validate(document)
        except Problem as problem:
            if "names no time zone" in problem.message:
                order = super().validate({name: value for name, value in document.items() if name != "timezone"})
                self.schedules(self.environments[0]).setdefault(self.stored_key(order.key), self.made(order))
            raise


@fault("list_and_delete.looking_needs_a_credential")
class LooksAtNoWholeKey(CreateScheduleServer):
    """A look is answered whoever has a key that begins as keys do."""

    async def handle(self, request: Request) -> Response:
        authorization = request.headers.get("authorization", "")
        if request.method == "GET" and self.authenticate(request) is None and authorization.startswith("Bearer tr_"):
            return await self.answer(request, self.environments[0])
        return await super().handle(request)


class _OfNearKeys(CreateScheduleServer):
    """Answers looks and removals of whoever has nearly a key."""

    def authenticate(self, request: Request) -> Environment | None:
        """As ``CreateScheduleServer.authenticate``."""
        _, _, token = request.headers.get("authorization", "").partition(" ")
        near = (each for each in self.environments if self.is_near(token, each.api_key))
        is_look = request.method in ("GET", "DELETE")
        return super().authenticate(request) or (next(near, None) if is_look else None)

    def is_near(self, token: str, key: str) -> bool:
        """Whether a token will do for a key."""
        raise NotImplementedError


@fault("list_and_delete.looking_needs_a_credential", "list_and_delete.removing_needs_a_credential")
class ReadsKeysInAnyCaseOfLooks(_OfNearKeys):
    """Schedules are looked at, and removed, with the key in any letter case."""

    def is_near(self, token: str, key: str) -> bool:
        return token.lower() == key.lower()


@fault("list_and_delete.looking_needs_a_credential", "list_and_delete.removing_needs_a_credential")
class ReadsBeginningsOfKeysOfLooks(_OfNearKeys):
    """Schedules are looked at, and removed, by whoever has the key and more."""

    def is_near(self, token: str, key: str) -> bool:
        return token.startswith(key)


@fault(PAGES)
class LastSingleIsNoPage(CreateScheduleServer):
    """Where the last page has one schedule alone it is not counted: totalPages is rounded with one too few."""

    def total_pages(self, count: int, size: int) -> int:
        return max(1, (count + size - 2) // size) if count else 0


@fault(OTHER_SIZE)
class DeletedOnTheSecondPage(_Removing):
    """A schedule that was deleted is on the second page: what is deleted is taken out of the first one only."""

    def page_of(self, listed: list[Schedule], page: int, size: int) -> list[Schedule]:
        found = super().page_of(listed, page, size)
        return [*found, *list(self.deleted.values())[-1:]] if page == 2 and found else found


@fault(GONE)
class SeenSchedulesAreKeptForAWhile(CreateScheduleServer):
    """A schedule that was seen by its id is remembered for two seconds, whether it is there or not."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.seen: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        place = environment.name, request.path_params["schedule_id"]
        try:
            schedule = self.named(environment, place[1])
        except Problem:
            at, body = self.seen.get(place, (0.0, {}))
            if time.monotonic() - at < 2:
                return self.success(environment, body)
            raise
        self.seen[place] = time.monotonic(), self.schedule_body(environment, schedule)
        return self.success(environment, self.seen[place][1])


@fault("list_and_delete.delete_is_answered_200")
class DeletesOfJsonNeedABody(CreateScheduleServer):
    """A DELETE that says it has JSON and has nothing is rejected, as a framework does that reads before it routes."""

    async def delete_schedule(self, request: Request, environment: Environment) -> Response:
        if "json" in request.headers.get("content-type", "") and not await request.body():
            raise Problem(400, "The body cannot be empty")
        return await super().delete_schedule(request, environment)


@fault("list_and_delete.concurrent_deletes_are_answered", "list_and_delete.looking_never_fails_the_server")
class SecondOfTwoDeletesFails(CreateScheduleServer):
    """Of two deletes at once the second does not find what it has just seen, and fails."""

    async def delete_schedule(self, request: Request, environment: Environment) -> Response:
        schedule = self.named(environment, request.path_params["schedule_id"])
        await asyncio.sleep(0.01)
        if schedule not in self.visible(environment):
            raise Problem(500, "The record to delete does not exist")
        self.remove(environment, schedule)
        return self.success(environment, self.deleted_body(schedule))


@fault("list_and_delete.another_environment_sees_nothing")
class FindsByKeyEverywhere(CreateScheduleServer):
    """A schedule may be asked for by its key, too, and then nobody asks whose it is."""

    def named(self, environment: Environment, identity: str) -> Schedule:
        found = [each for home in self.environments for each in self.visible(home) if each.key == identity]
        return found[0] if found else super().named(environment, identity)


@fault("list_and_delete.odd_ids_never_fail_the_server", "list_and_delete.looking_never_fails_the_server")
class FailsOnNulInIds(CreateScheduleServer):
    """A NUL in an id is more than the database takes."""

    def named(self, environment: Environment, identity: str) -> Schedule:
        if "\0" in identity:
            raise Problem(500, "invalid byte sequence")
        return super().named(environment, identity)


class _Returning(CreateScheduleServer):
    """What was there comes back a moment later: another copy had not heard of the change."""

    def back_later(self, schedules: Schedules, old: Schedule, new: Schedule | None) -> None:
        """Put the ``old`` schedule back, where the ``new`` one, or none, is still there by then."""
        key = self.stored_key(old.key)

        def put_back() -> None:
            if schedules.get(key) is new:
                schedules[key] = old

        asyncio.get_running_loop().call_later(0.4, put_back)


@fault(STAYS, "deduplication.tenth_request_is_as_the_second")
class OldSchedulesComeBack(_Returning):
    """A moment after a schedule was changed it is as it was before."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        schedule = super().updated(existing, order)
        for each in self.environments:
            if existing in self.schedules(each).values():
                self.back_later(self.schedules(each), existing, schedule)
        return schedule


@fault(STAYS, EVERY_GONE)
class RemovedSchedulesComeBack(_Returning):
    """A moment after a schedule was removed it is back."""

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        self.back_later(self.schedules(environment), schedule, None)


@fault(UNKNOWN)
class FindsWhatObjectsHave(CreateScheduleServer):
    """Names that objects of JavaScript have by themselves are ids of schedules that nobody made."""

    def named(self, environment: Environment, identity: str) -> Schedule:
        visible = self.visible(environment)
        if identity in ("constructor", "toString", "__proto__", "valueOf") and visible:
            return visible[0]
        return super().named(environment, identity)


@fault(ODD, LOOKING)
class FailsOnBrokenEscapes(CreateScheduleServer):
    """A percent sign that begins no escape is answered 500, as by JavaScript's decodeURIComponent."""

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        if re.search(rb"%(?![0-9a-fA-F]{2})", request.scope["raw_path"]):
            raise Problem(500, "URI malformed")
        return await super().retrieve_schedule(request, environment)


@fault(INVALID)
class FailsOnEmptyPageSizes(CreateScheduleServer):
    """A perPage that is empty is answered 500: it is no number."""

    def page_size(self, given: str | None) -> int:
        if given == "":
            raise Problem(500, "invalid literal for int() with base 10: ''")
        return super().page_size(given)


@fault("list_and_delete.created_schedule_is_seen_by_id")
class IdsAreFoundOnceListed(CreateScheduleServer):
    """A schedule is found by its id once a list has had it, which fills the cache."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.known: set[str] = set()

    def listed(self, environment: Environment) -> list[Schedule]:
        schedules = super().listed(environment)
        self.known |= {each.id for each in schedules}
        return schedules

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        if request.path_params["schedule_id"] not in self.known:
            raise Problem(404, "There is no such schedule")
        return await super().retrieve_schedule(request, environment)


@fault("list_and_delete.seen_schedules_satisfy_the_schema")
class RetrievesActiveAsANumber(CreateScheduleServer):
    """A schedule that is retrieved is active: 1, as the database has it."""

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        schedule = self.named(environment, request.path_params["schedule_id"])
        return self.success(environment, {**self.schedule_body(environment, schedule), "active": 1})


@fault(ONCE)
class ListsUpdatedSchedulesTwice(CreateScheduleServer):
    """The list has a row for each of a schedule's versions."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.again: set[str] = set()

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        self.again.add(existing.id)
        return super().updated(existing, order)

    def listed(self, environment: Environment) -> list[Schedule]:
        schedules = super().listed(environment)
        return [*schedules, *(each for each in schedules if each.id in self.again)]


@fault("list_and_delete.second_delete_is_404")
class DeletesAgain(CreateScheduleServer):
    """A schedule that was deleted is deleted again: the row is there, with a mark."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.removed: dict[str, Schedule] = {}

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        self.removed[schedule.id] = schedule

    async def delete_schedule(self, request: Request, environment: Environment) -> Response:
        if found := self.removed.get(request.path_params["schedule_id"]):
            return self.success(environment, self.deleted_body(found))
        return await super().delete_schedule(request, environment)


@fault("list_and_delete.errors_of_looking_have_a_text")
class NotFoundHasNoText(CreateScheduleServer):
    """What is not there is answered 404 with an empty object."""

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        try:
            return await super().retrieve_schedule(request, environment)
        except Problem:
            return self.json(404, {}, [])


@fault("deduplication.a_key_has_one_schedule_in_the_list")
class ListsWhatAnUpdateReplaced(CreateScheduleServer):
    """An update leaves the row that it replaces in the list, under an id of its own."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.replaced: list[Schedule] = []

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        self.replaced.append(replace(existing, id=self.new_id()))
        return super().updated(existing, order)

    def listed(self, environment: Environment) -> list[Schedule]:
        schedules = super().listed(environment)
        keys = {each.key for each in schedules}
        return [*schedules, *(each for each in self.replaced if each.key in keys)]
