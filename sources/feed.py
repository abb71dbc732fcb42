"""Feeds: RSS, Atom and JSON Feed, by conditional requests."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from core.errors import SourceBroken, SourceUnavailable
from core.ports import HttpResponse, SourceContext
from core.types import Document, JsonObject, Page
from sources.parsing.feed_links import feed_links
from sources.parsing.formats import Format, UnreadableFormat
from sources.parsing.limited_reading import PARSING_SECONDS, BeyondLimits, read_within_limits
from sources.transport.fetching import Answer, WebAddress, fetch
from sources.transport.robots import fetch_page, require_allowed
from sources.transport.validators import Validators

PAGE_SIZE = 200

_DIGEST_BYTES = 8
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/xml;q=0.9, application/json;q=0.8, */*;q=0.1"
)


class FeedSettings(BaseModel):
    """Where the feed is, and what it may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: WebAddress = Field(
        repr=False, description="Address of the RSS, Atom or JSON feed, or of a page that names it (http or https)."
    )
    parsing_seconds: int = Field(
        PARSING_SECONDS, ge=1, le=60, description="Processor time that reading the feed may take."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    """``seen`` holds a digest for each entry that was in the feed at the last poll and was given; ``feed`` is where the
    page at the address of the settings says that its feed is."""

    feed: str | None = field(default=None, repr=False)
    validators: Validators = field(default_factory=Validators)
    seen: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def read(cls, cursor: JsonObject | None) -> _Cursor:
        if cursor is None:
            return cls()
        feed, seen = cursor.get("feed"), cursor.get("seen")
        return cls(
            feed=feed if isinstance(feed, str) else None,
            validators=Validators.read(cursor),
            seen=frozenset(map(str, seen)) if isinstance(seen, Sequence) else frozenset(),
        )

    def written(self) -> JsonObject:
        return {"feed": self.feed, **self.validators.written(), "seen": sorted(self.seen)}

    def elsewhere(self, feed: str | None) -> _Cursor:
        """Return what is known of the feed at another address: what was given of it."""
        return _Cursor(feed=feed, seen=self.seen)


class _NoFeed(SourceBroken):
    """What is at the address is no feed, but perhaps a page that names one."""

    def __init__(self, sentence: str, response: HttpResponse) -> None:
        super().__init__(sentence)
        self.response = response


class FeedSource:
    """One feed, or that of a page. A document is one entry; an entry whose content changed is given again."""

    kind: ClassVar[str] = "feed"
    Settings: ClassVar[type[BaseModel]] = FeedSettings

    def __init__(self, settings: FeedSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return the entries that are new or changed, oldest first; see :class:`core.ports.Source`."""
        known = _Cursor.read(cursor)
        if known.feed is not None:
            try:
                return await self._page(known)
            except SourceBroken:  # the page may name another by now
                known = known.elsewhere(None)
        try:
            return await self._page(known)
        except _NoFeed as error:
            links = await asyncio.to_thread(feed_links, error.response.body, error.response.url)
            if not links:
                raise
            await require_allowed(self._context, error.response.url)
            return await self._page(known.elsewhere(links[0]))

    async def _page(self, known: _Cursor) -> Page:
        headers = {"Accept": _ACCEPT, **known.validators.headers()}
        if known.feed is None:
            answer = await fetch(self._context, self._settings.url, headers=headers)
        else:  # an address that was found, not given
            answer = await fetch_page(self._context, known.feed, headers=headers)
        response, not_before = answer.response, answer.not_before
        now = self._context.clock.now()
        if response.status == 304:
            return Page(documents=(), cursor=known.written(), not_before=not_before)
        entries = await asyncio.to_thread(self._entries, answer)
        by_digest = {_digest(entry): entry for entry in entries}
        fresh = [digest for digest in by_digest if digest not in known.seen]
        given, rest = fresh[:PAGE_SIZE], fresh[PAGE_SIZE:]
        seen = frozenset(by_digest).difference(rest) or known.seen  # an empty answer is a hiccup more often than an end
        # Where a rest is left, without validators: the next poll must get the whole feed again.
        validators = Validators() if rest else Validators.of(response)
        return Page(
            documents=tuple(self._document(by_digest[digest], now) for digest in given),
            cursor=replace(known, validators=validators, seen=seen).written(),
            more=bool(rest),
            not_before=not_before,
            gap=_gap(known.seen, by_digest),
        )

    def _entries(self, answer: Answer) -> list[Document]:
        name, response = f"the feed of {answer.host}", answer.response
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
            raise _NoFeed(f"{name} {error}", response) from error

    def _document(self, entry: Document, now: datetime) -> Document:
        name = self._context.name
        return replace(entry, id=f"{name}:{entry.id}", source=name, fetched_at=now)


def _digest(entry: Document) -> str:
    """Return a short digest that changes with what the entry is (the first half) and says (the second)."""
    said = "\0".join((entry.id, entry.title or "", entry.text, entry.author or "", entry.url or ""))
    return _short(entry.id) + _short(said)


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def _gap(known: Collection[str], current: Collection[str]) -> str | None:
    """Return a sentence where a feed holds nothing of what it held: more came than it can hold."""
    halves = [{digest[: 2 * _DIGEST_BYTES] for digest in digests} for digests in (known, current)]
    if all(halves) and halves[0].isdisjoint(halves[1]):
        return "the feed holds no entry of the last poll any more: poll it more often"
    return None
