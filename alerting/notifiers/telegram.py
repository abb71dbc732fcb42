"""Telegram, by a bot.

By the Bot API (core.telegram.org/bots/api): "Making requests", sendMessage, MessageEntity, LinkPreviewOptions and
ResponseParameters. Quotes are marked as code by their position, so that nothing written in them is read as markup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from alerting.messages import PLAIN_TEXT, Line, Style, fitted, message
from alerting.posting import ReceiverUrl, code_in_json, post, secret_like
from core.ports import NotifierContext
from core.types import Json, JsonObject, Notice

LONGEST_TEXT = 4096
"""In UTF-16 code units, as the positions of entities are counted."""
MOST_ENTITIES = 100
_GONE = frozenset({"401"})  # the token was revoked
_ENTITIES: Mapping[Style, str] = {Style.STRONG: "bold", Style.QUOTED: "code"}


class TelegramSettings(BaseModel):
    """The bot, and the chat that it writes to."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: Annotated[SecretStr, secret_like(r"[0-9]+:[A-Za-z0-9_-]+", "must be digits, a colon and letters")] = Field(
        description="Token of the bot, as BotFather gave it."
    )
    chat: str = Field(
        pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64})$",
        coerce_numbers_to_str=True,
        description="Identifier of the chat, or @name of a channel.",
    )
    url: ReceiverUrl = Field(
        HttpUrl("https://api.telegram.org"), repr=False, description="Address of the Bot API, for a server of your own."
    )


class TelegramNotifier:
    """Sends each notice as a message in which no address is a link."""

    kind: ClassVar[str] = "telegram"
    Settings: ClassVar[type[BaseModel]] = TelegramSettings

    def __init__(self, settings: TelegramSettings, context: NotifierContext) -> None:
        self._settings = settings
        self._context = context

    async def send(self, notice: Notice) -> None:
        """Return when Telegram has sent the message. Raises DeliveryDeferred or DeliveryRefused."""
        settings = self._settings
        await post(
            self._context,
            "Telegram",
            f"{str(settings.url).rstrip('/')}/bot{settings.token.get_secret_value()}/sendMessage",
            json.dumps({"chat_id": settings.chat, **body(notice)}),
            code=code_in_json("error_code"),
            gone_codes=_GONE,
        )


def body(notice: Notice) -> JsonObject:
    """Return what is sent for the notice, but for the chat."""
    lines = fitted(message(notice), LONGEST_TEXT, lambda line: _units(PLAIN_TEXT.text((line,))) + 2)
    return {
        "text": PLAIN_TEXT.text(lines),
        "entities": _entities(lines)[:MOST_ENTITIES],
        "link_preview_options": {"is_disabled": True},
    }


def _entities(lines: Sequence[Line]) -> list[Json]:
    """Return which stretches of the text are bold or code."""
    entities: list[Json] = []
    for number, line in enumerate(lines):
        offset = _units(PLAIN_TEXT.text(lines[: number + 1])) - _units(PLAIN_TEXT.line(line))
        for piece in line.pieces:
            length = _units(piece.text)
            if piece.style is Style.LINKED:
                entities.append({"type": "text_link", "offset": offset, "length": length, "url": piece.text})
            elif piece.style in _ENTITIES:
                entities.append({"type": _ENTITIES[piece.style], "offset": offset, "length": length})
            offset += length
    return entities


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
