"""What is found in a document, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.types.documents import Document, FieldName
from core.types.watching import TermKind


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
    """What kind of leak an alert is about; ordered from the gravest to the slightest. ``test``: none, a canary."""

    LINKAGE = "linkage"
    EXPOSURE = "exposure"
    CREDENTIAL_LEAK = "credential_leak"
    BULK_LEAK = "bulk_leak"
    CONTENT_LEAK = "content_leak"
    THREAT = "threat"
    TOPIC = "topic"
    MENTION = "mention"
    TEST = "test"

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
    ``incident_id`` is None until the alert is stored. ``holds_threat`` says that harm is threatened beside what its
    class says. ``members`` says whom it is about: the persons that the terms name, or the terms themselves where they
    name none; ``linked`` are those of its entities that belong to them. None of these three is stored.
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
    holds_threat: bool = False
    members: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    linked: tuple[Entity, ...] = field(default=(), repr=False)

    @property
    def is_threat(self) -> bool:
        """Whether harm is threatened, whatever its class. Not to be asked of an alert that comes from the store."""
        return self.holds_threat or self.alert_class is AlertClass.THREAT

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
