"""Answers of other forms, and other refusals."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_environment_variable.server import (
    ENVIRONMENTS,
    CreateEnvironmentVariableServer,
)
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site


@variant
class TheListIsSorted(CreateEnvironmentVariableServer):
    """The list is in the order of the names."""

    def listed(self, variables: Variables) -> list[Variable]:
        return sorted(super().listed(variables), key=lambda each: each.name)


@variant
class AnswersSayMore(CreateEnvironmentVariableServer):
    """Answers have more properties than are documented."""

    def created_body(self, order: Variable) -> dict[str, Any]:
        return {**super().created_body(order), "name": order.name}

    def listed_body(self, variable: Variable) -> dict[str, Any]:
        return {"id": f"envvar_{len(variable.name)}", **super().listed_body(variable), "isSecret": False}

    def seen_body(self, variable: Variable) -> dict[str, Any]:
        return {"name": variable.name, **super().seen_body(variable), "isSecret": False}


@variant
class ErrorsSayMore(CreateEnvironmentVariableServer):
    """A 400 has the issues, as the document lets it."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        more = {"issues": [{"code": "invalid_type", "message": message}], "variableErrors": []} if status == 400 else {}
        return self.json(status, {"error": message, **more}, headers or [])


class _Refusing(CreateEnvironmentVariableServer):
    """Refuses what is not the credential's with another status."""

    status = 404

    def place(self, request: Request, environment: Environment) -> Environment:
        try:
            return super().place(request, environment)
        except Problem as problem:
            raise Problem(self.status if problem.status == 404 else problem.status, problem.message) from problem


@variant(warns=("authentication.refusal_carries_a_challenge",))
class OtherProjectsAre401(_Refusing):
    """A project or environment that is not the credential's is answered 401."""

    status = 401


@variant
class OtherProjectsAre403(_Refusing):
    """A project or environment that is not the credential's is answered 403."""

    status = 403


@variant
class OtherEnvironmentsAre404(CreateEnvironmentVariableServer):
    """An environment that is none of the three is answered 404."""

    def is_environment(self, env: str) -> bool:
        if env not in ENVIRONMENTS:
            raise Problem(404, "There is no such environment")
        return True


@variant
class KeysOfTheProject(CreateEnvironmentVariableServer):
    """A credential is the whole project's: it reaches every environment of it."""

    def reached(self, env: str, environment: Environment) -> Environment:  # noqa: ARG002
        found = self.called(env)
        if found is None:
            raise Problem(404, "There is no such environment")
        return found


@variant
class EncodedPathsNameNothing(CreateEnvironmentVariableServer):
    """Paths are compared as they were sent."""

    def place(self, request: Request, environment: Environment) -> Environment:
        if b"%70" in request.scope["raw_path"]:
            raise Problem(404, "There is no such project")
        return super().place(request, environment)


@variant
class WritesTakeAWhile(CreateEnvironmentVariableServer):
    """A write takes a while, one after the other."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = asyncio.Lock()

    async def keep(self, variables: Variables, order: Variable) -> None:
        async with self.lock:
            await asyncio.sleep(0.005)
            await super().keep(variables, order)


@variant
class CreatesShowTheEnvironment(CreateEnvironmentVariableServer):
    """The answer to a create has all variables of the environment beside."""

    async def create_variable(self, request: Request, environment: Environment) -> Response:
        await super().create_variable(request, environment)
        listed = [self.listed_body(each) for each in self.listed(self.variables(environment))]
        return self.success(environment, {"success": True, "variables": listed, "names": {}})


@variant
class ThousandsAreThere(CreateEnvironmentVariableServer):
    """Each environment has three thousand variables of somebody else's, all of which are in its list."""

    def variables(self, environment: Environment) -> Variables:
        found = super().variables(environment)
        if not found:
            found |= {f"OWN_{number}": Variable(f"OWN_{number}", "x" * 40) for number in range(3000)}
        return found
