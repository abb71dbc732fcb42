"""Mattermost, by an incoming webhook.

By "Incoming webhooks" (developers.mattermost.com/integrate/webhooks/incoming): a post may have 16,383 characters, and
longer texts are cut into several posts. What Slack writes in angle brackets (``<!channel>``, ``<address|text>``) is
read before Markdown is, in code too, so there are no such brackets.
"""

from __future__ import annotations

import json
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from alerting.messages import fitted, markdown, message
from alerting.posting import ReceiverUrl, code_in_json, post
from core.ports import NotifierContext
from core.types import JsonObject, Notice

LONGEST_TEXT = 16_383
MARKUP = markdown("\\`*_{}[]()#+-!>|~", {"<": "‹"})


class MattermostSettings(BaseModel):
    """The incoming webhook."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: ReceiverUrl = Field(
        repr=False, description="Address of the incoming webhook; whoever knows it can post there."
    )


class MattermostNotifier:
    """Posts each notice as a message that mentions nobody."""

    kind: ClassVar[str] = "mattermost"
    Settings: ClassVar[type[BaseModel]] = MattermostSettings

    def __init__(self, settings: MattermostSettings, context: NotifierContext) -> None:
        self._settings = settings
        self._context = context

    async def send(self, notice: Notice) -> None:
        """Return when Mattermost has taken the message. Raises DeliveryDeferred or DeliveryRefused."""
        await post(
            self._context, "Mattermost", str(self._settings.url), json.dumps(body(notice)), code=code_in_json("id")
        )


def body(notice: Notice) -> JsonObject:
    """Return what is posted for the notice."""
    return {"text": MARKUP.text(fitted(message(notice), LONGEST_TEXT, MARKUP.size))}
