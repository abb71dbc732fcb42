"""The doors between the rooms: what a source, a matcher, a notifier and the store must offer.

A plug-in is one class in one file. It names itself by ``kind``, carries a nested pydantic ``Settings``
and takes ``(settings, context)``. ``__init__`` raises :class:`core.errors.NotConfigured` with the reason
where it cannot work with what it was given. ``core.plugins`` finds and checks plug-ins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from core.clock import Clock
from core.settings import HttpSettings
from core.types import (
    Alert,
    AlertClass,
    ApiKey,
    Attempt,
    AuditEntry,
    Candidate,
    Catalogue,
    CatalogueChange,
    Community,
    Delivery,
    DeliveryLease,
    DeliveryState,
    Destination,
    Document,
    Explanation,
    Finding,
    FoldedDocument,
    Incident,
    IncidentState,
    JsonObject,
    Match,
    Notice,
    Page,
    Piece,
    Severity,
    Sighting,
    SourceLease,
    SourceRecord,
    Spread,
    Term,
    TermKind,
    Verdicts,
    Watchlist,
)

T = TypeVar("T")


# ── the network ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A whole answer. ``headers`` have lower-case names; ``url`` is where redirects ended."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)


class HttpClient(Protocol):
    """The guarded way out: public addresses only, bounded in size and time, one pace per host."""

    @property
    def settings(self) -> HttpSettings:
        """The rules of the way out, for a source whose library brings its own client: it keeps to them."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        follow_redirects: bool = True,
        max_bytes: int | None = None,
    ) -> HttpResponse:
        """Return the answer, whatever its status. ``max_bytes`` (after decompression) lowers the limit
        of the settings.

        Raises AddressRefused, TooLarge, or FetchError for anything that gave no whole answer.
        """


# ── plug-ins ────────────────────────────────────────────────────────────────────────────────────


SEARCH_PRIORITIES: Mapping[TermKind, int] = {
    TermKind.PSEUDONYM: 3,
    TermKind.NAME: 3,
    TermKind.DOMAIN: 2,
    TermKind.KEYWORD: 1,
}
"""The kinds of terms that can be searched for elsewhere, and how much they matter: people first. The others are rules
of our own (queries, patterns) or concealed (passages), and no search service is told of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTerm:
    """A term that its owner lets be sent to search services (``search_externally``): its value alone, without aliases.

    A term of twice the ``priority`` of another is searched for twice as often.
    """

    id: str
    text: str = field(repr=False)
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """What a source is given besides its settings. ``name`` is how people call this source.

    ``search_terms`` are all the terms that a source may send anywhere: it knows of no others.
    """

    name: str
    http: HttpClient
    clock: Clock
    search_terms: tuple[SearchTerm, ...] = ()


@runtime_checkable
class Source(Protocol):
    """A place that is read. Pages come in an order in which stopping anywhere loses nothing."""

    kind: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]

    def __init__(self, settings: Any, context: SourceContext) -> None: ...

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return what is new since ``cursor`` (None at the first poll), at most one page of it.

        The same cursor gives the same or newer documents; a document is given again only when it changed.
        Raises SourceUnavailable or SourceBroken.
        """


@runtime_checkable
class Finder(Protocol):
    """Terms made ready for searching. Safe to use from several threads."""

    def find(self, batch: Sequence[FoldedDocument]) -> list[list[Match]]:
        """Return, for each document of the batch, its matches in order of their spans."""

    def explain(self, document: FoldedDocument) -> list[Candidate]:
        """Return the places that were looked at, those that failed too, the best first, at most 20 a term."""


@runtime_checkable
class Matcher(Protocol):
    """A way to look for terms of some kinds."""

    kind: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]
    term_kinds: ClassVar[frozenset[TermKind]]

    def __init__(self, settings: Any) -> None: ...

    def check(self, term: Term) -> None:
        """Raise UsageError where the term cannot be looked for (too short, does not parse)."""

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> Finder:
        """Return a finder for these terms, all of them of this matcher's kinds. ``watchlists`` maps
        each term's ``watchlist_id`` to its watchlist, for the sensitivity."""


