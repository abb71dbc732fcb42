"""Communities and their keys to the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlmodel import col

from core.crypto import CommunityKeys, HashPurpose
from core.db.database import Database, Unit
from core.db.journal import add_entry
from core.db.sealing import seal, unseal
from core.db.tables import ApiKeyRow, CommunityRow
from core.errors import StoreError
from core.logs import logger
from core.types import ApiKey, AuditEntry, Community, Scope

_LAST_USED_STEP = timedelta(minutes=1)


class Communities(Database):
    """The part of the store about tenants."""

    async def add_community(self, community: Community, keys: Sequence[ApiKey] = (), *, audit: AuditEntry) -> None:
        """Keep the community, with a data key of its own, and its first keys to the API, all or nothing.

        Raises Conflict for an id or digest in use.
        """
        async with self.writing() as unit:
            await insert_community(unit, community)
            for key in keys:
                await _insert_api_key(unit, key)
            await add_entry(unit, audit)
            await unit.watched_has_changed()

    async def communities(self) -> tuple[Community, ...]:
        """Return all communities, the oldest first."""
        async with self.reading() as unit:
            rows = await unit.session.scalars(
                select(CommunityRow).order_by(col(CommunityRow.created_at), col(CommunityRow.id))
            )
            return tuple(community_of(unit.keyring.of(row), row) for row in rows)

    async def community(self, community_id: str) -> Community:
        """Return the community. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.community(community_id)
            return community_of(unit.keyring.of(row), row)

    async def signature(self, community_id: str, text: str) -> bytes:
        """Return the keyed hash (16 bytes) that shows a text to come from this community's own installation. Raises
        NotFound."""
        async with self.reading() as unit:
            return (await unit.keys(community_id)).hash(HashPurpose.LINK, text)

    async def add_api_key(self, key: ApiKey, *, audit: AuditEntry) -> None:
        """Keep the key. Raises NotFound for its community, Conflict for an id or digest in use."""
        async with self.writing() as unit:
            await _insert_api_key(unit, key)
            await add_entry(unit, audit)

    async def api_key(self, digest: bytes) -> ApiKey | None:
        """Return the key of that digest, revoked ones too, and note its use, at most once a minute."""
        async with self.reading() as unit:
            row = await unit.session.scalar(select(ApiKeyRow).where(col(ApiKeyRow.digest) == digest))
            if row is None:
                return None
            key = _api_key_of(await unit.keys(row.community_id), row)
        now = self._clock.now()
        if key.revoked_at is not None or (key.last_used_at and now - key.last_used_at < _LAST_USED_STEP):
            return key
        try:
            async with self.writing() as unit:
                await unit.change(update(ApiKeyRow).where(col(ApiKeyRow.id) == key.id).values(last_used_at=now))
        except StoreError as error:
            # Who may read must be able to while nothing can be written, on a full disk for one.
            logger().warning("the use of a key cannot be noted", key_id=key.id, exc_info=error)
            return key
        return replace(key, last_used_at=now)

    async def api_keys(self, community_id: str) -> tuple[ApiKey, ...]:
        """Return the community's keys, the oldest first. Raises NotFound."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            rows = await unit.session.scalars(
                select(ApiKeyRow)
                .where(col(ApiKeyRow.community_id) == community_id)
                .order_by(col(ApiKeyRow.created_at), col(ApiKeyRow.id))
            )
            return tuple(_api_key_of(keys, row) for row in rows)

    async def revoke_api_key(self, community_id: str, key_id: str, at: datetime, *, audit: AuditEntry) -> None:
        """Let the key open nothing from now on; the first time of doing so stays. Raises NotFound."""
        async with self.writing() as unit:
            row = await unit.one(ApiKeyRow, community_id, key_id, to_change=True)
            row.revoked_at = row.revoked_at or at
            await add_entry(unit, audit)


async def insert_community(unit: Unit, community: Community) -> None:
    """Keep the community, with a data key of its own."""
    wrapped = unit.keyring.key.wrap_new(community.id)
    keys = unit.keyring.key.unwrap(wrapped, community.id)
    unit.session.add(
        CommunityRow(id=community.id, wrapped_key=wrapped, sealed=_sealed(keys, community), created_at=unit.clock.now())
    )
    await unit.session.flush()


async def _insert_api_key(unit: Unit, key: ApiKey) -> None:
    unit.session.add(
        ApiKeyRow(
            id=key.id,
            community_id=key.community_id,
            digest=key.digest,
            scopes=" ".join(sorted(key.scopes)),
            sealed=seal(await unit.keys(key.community_id), ApiKeyRow, key.id, {"name": key.name}),
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
        )
    )


def community_of(keys: CommunityKeys, row: CommunityRow) -> Community:
    """Return the community of the row."""
    content = unseal(keys, CommunityRow, row.id, row.sealed)
    return Community(id=row.id, name=content["name"], context=tuple(content["context"]))


def _sealed(keys: CommunityKeys, community: Community) -> bytes:
    return seal(keys, CommunityRow, community.id, {"name": community.name, "context": community.context})


def _api_key_of(keys: CommunityKeys, row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        community_id=row.community_id,
        name=unseal(keys, ApiKeyRow, row.id, row.sealed)["name"],
        scopes=frozenset(map(Scope, row.scopes.split())),
        digest=row.digest,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
