"""Keys that are taken for each other: how they are looked up, and whose they are."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_schedule.server import CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Order, Schedule, Schedules
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site
from trigger_conformance.reference.stored_keys import KeysInBytes

CONTAINING = "deduplication.containing_keys_are_different"
SUFFIX = "deduplication.suffix_makes_keys_different"
DELIMITERS = "deduplication.delimiters_make_keys_different"

SHARED = "deduplication.answered_schedule_is_seen_by_the_credential"
LENGTH = "deduplication.keys_up_to_255_characters_work"
OTHERS = "deduplication.key_of_another_environment_changes_nothing"
SEES = "list_and_delete.another_environment_sees_nothing"
REMOVES = "list_and_delete.another_environment_removes_nothing"


class _Searching(CreateScheduleServer):
    """Finds keys by something weaker than equality."""

    def find(self, environment: Environment, order: Order) -> Schedule | None:
        return next((each for each in self.visible(environment) if self.alike(each.key, order.key)), None)

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        existing = self.find(environment, order)
        if existing is None:
            return await super().keep(environment, order)
        self.remove(environment, existing)
        schedule = self.updated(existing, order)
        self.schedules(environment)[self.stored_key(order.key)] = schedule
        return schedule

    def alike(self, stored: str, key: str) -> bool:
        raise NotImplementedError


@fault(CONTAINING, SUFFIX)
class FindsByBeginning(_Searching):
    """A key that begins with a known one is that one."""

    def alike(self, stored: str, key: str) -> bool:
        return key.startswith(stored)


@fault(CONTAINING)
class FindsByLongerKeys(_Searching):
    """A key that a known one begins with is that one."""

    def alike(self, stored: str, key: str) -> bool:
        return stored.startswith(key) and bool(key)


@fault(DELIMITERS)
class FindsByLike(_Searching):
    """A key is looked up with SQL's LIKE: underscores and per cent signs match anything."""

    def alike(self, stored: str, key: str) -> bool:
        if stored == key:
            return True
        if "_" not in key and "%" not in key:
            return False
        return fnmatchcase(stored, key.translate({ord("_"): "?", ord("%"): "*", ord("*"): "[*]", ord("["): "[[]"}))


@fault(DELIMITERS)
class FindsByRegularExpression(_Searching):
    """A key is looked up as a regular expression."""

    def alike(self, stored: str, key: str) -> bool:
        try:
            return stored == key or re.fullmatch(key, stored) is not None
        except (re.error, OverflowError, RecursionError):
            return False


@fault(DELIMITERS)
class FindsByGlob(_Searching):
    """A key is looked up as a shell pattern, as Redis KEYS does."""

    def alike(self, stored: str, key: str) -> bool:
        return stored == key or fnmatchcase(stored, key.replace("[", "[[]"))


@fault(LENGTH)
class RejectsKeysBeyond128(CreateScheduleServer):
    """A key of more than 128 characters is rejected."""

    def check_key(self, key: str) -> None:
        if len(key) > 128:
            raise Problem(422, "deduplicationKey is too long")


@fault("deduplication.printable_unicode_keys_work")
class RejectsUnicodeKeys(CreateScheduleServer):
    """A key beyond ASCII is rejected."""

    def check_key(self, key: str) -> None:
        if not key.isascii() and key.isprintable():
            raise Problem(422, "deduplicationKey must be ASCII")


@fault("deduplication.printable_unicode_keys_work")
class RejectsPunctuatedKeys(CreateScheduleServer):
    """A key with anything but letters, digits, dashes and underscores is rejected."""

    def check_key(self, key: str) -> None:
        if key.isascii() and key.isprintable() and re.search(r"[^\w -]", key):
            raise Problem(422, "deduplicationKey must be a slug")


@fault("deduplication.unusual_keys_work_or_are_rejected", "answers.never_a_server_error")
class FailsOnNulInKeys(CreateScheduleServer):
    """A key with NUL in it is answered 500, as PostgreSQL refuses it."""

    def check_key(self, key: str) -> None:
        if "\0" in key:
            raise Problem(500, "invalid byte sequence")


@fault("deduplication.long_keys_are_different_or_rejected", "answers.never_a_server_error")
class FailsBeyondAnIndexPage(CreateScheduleServer):
    """A key that fits no page of the index is answered 500."""

    def check_key(self, key: str) -> None:
        if len(key.encode("utf-8", "surrogatepass")) > 2700:
            raise Problem(500, "index row size exceeds the maximum")