@runtime_checkable
class Concealer(Protocol):
    """What a matcher offers besides where the values of its terms must not be kept as they were given."""

    def keyed(self, key: bytes) -> Matcher:
        """Return the matcher that conceals with this secret key (32 bytes), and knows what was concealed with it."""

    def conceal(self, term: Term) -> Term:
        """Return the term as it may be kept. Raises UsageError where it cannot be looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierContext:
    """What a notifier is given besides its settings."""

    http: HttpClient
    clock: Clock


@runtime_checkable
class Notifier(Protocol):
    """A channel to people or programs."""

    kind: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]

    def __init__(self, settings: Any, context: NotifierContext) -> None: ...

    async def send(self, notice: Notice) -> None:
        """Return when the other side has taken the notice. May be called again with the same one.

        Raises DeliveryDeferred or DeliveryRefused.
        """


# ── the pipeline, as the API sees it ────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What came of documents handed in: how many were new, how many known, and the alerts raised."""

    new_count: int
    known_count: int
    alerts: tuple[Alert, ...]


class Pipeline(Protocol):
    """Documents in, alerts out."""

    async def ingest(self, community_id: str, documents: Sequence[Document]) -> Intake:
        """Put documents that another system read through the whole way, for this community only."""

    async def preview(
        self, community_id: str, term: Term, watchlist: Watchlist, text: str
    ) -> tuple[Finding, Explanation]:
        """Return what the term, not yet saved, would find in the text, and why. Nothing is kept.

        Raises UsageError for a term that cannot be looked for.
        """

    def conceal_term(self, term: Term) -> Term:
        """Return the term as it may be kept: its value concealed where the matcher asks for it.

        Raises UsageError where no matcher looks for terms of this kind, or this value cannot be looked for.
        """


