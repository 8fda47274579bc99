"""What an answer says of a schedule."""

from __future__ import annotations

import hashlib
import itertools
import re
import secrets
import uuid
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_schedule.cron import Cron
from trigger_conformance.reference.create_schedule.server import CreateScheduleServer
from trigger_conformance.reference.create_schedule.store import Order, Schedule
from trigger_conformance.reference.site import Environment, Site

UNKNOWN_TASK = "answers.unknown_task_is_rejected"
KEPT = "answers.external_id_is_kept_as_it_was_sent"
AS_ASKED = "answers.answer_has_what_the_request_asked_for"
NO_EXTERNAL_ID = "answers.external_id_is_absent_where_none_was_sent"
USUAL_ZONE = "answers.timezone_is_utc_where_none_was_sent"
IDS = "answers.ids_are_never_given_twice"
BEGINNING = "answers.id_begins_with_sched"
DESCRIPTION = "answers.description_is_not_empty"
ENVIRONMENTS = "answers.environments_names_one"
SEEN = "list_and_delete.seen_schedule_is_the_answered_one"
SCHEMA = "answers.accepted_answers_satisfy_the_schema"
LOOK_ALIKES = "answers.look_alike_properties_are_ignored"
LISTED = "list_and_delete.listed_schedule_is_the_answered_one"


class _Telling(CreateScheduleServer):
    """Tells some properties in its own way, wherever a schedule is told."""

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        return {**super().schedule_body(environment, schedule), **self.instead(schedule)}

    def instead(self, schedule: Schedule) -> dict[str, Any]:
        raise NotImplementedError


class _Dropping(CreateScheduleServer):
    """Leaves out a property, wherever a schedule is told."""

    dropped = ""

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        body = super().schedule_body(environment, schedule)
        body.pop(self.dropped, None)
        return body


@fault(AS_ASKED)
class TellsTheTasksRowId(_Telling):
    """task is the id of the task's row, not what the request called it."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:
        return {"task": f"task_{hashlib.sha256(schedule.task.encode()).hexdigest()[:12]}"}


@fault(AS_ASKED)
class TellsTheTaskInLowerCase(_Telling):
    """task is a slug: dashes are underscores."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:
        return {"task": schedule.task.replace("-", "_")}


@fault("answers.type_is_imperative")
class TypeIsDeclarative(_Telling):
    """type is DECLARATIVE, the column's default."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "DECLARATIVE"}


@fault("answers.type_is_imperative")
class TypeIsInLowerCase(_Telling):
    """type is imperative, as the enumeration's value is stored."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "imperative"}


@fault("answers.schedule_is_active")
class BeginsSwitchedOff(_Telling):
    """A new schedule is not active."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:  # noqa: ARG002
        return {"active": False}


@fault(SCHEMA)
class ActiveIsANumber(_Telling):
    """active is 1, as the database has no booleans."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:  # noqa: ARG002
        return {"active": 1}


@fault("answers.schedule_is_active")
class ActiveIsLeftOut(_Dropping):
    """There is no active."""

    dropped = "active"


@fault(AS_ASKED)
class KeyIsLeftOut(_Dropping):
    """There is no deduplicationKey."""

    dropped = "deduplicationKey"


@fault(AS_ASKED)
class KeyIsToldHashed(_Telling):
    """deduplicationKey is the hash that the key is stored as."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:
        return {"deduplicationKey": hashlib.sha256(schedule.key.encode("utf-8", "surrogatepass")).hexdigest()}


@fault(AS_ASKED)
class KeyIsToldWithItsProject(_Telling):
    """deduplicationKey has the project in front that makes it unique."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:
        return {"deduplicationKey": f"proj_reference:{schedule.key}"}


class _Generator(CreateScheduleServer):
    """Tells the generator in its own way."""

    def generator(self, schedule: Schedule) -> dict[str, Any]:
        return {**super().generator(schedule), **self.instead(schedule.cron)}

    def instead(self, cron: Cron) -> dict[str, Any]:
        raise NotImplementedError


@fault(SCHEMA)
class GeneratorTypeIsInLowerCase(_Generator):
    """generator.type is cron."""

    def instead(self, cron: Cron) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "cron"}


@fault(AS_ASKED)
class ExpressionHasSeconds(_Generator):
    """generator.expression has the field of seconds that the library needs."""

    def instead(self, cron: Cron) -> dict[str, Any]:
        return {"expression": f"0 {cron.text}"}


