"""Telegram: the messages of public channels, from the preview that t.me shows of them to everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.errors import NotConfigured, SourceBroken, SourceError
from core.ports import SourceContext
from core.types import Document, Json, JsonObject, Page
from sources.parsing.json_values import number_of, object_of
from sources.parsing.telegram_preview import PreviewMessage, read_preview
from sources.polling.given import Given, digest_of
from sources.polling.unreadable import Unreadable
from sources.transport.fetching import Answer, WebAddress
from sources.transport.robots import fetch_page

LONGEST_CATCH_UP = 1000
"""With more messages than this since the last poll, a channel is read on from its newest ones."""

_REMEMBERED = 200
"""Some ten pages of a preview, so that the newest page, of which messages were deleted, holds nothing forgotten."""
_GAP = "more messages came than are read after a pause, and the older ones were passed over"


class TelegramSettings(BaseModel):
    """Which channels are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    channels: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{3,31}$")], ...] = Field(
        (), description="Names of public channels, without @. One without preview is told, the others are read on."
    )
    url: WebAddress = Field("https://t.me", description="Where the previews are.")


@dataclass(frozen=True, slots=True)
class _Channel:
    """``last`` is the number of the newest message given, None before the first poll."""

    last: int | None = None
    given: Given = field(default_factory=Given)

    @classmethod
    def read(cls, written: Json) -> _Channel:
        channel = object_of(written)
        return cls(number_of(channel.get("last")), Given.read(channel.get("given")))

    def written(self) -> JsonObject:
        return {"last": self.last, "given": self.given.written()}


class TelegramSource:
    """Channels. A poll reads a page of one of them; an edited message is given again."""

    kind: ClassVar[str] = "telegram"
    Settings: ClassVar[type[BaseModel]] = TelegramSettings

    def __init__(self, settings: TelegramSettings, context: SourceContext) -> None:
        if not settings.channels:
            raise NotConfigured("it names no channel")
        self._settings = settings
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return the new or edited messages of the next channel, oldest first; see :class:`core.ports.Source`."""
        names = self._settings.channels
        written = object_of((cursor or {}).get("channels"))
        channels = {name: _Channel.read(written.get(name)) for name in names}
        position = number_of((cursor or {}).get("next")) or 0
        number = position if 0 <= position < len(names) else 0
        name = names[number]
        before = channels[name]
        unreadable = Unreadable.read((cursor or {}).get("unreadable"), names)
        try:
            messages, answer, ended, gap = await self._read(name, before.last)
        except SourceError as error:
            unreadable = unreadable.and_also(name, f"number {number + 1} of the channels: {error}")
            following = (number + 1) % len(names)
            skipped = _written(following, channels, unreadable)
            return unreadable.page_past(error, names, skipped, more=following != 0)
        unreadable = unreadable.without(name)
        by_digest = {_digest(message): message for message in messages}
        fresh = [message for digest, message in by_digest.items() if digest not in before.given]
        last = max([before.last or 0, *(message.number for message in messages)]) or None
        channels[name] = _Channel(last, before.given.and_also(by_digest, at_most=_REMEMBERED))
        following = (number + 1) % len(names) if ended else number
        now = self._context.clock.now()
        return Page(
            documents=tuple(self._document(name, message, now) for message in fresh if _text(message)),
            cursor=_written(following, channels, unreadable),
            more=following != 0 or not ended,
            not_before=answer.not_before,
            gap=gap,
            failing=unreadable.sentence(),
        )

    async def _read(self, name: str, last: int | None) -> tuple[list[PreviewMessage], Answer, bool, str | None]:
        """Return the messages after the last one that was given, oldest first, the last answer, whether the end of the
        channel was reached, and what was passed over. Raises as :meth:`_page`."""
        messages, answer = await self._page(name)
        if last is None or not messages or messages[0].number <= last + 1:
            return messages, answer, True, None
        if messages[0].number - last > LONGEST_CATCH_UP:
            return messages, answer, True, _GAP
        # Between the two there may be more, or only numbers that are no message.
        between, answer = await self._page(name, after=last)
        between = [message for message in between if message.number > last]
        return between or messages, answer, not between, None

    async def _page(self, channel: str, *, after: int | None = None) -> tuple[list[PreviewMessage], Answer]:
        """Return the newest messages, or those right after a number. Raises SourceBroken where robots.txt
        does not allow it, for a channel without preview (t.me leads on to the page that invites to join it), and for
        one whose preview is empty: Telegram does not show it, or shows it in another way than is read here."""
        query = "" if after is None else f"?after={after}"
        answer = await fetch_page(self._context, f"{self._settings.url.rstrip('/')}/s/{channel}{query}")
        if "/s/" not in urlsplit(answer.response.url).path:
            raise SourceBroken("the channel does not exist or shows no preview")
        messages = await asyncio.to_thread(read_preview, answer.response.body, channel)
        if after is None and not messages:
            raise SourceBroken("the preview of the channel shows no message")
        return messages, answer

    def _document(self, channel: str, message: PreviewMessage, now: datetime) -> Document:
        name, identifier = self._context.name, f"{channel}/{message.number}"
        return Document(
            id=f"{name}:{identifier}",
            source=name,
            external_id=identifier,
            text=_text(message),
            author=", ".join(filter(None, (message.signature, message.channel))) or None,
            url=f"{self._settings.url.rstrip('/')}/{identifier}",
            published_at=message.published_at,
            fetched_at=now,
        )


def _written(following: int, channels: Mapping[str, _Channel], unreadable: Unreadable) -> JsonObject:
    written = {name: channel.written() for name, channel in channels.items()}
    return {"next": following, "channels": written, "unreadable": unreadable.written()}


def _digest(message: PreviewMessage) -> str:
    return digest_of(message.number, _text(message))


def _text(message: PreviewMessage) -> str:
    """Return the text, and below it where its links lead to, if it does not say so."""
    text = "\n".join(message.texts)
    return "\n".join([text, *(link for link in dict.fromkeys(message.links) if link not in text)])
