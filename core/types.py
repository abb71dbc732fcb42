"""The vocabulary: frozen values that travel between the rooms. Standard library only.

Fields that hold crawled text, terms or credentials are left out of every ``repr``, so that a value
that ends up in a log line or an exception message shows identifiers and numbers only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""A value that survives ``json.dumps`` and ``json.loads`` unchanged."""

JsonObject: TypeAlias = Mapping[str, Json]

FieldName: TypeAlias = Literal["title", "text", "author", "url"]
FIELD_NAMES: tuple[FieldName, ...] = ("title", "text", "author", "url")


# ── what is read ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One post, comment, page, mail or paste, as the source gave it.

    ``id`` names the document in findings and logs (for a crawled document ``source:external_id``);
    ``source`` is the place it came from as shown to people; ``external_id`` is the place's own
    identifier. Times are aware UTC.
    """

    id: str
    text: str = field(repr=False)
    source: str | None = None
    external_id: str | None = None
    url: str | None = field(default=None, repr=False)
    author: str | None = field(default=None, repr=False)
    title: str | None = field(default=None, repr=False)
    language: str | None = None
    published_at: datetime | None = None
    fetched_at: datetime | None = None

    def field(self, name: FieldName) -> str:
        """Return the original text of the named field, empty where the document has none."""
        return getattr(self, name) or ""

    @property
    def content_hash(self) -> str:
        """SHA-256 (hexadecimal) over title and text: equal for equal content, wherever it stands."""
        content = f"{self.title or ''}\0{self.text}"
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one poll of a source gave.

    ``cursor`` is where the next poll goes on: JSON that the source alone understands, stored in the
    same transaction as what came of the documents. ``more`` asks for another poll at once.
    ``not_before`` is the earliest next poll that the place asked for (Retry-After), if it did.
    ``gap`` says in a sentence, which quotes nothing, why something since the last poll is lost for sure
    (the place lists the newest 1,000 items and more came). ``quota_left`` is how many requests the place,
    or a budget, still allows, where that is known. ``given_once`` says that the cursor alone keeps every
    version of a document from being given again: what matches nothing need not be remembered.
    """

    documents: tuple[Document, ...]
    cursor: JsonObject | None
    more: bool = False
    not_before: datetime | None = None
    gap: str | None = None
    quota_left: int | None = None
    given_once: bool = False


# ── what is watched ─────────────────────────────────────────────────────────────────────────────


class TermKind(StrEnum):
    """What a term is, and so which matcher looks for it."""

    PSEUDONYM = "pseudonym"
    NAME = "name"
    KEYWORD = "keyword"
    QUERY = "query"
    REGEX = "regex"
    DOMAIN = "domain"
    PASSAGE = "passage"


class MatchMode(StrEnum):
    """How far a term may stand off its value: to the letter, through folding, or with typos too."""

    EXACT = "exact"
    FOLDED = "folded"
    FUZZY = "fuzzy"


