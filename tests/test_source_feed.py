"""The feed source: real HTTP on loopback, the real parser in its process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
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
from core.types import Document, Page
from sources.feed import FeedSettings, FeedSource
from sources.parsing.feed_entries import MOST_ENTRIES, read_feed
from sources.parsing.formats import Format, UnreadableFormat
from sources.parsing.limited_reading import read_within_limits
from sources.parsing.plain_text import html_to_text
from sources.transport.fetching import Gone
from tests.timing import cpu_seconds

ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
  <title>Harbor news</title><id>urn:harbor</id>
  <entry>
    <id>urn:harbor:2</id><title type="html">Fish &amp;amp; &lt;b&gt;ships&lt;/b&gt;</title>
    <link href="/posts/2"/><updated>2026-11-20T12:00:00+02:00</updated>
    <author><name>Ann Example</name></author>
    <content type="html">&lt;p&gt;One&amp;nbsp;line&lt;/p&gt;&lt;p&gt;Two&lt;br&gt;three&lt;/p&gt;
      &lt;script&gt;hidden()&lt;/script&gt;&lt;style&gt;p{}&lt;/style&gt;&lt;!-- note --&gt;</content>
  </entry>
  <entry>
    <id>urn:harbor:1</id><title>Older</title><updated>2026-11-19T12:00:00Z</updated>
    <summary>Plain &lt;text&gt;</summary>
  </entry>
</feed>"""

JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Harbor",
    "language": "de",
    "authors": [{"name": "Ann Example"}],
    "items": [
        {"id": 7, "content_html": "<p>Sieben &amp; <i>acht</i></p>", "date_published": "2026-11-20T10:00:00+01:00"},
        {"id": "6", "url": "/6", "content_text": "six", "title": "Six", "language": "en", "authors": [{"name": "Bo"}]},
        {"id": "5", "content_text": "lone \ud800 surrogate"},
        "not an item",
    ],
}


def rss(*items: tuple[str, str]) -> bytes:
    """A feed of (id, text), the newest first."""
    entries = "".join(f"<item><guid>{guid}</guid><description>{text}</description></item>" for guid, text in items)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>{entries}</channel></rss>'.encode()


def entries_of(body: bytes) -> list[Document]:
    """The entries of a feed, read as the source reads it."""
    return read_within_limits(body, Format.FEED, name="the feed", seconds=2)


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    settings = HttpSettings.model_validate({"allowed_networks": ["127.0.0.0/8"], "host_interval_seconds": 0})
    async with GuardedClient(settings, SystemClock()) as http:
        yield SourceContext(name="Harbor", http=http, clock=SystemClock())


async def poll(httpserver: HTTPServer, context: SourceContext, cursor: Any = None, **settings: Any) -> Page:
    """Poll with a source made anew and a cursor as it comes from the database."""
    url = httpserver.url_for("/feed?token=secret")
    source = FeedSource(FeedSettings(url=url, **settings), context)
    return await source.poll(json.loads(json.dumps(cursor)))


def serve(httpserver: HTTPServer, body: bytes | str, status: int = 200, **headers: str) -> None:
    httpserver.clear()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    httpserver.expect_request("/feed").respond_with_data(body, status, named)


async def test_an_entry_becomes_a_document(httpserver: HTTPServer, context: SourceContext) -> None:
    serve(httpserver, ATOM, Content_Type="application/atom+xml")
    page = await poll(httpserver, context)
    older, newer = page.documents
    assert (newer.id, newer.source, newer.external_id) == ("Harbor:urn:harbor:2", "Harbor", "urn:harbor:2")
    assert newer.title == "Fish & ships"
    assert newer.text == "One line\nTwo\nthree"
    assert (newer.author, newer.language) == ("Ann Example", "en")
    assert newer.url == httpserver.url_for("/posts/2")
    assert newer.published_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert newer.fetched_at is not None
    assert newer.fetched_at.tzinfo is UTC
    assert (older.text, older.title, older.external_id) == ("Plain <text>", "Older", "urn:harbor:1")
    assert not page.more


async def test_a_json_feed_is_read_the_same_way(httpserver: HTTPServer, context: SourceContext) -> None:
    serve(httpserver, json.dumps(JSON_FEED), Content_Type="application/feed+json")
    page = await poll(httpserver, context)
    by_id = {document.external_id: document for document in page.documents}
    assert set(by_id) == {"5", "6", "7"}
    assert by_id["7"].text == "Sieben & acht"
    assert (by_id["7"].author, by_id["7"].language) == ("Ann Example", "de")
    assert by_id["7"].published_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert (by_id["6"].author, by_id["6"].language, by_id["6"].title) == ("Bo", "en", "Six")
    assert by_id["6"].url == httpserver.url_for("/6")
    assert by_id["5"].text == "lone \N{REPLACEMENT CHARACTER} surrogate"


