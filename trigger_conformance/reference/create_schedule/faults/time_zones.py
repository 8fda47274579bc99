"""Time zones: what is taken for one, and which are."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_schedule.next_run import all_zones
from trigger_conformance.reference.create_schedule.server import CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Order, Schedule
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment

LISTED = "time_zones.listed_zones_are_accepted"
REJECTED = "time_zones.names_of_no_zone_are_rejected"
SEASONS = "time_zones.rules_of_every_season_are_known"
UTC_IS_TAKEN = "time_zones.utc_is_accepted"
CANONICAL = "time_zones.other_canonical_names_are_accepted"
AS_ASKED = "answers.answer_has_what_the_request_asked_for"

_OLD_NAMES = {
    "Asia/Kolkata": "Asia/Calcutta", "Asia/Kathmandu": "Asia/Katmandu", "Europe/Kyiv": "Europe/Kiev",
    "America/Argentina/Buenos_Aires": "America/Buenos_Aires", "Asia/Ho_Chi_Minh": "Asia/Saigon",
    "Asia/Yangon": "Asia/Rangoon", "Pacific/Kanton": "Pacific/Enderbury", "Atlantic/Faroe": "Atlantic/Faeroe",
}  # fmt: skip


class _Reading(CreateScheduleServer):
    """Takes other names for a zone's."""

    def check_timezone(self, timezone: str) -> str:
        return super().check_timezone(self.read(timezone))

    def read(self, timezone: str) -> str:
        raise NotImplementedError


@fault(REJECTED)
class UnknownZonesAreUtc(_Reading):
    """A name that is no zone is taken for UTC, without a word."""

    def read(self, timezone: str) -> str:
        return timezone if timezone in all_zones() else "UTC"


@fault(REJECTED)
class UnknownZonesAreKept(CreateScheduleServer):
    """Any name is taken and told; nextRun is worked out in UTC where it is no zone."""

    def is_zone(self, timezone: str) -> bool:  # noqa: ARG002
        return True

    def zone(self, timezone: str) -> ZoneInfo:
        return super().zone(timezone if timezone in all_zones() else "UTC")


@fault(REJECTED)
class UnknownPlacesAreTaken(CreateScheduleServer):
    """What looks like a zone, an area and a place, is taken; nextRun is worked out in UTC."""

    def is_zone(self, timezone: str) -> bool:
        return super().is_zone(timezone) or re.fullmatch(r"[A-Z][a-z]+/[A-Z]\w+", timezone) is not None

    def zone(self, timezone: str) -> ZoneInfo:
        return super().zone(timezone if timezone in all_zones() else "UTC")


@fault(REJECTED)
class SlashesAroundZonesAreDropped(_Reading):
    """A zone's name is read as a path: a slash at its end is dropped."""

    def read(self, timezone: str) -> str:
        return timezone.strip("/") or timezone


@fault(REJECTED)
class SpacesAreUnderscores(_Reading):
    """A space in a zone's name is an underscore."""

    def read(self, timezone: str) -> str:
        return timezone.replace(" ", "_")


@fault(REJECTED)
class TyposAreMended(_Reading):
    """A name that is nearly a zone's is taken for it."""

    def read(self, timezone: str) -> str:
        near = [] if timezone in all_zones() else difflib.get_close_matches(timezone, all_zones(), 1, 0.9)
        return near[0] if near else timezone


@fault(REJECTED)
class BeginningsOfZonesAreTaken(_Reading):
    """A name that a zone's begins with is taken for it."""

    def read(self, timezone: str) -> str:
        longer = sorted(each for each in all_zones() if timezone and each.startswith(timezone))
        return timezone if timezone in all_zones() or not longer else longer[0]


@fault(REJECTED, "answers.never_a_server_error")
class FailsOnUnknownZones(CreateScheduleServer):
    """A name that is no zone is answered 500: the formatter's error is not caught."""

    def check_timezone(self, timezone: str) -> str:
        if not self.is_zone(timezone):
            raise Problem(500, "Invalid time zone specified")
        return timezone


@fault(REJECTED)
class UnknownZonesAreNotFound(CreateScheduleServer):
    """A name that is no zone is answered 404, which is not documented here."""

    def check_timezone(self, timezone: str) -> str:
        if not self.is_zone(timezone):
            raise Problem(404, "There is no such time zone")
        return timezone


