"""Mojeek: real HTTP on loopback with answers as its documentation shows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from core.errors import SourceUnavailable
from core.ports import SourceContext
from tests.search_fixtures import HERON, poll, search_context, serve

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


async def test_results_become_documents_as_a_reader_sees_them(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    requests = serve(httpserver, ANSWER)
    (document,) = (await poll("mojeek", settings, context)).documents
    assert (document.title, document.text) == ("Who is night_heron? & more", "so night_heron is really …")
    assert document.url == "https://forum.example/t/1"
    (request,) = requests
    assert (request.method, request.path) == ("GET", "/search")
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
