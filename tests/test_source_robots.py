"""What robots.txt says is kept to, on any site and for as long as it says so (RFC 9309)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer

from core.clock import SystemClock
from core.errors import SourceBroken, SourceUnavailable
from core.http import GuardedClient
from core.ports import SourceContext
from core.settings import HttpSettings
from sources.transport.robots import KEPT_FOR, LARGEST_BYTES, fetch_page, is_allowed
from tests.source_fixtures import loopback_context


class LaterClock(SystemClock):
    """The system's time, so much later."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() + self._by


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    settings = HttpSettings.model_validate({"allowed_networks": ["127.0.0.0/8"], "host_interval_seconds": 0})
    async with GuardedClient(settings, SystemClock()) as http:
        yield SourceContext(name="Harbor", http=http, clock=SystemClock())


def serve(httpserver: HTTPServer, rules: str | bytes, status: int = 200, **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    httpserver.expect_request("/robots.txt").respond_with_data(rules, status, named)


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow: /private", "/private/a", False),
        ("User-agent: *\nDisallow: /private", "/public", True),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow: /\nAllow: /a", "/a/b", True),  # the longer one counts
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),  # of two as long, the one that allows
        ("User-agent: *\nDisallow: /*.gif$", "/a.gif", False),
        ("User-agent: *\nDisallow: /*.gif$", "/a.gift", True),
        ("User-agent: *\nDisallow: /a?page=", "/a?page=2", False),
        ("User-agent: *\nDisallow: /caf%C3%A9", "/café", False),
        ("User-agent: leakwatch\nAllow: /\n\nUser-agent: *\nDisallow: /", "/a", True),  # our own group alone counts
        ("User-agent: LEAKWATCH/2.0\nDisallow: /a\n\nUser-agent: *\nAllow: /", "/a", False),
        (
            "User-agent: leakwatch\nDisallow: /a\n\nUser-agent: other\n\nUser-agent: leakwatch\nDisallow: /b",
            "/b",
            False,
        ),
        ("User-agent: other\nUser-agent: leakwatch\nDisallow: /a", "/a", False),  # one group of two
        ("User-agent: one\nDisallow: /\n\nUser-agent: two\nDisallow: /", "/a", True),
        ("User-agent: leak\nDisallow: /", "/a", True),
        ("Disallow: /", "/a", True),  # of no group
        ("# User-agent: *\nUser-agent: * # all\nDisallow: /a # b", "/a", False),
        ("\ufeffUser-agent: *\r\nDisallow: /a\r\n", "/a", False),
        ("User-agent: *\rDisallow: /a\r", "/a", False),
        ("<html><body>Not found</body></html>", "/a", True),
    ],
)
async def test_a_page_may_be_read_where_the_rules_let_us(
    httpserver: HTTPServer, context: SourceContext, rules: str, path: str, allowed: bool
) -> None:
    serve(httpserver, rules.encode())
    assert await is_allowed(context, httpserver.url_for("") + path.removeprefix("/")) is allowed