async def test_an_entry_without_id_is_known_by_its_link_or_its_content(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    items = "<item><link>http://a.example/1</link><title>x</title></item><item><title>bare</title></item>"
    serve(httpserver, f'<rss version="2.0"><channel>{items}</channel></rss>')
    page = await poll(httpserver, context)
    bare, linked = page.documents
    assert linked.external_id == "http://a.example/1"
    assert len(bare.external_id or "") == 64


async def test_the_second_request_is_conditional_and_304_gives_nothing(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    validators = {"ETag": '"v1"', "Last-Modified": "Fri, 20 Nov 2026 10:00:00 GMT"}
    requests: list[Request] = []

    def answer(request: Request) -> Response:
        requests.append(request)
        if request.headers.get("If-None-Match") == '"v1"':
            return Response(status=304)
        return Response(rss(("1", "one")), headers=validators)

    httpserver.expect_request("/feed").respond_with_handler(answer)
    first = await poll(httpserver, context)
    second = await poll(httpserver, context, first.cursor)
    assert len(first.documents) == 1
    assert second.documents == ()
    assert second.cursor == first.cursor
    assert requests[1].headers["If-Modified-Since"] == validators["Last-Modified"]


async def test_only_new_and_changed_entries_are_given_again(httpserver: HTTPServer, context: SourceContext) -> None:
    serve(httpserver, rss(("2", "two"), ("1", "one")))
    first = await poll(httpserver, context)
    assert [document.external_id for document in first.documents] == ["1", "2"]
    serve(httpserver, rss(("3", "three"), ("2", "two, corrected"), ("1", "one")))
    second = await poll(httpserver, context, first.cursor)
    assert [document.text for document in second.documents] == ["two, corrected", "three"]
    assert (await poll(httpserver, context, second.cursor)).documents == ()


async def test_a_feed_that_is_empty_for_once_repeats_nothing(httpserver: HTTPServer, context: SourceContext) -> None:
    serve(httpserver, rss(("1", "one")))
    first = await poll(httpserver, context)
    serve(httpserver, rss())
    second = await poll(httpserver, context, first.cursor)
    serve(httpserver, rss(("1", "one")))
    assert (await poll(httpserver, context, second.cursor)).documents == ()


async def test_a_long_feed_comes_in_pages_without_gap_or_repeat(httpserver: HTTPServer, context: SourceContext) -> None:
    items = [(str(number), f"text {number}") for number in range(450, 0, -1)]
    requests: list[Request] = []

    def answer(request: Request) -> Response:
        requests.append(request)
        if "If-None-Match" in request.headers:
            return Response(status=304)
        return Response(rss(*items), headers={"ETag": '"v1"'})

    httpserver.expect_request("/feed").respond_with_handler(answer)
    given: list[str | None] = []
    cursor, more, sizes = None, True, []
    while more:
        page = await poll(httpserver, context, cursor)
        given += [document.external_id for document in page.documents]
        sizes.append(len(page.documents))
        cursor, more = page.cursor, page.more
    assert sizes == [200, 200, 50]
    assert given == [str(number) for number in range(1, 451)]
    assert (await poll(httpserver, context, cursor)).documents == ()
    assert "If-None-Match" in requests[-1].headers


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, SourceBroken) for status in (400, 401, 404, 410, 451)),
        *((status, SourceUnavailable) for status in (403, 408, 425, 429, 500, 502, 503, 504)),
    ],
)
async def test_an_error_status_says_whether_trying_again_helps(
    httpserver: HTTPServer, context: SourceContext, status: int, error: type[SourceError]
) -> None:
    serve(httpserver, "gone", status, Retry_After="90")
    with pytest.raises(error) as caught:
        await poll(httpserver, context)
    assert isinstance(caught.value, Gone) == (status in (404, 410))
    assert str(caught.value).startswith("127.0.0.1 ")
    assert "secret" not in str(caught.value)
    if isinstance(caught.value, SourceUnavailable):
        assert caught.value.retry_after == timedelta(seconds=90)


