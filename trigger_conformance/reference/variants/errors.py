"""Errors and refusals of other forms."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.server import OperationServer

PROBLEM_TYPE = "answers.error_media_type_is_application_json"


class _WithErrors(OperationServer):
    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return self.json(status, self.body(status, message), headers or [])

    def body(self, status: int, message: str) -> dict[str, Any]:
        raise NotImplementedError


@variant
class RichErrors(_WithErrors):
    """Errors have codes, details and a request id."""

    def body(self, status: int, message: str) -> dict[str, Any]:
        details = [{"path": ["name"], "code": "invalid"}]
        return {"message": message, "status": status, "details": details, "requestId": str(uuid.uuid4())}


@variant
class LocalisedErrors(_WithErrors):
    """Errors are in another language and script."""

    def body(self, status: int, message: str) -> dict[str, Any]:
        return {"message": f"запрос отклонён ({status}): {message[::-1]}"}


class _Problems(OperationServer):
    """Errors are problem documents (RFC 9457)."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        response = self.json(status, self.problem(status, message), headers or [])
        response.headers["content-type"] = "application/problem+json"
        return response

    def problem(self, status: int, message: str) -> dict[str, Any]:
        return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": message}


@variant(warns=(PROBLEM_TYPE, "answers.error_has_a_message"))
class ErrorsAreProblems(_Problems):
    """Every error is a problem document."""


@variant(warns=(PROBLEM_TYPE,))
class ErrorsAreProblemsWithMessages(_Problems):
    """Every error is a problem document that has a message too."""

    def problem(self, status: int, message: str) -> dict[str, Any]:
        return {**super().problem(status, message), "message": message}


@variant
class AllRejectionsAre400(OperationServer):
    """Every rejection is 400."""

    def error(self, status: int, message: str, headers: list[tuple[str, str]] | None = None) -> Response:
        return super().error(400 if status == 422 else status, message, headers)


@variant
class RefusalsAreEmpty(OperationServer):
    """A 401 has no body."""

    def unauthorized(self, request: Request) -> Response:  # noqa: ARG002
        return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})


@variant
class RefusalsAreText(OperationServer):
    """A 401 has a plain text body, and several challenges."""

    def unauthorized(self, request: Request) -> Response:  # noqa: ARG002
        challenges = {"WWW-Authenticate": 'Basic realm="x, y", Bearer error="invalid_token", Digest nonce="a"'}
        return Response("no", 401, challenges, media_type="text/plain")
