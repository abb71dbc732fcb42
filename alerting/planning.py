"""Which destinations are told of what: deliveries are put into the outbox, in the transaction of what they tell."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import Conflict
from core.ids import new_id
from core.ports import Store, Transaction
from core.types import Delivery, DeliveryState, Destination, EventType, Incident, SourceRecord

LONGEST_TEST = timedelta(seconds=40)
"""How long the outcome of a test is waited for: longer than a destination may take to answer."""
_LOOK_AGAIN = timedelta(seconds=0.1)


async def plan_incident_notices(transaction: Transaction, incident: Incident, event: EventType, at: datetime) -> None:
    """Plan a delivery for every destination that wants incidents of this severity. Raises StoreError."""
    for destination in await transaction.destinations(incident.community_id):
        if destination.minimum_severity.minimum_score <= incident.score:
            await transaction.plan_delivery(_delivery(destination, event, at, incident_id=incident.id))


async def plan_source_notices(transaction: Transaction, source: SourceRecord, event: EventType, at: datetime) -> None:
    """Plan a delivery for every destination of the source's community: whoever gets no alerts must know whether
    anybody looks. Raises StoreError."""
    for destination in await transaction.destinations(source.community_id):
        await transaction.plan_delivery(_delivery(destination, event, at, source_id=source.id))


async def plan_destination_notices(transaction: Transaction, disabled: Destination, at: datetime) -> None:
    """Plan a delivery for every other destination of the community: where one was switched off because it takes nothing
    any more, whoever reads the others must know. Raises StoreError."""
    for destination in await transaction.destinations(disabled.community_id):
        if destination.id != disabled.id:
            event = EventType.DESTINATION_DISABLED
            await transaction.plan_delivery(_delivery(destination, event, at, about_destination_id=disabled.id))


async def plan_test(transaction: Transaction, destination: Destination, at: datetime) -> Delivery:
    """Plan a test of the destination, behind what waits for it; return the delivery. Raises StoreError, and Conflict
    where the destination is switched off, as it would never be told."""
    if not destination.enabled:
        raise Conflict("this destination is switched off: switch it on first")
    delivery = _delivery(destination, EventType.TEST_PING, at)
    await transaction.plan_delivery(delivery)
    return delivery


async def outcome_of(store: Store, clock: Clock, delivery: Delivery) -> Delivery:
    """Return the delivery once it was tried, or as it is after ``LONGEST_TEST``. Raises StoreError."""
    until = clock.now() + LONGEST_TEST
    while True:
        present = await store.delivery(delivery.community_id, delivery.id)
        now = clock.now()
        if present.attempts or now >= until:
            return present
        await clock.wait_until(now + _LOOK_AGAIN, asyncio.Event())


def _delivery(
    destination: Destination,
    event: EventType,
    at: datetime,
    *,
    incident_id: str | None = None,
    source_id: str | None = None,
    about_destination_id: str | None = None,
) -> Delivery:
    return Delivery(
        id=new_id("dlv"),
        community_id=destination.community_id,
        destination_id=destination.id,
        incident_id=incident_id,
        source_id=source_id,
        about_destination_id=about_destination_id,
        event=event,
        sequence=0,
        idempotency_key=new_id("msg"),
        state=DeliveryState.PENDING,
        attempts=0,
        created_at=at,
        next_attempt_at=at,
    )
