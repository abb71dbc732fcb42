"""SearXNG: real HTTP on loopback with answers as an instance gives them.

How results are given and queries paced is the same for all search sources, and tested here."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from core.errors import SourceBroken, SourceError, SourceUnavailable
from core.ports import SourceContext
from tests.search_fixtures import HERON, HOUSE, poll, poll_all, search_context, serve
from tests.service_fixtures import ManualClock


def result(number: int, **fields: Any) -> dict[str, Any]:
    url = f"https://forum.example/t/{number}"
    return {
        "url": url,
        "title": f"Thread {number}",
        "content": f"who is\n night_heron {number}",
        "publishedDate": "2026-11-19T08:00:00",
        "engine": "mojeek",
        "engines": ["mojeek"],
        "parsed_url": ["https", "forum.example", f"/t/{number}", "", "", ""],
        "template": "default.html",
        "positions": [1],
        "score": 1.0,
        "category": "general",
        **fields,
    }


def answer_of(*results: Any, silent: list[Any] | None = None) -> dict[str, Any]:
    return {
        "query": "ignored",
        "number_of_results": 0,
        "results": list(results),
        "answers": [],
        "corrections": [],
        "infoboxes": [],
        "suggestions": [],
        "unresponsive_engines": silent or [],
    }


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with search_context(HERON) as context:
        yield context


@pytest.fixture
def settings(httpserver: HTTPServer) -> dict[str, Any]:
    return {"url": httpserver.url_for("/")}


def move(context: SourceContext, **by: float) -> None:
    assert isinstance(context.clock, ManualClock)
    context.clock.moment += timedelta(**by)


async def test_a_result_becomes_a_document(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    requests = serve(httpserver, answer_of(result(1)))
    page = await poll("searxng", settings, context)
    (document,) = page.documents
    assert document.id == f"Web:{document.external_id}"
    assert "forum.example" not in document.id
    assert (document.url, document.title) == ("https://forum.example/t/1", "Thread 1")
    assert document.text == "who is night_heron 1"
    assert document.published_at == datetime(2026, 11, 19, 8, tzinfo=UTC)
    assert document.fetched_at == context.clock.now()
    assert dict(requests[0].form) == {
        "q": '"night_heron"', "format": "json", "categories": "general", "safesearch": "0",
    }  # fmt: skip
    assert (requests[0].method, requests[0].path, requests[0].query_string) == ("POST", "/search", b"")


async def test_only_results_that_are_new_or_changed_are_given(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    serve(httpserver, answer_of(result(1), result(2)))
    first = await poll("searxng", settings, context)
    move(context, hours=1)
    serve(httpserver, answer_of(result(3), result(2, content="night_heron lives in"), result(1)))
    second = await poll("searxng", settings, context, first.cursor)
    assert [document.title for document in second.documents] == ["Thread 3", "Thread 2"]
    move(context, hours=1)
    assert (await poll("searxng", settings, context, second.cursor)).documents == ()


async def test_a_page_that_two_terms_find_alike_is_given_once(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    requests = serve(httpserver, answer_of(result(1)))
    pages = await poll_all("searxng", settings, replace(context, search_terms=(HERON, HOUSE)))
    assert [len(page.documents) for page in pages] == [1, 0]
    assert [request.form["q"] for request in requests] == ['"night_heron"', '"safe house -site:example.org"']


async def test_the_next_query_waits_for_its_turn_and_the_cursor_holds_no_term(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    requests = serve(httpserver, answer_of(result(1)))
    settings |= {"queries_a_day": 24}
    first = await poll("searxng", settings, context)
    assert first.not_before == context.clock.now() + timedelta(hours=1)
    assert first.quota_left == 23
    early = await poll("searxng", settings, context, first.cursor)
    assert (early.documents, early.not_before, early.more) == ((), first.not_before, False)
    assert len(requests) == 1
    assert "heron" not in json.dumps(early.cursor)


async def test_the_budget_of_the_day_is_kept_to(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    requests = serve(httpserver, answer_of())
    cursor: Any = None
    for _ in range(48):
        page = await poll("searxng", settings | {"queries_a_day": 5}, context, cursor)
        cursor = page.cursor
        move(context, minutes=15)
    assert len(requests) <= 5


async def test_engines_that_were_silent_are_a_gap_where_nothing_was_found(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    silent = [["google", "CAPTCHA"], ["brave", "too many requests"]]
    serve(httpserver, answer_of(silent=silent))
    assert (await poll("searxng", settings, context)).gap == "2 of its engines did not answer"
    serve(httpserver, answer_of(result(1), silent=silent))
    assert (await poll("searxng", settings, context)).gap is None


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_service_that_is_busy_is_tried_again_when_it_says(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any], status: int
) -> None:
    serve(httpserver, b"", status, {"Retry-After": "120"})
    with pytest.raises(SourceUnavailable) as caught:
        await poll("searxng", settings, context)
    assert caught.value.retry_after == timedelta(seconds=120)
    assert "heron" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"<html>", SourceUnavailable), (b"[" * 100_000, SourceUnavailable), ([], SourceBroken), ({}, SourceBroken)],
)
async def test_an_answer_that_is_none_is_an_error(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any], content: object, error: type[SourceError]
) -> None:
    serve(httpserver, content)
    with pytest.raises(error):
        await poll("searxng", settings, context)


async def test_a_result_that_is_none_is_passed_over(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any]
) -> None:
    hostile: list[Any] = [
        None, 7, "x", [], {}, {"url": 7}, {"url": "javascript:alert(1)"}, result(1, title=None, content={"a": []}),
        result(2, publishedDate="soon", content="<script>x</script>"), result(3, publishedDate=9e99, author=[1]),
        result(4, content="x" * 1_000_000, title="lone \ud800"),
    ]  # fmt: skip
    serve(httpserver, answer_of(*hostile))
    documents = (await poll("searxng", settings, context)).documents
    assert [(document.url or "")[-1] for document in documents] == ["1", "2", "3", "4"]
    assert (documents[0].title, documents[0].text) == (None, "")
    assert documents[1].text == "<script>x</script>"
    assert len(documents[3].text) == 10_000
