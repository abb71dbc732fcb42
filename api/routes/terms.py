"""Terms. Their values are shown on request only, to keys that may reveal, and that is audited."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Reader, Writer, audit_entry, require
from api.schemas.alerts import RevealQuery
from api.schemas.common import Identifier, Items
from api.schemas.terms import NewTerm, TermQuery, TermView
from api.services import Given
from api.watching import term_of
from core.types import Scope, Verdicts

router = APIRouter(prefix="/v1/terms", tags=["terms"])


@router.post("", status_code=201, summary="Add a term")
async def create_term(sent: NewTerm, given: Given, key: Writer) -> TermView:
    """Adds a term to a watchlist. A name needs a recorded basis."""
    term = term_of(sent, given)
    await given.store.add_terms(key.community_id, [term], audit=audit_entry(given, key, "term.created", term.id))
    given.changed()
    return TermView.of(term, Verdicts())


@router.get("", summary="List the terms")
async def list_terms(wanted: Annotated[TermQuery, Query()], given: Given, key: Reader) -> Items[TermView]:
    """Answers the community's terms, without their values unless asked to reveal them."""
    if wanted.reveal:
        require(key, Scope.REVEAL)
    part = await given.store.terms(key.community_id, wanted.listing(), watchlist_id=wanted.watchlist)
    if wanted.reveal:
        async with given.store.transaction() as transaction:
            for term in part.items:
                await transaction.record(audit_entry(given, key, "term.revealed", term.id))
    said = await given.store.verdicts(key.community_id, [term.id for term in part.items])
    return Items[TermView].of(part, lambda term: TermView.of(term, said[term.id], reveal=wanted.reveal))


@router.get("/{term_id}", summary="Read a term")
async def read_term(
    term_id: Identifier, wanted: Annotated[RevealQuery, Query()], given: Given, key: Reader
) -> TermView:
    """Answers the term, without its value unless asked to reveal it."""
    if wanted.reveal:
        require(key, Scope.REVEAL)
    term = await given.store.term(key.community_id, term_id)
    if wanted.reveal:
        await given.store.record(audit_entry(given, key, "term.revealed", term.id))
    said = await given.store.verdicts(key.community_id, [term.id])
    return TermView.of(term, said[term.id], reveal=wanted.reveal)


@router.delete("/{term_id}", status_code=204, summary="Delete a term")
async def delete_term(term_id: Identifier, given: Given, key: Writer) -> None:
    """Deletes the term. Alerts that it raised stay."""
    await given.store.delete_term(key.community_id, term_id, audit=audit_entry(given, key, "term.deleted", term_id))
    given.changed()
