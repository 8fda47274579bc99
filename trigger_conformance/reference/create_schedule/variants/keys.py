"""Keys, and what becomes of a schedule, where the contract leaves it open."""

from __future__ import annotations

import asyncio
import hashlib
import unicodedata
from collections import defaultdict
from dataclasses import replace
from typing import Any

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_schedule.server import CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Order, Schedule
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

# Where there is room for ten schedules, what needs more at a time.
MORE_THAN_TEN = (
    "deduplication.key_of_another_environment_changes_nothing",
    "list_and_delete.list_has_every_schedule",
    "list_and_delete.concurrent_deletes_are_answered",
    "deduplication.letter_case_makes_keys_different",
    "deduplication.white_space_makes_keys_different",
    "deduplication.suffix_makes_keys_different",
    "deduplication.beginning_makes_keys_different",
    "deduplication.wide_suffix_makes_keys_different",
    "deduplication.unicode_form_makes_keys_different",
    "deduplication.look_alike_numbers_are_different",
    "deduplication.spellings_of_one_value_are_different_keys",
    "deduplication.containing_keys_are_different",
    "deduplication.names_derived_from_a_key_are_other_keys",
    "deduplication.delimiters_make_keys_different",
    "deduplication.cut_off_ends_make_keys_different",
    "deduplication.encoded_spellings_are_different_keys",
    "deduplication.invisible_characters_and_markup_make_keys_different",
    "deduplication.keys_with_equal_checksums_are_different",
    "deduplication.keys_up_to_255_characters_work",
    "deduplication.printable_unicode_keys_work",
    "deduplication.unusual_keys_work_or_are_rejected",
    "deduplication.concurrent_requests_with_one_key_make_one_schedule",
    "deduplication.concurrent_requests_leave_one_whole",
    "deduplication.concurrent_requests_with_different_keys_make_different_schedules",
    "deduplication.rejected_request_changes_nothing",
    "deduplication.refused_request_changes_nothing",
    "deduplication.failing_requests_change_nothing_of_a_key_in_use",
    "deduplication.abandoned_request_and_its_retry_make_one_schedule",
    "deduplication.key_is_free_after_a_delete",
    "deduplication.key_of_another_environment",
    "deduplication.answered_schedule_is_seen_by_the_credential",
    "list_and_delete.created_schedule_is_seen_by_id",
    "list_and_delete.created_schedule_is_in_the_list",
    "list_and_delete.seen_schedule_is_the_answered_one",
    "list_and_delete.listed_schedule_is_the_answered_one",
    "list_and_delete.delete_is_answered_200",
    "list_and_delete.deleted_schedule_is_404",
    "list_and_delete.deleted_schedule_is_in_no_page",
    "list_and_delete.delete_removes_no_other",
    "list_and_delete.second_delete_is_404",
    "list_and_delete.unknown_id_is_404",
    "list_and_delete.looking_needs_a_credential",
    "list_and_delete.removing_needs_a_credential",
    "list_and_delete.another_environment_sees_nothing",
    "list_and_delete.another_environment_removes_nothing",
    "time_zones.another_zone_moves_the_next_run",
)


@variant
class UpdatesKeepWhatIsLeftOut(CreateScheduleServer):
    """What a second request leaves out stays as it was."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        external_id = existing.external_id if order.external_id is None else order.external_id
        timezone = existing.timezone if order.timezone is None else order.timezone
        return super().updated(existing, replace(order, external_id=external_id, timezone=timezone))


@variant
class UpdatesKeepTheZoneOnly(CreateScheduleServer):
    """A second request without a zone leaves the zone, and one without an externalId removes that."""

    def updated(self, existing: Schedule, order: Order) -> Schedule:
        return super().updated(existing, replace(order, timezone=order.timezone or existing.timezone))


@variant
class KeysAreTheProjects(CreateScheduleServer):
    """A key is the project's: used in another environment, it moves its schedule there."""

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        for each in self.environments:
            existing = self.find(each, order)
            if existing is not None and each is not environment:
                self.remove(each, existing)
                self.schedules(environment)[self.stored_key(order.key)] = existing
        return await super().keep(environment, order)


