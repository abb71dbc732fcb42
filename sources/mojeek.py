"""Mojeek, a search engine with an index of its own, by its Search API."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from core.errors import SourceUnavailable
from sources.parsing.json_values import object_of, objects_of
from sources.search.results import Result, Results, address_of, plain_text_of
from sources.search.source import SubscribedSearch, SubscriptionSettings
from sources.transport.fetching import WebAddress

_RESULTS = 20
_LONGEST_TITLE, _LONGEST_DESCRIPTION = 127, 511
"""The longest that the API gives."""


class MojeekSettings(SubscriptionSettings):
    """Where Mojeek is."""

    url: WebAddress = Field("https://api.mojeek.com", description="Where the API is.")


class MojeekSource(SubscribedSearch[MojeekSettings]):
    """Searches the web by Mojeek."""

    kind: ClassVar[str] = "mojeek"
    service: ClassVar[str] = "Mojeek"
    Settings: ClassVar[type[BaseModel]] = MojeekSettings

    async def _ask(self, query: str) -> Results:
        wanted = {
            "q": query,
            "api_key": self._key,
            "fmt": "json",
            "t": _RESULTS,
            "safe": 0,
            "tlen": _LONGEST_TITLE,
            "dlen": _LONGEST_DESCRIPTION,
        }
        answer = await self._get("/search", wanted, {"Accept": "application/json"})
        response = object_of(object_of(await answer.json()).get("response"))
        # A wrong key and a used up allowance are told in the body, with status 200.
        if response.get("status") != "OK":
            raise SourceUnavailable(f"{answer.host} answers with an error: the key or its allowance")
        results = [
            Result(url=address, title=plain_text_of(row.get("title")), text=plain_text_of(row.get("desc")))
            for row in objects_of(response.get("results"))
            if (address := address_of(row.get("url")))
        ]
        return Results(results=results, answer=answer)
