"""Incidents, their alerts and their sightings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, exists, select
from sqlmodel import col

from core.crypto import CommunityKeys, HashPurpose
from core.db.database import Database, Unit
from core.db.listing import slice_of
from core.db.sealing import document_of, entity_of, match_of, seal, signal_of, unseal, without_text
from core.db.tables import AlertRow, IncidentKeyRow, IncidentRow, SightingRow
from core.errors import NotFound, UsageError
from core.ports import AlertFilter, IncidentFilter, Listing, Slice
from core.types import Alert, AlertClass, Document, Incident, IncidentState, Sighting

_JOINABLE = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)


class Incidents(Database):
    """The part of the store about incidents and alerts."""

    async def alerts(self, community_id: str, listing: Listing, wanted: AlertFilter) -> Slice[Alert]:
        """Return the wanted slice, the alert raised first first. Raises NotFound for the community."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(AlertRow).where(*_conditions(AlertRow, community_id, wanted))
            if wanted.incident_id is not None:
                statement = statement.where(col(AlertRow.incident_id) == wanted.incident_id)
            return await slice_of(
                unit.session, statement, AlertRow, "raised_at", listing, lambda row: _alert_of(keys, row)
            )

    async def alert(self, community_id: str, alert_id: str) -> Alert:
        """Return the alert, its document without text. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(AlertRow, community_id, alert_id)
            return _alert_of(await unit.keys(community_id), row)

    async def incidents(self, community_id: str, listing: Listing, wanted: IncidentFilter) -> Slice[Incident]:
        """Return the wanted slice, the incident that changed longest ago first. Raises NotFound for the community."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(IncidentRow).where(*_conditions(IncidentRow, community_id, wanted))
            if wanted.states:
                statement = statement.where(col(IncidentRow.state).in_(wanted.states))
            return await slice_of(
                unit.session, statement, IncidentRow, "updated_at", listing, lambda row: _incident_of(keys, row)
            )

    async def incident(self, community_id: str, incident_id: str) -> Incident:
        """Return the incident. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(IncidentRow, community_id, incident_id)
            return _incident_of(await unit.keys(community_id), row)

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


async def joinable_incident(unit: Unit, community_id: str, join_keys: Sequence[str]) -> Incident | None:
    """Return the incident opened last, open or acknowledged, that has one of the join keys; to be changed."""
    keys = await unit.keys(community_id)
    hashes = {keys.hash(HashPurpose.JOIN, key) for key in join_keys}
    joined = select(col(IncidentKeyRow.incident_id)).where(
        col(IncidentKeyRow.community_id) == community_id, col(IncidentKeyRow.join_key).in_(hashes)
    )
    row = await unit.session.scalar(
        select(IncidentRow)
        .where(
            col(IncidentRow.community_id) == community_id,
            col(IncidentRow.id).in_(joined),
            col(IncidentRow.state).in_(_JOINABLE),
        )
        .order_by(col(IncidentRow.first_seen_at).desc(), col(IncidentRow.id))
        .limit(1)
        .with_for_update()
    )
    return None if row is None else _incident_of(keys, row)


async def incident_to_change(unit: Unit, community_id: str, incident_id: str) -> Incident:
    """Return the incident, which nobody else changes before this transaction ends. Raises NotFound."""
    row = await unit.one(IncidentRow, community_id, incident_id, to_change=True)
    return _incident_of(await unit.keys(community_id), row)


async def save_incident(unit: Unit, incident: Incident, join_keys: Sequence[str]) -> None:
    """Insert or update the incident, and let it be found by the join keys, besides those it had.

    Raises NotFound for its community, and where another community has an incident of this id.
    """
    keys = await unit.keys(incident.community_id)
    before = await unit.session.get(IncidentRow, incident.id)
    if before is not None and before.community_id != incident.community_id:
        raise NotFound("there is no such incident in this community")
    await unit.session.merge(
        IncidentRow(
            id=incident.id,
            community_id=incident.community_id,
            watchlist_id=incident.watchlist_id,
            alert_class=incident.alert_class,
            score=incident.score,
            state=incident.state,
            first_seen_at=incident.first_seen_at,
            last_seen_at=incident.last_seen_at,
            updated_at=incident.updated_at,
            sighting_count=incident.sighting_count,
            sealed=seal(keys, IncidentRow, incident.id, {"assignee": incident.assignee, "reason": incident.reason}),
        )
    )
    await unit.session.flush()
    for key in join_keys:
        await unit.session.execute(
            unit.insert(IncidentKeyRow)
            .values(
                community_id=incident.community_id,
                join_key=keys.hash(HashPurpose.JOIN, key),
                incident_id=incident.id,
            )
            .on_conflict_do_nothing()
        )


async def add_alert(unit: Unit, alert: Alert) -> None:
    """Keep the alert without its document's text. Raises NotFound for its incident."""
    if alert.incident_id is None:
        raise UsageError("an alert is kept only with the incident it belongs to")
    await unit.one(IncidentRow, alert.community_id, alert.incident_id)
    content = {
        "signals": alert.signals,
        "matches": alert.matches,
        "entities": alert.entities,
        "document": without_text(alert.document),
        "excerpt": alert.excerpt,
        "evidence": alert.evidence,
    }
    unit.session.add(
        AlertRow(
            id=alert.id,
            community_id=alert.community_id,
            watchlist_id=alert.watchlist_id,
            incident_id=alert.incident_id,
            alert_class=alert.alert_class,
            score=alert.score,
            sealed=seal(await unit.keys(alert.community_id), AlertRow, alert.id, content),
            raised_at=alert.raised_at,
        )
    )


