"""Moderators, and what they had to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from core.crypto import CommunityKeys
from core.db.database import Database, Unit
from core.db.journal import add_entry
from core.db.rotations import rotation_of_community
from core.db.sealing import seal, unseal
from core.db.tables import DestinationRow, HeavyItemRow, ModeratorRow
from core.errors import Conflict
from core.ids import new_id
from core.ports import HEAVY_ITEMS_COUNTED_FOR
from core.types import AuditEntry, Moderator


class Moderators(Database):
    """The part of the store about moderators."""

    async def add_moderator(self, moderator: Moderator, *, audit: AuditEntry) -> None:
        """Keep the moderator. Raises NotFound for the community or one of the destinations."""
        async with self.writing() as unit:
            keys = await unit.keys(moderator.community_id)
            await _require_destinations(unit, moderator)
            unit.session.add(
                ModeratorRow(
                    id=moderator.id,
                    community_id=moderator.community_id,
                    sealed=_sealed(keys, moderator),
                    created_at=unit.clock.now(),
                )
            )
            await add_entry(unit, audit)

    async def change_moderator(self, moderator: Moderator, *, audit: AuditEntry) -> None:
        """Keep the moderator in place of what was kept under their id. Raises NotFound."""
        async with self.writing() as unit:
            row = await unit.one(ModeratorRow, moderator.community_id, moderator.id, to_change=True)
            await _require_destinations(unit, moderator)
            row.sealed = _sealed(await unit.keys(moderator.community_id), moderator)
            await add_entry(unit, audit)

    async def delete_moderator(self, community_id: str, moderator_id: str, *, audit: AuditEntry) -> None:
        """Delete the moderator, and the overrides that name them. Raises NotFound, and Conflict as long as they are in
        the rotation."""
        async with self.writing() as unit:
            row = await unit.one(ModeratorRow, community_id, moderator_id, to_change=True)
            rotation = await rotation_of_community(unit, community_id)
            if rotation is not None and moderator_id in rotation.moderator_ids:
                raise Conflict("this moderator is in the rotation: take them out of it first")
            await unit.session.delete(row)
            await add_entry(unit, audit)

    async def moderators(self, community_id: str) -> tuple[Moderator, ...]:
        """Return the community's moderators, the oldest first. Raises NotFound."""
        async with self.reading() as unit:
            return await moderators_of_community(unit, community_id)

    async def moderator(self, community_id: str, moderator_id: str) -> Moderator:
        """Return the moderator. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(ModeratorRow, community_id, moderator_id)
            return _moderator_of(await unit.keys(community_id), row)

    async def heavy_counts(self, community_id: str, at: datetime) -> Mapping[str, int]:
        """Return how many heavy items each moderator was sent in ``HEAVY_ITEMS_COUNTED_FOR`` before that time, by id;
        those who were sent none are left out."""
        statement = (
            select(col(HeavyItemRow.moderator_id), func.count().label("item_count"))
            .where(
                col(HeavyItemRow.community_id) == community_id,
                col(HeavyItemRow.shown_at) > at - HEAVY_ITEMS_COUNTED_FOR,
                col(HeavyItemRow.shown_at) <= at,
            )
            .group_by(col(HeavyItemRow.moderator_id))
        )
        async with self.reading() as unit:
            rows = await unit.session.execute(statement)
            return {row.moderator_id: row.item_count for row in rows}


async def moderators_of_community(unit: Unit, community_id: str) -> tuple[Moderator, ...]:
    """Return the community's moderators, the oldest first. Raises NotFound."""
    keys = await unit.keys(community_id)
    rows = await unit.session.scalars(
        select(ModeratorRow)
        .where(col(ModeratorRow.community_id) == community_id)
        .order_by(col(ModeratorRow.created_at), col(ModeratorRow.id))
    )
    return tuple(_moderator_of(keys, row) for row in rows)


def add_heavy_items(unit: Unit, community_id: str, moderator_ids: Iterable[str], at: datetime) -> None:
    """Count one more heavy item for each of the moderators."""
    for moderator_id in moderator_ids:
        unit.session.add(
            HeavyItemRow(
                id=new_id("hvy"),
                community_id=community_id,
                moderator_id=moderator_id,
                shown_at=at,
                expires_at=at + HEAVY_ITEMS_COUNTED_FOR,
            )
        )


async def _require_destinations(unit: Unit, moderator: Moderator) -> None:
    for destination_id in moderator.destination_ids:
        await unit.one(DestinationRow, moderator.community_id, destination_id)


def _sealed(keys: CommunityKeys, moderator: Moderator) -> bytes:
    content = {
        "name": moderator.name,
        "destination_ids": moderator.destination_ids,
        "no_quotes": moderator.no_quotes,
        "time_zone": moderator.time_zone,
    }
    return seal(keys, ModeratorRow, moderator.id, content)


def _moderator_of(keys: CommunityKeys, row: ModeratorRow) -> Moderator:
    content = unseal(keys, ModeratorRow, row.id, row.sealed)
    return Moderator(
        id=row.id,
        community_id=row.community_id,
        **{**content, "destination_ids": tuple(content["destination_ids"])},
    )
