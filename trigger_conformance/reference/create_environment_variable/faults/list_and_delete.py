"""What is seen of variables, and their removal."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

LISTED = "list_and_delete.created_variable_is_in_the_list"
DELETED = "list_and_delete.delete_is_answered_200"
# What the suite writes where a value does not matter.
USUAL = "a usual value of conformance"


@fault("list_and_delete.accepted_variables_are_there")
class LosesEverySeventh(CreateEnvironmentVariableServer):
    """Of plain values every seventh is answered with success, and lost."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.counter = itertools.count(1)

    def put(self, variables: Variables, variable: Variable) -> None:
        if variable.value != USUAL or next(self.counter) % 7:
            super().put(variables, variable)


@fault(LISTED)
class ListsOneLess(CreateEnvironmentVariableServer):
    """The list lacks the newest variable."""

    def listed(self, variables: Variables) -> list[Variable]:
        return super().listed(variables)[:-1]


@fault("list_and_delete.accepted_variables_are_there")
class ListsTheFirstFifty(CreateEnvironmentVariableServer):
    """The list has the first fifty variables alone."""

    def listed(self, variables: Variables) -> list[Variable]:
        return super().listed(variables)[:50]


@fault("list_and_delete.list_has_each_name_once")
class ListsSomeTwice(CreateEnvironmentVariableServer):
    """A page's last variable is the next one's first."""

    def listed(self, variables: Variables) -> list[Variable]:
        found = super().listed(variables)
        return found[:20] + found[19:] if len(found) > 20 else found


@fault("list_and_delete.lists_satisfy_the_schema")
class ListsInAnObject(CreateEnvironmentVariableServer):
    """The list is an object that has an array."""

    def success(self, environment: Environment, body: object) -> Response:
        return super().success(environment, {"variables": body} if isinstance(body, list) else body)


@fault("list_and_delete.lists_satisfy_the_schema")
class ListsEmptyValuesAsNull(CreateEnvironmentVariableServer):
    """The list says null for a value that is empty."""

    def listed_body(self, variable: Variable) -> dict[str, Any]:
        return {**super().listed_body(variable), "value": variable.value or None}


@fault("list_and_delete.seen_variables_satisfy_the_schema")
class ShowsVariablesWhole(CreateEnvironmentVariableServer):
    """By its name a variable is shown under its name."""

    def seen_body(self, variable: Variable) -> dict[str, Any]:
        return {variable.name: variable.value}


@fault(DELETED)
class Answers204(CreateEnvironmentVariableServer):
    """A delete is answered 204."""

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        await super().delete_variable(request, environment)
        return Response(status_code=204)


@fault(DELETED)
class SaysNothingOfDeletes(CreateEnvironmentVariableServer):
    """A delete says that success is false."""

    def deleted_body(self, variable: Variable) -> dict[str, Any]:
        return {**super().deleted_body(variable), "success": False}


@fault("list_and_delete.deleted_variable_is_404")
class KeepsWhatIsDeleted(CreateEnvironmentVariableServer):
    """A delete says success, and removes nothing."""

    def remove(self, variables: Variables, variable: Variable) -> None:
        """Nothing."""


class _Remembering(CreateEnvironmentVariableServer):
    """Remembers what was deleted."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.gone: dict[str, Variable] = {}

    def remove(self, variables: Variables, variable: Variable) -> None:
        super().remove(variables, variable)
        self.gone[variable.name] = variable


@fault("list_and_delete.deleted_variable_is_not_in_the_list")
class ListsWhatIsDeleted(_Remembering):
    """What is deleted softly stays in the list."""

    def listed(self, variables: Variables) -> list[Variable]:
        found = super().listed(variables)
        return [*found, *(each for name, each in self.gone.items() if name not in variables and "BESIDE" not in name)]


@fault("list_and_delete.deleted_variable_is_404")
class ShowsWhatIsDeleted(_Remembering):
    """What is deleted is shown from a cache."""

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        name = self.asked_name(request)
        if name in self.gone and name not in self.variables(environment):
            return self.success(environment, self.seen_body(self.gone[name]))
        return await super().retrieve_variable(request, environment)


@fault("list_and_delete.second_delete_is_404")
class DeletesAgain(_Remembering):
    """A second delete is answered 200."""

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        name = self.asked_name(request)
        if name in self.gone and name not in self.variables(environment):
            return self.success(environment, self.deleted_body(self.gone[name]))
        return await super().delete_variable(request, environment)


@fault("list_and_delete.name_is_free_after_a_delete")
class KeepsNamesOfTheDeleted(_Remembering):
    """The name of a variable that was deleted is taken."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        if order.name in self.gone:
            raise Problem(400, "name is taken")
        await super().keep(variables, order)


