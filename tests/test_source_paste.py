"""The paste source against a server that is laid out as paste sites are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import SettingsError, SourceBroken, SourceUnavailable
from core.plugins import discover
from core.ports import Source, SourceContext
from sources.paste import MOST_LINKS, PasteSettings, PasteSource
from sources.pastes.sites import PasteLinks, shipped_sites
from tests.place_reader import Reader
from tests.service_fixtures import ManualClock

pytest_plugins = ["tests.place_fixtures"]

OWN = {
    "listing": "{base}/recent",
    "item": r'href="{host}/p/(?P<id>[^"]+)"',
    "page": "{base}/p/{id}",
    "raw": "{base}/text/{id}?plain=1",
    "headers": {"X-Reader": "code {token}"},
}


class Site:
    """A site whose front page lists the newest pastes first, as paste.debian.net does."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.url = server.url_for("").rstrip("/")
        self.host = self.url.removeprefix("http://")
        self.ids: list[str] = []
        server.expect_request("/").respond_with_handler(self.list)

    def add(self, paste_id: str, text: str = "text") -> None:
        self.ids.insert(0, paste_id)
        self.server.expect_request(f"/plain/{paste_id}").respond_with_data(text, content_type="text/plain")

    def list(self, request: Request) -> Response:
        rows = "".join(f"<li><a href='//{self.host}/{paste_id}'>someone</a> now</li>" for paste_id in self.ids[:20])
        return Response(f"<html><body><a href='/about'>1234567</a><ul>{rows}</ul></body></html>", mimetype="text/html")


@pytest.fixture(autouse=True)
def robots(httpserver: HTTPServer) -> None:
    """No site here has rules for programs, as far as a test does not say so."""
    httpserver.expect_request("/robots.txt").respond_with_data("", 404)


@pytest.fixture
def site(httpserver: HTTPServer) -> Site:
    return Site(httpserver)


@pytest.fixture
def reader(site: Site, context: SourceContext) -> Reader:
    return Reader(PasteSource, context, site="debian", url=site.url)


async def test_a_listed_paste_becomes_a_document(site: Site, reader: Reader, clock: ManualClock) -> None:
    site.add("1382819", "Grüße <b>here</b>")
    (document,) = await reader.read()
    assert (document.id, document.source, document.external_id) == ("Place:1382819", "Place", "1382819")
    assert (document.text, document.title) == ("Grüße <b>here</b>", None)
    assert document.url == f"{site.url}/1382819"
    assert document.fetched_at == clock.now()


async def test_only_new_pastes_are_read_the_oldest_first(site: Site, reader: Reader) -> None:
    site.add("100001")
    site.add("100002")
    assert await reader.ids() == ["100001", "100002"]
    site.add("100003")
    assert await reader.ids() == ["100003"]
    assert await reader.ids() == []


async def test_a_list_that_moved_on_altogether_is_a_gap(site: Site, reader: Reader) -> None:
    site.add("100001")
    await reader.read()
    for number in range(100_002, 100_030):
        site.add(str(number))
    assert len(await reader.ids()) == 20
    assert reader.pages[-1].gap == "127.0.0.1 lists 20 items, and more came since the last poll"


async def test_a_list_without_any_paste_is_said_to_have_changed(site: Site, reader: Reader) -> None:
    with pytest.raises(SourceBroken, match=r"^127\.0\.0\.1 lists no paste as its description says"):
        await reader.poll()


