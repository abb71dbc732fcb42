"""Listings of the store, read to their end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.ports import Listing, Slice

T = TypeVar("T")

_PART = 500


async def whole(listed: Callable[[Listing], Awaitable[Slice[T]]]) -> tuple[T, ...]:
    """Return all items of a listing: ``await whole(partial(store.sources, community_id))``."""
    items: list[T] = []
    cursor: str | None = None
    while True:
        part = await listed(Listing(cursor=cursor, limit=_PART))
        items.extend(part.items)
        cursor = part.next_cursor
        if cursor is None:
            return tuple(items)
