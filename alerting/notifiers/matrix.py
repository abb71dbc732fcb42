"""Matrix, by the client-server API.

By the specification (spec.matrix.org/latest/client-server-api): "Sending events to a room", whose transaction
identifier makes a repeat harmless, "Size limits" (65,536 bytes for a whole event), m.room.message, "User and room
mentions" and "Rate limiting". Messages are not end-to-end encrypted.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import ClassVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from alerting.messages import HTML, PLAIN_TEXT, Line, fitted, message
from alerting.posting import BearerToken, ReceiverUrl, code_in_json, post
from core.ports import NotifierContext
from core.types import JsonObject, Notice

LONGEST_CONTENT_BYTES = 32_768
"""Half an event, as servers add identifiers and signatures to it."""
_GONE = frozenset({"M_UNKNOWN_TOKEN"})
_MARKUP = replace(HTML, line_break="<br>")


class MatrixSettings(BaseModel):
    """The account that writes, and the room that it writes to."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: ReceiverUrl = Field(repr=False, description="Address of the account's homeserver.")
    access_token: BearerToken = Field(description="Access token of the account that writes.")
    room: str = Field(
        pattern=r"^![^\s/?#]+$", max_length=255, description="Identifier of the room, such as !abc:matrix.example."
    )


class MatrixNotifier:
    """Sends each notice as a message event that mentions nobody; a repeat of it is no second message."""

    kind: ClassVar[str] = "matrix"
    Settings: ClassVar[type[BaseModel]] = MatrixSettings

    def __init__(self, settings: MatrixSettings, context: NotifierContext) -> None:
        self._settings = settings
        self._context = context

    async def send(self, notice: Notice) -> None:
        """Return when the homeserver has taken the message. Raises DeliveryDeferred or DeliveryRefused."""
        settings = self._settings
        room, transaction = quote(settings.room, safe=""), quote(notice.idempotency_key, safe="")
        await post(
            self._context,
            "the Matrix homeserver",
            f"{str(settings.url).rstrip('/')}/_matrix/client/v3/rooms/{room}/send/m.room.message/{transaction}",
            _json(body(notice)),
            method="PUT",
            headers={"authorization": f"Bearer {settings.access_token.get_secret_value()}"},
            code=code_in_json("errcode"),
            gone_codes=_GONE,
        )


def body(notice: Notice) -> JsonObject:
    """Return the content of the event for the notice."""
    lines = fitted(message(notice), LONGEST_CONTENT_BYTES - len(_json(_content(()))), _size)
    return _content(lines)


def _content(lines: tuple[Line, ...]) -> JsonObject:
    return {
        "msgtype": "m.text",  # clients do not tell their users of m.notice
        "body": PLAIN_TEXT.text(lines),
        "format": "org.matrix.custom.html",
        "formatted_body": _MARKUP.text(lines),
        "m.mentions": {},
    }


def _size(line: Line) -> int:
    return len(_json(PLAIN_TEXT.text((line,))).encode()) + len(_json(_MARKUP.text((line,))).encode()) + 12


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