@fault(AS_ASKED)
class ExpressionIsLeftOut(_Generator):
    """generator.expression is called cron."""

    def generator(self, schedule: Schedule) -> dict[str, Any]:
        told = super().generator(schedule)
        told["cron"] = told.pop("expression")
        return told

    def instead(self, cron: Cron) -> dict[str, Any]:  # noqa: ARG002
        return {}


@fault("cron.patterns_are_seen_as_sent", AS_ASKED)
class ExpressionIsWrittenAnew(_Generator):
    """generator.expression is written from the numbers that were read: steps and ranges are lists."""

    def instead(self, cron: Cron) -> dict[str, Any]:
        return {"expression": " ".join(self.anew(cron))}

    def anew(self, cron: Cron) -> list[str]:
        """The fields, where any number is a star."""
        given = zip(self.cron_fields(cron.text), (cron.minutes, cron.hours, cron.days, cron.months), strict=False)
        listed = [text if text == "*" or "L" in text else ",".join(map(str, sorted(some))) for text, some in given]
        weekday = self.cron_fields(cron.text)[4]
        is_kept = weekday == "*" or "L" in weekday
        return [*listed, weekday if is_kept else ",".join(map(str, sorted(cron.weekdays)))]


@fault(AS_ASKED)
class SundayIsToldAs0(_Generator):
    """A 7 for Sunday is told as 0."""

    def instead(self, cron: Cron) -> dict[str, Any]:
        return {"expression": cron.text[:-1] + "0" if cron.text.endswith("7") else cron.text}


@fault("cron.patterns_are_seen_as_sent", AS_ASKED)
class RangesOfAllAreStars(_Generator):
    """A range of all that a field may have is told as a star."""

    def instead(self, cron: Cron) -> dict[str, Any]:
        return {"expression": re.sub(r"\b0-59\b", "*", cron.text)}


@fault("cron.patterns_are_seen_as_sent", AS_ASKED)
class EvenListsAreSteps(_Generator):
    """A list that a step would say, too, is told as one."""

    def instead(self, cron: Cron) -> dict[str, Any]:
        return {"expression": cron.text.replace("0,15,30,45", "*/15")}


@fault(DESCRIPTION)
class DescriptionIsEmpty(_Generator):
    """generator.description is the empty string."""

    def instead(self, cron: Cron) -> dict[str, Any]:  # noqa: ARG002
        return {"description": ""}


@fault(DESCRIPTION)
class DescriptionIsBlank(_Generator):
    """generator.description is a space, all that a template leaves."""

    def instead(self, cron: Cron) -> dict[str, Any]:  # noqa: ARG002
        return {"description": " "}


@fault(DESCRIPTION)
class DescriptionIsMissing(_Generator):
    """There is no generator.description."""

    def generator(self, schedule: Schedule) -> dict[str, Any]:
        told = super().generator(schedule)
        del told["description"]
        return told

    def instead(self, cron: Cron) -> dict[str, Any]:  # noqa: ARG002
        return {}


@fault(AS_ASKED)
class ExternalIdIsDropped(_Dropping):
    """externalId is not kept."""

    dropped = "externalId"


@fault(AS_ASKED)
class ExternalIdIsTrimmedAndLowered(CreateScheduleServer):
    """externalId is taken for an e-mail address: it is kept without spaces around it, in lower case."""

    def as_ordered(self, identity: str, order: Order) -> Schedule:
        made = super().as_ordered(identity, order)
        return replace(made, external_id=made.external_id and made.external_id.strip().lower())


@fault(NO_EXTERNAL_ID)
class ExternalIdIsOfTheScheduleBefore(CreateScheduleServer):
    """Where no externalId was sent, the one that came before stands in its place."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.before: str | None = None

    def as_ordered(self, identity: str, order: Order) -> Schedule:
        self.before = self.before if order.external_id is None else order.external_id
        return replace(super().as_ordered(identity, order), external_id=self.before)


@fault(NO_EXTERNAL_ID)
class MissingExternalIdIsEmpty(_Telling):
    """Where no externalId was sent, it is the empty string."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:
        return {"externalId": schedule.external_id or ""}


@fault("answers.absent_external_id_is_no_null")
class MissingExternalIdIsNull(_Telling):
    """Where no externalId was sent, it is null, which the schema does not know."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:
        return {"externalId": schedule.external_id}


@fault(NO_EXTERNAL_ID)
class MissingExternalIdIsTheKey(_Telling):
    """Where no externalId was sent, it is the key."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:
        return {"externalId": schedule.external_id or schedule.key}


@fault(AS_ASKED, USUAL_ZONE)
class TimezoneIsDropped(_Dropping):
    """There is no timezone."""

    dropped = "timezone"


