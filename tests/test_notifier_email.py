"""E-mail: to a real SMTP server, protected by TLS, with headers that nobody outside can write into."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from hypothesis import given
from hypothesis import strategies as st

from alerting.circuit import BACK_OFF
from alerting.greylisting import PATIENCE
from alerting.notifiers.email import EmailNotifier, EmailSettings, compose
from core.clock import SystemClock
from core.errors import DeliveryDeferred, DeliveryRefused
from core.http import GuardedClient
from core.ports import NotifierContext
from core.settings import HttpSettings
from core.types import (
    AlertClass,
    DeliveryState,
    Detail,
    EventType,
    Incident,
    IncidentState,
    Notice,
    NoticeAlert,
    Severity,
    Signal,
)
from tests.alerting_fixtures import START, HandClock, audit, destination
from tests.certificates import Certificate, make_certificate
from tests.delivery_service import REGISTRY, service_at

NOTICE = Notice(
    idempotency_key="msg_1", sequence=1, event=EventType.INCIDENT_OPENED, sent_at=START, community="Harbor Commons ⚓",
    detail=Detail.REDACTED, summary="1 linkage alert, high (88), Members",
    incident=Incident(
        id="inc_1", community_id="com_1", watchlist_id="wl_1", alert_class=AlertClass.LINKAGE, score=88,
        state=IncidentState.OPEN, first_seen_at=START, last_seen_at=START, updated_at=START,
    ),
    alerts=(
        NoticeAlert(
            id="alt_1", watchlist="Members", alert_class=AlertClass.LINKAGE, severity=Severity.HIGH, score=88,
            reasons=(Signal(name="x", points=55, text="the watched pseudonym stands 2 words before a name"),),
            source="r/pets", published_at=START, excerpt="█████ is M████ G███████ <b>&amp;</b>", title="About █████",
        ),
    ),
)  # fmt: skip


@dataclass
class Mailbox:
    """What a server took, and how it answers."""

    envelopes: list[Envelope] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    answer: str = "250 OK"
    refused: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        self.over_tls.append(session.ssl is not None)
        return self.answer

    def message(self) -> EmailMessage:
        """Return the newest message. (A property would be read by the server's inspection.)"""
        content = self.envelopes[-1].content
        assert isinstance(content, bytes)
        return message_from_bytes(content, policy=default)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
async def context() -> AsyncIterator[NotifierContext]:
    clock = SystemClock()
    async with GuardedClient(HttpSettings(allowed_networks=(IPv4Network("127.0.0.0/8"),)), clock) as http:
        yield NotifierContext(http=http, clock=clock)


Serve = Callable[..., Any]


@pytest.fixture
async def serve(mailbox: Mailbox) -> AsyncIterator[Serve]:
    """Return a function that starts a server and returns its port."""
    servers: list[asyncio.Server] = []

    async def start(*, tls: ssl.SSLContext | None = None, **options: Any) -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(mailbox, hostname="localhost", loop=loop, **options), "127.0.0.1", 0, ssl=tls
        )
        servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    yield start
    for server in servers:
        server.close()


def settings(port: int, **changes: Any) -> EmailSettings:
    plain = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "leakwatch@harbor.example",
        "recipients": ["one@mods.example", "two@mods.example"],
    }
    return EmailSettings.model_validate(plain | changes)


async def test_a_message_arrives_as_plain_text_and_html_without_showing_recipients_to_one_another(
    serve: Serve, mailbox: Mailbox, context: NotifierContext
) -> None:
    await EmailNotifier(settings(await serve()), context).send(NOTICE)
    assert mailbox.envelopes[0].rcpt_tos == ["one@mods.example", "two@mods.example"]
    message = mailbox.message()
    assert "mods.example" not in str(message)
    plain, shown = message.iter_parts()
    assert isinstance(plain, EmailMessage)
    assert isinstance(shown, EmailMessage)
    assert [message.get_content_type(), plain.get_content_type(), shown.get_content_type()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert message["Subject"] == "[Leakwatch] Harbor Commons ⚓: 1 linkage alert, high (88), Members"
    assert "<code>█████ is M████ G███████ &lt;b&gt;&amp;amp;&lt;/b&gt;</code>" in shown.get_content()
    body = plain.get_content()
    assert "Text: █████ is M████ G███████ <b>&amp;</b>" in body
    assert "- the watched pseudonym stands 2 words before a name (+55)" in body


async def test_an_incident_is_one_thread_and_the_message_says_that_a_machine_wrote_it(
    serve: Serve, mailbox: Mailbox, context: NotifierContext
) -> None:
    notifier = EmailNotifier(settings(await serve()), context)
    await notifier.send(NOTICE)
    first = mailbox.message()
    await notifier.send(replace(NOTICE, idempotency_key="msg_2"))
    second = mailbox.message()
    assert first["Message-ID"] == "<msg_1@harbor.example>"
    assert second["Message-ID"] == "<msg_2@harbor.example>"
    assert first["References"] == second["References"] == "<inc_1@harbor.example>"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["List-Id"] == "<leakwatch.harbor.example>"
    assert first["Date"].datetime == START


async def test_starttls_and_login_protect_what_is_sent(
    serve: Serve, mailbox: Mailbox, context: NotifierContext, certificate: Certificate
) -> None:
    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data == LoginPassword(b"mods", b"right"), handled=False)

    port = await serve(tls_context=certificate.context, require_starttls=True, authenticator=check, auth_required=True)
    protected = {"tls": "starttls", "ca_certificate": certificate.pem, "username": "mods", "password": "right"}
    await EmailNotifier(settings(port, **protected), context).send(NOTICE)
    assert mailbox.over_tls == [True]
    with pytest.raises(DeliveryRefused, match="535"):
        await EmailNotifier(settings(port, **(protected | {"password": "wrong"})), context).send(NOTICE)


