"""What a notice tells besides what it is about, as it stands when it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from core.errors import NotFound
from core.ports import Store
from core.types import Incident, Watchlist


async def watchlists_of(store: Store, incidents: Iterable[Incident]) -> dict[str, Watchlist]:
    """Return the watchlists of the incidents by id, but for those that were deleted. Raises StoreError."""
    found = {}
    for community_id, watchlist_id in {(incident.community_id, incident.watchlist_id) for incident in incidents}:
        with suppress(NotFound):  # incidents outlive their watchlist
            found[watchlist_id] = await store.watchlist(community_id, watchlist_id)
    return found