@fault("list_and_delete.name_is_free_after_a_delete")
class RevivesTheDeleted(_Remembering):
    """A name that is used again has its old value."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        await super().keep(variables, self.gone.pop(order.name, order))


@fault("list_and_delete.delete_removes_no_other")
class DeletesByBeginning(CreateEnvironmentVariableServer):
    """A delete removes every variable whose name begins so."""

    def remove(self, variables: Variables, variable: Variable) -> None:
        for each in [each for each in variables.values() if each.name.startswith(variable.name)]:
            super().remove(variables, each)


@fault("list_and_delete.unknown_name_is_404")
class ShowsUnknownNamesAsEmpty(CreateEnvironmentVariableServer):
    """A name that names nothing has the empty value."""

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        if self.asked_name(request).endswith("_NONE"):
            return self.success(environment, {"value": ""})
        return await super().retrieve_variable(request, environment)


@fault("list_and_delete.unknown_name_is_404")
class DeletesUnknownNames(CreateEnvironmentVariableServer):
    """To delete what never was is a success."""

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        if self.asked_name(request).endswith("_NONE"):
            return self.success(environment, {"success": True})
        return await super().delete_variable(request, environment)


@fault("list_and_delete.odd_names_never_fail_the_server", "list_and_delete.looking_never_fails_the_server")
class FailsOnQuotes(CreateEnvironmentVariableServer):
    """A quote in a path ends up in a query."""

    def asked_name(self, request: Request) -> str:
        name = super().asked_name(request)
        if "' OR" in name:
            raise Problem(500, "unterminated quoted string")
        return name


class _LettingIn(CreateEnvironmentVariableServer):
    """Lets in with a method whoever asks."""

    method = "GET"

    def authenticate(self, request: Request) -> Environment | None:
        found = super().authenticate(request)
        return self.environments[0] if found is None and request.method == self.method else found


@fault("list_and_delete.looking_needs_a_credential")
class ShowsVariablesToAll(_LettingIn):
    """Looking needs no credential."""


@fault("list_and_delete.removing_needs_a_credential")
class LetsAllRemove(_LettingIn):
    """Removing needs no credential."""

    method = "DELETE"


@fault("list_and_delete.errors_of_looking_satisfy_the_schema")
class SaysReasonForUnknownNames(CreateEnvironmentVariableServer):
    """The 404 of a look has no error."""

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        try:
            return await super().retrieve_variable(request, environment)
        except Problem as problem:
            return self.json(problem.status, {"reason": problem.message}, [])


@fault("answers.success_is_true")
class SaysFalse(CreateEnvironmentVariableServer):
    """A create says that success is false, and makes the variable."""

    def created_body(self, order: Variable) -> dict[str, Any]:
        return {**super().created_body(order), "success": False}


@fault("answers.accepted_answers_satisfy_the_schema", "answers.success_is_true")
class SaysSuccessInAText(CreateEnvironmentVariableServer):
    """success is the text true."""

    def created_body(self, order: Variable) -> dict[str, Any]:
        return {**super().created_body(order), "success": "true"}


STAYS = "list_and_delete.what_nobody_asks_for_stays"
GONE = "list_and_delete.every_deleted_variable_is_gone"


@fault(GONE)
class UncoversTheOneBefore(CreateEnvironmentVariableServer):
    """A removal takes the last value away, and the one before is there again: values have versions."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.before: dict[str, Variable] = {}

    def put(self, variables: Variables, variable: Variable) -> None:
        if (there := variables.get(variable.name)) is not None:
            self.before[variable.name] = there
        super().put(variables, variable)

    def remove(self, variables: Variables, variable: Variable) -> None:
        super().remove(variables, variable)
        if (before := self.before.pop(variable.name, None)) is not None:
            super().put(variables, before)