@fault(REJECTED)
class CitiesAreZones(_Reading):
    """A city's name alone is taken for its zone's."""

    def read(self, timezone: str) -> str:
        found = sorted(each for each in all_zones() if each.endswith(f"/{timezone}"))
        return timezone if timezone in all_zones() or not found else found[0]


@fault(REJECTED)
class MergesSlashesInZones(_Reading):
    """A zone's name is read as a path: two slashes are one."""

    def read(self, timezone: str) -> str:
        return timezone.replace("//", "/")


@fault(REJECTED)
class TakesFoldersOfZones(_Reading):
    """A zone may be named by its place in the folders posix and right of the database."""

    def read(self, timezone: str) -> str:
        return timezone.removeprefix("posix/").removeprefix("right/")


@fault(REJECTED)
class TakesLocal(_Reading):
    """Local is the zone of the server, as Go has it."""

    def read(self, timezone: str) -> str:
        return "UTC" if timezone == "Local" else timezone


@fault(REJECTED)
class TakesRulesOfPosix(CreateScheduleServer):
    """A rule as the variable TZ has them, such as Abc5, is a zone; nextRun is worked out in UTC."""

    rule = r"[A-Za-z]{3,}[+-]?\d{1,2}"

    def is_zone(self, timezone: str) -> bool:
        return super().is_zone(timezone) or re.fullmatch(self.rule, timezone) is not None

    def zone(self, timezone: str) -> ZoneInfo:
        return super().zone(timezone if timezone in all_zones() else "UTC")


@fault(REJECTED)
class TakesRulesWithSummer(TakesRulesOfPosix):
    """A rule as the variable TZ has them, with when its summer begins and ends, is a zone; nextRun is in UTC."""

    rule = r"[A-Za-z]{3,}\d{1,2}[A-Za-z]{3,}(,M[\d.]+){2}"


@fault(REJECTED)
class ColonsBeforeZonesAreDropped(_Reading):
    """A colon may stand before a zone, as in the variable TZ."""

    def read(self, timezone: str) -> str:
        return timezone.removeprefix(":")


@fault("bodies.odd_characters_in_strings_are_answered", "answers.never_a_server_error")
class FailsOnNulInZones(CreateScheduleServer):
    """A zone's name with NUL is answered 500: the file cannot be opened."""

    def is_zone(self, timezone: str) -> bool:
        if "\0" in timezone:
            raise Problem(500, "embedded null byte")
        return super().is_zone(timezone)


@fault(REJECTED, "answers.never_a_server_error")
class FailsOnAbsolutePaths(CreateScheduleServer):
    """A zone's name that begins with a slash is answered 500: the database's files have relative paths."""

    def is_zone(self, timezone: str) -> bool:
        if timezone.startswith("/"):
            raise Problem(500, "keys must be normalized relative paths")
        return super().is_zone(timezone)


@fault("time_zones.other_spellings_are_never_taken_for_utc", "answers.never_a_server_error")
class FailsOnAnEmptyZone(CreateScheduleServer):
    """The empty zone is answered 500: it names the folder of all zones."""

    def is_zone(self, timezone: str) -> bool:
        if not timezone:
            raise Problem(500, "is a directory")
        return super().is_zone(timezone)


@fault(REJECTED)
class WhatObjectsHaveAreZones(CreateScheduleServer):
    """A name that objects of JavaScript have by themselves is found among the zones; nextRun is worked out in UTC."""

    def is_zone(self, timezone: str) -> bool:
        return super().is_zone(timezone) or timezone in ("constructor", "toString", "valueOf")

    def zone(self, timezone: str) -> ZoneInfo:
        return super().zone(timezone if timezone in all_zones() else "UTC")


class _OldRules(CreateScheduleServer):
    """Reads some zones as another one, which has the rules that they had."""

    before: ClassVar[Mapping[str, str]]

    def zone(self, timezone: str) -> ZoneInfo:
        return super().zone(self.before.get(timezone, timezone))


@fault(SEASONS)
class HasOldRulesOfSummer(_OldRules):
    """The database is of 2021: Mexico City has summer time."""

    before: ClassVar[Mapping[str, str]] = {"America/Mexico_City": "America/Chicago"}


