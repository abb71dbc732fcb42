"""What becomes of alerts: incidents, where they were seen, what was decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.types.documents import Document
from core.types.findings import AlertClass, Severity
from core.types.snoozes import Snooze


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
    ``sighting_count`` documents on ``site_count`` sites, in these ``languages`` (as
    :attr:`Document.primary_language`, those that are known). Its class is the gravest of its alerts, and
    ``holds_threat`` where one of them holds a threat beside that. ``snooze`` is its last one, ended or not."""

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
    languages: frozenset[str] = field(default=frozenset(), repr=False)
    holds_threat: bool = False
    assignee: str | None = None
    reason: str | None = field(default=None, repr=False)
    snooze: Snooze | None = None

    @property
    def is_snoozed(self) -> bool:
        """Whether nobody is told of it for now."""
        return self.snooze is not None and self.snooze.ended_at is None

    @property
    def is_threat(self) -> bool:
        """Whether harm is threatened by any of its alerts, whatever its class."""
        return self.holds_threat or self.alert_class is AlertClass.THREAT

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