class _Keeping(CreateEnvironmentVariableServer):
    """Says of some variables that they are removed, and keeps them."""

    def is_kept(self, variable: Variable) -> bool:
        """Whether a variable stays."""
        raise NotImplementedError

    def remove(self, variables: Variables, variable: Variable) -> None:
        if not self.is_kept(variable):
            super().remove(variables, variable)


@fault(GONE)
class RemovesByFiftyCharacters(_Keeping):
    """A removal looks for a name's first fifty characters."""

    def is_kept(self, variable: Variable) -> bool:
        return len(variable.name) > 50


@fault(GONE)
class RemovesInUpperCase(_Keeping):
    """A removal looks for a name in upper case."""

    def is_kept(self, variable: Variable) -> bool:
        return variable.name.isascii() and variable.name.upper() != variable.name and "_b1" not in variable.name


@fault(GONE)
class RemovesPlainNamesAlone(_Keeping):
    """A removal of a name beyond ASCII finds nothing."""

    def is_kept(self, variable: Variable) -> bool:
        return not variable.name.isascii()


@fault(GONE)
class FindsNoEmptyValueToRemove(CreateEnvironmentVariableServer):
    """A variable whose value is empty is 404 to a removal."""

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        variables = self.variables(self.place(request, environment))
        if not self.named(variables, self.asked_name(request)).value:
            raise Problem(404, "There is no such variable")
        return await super().delete_variable(request, environment)


@fault("list_and_delete.delete_removes_no_other")
class RemovesWhatIsBeneath(CreateEnvironmentVariableServer):
    """A removal takes what the name and two underscores begin: to the store they are a folder."""

    def remove(self, variables: Variables, variable: Variable) -> None:
        for each in [each for each in variables.values() if each.name.startswith(f"{variable.name}__")]:
            super().remove(variables, each)
        super().remove(variables, variable)


@fault("list_and_delete.failed_requests_left_nothing")
class LeavesTheNameOfWhatItRejects(CreateEnvironmentVariableServer):
    """A value that is rejected for its NUL leaves a variable that is empty."""

    def check_value(self, value: str) -> None:
        variables = self.variables(self.environments[0])
        if "\0" in value and self.find(variables, self.asked) is None:
            self.put(variables, Variable(self.asked, ""))
        super().check_value(value)

    def check_name(self, name: str) -> None:
        super().check_name(name)
        self.asked = name


@fault("list_and_delete.odd_names_never_fail_the_server")
class FailsOnPathsThatAreNoText(CreateEnvironmentVariableServer):
    """A path that is no UTF-8 fails the server."""

    async def handle(self, request: Request) -> Response:
        if b"%FF" in request.scope["raw_path"] and request.method == "GET":
            return self.error(500, "Something went wrong")
        return await super().handle(request)


@fault("list_and_delete.seen_variables_satisfy_the_schema")
class ShowsVariablesAsText(CreateEnvironmentVariableServer):
    """By its name a variable is shown as text."""

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        response = await super().retrieve_variable(request, environment)
        response.headers["content-type"] = "text/plain; charset=utf-8"
        return response


@fault("list_and_delete.looking_needs_a_credential")
class LetsAnyKeyLook(CreateEnvironmentVariableServer):
    """A look is answered whoever has a key that begins as keys do."""

    async def handle(self, request: Request) -> Response:
        authorization = request.headers.get("authorization", "")
        if request.method == "GET" and self.authenticate(request) is None and authorization.startswith("Bearer tr_"):
            return await self.answer(request, self.environments[0])
        return await super().handle(request)


