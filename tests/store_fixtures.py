"""A real store on a new SQLite file, a clock that stands still, and objects to put in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from core.db.store import SqlStore
from core.ids import new_id
from core.settings import Settings
from core.types import (
    Alert,
    AlertClass,
    ApiKey,
    Attempt,
    AttemptOutcome,
    AuditEntry,
    Community,
    Delivery,
    DeliveryLease,
    DeliveryState,
    Destination,
    Document,
    Entity,
    EntityType,
    EventType,
    Incident,
    IncidentState,
    JsonObject,
    MaintenanceWindow,
    Match,
    Moderator,
    Override,
    QuietHours,
    Rotation,
    Route,
    Scope,
    Sighting,
    Signal,
    SourceRecord,
    Span,
    Term,
    TermKind,
    TermSettings,
    Watchlist,
    Weekday,
)
from tests.fresh_database import place_database

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class StandingClock:
    """Shows the time it was set to."""

    def __init__(self, now: datetime = NOON) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    async def wait_until(self, moment: datetime | None, wake: asyncio.Event) -> None:
        raise AssertionError("the store waits for nothing")


@asynccontextmanager
async def opened(directory: Path, clock: StandingClock | None = None) -> AsyncIterator[SqlStore]:
    """Open a store on the directory's database. One in a directory that exists is not migrated for it, but copied."""
    place_database(directory)
    store = SqlStore(Settings(data_directory=directory), clock or StandingClock())
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def audit(community_id: str, *, at: datetime = NOON) -> AuditEntry:
    return AuditEntry(
        id=new_id("aud"), community_id=community_id, actor="key_1", action="test", object_id="obj_1", at=at
    )


def term(
    reference: str,
    watchlist_id: str = "wl_1",
    *,
    value: str = "night_heron",
    kind: TermKind = TermKind.PSEUDONYM,
    variants: tuple[str, ...] = (),
    settings: TermSettings = TermSettings(),  # noqa: B008  # frozen
) -> Term:
    return Term(
        id=new_id("trm"),
        reference=reference,
        watchlist_id=watchlist_id,
        kind=kind,
        value=value,
        variants=variants,
        settings=settings,
    )


def api_key(key_id: str, community_id: str, *, digest: bytes = b"digest") -> ApiKey:
    return ApiKey(
        id=key_id,
        community_id=community_id,
        name="laptop",
        scopes=frozenset({Scope.READ, Scope.ADMIN}),
        digest=digest,
        created_at=NOON,
    )


def source(
    source_id: str,
    community_id: str,
    *,
    settings: JsonObject | None = None,
    due_at: datetime | None = None,
    updated_at: datetime = NOON,
) -> SourceRecord:
    return SourceRecord(
        id=source_id,
        community_id=community_id,
        kind="feed",
        name="a blog",
        settings=settings or {"url": "https://blog.example/feed"},
        due_at=due_at,
        created_at=NOON,
        updated_at=updated_at,
    )


def document(number: int = 1, *, text: str = "n1ght_h3ron is Mira Calder", external_id: str | None = None) -> Document:
    return Document(
        id=f"feed:{number}",
        source="a blog",
        external_id=external_id or str(number),
        url=f"https://blog.example/{number}",
        author="somebody",
        title="who is it",
        text=text,
        language="en",
        published_at=NOON,
        fetched_at=NOON + MINUTE,
    )


def incident(
    incident_id: str,
    community_id: str,
    *,
    state: IncidentState = IncidentState.OPEN,
    updated_at: datetime = NOON,
    first_seen_at: datetime = NOON,
    score: int = 88,
    alert_class: AlertClass = AlertClass.LINKAGE,
    watchlist_id: str = "wl_1",
) -> Incident:
    return Incident(
        id=incident_id,
        community_id=community_id,
        watchlist_id=watchlist_id,
        alert_class=alert_class,
        score=score,
        state=state,
        first_seen_at=first_seen_at,
        last_seen_at=NOON,
        updated_at=updated_at,
        assignee="key_7",
        reason="a false alarm" if state is IncidentState.DISMISSED else None,
    )


def alert(
    alert_id: str,
    community_id: str,
    incident_id: str | None,
    *,
    raised_at: datetime = NOON,
    score: int = 88,
    alert_class: AlertClass = AlertClass.LINKAGE,
    watchlist_id: str = "wl_1",
    of: Document | None = None,
) -> Alert:
    spans = Span("text", 0, 11), Span("text", 15, 26)
    return Alert(
        id=alert_id,
        community_id=community_id,
        watchlist_id=watchlist_id,
        alert_class=alert_class,
        score=score,
        signals=(Signal(name="pseudonym_next_to_person", points=40, text="a name stands 1 word on", spans=spans),),
        matches=(
            Match(
                term_id="trm_1",
                kind=TermKind.PSEUDONYM,
                span=spans[0],
                found="n1ght_h3ron",
                similarity=0.97,
                transformations=("leet",),
            ),
        ),
        entities=(
            Entity(
                type=EntityType.PERSON,
                span=spans[1],
                found="Mira Calder",
                confidence=0.93,
                recogniser="names",
                country="GB",
            ),
        ),
        document=of or document(),
        raised_at=raised_at,
        excerpt="█████ is M███ C█████",
        evidence="n1ght_h3ron is Mira Calder",
        incident_id=incident_id,
    )