# ── the store ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """Part of a listing. ``next_cursor`` continues it, None at its end."""

    items: tuple[T, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which part of a listing is wanted: ``cursor`` from an earlier slice, at most ``limit`` items,
    only what changed at ``updated_since`` or later."""

    cursor: str | None = None
    limit: int = 50
    updated_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """None, or empty, means any."""

    states: frozenset[IncidentState] = frozenset()
    classes: frozenset[AlertClass] = frozenset()
    minimum_severity: Severity | None = None
    watchlist_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """None, or empty, means any."""

    classes: frozenset[AlertClass] = frozenset()
    minimum_severity: Severity | None = None
    watchlist_id: str | None = None
    incident_id: str | None = None


class Transaction(Protocol):
    """What can be written together. Nothing is kept unless the ``async with`` block ends without error."""

    async def mark_seen(self, community_id: str, fingerprints: Iterable[str], *, until: datetime) -> frozenset[str]:
        """Remember keyed hashes of the fingerprints until the given time; return those that were new."""

    async def finish_poll(self, lease: SourceLease, source: SourceRecord) -> None:
        """Record what came of a poll, good or bad: the source as it is after it, but for what people chose.
        Raises LeaseLost."""

    async def joinable_incidents(self, community_id: str, join_keys: Sequence[str]) -> tuple[Incident, ...]:
        """Return the incidents, whatever their state, that have one of the join keys, the one with most of them first,
        among equals the newest; at most ``MOST_JOINABLE``."""

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
        """Return the enabled destinations of the community."""

    async def plan_delivery(self, delivery: Delivery) -> None:
        """Put a delivery into the outbox; its ``sequence`` is assigned here, the given one is ignored."""

    async def finish_attempt(self, lease: DeliveryLease, attempt: Attempt, *, next_attempt_at: datetime | None) -> None:
        """Keep the attempt, and what it means for its delivery: delivered, pending until the next attempt, or dead
        without one. Raises LeaseLost."""

    async def destination(self, community_id: str, destination_id: str) -> Destination:
        """Return the destination, to be changed. Raises NotFound."""

    async def save_destination_health(self, destination: Destination, at: datetime) -> None:
        """Keep how the destination fares, and whether it is enabled."""

    async def record(self, entry: AuditEntry) -> None:
        """Add to the audit log."""


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

    # communities and keys

    async def add_community(self, community: Community, keys: Sequence[ApiKey] = (), *, audit: AuditEntry) -> None:
        """Keep the community and its first keys, all or nothing. Raises Conflict for an id in use."""

    async def communities(self) -> tuple[Community, ...]: ...
    async def community(self, community_id: str) -> Community: ...
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
        """Delete the watchlist and its terms; alerts and incidents stay."""

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
    async def source(self, community_id: str, source_id: str) -> SourceRecord: ...
    async def set_source_enabled(
        self, community_id: str, source_id: str, enabled: bool, at: datetime, *, audit: AuditEntry
    ) -> SourceRecord: ...
    async def delete_source(self, community_id: str, source_id: str, *, audit: AuditEntry) -> None: ...

    async def take_due_source(self, at: datetime, lease_for: timedelta) -> SourceLease | None:
        """Take the source that is due longest and not leased, by compare-and-set; None where none is due."""

    async def next_source_due_at(self) -> datetime | None:
        """Return when the next source is due or its lease ends; None without sources."""

    async def unseen(self, community_id: str, fingerprints: Sequence[str], at: datetime) -> frozenset[str]:
        """Return those of the fingerprints that are not marked as seen."""

    async def prune(self, at: datetime) -> int:
        """Forget what has expired (seen keys, terms, what leaks are known by); return how many rows went."""

    # what was found

    async def alerts(self, community_id: str, listing: Listing, wanted: AlertFilter) -> Slice[Alert]: ...
    async def alert(self, community_id: str, alert_id: str) -> Alert: ...
    async def incidents(self, community_id: str, listing: Listing, wanted: IncidentFilter) -> Slice[Incident]: ...
    async def incident(self, community_id: str, incident_id: str) -> Incident: ...
    async def sightings(self, community_id: str, incident_id: str, listing: Listing) -> Slice[Sighting]: ...
    async def spread(self, community_id: str, incident_id: str, at: datetime) -> Spread: ...

    async def verdicts(self, community_id: str, term_ids: Sequence[str]) -> Mapping[str, Verdicts]:
        """Return what moderators said of the incidents that each of the terms had a part in."""

    # destinations and the outbox

    async def add_destination(self, destination: Destination, *, audit: AuditEntry) -> None: ...
    async def all_destinations(self, community_id: str, listing: Listing) -> Slice[Destination]: ...
    async def destination(self, community_id: str, destination_id: str) -> Destination: ...
    async def set_destination_enabled(
        self, community_id: str, destination_id: str, enabled: bool, *, audit: AuditEntry
    ) -> Destination:
        """Switch the destination on or off. One that is switched on starts anew: how it fared is forgotten, and
        what waits for it is due."""

    async def delete_destination(self, community_id: str, destination_id: str, *, audit: AuditEntry) -> None: ...

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

    # audit and idempotent requests

    async def record(self, entry: AuditEntry) -> None: ...
    async def audit_log(self, community_id: str, listing: Listing) -> Slice[AuditEntry]: ...

    async def remembered_answer(self, community_id: str, key: str, at: datetime) -> RememberedAnswer | None:
        """Return the answer once given to a request with this idempotency key."""

    async def remember_answer(
        self, community_id: str, key: str, answer: RememberedAnswer, *, until: datetime
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedAnswer:
    """An answer kept for a repeated POST. ``request_digest`` tells a repeat from another request."""

    request_digest: bytes
    status: int
    body: bytes = field(repr=False)
