"""Incidents and their alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlmodel import col

from core.crypto import CommunityKeys
from core.db.database import Database, Unit
from core.db.joining import add_first_trace, add_join_keys, joinable_rows, keep_traces
from core.db.listing import slice_of
from core.db.sealing import document_of, entity_of, match_of, seal, signal_of, snooze_of, unseal, without_text
from core.db.tables import AlertRow, DeliveryIncidentRow, DeliveryRow, IncidentRow
from core.errors import NotFound, UsageError
from core.ports import AlertFilter, IncidentFilter, Listing, Slice
from core.types import Alert, AlertClass, Incident, IncidentState


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
        """Return the wanted slice, the incident that changed longest ago first. Raises NotFound for the community or
        the delivery."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(IncidentRow).where(*_conditions(IncidentRow, community_id, wanted))
            if wanted.states:
                statement = statement.where(col(IncidentRow.state).in_(wanted.states))
            if wanted.delivery_id is not None:
                delivery = await unit.one(DeliveryRow, community_id, wanted.delivery_id)
                told = select(col(DeliveryIncidentRow.incident_id)).where(
                    col(DeliveryIncidentRow.delivery_id) == delivery.id
                )
                is_told = or_(col(IncidentRow.id) == delivery.incident_id, col(IncidentRow.id).in_(told))
                statement = statement.where(is_told)
            return await slice_of(
                unit.session, statement, IncidentRow, "updated_at", listing, lambda row: incident_of(keys, row)
            )

    async def due_snoozes(self, at: datetime) -> tuple[tuple[str, str], ...]:
        """Return communities and incidents whose snooze was chosen until a moment that has come, the earliest first."""
        until = col(IncidentRow.snoozed_until)
        statement = select(col(IncidentRow.community_id), col(IncidentRow.id)).where(until <= at).order_by(until)
        async with self.reading() as unit:
            return tuple((community_id, id_) for community_id, id_ in await unit.session.execute(statement))

    async def incident(self, community_id: str, incident_id: str) -> Incident:
        """Return the incident. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(IncidentRow, community_id, incident_id)
            return incident_of(await unit.keys(community_id), row)


async def joinable_incidents(unit: Unit, community_id: str, join_keys: Sequence[str]) -> tuple[Incident, ...]:
    """Return the incidents that have one of the join keys, the one with most of them first, among equals the newest;
    at most ``MOST_JOINABLE``. They are to be changed. Raises NotFound for the community."""
    keys = await unit.keys(community_id)
    return tuple(incident_of(keys, row) for row in await joinable_rows(unit, community_id, join_keys))


async def incident_to_change(unit: Unit, community_id: str, incident_id: str) -> Incident:
    """Return the incident, which nobody else changes before this transaction ends. Raises NotFound."""
    row = await unit.one(IncidentRow, community_id, incident_id, to_change=True)
    return incident_of(await unit.keys(community_id), row)


async def add_incident(
    unit: Unit, incident: Incident, join_keys: Sequence[str], *, trace: bytes | None = None, until: datetime
) -> None:
    """Insert the incident, found by the join keys and known by the trace until that time. Raises NotFound for its
    community, and Conflict for an id in use when the unit ends."""
    unit.add(IncidentRow, **_values(await unit.keys(incident.community_id), incident))
    await add_join_keys(unit, incident, join_keys, until=until)
    if trace is not None:
        await add_first_trace(unit, incident, trace, until=until)


async def save_incident(
    unit: Unit, incident: Incident, join_keys: Sequence[str], *, until: datetime | None = None
) -> None:
    """Insert or update the incident, and let it be found by the join keys until that time, besides those it had.

    Raises NotFound for its community, and where another community has an incident of this id.
    """
    keys = await unit.keys(incident.community_id)
    before = await unit.session.get(IncidentRow, incident.id)
    if before is not None and before.community_id != incident.community_id:
        raise NotFound("there is no such incident in this community")
    await unit.session.merge(IncidentRow(**_values(keys, incident)))
    await unit.session.flush()
    if until is not None:
        await keep_traces(unit, incident, until=until)
    await add_join_keys(unit, incident, join_keys, until=until)


async def add_alert(unit: Unit, alert: Alert) -> None:
    """Keep the alert without its document's text. Raises NotFound for its community, and for its incident when the
    unit ends."""
    if alert.incident_id is None:
        raise UsageError("an alert is kept only with the incident it belongs to")
    keys = await unit.keys(alert.community_id)
    content = {
        "signals": alert.signals,
        "matches": alert.matches,
        "entities": alert.entities,
        "document": without_text(alert.document),
        "excerpt": alert.excerpt,
        "evidence": alert.evidence,
    }
    unit.add(
        AlertRow,
        id=alert.id,
        community_id=alert.community_id,
        watchlist_id=alert.watchlist_id,
        incident_id=alert.incident_id,
        alert_class=alert.alert_class,
        score=alert.score,
        sealed=seal(keys, AlertRow, alert.id, content),
        raised_at=alert.raised_at,
    )


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


def _values(keys: CommunityKeys, incident: Incident) -> dict[str, Any]:
    content = {
        "assignee": incident.assignee,
        "reason": incident.reason,
        "languages": sorted(incident.languages),
        "holds_threat": incident.holds_threat,
        "snooze": incident.snooze,
    }
    return {
        "id": incident.id,
        "community_id": incident.community_id,
        "watchlist_id": incident.watchlist_id,
        "alert_class": incident.alert_class,
        "score": incident.score,
        "state": incident.state,
        "first_seen_at": incident.first_seen_at,
        "last_seen_at": incident.last_seen_at,
        "updated_at": incident.updated_at,
        "sighting_count": incident.sighting_count,
        "site_count": incident.site_count,
        "sealed": seal(keys, IncidentRow, incident.id, content),
        "snoozed_until": incident.snooze.until if incident.snooze is not None and incident.is_snoozed else None,
    }


def incident_of(keys: CommunityKeys, row: IncidentRow) -> Incident:
    """Return the row's incident. Raises CryptoError."""
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
        site_count=row.site_count,
        assignee=content["assignee"],
        reason=content["reason"],
        # incidents of older versions have none of these
        languages=frozenset(content.get("languages", ())),
        holds_threat=content.get("holds_threat", False),
        snooze=snooze_of(content.get("snooze")),
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
