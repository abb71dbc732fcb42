"""Deliveries that are told together, and incidents that are told again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, delete, func, or_, select, update
from sqlmodel import col

from core.db.database import Database, Unit
from core.db.leases import change_leased, is_free
from core.db.outbox import delivery_of
from core.db.tables import DeliveryIncidentRow, DeliveryRow, RepetitionRow
from core.types import Delivery, DeliveryLease, DeliveryState, HoldReason, Repetition


class Grouping(Database):
    """The part of the store about groups of notices, and notices that are repeated."""

    async def last_told_at(self, community_id: str, destination_id: str, route_id: str) -> datetime | None:
        """Return when the destination was last told of something by the route; None where it never was."""
        last = select(func.max(col(DeliveryRow.delivered_at))).where(
            col(DeliveryRow.community_id) == community_id,
            col(DeliveryRow.destination_id) == destination_id,
            col(DeliveryRow.route_id) == route_id,
        )
        async with self.reading() as unit:
            return await unit.session.scalar(last)

    async def due_repetitions(self, at: datetime, limit: int) -> tuple[Repetition, ...]:
        """Return the repetitions that are due by then, the longest due first, at most so many."""
        due = (
            select(RepetitionRow)
            .where(col(RepetitionRow.due_at) <= at)
            .order_by(col(RepetitionRow.due_at))
            .limit(limit)
        )
        async with self.reading() as unit:
            return tuple(
                Repetition(
                    community_id=row.community_id,
                    destination_id=row.destination_id,
                    incident_id=row.incident_id,
                    due_at=row.due_at,
                )
                for row in await unit.session.scalars(due)
            )


async def others_of_group(unit: Unit, delivery: Delivery, at: datetime) -> tuple[Delivery, ...]:
    """Return the other deliveries of its group that nobody has tried or tries to deliver, in order, which others cannot
    change meanwhile."""
    is_waiting = or_(
        col(DeliveryRow.state) == DeliveryState.PENDING,
        and_(col(DeliveryRow.state) == DeliveryState.HELD, col(DeliveryRow.held_because) == HoldReason.GROUPING),
    )
    statement = (
        select(DeliveryRow)
        .where(
            col(DeliveryRow.community_id) == delivery.community_id,
            col(DeliveryRow.destination_id) == delivery.destination_id,
            col(DeliveryRow.route_id) == delivery.route_id,
            col(DeliveryRow.incident_id).is_not(None),
            col(DeliveryRow.id) != delivery.id,
            col(DeliveryRow.attempts) == 0,
            is_waiting,
            is_free(DeliveryRow, at),
        )
        .order_by(col(DeliveryRow.sequence))
        .with_for_update()
    )
    return tuple(map(delivery_of, await unit.session.scalars(statement)))


async def gather(unit: Unit, lease: DeliveryLease, others: Sequence[Delivery], at: datetime) -> None:
    """End the leased delivery and the others, as they are told together in another. Raises LeaseLost."""
    ended = {"state": DeliveryState.GROUPED, "next_attempt_at": None, "updated_at": at}
    await change_leased(unit, DeliveryRow, lease.delivery.id, lease.token, **ended)
    statement = update(DeliveryRow).where(col(DeliveryRow.id).in_([other.id for other in others]))
    await unit.change(statement.values(**ended, lease_token=None, leased_until=None))


async def set_repetitions(unit: Unit, delivery: Delivery, due_at: datetime) -> None:
    """Have each incident that the delivery tells of be told to its destination again then, and not before."""
    told = select(col(DeliveryIncidentRow.incident_id)).where(col(DeliveryIncidentRow.delivery_id) == delivery.id)
    ids = [delivery.incident_id] if delivery.incident_id else list(await unit.session.scalars(told))
    for incident_id in ids:
        insertion = unit.insert(RepetitionRow).values(
            community_id=delivery.community_id,
            destination_id=delivery.destination_id,
            incident_id=incident_id,
            due_at=due_at,
        )
        await unit.session.execute(
            insertion.on_conflict_do_update(
                index_elements=["destination_id", "incident_id"], set_={"due_at": insertion.excluded.due_at}
            )
        )


async def take_repetition(unit: Unit, due: Repetition) -> bool:
    """Forget the repetition; return whether it was there still, due at that moment."""
    statement = delete(RepetitionRow).where(
        col(RepetitionRow.destination_id) == due.destination_id,
        col(RepetitionRow.incident_id) == due.incident_id,
        col(RepetitionRow.due_at) == due.due_at,
    )
    return bool(await unit.change(statement))


async def put_off_repetition(unit: Unit, due: Repetition, until: datetime) -> None:
    """Have the repetition be due then, if it is there still."""
    statement = update(RepetitionRow).where(
        col(RepetitionRow.destination_id) == due.destination_id,
        col(RepetitionRow.incident_id) == due.incident_id,
        col(RepetitionRow.due_at) == due.due_at,
    )
    await unit.change(statement.values(due_at=until))
