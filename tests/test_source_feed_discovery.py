"""A feed by the address of the page that names it, private feeds, and feeds that move faster than they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from core.errors import SourceBroken, SourceError
from core.ports import SourceContext
from core.types import Page
from sources.feed import FeedSettings, FeedSource
from sources.parsing.feed_links import feed_links
from tests.source_fixtures import loopback_context, poll_anew

PAGE = """<!doctype html><html><head><title>Harbor</title>
<link rel="alternate" type="application/json" href="/wp-json/page/1"><link rel="stylesheet" href="/style.css">
<link rel="alternate" hreflang="de" href="/de">
<link rel="Alternate" type="application/RSS+xml" href="new.rss?a=1&amp;b=2">
<link rel="alternate" type="application/atom+xml" href="/comments.atom"></head><body><p>Welcome</body></html>"""


def rss(*entries: str) -> str:
    items = "".join(f"<item><guid isPermaLink='false'>{entry}</guid><title>{entry}</title></item>" for entry in entries)
    return f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with loopback_context("Harbor") as context:
        yield context


async def poll(httpserver: HTTPServer, context: SourceContext, cursor: Any = None, path: str = "/forum/") -> Page:
    return await poll_anew(FeedSource, FeedSettings, {"url": httpserver.url_for(path)}, context, cursor)


def robots(httpserver: HTTPServer, rules: str = "") -> None:
    httpserver.expect_request("/robots.txt").respond_with_data(rules)


def ids(page: Page) -> list[str | None]:
    return [document.external_id for document in page.documents]


async def test_the_feed_that_a_page_names_is_read_and_remembered(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    robots(httpserver)
    httpserver.expect_request("/forum/").respond_with_data(PAGE, content_type="text/html")
    httpserver.expect_request("/forum/new.rss", query_string="a=1&b=2").respond_with_data(rss("2", "1"))
    first = await poll(httpserver, context)
    assert ids(first) == ["1", "2"]
    second = await poll(httpserver, context, first.cursor)
    assert (ids(second), second.gap) == ([], None)
    paths = [request.path for request, _ in httpserver.log]
    assert paths == ["/forum/", "/robots.txt", "/forum/new.rss", "/forum/new.rss"]


@pytest.mark.parametrize("closed", ["/forum/", "/forum/new.rss"])
async def test_a_page_and_what_it_names_are_read_only_where_robots_txt_allows_it(
    httpserver: HTTPServer, context: SourceContext, closed: str
) -> None:
    robots(httpserver, f"User-agent: *\nDisallow: {closed}$\nDisallow: {closed}?")
    httpserver.expect_request("/forum/").respond_with_data(PAGE, content_type="text/html")
    with pytest.raises(SourceBroken, match=r"^the robots\.txt of 127\.0\.0\.1 does not allow reading this page$"):
        await poll(httpserver, context)
    assert [request.path for request, _ in httpserver.log] == ["/forum/", "/robots.txt"]


async def test_a_feed_whose_address_is_given_is_read_whatever_robots_txt_says_of_pages(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    robots(httpserver, "User-agent: *\nDisallow: /")
    httpserver.expect_request("/forum/").respond_with_data(rss("1"))
    assert ids(await poll(httpserver, context)) == ["1"]


async def test_a_feed_that_is_gone_is_looked_for_on_the_page_again(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    robots(httpserver)
    httpserver.expect_request("/forum/").respond_with_data(PAGE, content_type="text/html")
    httpserver.expect_request("/forum/new.rss").respond_with_data(rss("2", "1"), headers={"ETag": '"v1"'})
    first = await poll(httpserver, context)
    httpserver.clear()
    robots(httpserver)
    httpserver.expect_request("/forum/new.rss").respond_with_data("", 404)
    moved = '<link rel=alternate type="application/rss+xml" href="/moved.rss">'
    httpserver.expect_request("/forum/").respond_with_data(moved, content_type="text/html")
    httpserver.expect_request("/moved.rss").respond_with_data(rss("3", "2", "1"))
    second = await poll(httpserver, context, first.cursor)
    assert ids(second) == ["3"]
    assert "If-None-Match" not in httpserver.log[-1][0].headers
    assert ids(await poll(httpserver, context, second.cursor)) == []


async def test_a_page_that_names_itself_or_another_page_is_no_feed(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    robots(httpserver)
    itself = '<link rel=alternate type="application/rss+xml" href="/forum/">'
    httpserver.expect_request("/forum/").respond_with_data(itself, content_type="text/html")
    with pytest.raises(SourceBroken, match=r"^the feed of 127\.0\.0\.1 is not a feed$"):
        await poll(httpserver, context)
    assert [request.path for request, _ in httpserver.log] == ["/forum/", "/robots.txt", "/forum/"]


async def test_a_page_cannot_name_an_address_that_is_not_public(httpserver: HTTPServer, context: SourceContext) -> None:
    robots(httpserver)
    inner = '<link rel=alternate type="application/rss+xml" href="http://10.0.0.1/feed">'
    httpserver.expect_request("/forum/").respond_with_data(inner, content_type="text/html")
    with pytest.raises(SourceBroken, match=r"^10\.0\.0\.1 is not a public address$"):
        await poll(httpserver, context)


@pytest.mark.parametrize(
    ("page", "links"),
    [
        (PAGE, ["http://site.example/a/new.rss?a=1&b=2", "http://site.example/comments.atom"]),
        ('<base href="http://other.example/x/"><link rel=alternate type="application/feed+json" href=f>',
         ["http://other.example/x/f"]),
        ('<link rel="alternate nofollow" type="application/atom+xml; charset=utf-8" href="//other.example/f">',
         ["http://other.example/f"]),
        ('<link rel=alternate type="application/rss+xml" href="javascript:alert(1)">', []),
        ('<link rel=alternate type="application/rss+xml" href="http://u:p@site.example/">', []),
        ('<link rel=alternate type="application/rss+xml" href="http://[::1/">', []),
        ('<link rel=alternate type="application/rss+xml">', []),
        ("<p>" * 500_000, []),
        ("", []),
        ("\0", []),
    ],
)  # fmt: skip
def test_the_links_to_feeds_are_those_that_can_be_fetched(page: str, links: list[str]) -> None:
    assert feed_links(page.encode(), "http://site.example/a/b") == links


async def test_a_feed_that_moves_faster_than_it_is_read_says_so(httpserver: HTTPServer, context: SourceContext) -> None:
    httpserver.expect_ordered_request("/forum/").respond_with_data(rss("2", "1"))
    httpserver.expect_ordered_request("/forum/").respond_with_data(rss("3", "2"))
    httpserver.expect_ordered_request("/forum/").respond_with_data(rss())
    httpserver.expect_ordered_request("/forum/").respond_with_data(rss("9", "8"))
    cursor, gaps = None, []
    for _ in range(4):
        page = await poll(httpserver, context, cursor)
        cursor = page.cursor
        gaps.append(page.gap)
    assert gaps == [None, None, None, "the feed holds no entry of the last poll any more: poll it more often"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [("", 403), ("", 404), ("", 500), ("no feed", 200), ("<html>", 200), ("a" * 60_000 + "<rss", 200)],
)
async def test_the_token_of_a_private_feed_is_never_shown(
    httpserver: HTTPServer, context: SourceContext, answer: str, status: int
) -> None:
    """Reddit's private feeds are addresses that hold a secret."""
    httpserver.expect_request("/prefs/.rss").respond_with_data(answer, status)
    path = "/prefs/.rss?feed=planted-token&user=night_heron"
    with pytest.raises(SourceError) as caught:
        await poll(httpserver, context, path=path)
    assert "planted-token" not in repr(caught.value) + str(caught.value.__cause__)
    assert "planted-token" not in repr(FeedSettings(url=httpserver.url_for(path)))


async def test_the_token_of_a_private_feed_is_in_no_document(httpserver: HTTPServer, context: SourceContext) -> None:
    httpserver.expect_request("/message/inbox/.rss").respond_with_data(
        '<feed xmlns="http://www.w3.org/2005/Atom"><id>/message/inbox/.rss</id>'
        '<entry><id>t4_1</id><link href="/message/messages/1"/><title>re: hello</title></entry></feed>'
    )
    page = await poll(httpserver, context, path="/message/inbox/.rss?feed=planted-token&user=night_heron")
    assert ids(page) == ["t4_1"]
    assert "planted-token" not in f"{[(d.id, d.url, d.title, d.text) for d in page.documents]}{page.cursor}"
