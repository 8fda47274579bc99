"""What platforms do that the contract leaves open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_environment_variable.server import PATH, CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Handler, Problem
from trigger_conformance.reference.site import Environment


class _Refusing(CreateEnvironmentVariableServer):
    """Rejects values in which a pattern is found."""

    refused = ""

    def check_value(self, value: str) -> None:
        if re.search(self.refused, value):
            raise Problem(400, "value cannot be kept")
        super().check_value(value)


@variant(warns=("values.printable_values_are_accepted",))
class NoMasks(_Refusing):
    """Values of asterisks are rejected: they are what a form shows of a secret."""

    refused = r"\A\*+\Z"


@variant(warns=("values.printable_values_are_accepted",))
class NoReferences(_Refusing):
    """Values that refer to other variables are rejected."""

    refused = r"\$\{\w+\}"


@variant
class NoWhiteSpaceAlone(_Refusing):
    """Values of white space alone are rejected, empty ones are not."""

    refused = r"\A\s+\Z"


@variant
class NoNoncharacters(_Refusing):
    """Code points that are no characters are rejected."""

    refused = "[\ufffe\uffff\ufeff]"


@variant
class NoControlCharacters(_Refusing):
    """Control characters but for line breaks and tabs are rejected."""

    refused = "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"


@variant
class UnchangedIsRejected(CreateEnvironmentVariableServer):
    """A second request with the value that is there is rejected, one with another replaces it."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        known = self.find(variables, order.name)
        if known is not None and known.value == order.value:
            raise Problem(400, "It has this value")
        await super().keep(variables, order)


@variant
class EmptyIsNoNewValue(CreateEnvironmentVariableServer):
    """A variable that is there is given no empty value: 400."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        if not order.value and self.find(variables, order.name) is not None:
            raise Problem(400, "value must not be emptied")
        await super().keep(variables, order)


@variant
class NewestFirst(CreateEnvironmentVariableServer):
    """The list begins with what was made last, and a variable that is replaced moves there."""

    def put(self, variables: Variables, variable: Variable) -> None:
        variables.pop(self.stored_key(variable.name), None)
        super().put(variables, variable)

    def listed(self, variables: Variables) -> list[Variable]:
        return super().listed(variables)[::-1]


@variant
class ListsSayWhoAndWhen(CreateEnvironmentVariableServer):
    """The list has versions and times beside, also such as are called as the documented properties are."""

    def listed_body(self, variable: Variable) -> dict[str, Any]:
        more = {"createdAt": "2026-03-01T10:00:00Z", "version": 1, "lastUpdatedBy": {"name": "an owner", "value": None}}
        return {**super().listed_body(variable), **more}


@variant
class RejectsTelltaleNames(CreateEnvironmentVariableServer):
    """Names that end as other platforms' own do are rejected."""

    def check_name(self, name: str) -> None:
        if re.search("(SECRET|TOKEN|PASSWORD)$", name):
            raise Problem(400, "name is reserved")
        super().check_name(name)


@variant
class TheCollectionIsReplacedAndRemoved(CreateEnvironmentVariableServer):
    """PUT of the list replaces all variables of the environment, and DELETE removes them: nobody documents it."""

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        routes = super().routes()
        return {**routes, PATH: {**routes[PATH], "PUT": self.replace_all, "DELETE": self.remove_all}}

    async def replace_all(self, request: Request, environment: Environment) -> Response:
        """All variables but what the body has are gone."""
        order = await self.order_of(request)
        variables = self.variables(self.place(request, environment))
        variables.clear()
        await self.keep(variables, order)
        return self.success(environment, {"success": True})

    async def remove_all(self, request: Request, environment: Environment) -> Response:
        """All variables are gone."""
        self.variables(self.place(request, environment)).clear()
        return self.success(environment, {"success": True})
