"""A name that is there already, and requests that fail."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections import Counter
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

TAKEN = "taken_names.second_request_replaces_the_value_or_is_rejected"
REJECTED = "taken_names.rejected_request_changes_nothing"
USED_UP = "taken_names.failed_request_does_not_use_up_its_name"


@fault(TAKEN)
class KeepsTheFirstValue(CreateEnvironmentVariableServer):
    """A second request with a name is answered with success, and changes nothing: insert or ignore."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        if self.find(variables, order.name) is None:
            await super().keep(variables, order)


@fault(TAKEN)
class RejectsAndReplaces(CreateEnvironmentVariableServer):
    """A second request with a name is rejected, and replaces the value."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        there = self.find(variables, order.name) is not None
        await super().keep(variables, order)
        if there:
            raise Problem(400, "name is taken")


@fault(TAKEN)
class ShowsTheFirstValue(CreateEnvironmentVariableServer):
    """What was once seen by a name is seen for ever."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.first: dict[str, Variable] = {}

    def put(self, variables: Variables, variable: Variable) -> None:
        self.first.setdefault(variable.name, variable)
        super().put(variables, variable)

    def remove(self, variables: Variables, variable: Variable) -> None:
        self.first.pop(variable.name, None)
        super().remove(variables, variable)

    def seen_body(self, variable: Variable) -> dict[str, Any]:
        return super().seen_body(self.first.get(variable.name, variable))


@fault(TAKEN, "many_at_once.concurrent_requests_with_one_name_make_one_variable")
class AddsAnotherOfTheName(CreateEnvironmentVariableServer):
    """A second request with a name makes another variable of it, behind the first."""

    def put(self, variables: Variables, variable: Variable) -> None:
        key = self.stored_key(variable.name)
        while key in variables:
            key += "\0"
        variables[key] = variable

    def remove(self, variables: Variables, variable: Variable) -> None:
        for key in [key for key, each in variables.items() if each.name == variable.name]:
            del variables[key]


@fault(TAKEN, "answers.only_documented_statuses")
class AnswersConflict(CreateEnvironmentVariableServer):
    """A name that is taken is answered 409."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        if self.find(variables, order.name) is not None:
            raise Problem(409, "name is taken")
        await super().keep(variables, order)


class _Meddling(CreateEnvironmentVariableServer):
    """Does something of a request that it rejects."""

    async def create_variable(self, request: Request, environment: Environment) -> Response:
        variables = self.variables(self.place(request, environment))
        self.check_media_type(request)
        self.check_coding(request)
        document: Any = None
        with contextlib.suppress(Problem):
            document = self.parse(await self.read_body(request))
        if isinstance(document, dict) and isinstance(document.get("name"), str):
            self.meddle(variables, document)
        return self.success(environment, self.created_body(await self.made(variables, document)))

    async def made(self, variables: Variables, document: Any) -> Variable:
        """The variable of a sound body."""
        if document is None:
            raise Problem(400, "The body is not valid JSON")
        order: Variable = self.validate(document)
        await self.keep(variables, order)
        return order

    def meddle(self, variables: Variables, document: dict[str, Any]) -> None:
        """What is done before the body is known to be sound."""
        raise NotImplementedError


@fault(REJECTED)
class EmptiesBeforeValidating(_Meddling):
    """A request without a value empties the variable, and is rejected then."""

    def meddle(self, variables: Variables, document: dict[str, Any]) -> None:
        there = self.find(variables, document["name"])
        if there is not None and "value" not in document:
            self.put(variables, Variable(there.name, ""))


@fault(REJECTED)
class RemovesBeforeValidating(_Meddling):
    """A name's old variable is removed before the new value is found to be none."""

    def meddle(self, variables: Variables, document: dict[str, Any]) -> None:
        there = self.find(variables, document["name"])
        if there is not None and not isinstance(document.get("value"), str):
            self.remove(variables, there)


