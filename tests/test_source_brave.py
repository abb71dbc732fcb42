"""Brave Search: real HTTP on loopback with answers as its documentation shows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from core.errors import SourceBroken, SourceUnavailable
from core.ports import SourceContext
from tests.search_fixtures import HERON, HOUSE, poll, search_context, serve

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


async def test_results_become_documents_as_a_reader_sees_them(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    requests = serve(httpserver, ANSWER, headers=LIMITS)
    page = await poll("brave", settings, context)
    found, talk = page.documents
    assert found.title == "Who is night_heron? & more"
    assert found.text == "so night_heron is really lives at the harbour"
    assert (found.language, found.published_at) == ("en", datetime(2026, 11, 18, 9, 30, tzinfo=UTC))
    assert (talk.url, talk.title, talk.text) == ("https://talk.example/2", "Talk", "")
    (request,) = requests
    assert (request.method, request.path) == ("GET", "/res/v1/web/search")
    assert request.args["q"] == '"night_heron"'
    assert request.args["safesearch"] == "off"
    assert request.headers["X-Subscription-Token"] == "brave-secret"


async def test_what_brave_still_allows_is_told_and_its_second_waited_for(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    serve(httpserver, ANSWER, headers=LIMITS)
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


@pytest.mark.parametrize("content", [[], {}, {"type": "ErrorResponse"}, "x", None])
async def test_an_answer_without_results_is_an_error(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any], content: object
) -> None:
    serve(httpserver, content)
    with pytest.raises(SourceBroken, match="something else than search results"):
        await poll("brave", settings, context)
