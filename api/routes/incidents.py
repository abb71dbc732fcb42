"""Incidents, and what moderators decide about them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Reader
from api.schemas.common import Identifier, Items, ListingQuery
from api.schemas.incidents import IncidentQuery, IncidentView, IncidentWithSightings, SightingView
from api.services import Given
from core.ports import Listing

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
    sightings = await given.store.sightings(key.community_id, incident_id, Listing())
    return IncidentWithSightings.with_sightings(incident, sightings)


@router.get("/{incident_id}/sightings", summary="List an incident's sightings")
async def list_sightings(
    incident_id: Identifier, wanted: Annotated[ListingQuery, Query()], given: Given, key: Reader
) -> Items[SightingView]:
    """Answers the places that the incident was seen at."""
    await given.store.incident(key.community_id, incident_id)
    part = await given.store.sightings(key.community_id, incident_id, wanted.listing())
    return Items[SightingView].of(part, SightingView.of)
