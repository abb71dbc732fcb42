"""GitHub's public gists. A document is one file of a gist, in the state that the list names.

Files are read at their raw addresses, which cost none of the API's requests, are never truncated, and name the state
of the content, so that only a file that changed is read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from core.errors import SourceUnavailable
from core.ports import SourceContext
from core.types import Document, JsonObject, Page
from sources.parsing.decoding import decode
from sources.parsing.json_values import moment_of, object_of, objects_of, text_of
from sources.polling.listed_items import ListedItem, read_listed, was_read
from sources.transport.fetching import Answer, WebAddress, fetch
from sources.transport.github_api import API_URL, api_headers

FILES_OF_A_GIST = 20
"""How many files of one gist are read: one of very many must not hold up all others."""

_LIST_SIZE = 100
_LISTS = 3
_NOT_TEXT = ("image/", "audio/", "video/", "font/")


class GistSettings(BaseModel):
    """Where gists are listed, and by whose leave."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: SecretStr = Field(
        SecretStr(""), description="A personal access token without any permission. With one, GitHub allows more."
    )
    url: WebAddress = Field(API_URL, description="Where GitHub's API is.")


class GistSource:
    """Every new and every changed file of public gists."""

    kind: ClassVar[str] = "gist"
    Settings: ClassVar[type[BaseModel]] = GistSettings

    def __init__(self, settings: GistSettings, context: SourceContext) -> None:
        self._base = settings.url.rstrip("/")
        self._headers = api_headers(settings.token)
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return files that were not read yet, the oldest first; see :class:`core.ports.Source`."""
        items: list[ListedItem] = []
        for number in range(1, _LISTS + 1):
            listing, rows = await self._list(number)
            listed = [item for gist in objects_of(rows) for item in self._items(gist)]
            items += listed
            # At first the newest are enough; later the list is read back to what is known.
            cut_off = len(rows) >= _LIST_SIZE
            if not cut_off or cursor is None or any(was_read(cursor, item) for item in listed):
                break
        return await read_listed(self._context, listing, items, cursor, cut_off=cut_off)

    async def _list(self, number: int) -> tuple[Answer, list[Any]]:
        url = f"{self._base}/gists/public?per_page={_LIST_SIZE}&page={number}"
        listing = await fetch(self._context, url, headers=self._headers)
        rows = listing.json()
        if not isinstance(rows, list):
            raise SourceUnavailable(f"{listing.host} lists no gists")
        return listing, rows

    def _items(self, gist: Mapping[str, Any]) -> Iterator[ListedItem]:
        gist_id, files = text_of(gist.get("id")), object_of(gist.get("files"))
        description = text_of(gist.get("description"))
        if gist_id is None:
            return
        for name, value in list(files.items())[:FILES_OF_A_GIST]:
            file = object_of(value)
            raw_url = text_of(file.get("raw_url"))
            if raw_url is None or (text_of(file.get("type")) or "").startswith(_NOT_TEXT):
                continue
            file_name = text_of(name) or ""
            document = Document(
                id=f"{self._context.name}:{gist_id}/{file_name}",
                source=self._context.name,
                external_id=f"{gist_id}/{file_name}",
                text="",
                title=f"{file_name}: {description}" if description else file_name,
                author=text_of(object_of(gist.get("owner")).get("login")),
                url=text_of(gist.get("html_url")) or f"https://gist.github.com/{gist_id}",
                published_at=moment_of(gist.get("updated_at")),
            )
            key = "\0".join((gist_id, raw_url, description or ""))
            yield ListedItem(key, partial(self._read, raw_url, document))

    async def _read(self, raw_url: str, document: Document) -> Document:
        # The token is for the API alone: a raw address may lead anywhere.
        answer = await fetch(self._context, raw_url)
        return replace(document, text=decode(answer.response.body), fetched_at=self._context.clock.now())