@fault("taken_names.refused_request_changes_nothing")
class WritesBeforeAuthenticating(CreateEnvironmentVariableServer):
    """A variable that is there gets its new value before the credential is looked at."""

    async def handle(self, request: Request) -> Response:
        if request.method == "POST" and self.authenticate(request) is None:
            variables = self.variables(self.environments[0])
            with contextlib.suppress(Problem):
                order: Variable = self.validate(self.parse(await self.read_body(request)))
                if self.find(variables, order.name) is not None:
                    self.put(variables, order)
        return await super().handle(request)


OTHERS = "taken_names.new_value_leaves_others"
ODD = "taken_names.odd_new_values_replace_or_are_rejected"


class _Choosy(CreateEnvironmentVariableServer):
    """Finds that some new values say nothing new."""

    def says_nothing_new(self, there: Variable, order: Variable) -> bool:
        """Whether a variable that is there stays as it is."""
        raise NotImplementedError

    async def keep(self, variables: Variables, order: Variable) -> None:
        there = self.find(variables, order.name)
        if there is None or not self.says_nothing_new(there, order):
            await super().keep(variables, order)


@fault(ODD)
class ForgetsThirdValues(CreateEnvironmentVariableServer):
    """What is shown of a variable is kept when it gets its second value, and stays so for all that follow."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.written: Counter[tuple[int, str]] = Counter()

    def put(self, variables: Variables, variable: Variable) -> None:
        place = id(variables), variable.name
        self.written[place] += 1
        if self.written[place] <= 2:
            super().put(variables, variable)

    def remove(self, variables: Variables, variable: Variable) -> None:
        del self.written[id(variables), variable.name]
        super().remove(variables, variable)


@fault(ODD)
class ComparesWithoutCase(_Choosy):
    """A new value in other letters is the old one, by the database's collation."""

    def says_nothing_new(self, there: Variable, order: Variable) -> bool:
        return there.value.casefold() == order.value.casefold()


@fault(ODD)
class ComparesWithoutSpacesBehind(_Choosy):
    """A new value that differs in spaces at its end is the old one, as databases pad what they compare."""

    def says_nothing_new(self, there: Variable, order: Variable) -> bool:
        return there.value.rstrip(" ") == order.value.rstrip(" ")


@fault(ODD)
class ComparesAsNumbers(_Choosy):
    """New values that are numbers are compared as such: 1.0 is 1."""

    def says_nothing_new(self, there: Variable, order: Variable) -> bool:
        try:
            return float(there.value) == float(order.value)
        except ValueError:
            return False


@fault(ODD)
class ComparesTheBeginning(_Choosy):
    """A new value is compared by its length and its first 255 characters."""

    def says_nothing_new(self, there: Variable, order: Variable) -> bool:
        return (len(there.value), there.value[:255]) == (len(order.value), order.value[:255])


@fault(ODD)
class IgnoresWhatItWasOnce(CreateEnvironmentVariableServer):
    """A value that the variable has had before is a request that came late."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.had: set[tuple[str, str]] = set()

    async def keep(self, variables: Variables, order: Variable) -> None:
        if self.find(variables, order.name) is None or (order.name, order.value) not in self.had:
            await super().keep(variables, order)
        self.had.add((order.name, order.value))


class _Replacing(CreateEnvironmentVariableServer):
    """Makes something else of a value where it takes the place of another."""

    def new_value(self, there: Variable, value: str) -> str:
        """What the variable gets."""
        raise NotImplementedError

    async def keep(self, variables: Variables, order: Variable) -> None:
        there = self.find(variables, order.name)
        await super().keep(
            variables, order if there is None else replace(order, value=self.new_value(there, order.value))
        )


@fault(ODD, "values.white_space_around_is_kept")
class TrimsNewValues(_Replacing):
    """A new value is trimmed, a first one is not."""

    def new_value(self, there: Variable, value: str) -> str:  # noqa: ARG002
        return value.strip(" ")


@fault(ODD)
class ReplacesByPatterns(_Replacing):
    """A new value goes through a text's replace, in which $& is what was there."""

    def new_value(self, there: Variable, value: str) -> str:
        return value.replace("$&", there.value)