async def test_a_place_that_forbids_reading_and_names_no_time_to_come_back_is_broken(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    serve(httpserver, "gone", 403)
    with pytest.raises(SourceBroken, match="forbids reading"):
        await poll(httpserver, context)


@pytest.mark.parametrize("status", [200, 304])
async def test_retry_after_on_a_good_answer_sets_the_earliest_next_poll(
    httpserver: HTTPServer, context: SourceContext, status: int
) -> None:
    serve(httpserver, rss(("1", "one")) if status == 200 else b"", status, Retry_After="3600")
    page = await poll(httpserver, context)
    assert page.not_before is not None
    assert timedelta(minutes=59) < page.not_before - context.clock.now() <= timedelta(hours=1)


@pytest.mark.parametrize(
    "body",
    [b"", b"   ", b"hello", b"<html><body><p>x</p></body></html>", b'{"a": 1}', b"[1]", b"\x89PNG", b"{" * 99_999],
)
async def test_what_is_no_feed_is_said_to_be_none(httpserver: HTTPServer, context: SourceContext, body: bytes) -> None:
    serve(httpserver, body)
    with pytest.raises(SourceBroken, match=r"^the feed of 127\.0\.0\.1 is not a feed$"):
        await poll(httpserver, context)


async def test_no_connection_and_a_private_address_are_told_apart(
    httpserver: HTTPServer, context: SourceContext
) -> None:
    source = FeedSource(FeedSettings(url="http://127.0.0.1:9/feed"), context)
    with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 cannot be reached: no connection$"):
        await source.poll(None)
    source = FeedSource(FeedSettings(url="http://10.0.0.1/feed"), context)
    with pytest.raises(SourceBroken, match=r"^10\.0\.0\.1 is not a public address$"):
        await source.poll(None)


async def test_a_feed_that_hangs_the_parser_is_given_up(httpserver: HTTPServer, context: SourceContext) -> None:
    item = b"<item><author>" + b"a" * 160_000 + b"</author></item>"
    serve(httpserver, b'<rss version="2.0"><channel>' + item + b"</channel></rss>")
    started = context.clock.monotonic()
    with pytest.raises(SourceUnavailable, match=r"^the feed of 127\.0\.0\.1 takes longer than 1 seconds to read$"):
        await poll(httpserver, context, parsing_seconds=1)
    assert context.clock.monotonic() - started < 5


def test_a_feed_after_very_many_empty_lines_is_read_in_time() -> None:
    lines = b"\n" * 200_000
    body = lines.join(
        (b'<?xml version="1.0"?>', b'<rss version="2.0"><channel><item><guid>1</guid></item></channel></rss>')
    )
    assert cpu_seconds(lambda: read_feed(body, "http://feed.example/", None), 0.5) < 0.5
    (entry,) = entries_of(body)
    assert entry.id == "1"


def test_markup_that_hangs_a_sanitiser_is_read_in_time() -> None:
    body = b'<rss version="2.0"><channel><item><guid>1</guid><description><![CDATA[' + b"<!--" * 200_000
    (entry,) = entries_of(body + b"]]></description></item></channel></rss>")
    assert entry.id == "1"


def test_a_feed_that_swells_is_given_up() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "swell"}">' for n in range(10))
    body = f'<?xml version="1.0"?><!DOCTYPE r [{entities}]><rss version="2.0"><channel><item><title>&e9;</title>'
    entries = entries_of(f"{body}</item></channel></rss>".encode())
    assert all(len(entry.title or "") < 1000 for entry in entries)


def test_a_feed_whose_entries_all_repeat_something_large_is_given_up() -> None:
    items = [{"id": number} for number in range(200)]
    feed = {"version": "https://jsonfeed.org/version/1.1", "language": "x" * 100_000, "items": items}
    with pytest.raises(UnreadableFormat, match="made to swell"):
        entries_of(json.dumps(feed).encode())


def test_a_feed_of_very_many_entries_is_given_up() -> None:
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": [{}] * (MOST_ENTRIES + 1)}
    with pytest.raises(UnreadableFormat, match=f"^holds more than {MOST_ENTRIES} entries$"):
        read_feed(json.dumps(feed).encode(), "http://feed.example/", None)


def test_the_parsing_process_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKWATCH_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/nonexistent")
    monkeypatch.setenv("PYTHONSTARTUP", "/nonexistent")
    assert len(entries_of(rss(("1", "one")))) == 1


