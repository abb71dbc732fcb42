"""Deliveries."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Reader, Writer, audit_entry
from api.schemas.common import Identifier, Items, ListingQuery
from api.schemas.destinations import AttemptView, DeliveryQuery, DeliveryView
from api.services import Given

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])


@router.get("", summary="List the deliveries")
async def list_deliveries(wanted: Annotated[DeliveryQuery, Query()], given: Given, key: Reader) -> Items[DeliveryView]:
    """Answers what was, is and will be sent to destinations."""
    part = await given.store.deliveries(
        key.community_id, wanted.listing(), state=wanted.state, destination_id=wanted.destination
    )
    return Items[DeliveryView].of(part, DeliveryView.of)


@router.get("/{delivery_id}", summary="Read a delivery")
async def read_delivery(delivery_id: Identifier, given: Given, key: Reader) -> DeliveryView:
    """Answers where the delivery stands."""
    return DeliveryView.of(await given.store.delivery(key.community_id, delivery_id))


@router.get("/{delivery_id}/attempts", summary="List the attempts at a delivery")
async def list_attempts(
    delivery_id: Identifier, wanted: Annotated[ListingQuery, Query()], given: Given, key: Reader
) -> Items[AttemptView]:
    """Answers every attempt of the last 30 days, the oldest first."""
    part = await given.store.attempts(key.community_id, delivery_id, wanted.listing())
    return Items[AttemptView].of(part, AttemptView.of)


@router.post("/{delivery_id}/replay", summary="Replay a dead delivery")
async def replay_delivery(delivery_id: Identifier, given: Given, key: Writer) -> DeliveryView:
    """Has a delivery that was given up tried again, with the same identifier for its receiver."""
    audit = audit_entry(given, key, "delivery.replayed", delivery_id)
    delivery = await given.store.replay_delivery(key.community_id, delivery_id, given.clock.now(), audit=audit)
    given.changed()
    return DeliveryView.of(delivery)
