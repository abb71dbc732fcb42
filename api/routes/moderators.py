"""Moderators: who takes incidents on, and how they are reached."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from api.auth import Reader, Writer, allows, audit_entry
from api.schemas.common import Identifier, Items
from api.schemas.moderators import ModeratorView, NewModerator
from api.services import Given, Services
from core.ids import new_id
from core.types import ApiKey, Moderator, Scope

router = APIRouter(prefix="/v1/moderators", tags=["moderators"])


@router.post("", status_code=201, summary="Add a moderator")
async def create_moderator(sent: NewModerator, given: Given, key: Writer) -> ModeratorView:
    """Adds a moderator. They are asked once a rotation names them."""
    moderator = _moderator(new_id("mod"), sent, key)
    await given.store.add_moderator(moderator, audit=audit_entry(given, key, "moderator.created", moderator.id))
    return await _view(moderator, given, key)


@router.get("", summary="List the moderators")
async def list_moderators(given: Given, key: Reader) -> Items[ModeratorView]:
    """Answers all moderators of the community, the oldest first; to keys with the scope `admin` also how much that is
    hard to read each of them was sent."""
    counts = await _counts(given, key)
    moderators = await given.store.moderators(key.community_id)
    return Items(items=[ModeratorView.of(one, _count(counts, one)) for one in moderators])


@router.get("/{moderator_id}", summary="Read a moderator")
async def read_moderator(moderator_id: Identifier, given: Given, key: Reader) -> ModeratorView:
    """Answers the moderator."""
    return await _view(await given.store.moderator(key.community_id, moderator_id), given, key)


@router.put("/{moderator_id}", summary="Change a moderator")
async def change_moderator(moderator_id: Identifier, sent: NewModerator, given: Given, key: Writer) -> ModeratorView:
    """Puts what is sent in place of all that was known of the moderator."""
    moderator = _moderator(moderator_id, sent, key)
    await given.store.change_moderator(moderator, audit=audit_entry(given, key, "moderator.changed", moderator_id))
    return await _view(moderator, given, key)


@router.delete("/{moderator_id}", status_code=204, summary="Delete a moderator")
async def delete_moderator(moderator_id: Identifier, given: Given, key: Writer) -> None:
    """Deletes the moderator, who must be in no rotation. Links that were sent to them no longer count."""
    audit = audit_entry(given, key, "moderator.deleted", moderator_id)
    await given.store.delete_moderator(key.community_id, moderator_id, audit=audit)


def _moderator(moderator_id: str, sent: NewModerator, key: ApiKey) -> Moderator:
    return Moderator(
        id=moderator_id,
        community_id=key.community_id,
        name=sent.name,
        destination_ids=tuple(dict.fromkeys(sent.destinations)),
        no_quotes=sent.no_quotes,
        time_zone=sent.time_zone,
    )


async def _view(moderator: Moderator, services: Services, key: ApiKey) -> ModeratorView:
    return ModeratorView.of(moderator, _count(await _counts(services, key), moderator))


async def _counts(services: Services, key: ApiKey) -> Mapping[str, int] | None:
    """Return the counts of heavy items by moderator; None where the key may not see them."""
    if not allows(key, Scope.ADMIN):
        return None
    return await services.store.heavy_counts(key.community_id, services.clock.now())


def _count(counts: Mapping[str, int] | None, moderator: Moderator) -> int | None:
    return None if counts is None else counts.get(moderator.id, 0)
