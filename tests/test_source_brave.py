"""Brave Search: real HTTP on loopback with answers as its documentation shows them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import NotConfigured, SourceBroken, SourceUnavailable
from core.ports import SourceContext
from tests.search_fixtures import HERON, HOUSE, poll, search_context

LIMITS = {
    "X-RateLimit-Limit": "1, 2000",
    "X-RateLimit-Policy": "1;w=1, 2000;w=2592000",
    "X-RateLimit-Remaining": "0, 40",
    "X-RateLimit-Reset": "1, 1419704",
}
ANSWER: dict[str, Any] = {
    "type": "search",
    "query": {"original": "x", "more_results_available": False},
    "mixed": {"type": "mixed", "main": [{"type": "web", "index": 0, "all": False}]},
    "web": {
        "type": "search",
        "family_friendly": True,
        "results": [
            {
                "title": "Who is <strong>night_heron</strong>? &amp; more",
                "url": "https://forum.example/t/1",
                "description": "so <strong>night_heron</strong> is really",
                "extra_snippets": ["lives at the harbour", 7],
                "page_age": "2026-11-18T09:30:00",
                "age": "3 days ago",
                "language": "en",
                "family_friendly": True,
                "type": "search_result",
                "subtype": "generic",
                "meta_url": {"scheme": "https", "netloc": "forum.example", "path": "› t › 1"},
            },
            {"title": "No address", "description": "x"},
            "not a result",
        ],
    },
    "discussions": {"type": "search", "results": [{"title": "Talk", "url": "https://talk.example/2"}]},
    "news": None,
}


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with search_context(HERON) as context:
        yield context


@pytest.fixture
def settings(httpserver: HTTPServer) -> dict[str, Any]:
    return {"url": httpserver.url_for("/"), "api_key": "brave-secret"}


def serve(
    httpserver: HTTPServer, content: object, status: int = 200, headers: dict[str, str] = LIMITS
) -> list[Request]:
    """Answer every query with this; return the list that the requests will be in."""
    requests: list[Request] = []

    def answer(request: Request) -> Response:
        requests.append(request)
        return Response(json.dumps(content), status, headers, content_type="application/json")

    httpserver.clear()
    httpserver.expect_request("/res/v1/web/search", method="GET").respond_with_handler(answer)
    return requests


async def test_results_become_documents_as_a_reader_sees_them(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    requests = serve(httpserver, ANSWER)
    page = await poll("brave", settings, context)
    found, talk = page.documents
    assert found.title == "Who is night_heron? & more"
    assert found.text == "so night_heron is really lives at the harbour"
    assert (found.language, found.published_at) == ("en", datetime(2026, 11, 18, 9, 30, tzinfo=UTC))
    assert (talk.url, talk.title, talk.text) == ("https://talk.example/2", "Talk", "")
    (request,) = requests
    assert request.args["q"] == '"night_heron"'
    assert request.args["safesearch"] == "off"
    assert request.headers["X-Subscription-Token"] == "brave-secret"


async def test_what_brave_still_allows_is_told_and_its_second_waited_for(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    serve(httpserver, ANSWER)
    page = await poll("brave", settings, replace(context, search_terms=(HERON, HOUSE)))
    assert page.more
    assert page.not_before == context.clock.now() + timedelta(seconds=1)
    assert page.quota_left == 40


async def test_an_allowance_that_is_used_up_is_waited_for(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    serve(httpserver, {"type": "ErrorResponse"}, 429, LIMITS | {"X-RateLimit-Remaining": "0, 0"})
    with pytest.raises(SourceUnavailable) as caught:
        await poll("brave", settings, context)
    assert caught.value.retry_after == timedelta(seconds=1419704)


@pytest.mark.parametrize("status", [401, 402, 403, 422])
async def test_a_refusal_names_neither_key_nor_term(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any], status: int
) -> None:
    serve(httpserver, {"type": "ErrorResponse", "error": {"detail": "night_heron brave-secret"}}, status, {})
    with pytest.raises(SourceBroken, match=f"status {status}") as caught:
        await poll("brave", settings, context)
    assert "secret" not in str(caught.value)
    assert "heron" not in str(caught.value)


@pytest.mark.parametrize("content", [[], {}, {"type": "ErrorResponse"}, "x", None])
async def test_an_answer_without_results_is_an_error(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any], content: object
) -> None:
    serve(httpserver, content)
    with pytest.raises(SourceBroken, match="something else than search results"):
        await poll("brave", settings, context)


async def test_nothing_found_is_nothing_new(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    serve(httpserver, {"type": "search", "query": {"original": "x"}})
    assert (await poll("brave", settings, context)).documents == ()


async def test_the_key_is_not_sent_on_to_another_place(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    serve(httpserver, "", 302, {"Location": httpserver.url_for("/elsewhere")})
    with pytest.raises(SourceBroken, match="status 302"):
        await poll("brave", settings, context)
    assert [request.path for request, _ in httpserver.log] == ["/res/v1/web/search"]


async def test_without_a_key_it_is_off(context: SourceContext) -> None:
    with pytest.raises(NotConfigured, match="needs an api_key"):
        await poll("brave", {}, context)
