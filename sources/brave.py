"""Brave Search, by its Web Search API."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode

from pydantic import BaseModel, Field, SecretStr

from core.errors import NotConfigured, SourceBroken
from core.ports import SourceContext
from core.types import JsonObject, Page
from sources.parsing.json_values import moment_of, object_of, objects_of, text_of
from sources.search.searching import Result, Results, SearchSettings, address_of, plain_text_of, poll_search
from sources.transport.fetching import WebAddress, fetch

_RESULTS = 20
"""The most that the API gives to one query."""

_LISTS = ("web", "news", "discussions")


class BraveSettings(SearchSettings):
    """The key that Brave gave."""

    api_key: SecretStr = Field(SecretStr(""), description="Key of a subscription to Brave's Web Search API.")
    url: WebAddress = Field("https://api.search.brave.com", description="Where the API is.")


class BraveSource:
    """Searches for the terms that may be searched for."""

    kind: ClassVar[str] = "brave"
    Settings: ClassVar[type[BaseModel]] = BraveSettings

    def __init__(self, settings: BraveSettings, context: SourceContext) -> None:
        if not settings.api_key.get_secret_value():
            raise NotConfigured("it needs an api_key, which Brave gives to subscribers of its Search API")
        self._settings = settings
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return the new results of the next query; see :class:`core.ports.Source`."""
        return await poll_search(self._context, self._settings, cursor, self._ask)

    async def _ask(self, query: str) -> Results:
        wanted = {
            "q": query,
            "count": _RESULTS,
            "safesearch": "off",
            "spellcheck": "0",
            "text_decorations": "0",
            "result_filter": ",".join(_LISTS),
        }
        answer = await fetch(
            self._context,
            f"{self._settings.url.rstrip('/')}/res/v1/web/search?{urlencode(wanted)}",
            headers={"Accept": "application/json", "X-Subscription-Token": self._settings.api_key.get_secret_value()},
            follow_redirects=False,
        )
        content = object_of(answer.json())
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