@variant
class KeysOfOtherEnvironmentsAreRefused(CreateScheduleServer):
    """A key is the project's: in another environment it is rejected."""

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        if any(self.find(each, order) for each in self.environments if each is not environment):
            raise Problem(422, "deduplicationKey is another environment's")
        return await super().keep(environment, order)


class _Choosy(CreateScheduleServer):
    """Rejects keys that it does not take."""

    status = 422

    def check_key(self, key: str) -> None:
        super().check_key(key)
        if not self.takes(key):
            raise Problem(self.status, "deduplicationKey is not one that is taken here")

    def takes(self, key: str) -> bool:
        raise NotImplementedError


@variant
class KeysUpTo255(_Choosy):
    """A key of more than 255 characters is rejected."""

    def takes(self, key: str) -> bool:
        return len(key) <= 255


@variant
class NoEmptyKeys(_Choosy):
    """The empty key is rejected."""

    status = 400

    def takes(self, key: str) -> bool:
        return bool(key)


@variant
class PrintableKeysOnly(_Choosy):
    """A key with a character that cannot be printed is rejected."""

    status = 400

    def takes(self, key: str) -> bool:
        return key.isprintable()


@variant
class NoInvisibleCharactersInKeys(_Choosy):
    """A key with a control or format character, or an unpaired surrogate, is rejected."""

    def takes(self, key: str) -> bool:
        return not any(unicodedata.category(letter)[0] == "C" for letter in key)


@variant
class NoNulInTexts(CreateScheduleServer):
    """A text with NUL in it is rejected: PostgreSQL cannot store it."""

    def text(self, value: object, name: str) -> str:
        found = super().text(value, name)
        if "\0" in found:
            raise Problem(400, f"{name} must not have NUL")
        return found


@variant
class NoSurrogatesInTexts(CreateScheduleServer):
    """A text with an unpaired surrogate is rejected."""

    def text(self, value: object, name: str) -> str:
        found = super().text(value, name)
        if any("\ud800" <= letter <= "\udfff" for letter in found):
            raise Problem(422, f"{name} must be Unicode")
        return found


@variant
class KeysAreHashed(CreateScheduleServer):
    """Keys are stored as SHA-256."""

    def stored_key(self, key: str) -> str:
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@variant
class KeysAreLocked(CreateScheduleServer):
    """Whoever comes with a key that another request is at work with waits for it."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        async with self.locks[environment.name, order.key]:
            await asyncio.sleep(0.01)
            return await super().keep(environment, order)


@variant
class ExternalIdsUpTo255(CreateScheduleServer):
    """An externalId of more than 255 characters is rejected."""

    def optional_text(self, document: dict[str, Any], name: str) -> str | None:
        found = super().optional_text(document, name)
        if name == "externalId" and found is not None and len(found) > 255:
            raise Problem(422, "externalId is too long")
        return found


@variant
class NamesSchedulesByKeyToo(CreateScheduleServer):
    """A schedule is retrieved and deleted by its key as by its id."""

    def named(self, environment: Environment, identity: str) -> Schedule:
        by_key = next((each for each in self.visible(environment) if each.key == identity), None)
        return super().named(environment, by_key.id if by_key else identity)


class _Limited(CreateScheduleServer):
    """Has room for so many schedules only."""

    most = 0

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        if self.find(environment, order) is None and len(self.schedules(environment)) >= self.most:
            raise Problem(422, f"You have reached the limit of {self.most} schedules")
        return await super().keep(environment, order)


@variant
class RoomFor500(_Limited):
    """There may be 500 schedules; more are rejected with 422."""

    most = 500


@variant
class RoomFor100(_Limited):
    """There may be a hundred schedules; more are rejected with 422."""

    most = 100


@variant(undecided=MORE_THAN_TEN)
class RoomFor10(_Limited):
    """There may be ten schedules, as on a free plan; more are rejected with 422."""

    most = 10
