"""Create an environment variable: ``POST /api/v1/projects/{projectRef}/envvars/{env}``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from trigger_conformance.checks.expect import REJECTIONS
from trigger_conformance.checks.operation import Fact, Operation
from trigger_conformance.checks.problem import Problem
from trigger_conformance.contract.contract import Expected, strict_json
from trigger_conformance.contract.told import INVALID
from trigger_conformance.wire.redaction import REDACTED

from .sights import SIGHTS
from .values import ENVIRONMENTS, NAME, OF_RUNS, RESERVED, VALUE, difference, is_plain

LIMITED = 400
# Whose variables are in a list beside the run's, of whom there may be thousands: so many show what they look like.
MOST_OF_OTHERS = 20
FULL = re.compile(r"\b(limit|maximum|max|quota|at most|too many|exceed\w*|upgrade|no more)\b", re.IGNORECASE)
VARIABLES = re.compile(r"\bvariables\b", re.IGNORECASE)
# Names of a run may have a reserved beginning in front of them, or what software cuts off there; no other words.
_OF_A_RUN = re.compile(rf"(?:[12]?[^A-Za-z0-9]*|{'|'.join(RESERVED)}){OF_RUNS}([0-9A-F]{{8}})_")


def environment(text):
    """A name that the document gives to environments."""
    if text not in ENVIRONMENTS:
        raise ValueError("dev, staging or prod")
    return text


@dataclass(frozen=True)
class CreateEnvironmentVariable(Operation):
    """A name has one value: the answer says only that it is there, so what is there is looked at."""

    def client(self, target, wire):
        """What the checks of this folder speak through."""
        from .client import VariableClient

        return VariableClient(self, target, wire)

    def beginning(self, run_id):
        """As other operations' names, in letters that every environment takes."""
        return f"{OF_RUNS}{run_id.upper()}_"

    def run_of(self, name):
        """The id of the run that a name is of."""
        found = _OF_A_RUN.match(name)
        return found[1].lower() if found else None

    def asks(self, request):
        """What looks at variables, or removes one, does not ask the operation itself."""
        return request.method == self.contract.method.upper()

    def about(self, request):
        """The name in the body, or in the path of a look and a removal."""
        named = self.key(request)
        if named is not None or self.asks(request):
            return named
        _, _, name = request.target.partition("/envvars/")[2].partition("/")
        return unquote(name, errors="surrogateescape") or None

    def also_shows(self, exchange, book):
        """Where a variable has a value that was not its own, the latest request that sent it for another name."""
        name = self.about(exchange.request)
        if exchange.request.method != "GET" or exchange.status != self.contract.success or name is None:
            return []
        shown = exchange.answer.document.get(VALUE)
        earlier = [each for each in book if each.started < exchange.started and self.made(each)]
        sent = [each for each in earlier if each.request.document.get(VALUE) == shown]
        return [] if any(self.made(each) == name for each in sent) else sent[-1:]

    def is_full(self, exchange):
        """A 400 that speaks of a limit on how many variables there may be."""
        if exchange.status != LIMITED or exchange.answer is None or not self.asks(exchange.request):
            return False
        said = exchange.answer.body.decode("utf-8", "replace")
        return FULL.search(said) is not None and VARIABLES.search(said) is not None

    def also_fine(self, request):
        """403 for a project, or an environment, that is not the credential's: the reading names it."""
        return frozenset({403}) if SIGHTS.is_foreign(request) else frozenset()

    def made(self, exchange):
        """The name that a 200 to a request for a variable stands for."""
        accepted = exchange.status == self.contract.success and self.asks(exchange.request)
        return self.key(exchange.request) if accepted else None

    def named(self, exchange):
        """The same: a variable's name is all that there is to name it by."""
        return self.made(exchange)

    def why_not_new(self, exchange):
        """What keeps an answer from being that of a valid request."""
        if exchange.status == self.contract.success:
            return None
        return f"expected {self.contract.success} and a new {self.thing}, got {exchange.outcome}"

    def why_not_generated(self, exchange):
        """The same, or a rejection: any value but a usual one may be rejected."""
        return None if exchange.status in REJECTIONS else self.why_not_new(exchange)

    def why_not_as_asked(self, exchange):
        """What keeps the variable, where it was looked at afterwards, from having the value that was sent."""
        name, wanted = self.key(exchange.request), (exchange.request.document or {}).get(VALUE)
        if not isinstance(wanted, str) or SIGHTS.are_hidden(exchange.request):
            return None
        # That it is there at all is a requirement of its own.
        if not (seen := SIGHTS.of(exchange.request, name, wanted)):
            return None
        told = difference(wanted, seen[-1])
        return Problem(told, VALUE) if told else None

    def kept(self, exchange):
        """Without the values of variables that the run has not made: they are their owner's secrets."""
        answer, request = exchange.answer, exchange.request
        is_look, own = request.method == "GET", SIGHTS.own(request)
        if answer is None or not 200 <= answer.status < 300 or (is_look and _is_own(request.target, own)):
            return exchange
        told = strict_json(answer.body)
        if told is INVALID:
            # It stays what nobody can read.
            return replace(exchange, answer=replace(answer, body=REDACTED.encode()))
        if not is_look and isinstance(told, dict):
            # What it says of itself is no variable's.
            veiled = {key: each if isinstance(each, str) else _veiled(each, own) for key, each in told.items()}
        else:
            veiled = _veiled(told, own)
        return exchange if veiled == told else replace(
            exchange, answer=replace(answer, body=json.dumps(veiled).encode())
        )  # fmt: skip

    def expected(self, body, stated):  # noqa: ARG002
        """Which values and names beside plain ones are accepted is decided elsewhere."""
        document = strict_json(body)
        if not self.contract.keeps_schema(document):
            return Expected.REJECTED
        return Expected.ACCEPTED if is_plain(document[VALUE]) else Expected.OPEN

    def fresh(self, body, key):
        """A name of the run's."""
        return {**body, NAME: key()} if isinstance(body.get(NAME), str) else body

    def shape(self, body):
        """All but the name."""
        return repr({**body, NAME: ""} if isinstance(body, dict) else body)


