"""GitHub's search: real HTTP on loopback with answers as its documentation shows them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import NotConfigured, SourceBroken
from core.ports import SourceContext
from tests.search_fixtures import HERON, HOUSE, poll, poll_all, search_context

REPOSITORY = {
    "id": 7,
    "name": "notes",
    "full_name": "nightowl/notes",
    "owner": {"login": "nightowl", "id": 1, "type": "User"},
    "private": False,
    "html_url": "https://github.com/nightowl/notes",
    "description": "mine",
}
CODE: dict[str, Any] = {
    "name": "who is who.txt",
    "path": "lists/who is who.txt",
    "sha": "d7212f9dee2dcc18f084d7df8f417b80846ded5a",
    "url": "https://api.github.com/repositories/7/contents/lists/who%20is%20who.txt?ref=825a",
    "html_url": "https://github.com/nightowl/notes/blob/825a/lists/who%20is%20who.txt",
    "repository": REPOSITORY,
    "score": 1.0,
    "text_matches": [
        {
            "object_url": "https://api.github.com/repositories/7/contents/lists/who%20is%20who.txt?ref=825a",
            "object_type": "FileContent",
            "property": "content",
            "fragment": "night_heron is <b>really</b>\nMaria",
            "matches": [{"text": "night_heron", "indices": [0, 11]}],
        },
        {"object_type": "FileContent", "property": "path", "fragment": None},
    ],
}
ISSUE: dict[str, Any] = {
    "url": "https://api.github.com/repos/nightowl/notes/issues/3",
    "html_url": "https://github.com/nightowl/notes/issues/3",
    "number": 3,
    "title": "Who is night_heron?",
    "user": {"login": "curlew", "id": 2},
    "labels": [],
    "state": "open",
    "created_at": "2026-11-01T08:00:00Z",
    "updated_at": "2026-11-18T09:30:00Z",
    "body": "Asking\r\nfor a friend",
    "text_matches": [
        {"object_type": "Issue", "property": "body", "fragment": "for a friend", "matches": []},
        {"object_type": "IssueComment", "property": "body", "fragment": "night_heron lives here", "matches": []},
    ],
}


class Search:
    """Both searches; ``headers`` are those of answers of the code search."""

    def __init__(self, server: HTTPServer) -> None:
        self.code: list[Any] = []
        self.issues: list[Any] = []
        self.headers: dict[str, str] = {}
        self.requests: list[Request] = []
        server.expect_request("/search/code").respond_with_handler(lambda request: self._answer(request, self.code))
        server.expect_request("/search/issues").respond_with_handler(self._answer_about_issues)

    def _answer_about_issues(self, request: Request) -> Response:
        kinds = [kind for kind in ("issue", "pull-request") if request.args["q"].endswith(f" is:{kind}")]
        if not kinds:
            self.requests.append(request)
            refusal = {"message": "Query must include 'is:issue' or 'is:pull-request'", "status": "422"}
            return Response(json.dumps(refusal), 422, content_type="application/json")
        wanted = kinds == ["pull-request"]
        return self._answer(
            request, [row for row in self.issues if (isinstance(row, dict) and "pull_request" in row) == wanted]
        )

    def _answer(self, request: Request, items: list[Any]) -> Response:
        self.requests.append(request)
        content = {"total_count": len(items), "incomplete_results": False, "items": items}
        headers = self.headers if request.path == "/search/code" else {}
        return Response(json.dumps(content), headers=headers, content_type="application/json")


@pytest.fixture
def search(httpserver: HTTPServer) -> Search:
    return Search(httpserver)


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with search_context(HERON) as context:
        yield context


@pytest.fixture
def settings(httpserver: HTTPServer) -> dict[str, Any]:
    return {"url": httpserver.url_for("/"), "token": "github-secret"}


async def test_code_and_issues_become_documents(
    search: Search, context: SourceContext, settings: dict[str, Any]
) -> None:
    search.code, search.issues = [CODE], [ISSUE]
    page = await poll("github", settings, context)
    code, issue = page.documents
    assert code.title == "nightowl/notes: lists/who is who.txt"
    assert code.text == "night_heron is <b>really</b> Maria"
    assert code.author == "nightowl"
    assert code.url == "https://github.com/nightowl/notes/blob/HEAD/lists/who%20is%20who.txt"
    assert (issue.title, issue.author) == ("Who is night_heron?", "curlew")
    assert issue.text == "Asking for a friend night_heron lives here"
    assert issue.url == "https://github.com/nightowl/notes/issues/3"
    assert issue.published_at == datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
    about_issues = ['"night_heron" is:issue', '"night_heron" is:pull-request']
    assert [request.args["q"] for request in search.requests] == ['"night_heron"', *about_issues]
    for request in search.requests:
        assert request.headers["Authorization"] == "Bearer github-secret"
        assert request.headers["Accept"] == "application/vnd.github.text-match+json"


async def test_a_file_is_given_once_however_often_its_repository_changes(
    search: Search, context: SourceContext, settings: dict[str, Any]
) -> None:
    search.code = [CODE]
    first = await poll("github", settings, context)
    search.code = [{**CODE, "html_url": "https://github.com/nightowl/notes/blob/9c3e/lists/who%20is%20who.txt"}]
    context.clock.moment += timedelta(days=1)  # type: ignore[attr-defined]  # a test's clock
    second = await poll("github", settings, context, first.cursor)
    assert (len(first.documents), len(second.documents)) == (1, 0)
    assert len(search.requests) == 6


async def test_pull_requests_are_found_too(search: Search, context: SourceContext, settings: dict[str, Any]) -> None:
    pull = {**ISSUE, "html_url": "https://github.com/nightowl/notes/pull/4", "pull_request": {"merged_at": None}}
    search.issues = [ISSUE, pull]
    page = await poll("github", {**settings, "code": False}, context)
    assert [document.url for document in page.documents] == [ISSUE["html_url"], pull["html_url"]]


@pytest.mark.parametrize("left_out", ["code", "issues"])
async def test_either_search_can_be_left_out(
    search: Search, context: SourceContext, settings: dict[str, Any], left_out: str
) -> None:
    search.code, search.issues = [CODE], [ISSUE]
    page = await poll("github", {**settings, left_out: False}, context)
    assert len(page.documents) == 1
    assert all(left_out not in request.path for request in search.requests)


async def test_signs_of_a_query_have_no_meaning_and_a_long_one_is_shortened(
    search: Search, context: SourceContext, settings: dict[str, Any]
) -> None:
    long = replace(HOUSE, id="trm_long", text="harbor " * 80)
    await poll_all("github", {**settings, "issues": False}, replace(context, search_terms=(HOUSE, long)))
    short, cut = sorted((request.args["q"] for request in search.requests), key=len)
    assert short == '"safe house -site:example.org"'
    assert len(cut) <= 256
    assert cut.startswith('"harbor harbor')
    assert cut.endswith('"')


async def test_the_limit_of_either_search_is_waited_for(
    search: Search, context: SourceContext, settings: dict[str, Any]
) -> None:
    reset = str(int((context.clock.now() + timedelta(seconds=40)).timestamp()))
    search.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset, "X-RateLimit-Resource": "code_search"}
    page = await poll("github", settings, replace(context, search_terms=(HERON, HOUSE)))
    assert page.more
    assert page.not_before == context.clock.now() + timedelta(seconds=40)


async def test_what_cannot_work_is_off_with_the_reason(context: SourceContext, settings: dict[str, Any]) -> None:
    with pytest.raises(NotConfigured, match="it needs a token"):
        await poll("github", {**settings, "token": ""}, context)
    with pytest.raises(NotConfigured, match="it searches neither code nor issues"):
        await poll("github", {**settings, "code": False, "issues": False}, context)


@pytest.mark.parametrize("content", ["[]", "{}", '{"items": {}}', '"x"'])
async def test_an_answer_without_results_is_an_error(
    httpserver: HTTPServer, context: SourceContext, settings: dict[str, Any], content: str
) -> None:
    httpserver.expect_request("/search/code").respond_with_data(content)
    with pytest.raises(SourceBroken, match="something else than search results"):
        await poll("github", settings, context)


async def test_results_of_another_shape_are_passed_over(
    search: Search, context: SourceContext, settings: dict[str, Any]
) -> None:
    search.code = [None, 5, {}, {"path": "a"}, {"path": 7, "repository": REPOSITORY}, {**CODE, "text_matches": {}}]
    search.issues = ["x", {}, {"html_url": "javascript:alert(1)"}, {**ISSUE, "body": None, "user": None, "title": []}]
    page = await poll("github", settings, context)
    code, issue = page.documents
    assert (code.text, issue.text) == ("", "night_heron lives here")
    assert (issue.author, issue.title) == (None, None)
