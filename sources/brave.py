"""Brave Search, by its Web Search API."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from core.errors import SourceBroken
from sources.parsing.json_values import moment_of, object_of, objects_of, text_of
from sources.search.results import Result, Results, address_of, plain_text_of
from sources.search.source import SubscribedSearch, SubscriptionSettings
from sources.transport.fetching import WebAddress

_RESULTS = 20
"""The most that the API gives to one query."""

_LISTS = ("web", "news", "discussions")


class BraveSettings(SubscriptionSettings):
    """Where Brave is."""

    url: WebAddress = Field("https://api.search.brave.com", description="Where the API is.")


class BraveSource(SubscribedSearch[BraveSettings]):
    """Searches the web by Brave."""

    kind: ClassVar[str] = "brave"
    service: ClassVar[str] = "Brave"
    Settings: ClassVar[type[BaseModel]] = BraveSettings

    async def _ask(self, query: str) -> Results:
        wanted = {
            "q": query,
            "count": _RESULTS,
            "safesearch": "off",
            "spellcheck": "0",
            "text_decorations": "0",
            "result_filter": ",".join(_LISTS),
        }
        headers = {"Accept": "application/json", "X-Subscription-Token": self._key}
        answer = await self._get("/res/v1/web/search", wanted, headers)
        content = object_of(await answer.json())
        if content.get("type") != "search":
            raise SourceBroken(f"{answer.host} answers with something else than search results")
        results = [
            Result(
                url=address,
                title=plain_text_of(row.get("title")),
                text="\n".join(map(plain_text_of, (row.get("description"), *_list_of(row.get("extra_snippets"))))),
                language=text_of(row.get("language")),
                published_at=moment_of(row.get("page_age")),
            )
            for name in _LISTS
            for row in objects_of(object_of(content.get(name)).get("results"))
            if (address := address_of(row.get("url")))
        ]
        return Results(results=results, answer=answer)


def _list_of(value: object) -> list[object]:
    return value if isinstance(value, list) else []
