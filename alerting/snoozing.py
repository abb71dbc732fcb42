"""Snoozed incidents: nobody is told of them until what the moderator chose has come, or harm is imminent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from alerting.escalation import ask_on_call
from alerting.planning import plan_incident_notices
from core.clock import Clock
from core.errors import Conflict, CryptoError, NotFound, UsageError
from core.ids import new_id
from core.logs import logger
from core.ports import Store, Transaction
from core.rounds import in_rounds
from core.types import AuditEntry, EventType, Incident, Severity, Snooze, SnoozeEnd

LOOKS_EVERY = timedelta(seconds=30)
"""How late a snooze that was chosen until a moment ends, at most."""


async def snooze(
    transaction: Transaction, community_id: str, incident_id: str, chosen: Snooze, *, actor: str, at: datetime
) -> Incident:
    """Have nobody told of the incident until what was chosen has come, and nobody asked to take it on; return it.
    Raises UsageError for a choice that never comes or came already, Conflict where the incident is closed, NotFound or
    StoreError."""
    before = await transaction.incident(community_id, incident_id)
    if before.state.is_closed:
        raise Conflict(f"incident {before.id} is {before.state}: nobody is told of it anyway")
    if chosen.until is None and chosen.sighting_count is None and not (chosen.new_site or chosen.higher_severity):
        raise UsageError("say what ends the snooze: a moment, a number of sightings, a new site or a higher severity")
    if chosen.until is not None and chosen.until <= at:
        raise UsageError("the moment at which the snooze ends is past")
    after = replace(before, snooze=chosen, updated_at=at)
    await transaction.save_incident(after, ())
    await transaction.end_escalation(community_id, incident_id)
    await _record(transaction, after, actor, "incident.snoozed", at)
    return after


async def unsnooze(
    transaction: Transaction, community_id: str, incident_id: str, *, actor: str, at: datetime
) -> Incident:
    """Have the incident told of again, at once where it was seen since it was snoozed; return it. Raises Conflict where
    it is not snoozed, NotFound or StoreError."""
    before = await transaction.incident(community_id, incident_id)
    if before.snooze is None or not before.is_snoozed:
        raise Conflict(f"incident {before.id} is not snoozed")
    after = replace(ended(before, SnoozeEnd.BY_HAND, at), updated_at=at)
    await transaction.save_incident(after, ())
    await _record(transaction, after, actor, "incident.unsnoozed", at)
    if before.last_seen_at > before.snooze.began_at:
        return await _tell(transaction, after, at)
    return after


def became_threat(before: Incident, after: Incident) -> bool:
    """Return whether harm is threatened where none was."""
    return after.is_threat and not before.is_threat


def snooze_end(
    before: Incident, after: Incident, *, holds_threat: bool, is_new_place: bool, is_new_site: bool, at: datetime
) -> SnoozeEnd | None:
    """Return what ends the snooze of an incident, None where it goes on. ``holds_threat`` of the alert that joined it.
    Imminent harm ends any: a threat where there was none or at a new place, or that the incident became critical."""
    chosen = before.snooze
    if chosen is None or not before.is_snoozed:
        return None
    is_graver = after.severity is not before.severity
    is_threat_elsewhere = holds_threat and is_new_place
    if is_threat_elsewhere or became_threat(before, after) or (is_graver and after.severity is Severity.CRITICAL):
        return SnoozeEnd.IMMINENT_HARM
    if chosen.higher_severity and is_graver:
        return SnoozeEnd.HIGHER_SEVERITY
    if chosen.new_site and is_new_site:
        return SnoozeEnd.NEW_SITE
    if chosen.sighting_count is not None and after.sighting_count >= chosen.sighting_count:
        return SnoozeEnd.SIGHTINGS
    if chosen.until is not None and at >= chosen.until:
        return SnoozeEnd.UNTIL
    return None


def ended(incident: Incident, by: SnoozeEnd, at: datetime) -> Incident:
    """Return the incident with its snooze ended."""
    if incident.snooze is None:
        return incident
    return replace(incident, snooze=replace(incident.snooze, ended_at=at, ended_by=by))


class Snoozes:
    """The loop over snoozes that were chosen until a moment."""

    def __init__(self, store: Store, clock: Clock, *, planned: Callable[[], None]) -> None:
        """``planned`` is called when there is something to deliver."""
        self._store = store
        self._clock = clock
        self._planned = planned

    async def run(self) -> None:
        """End snoozes until cancelled. What fails is tried again."""
        await in_rounds(self.end_due, self._clock, every=LOOKS_EVERY, failing="snoozes cannot be ended")

    async def end_due(self) -> int:
        """End every snooze whose moment has come, each once, whoever else does the same, and have that told; return how
        many. Raises StoreError."""
        ended_count = 0
        for community_id, incident_id in await self._store.due_snoozes(self._clock.now()):
            try:
                ended_count += await self._end(community_id, incident_id)
            except NotFound:
                logger().info("an incident was deleted while it was snoozed", incident_id=incident_id)
            except CryptoError as error:  # the others must not wait for it
                logger().error("a snooze cannot be ended", incident_id=incident_id, exc_info=error)
        if ended_count:
            self._planned()
        return ended_count

    async def _end(self, community_id: str, incident_id: str) -> bool:
        at = self._clock.now()
        async with self._store.transaction() as transaction:
            before = await transaction.incident(community_id, incident_id)
            until = None if before.snooze is None else before.snooze.until
            if not before.is_snoozed or until is None or until > at:  # somebody was quicker, or chose anew
                return False
            after = replace(ended(before, SnoozeEnd.UNTIL, at), updated_at=at)
            await transaction.save_incident(after, ())
            await _tell(transaction, after, at)
        return True


async def _tell(transaction: Transaction, incident: Incident, at: datetime) -> Incident:
    await plan_incident_notices(transaction, incident, EventType.INCIDENT_UPDATED, at)
    return await ask_on_call(transaction, incident, EventType.INCIDENT_UPDATED, at)


async def _record(transaction: Transaction, incident: Incident, actor: str, action: str, at: datetime) -> None:
    await transaction.record(
        AuditEntry(
            id=new_id("aud"),
            community_id=incident.community_id,
            actor=actor,
            action=action,
            object_id=incident.id,
            at=at,
        )
    )