async def add_sighting(unit: Unit, sighting: Sighting) -> None:
    """Keep the sighting unless the incident has one of the same document. Raises NotFound for its incident."""
    await unit.one(IncidentRow, sighting.community_id, sighting.incident_id)
    keys = await unit.keys(sighting.community_id)
    await unit.session.execute(
        unit.insert(SightingRow)
        .values(
            id=sighting.id,
            community_id=sighting.community_id,
            incident_id=sighting.incident_id,
            document_key=_document_key(keys, sighting.document),
            sealed=seal(keys, SightingRow, sighting.id, without_text(sighting.document)),
            seen_at=sighting.seen_at,
        )
        .on_conflict_do_nothing(index_elements=["incident_id", "document_key"])
    )


async def has_sighting(unit: Unit, incident_id: str, document: Document) -> bool:
    """Return whether the incident was seen at this document before; False for an incident that is not kept."""
    incident = await unit.session.get(IncidentRow, incident_id)
    if incident is None:
        return False
    keys = await unit.keys(incident.community_id)
    same = exists().where(
        col(SightingRow.incident_id) == incident_id,
        col(SightingRow.document_key) == _document_key(keys, document),
    )
    return bool(await unit.session.scalar(select(same)))


def _conditions(
    row: type[AlertRow] | type[IncidentRow], community_id: str, wanted: AlertFilter | IncidentFilter
) -> Iterator[ColumnElement[bool]]:
    """Yield what the wanted alerts or incidents of the community have in common."""
    yield col(row.community_id) == community_id
    if wanted.classes:
        yield col(row.alert_class).in_(wanted.classes)
    if wanted.minimum_severity is not None:
        yield col(row.score) >= wanted.minimum_severity.minimum_score
    if wanted.watchlist_id is not None:
        yield col(row.watchlist_id) == wanted.watchlist_id


def _document_key(keys: CommunityKeys, document: Document) -> bytes:
    own_id = None if document.external_id is not None else document.id
    return keys.hash(HashPurpose.SIGHTING, document.source, document.external_id, own_id)


def _incident_of(keys: CommunityKeys, row: IncidentRow) -> Incident:
    content = unseal(keys, IncidentRow, row.id, row.sealed)
    return Incident(
        id=row.id,
        community_id=row.community_id,
        watchlist_id=row.watchlist_id,
        alert_class=AlertClass(row.alert_class),
        score=row.score,
        state=IncidentState(row.state),
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        updated_at=row.updated_at,
        sighting_count=row.sighting_count,
        assignee=content["assignee"],
        reason=content["reason"],
    )


def _alert_of(keys: CommunityKeys, row: AlertRow) -> Alert:
    content = unseal(keys, AlertRow, row.id, row.sealed)
    return Alert(
        id=row.id,
        community_id=row.community_id,
        watchlist_id=row.watchlist_id,
        alert_class=AlertClass(row.alert_class),
        score=row.score,
        signals=tuple(map(signal_of, content["signals"])),
        matches=tuple(map(match_of, content["matches"])),
        entities=tuple(map(entity_of, content["entities"])),
        document=document_of(content["document"]),
        raised_at=row.raised_at,
        excerpt=content["excerpt"],
        evidence=content["evidence"],
        incident_id=row.incident_id,
    )


def _sighting_of(keys: CommunityKeys, row: SightingRow) -> Sighting:
    return Sighting(
        id=row.id,
        incident_id=row.incident_id,
        community_id=row.community_id,
        document=document_of(unseal(keys, SightingRow, row.id, row.sealed)),
        seen_at=row.seen_at,
    )
