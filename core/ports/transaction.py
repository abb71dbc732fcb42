"""What can be written together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

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


class Transaction(Protocol):
    """What can be written together. Nothing is kept unless the ``async with`` block ends without error. What is added
    may be written when the block ends only, and be refused there: with NotFound where it belongs to something that does
    not exist, with Conflict where it exists already."""

    async def mark_seen(self, community_id: str, fingerprints: Iterable[str], *, until: datetime) -> frozenset[str]:
        """Remember keyed hashes of the fingerprints until the given time; return those that were new."""

    async def finish_poll(self, lease: SourceLease, source: SourceRecord) -> None:
        """Record what came of a poll, good or bad: the source as it is after it, but for what people chose.
        Raises LeaseLost."""

    async def note_health(self, lease: SourceLease, source: SourceRecord) -> None:
        """Record how the source fares as :meth:`finish_poll` does, and keep its lease. Raises LeaseLost."""

    async def note_told(self, source: SourceRecord) -> bool:
        """Remember that the destinations know of the source's trouble, or that it is over, as its health says; return
        whether that is a change. Raises NotFound."""

    async def readers(self, source: SourceRecord) -> tuple[str, ...]:
        """Return the ids of the communities for which the source's documents count: its own, or all where it is
        shared."""

    async def joinable_incidents(self, community_id: str, join_keys: Sequence[str]) -> tuple[Incident, ...]:
        """Return the incidents, whatever their state, that have one of the join keys, the one with most of them first,
        among equals the newest; at most ``MOST_JOINABLE``."""

    async def look_up_join_keys(self, community_id: str, join_keys: Iterable[str]) -> None:
        """Find out at once which of the keys no incident has: to ask for their incidents costs nothing then."""

    async def add_incident(
        self, incident: Incident, join_keys: Sequence[str], *, trace: bytes | None = None, until: datetime
    ) -> None:
        """Insert a new incident, found by the join keys, as :meth:`save_incident` tells, and known by the trace until
        the given time."""

    async def save_incident(
        self, incident: Incident, join_keys: Sequence[str], *, until: datetime | None = None
    ) -> None:
        """Insert or update the incident, and let it be found by the join keys, which are kept as keyed hashes, until
        the given time (None: as long as the incident is kept); so long its traces are kept then, too."""

    async def traces(self, community_id: str, incident_ids: Sequence[str]) -> Mapping[str, tuple[bytes, ...]]:
        """Return what was kept to know the leak of each of the incidents again, the newest first."""

    async def add_trace(self, incident: Incident, trace: bytes, *, until: datetime) -> None:
        """Keep the trace, sealed, until the given time; of too many the oldest is forgotten."""

    async def add_incident_terms(self, incident: Incident, term_ids: Iterable[str]) -> None:
        """Remember that the terms had a part in the incident (kept as keyed hashes)."""

    async def add_piece(self, community_id: str, member: str, piece: Piece, *, until: datetime) -> None:
        """Keep the piece of the member until the given time; one that is known keeps its first date and place. Its
        digests are kept as keyed hashes."""

    async def pieces(self, community_id: str, member: str) -> tuple[Piece, ...]:
        """Return what was told of the member and is not forgotten, in order. The digests are those that are kept."""

    async def add_never(self, community_id: str, term_id: str, text: str) -> None:
        """Add a text in which the term does not count. Raises NotFound."""

    async def add_alert(self, alert: Alert) -> None:
        """Keep the alert, whose ``incident_id`` is set. The document's text is not kept."""

    async def add_sighting(self, sighting: Sighting) -> None:
        """Keep the sighting unless the incident has one of the same document already."""

    async def change_sighting(self, sighting: Sighting) -> None:
        """Record when the sighting was last seen, removed, and seen again. Raises NotFound."""

    async def sighting(self, community_id: str, incident_id: str, sighting_id: str) -> Sighting:
        """Return the sighting, to be changed. Raises NotFound."""

    async def sighting_at(self, incident_id: str, document: Document) -> Sighting | None:
        """Return the incident's sighting at this document (by source and external id), None where there is none."""

    async def has_site(self, incident_id: str, site: str) -> bool:
        """Return whether the incident was seen on this site before."""

    async def incident(self, community_id: str, incident_id: str) -> Incident:
        """Return the incident, to be changed. Raises NotFound."""

    async def destinations(self, community_id: str) -> tuple[Destination, ...]:
        """Return the destinations of the community that are enabled, and those that were switched off as they took
        nothing: what is planned for these waits."""

    async def routes(self, community_id: str) -> tuple[Route, ...]:
        """Return the routes of the community, in order of their ids."""

    async def canary_of_watchlist(self, community_id: str, watchlist_id: str) -> Canary | None:
        """Return the canary whose phrase the watchlist holds; None where there is none."""

    async def note_reading(self, source_id: str, given: Iterable[str], at: datetime) -> None:
        """Record for the source's canaries that wait that it was read, and that it gave the documents of those that
        are named by their ids."""

    async def end_canary(self, canary: Canary, at: datetime) -> None:
        """Keep what came of the canary, and watch its phrase no more. Raises Conflict where it has ended already."""

    async def plan_delivery(self, delivery: Delivery) -> None:
        """Put a delivery into the outbox; its ``sequence`` is assigned here, the given one is ignored."""

    async def tell_of(self, delivery: Delivery, told: Sequence[ToldIncident]) -> None:
        """Have the delivery tell of these incidents, besides those that it tells of already. Of one that it tells of,
        the later event counts, but that it is new stays; its alerts are told since the earlier moment. Raises NotFound
        for delivery or incident."""

    async def destinations_told(self, incident: Incident, at: datetime) -> frozenset[str]:
        """Return the ids of the destinations for which a delivery about the incident was planned at that moment, and is
        due by then."""

    async def keep_for_digest(self, destination: Destination, told: ToldIncident) -> None:
        """Have the destination's next digest tell of the incident; of one that it tells of already, as
        :meth:`tell_of`. Raises NotFound."""

    async def tell_of_kept(self, delivery: Delivery) -> None:
        """Have the delivery tell of what was kept for its destination's next digest, which is kept no longer."""

    async def take_digest(self, due: DueDigest, *, next_due_at: datetime, at: datetime) -> datetime | None:
        """Take the due digest, by compare-and-set, and have the next one due at that time. Return since when it tells;
        None where somebody else took it, or the destination is switched off."""

    async def end_digests(self, destination: Destination) -> datetime | None:
        """Return since when the destination's next digest would have told, where something was kept for it; None where
        nothing was."""

    async def save_digest_schedule(self, destination: Destination, *, due_at: datetime | None, at: datetime) -> None:
        """Keep when the destination is sent digests, and the next one; the first tells what is new from now on."""

    async def finish_attempt(
        self,
        lease: DeliveryLease,
        attempt: Attempt,
        *,
        next_attempt_at: datetime | None,
        progress: JsonObject | None = None,
    ) -> None:
        """Keep the attempt, and what it means for its delivery: delivered, pending until the next attempt, or dead
        without one. Raises LeaseLost."""

    async def hold_delivery(self, lease: DeliveryLease, hold: Hold, at: datetime) -> None:
        """Take the delivery out of its destination's line until the hold ends. Raises LeaseLost."""

    async def others_of_group(self, delivery: Delivery, at: datetime) -> tuple[Delivery, ...]:
        """Return the other deliveries of its group that nobody has tried or tries to deliver, in order, to be
        changed."""

    async def gather(self, lease: DeliveryLease, others: Sequence[Delivery], at: datetime) -> None:
        """End the leased delivery and the others, as they are told together in another. Raises LeaseLost."""

    async def set_repetitions(self, delivery: Delivery, due_at: datetime) -> None:
        """Have each incident that the delivery tells of be told to its destination again then, and not before."""

    async def take_repetition(self, due: Repetition) -> bool:
        """Forget the repetition; return whether it was there still, due at that moment."""

    async def put_off_repetition(self, due: Repetition, until: datetime) -> None:
        """Have the repetition be due then, if it is there still."""

    async def drop_delivery(self, lease: DeliveryLease, at: datetime) -> None:
        """End the delivery without sending it, as it has been overtaken. Raises LeaseLost."""

    async def destination(self, community_id: str, destination_id: str) -> Destination:
        """Return the destination, to be changed. Raises NotFound."""

    async def save_destination_health(self, destination: Destination, at: datetime) -> None:
        """Keep how the destination fares, and whether it is enabled."""

    async def rotation(self, community_id: str) -> Rotation | None:
        """Return the community's rotation; None where it has none."""

    async def moderators(self, community_id: str) -> tuple[Moderator, ...]:
        """Return the community's moderators, the oldest first."""

    async def escalation(self, community_id: str, incident_id: str) -> Escalation | None:
        """Return the escalation of the incident; None where it does not wait for anybody. It is changed only by who
        took the incident to be changed before."""

    async def save_escalation(self, escalation: Escalation) -> None:
        """Insert or update the escalation."""

    async def end_escalation(self, community_id: str, incident_id: str) -> None:
        """Forget that the incident waits, if it does."""

    async def add_heavy_items(self, community_id: str, moderator_ids: Iterable[str], at: datetime) -> None:
        """Count one more heavy item for each of the moderators."""

    async def record(self, entry: AuditEntry) -> None:
        """Add to the audit log."""