class Sensitivity(StrEnum):
    """How a watchlist trades quiet for recall."""

    STRICT = "strict"
    BALANCED = "balanced"
    WIDE = "wide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Why a name may be watched: ``kind`` is ``consent``, ``request``, ``guardian`` or ``organisation``."""

    kind: str
    recorded_by: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermSettings:
    """What the owner of a term said about it beyond its value.

    ``match`` None leaves the choice to the term's kind. ``needs_context``: the term counts only near
    the community's own names, a pack's words or another match. ``never``: texts in which it does not
    count. ``search_externally``: it may be sent to search services.
    """

    person: str | None = field(default=None, repr=False)
    match: MatchMode | None = None
    needs_context: bool = False
    never: tuple[str, ...] = field(default=(), repr=False)
    search_externally: bool = False
    expires_at: datetime | None = None
    basis: Basis | None = field(default=None, repr=False)
    note: str | None = field(default=None, repr=False)

    @property
    def ends_at(self) -> datetime | None:
        """When the term stops to count: it expires, or its basis does, whichever is first."""
        ends = [end for end in (self.expires_at, self.basis and self.basis.until) if end]
        return min(ends, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Something watched for. ``id`` is unique among all communities; ``reference`` is the identifier
    that the owner gave it (``t1``), unique within the community and shown in findings."""

    id: str
    reference: str
    watchlist_id: str
    kind: TermKind
    value: str = field(repr=False)
    variants: tuple[str, ...] = field(default=(), repr=False)
    settings: TermSettings = TermSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchlist:
    """A named group of terms with one sensitivity and the topic packs that count as context."""

    id: str
    community_id: str
    name: str
    sensitivity: Sensitivity = Sensitivity.BALANCED
    packs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """A tenant. ``context`` is how the community itself is called outside."""

    id: str
    name: str
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A topic pack: phrases and queries that give a match its meaning. ``description`` tells admins what it is for, and
    ``not_for`` what it is not for. A phrase that ends with ``*`` stands for all that begin so."""

    name: str
    description: str
    not_for: str = ""
    phrases: tuple[str, ...]
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything watched at one moment, over all communities. ``revision`` grows with each change."""

    communities: tuple[Community, ...] = ()
    watchlists: tuple[Watchlist, ...] = ()
    terms: tuple[Term, ...] = ()
    packs: tuple[Pack, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueChange:
    """What became of a catalogue. ``communities`` and ``watchlists`` are all that there are at ``revision``;
    ``terms`` only those that were added or changed (with a watchlist's sensitivity all its terms change), and
    ``removed`` the ids of those that are gone."""

    revision: int
    communities: tuple[Community, ...]
    watchlists: tuple[Watchlist, ...]
    terms: tuple[Term, ...] = ()
    removed: frozenset[str] = frozenset()


# ── what is found ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of code points of the *original* text of a field."""

    field: FieldName
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedText:
    """A text as the matchers see it, with the way back.

    ``text`` is folded; ``starts[i]`` and ``ends[i]`` bound, in code points of ``original``, what the
    folded character ``i`` came from. ``undone[i]`` is a bit set of the transformations undone at
    ``i`` (the bits are named in ``matchers.folding``).
    """

    original: str = field(repr=False)
    text: str = field(repr=False)
    starts: Sequence[int] = field(repr=False)
    ends: Sequence[int] = field(repr=False)
    undone: Sequence[int] = field(repr=False)

    def span(self, name: FieldName, start: int, end: int) -> Span:
        """Return where the folded characters ``start`` to ``end`` (at least one) stand in the field of that name."""
        return Span(name, self.starts[start], self.ends[end - 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedDocument:
    """A document and its folded fields (only those that are not empty)."""

    document: Document
    fields: Mapping[FieldName, FoldedText] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A place where a term stands. ``similarity`` is string likeness, 0 to 1, after undoing the
    ``transformations`` (``case``, ``leet``, ``homoglyph``, ``separators``, ``typo`` …). ``is_ordinary``: what stands
    there is an ordinary word, or several, which may mean something else."""

    term_id: str
    kind: TermKind
    span: Span
    found: str = field(repr=False)
    similarity: float = 1.0
    transformations: tuple[str, ...] = ()
    is_ordinary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A place that gives matches around it meaning: the community is named there (``community_id`` is
    set), or what the topic pack ``pack`` looks for stands there."""

    span: Span
    community_id: str | None = None
    pack: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one pass over a document gave, in order of the spans. ``pending`` are the ids of terms of which only the
    document's entities can tell whether they match."""

    matches: tuple[Match, ...] = ()
    cues: tuple[Cue, ...] = ()
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A place that was looked at for a term, and why it passed or failed. ``reason`` quotes nothing."""

    term_id: str
    span: Span
    found: str = field(repr=False)
    similarity: float
    transformations: tuple[str, ...]
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a document was looked at: its folded fields, and all candidates, the best first."""

    folded: Mapping[FieldName, str] = field(repr=False)
    candidates: tuple[Candidate, ...]


class EntityType(StrEnum):
    """What a recogniser can see, whoever it is about."""

    PERSON = "PERSON"
    LOCATION = "LOCATION"
    ORGANIZATION = "ORGANIZATION"
    ADDRESS = "ADDRESS"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    URL = "URL"
    SOCIAL_HANDLE = "SOCIAL_HANDLE"
    IP_ADDRESS = "IP_ADDRESS"
    MAC_ADDRESS = "MAC_ADDRESS"
    GEO_COORDINATES = "GEO_COORDINATES"
    DATE_OF_BIRTH = "DATE_OF_BIRTH"
    AGE = "AGE"
    NATIONAL_ID = "NATIONAL_ID"
    PASSPORT = "PASSPORT"
    IMMIGRATION_ID = "IMMIGRATION_ID"
    DRIVING_LICENCE = "DRIVING_LICENCE"
    TAX_ID = "TAX_ID"
    HEALTH_ID = "HEALTH_ID"
    LICENCE_PLATE = "LICENCE_PLATE"
    CREDIT_CARD = "CREDIT_CARD"
    IBAN = "IBAN"
    BANK_ACCOUNT = "BANK_ACCOUNT"
    CRYPTO_ADDRESS = "CRYPTO_ADDRESS"
    CASE_NUMBER = "CASE_NUMBER"
    CREDENTIAL = "CREDENTIAL"
    SECRET_KEY = "SECRET_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Something that a recogniser saw. ``confidence`` is the recogniser's certainty, 0 to 1;
    ``country`` an ISO 3166-1 alpha-2 code where one is known."""

    type: EntityType
    span: Span
    found: str = field(repr=False)
    confidence: float
    recogniser: str
    country: str | None = None


class AlertClass(StrEnum):
    """What kind of leak an alert is about; ordered from the gravest to the slightest."""

    LINKAGE = "linkage"
    EXPOSURE = "exposure"
    CREDENTIAL_LEAK = "credential_leak"
    BULK_LEAK = "bulk_leak"
    CONTENT_LEAK = "content_leak"
    THREAT = "threat"
    TOPIC = "topic"
    MENTION = "mention"

    @property
    def gravity(self) -> int:
        """The rank of the class: the graver, the higher; 0 is the slightest."""
        return _GRAVITIES[self]


_GRAVITIES = {alert_class: rank for rank, alert_class in enumerate(reversed(AlertClass))}


class Severity(StrEnum):
    """The band of a score."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def minimum_score(self) -> int:
        """The lowest score of the band, 0 to 100."""
        return _MINIMUM_SCORES[self]

    @classmethod
    def of(cls, score: int) -> Severity:
        """Return the band that a score of 0 to 100 falls in."""
        return max((band for band in cls if score >= band.minimum_score), key=lambda band: band.minimum_score)


_MINIMUM_SCORES = {
    Severity.INFO: 0,
    Severity.LOW: 20,
    Severity.MEDIUM: 45,
    Severity.HIGH: 70,
    Severity.CRITICAL: 90,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One reason for a score: its points, where it stands, and a sentence that quotes nothing. ``about`` is the topic
    pack whose words it is about, if it is about one."""

    name: str
    points: int
    text: str
    spans: tuple[Span, ...] = ()
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A document that puts a watchlist's people at risk, scored and explained.

    ``excerpt`` is redacted; ``evidence`` is the same stretch in clear and is shown only to those who
    may reveal. ``document`` keeps no text once the alert was stored (``text`` is empty then).
    ``incident_id`` is None until the alert is stored. ``members`` says whom it is about: the persons that the terms
    name, or the terms themselves where they name none; ``linked`` are those of its entities that belong to them.
    Neither is stored.
    """

    id: str
    community_id: str
    watchlist_id: str
    alert_class: AlertClass
    score: int
    signals: tuple[Signal, ...]
    matches: tuple[Match, ...]
    entities: tuple[Entity, ...]
    document: Document
    raised_at: datetime
    excerpt: str = field(repr=False)
    evidence: str = field(repr=False)
    incident_id: str | None = None
    members: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    linked: tuple[Entity, ...] = field(default=(), repr=False)

    @property
    def severity(self) -> Severity:
        """The band of the score."""
        return Severity.of(self.score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Everything found in one document, over all watchlists."""

    document: Document
    matches: tuple[Match, ...] = ()
    entities: tuple[Entity, ...] = ()
    alerts: tuple[Alert, ...] = ()


# ── what is done about it ───────────────────────────────────────────────────────────────────────


class IncidentState(StrEnum):
    """Where an incident stands in the moderators' hands. ``regressed``: it was closed, and its leak came back."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    REGRESSED = "regressed"

    @property
    def is_closed(self) -> bool:
        """Whether nobody has anything to do about it."""
        return self in (IncidentState.RESOLVED, IncidentState.DISMISSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One leak: every alert about it joins it. ``reason`` is why it was dismissed or resolved. It was seen at
    ``sighting_count`` documents on ``site_count`` sites."""

    id: str
    community_id: str
    watchlist_id: str
    alert_class: AlertClass
    score: int
    state: IncidentState
    first_seen_at: datetime
    last_seen_at: datetime
    updated_at: datetime
    sighting_count: int = 1
    site_count: int = 1
    assignee: str | None = None
    reason: str | None = field(default=None, repr=False)

    @property
    def severity(self) -> Severity:
        """The band of the score."""
        return Severity.of(self.score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One place at which an incident was seen, first at ``seen_at``. ``document`` keeps no text; ``site`` is the site
    that it stands on, None where that is not known. ``removed_at`` is when somebody found it removed there,
    ``returned_at`` when it was seen there again after that."""

    id: str
    incident_id: str
    community_id: str
    document: Document
    seen_at: datetime
    site: str | None = field(default=None, repr=False)
    last_seen_at: datetime | None = None
    removed_at: datetime | None = None
    returned_at: datetime | None = None

    @property
    def is_removed(self) -> bool:
        """Whether it was removed there, as far as is known."""
        return self.removed_at is not None and (self.returned_at is None or self.returned_at < self.removed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Something told of a member: of what kind, when first, and where. What was told is not kept; ``digest`` and
    ``document_digest`` only tell equal ones from others."""

    kind: str
    digest: str = field(repr=False)
    document_digest: str = field(repr=False)
    site: str | None = field(repr=False)
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How an incident spreads: at how many new documents it was seen in the last day and the last seven days, and of
    all at how many it was removed."""

    day_count: int
    week_count: int
    removed_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What moderators said of the incidents that a term had a part in: how many were leaks, how many false alarms."""

    leak_count: int = 0
    false_alarm_count: int = 0

    @property
    def precision(self) -> float | None:
        """The share that were leaks, 0 to 1; None where nobody has said anything."""
        judged_count = self.leak_count + self.false_alarm_count
        return self.leak_count / judged_count if judged_count else None


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


# ── who may do what, and what runs ──────────────────────────────────────────────────────────────


class Scope(StrEnum):
    """What an API key may do. ``admin`` may everything in its community; ``operate`` adds the
    deployment itself: communities and shared sources. ``feed`` stands alone: a token in an address gives no more."""

    READ = "read"
    WRITE = "write"
    INGEST = "ingest"
    REVEAL = "reveal"
    FEED = "feed"
    ADMIN = "admin"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key to the API; the secret itself is never kept. ``digest`` is SHA-256 of the token."""

    id: str
    community_id: str
    name: str
    scopes: frozenset[Scope]
    digest: bytes = field(repr=False)
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class SourceState(StrEnum):
    """How a source fares. ``failing``: its last poll failed; it is tried again. ``silent``: it can be read, but
    has given nothing new for much longer than it usually does. ``not_configured``: it lacks something."""

    NEW = "new"
    HEALTHY = "healthy"
    SILENT = "silent"
    FAILING = "failing"
    NOT_CONFIGURED = "not_configured"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindInterval:
    """A time of which something may have been missed, and why, in a sentence that quotes nothing."""

    from_at: datetime
    until_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """What is remembered of how a source fared, to judge it by.

    ``interval_seconds`` is its present pace. ``usual_silence_seconds`` is the longest time between two documents
    that were new, the longer ago the less. ``was_told``: the destinations know of its present trouble.
    """

    interval_seconds: float | None = None
    failing_since: datetime | None = None
    last_new_at: datetime | None = None
    usual_silence_seconds: float = 0.0
    newest_published_at: datetime | None = None
    quota_left: int | None = None
    was_told: bool = False
    blind_intervals: tuple[BlindInterval, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """A configured source of a community. ``shared``: its documents count for every community.

    It is polled every ``interval_seconds`` while it brings something new, and less and less often, down to every
    ``longest_interval_seconds``, while it does not. ``opens`` is false where what is sealed of it does not open:
    its cursor is not known then, nor perhaps its settings and its name, in whose place its id stands.
    """

    id: str
    community_id: str
    kind: str
    name: str
    settings: JsonObject = field(repr=False)
    opens: bool = True
    shared: bool = False
    interval_seconds: int = 300
    maximum_interval_seconds: int | None = None
    state: SourceState = SourceState.NEW
    cursor: JsonObject | None = field(default=None, repr=False)
    due_at: datetime | None = None
    last_success_at: datetime | None = None
    last_error: str | None = None
    failure_count: int = 0
    health: SourceHealth = SourceHealth()
    created_at: datetime
    updated_at: datetime

    @property
    def longest_interval_seconds(self) -> int:
        """The longest time from one poll to the next: what was asked for, or four times the shortest."""
        return self.maximum_interval_seconds or 4 * self.interval_seconds

    @property
    def quiet_since(self) -> datetime | None:
        """Since when it was read and gave nothing new; None where it never gave anything."""
        if self.health.last_new_at is None:
            return None
        return max([self.health.last_new_at, *(blind.until_at for blind in self.health.blind_intervals[-1:])])


@dataclass(frozen=True, slots=True)
class SourceLease:
    """The right to poll a source until ``until``; ``token`` fences out whoever held it before."""

    source: SourceRecord
    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class DeliveryLease:
    """The right to attempt a delivery until ``until``; ``token`` as in :class:`SourceLease`."""

    delivery: Delivery
    destination: Destination
    token: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to which object, when. Holds identifiers, never values."""

    id: str
    community_id: str
    actor: str
    action: str
    object_id: str
    at: datetime
