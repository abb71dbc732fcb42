"""Destinations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from alerting.planning import outcome_of, plan_test
from api.auth import Reader, Writer, audit_entry, require, require_for_settings
from api.schemas.common import Identifier, Items, ListingQuery
from api.schemas.destinations import DeliveryView, DestinationView, NewDestination
from api.services import Given, Services
from core.ids import new_id
from core.types import ApiKey, Destination, Detail, Scope

router = APIRouter(prefix="/v1/destinations", tags=["destinations"])


@router.post("", status_code=201, summary="Add a destination")
async def create_destination(sent: NewDestination, given: Given, key: Writer) -> DestinationView:
    """Adds a destination. One that is told protected names (`full`) needs the scope `reveal`."""
    destination = _destination(new_id("dst"), sent, given, key)
    audit = audit_entry(given, key, "destination.created", destination.id)
    await given.store.add_destination(destination, audit=audit)
    given.changed()
    return DestinationView.of(destination)


@router.get("", summary="List the destinations")
async def list_destinations(
    wanted: Annotated[ListingQuery, Query()], given: Given, key: Reader
) -> Items[DestinationView]:
    """Answers the community's destinations."""
    part = await given.store.all_destinations(key.community_id, wanted.listing())
    return Items[DestinationView].of(part, DestinationView.of)


@router.get("/{destination_id}", summary="Read a destination")
async def read_destination(destination_id: Identifier, given: Given, key: Reader) -> DestinationView:
    """Answers the destination."""
    return DestinationView.of(await given.store.destination(key.community_id, destination_id))


@router.put("/{destination_id}", summary="Change a destination")
async def change_destination(
    destination_id: Identifier, sent: NewDestination, given: Given, key: Writer
) -> DestinationView:
    """Puts what is sent in place of all that was known of the destination, its settings too. What waits for it is sent
    by the new ones; its digest, and whether it is switched on, stay."""
    destination = _destination(destination_id, sent, given, key)
    audit = audit_entry(given, key, "destination.changed", destination_id)
    changed = await given.store.change_destination(destination, audit=audit)
    given.changed()
    return DestinationView.of(changed)


@router.post("/{destination_id}/enable", summary="Switch a destination on")
async def enable_destination(destination_id: Identifier, given: Given, key: Writer) -> DestinationView:
    """Has notices sent to it again, those that wait too, at once."""
    return await _switch(destination_id, True, given, key)


@router.post("/{destination_id}/disable", summary="Switch a destination off")
async def disable_destination(destination_id: Identifier, given: Given, key: Writer) -> DestinationView:
    """Has no notices sent to it."""
    return await _switch(destination_id, False, given, key)


@router.post("/{destination_id}/test", summary="Test a destination")
async def test_destination(destination_id: Identifier, given: Given, key: Writer) -> DeliveryView:
    """Sends a sample (`test.ping`), as long as a real notice, the way that all take, behind what waits already. Answers
    the delivery once it was tried, or as it stands after 40 seconds."""
    destination = await given.store.destination(key.community_id, destination_id)
    async with given.store.transaction() as transaction:
        delivery = await plan_test(transaction, destination, given.clock.now())
        await transaction.record(audit_entry(given, key, "destination.tested", destination_id))
    given.changed()
    return DeliveryView.of(await outcome_of(given.store, given.clock, delivery))


@router.delete("/{destination_id}", status_code=204, summary="Delete a destination")
async def delete_destination(destination_id: Identifier, given: Given, key: Writer) -> None:
    """Deletes the destination."""
    audit = audit_entry(given, key, "destination.deleted", destination_id)
    await given.store.delete_destination(key.community_id, destination_id, audit=audit)
    given.changed()


def _destination(destination_id: str, sent: NewDestination, services: Services, key: ApiKey) -> Destination:
    if sent.detail is Detail.FULL:
        require(key, Scope.REVEAL)
    require_for_settings(key, services.notifiers.check_settings(sent.kind, sent.settings))
    return Destination(
        id=destination_id,
        community_id=key.community_id,
        kind=sent.kind,
        name=sent.name,
        settings=sent.settings,
        detail=sent.detail,
        minimum_severity=sent.minimum_severity,
        no_quotes=sent.no_quotes,
        only_when_asked=sent.only_when_asked,
    )


async def _switch(destination_id: str, enabled: bool, services: Services, key: ApiKey) -> DestinationView:
    if enabled and (await services.store.destination(key.community_id, destination_id)).detail is Detail.FULL:
        require(key, Scope.REVEAL)
    audit = audit_entry(services, key, "destination.enabled" if enabled else "destination.disabled", destination_id)
    destination = await services.store.set_destination_enabled(key.community_id, destination_id, enabled, audit=audit)
    services.changed()
    return DestinationView.of(destination)
