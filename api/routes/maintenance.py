"""Maintenance: times in which nothing is sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Reader, Writer, audit_entry
from api.schemas.common import Identifier, Items, ListingQuery
from api.schemas.holds import MaintenanceWindowView, NewMaintenanceWindow
from api.services import Given
from core.errors import UsageError
from core.ids import new_id
from core.types import MaintenanceWindow

router = APIRouter(prefix="/v1/maintenance", tags=["maintenance"])


@router.post("", status_code=201, summary="Add a maintenance window")
async def create_maintenance(sent: NewMaintenanceWindow, given: Given, key: Writer) -> MaintenanceWindowView:
    """Adds a time in which nothing is sent to a destination, or to none of them. What comes meanwhile waits for its
    end, and is told then where it is still true. A window of the whole community lets pass what is critical, or a
    threat."""
    now = given.clock.now()
    if sent.until_at <= now:
        raise UsageError("until_at must be in the future")
    window = MaintenanceWindow(
        id=new_id("mnt"),
        community_id=key.community_id,
        destination_id=sent.destination_id,
        from_at=sent.from_at or now,
        until_at=sent.until_at,
        reason=sent.reason,
    )
    await given.store.add_maintenance(window, audit=audit_entry(given, key, "maintenance.created", window.id))
    return MaintenanceWindowView.of(window)


@router.get("", summary="List the maintenance windows")
async def list_maintenance(
    wanted: Annotated[ListingQuery, Query()], given: Given, key: Reader
) -> Items[MaintenanceWindowView]:
    """Answers the windows that are open or to come."""
    part = await given.store.maintenance(key.community_id, wanted.listing())
    return Items[MaintenanceWindowView].of(part, MaintenanceWindowView.of)


@router.delete("/{window_id}", status_code=204, summary="Delete a maintenance window")
async def delete_maintenance(window_id: Identifier, given: Given, key: Writer) -> None:
    """Deletes the window, which ends it. What waits for its end is sent, unless something else holds it."""
    audit = audit_entry(given, key, "maintenance.deleted", window_id)
    await given.store.delete_maintenance(key.community_id, window_id, audit=audit)
    given.changed()