def _is_own(text, beginning):
    """Whether a name, or the path of one, is the run's, in whatever letters a target keeps it."""
    return beginning is not None and beginning in text.upper()


def _veiled(told, own):
    """A list as it may be kept: of a variable that is not the run's its name alone, and of many the first few."""
    if isinstance(told, list):
        # Those of another run are looked for, too: what was killed has left them.
        others = [each for each in told if not (isinstance(each, dict) and OF_RUNS in str(each.get(NAME)).upper())]
        left_out = {id(each) for each in others[MOST_OF_OTHERS:]}
        return [_veiled(each, own) for each in told if id(each) not in left_out]
    if not isinstance(told, dict):
        return REDACTED if isinstance(told, str) else told
    name = told.get(NAME)
    if isinstance(name, str) and _is_own(name, own):
        return told
    return {key: each if each is name else _veiled(each, own) for key, each in told.items()}


OPERATION = CreateEnvironmentVariable(
    id="create_environment_variable",
    title="environment variables API",
    document="create-environment-variable.openapi.yaml",
    operation_id="createEnvironmentVariable",
    thing="variable",
    things="variables",
    facts=(
        Fact("project", str, "The credential's project: environment variables are tested in it.", metavar="REF"),
        Fact("environment", environment, "The credential's environment: dev, staging or prod.", metavar="ENV"),
        Fact("second-environment", environment, "The second credential's environment, of the same project.",
             metavar="ENV"),
    ),
    needs=("project", "environment"),
    path_facts={"projectRef": "project", "env": "environment"},
    scopes=("write:envvars", "read:envvars", "admin"),
    aftermath="Variables are removed at the end; those that were there before are never touched.",
    key_property=NAME,
    key_name="name",
    frugal=True,
    memory=SIGHTS,
    smoke=(
        "answers.valid_request_is_accepted",
        "authentication.missing_credential_is_refused",
        "authentication.wrong_key_is_refused",
        "bodies.malformed_json_is_rejected",
    ),
    as_asked_owner="create_environment_variable.list_and_delete.created_variable_is_in_the_list",
)  # fmt: skip