@fault(ODD)
class ClearsBeforeItRejects(_Meddling):
    """A value with a NUL is rejected once the old one is gone."""

    def meddle(self, variables: Variables, document: dict[str, Any]) -> None:
        there = self.find(variables, document["name"])
        if there is not None and "\0" in str(document.get("value")):
            self.remove(variables, there)


@fault("bodies.mistyped_property_is_rejected", REJECTED)
class RemovesByNull(_Meddling):
    """A value that is null removes the variable that is there, as a merge patch does."""

    async def made(self, variables: Variables, document: Any) -> Variable:
        if isinstance(document, dict) and document.get("value", "") is None:
            there = self.find(variables, str(document.get("name")))
            if there is not None:
                self.remove(variables, there)
                return there
        return await super().made(variables, document)

    def meddle(self, variables: Variables, document: dict[str, Any]) -> None:
        """Only what is accepted does something."""


class _ChangingOthers(CreateEnvironmentVariableServer):
    """A new value of a variable becomes that of others."""

    def put(self, variables: Variables, variable: Variable) -> None:
        if variable.name in variables:
            for name in [each for each in variables if self.is_hit(variable.name, each)]:
                super().put(variables, Variable(name, variable.value))
        super().put(variables, variable)

    def is_hit(self, name: str, other: str) -> bool:
        raise NotImplementedError


@fault(OTHERS)
class ChangesWhatEndsSo(_ChangingOthers):
    """A line of the file is found by its end: names that end with the name get its new value."""

    def is_hit(self, name: str, other: str) -> bool:
        return other.endswith(name)


@fault(OTHERS)
class ChangesWhatBeginsSo(_ChangingOthers):
    """A line of the file is found by its beginning: names that begin with the name get its new value."""

    def is_hit(self, name: str, other: str) -> bool:
        return other.startswith(name)


@fault(OTHERS)
class ChangesByPattern(_ChangingOthers):
    """An underscore of the name stands for any character where its row is updated."""

    def is_hit(self, name: str, other: str) -> bool:
        return re.fullmatch(re.escape(name).replace("_", "."), other) is not None


@fault(ODD)
class IgnoresWhatItWasBefore(CreateEnvironmentVariableServer):
    """A value that was replaced once is an old message, and comes back no more while its successor is there."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.before: dict[str, str] = {}

    def put(self, variables: Variables, variable: Variable) -> None:
        there = variables.get(variable.name)
        if there and there.value != variable.value == self.before.get(variable.name):
            return
        if there:
            self.before[variable.name] = there.value
        super().put(variables, variable)


@fault(TAKEN)
class EachConnectionRemembers(CreateEnvironmentVariableServer):
    """What was seen by a connection is seen by it again, until something is written by it."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.seen: dict[object, dict[str, Response]] = {}

    async def handle(self, request: Request) -> Response:
        if request.method != "GET":
            self.seen.pop(request.client, None)
        return await super().handle(request)

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        seen = self.seen.setdefault(request.client, {})
        if request.url.path not in seen:
            seen[request.url.path] = await super().retrieve_variable(request, environment)
        return seen[request.url.path]


@fault(USED_UP)
class RejectionsReserve(CreateEnvironmentVariableServer):
    """A name is reserved before the value is looked at: after a rejection it is taken."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.reserved: set[str] = set()

    def validate(self, document: Any) -> Variable:
        name = document.get("name") if isinstance(document, dict) else None
        try:
            order = super().validate(document)
        except Problem:
            if isinstance(name, str):
                self.reserved.add(name)
            raise
        if order.name in self.reserved:
            raise Problem(400, "The name is taken")
        return order


@fault(USED_UP)
class StrangersReserve(CreateEnvironmentVariableServer):
    """A name is reserved before anybody is asked who they are: for half a second after a refusal it is taken."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.reserved: dict[str, float] = {}

    async def handle(self, request: Request) -> Response:
        if request.method == "POST" and self.authenticate(request) is None:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self.reserved[json.loads(await request.body())["name"]] = time.monotonic()
        return await super().handle(request)

    def check_name(self, name: str) -> None:
        super().check_name(name)
        if time.monotonic() - self.reserved.get(name, float("-inf")) < 0.5:
            raise Problem(400, "The name is taken")
