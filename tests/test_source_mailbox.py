"""A mail folder: a server on loopback that speaks IMAP, with and without TLS, and mails as they are written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import SourceBroken, SourceError, SourceUnavailable
from core.ports import SourceContext
from core.types import Page
from sources import mailbox
from sources.mailbox import MailboxSettings, MailboxSource
from sources.polling.tries import MOST_TRIES
from sources.transport.imap import _folder_name
from tests.certificates import Certificate, make_certificate
from tests.imap_server import Folder, imap_server
from tests.service_fixtures import ManualClock
from tests.source_fixtures import loopback_context, poll_anew, poll_to_the_end

REPORT = b"""From: Ana Reporter <ana@example.org>\r
To: abuse@harbor.example\r
Subject: =?utf-8?q?Seen_on_a_forum_=E2=9A=93?=\r
Message-ID: <m1@example.org>\r
Date: Fri, 20 Nov 2026 11:00:00 +0100\r
Content-Type: text/plain; charset=utf-8\r
\r
night_heron was named on the town forum.\r
"""
ALERT_ROW = """<tr itemscope="" itemtype="http://schema.org/Article"><td></td><td>
<a href="https://www.google.com/url?rct=j&amp;sa=t&amp;url={url}&amp;ct=ga&amp;cd=CAE&amp;usg=AFQ" itemprop="url">
<span itemprop="name">{title}</span></a>
<div><div itemprop="publisher" itemscope="" itemtype="http://schema.org/Organization"><a><span itemprop="name">
Town Gazette</span></a></div> <div itemprop="description">{text}&nbsp;...</div></div>
<a href="https://www.google.com/alerts/feedback?ffu={url}">Flag as irrelevant</a></td></tr>"""


def mail(number: int) -> bytes:
    return REPORT.replace(b"m1@", b"m%d@" % number).replace(b"forum", b"forum %d" % number)


def alert_mail(*rows: str, sender: str = "Google Alerts <googlealerts-noreply@google.com>") -> bytes:
    html = (
        f'<html><body><script type="application/json">{{"a": 1}}</script><table>{"".join(rows)}</table></body></html>'
    )
    head = (
        f"From: {sender}\r\nSubject: Google Alert - night_heron\r\nDate: Fri, 20 Nov 2026 11:00:00 +0000\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
    )
    plain = "--b\r\nContent-Type: text/plain\r\n\r\n=== Web - 2 new results for [night_heron] ===\r\n"
    return f"{head}{plain}--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--b--\r\n".encode()


def alert_row(number: int, text: str = "so <b>night_heron</b> is really") -> str:
    return ALERT_ROW.format(url=f"https://gazette.example/{number}", title=f"Who is <b>it</b> {number}?", text=text)


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with loopback_context("Abuse") as context:
        yield context


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


Serve = Callable[..., dict[str, Any]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that serves a folder and returns the settings to read it with."""
    with ExitStack() as servers:

        def start(folder: Folder, **options: Any) -> dict[str, Any]:
            port = servers.enter_context(imap_server(folder, **options))
            return {"host": "127.0.0.1", "port": port, "tls": "none", "username": "mods", "password": "right ⚓"}

        yield start


async def poll(settings: dict[str, Any], context: SourceContext, cursor: Any = None) -> Page:
    return await poll_anew(MailboxSource, MailboxSettings, settings, context, cursor)


async def test_a_mail_becomes_a_document_and_stays_unread(serve: Serve, context: SourceContext) -> None:
    folder = Folder({3: REPORT})
    page = await poll(serve(folder), context)
    (document,) = page.documents
    assert document.id == f"Abuse:{document.external_id}"
    assert document.text == "night_heron was named on the town forum."
    assert (document.title, document.author) == ("Seen on a forum ⚓", "Ana Reporter <ana@example.org>")
    assert document.published_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert not page.more
    commands = {command.split()[1] for command in folder.commands}
    assert commands == {b"CAPABILITY", b"AUTHENTICATE", b"EXAMINE", b"FETCH", b"UID", b"LOGOUT"}
    assert all(b"BODY.PEEK[]" in command for command in folder.commands if b"UID FETCH" in command)
    assert b"heron" not in json.dumps(page.cursor).encode()


async def test_only_what_came_since_is_read(serve: Serve, context: SourceContext) -> None:
    folder = Folder({3: mail(3)})
    settings = serve(folder)
    first = await poll(settings, context)
    folder.add(mail(4))
    second = await poll(settings, context, first.cursor)
    assert [document.text[-8:] for document in second.documents] == ["forum 4."]
    assert (await poll(settings, context, second.cursor)).documents == ()


