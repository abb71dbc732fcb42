"""Incidents: one for each leak. Alerts open or join them, moderators decide about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerting.escalation import ask_on_call
from alerting.joining import JoinKeys, Memory, find_incident, join_keys, known_traces
from alerting.links import site_of
from alerting.planning import leads_further, plan_incident_notices
from alerting.scoring import HIGHEST_SCORE
from alerting.signals import spread_points
from alerting.snoozing import became_threat, ended, snooze_end
from alerting.traces import Trace
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

NO_TRACE = Trace()
MEMORY = Memory()


async def raise_alert(
    transaction: Transaction, alert: Alert, *, at: datetime, trace: Trace = NO_TRACE, memory: Memory = MEMORY
) -> Incident:
    """Keep the alert in the incident it joins or opens, and plan what the destinations are told of it.

    ``trace`` is what its text is known again by; without it, only what is exactly the same joins. The destinations are
    told of a new incident, and of one that they know when it is seen on a new site, graver than before, where it was
    removed, with a first threat, or in a language for which a route takes it; of a snoozed one only when that ends. An
    incident that was resolved and is seen at a new place, or where it was removed, or graver, or with a first threat,
    is open again; one that was dismissed only for the last two: it was found to be no leak, wherever it stands. Raises
    StoreError.
    """
    keys = join_keys(alert, trace)
    known = await find_incident(transaction, alert, trace, keys, memory)
    site = site_of(alert.document)
    event: EventType | None
    if known is None:
        incident = _opened(alert, at)
        kept_trace = None if trace == NO_TRACE else trace.to_bytes()
        await transaction.add_incident(incident, keys.kept, trace=kept_trace, until=at + memory.of_leaks)
        await transaction.add_incident_terms(incident, {match.term_id for match in alert.matches})
        await _add_sighting(transaction, incident, alert, site, at)
        event = EventType.INCIDENT_OPENED
    else:
        seen = await _see(transaction, known, alert, site, at)
        incident = _joined(known, alert, seen, at)
        is_told = _is_to_be_told(known, incident, seen) or (
            not incident.state.is_closed and await leads_further(transaction, known, incident)
        )
        event = EventType.INCIDENT_UPDATED if is_told else None
        if known.is_snoozed:
            end = snooze_end(
                known,
                incident,
                holds_threat=alert.is_threat,
                is_new_place=seen.is_new_place,
                is_new_site=seen.is_new_site,
                at=at,
            )
            event = None if end is None else EventType.INCIDENT_UPDATED
            if end is not None:
                incident = ended(incident, end, alert.raised_at)
        await _save(transaction, incident, alert, keys, trace, memory)
        if seen.is_new_place:
            await _add_sighting(transaction, incident, alert, site, at)
    await transaction.add_alert(replace(alert, incident_id=incident.id))
    if event is not None:
        # A notice tells of the alerts of its moment.
        await plan_incident_notices(transaction, incident, event, alert.raised_at)
        incident = await ask_on_call(transaction, incident, event, alert.raised_at)
    return incident


async def open_incident(
    transaction: Transaction, alert: Alert, keys: Sequence[str], *, at: datetime, until: datetime
) -> Incident:
    """Open an incident of its own for the alert, found by the keys until that time, and tell the destinations. Raises
    StoreError."""
    incident = _opened(alert, at)
    await transaction.add_incident(incident, keys, until=until)
    await transaction.add_incident_terms(incident, {match.term_id for match in alert.matches})
    await _add_sighting(transaction, incident, alert, site_of(alert.document), at)
    await transaction.add_alert(replace(alert, incident_id=incident.id))
    await plan_incident_notices(transaction, incident, EventType.INCIDENT_OPENED, alert.raised_at)
    return await ask_on_call(transaction, incident, EventType.INCIDENT_OPENED, alert.raised_at)


def acknowledge(incident: Incident, *, assignee: str, at: datetime) -> Incident:
    """Return the incident in the hands of ``assignee``. Raises Conflict where it is closed."""
    _require_live(incident)
    return replace(incident, state=IncidentState.ACKNOWLEDGED, assignee=assignee, updated_at=at)


def resolve(incident: Incident, *, reason: str | None, at: datetime) -> Incident:
    """Return the incident as dealt with. Raises Conflict where it is closed already."""
    _require_live(incident)
    return replace(incident, state=IncidentState.RESOLVED, reason=reason, snooze=None, updated_at=at)


def dismiss(incident: Incident, *, reason: str, at: datetime) -> Incident:
    """Return the incident as a false alarm. Raises UsageError without a reason, Conflict where it is closed."""
    if not reason.strip():
        raise UsageError("dismissing an incident needs a reason")
    _require_live(incident)
    return replace(incident, state=IncidentState.DISMISSED, reason=reason, snooze=None, updated_at=at)


async def mark_removed(
    transaction: Transaction, community_id: str, incident_id: str, sighting_id: str, *, actor: str, at: datetime
) -> Sighting:
    """Record that the leak was removed from a place, and who found that: when it is seen there again, the destinations
    are told. Returns the sighting. Raises NotFound, Conflict or StoreError."""
    sighting = await transaction.sighting(community_id, incident_id, sighting_id)
    if sighting.is_removed:
        raise Conflict(f"sighting {sighting.id} is marked as removed already")
    sighting = replace(sighting, removed_at=at)
    await transaction.change_sighting(sighting)
    await _record(transaction, community_id, actor, "sighting.removed", sighting.id, at)
    return sighting


async def decide(
    transaction: Transaction, community_id: str, incident_id: str, decision: Decision, *, actor: str, at: datetime
) -> Incident:
    """Apply a decision, write it to the audit log, and tell the destinations when it closes the incident. It waits for
    nobody any more then.

    Raises NotFound, Conflict, UsageError or StoreError.
    """
    incident = decision(await transaction.incident(community_id, incident_id))
    await transaction.save_incident(incident, ())
    await transaction.end_escalation(community_id, incident.id)
    await _record(transaction, community_id, actor, f"incident.{incident.state}", incident.id, at)
    if incident.state.is_closed:
        await plan_incident_notices(transaction, incident, EventType.INCIDENT_RESOLVED, at)
    return incident


def _opened(alert: Alert, at: datetime) -> Incident:
    return Incident(
        id=new_id("inc"),
        community_id=alert.community_id,
        watchlist_id=alert.watchlist_id,
        alert_class=alert.alert_class,
        holds_threat=alert.is_threat,
        score=alert.score,
        state=IncidentState.OPEN,
        first_seen_at=at,
        last_seen_at=at,
        updated_at=at,
        languages=_languages_of(alert),
    )


def _languages_of(alert: Alert) -> frozenset[str]:
    language = alert.document.primary_language
    return frozenset() if language is None else frozenset({language})


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is new about where a known incident was seen."""

    is_new_place: bool
    is_new_site: bool
    is_back: bool


