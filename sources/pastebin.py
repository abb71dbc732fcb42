"""Pastebin by its scraping API (pastebin.com/doc_scraping_api), which is for PRO accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from core.errors import SourceBroken, SourceUnavailable
from core.ports import SourceContext
from core.types import Document, JsonObject, Page
from sources.parsing.decoding import decode
from sources.parsing.json_values import moment_of, text_of
from sources.polling.listed_items import ListedItem, NotYet, read_listed
from sources.transport.fetching import WebAddress, fetch

LISTING_SIZE = 250
"""The most that the API lists at once."""

_KEY = re.compile(r"[A-Za-z0-9]{1,32}")
_NO_ACCESS = b"DOES NOT HAVE ACCESS"
_NOT_READY = b"File is not ready for scraping yet"
_NOT_THERE = b"Error, "


class PastebinSettings(BaseModel):
    """Where the scraping API is."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: WebAddress = Field("https://scrape.pastebin.com", description="Where the scraping API is.")


class PastebinSource:
    """Every new public paste."""

    kind: ClassVar[str] = "pastebin"
    Settings: ClassVar[type[BaseModel]] = PastebinSettings

    def __init__(self, settings: PastebinSettings, context: SourceContext) -> None:
        self._base = settings.url.rstrip("/")
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return pastes that were not read yet, the oldest first; see :class:`core.ports.Source`."""
        listing = await fetch(self._context, f"{self._base}/api_scraping.php?limit={LISTING_SIZE}")
        if _NO_ACCESS in listing.response.body[:500]:
            raise SourceBroken("Pastebin gives no access to this address: enter it at pastebin.com/doc_scraping_api")
        rows = await listing.json()
        if not isinstance(rows, list):
            raise SourceUnavailable(f"{listing.host} lists no pastes")
        items = [ListedItem(key, partial(self._read, key, row)) for key, row in _keyed(rows)]
        return await read_listed(self._context, listing, items, cursor, cut_off=len(rows) >= LISTING_SIZE)

    async def _read(self, key: str, row: dict[str, Any]) -> Document | None:
        answer = await fetch(self._context, f"{self._base}/api_scrape_item.php?i={key}")
        body = answer.response.body
        # Messages come with status 200; a paste that reads like one has the size that the list tells.
        if str(row.get("size")) != str(len(body)):
            if body.startswith(_NOT_READY):
                raise NotYet
            if body.startswith(_NOT_THERE):
                return None
        name = self._context.name
        return Document(
            id=f"{name}:{key}",
            source=name,
            external_id=key,
            text=decode(body),
            title=text_of(row.get("title")),
            author=text_of(row.get("user")),
            url=f"https://pastebin.com/{key}",
            published_at=_moment(row.get("date")),
            fetched_at=self._context.clock.now(),
        )


def _keyed(rows: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in rows:
        key = row.get("key") if isinstance(row, dict) else None
        if isinstance(key, str) and _KEY.fullmatch(key):
            yield key, row


def _moment(value: Any) -> datetime | None:
    return moment_of(int(value[:20])) if isinstance(value, str) and value.isascii() and value.isdigit() else None
