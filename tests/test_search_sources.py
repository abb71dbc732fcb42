"""What every search source does when its service answers otherwise than with results."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import NotConfigured, SourceBroken, SourceError
from core.ports import SearchTerm, SourceContext
from core.types import Page
from tests.search_fixtures import HERON, HOUSE, poll, search_context, serve
from tests.service_fixtures import ManualClock

LARK = SearchTerm(id="trm_3", text="harbourlark", priority=3)
MARIA = SearchTerm(id="trm_4", text="Maria Gonzalez", priority=1)
KEYS: dict[str, dict[str, Any]] = {
    "brave": {"api_key": "very-secret"},
    "github": {"token": "very-secret", "issues": False},
    "mojeek": {"api_key": "very-secret"},
    "searxng": {},
}
NOTHING_FOUND: dict[str, dict[str, Any]] = {
    "brave": {"type": "search", "query": {"original": "x"}},
    "github": {"total_count": 0, "items": []},
    "mojeek": {"response": {"status": "OK", "head": {"results": 0}}},
    "searxng": {"results": []},
}


@pytest.fixture(params=sorted(KEYS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with search_context(HERON) as context:
        yield context


@pytest.fixture
def settings(httpserver: HTTPServer, kind: str) -> dict[str, Any]:
    return {"url": httpserver.url_for("/"), "queries_a_day": 1000, "queries_a_month": 31000, **KEYS[kind]}


def refuse(httpserver: HTTPServer, kind: str, *terms: SearchTerm) -> list[str]:
    """Answer the queries for these terms with status 422; return the list that all queries will be in."""
    queries: list[str] = []

    def answer(request: Request) -> Response:
        query = request.values["q"]
        queries.append(query)
        refused = query in {f'"{term.text}"' for term in terms}
        return Response(json.dumps({"message": query} if refused else NOTHING_FOUND[kind]), 422 if refused else 200)

    httpserver.clear()
    httpserver.expect_request("/search").respond_with_handler(answer)
    httpserver.expect_request("/search/code").respond_with_handler(answer)
    httpserver.expect_request("/res/v1/web/search").respond_with_handler(answer)
    return queries


async def turns(kind: str, settings: dict[str, Any], context: SourceContext, count: int) -> list[Page]:
    """Poll so many times, with time for a query to become due before each."""
    assert isinstance(context.clock, ManualClock)
    pages: list[Page] = []
    for _ in range(count):
        pages.append(await poll(kind, settings, context, pages[-1].cursor if pages else None))
        context.clock.moment += timedelta(minutes=2)
    return pages


async def test_nothing_found_is_nothing_new(
    httpserver: HTTPServer, context: SourceContext, kind: str, settings: dict[str, Any]
) -> None:
    serve(httpserver, NOTHING_FOUND[kind])
    page = await poll(kind, settings, context)
    assert (page.documents, page.gap) == ((), None)


@pytest.mark.parametrize("status", [302, 307, 400, 401, 402, 403, 414, 422, 429, 500])
async def test_a_refusal_names_neither_key_nor_term_and_is_not_followed(
    httpserver: HTTPServer, context: SourceContext, kind: str, settings: dict[str, Any], status: int
) -> None:
    content = {"type": "ErrorResponse", "message": "night_heron very-secret"}
    requests = serve(httpserver, content, status, {"Location": httpserver.url_for("/elsewhere")})
    with pytest.raises(SourceError, match=f"status {status}") as caught:
        await poll(kind, settings, context)
    assert "secret" not in str(caught.value)
    assert "heron" not in str(caught.value)
    assert len(requests) == 1


async def test_a_term_that_is_refused_keeps_none_of_the_others_from_being_searched_for(
    httpserver: HTTPServer, context: SourceContext, kind: str, settings: dict[str, Any]
) -> None:
    queries = refuse(httpserver, kind, HERON)
    pages = await turns(kind, settings, replace(context, search_terms=(HERON, LARK, MARIA)), 14)
    assert queries.count('"harbourlark"') >= 5
    assert queries.count('"Maria Gonzalez"') >= 2
    sentence = "127.0.0.1 does not take this request (status 422), for 1 of 3 terms: trm_1"
    assert {page.gap for page in pages} == {sentence}


async def test_a_term_that_is_taken_again_is_no_gap_any_more(
    httpserver: HTTPServer, context: SourceContext, kind: str, settings: dict[str, Any]
) -> None:
    context = replace(context, search_terms=(HERON, LARK))
    refuse(httpserver, kind, HERON)
    (*_, page) = await turns(kind, settings, context, 4)
    refuse(httpserver, kind)
    gaps = []
    for _ in range(4):
        page = await poll(kind, settings, context, page.cursor)
        gaps.append(page.gap)
        context.clock.moment += timedelta(minutes=2)  # type: ignore[attr-defined]  # a test's clock
    assert gaps[-1] is None


async def test_a_service_that_refuses_one_term_after_another_is_broken_until_it_takes_one(
    httpserver: HTTPServer, context: SourceContext, kind: str, settings: dict[str, Any]
) -> None:
    context = replace(context, search_terms=(HERON, HOUSE, LARK, MARIA))
    serve(httpserver, {"message": "wrong key"}, 422)
    *_, second = await turns(kind, settings, context, 2)
    with pytest.raises(SourceBroken, match=r"^127.0.0.1 does not take this request \(status 422\)$") as caught:
        await poll(kind, settings, context, second.cursor)
    with pytest.raises(SourceBroken, match="status 422"):  # also where no query is due
        await poll(kind, settings, context, caught.value.cursor)
    queries = refuse(httpserver, kind, LARK)
    context.clock.moment += timedelta(minutes=2)  # type: ignore[attr-defined]  # a test's clock
    page = await poll(kind, settings, context, caught.value.cursor)
    assert queries == ['"Maria Gonzalez"']
    assert (page.gap or "").endswith("for 3 of 4 terms: trm_1, trm_3, trm_2")


async def test_without_a_term_that_may_be_searched_for_it_says_so(
    httpserver: HTTPServer, context: SourceContext, kind: str, settings: dict[str, Any]
) -> None:
    requests = serve(httpserver, NOTHING_FOUND[kind])
    with pytest.raises(SourceBroken, match="no term has search_externally"):
        await poll(kind, settings, replace(context, search_terms=()))
    assert requests == []


@pytest.mark.parametrize("kind", ["brave", "mojeek"])
async def test_without_a_key_it_is_off(context: SourceContext, kind: str) -> None:
    with pytest.raises(NotConfigured, match="needs an api_key"):
        await poll(kind, {}, context)
