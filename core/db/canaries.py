"""Canaries, and the watchlists of their phrases."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, or_, select, update
from sqlmodel import col

from core.crypto import CommunityKeys
from core.db.database import Database, Unit
from core.db.journal import add_entry
from core.db.listing import slice_of
from core.db.outbox import delivery_of
from core.db.sealing import seal, unseal
from core.db.tables import (
    AlertRow,
    CanaryRow,
    DeliveryIncidentRow,
    DeliveryRow,
    DestinationRow,
    Moment,
    SourceRow,
    WatchlistRow,
)
from core.db.watched import insert_watchlist, remove_watched
from core.errors import Conflict, CryptoError, NotFound
from core.logs import logger
from core.ports import Listing, Slice
from core.types import AuditEntry, Canary, CanaryLink, CanaryState, Delivery, Term, Watchlist

CANARIES_KEPT_FOR = timedelta(days=90)
"""How long it is remembered how a canary ended."""
_IS_WAITING = col(CanaryRow.state) == CanaryState.WAITING


class Canaries(Database):
    """The part of the store about canaries."""

    async def add_canary(self, canary: Canary, watchlist: Watchlist, term: Term, *, audit: AuditEntry) -> None:
        """Keep the canary, and watch its phrase. Raises NotFound for its community, source or destination."""
        async with self.writing() as unit:
            keys = await unit.keys(canary.community_id)
            if canary.source_id is not None:
                await unit.one(SourceRow, canary.community_id, canary.source_id)
            await unit.one(DestinationRow, canary.community_id, canary.destination_id)
            await insert_watchlist(unit, watchlist, [term], await unit.watched_has_changed())
            unit.session.add(
                CanaryRow(
                    id=canary.id,
                    community_id=canary.community_id,
                    source_id=canary.source_id,
                    destination_id=canary.destination_id,
                    watchlist_id=canary.watchlist_id,
                    sealed=seal(keys, CanaryRow, canary.id, {"phrase": canary.phrase}),
                    planted_at=canary.planted_at,
                    due_at=canary.due_at,
                    read_count=canary.read_count,
                    read_at=canary.read_at,
                    given_at=canary.given_at,
                    updated_at=canary.planted_at,
                    **_outcome(canary),
                )
            )
            await add_entry(unit, audit)

    async def canaries(self, community_id: str, listing: Listing) -> Slice[Canary]:
        """Return the wanted slice, the one that changed longest ago first. Raises NotFound for the community."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(CanaryRow).where(col(CanaryRow.community_id) == community_id)
            return await slice_of(
                unit.session, statement, CanaryRow, "updated_at", listing, lambda row: _canary_of(keys, row)
            )

    async def canary(self, community_id: str, canary_id: str) -> Canary:
        """Return the canary. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(CanaryRow, community_id, canary_id)
            return _canary_of(await unit.keys(community_id), row)

    async def waiting_canaries(self, source_id: str | None = None) -> tuple[Canary, ...]:
        """Return the canaries of all communities that have not ended, those of the source where one is named. One that
        does not open is left out, and logged: those of others must not wait for it."""
        statement = select(CanaryRow).where(_IS_WAITING).order_by(col(CanaryRow.due_at), col(CanaryRow.id))
        if source_id is not None:
            statement = statement.where(col(CanaryRow.source_id) == source_id)
        async with self.reading() as unit:
            rows = (await unit.session.scalars(statement)).all()
            canaries = []
            for row in rows:
                try:
                    canaries.append(_canary_of(await unit.keys(row.community_id), row))
                except CryptoError as error:
                    logger().error("a canary cannot be opened", canary_id=row.id, exc_info=error)
            return tuple(canaries)

    async def canary_alert(self, canary: Canary) -> tuple[str, datetime] | None:
        """Return the incident that the canary's phrase opened and when its alert was raised; None without one."""
        statement = (
            select(col(AlertRow.incident_id), col(AlertRow.raised_at))
            .where(
                col(AlertRow.community_id) == canary.community_id,
                col(AlertRow.raised_at) >= canary.planted_at,
                col(AlertRow.watchlist_id) == canary.watchlist_id,
            )
            .order_by(col(AlertRow.raised_at))
            .limit(1)
        )
        async with self.reading() as unit:
            found = (await unit.session.execute(statement)).first()
        return None if found is None else (found[0], found[1])

    async def first_delivery(self, community_id: str, incident_id: str, destination_id: str) -> Delivery | None:
        """Return the first delivery that tells the destination of the incident, alone or among others; None without
        one."""
        among_others = select(col(DeliveryIncidentRow.delivery_id)).where(
            col(DeliveryIncidentRow.community_id) == community_id, col(DeliveryIncidentRow.incident_id) == incident_id
        )
        statement = (
            select(DeliveryRow)
            .where(
                col(DeliveryRow.community_id) == community_id,
                col(DeliveryRow.destination_id) == destination_id,
                or_(col(DeliveryRow.incident_id) == incident_id, col(DeliveryRow.id).in_(among_others)),
            )
            .order_by(col(DeliveryRow.sequence))
            .limit(1)
        )
        async with self.reading() as unit:
            row = await unit.session.scalar(statement)
            return None if row is None else delivery_of(row)


