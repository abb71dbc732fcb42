"""Documents from other systems."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from api.auth import Ingester
from api.schemas.documents import DOCUMENT, MAXIMUM_DOCUMENTS, IntakeView, NewDocument, NewDocuments
from api.services import Given

router = APIRouter(prefix="/v1/documents", tags=["documents"])

JSON = "application/json"
JSON_LINES = "application/x-ndjson"

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "oneOf": [
                        {"$ref": "#/components/schemas/NewDocument"},
                        {
                            "type": "array",
                            "items": {"$ref": "#/components/schemas/NewDocument"},
                            "maxItems": MAXIMUM_DOCUMENTS,
                        },
                    ]
                },
                "examples": {"one": {"value": DOCUMENT}, "several": {"value": [DOCUMENT]}},
            },
            JSON_LINES: {
                "schema": {"type": "string", "description": f"A NewDocument a line, at most {MAXIMUM_DOCUMENTS}."},
                "example": '{"text": "so n1ght_h3ron is really …"}\n{"text": "another post"}\n',
            },
        },
    }
}


@router.post("", summary="Hand in documents", openapi_extra=BODY)
async def ingest_documents(request: Request, given: Given, key: Ingester) -> IntakeView:
    """Puts documents through the whole way: one object, a list of them, or one a line. When one of them is
    wrong, none is taken, and the errors say which (counted from 0). A document handed in again is passed over."""
    documents = _read(request.headers.get("content-type", ""), await request.body())
    at = given.clock.now()
    intake = await given.pipeline.ingest(key.community_id, [document.document(at) for document in documents])
    return IntakeView.of(intake)


def _read(content_type: str, body: bytes) -> list[NewDocument]:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON:
        value = _value(body)
        try:
            if isinstance(value, list):
                return NewDocuments.validate_python(value)
            return [NewDocument.model_validate(value)]
        except ValidationError as error:
            raise RequestValidationError(_rows(error)) from None
    if media_type == JSON_LINES:
        return _read_lines([line for line in body.split(b"\n") if line.strip()])
    raise HTTPException(415, f"Send documents as {JSON} or {JSON_LINES}.")


def _read_lines(lines: list[bytes]) -> list[NewDocument]:
    if len(lines) > MAXIMUM_DOCUMENTS:
        raise HTTPException(422, f"There are more than {MAXIMUM_DOCUMENTS} documents in one request.")
    documents, rows = [], []
    for index, line in enumerate(lines):
        try:
            documents.append(NewDocument.model_validate(_value(line, index)))
        except ValidationError as error:
            rows += _rows(error, index)
        except RequestValidationError as error:
            rows += error.errors()
    if rows:
        raise RequestValidationError(rows)
    return documents


def _value(body: bytes, *place: int) -> object:
    """Return the value that the JSON holds. Python's own parser takes halves of surrogate pairs, which texts from
    elsewhere hold and pydantic's refuses. Raises RequestValidationError."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "nothing that can be read: line 1"
        row = {"type": "json_invalid", "loc": ("body", *place), "ctx": {"error": reason}}
        raise RequestValidationError([row]) from None


def _rows(error: ValidationError, *place: int) -> list[dict[str, Any]]:
    return [
        {**row, "loc": ("body", *place, *row["loc"])} for row in error.errors(include_url=False, include_input=False)
    ]