@fault(SEASONS)
class HasOldRulesOfWinter(_OldRules):
    """The database is of 2021: Amman and Damascus have winter time."""

    before: ClassVar[Mapping[str, str]] = {"Asia/Amman": "Asia/Beirut", "Asia/Damascus": "Asia/Beirut"}


@fault(SEASONS)
class SouthernSummersEndWithTheYear(CreateScheduleServer):
    """A summer is the months from one number to another: from January on there is none south of the equator."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        found = super().instant(local, zone)
        is_southern = zone.key.startswith("Australia/") and local.month in (1, 2, 3)
        return found + (local.replace(tzinfo=zone).dst() or timedelta()) if is_southern else found


@fault(SEASONS)
class NegativeSavingIsAdded(CreateScheduleServer):
    """Irish winter time is an hour of daylight saving less, which is added."""

    def instant(self, local: datetime, zone: ZoneInfo) -> datetime:
        is_winter = zone.key == "Europe/Dublin" and not local.replace(tzinfo=zone).utcoffset()
        return super().instant(local, zone) + timedelta(hours=is_winter)


class _Refusing(CreateScheduleServer):
    """Rejects some zones that it lists."""

    def is_zone(self, timezone: str) -> bool:
        return super().is_zone(timezone) and not self.refuses(timezone)

    def refuses(self, timezone: str) -> bool:
        raise NotImplementedError

    def offset(self, timezone: str) -> timedelta:
        """A zone's offset today."""
        return self.now().astimezone(ZoneInfo(timezone)).utcoffset() or timedelta()


@fault(UTC_IS_TAKEN)
class RejectsUtc(_Refusing):
    """UTC is rejected where it is sent: it stands in no list of places."""

    def refuses(self, timezone: str) -> bool:
        return timezone == "UTC"


@fault(LISTED)
class RejectsAllButUtc(_Refusing):
    """Only UTC is taken."""

    def refuses(self, timezone: str) -> bool:
        return timezone != "UTC"


@fault(LISTED)
class RejectsHalfHours(_Refusing):
    """A zone whose offset is no whole number of hours is rejected."""

    def refuses(self, timezone: str) -> bool:
        return bool(self.offset(timezone) % timedelta(hours=1))


@fault(LISTED)
class RejectsQuarters(_Refusing):
    """A zone whose offset has 45 minutes is rejected."""

    def refuses(self, timezone: str) -> bool:
        return bool(self.offset(timezone) % timedelta(minutes=30))


@fault(LISTED)
class RejectsTheSouth(_Refusing):
    """A zone whose clocks are put forward in January is rejected."""

    def refuses(self, timezone: str) -> bool:
        return bool(datetime(self.now().year, 1, 1, tzinfo=ZoneInfo(timezone)).dst()) and timezone != "Europe/Dublin"


@fault(LISTED)
class RejectsNamesOfThreeParts(_Refusing):
    """A zone's name has an area and a place, no more: America/Argentina/Ushuaia is rejected."""

    def refuses(self, timezone: str) -> bool:
        return timezone.count("/") > 1


@fault(LISTED)
class RejectsNamesWithDashes(_Refusing):
    """A zone's name has letters only: Africa/Porto-Novo and Etc/GMT+5 are rejected."""

    def refuses(self, timezone: str) -> bool:
        return re.fullmatch("[A-Za-z_/]+", timezone) is None


@fault(LISTED)
class RejectsUnderscores(_Refusing):
    """A zone's name has no underscores: America/New_York is rejected."""

    def refuses(self, timezone: str) -> bool:
        return "_" in timezone


@fault(LISTED)
class RejectsZonesWithoutSaving(_Refusing):
    """A zone without daylight saving is rejected, as its abbreviation is a number."""

    def refuses(self, timezone: str) -> bool:
        return (self.now().astimezone(ZoneInfo(timezone)).tzname() or "+")[0] in "+-"


FEW = frozenset(
    {"UTC", "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Tokyo",
     "Asia/Dubai", "Asia/Hong_Kong", "Asia/Singapore", "Europe/Paris", "Europe/Madrid", "America/Chicago"}
)  # fmt: skip


