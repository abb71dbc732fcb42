"""Destinations, and the outbox of deliveries to them: one at a time and in order, destination by destination."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, func, select, tuple_, update
from sqlalchemy.orm import Mapped
from sqlmodel import col

from core.crypto import CommunityKeys
from core.db.database import Database, Unit
from core.db.journal import add_entry
from core.db.leases import change_leased, is_free, take, takeable_at
from core.db.listing import slice_of
from core.db.sealing import seal, unseal
from core.db.tables import DeliveryRow, DestinationRow, IncidentRow
from core.errors import Conflict, NotFound
from core.ports import Listing, Slice
from core.types import (
    AuditEntry,
    Delivery,
    DeliveryLease,
    DeliveryState,
    Destination,
    Detail,
    EventType,
    Severity,
)

T = TypeVar("T")


class Outbox(Database):
    """The part of the store about telling people."""

    async def add_destination(self, destination: Destination, *, audit: AuditEntry) -> None:
        """Keep the destination. Raises NotFound for its community, Conflict for an id in use."""
        async with self.writing() as unit:
            keys = await unit.keys(destination.community_id)
            content = {"name": destination.name, "settings": destination.settings}
            unit.session.add(
                DestinationRow(
                    id=destination.id,
                    community_id=destination.community_id,
                    kind=destination.kind,
                    sealed=seal(keys, DestinationRow, destination.id, content),
                    detail=destination.detail,
                    minimum_severity=destination.minimum_severity,
                    enabled=destination.enabled,
                    updated_at=self._clock.now(),
                )
            )
            await add_entry(unit, audit)

    async def all_destinations(self, community_id: str, listing: Listing) -> Slice[Destination]:
        """Return the wanted slice, those switched off too, what changed longest ago first. Raises NotFound."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            return await slice_of(
                unit.session,
                select(DestinationRow).where(col(DestinationRow.community_id) == community_id),
                DestinationRow,
                "updated_at",
                listing,
                lambda row: _destination_of(keys, row),
            )

    async def destination(self, community_id: str, destination_id: str) -> Destination:
        """Return the destination. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(DestinationRow, community_id, destination_id)
            return _destination_of(await unit.keys(community_id), row)

    async def set_destination_enabled(
        self, community_id: str, destination_id: str, enabled: bool, *, audit: AuditEntry
    ) -> Destination:
        """Switch the destination on or off, when its deliveries wait; return it as it is then. Raises NotFound."""
        async with self.writing() as unit:
            row = await unit.one(DestinationRow, community_id, destination_id, to_change=True)
            row.enabled = enabled
            row.updated_at = self._clock.now()
            await add_entry(unit, audit)
            return _destination_of(await unit.keys(community_id), row)

    async def delete_destination(self, community_id: str, destination_id: str, *, audit: AuditEntry) -> None:
        """Delete the destination and its deliveries. Raises NotFound."""
        async with self.writing() as unit:
            await unit.session.delete(await unit.one(DestinationRow, community_id, destination_id))
            await add_entry(unit, audit)

    async def take_due_delivery(self, at: datetime, lease_for: timedelta) -> DeliveryLease | None:
        """Take the pending delivery that is due longest, not leased, to an enabled destination, and the first
        of its destination's pending ones; None where there is none.

        Raises CryptoError for a destination that does not open; its delivery is leased then, and others can be
        taken meanwhile.
        """
        due = (
            col(DeliveryRow.state) == DeliveryState.PENDING,
            col(DeliveryRow.next_attempt_at) <= at,
            is_free(DeliveryRow, at),
        )
        first = _heads(col(DeliveryRow.id)).where(*due)
        first = first.order_by(col(DeliveryRow.next_attempt_at), col(DeliveryRow.id)).limit(1)
        while True:
            async with self.reading() as unit:
                delivery_id = await unit.session.scalar(first)
            if delivery_id is None:
                return None
            async with self.writing() as unit:
                token = await take(unit, DeliveryRow, delivery_id, *due, until=at + lease_for)
            if token is not None:
                # Opened once the lease stands: what does not open must not be the first to be taken for ever.
                async with self.reading() as unit:
                    row = await unit.session.get_one(DeliveryRow, delivery_id)
                    destination = await unit.session.get_one(DestinationRow, row.destination_id)
                    return DeliveryLease(
                        _delivery_of(row),
                        _destination_of(await unit.keys(row.community_id), destination),
                        token,
                        at + lease_for,
                    )

    async def next_delivery_due_at(self) -> datetime | None:
        """Return when the next delivery can be taken; None where none is pending to an enabled destination."""
        first = _heads(func.min(takeable_at(DeliveryRow, col(DeliveryRow.next_attempt_at))))
        async with self.reading() as unit:
            return await unit.session.scalar(first)

    async def delivery_succeeded(self, lease: DeliveryLease, at: datetime) -> None:
        """Mark as delivered, by one attempt more. Raises LeaseLost."""
        async with self.writing() as unit:
            await change_leased(
                unit,
                DeliveryRow,
                lease.delivery.id,
                lease.token,
                state=DeliveryState.DELIVERED,
                attempts=col(DeliveryRow.attempts) + 1,
                next_attempt_at=None,
                delivered_at=at,
                last_error=None,
                updated_at=at,
            )

    async def delivery_failed(
        self, lease: DeliveryLease, *, error: str, next_attempt_at: datetime | None, at: datetime
    ) -> None:
        """Record one failed attempt more; without a next attempt the delivery is dead. Raises LeaseLost."""
        async with self.writing() as unit:
            await change_leased(
                unit,
                DeliveryRow,
                lease.delivery.id,
                lease.token,
                state=DeliveryState.DEAD if next_attempt_at is None else DeliveryState.PENDING,
                attempts=col(DeliveryRow.attempts) + 1,
                next_attempt_at=next_attempt_at,
                last_error=error,
                updated_at=at,
            )

    async def replay_delivery(
        self, community_id: str, delivery_id: str, at: datetime, *, audit: AuditEntry
    ) -> Delivery:
        """Make a dead delivery pending again, its attempts counted from zero; it goes before later ones.

        Raises NotFound, and Conflict where it is not dead.
        """
        async with self.writing() as unit:
            row = await unit.one(DeliveryRow, community_id, delivery_id, to_change=True)
            if row.state != DeliveryState.DEAD:
                raise Conflict(f"this delivery is {row.state}: only one that was given up can be replayed")
            row.state = DeliveryState.PENDING
            row.attempts = 0
            row.next_attempt_at = row.updated_at = at
            await add_entry(unit, audit)
            return _delivery_of(row)

    async def deliveries(
        self,
        community_id: str,
        listing: Listing,
        *,
        state: DeliveryState | None = None,
        destination_id: str | None = None,
    ) -> Slice[Delivery]:
        """Return the wanted slice, what changed longest ago first. Raises NotFound for community or destination."""
        async with self.reading() as unit:
            await unit.keys(community_id)
            statement = select(DeliveryRow).where(col(DeliveryRow.community_id) == community_id)
            if state is not None:
                statement = statement.where(col(DeliveryRow.state) == state)
            if destination_id is not None:
                await unit.one(DestinationRow, community_id, destination_id)
                statement = statement.where(col(DeliveryRow.destination_id) == destination_id)
            return await slice_of(unit.session, statement, DeliveryRow, "updated_at", listing, _delivery_of)


async def enabled_destinations(unit: Unit, community_id: str) -> tuple[Destination, ...]:
    """Return the enabled destinations of the community. Raises NotFound for the community."""
    keys = await unit.keys(community_id)
    rows = await unit.session.scalars(
        select(DestinationRow)
        .where(col(DestinationRow.community_id) == community_id, col(DestinationRow.enabled))
        .order_by(col(DestinationRow.id))
    )
    return tuple(_destination_of(keys, row) for row in rows)


async def plan_delivery(unit: Unit, delivery: Delivery) -> None:
    """Put a delivery into the outbox with its destination's next sequence number.

    Raises NotFound for its destination or incident.
    """
    # The update also keeps other processes from planning for this destination until this transaction ends.
    sequence = await unit.session.scalar(
        update(DestinationRow)
        .where(
            col(DestinationRow.id) == delivery.destination_id,
            col(DestinationRow.community_id) == delivery.community_id,
        )
        .values(last_sequence=col(DestinationRow.last_sequence) + 1)
        .returning(col(DestinationRow.last_sequence))
        .execution_options(synchronize_session=False)
    )
    if sequence is None:
        raise NotFound("there is no such destination in this community")
    if delivery.incident_id is not None:
        await unit.one(IncidentRow, delivery.community_id, delivery.incident_id)
    unit.session.add(
        DeliveryRow(
            id=delivery.id,
            community_id=delivery.community_id,
            destination_id=delivery.destination_id,
            incident_id=delivery.incident_id,
            source_id=delivery.source_id,
            event=delivery.event,
            sequence=sequence,
            idempotency_key=delivery.idempotency_key,
            state=delivery.state,
            attempts=delivery.attempts,
            created_at=delivery.created_at,
            updated_at=delivery.created_at,
            next_attempt_at=delivery.next_attempt_at,
            delivered_at=delivery.delivered_at,
            last_error=delivery.last_error,
        )
    )


def _heads(column: ColumnElement[T] | Mapped[T]) -> Select[T]:
    """Select the column of the first pending delivery of every enabled destination."""
    heads = (
        select(col(DeliveryRow.destination_id), func.min(col(DeliveryRow.sequence)))
        .where(col(DeliveryRow.state) == DeliveryState.PENDING)
        .group_by(col(DeliveryRow.destination_id))
    )
    return (
        select(column)
        .join(DestinationRow, col(DestinationRow.id) == col(DeliveryRow.destination_id))
        .where(
            col(DestinationRow.enabled),
            tuple_(col(DeliveryRow.destination_id), col(DeliveryRow.sequence)).in_(heads),
        )
    )


def _destination_of(keys: CommunityKeys, row: DestinationRow) -> Destination:
    content = unseal(keys, DestinationRow, row.id, row.sealed)
    return Destination(
        id=row.id,
        community_id=row.community_id,
        kind=row.kind,
        name=content["name"],
        settings=content["settings"],
        detail=Detail(row.detail),
        minimum_severity=Severity(row.minimum_severity),
        enabled=row.enabled,
    )


def _delivery_of(row: DeliveryRow) -> Delivery:
    return Delivery(
        id=row.id,
        community_id=row.community_id,
        destination_id=row.destination_id,
        incident_id=row.incident_id,
        source_id=row.source_id,
        event=EventType(row.event),
        sequence=row.sequence,
        idempotency_key=row.idempotency_key,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        delivered_at=row.delivered_at,
        last_error=row.last_error,
    )