async def canary_of_watchlist(unit: Unit, community_id: str, watchlist_id: str) -> Canary | None:
    """Return the canary whose phrase the watchlist holds; None where there is none. Raises NotFound for the
    community."""
    keys = await unit.keys(community_id)
    row = await unit.session.scalar(
        select(CanaryRow).where(
            col(CanaryRow.community_id) == community_id, col(CanaryRow.watchlist_id) == watchlist_id
        )
    )
    return None if row is None else _canary_of(keys, row)


async def note_reading(unit: Unit, source_id: str, given: Iterable[str], at: datetime) -> None:
    """Record that the source was read, and that it gave the documents of these canaries."""
    own = update(CanaryRow).where(_IS_WAITING, col(CanaryRow.source_id) == source_id)
    read_at, given_at = col(CanaryRow.read_at), col(CanaryRow.given_at)
    await unit.change(
        own.values(
            read_count=col(CanaryRow.read_count) + 1,
            read_at=func.coalesce(read_at, literal(at, Moment)),
            updated_at=at,
        )
    )
    await unit.change(own.where(col(CanaryRow.id).in_(list(given)), given_at.is_(None)).values(given_at=at))


async def end_canary(unit: Unit, canary: Canary, at: datetime) -> None:
    """Keep what came of the canary, and watch its phrase no more. Raises Conflict where it has ended already."""
    ending = (
        update(CanaryRow)
        .where(_IS_WAITING, col(CanaryRow.id) == canary.id, col(CanaryRow.community_id) == canary.community_id)
        .values(**_outcome(canary), updated_at=at)
    )
    if not await unit.change(ending):
        raise Conflict("this canary has ended already")
    with suppress(NotFound):  # without its watchlist, the phrase is watched no more already
        await remove_watched(unit, WatchlistRow, canary.community_id, canary.watchlist_id)


def _outcome(canary: Canary) -> dict[str, Any]:
    """Return what is known when the canary has ended; how its source was read is recorded with every poll."""
    names = (
        "state",
        "raised_at",
        "planned_at",
        "delivered_at",
        "finished_at",
        "incident_id",
        "broken_link",
        "reason",
    )
    return {name: getattr(canary, name) for name in names}


def _canary_of(keys: CommunityKeys, row: CanaryRow) -> Canary:
    return Canary(
        id=row.id,
        community_id=row.community_id,
        source_id=row.source_id,
        destination_id=row.destination_id,
        watchlist_id=row.watchlist_id,
        phrase=unseal(keys, CanaryRow, row.id, row.sealed)["phrase"],
        planted_at=row.planted_at,
        due_at=row.due_at,
        state=CanaryState(row.state),
        read_count=row.read_count,
        read_at=row.read_at,
        given_at=row.given_at,
        raised_at=row.raised_at,
        planned_at=row.planned_at,
        delivered_at=row.delivered_at,
        finished_at=row.finished_at,
        incident_id=row.incident_id,
        broken_link=None if row.broken_link is None else CanaryLink(row.broken_link),
        reason=row.reason,
    )