@pytest.mark.parametrize("tells_next", [True, False])
async def test_many_mails_come_in_pages_without_gap_or_repeat(
    serve: Serve, context: SourceContext, tells_next: bool
) -> None:
    folder = Folder({uid: mail(uid) for uid in range(10, 610, 10)}, tells_next=tells_next)
    settings = serve(folder)
    documents, cursor = await poll_to_the_end(lambda cursor: poll(settings, context, cursor))
    assert [document.text for document in documents] == [
        f"night_heron was named on the town forum {uid}." for uid in range(10, 610, 10)
    ]
    folder.add(mail(700))
    rest, _ = await poll_to_the_end(lambda cursor: poll(settings, context, cursor), cursor)
    assert len(rest) == 1


async def test_identifiers_far_apart_are_looked_through_in_steps(serve: Serve, context: SourceContext) -> None:
    folder = Folder({1: mail(1), 90_000: mail(2)})
    documents, _ = await poll_to_the_end(lambda cursor: poll(serve(folder), context, cursor))
    assert len(documents) == 2


@pytest.mark.parametrize(("backfill", "count"), [(0, 0), (2, 2), (5, 3)])
@pytest.mark.parametrize("tells_next", [True, False])
async def test_at_first_the_newest_mails_are_read_and_no_more(
    serve: Serve, context: SourceContext, backfill: int, count: int, tells_next: bool
) -> None:
    folder = Folder({uid: mail(uid) for uid in (5, 6, 9)}, tells_next=tells_next)
    settings = serve(folder) | {"backfill": backfill}
    first = await poll(settings, context)
    assert len(first.documents) == count
    folder.add(mail(10))
    assert len((await poll(settings, context, first.cursor)).documents) == 1


@pytest.mark.parametrize("tells_next", [True, False])
async def test_an_empty_folder_is_read_once_something_comes(
    serve: Serve, context: SourceContext, tells_next: bool
) -> None:
    folder = Folder(tells_next=tells_next)
    settings = serve(folder)
    first = await poll(settings, context)
    assert first.documents == ()
    folder.add(REPORT)
    assert len((await poll(settings, context, first.cursor)).documents) == 1


async def test_a_folder_that_is_numbered_anew_repeats_nothing_and_says_so(serve: Serve, context: SourceContext) -> None:
    folder = Folder({500: mail(1), 501: mail(2)})
    settings = serve(folder)
    first = await poll(settings, context)
    folder.validity, folder.mails = 8, {1: mail(1), 2: mail(2), 3: mail(3)}
    second = await poll(settings, context, first.cursor)
    assert len(second.documents) == 1
    assert "numbers its mails anew" in (second.gap or "")


async def test_each_result_of_a_google_alert_is_a_document(serve: Serve, context: SourceContext) -> None:
    folder = Folder({1: alert_mail(alert_row(1), alert_row(2, "x &lt;y&gt;"))})
    settings = serve(folder)
    page = await poll(settings, context)
    first, second = page.documents
    assert (first.title, first.author) == ("Who is it 1?", "Town Gazette")
    assert first.text == "so night_heron is really ..."
    assert first.url == "https://gazette.example/1"
    assert first.published_at == datetime(2026, 11, 20, 11, tzinfo=UTC)
    assert (second.url, second.text) == ("https://gazette.example/2", "x <y> ...")
    folder.add(alert_mail(alert_row(2, "x &lt;y&gt;"), alert_row(3)))
    again = await poll(settings, context, page.cursor)
    assert [document.url for document in again.documents] == ["https://gazette.example/3"]


@pytest.mark.parametrize(
    "content",
    [
        alert_mail(alert_row(1), sender="somebody@example.org"),
        alert_mail(),
        alert_mail(alert_row(1).replace("https://www.google.com/url", "javascript:x")),
    ],
)
async def test_a_mail_that_is_no_alert_is_one_document(serve: Serve, context: SourceContext, content: bytes) -> None:
    (document,) = (await poll(serve(Folder({1: content})), context)).documents
    assert document.url is None
    assert "2 new results" in document.text


async def test_mails_that_are_none_or_gone_or_hostile_do_not_hold_up_the_others(
    serve: Serve, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "PARSING_SECONDS", 1)
    slow = alert_mail("<p>" + "</x>" * 2_000_000)
    nested = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\nContent-Type: message/rfc822\r\n\r\n" * 900
    folder = Folder({1: b"", 2: b"\0\xff", 3: nested, 4: slow[: mailbox.LARGEST_MAIL_BYTES], 5: REPORT})
    settings = serve(folder)
    page = await poll(settings, context)
    assert page.documents[-1].text == "night_heron was named on the town forum."
    assert (page.more, page.gap) == (False, "mails of 127.0.0.1 that could not be read: 1")
    page = await poll(settings, context, page.cursor)
    assert (page.documents, page.gap) == ((), None)