async def _see(transaction: Transaction, incident: Incident, alert: Alert, site: str | None, at: datetime) -> _Seen:
    """Return what is new about the place of the alert, and record when a known place was seen again."""
    before = await transaction.sighting_at(incident.id, alert.document)
    if before is None:
        is_new_site = site is not None and not await transaction.has_site(incident.id, site)
        return _Seen(is_new_place=True, is_new_site=is_new_site, is_back=False)
    returned_at = at if before.is_removed else before.returned_at
    await transaction.change_sighting(replace(before, last_seen_at=at, returned_at=returned_at))
    return _Seen(is_new_place=False, is_new_site=False, is_back=before.is_removed)


def _joined(incident: Incident, alert: Alert, seen: _Seen, at: datetime) -> Incident:
    site_count = incident.site_count + seen.is_new_site
    alert_class = max(incident.alert_class, alert.alert_class, key=lambda one: one.gravity)
    # What the leak itself is worth; how far it had spread was added to it.
    worth = max(incident.score - spread_points(incident.alert_class, incident.site_count), alert.score)
    score = max(incident.score, min(HIGHEST_SCORE, worth + spread_points(alert_class, site_count)))
    joined = replace(
        incident,
        alert_class=alert_class,
        holds_threat=incident.is_threat or alert.is_threat,
        score=score,
        last_seen_at=max(incident.last_seen_at, at),
        updated_at=at,
        sighting_count=incident.sighting_count + seen.is_new_place,
        site_count=site_count,
        languages=incident.languages | _languages_of(alert),
    )
    return replace(joined, state=_state_after(incident, joined, seen))


def _is_graver(before: Incident, after: Incident) -> bool:
    return after.severity is not before.severity or became_threat(before, after)


def _state_after(before: Incident, after: Incident, seen: _Seen) -> IncidentState:
    is_resolved = before.state is IncidentState.RESOLVED
    is_back = is_resolved and (seen.is_new_place or seen.is_back)
    if before.state.is_closed and (is_back or _is_graver(before, after)):
        return IncidentState.REGRESSED
    return before.state


def _is_to_be_told(before: Incident, after: Incident, seen: _Seen) -> bool:
    if after.state.is_closed:
        return False
    return seen.is_new_site or seen.is_back or _is_graver(before, after) or before.state.is_closed


async def _save(
    transaction: Transaction, incident: Incident, alert: Alert, keys: JoinKeys, trace: Trace, memory: Memory
) -> None:
    until = incident.last_seen_at + memory.of_leaks
    await transaction.save_incident(incident, keys.kept, until=until)
    await transaction.add_incident_terms(incident, {match.term_id for match in alert.matches})
    known = await known_traces(transaction, [incident])
    if trace != NO_TRACE and all(map(trace.adds_to, known[incident.id])):
        await transaction.add_trace(incident, trace.to_bytes(), until=until)


async def _add_sighting(
    transaction: Transaction, incident: Incident, alert: Alert, site: str | None, at: datetime
) -> None:
    await transaction.add_sighting(
        Sighting(
            id=new_id("sgt"),
            incident_id=incident.id,
            community_id=incident.community_id,
            document=replace(alert.document, text=""),
            site=site,
            seen_at=at,
            last_seen_at=at,
        )
    )


async def _record(
    transaction: Transaction, community_id: str, actor: str, action: str, object_id: str, at: datetime
) -> None:
    await transaction.record(
        AuditEntry(id=new_id("aud"), community_id=community_id, actor=actor, action=action, object_id=object_id, at=at)
    )


def _require_live(incident: Incident) -> None:
    if incident.state.is_closed:
        raise Conflict(f"incident {incident.id} is {incident.state} already")
