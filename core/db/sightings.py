"""Where incidents were seen."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, exists, func, or_, select
from sqlmodel import col

from core.crypto import CommunityKeys, HashPurpose
from core.db.database import Database, Unit
from core.db.listing import slice_of
from core.db.sealing import document_of, seal, unseal, without_text
from core.db.tables import IncidentRow, SightingRow
from core.errors import NotFound
from core.ports import Listing, Slice
from core.types import Document, Sighting, Spread

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


class Sightings(Database):
    """The part of the store about sightings."""

    async def sightings(self, community_id: str, incident_id: str, listing: Listing) -> Slice[Sighting]:
        """Return the wanted slice, the first sighting first. Raises NotFound for the incident."""
        async with self.reading() as unit:
            await unit.one(IncidentRow, community_id, incident_id)
            keys = await unit.keys(community_id)
            statement = select(SightingRow).where(
                col(SightingRow.community_id) == community_id, col(SightingRow.incident_id) == incident_id
            )
            return await slice_of(
                unit.session, statement, SightingRow, "seen_at", listing, lambda row: _sighting_of(keys, row)
            )

    async def spread(self, community_id: str, incident_id: str, at: datetime) -> Spread:
        """Return how the incident spreads at that moment. Raises NotFound for the incident."""
        seen_at, removed_at, returned_at = (
            col(SightingRow.seen_at),
            col(SightingRow.removed_at),
            col(SightingRow.returned_at),
        )
        is_removed = and_(removed_at.is_not(None), or_(returned_at.is_(None), returned_at < removed_at))
        conditions = (seen_at > at - _DAY, seen_at > at - _WEEK, is_removed)
        counts = select(*(func.count().filter(condition) for condition in conditions)).where(
            col(SightingRow.community_id) == community_id, col(SightingRow.incident_id) == incident_id
        )
        async with self.reading() as unit:
            await unit.one(IncidentRow, community_id, incident_id)
            row = (await unit.session.execute(counts)).one()
        return Spread(day_count=row[0], week_count=row[1], removed_count=row[2])


async def add_sighting(unit: Unit, sighting: Sighting) -> None:
    """Keep the sighting unless the incident has one of the same document. Raises NotFound for its community, and for
    its incident when the unit ends."""
    keys = await unit.keys(sighting.community_id)
    unit.add(
        SightingRow,
        id=sighting.id,
        community_id=sighting.community_id,
        incident_id=sighting.incident_id,
        document_key=_document_key(keys, sighting.document),
        site_key=None if sighting.site is None else keys.hash(HashPurpose.SITE, sighting.site),
        sealed=_sealed(keys, sighting),
        seen_at=sighting.seen_at,
        last_seen_at=sighting.last_seen_at,
        removed_at=sighting.removed_at,
        returned_at=sighting.returned_at,
    )


async def change_sighting(unit: Unit, sighting: Sighting) -> None:
    """Record when the sighting was last seen, removed, and seen again. Raises NotFound."""
    row = await unit.one(SightingRow, sighting.community_id, sighting.id, to_change=True)
    row.last_seen_at = sighting.last_seen_at
    row.removed_at = sighting.removed_at
    row.returned_at = sighting.returned_at


async def sighting_to_change(unit: Unit, community_id: str, incident_id: str, sighting_id: str) -> Sighting:
    """Return the incident's sighting, which nobody else changes before this transaction ends. Raises NotFound."""
    await unit.one(IncidentRow, community_id, incident_id)
    row = await unit.one(SightingRow, community_id, sighting_id, to_change=True)
    if row.incident_id != incident_id:
        raise NotFound("there is no such sighting of this incident")
    return _sighting_of(await unit.keys(community_id), row)


async def sighting_at(unit: Unit, incident_id: str, document: Document) -> Sighting | None:
    """Return the incident's sighting at this document; None where there is none, or no such incident."""
    incident = await unit.session.get(IncidentRow, incident_id)
    if incident is None:
        return None
    keys = await unit.keys(incident.community_id)
    row = await unit.session.scalar(
        select(SightingRow).where(
            col(SightingRow.incident_id) == incident_id,
            col(SightingRow.document_key) == _document_key(keys, document),
        )
    )
    return None if row is None else _sighting_of(keys, row)


async def has_site(unit: Unit, incident_id: str, site: str) -> bool:
    """Return whether the incident was seen on this site before; False for an incident that is not kept."""
    incident = await unit.session.get(IncidentRow, incident_id)
    if incident is None:
        return False
    keys = await unit.keys(incident.community_id)
    same = exists().where(
        col(SightingRow.incident_id) == incident_id, col(SightingRow.site_key) == keys.hash(HashPurpose.SITE, site)
    )
    return bool(await unit.session.scalar(select(same)))


def _document_key(keys: CommunityKeys, document: Document) -> bytes:
    own_id = None if document.external_id is not None else document.id
    return keys.hash(HashPurpose.SIGHTING, document.source, document.external_id, own_id)


def _sealed(keys: CommunityKeys, sighting: Sighting) -> bytes:
    content = {"document": without_text(sighting.document), "site": sighting.site}
    return seal(keys, SightingRow, sighting.id, content)


def _sighting_of(keys: CommunityKeys, row: SightingRow) -> Sighting:
    content = unseal(keys, SightingRow, row.id, row.sealed)
    # Rows of before a sighting had a site hold the document alone.
    document, site = (content["document"], content["site"]) if "document" in content else (content, None)
    return Sighting(
        id=row.id,
        incident_id=row.incident_id,
        community_id=row.community_id,
        document=document_of(document),
        seen_at=row.seen_at,
        site=site,
        last_seen_at=row.last_seen_at,
        removed_at=row.removed_at,
        returned_at=row.returned_at,
    )
