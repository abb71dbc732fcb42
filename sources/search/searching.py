"""What search services have in common: which term is asked for next, and which of the results are new.

Only the terms in ``context.search_terms`` are ever sent, one a query, each as a phrase. What is found is the list of
results: no page is fetched because it was found.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from core.errors import SourceBroken
from core.ports import SourceContext
from core.types import Document, JsonObject, Page
from sources.parsing.json_values import text_of
from sources.parsing.plain_text import html_to_text
from sources.polling.given import Given, digest_of
from sources.search.plan import Budget, SearchPlan
from sources.transport.fetching import Answer

REMEMBERED = 5000
"""How many results are remembered, so that they are given once."""

_LONGEST_QUERY, _MOST_WORDS = 300, 30  # Brave takes 400 characters and 50 words; a longer phrase finds no more
_LONGEST_TEXT = 10_000


class SearchSettings(BaseModel):
    """How much a search service may be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    queries_a_day: int = Field(60, ge=1, description="Most queries in a day (UTC).")
    queries_a_month: int = Field(1000, ge=1, description="Most queries in a month (UTC).")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One thing that was found. ``text`` is what the service shows of it, as plain text, as long as it gave it."""

    url: str = field(repr=False)
    title: str | None = field(default=None, repr=False)
    text: str = field(default="", repr=False)
    author: str | None = field(default=None, repr=False)
    language: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What one query found. ``gap`` says why the service looked at less than it should have."""

    results: Sequence[Result]
    answer: Answer
    gap: str | None = None


async def poll_search(
    context: SourceContext,
    settings: SearchSettings,
    cursor: JsonObject | None,
    ask: Callable[[str], Awaitable[Results]],
) -> Page:
    """Return the page of one query, or an empty one where none may be sent now. ``ask`` sends the phrase it is given.

    A result is given again when what is shown of it changed. Raises what ``ask`` raises, and SourceBroken where there
    is no term that may be searched for.
    """
    terms = context.search_terms
    if not terms:
        raise SourceBroken("it has nothing to search for: no term has search_externally")
    budget = Budget(settings.queries_a_day, settings.queries_a_month)
    plan = SearchPlan.read((cursor or {}).get("plan"))
    given = Given.read((cursor or {}).get("given"))
    now = context.clock.now()
    term = plan.next(terms, budget, now)
    if term is None:
        return Page(
            documents=(),
            cursor={"plan": plan.written(), "given": given.written()},
            not_before=plan.free_at(budget, now),
            quota_left=max(0, plan.left(budget, now)),
        )
    found = await ask(phrase(term.text))
    plan = plan.after(term, terms, budget, now)
    by_digest = {_digest(result): result for result in found.results}
    now = context.clock.now()
    documents = [_document(context.name, result, now) for digest, result in by_digest.items() if digest not in given]
    more = plan.next(terms, budget, now) is not None
    wait = found.answer.not_before
    quotas = [quota for quota in (found.answer.quota_left, plan.left(budget, now)) if quota is not None]
    return Page(
        documents=tuple(documents),
        cursor={"plan": plan.written(), "given": given.and_also(by_digest, at_most=REMEMBERED).written()},
        more=more,
        not_before=wait if more else max(filter(None, (wait, plan.free_at(budget, now)))),
        gap=found.gap,
        quota_left=max(0, min(quotas)),
    )


def phrase(text: str) -> str:
    """Return the query for exactly these words. Quotation marks keep its signs from being taken for operators."""
    words = text.replace('"', " ").split()[:_MOST_WORDS]
    return f'"{" ".join(words)[:_LONGEST_QUERY].rstrip()}"'


def address_of(value: object) -> str | None:
    """Return the web address that an answer may hold here, None for anything else."""
    address = text_of(value)
    return address if address is not None and address.startswith(("http://", "https://")) else None


def plain_text_of(value: object) -> str:
    """Return as plain text the HTML that an answer may hold here."""
    return html_to_text((text_of(value) or "")[:_LONGEST_TEXT]).text


def _document(source: str, result: Result, now: datetime) -> Document:
    external_id = digest_of(result.url)  # the address itself may hold a term, and ids stand in logs
    return Document(
        id=f"{source}:{external_id}",
        source=source,
        external_id=external_id,
        url=result.url,
        title=_line(result.title or "") or None,
        text=_line(result.text),
        author=result.author,
        language=result.language,
        published_at=result.published_at,
        fetched_at=now,
    )


def _digest(result: Result) -> str:
    return digest_of(result.url, result.title or "", result.text)


def _line(text: str) -> str:
    return " ".join(text[:_LONGEST_TEXT].split())
