"""Which destinations are told of what: deliveries are put into the outbox, in the transaction of what they tell."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerting.routing import is_urgent, route_incident
from core.clock import Clock
from core.errors import Conflict, CryptoError
from core.ids import new_id
from core.logs import logger
from core.ports import Store, Transaction
from core.types import (
    AlertClass,
    Canary,
    Delivery,
    DeliveryState,
    Destination,
    EventType,
    Incident,
    Routing,
    Severity,
    SourceRecord,
    ToldIncident,
)

LONGEST_TEST = timedelta(seconds=40)
"""How long the outcome of a test is waited for: longer than a destination may take to answer."""
_LOOK_AGAIN = timedelta(seconds=0.1)


async def plan_incident_notices(transaction: Transaction, incident: Incident, event: EventType, at: datetime) -> None:
    """Plan a delivery for every destination that is told of the incident, and keep the incident for the next digest of
    those that have one: they are told at once of what cannot wait. Raises StoreError."""
    told = await _told(transaction, incident)
    if incident.alert_class is AlertClass.TEST:
        await _plan_test_notice(transaction, incident, told, event, at)
        return
    for routing in told:
        destination = routing.destination
        if destination.digest is not None:
            await transaction.keep_for_digest(destination, ToldIncident(incident=incident, event=event, since=at))
        if _is_told_at_once(destination, incident):
            await transaction.plan_delivery(_routed(routing, incident, event, at))


async def leads_further(transaction: Transaction, before: Incident, after: Incident) -> bool:
    """Return whether a route takes the incident for a language in which it was not seen before. Raises StoreError."""
    if after.languages <= before.languages:
        return False
    routes = await transaction.routes(after.community_id)
    return any(route.destination_ids and route.takes(after) and not route.takes(before) for route in routes)


async def _plan_test_notice(
    transaction: Transaction, incident: Incident, told: Sequence[Routing], event: EventType, at: datetime
) -> None:
    """Plan the delivery of a canary's incident: for one destination, where it is among those that are told, and at
    once. The others need not hear of a test, no digest counts it, and no group waits for more."""
    canary = await transaction.canary_of_watchlist(incident.community_id, incident.watchlist_id)
    for routing in told:
        destination = routing.destination
        if canary is not None and destination.enabled and destination.id == canary.destination_id:
            await transaction.plan_delivery(_delivery(destination, event, at, incident_id=incident.id))


async def plan_repetition(transaction: Transaction, incident: Incident, destination_id: str, at: datetime) -> None:
    """Plan that the destination is told of the incident again, if its routes still say so. Raises StoreError."""
    for routing in await _told(transaction, incident):
        destination, is_repeated = routing.destination, routing.repeat_seconds is not None
        if destination.id == destination_id and is_repeated and _is_told_at_once(destination, incident):
            await transaction.plan_delivery(_routed(routing, incident, EventType.INCIDENT_REPEATED, at))


async def _told(transaction: Transaction, incident: Incident) -> Sequence[Routing]:
    """Return how the destinations are told of the incident. Those that were switched off as they took nothing are told
    once they are switched on again, as if they were on now; meanwhile they stand in for no other."""
    routes = await transaction.routes(incident.community_id)
    destinations = await transaction.destinations(incident.community_id)
    now = route_incident(incident, routes, destinations)
    repaired = route_incident(incident, routes, [replace(one, enabled=True) for one in destinations])
    decided = [
        at_present if destination.enabled else replace(later, destination=destination)
        for destination, at_present, later in zip(destinations, now, repaired, strict=True)
    ]
    return [routing for routing in decided if routing.reason.is_told]


def _is_told_at_once(destination: Destination, incident: Incident) -> bool:
    """Return whether the destination is told of the incident by a notice of its own: of any without digests, of grave
    and imminent harm with them."""
    if destination.digest is None:
        return True
    is_grave = is_urgent(incident) or incident.severity is Severity.HIGH
    return is_grave and not destination.digest.is_only


async def plan_notice(
    transaction: Transaction, destination: Destination, incident: Incident, event: EventType, at: datetime
) -> None:
    """Plan a delivery of this destination's own, whatever routes say. Raises StoreError."""
    await transaction.plan_delivery(_delivery(destination, event, at, incident_id=incident.id))


async def plan_group(
    transaction: Transaction,
    destination: Destination,
    told: Sequence[ToldIncident],
    at: datetime,
    *,
    of: Delivery | None = None,
) -> Delivery:
    """Plan one delivery that tells the destination of several incidents, in the group ``of`` that other one; return it.
    Raises StoreError."""
    delivery = _delivery(destination, EventType.INCIDENT_GROUPED, at)
    if of is not None:
        delivery = replace(delivery, route_id=of.route_id, repeat_seconds=of.repeat_seconds)
    await transaction.plan_delivery(delivery)
    await transaction.tell_of(delivery, told)
    return delivery


