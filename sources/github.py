"""GitHub by its search API: code, and issues with pull requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel, Field, SecretStr

from core.errors import NotConfigured, SourceBroken
from core.ports import SourceContext
from sources.parsing.json_values import moment_of, object_of, objects_of, text_of
from sources.search.results import Result, Results, address_of
from sources.search.source import SearchSettings, SearchSource
from sources.transport.fetching import Answer, WebAddress
from sources.transport.github_api import API_URL, api_headers

_RESULTS = 100
"""The most that the API gives at once."""
_LONGEST_QUERY = 250
"""GitHub takes 256 characters, qualifiers not counted."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class GithubSettings(SearchSettings):
    """What is searched, and by whose leave."""

    queries_a_day: int = Field(200, ge=1, description="Most queries in a day (UTC).")
    queries_a_month: int = Field(6000, ge=1, description="Most queries in a month (UTC).")
    token: SecretStr = Field(SecretStr(""), description="A personal access token without any permission.")
    code: bool = Field(True, description="Search files of public repositories.")
    issues: bool = Field(True, description="Search issues, pull requests and their comments.")
    url: WebAddress = Field(API_URL, description="Where GitHub's API is.")


class GithubSource(SearchSource[GithubSettings]):
    """Searches code and issues."""

    kind: ClassVar[str] = "github"
    Settings: ClassVar[type[BaseModel]] = GithubSettings

    def __init__(self, settings: GithubSettings, context: SourceContext) -> None:
        if not settings.token.get_secret_value():
            raise NotConfigured("it needs a token, as GitHub lets nobody search code without one")
        if not (settings.code or settings.issues):
            raise NotConfigured("it searches neither code nor issues")
        super().__init__(settings, context)

    async def _ask(self, query: str) -> Results:
        query = query if len(query) <= _LONGEST_QUERY else f'{query[: _LONGEST_QUERY - 1]}"'
        answers: list[Answer] = []
        results: list[Result] = []
        if self._settings.code:
            answer, content = await self._search("code", {"q": query})
            answers.append(answer)
            results += _code(content)
        # A query must say which of both is meant, and cannot mean both: GitHub answers 422 then, or finds nothing.
        for kind in ("issue", "pull-request") if self._settings.issues else ():
            wanted = {"q": f"{query} is:{kind}", "sort": "updated", "order": "desc"}
            answer, content = await self._search("issues", wanted)
            answers.append(answer)
            results += _issues(content)
        # Code and issues have limits of their own: the longer wait counts.
        return Results(results=results, answer=max(answers, key=lambda one: one.not_before or _LONG_AGO))

    async def _search(self, what: str, wanted: dict[str, str]) -> tuple[Answer, Mapping[str, Any]]:
        headers = api_headers(self._settings.token, accept="application/vnd.github.text-match+json")
        answer = await self._get(f"/search/{what}", {**wanted, "per_page": _RESULTS}, headers)
        content = object_of(await answer.json())
        if not isinstance(content.get("items"), list):
            raise SourceBroken(f"{answer.host} answers with something else than search results")
        return answer, content


def _code(content: Mapping[str, Any]) -> Iterator[Result]:
    for row in objects_of(content["items"]):
        repository, path = object_of(row.get("repository")), text_of(row.get("path"))
        address = address_of(repository.get("html_url"))
        if address is None or path is None:
            continue
        yield Result(
            # The address in the answer names a commit, and so changes with every other change of the repository.
            url=f"{address}/blob/HEAD/{quote(path)}",
            title=f"{text_of(repository.get('full_name')) or ''}: {path}",
            text="\n".join(_fragments(row, "FileContent")),
            author=_login(repository.get("owner")),
        )


def _issues(content: Mapping[str, Any]) -> Iterator[Result]:
    for row in objects_of(content["items"]):
        address = address_of(row.get("html_url"))
        if address is not None:
            yield Result(
                url=address,
                title=text_of(row.get("title")),
                text="\n".join((text_of(row.get("body")) or "", *_fragments(row, "IssueComment"))),
                author=_login(row.get("user")),
                published_at=moment_of(row.get("updated_at")),
            )


def _fragments(row: Mapping[str, Any], kind: str) -> Iterator[str]:
    """Yield the places that the search found in something of this kind."""
    for found in objects_of(row.get("text_matches")):
        fragment = text_of(found.get("fragment"))
        if found.get("object_type") == kind and fragment is not None:
            yield fragment


def _login(account: object) -> str | None:
    return text_of(object_of(account).get("login"))
