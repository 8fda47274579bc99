"""Environments and projects that are not kept apart, and values where they must not be."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_environment_variable.server import (
    ENVIRONMENTS,
    CreateEnvironmentVariableServer,
)
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.faults.properties import ActsOnRejections
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


class _HasAnotherWord(CreateEnvironmentVariableServer):
    """A word besides the three stands for the key's own environment."""

    word = ""

    def is_environment(self, env: str) -> bool:
        return env == self.word or super().is_environment(env)

    def reached(self, env: str, environment: Environment) -> Environment:
        return environment if env == self.word else super().reached(env, environment)


@fault(ENVIRONMENT)
class HasAFourthEnvironment(_HasAnotherWord):
    """What the vendor has besides the three, preview, is the key's own."""

    word = "preview"


@fault(ENVIRONMENT)
class HasAWordForAllEnvironments(_HasAnotherWord):
    """all is every environment that the key has."""

    word = "all"


@fault(ENVIRONMENT)
class CutsEnvironments(CreateEnvironmentVariableServer):
    """Whatever begins with an environment's name is that."""

    def is_environment(self, env: str) -> bool:
        return any(env.startswith(each) for each in ENVIRONMENTS)

    def called(self, env: str) -> Environment | None:
        return super().called(next((each for each in ENVIRONMENTS if env.startswith(each)), env))


@fault(PROJECT)
class TakesProjectsThatEndSo(CreateEnvironmentVariableServer):
    """A project's reference may have something in front of it."""

    def is_project(self, project: str) -> bool:
        return project.endswith(self.settings.project)


@fault(PROJECT)
class MakesSlugsOfProjects(CreateEnvironmentVariableServer):
    """Hyphens and underscores of a project's reference are one."""

    def is_project(self, project: str) -> bool:
        return super().is_project(project.replace("-", "_"))


@fault(ENVIRONMENT)
class LooksEnvironmentsUpInAnObject(CreateEnvironmentVariableServer):
    """An environment is looked up among the properties of an object, and a prototype's name fails the server."""

    def is_environment(self, env: str) -> bool:
        if env == "constructor":
            raise Problem(500, "Internal Server Error")
        return super().is_environment(env)


@fault(ENVIRONMENT)
class ReadsListsOfEnvironments(CreateEnvironmentVariableServer):
    """Several environments may stand in the path; the first one counts."""

    def is_environment(self, env: str) -> bool:
        return super().is_environment(env.partition(",")[0])

    def reached(self, env: str, environment: Environment) -> Environment:
        return super().reached(env.partition(",")[0], environment)


@fault("whose_it_is.malformed_paths_are_answered")
class QuotesProjectsIntoSql(CreateEnvironmentVariableServer):
    """A quote in a project's reference ends the statement that looks it up."""

    def is_project(self, project: str) -> bool:
        if "'" in project:
            raise Problem(500, "Internal Server Error")
        return super().is_project(project)


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
    """An environment with characters beyond U+FFFF is none that was given: the key's own is meant."""

    def is_environment(self, env: str) -> bool:
        return super().is_environment(env) or max(env) > "\uffff"

    def reached(self, env: str, environment: Environment) -> Environment:
        return environment if max(env) > "\uffff" else super().reached(env, environment)


@fault("whose_it_is.encoded_path_is_the_path_or_nothing")
class LosesWhatCameByAnEncodedPath(CreateEnvironmentVariableServer):
    """An encoded path is answered with success, and its variable is kept under the path as it was sent."""

    def place(self, request: Request, environment: Environment) -> Environment:
        place = super().place(request, environment)
        if b"%70" in request.scope["raw_path"] and request.method == "POST":
            return Environment("another", "")
        return place


class _ErrorsRepeat(CreateEnvironmentVariableServer):
    """An error about a body says something of it."""

    def said(self, document: object) -> object:
        """What is said of it."""
        return document

    def validate(self, document: object) -> Variable:
        """As ``CreateEnvironmentVariableServer.validate``."""
        try:
            order: Variable = super().validate(document)
        except Problem as problem:
            raise Problem(problem.status, f"{problem.message}: {self.said(document)}") from problem
        return order


@fault("whose_it_is.no_error_repeats_the_value")
class ErrorsRepeatTheValue(_ErrorsRepeat):
    """A name that is rejected is told with its value."""


