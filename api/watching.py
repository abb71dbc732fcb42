"""Turns what was sent into watchlists and terms, by the rules that watchlist files have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from api.schemas.documents import PreviewRequest
from api.schemas.terms import NewTerm
from api.schemas.watchlists import NewWatchlist
from api.services import Services
from core.errors import UsageError
from core.ids import new_id
from core.types import Term, TermSettings, Watchlist
from watchlists.schema import Known, TermEntry, WatchlistEntry, sentence

E = TypeVar("E", TermEntry, WatchlistEntry)


def watchlist_of(sent: NewWatchlist, community_id: str, services: Services) -> tuple[Watchlist, tuple[Term, ...]]:
    """Return the watchlist and its terms, with ids. Raises RequestValidationError."""
    entry = _entry(WatchlistEntry, sent.model_dump(mode="json", exclude_unset=True), services)
    watchlist = replace(entry.watchlist(community_id), id=new_id("wl"))
    terms = tuple(
        _term(term, watchlist.id, services, "terms", position) for position, term in enumerate(entry.terms or ())
    )
    return watchlist, terms


def term_of(sent: NewTerm, services: Services) -> Term:
    """Return the term, with an id. Raises RequestValidationError."""
    fields = sent.model_dump(mode="json", exclude_unset=True, exclude={"watchlist_id"})
    return _term(_entry(TermEntry, fields, services), sent.watchlist_id, services)


def tried(sent: PreviewRequest, community_id: str, services: Services) -> tuple[Term, Watchlist]:
    """Return the term to try, in a watchlist to try it with; a name needs no basis for that, as nothing is
    kept. Raises RequestValidationError."""
    fields = {"name": "preview", "sensitivity": sent.sensitivity, "packs": sent.packs}
    watchlist = _entry(WatchlistEntry, fields, services).watchlist(community_id)
    term = Term(
        id=new_id("trm"),
        reference="preview",
        watchlist_id=watchlist.id,
        kind=sent.term.kind,
        value=sent.term.value,
        variants=tuple(sent.term.aliases),
        settings=TermSettings(
            match=sent.term.match, needs_context=sent.term.needs_context, never=tuple(sent.term.never)
        ),
    )
    return term, watchlist


def _term(entry: TermEntry, watchlist_id: str, services: Services, *place: str | int) -> Term:
    term_id = new_id("trm")
    term = replace(entry.term(entry.id or term_id, watchlist_id), id=term_id)
    try:
        return services.pipeline.conceal_term(term)
    except UsageError as error:
        raise RequestValidationError(
            [{"type": "value_error", "loc": ("body", *place, "value"), "msg": str(error)}]
        ) from None


def _entry(model: type[E], fields: Mapping[str, object], services: Services) -> E:
    known = Known(packs=frozenset(pack.name for pack in services.packs))
    try:
        return model.model_validate(fields, context=known)
    except ValidationError as error:
        raise RequestValidationError([_row(row) for row in error.errors()]) from None


def _row(row: ErrorDetails) -> dict[str, object]:
    return {"type": row["type"], "loc": ("body", *row["loc"]), "msg": sentence(row)}
