"""Canaries: documents planted to see that what a source holds arrives."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from alerting.canaries import handed_in, planting
from api.auth import Reader, Writer, audit_entry
from api.schemas.canaries import CanaryView, NewCanary
from api.schemas.common import Identifier, Items, ListingQuery
from api.services import Given, Services
from core.types import ApiKey, Canary

router = APIRouter(prefix="/v1", tags=["canaries"])


@router.post("/sources/{source_id}/canaries", status_code=201, summary="Plant a canary in a source")
async def plant_canary(source_id: Identifier, sent: NewCanary, given: Given, key: Writer) -> CanaryView:
    """Has an invented phrase watched, for you to post where the source reads. If no alert about it has reached the
    destination in time, the other destinations are told which link of the chain broke (`canary.failed`)."""
    return CanaryView.of(await _plant(source_id, sent, given, key))


@router.post("/canaries", status_code=201, summary="Hand in a canary")
async def hand_in_canary(sent: NewCanary, given: Given, key: Writer) -> CanaryView:
    """Does the same without a source: a document with the phrase is handed in at once, as those of other systems."""
    canary = await _plant(None, sent, given, key)
    await given.pipeline.ingest(key.community_id, [handed_in(canary)])
    return CanaryView.of(canary)


@router.get("/canaries", summary="List the canaries")
async def list_canaries(wanted: Annotated[ListingQuery, Query()], given: Given, key: Reader) -> Items[CanaryView]:
    """Answers the community's canaries, the one that changed longest ago first."""
    return Items[CanaryView].of(await given.store.canaries(key.community_id, wanted.listing()), CanaryView.of)


@router.get("/canaries/{canary_id}", summary="Read a canary")
async def read_canary(canary_id: Identifier, given: Given, key: Reader) -> CanaryView:
    """Answers the canary: how long each link of the chain took, or which broke, and why."""
    return CanaryView.of(await given.store.canary(key.community_id, canary_id))


async def _plant(source_id: str | None, sent: NewCanary, services: Services, key: ApiKey) -> Canary:
    planted = planting(
        key.community_id,
        source_id,
        sent.destination_id,
        at=services.clock.now(),
        wait=timedelta(minutes=sent.within_minutes),
        search_externally=sent.search_externally,
    )
    audit = audit_entry(services, key, "canary.planted", planted.canary.id)
    await services.store.add_canary(planted.canary, planted.watchlist, planted.term, audit=audit)
    return planted.canary
