"""Who is told, of what, and how that went."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.types.documents import JsonObject
from core.types.findings import AlertClass, Severity, Signal
from core.types.incidents import Incident
from core.types.sources import SourceState


class Detail(StrEnum):
    """How much a destination is told."""

    COUNTS = "counts"
    REDACTED = "redacted"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationHealth:
    """How a destination fares. ``failing_since`` is the first failed attempt since a notice was taken; in
    ``failure_count`` attempts in a row it gave no answer or asked to come later, and before ``retry_at`` nothing is
    sent to it. ``disabled_because`` is set where nobody but the dispatcher switched it off."""

    failing_since: datetime | None = None
    failure_count: int = 0
    retry_at: datetime | None = None
    last_error: str | None = None
    disabled_because: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where notices go. ``settings`` belong to the channel named by ``kind`` and hold credentials."""

    id: str
    community_id: str
    kind: str
    name: str
    settings: JsonObject = field(repr=False)
    detail: Detail = Detail.REDACTED
    minimum_severity: Severity = Severity.MEDIUM
    enabled: bool = True
    health: DestinationHealth = DestinationHealth()


class EventType(StrEnum):
    """What a notice tells."""

    INCIDENT_OPENED = "incident.opened"
    INCIDENT_UPDATED = "incident.updated"
    INCIDENT_RESOLVED = "incident.resolved"
    SOURCE_FAILING = "source.failing"
    SOURCE_RECOVERED = "source.recovered"
    DESTINATION_DISABLED = "destination.disabled"
    TEST_PING = "test.ping"


class DeliveryState(StrEnum):
    """Where a delivery stands: ``dead`` ones were given up and can be replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notice to one destination. ``sequence`` counts per destination from 1;
    ``idempotency_key`` is the same for every attempt. What it is about is ``incident_id``, ``source_id`` or
    ``about_destination_id``, none of them for a test. Of its ``attempts``, ``refusal_count`` were refused."""

    id: str
    community_id: str
    destination_id: str
    incident_id: str | None
    event: EventType
    sequence: int
    idempotency_key: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None = None
    last_error: str | None = None
    source_id: str | None = None
    about_destination_id: str | None = None
    refusal_count: int = 0


class AttemptOutcome(StrEnum):
    """What came of an attempt: ``deferred`` may work later, ``refused`` concerns this notice, ``gone`` all of them."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at a delivery. ``number`` counts from 1, anew after a replay; ``status`` is what the other side
    answered in its protocol, None where it gave no answer; ``error`` is our own sentence."""

    id: str
    delivery_id: str
    number: int
    at: datetime
    outcome: AttemptOutcome
    duration_seconds: float
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeAlert:
    """An alert as a destination may see it, after redaction to the destination's detail level."""

    id: str
    watchlist: str
    alert_class: AlertClass
    severity: Severity
    score: int
    reasons: tuple[Signal, ...]
    source: str | None
    published_at: datetime | None
    excerpt: str | None = field(default=None, repr=False)
    title: str | None = field(default=None, repr=False)
    author: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSource:
    """A source as a destination may see it. ``since`` is when its trouble began, None where there is none;
    ``name`` and ``error`` are None where the destination is told numbers only."""

    id: str
    kind: str
    state: SourceState
    since: datetime | None
    name: str | None = field(default=None, repr=False)
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDestination:
    """A destination that was switched off, as another one may see it: ``name`` and ``reason`` are None where that is
    told numbers only."""

    id: str
    kind: str
    name: str | None = field(default=None, repr=False)
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a notifier sends: nothing in it goes beyond ``detail``. ``content_notes`` say what is hard to read in it."""

    idempotency_key: str
    sequence: int
    event: EventType
    sent_at: datetime
    community: str
    detail: Detail
    summary: str
    incident: Incident | None = None
    alerts: tuple[NoticeAlert, ...] = ()
    source: NoticeSource | None = None
    destination: NoticeDestination | None = None
    content_notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeliveryLease:
    """The right to attempt a delivery until ``until``; ``token`` as in :class:`SourceLease`."""

    delivery: Delivery
    destination: Destination
    token: str
    until: datetime
