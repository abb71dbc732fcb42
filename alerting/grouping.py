"""Several incidents in one notice, and notices that are repeated: a route's wait, interval and repetition.

The first notice of a group waits so that others join it, and between two notices of a group lies an interval. A group
is what one route leads to one destination. What is urgent is told at once, alone. An incident that nobody acknowledges
is told again after a while, until somebody does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerting.planning import plan_group, plan_repetition
from alerting.routing import is_urgent
from core.errors import Conflict, CryptoError, NotFound
from core.logs import logger
from core.ports import Store, Transaction
from core.types import (
    Delivery,
    DeliveryLease,
    EventType,
    Hold,
    HoldReason,
    IncidentState,
    Repetition,
    ToldIncident,
)

UNACKNOWLEDGED = frozenset({IncidentState.OPEN, IncidentState.REGRESSED})
REPETITIONS_AT_ONCE = 100
PUT_OFF_FOR = timedelta(hours=1)
"""How much later a repetition that cannot be planned is tried again."""


async def group_hold(store: Store, delivery: Delivery, at: datetime) -> Hold | None:
    """Return why and until when the delivery waits for others of its group; None where it does not. Raises
    StoreError."""
    # One that was tried may have arrived: it must not be told once more under another id.
    if delivery.route_id is None or delivery.event is EventType.INCIDENT_GROUPED or delivery.attempts:
        return None
    try:
        route = await store.route(delivery.community_id, delivery.route_id)
    except NotFound:  # deleted meanwhile
        return None
    until = delivery.created_at + timedelta(seconds=route.wait_seconds)
    last_at = await store.last_told_at(delivery.community_id, delivery.destination_id, route.id)
    if last_at is not None:
        until = max(until, last_at + timedelta(seconds=route.interval_seconds))
    return Hold(reason=HoldReason.GROUPING, until=until) if until > at else None


async def tell_together(store: Store, lease: DeliveryLease, at: datetime) -> bool:
    """Plan one notice in place of the leased delivery and all others of its group that can be told now, but what is
    urgent; return False, with nothing changed, where there are no others. Raises StoreError, LeaseLost."""
    delivery = lease.delivery
    if delivery.route_id is None or delivery.event is EventType.INCIDENT_GROUPED or delivery.attempts:
        return False
    async with store.transaction() as transaction:
        waiting = await transaction.others_of_group(delivery, at)
        others = [one for one in waiting if not await _is_urgent(transaction, one)]
        if not others:
            return False
        await transaction.gather(lease, others, at)
        told = await _told(transaction, sorted((delivery, *others), key=lambda one: one.sequence))
        await plan_group(transaction, lease.destination, told, at, of=delivery)
    return True


async def plan_repetitions(store: Store, at: datetime) -> None:
    """Plan another notice of each incident that nobody has acknowledged or snoozed since it was told, where its time
    has come. One that cannot be planned is put off. Raises StoreError."""
    for due in await store.due_repetitions(at, REPETITIONS_AT_ONCE):
        try:
            await _plan_repetition(store, due, at)
        except (Conflict, CryptoError, NotFound) as error:
            # Put off, as the longest due come first: those that fail must not hide the others for ever.
            logger().error("an incident cannot be told again", incident_id=due.incident_id, exc_info=error)
            async with store.transaction() as transaction:
                await transaction.put_off_repetition(due, at + PUT_OFF_FOR)


async def _plan_repetition(store: Store, due: Repetition, at: datetime) -> None:
    async with store.transaction() as transaction:
        if await transaction.take_repetition(due):
            incident = await transaction.incident(due.community_id, due.incident_id)
            if incident.state in UNACKNOWLEDGED and not incident.is_snoozed:
                await plan_repetition(transaction, incident, due.destination_id, at)


async def _is_urgent(transaction: Transaction, delivery: Delivery) -> bool:
    if delivery.incident_id is None or delivery.event is EventType.INCIDENT_RESOLVED:
        return False
    return is_urgent(await transaction.incident(delivery.community_id, delivery.incident_id))


async def _told(transaction: Transaction, deliveries: Sequence[Delivery]) -> tuple[ToldIncident, ...]:
    """Return what the deliveries tell, in their order, each incident once."""
    told: dict[str, ToldIncident] = {}
    for delivery in deliveries:
        if delivery.incident_id is None:
            continue
        before = told.get(delivery.incident_id)
        if before is None:
            incident = await transaction.incident(delivery.community_id, delivery.incident_id)
            told[incident.id] = ToldIncident(incident=incident, event=delivery.event, since=delivery.created_at)
        elif delivery.event is EventType.INCIDENT_RESOLVED or before.event is not EventType.INCIDENT_OPENED:
            told[before.incident.id] = replace(before, event=delivery.event)
    return tuple(
        replace(one, event=EventType.INCIDENT_RESOLVED) if one.incident.state.is_closed else one
        for one in told.values()
    )
