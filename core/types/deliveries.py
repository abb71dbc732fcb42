"""Who is told, of what, and how that went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.types.canaries import CanaryLink
from core.types.digests import DigestSchedule
from core.types.documents import JsonObject
from core.types.findings import AlertClass, Severity, Signal
from core.types.holds import HoldReason
from core.types.incidents import Incident
from core.types.moderators import NoticeEscalation
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
    """Where notices go. ``settings`` belong to the channel named by ``kind`` and hold credentials. With ``no_quotes``,
    nothing that strangers wrote is sent there. ``only_when_asked``: it is told of what a moderator who is reached there
    is asked to take on, and of what routes lead there, not of all else. With a ``digest``, what can wait is told
    in that. ``opens`` is false where what is sealed of it does not open: its id stands in place of its name then."""

    id: str
    community_id: str
    kind: str
    name: str
    settings: JsonObject = field(repr=False)
    opens: bool = True
    detail: Detail = Detail.REDACTED
    minimum_severity: Severity = Severity.MEDIUM
    no_quotes: bool = False
    only_when_asked: bool = False
    enabled: bool = True
    health: DestinationHealth = DestinationHealth()
    digest: DigestSchedule | None = None


class EventType(StrEnum):
    """What a notice tells."""

    INCIDENT_OPENED = "incident.opened"
    INCIDENT_UPDATED = "incident.updated"
    INCIDENT_RESOLVED = "incident.resolved"
    INCIDENT_GROUPED = "incident.grouped"
    INCIDENT_ESCALATED = "incident.escalated"
    INCIDENT_DIGEST = "incident.digest"
    INCIDENT_REPEATED = "incident.repeated"
    SOURCE_FAILING = "source.failing"
    SOURCE_RECOVERED = "source.recovered"
    DESTINATION_DISABLED = "destination.disabled"
    CANARY_FAILED = "canary.failed"
    TEST_PING = "test.ping"


class DeliveryState(StrEnum):
    """Where a delivery stands: ``held`` ones wait out of line until their time has come; ``dead`` ones were given up
    and can be replayed; ``overtaken`` ones were not sent, as what they told had ceased to be true while they waited;
    ``grouped`` ones are told together by another."""

    PENDING = "pending"
    HELD = "held"
    DELIVERED = "delivered"
    DEAD = "dead"
    OVERTAKEN = "overtaken"
    GROUPED = "grouped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notice to one destination. ``sequence`` counts per destination from 1;
    ``idempotency_key`` is the same for every attempt. What it is about is ``incident_id``, ``source_id``,
    ``about_destination_id`` or ``canary_id``, none of them for a test, nor where it tells of several incidents, each
    kept as a :class:`ToldIncident`. A digest tells of the time from ``since`` until it was planned. Of its
    ``attempts``, ``refusal_count`` were refused. ``held_because`` is why it waits, or waited last. It is in the group
    of the route ``route_id``, if in one, and its incidents are told again ``repeat_seconds`` after it was taken, None:
    never."""

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
    held_because: HoldReason | None = None
    since: datetime | None = None
    route_id: str | None = None
    repeat_seconds: int | None = None
    canary_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldIncident:
    """One of several incidents that a delivery tells of: what happened to it, and since when its alerts are new."""

    incident: Incident
    event: EventType
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """That an incident is told to a destination again at ``due_at``, unless somebody acknowledges it."""

    community_id: str
    destination_id: str
    incident_id: str
    due_at: datetime


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
class NoticeCanary:
    """A canary that has not arrived, as a destination may see it: ``reason`` is None where that is told numbers
    only."""

    id: str
    planted_at: datetime
    broken_link: CanaryLink | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeIncident:
    """One of several incidents that a notice tells of, as a destination may see it: what happened to it, the name of
    its watchlist, the first of its alerts that are new, and the link to its page as in a notice about it alone."""

    event: EventType
    watchlist: str
    incident: Incident
    alerts: tuple[NoticeAlert, ...] = ()
    link: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDigest:
    """What a digest tells besides its incidents: of how many, by severity and by class, in which time, and how many of
    the sources are healthy. ``unhealthy`` are those that are not, as many as are listed."""

    since: datetime
    until: datetime
    severity_counts: Mapping[Severity, int]
    class_counts: Mapping[AlertClass, int]
    source_count: int
    healthy_count: int
    unhealthy: tuple[NoticeSource, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a notifier sends: nothing in it goes beyond ``detail``. ``content_notes`` say what is hard to read in it.
    ``link`` is the address of the incident's page; whoever knows it can read and acknowledge the incident.

    It tells of one ``incident`` and its ``alerts``, or of several ``incidents``, the gravest first, and of
    ``more_count`` others that are not listed; by ``delivery_id`` the API lists them all. ``escalation`` says that the
    incident waits to be acknowledged, and ``reader_ids`` which moderators are reached there. ``progress`` is what the
    channel noted when an attempt before reached some of its readers only.
    """

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
    canary: NoticeCanary | None = None
    content_notes: tuple[str, ...] = ()
    link: str | None = field(default=None, repr=False)
    incidents: tuple[NoticeIncident, ...] = ()
    more_count: int = 0
    delivery_id: str | None = None
    escalation: NoticeEscalation | None = None
    is_without_quotes: bool = False
    reader_ids: tuple[str, ...] = ()
    digest: NoticeDigest | None = None
    progress: JsonObject | None = field(default=None, repr=False)

    @property
    def severity(self) -> Severity | None:
        """The severity of the gravest incident that it tells of, None where it tells of none, and in a digest: what was
        grave was told before."""
        if self.digest is not None:
            return None
        told = [one.incident for one in self.incidents] if self.incident is None else [self.incident]
        return max(told, key=lambda incident: incident.score).severity if told else None


@dataclass(frozen=True, slots=True)
class DeliveryLease:
    """The right to attempt a delivery until ``until``; ``token`` as in :class:`SourceLease`. ``progress`` is what its
    channel noted about readers who have it already."""

    delivery: Delivery
    destination: Destination
    token: str
    until: datetime
    progress: JsonObject | None = field(default=None, repr=False)
