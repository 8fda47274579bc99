"""Environments and projects that are not kept apart, and values where they must not be."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_environment_variable.server import (
    ENVIRONMENTS,
    CreateEnvironmentVariableServer,
)
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment, Site

SEEN_ELSEWHERE = "whose_it_is.another_environment_does_not_see_a_variable"
PROJECT = "whose_it_is.unknown_project_is_refused"
ENVIRONMENT = "whose_it_is.unknown_environment_is_rejected"


@fault(SEEN_ELSEWHERE)
class SharesOneStore(CreateEnvironmentVariableServer):
    """All environments have their variables in one place."""

    def variables(self, environment: Environment) -> Variables:  # noqa: ARG002
        return super().variables(self.environments[0])


@fault(SEEN_ELSEWHERE)
class ListsOfAllEnvironments(CreateEnvironmentVariableServer):
    """The list has the variables of every environment."""

    def listed(self, variables: Variables) -> list[Variable]:
        names = {each.name: each for environment in self.environments for each in self.variables(environment).values()}
        return list({**names, **{each.name: each for each in variables.values()}}.values())


@fault("whose_it_is.creating_elsewhere_leaves_the_variable")
class WritesWhereverTheNameIs(CreateEnvironmentVariableServer):
    """A variable gets its new value in every environment that has its name."""

    def put(self, variables: Variables, variable: Variable) -> None:
        super().put(variables, variable)
        for each in (self.variables(environment) for environment in self.environments):
            if self.stored_key(variable.name) in each:
                super().put(each, variable)


@fault("whose_it_is.removing_elsewhere_leaves_the_variable")
class RemovesWhereverTheNameIs(CreateEnvironmentVariableServer):
    """A variable is removed from every environment."""

    def remove(self, variables: Variables, variable: Variable) -> None:
        super().remove(variables, variable)
        for each in (self.variables(environment) for environment in self.environments):
            super().remove(each, variable)


@fault("whose_it_is.value_is_in_no_other_environments_answer")
class TellsWhatIsElsewhere(CreateEnvironmentVariableServer):
    """The 404 of a look tells what the name is in another environment."""

    def named(self, variables: Variables, name: str) -> Variable:
        try:
            return super().named(variables, name)
        except Problem as problem:
            others = (self.find(self.variables(each), name) for each in self.environments)
            told = next((each.value for each in others if each is not None), None)
            raise problem if told is None else Problem(404, f"{name} is {told} in another environment") from problem


@fault("whose_it_is.another_credential_makes_nothing_where_it_is_refused")
class WritesBeforeRefusing(CreateEnvironmentVariableServer):
    """Another environment's credential is refused once the variable is made."""

    async def create_variable(self, request: Request, environment: Environment) -> Response:
        there = self.called(request.path_params["env"])
        if there is not None and there is not environment:
            await self.keep(self.variables(there), await self.order_of(request))
        return await super().create_variable(request, environment)


@fault("whose_it_is.another_credential_makes_nothing_where_it_is_refused")
class AnswersOthersWithConflict(CreateEnvironmentVariableServer):
    """Another environment's credential is answered 409."""

    def reached(self, env: str, environment: Environment) -> Environment:
        if self.called(env) not in (None, environment):
            raise Problem(409, "The key is of another environment")
        return super().reached(env, environment)


@fault(PROJECT)
class ReadsNoProject(CreateEnvironmentVariableServer):
    """The project in the path is not looked at: the key says whose it is."""

    def is_project(self, project: str) -> bool:  # noqa: ARG002
        return True


@fault(PROJECT)
class FindsProjectsByTheirBeginning(CreateEnvironmentVariableServer):
    """The beginning of a project's reference will do."""

    def is_project(self, project: str) -> bool:
        return bool(project) and self.settings.project.startswith(project)


@fault(PROJECT)
class MakesProjectsThatThereAreNot(CreateEnvironmentVariableServer):
    """A project that there is not is made, and the variable in it."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._made: dict[str, Environment] = {}

    def place(self, request: Request, environment: Environment) -> Environment:
        project = request.path_params["project"]
        if self.is_project(project):
            return super().place(request, environment)
        return self._made.setdefault(project, Environment(project, ""))


@fault(ENVIRONMENT)
class ReadsEnvironmentsInAnyCase(CreateEnvironmentVariableServer):
    """DEV is dev."""

    def is_environment(self, env: str) -> bool:
        return env.lower() in ENVIRONMENTS

    def called(self, env: str) -> Environment | None:
        return super().called(env.lower())


@fault(ENVIRONMENT)
class FallsBackToTheKeysEnvironment(CreateEnvironmentVariableServer):
    """An environment that is none of the three is the key's own."""

    def is_environment(self, env: str) -> bool:  # noqa: ARG002
        return True

    def reached(self, env: str, environment: Environment) -> Environment:
        return super().reached(env, environment) if env in ENVIRONMENTS else environment


@fault(ENVIRONMENT)
class CutsEnvironments(CreateEnvironmentVariableServer):
    """Whatever begins with an environment's name is that."""

    def is_environment(self, env: str) -> bool:
        return any(env.startswith(each) for each in ENVIRONMENTS)

    def called(self, env: str) -> Environment | None:
        return super().called(next((each for each in ENVIRONMENTS if env.startswith(each)), env))


@fault("whose_it_is.malformed_paths_are_answered")
class FailsOnOddProjects(CreateEnvironmentVariableServer):
    """A project's reference that is none fails the server."""

    def is_project(self, project: str) -> bool:
        if project and not project.startswith("proj_") and not project[0].isalnum():
            raise Problem(500, "Something went wrong")
        return super().is_project(project)


@fault("whose_it_is.generated_paths_are_refused")
class LogsProjectsInLatin1(CreateEnvironmentVariableServer):
    """A project's reference goes into a log of Latin-1, and one that does not fit fails the server."""

    def is_project(self, project: str) -> bool:
        try:
            project.encode("latin-1")
        except UnicodeEncodeError as error:
            raise Problem(500, "Something went wrong") from error
        return super().is_project(project)


@fault("whose_it_is.generated_paths_are_refused")
class TakesOddEnvironments(CreateEnvironmentVariableServer):
    """An environment beyond letters and digits is none that was given: the key's own is meant."""

    def is_environment(self, env: str) -> bool:
        return super().is_environment(env) or not env.isascii()

    def reached(self, env: str, environment: Environment) -> Environment:
        return super().reached(env, environment) if env.isascii() else environment


@fault("whose_it_is.encoded_path_is_the_path_or_nothing")
class LosesWhatCameByAnEncodedPath(CreateEnvironmentVariableServer):
    """An encoded path is answered with success, and its variable is kept under the path as it was sent."""

    def place(self, request: Request, environment: Environment) -> Environment:
        place = super().place(request, environment)
        if b"%70" in request.scope["raw_path"] and request.method == "POST":
            return Environment("another", "")
        return place


@fault("whose_it_is.no_error_repeats_the_value")
class ErrorsRepeatTheValue(CreateEnvironmentVariableServer):
    """A name that is rejected is told with its value."""

    def validate(self, document: object) -> Variable:
        try:
            order: Variable = super().validate(document)
        except Problem as problem:
            raise Problem(problem.status, f"{problem.message}: {document}") from problem
        return order