async def test_bytes_that_are_no_text_are_no_rules(httpserver: HTTPServer, context: SourceContext) -> None:
    serve(httpserver, bytes(range(256)) * 100)
    assert await is_allowed(context, httpserver.url_for("/a"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
async def test_a_site_without_rules_allows_everything(
    httpserver: HTTPServer, context: SourceContext, status: int
) -> None:
    serve(httpserver, "User-agent: *\nDisallow: /", status)
    assert await is_allowed(context, httpserver.url_for("/a"))


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_site_in_trouble_is_left_alone_until_it_answers(
    httpserver: HTTPServer, context: SourceContext, status: int
) -> None:
    serve(httpserver, "", status, Retry_After="90")
    with pytest.raises(SourceUnavailable, match=rf"^the robots\.txt of 127\.0\.0\.1 .* \(status {status}\)$") as caught:
        await is_allowed(context, httpserver.url_for("/a"))
    assert caught.value.retry_after == timedelta(seconds=90)
    httpserver.clear_all_handlers()
    serve(httpserver, "")
    with pytest.raises(SourceUnavailable, match="left alone") as caught:
        await is_allowed(context, httpserver.url_for("/a"))
    assert timedelta(seconds=80) < (caught.value.retry_after or timedelta()) < timedelta(seconds=90)
    assert len(httpserver.log) == 1
    async with loopback_context("after that") as later:
        assert await is_allowed(later, httpserver.url_for("/a"))


async def test_a_site_that_cannot_be_reached_or_must_not_be_is_not_read(context: SourceContext) -> None:
    with pytest.raises(SourceUnavailable, match="no connection"):
        await is_allowed(context, "http://127.0.0.1:9/a")
    with pytest.raises(SourceBroken, match="not a public address"):
        await is_allowed(context, "http://10.0.0.1/a")


async def test_the_rules_are_fetched_once_a_day_for_all_pages_of_a_site(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    serve(httpserver, "User-agent: *\nDisallow: /b")
    assert await is_allowed(context, httpserver.url_for("/a"))
    assert not await is_allowed(replace(context, name="Another"), httpserver.url_for("/b"))
    assert len(httpserver.log) == 1
    httpserver.clear()
    serve(httpserver, "User-agent: *\nDisallow: /a")
    for by, allowed in ((KEPT_FOR - timedelta(minutes=1), True), (KEPT_FOR + timedelta(minutes=1), False)):
        assert await is_allowed(replace(context, clock=LaterClock(by)), httpserver.url_for("/a")) is allowed


async def test_redirects_lead_to_the_rules(httpserver: HTTPServer, context: SourceContext) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data("", 301, {"Location": "/elsewhere"})
    httpserver.expect_request("/elsewhere").respond_with_data("User-agent: *\nDisallow: /a")
    assert not await is_allowed(context, httpserver.url_for("/a"))


async def test_a_page_that_is_not_allowed_is_not_asked_for(httpserver: HTTPServer, context: SourceContext) -> None:
    serve(httpserver, "User-agent: *\nDisallow: /secret")
    with pytest.raises(SourceBroken) as caught:
        await fetch_page(context, httpserver.url_for("/secret?token=1"))
    assert str(caught.value) == "the robots.txt of 127.0.0.1 does not allow reading this page"
    assert [request.path for request, _ in httpserver.log] == ["/robots.txt"]


@pytest.fixture
def other_site() -> Iterator[HTTPServer]:
    with HTTPServer("127.0.0.2") as server:
        yield server


async def test_a_page_that_redirects_to_one_that_is_not_allowed_is_not_asked_for(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    serve(httpserver, "User-agent: *\nDisallow: /b")
    httpserver.expect_request("/a").respond_with_data("", 302, {"Location": "/b"})
    with pytest.raises(SourceBroken, match="does not allow"):
        await fetch_page(context, httpserver.url_for("/a"))
    assert [request.path for request, _ in httpserver.log] == ["/robots.txt", "/a"]


async def test_another_site_is_asked_for_its_rules_before_it_is_read(
    httpserver: HTTPServer, other_site: HTTPServer, context: SourceContext
) -> None:
    serve(httpserver, "")
    httpserver.expect_request("/a").respond_with_data("", 302, {"Location": other_site.url_for("/b")})
    serve(other_site, "User-agent: *\nDisallow: /c")
    other_site.expect_request("/b").respond_with_data("", 302, {"Location": "/c"})
    with pytest.raises(SourceBroken, match=r"^the robots\.txt of 127\.0\.0\.2 does not allow"):
        await fetch_page(context, httpserver.url_for("/a"))
    assert [request.path for request, _ in other_site.log] == ["/robots.txt", "/b"]
    other_site.clear()
    serve(other_site, "")
    other_site.expect_request("/b").respond_with_data("text")
    anew = replace(context, clock=LaterClock(KEPT_FOR))
    assert (await fetch_page(anew, httpserver.url_for("/a"))).response.body == b"text"


async def test_what_lies_beyond_the_limit_is_not_read(httpserver: HTTPServer, context: SourceContext) -> None:
    filling = "# " + "x" * LARGEST_BYTES
    serve(httpserver, f"User-agent: *\nDisallow: /a\n{filling}\nDisallow: /b")
    assert not await is_allowed(context, httpserver.url_for("/a"))
    assert await is_allowed(context, httpserver.url_for("/b"))


@pytest.mark.parametrize(
    "rules",
    [
        "".join(f"User-agent: b{n}\n" for n in range(18_000)) + "".join(f"Disallow: /{n}\n" for n in range(13_000)),
        "User-agent: *\n" + "".join(f"Disallow: /*a*a*a*a{n}\n" for n in range(20_000)),
        "User-agent: *\nDisallow: /" + "*a" * 250_000 + "b",
        "user-agent" * 50_000,
        "User-agent: " + " " * 500_000 + "x",
    ],
    ids=["many agents", "many patterns", "a long pattern", "no line", "blanks"],
)
async def test_rules_made_to_hang_their_reader_do_not(
    httpserver: HTTPServer, context: SourceContext, rules: str
) -> None:
    serve(httpserver, rules)
    started = time.process_time()
    await is_allowed(context, httpserver.url_for("/" + "a" * 500))
    assert time.process_time() - started < 2
