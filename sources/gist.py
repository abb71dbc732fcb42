"""GitHub's public gists. A document is one file of a gist, in the state that the list names.

The list is by last change, and what was read may be anywhere in it: a comment brings an old gist to the top. So it is
read back to the moment down to which all was read before.

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
from sources.parsing.json_values import moment_of, number_of, object_of, objects_of, text_of
from sources.polling.listed_items import ListedItem, read_listed
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
        read_until = number_of((cursor or {}).get("until"))
        gists: list[Mapping[str, Any]] = []
        for number in range(1, _LISTS + 1):
            listing, rows = await self._list(number)
            gists += objects_of(rows)
            oldest = min(filter(None, map(_changed_at, gists)), default=None)
            # At first the newest are enough.
            reached = read_until is None or len(rows) < _LIST_SIZE or (oldest is not None and oldest < read_until)
            if reached:
                break
        items = [
            item
            for gist in gists
            if read_until is None or (_changed_at(gist) or read_until) >= read_until
            for item in self._items(gist)
        ]
        page = await read_listed(self._context, listing, items, cursor, cut_off=False)
        following = page.cursor or {}
        gaps = [page.gap]
        passed_over = not reached and oldest is not None and oldest > (read_until or 0)
        if passed_over:
            gaps.append(f"{listing.host} was read back {len(gists)} gists, and more had changed")
        if read_until is None or passed_over:
            read_until = oldest
        if not following.get("waiting"):
            read_until = max(filter(None, map(_changed_at, gists)), default=read_until)
        return replace(page, cursor={**following, "until": read_until}, gap="; ".join(filter(None, gaps)) or None)

    async def _list(self, number: int) -> tuple[Answer, list[Any]]:
        url = f"{self._base}/gists/public?per_page={_LIST_SIZE}&page={number}"
        listing = await fetch(self._context, url, headers=self._headers)
        rows = await listing.json()
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


def _changed_at(gist: Mapping[str, Any]) -> int | None:
    """Return when the gist was changed last, in seconds since 1970."""
    moment = moment_of(gist.get("updated_at"))
    return int(moment.timestamp()) if moment else None
