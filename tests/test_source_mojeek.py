"""Mojeek: real HTTP on loopback with answers as its documentation shows them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import NotConfigured, SourceError, SourceUnavailable
from core.ports import SourceContext
from tests.search_fixtures import HERON, poll, search_context

ANSWER: dict[str, Any] = {
    "response": {
        "status": "OK",
        "head": {"query": "x", "nword": 1, "timer": 0.61, "start": 0, "return": 10, "results": 2},
        "results": [
            {
                "url": "https://forum.example/t/1",
                "title": "Who is night_heron? &amp; more",
                "desc": "so night_heron is <b>really</b> …",
            },
            {"url": "ftp://forum.example/2", "title": "x"},
            {"title": "No address"},
            ["not a result"],
        ],
    }
}


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with search_context(HERON) as context:
        yield context


@pytest.fixture
def settings(httpserver: HTTPServer) -> dict[str, Any]:
    return {"url": httpserver.url_for("/"), "api_key": "mojeek-secret"}


def serve(httpserver: HTTPServer, content: object, status: int = 200, **headers: str) -> list[Request]:
    """Answer every query with this; return the list that the requests will be in."""
    requests: list[Request] = []

    def answer(request: Request) -> Response:
        requests.append(request)
        return Response(json.dumps(content), status, headers, content_type="application/json")

    httpserver.clear()
    httpserver.expect_request("/search", method="GET").respond_with_handler(answer)
    return requests


async def test_results_become_documents_as_a_reader_sees_them(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    requests = serve(httpserver, ANSWER)
    (document,) = (await poll("mojeek", settings, context)).documents
    assert (document.title, document.text) == ("Who is night_heron? & more", "so night_heron is really …")
    assert document.url == "https://forum.example/t/1"
    (request,) = requests
    assert (request.args["q"], request.args["fmt"]) == ('"night_heron"', "json")
    assert request.args["api_key"] == "mojeek-secret"


@pytest.mark.parametrize(
    "content",
    [
        {"response": {"status": "ERROR: Daily Limit Reached"}},
        {"response": {"status": "ERROR: night_heron mojeek-secret"}},
        {"response": []},
        {},
        [],
    ],
)
async def test_an_error_in_the_body_is_an_error(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any], content: object
) -> None:
    serve(httpserver, content)
    with pytest.raises(SourceUnavailable, match="answers with an error") as caught:
        await poll("mojeek", settings, context)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", [302, 401, 403, 429, 500])
async def test_a_refusal_names_neither_key_nor_term(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any], status: int
) -> None:
    serve(httpserver, {}, status, Location=httpserver.url_for("/elsewhere"))
    with pytest.raises(SourceError, match=f"status {status}") as caught:
        await poll("mojeek", settings, context)
    assert "secret" not in str(caught.value)
    assert "heron" not in str(caught.value)
    assert [request.path for request, _ in httpserver.log] == ["/search"]


async def test_without_results_nothing_is_new(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    serve(httpserver, {"response": {"status": "OK", "head": {"results": 0}}})
    assert (await poll("mojeek", settings, context)).documents == ()


async def test_without_a_key_it_is_off(context: SourceContext) -> None:
    with pytest.raises(NotConfigured, match="needs an api_key"):
        await poll("mojeek", {}, context)