async def test_tls_from_the_first_byte_works_too(
    serve: Serve, mailbox: Mailbox, context: NotifierContext, certificate: Certificate
) -> None:
    port = await serve(tls=certificate.context)
    await EmailNotifier(settings(port, tls="tls", ca_certificate=certificate.pem), context).send(NOTICE)
    assert len(mailbox.envelopes) == 1


async def test_nothing_is_sent_to_a_server_without_starttls_or_with_an_unknown_certificate(
    serve: Serve, mailbox: Mailbox, context: NotifierContext, certificate: Certificate
) -> None:
    with pytest.raises((DeliveryDeferred, DeliveryRefused)):
        await EmailNotifier(settings(await serve(), tls="starttls"), context).send(NOTICE)
    port = await serve(tls_context=certificate.context)
    with pytest.raises((DeliveryDeferred, DeliveryRefused)):
        await EmailNotifier(settings(port, tls="starttls"), context).send(NOTICE)
    assert mailbox.envelopes == []


@pytest.mark.parametrize(
    ("answer", "failure"), [("451 try later", DeliveryDeferred), ("552 too large", DeliveryRefused)]
)
async def test_a_4xx_is_deferred_and_a_5xx_refused(
    answer: str, failure: type[Exception], serve: Serve, mailbox: Mailbox, context: NotifierContext
) -> None:
    mailbox.answer = answer
    with pytest.raises(failure, match=answer[:3]):
        await EmailNotifier(settings(await serve()), context).send(NOTICE)


async def test_recipients_that_are_refused_fail_the_message_only_together(
    serve: Serve, mailbox: Mailbox, context: NotifierContext
) -> None:
    notifier = EmailNotifier(settings(await serve()), context)
    mailbox.refused = {"one@mods.example": "550 no such user"}
    await notifier.send(NOTICE)
    assert mailbox.envelopes[-1].rcpt_tos == ["two@mods.example"]
    mailbox.refused["two@mods.example"] = "450 try later"
    with pytest.raises(DeliveryDeferred, match="450"):
        await notifier.send(NOTICE)
    mailbox.refused["two@mods.example"] = "550 no such user"
    with pytest.raises(DeliveryRefused, match="550") as failure:
        await notifier.send(NOTICE)
    assert "mods.example" not in str(failure.value)


async def test_a_recipient_that_is_greylisted_gets_the_message_later_and_nobody_twice(
    serve: Serve, mailbox: Mailbox, context: NotifierContext
) -> None:
    notice = replace(NOTICE, idempotency_key="msg_greylisted")
    setup = settings(await serve())
    mailbox.refused = {"one@mods.example": "450 greylisted"}
    for _ in range(2):
        with pytest.raises(DeliveryDeferred, match=r"for 1 of the recipients later \(status 450\)") as failure:
            await EmailNotifier(setup, context).send(notice)
        assert "mods.example" not in str(failure.value)
        notice = replace(notice, progress=failure.value.progress)
    mailbox.refused = {}
    await EmailNotifier(setup, context).send(notice)
    assert [envelope.rcpt_tos for envelope in mailbox.envelopes] == [["two@mods.example"], ["one@mods.example"]]


def kept_in(folder: Path) -> bytes:
    """Return every byte of the database."""
    return b"".join(path.read_bytes() for path in folder.rglob("leakwatch.sqlite3*"))


