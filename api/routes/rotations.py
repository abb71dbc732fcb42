"""The rotation: who is on call when, and how long they have to acknowledge."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from fastapi import APIRouter, Query

from alerting.rotation import order_of, shift_ends_at
from api.auth import Reader, Writer, audit_entry
from api.schemas.common import Identifier, Items
from api.schemas.rotations import NewOverride, NewRotation, OnCallQuery, OnCallView, RotationView
from api.services import Given
from core.ids import new_id
from core.types import ApiKey, Override, Rotation

router = APIRouter(prefix="/v1/rotations", tags=["rotations"])


@router.post("", status_code=201, summary="Add the rotation")
async def create_rotation(sent: NewRotation, given: Given, key: Writer) -> RotationView:
    """Adds the community's rotation; it has one. Incidents that open from now on are given to whoever is on call."""
    rotation = _rotation(new_id("rot"), sent, key)
    await given.store.add_rotation(rotation, audit=audit_entry(given, key, "rotation.created", rotation.id))
    return RotationView.of(rotation)


@router.get("", summary="List the rotation")
async def list_rotations(given: Given, key: Reader) -> Items[RotationView]:
    """Answers the community's rotation, if it has one."""
    rotation = await given.store.rotation_of(key.community_id)
    return Items(items=[] if rotation is None else [RotationView.of(rotation)])


@router.get("/{rotation_id}", summary="Read the rotation")
async def read_rotation(rotation_id: Identifier, given: Given, key: Reader) -> RotationView:
    """Answers the rotation."""
    return RotationView.of(await given.store.rotation(key.community_id, rotation_id))


@router.put("/{rotation_id}", summary="Change the rotation")
async def change_rotation(rotation_id: Identifier, sent: NewRotation, given: Given, key: Writer) -> RotationView:
    """Puts what is sent in place of the rotation; its overrides stay."""
    audit = audit_entry(given, key, "rotation.changed", rotation_id)
    await given.store.change_rotation(_rotation(rotation_id, sent, key), audit=audit)
    return RotationView.of(await given.store.rotation(key.community_id, rotation_id))


@router.delete("/{rotation_id}", status_code=204, summary="Delete the rotation")
async def delete_rotation(rotation_id: Identifier, given: Given, key: Writer) -> None:
    """Deletes the rotation. Incidents that wait for somebody are escalated no further."""
    audit = audit_entry(given, key, "rotation.deleted", rotation_id)
    await given.store.delete_rotation(key.community_id, rotation_id, audit=audit)


@router.get("/{rotation_id}/on-call", summary="Ask who is on call")
async def read_on_call(
    rotation_id: Identifier, wanted: Annotated[OnCallQuery, Query()], given: Given, key: Reader
) -> OnCallView:
    """Answers who is on call at a time, and who is asked after them."""
    rotation = await given.store.rotation(key.community_id, rotation_id)
    at = wanted.at or given.clock.now()
    order = order_of(rotation, at)
    return OnCallView(at=at, moderator=order[0], order=list(order), shift_ends_at=shift_ends_at(rotation, at))


@router.post("/{rotation_id}/overrides", status_code=201, summary="Say that somebody is absent")
async def create_override(rotation_id: Identifier, sent: NewOverride, given: Given, key: Writer) -> RotationView:
    """Says that a moderator is not on call for a while, and who stands in for them. For a swap, send one for each."""
    override = Override(
        id=new_id("ovr"),
        moderator_id=sent.moderator,
        from_at=sent.from_at,
        until_at=sent.until_at,
        substitute_id=sent.substitute,
    )
    audit = audit_entry(given, key, "rotation.override_created", override.id)
    return RotationView.of(await given.store.add_override(key.community_id, rotation_id, override, audit=audit))


@router.delete("/{rotation_id}/overrides/{override_id}", status_code=204, summary="Take an absence back")
async def delete_override(rotation_id: Identifier, override_id: Identifier, given: Given, key: Writer) -> None:
    """Says that the moderator is there after all."""
    audit = audit_entry(given, key, "rotation.override_deleted", override_id)
    await given.store.delete_override(key.community_id, rotation_id, override_id, audit=audit)


def _rotation(rotation_id: str, sent: NewRotation, key: ApiKey) -> Rotation:
    return Rotation(
        id=rotation_id,
        community_id=key.community_id,
        name=sent.name,
        moderator_ids=tuple(sent.moderators),
        starts_on=sent.starts_on,
        handover_at=time.fromisoformat(sent.handover_at),
        time_zone=sent.time_zone,
        shift_days=sent.shift_days,
        minimum_severity=sent.minimum_severity,
        critical_minutes=sent.critical_minutes,
        other_minutes=sent.other_minutes,
    )
