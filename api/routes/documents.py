"""Documents from other systems."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from api.auth import Ingester
from api.problems import FieldError, field_errors
from api.schemas.documents import DOCUMENT, MAXIMUM_DOCUMENTS, IntakeView, NewDocument, RefusedDocument
from api.services import Given

router = APIRouter(prefix="/v1/documents", tags=["documents"])

T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was handed in: the documents that can be taken, and by the places of the others what is wrong with them."""

    documents: list[NewDocument]
    wrong: dict[int, list[FieldError]]


@router.post("", summary="Hand in documents", openapi_extra=BODY)
async def ingest_documents(request: Request, given: Given, key: Ingester) -> IntakeView:
    """Puts documents through the whole way: one object, a list of them, or one a line. Of several, those that are wrong
    are named in `refused`, and the others are taken; where none can be taken, the request is refused with all that
    is wrong (counted from 0). A document handed in again is passed over."""
    batch = _read(request.headers.get("content-type", ""), await request.body())
    at = given.clock.now()
    intake = await given.pipeline.ingest(key.community_id, [document.document(at) for document in batch.documents])
    return IntakeView.of(intake, [RefusedDocument.of(index, errors) for index, errors in batch.wrong.items()])


def _read(content_type: str, body: bytes) -> _Batch:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON:
        value = _value(body)
        if isinstance(value, list):
            return _batch(value, NewDocument.model_validate)
        try:
            return _Batch([NewDocument.model_validate(value)], {})
        except ValidationError as error:
            raise RequestValidationError(_rows(error)) from None
    if media_type == JSON_LINES:
        lines = [line for line in body.split(b"\n") if line.strip()]
        return _batch(lines, lambda line: NewDocument.model_validate(_value(line)))
    raise HTTPException(415, f"Send documents as {JSON} or {JSON_LINES}.")


def _batch(items: Sequence[T], read: Callable[[T], NewDocument]) -> _Batch:
    """Return what can be read of the items, and what is wrong with the others. Raises RequestValidationError where
    all of them are wrong."""
    if len(items) > MAXIMUM_DOCUMENTS:
        raise HTTPException(422, f"There are more than {MAXIMUM_DOCUMENTS} documents in one request.")
    documents: list[NewDocument] = []
    wrong: dict[int, list[dict[str, Any]]] = {}
    for index, item in enumerate(items):
        try:
            documents.append(read(item))
        except ValidationError as error:
            wrong[index] = _rows(error, index)
        except RequestValidationError as error:
            wrong[index] = [{**row, "loc": ("body", index)} for row in error.errors()]
    if wrong and not documents:
        raise RequestValidationError([row for rows in wrong.values() for row in rows])
    return _Batch(documents, {index: field_errors(rows) for index, rows in wrong.items()})


def _value(body: bytes) -> object:
    """Return the value that the JSON holds. Python's own parser takes halves of surrogate pairs, which texts from
    elsewhere hold and pydantic's refuses. Raises RequestValidationError."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "nothing that can be read: line 1"
        row = {"type": "json_invalid", "loc": ("body",), "ctx": {"error": reason}}
        raise RequestValidationError([row]) from None


def _rows(error: ValidationError, *place: int) -> list[dict[str, Any]]:
    return [
        {**row, "loc": ("body", *place, *row["loc"])} for row in error.errors(include_url=False, include_input=False)
    ]