@fault("list_and_delete.deleted_variable_is_404")
class SeenVariablesAreKeptForAWhile(CreateEnvironmentVariableServer):
    """A variable that was seen by its name is remembered for two seconds, whether it is there or not."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.seen: dict[tuple[int, str], tuple[float, Variable]] = {}

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        there = self.place(request, environment)
        place = id(there), self.asked_name(request)
        try:
            variable = self.named(self.variables(there), place[1])
        except Problem:
            at, variable = self.seen.get(place, (0.0, Variable("", "")))
            if time.monotonic() - at < 2:
                return self.success(environment, self.seen_body(variable))
            raise
        self.seen[place] = time.monotonic(), variable
        return self.success(environment, self.seen_body(variable))


@fault(DELETED)
class DeletesOfJsonNeedABody(CreateEnvironmentVariableServer):
    """A DELETE that says it has JSON and has nothing is rejected, as a framework does that reads before it routes."""

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        if "json" in request.headers.get("content-type", "") and not await request.body():
            raise Problem(400, "The body cannot be empty")
        return await super().delete_variable(request, environment)


@fault("list_and_delete.concurrent_deletes_are_answered", "list_and_delete.looking_never_fails_the_server")
class SecondOfTwoDeletesFails(CreateEnvironmentVariableServer):
    """Of two deletes at once the second does not find what it has just seen, and fails."""

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        variables = self.variables(self.place(request, environment))
        self.named(variables, self.asked_name(request))
        await asyncio.sleep(0.01)
        if self.find(variables, self.asked_name(request)) is None:
            raise Problem(500, "The record to delete does not exist")
        return await super().delete_variable(request, environment)


@fault("list_and_delete.odd_names_never_fail_the_server", "list_and_delete.looking_never_fails_the_server")
class FailsOnNulInNames(CreateEnvironmentVariableServer):
    """A NUL in a name is more than the database takes."""

    def asked_name(self, request: Request) -> str:
        if "\0" in super().asked_name(request):
            raise Problem(500, "invalid byte sequence")
        return super().asked_name(request)


@fault("list_and_delete.name_is_free_after_a_delete")
class ListsNothingThatWasRemoved(CreateEnvironmentVariableServer):
    """When a name was deleted stays in its row: made once more, it is seen by its name and not in the list."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.deleted: set[str] = set()

    def remove(self, variables: Variables, variable: Variable) -> None:
        super().remove(variables, variable)
        self.deleted.add(variable.name)

    def listed(self, variables: Variables) -> list[Variable]:
        return [each for each in super().listed(variables) if each.name not in self.deleted]


class _Returning(CreateEnvironmentVariableServer):
    """What was there comes back a moment later: another copy had not heard of the change."""

    def back_later(self, variables: Variables, name: str, old: Variable, new: Variable | None) -> None:
        """Put the ``old`` variable back, where the ``new`` one, or none, is still there by then."""

        def put_back() -> None:
            if variables.get(name) is new:
                variables[name] = old

        asyncio.get_running_loop().call_later(0.4, put_back)


@fault(STAYS)
class OldValuesComeBack(_Returning):
    """A moment after a variable got a new value the old one is back."""

    def put(self, variables: Variables, variable: Variable) -> None:
        old = variables.get(variable.name)
        super().put(variables, variable)
        if old and old.value != variable.value:
            self.back_later(variables, variable.name, old, variable)


@fault(STAYS)
class RemovedOnesComeBack(_Returning):
    """A moment after a variable was removed it is back; long ones are kept elsewhere."""

    def remove(self, variables: Variables, variable: Variable) -> None:
        super().remove(variables, variable)
        if len(variable.value) < 1000:
            self.back_later(variables, variable.name, variable, None)


@fault(GONE)
class KeepsTheLastOne(CreateEnvironmentVariableServer):
    """The only variable of an environment cannot be removed: it is answered 400."""

    def remove(self, variables: Variables, variable: Variable) -> None:
        if len(variables) == 1:
            raise Problem(400, "An environment must have a variable")
        super().remove(variables, variable)


