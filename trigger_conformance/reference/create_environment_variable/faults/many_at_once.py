"""Requests that meet each other on their way into the store."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

AWHILE = 0.03


class _Slow(CreateEnvironmentVariableServer):
    """Looks whether a name is there, and writes a little later where it is not."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        if self.find(variables, order.name) is not None:
            await super().keep(variables, order)
            return
        await asyncio.sleep(AWHILE)
        self.insert(variables, order)

    def insert(self, variables: Variables, order: Variable) -> None:
        raise NotImplementedError


@fault("many_at_once.concurrent_requests_with_one_name_make_one_variable")
class InsertsTwice(_Slow):
    """Two requests that both find no variable each insert one."""

    def insert(self, variables: Variables, order: Variable) -> None:
        key = self.stored_key(order.name)
        while key in variables:
            key += "\0"
        variables[key] = order

    def remove(self, variables: Variables, variable: Variable) -> None:
        for key in [key for key, each in variables.items() if each.name == variable.name]:
            del variables[key]


@fault("many_at_once.concurrent_requests_with_one_name_are_answered", "answers.never_a_server_error")
class FailsOnTheSecondInsert(_Slow):
    """The second of two inserts of one name is answered 500."""

    def insert(self, variables: Variables, order: Variable) -> None:
        if self.find(variables, order.name) is not None:
            raise Problem(500, "Something went wrong")
        self.put(variables, order)


@fault("many_at_once.concurrent_requests_with_one_name_are_answered", "answers.only_documented_statuses")
class AnswersTheSecondInsertWithConflict(_Slow):
    """The second of two inserts of one name is answered 409."""

    def insert(self, variables: Variables, order: Variable) -> None:
        if self.find(variables, order.name) is not None:
            raise Problem(409, "name is taken")
        self.put(variables, order)


@fault("many_at_once.concurrent_requests_with_one_name_leave_one_of_their_values")
class MixesValues(_Slow):
    """The second of two writes of one name is written over a part of the first."""

    def insert(self, variables: Variables, order: Variable) -> None:
        there = self.find(variables, order.name)
        value = order.value if there is None else order.value[:20] + there.value[20:]
        self.put(variables, Variable(order.name, value))


@fault("many_at_once.concurrent_requests_with_different_names_make_all")
class WritesAllOfThem(CreateEnvironmentVariableServer):
    """All variables are read, changed, and written as a whole: what came meanwhile is lost."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        if not order.value.startswith("the value of lane"):
            await super().keep(variables, order)
            return
        copy = Variables(variables)
        await asyncio.sleep(AWHILE)
        self.put(copy, order)
        variables.clear()
        variables.update(copy)


@fault("many_at_once.concurrent_requests_with_different_names_make_all")
class RemovalsWriteAllOfThem(CreateEnvironmentVariableServer):
    """A removal reads all variables, and writes them back as a whole: what was made meanwhile is lost."""

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        variables = self.variables(self.place(request, environment))
        read = dict(variables)
        await asyncio.sleep(AWHILE)
        for key in [key for key in variables if key not in read]:
            del variables[key]
        return await super().delete_variable(request, environment)


@fault("many_at_once.removals_while_others_are_made_hold")
class WritesBackWhatItHadRead(CreateEnvironmentVariableServer):
    """What was there when a request came in is there when it is done, whatever was removed meanwhile."""

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        # Whichever of two that come at once is read first.
        await asyncio.sleep(AWHILE)
        return await super().delete_variable(request, environment)

    async def keep(self, variables: Variables, order: Variable) -> None:
        before = Variables(variables)
        await asyncio.sleep(3 * AWHILE)
        for key, each in before.items():
            variables.setdefault(key, each)
        await super().keep(variables, order)


@fault("many_at_once.removals_while_others_are_made_hold")
class RemembersWhatItHadBegunToSee(CreateEnvironmentVariableServer):
    """A look that a removal overtakes puts what it had found into a cache, where it stays."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.seen: dict[tuple[int, str], Variable] = {}

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        variables, name = self.variables(self.place(request, environment)), self.asked_name(request)
        place = id(variables), name
        if place not in self.seen:
            found = self.named(variables, name)
            await asyncio.sleep(AWHILE)
            self.seen[place] = found
        return self.success(environment, self.seen_body(self.seen[place]))

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        # Whichever of two that come at once is read first.
        await asyncio.sleep(AWHILE / 3)
        return await super().delete_variable(request, environment)

    def put(self, variables: Variables, variable: Variable) -> None:
        super().put(variables, variable)
        self.seen.pop((id(variables), variable.name), None)

    def remove(self, variables: Variables, variable: Variable) -> None:
        super().remove(variables, variable)
        self.seen.pop((id(variables), variable.name), None)


@fault("list_and_delete.looking_never_fails_the_server")
class ListsFailWhileOthersWrite(CreateEnvironmentVariableServer):
    """A list is answered 500 where a variable is made or removed meanwhile: what it goes through has changed."""

    async def list_variables(self, request: Request, environment: Environment) -> Response:
        variables = self.variables(self.place(request, environment))
        before = len(variables)
        await asyncio.sleep(3 * AWHILE)
        if len(variables) != before:
            raise Problem(500, "dictionary changed size during iteration")
        return await super().list_variables(request, environment)

    async def keep(self, variables: Variables, order: Variable) -> None:
        if self.find(variables, order.name) is None:
            await asyncio.sleep(AWHILE)
        await super().keep(variables, order)
