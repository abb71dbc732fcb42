"""What the tests of several sources stand on: a context that reaches this machine only, and polls."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from core.clock import Clock, SystemClock
from core.http import GuardedClient
from core.ports import Source, SourceContext
from core.settings import HttpSettings
from core.types import Document, Page


@asynccontextmanager
async def loopback_context(name: str, clock: Clock | None = None, **settings: Any) -> AsyncIterator[SourceContext]:
    """A context whose way out leads to this machine, without a pace; by the machine's clock unless there is another."""
    clock = clock or SystemClock()
    values = {"allowed_networks": ["127.0.0.0/8"], "host_interval_seconds": 0, **settings}
    async with GuardedClient(HttpSettings.model_validate(values), clock) as http:
        yield SourceContext(name=name, http=http, clock=clock)


async def poll_anew(
    make: Callable[[Any, SourceContext], Source],
    model: Any,
    settings: dict[str, Any],
    context: SourceContext,
    cursor: Any = None,
) -> Page:
    """Poll with a source made anew and a cursor as it comes from the database."""
    source = make(model.model_validate(settings), context)
    return await source.poll(json.loads(json.dumps(cursor)))


async def poll_to_the_end(
    poll: Callable[[Any], Any], cursor: Any = None, *, polls: int = 60
) -> tuple[list[Document], Any]:
    """Poll until a page asks for no other; return all documents and the last cursor."""
    documents: list[Document] = []
    for _ in range(polls):
        page = await poll(cursor)
        documents += page.documents
        cursor = page.cursor
        if not page.more:
            return documents, cursor
    raise AssertionError(f"a place was not read to its end in {polls} polls")
