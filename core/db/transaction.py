"""What can be written together, under the names of :class:`core.ports.Transaction`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from core.db import destinations, incidents, joining, journal, outbox, pieces, polling, sightings, verdicts, watched
from core.db.database import Unit
from core.types import (
    Alert,
    Attempt,
    AuditEntry,
    Delivery,
    DeliveryLease,
    Destination,
    Document,
    Incident,
    Piece,
    Sighting,
    SourceLease,
    SourceRecord,
)


class SqlTransaction:
    """One unit of writing."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    async def mark_seen(self, community_id: str, fingerprints: Iterable[str], *, until: datetime) -> frozenset[str]:
        return await polling.mark_seen(self._unit, community_id, fingerprints, until=until)

    async def finish_poll(self, lease: SourceLease, source: SourceRecord) -> None:
        await polling.finish_poll(self._unit, lease, source)

    async def joinable_incidents(self, community_id: str, join_keys: Sequence[str]) -> tuple[Incident, ...]:
        return await incidents.joinable_incidents(self._unit, community_id, join_keys)

    async def save_incident(
        self, incident: Incident, join_keys: Sequence[str], *, until: datetime | None = None
    ) -> None:
        await incidents.save_incident(self._unit, incident, join_keys, until=until)

    async def traces(self, community_id: str, incident_ids: Sequence[str]) -> Mapping[str, tuple[bytes, ...]]:
        return await joining.traces(self._unit, community_id, incident_ids)

    async def add_trace(self, incident: Incident, trace: bytes, *, until: datetime) -> None:
        await joining.add_trace(self._unit, incident, trace, until=until)

    async def add_incident_terms(self, incident: Incident, term_ids: Iterable[str]) -> None:
        await verdicts.add_incident_terms(self._unit, incident, term_ids)

    async def add_piece(self, community_id: str, member: str, piece: Piece, *, until: datetime) -> None:
        await pieces.add_piece(self._unit, community_id, member, piece, until=until)

    async def pieces(self, community_id: str, member: str) -> tuple[Piece, ...]:
        return await pieces.pieces(self._unit, community_id, member)

    async def add_never(self, community_id: str, term_id: str, text: str) -> None:
        await watched.add_never(self._unit, community_id, term_id, text)

    async def add_alert(self, alert: Alert) -> None:
        await incidents.add_alert(self._unit, alert)

    async def add_sighting(self, sighting: Sighting) -> None:
        await sightings.add_sighting(self._unit, sighting)

    async def change_sighting(self, sighting: Sighting) -> None:
        await sightings.change_sighting(self._unit, sighting)

    async def sighting(self, community_id: str, incident_id: str, sighting_id: str) -> Sighting:
        return await sightings.sighting_to_change(self._unit, community_id, incident_id, sighting_id)

    async def sighting_at(self, incident_id: str, document: Document) -> Sighting | None:
        return await sightings.sighting_at(self._unit, incident_id, document)

    async def has_site(self, incident_id: str, site: str) -> bool:
        return await sightings.has_site(self._unit, incident_id, site)

    async def incident(self, community_id: str, incident_id: str) -> Incident:
        return await incidents.incident_to_change(self._unit, community_id, incident_id)

    async def destinations(self, community_id: str) -> tuple[Destination, ...]:
        return await destinations.enabled_destinations(self._unit, community_id)

    async def plan_delivery(self, delivery: Delivery) -> None:
        await outbox.plan_delivery(self._unit, delivery)

    async def finish_attempt(self, lease: DeliveryLease, attempt: Attempt, *, next_attempt_at: datetime | None) -> None:
        await outbox.finish_attempt(self._unit, lease, attempt, next_attempt_at=next_attempt_at)

    async def destination(self, community_id: str, destination_id: str) -> Destination:
        return await destinations.destination_to_change(self._unit, community_id, destination_id)

    async def save_destination_health(self, destination: Destination, at: datetime) -> None:
        await destinations.save_destination_health(self._unit, destination, at)

    async def record(self, entry: AuditEntry) -> None:
        await journal.add_entry(self._unit, entry)
