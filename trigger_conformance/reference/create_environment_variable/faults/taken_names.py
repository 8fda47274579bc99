"""A name that is there already, and requests that fail."""

from __future__ import annotations

import contextlib
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