@fault(USUAL_ZONE)
class UsualTimezoneIsLeftOut(CreateScheduleServer):
    """timezone is there only where it is not UTC."""

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        body = super().schedule_body(environment, schedule)
        if schedule.timezone == "UTC":
            del body["timezone"]
        return body


@fault(SCHEMA, USUAL_ZONE)
class UsualTimezoneIsNull(_Telling):
    """timezone is null where none was sent: the default stands in the code only."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:
        return {"timezone": None if schedule.timezone == "UTC" else schedule.timezone}


@fault(USUAL_ZONE)
class UsualTimezoneIsEtcUtc(_Telling):
    """timezone is Etc/UTC where none was sent."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:
        return {"timezone": "Etc/UTC" if schedule.timezone == "UTC" else schedule.timezone}


@fault(AS_ASKED)
class TimezoneIsInLowerCase(_Telling):
    """timezone is told in lower case, as it is looked up."""

    def instead(self, schedule: Schedule) -> dict[str, Any]:
        return {"timezone": schedule.timezone.lower() if "/" in schedule.timezone else schedule.timezone}


@fault(SCHEMA)
class IdIsANumber(CreateScheduleServer):
    """id is a number, that of the row."""

    rows = itertools.count(1)

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        body = super().schedule_body(environment, schedule)
        return {**body, "id": int(schedule.id.removeprefix("sched_"))}

    def new_id(self) -> str:
        return f"sched_{next(self.rows)}"


@fault(BEGINNING)
class IdHasAnotherBeginning(CreateScheduleServer):
    """id begins with schedule_."""

    def new_id(self) -> str:
        return f"schedule_{secrets.token_hex(12)}"


@fault(BEGINNING)
class IdIsAUuid(CreateScheduleServer):
    """id is a UUID."""

    def new_id(self) -> str:
        return str(uuid.uuid4())


@fault("answers.id_is_a_path_segment")
class IdHasASlash(CreateScheduleServer):
    """id is base64, so that one in some has a slash, which ends a path segment."""

    def new_id(self) -> str:
        return f"sched_{secrets.token_hex(6)}/{secrets.token_hex(6)}"


@fault(IDS)
class IdsCountWhatThereIs(CreateScheduleServer):
    """id is one more than there are schedules, so that after a delete one is given again."""

    def new_id(self) -> str:
        return f"sched_{1 + sum(len(self.schedules(each)) for each in self.environments):024}"


@fault(IDS)
class IdsAreOfTheSecond(CreateScheduleServer):
    """id is the second in which the schedule was made."""

    def new_id(self) -> str:
        return f"sched_{int(self.now().timestamp())}"


