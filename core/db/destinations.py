"""Destinations, and how they fare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlmodel import col

from core.crypto import CommunityKeys
from core.db.database import Database, Unit
from core.db.journal import add_entry
from core.db.listing import slice_of
from core.db.routes import routes
from core.db.sealing import digest_schedule_of, seal, unseal
from core.db.tables import DeliveryRow, DestinationRow
from core.errors import DOES_NOT_OPEN, Conflict, CryptoError
from core.logs import logger
from core.ports import Listing, Slice
from core.types import AuditEntry, DeliveryState, Destination, DestinationHealth, Detail, Severity


class Destinations(Database):
    """The part of the store about where notices go."""

    async def add_destination(self, destination: Destination, *, audit: AuditEntry) -> None:
        """Keep the destination. Raises NotFound for its community, Conflict for an id in use."""
        async with self.writing() as unit:
            keys = await unit.keys(destination.community_id)
            unit.session.add(
                DestinationRow(
                    id=destination.id,
                    community_id=destination.community_id,
                    kind=destination.kind,
                    sealed=sealed_destination(keys, destination),
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
                lambda row: _shown(keys, row),
            )

    async def destination(self, community_id: str, destination_id: str) -> Destination:
        """Return the destination. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(DestinationRow, community_id, destination_id)
            return _shown(await unit.keys(community_id), row)

    async def change_destination(self, changed: Destination, *, audit: AuditEntry) -> Destination:
        """Put what is given of the destination in place of what was known; return it as it is then. Its deliveries,
        its digest, and whether it is enabled stay. One that is enabled starts anew as in
        :meth:`set_destination_enabled`. Raises NotFound."""
        async with self.writing() as unit:
            before = await destination_to_change(unit, changed.community_id, changed.id)
            health = DestinationHealth() if before.enabled else before.health
            after = replace(changed, enabled=before.enabled, health=health, digest=before.digest)
            now = self._clock.now()
            await unit.change(
                update(DestinationRow)
                .where(
                    col(DestinationRow.id) == after.id,
                    col(DestinationRow.community_id) == after.community_id,
                )
                .values(
                    kind=after.kind,
                    sealed=sealed_destination(await unit.keys(after.community_id), after),
                    detail=after.detail,
                    minimum_severity=after.minimum_severity,
                )
            )
            await save_destination_health(unit, after, now)
            if after.enabled:
                await _make_due(unit, after.id, now)
            await add_entry(unit, audit)
            return after

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
                await _make_due(unit, destination_id, now)
            await add_entry(unit, audit)
            return changed

    async def delete_destination(self, community_id: str, destination_id: str, *, audit: AuditEntry) -> None:
        """Delete the destination and its deliveries. Raises NotFound, and Conflict where a route leads to it, which
        would lead nowhere then."""
        async with self.writing() as unit:
            row = await unit.one(DestinationRow, community_id, destination_id, to_change=True)
            for route in await routes(unit, community_id):
                if destination_id in route.destination_ids:
                    raise Conflict(f"{route.id} leads to this destination: delete that route first")
            await unit.session.delete(row)
            await add_entry(unit, audit)


async def _make_due(unit: Unit, destination_id: str, at: datetime) -> None:
    await unit.change(
        update(DeliveryRow)
        .where(
            col(DeliveryRow.destination_id) == destination_id,
            col(DeliveryRow.state) == DeliveryState.PENDING,
            col(DeliveryRow.next_attempt_at) > at,
        )
        .values(next_attempt_at=at)
    )


async def told_destinations(unit: Unit, community_id: str) -> tuple[Destination, ...]:
    """Return the destinations of the community that are enabled, and those that were switched off as they took nothing,
    read once a unit; one that does not open is left out, and logged. Raises NotFound for the community, and CryptoError
    where its keys do not open."""
    if community_id in unit.destinations:
        return unit.destinations[community_id]
    keys = await unit.keys(community_id)
    is_told = or_(col(DestinationRow.enabled), col(DestinationRow.disabled_because).is_not(None))
    rows = await unit.session.scalars(
        select(DestinationRow)
        .where(col(DestinationRow.community_id) == community_id, is_told)
        .order_by(col(DestinationRow.id))
    )
    opened = []
    for row in rows:
        try:
            opened.append(destination_of(keys, row))
        except CryptoError as error:  # the others must be told all the same
            logger().error("a destination does not open and is told nothing", destination_id=row.id, exc_info=error)
    unit.destinations[community_id] = tuple(opened)
    return unit.destinations[community_id]


async def destination_to_change(unit: Unit, community_id: str, destination_id: str) -> Destination:
    """Return the destination, which others cannot change meanwhile. Raises NotFound."""
    row = await unit.one(DestinationRow, community_id, destination_id, to_change=True)
    return destination_of(await unit.keys(community_id), row)


async def save_destination_health(unit: Unit, destination: Destination, at: datetime) -> None:
    """Keep how the destination fares, and whether it is enabled."""
    health = destination.health
    unit.destinations.pop(destination.community_id, None)
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


def sealed_destination(keys: CommunityKeys, destination: Destination) -> bytes:
    """Return what is sealed of the destination."""
    content = {
        "name": destination.name,
        "settings": destination.settings,
        "no_quotes": destination.no_quotes,
        "only_when_asked": destination.only_when_asked,
        "digest": destination.digest,
    }
    return seal(keys, DestinationRow, destination.id, content)


def destination_of(keys: CommunityKeys, row: DestinationRow) -> Destination:
    """Return the row's destination. Raises CryptoError."""
    return _destination(row, unseal(keys, DestinationRow, row.id, row.sealed))


def _shown(keys: CommunityKeys, row: DestinationRow) -> Destination:
    """Return the row's destination, also where it does not open: it must not go unnoticed that it is told nothing."""
    try:
        return destination_of(keys, row)
    except CryptoError:
        destination = _destination(row, {"name": row.id, "settings": {}})
        return replace(destination, opens=False, health=replace(destination.health, last_error=DOES_NOT_OPEN))


def _destination(row: DestinationRow, content: Mapping[str, Any]) -> Destination:
    return Destination(
        id=row.id,
        community_id=row.community_id,
        kind=row.kind,
        name=content["name"],
        settings=content["settings"],
        no_quotes=content.get("no_quotes", False),  # rows of earlier versions have neither
        only_when_asked=content.get("only_when_asked", False),
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
        digest=digest_schedule_of(content.get("digest")),  # rows of before there were digests hold none
    )