@fault(SHARED)
class KeysAreGlobal(CreateScheduleServer):
    """A key that any environment has is known: the answer is the other one's schedule, updated."""

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        owner = next((each for each in self.environments if self.find(each, order)), environment)
        return await super().keep(owner, order)


@fault(SHARED)
class KeysAreGlobalAndUnchanged(CreateScheduleServer):
    """A key that another environment has is answered with that one's schedule, unchanged."""

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        others = [each for each in self.environments if each is not environment]
        found = next(filter(None, (self.find(each, order) for each in others)), None)
        return found or await super().keep(environment, order)


@fault(SEES)
class SchedulesAreShared(CreateScheduleServer):
    """All environments have one list."""

    def schedules(self, environment: Environment) -> Schedules:  # noqa: ARG002
        return super().schedules(self.environments[0])


class _OfAll(CreateScheduleServer):
    """Looks schedules up in all environments, for some requests."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.is_wide = False

    def visible(self, environment: Environment) -> list[Schedule]:
        wide = [each for each in self.environments if self.is_wide or each is environment]
        return [schedule for each in wide for schedule in self.schedules(each).values()]

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        for each in self.environments if self.is_wide else []:
            super().remove(each, schedule)


@fault(SEES)
class RetrievesWhoeverAsks(_OfAll):
    """A schedule is retrieved by its id alone, whose it may be."""

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        self.is_wide = True
        try:
            return await super().retrieve_schedule(request, environment)
        finally:
            self.is_wide = False


@fault(REMOVES)
class DeletesWhoeverAsks(_OfAll):
    """A schedule is deleted by its id alone, whose it may be."""

    async def delete_schedule(self, request: Request, environment: Environment) -> Response:
        self.is_wide = True
        try:
            return await super().delete_schedule(request, environment)
        finally:
            self.is_wide = False


@fault(SEES)
class ListsAllEnvironments(_OfAll):
    """The list has the schedules of all environments."""

    async def list_schedules(self, request: Request, environment: Environment) -> Response:
        self.is_wide = True
        try:
            return await super().list_schedules(request, environment)
        finally:
            self.is_wide = False


@fault(REMOVES)
class DeletesBeforeItLooksWhose(CreateScheduleServer):
    """A delete of another environment's schedule is answered 404, and done."""

    async def delete_schedule(self, request: Request, environment: Environment) -> Response:
        identity = request.path_params["schedule_id"]
        try:
            return await super().delete_schedule(request, environment)
        except Problem:
            for each in self.environments:
                for schedule in self.visible(each):
                    if schedule.id == identity:
                        self.remove(each, schedule)
            raise


class _KeysInBytes(KeysInBytes, CreateScheduleServer):
    """Rejects invalid UTF-8, but for that in keys."""

    key_property = "deduplicationKey"


@fault("deduplication.invalid_bytes_make_keys_different")
class ReplacesBytesInKeys(_KeysInBytes):
    """What is no UTF-8 in a key becomes replacement characters."""

    errors = "replace"


@fault("deduplication.invalid_bytes_make_keys_different")
class DropsBytesInKeys(_KeysInBytes):
    """What is no UTF-8 in a key is dropped."""

    errors = "ignore"


@fault("deduplication.spelling_of_a_key_does_not_matter")
class TakesKeysAsWritten(CreateScheduleServer):
    """A key is cut out of the body's text, so its JSON escapes count."""

    written = ""

    def parse(self, body: bytes) -> Any:
        found = re.search(rb'"deduplicationKey" *: *"((?:[^"\\]|\\.)*)"', body)
        self.written = found[1].decode("utf-8", "replace") if found else ""
        return super().parse(body)

    def stored_key(self, key: str) -> str:
        return self.written or key


@fault(OTHERS)
class UpdatesEveryEnvironment(CreateScheduleServer):
    """A request updates the schedules of its key in all environments: the statement's condition has the key alone."""

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        for each in self.environments:
            if each is not environment and (existing := self.find(each, order)):
                self.schedules(each)[self.stored_key(order.key)] = self.updated(existing, order)
        return await super().keep(environment, order)


@fault(OTHERS)
class RemovesInEveryEnvironment(CreateScheduleServer):
    """A removal removes the schedules of its key in all environments."""

    def remove(self, environment: Environment, schedule: Schedule) -> None:
        super().remove(environment, schedule)
        for each in self.environments:
            self.schedules(each).pop(self.stored_key(schedule.key), None)