@pytest.mark.parametrize(
    "url", ["ftp://example.org/feed", "example.org", "http://user:pass@example.org/", "http://0x7f.1\\"]
)
def test_an_address_that_cannot_be_fetched_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValidationError):
        FeedSettings(url=url)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain &lt;tag&gt; &amp; more", "plain <tag> & more"),
        ("<p>a</p><p>b <b>c</b>d</p>", "a\nb cd"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3"),
        ("<p>wrapped\nin the source</p>", "wrapped in the source"),
        ("<pre>kept\nlines</pre>", "kept\nlines"),
        ("<script>x()</script>shown<style>p{}</style><!-- not -->", "shown"),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("<div>" * 1000 + "deep" + "</div>" * 1000, "deep"),
        ("", ""),
        ("<!-- nothing -->", ""),
        ("<p>a<?note b?>c</p>", "ac"),
        ("<b>" * 5000 + "deep", "deep"),
        ("<svg><svg>a</svg>b</svg>c", "c"),
        ("<svg><path/><circle r=1 /></svg>shown", "shown"),
        ("<head><title>not shown</title><meta x><link y></head>shown", "shown"),
        ("<meta x><style>p{}</style>shown", "shown"),
        ("<head><link x><p>shown", "shown"),
        ("<head>shown", "shown"),
        ("<div><template>not shown</div>shown", "shown"),
        ("<textarea>a <b>c</b> &amp; d</textarea>", "a <b>c</b> & d"),
        ("<script>if (a < b) '</p>'</script >shown", "shown"),
        ("a<!-->b<!--->c<!-- > -- --!>d", "abcd"),
        ("1 < 2 and <3, a</>b</ x>c", "1 < 2 and <3, abc"),
        ("""<p title="a > b" title2='c > "d"'>shown<p x=">also""", "shown\nalso"),
        ("cut off <a href='x", "cut off <a href='x"),
        ("cut off &am", "cut off &am"),
        ("&#78;&#x6e;&#0000000078;&#x000000006E;&notin;&nosuch;", "NnNn∉&nosuch;"),
        (
            "a&#99999999999;b&#" + "9" * 5000 + ";&#x" + "f" * 5000 + "c",
            "a\N{REPLACEMENT CHARACTER}b" + 2 * "\N{REPLACEMENT CHARACTER}",
        ),
        ("a</p>b</br>c</i>d", "a\nb\ncd"),
        ("<SCRIPT>x</SCRIPT><P>Shown", "Shown"),
        ("a\ud800b", "a?b"),
    ],
)
def test_html_becomes_the_text_that_is_seen(markup: str, text: str) -> None:
    assert html_to_text(markup).text == text


def test_a_page_is_decoded_as_it_says_itself() -> None:
    page = html_to_text("<html lang=de><meta charset=iso-8859-1><title>Grüße</title>Füße".encode("latin-1"))
    assert (page.title, page.text, page.language) == ("Grüße", "Füße", "de")
    assert html_to_text("<p>Füße</p>".encode("utf-16")).text == "Füße"
    assert html_to_text("<?xml version='1.0' encoding='koi8-r'?><p>Привет".encode("koi8-r")).text == "Привет"
    assert html_to_text(b"\xef\xbb\xbf<p>F\xc3\xbc\xdfe").text == "Fü\N{REPLACEMENT CHARACTER}e"
    for name in ("no-such", "idna", "punycode", "base64", "iso-8859-1", "utf-7"):
        assert html_to_text(f"<meta charset={name}><p>“Füße”".encode("cp1252")).text == "“Füße”"


def test_the_first_title_is_the_page_s_and_none_is_made_up() -> None:
    assert html_to_text("<title>One</title><p>x<svg><title>Two</title></svg>").title == "One"
    assert html_to_text("<p>x").title is None


@pytest.mark.parametrize(
    "page",
    [
        lambda count: "<p " + " ".join(f"{number:x}" for number in range(count)) + ">x</p>",
        lambda count: "<b>" * count + "</i>" * count,
        lambda count: "<b>" * count + "x" + "</b>" * count,
        lambda count: "<b><i></b></i>" * count,
        lambda count: "<div><p>" * count + "</div></p>" * count,
        lambda count: "<title>" * count,
        lambda count: "<textarea>" * count + "</title>" * count,
        lambda count: "<script>" * count + "</script>" * count,
        lambda count: "<svg>" * count + "</p>" * count,
        lambda count: "<head>" * count + "</head>" * count,
        lambda count: "<" * count,
        lambda count: "<!--" * count,
        lambda count: "<!--->" * count + "--" * count,
        lambda count: "<!" * count + "</" * count,
        lambda count: "<a " * count,
        lambda count: "<a b='" * count + '"',
        lambda count: '<a b="' * count + "'" + "c=d " * count,
        lambda count: "<a " + "b='" * count + '">',
        lambda count: "<a " + "= \t" * count + ">",
        lambda count: "<a " + " " * count + ">" * count,
        lambda count: "&#" * count + "&#x" + "0" * count + "41;" + "&amp" * count,
        lambda count: " \n" * count + "\xa0" * count + "x",
    ],
)
def test_a_page_takes_time_in_proportion_to_its_length(page: Callable[[int], str]) -> None:
    def seconds(count: int, enough: float = 0) -> float:
        return cpu_seconds(lambda: html_to_text(page(count)), enough)

    bound = 20 * seconds(10_000) + 0.05
    assert seconds(80_000, bound) < bound
