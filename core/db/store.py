"""The store: all its parts on one database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete, select, tuple_

from core.db.canaries import CANARIES_KEPT_FOR, Canaries
from core.db.communities import Communities
from core.db.destinations import Destinations
from core.db.digests import DigestSchedules
from core.db.grouping import Grouping
from core.db.holds import Holds
from core.db.incidents import Incidents
from core.db.journal import Journal
from core.db.moderators import Moderators
from core.db.outbox import DELIVERED_KEPT_FOR, Outbox
from core.db.polling import Polling
from core.db.rotations import Rotations
from core.db.routes import Routes
from core.db.sightings import Sightings
from core.db.tables import (
    AnswerRow,
    AttemptRow,
    CanaryRow,
    DeliveryRow,
    HeavyItemRow,
    IncidentKeyRow,
    MaintenanceRow,
    OverrideRow,
    PieceRow,
    RemovedTermRow,
    Row,
    SeenRow,
    TermRow,
    TraceRow,
    table_of,
)
from core.db.telling import Telling
from core.db.transaction import SqlTransaction
from core.db.verdicts import TermVerdicts
from core.db.watched import Watched
from core.ports import Transaction

_PRUNED_AT_ONCE = 1000
_AT_ONCE = timedelta()
_EXPIRING: dict[type[Row], tuple[str, timedelta]] = {
    SeenRow: ("expires_at", _AT_ONCE),
    TermRow: ("ends_at", _AT_ONCE),
    RemovedTermRow: ("expires_at", _AT_ONCE),
    AnswerRow: ("expires_at", _AT_ONCE),
    AttemptRow: ("expires_at", _AT_ONCE),
    IncidentKeyRow: ("expires_at", _AT_ONCE),
    TraceRow: ("expires_at", _AT_ONCE),
    PieceRow: ("expires_at", _AT_ONCE),
    OverrideRow: ("until_at", _AT_ONCE),
    HeavyItemRow: ("expires_at", _AT_ONCE),
    MaintenanceRow: ("until_at", _AT_ONCE),
    DeliveryRow: ("delivered_at", DELIVERED_KEPT_FOR),
    CanaryRow: ("finished_at", CANARIES_KEPT_FOR),
}
"""Which moment of a row counts, and how long after it the row is forgotten; a row without that moment stays."""


class SqlStore(
    Communities,
    Watched,
    Polling,
    Incidents,
    Sightings,
    TermVerdicts,
    Destinations,
    Routes,
    Moderators,
    Rotations,
    Outbox,
    Holds,
    Grouping,
    Canaries,
    Telling,
    DigestSchedules,
    Journal,
):
    """Keeps to :class:`core.ports.Store`, on SQLite (by default) or another database that SQLAlchemy knows.

    ``SqlStore(settings, clock)`` opens nothing; ``open`` makes the database ready.
    """

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open the one transaction that writes what came of a page or a decision."""
        async with self.writing() as unit:
            yield SqlTransaction(unit)

    async def prune(self, at: datetime) -> int:
        """Forget what has expired (seen keys, terms, removals told, remembered answers, attempts at deliveries, what
        leaks were known by, what kinds of things were told of members, overrides of rotations, heavy items counted,
        maintenance, what was delivered and canaries that ended long ago); return how many rows went.

        The rows go by the thousand, so that others can write in between.
        """
        pruned_count = 0
        for row, (column, kept_for) in _EXPIRING.items():
            table = table_of(row)
            identity = tuple(table.primary_key)
            expired = select(*identity).where(table.c[column] <= at - kept_for).limit(_PRUNED_AT_ONCE)
            count = _PRUNED_AT_ONCE
            while count == _PRUNED_AT_ONCE:
                async with self.writing() as unit:
                    count = await unit.change(delete(table).where(tuple_(*identity).in_(expired)))
                    if row is TermRow and count:
                        await unit.watched_has_changed()
                pruned_count += count
        return pruned_count