def sighting(sighting_id: str, community_id: str, incident_id: str, of: Document) -> Sighting:
    return Sighting(id=sighting_id, incident_id=incident_id, community_id=community_id, document=of, seen_at=NOON)


def destination(destination_id: str, community_id: str, *, settings: JsonObject | None = None) -> Destination:
    return Destination(
        id=destination_id,
        community_id=community_id,
        kind="webhook",
        name="moderators",
        settings=settings or {"url": "https://hook.example", "secret": "whsec_x"},
    )


def route(
    route_id: str,
    community_id: str,
    *,
    destination_ids: tuple[str, ...] = (),
    watchlist_ids: frozenset[str] = frozenset(),
) -> Route:
    return Route(
        id=route_id,
        community_id=community_id,
        name="the night shift",
        destination_ids=destination_ids,
        watchlist_ids=watchlist_ids,
    )


def moderator(moderator_id: str, community_id: str, *destination_ids: str) -> Moderator:
    return Moderator(id=moderator_id, community_id=community_id, name="Ada", destination_ids=destination_ids)


def rotation(rotation_id: str, community_id: str, *moderator_ids: str) -> Rotation:
    return Rotation(
        id=rotation_id, community_id=community_id, name="Nights", moderator_ids=moderator_ids,
        starts_on=date(2026, 11, 16), handover_at=time(9), time_zone="UTC",
    )  # fmt: skip


def override(override_id: str, moderator_id: str) -> Override:
    return Override(id=override_id, moderator_id=moderator_id, from_at=NOON, until_at=NOON + MINUTE)


def quiet_hours(hours_id: str, community_id: str) -> QuietHours:
    """Return quiet hours of ``dst_1``, which are over at noon."""
    return QuietHours(
        id=hours_id,
        community_id=community_id,
        destination_id="dst_1",
        days=frozenset(Weekday),
        from_time=time(2),
        until_time=time(4),
        time_zone="UTC",
    )


def maintenance(window_id: str, community_id: str) -> MaintenanceWindow:
    """Return a maintenance window of ``dst_1``, which is to come at noon."""
    return MaintenanceWindow(
        id=window_id,
        community_id=community_id,
        destination_id="dst_1",
        from_at=NOON + MINUTE,
        until_at=NOON + 2 * MINUTE,
        reason="it moves",
    )


def delivery(
    delivery_id: str,
    community_id: str,
    destination_id: str = "dst_1",
    *,
    incident_id: str | None = None,
    due_at: datetime = NOON,
    created_at: datetime = NOON,
) -> Delivery:
    return Delivery(
        id=delivery_id,
        community_id=community_id,
        destination_id=destination_id,
        incident_id=incident_id,
        event=EventType.INCIDENT_OPENED,
        sequence=0,
        idempotency_key=f"msg_{delivery_id}",
        state=DeliveryState.PENDING,
        attempts=0,
        created_at=created_at,
        next_attempt_at=due_at,
    )


async def add_community(store: SqlStore, community_id: str = "com_a") -> None:
    """Add a community with the watchlist, source, destination and incident that most tests start from."""
    suffix = "1" if community_id == "com_a" else community_id
    await store.add_community(
        Community(id=community_id, name="Harbor Commons", context=("harbor commons",)), audit=audit(community_id)
    )
    await store.add_watchlist(
        Watchlist(id=f"wl_{suffix}", community_id=community_id, name="Members", packs=("doxxing",)),
        audit=audit(community_id),
    )
    await store.add_destination(destination(f"dst_{suffix}", community_id), audit=audit(community_id))
    async with store.transaction() as transaction:
        await transaction.save_incident(incident(f"inc_{suffix}", community_id, watchlist_id=f"wl_{suffix}"), ["first"])


async def delivery_succeeded(store: SqlStore, lease: DeliveryLease, at: datetime) -> None:
    """Record that the leased delivery was taken."""
    async with store.transaction() as transaction:
        taken = attempt(lease, AttemptOutcome.DELIVERED, at=at)
        await transaction.finish_attempt(lease, taken, next_attempt_at=None)


async def delivery_failed(
    store: SqlStore, lease: DeliveryLease, *, error: str, next_attempt_at: datetime | None, at: datetime
) -> None:
    """Record that the leased delivery was not taken."""
    async with store.transaction() as transaction:
        failed = attempt(lease, AttemptOutcome.REFUSED, at=at, error=error)
        await transaction.finish_attempt(lease, failed, next_attempt_at=next_attempt_at)


def attempt(lease: DeliveryLease, outcome: AttemptOutcome, *, at: datetime, error: str | None = None) -> Attempt:
    return Attempt(
        id=new_id("att"),
        delivery_id=lease.delivery.id,
        number=lease.delivery.attempts + 1,
        at=at,
        outcome=outcome,
        duration_seconds=0.25,
        error=error,
    )
