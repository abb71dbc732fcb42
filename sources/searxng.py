"""SearXNG: a metasearch engine that anybody can run, by its JSON interface."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode

from pydantic import BaseModel, Field

from core.errors import SourceBroken
from sources.parsing.json_values import moment_of, object_of, objects_of, text_of
from sources.search.results import Result, Results, address_of
from sources.search.source import SearchSettings, SearchSource
from sources.transport.fetching import WebAddress, fetch


class SearxngSettings(SearchSettings):
    """Which instance is asked."""

    url: WebAddress = Field(repr=False, description="Address of the instance, whose settings allow the format json.")
    categories: tuple[str, ...] = Field(("general",), description="Categories of engines that are asked.")
    queries_a_day: int = Field(200, ge=1, description="Most queries in a day (UTC).")
    queries_a_month: int = Field(6000, ge=1, description="Most queries in a month (UTC).")


class SearxngSource(SearchSource[SearxngSettings]):
    """Searches by all the engines that an instance asks."""

    kind: ClassVar[str] = "searxng"
    Settings: ClassVar[type[BaseModel]] = SearxngSettings

    async def _ask(self, query: str) -> Results:
        categories = ",".join(self._settings.categories)
        form = {"q": query, "format": "json", "categories": categories, "safesearch": "0"}
        answer = await fetch(
            self._context,
            self._settings.url.rstrip("/") + "/search",
            # By POST, so that the term stands in no log of addresses.
            method="POST",
            headers={"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
            follow_redirects=False,
        )
        content = object_of(await answer.json())
        if not isinstance(content.get("results"), list):
            raise SourceBroken(f"{answer.host} is no SearXNG: its answer has no results")
        results = [
            Result(
                url=address,
                title=text_of(row.get("title")),
                text=text_of(row.get("content")) or "",
                author=text_of(row.get("author")),
                published_at=moment_of(row.get("publishedDate")),
            )
            for row in objects_of(content["results"])
            if (address := address_of(row.get("url")))
        ]
        # An engine or other is nearly always silent. Nothing found and engines silent: nobody may have looked.
        silent = content.get("unresponsive_engines") if not results else None
        gap = f"{len(silent)} of its engines did not answer" if isinstance(silent, list) and silent else None
        return Results(results=results, answer=answer, gap=gap)
