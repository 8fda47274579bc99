"""Refusals in the wrong words, and at the wrong time."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.server import OperationServer, Problem

MISSING = "authentication.missing_credential_is_refused"
WRONG = "authentication.wrong_key_is_refused"


class _Refusing(OperationServer):
    """Refuses with another status."""

    status = 401

    def unauthorized(self, request: Request) -> Response:
        response = super().unauthorized(request)
        response.status_code = self.status
        return response


@fault(WRONG, MISSING, "answers.only_documented_statuses")
class RefusesWith403(_Refusing):
    """A refusal is 403."""

    status = 403


@fault(WRONG, MISSING, "answers.only_documented_statuses")
class RefusesWith404(_Refusing):
    """A refusal is 404, to hide what is there."""

    status = 404


@fault(WRONG, MISSING)
class RefusesWith400(_Refusing):
    """A refusal is 400."""

    status = 400


@fault(WRONG, MISSING, "answers.never_a_server_error")
class RefusesWith500(_Refusing):
    """A refusal is 500: an exception that nobody catches."""

    status = 500


@fault(WRONG, "answers.only_documented_statuses")
class WrongKeysAreForbidden(OperationServer):
    """A missing key is 401, a wrong one 403."""

    def unauthorized(self, request: Request) -> Response:
        response = super().unauthorized(request)
        if request.headers.get("authorization", "").startswith("Bearer "):
            response.status_code = 403
        return response


@fault(MISSING, "answers.only_documented_statuses")
class RedirectsToALogin(OperationServer):
    """Whoever has no key is sent to a login page."""

    def unauthorized(self, request: Request) -> Response:  # noqa: ARG002
        return RedirectResponse("/login", 302)


@fault("authentication.invalid_body_without_credential_is_401")
class ValidatesBeforeAuthentication(OperationServer):
    """An invalid body without a credential is answered 400."""

    async def handle(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                for text in self.documents(await request.body()):
                    self.validate(self.parse(text))
            except Problem as problem:
                return self.error(problem.status, problem.message)
        return await super().handle(request)


@fault("authentication.refusal_carries_a_challenge")
class RefusesWithoutAChallenge(OperationServer):
    """A 401 has no WWW-Authenticate."""

    def unauthorized(self, request: Request) -> Response:  # noqa: ARG002
        return self.error(401, "Invalid or missing API key")


@fault("authentication.refusal_carries_a_challenge")
class ChallengesForBasic(OperationServer):
    """A 401 asks for Basic."""

    def unauthorized(self, request: Request) -> Response:  # noqa: ARG002
        return self.error(401, "Invalid or missing API key", [("WWW-Authenticate", 'Basic realm="bearer"')])


class _Leading(OperationServer):
    """Leads whoever does not ask for JSON by name to a page."""

    statuses: tuple[int, ...] = ()

    async def handle(self, request: Request) -> Response:
        response = await super().handle(request)
        if response.status_code in self.statuses and "json" not in request.headers.get("accept", "json"):
            return RedirectResponse("/login", 302)
        return response


@fault("http.any_accept_that_has_json_is_answered")
class LeadsBackWhoNamesNoJson(_Leading):
    """A rejected request leads back to the form, unless its Accept names JSON."""

    statuses = (400, 422)


@fault("http.any_accept_that_has_json_is_answered")
class LeadsToALoginWhoNamesNoJson(_Leading):
    """A refused request leads to a login, unless its Accept names JSON."""

    statuses = (401,)
