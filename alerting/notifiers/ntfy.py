"""ntfy, by publishing to a topic.

By "Publishing" (docs.ntfy.sh/publish): "Publish as JSON", "Open website/app" (view actions), "Click action",
"Limitations", "Access tokens", and "Updating and deleting notifications", by which a repeat of a message with the same
sequence identifier replaces the first (from 2.16 on; servers before it do not know the field).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from alerting.messages import PLAIN_TEXT, Line, fitted, heading, link_label, message
from alerting.posting import BearerToken, ReceiverUrl, code_in_json, post, secret_like
from core.ports import NotifierContext
from core.types import JsonObject, Notice, Severity

LONGEST_BODY_BYTES = 4096
"""Of a message; of the whole body, too, on servers before 2."""
_PRIORITIES: Mapping[Severity, int] = {
    Severity.CRITICAL: 5,
    Severity.HIGH: 4,
    Severity.MEDIUM: 3,
    Severity.LOW: 2,
    Severity.INFO: 1,
}
_DEFAULT_PRIORITY = 3


class NtfySettings(BaseModel):
    """The server and the topic."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    topic: Annotated[SecretStr, secret_like(r"[-_A-Za-z0-9]{1,64}", "must be 1 to 64 letters, digits, - and _")] = (
        Field(description="Name of the topic; without a token, whoever knows it can read it.")
    )
    token: BearerToken | None = Field(None, description="Access token, where the topic is protected.")
    url: ReceiverUrl = Field(HttpUrl("https://ntfy.sh"), repr=False, description="Address of the server.")


class NtfyNotifier:
    """Publishes each notice as plain text, with a priority by its severity."""

    kind: ClassVar[str] = "ntfy"
    Settings: ClassVar[type[BaseModel]] = NtfySettings

    def __init__(self, settings: NtfySettings, context: NotifierContext) -> None:
        self._settings = settings
        self._context = context

    async def send(self, notice: Notice) -> None:
        """Return when the server has taken the message. Raises DeliveryDeferred or DeliveryRefused."""
        settings = self._settings
        token = settings.token
        await post(
            self._context,
            "ntfy",
            str(settings.url),
            _json(body(notice, settings.topic.get_secret_value())),
            headers={} if token is None else {"authorization": f"Bearer {token.get_secret_value()}"},
            code=code_in_json("code"),
        )


def body(notice: Notice, topic: str) -> JsonObject:
    """Return what is published for the notice."""

    def content(text: str) -> JsonObject:
        return {
            "topic": topic,
            "sequence_id": notice.idempotency_key,
            "title": heading(notice),
            "message": text,
            "priority": _DEFAULT_PRIORITY if notice.severity is None else _PRIORITIES[notice.severity],
            **_link(notice),
        }

    room = LONGEST_BODY_BYTES - len(_json(content("")).encode())
    return content(PLAIN_TEXT.text(fitted(message(notice, is_headed=False, is_linked=False), room, _size)))


def _link(notice: Notice) -> JsonObject:
    """Return the link as a button, and as what a tap on the notification opens."""
    if notice.link is None:
        return {}
    return {
        "click": notice.link,
        "actions": [{"action": "view", "label": link_label(notice), "url": notice.link}],
    }


def _size(line: Line) -> int:
    return len(_json(PLAIN_TEXT.text((line,))).encode()) + 2


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