async def plan_digest(transaction: Transaction, destination: Destination, since: datetime, at: datetime) -> Delivery:
    """Plan a digest of what was kept for it, be it nothing, which is kept no longer; return the delivery. Raises
    StoreError."""
    delivery = digest_delivery(destination, since, at)
    await transaction.plan_delivery(delivery)
    await transaction.tell_of_kept(delivery)
    return delivery


def digest_delivery(destination: Destination, since: datetime, at: datetime) -> Delivery:
    """Return the delivery of a digest, not planned yet."""
    return replace(_delivery(destination, EventType.INCIDENT_DIGEST, at), since=since)


async def plan_source_notices(transaction: Transaction, source: SourceRecord, event: EventType, at: datetime) -> None:
    """Plan a delivery for every destination, of each community for which the source is read, that is told without
    anybody being asked: whoever gets no alerts must know whether anybody looks. Raises StoreError."""
    for community_id in await transaction.readers(source):
        try:
            destinations = await _attentive_destinations(transaction, community_id)
        except CryptoError as error:  # the other communities must be told all the same
            logger().error("a community cannot be told of a source", community_id=community_id, exc_info=error)
            continue
        for destination in destinations:
            await transaction.plan_delivery(_delivery(destination, event, at, source_id=source.id))


async def plan_destination_notices(transaction: Transaction, disabled: Destination, at: datetime) -> None:
    """Plan a delivery for every other destination of the community that is told without anybody being asked: where one
    was switched off because it takes nothing any more, whoever reads the others must know. Raises StoreError."""
    for destination in await _attentive_destinations(transaction, disabled.community_id):
        if destination.id != disabled.id:
            event = EventType.DESTINATION_DISABLED
            await transaction.plan_delivery(_delivery(destination, event, at, about_destination_id=disabled.id))


async def plan_canary_notices(transaction: Transaction, canary: Canary, at: datetime) -> None:
    """Plan a delivery for every destination of the community but the canary's own, which it did not reach. Raises
    StoreError."""
    for destination in await transaction.destinations(canary.community_id):
        if destination.enabled and destination.id != canary.destination_id:
            await transaction.plan_delivery(_delivery(destination, EventType.CANARY_FAILED, at, canary_id=canary.id))


async def plan_test(transaction: Transaction, destination: Destination, at: datetime) -> Delivery:
    """Plan a test of the destination, behind what waits for it; return the delivery. Raises StoreError, and Conflict
    where the destination is switched off, as it would never be told."""
    if not destination.enabled:
        raise Conflict("this destination is switched off: switch it on first")
    delivery = _delivery(destination, EventType.TEST_PING, at)
    await transaction.plan_delivery(delivery)
    return delivery


async def outcome_of(store: Store, clock: Clock, delivery: Delivery) -> Delivery:
    """Return the delivery once it was tried, or as it is after ``LONGEST_TEST``, at once where nothing is sent to its
    destination before that. Raises StoreError."""
    until = clock.now() + LONGEST_TEST
    while True:
        present = await store.delivery(delivery.community_id, delivery.id)
        destination = await store.destination(delivery.community_id, delivery.destination_id)
        retry_at = destination.health.retry_at
        now = clock.now()
        if present.attempts or now >= until or (retry_at is not None and retry_at > until):
            return present
        await clock.wait_until(now + _LOOK_AGAIN, asyncio.Event())


async def _attentive_destinations(transaction: Transaction, community_id: str) -> Sequence[Destination]:
    """Return the enabled destinations that are told without anybody being asked; all, where there are no others."""
    destinations = [one for one in await transaction.destinations(community_id) if one.enabled]
    return [one for one in destinations if not one.only_when_asked] or destinations


def _routed(routing: Routing, incident: Incident, event: EventType, at: datetime) -> Delivery:
    delivery = _delivery(routing.destination, event, at, incident_id=incident.id)
    group = routing.group
    return replace(delivery, route_id=None if group is None else group.id, repeat_seconds=routing.repeat_seconds)


def _delivery(
    destination: Destination,
    event: EventType,
    at: datetime,
    *,
    incident_id: str | None = None,
    source_id: str | None = None,
    about_destination_id: str | None = None,
    canary_id: str | None = None,
) -> Delivery:
    return Delivery(
        id=new_id("dlv"),
        community_id=destination.community_id,
        destination_id=destination.id,
        incident_id=incident_id,
        source_id=source_id,
        about_destination_id=about_destination_id,
        canary_id=canary_id,
        event=event,
        sequence=0,
        idempotency_key=new_id("msg"),
        state=DeliveryState.PENDING,
        attempts=0,
        created_at=at,
        next_attempt_at=at,
    )
