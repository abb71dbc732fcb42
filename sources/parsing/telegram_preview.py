"""The messages in the preview of a Telegram channel, the pages that t.me/s/… shows to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sources.parsing.html_events import read_html
from sources.parsing.json_values import moment_of
from sources.parsing.plain_text import TextCollector

_PREFIX = "tgme_widget_message_"
# What a reader reads of a message, by the classes of the elements it stands in, without counters, which change.
_TEXTS = frozenset(
    {
        *(
            _PREFIX + name
            for name in (
                "forwarded_from", "text", "poll_question", "poll_option_text", "document_title", "contact_name",
                "contact_phone", "location_title", "location_address",
            )
        ),
        "link_preview_title",
        "link_preview_description",
    }
)  # fmt: skip
_CHANNEL = f"{_PREFIX}owner_name"
_SIGNATURE = f"{_PREFIX}from_author"
_QUOTED = f"{_PREFIX}reply"
_SERVICE = "service_message"


@dataclass(slots=True)
class PreviewMessage:
    """A message. ``texts`` are the parts of it that a reader reads, ``links`` where its text leads to."""

    number: int
    texts: list[str] = field(default_factory=list, repr=False)
    links: list[str] = field(default_factory=list, repr=False)
    channel: str | None = field(default=None, repr=False)
    signature: str | None = field(default=None, repr=False)
    published_at: datetime | None = None


def read_preview(page: bytes, channel: str) -> list[PreviewMessage]:
    """Return the messages of the channel that a page shows, in order, without those of the service itself ("… pinned a
    photo"). Markup of any other kind gives none."""
    preview = _Preview(channel)
    read_html(page.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}"), preview)
    by_number = {message.number: message for message in preview.messages}
    return [by_number[number] for number in sorted(by_number)]


class _Preview:
    """Takes the page from the parser as it comes. Levels count from the outermost element, 1."""

    def __init__(self, channel: str) -> None:
        self.messages: list[PreviewMessage] = []
        self._channel = channel.lower()
        self._level = 0
        self._message: PreviewMessage | None = None
        self._message_level = 0
        self._part = ""
        self._part_level = 0
        self._collector = TextCollector()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._level += 1
        classes = frozenset(attributes.get("class", "").split())
        if "data-post" in attributes:
            self._begin(attributes["data-post"], classes)
        elif self._message is None:
            return
        elif self._part:
            self._collector.start(name, attributes)
            link = attributes.get("href", "")
            if name == "a" and link.startswith(("http://", "https://")):
                self._message.links.append(link)
        elif part := next(iter(sorted(classes & {*_TEXTS, _CHANNEL, _SIGNATURE, _QUOTED})), ""):
            self._part, self._part_level, self._collector = part, self._level, TextCollector()
        elif name == "time":
            self._message.published_at = moment_of(attributes.get("datetime")) or self._message.published_at

    def end(self, name: str) -> None:
        if self._part and self._level == self._part_level:
            self._finish(self._collector.plain_text().text)
        elif self._part:
            self._collector.end(name)
        elif self._message and self._level == self._message_level:
            self._message = None
        self._level -= 1

    def data(self, text: str) -> None:
        if self._part:
            self._collector.data(text)

    def _begin(self, post: str, classes: frozenset[str]) -> None:
        channel, _, number = post.partition("/")
        self._part = ""
        self._message = None
        if channel.lower() == self._channel and number.isascii() and number.isdigit() and _SERVICE not in classes:
            self._message, self._message_level = PreviewMessage(int(number[:18])), self._level
            self.messages.append(self._message)

    def _finish(self, text: str) -> None:
        part, self._part = self._part, ""
        if self._message is None or not text:
            return
        if part == _CHANNEL:
            self._message.channel = text
        elif part == _SIGNATURE:
            self._message.signature = text
        elif part != _QUOTED:
            self._message.texts.append(text)
