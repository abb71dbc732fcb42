"""Whatever a notice says, and whatever the time between two machines, the standard package verifies what it should."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

import pytest
import standardwebhooks.webhooks
from standardwebhooks import Webhook, WebhookVerificationError

from alerting.notifiers.webhook import WebhookNotifier, WebhookSettings
from core.http import GuardedClient
from core.ids import new_id
from core.ports import NotifierContext
from core.settings import HttpSettings
from core.types import Detail, EventType, Notice
from tests.alerting_fixtures import START, HandClock

SECRET = "whsec_bGVha3dhdGNoLXRlc3Qtc2VjcmV0LW51bWJlci1vbmU="
BODIES = 1000
NOTICE = Notice(
    idempotency_key="msg_1", sequence=1, event=EventType.TEST_PING, sent_at=START, community="Harbor Commons",
    detail=Detail.REDACTED, summary="",
)  # fmt: skip

Received = list[tuple[bytes, dict[str, str]]]


class StandingTime(datetime):
    """What the package takes for the time: the tolerance must not hang on how busy this machine is."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return START.astimezone(tz)


async def sent(notices: list[Notice], clock: HandClock) -> Received:
    """Send the notices over HTTP; return bodies and headers as they arrived."""
    received: Received = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = (line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        headers = {name.lower(): value for name, value in lines}
        received.append((await reader.readexactly(int(headers["content-length"])), headers))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    settings = HttpSettings(allowed_networks=("127.0.0.0/8",))
    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server, GuardedClient(settings, clock, paced=False) as http:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        notifier = WebhookNotifier(WebhookSettings(url=url, secret=SECRET), NotifierContext(http=http, clock=clock))
        for notice in notices:
            await notifier.send(notice)
    return received


def random_text(chance: random.Random) -> str:
    """Return characters of all planes and scripts, control characters, quotes and backslashes among them."""
    ranges = ((0, 0x7F), (0x80, 0x2FFF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF))
    return "".join(chr(chance.randint(*chance.choice(ranges))) for _ in range(chance.randint(0, 300)))


async def test_a_thousand_random_bodies_verify_and_none_of_them_after_a_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", StandingTime)
    chance = random.Random(20261121)
    notices = [
        replace(NOTICE, idempotency_key=new_id("msg"), sequence=number, summary=random_text(chance))
        for number in range(BODIES)
    ]
    received = await sent(notices, HandClock(START))
    assert len(received) == BODIES
    receiver = Webhook(SECRET)
    for notice, (body, headers) in zip(notices, received, strict=True):
        assert receiver.verify(body, headers)["data"]["summary"] == notice.summary
        with pytest.raises(WebhookVerificationError):
            receiver.verify(body.replace(b"Harbor", b"harbor"), headers)


@pytest.mark.parametrize("seconds", [-299, 299])
async def test_a_receiver_whose_clock_is_299_seconds_off_takes_the_message(
    seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", StandingTime)
    ((body, headers),) = await sent([NOTICE], HandClock(START + timedelta(seconds=seconds)))
    assert Webhook(SECRET).verify(body, headers)["type"] == "test.ping"


@pytest.mark.parametrize(("seconds", "said"), [(-301, "too old"), (301, "too new")])
async def test_a_receiver_whose_clock_is_301_seconds_off_refuses_the_message(
    seconds: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", StandingTime)
    ((body, headers),) = await sent([NOTICE], HandClock(START + timedelta(seconds=seconds)))
    with pytest.raises(WebhookVerificationError, match=said):
        Webhook(SECRET).verify(body, headers)
