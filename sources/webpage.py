"""Web pages: the text of one page, whenever it changes."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from core.errors import SourceBroken, SourceUnavailable
from core.ports import HttpResponse, SourceContext
from core.types import Document, JsonObject, Page
from sources.parsing.formats import Format, UnreadableFormat, format_of
from sources.parsing.limited_reading import PARSING_SECONDS, BeyondLimits, read_within_limits
from sources.transport.fetching import WebAddress
from sources.transport.robots import fetch_page
from sources.transport.validators import Validators

_ACCEPT = "text/html, application/xhtml+xml, text/plain;q=0.8, */*;q=0.1"
_HTML_TYPES = ("text/html", "application/xhtml+xml")
_HEAD_BYTES = 4096


class WebpageSettings(BaseModel):
    """Which page, and how much of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: WebAddress = Field(repr=False, description="Address of the page (http or https).")
    whole: bool = Field(
        False, description="Read all of the page's text: menus, lists and footers, too, not only its main text."
    )
    parsing_seconds: int = Field(
        PARSING_SECONDS, ge=1, le=60, description="Processor time that reading the page may take."
    )


class WebpageSource:
    """One page. The document is the whole page, given again when what it says changes.

    The cursor holds the validators of the last answer, and digests of it and of what it said.
    """

    kind: ClassVar[str] = "webpage"
    Settings: ClassVar[type[BaseModel]] = WebpageSettings

    def __init__(self, settings: WebpageSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._name = f"the page of {urlsplit(settings.url).hostname}"

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return the page where it changed; see :class:`core.ports.Source`."""
        known = cursor or {}
        headers = {"Accept": _ACCEPT, **Validators.read(known).headers()}
        answer = await fetch_page(self._context, self._settings.url, headers=headers)
        response = answer.response
        if response.status == 304:
            return Page(documents=(), cursor=cursor, not_before=answer.not_before, silence_is_usual=True)
        content = _digest(response.body)
        documents, said = [], known.get("said")
        if content != known.get("content"):
            read = await asyncio.to_thread(self._read, response)
            if _said(read) != said:
                documents, said = [read], _said(read)
        following = {**Validators.of(response).written(), "content": content, "said": said}
        return Page(documents=tuple(documents), cursor=following, not_before=answer.not_before, silence_is_usual=True)

    def _read(self, response: HttpResponse) -> Document:
        try:
            kind = self._format(response)
            try:
                read = self._document(response, kind)
            except BeyondLimits:
                if kind is not Format.WEB_PAGE:
                    raise
                # Time grows with the square of a page's paragraphs: neither a long page nor a trap goes unread.
                read = self._document(response, Format.HTML)
        except BeyondLimits as error:
            raise SourceUnavailable(f"{self._name} {error}") from error
        except UnreadableFormat as error:
            raise SourceBroken(f"{self._name} {error}") from error
        return replace(
            read,
            id=f"{self._context.name}:{read.id}",
            external_id=read.id,
            source=self._context.name,
            url=self._settings.url,
            fetched_at=self._context.clock.now(),
        )

    def _document(self, response: HttpResponse, kind: Format) -> Document:
        (document,) = read_within_limits(
            response.body,
            kind,
            name=_digest(self._settings.url.encode()),
            seconds=self._settings.parsing_seconds,
            url=response.url,
        )
        return document

    def _format(self, response: HttpResponse) -> Format:
        """Return how to read the page. Raises UnreadableFormat."""
        found = format_of("", response.body[:_HEAD_BYTES])
        if found is Format.FEED:
            raise UnreadableFormat("is a feed: read it with a source of kind feed")
        declared = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if declared in _HTML_TYPES or (not declared and found is Format.HTML):
            return Format.HTML if self._settings.whole else Format.WEB_PAGE
        return Format.TEXT


def _said(document: Document) -> str:
    return _digest("\0".join((document.title or "", document.text)).encode())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
