"""Incidents: one for each leak. Alerts open or join them, moderators decide about them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from alerting.planning import plan_incident_notices
from core.errors import Conflict, UsageError
from core.ids import new_id
from core.ports import Transaction
from core.types import (
    Alert,
    AuditEntry,
    EventType,
    Incident,
    IncidentState,
    Sighting,
)

Decision = Callable[[Incident], Incident]
"""What a moderator decided, as a change of the incident: ``functools.partial(resolve, reason=…, at=…)``."""

_LIVE = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED})


def join_keys(alert: Alert) -> tuple[str, ...]:
    """Return what another alert about the same leak would have in common with this one: the same document,
    or the same content, for the same watchlist. The store keeps these as keyed hashes, per community."""
    document = alert.document
    keys: list[tuple[str, ...]] = [("content", alert.watchlist_id, document.content_hash)]
    if document.external_id is not None:
        keys.append(("document", alert.watchlist_id, document.source or "", document.external_id))
    return tuple(json.dumps(key) for key in keys)


async def raise_alert(transaction: Transaction, alert: Alert, *, at: datetime) -> Incident:
    """Keep the alert in the incident it joins or opens, and plan what the destinations are told of it.

    They are told of a new incident, of a new place, and of a higher severity. Raises StoreError.
    """
    keys = join_keys(alert)
    known = await transaction.joinable_incident(alert.community_id, keys)
    if known is None:
        incident = _opened(alert, at)
        event: EventType | None = EventType.INCIDENT_OPENED
    else:
        new_place = not await transaction.has_sighting(known.id, alert.document)
        incident = _joined(known, alert, new_place=new_place, at=at)
        rose = incident.severity is not known.severity
        event = EventType.INCIDENT_UPDATED if new_place or rose else None
    await transaction.save_incident(incident, keys)
    await transaction.add_alert(replace(alert, incident_id=incident.id))
    await transaction.add_sighting(
        Sighting(
            id=new_id("sgt"),
            incident_id=incident.id,
            community_id=incident.community_id,
            document=replace(alert.document, text=""),
            seen_at=at,
        )
    )
    if event is not None:
        # A notice tells of the alerts of its moment.
        await plan_incident_notices(transaction, incident, event, alert.raised_at)
    return incident


def acknowledge(incident: Incident, *, assignee: str, at: datetime) -> Incident:
    """Return the incident in the hands of ``assignee``. Raises Conflict where it is closed."""
    _require_live(incident)
    return replace(incident, state=IncidentState.ACKNOWLEDGED, assignee=assignee, updated_at=at)


def resolve(incident: Incident, *, reason: str | None, at: datetime) -> Incident:
    """Return the incident as dealt with. Raises Conflict where it is closed already."""
    _require_live(incident)
    return replace(incident, state=IncidentState.RESOLVED, reason=reason, updated_at=at)


def dismiss(incident: Incident, *, reason: str, at: datetime) -> Incident:
    """Return the incident as a false alarm. Raises UsageError without a reason, Conflict where it is closed."""
    if not reason.strip():
        raise UsageError("dismissing an incident needs a reason")
    _require_live(incident)
    return replace(incident, state=IncidentState.DISMISSED, reason=reason, updated_at=at)


async def decide(
    transaction: Transaction, community_id: str, incident_id: str, decision: Decision, *, actor: str, at: datetime
) -> Incident:
    """Apply a decision, write it to the audit log, and tell the destinations when it closes the incident.

    Raises NotFound, Conflict, UsageError or StoreError.
    """
    incident = decision(await transaction.incident(community_id, incident_id))
    await transaction.save_incident(incident, ())
    await transaction.record(
        AuditEntry(
            id=new_id("aud"),
            community_id=community_id,
            actor=actor,
            action=f"incident.{incident.state}",
            object_id=incident.id,
            at=at,
        )
    )
    if incident.state not in _LIVE:
        await plan_incident_notices(transaction, incident, EventType.INCIDENT_RESOLVED, at)
    return incident


def _opened(alert: Alert, at: datetime) -> Incident:
    return Incident(
        id=new_id("inc"),
        community_id=alert.community_id,
        watchlist_id=alert.watchlist_id,
        alert_class=alert.alert_class,
        score=alert.score,
        state=IncidentState.OPEN,
        first_seen_at=at,
        last_seen_at=at,
        updated_at=at,
    )


def _joined(incident: Incident, alert: Alert, *, new_place: bool, at: datetime) -> Incident:
    return replace(
        incident,
        alert_class=max(incident.alert_class, alert.alert_class, key=lambda one: one.gravity),
        score=max(incident.score, alert.score),
        last_seen_at=max(incident.last_seen_at, at),
        updated_at=at,
        sighting_count=incident.sighting_count + new_place,
    )


def _require_live(incident: Incident) -> None:
    if incident.state not in _LIVE:
        raise Conflict(f"incident {incident.id} is {incident.state} already")
