"""The Telegram source: a loopback server whose pages have the structure of t.me's channel previews."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import NotConfigured, SourceBroken, SourceError, SourceUnavailable
from core.ports import SourceContext
from core.types import Document, Page
from sources.parsing.telegram_preview import read_preview
from sources.telegram import LONGEST_CATCH_UP, TelegramSettings, TelegramSource
from tests.source_fixtures import loopback_context, poll_anew, poll_to_the_end
from tests.timing import cpu_seconds

BEGINNING = "2026-11-20T12:00:00+02:00"
TEXT = '<div class="tgme_widget_message_text js-message_text" dir="auto">{}</div>'


def message(channel: str, number: int, bubble: str, *, service: bool = False, signature: str = "") -> str:
    """The markup of one message, with what stands around its bubble."""
    link = f"https://t.me/{channel}/{number}"
    signed = f'<span class="tgme_widget_message_from_author" dir="auto">{signature}</span>,&nbsp;' if signature else ""
    return f"""
    <div class="tgme_widget_message_wrap js-widget_message_wrap">
     <div class="tgme_widget_message {"service_message " * service}text_not_supported_wrap js-widget_message"
      data-post="{channel}/{number}" data-view="eyJjIjotMTAwfQ">
      <div class="tgme_widget_message_user"><a href="https://t.me/{channel}"><i class="tgme_widget_message_user_photo
       bgcolor0" data-content="H"><img src="https://cdn.example/photo.jpg"></i></a></div>
      <div class="tgme_widget_message_bubble">
       <i class="tgme_widget_message_bubble_tail"><svg width="9px"><g><path d="M8,1"></path></g></svg></i>
       <div class="tgme_widget_message_author accent_color"><a class="tgme_widget_message_owner_name"
        href="https://t.me/{channel}"><span dir="auto">Harbour &amp; ferry</span></a></div>
       {bubble}
       <div class="tgme_widget_message_footer compact js-message_footer">
        <div class="tgme_widget_message_info short js-message_info">
         <span class="tgme_widget_message_views">{number}K</span><span class="copyonly"> views</span>
         <span class="tgme_widget_message_meta">{signed}<a class="tgme_widget_message_date" href="{link}"><time
          datetime="{BEGINNING}" class="time">10:00</time></a></span>
        </div>
       </div>
      </div>
     </div>
    </div>"""


def page_of(messages: list[str]) -> str:
    return f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>Harbour – Telegram</title></head>
    <body class="widget_frame_base tgme_webpreview"><header class="tgme_header"><div class="tgme_channel_info">
    <div class="tgme_channel_info_header_title"><span dir="auto">Harbour</span></div>
    <div class="tgme_channel_info_description">What floats</div></div></header><main class="tgme_main">
    <section class="tgme_channel_history js-message_history">{"".join(messages)}</section></main>
    <script>TWeb.init();</script></body></html>"""


@dataclass
class Telegram:
    """What the server answers: the bubbles of a channel's messages by their numbers."""

    channels: dict[str, dict[int, str]] = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    robots: str = ""
    requests: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        if request.path == "/robots.txt":
            return Response(self.robots, content_type="text/plain")
        self.requests.append(request)
        if self.status != 200:
            return Response("", self.status, self.headers)
        name = request.path.rpartition("/")[2]
        bubbles = self.channels.get(name)
        if bubbles is None:
            invitation = Response(f'<div class="tgme_page_action"><a href="tg://resolve?domain={name}">Join</a></div>')
            return Response(status=302, headers={"Location": f"/{name}"}) if "/s/" in request.path else invitation
        numbers = sorted(bubbles)
        after = request.args.get("after")
        shown = numbers[-20:] if after is None else [number for number in numbers if number > int(after)][:20]
        return Response(page_of([message(name, number, bubbles[number]) for number in shown]), content_type="text/html")

    def write(self, *numbers: int, channel: str = "harbour", text: str = "") -> None:
        for number in numbers:
            self.channels.setdefault(channel, {})[number] = TEXT.format(text or f"Message {number}")


@pytest.fixture
def telegram(httpserver: HTTPServer) -> Iterator[Telegram]:
    server = Telegram()
    httpserver.expect_request(re.compile("")).respond_with_handler(server.answer)
    yield server
    httpserver.check_assertions()


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with loopback_context("Channels") as made:
        yield made


@pytest.fixture
def base(httpserver: HTTPServer) -> dict[str, Any]:
    return {"channels": ["harbour"], "url": httpserver.url_for("/")}


