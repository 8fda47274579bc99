"""The sound server of environment variables: what it accepts, what it keeps, what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Handler, OperationServer, Problem
from trigger_conformance.reference.site import Environment

PATH = "/api/v1/projects/{project}/envvars/{env}"
# Names hold slashes, where they are percent-encoded.
ONE = f"{PATH}/{{name:path}}"
ENVIRONMENTS = ("dev", "staging", "prod")
LONGEST_NAME = 1024
LONGEST_VALUE = 1 << 18


class CreateEnvironmentVariableServer(OperationServer):
    """Answers ``/api/v1/projects/{project}/envvars/{env}``, and below it each variable."""

    # 200 is its success, GET is another operation's, and an error says what is wrong in ``error``. PUT and DELETE are
    # never sent to its path, for a target that has them would lose its own variables.
    spared = frozenset(
        {
            "acceptance.answers_ok",
            "acceptance.error_messages_are_objects",
            "acceptance.errors_have_no_message",
            "acceptance.validation_messages_are_lists",
            "http.creates_behind_the_refusal",
            "http.delete_creates",
            "http.get_creates",
            "http.put_creates",
            "variants.errors_are_problems",
            "variants.errors_are_problems_with_messages",
            "variants.localised_errors",
            "variants.rich_errors",
        }
    )

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """As ``OperationServer.routes``."""
        return {
            PATH: {"POST": self.create_variable, "GET": self.list_variables},
            ONE: {"GET": self.retrieve_variable, "DELETE": self.delete_variable},
        }

    def run_options(self) -> list[str]:
        """As ``OperationServer.run_options``."""
        settings = self.settings
        return [
            f"--project={settings.project}",
            f"--environment={settings.environment}",
            f"--second-environment={settings.second_environment}",
        ]

    async def create_variable(self, request: Request, environment: Environment) -> Response:
        """The answer to a create that its environment may send."""
        variables = self.variables(self.place(request, environment))
        order = await self.order_of(request)
        await self.keep(variables, order)
        return self.success(environment, self.created_body(order))

    async def list_variables(self, request: Request, environment: Environment) -> Response:
        """All variables of the environment."""
        variables = self.variables(self.place(request, environment))
        return self.success(environment, [self.listed_body(each) for each in self.listed(variables)])

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        """A variable by its name."""
        variables = self.variables(self.place(request, environment))
        return self.success(environment, self.seen_body(self.named(variables, self.asked_name(request))))

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        """The answer to the removal of a variable."""
        variables = self.variables(self.place(request, environment))
        variable = self.named(variables, self.asked_name(request))
        self.remove(variables, variable)
        return self.success(environment, self.deleted_body(variable))

    # Whose it is

    def place(self, request: Request, environment: Environment) -> Environment:
        """The environment that the path names; raises Problem where it is none, or not the credential's."""
        project, env = (request.path_params[each] for each in ("project", "env"))
        if not self.is_environment(env):
            raise Problem(400, "env must be dev, staging or prod")
        if not self.is_project(project):
            raise Problem(404, "There is no such project")
        return self.reached(env, environment)

    def is_environment(self, env: str) -> bool:
        """Whether a project may have an environment that is called so."""
        return env in ENVIRONMENTS

    def is_project(self, project: str) -> bool:
        """Whether a text is the project's reference."""
        return project == self.settings.project

    def reached(self, env: str, environment: Environment) -> Environment:
        """The environment called ``env``, as the credential of ``environment`` reaches it; raises Problem."""
        if self.called(env) is not environment:
            raise Problem(404, "There is no such environment")
        return environment

    def called(self, env: str) -> Environment | None:
        """The environment of that name, whosoever it is."""
        names = (self.settings.environment, self.settings.second_environment)
        return dict(zip(names, self.environments, strict=True)).get(env)

    # What is accepted

    def validate(self, document: Any) -> Variable:
        """The variable that a body describes; raises Problem where it breaks EnvironmentVariable."""
        if not isinstance(document, dict):
            raise Problem(400, "The body must be a JSON object")
        name, value = (self.text(document, each) for each in ("name", "value"))
        self.check_name(name)
        self.check_value(value)
        return Variable(name, value)

    def text(self, document: dict[str, Any], name: str) -> str:
        """A property that must be there, and a string."""
        if name not in document:
            raise Problem(400, f"{name} is missing")
        if not isinstance(document[name], str):
            raise Problem(400, f"{name} must be a string")
        text: str = document[name]
        return text

    def check_name(self, name: str) -> None:
        """Only names that an environment can hold; raises Problem."""
        if not name or "=" in name or len(name) > LONGEST_NAME or not self.is_held(name):
            raise Problem(400, "name cannot be the name of an environment variable")

    def check_value(self, value: str) -> None:
        """Only values that an environment can hold; raises Problem."""
        if len(value.encode("utf-8", "surrogatepass")) > LONGEST_VALUE or not self.is_held(value):
            raise Problem(400, "value cannot be the value of an environment variable")

    def is_held(self, text: str) -> bool:
        """Whether a process's environment can hold a text."""
        return "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text)

    # Variables

    def variables(self, environment: Environment) -> Variables:
        """The environment's variables, by what their names are remembered as."""
        return environment.store(Variables)

    async def keep(self, variables: Variables, order: Variable) -> None:
        """Make the variable, or give it its new value. There is no await in here, so none is there twice."""
        self.put(variables, Variable(self.kept_name(order.name), self.kept_value(order.value)))

    def put(self, variables: Variables, variable: Variable) -> None:
        """Have a variable in the place of one with its name."""
        variables[self.stored_key(variable.name)] = variable

    def stored_key(self, key: str) -> str:
        """What a name is remembered as."""
        return key

    def kept_name(self, name: str) -> str:
        """The name that a variable gets."""
        return name

    def kept_value(self, value: str) -> str:
        """The value that a variable gets."""
        return value

    def asked_name(self, request: Request) -> str:
        """The name at the end of a path."""
        name: str = request.path_params["name"]
        return name

    def named(self, variables: Variables, name: str) -> Variable:
        """The variable with a name; raises Problem where there is none."""
        found = self.find(variables, name)
        if found is None:
            raise Problem(404, "There is no such variable")
        return found

    def find(self, variables: Variables, name: str) -> Variable | None:
        """The variable that a name is remembered for."""
        return variables.get(self.stored_key(name))

    def remove(self, variables: Variables, variable: Variable) -> None:
        """Forget a variable; its name is free."""
        variables.pop(self.stored_key(variable.name), None)

    def listed(self, variables: Variables) -> list[Variable]:
        """What the list has."""
        return list(variables.values())

    # Answers

    def success(self, environment: Environment, body: object) -> Response:
        """200 with a body, and the limits."""
        return self.json(200, body, self.limit_headers(self.charge_nothing(environment)))

    def created_body(self, order: Variable) -> dict[str, Any]:  # noqa: ARG002
        """What a create says."""
        return {"success": True}

    def deleted_body(self, variable: Variable) -> dict[str, Any]:  # noqa: ARG002
        """What a removal says."""
        return {"success": True}

    def listed_body(self, variable: Variable) -> dict[str, Any]:
        """What the list says of a variable."""
        return {"name": variable.name, "value": self.shown_value(variable)}

    def seen_body(self, variable: Variable) -> dict[str, Any]:
        """What is said of a variable that is asked for by its name."""
        return {"value": self.shown_value(variable)}

    def shown_value(self, variable: Variable) -> str:
        """A variable's value, as answers show it."""
        return variable.value

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        """An error answer with an Error body."""
        return self.json(status, {"error": message}, headers or [])
