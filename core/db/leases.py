"""Leases on rows: who holds one may work on the row until it ends, and afterwards as long as nobody took it over.

A lease is taken by compare-and-set: the update names what made the row free, so of two takers one changes
nothing. Its random token is named by every later update, so whoever lost the lease changes nothing either.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import ColumnElement, case, or_, update
from sqlalchemy.orm import Mapped
from sqlmodel import col

from core.db.database import Unit
from core.db.tables import DeliveryRow, SourceRow
from core.errors import LeaseLost

LeasedRow = type[SourceRow] | type[DeliveryRow]


def is_free(row: LeasedRow, at: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody holds a lease at that time."""
    return or_(col(row.leased_until).is_(None), col(row.leased_until) <= at)


def takeable_at(
    row: LeasedRow, due_at: Mapped[datetime | None] | ColumnElement[datetime | None]
) -> ColumnElement[datetime | None]:
    """Return the time at which a row that is due then can be taken: not before its lease ends."""
    return case((col(row.leased_until) > due_at, col(row.leased_until)), else_=due_at)


async def take(unit: Unit, row: LeasedRow, row_id: str, *still: ColumnElement[bool], until: datetime) -> str | None:
    """Lease the row where the conditions still hold; return the token, None where somebody was quicker."""
    token = secrets.token_hex(16)
    statement = update(row).where(col(row.id) == row_id, *still).values(lease_token=token, leased_until=until)
    return token if await unit.change(statement) else None


async def change_held(unit: Unit, row: LeasedRow, row_id: str, token: str, **values: object) -> None:
    """Change the row and keep its lease, which may end at another time then (``leased_until``). Raises LeaseLost where
    the lease was taken over or ended."""
    held = (col(row.id) == row_id, col(row.lease_token) == token)
    if not await unit.change(update(row).where(*held).values(**values)):
        raise LeaseLost(f"the lease of this {row.__tablename__} was lost while it was worked on")


async def change_leased(unit: Unit, row: LeasedRow, row_id: str, token: str, **values: object) -> None:
    """Change the row and end its lease. Raises LeaseLost where the lease was taken over or ended."""
    statement = (
        update(row)
        .where(col(row.id) == row_id, col(row.lease_token) == token)
        .values(**values, lease_token=None, leased_until=None)
    )
    if not await unit.change(statement):
        raise LeaseLost(f"the lease of this {row.__tablename__} was lost; what came of the work was not recorded")
