"""What commands read: documents from files, standard input and feeds, in batches."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from core.errors import LeakwatchError
from core.http import GuardedClient
from core.ports import SourceContext
from core.types import Document
from monitor.parts import Parts
from sources.parsing.reading import Unreadable, read_documents

BATCH_SIZE = 512


class Reading:
    """The documents of an input and of feeds. What cannot be read is named on stderr and counted."""

    def __init__(self, parts: Parts, *, documents: str | None, feeds: Sequence[str] = ()) -> None:
        """``documents`` is a file, a directory, or ``-`` for standard input."""
        self.document_count = 0
        self.unreadable_count = 0
        self._parts = parts
        self._place = documents
        self._feeds = feeds

    def batches(self) -> Iterator[list[Document]]:
        """Yield all documents, with a progress bar on stderr where that is a terminal."""
        if self._place == "-" and sys.stdin.isatty():
            print("Reading documents from the terminal, one JSON object a line; end with Ctrl-D.", file=sys.stderr)
        columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} documents"), TimeElapsedColumn())
        console, longest = Console(stderr=True), self._parts.settings.monitor.max_characters
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("", total=None)
            batch: list[Document] = []
            for item in self._items():
                if isinstance(item, Unreadable):
                    self.unreadable_count += 1
                    print(f"leakwatch: {item}", file=sys.stderr)
                    continue
                document = item.cut(longest)
                if document is not item:
                    self.unreadable_count += 1
                    print(f"leakwatch: document {item.id} is read only to character {longest}", file=sys.stderr)
                batch.append(document)
                if len(batch) == BATCH_SIZE:
                    yield batch
                    self.document_count += len(batch)
                    progress.update(task, completed=self.document_count)
                    batch = []
            if batch:
                yield batch
                self.document_count += len(batch)

    def _items(self) -> Iterator[Document | Unreadable]:
        if self._place == "-":
            yield from read_documents(sys.stdin.buffer)
        elif self._place is not None:
            yield from read_documents(Path(self._place), name=self._place)
        for url in self._feeds:
            yield from asyncio.run(self._fetch(url))

    async def _fetch(self, url: str) -> list[Document | Unreadable]:
        clock = self._parts.clock
        items: list[Document | Unreadable] = []
        async with GuardedClient(self._parts.settings.http, clock) as http:
            try:
                feed = self._parts.sources.build("feed", {"url": url}, SourceContext(name=url, http=http, clock=clock))
                page = await feed.poll(None)
                items.extend(page.documents)
                while page.more:
                    page = await feed.poll(page.cursor)
                    items.extend(page.documents)
            except LeakwatchError as error:
                items.append(Unreadable(url, f"cannot be read: {error}"))
        return items