async def test_any_page_can_stand_for_the_list_of_a_site_that_has_none(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    url = httpserver.url_for("").rstrip("/")
    thread = (
        f"<p>see <a href='{url}/share/abcdefghij.txt'>this</a> and {url}/raw/klmnopqrst, http://other.example/xyzxyz"
    )
    httpserver.expect_request("/thread").respond_with_data(thread)
    httpserver.expect_request("/raw/abcdefghij").respond_with_data("one")
    httpserver.expect_request("/raw/klmnopqrst").respond_with_data("two")
    reader = Reader(PasteSource, context, site="hastebin", url=url, listing=f"{url}/thread")
    by_id = {document.external_id: document for document in await reader.read()}
    assert {key: document.text for key, document in by_id.items()} == {"abcdefghij": "one", "klmnopqrst": "two"}
    assert by_id["abcdefghij"].url == f"{url}/share/abcdefghij"
    httpserver.clear()
    httpserver.expect_request("/thread").respond_with_data("<p>nothing here any more")
    assert (await reader.poll()).gap is None


async def test_a_paste_that_is_shown_as_a_page_is_read_as_people_see_it(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    url = httpserver.url_for("").rstrip("/")
    page = "<html lang=en><title>Who is who</title><h1>A &amp; B</h1><script>x()</script><p>text"
    httpserver.expect_request("/thread").respond_with_data(f"{url}/who-is_who")
    httpserver.expect_request("/who-is_who").respond_with_data(page, content_type="text/html; charset=utf-8")
    (document,) = await Reader(PasteSource, context, site="rentry", url=url, listing=f"{url}/thread").read()
    assert (document.title, document.text, document.language) == ("Who is who", "A & B\ntext", "en")


async def test_a_description_of_ones_own_is_used(httpserver: HTTPServer, context: SourceContext) -> None:
    url = httpserver.url_for("").rstrip("/")
    host = url.removeprefix("http://")
    seen: list[Request] = []

    def text(request: Request) -> Response:
        seen.append(request)
        return Response("own text", mimetype="text/plain")

    links = f'<a href="{host}/p/a/../b">one</a><a href="{host}/p/a/../b">again</a><a href="elsewhere/p/c">two</a>'
    httpserver.expect_request("/recent").respond_with_data(links)
    httpserver.expect_request("/text/a/../b").respond_with_handler(text)
    reader = Reader(PasteSource, context, description=OWN, url=url, token="planted-token")
    (document,) = await reader.read()
    assert (document.external_id, document.text) == ("a/../b", "own text")
    assert document.url == f"{url}/p/a%2F..%2Fb"
    assert seen[0].query_string == b"plain=1"
    assert seen[0].headers["X-Reader"] == "code planted-token"
    assert all("X-Reader" not in request.headers for request, _ in httpserver.log if request.path == "/recent")


async def test_a_token_is_not_sent_on_to_another_place(httpserver: HTTPServer, context: SourceContext) -> None:
    url = httpserver.url_for("").rstrip("/")
    httpserver.expect_request("/thread").respond_with_data(f"{url}/abcdefghij")
    httpserver.expect_request("/raw/abcdefghij").respond_with_data("", 302, {"Location": f"{url}/elsewhere"})
    settings = {"site": "hastebin", "url": url, "listing": f"{url}/thread", "token": "planted-token"}
    assert await Reader(PasteSource, context, **settings).read() == []
    assert [request.path for request, _ in httpserver.log] == ["/robots.txt", "/thread", "/raw/abcdefghij"]
    assert "planted-token" not in repr(PasteSettings.model_validate(settings))


@pytest.mark.parametrize(("rule", "asked_for"), [("/$", []), ("/plain/", ["/"])])
async def test_what_a_site_keeps_from_programs_is_not_read(
    httpserver: HTTPServer, site: Site, reader: Reader, rule: str, asked_for: list[str]
) -> None:
    httpserver.clear()
    for number in range(100_001, 100_006):
        site.add(str(number))
    httpserver.expect_request("/robots.txt").respond_with_data(f"User-agent: *\nDisallow: {rule}")
    httpserver.expect_request("/").respond_with_handler(site.list)
    with pytest.raises(SourceBroken, match=r"^the robots\.txt of 127\.0\.0\.1 does not allow reading this page$"):
        await reader.read()
    assert [request.path for request, _ in httpserver.log] == ["/robots.txt", *asked_for]


async def test_a_site_in_trouble_is_tried_again(httpserver: HTTPServer, context: SourceContext) -> None:
    httpserver.expect_request("/").respond_with_data("", 503, {"Retry-After": "60"})
    with pytest.raises(SourceUnavailable, match="503") as caught:
        await Reader(PasteSource, context, site="debian", url=httpserver.url_for("")).poll()
    assert caught.value.retry_after is not None


async def test_pastes_that_are_refused_or_too_large_are_said_once(site: Site, reader: Reader) -> None:
    for number in range(100_001, 100_006):
        site.add(str(number))
    site.server.clear_all_handlers()
    site.server.expect_request("/robots.txt").respond_with_data("", 404)
    site.server.expect_request("/").respond_with_handler(site.list)
    site.server.expect_request("/plain/100002").respond_with_data("", 403)
    site.server.expect_request("/plain/100003").respond_with_data("", 404)
    site.server.expect_request("/plain/100004").respond_with_data("x" * (20 * 1024 * 1024 + 1))
    site.server.expect_request(re.compile("/plain/.*")).respond_with_data("text", content_type="text/plain")
    assert await reader.ids() == ["100001", "100005"]
    assert reader.pages[-1].gap == "items of 127.0.0.1 that were refused or too large: 2"
    assert await reader.ids() == []
    assert reader.pages[-1].gap is None


async def test_long_pastes_make_a_smaller_page(site: Site, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sources.polling.listed_items.PAGE_CHARACTERS", 1000)
    for number in range(100_001, 100_006):
        site.add(str(number), "x" * 600)
    page = await reader.poll()
    assert ([document.external_id for document in page.documents], page.more) == (["100001", "100002"], True)
    assert await reader.ids() == ["100003", "100004", "100005"]


async def test_of_very_many_links_the_first_are_followed(httpserver: HTTPServer, context: SourceContext) -> None:
    url = httpserver.url_for("").rstrip("/")
    host = url.removeprefix("http://")
    links = " ".join(f"{host}/{number}" for number in range(10_000, 30_000)) + "<!--" * 50_000 + "\0\ud7ff"
    httpserver.expect_request("/").respond_with_data(links)
    httpserver.expect_request("/plain/10499").respond_with_data("the last of them")
    page = await Reader(PasteSource, context, site="debian", url=url).poll()
    assert [document.text for document in page.documents] == ["the last of them"]
    assert isinstance(page.cursor, dict)
    assert len(page.cursor["waiting"]) == MOST_LINKS - 1


@pytest.mark.parametrize(
    ("name", "link", "raw"),
    [
        ("debian", "//paste.debian.net/1382819/", "https://paste.debian.net/plain/1382819"),
        ("dpaste", "https://dpaste.com/2SMEV9JDB", "https://dpaste.com/2SMEV9JDB.txt"),
        ("dpaste", "https://dpaste.com/2SMEV9JDB.txt", "https://dpaste.com/2SMEV9JDB.txt"),
        ("dpaste-org", "https://dpaste.org/aB3x", "https://dpaste.org/aB3x/raw"),
        ("hastebin", "https://hastebin.com/share/olipibuwez.bash", "https://hastebin.com/raw/olipibuwez"),
        ("rentry", "https://rentry.co/harbor-list/raw", "https://rentry.co/harbor-list"),
    ],
)
def test_links_of_the_described_sites_are_seen(name: str, link: str, raw: str) -> None:
    links = PasteLinks(shipped_sites()[name], None)
    (paste_id,) = links.ids(f"<a href='{link}'>look</a>")
    assert links.raw(paste_id) == raw


def test_a_program_that_many_sites_run_is_described_without_an_address() -> None:
    links = PasteLinks(shipped_sites()["stikked"], "https://paste.example/")
    assert links.listing == "https://paste.example/lists"
    assert links.ids('<a href="https://paste.example/view/3fa9c2d1">x</a>') == ["3fa9c2d1"]
    assert links.raw("3fa9c2d1") == "https://paste.example/view/raw/3fa9c2d1"


def test_every_shipped_description_is_documented() -> None:
    manual = (Path(__file__).parent.parent / "docs/sources.md").read_text()
    assert [name for name in shipped_sites() if f"| `{name}` |" not in manual] == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "it takes either a site or a description"),
        ({"site": "debian", "description": OWN}, "it takes either a site or a description"),
        ({"site": "nowhere"}, "site is none of those that are described: debian, "),
        ({"site": "stikked"}, "its description names no address: give that of the site in url"),
        ({"site": "hastebin"}, "the site publishes no list: give in listing the address of a page"),
        ({"site": "debian", "token": "x"}, "the site's description has no place for a token"),
        ({"description": OWN}, "its description names no address"),
        ({"description": OWN | {"item": "(?P<id>"}}, "item is no pattern that RE2 can read"),
        ({"description": OWN | {"item": "(?P<id>a)(?=b)"}}, "item is no pattern that RE2 can read"),
        ({"description": OWN | {"item": "/p/(.*)"}}, "item must hold the group (?P<id>…)"),
        ({"description": OWN | {"raw": "{base}/text"}}, "raw must hold {id}"),
        ({"description": OWN | {"page": "{base}/text"}}, "page must hold {id}"),
        ({"description": OWN | {"raw": "{base}/{id}/{key}"}}, "raw may hold no other placeholder than {base} and {id}"),
        ({"description": OWN | {"listing": "{base}/{id}"}}, "listing may hold no other placeholder than {base}"),
        ({"description": OWN | {"raw": "/text/{id}"}}, "raw is no address: only http and https addresses are fetched"),
        ({"description": OWN | {"rows": "x"}}, "Extra inputs are not permitted"),
    ],
)
def test_a_description_that_cannot_be_used_is_refused_with_one_sentence(
    settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        PasteSettings.model_validate(settings)
    (error,) = caught.value.errors()
    assert sentence in error["msg"]


def test_the_reason_is_said_without_more_around_it_than_the_place() -> None:
    registry = discover(Source, noun="source", package="sources", group="leakwatch.sources")  # type: ignore[type-abstract]
    with pytest.raises(SettingsError) as caught:
        registry.check_settings("paste", {})
    assert str(caught.value) == "source paste: it takes either a site or a description"
    with pytest.raises(SettingsError) as caught:
        registry.check_settings("paste", {"description": {"item": "x", "raw": "{id}"}})
    assert str(caught.value) == (
        "source paste: setting description: item must hold the group (?P<id>…) around what names a paste"
    )
