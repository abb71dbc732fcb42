"""What destinations' next digests tell of, and when they are due."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, exists, insert, literal, select, update
from sqlmodel import col

from core.db.database import Database, Unit
from core.db.destinations import sealed_destination
from core.db.tables import DeliveryIncidentRow, DestinationRow, DigestIncidentRow, IncidentRow
from core.db.telling import add_told, told_incident_of
from core.errors import Conflict
from core.types import Delivery, Destination, DueDigest, ToldIncident


class DigestSchedules(Database):
    """The part of the store about digests."""

    async def due_digests(self, at: datetime) -> tuple[DueDigest, ...]:
        """Return the digests of enabled destinations that are due, the longest due first."""
        due_at = col(DestinationRow.digest_due_at)
        statement = (
            select(col(DestinationRow.community_id), col(DestinationRow.id), due_at)
            .where(col(DestinationRow.enabled), due_at <= at)
            .order_by(due_at, col(DestinationRow.id))
        )
        async with self.reading() as unit:
            rows = (await unit.session.execute(statement)).all()
        return tuple(
            DueDigest(community_id=community_id, destination_id=destination_id, due_at=moment)
            for community_id, destination_id, moment in rows
            if moment is not None
        )

    async def next_digest(self, community_id: str, destination_id: str) -> tuple[datetime, tuple[ToldIncident, ...]]:
        """Return since when the destination's next digest tells, and of which incidents as they are now: the gravest
        first, among equals the one seen first. Raises NotFound, Conflict where it is sent none."""
        async with self.reading() as unit:
            destination = await unit.one(DestinationRow, community_id, destination_id)
            if destination.digest_since is None:
                raise Conflict("this destination is sent no digests")
            keys = await unit.keys(community_id)
            rows = await unit.session.execute(
                select(DigestIncidentRow, IncidentRow)
                .join(IncidentRow, col(IncidentRow.id) == col(DigestIncidentRow.incident_id))
                .where(
                    col(DigestIncidentRow.community_id) == community_id,
                    col(DigestIncidentRow.destination_id) == destination_id,
                )
                .order_by(col(IncidentRow.score).desc(), col(IncidentRow.first_seen_at), col(IncidentRow.id))
            )
            return destination.digest_since, tuple(told_incident_of(keys, *row) for row in rows)


async def keep_for_digest(unit: Unit, destination: Destination, told: ToldIncident) -> None:
    """Have the destination's next digest tell of the incident; of one that it tells of already, the later event counts,
    but that it is new stays. Raises NotFound."""
    owner = {"community_id": destination.community_id, "destination_id": destination.id}
    await add_told(unit, DigestIncidentRow, owner, [told])


async def tell_of_kept(unit: Unit, delivery: Delivery) -> None:
    """Have the delivery tell of what was kept for its destination's next digest, which is kept no longer."""
    kept = col(DigestIncidentRow.destination_id) == delivery.destination_id
    names = ["community_id", "delivery_id", "incident_id", "event", "since"]
    rows = select(
        col(DigestIncidentRow.community_id),
        literal(delivery.id),
        col(DigestIncidentRow.incident_id),
        col(DigestIncidentRow.event),
        col(DigestIncidentRow.since),
    ).where(kept)
    await unit.session.execute(insert(DeliveryIncidentRow).from_select(names, rows))
    await unit.change(delete(DigestIncidentRow).where(kept))


async def take_digest(unit: Unit, due: DueDigest, *, next_due_at: datetime, at: datetime) -> datetime | None:
    """Take the due digest, by compare-and-set, and have the next one due at that time. Return since when it tells; None
    where somebody else took it, or the destination is switched off."""
    row = await unit.one(DestinationRow, due.community_id, due.destination_id, to_change=True)
    since = row.digest_since
    taken = (
        update(DestinationRow)
        .where(
            col(DestinationRow.id) == due.destination_id,
            col(DestinationRow.digest_due_at) == due.due_at,
            col(DestinationRow.enabled),
        )
        .values(digest_due_at=next_due_at, digest_since=at)
    )
    return since if await unit.change(taken) else None


async def end_digests(unit: Unit, destination: Destination) -> datetime | None:
    """Return since when the destination's next digest would have told, where something was kept for it; None where
    nothing was."""
    kept = exists().where(col(DigestIncidentRow.destination_id) == destination.id)
    statement = select(col(DestinationRow.digest_since)).where(col(DestinationRow.id) == destination.id, kept)
    return await unit.session.scalar(statement)


async def save_digest_schedule(unit: Unit, destination: Destination, *, due_at: datetime | None, at: datetime) -> None:
    """Keep when the destination is sent digests, and the next one. The first one tells what is new from now on."""
    row = await unit.one(DestinationRow, destination.community_id, destination.id, to_change=True)
    row.sealed = sealed_destination(await unit.keys(destination.community_id), destination)
    row.digest_due_at = due_at
    row.digest_since = None if due_at is None else row.digest_since or at
    row.updated_at = at
