"""The API's description of itself."""

from __future__ import annotations

import inspect
import json
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI
from pydantic import BaseModel

import api.schemas
from api.schemas.common import Answer, Input, Items, ListingQuery
from tests.api_service import Api

pytest_plugins = ["tests.api_fixtures"]


@pytest.fixture
async def described(api: Api) -> dict[str, Any]:
    description: dict[str, Any] = (await (await api.client()).get("/openapi.json")).json()
    return description


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def models() -> list[type[BaseModel]]:
    found = set()
    for module in pkgutil.iter_modules(api.schemas.__path__, "api.schemas."):
        for value in vars(import_module(module.name)).values():
            if inspect.isclass(value) and issubclass(value, BaseModel) and value.__module__ == module.name:
                found.add(value)
    return sorted(found - {Answer, Input, Items}, key=lambda model: model.__name__)


def test_every_model_is_described_and_carries_an_example_that_it_takes(api: Api) -> None:
    assert len(models()) > 30
    for model in models():
        if issubclass(model, ListingQuery) or model.__name__ == "RevealQuery":
            continue
        assert model.__doc__
        for example in model.model_json_schema()["examples"]:
            model.model_validate_json(json.dumps(example))
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"


async def test_the_description_is_valid_and_all_its_references_lead_somewhere(described: dict[str, Any]) -> None:
    OpenAPI.model_validate(described)
    text = json.dumps(described)
    for part in text.split('"$ref": "#/components/schemas/')[1:]:
        assert part.split('"')[0] in described["components"]["schemas"]
    assert "HTTPValidationError" not in text


async def test_every_operation_says_what_it_does_with_examples(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]

    def has_example(content: dict[str, Any]) -> bool:
        schema = content.get("schema", {})
        named = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        return bool(content.get("example") or content.get("examples") or named.get("examples"))

    names = [operation["operationId"] for _, _, operation in operations(described)]
    assert len(set(names)) == len(names) > 35
    for method, path, operation in operations(described):
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        contents = list(operation.get("requestBody", {}).get("content", {}).values())
        succeeded = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        assert len(succeeded) == 1
        contents += succeeded[0].get("content", {}).values()
        assert contents or method == "delete"
        assert all(has_example(content) for content in contents), (method, path)


async def test_every_operation_tells_its_errors_as_problem_details(described: dict[str, Any]) -> None:
    for method, path, operation in operations(described):
        problems = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert "500" in problems
        if "security" in operation:
            assert {"401", "403", "503"} <= set(problems)
        if "{" in path:
            assert {"404", "422"} <= set(problems)
        if method == "post":
            assert {"409", "413", "422"} <= set(problems)
            parameters = [parameter["name"] for parameter in operation.get("parameters", [])]
            assert ("Idempotency-Key" in parameters) is (path not in {"/v1/preview", "/v1/routes/preview"})
        for status, answer in problems.items():
            content = answer["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert content["example"]["status"] == int(status)


async def test_only_health_readiness_and_feeds_by_their_address_are_open(described: dict[str, Any]) -> None:
    without_key = {path for _, path, operation in operations(described) if "security" not in operation}
    assert without_key == {"/healthz", "/readyz", "/v1/feeds/{token}/incidents.atom"}