async def poll(base: dict[str, Any], context: SourceContext, cursor: Any = None, **settings: Any) -> Page:
    return await poll_anew(TelegramSource, TelegramSettings, base | settings, context, cursor)


async def rest(base: dict[str, Any], context: SourceContext, cursor: Any = None) -> tuple[list[int], Any]:
    documents, cursor = await poll_to_the_end(lambda after: poll(base, context, after), cursor)
    return numbers(documents), cursor


def numbers(documents: list[Document] | tuple[Document, ...]) -> list[int]:
    return [int((document.external_id or "").rpartition("/")[2]) for document in documents]


async def test_a_preview_that_is_emptied_is_no_success(
    telegram: Telegram, base: dict[str, Any], context: SourceContext
) -> None:
    telegram.write(7)
    cursor = (await poll(base, context)).cursor
    telegram.channels["harbour"] = {}
    with pytest.raises(SourceBroken, match=r"^the preview of the channel shows no message$"):
        await poll(base, context, cursor)


async def test_a_message_becomes_a_document(
    telegram: Telegram, base: dict[str, Any], context: SourceContext, httpserver: HTTPServer
) -> None:
    telegram.write(7, text="One<br/>two &amp; <b>three</b>")
    (document,) = (await poll(base, context)).documents
    assert (document.id, document.source, document.external_id) == ("Channels:harbour/7", "Channels", "harbour/7")
    assert document.text == "One\ntwo & three"
    assert document.author == "Harbour & ferry"
    assert document.url == httpserver.url_for("/harbour/7")
    assert document.published_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert document.fetched_at is not None


async def test_text_is_what_a_reader_reads_with_where_its_links_lead_to(
    telegram: Telegram, base: dict[str, Any], context: SourceContext
) -> None:
    telegram.channels["harbour"] = {
        1: '<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from&nbsp;<a class='
        '"tgme_widget_message_forwarded_from_name" href="https://t.me/ferry/3"><span dir="auto">Ferry</span></a></div>'
        '<a class="tgme_widget_message_reply" href="https://t.me/harbour/1"><div class="tgme_widget_message_author">'
        '<span class="tgme_widget_message_author_name">Bo</span></div><div class="tgme_widget_message_text '
        'js-message_reply_text">Quoted</div></a>'
        + TEXT.format(
            'See <a href="https://a.example/b" rel="noopener">here</a>, <a href="?q=%23tag">#tag</a> and '
            '<a href="https://c.example/">https://c.example/</a><i class="emoji" style="url(\'x\')"><b>👍</b></i>'
            "<script>hidden()</script><pre>kept\n  lines</pre>"
        )
        + '<a class="tgme_widget_message_link_preview" href="https://a.example/b">'
        '<div class="link_preview_site_name">A</div><div class="link_preview_title" dir="auto">Title</div>'
        '<div class="link_preview_description">About</div></a>',
        2: '<a class="tgme_widget_message_document_wrap" href="https://t.me/harbour/2"><div class='
        '"tgme_widget_message_document"><div class="tgme_widget_message_document_title accent_color">members.csv</div>'
        '<div class="tgme_widget_message_document_extra">14 KB</div></div></a>',
        3: '<div class="tgme_widget_message_poll"><div class="tgme_widget_message_poll_question">Who?</div><a>'
        '<div class="tgme_widget_message_poll_option_percent">60%</div>'
        '<div class="tgme_widget_message_poll_option_text">Ann</div></a></div>',
        4: '<div class="tgme_widget_message_contact_name">Ann Example</div>'
        '<div class="tgme_widget_message_contact_phone">+1 555 0100</div>',
        5: '<a class="tgme_widget_message_photo_wrap" style="background-image:url(\'x\')"></a>'
        '<time class="message_video_duration js-message_video_duration">0:34</time>',
    }
    page = await poll(base, context)
    assert [document.text for document in page.documents] == [
        "Forwarded from Ferry\nSee here, #tag and https://c.example/👍\nkept\nlines\nTitle\nAbout\n"
        "https://t.me/ferry/3\nhttps://a.example/b",
        "members.csv",
        "Who?\nAnn",
        "Ann Example\n+1 555 0100",
    ]


