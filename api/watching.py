"""Turns what was sent into watchlists and terms, by the rules that watchlist files have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.schemas.terms import NewTerm
from api.schemas.watchlists import NewWatchlist
from api.services import Services
from core.ids import new_id
from core.types import Term, Watchlist
from watchlists.schema import Known, TermEntry, WatchlistEntry, sentence

E = TypeVar("E", TermEntry, WatchlistEntry)


def watchlist_of(sent: NewWatchlist, community_id: str, services: Services) -> tuple[Watchlist, tuple[Term, ...]]:
    """Return the watchlist and its terms, with ids. Raises RequestValidationError or UsageError."""
    entry = _entry(WatchlistEntry, sent.model_dump(mode="json", exclude_unset=True), services)
    watchlist = Watchlist(
        id=new_id("wl"),
        community_id=community_id,
        name=entry.name,
        sensitivity=entry.sensitivity,
        packs=tuple(entry.packs or ()),
    )
    return watchlist, tuple(_checked(term, watchlist.id, services) for term in entry.terms or ())


def term_of(sent: NewTerm, services: Services) -> Term:
    """Return the term, with an id. Raises RequestValidationError or UsageError."""
    fields = sent.model_dump(mode="json", exclude_unset=True, exclude={"watchlist_id"})
    return _checked(_entry(TermEntry, fields, services), sent.watchlist_id, services)


def _checked(entry: TermEntry, watchlist_id: str, services: Services) -> Term:
    term_id = new_id("trm")
    term = replace(entry.term(entry.id or term_id, watchlist_id), id=term_id)
    services.pipeline.check_term(term)
    return term


def _entry(model: type[E], fields: Mapping[str, object], services: Services) -> E:
    known = Known(packs=frozenset(pack.name for pack in services.packs))
    try:
        return model.model_validate(fields, context=known)
    except ValidationError as error:
        _refuse(error)


def _refuse(error: ValidationError) -> NoReturn:
    raise RequestValidationError(
        [{"type": row["type"], "loc": ("body", *row["loc"]), "msg": sentence(row)} for row in error.errors()]
    ) from None
