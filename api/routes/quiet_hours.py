"""Quiet hours: when destinations are not disturbed."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Reader, Writer, audit_entry
from api.schemas.common import Identifier, Items, ListingQuery
from api.schemas.holds import NewQuietHours, QuietHoursView
from api.services import Given
from core.ids import new_id
from core.types import QuietHours

router = APIRouter(prefix="/v1/quiet-hours", tags=["quiet_hours"])


@router.post("", status_code=201, summary="Add quiet hours")
async def create_quiet_hours(sent: NewQuietHours, given: Given, key: Writer) -> QuietHoursView:
    """Adds quiet hours of a destination, which may have several. What comes meanwhile waits for their end; what is
    critical, or a threat, does not."""
    hours = QuietHours(
        id=new_id("qth"),
        community_id=key.community_id,
        destination_id=sent.destination_id,
        days=frozenset(sent.days),
        from_time=time.fromisoformat(sent.from_time),
        until_time=time.fromisoformat(sent.until_time),
        time_zone=sent.time_zone,
    )
    await given.store.add_quiet_hours(hours, audit=audit_entry(given, key, "quiet_hours.created", hours.id))
    return QuietHoursView.of(hours)


@router.get("", summary="List the quiet hours")
async def list_quiet_hours(
    wanted: Annotated[ListingQuery, Query()], given: Given, key: Reader
) -> Items[QuietHoursView]:
    """Answers the quiet hours of all destinations."""
    part = await given.store.quiet_hours(key.community_id, wanted.listing())
    return Items[QuietHoursView].of(part, QuietHoursView.of)


@router.delete("/{hours_id}", status_code=204, summary="Delete quiet hours")
async def delete_quiet_hours(hours_id: Identifier, given: Given, key: Writer) -> None:
    """Deletes the quiet hours. What waits for their end is sent, unless something else holds it."""
    audit = audit_entry(given, key, "quiet_hours.deleted", hours_id)
    await given.store.delete_quiet_hours(key.community_id, hours_id, audit=audit)
    given.changed()
