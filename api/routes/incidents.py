"""Incidents, and what moderators decide about them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Query

from alerting.incidents import Decision, acknowledge, decide, dismiss, mark_removed, resolve
from alerting.snoozing import snooze, unsnooze
from api.auth import Reader, Writer, audit_entry
from api.schemas.common import Identifier, Items, ListingQuery
from api.schemas.incidents import (
    Acknowledgement,
    Dismissal,
    IncidentQuery,
    IncidentView,
    IncidentWithSightings,
    NewSnooze,
    Resolution,
    SightingView,
)
from api.services import Given, Services
from core.ports import Listing
from core.types import ApiKey, AuditEntry, Snooze

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])


@router.get("", summary="List the incidents")
async def list_incidents(wanted: Annotated[IncidentQuery, Query()], given: Given, key: Reader) -> Items[IncidentView]:
    """Answers the incidents. Keep the time of a listing and send it as `updated_since` to follow on."""
    part = await given.store.incidents(key.community_id, wanted.listing(), wanted.wanted())
    return Items[IncidentView].of(part, IncidentView.of)


@router.get("/{incident_id}", summary="Read an incident")
async def read_incident(incident_id: Identifier, given: Given, key: Reader) -> IncidentWithSightings:
    """Answers the incident and the first places it was seen at."""
    incident = await given.store.incident(key.community_id, incident_id)
    spread = await given.store.spread(key.community_id, incident_id, given.clock.now())
    sightings = await given.store.sightings(key.community_id, incident_id, Listing())
    return IncidentWithSightings.with_sightings(incident, spread, sightings)


@router.get("/{incident_id}/sightings", summary="List an incident's sightings")
async def list_sightings(
    incident_id: Identifier, wanted: Annotated[ListingQuery, Query()], given: Given, key: Reader
) -> Items[SightingView]:
    """Answers the places that the incident was seen at."""
    await given.store.incident(key.community_id, incident_id)
    part = await given.store.sightings(key.community_id, incident_id, wanted.listing())
    return Items[SightingView].of(part, SightingView.of)


@router.post("/{incident_id}/sightings/{sighting_id}/removed", summary="Mark a place as cleared")
async def sighting_removed(incident_id: Identifier, sighting_id: Identifier, given: Given, key: Writer) -> SightingView:
    """Says that the leak was removed from this place. When it is seen there again, that is told."""
    async with given.store.transaction() as transaction:
        sighting = await mark_removed(
            transaction, key.community_id, incident_id, sighting_id, actor=key.id, at=given.clock.now()
        )
    return SightingView.of(sighting)


@router.post("/{incident_id}/acknowledge", summary="Take an incident on")
async def acknowledge_incident(
    incident_id: Identifier, sent: Acknowledgement, given: Given, key: Writer
) -> IncidentView:
    """Says that somebody takes care of it. New alerts go on joining it."""
    decision = partial(acknowledge, assignee=sent.assignee or key.name, at=given.clock.now())
    return await _decide(incident_id, decision, given, key)


@router.post("/{incident_id}/resolve", summary="Close an incident as dealt with")
async def resolve_incident(incident_id: Identifier, sent: Resolution, given: Given, key: Writer) -> IncidentView:
    """Says that the leak is dealt with. When it is seen at a new place, or where it was removed, it is open again."""
    return await _decide(incident_id, partial(resolve, reason=sent.reason, at=given.clock.now()), given, key)


@router.post("/{incident_id}/dismiss", summary="Close an incident as no leak")
async def dismiss_incident(incident_id: Identifier, sent: Dismissal, given: Given, key: Writer) -> IncidentView:
    """Says that it is no leak, and why, and in which texts the terms that were found do not count from now on. Copies
    of it raise nothing, unless they are graver."""
    decision = partial(dismiss, reason=sent.reason, at=given.clock.now())
    never = {(one.term_id, one.text): audit_entry(given, key, "term.never_added", one.term_id) for one in sent.never}
    return await _decide(incident_id, decision, given, key, never)


@router.post("/{incident_id}/snooze", summary="Snooze an incident")
async def snooze_incident(incident_id: Identifier, sent: NewSnooze, given: Given, key: Writer) -> IncidentView:
    """Has nobody told of it until one of what is chosen has come; then that is told. A threat, and that it became
    critical, ends it in any case. New alerts go on joining it."""
    at = given.clock.now()
    async with given.store.transaction() as transaction:
        before = await transaction.incident(key.community_id, incident_id)
        chosen = Snooze(
            began_at=at,
            until=sent.until,
            sighting_count=None if sent.more_sightings is None else before.sighting_count + sent.more_sightings,
            new_site=sent.new_site,
            higher_severity=sent.higher_severity,
        )
        incident = await snooze(transaction, key.community_id, incident_id, chosen, actor=key.id, at=at)
    return IncidentView.of(incident)


@router.post("/{incident_id}/unsnooze", summary="End the snooze of an incident")
async def unsnooze_incident(incident_id: Identifier, given: Given, key: Writer) -> IncidentView:
    """Has it told of again, at once where it was seen since it was snoozed."""
    async with given.store.transaction() as transaction:
        incident = await unsnooze(transaction, key.community_id, incident_id, actor=key.id, at=given.clock.now())
    given.changed()
    return IncidentView.of(incident)


async def _decide(
    incident_id: str,
    decision: Decision,
    services: Services,
    key: ApiKey,
    never: Mapping[tuple[str, str], AuditEntry] = MappingProxyType({}),
) -> IncidentView:
    async with services.store.transaction() as transaction:
        incident = await decide(
            transaction, key.community_id, incident_id, decision, actor=key.id, at=services.clock.now()
        )
        for (term_id, text), audit in never.items():
            await transaction.add_never(key.community_id, term_id, text)
            await transaction.record(audit)
    services.changed()
    return IncidentView.of(incident)
