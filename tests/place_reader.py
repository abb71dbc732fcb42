"""Drives a source as the scheduler does."""

from __future__ import annotations

import json
from typing import Any

from core.ports import SourceContext
from core.types import Document, Page


class Reader:
    """Reads a source as the scheduler does: made anew for every poll, with a cursor that was stored."""

    def __init__(self, source: Any, context: SourceContext, **settings: Any) -> None:
        self._source = source
        self._context = context
        self._settings = settings
        self.cursor: Any = None
        self.pages: list[Page] = []

    async def poll(self) -> Page:
        """Return the next page. Where the poll fails, the cursor stays."""
        source = self._source(self._source.Settings.model_validate(self._settings), self._context)
        page: Page = await source.poll(self.cursor)
        self.cursor = json.loads(json.dumps(page.cursor, allow_nan=False))
        self.pages.append(page)
        return page

    async def read(self) -> list[Document]:
        """Return what comes until the source asks for no more."""
        documents: list[Document] = []
        for _ in range(1000):
            page = await self.poll()
            documents += page.documents
            if not page.more:
                return documents
        raise AssertionError("the source always asks for more")

    async def ids(self) -> list[str | None]:
        """Return the place's own identifiers of what comes until the source asks for no more."""
        return [document.external_id for document in await self.read()]