@fault("whose_it_is.no_error_repeats_the_value")
class ErrorsRepeatTheBodyInBase64(_ErrorsRepeat):
    """An error about a body has it in base64, for those who support it."""

    def said(self, document: object) -> str:
        return base64.b64encode(json.dumps(document).encode()).decode()


@fault("whose_it_is.no_error_repeats_the_value")
class ErrorsRepeatTheBodyInAHeader(CreateEnvironmentVariableServer):
    """An error about a body has its beginning in a header."""

    async def order_of(self, request: Request) -> Any:
        self.check_media_type(request)
        self.check_coding(request)
        body = await self.read_body(request)
        try:
            return self.validate(self.parse(body))
        except Problem as problem:
            request.state.said = json.dumps(body[:400].decode("utf-8", "replace"))
            raise problem from None

    async def create_variable(self, request: Request, environment: Environment) -> Response:
        try:
            return await super().create_variable(request, environment)
        except Problem as problem:
            said = getattr(request.state, "said", "")
            return self.error(problem.status, problem.message, [("x-request-body", said)] if said else [])


@fault(PROJECT)
class FindsProjectsWithoutCase(CreateEnvironmentVariableServer):
    """A project's reference is found in any letter case."""

    def is_project(self, project: str) -> bool:
        return project.casefold() == self.settings.project.casefold()


@fault(PROJECT)
class TrimsProjects(CreateEnvironmentVariableServer):
    """Space around a project's reference is dropped."""

    def is_project(self, project: str) -> bool:
        return super().is_project(project.strip(" "))


@fault(PROJECT)
class KnowsWordsForProjects(CreateEnvironmentVariableServer):
    """default and current are the credential's own project."""

    def is_project(self, project: str) -> bool:
        return super().is_project(project) or project in ("default", "current", "me", "-")


class _Cutting(CreateEnvironmentVariableServer):
    """Takes something for an environment's name that has more behind it."""

    mark = ""

    def place(self, request: Request, environment: Environment) -> Environment:
        request.path_params["env"] = request.path_params["env"].partition(self.mark)[0]
        return super().place(request, environment)


@fault(ENVIRONMENT)
class TrimsEnvironments(_Cutting):
    """A space behind an environment's name is dropped."""

    mark = " "


@fault(ENVIRONMENT)
class ReadsParametersOfEnvironments(_Cutting):
    """What follows a semicolon in a path is a parameter."""

    mark = ";"


@fault(ENVIRONMENT)
class ReadsEndingsOfEnvironments(_Cutting):
    """An ending in a path asks for a format."""

    mark = "."


@fault("whose_it_is.unknown_project_has_nothing")
class LooksInAnyProject(CreateEnvironmentVariableServer):
    """Whose a project is, is asked of creates alone."""

    def place(self, request: Request, environment: Environment) -> Environment:
        if request.method != "POST":
            request.path_params["project"] = self.settings.project
        return super().place(request, environment)


class _Open(CreateEnvironmentVariableServer):
    """Any credential of the project reaches every environment, for some of what may be asked."""

    def is_open(self, request: Request, name: str) -> bool:
        """Whether it is so for a request; ``name`` is that of its path, or ""."""
        raise NotImplementedError

    def place(self, request: Request, environment: Environment) -> Environment:
        there = self.called(request.path_params["env"])
        name = request.path_params.get("name", "")
        if there is not None and self.is_project(request.path_params["project"]) and self.is_open(request, name):
            return there
        return super().place(request, environment)


@fault("whose_it_is.another_credential_sees_nothing")
class ListsForAnyCredential(_Open):
    """Any credential of the project lists every environment."""

    def is_open(self, request: Request, name: str) -> bool:
        return request.method == "GET" and not name


@fault("whose_it_is.another_credential_sees_nothing")
class ShowsToAnyCredential(_Open):
    """Any credential of the project is shown a variable by its name."""

    def is_open(self, request: Request, name: str) -> bool:
        return request.method == "GET" and bool(name)


@fault("whose_it_is.another_credential_changes_nothing")
class RemovesForAnyCredential(_Open):
    """Any credential of the project removes variables."""

    def is_open(self, request: Request, name: str) -> bool:  # noqa: ARG002
        return request.method == "DELETE"


