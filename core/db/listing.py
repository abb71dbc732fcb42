"""Part of a listing at a time, in order of a time and the id.

A cursor is the place after which the listing goes on, so rows that stay as they are are neither skipped nor
repeated while others come, go and change; a row that changes moves behind the cursor and is listed again.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.db.tables import Moment, OwnedRow, microseconds_of, moment_of
from core.errors import UsageError
from core.ports import Listing, Slice

R = TypeVar("R", bound=OwnedRow)
T = TypeVar("T")

_PLACE = re.compile(r"(-?\d{1,18})\.(.*)", re.DOTALL)


async def slice_of(
    session: AsyncSession,
    statement: Select[R],
    row: type[R],
    moment: str,
    listing: Listing,
    value_of: Callable[[R], T],
) -> Slice[T]:
    """Return the wanted slice of the statement's rows, ordered by the column named ``moment``.

    Raises UsageError for a cursor that no listing gave, and for a limit below 1.
    """
    if listing.limit < 1:
        raise UsageError("limit must be at least 1")
    at, identifier = getattr(row, moment), col(row.id)
    if listing.updated_since is not None:
        statement = statement.where(at >= listing.updated_since)
    if listing.cursor is not None:
        after, after_id = _place_of(listing.cursor)
        statement = statement.where(tuple_(at, identifier) > tuple_(literal(after, Moment()), literal(after_id)))
    rows = (await session.scalars(statement.order_by(at, identifier).limit(listing.limit + 1))).all()
    items = rows[: listing.limit]
    more = len(rows) > len(items)
    return Slice(
        tuple(value_of(item) for item in items),
        _cursor_of(getattr(items[-1], moment), items[-1].id) if more else None,
    )


def _cursor_of(at: datetime, identifier: str) -> str:
    place = f"{microseconds_of(at)}.{identifier}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place_of(cursor: str) -> tuple[datetime, str]:
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        found = _PLACE.fullmatch(place)
        if found is not None:
            return moment_of(int(found[1])), found[2]
    except (ValueError, OverflowError):
        pass
    raise UsageError("cursor is not one that this listing gave: start again without it")
