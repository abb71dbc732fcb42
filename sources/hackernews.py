"""Hacker News by Algolia's search API (hn.algolia.com/api), which lists stories and comments by their time.

The list is read in stretches of time, the oldest first, so that no stretch holds more than one answer can. Each
stretch begins a little before the end of the last one, as items come into the index late and not in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from core.errors import SourceUnavailable
from core.ports import SourceContext
from core.types import Document, JsonObject, Page
from sources.parsing.json_values import moment_of, number_of, objects_of, text_of
from sources.parsing.plain_text import html_to_text
from sources.polling.given import Given, digest_of
from sources.transport.fetching import Answer, WebAddress, fetch

CATCHING_UP = timedelta(days=1)
"""How far back a poll looks after an outage."""

_STRETCH = timedelta(minutes=15)
"""How much one poll reads, and how far back the first one looks."""
_SHORTEST_STRETCH = timedelta(minutes=1)
_OVERLAP = timedelta(minutes=10)
_LIST_SIZE = 1000
"""The most that Algolia lists for one question."""
_REMEMBERED = 2 * _LIST_SIZE


class HackerNewsSettings(BaseModel):
    """Where the search API is."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: WebAddress = Field("https://hn.algolia.com/api/v1", description="Where the search API is.")


class HackerNewsSource:
    """Every new story, comment, poll and job. An item that is edited while it is recent is given again."""

    kind: ClassVar[str] = "hackernews"
    Settings: ClassVar[type[BaseModel]] = HackerNewsSettings

    def __init__(self, settings: HackerNewsSettings, context: SourceContext) -> None:
        self._base = settings.url.rstrip("/")
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return the items of the next stretch of time, the oldest first; see :class:`core.ports.Source`."""
        known = cursor or {}
        given = Given.read(known.get("given"))
        now = _seconds(self._context)
        read_until = number_of(known.get("until"))
        begin = now - _whole(_STRETCH) if read_until is None else min(read_until, now)
        gap = None
        if begin < now - _whole(CATCHING_UP):
            begin = now - _whole(CATCHING_UP)
            gap = (
                f"Hacker News was not read for more than {CATCHING_UP.days * 24} hours, and older items are passed over"
            )
        since = begin if read_until is None else begin - _whole(_OVERLAP)
        end = min(begin + _whole(_STRETCH), now)
        answer, rows, whole = await self._rows(since, begin, end)
        while not whole and end - begin > _whole(_SHORTEST_STRETCH):
            end = begin + (end - begin) // 2
            answer, rows, whole = await self._rows(since, begin, end)
        if not whole:
            gap = f"Hacker News lists {_LIST_SIZE} items at once, and more came within a minute"
        read = await asyncio.to_thread(lambda: list(self._documents(rows)))
        documents = {digest: document for digest, document in read if digest not in given}
        return Page(
            documents=tuple(documents.values()),
            cursor={"until": end, "given": given.and_also(documents, at_most=_REMEMBERED).written()},
            more=end < now,
            not_before=answer.not_before,
            gap=gap,
            quota_left=answer.quota_left,
        )

    async def _rows(self, since: int, begin: int, end: int) -> tuple[Answer, list[Mapping[str, Any]], bool]:
        """Return what was created from ``since`` until before ``end``, and whether all from ``begin`` on is there."""
        question = {
            "hitsPerPage": _LIST_SIZE,
            "numericFilters": f"created_at_i>={since},created_at_i<{end}",
        }
        answer = await fetch(self._context, f"{self._base}/search_by_date?{urlencode(question)}")
        content = await answer.json()
        if not isinstance(content, dict) or not isinstance(content.get("hits"), list):
            raise SourceUnavailable(f"{answer.host} lists no items")
        rows = objects_of(content["hits"])
        moments = (number_of(row.get("created_at_i")) for row in rows)
        earliest = min((moment for moment in moments if moment is not None), default=begin)
        return answer, rows, len(content["hits"]) < _LIST_SIZE or earliest < begin

    def _documents(self, rows: list[Mapping[str, Any]]) -> Iterator[tuple[str, Document]]:
        name, now = self._context.name, self._context.clock.now()
        for row in reversed(rows):
            item = row.get("objectID")
            if not isinstance(item, str) or not (item.isascii() and item.isdigit()):
                continue
            markup = text_of(row.get("comment_text")) or text_of(row.get("story_text"))
            link = text_of(row.get("url"))
            text = "\n".join(part for part in (html_to_text(markup).text if markup else None, link) if part)
            title, author = text_of(row.get("title")), text_of(row.get("author"))
            yield (
                digest_of(item, title, text, author),
                Document(
                    id=f"{name}:{item}",
                    source=name,
                    external_id=item,
                    text=text,
                    title=title,
                    author=author,
                    url=f"https://news.ycombinator.com/item?id={item}",
                    published_at=moment_of(row.get("created_at_i")),
                    fetched_at=now,
                ),
            )


def _seconds(context: SourceContext) -> int:
    return int(context.clock.now().timestamp())


def _whole(duration: timedelta) -> int:
    return int(duration.total_seconds())
