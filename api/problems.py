"""Every error as problem details (RFC 9457): what is wrong, never what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from core.errors import Conflict, LeakwatchError, NotConfigured, NotFound, StoreError, UsageError

MEDIA_TYPE = "application/problem+json"

STATUS_OF_ERROR: tuple[tuple[type[LeakwatchError], HTTPStatus], ...] = (
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotConfigured, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
)
"""The first that fits counts; any other error is the server's own fault."""

MAXIMUM_ERRORS = 100
MAXIMUM_LOCATION_PARTS = 10


class FieldError(BaseModel):
    """One thing wrong with the input."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"location": ["body", "name"], "message": "Field required"}]}
    )

    location: list[str | int] = Field(description="Where it is: `body`, `query`, `path` or `header`, and the way down.")
    message: str = Field(description="What is wrong with it. The value itself is never repeated.")


class Problem(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "There is no such watchlist.",
                    "request_id": "req_4q6wk2m7c5x3nd2abz6yt5fo",
                }
            ]
        }
    )

    type: str = Field("about:blank", description="Always `about:blank`: the status says which kind of problem it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="One sentence that says what is wrong and, where it can be done, what to do.")
    request_id: str = Field(description="The request's identifier, which the server's log holds too.")
    errors: list[FieldError] | None = Field(None, description="The single errors, where the input is to blame.")


def problem_answer(error: Exception, request_id: str) -> Response:
    """Return the answer that tells of ``error``; one that is not meant to be shown gives a bare 500."""
    if isinstance(error, RequestValidationError):
        rows = error.errors()
        if any(row["type"] == "json_invalid" for row in rows):
            return _answer(HTTPStatus.BAD_REQUEST, "The body is not JSON.", request_id, errors=field_errors(rows))
        return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, "The input is wrong.", request_id, errors=field_errors(rows))
    if isinstance(error, HTTPException):
        return _answer(HTTPStatus(error.status_code), error.detail, request_id, headers=error.headers)
    for kind, status in STATUS_OF_ERROR:
        if isinstance(error, kind):
            return _answer(status, str(error), request_id)
    return _answer(
        HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed; its log has the reason under the request id.", request_id
    )


def _answer(
    status: HTTPStatus,
    detail: str,
    request_id: str,
    *,
    errors: list[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    problem = Problem(title=status.phrase, status=status, detail=detail, request_id=request_id, errors=errors)
    return Response(
        problem.model_dump_json(exclude_none=True), status_code=int(status), headers=headers, media_type=MEDIA_TYPE
    )


def field_errors(rows: Sequence[Any]) -> list[FieldError]:
    """Return what is wrong by rows such as those of RequestValidationError, at most ``MAXIMUM_ERRORS`` of them."""
    return [
        FieldError(location=list(row["loc"][:MAXIMUM_LOCATION_PARTS]), message=_message(row))
        for row in rows[:MAXIMUM_ERRORS]
    ]


def _message(row: Mapping[str, Any]) -> str:
    if row["type"] != "json_invalid":
        return str(row["msg"]).removeprefix("Value error, ")
    reason = row["ctx"]["error"]
    position = row["loc"][1:]
    return f"{reason}, at character {position[0] + 1}" if position and "line" not in reason else reason
