"""Digests: what can wait, told to a destination at an hour of its own."""

from __future__ import annotations

from fastapi import APIRouter

from alerting.digests import preview, set_digest
from api.auth import Reader, Writer, audit_entry
from api.schemas.common import Identifier
from api.schemas.destinations import DestinationView
from api.schemas.digests import DigestPreview, NewDigest
from api.services import Given

router = APIRouter(prefix="/v1/destinations", tags=["digests"])


@router.put("/{destination_id}/digest", summary="Have a destination sent digests")
async def set_destination_digest(
    destination_id: Identifier, sent: NewDigest, given: Given, key: Writer
) -> DestinationView:
    """Has it sent a digest at that hour from now on. What is `high` or `critical`, or a threat, is told at once as
    well, anything else then. One comes even where nothing was found, and says how many sources are healthy."""
    async with given.store.transaction() as transaction:
        destination = await set_digest(
            transaction, key.community_id, destination_id, sent.schedule(), at=given.clock.now()
        )
        await transaction.record(audit_entry(given, key, "destination.digest_set", destination_id))
    return DestinationView.of(destination)


@router.delete("/{destination_id}/digest", status_code=204, summary="Have a destination sent no digests")
async def end_destination_digest(destination_id: Identifier, given: Given, key: Writer) -> None:
    """Has it told of every incident at once again. What was kept for the next digest is told now, in a last one."""
    async with given.store.transaction() as transaction:
        await set_digest(transaction, key.community_id, destination_id, None, at=given.clock.now())
        await transaction.record(audit_entry(given, key, "destination.digest_ended", destination_id))
    given.changed()


@router.get("/{destination_id}/digest", summary="Preview a digest")
async def preview_digest(destination_id: Identifier, given: Given, key: Reader) -> DigestPreview:
    """Answers what the destination's next digest would tell now. Nothing is sent."""
    destination = await given.store.destination(key.community_id, destination_id)
    return DigestPreview.of(await preview(given.store, destination, given.clock.now()))