@fault("deduplication.key_is_free_after_a_delete")
class IdsAreMadeOfKeys(CreateScheduleServer):
    """id is a hash of the key, so that a key has it again after a delete."""

    def made(self, order: Order) -> Schedule:
        name = hashlib.sha256(order.key.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        return replace(super().made(order), id=f"sched_{name}")


@fault(ENVIRONMENTS)
class EnvironmentsAreEmpty(CreateScheduleServer):
    """environments is empty."""

    def environments_of(self, environment: Environment) -> list[dict[str, Any]]:  # noqa: ARG002
        return []


@fault(ENVIRONMENTS)
class EnvironmentsAreMissing(_Dropping):
    """There are no environments."""

    dropped = "environments"


@fault("answers.environments_names_the_credentials_alone")
class EnvironmentsAreAll(CreateScheduleServer):
    """environments has every environment of the project."""

    def environments_of(self, environment: Environment) -> list[dict[str, Any]]:  # noqa: ARG002
        return [self.environment_body(each) for each in self.environments]


@fault(SCHEMA)
class EnvironmentsAreNames(CreateScheduleServer):
    """environments is a list of names."""

    def environments_of(self, environment: Environment) -> list[Any]:
        return [environment.name]


@fault(AS_ASKED)
class AnswersAnIdAlone(CreateScheduleServer):
    """A create is answered with the id alone."""

    def created_body(self, environment: Environment, order: Order, schedule: Schedule) -> dict[str, Any]:  # noqa: ARG002
        return {"id": schedule.id}


@fault("answers.id_is_a_path_segment")
class AnswersAreWrapped(CreateScheduleServer):
    """A create's schedule stands under data."""

    def created_body(self, environment: Environment, order: Order, schedule: Schedule) -> dict[str, Any]:
        return {"data": super().created_body(environment, order, schedule)}


@fault(AS_ASKED)
class EchoesTheRequest(CreateScheduleServer):
    """A create is answered with the request's own properties, in the request's form."""

    def created_body(self, environment: Environment, order: Order, schedule: Schedule) -> dict[str, Any]:
        told = super().created_body(environment, order, schedule)
        return {**told, "cron": order.cron.text, "generator": {"type": "CRON"}}


@fault(SEEN)
class SeenWithoutExternalId(CreateScheduleServer):
    """externalId is in the answer to a create, and nowhere else: it was never stored."""

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        schedule = self.named(environment, request.path_params["schedule_id"])
        return self.success(environment, self.schedule_body(environment, replace(schedule, external_id=None)))

    def listed_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        return super().listed_body(environment, replace(schedule, external_id=None))


@fault(SEEN)
class SeenWithoutNextRun(CreateScheduleServer):
    """A schedule that is retrieved has no nextRun."""

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        schedule = self.named(environment, request.path_params["schedule_id"])
        body = self.schedule_body(environment, schedule)
        del body["nextRun"]
        return self.success(environment, body)


@fault(LISTED)
class SeenWithAnotherDescription(CreateScheduleServer):
    """The list has no descriptions, which take long to make."""

    def listed_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        body = super().listed_body(environment, schedule)
        return {**body, "generator": {**body["generator"], "description": "cron"}}


@fault("list_and_delete.created_schedule_is_in_the_list")
class SeenUnderAnotherId(CreateScheduleServer):
    """The list has the ids of rows, which no other request takes."""

    def listed_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        return {**super().listed_body(environment, schedule), "id": schedule.id.replace("sched_", "sched_row_")}


@fault(SEEN)
class SeenInUtc(CreateScheduleServer):
    """A schedule that is retrieved has timezone UTC: the column is not read."""

    async def retrieve_schedule(self, request: Request, environment: Environment) -> Response:
        schedule = self.named(environment, request.path_params["schedule_id"])
        return self.success(environment, {**self.schedule_body(environment, schedule), "timezone": "UTC"})


class _Assigning(CreateScheduleServer):
    """Takes one property of a new schedule from its request that is no property of a request."""

    assigned = ""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.sent: dict[str, Any] = {}
        self.of: dict[str, Any] = {}

    def validate(self, document: Any) -> Order:
        order = super().validate(document)
        self.sent = document
        return order

    def made(self, order: Order) -> Schedule:
        schedule = super().made(order)
        if self.assigned in self.sent:
            self.of[schedule.id] = self.sent[self.assigned]
        return schedule

    def schedule_body(self, environment: Environment, schedule: Schedule) -> dict[str, Any]:
        body = super().schedule_body(environment, schedule)
        return {**body, self.assigned: self.of[schedule.id]} if schedule.id in self.of else body


@fault(LOOK_ALIKES)
class AssignsActive(_Assigning):
    """A request may say whether its schedule is active: all of its properties are assigned."""

    assigned = "active"


@fault(LOOK_ALIKES)
class AssignsNextRun(_Assigning):
    """A request may say when its schedule comes next, which is believed."""

    assigned = "nextRun"


@fault(LOOK_ALIKES)
class AssignsIds(_Assigning):
    """A request may say what id its schedule has."""

    def made(self, order: Order) -> Schedule:
        schedule = super().made(order)
        return replace(schedule, id=str(self.sent["id"])) if "id" in self.sent else schedule


@fault(LOOK_ALIKES)
class SnakeCaseStandsIn(CreateScheduleServer):
    """Where externalId or timezone are left out, external_id and time_zone count."""

    def validate(self, document: Any) -> Order:
        if isinstance(document, dict):
            names = {"external_id": "externalId", "time_zone": "timezone"}
            others = {names[name]: value for name, value in document.items() if name in names}
            document = {**others, **document}
        return super().validate(document)


class _Unwrapping(CreateScheduleServer):
    """Takes a property for what has the request's own in it."""

    wrappers: tuple[str, ...] = ()

    def validate(self, document: Any) -> Order:
        inside = [document.get(each) for each in self.wrappers] if isinstance(document, dict) else []
        for each in inside:
            if isinstance(each, dict):
                document = {**document, **self.meant(each)}
        return super().validate(document)

    def meant(self, inside: dict[str, Any]) -> dict[str, Any]:
        """What the request has by what is inside."""
        return inside


@fault(LOOK_ALIKES)
class ReadsGenerators(_Unwrapping):
    """A schedule may be sent back as it was answered: generator.expression is its pattern."""

    wrappers = ("generator",)

    def meant(self, inside: dict[str, Any]) -> dict[str, Any]:
        return {"cron": inside["expression"]} if "expression" in inside else {}


@fault(LOOK_ALIKES)
class Unwraps(_Unwrapping):
    """What is in data, body, options or params counts as if it stood beside them."""

    wrappers = ("data", "body", "options", "params")


@fault(KEPT, AS_ASKED)
class NullWordsAreNothing(CreateScheduleServer):
    """An externalId that says null is none."""

    def optional_text(self, document: dict[str, Any], name: str) -> str | None:
        text = super().optional_text(document, name)
        return None if name == "externalId" and text in ("null", "undefined") else text


@fault("deduplication.second_request_updates_the_schedule")
class AnswersWithTheOldDescription(CreateScheduleServer):
    """The answer to a second request with a key describes the pattern from before: it is built before the write."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.before: Schedule | None = None

    async def keep(self, environment: Environment, order: Order) -> Schedule:
        self.before = self.find(environment, order)
        return await super().keep(environment, order)

    def created_body(self, environment: Environment, order: Order, schedule: Schedule) -> dict[str, Any]:
        body = super().created_body(environment, order, schedule)
        if self.before is not None:
            body["generator"] = {**body["generator"], "description": self.description(self.before.cron)}
        return body


class _FindingTasks(CreateScheduleServer):
    """Takes other names for the task's."""

    def check_task(self, task: str) -> None:
        if not self.is_named(task):
            super().check_task(task)

    def is_named(self, task: str) -> bool:
        raise NotImplementedError


@fault(UNKNOWN_TASK)
class TakesAnyTask(_FindingTasks):
    """Whether there is such a task is seen when it is to start."""

    def is_named(self, task: str) -> bool:
        return bool(task)


@fault(UNKNOWN_TASK)
class FindsTasksInAnyCase(_FindingTasks):
    """A task is looked up without regard to letter case."""

    def is_named(self, task: str) -> bool:
        return task.lower() == self.settings.schedule_task.lower()


@fault(UNKNOWN_TASK)
class TrimsTasks(_FindingTasks):
    """White space around a task's name is cut off before it is looked up."""

    def is_named(self, task: str) -> bool:
        return task.strip() == self.settings.schedule_task


@fault(UNKNOWN_TASK)
class WhatObjectsHaveAreTasks(_FindingTasks):
    """Tasks are the properties of an object of JavaScript, so that those which every object inherits are found too."""

    def is_named(self, task: str) -> bool:
        return task in ("constructor", "toString", "valueOf", "hasOwnProperty")


@fault(UNKNOWN_TASK)
class MatchesTasks(_FindingTasks):
    """A task is looked up by LIKE: a per cent sign stands for any letters."""

    def is_named(self, task: str) -> bool:
        return re.fullmatch(re.escape(task).replace("%", ".*"), self.settings.schedule_task) is not None


class _KeepingTexts(CreateScheduleServer):
    """Keeps an externalId otherwise than it came."""

    def as_ordered(self, identity: str, order: Order) -> Schedule:
        schedule = super().as_ordered(identity, order)
        return replace(schedule, external_id=schedule.external_id and self.kept(schedule.external_id))

    def kept(self, text: str) -> str:
        raise NotImplementedError


@fault(KEPT)
class FoldsLineEndsOfExternalIds(_KeepingTexts):
    """A line end of an externalId is kept as one character."""

    def kept(self, text: str) -> str:
        return text.replace("\r\n", "\n")


@fault(KEPT)
class StripsTagsOfExternalIds(_KeepingTexts):
    """Markup is taken out of an externalId."""

    def kept(self, text: str) -> str:
        return re.sub("<[^>]*>", "", text)


@fault("bodies.mistyped_property_is_rejected")
class TakesNullForNoExternalId(CreateScheduleServer):
    """An externalId of null is taken for none."""

    def optional_text(self, document: dict[str, Any], name: str) -> str | None:
        return (
            None if name == "externalId" and document.get(name, "") is None else super().optional_text(document, name)
        )


@fault(LOOK_ALIKES)
class AssignsTypes(_Assigning):
    """A request may say of what type its schedule is."""

    assigned = "type"


@fault(LOOK_ALIKES)
class CanBeMadePaused(_Assigning):
    """A request that says enabled: false makes a schedule that is not active."""

    assigned = "active"

    def made(self, order: Order) -> Schedule:
        schedule = super().made(order)
        if self.sent.get("enabled") is False:
            self.of[schedule.id] = False
        return schedule


@fault("answers.generator_is_cron")
class TellsTheTypeInLowerCase(CreateScheduleServer):
    """generator.type is cron, as the column has it."""

    def generator(self, schedule: Schedule) -> dict[str, Any]:
        return {**super().generator(schedule), "type": "cron"}