async def test_messages_of_the_service_and_of_others_are_passed_over(
    context: SourceContext, base: dict[str, Any], httpserver: HTTPServer
) -> None:
    shown = [
        message("harbour", 1, TEXT.format("Channel created"), service=True),
        message("Harbour", 2, TEXT.format("kept"), signature="Ann &amp; Bo"),
        message("elsewhere", 3, TEXT.format("of another channel")),
        message("harbour", 2**70, TEXT.format("a number beyond all")),
        '<div class="tgme_widget_message" data-post="harbour/x">y</div><div data-post="">z</div>',
    ]
    httpserver.expect_request("/robots.txt").respond_with_data("", 404)
    httpserver.expect_request("/s/harbour").respond_with_data(page_of(shown), content_type="text/html")
    documents = (await poll(base, context)).documents
    assert [(document.text, document.author) for document in documents] == [
        ("kept", "Ann & Bo, Harbour & ferry"),
        ("a number beyond all", "Harbour & ferry"),
    ]


async def test_everything_that_comes_is_given_once_wherever_it_is_stopped(
    telegram: Telegram, base: dict[str, Any], context: SourceContext
) -> None:
    settings = base | {"channels": ["harbour", "ferry"]}
    telegram.write(1)
    telegram.write(1, channel="ferry")
    given: list[str | None] = []
    cursor: Any = None
    newest = 1
    for pause in (0, 0, 5, 20, 0, 21, 0, 70, 1, 130, 0, 0, 3):
        page = await poll(settings, context, cursor)
        given, cursor = given + [document.external_id for document in page.documents], page.cursor
        for channel in ("harbour", "ferry"):
            # Every seventh number is no message.
            telegram.write(*(n for n in range(newest + 1, newest + pause + 1) if n % 7), channel=channel)
        newest += pause
    for _ in range(2):  # the first may begin in the middle of a round
        documents, cursor = await poll_to_the_end(lambda after: poll(settings, context, after), cursor)
        given += [document.external_id for document in documents]
    everything = [f"{channel}/{number}" for channel in ("harbour", "ferry") for number in telegram.channels[channel]]
    assert sorted(map(str, given)) == sorted(everything)
    assert (await rest(settings, context, cursor))[0] == []


async def test_the_first_poll_reads_the_newest_page_only(
    telegram: Telegram, base: dict[str, Any], context: SourceContext
) -> None:
    telegram.write(*range(1, 101))
    page = await poll(base, context)
    assert (numbers(page.documents), page.more) == (list(range(81, 101)), False)


async def test_what_is_passed_over_after_a_long_pause_is_said(
    telegram: Telegram, base: dict[str, Any], context: SourceContext
) -> None:
    telegram.write(1)
    cursor = (await poll(base, context)).cursor
    newest = LONGEST_CATCH_UP + 100
    telegram.write(*range(2, newest + 1))
    page = await poll(base, context, cursor)
    assert page.gap == "more messages came than are read after a pause, and the older ones were passed over"
    assert (numbers(page.documents), page.more) == (list(range(newest - 19, newest + 1)), False)
    telegram.write(newest + 1)
    later = await poll(base, context, page.cursor)
    assert (numbers(later.documents), later.gap) == ([newest + 1], None)


async def test_an_edited_message_is_given_again_and_a_deleted_one_loses_nothing(
    telegram: Telegram, base: dict[str, Any], context: SourceContext
) -> None:
    telegram.write(*range(1, 31))
    cursor = (await poll(base, context)).cursor
    telegram.write(25, text="After")
    del telegram.channels["harbour"][30]
    telegram.write(31)
    page = await poll(base, context, cursor)
    # The page goes back by one message more now: the tenth, which the first poll did not see.
    assert [
        (number, document.text) for number, document in zip(numbers(page.documents), page.documents, strict=True)
    ] == [
        (25, "After"),
        (31, "Message 31"),
    ]
    telegram.channels["harbour"] = {11: TEXT.format("Message 11"), 12: TEXT.format("Message 12")}
    assert (await poll(base, context, page.cursor)).documents == ()


async def test_a_channel_without_preview_is_one_sentence(
    telegram: Telegram, base: dict[str, Any], context: SourceContext
) -> None:
    with pytest.raises(SourceBroken, match=r"^the channel does not exist or shows no preview$"):
        await poll(base, context)