@fault(LISTED)
class ListsMoreThanItTakes(CreateScheduleServer):
    """All zones are listed, and only those of a dozen cities are taken."""

    def is_zone(self, timezone: str) -> bool:
        return timezone in FEW


@fault(CANONICAL)
class RejectsHalfHoursThatItDoesNotList(RejectsHalfHours):
    """A few zones are listed; of the others, those whose offset is no whole number of hours are rejected."""

    def listed_zones(self) -> list[str]:
        return sorted(FEW)


class _Telling(CreateScheduleServer):
    """Tells zones in its own way."""

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        return {**super().schedule_body(environment, schedule), "timezone": self.name(schedule.timezone)}

    def name(self, timezone: str) -> str:
        raise NotImplementedError


@fault(LISTED, AS_ASKED)
class TellsOldNames(_Telling):
    """A zone is told by the name that the engine has for it: Asia/Kolkata as Asia/Calcutta."""

    def name(self, timezone: str) -> str:
        return _OLD_NAMES.get(timezone, timezone)


@fault(AS_ASKED)
class TellsOffsets(_Telling):
    """A zone is kept as the offset that it has today."""

    def name(self, timezone: str) -> str:
        return timezone if timezone == "UTC" else f"{self.now().astimezone(ZoneInfo(timezone)):%:z}"


@fault(AS_ASKED)
class TellsAbbreviations(_Telling):
    """A zone is told as its abbreviation."""

    def name(self, timezone: str) -> str:
        return self.now().astimezone(ZoneInfo(timezone)).tzname() or timezone


@fault("answers.timezone_is_utc_where_none_was_sent")
class UsualZoneIsTheServers(CreateScheduleServer):
    """Where no zone was sent, it is the server's."""

    def as_ordered(self, identity: str, order: Order) -> Schedule:
        made = super().as_ordered(identity, order)
        return made if order.timezone else replace(made, timezone="Europe/Berlin")


@fault("answers.timezone_is_utc_where_none_was_sent")
class UsualZoneIsTheLastOnes(CreateScheduleServer):
    """Where no zone was sent, it is that of the request before."""

    last = "UTC"

    def as_ordered(self, identity: str, order: Order) -> Schedule:
        self.last = order.timezone or self.last
        return replace(super().as_ordered(identity, order), timezone=self.last)


@fault(REJECTED, "answers.never_a_server_error")
class LongNamesAreErrors(CreateScheduleServer):
    """A name is looked for as a file: one that is too long for the file system is an error of the server."""

    def is_zone(self, timezone: str) -> bool:
        if len(timezone) > 255:
            raise Problem(500, "Internal error")
        return super().is_zone(timezone)


@fault(REJECTED)
class FilesAreZones(_Reading):
    """Whatever file the database has is a zone, its tables too, and what cannot be read is UTC."""

    def read(self, timezone: str) -> str:
        return (
            "UTC" if timezone in {"zone.tab", "zone1970.tab", "iso3166.tab", "leapseconds", "tzdata.zi"} else timezone
        )


@fault(REJECTED)
class CompletesNames(_Reading):
    """A name that only one zone begins with is taken for that one."""

    def read(self, timezone: str) -> str:
        begun = [each for each in all_zones() if each.startswith(timezone)]
        return begun[0] if len(begun) == 1 else timezone


@fault(REJECTED)
class HyphensOfZonesAreUnderscores(_Reading):
    """A hyphen in a zone's name is an underscore."""

    def read(self, timezone: str) -> str:
        return timezone if timezone in all_zones() else timezone.replace("-", "_")


@fault(REJECTED)
class ZonesAreDecoded(_Reading):
    """A zone's name is percent-decoded."""

    def read(self, timezone: str) -> str:
        return unquote(timezone)


@fault(REJECTED)
class OffsetsInBracketsAreZones(_Reading):
    """A rule of POSIX whose name is in brackets is taken, for UTC."""

    def read(self, timezone: str) -> str:
        return "UTC" if re.fullmatch(r"<[+-]?\w+>[+-]?\d+", timezone) else timezone


@fault(REJECTED)
class TheMachinesZoneIsOne(_Reading):
    """localtime is a file of the database, and taken."""

    def read(self, timezone: str) -> str:
        return "UTC" if timezone == "localtime" else timezone
