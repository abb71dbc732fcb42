"""Feeds: RSS, Atom and JSON Feed, by conditional requests."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from core.errors import SourceBroken, SourceUnavailable
from core.ports import HttpResponse, SourceContext
from core.types import Document, JsonObject, Page
from sources.fetching import WebAddress, fetch
from sources.formats import Format, UnreadableFormat
from sources.limited_reading import PARSING_SECONDS, BeyondLimits, read_within_limits
from sources.validators import Validators

PAGE_SIZE = 200

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/xml;q=0.9, application/json;q=0.8, */*;q=0.1"
)


class FeedSettings(BaseModel):
    """Where the feed is, and what it may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: WebAddress = Field(repr=False, description="Address of the RSS, Atom or JSON feed (http or https).")
    parsing_seconds: int = Field(
        PARSING_SECONDS, ge=1, le=60, description="Processor time that reading the feed may take."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    """``seen`` holds a digest for each entry that was in the feed at the last poll and was given."""

    validators: Validators = field(default_factory=Validators)
    seen: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def read(cls, cursor: JsonObject | None) -> _Cursor:
        if cursor is None:
            return cls()
        seen = cursor.get("seen")
        return cls(
            validators=Validators.read(cursor),
            seen=frozenset(map(str, seen)) if isinstance(seen, Sequence) else frozenset(),
        )

    def written(self) -> JsonObject:
        return {**self.validators.written(), "seen": sorted(self.seen)}


class FeedSource:
    """One feed. A document is one entry; an entry whose content changed is given again."""

    kind: ClassVar[str] = "feed"
    Settings: ClassVar[type[BaseModel]] = FeedSettings

    def __init__(self, settings: FeedSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._host = urlsplit(settings.url).hostname or ""

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return the entries that are new or changed, oldest first; see :class:`core.ports.Source`."""
        known = _Cursor.read(cursor)
        headers = {"Accept": _ACCEPT, **known.validators.headers()}
        answer = await fetch(self._context, self._settings.url, headers=headers)
        response, not_before = answer.response, answer.not_before
        now = self._context.clock.now()
        if response.status == 304:
            return Page(documents=(), cursor=cursor, not_before=not_before)
        entries = await asyncio.to_thread(self._entries, response)
        by_digest = {_digest(entry): entry for entry in entries}
        fresh = [digest for digest in by_digest if digest not in known.seen]
        given, rest = fresh[:PAGE_SIZE], fresh[PAGE_SIZE:]
        seen = frozenset(by_digest).difference(rest) or known.seen  # an empty answer is a hiccup more often than an end
        # Where a rest is left, without validators: the next poll must get the whole feed again.
        following = _Cursor(seen=seen) if rest else _Cursor(validators=Validators.of(response), seen=seen)
        return Page(
            documents=tuple(self._document(by_digest[digest], now) for digest in given),
            cursor=following.written(),
            more=bool(rest),
            not_before=not_before,
        )

    def _entries(self, response: HttpResponse) -> list[Document]:
        name = f"the feed of {self._host}"
        try:
            return read_within_limits(
                response.body,
                Format.FEED,
                name=name,
                seconds=self._settings.parsing_seconds,
                url=response.url,
                content_type=response.headers.get("content-type"),
            )
        except BeyondLimits as error:
            raise SourceUnavailable(f"{name} {error}") from error
        except UnreadableFormat as error:
            raise SourceBroken(f"{name} {error}") from error

    def _document(self, entry: Document, now: datetime) -> Document:
        name = self._context.name
        return replace(entry, id=f"{name}:{entry.id}", source=name, fetched_at=now)


def _digest(entry: Document) -> str:
    """Return a short digest that changes with what the entry is and says."""
    said = "\0".join((entry.id, entry.title or "", entry.text, entry.author or "", entry.url or ""))
    return hashlib.blake2b(said.encode(), digest_size=9).hexdigest()
