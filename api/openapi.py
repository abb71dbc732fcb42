"""The description of the API (``/openapi.json``), with what holds for every operation added in one place."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.idempotency import HEADER, MAXIMUM_LENGTH, NEEDLESS_FOR
from api.problems import MEDIA_TYPE, Problem
from api.schemas.documents import NewDocument

PROBLEM = "#/components/schemas/Problem"
METHODS = ("get", "post", "put", "patch", "delete")

IDEMPOTENCY_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Any text of your own. The same request with the same key within 24 hours gives the first answer "
    "again and does nothing new; another request with the key gives 422; one sent while the first is being worked "
    "on gives 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAXIMUM_LENGTH},
    "example": "import-2026-11-20-0001",
}

DETAILS = {
    HTTPStatus.BAD_REQUEST: "The body is not JSON.",
    HTTPStatus.UNAUTHORIZED: "This needs a valid key: send 'Authorization: Bearer lw_…'.",
    HTTPStatus.FORBIDDEN: "This needs a key with the scope 'write'.",
    HTTPStatus.NOT_FOUND: "There is no such object in this community.",
    HTTPStatus.CONFLICT: "The object is not in a state that allows this.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is over the limit of 10000000 bytes.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Send the body as application/json.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The input is wrong.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The server failed; its log has the reason under the request id.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database cannot be read.",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description; it is made once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        components = schema["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            components.pop(unused, None)
        for model in (Problem, NewDocument):
            described = model.model_json_schema(ref_template="#/components/schemas/{model}")
            components |= described.pop("$defs", {})
            components[model.__name__] = described
        for path, operations in schema["paths"].items():
            for method in METHODS:
                if method in operations:
                    _complete(operations[method], method, path)
        app.openapi_schema = schema
    return app.openapi_schema


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    if method == "post" and path not in NEEDLESS_FOR:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_PARAMETER)
    answers = operation["responses"]
    for status in _problems(operation, method, path):
        answers[str(int(status))] = {
            "description": status.phrase,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": PROBLEM},
                    "example": Problem(
                        title=status.phrase,
                        status=status,
                        detail=DETAILS[status],
                        request_id="req_4q6wk2m7c5x3nd2abz6yt5fo",
                    ).model_dump(exclude_none=True),
                }
            },
        }


def _problems(operation: dict[str, Any], method: str, path: str) -> list[HTTPStatus]:
    """Return the statuses of what can go wrong with the operation."""
    statuses = [HTTPStatus.INTERNAL_SERVER_ERROR]
    if path != "/healthz":
        statuses.append(HTTPStatus.SERVICE_UNAVAILABLE)
    if "security" in operation:
        statuses += [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN]
    if path.startswith("/v1/"):
        statuses.append(HTTPStatus.NOT_FOUND)  # the path, the query or the body may name an object
    if operation.get("parameters") or "requestBody" in operation:
        statuses.append(HTTPStatus.UNPROCESSABLE_ENTITY)
    if method == "post":
        statuses.append(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if method != "get":
        statuses.append(HTTPStatus.CONFLICT)
    if "requestBody" in operation:
        statuses += [HTTPStatus.BAD_REQUEST, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
    return sorted(statuses)
