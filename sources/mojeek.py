"""Mojeek, a search engine with an index of its own, by its Search API."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode

from pydantic import BaseModel, Field, SecretStr

from core.errors import NotConfigured, SourceUnavailable
from core.ports import SourceContext
from core.types import JsonObject, Page
from sources.parsing.json_values import object_of, objects_of
from sources.search.searching import Result, Results, SearchSettings, address_of, plain_text_of, poll_search
from sources.transport.fetching import WebAddress, fetch

_RESULTS = 20
_LONGEST_TITLE, _LONGEST_DESCRIPTION = 127, 511
"""The longest that the API gives."""


class MojeekSettings(SearchSettings):
    """The key that Mojeek gave."""

    api_key: SecretStr = Field(SecretStr(""), description="Key of a subscription to Mojeek's Search API.")
    url: WebAddress = Field("https://api.mojeek.com", description="Where the API is.")


class MojeekSource:
    """Searches for the terms that may be searched for."""

    kind: ClassVar[str] = "mojeek"
    Settings: ClassVar[type[BaseModel]] = MojeekSettings

    def __init__(self, settings: MojeekSettings, context: SourceContext) -> None:
        if not settings.api_key.get_secret_value():
            raise NotConfigured("it needs an api_key, which Mojeek gives to subscribers of its Search API")
        self._settings = settings
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return the new results of the next query; see :class:`core.ports.Source`."""
        return await poll_search(self._context, self._settings, cursor, self._ask)

    async def _ask(self, query: str) -> Results:
        wanted = {
            "q": query,
            "api_key": self._settings.api_key.get_secret_value(),
            "fmt": "json",
            "t": _RESULTS,
            "safe": 0,
            "tlen": _LONGEST_TITLE,
            "dlen": _LONGEST_DESCRIPTION,
        }
        answer = await fetch(
            self._context,
            f"{self._settings.url.rstrip('/')}/search?{urlencode(wanted)}",
            headers={"Accept": "application/json"},
            follow_redirects=False,
        )
        response = object_of(object_of(answer.json()).get("response"))
        # A wrong key and a used up allowance are told in the body, with status 200.
        if response.get("status") != "OK":
            raise SourceUnavailable(f"{answer.host} answers with an error: the key or its allowance")
        results = [
            Result(url=address, title=plain_text_of(row.get("title")), text=plain_text_of(row.get("desc")))
            for row in objects_of(response.get("results"))
            if (address := address_of(row.get("url")))
        ]
        return Results(results=results, answer=answer)