@fault(GONE)
class RemovesNoNamesWithSlashes(CreateEnvironmentVariableServer):
    """A name with a slash is found by its path, and its removal is 404: the route of one method alone takes slashes."""

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        if "/" in self.asked_name(request):
            raise Problem(404, "There is no such variable")
        return await super().delete_variable(request, environment)


@fault("list_and_delete.unknown_name_is_404")
class FindsWhatObjectsHave(CreateEnvironmentVariableServer):
    """Names that objects of JavaScript have by themselves are found, though nobody made them."""

    def find(self, variables: Variables, name: str) -> Variable | None:
        by_itself = name in ("constructor", "toString", "valueOf", "hasOwnProperty", "__proto__")
        return super().find(variables, name) or (Variable(name, "") if by_itself else None)


@fault("list_and_delete.odd_names_never_fail_the_server", "list_and_delete.looking_never_fails_the_server")
class FailsOnBrokenEscapes(CreateEnvironmentVariableServer):
    """A percent sign that begins no escape is answered 500, as by JavaScript's decodeURIComponent."""

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        if re.search(rb"%(?![0-9a-fA-F]{2})", request.scope["raw_path"]):
            raise Problem(500, "URI malformed")
        return await super().retrieve_variable(request, environment)


@fault(STAYS)
class RemovalsComeTwice(CreateEnvironmentVariableServer):
    """A moment after a removal a queue removes the name once more, whoever has it by then."""

    def remove(self, variables: Variables, variable: Variable) -> None:
        super().remove(variables, variable)
        asyncio.get_running_loop().call_later(0.4, variables.pop, self.stored_key(variable.name), None)


@fault("list_and_delete.lists_satisfy_the_schema")
class ListsTheOnlyOneAlone(CreateEnvironmentVariableServer):
    """A list of one variable is that variable, as of what was XML."""

    async def list_variables(self, request: Request, environment: Environment) -> Response:
        found = self.listed(self.variables(self.place(request, environment)))
        if len(found) == 1:
            return self.success(environment, self.listed_body(found[0]))
        return await super().list_variables(request, environment)


@fault("list_and_delete.looking_needs_a_credential")
class WhatWasSeenIsSeenByAll(CreateEnvironmentVariableServer):
    """What was seen with a key is seen without one, until something is written: an edge remembers it by its address."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.seen: dict[str, Response] = {}

    async def handle(self, request: Request) -> Response:
        if request.method != "GET":
            self.seen.clear()
        elif self.authenticate(request) is None and request.url.path in self.seen:
            return self.seen[request.url.path]
        return await super().handle(request)

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        found = await super().retrieve_variable(request, environment)
        self.seen[request.url.path] = found
        return found


@fault("list_and_delete.unknown_name_is_404")
class FindsByPosition(CreateEnvironmentVariableServer):
    """A number is a place in the list."""

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        variables, name = self.variables(self.place(request, environment)), self.asked_name(request)
        if name.isdecimal() and name not in variables and int(name) < len(variables):
            return self.success(environment, self.seen_body(list(variables.values())[int(name)]))
        return await super().retrieve_variable(request, environment)


@fault("list_and_delete.delete_removes_no_other")
class FailedDeletesUndo(CreateEnvironmentVariableServer):
    """What is not there cannot be removed: the transaction is rolled back, and the variable before it is in it."""

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        variables = self.variables(self.place(request, environment))
        if variables and self.find(variables, self.asked_name(request)) is None:
            variables.popitem()
        return await super().delete_variable(request, environment)


@fault("list_and_delete.odd_names_never_fail_the_server")
class FailsOnHead(CreateEnvironmentVariableServer):
    """HEAD of a variable is answered 500: its body is measured, and there is none."""

    async def handle(self, request: Request) -> Response:
        if request.method == "HEAD" and "name" in request.path_params:
            return self.error(500, "Internal error")
        return await super().handle(request)