@fault("whose_it_is.another_credential_changes_nothing")
class ChangesForAnyCredential(CreateEnvironmentVariableServer):
    """Any credential of the project gives a variable that is there a new value."""

    async def create_variable(self, request: Request, environment: Environment) -> Response:
        there = self.called(request.path_params["env"])
        if there is not None and there is not environment and self.is_project(request.path_params["project"]):
            order = await self.order_of(request)
            if self.find(self.variables(there), order.name) is not None:
                await self.keep(self.variables(there), order)
                return self.success(environment, self.created_body(order))
        return await super().create_variable(request, environment)


@fault("bodies.special_names_change_nothing", "list_and_delete.accepted_variables_are_there")
class ReadsTheEnvironmentOfTheBody(CreateEnvironmentVariableServer):
    """An environment that the body names has the variable."""

    named_in_body: object = None

    def validate(self, document: Any) -> Variable:
        self.named_in_body = document.get("env") if isinstance(document, dict) else None
        return super().validate(document)

    async def keep(self, variables: Variables, order: Variable) -> None:
        there = self.called(self.named_in_body) if isinstance(self.named_in_body, str) else None
        await super().keep(self.variables(there) if there is not None else variables, order)


@fault("whose_it_is.third_environments_variable_is_not_here")
class MakesItHereAllTheSame(CreateEnvironmentVariableServer):
    """The environment is the credential's until the answer is made: another one is 404, and the variable is here."""

    async def create_variable(self, request: Request, environment: Environment) -> Response:
        place = request.path_params
        if (
            self.is_project(place["project"])
            and self.is_environment(place["env"])
            and self.called(place["env"]) is None
        ):
            await self.keep(self.variables(environment), await self.order_of(request))
        return await super().create_variable(request, environment)


@fault(ENVIRONMENT)
class KnowsLongNames(CreateEnvironmentVariableServer):
    """development and production are names of environments, too."""

    def place(self, request: Request, environment: Environment) -> Environment:
        env = request.path_params["env"]
        request.path_params["env"] = {"development": "dev", "production": "prod"}.get(env, env)
        return super().place(request, environment)


@fault(PROJECT)
class LooksProjectsUpByPattern(CreateEnvironmentVariableServer):
    """An underscore of the reference in the path stands for any character of the project's."""

    def is_project(self, project: str) -> bool:
        return re.fullmatch(self.settings.project.replace("_", "."), project) is not None


@fault("whose_it_is.creating_elsewhere_leaves_the_variable")
class SharesWhatIsEqual(CreateEnvironmentVariableServer):
    """A name with one value in two environments is one row: a new value in the one is that of both."""

    def put(self, variables: Variables, variable: Variable) -> None:
        old = variables.get(variable.name)
        for each in map(self.variables, self.environments):
            if old and each is not variables and each.get(variable.name) == old:
                each[variable.name] = variable
        super().put(variables, variable)


class _BeforeAuthentication(CreateEnvironmentVariableServer):
    """Does something with the body of a request before it looks at the credential."""

    async def handle(self, request: Request) -> Response:
        if request.method == "POST" and self.authenticate(request) is None:
            with contextlib.suppress(Problem):
                home = self.called(request.path_params["env"]) or self.environments[0]
                answer = await self.refused(request, home, self.validate(self.parse(await request.body())))
                if answer is not None:
                    return answer
        return await super().handle(request)

    async def refused(self, request: Request, home: Environment, order: Variable) -> Response | None:
        raise NotImplementedError


@fault("authentication.refused_request_creates_nothing")
class RefusedRequestsMakeVariables(_BeforeAuthentication):
    """A variable is made before the credential is looked at."""

    async def refused(self, request: Request, home: Environment, order: Variable) -> Response | None:  # noqa: ARG002
        if order.name not in self.variables(home):
            await self.keep(self.variables(home), order)
        return None


@fault("authentication.known_key_is_no_credential")
class TakenNamesNeedNoCredential(_BeforeAuthentication):
    """A request for a name that is taken is answered whoever asks: what is cached stands in front of authentication."""

    async def refused(self, request: Request, home: Environment, order: Variable) -> Response | None:
        return await self.create_variable(request, home) if order.name in self.variables(home) else None


@fault(
    "bodies.odd_characters_in_strings_are_answered",
    "answers.never_a_server_error",
    "values.control_characters_are_kept",
)
class FailsOnNulInValues(CreateEnvironmentVariableServer):
    """A value with NUL is answered 500: no process can have it."""

    def check_value(self, value: str) -> None:
        if "\0" in value:
            raise Problem(500, "embedded null byte")
        super().check_value(value)


