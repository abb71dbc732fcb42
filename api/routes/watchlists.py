"""Watchlists."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Reader, Writer, audit_entry
from api.schemas.common import Identifier, Items, ListingQuery
from api.schemas.watchlists import NewWatchlist, WatchlistView
from api.services import Given
from api.watching import watchlist_of

router = APIRouter(prefix="/v1/watchlists", tags=["watchlists"])


@router.post("", status_code=201, summary="Make a watchlist")
async def create_watchlist(sent: NewWatchlist, given: Given, key: Writer) -> WatchlistView:
    """Makes a watchlist with its first terms: all of it, or nothing."""
    watchlist, terms = await asyncio.to_thread(watchlist_of, sent, key.community_id, given)
    await given.store.add_watchlist(watchlist, terms, audit=audit_entry(given, key, "watchlist.created", watchlist.id))
    given.changed()
    return WatchlistView.of(watchlist)


@router.get("", summary="List the watchlists")
async def list_watchlists(wanted: Annotated[ListingQuery, Query()], given: Given, key: Reader) -> Items[WatchlistView]:
    """Answers the community's watchlists."""
    return Items[WatchlistView].of(await given.store.watchlists(key.community_id, wanted.listing()), WatchlistView.of)


@router.get("/{watchlist_id}", summary="Read a watchlist")
async def read_watchlist(watchlist_id: Identifier, given: Given, key: Reader) -> WatchlistView:
    """Answers the watchlist without its terms; list the terms with `?watchlist=`."""
    return WatchlistView.of(await given.store.watchlist(key.community_id, watchlist_id))


@router.delete("/{watchlist_id}", status_code=204, summary="Delete a watchlist")
async def delete_watchlist(watchlist_id: Identifier, given: Given, key: Writer) -> None:
    """Deletes the watchlist and its terms. Alerts and incidents stay. That of a canary goes when the canary ends."""
    await given.store.delete_watchlist(
        key.community_id, watchlist_id, audit=audit_entry(given, key, "watchlist.deleted", watchlist_id)
    )
    given.changed()
