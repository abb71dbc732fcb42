"""Alerts."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field

from alerting.redaction import redaction_of
from api.schemas.common import Answer, ChangesQuery, Input, Moment, Text, example
from api.schemas.findings import DOCUMENT, ENTITY, MATCH, SIGNAL, DocumentView, EntityView, MatchView, SignalView
from core.ports import AlertFilter
from core.types import Alert, AlertClass, Severity


class AlertQuery(ChangesQuery):
    """Which alerts are wanted."""

    alert_class: list[AlertClass] = Field(default=[], alias="class", description="Only alerts of these classes.")
    minimum_severity: Severity | None = Field(None, description="Only alerts of this severity or a graver one.")
    watchlist: Text | None = Field(None, max_length=100, description="Only alerts of this watchlist.")
    incident: Text | None = Field(None, max_length=100, description="Only alerts of this incident.")

    def wanted(self) -> AlertFilter:
        """Return the filter as the store knows it."""
        return AlertFilter(
            classes=frozenset(self.alert_class),
            minimum_severity=self.minimum_severity,
            watchlist_id=self.watchlist,
            incident_id=self.incident,
        )


class RevealQuery(Input):
    """How much is wanted of an object."""

    reveal: bool = Field(False, description="Show what is protected too. Needs the scope `reveal`, and is audited.")


class AlertView(Answer):
    """A document that puts people at risk, scored and explained; redacted unless it was asked to reveal."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="alt_4q6wk2m7c5x3",
            watchlist_id="wl_4q6wk2m7c5x3",
            incident_id="inc_4q6wk2m7c5x3",
            **{"class": "linkage"},
            score=88,
            severity="high",
            reasons=[SIGNAL],
            matches=[MATCH],
            entities=[ENTITY],
            document=DOCUMENT,
            raised_at="2026-11-20T10:00:01Z",
            excerpt="… █████ is M████ G███████ …",
            evidence=None,
        )
    )

    id: str = Field(description="The alert's identifier.")
    watchlist_id: str = Field(description="Whose people are at risk.")
    incident_id: str | None = Field(description="The incident that it belongs to.")
    alert_class: AlertClass = Field(alias="class", description="What kind of leak it is.")
    score: int = Field(description="The risk, 0 to 100.")
    severity: Severity = Field(description="The band of the score.")
    reasons: list[SignalView] = Field(description="Why it has this score.")
    matches: list[MatchView] = Field(description="Where terms stand in the document.")
    entities: list[EntityView] = Field(description="What else was seen in the document.")
    document: DocumentView = Field(description="Where it was found.")
    raised_at: Moment = Field(description="When it was raised.")
    excerpt: str = Field(description="The place in the document, redacted.")
    evidence: str | None = Field(description="The same place in clear; null unless revealed.")

    @classmethod
    def of(cls, alert: Alert, *, reveal: bool = False) -> Self:
        """Return the alert as it is shown, with what is protected where ``reveal`` says so."""
        return cls(
            id=alert.id,
            watchlist_id=alert.watchlist_id,
            incident_id=alert.incident_id,
            alert_class=alert.alert_class,
            score=alert.score,
            severity=alert.severity,
            reasons=[SignalView.of(signal) for signal in alert.signals],
            matches=[MatchView.of_match(match, reveal=reveal) for match in alert.matches],
            entities=[EntityView.of_entity(entity, reveal=reveal) for entity in alert.entities],
            document=DocumentView.revealed(alert.document)
            if reveal
            else DocumentView.redacted(alert.document, redaction_of(alert)),
            raised_at=alert.raised_at,
            excerpt=alert.excerpt,
            evidence=alert.evidence if reveal else None,
        )
