"""Slack, by an incoming webhook.

By "Sending messages using incoming webhooks" (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks), "Rich
text block" (docs.slack.dev/reference/block-kit/blocks/rich-text-block) and "Formatting message text"
(docs.slack.dev/messaging/formatting-message-text). In rich text, a text is nothing but text: mentions and links would
be elements of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from alerting.messages import PLAIN_TEXT, Line, Piece, Style, fitted, heading, message
from alerting.posting import ReceiverUrl, code_as_text, post
from core.ports import NotifierContext
from core.types import Json, JsonObject, Notice

LONGEST_TEXT = 3000
"""Of the texts of all other blocks; none is documented for rich text."""
_GONE = frozenset({"no_service", "no_service_id", "no_team", "team_disabled", "no_active_hooks", "invalid_token"})
_STYLES: Mapping[Style, Mapping[str, Json]] = {
    Style.PLAIN: {},
    Style.STRONG: {"style": {"bold": True}},
    Style.QUOTED: {"style": {"code": True}},
}


class SlackSettings(BaseModel):
    """The incoming webhook."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: ReceiverUrl = Field(
        repr=False, description="Address of the incoming webhook; whoever knows it can post there."
    )


class SlackNotifier:
    """Posts each notice as rich text that mentions nobody and unfolds no address."""

    kind: ClassVar[str] = "slack"
    Settings: ClassVar[type[BaseModel]] = SlackSettings

    def __init__(self, settings: SlackSettings, context: NotifierContext) -> None:
        self._settings = settings
        self._context = context

    async def send(self, notice: Notice) -> None:
        """Return when Slack has taken the message. Raises DeliveryDeferred or DeliveryRefused."""
        await post(
            self._context,
            "Slack",
            str(self._settings.url),
            json.dumps(body(notice)),
            code=code_as_text,
            gone_codes=_GONE,
        )


def body(notice: Notice) -> JsonObject:
    """Return what is posted for the notice. ``text`` is for notifications, where blocks are not shown."""
    lines = fitted(message(notice), LONGEST_TEXT, PLAIN_TEXT.size)
    return {
        "text": _escaped(heading(notice)),
        "blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": _elements(lines)}]}],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _elements(lines: Sequence[Line]) -> list[Json]:
    elements: list[Json] = []
    for line in lines:
        if elements:
            elements.append({"type": "text", "text": "\n\n" if line.is_apart else "\n"})
        elements += map(_element, line.pieces)
    return elements


def _element(piece: Piece) -> Json:
    if piece.style is Style.LINKED:
        return {"type": "link", "url": piece.text, "text": piece.text}
    return {"type": "text", "text": piece.text, **_STYLES[piece.style]}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