async def test_a_channel_that_goes_away_holds_up_no_other_and_is_told_until_it_is_back(
    telegram: Telegram, base: dict[str, Any], context: SourceContext
) -> None:
    channels = ["harbour", "ferry", "quay"]
    for name in ("harbour", "quay"):
        telegram.write(1, channel=name)
    cursor, found = None, []
    for _ in range(6):
        page = await poll(base, context, cursor, channels=channels)
        cursor = page.cursor
        found += [(one.external_id, page.failing) for one in page.documents]
    said = "number 2 of the channels: the channel does not exist or shows no preview"
    assert found == [("harbour/1", None), ("quay/1", said)]
    assert page.failing == said
    telegram.write(1, channel="ferry")
    failing = []
    for _ in range(3):
        page = await poll(base, context, cursor, channels=channels)
        cursor = page.cursor
        failing.append(page.failing)
    assert failing == [said, None, None]


async def test_channels_of_which_none_can_be_read_are_a_failure(
    telegram: Telegram, base: dict[str, Any], context: SourceContext
) -> None:
    page = await poll(base, context, channels=["harbour", "ferry"])
    for _ in range(3):
        with pytest.raises(SourceBroken) as caught:
            await poll(base, context, page.cursor, channels=["harbour", "ferry"])
        page = Page(documents=(), cursor=caught.value.cursor)
    telegram.write(1, channel="harbour")
    telegram.write(1, channel="ferry")
    page = await poll(base, context, page.cursor, channels=["harbour", "ferry"])
    assert len(page.documents) == 1
    assert page.failing


async def test_what_robots_txt_forbids_is_not_read(
    telegram: Telegram, base: dict[str, Any], context: SourceContext
) -> None:
    telegram.robots = "User-agent: *\nDisallow: /s/\n"
    with pytest.raises(SourceBroken, match=r"robots\.txt"):
        await poll(base, context)
    assert telegram.requests == []


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, SourceUnavailable), (404, SourceBroken), (429, SourceUnavailable), (502, SourceUnavailable)],
)
async def test_an_error_status_says_whether_trying_again_helps(
    telegram: Telegram, base: dict[str, Any], context: SourceContext, status: int, error: type[SourceError]
) -> None:
    telegram.status, telegram.headers = status, {"Retry-After": "90"}
    with pytest.raises(error, match=rf"^127\.0\.0\.1 .*\(status {status}\)$") as caught:
        await poll(base, context)
    if isinstance(caught.value, SourceUnavailable):
        assert caught.value.retry_after == timedelta(seconds=90)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"text",
        b"\x89PNG\0\0",
        b"<html></html>",
        b"\xff" * 100,
        b'{"a": 1}',
    ],
)
async def test_a_page_of_another_form_is_no_success(
    base: dict[str, Any], context: SourceContext, httpserver: HTTPServer, body: bytes
) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data("", 404)
    httpserver.expect_request("/s/harbour").respond_with_data(body, content_type="text/html")
    with pytest.raises(SourceBroken, match=r"^the preview of the channel shows no message$"):
        await poll(base, context)


@pytest.mark.parametrize(
    "hostile",
    [
        "<div>" * 30_000,
        "<b>" * 30_000 + "deep",
        "<!--" * 100_000,
        "<a " + "x=1 " * 100_000 + ">",
        "&amp;" * 50_000,
        "<div data-post='harbour/2'>" * 10_000,
        "<div class='tgme_widget_message_text'>" * 10_000,
        f"<p title='{escape('<' * 200_000)}'>",
    ],
    ids=lambda markup: markup[:20],
)
def test_markup_that_holds_parsers_up_is_read_in_time(hostile: str) -> None:
    page = page_of([message("harbour", 1, TEXT.format("kept"))]) + message("harbour", 3, TEXT.format(hostile))
    assert read_preview(page.encode(), "harbour")[0].texts == ["kept"]
    assert cpu_seconds(lambda: read_preview(page.encode(), "harbour")) < 2


@pytest.mark.parametrize("cursor", [{}, {"next": -5, "channels": 7}, {"channels": {"harbour": {"last": "1"}}}], ids=str)
async def test_a_cursor_of_another_form_begins_anew(
    telegram: Telegram, base: dict[str, Any], context: SourceContext, cursor: Any
) -> None:
    telegram.write(1)
    assert numbers((await poll(base, context, cursor)).documents) == [1]


async def test_settings_are_checked(base: dict[str, Any], context: SourceContext) -> None:
    with pytest.raises(NotConfigured, match="names no channel"):
        await poll(base, context, channels=[])
    for wrong in ({"channels": ["@harbour"]}, {"channels": ["a/b"]}, {"url": "t.me"}):
        with pytest.raises(ValidationError):
            TelegramSettings.model_validate(base | wrong)
