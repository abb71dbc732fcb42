"""What can be written together, under the names of :class:`core.ports.Transaction`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from core.db import (
    canaries,
    destinations,
    digests,
    grouping,
    holds,
    incidents,
    joining,
    journal,
    moderators,
    outbox,
    pieces,
    polling,
    rotations,
    routes,
    sightings,
    telling,
    verdicts,
    watched,
)
from core.db.database import Unit
from core.types import (
    Alert,
    Attempt,
    AuditEntry,
    Canary,
    Delivery,
    DeliveryLease,
    Destination,
    Document,
    DueDigest,
    Escalation,
    Hold,
    Incident,
    JsonObject,
    Moderator,
    Piece,
    Repetition,
    Rotation,
    Route,
    Sighting,
    SourceLease,
    SourceRecord,
    ToldIncident,
)


class SqlTransaction:
    """One unit of writing."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    async def mark_seen(self, community_id: str, fingerprints: Iterable[str], *, until: datetime) -> frozenset[str]:
        return await polling.mark_seen(self._unit, community_id, fingerprints, until=until)

    async def finish_poll(self, lease: SourceLease, source: SourceRecord) -> None:
        await polling.finish_poll(self._unit, lease, source)

    async def note_health(self, lease: SourceLease, source: SourceRecord) -> None:
        await polling.note_health(self._unit, lease, source)

    async def note_told(self, source: SourceRecord) -> bool:
        return await polling.note_told(self._unit, source)

    async def readers(self, source: SourceRecord) -> tuple[str, ...]:
        return await polling.readers(self._unit, source)

    async def joinable_incidents(self, community_id: str, join_keys: Sequence[str]) -> tuple[Incident, ...]:
        return await incidents.joinable_incidents(self._unit, community_id, join_keys)

    async def look_up_join_keys(self, community_id: str, join_keys: Iterable[str]) -> None:
        await joining.look_up_join_keys(self._unit, community_id, join_keys)

    async def add_incident(
        self, incident: Incident, join_keys: Sequence[str], *, trace: bytes | None = None, until: datetime
    ) -> None:
        await incidents.add_incident(self._unit, incident, join_keys, trace=trace, until=until)

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
        return await destinations.told_destinations(self._unit, community_id)

    async def routes(self, community_id: str) -> tuple[Route, ...]:
        return await routes.routes(self._unit, community_id)

    async def canary_of_watchlist(self, community_id: str, watchlist_id: str) -> Canary | None:
        return await canaries.canary_of_watchlist(self._unit, community_id, watchlist_id)

    async def note_reading(self, source_id: str, given: Iterable[str], at: datetime) -> None:
        await canaries.note_reading(self._unit, source_id, given, at)

    async def end_canary(self, canary: Canary, at: datetime) -> None:
        await canaries.end_canary(self._unit, canary, at)

    async def plan_delivery(self, delivery: Delivery) -> None:
        await outbox.plan_delivery(self._unit, delivery)

    async def tell_of(self, delivery: Delivery, told: Sequence[ToldIncident]) -> None:
        await telling.tell_of(self._unit, delivery, told)

    async def destinations_told(self, incident: Incident, at: datetime) -> frozenset[str]:
        return await outbox.destinations_told(self._unit, incident, at)

    async def keep_for_digest(self, destination: Destination, told: ToldIncident) -> None:
        await digests.keep_for_digest(self._unit, destination, told)

    async def tell_of_kept(self, delivery: Delivery) -> None:
        await digests.tell_of_kept(self._unit, delivery)

    async def take_digest(self, due: DueDigest, *, next_due_at: datetime, at: datetime) -> datetime | None:
        return await digests.take_digest(self._unit, due, next_due_at=next_due_at, at=at)

    async def end_digests(self, destination: Destination) -> datetime | None:
        return await digests.end_digests(self._unit, destination)

    async def save_digest_schedule(self, destination: Destination, *, due_at: datetime | None, at: datetime) -> None:
        await digests.save_digest_schedule(self._unit, destination, due_at=due_at, at=at)

    async def finish_attempt(
        self,
        lease: DeliveryLease,
        attempt: Attempt,
        *,
        next_attempt_at: datetime | None,
        progress: JsonObject | None = None,
    ) -> None:
        await outbox.finish_attempt(self._unit, lease, attempt, next_attempt_at=next_attempt_at, progress=progress)

    async def hold_delivery(self, lease: DeliveryLease, hold: Hold, at: datetime) -> None:
        await holds.hold_delivery(self._unit, lease, hold, at)

    async def others_of_group(self, delivery: Delivery, at: datetime) -> tuple[Delivery, ...]:
        return await grouping.others_of_group(self._unit, delivery, at)

    async def gather(self, lease: DeliveryLease, others: Sequence[Delivery], at: datetime) -> None:
        await grouping.gather(self._unit, lease, others, at)

    async def set_repetitions(self, delivery: Delivery, due_at: datetime) -> None:
        await grouping.set_repetitions(self._unit, delivery, due_at)

    async def take_repetition(self, due: Repetition) -> bool:
        return await grouping.take_repetition(self._unit, due)

    async def put_off_repetition(self, due: Repetition, until: datetime) -> None:
        await grouping.put_off_repetition(self._unit, due, until)

    async def drop_delivery(self, lease: DeliveryLease, at: datetime) -> None:
        await holds.drop_delivery(self._unit, lease, at)

    async def destination(self, community_id: str, destination_id: str) -> Destination:
        return await destinations.destination_to_change(self._unit, community_id, destination_id)

    async def save_destination_health(self, destination: Destination, at: datetime) -> None:
        await destinations.save_destination_health(self._unit, destination, at)

    async def rotation(self, community_id: str) -> Rotation | None:
        return await rotations.rotation_of_community(self._unit, community_id)

    async def moderators(self, community_id: str) -> tuple[Moderator, ...]:
        return await moderators.moderators_of_community(self._unit, community_id)

    async def escalation(self, community_id: str, incident_id: str) -> Escalation | None:
        return await rotations.escalation_of_incident(self._unit, community_id, incident_id)

    async def save_escalation(self, escalation: Escalation) -> None:
        await rotations.save_escalation(self._unit, escalation)

    async def end_escalation(self, community_id: str, incident_id: str) -> None:
        await rotations.end_escalation(self._unit, community_id, incident_id)

    async def add_heavy_items(self, community_id: str, moderator_ids: Iterable[str], at: datetime) -> None:
        moderators.add_heavy_items(self._unit, community_id, moderator_ids, at)

    async def record(self, entry: AuditEntry) -> None:
        await journal.add_entry(self._unit, entry)
