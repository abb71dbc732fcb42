"""Incidents that wait to be acknowledged: whoever is on call is asked first, then one after another whose turns follow.

Who is asked next, and when, stands in the database, and every step is one transaction that holds the incident: whatever
is killed, and however many processes look, nobody is passed over and nobody is asked twice for one step. Whoever
acknowledges or closes the incident ends it in the transaction of that decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from alerting.content_notes import content_notes, is_heavy
from alerting.planning import plan_notice
from alerting.rotation import order_of
from core.clock import Clock
from core.errors import LeakwatchError, NotFound
from core.ids import new_id
from core.logs import logger
from core.ports import AlertFilter, Listing, Store, Transaction
from core.rounds import in_rounds
from core.types import (
    AlertClass,
    AuditEntry,
    Destination,
    Escalation,
    EventType,
    Incident,
    IncidentState,
    Moderator,
    Rotation,
    Severity,
)

MOST_ROUNDS = 3
"""After so many times through the whole rotation, nobody is asked any more: everybody was told as often."""
LOOKS_EVERY = timedelta(seconds=10)
MOST_READ = 20
"""Of an incident, that are looked at to tell whether it is hard to read."""

ACTOR = "on_call"
"""Whom the audit log names for what is done here."""

_WAITING = (IncidentState.OPEN, IncidentState.REGRESSED)


async def ask_on_call(transaction: Transaction, incident: Incident, event: EventType, at: datetime) -> Incident:
    """Have whoever is on call told of what happened to the incident, where it is grave enough for the rotation, in
    nobody's hands, and no test; return it as it is then. One that waits already and became graver waits no longer than
    is allowed for its severity. ``at`` is the moment of the notices about it. Raises StoreError."""
    if incident.state not in _WAITING or incident.alert_class is AlertClass.TEST:
        return incident
    rotation = await transaction.rotation(incident.community_id)
    if rotation is None or incident.score < rotation.minimum_severity.minimum_score:
        return incident
    known = await transaction.escalation(incident.community_id, incident.id)
    if known is not None and known.due_at is not None:
        await transaction.save_escalation(replace(known, due_at=min(known.due_at, _deadline(rotation, incident, at))))
        return incident
    escalation = Escalation(
        incident_id=incident.id,
        community_id=incident.community_id,
        rotation_id=rotation.id,
        waiting_since=at if known is None else known.waiting_since,
        due_at=None,
    )
    return await _ask_next(transaction, rotation, incident, escalation, event, at)


async def escalate(
    transaction: Transaction,
    community_id: str,
    incident_id: str,
    at: datetime,
    *,
    heavy_counts: Mapping[str, int] | None = None,
) -> bool:
    """Ask the next moderator where the incident's escalation is due; return whether it was. ``heavy_counts`` are given
    for an incident that is hard to read: how many such were sent to each moderator lately. Raises NotFound for the
    incident, StoreError."""
    incident = await transaction.incident(community_id, incident_id)
    escalation = await transaction.escalation(community_id, incident_id)
    rotation = await transaction.rotation(community_id)
    if escalation is None or rotation is None or escalation.due_at is None or escalation.due_at > at:
        return False
    event = EventType.INCIDENT_ESCALATED
    await _ask_next(transaction, rotation, incident, escalation, event, at, heavy_counts=heavy_counts)
    return True


class Escalator:
    """The loop over incidents that have waited too long."""

    def __init__(self, store: Store, clock: Clock, *, planned: Callable[[], None]) -> None:
        """``planned`` is called when there is something to tell people."""
        self._store = store
        self._clock = clock
        self._planned = planned

    async def run(self) -> None:
        """Escalate until cancelled. What fails is tried again."""
        await in_rounds(self.escalate_due, self._clock, every=LOOKS_EVERY, failing="nobody else can be asked")

    async def escalate_due(self) -> None:
        """Escalate every incident that has waited too long. Raises StoreError."""
        for community_id, incident_id in await self._store.due_escalations(self._clock.now()):
            try:
                await self._escalate(community_id, incident_id)
            except NotFound:
                logger().info("an incident was deleted while it waited", incident_id=incident_id)
            except LeakwatchError as error:  # the others must not wait for it
                logger().error("an incident cannot be escalated", incident_id=incident_id, exc_info=error)

    async def _escalate(self, community_id: str, incident_id: str) -> None:
        at = self._clock.now()
        first = await self._store.alerts(community_id, Listing(limit=MOST_READ), AlertFilter(incident_id=incident_id))
        is_hard_to_read = is_heavy(content_notes(first.items))
        heavy_counts = await self._store.heavy_counts(community_id, at) if is_hard_to_read else None
        async with self._store.transaction() as transaction:
            is_escalated = await escalate(transaction, community_id, incident_id, at, heavy_counts=heavy_counts)
        if is_escalated:
            logger().info("an incident was escalated", incident_id=incident_id)
            self._planned()


async def _ask_next(
    transaction: Transaction,
    rotation: Rotation,
    incident: Incident,
    escalation: Escalation,
    event: EventType,
    at: datetime,
    *,
    heavy_counts: Mapping[str, int] | None = None,
) -> Incident:
    """Ask the next moderator of this round; where all were asked, tell everybody, and begin the next round."""
    destinations = {one.id: one for one in await transaction.destinations(incident.community_id) if one.enabled}
    moderators = {one.id: one for one in await transaction.moderators(incident.community_id)}
    reachable = [
        moderators[moderator_id]
        for moderator_id in order_of(rotation, at)
        if moderator_id in moderators and _reached_by(moderators[moderator_id], destinations)
    ]
    not_asked = [one for one in reachable if one.id not in escalation.asked_ids]
    if not not_asked:
        await _tell(transaction, incident, destinations.values(), EventType.INCIDENT_ESCALATED, at)
        if escalation.round_number >= MOST_ROUNDS:
            await transaction.save_escalation(replace(escalation, due_at=None))
            await _record(transaction, incident, "incident.escalation_ended", incident.id, at)
            return incident
        escalation = replace(escalation, asked_ids=(), round_number=escalation.round_number + 1)
        not_asked = reachable
    due_at = _deadline(rotation, incident, at)
    if not not_asked:
        await transaction.save_escalation(replace(escalation, due_at=due_at))
        return incident
    asked = not_asked[0] if heavy_counts is None else min(not_asked, key=lambda one: heavy_counts.get(one.id, 0))
    incident = replace(incident, assignee=asked.name, updated_at=at)
    await transaction.save_incident(incident, ())
    await transaction.save_escalation(replace(escalation, asked_ids=(*escalation.asked_ids, asked.id), due_at=due_at))
    await _tell(transaction, incident, _reached_by(asked, destinations), event, at)
    await _record(transaction, incident, "incident.assigned", incident.id, at)
    await _record(transaction, incident, "moderator.asked", asked.id, at)
    return incident


def _reached_by(moderator: Moderator, destinations: Mapping[str, Destination]) -> list[Destination]:
    """Return those of the enabled destinations by which the moderator is reached."""
    return [destinations[one] for one in moderator.destination_ids if one in destinations]


def _deadline(rotation: Rotation, incident: Incident, at: datetime) -> datetime:
    is_critical = incident.severity is Severity.CRITICAL
    return at + timedelta(minutes=rotation.critical_minutes if is_critical else rotation.other_minutes)


async def _tell(
    transaction: Transaction, incident: Incident, destinations: Iterable[Destination], event: EventType, at: datetime
) -> None:
    """Plan a delivery for each of the destinations that is not told of the incident at this moment already."""
    told = await transaction.destinations_told(incident, at)
    for destination in destinations:
        if destination.id not in told:
            await plan_notice(transaction, destination, incident, event, at)


async def _record(transaction: Transaction, incident: Incident, action: str, object_id: str, at: datetime) -> None:
    await transaction.record(
        AuditEntry(
            id=new_id("aud"),
            community_id=incident.community_id,
            actor=ACTOR,
            action=action,
            object_id=object_id,
            at=at,
        )
    )