@fault("bodies.rejected_body_creates_nothing")
class RejectedBodiesMakeEmptyVariables(ActsOnRejections, CreateEnvironmentVariableServer):
    """A variable is made when its name is read, and filled when its value is: a value that is none leaves it empty."""

    async def act(self, environment: Environment, document: dict[str, Any]) -> None:
        name = document.get("name")
        if isinstance(name, str) and not isinstance(document.get("value"), str):
            self.variables(environment).setdefault(name, Variable(name, ""))


@fault("whose_it_is.variable_of_both_is_in_each_list")
class ListsByAnIndexOfAll(CreateEnvironmentVariableServer):
    """The list goes by an index of names, in which each name is once: where it was made first."""

    def listed(self, variables: Variables) -> list[Variable]:
        others = [each for each in map(self.variables, self.environments) if each is not variables]
        mine = variables is self.variables(self.environments[0])
        return [each for each in super().listed(variables) if mine or not any(each.name in other for other in others)]


@fault("whose_it_is.removing_elsewhere_leaves_the_variable")
class RemovesWhereItFindsIt(CreateEnvironmentVariableServer):
    """A removal of what there is not removes what another environment has by that name."""

    async def delete_variable(self, request: Request, environment: Environment) -> Response:
        there, name = self.place(request, environment), self.asked_name(request)
        for each in map(self.variables, (there, *self.environments)):
            if (variable := self.find(each, name)) is not None:
                self.remove(each, variable)
                return self.success(environment, self.deleted_body(variable))
        raise Problem(404, "There is no such variable")


@fault("whose_it_is.name_removed_elsewhere_is_free")
class MarksRemovedNames(CreateEnvironmentVariableServer):
    """That a name was removed is marked without its environment: what others write by it is dropped."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.removed: dict[str, int] = {}

    def remove(self, variables: Variables, variable: Variable) -> None:
        super().remove(variables, variable)
        self.removed[variable.name] = id(variables)

    def put(self, variables: Variables, variable: Variable) -> None:
        if self.removed.get(variable.name, id(variables)) == id(variables):
            super().put(variables, variable)


@fault("whose_it_is.other_environments_have_nothing_of_this_one")
class LooksInTheKeysEnvironment(CreateEnvironmentVariableServer):
    """Which environment is looked at, the key says alone."""

    def place(self, request: Request, environment: Environment) -> Environment:
        if request.method == "GET" and self.is_project(request.path_params["project"]):
            return environment
        return super().place(request, environment)


@fault(PROJECT)
class TakesWildcardsForProjects(CreateEnvironmentVariableServer):
    """A per cent sign stands for any project."""

    def is_project(self, project: str) -> bool:
        return super().is_project(project) or "%" in project


@fault(PROJECT)
class LooksForTheRestOfProjects(CreateEnvironmentVariableServer):
    """What a project's reference begins with may be left out."""

    def is_project(self, project: str) -> bool:
        return project.removeprefix("proj_") == self.settings.project.removeprefix("proj_")


@fault("whose_it_is.variable_of_both_is_in_each_list")
class RemembersNamesWithoutTheirPlace(CreateEnvironmentVariableServer):
    """What was seen is remembered by its name alone, until that gets another value."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.seen: dict[str, Variable] = {}

    def named(self, variables: Variables, name: str) -> Variable:
        return self.seen.setdefault(name, super().named(variables, name))

    def put(self, variables: Variables, variable: Variable) -> None:
        if self.find(variables, variable.name) is not None:
            self.seen.pop(variable.name, None)
        super().put(variables, variable)

    def remove(self, variables: Variables, variable: Variable) -> None:
        self.seen.pop(variable.name, None)
        super().remove(variables, variable)


@fault("whose_it_is.variable_of_both_is_in_each_list")
class ChangesWhatWasMadeLast(CreateEnvironmentVariableServer):
    """A new value goes to the variable of that name which was made last, in whichever environment."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.latest: dict[str, Variables] = {}

    def put(self, variables: Variables, variable: Variable) -> None:
        latest = self.latest.get(variable.name, variables)
        if variable.name in variables and variable.name in latest:
            variables = latest
        else:
            self.latest[variable.name] = variables
        super().put(variables, variable)