async def test_a_restart_while_a_recipient_is_greylisted_doubles_nothing_and_loses_nothing(
    serve: Serve, mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REGISTRY.classes, "email", EmailNotifier)
    clock = HandClock(START)
    mods = destination(settings(await serve()).model_dump(mode="json", exclude_none=True), kind="email")
    mailbox.refused = {"one@mods.example": "450 greylisted"}
    async with service_at(tmp_path, clock) as service:
        await service.store.add_destination(mods, audit=audit("dst_1"))
        await service.plan(1)
        assert await service.deliver_next()
    assert b"mods.example" not in kept_in(tmp_path)
    clock.advance(BACK_OFF[0])
    # A server that is down in between changes nothing about who has it.
    mailbox.answer = "451 not now"
    mailbox.refused = {}
    async with service_at(tmp_path, clock) as restarted:
        assert await restarted.deliver_next()
        clock.advance(BACK_OFF[1])
        mailbox.answer = "250 OK"
        assert await restarted.deliver_next()
        (delivery,) = await restarted.deliveries()
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 3)
    assert [envelope.rcpt_tos for envelope in mailbox.envelopes] == [
        ["two@mods.example"],
        ["one@mods.example"],  # to whom the server was down then
        ["one@mods.example"],
    ]


async def test_a_recipient_whose_mailbox_stays_full_holds_the_others_up_only_once(
    serve: Serve, mailbox: Mailbox, context: NotifierContext
) -> None:
    clock = HandClock(START)
    later = NotifierContext(http=context.http, clock=clock)
    notifier = EmailNotifier(settings(await serve(), recipients=["full@mods.example", "two@mods.example"]), later)
    mailbox.refused = {"full@mods.example": "452 mailbox full"}
    first, second = (replace(NOTICE, idempotency_key=f"msg_full_{number}") for number in (1, 2))
    with pytest.raises(DeliveryDeferred) as failure:
        await notifier.send(first)
    first = replace(first, progress=failure.value.progress)
    clock.advance(PATIENCE)
    await notifier.send(first)
    await notifier.send(second)
    assert [envelope.rcpt_tos for envelope in mailbox.envelopes] == [["two@mods.example"]] * 2
    mailbox.refused = {}
    await notifier.send(replace(NOTICE, idempotency_key="msg_full_3"))
    assert mailbox.envelopes[-1].rcpt_tos == ["full@mods.example", "two@mods.example"]


async def test_a_server_that_is_down_is_deferred(context: NotifierContext) -> None:
    with pytest.raises(DeliveryDeferred, match="reached"):
        await EmailNotifier(settings(9), context).send(NOTICE)


async def test_a_server_inside_the_network_is_refused_unless_allowed(
    serve: Serve, mailbox: Mailbox, context: NotifierContext
) -> None:
    async with GuardedClient(HttpSettings(), context.clock) as http:
        closed = NotifierContext(http=http, clock=context.clock)
        with pytest.raises(DeliveryRefused, match="public"):
            await EmailNotifier(settings(await serve()), closed).send(NOTICE)
    assert mailbox.envelopes == []


HOSTILE = [
    "Members\r\nBcc: everybody@evil.example",
    "Members\n\nbody",
    "Members\u2028X-Evil: 1",
    "\x00\x1b[31m",
    "\udcff",
    "=?utf-8?q?=0D=0ABcc:_everybody=40evil.example?=",
    "⚓" * 400,
    "a" * 2000,
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_writes_no_header(
    name: str, serve: Serve, mailbox: Mailbox, context: NotifierContext
) -> None:
    hostile = replace(NOTICE, community=name, summary=f"1 linkage alert, high (88), {name}")
    await EmailNotifier(settings(await serve()), context).send(hostile)
    message = mailbox.message()
    assert set(message.keys()) == set(compose(NOTICE, "leakwatch@harbor.example").keys())
    assert message["Bcc"] is None
    assert mailbox.envelopes[0].rcpt_tos == ["one@mods.example", "two@mods.example"]


@given(st.text(), st.text())
def test_no_text_writes_a_header(community: str, summary: str) -> None:
    message = compose(replace(NOTICE, community=community, summary=summary), "leakwatch@harbor.example")
    again = message_from_bytes(message.as_bytes(), policy=default)
    assert sorted(again.keys()) == sorted(message.keys())


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "mail.example", "tls": "none"},
        {"recipients": []},
        {"recipients": ["no address"]},
        {"recipients": ["a@b.example\r\nRCPT TO:<c@d.example>"]},
        {"sender": "a@b.example>\r\nBcc: c@d.example"},
        {"username": "mods"},
        {"ca_certificate": "no certificate"},
        {"surprise": 1},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="EmailSettings"):
        settings(25, **wrong)


def test_settings_show_no_password_and_no_recipient() -> None:
    shown = repr(settings(25, username="mods", password="hidden-word"))
    assert "hidden-word" not in shown
    assert "mods.example" not in shown
