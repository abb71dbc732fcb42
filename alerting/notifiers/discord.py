"""Discord, by a webhook of a channel.

By the documentation (docs.discord.com/developers): "Execute Webhook" (resources/webhook), the limits of embeds and
"allowed mentions" (resources/message), "Rate Limits" (topics/rate-limits) and the JSON error codes
(topics/opcodes-and-status-codes).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from alerting.messages import fitted, markdown, message
from alerting.posting import ReceiverUrl, code_in_json, post
from core.ports import NotifierContext
from core.types import JsonObject, Notice, Severity

LONGEST_DESCRIPTION = 4096
MARKUP = markdown("\\`*_{}[]()<>#+-!|~:@")
_GONE = frozenset({"10015", "50027"})  # unknown webhook, invalid webhook token
_COLOURS: Mapping[Severity, int] = {
    Severity.CRITICAL: 0xB71C1C,
    Severity.HIGH: 0xE65100,
    Severity.MEDIUM: 0xF9A825,
    Severity.LOW: 0x1565C0,
    Severity.INFO: 0x607D8B,
}


class DiscordSettings(BaseModel):
    """The webhook of a channel."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: ReceiverUrl = Field(
        repr=False, description="Address of the channel's webhook; whoever knows it can post there."
    )


class DiscordNotifier:
    """Posts each notice as an embed that mentions nobody."""

    kind: ClassVar[str] = "discord"
    Settings: ClassVar[type[BaseModel]] = DiscordSettings

    def __init__(self, settings: DiscordSettings, context: NotifierContext) -> None:
        self._settings = settings
        self._context = context

    async def send(self, notice: Notice) -> None:
        """Return when Discord has kept the message. Raises DeliveryDeferred or DeliveryRefused."""
        await post(
            self._context,
            "Discord",
            _waiting(str(self._settings.url)),
            json.dumps(body(notice)),
            code=code_in_json("code"),
            gone_codes=_GONE,
        )


def body(notice: Notice) -> JsonObject:
    """Return what is posted for the notice."""
    lines = fitted(message(notice), LONGEST_DESCRIPTION, MARKUP.size)
    embed: JsonObject = {
        "description": MARKUP.text(lines),
        "color": _COLOURS[notice.severity or Severity.INFO],
        "timestamp": notice.sent_at.isoformat(),
    }
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _waiting(url: str) -> str:
    """Return the address with ``wait``: without it, Discord answers with success before the message is kept."""
    parts = urlsplit(url)
    return parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), "wait": "true"})).geturl()
