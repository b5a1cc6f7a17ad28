"""Errors as the API tells them: problem details (RFC 9457), with each wrong field by name and never its value."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from temporalio.service import RPCError

from seamline.errors import ConfigurationError, Problem
from seamline.telemetry import log_event
from seamline.temporal import TemporalUnreachable

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 10

log = logging.getLogger(__name__)


class ProblemDetails(BaseModel):
    """What went wrong, for programs by `status` and `problems`, for people in `detail`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["reference must look like connection:external-id, for example shop-uk:5001"])
    problems: list[Problem] = Field(default=[], description="One for each wrong field.")


class ApiError(Exception):
    """An answer that is an error. `detail` names no value that was sent."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.problems = list(problems)
        self.headers = dict(headers or {})


def problem_response(error: ApiError) -> Response:
    """The error as a response."""
    body = ProblemDetails(
        title=HTTPStatus(error.status).phrase, status=error.status, detail=error.detail, problems=error.problems
    )
    return JSONResponse(body.model_dump(mode="json"), error.status, error.headers, MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that an endpoint may answer, for its OpenAPI description."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    return {
        status: {"model": ProblemDetails, "description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def handle_errors(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    app.add_exception_handler(ApiError, lambda _, error: problem_response(cast(ApiError, error)))
    app.add_exception_handler(RequestValidationError, _wrong_fields)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(TemporalUnreachable, _away)
    app.add_exception_handler(RPCError, _away)
    app.add_exception_handler(TimeoutError, _away)
    app.add_exception_handler(ConfigurationError, _wrong_setting)
    app.add_exception_handler(Exception, _defect)


def wrong_fields(problems: Sequence[Problem], status: int = 422) -> ApiError:
    """What the caller must mend."""
    return ApiError(status, "; ".join(f"{one.field} {one.reason}" for one in problems), problems=problems)


def unavailable(detail: str) -> ApiError:
    """Nothing was accepted; the same request will do later."""
    return ApiError(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _wrong_fields(_: Request, error: Exception) -> Response:
    found = cast(RequestValidationError, error).errors()
    return problem_response(wrong_fields([Problem(field=_field(one["loc"]), reason=_reason(one)) for one in found]))


def _field(location: Sequence[str | int]) -> str:
    inside = [str(part) for part in location if part not in ("body", "query", "path")]
    return ".".join(part for part in inside if not part.isdigit()) or "body"


def _reason(one: Mapping[str, Any]) -> str:
    if one["type"] == "missing":
        return "is missing"
    if one["type"] == "json_invalid":
        return "is not JSON"
    return str(one["msg"]).removeprefix("Value error, ")


def _plain(_: Request, error: Exception) -> Response:
    plain = cast(HTTPException, error)
    return problem_response(ApiError(plain.status_code, str(plain.detail), headers=plain.headers))


def _away(_: Request, error: Exception) -> Response:
    reason = error.status.name if isinstance(error, RPCError) else type(error).__name__
    log_event(log, "Temporal did not take a request", logging.WARNING, reason=reason)
    return problem_response(unavailable("Temporal does not answer; nothing was accepted, send it again later"))


def _wrong_setting(_: Request, error: Exception) -> Response:
    log_event(log, "a setting is wrong", logging.ERROR, setting=str(error))
    return problem_response(unavailable(f"a setting is wrong, nothing was accepted: {error}"))


def _defect(_: Request, error: Exception) -> Response:
    log_event(log, "defect", logging.ERROR, exception=type(error).__name__)
    return problem_response(ApiError(500, "a defect of ours; the log has its place. Nothing was accepted"))