@pytest.mark.parametrize("answer", [b"NO [SERVERBUG] cannot read the mail", b"BAD cannot read the mail"])
async def test_a_mail_that_the_server_does_not_give_holds_up_no_other(
    serve: Serve, context: SourceContext, answer: bytes
) -> None:
    folder = Folder({number: mail(number) for number in (1, 2, 3)}, refused={2: answer})
    settings = serve(folder)
    page = await poll(settings, context)
    assert [document.text[-2:-1] for document in page.documents] == ["1", "3"]
    assert (page.more, page.gap) == (False, None)
    folder.add(mail(4))
    page = await poll(settings, context, page.cursor)
    assert [document.text[-2:-1] for document in page.documents] == ["4"]
    folder.refused.clear()
    page = await poll(settings, context, page.cursor)
    assert [document.text[-2:-1] for document in page.documents] == ["2"]
    assert (await poll(settings, context, page.cursor)).documents == ()


async def test_a_mail_that_is_never_given_is_told_once(serve: Serve, context: SourceContext) -> None:
    folder = Folder({1: mail(1), 2: mail(2)}, refused={2: b"NO gone"})
    settings, cursor, gaps = serve(folder), None, []
    for _ in range(MOST_TRIES + 2):
        page = await poll(settings, context, cursor)
        cursor = page.cursor
        gaps.append(page.gap)
    told = f"mails of 127.0.0.1 that could not be read in {MOST_TRIES} tries: 1"
    assert gaps == [*[None] * (MOST_TRIES - 1), told, None, None]


async def test_a_server_that_gives_no_mail_is_in_trouble_and_nothing_is_given_up(
    serve: Serve, context: SourceContext
) -> None:
    folder = Folder({number: mail(number) for number in range(1, 6)}, refused=dict.fromkeys(range(1, 6), b"NO gone"))
    settings, cursor = serve(folder), None
    for _ in range(2 * MOST_TRIES):
        with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 does not give its mails$") as caught:
            await poll(settings, context, cursor)
        cursor = caught.value.cursor
    folder.refused.clear()
    documents, _ = await poll_to_the_end(lambda after: poll(settings, context, after), cursor)
    assert sorted(document.text[-2:-1] for document in documents) == ["1", "2", "3", "4", "5"]


async def test_an_account_without_password_is_read_by_a_token_that_is_asked_for(
    serve: Serve, context: SourceContext, httpserver: HTTPServer
) -> None:
    folder = Folder({1: mail(1)}, access_token=b"access-1")
    asked: list[dict[str, str]] = []

    def give(request: Request) -> Response:
        asked.append(dict(request.form))
        return Response(f'{{"access_token": "access-{len(asked)}", "refresh_token": "later", "expires_in": 3599}}')

    httpserver.expect_request("/token", method="POST").respond_with_handler(give)
    settings = serve(folder) | {
        "password": "",
        "token_url": httpserver.url_for("/token"),
        "client_id": "reader",
        "client_secret": "s3cret",
        "refresh_token": "first",
    }
    page = await poll(settings, context)
    assert len(page.documents) == 1
    assert asked == [
        {
            "grant_type": "refresh_token",
            "client_id": "reader",
            "client_secret": "s3cret",
            "refresh_token": "first",
        }
    ]
    with pytest.raises(SourceBroken, match=r"^127\.0\.0\.1 does not accept the username and access token$") as caught:
        await poll(settings, context, page.cursor)
    assert asked[-1]["refresh_token"] == "later"
    folder.access_token = b"access-3"
    folder.add(mail(2))
    assert len((await poll(settings, context, caught.value.cursor)).documents) == 1
    # What a person enters anew counts, whatever came after the one before.
    folder.access_token = b"access-4"
    await poll(settings | {"refresh_token": "anew"}, context, caught.value.cursor)
    assert asked[-1]["refresh_token"] == "anew"


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (Response('{"error": "invalid_grant"}', 400), SourceBroken, "gives no access token: it does not accept"),
        (Response("", 503), SourceUnavailable, "cannot answer now"),
        (Response("[]"), SourceUnavailable, "answers with something else than an access token"),
        (Response("", 302, {"Location": "/elsewhere"}), SourceBroken, "gives no usable answer"),
    ],
)
async def test_a_token_that_is_not_given_is_said_without_a_secret(
    serve: Serve,
    context: SourceContext,
    httpserver: HTTPServer,
    answer: Response,
    error: type[SourceError],
    sentence: str,
) -> None:
    httpserver.expect_request("/token").respond_with_response(answer)
    url, folder = httpserver.url_for("/token"), Folder({1: mail(1)})
    oauth = {"password": "", "token_url": url, "client_id": "reader", "refresh_token": "refresh-1"}
    with pytest.raises(error, match=rf"^127\.0\.0\.1 {sentence}") as caught:
        await poll(serve(folder) | oauth, context)
    assert "refresh-1" not in str(caught.value)
    assert folder.commands == []
    assert len(httpserver.log) == 1


