"""Web pages: what they say, when it changes, and nothing that their makers could do with it."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.clock import SystemClock
from core.errors import SourceBroken, SourceError, SourceUnavailable
from core.http import GuardedClient
from core.ports import SourceContext
from core.settings import HttpSettings
from core.types import Page
from sources.webpage import WebpageSettings, WebpageSource

HTML = "text/html; charset=utf-8"


def article(text: str = "night_heron is Maria Gonzalez, and everybody in town should know about it by now.") -> str:
    """A page as sites make them: the article among menus, scripts and a footer."""
    return f"""<!doctype html><html lang="en"><head><title>The ferry is late | Harbor Gazette</title>
    <meta name="author" content="Ann Example"><meta property="article:published_time" content="2026-11-20T10:00:00Z">
    <script>track("hidden")</script></head><body><nav><a href="/">Home</a> <a href="/all">All boards</a></nav>
    <article><h1>The ferry is late</h1><p>{text}</p><p>It was late yesterday, too, and nobody knows why.</p></article>
    <div class="comments"><div class="comment"><p>A reader agrees with all of this &amp; more.</p></div></div>
    <footer>Printed at {"<time>noon</time>"}</footer></body></html>"""


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    settings = HttpSettings.model_validate({"allowed_networks": ["127.0.0.0/8"], "host_interval_seconds": 0})
    async with GuardedClient(settings, SystemClock()) as http:
        yield SourceContext(name="Gazette", http=http, clock=SystemClock())


async def poll(httpserver: HTTPServer, context: SourceContext, cursor: Any = None, **settings: Any) -> Page:
    """Poll with a source made anew and a cursor as it comes from the database."""
    url = httpserver.url_for("/page?token=secret")
    source = WebpageSource(WebpageSettings(url=url, **settings), context)
    return await source.poll(json.loads(json.dumps(cursor)))


def serve(httpserver: HTTPServer, body: bytes | str, status: int = 200, **headers: str) -> None:
    httpserver.clear()
    named = {"Content-Type": HTML} | {name.replace("_", "-"): value for name, value in headers.items()}
    httpserver.expect_request("/robots.txt").respond_with_data("", 404)
    httpserver.expect_request("/page").respond_with_data(body, status, named)


async def test_a_page_becomes_a_document_of_its_main_text(httpserver: HTTPServer, context: SourceContext) -> None:
    serve(httpserver, article())
    (document,) = (await poll(httpserver, context)).documents
    assert document.title == "The ferry is late"
    assert "night_heron is Maria Gonzalez" in document.text
    assert "nobody knows why.\nA reader agrees with all of this & more." in document.text
    assert "All boards" not in document.text
    assert "hidden" not in document.text
    assert (document.author, document.language) == ("Ann Example", "en")
    assert document.published_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert document.url == httpserver.url_for("/page?token=secret")
    assert document.id == f"Gazette:{document.external_id}"
    assert "secret" not in document.id


async def test_the_whole_page_is_read_where_it_is_asked_for(httpserver: HTTPServer, context: SourceContext) -> None:
    serve(httpserver, article())
    (document,) = (await poll(httpserver, context, whole=True)).documents
    assert document.text.startswith("Home All boards\nThe ferry is late")
    assert document.text.endswith("Printed at noon")


async def test_a_page_without_main_text_is_read_wholly(httpserver: HTTPServer, context: SourceContext) -> None:
    serve(httpserver, "<title>List</title><p>a_member")
    (document,) = (await poll(httpserver, context)).documents
    assert (document.title, document.text) == ("List", "a_member")


async def test_a_page_is_given_again_only_when_what_it_says_changes(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    serve(httpserver, article())
    first = await poll(httpserver, context)
    same = await poll(httpserver, context, first.cursor)
    serve(httpserver, article().replace('track("hidden")', 'track("other")'))
    dressed = await poll(httpserver, context, same.cursor)
    serve(httpserver, article("Harbor Street 12 is where night_heron lives, as everybody in this town ought to know."))
    changed = await poll(httpserver, context, dressed.cursor)
    assert [len(page.documents) for page in (first, same, dressed, changed)] == [1, 0, 0, 1]
    assert "Harbor Street 12" in changed.documents[0].text
    assert changed.documents[0].id == first.documents[0].id
    assert (await poll(httpserver, context, changed.cursor)).documents == ()


async def test_the_second_request_is_conditional(httpserver: HTTPServer, context: SourceContext) -> None:
    requests: list[Request] = []

    def answer(request: Request) -> Response:
        requests.append(request)
        known = request.headers.get("If-None-Match") == '"v1"'
        return Response(status=304) if known else Response(article(), headers={"ETag": '"v1"'}, mimetype="text/html")

    httpserver.expect_request("/robots.txt").respond_with_data("", 404)
    httpserver.expect_request("/page").respond_with_handler(answer)
    first = await poll(httpserver, context)
    second = await poll(httpserver, context, first.cursor)
    assert (second.documents, second.cursor, second.more) == ((), first.cursor, False)
    assert [request.headers.get("If-None-Match") for request in requests] == [None, '"v1"']


async def test_plain_text_is_read_as_it_is(httpserver: HTTPServer, context: SourceContext) -> None:
    serve(httpserver, "<p>a & b\n  c", Content_Type="text/plain")
    (document,) = (await poll(httpserver, context)).documents
    assert (document.text, document.title) == ("<p>a & b\n  c", None)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "is an image, which is not read"),
        (b"PK\x03\x04" + bytes(99), "is a ZIP archive or an office document, which is not read"),
        (gzip.compress(b"text", mtime=0), "is compressed twice, which is not read"),
        (b'<?xml version="1.0"?><rss version="2.0"></rss>', "is a feed: read it with a source of kind feed"),
    ],
)
async def test_what_is_no_page_is_said_to_be_none(
    httpserver: HTTPServer, context: SourceContext, body: bytes, sentence: str
) -> None:
    serve(httpserver, body)
    with pytest.raises(SourceBroken) as caught:
        await poll(httpserver, context)
    assert str(caught.value) == f"the page of 127.0.0.1 {sentence}"


async def test_a_page_that_robots_may_not_read_is_not_read(httpserver: HTTPServer, context: SourceContext) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data("User-agent: Leakwatch\nDisallow: /page")
    httpserver.expect_request("/page").respond_with_data(article())
    with pytest.raises(SourceBroken, match=r"^the robots\.txt of 127\.0\.0\.1 does not allow reading this page$"):
        await poll(httpserver, context)


@pytest.mark.parametrize(("status", "error"), [(404, SourceBroken), (410, SourceBroken), (503, SourceUnavailable)])
async def test_an_error_status_says_whether_trying_again_helps(
    httpserver: HTTPServer, context: SourceContext, status: int, error: type[SourceError]
) -> None:
    serve(httpserver, article(), status)
    with pytest.raises(error) as caught:
        await poll(httpserver, context)
    assert "secret" not in str(caught.value)


async def test_retry_after_sets_the_earliest_next_poll(httpserver: HTTPServer, context: SourceContext) -> None:
    serve(httpserver, article(), Retry_After="3600")
    page = await poll(httpserver, context)
    assert page.not_before is not None
    assert page.not_before - context.clock.now() > timedelta(minutes=59)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("", ""),
        ("<" * 50_000, "<" * 50_000),
        ("<!--" * 50_000, ""),
        ("<div>" * 20_000 + "deep", "deep"),
        ("<p>" + "text " * 99 + "\0end</p>", "text " * 99 + "\N{REPLACEMENT CHARACTER}end"),
        ("<title>" + "x" * 100_000, ""),
        ('<meta property="article:published_time" content="99999-99-99"><p>x', "x"),
        ('<script type="application/ld+json">' + "[" * 50_000 + "</script><p>x", "x"),
        ('<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><html><p>&e;</p></html>', "]>\n&e;"),
    ],
    ids=["empty", "signs", "comments", "deep", "nul", "title", "date", "json", "entity"],
)
async def test_a_hostile_page_does_nothing_but_be_read(
    httpserver: HTTPServer, context: SourceContext, body: str, text: str
) -> None:
    serve(httpserver, body)
    (document,) = (await poll(httpserver, context)).documents
    assert document.text == text


async def test_a_page_whose_main_text_takes_too_long_to_find_is_read_wholly(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    serve(httpserver, "<p>a " * 100_000 + "<p>night_heron")
    (document,) = (await poll(httpserver, context, parsing_seconds=1)).documents
    assert document.text.endswith("a\nnight_heron")


def test_an_address_that_cannot_be_fetched_is_refused_at_once() -> None:
    with pytest.raises(ValidationError):
        WebpageSettings(url="ftp://example.org/page")
