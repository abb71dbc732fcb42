"""The record of everything, as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from core.ports.listing import AlertFilter, IncidentFilter, Listing, Slice
from core.ports.plug_ins import SearchTerm
from core.ports.transaction import Transaction
from core.types import (
    Alert,
    ApiKey,
    Attempt,
    AuditEntry,
    Canary,
    Catalogue,
    CatalogueChange,
    Community,
    Delivery,
    DeliveryLease,
    DeliveryState,
    Destination,
    DueDigest,
    Escalation,
    HoldRules,
    Incident,
    MaintenanceWindow,
    Moderator,
    Override,
    QuietHours,
    Repetition,
    Rotation,
    Route,
    Sighting,
    SourceLease,
    SourceRecord,
    Spread,
    Term,
    ToldIncident,
    Verdicts,
    Watchlist,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedAnswer:
    """An answer kept for a repeated POST. ``request_digest`` tells a repeat from another request."""

    request_digest: bytes
    status: int
    body: bytes = field(repr=False)


HEAVY_ITEMS_COUNTED_FOR = timedelta(days=7)
"""How long it counts that a moderator was sent something that is hard to read."""

MOST_JOINABLE = 8
"""How many incidents are looked at for one alert."""

REMOVALS_TOLD_FOR = timedelta(days=7)
"""How long the store tells which terms were removed."""


class Store(Protocol):
    """The record of everything. Methods raise StoreError where the database fails, and NotFound where
    an object does not exist in the given community: ids of other communities do not exist. ``audit`` is
    kept together with what it tells of, or neither is."""

    async def open(self) -> None:
        """Make the database ready: create or migrate it, and check the key. Raises StoreError, CryptoError."""

    async def close(self) -> None: ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open the one transaction that writes what came of a page or a decision."""

    def snapshot(self) -> AbstractAsyncContextManager[None]:
        """Have all that this task reads in the block be of one state of the database. What is written meanwhile, here
        too, does not show."""

    # communities and keys

    async def add_community(self, community: Community, keys: Sequence[ApiKey] = (), *, audit: AuditEntry) -> None:
        """Keep the community and its first keys, all or nothing. Raises Conflict for an id in use."""

    async def communities(self) -> tuple[Community, ...]: ...
    async def community(self, community_id: str) -> Community: ...

    async def signature(self, community_id: str, text: str) -> bytes:
        """Return the keyed hash (16 bytes) that shows a text to come from this community's own installation."""

    async def add_api_key(self, key: ApiKey, *, audit: AuditEntry) -> None: ...
    async def api_key(self, digest: bytes) -> ApiKey | None: ...
    async def api_keys(self, community_id: str) -> tuple[ApiKey, ...]: ...
    async def revoke_api_key(self, community_id: str, key_id: str, at: datetime, *, audit: AuditEntry) -> None: ...

    # what is watched

    async def catalogue(self, at: datetime) -> Catalogue:
        """Return everything watched at that moment; expired terms are left out."""

    async def catalogue_revision(self) -> int:
        """Return a number that grows with every change of what is watched. Cheap."""

    async def catalogue_change(self, since: int) -> CatalogueChange:
        """Return what changed after that revision, in time that grows with the change, not with the catalogue.
        Removals are told for ``REMOVALS_TOLD_FOR``: who last looked before that reads the catalogue anew."""

    async def removed_terms(self, since: int) -> frozenset[str]:
        """Return the ids of the terms removed after that revision, as :meth:`catalogue_change` does. Cheap."""

    async def add_watchlist(self, watchlist: Watchlist, terms: Sequence[Term] = (), *, audit: AuditEntry) -> None:
        """Keep the watchlist and its terms, all or nothing. Raises Conflict for a name or reference in use."""

    async def import_watchlists(
        self, community: Community, watchlists: Sequence[tuple[Watchlist, Sequence[Term]]], *, audit: AuditEntry
    ) -> None:
        """Keep the watchlists and their terms, and the community itself where there is none with its id, all
        or nothing. Raises Conflict for a name or reference in use."""

    async def watchlists(self, community_id: str, listing: Listing) -> Slice[Watchlist]: ...
    async def watchlist(self, community_id: str, watchlist_id: str) -> Watchlist: ...
    async def delete_watchlist(self, community_id: str, watchlist_id: str, *, audit: AuditEntry) -> None:
        """Delete the watchlist and its terms; alerts and incidents stay. Raises Conflict for that of a canary."""

    async def add_terms(self, community_id: str, terms: Sequence[Term], *, audit: AuditEntry) -> None:
        """Keep the terms, all or nothing. Raises Conflict for a reference in use, NotFound for a watchlist."""

    async def terms(self, community_id: str, listing: Listing, *, watchlist_id: str | None = None) -> Slice[Term]: ...
    async def term(self, community_id: str, term_id: str) -> Term: ...
    async def delete_term(self, community_id: str, term_id: str, *, audit: AuditEntry) -> None: ...

    async def search_terms(self, community_id: str, at: datetime) -> tuple[SearchTerm, ...]:
        """Return the community's terms that may be sent to search services at that moment, the oldest first: their
        owner opted in, they have not ended, and their kind is one of ``SEARCH_PRIORITIES``."""

    # sources

    async def add_source(self, source: SourceRecord, *, audit: AuditEntry) -> None: ...
    async def sources(self, community_id: str, listing: Listing) -> Slice[SourceRecord]: ...
    async def sources_counting_for(self, community_id: str) -> tuple[SourceRecord, ...]:
        """Return all sources of which the documents count for the community: its own, and those that others share."""

    async def source(self, community_id: str, source_id: str) -> SourceRecord: ...
    async def source_read_for(self, community_id: str, source_id: str) -> SourceRecord:
        """Return the source, which is the community's own or shared: its documents count for the community."""

    async def change_source(self, changed: SourceRecord, *, anew: bool, audit: AuditEntry) -> SourceRecord:
        """Put what people chose of the source in place of what they chose before; it is due at once, unless it is
        disabled. ``anew``: it is read as if it had just been added. Return it as it is then."""

    async def set_source_enabled(
        self, community_id: str, source_id: str, enabled: bool, at: datetime, *, audit: AuditEntry
    ) -> SourceRecord: ...
    async def delete_source(self, community_id: str, source_id: str, *, audit: AuditEntry) -> None: ...

    async def take_due_source(
        self, at: datetime, lease_for: timedelta, *, besides: Collection[str] = ()
    ) -> SourceLease | None:
        """Take the source that is due longest and not leased, by compare-and-set; None where none is due. Sources with
        the ids ``besides`` are left out."""

    async def next_source_due_at(self, *, besides: Collection[str] = ()) -> datetime | None:
        """Return when the next source, but for those with the ids ``besides``, is due or its lease ends; None without
        sources."""

    async def renew_source_lease(self, lease: SourceLease, until: datetime) -> None:
        """Keep the source leased until then. Raises LeaseLost."""

    async def give_source_back(self, lease: SourceLease) -> None:
        """End the lease of a source that was not polled; it is due as it was. Raises LeaseLost."""

    async def unseen(self, community_id: str, fingerprints: Sequence[str], at: datetime) -> frozenset[str]:
        """Return those of the fingerprints that are not marked as seen."""

    async def prune(self, at: datetime) -> int:
        """Forget what has expired (seen keys, terms, what leaks are known by); return how many rows went."""

    # what was found

    async def alerts(self, community_id: str, listing: Listing, wanted: AlertFilter) -> Slice[Alert]: ...
    async def alert(self, community_id: str, alert_id: str) -> Alert: ...
    async def incidents(self, community_id: str, listing: Listing, wanted: IncidentFilter) -> Slice[Incident]: ...
    async def incident(self, community_id: str, incident_id: str) -> Incident: ...
    async def due_snoozes(self, at: datetime) -> tuple[tuple[str, str], ...]:
        """Return communities and incidents whose snooze was chosen until a moment that has come, the earliest first."""

    async def sightings(self, community_id: str, incident_id: str, listing: Listing) -> Slice[Sighting]: ...
    async def spread(self, community_id: str, incident_id: str, at: datetime) -> Spread: ...

    async def verdicts(self, community_id: str, term_ids: Sequence[str]) -> Mapping[str, Verdicts]:
        """Return what moderators said of the incidents that each of the terms had a part in."""

    # destinations and the outbox

    async def add_destination(self, destination: Destination, *, audit: AuditEntry) -> None: ...
    async def all_destinations(self, community_id: str, listing: Listing) -> Slice[Destination]: ...
    async def destination(self, community_id: str, destination_id: str) -> Destination: ...
    async def change_destination(self, changed: Destination, *, audit: AuditEntry) -> Destination:
        """Put what is given in place of what was known of the destination; its deliveries, its digest and whether it is
        enabled stay. One that is enabled starts anew as in :meth:`set_destination_enabled`."""

    async def set_destination_enabled(
        self, community_id: str, destination_id: str, enabled: bool, *, audit: AuditEntry
    ) -> Destination:
        """Switch the destination on or off. One that is switched on starts anew: how it fared is forgotten, and
        what waits for it is due."""

    async def delete_destination(self, community_id: str, destination_id: str, *, audit: AuditEntry) -> None:
        """Delete the destination and its deliveries. Raises Conflict where a route leads to it."""

    async def add_route(self, route: Route, *, audit: AuditEntry) -> None:
        """Keep the route. Raises NotFound for a destination or watchlist that it names."""

    async def change_route(self, route: Route, *, audit: AuditEntry) -> None:
        """Keep the route in place of what was kept under its id. Raises NotFound for it, and as :meth:`add_route`."""

    async def routes(self, community_id: str, listing: Listing) -> Slice[Route]: ...
    async def route(self, community_id: str, route_id: str) -> Route: ...
    async def delete_route(self, community_id: str, route_id: str, *, audit: AuditEntry) -> None: ...

    async def add_quiet_hours(self, hours: QuietHours, *, audit: AuditEntry) -> None: ...
    async def quiet_hours(self, community_id: str, listing: Listing) -> Slice[QuietHours]: ...
    async def delete_quiet_hours(self, community_id: str, hours_id: str, *, audit: AuditEntry) -> None:
        """Delete the quiet hours; what waits for their end is looked at anew."""

    async def add_maintenance(self, window: MaintenanceWindow, *, audit: AuditEntry) -> None: ...
    async def maintenance(self, community_id: str, listing: Listing) -> Slice[MaintenanceWindow]:
        """Return the wanted slice of the maintenance windows that have not ended for long."""

    async def delete_maintenance(self, community_id: str, window_id: str, *, audit: AuditEntry) -> None:
        """Delete the maintenance window; what waits for its end is looked at anew."""

    async def hold_rules(self, community_id: str, destination_id: str, at: datetime) -> HoldRules:
        """Return the quiet hours of the destination, and the maintenance windows that are open for it then."""

    async def last_told_at(self, community_id: str, destination_id: str, route_id: str) -> datetime | None:
        """Return when the destination was last told of something by the route; None where it never was."""

    async def due_repetitions(self, at: datetime, limit: int) -> tuple[Repetition, ...]:
        """Return the repetitions that are due by then, the longest due first, at most so many."""

    async def release_held(self, at: datetime) -> datetime | None:
        """Put the deliveries whose hold ends by then back in line; return when the next one ends, None where nothing
        is held."""

    async def due_digests(self, at: datetime) -> tuple[DueDigest, ...]:
        """Return the digests of enabled destinations that are due, the longest due first."""

    async def next_digest(self, community_id: str, destination_id: str) -> tuple[datetime, tuple[ToldIncident, ...]]:
        """Return since when the destination's next digest tells, and of which incidents as they are now, the gravest
        first. Raises NotFound, Conflict where it is sent none."""

    async def take_due_delivery(
        self, at: datetime, lease_for: timedelta, *, with_failing: bool = True
    ) -> DeliveryLease | None:
        """Take the pending delivery that is due longest, not leased, to an enabled destination that may be tried by
        then, and the first of its destination's pending ones (each destination's order is kept). ``with_failing``
        False leaves out destinations that gave no answer the last time."""

    async def next_delivery_due_at(self, *, with_failing: bool = True) -> datetime | None:
        """Return when the next delivery can be taken; None where none is pending."""

    async def delivery(self, community_id: str, delivery_id: str) -> Delivery: ...
    async def attempts(self, community_id: str, delivery_id: str, listing: Listing) -> Slice[Attempt]:
        """Return the attempts at the delivery that are still remembered, the oldest first."""

    async def told_incidents(self, community_id: str, delivery_id: str) -> tuple[ToldIncident, ...]:
        """Return the incidents, as they are now, of a delivery that tells of several, the gravest first."""

    async def replay_delivery(
        self, community_id: str, delivery_id: str, at: datetime, *, audit: AuditEntry
    ) -> Delivery:
        """Make a dead delivery pending again. Raises Conflict where it is not dead."""

    async def deliveries(
        self,
        community_id: str,
        listing: Listing,
        *,
        state: DeliveryState | None = None,
        destination_id: str | None = None,
    ) -> Slice[Delivery]: ...

    # moderators and who is on call

    async def add_moderator(self, moderator: Moderator, *, audit: AuditEntry) -> None:
        """Keep the moderator. Raises NotFound for one of the destinations."""

    async def change_moderator(self, moderator: Moderator, *, audit: AuditEntry) -> None:
        """Keep the moderator in place of what was kept under their id."""

    async def delete_moderator(self, community_id: str, moderator_id: str, *, audit: AuditEntry) -> None:
        """Delete the moderator, and the overrides that name them. Raises Conflict as long as they are in the
        rotation."""

    async def moderators(self, community_id: str) -> tuple[Moderator, ...]: ...
    async def moderator(self, community_id: str, moderator_id: str) -> Moderator: ...

    async def heavy_counts(self, community_id: str, at: datetime) -> Mapping[str, int]:
        """Return how many heavy items each moderator was sent in ``HEAVY_ITEMS_COUNTED_FOR`` before that time, by id;
        those who were sent none are left out."""

    async def add_rotation(self, rotation: Rotation, *, audit: AuditEntry) -> None:
        """Keep the rotation, without overrides. Raises Conflict where the community has one, NotFound for one of the
        moderators."""

    async def change_rotation(self, rotation: Rotation, *, audit: AuditEntry) -> None:
        """Keep the rotation in place of what was kept under its id; its overrides stay as they are."""

    async def delete_rotation(self, community_id: str, rotation_id: str, *, audit: AuditEntry) -> None:
        """Delete the rotation; incidents that wait are escalated no further."""

    async def rotation_of(self, community_id: str) -> Rotation | None:
        """Return the community's rotation; None where it has none."""

    async def rotation(self, community_id: str, rotation_id: str) -> Rotation: ...

    async def add_override(
        self, community_id: str, rotation_id: str, override: Override, *, audit: AuditEntry
    ) -> Rotation:
        """Add the override, which is forgotten once it has ended; return the rotation with it."""

    async def delete_override(
        self, community_id: str, rotation_id: str, override_id: str, *, audit: AuditEntry
    ) -> None: ...

    async def due_escalations(self, at: datetime) -> tuple[tuple[str, str], ...]:
        """Return the incidents of which the escalation is due, that due longest first: community's and incident's
        ids."""

    async def escalation(self, community_id: str, incident_id: str) -> Escalation | None:
        """Return the escalation of the incident; None where it does not wait for anybody."""

    # canaries

    async def add_canary(self, canary: Canary, watchlist: Watchlist, term: Term, *, audit: AuditEntry) -> None:
        """Keep the canary, and watch its phrase. Raises NotFound for its source or destination."""

    async def canaries(self, community_id: str, listing: Listing) -> Slice[Canary]: ...
    async def canary(self, community_id: str, canary_id: str) -> Canary: ...

    async def waiting_canaries(self, source_id: str | None = None) -> tuple[Canary, ...]:
        """Return the canaries of all communities that have not ended, those of the source where one is named."""

    async def canary_alert(self, canary: Canary) -> tuple[str, datetime] | None:
        """Return the incident that the canary's phrase opened and when its alert was raised; None without one."""

    async def first_delivery(self, community_id: str, incident_id: str, destination_id: str) -> Delivery | None:
        """Return the first delivery that tells the destination of the incident; None without one."""

    # audit and idempotent requests

    async def record(self, entry: AuditEntry) -> None: ...
    async def audit_log(self, community_id: str, listing: Listing) -> Slice[AuditEntry]: ...

    async def remembered_answer(self, community_id: str, key: str, at: datetime) -> RememberedAnswer | None:
        """Return the answer once given to a request with this idempotency key."""

    async def remember_answer(
        self, community_id: str, key: str, answer: RememberedAnswer, *, until: datetime
    ) -> None: ...
