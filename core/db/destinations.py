"""Destinations, and how they fare."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import col

from core.crypto import CommunityKeys
from core.db.database import Database, Unit
from core.db.journal import add_entry
from core.db.listing import slice_of
from core.db.sealing import seal, unseal
from core.db.tables import DeliveryRow, DestinationRow
from core.ports import Listing, Slice
from core.types import AuditEntry, DeliveryState, Destination, DestinationHealth, Detail, Severity


class Destinations(Database):
    """The part of the store about where notices go."""

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
                lambda row: destination_of(keys, row),
            )

    async def destination(self, community_id: str, destination_id: str) -> Destination:
        """Return the destination. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(DestinationRow, community_id, destination_id)
            return destination_of(await unit.keys(community_id), row)

    async def set_destination_enabled(
        self, community_id: str, destination_id: str, enabled: bool, *, audit: AuditEntry
    ) -> Destination:
        """Switch the destination on or off, when its deliveries wait; return it as it is then. One that is switched
        on starts anew: how it fared before is forgotten, and what waits for it is due. Raises NotFound."""
        async with self.writing() as unit:
            destination = await destination_to_change(unit, community_id, destination_id)
            health = DestinationHealth() if enabled else replace(destination.health, disabled_because=None)
            changed = replace(destination, enabled=enabled, health=health)
            now = self._clock.now()
            await save_destination_health(unit, changed, now)
            if enabled:
                await unit.change(
                    update(DeliveryRow)
                    .where(
                        col(DeliveryRow.destination_id) == destination_id,
                        col(DeliveryRow.state) == DeliveryState.PENDING,
                        col(DeliveryRow.next_attempt_at) > now,
                    )
                    .values(next_attempt_at=now)
                )
            await add_entry(unit, audit)
            return changed

    async def delete_destination(self, community_id: str, destination_id: str, *, audit: AuditEntry) -> None:
        """Delete the destination and its deliveries. Raises NotFound."""
        async with self.writing() as unit:
            await unit.session.delete(await unit.one(DestinationRow, community_id, destination_id))
            await add_entry(unit, audit)


async def enabled_destinations(unit: Unit, community_id: str) -> tuple[Destination, ...]:
    """Return the enabled destinations of the community. Raises NotFound for the community."""
    keys = await unit.keys(community_id)
    rows = await unit.session.scalars(
        select(DestinationRow)
        .where(col(DestinationRow.community_id) == community_id, col(DestinationRow.enabled))
        .order_by(col(DestinationRow.id))
    )
    return tuple(destination_of(keys, row) for row in rows)


async def destination_to_change(unit: Unit, community_id: str, destination_id: str) -> Destination:
    """Return the destination, which others cannot change meanwhile. Raises NotFound."""
    row = await unit.one(DestinationRow, community_id, destination_id, to_change=True)
    return destination_of(await unit.keys(community_id), row)


async def save_destination_health(unit: Unit, destination: Destination, at: datetime) -> None:
    """Keep how the destination fares, and whether it is enabled."""
    health = destination.health
    await unit.change(
        update(DestinationRow)
        .where(col(DestinationRow.id) == destination.id, col(DestinationRow.community_id) == destination.community_id)
        .values(
            enabled=destination.enabled,
            failing_since=health.failing_since,
            failure_count=health.failure_count,
            retry_at=health.retry_at,
            last_error=health.last_error,
            disabled_because=health.disabled_because,
            updated_at=at,
        )
    )


def destination_of(keys: CommunityKeys, row: DestinationRow) -> Destination:
    """Return the row's destination. Raises CryptoError."""
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
        health=DestinationHealth(
            failing_since=row.failing_since,
            failure_count=row.failure_count,
            retry_at=row.retry_at,
            last_error=row.last_error,
            disabled_because=row.disabled_because,
        ),
    )
