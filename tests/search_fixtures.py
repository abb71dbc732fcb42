"""What the tests of search sources stand on: a service, terms, a clock that a test moves, polls from a cursor."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.plugins import discover
from core.ports import SearchTerm, Source, SourceContext
from core.types import Page
from tests.service_fixtures import ManualClock
from tests.source_fixtures import loopback_context

SOURCES = discover(Source, noun="source", package="sources", group="leakwatch.sources")  # type: ignore[type-abstract]
HERON = SearchTerm(id="trm_1", text="night_heron", priority=3)
HOUSE = SearchTerm(id="trm_2", text='safe "house" -site:example.org', priority=1)


@asynccontextmanager
async def search_context(*terms: SearchTerm) -> AsyncIterator[SourceContext]:
    """Yield a context with these terms and a clock that a test moves by hand."""
    async with loopback_context("Web") as context:
        yield replace(context, clock=ManualClock(), search_terms=terms)


def serve(
    httpserver: HTTPServer, content: object, status: int = 200, headers: dict[str, str] | None = None
) -> list[Request]:
    """Answer every query with this; return the list that the requests will be in."""
    requests: list[Request] = []
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def answer(request: Request) -> Response:
        requests.append(request)
        return Response(body, status, headers, content_type="application/json")

    httpserver.clear()
    httpserver.expect_request(re.compile("/.*")).respond_with_handler(answer)
    return requests


async def poll(kind: str, settings: dict[str, Any], context: SourceContext, cursor: Any = None) -> Page:
    """Poll with a source made anew and a cursor as it comes from the database."""
    return await SOURCES.build(kind, settings, context).poll(json.loads(json.dumps(cursor)))


async def poll_all(kind: str, settings: dict[str, Any], context: SourceContext, cursor: Any = None) -> list[Page]:
    """Poll as long as there is more at once; return the pages."""
    pages = [await poll(kind, settings, context, cursor)]
    while pages[-1].more:
        pages.append(await poll(kind, settings, context, pages[-1].cursor))
    return pages
