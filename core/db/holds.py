"""Quiet hours, maintenance windows, and the deliveries that wait for their end."""

from __future__ import annotations

from datetime import datetime, time

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlmodel import col

from core.crypto import CommunityKeys
from core.db.database import Database, Unit
from core.db.journal import add_entry
from core.db.leases import change_leased
from core.db.listing import slice_of
from core.db.sealing import seal, unseal
from core.db.tables import DeliveryRow, DestinationRow, MaintenanceRow, QuietHoursRow
from core.ports import Listing, Slice
from core.types import (
    AuditEntry,
    DeliveryLease,
    DeliveryState,
    Hold,
    HoldReason,
    HoldRules,
    MaintenanceWindow,
    QuietHours,
    Weekday,
)


class Holds(Database):
    """The part of the store about notices that wait."""

    async def add_quiet_hours(self, hours: QuietHours, *, audit: AuditEntry) -> None:
        """Keep the quiet hours. Raises NotFound for the destination."""
        async with self.writing() as unit:
            keys = await unit.keys(hours.community_id)
            await unit.one(DestinationRow, hours.community_id, hours.destination_id)
            content = {
                "days": sorted(hours.days),
                "from_time": hours.from_time.isoformat(),
                "until_time": hours.until_time.isoformat(),
                "time_zone": hours.time_zone,
            }
            unit.session.add(
                QuietHoursRow(
                    id=hours.id,
                    community_id=hours.community_id,
                    destination_id=hours.destination_id,
                    sealed=seal(keys, QuietHoursRow, hours.id, content),
                    created_at=self._clock.now(),
                )
            )
            await add_entry(unit, audit)

    async def quiet_hours(self, community_id: str, listing: Listing) -> Slice[QuietHours]:
        """Return the wanted slice of all destinations' quiet hours, the oldest first. Raises NotFound."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(QuietHoursRow).where(col(QuietHoursRow.community_id) == community_id)
            return await slice_of(
                unit.session, statement, QuietHoursRow, "created_at", listing, lambda row: _quiet_hours_of(keys, row)
            )

    async def delete_quiet_hours(self, community_id: str, hours_id: str, *, audit: AuditEntry) -> None:
        """Delete the quiet hours; what waits for their end is due, unless others hold it. Raises NotFound."""
        async with self.writing() as unit:
            row = await unit.one(QuietHoursRow, community_id, hours_id)
            await unit.session.delete(row)
            held = col(DeliveryRow.destination_id) == row.destination_id
            await _let_go(unit, held, HoldReason.QUIET_HOURS, self._clock.now())
            await add_entry(unit, audit)

    async def add_maintenance(self, window: MaintenanceWindow, *, audit: AuditEntry) -> None:
        """Keep the maintenance window. Raises NotFound for the community or the destination."""
        async with self.writing() as unit:
            keys = await unit.keys(window.community_id)
            if window.destination_id is not None:
                await unit.one(DestinationRow, window.community_id, window.destination_id)
            unit.session.add(
                MaintenanceRow(
                    id=window.id,
                    community_id=window.community_id,
                    destination_id=window.destination_id,
                    from_at=window.from_at,
                    until_at=window.until_at,
                    sealed=seal(keys, MaintenanceRow, window.id, {"reason": window.reason}),
                )
            )
            await add_entry(unit, audit)

    async def maintenance(self, community_id: str, listing: Listing) -> Slice[MaintenanceWindow]:
        """Return the wanted slice of the windows that have not ended for long, the one that begins first first. Raises
        NotFound."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(MaintenanceRow).where(col(MaintenanceRow.community_id) == community_id)
            return await slice_of(
                unit.session, statement, MaintenanceRow, "from_at", listing, lambda row: _window_of(keys, row)
            )

    async def delete_maintenance(self, community_id: str, window_id: str, *, audit: AuditEntry) -> None:
        """Delete the window; what waits for its end is due, unless something else holds it. Raises NotFound."""
        async with self.writing() as unit:
            row = await unit.one(MaintenanceRow, community_id, window_id)
            await unit.session.delete(row)
            held = col(DeliveryRow.community_id) == community_id
            await _let_go(unit, held, HoldReason.MAINTENANCE, self._clock.now())
            await add_entry(unit, audit)

    async def hold_rules(self, community_id: str, destination_id: str, at: datetime) -> HoldRules:
        """Return what can make notices to the destination wait: its quiet hours, and the maintenance windows of that
        moment. Raises NotFound for the community."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            hours = await unit.session.scalars(
                select(QuietHoursRow).where(
                    col(QuietHoursRow.community_id) == community_id,
                    col(QuietHoursRow.destination_id) == destination_id,
                )
            )
            windows = await unit.session.scalars(
                select(MaintenanceRow).where(
                    col(MaintenanceRow.community_id) == community_id,
                    or_(
                        col(MaintenanceRow.destination_id).is_(None),
                        col(MaintenanceRow.destination_id) == destination_id,
                    ),
                    col(MaintenanceRow.from_at) <= at,
                    col(MaintenanceRow.until_at) > at,
                )
            )
            return HoldRules(
                quiet_hours=tuple(_quiet_hours_of(keys, row) for row in hours),
                windows=tuple(_window_of(keys, row) for row in windows),
            )

    async def release_held(self, at: datetime) -> datetime | None:
        """Put the deliveries whose wait is over by then back in line; return when that of the next one is, None where
        none waits."""
        is_held = col(DeliveryRow.state) == DeliveryState.HELD
        ends_at = col(DeliveryRow.next_attempt_at)
        first = select(func.min(ends_at)).where(is_held)
        async with self.reading() as unit:
            next_at = await unit.session.scalar(first)
        if next_at is None or next_at > at:
            return next_at
        async with self.writing() as unit:
            over = update(DeliveryRow).where(is_held, ends_at <= at)
            await unit.change(over.values(state=DeliveryState.PENDING, updated_at=at))
            return await unit.session.scalar(first)


async def hold_delivery(unit: Unit, lease: DeliveryLease, hold: Hold, at: datetime) -> None:
    """Take the delivery out of the line until its hold ends. Raises LeaseLost."""
    await change_leased(
        unit,
        DeliveryRow,
        lease.delivery.id,
        lease.token,
        state=DeliveryState.HELD,
        held_because=hold.reason,
        next_attempt_at=hold.until,
        updated_at=at,
    )


async def drop_delivery(unit: Unit, lease: DeliveryLease, at: datetime) -> None:
    """End the delivery without sending it, as it has been overtaken. Raises LeaseLost."""
    await change_leased(
        unit,
        DeliveryRow,
        lease.delivery.id,
        lease.token,
        state=DeliveryState.OVERTAKEN,
        next_attempt_at=None,
        updated_at=at,
    )


async def _let_go(unit: Unit, held: ColumnElement[bool], reason: HoldReason, at: datetime) -> None:
    """Have what waits for that reason be due: it is looked at anew then."""
    await unit.change(
        update(DeliveryRow)
        .where(col(DeliveryRow.state) == DeliveryState.HELD, col(DeliveryRow.held_because) == reason, held)
        .values(next_attempt_at=at)
    )


def _quiet_hours_of(keys: CommunityKeys, row: QuietHoursRow) -> QuietHours:
    content = unseal(keys, QuietHoursRow, row.id, row.sealed)
    return QuietHours(
        id=row.id,
        community_id=row.community_id,
        destination_id=row.destination_id,
        days=frozenset(map(Weekday, content["days"])),
        from_time=time.fromisoformat(content["from_time"]),
        until_time=time.fromisoformat(content["until_time"]),
        time_zone=content["time_zone"],
    )


def _window_of(keys: CommunityKeys, row: MaintenanceRow) -> MaintenanceWindow:
    return MaintenanceWindow(
        id=row.id,
        community_id=row.community_id,
        destination_id=row.destination_id,
        from_at=row.from_at,
        until_at=row.until_at,
        reason=unseal(keys, MaintenanceRow, row.id, row.sealed)["reason"],
    )
