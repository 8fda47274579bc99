"""Time zones, where the contract leaves them open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_schedule.next_run import all_zones
from trigger_conformance.reference.create_schedule.server import CreateScheduleServer
from trigger_conformance.reference.server import Handler, Problem
from trigger_conformance.reference.site import Environment

CANONICAL = "time_zones.other_canonical_names_are_accepted"
FEW = frozenset(
    {"UTC", "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Tokyo",
     "Asia/Kolkata", "Asia/Kathmandu", "Australia/Sydney", "America/Sao_Paulo", "Africa/Cairo", "Asia/Dubai"}
)  # fmt: skip


@cache
def places() -> frozenset[str]:
    """The zones of the IANA database's table of countries, and UTC."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    return frozenset(["UTC", *(row[2] for row in rows)])


@variant(warns=(CANONICAL,))
class AFewZones(CreateScheduleServer):
    """A dozen zones are listed, and only they are taken."""

    def is_zone(self, timezone: str) -> bool:
        return timezone in FEW

    def listed_zones(self) -> list[str]:
        return sorted(FEW)


@variant
class ZonesOfCountries(CreateScheduleServer):
    """The zones of the table of countries are listed, and only they are taken: no links, nothing of Etc."""

    def is_zone(self, timezone: str) -> bool:
        return timezone in places()

    def listed_zones(self) -> list[str]:
        return sorted(places())


@variant
class ListsFewerThanItTakes(CreateScheduleServer):
    """A few zones are listed, and all are taken."""

    def listed_zones(self) -> list[str]:
        return ["America/New_York", "Asia/Tokyo", "Europe/London", "UTC"]


@variant
class ZonesAreNotListed(CreateScheduleServer):
    """There is no list of zones."""

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        return {path: methods for path, methods in super().routes().items() if "timezones" not in path}


@variant
class ZonesAreABareList(CreateScheduleServer):
    """The list of zones is a JSON array."""

    async def list_timezones(self, request: Request, environment: Environment) -> Response:  # noqa: ARG002
        return self.success(environment, self.listed_zones())


@variant
class ZonesAreObjects(CreateScheduleServer):
    """The list of zones has objects with labels."""

    async def list_timezones(self, request: Request, environment: Environment) -> Response:  # noqa: ARG002
        zones: list[dict[str, Any]] = [{"id": each, "label": each.replace("_", " ")} for each in self.listed_zones()]
        return self.success(environment, {"timezones": zones})


@variant
class ZonesAreAPage(CreateScheduleServer):
    """The list of zones is a page for people."""

    async def list_timezones(self, request: Request, environment: Environment) -> Response:  # noqa: ARG002
        return Response("<ul><li>UTC</li></ul>", media_type="text/html")


class _Reading(CreateScheduleServer):
    """Takes other names of zones, and keeps them as they were sent."""

    def is_zone(self, timezone: str) -> bool:
        return self.meant(timezone) is not None

    def zone(self, timezone: str) -> ZoneInfo:
        return super().zone(self.meant(timezone) or "UTC")

    def meant(self, timezone: str) -> str | None:
        """The zone that a name stands for."""
        raise NotImplementedError


@variant
class ZonesInAnyLetterCase(_Reading):
    """Letter case does not matter in a zone's name, as in JavaScript."""

    def meant(self, timezone: str) -> str | None:
        return _by_lower_case().get(timezone.lower())


@variant
class TheEmptyZoneIsUtc(_Reading):
    """The empty string is UTC."""

    def meant(self, timezone: str) -> str | None:
        return timezone or "UTC" if not timezone or timezone in all_zones() else None


@variant
class OffsetsAreTaken(_Reading):
    """An offset of whole hours such as +02:00 is a zone."""

    def meant(self, timezone: str) -> str | None:
        found = re.fullmatch(r"([+-])(0\d|1[0-2]):?00", timezone)
        if found is None:
            return timezone if timezone in all_zones() else None
        # The database's names have the sign that POSIX gives them.
        return f"Etc/GMT{'-' if found[1] == '+' else '+'}{int(found[2])}"


@variant
class AbbreviationsAreTaken(_Reading):
    """CEST, PST and their like are zones."""

    known: Mapping[str, str] = {
        "CEST": "Europe/Berlin", "BST": "Europe/London", "PST": "America/Los_Angeles", "IST": "Asia/Kolkata",
    }  # fmt: skip

    def meant(self, timezone: str) -> str | None:
        name = self.known.get(timezone, timezone)
        return name if name in all_zones() else None


@variant
class AnyTextWithAnOffsetIsNone(CreateScheduleServer):
    """Names of zones that are no places, such as EST and GMT+0, are rejected; UTC and Etc's are taken."""

    def is_zone(self, timezone: str) -> bool:
        return super().is_zone(timezone) and (timezone == "UTC" or "/" in timezone)


@variant
class BadZonesAre400(CreateScheduleServer):
    """A zone that is none is answered 400."""

    def check_timezone(self, timezone: str) -> str:
        if not self.is_zone(timezone):
            raise Problem(400, "timezone names no zone")
        return timezone


@cache
def _by_lower_case() -> Mapping[str, str]:
    return {each.lower(): each for each in all_zones()}


@variant
class ZonesAreTrimmed(CreateScheduleServer):
    """White space around a zone's name is dropped, and it is answered without."""

    def check_timezone(self, timezone: str) -> str:
        return super().check_timezone(timezone.strip())


@variant(warns=(CANONICAL,))
class UtcAlone(CreateScheduleServer):
    """UTC is the only zone, as on an image that has no database of them."""

    def is_zone(self, timezone: str) -> bool:
        return timezone == "UTC"

    def listed_zones(self) -> list[str]:
        return ["UTC"]
