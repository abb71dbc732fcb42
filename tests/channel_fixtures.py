"""What the tests of the chat channels share: the channels with their settings, and what strangers may write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from core.types import (
    AlertClass,
    Detail,
    EventType,
    Incident,
    IncidentState,
    JsonObject,
    Notice,
    NoticeAlert,
    NoticeIncident,
    Severity,
    Signal,
)
from tests.alerting_fixtures import START

INCIDENT = Incident(
    id="inc_1", community_id="com_1", watchlist_id="wl_1", alert_class=AlertClass.LINKAGE, score=88,
    state=IncidentState.OPEN, first_seen_at=START, last_seen_at=START, updated_at=START,
)  # fmt: skip
NOTICE = Notice(
    idempotency_key="msg_1", sequence=1, event=EventType.INCIDENT_OPENED, sent_at=START, community="Harbor Commons ⚓",
    detail=Detail.REDACTED, summary="1 linkage alert, high (88), Members", incident=INCIDENT,
    content_notes=("violence", "private data"),
    alerts=(
        NoticeAlert(
            id="alt_1", watchlist="Members", alert_class=AlertClass.LINKAGE, severity=Severity.HIGH, score=88,
            reasons=(Signal(name="x", points=55, text="the watched pseudonym stands 2 words before a name"),),
            source="r/pets", published_at=START, excerpt="█████ is M████ G███████", title="About █████",
            author="somebody", url="https://blog.example/█████",
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Channel:
    """A channel as its tests know it: settings that point at a server, and where its request arrives there."""

    kind: str
    settings: Callable[[str], JsonObject]
    method: str
    path: str
    secret: str


CHANNELS: Mapping[str, Channel] = {
    one.kind: one
    for one in (
        Channel("discord", lambda base: {"url": f"{base}/hook/zqxsecret"}, "POST", "/hook/zqxsecret", "zqxsecret"),
        Channel("slack", lambda base: {"url": f"{base}/hook/zqxsecret"}, "POST", "/hook/zqxsecret", "zqxsecret"),
        Channel("mattermost", lambda base: {"url": f"{base}/hook/zqxsecret"}, "POST", "/hook/zqxsecret", "zqxsecret"),
        Channel(
            "matrix",
            lambda base: {"url": base, "access_token": "zqxsecret", "room": "!room:matrix.example"},
            "PUT",
            "/_matrix/client/v3/rooms/!room:matrix.example/send/m.room.message/msg_1",
            "zqxsecret",
        ),
        Channel(
            "telegram",
            lambda base: {"url": base, "token": "123:zqxsecret", "chat": -1001},
            "POST",
            "/bot123:zqxsecret/sendMessage",
            "zqxsecret",
        ),
        Channel(
            "ntfy", lambda base: {"url": base, "topic": "zqxsecret", "token": "tk_zqxsecret"}, "POST", "/", "zqxsecret"
        ),
    )
}  # fmt: skip

_TRAPS = (
    "@everyone", "@here", "@room", "<!channel>", "<!subteam^S1>", "<@U012AB3CD>", "<@&123>", "<#C012>", "<t:1:R>",
    "https://evil.example/x", "www.evil.example", "evil.example", "mailto:a@evil.example", "tg://user?id=1",
    "//evil.example", "matrix.to/#/@x:evil.example", "#room:evil.example", "@x:evil.example", "~town-square",
    "#topic", "$USD", "/start", "evil。example", "`", "``", "```\n", "**", "__", "*", "_", "~~", "||", "> ", "# ",
    "- ", "1. ", "===", "---", "|", "\\", "[x](https://evil.example)", "![x](//evil.example)",
    "<https://evil.example|x>", "<b>", "</code>", "</p>", "<img src=x>", "&amp;", "&lt;", "&#64;everyone", "\n",
    "\r\n", "\u2028", "\u2029", "\x85", "\x00", "\x1b[31m", "\u202e", "\u2066", "\u200b", "\ufeff", "\udcff",
    "\ue000", "█████", "a", "1", " ", ".", ":", "@", "#", "/", "[", "]", "(", ")", "😀", "é", "名",
)  # fmt: skip
hostile = st.lists(st.one_of(st.sampled_from(_TRAPS), st.text(max_size=8)), max_size=12).map("".join)
"""Texts that strangers write to make a mention, a link, markup or a line of their own."""


def with_text(text: str, *, named: str = "Members") -> Notice:
    """Return the notice with the text in every place that strangers write, and a name that an admin gave."""
    (alert,) = NOTICE.alerts
    alert = replace(alert, source=text, excerpt=text, title=text, author=text, url=text, watchlist=named)
    summary = f"1 linkage alert, high (88), {named}"
    return replace(NOTICE, alerts=(alert,), community=named, summary=summary, incident=replace(INCIDENT, reason=text))


def longest(character: str, *, alerts: int) -> Notice:
    """Return a notice that is as long as one can be, of that character wherever strangers or admins write."""
    reason = Signal(name="x", points=55, text="the watched pseudonym stands 12 words before a person's name, " * 3)
    alert = NoticeAlert(
        id="alt_1", watchlist=character * 200, alert_class=AlertClass.CREDENTIAL_LEAK, severity=Severity.CRITICAL,
        score=100, reasons=(reason,) * 8, source=character * 1000, published_at=START, excerpt=character * 300,
        title=character * 1000, author=character * 1000, url=character * 1000,
    )  # fmt: skip
    return replace(
        NOTICE,
        community=character * 200,
        summary=f"20 credential leak alerts, critical (100), {character * 200}",
        content_notes=("violence", "self-harm", "slurs", "sexual", "private data"),
        alerts=(alert,) * alerts,
        incident=replace(INCIDENT, reason=character * 1000),
    )


def many(character: str, *, incidents: int) -> Notice:
    """Return a notice of several incidents, each as long as one can be."""
    one = longest(character, alerts=3)
    assert one.incident is not None
    return replace(
        one,
        event=EventType.INCIDENT_GROUPED,
        incident=None,
        alerts=(),
        incidents=tuple(
            NoticeIncident(
                event=EventType.INCIDENT_OPENED,
                watchlist=character * 200,
                incident=replace(one.incident, id=f"inc_{number}"),
                alerts=one.alerts,
            )
            for number in range(incidents)
        ),
    )


def texts_of(body: Any) -> str:
    """Return every text of a JSON value, one below the other."""
    if isinstance(body, str):
        return body
    inner = body.values() if isinstance(body, dict) else body if isinstance(body, list | tuple) else ()
    return "\n".join(filter(None, map(texts_of, inner)))