async def test_mails_that_take_long_to_read_make_a_smaller_page(serve: Serve, context: SourceContext) -> None:
    class Hurrying(ManualClock):
        def monotonic(self) -> float:
            self.passed = getattr(self, "passed", 0) + 40
            return float(self.passed)

    settings = serve(Folder({uid: mail(uid) for uid in range(1, 6)}))
    slow = replace(context, clock=Hurrying())
    page = await poll(settings, slow)
    assert (len(page.documents), page.more) == (1, True)
    documents, _ = await poll_to_the_end(lambda cursor: poll(settings, slow, cursor))
    assert len(documents) == 5


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_the_connection_is_protected_and_the_certificate_looked_at(
    serve: Serve, context: SourceContext, certificate: Certificate, tls: str
) -> None:
    folder = Folder({1: REPORT})
    settings = serve(folder, **{tls: certificate.context}) | {"tls": tls}
    assert len((await poll(settings | {"ca_certificate": certificate.pem}, context)).documents) == 1
    folder.commands.clear()
    with pytest.raises(SourceUnavailable, match="its certificate is not valid"):
        await poll(settings, context)
    assert not any(b"AUTHENTICATE" in command for command in folder.commands)


async def test_a_password_is_not_sent_where_the_server_has_no_tls(serve: Serve, context: SourceContext) -> None:
    folder = Folder({1: REPORT})
    with pytest.raises(SourceUnavailable):
        await poll(serve(folder) | {"tls": "starttls"}, context)
    assert not any(b"AUTHENTICATE" in command for command in folder.commands)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"password": "wrong"}, SourceBroken, "does not accept the username and password"),
        ({"folder": "Alerts"}, SourceBroken, "has no folder of that name"),
        ({"port": 9}, SourceUnavailable, "no connection"),
        ({"host": "10.0.0.1", "tls": "tls"}, SourceBroken, "10.0.0.1 is not a public address"),
    ],
)
async def test_what_is_wrong_is_said_without_a_secret(
    serve: Serve, context: SourceContext, change: dict[str, Any], error: type[SourceError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence) as caught:
        await poll(serve(Folder({1: REPORT})) | change, context)
    assert "mods" not in str(caught.value)
    assert "right" not in str(caught.value)


async def test_a_server_that_is_busy_is_tried_again(serve: Serve, context: SourceContext) -> None:
    folder = Folder({1: REPORT}, login_answer=b"NO [UNAVAILABLE] come back later")
    with pytest.raises(SourceUnavailable, match="lets nobody log in now"):
        await poll(serve(folder), context)


async def test_a_server_that_talks_nonsense_is_tried_again(serve: Serve, context: SourceContext) -> None:
    with pytest.raises(SourceUnavailable, match="gave no whole answer"):
        await poll(serve(Folder({1: REPORT}, garbles=True)), context)


async def test_a_folder_may_have_any_name(serve: Serve, context: SourceContext) -> None:
    folder = Folder({1: REPORT}, name=b"Gr&APw-n &- gut")
    assert len((await poll(serve(folder) | {"folder": "Grün & gut"}, context)).documents) == 1


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("INBOX", '"INBOX"'),
        ("A&B", '"A&-B"'),
        ("台北", '"&U,BTFw-"'),
        ('a"b\\', '"a\\"b\\\\"'),
    ],
)
def test_names_of_folders_are_sent_as_the_protocol_wants_them(name: str, sent: str) -> None:
    assert _folder_name(name) == sent


@pytest.mark.parametrize(
    ("login", "sentence"),
    [
        ({}, "either a password or a token_url"),
        ({"password": "x", "token_url": "https://token.example/"}, "either a password or a token_url"),
        ({"token_url": "https://token.example/"}, "needs a client_id and a refresh_token"),
    ],
)
def test_one_way_to_log_in_is_needed(login: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        MailboxSettings.model_validate({"host": "mail.example", "username": "mods"} | login)


def test_an_open_connection_is_refused_beyond_this_machine() -> None:
    with pytest.raises(ValidationError, match="tls may be none only"):
        MailboxSettings(host="mail.example.org", tls="none", username="a", password="b")
