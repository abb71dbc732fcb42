"""The outbox: what is to be told, to whom, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col

from core.crypto import CommunityKeys
from core.db.database import Database, Unit
from core.db.destinations import destination_of
from core.db.journal import add_entry
from core.db.leases import change_leased, take
from core.db.listing import slice_of
from core.db.sealing import seal, unseal
from core.db.tables import AttemptRow, DeliveryRow, DestinationRow
from core.errors import Conflict
from core.ports import Listing, Slice
from core.types import (
    Attempt,
    AttemptOutcome,
    AuditEntry,
    Delivery,
    DeliveryLease,
    DeliveryState,
    EventType,
    HoldReason,
    Incident,
    JsonObject,
)

T = TypeVar("T")

ATTEMPTS_KEPT_FOR = timedelta(days=30)
"""How long it is remembered what came of each attempt."""
DELIVERED_KEPT_FOR = timedelta(days=90)
"""How long it is remembered that something was delivered. What was given up stays until it is replayed."""


class Outbox(Database):
    """The part of the store about telling people."""

    async def take_due_delivery(
        self, at: datetime, lease_for: timedelta, *, with_failing: bool = True
    ) -> DeliveryLease | None:
        """Take the pending delivery that is due longest, to an enabled destination that may be tried by then and to
        which none is leased, and the first of its destination's pending ones; None where there is none.
        ``with_failing`` False leaves out destinations that gave no answer the last time.

        Raises CryptoError for a destination that does not open; its delivery is leased then, and others can be
        taken meanwhile.
        """
        due = (
            col(DeliveryRow.state) == DeliveryState.PENDING,
            col(DeliveryRow.next_attempt_at) <= at,
            or_(_busy_until().is_(None), _busy_until() <= at),
        )
        may_be_tried = or_(col(DestinationRow.retry_at).is_(None), col(DestinationRow.retry_at) <= at)
        first = _heads(col(DeliveryRow.id), with_failing=with_failing).where(may_be_tried, *due)
        first = first.order_by(col(DeliveryRow.next_attempt_at), col(DeliveryRow.id)).limit(1)
        while True:
            async with self.reading() as unit:
                delivery_id = await unit.session.scalar(first)
            if delivery_id is None:
                return None
            async with self.writing() as unit:
                token = await take(unit, DeliveryRow, delivery_id, *due, until=at + lease_for)
                if token is not None:
                    row = await unit.session.get_one(DeliveryRow, delivery_id)
                    destination = await unit.session.get_one(DestinationRow, row.destination_id)
                    community = await unit.community(row.community_id)
            if token is not None:
                # Opened once the lease stands: what does not open must not be the first to be taken for ever.
                keys = unit.keyring.of(community)
                opened, progress = destination_of(keys, destination), _progress_of(keys, row)
                return DeliveryLease(delivery_of(row), opened, token, at + lease_for, progress)

    async def next_delivery_due_at(self, *, with_failing: bool = True) -> datetime | None:
        """Return when the next delivery can be taken, ``with_failing`` as in :meth:`take_due_delivery`; None where
        none is pending to an enabled destination."""
        due_at, retry_at = col(DeliveryRow.next_attempt_at), col(DestinationRow.retry_at)
        may_be_tried_at = case((retry_at > due_at, retry_at), else_=due_at)
        busy_until = _busy_until()
        takeable_at: ColumnElement[datetime | None] = case(
            (busy_until > may_be_tried_at, busy_until), else_=may_be_tried_at
        )
        first = _heads(func.min(takeable_at), with_failing=with_failing)
        async with self.reading() as unit:
            return await unit.session.scalar(first)

    async def delivery(self, community_id: str, delivery_id: str) -> Delivery:
        """Return the delivery. Raises NotFound."""
        async with self.reading() as unit:
            return delivery_of(await unit.one(DeliveryRow, community_id, delivery_id))

    async def attempts(self, community_id: str, delivery_id: str, listing: Listing) -> Slice[Attempt]:
        """Return the wanted slice of the attempts at the delivery, the oldest first. Raises NotFound."""
        async with self.reading() as unit:
            await unit.one(DeliveryRow, community_id, delivery_id)
            statement = select(AttemptRow).where(
                col(AttemptRow.community_id) == community_id, col(AttemptRow.delivery_id) == delivery_id
            )
            return await slice_of(unit.session, statement, AttemptRow, "at", listing, _attempt_of)

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
            row.attempts = row.refusal_count = 0
            row.next_attempt_at = row.updated_at = at
            await add_entry(unit, audit)
            return delivery_of(row)

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
            return await slice_of(unit.session, statement, DeliveryRow, "updated_at", listing, delivery_of)


async def finish_attempt(
    unit: Unit,
    lease: DeliveryLease,
    attempt: Attempt,
    *,
    next_attempt_at: datetime | None,
    progress: JsonObject | None = None,
) -> None:
    """Keep the attempt, and what it means for its delivery: delivered, pending until the next attempt, with what its
    channel noted, or dead without one. Raises LeaseLost."""
    keys = await unit.keys(lease.delivery.community_id)
    is_delivered = attempt.outcome is AttemptOutcome.DELIVERED
    is_dead = not is_delivered and next_attempt_at is None
    await change_leased(
        unit,
        DeliveryRow,
        lease.delivery.id,
        lease.token,
        state=DeliveryState.DELIVERED if is_delivered else DeliveryState.DEAD if is_dead else DeliveryState.PENDING,
        attempts=attempt.number,
        refusal_count=col(DeliveryRow.refusal_count) + int(attempt.outcome is AttemptOutcome.REFUSED),
        next_attempt_at=None if is_delivered else next_attempt_at,
        delivered_at=attempt.at if is_delivered else None,
        last_error=attempt.error,
        sealed_progress=None if progress is None else _sealed_progress(keys, lease.delivery.id, progress),
        updated_at=attempt.at,
    )
    unit.session.add(
        AttemptRow(
            id=attempt.id,
            community_id=lease.delivery.community_id,
            delivery_id=attempt.delivery_id,
            number=attempt.number,
            at=attempt.at,
            outcome=attempt.outcome,
            status=attempt.status,
            duration_milliseconds=round(attempt.duration_seconds * 1000),
            error=attempt.error,
            expires_at=attempt.at + ATTEMPTS_KEPT_FOR,
        )
    )


async def plan_delivery(unit: Unit, delivery: Delivery) -> None:
    """Put a delivery into the outbox with its destination's next sequence number.

    Raises NotFound for its destination, and for its incident when the unit ends.
    """
    destination = unit.planned_for.get(delivery.destination_id)
    if destination is None:
        # Nobody else plans for this destination before this transaction ends.
        destination = await unit.one(DestinationRow, delivery.community_id, delivery.destination_id, to_change=True)
        unit.planned_for[destination.id] = destination
    destination.last_sequence += 1
    unit.add(
        DeliveryRow,
        id=delivery.id,
        community_id=delivery.community_id,
        destination_id=destination.id,
        incident_id=delivery.incident_id,
        source_id=delivery.source_id,
        about_destination_id=delivery.about_destination_id,
        canary_id=delivery.canary_id,
        event=delivery.event,
        sequence=destination.last_sequence,
        idempotency_key=delivery.idempotency_key,
        state=delivery.state,
        attempts=delivery.attempts,
        refusal_count=delivery.refusal_count,
        created_at=delivery.created_at,
        updated_at=delivery.created_at,
        next_attempt_at=delivery.next_attempt_at,
        delivered_at=delivery.delivered_at,
        last_error=delivery.last_error,
        held_because=delivery.held_because,
        route_id=delivery.route_id,
        repeat_seconds=delivery.repeat_seconds,
        lease_token=None,
        leased_until=None,
        since=delivery.since,
    )


async def destinations_told(unit: Unit, incident: Incident, at: datetime) -> frozenset[str]:
    """Return the ids of the destinations for which a delivery about the incident was planned at that moment, and is due
    by then."""
    found = await unit.session.scalars(
        select(col(DeliveryRow.destination_id)).where(
            col(DeliveryRow.community_id) == incident.community_id,
            col(DeliveryRow.incident_id) == incident.id,
            col(DeliveryRow.created_at) == at,
            col(DeliveryRow.next_attempt_at) <= at,
        )
    )
    return frozenset(found)


def _busy_until() -> ColumnElement[datetime | None]:
    """Return when the last lease of a delivery to the same destination ends: another one may have become its first
    pending one meanwhile, and must not overtake it."""
    leased = aliased(DeliveryRow)
    return (
        select(func.max(leased.leased_until))
        .where(col(leased.destination_id) == col(DeliveryRow.destination_id), col(leased.leased_until).is_not(None))
        .correlate(DeliveryRow)
        .scalar_subquery()
    )


def _heads(column: ColumnElement[T] | Mapped[T], *, with_failing: bool) -> Select[T]:
    """Select the column of the first pending delivery of every enabled destination."""
    # One step in an index for each destination, however many deliveries wait.
    head = (
        select(col(DeliveryRow.id))
        .where(
            col(DeliveryRow.state) == DeliveryState.PENDING,
            col(DeliveryRow.destination_id) == col(DestinationRow.id),
        )
        .order_by(col(DeliveryRow.sequence))
        .limit(1)
        .correlate(DestinationRow)
        .scalar_subquery()
    )
    heads = select(column).select_from(DestinationRow).where(col(DestinationRow.enabled))
    if not with_failing:
        heads = heads.where(col(DestinationRow.failure_count) == 0)
    return heads.join(DeliveryRow, col(DeliveryRow.id) == head)


def delivery_of(row: DeliveryRow) -> Delivery:
    """Return the row's delivery."""
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
        about_destination_id=row.about_destination_id,
        canary_id=row.canary_id,
        refusal_count=row.refusal_count,
        held_because=None if row.held_because is None else HoldReason(row.held_because),
        since=row.since,
        route_id=row.route_id,
        repeat_seconds=row.repeat_seconds,
    )


def _sealed_progress(keys: CommunityKeys, delivery_id: str, progress: JsonObject) -> bytes:
    return seal(keys, DeliveryRow, delivery_id, progress, column="sealed_progress")


def _progress_of(keys: CommunityKeys, row: DeliveryRow) -> JsonObject | None:
    if row.sealed_progress is None:
        return None
    progress: JsonObject = unseal(keys, DeliveryRow, row.id, row.sealed_progress, column="sealed_progress")
    return progress


def _attempt_of(row: AttemptRow) -> Attempt:
    return Attempt(
        id=row.id,
        delivery_id=row.delivery_id,
        number=row.number,
        at=row.at,
        outcome=AttemptOutcome(row.outcome),
        status=row.status,
        duration_seconds=row.duration_milliseconds / 1000,
        error=row.error,
    )
