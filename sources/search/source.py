"""What search services have in common: which term is asked for next, and which of the results are new.

Only the terms in ``context.search_terms`` are ever sent, one a query, each as a phrase. What is found is the list of
results: no page is fetched because it was found.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from core.errors import NotConfigured, SourceBroken
from core.ports import SourceContext
from core.types import JsonObject, Page
from sources.polling.given import Given
from sources.search.plan import Budget, SearchPlan
from sources.search.refusals import Refusals
from sources.search.results import Results
from sources.transport.fetching import Answer, RequestRefused, WebAddress, fetch

REMEMBERED = 5000
"""How many results are remembered, so that they are given once."""

_LONGEST_QUERY, _MOST_WORDS = 300, 30  # Brave takes 400 characters and 50 words; a longer phrase finds no more


class SearchSettings(BaseModel):
    """Where a search service is, and how much it may be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: WebAddress = Field(repr=False, description="Where the service is.")
    queries_a_day: int = Field(60, ge=1, description="Most queries in a day (UTC).")
    queries_a_month: int = Field(1000, ge=1, description="Most queries in a month (UTC).")


S = TypeVar("S", bound=SearchSettings)


class SearchSource(ABC, Generic[S]):
    """Searches for the terms that may be searched for. A service says how it is asked."""

    def __init__(self, settings: S, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    @abstractmethod
    async def _ask(self, query: str) -> Results:
        """Return what the service finds. Raises RequestRefused where it takes other queries but not this one, and
        otherwise SourceError."""

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return the new results of the next query, or none where none may be sent now; see
        :class:`core.ports.Source`.

        A result is given again when what is shown of it changed. A term that is refused waits for its next turn, and
        the page says so; SourceBroken is raised where one term after another is refused, or there is none.
        """
        terms = self._context.search_terms
        if not terms:
            raise SourceBroken("it has nothing to search for: no term has search_externally")
        budget = Budget(self._settings.queries_a_day, self._settings.queries_a_month)
        progress = cursor or {}
        plan = SearchPlan.read(progress.get("plan"))
        given = Given.read(progress.get("given"))
        refusals = Refusals.read(progress.get("refusals"))
        now = self._context.clock.now()
        found: Results | None = None
        term = plan.next(terms, budget, now)
        if term is not None:
            try:
                found = await self._ask(phrase(term.text))
            except RequestRefused as error:
                refusals = refusals.and_also(term, str(error))
            else:
                refusals = refusals.without(term)
            plan = plan.after(term, terms, budget, now)
        by_digest = {result.digest(): result for result in found.results} if found else {}
        documents = [result for digest, result in by_digest.items() if digest not in given]
        progress = {
            "plan": plan.written(),
            "given": given.and_also(by_digest, at_most=REMEMBERED).written(),
            "refusals": refusals.written(),
        }
        if refusals.are_general(terms):
            raise SourceBroken(refusals.reason, cursor=progress)
        now = self._context.clock.now()
        more = plan.next(terms, budget, now) is not None
        waits = (found.answer.not_before if found else None, None if more else plan.free_at(budget, now))
        quotas = (found.answer.quota_left if found else None, plan.left(budget, now))
        gaps = (found.gap if found else None, refusals.sentence(terms))
        return Page(
            documents=tuple(result.document(self._context.name, now) for result in documents),
            cursor=progress,
            more=more,
            not_before=max(filter(None, waits), default=None),
            gap="; ".join(filter(None, gaps)) or None,
            quota_left=max(0, min(quota for quota in quotas if quota is not None)),
            silence_is_usual=True,
        )

    async def _get(self, path: str, wanted: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Return the service's answer. Redirects are not followed: the request holds a term, and mostly a key."""
        address = f"{self._settings.url.rstrip('/')}{path}?{urlencode(wanted)}"
        return await fetch(self._context, address, headers=headers, follow_redirects=False)


class SubscriptionSettings(SearchSettings):
    """The key that the service gave."""

    api_key: SecretStr = Field(SecretStr(""), description="Key of a subscription to the service's search API.")


K = TypeVar("K", bound=SubscriptionSettings)


class SubscribedSearch(SearchSource[K]):
    """A service that answers its subscribers alone."""

    service: ClassVar[str]

    def __init__(self, settings: K, context: SourceContext) -> None:
        if not settings.api_key.get_secret_value():
            raise NotConfigured(f"it needs an api_key, which {self.service} gives to subscribers of its Search API")
        super().__init__(settings, context)

    @property
    def _key(self) -> str:
        return self._settings.api_key.get_secret_value()


def phrase(text: str) -> str:
    """Return the query for exactly these words. Quotation marks keep its signs from being taken for operators."""
    words = text.replace('"', " ").split()[:_MOST_WORDS]
    return f'"{" ".join(words)[:_LONGEST_QUERY].rstrip()}"'
