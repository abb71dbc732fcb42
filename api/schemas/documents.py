"""Documents handed in, and previews."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Self

from pydantic import ConfigDict, Field

from api.problems import FieldError
from api.schemas.common import Answer, Input, Moment, Name, Text, TextFromElsewhere, example
from api.schemas.findings import ENTITY, MATCH, SIGNAL, EntityView, MatchView, SignalView, SpanView
from api.schemas.terms import BareTerm
from core.ports import Intake
from core.types import (
    Alert,
    AlertClass,
    Candidate,
    Document,
    Explanation,
    FieldName,
    Finding,
    Sensitivity,
    Severity,
)
from matchers.undoing import Undoing

MAXIMUM_DOCUMENTS = 1000
MAXIMUM_PREVIEW_CHARACTERS = 100_000
DOCUMENT = {
    "id": "post-81",
    "text": "so n1ght_h3ron is really …",
    "title": None,
    "url": "https://forum.example/t/81",
    "author": "somebody",
    "source": "Town forum",
    "published_at": "2026-11-20T10:00:00Z",
    "language": "en",
}


class NewDocument(Input):
    """A post, comment, page, mail or paste that another system read."""

    model_config = ConfigDict(json_schema_extra=example(**DOCUMENT))

    text: TextFromElsewhere = Field(description="Its text. It is not kept when nothing matches.")
    id: Name | None = Field(None, description="The place's own identifier; without one, it is named by its content.")
    title: TextFromElsewhere | None = Field(None, description="Its title.")
    url: TextFromElsewhere | None = Field(None, max_length=4000, description="Its address.")
    author: TextFromElsewhere | None = Field(None, max_length=1000, description="Who wrote it.")
    source: Name | None = Field(None, description="The place it came from, as shown to people.")
    published_at: Moment | None = Field(None, description="When it was published.")
    language: Name | None = Field(None, description="Its language (BCP 47).")

    def document(self, at: datetime) -> Document:
        """Return the document, handed in at that moment."""
        unnamed = Document(
            id="",
            text=self.text,
            source=self.source,
            url=self.url,
            author=self.author,
            title=self.title,
            language=self.language,
            published_at=self.published_at,
            fetched_at=at,
        )
        external_id = self.id or unnamed.content_hash
        return replace(
            unnamed, external_id=external_id, id=f"{self.source}:{external_id}" if self.source else external_id
        )


REFUSED = {"index": 3, "reason": "text: Field required"}


class RefusedDocument(Answer):
    """A document that was not taken."""

    model_config = ConfigDict(json_schema_extra=example(**REFUSED))

    index: int = Field(description="Which one of the request, counted from 0.")
    reason: str = Field(description="What is wrong with it, and where. The value itself is never repeated.")

    @classmethod
    def of(cls, index: int, errors: Iterable[FieldError]) -> Self:
        """Return the document as it is shown; the locations of the errors lead through the body and its index."""
        places = ((".".join(map(str, error.location[2:])), error.message) for error in errors)
        return cls(index=index, reason="; ".join(": ".join(filter(None, place)) for place in places))


class IntakeView(Answer):
    """What came of the documents."""

    model_config = ConfigDict(
        json_schema_extra=example(
            new_count=2, known_count=1, alert_ids=["alt_4q6wk2m7c5x3"], gap=None, refused=[REFUSED]
        )
    )

    new_count: int = Field(description="How many were new, and so looked at.")
    known_count: int = Field(description="How many were known already, and so passed over.")
    alert_ids: list[str] = Field(description="The alerts raised.")
    gap: str | None = Field(description="What of them was not examined, such as the rest of a very long text, and why.")
    refused: list[RefusedDocument] = Field(description="Those that are wrong, and so were not taken.")

    @classmethod
    def of(cls, intake: Intake, refused: list[RefusedDocument]) -> Self:
        """Return the outcome as it is shown."""
        return cls(
            new_count=intake.new_count,
            known_count=intake.known_count,
            alert_ids=[alert.id for alert in intake.alerts],
            gap=intake.gap,
            refused=refused,
        )


class PreviewRequest(Input):
    """A term, not yet saved, and a text to try it on."""

    model_config = ConfigDict(
        json_schema_extra=example(
            term={"kind": "pseudonym", "value": "night_heron"},
            text="so n1ght_h3ron is really …",
            sensitivity="balanced",
        )
    )

    term: BareTerm = Field(description="The term. Nothing of it is kept.")
    text: Text = Field(max_length=MAXIMUM_PREVIEW_CHARACTERS, description="The text. Nothing of it is kept.")
    sensitivity: Sensitivity = Field(Sensitivity.BALANCED, description="The sensitivity of the watchlist to be.")
    packs: list[Name] = Field(default=[], max_length=50, description="The packs of the watchlist to be.")


class CandidateView(SpanView):
    """A place that was looked at."""

    model_config = ConfigDict(
        json_schema_extra=example(
            field="text",
            start=3,
            end=14,
            found="n1ght_h3ron",
            similarity=1.0,
            transformations=["leet"],
            passed=True,
            reason="equal after undoing leet",
        )
    )

    found: str = Field(description="What stands there.")
    similarity: float = Field(description="Likeness to the term, 0 to 1.")
    transformations: list[str] = Field(description="What was undone.")
    passed: bool = Field(description="Whether it counts as a match.")
    reason: str = Field(description="Why, or why not.")

    @classmethod
    def of_candidate(cls, candidate: Candidate) -> Self:
        """Return the candidate as it is shown."""
        return cls(
            field=candidate.span.field,
            start=candidate.span.start,
            end=candidate.span.end,
            found=candidate.found,
            similarity=candidate.similarity,
            transformations=list(candidate.transformations),
            passed=candidate.passed,
            reason=candidate.reason,
        )


class UndoingView(Answer):
    """A place of the text that is read otherwise than it is written."""

    model_config = ConfigDict(
        json_schema_extra=example(start=17, end=18, written="і", meant="i", transformations=["homoglyph"])
    )

    start: int = Field(description="First code point of the text.")
    end: int = Field(description="The code point after the last.")
    written: str = Field(description="What stands there.")
    meant: str = Field(description="What it is read as; empty for what is invisible.")
    transformations: list[str] = Field(description="What was undone.")

    @classmethod
    def of(cls, undoing: Undoing) -> Self:
        """Return the place as it is shown."""
        return cls(
            start=undoing.start,
            end=undoing.end,
            written=undoing.written,
            meant=undoing.meant,
            transformations=list(undoing.transformations),
        )


class AlertPreview(Answer):
    """An alert that would be raised."""

    model_config = ConfigDict(
        json_schema_extra=example(
            **{"class": "linkage"}, score=88, severity="high", reasons=[SIGNAL], excerpt="… █████ is M████ …"
        )
    )

    alert_class: AlertClass = Field(alias="class", description="What kind of leak it would be.")
    score: int = Field(description="The risk, 0 to 100.")
    severity: Severity = Field(description="The band of the score.")
    reasons: list[SignalView] = Field(description="Why it would have this score.")
    excerpt: str = Field(description="The place in the text, redacted as an alert would be.")

    @classmethod
    def of(cls, alert: Alert) -> Self:
        """Return the alert as it is shown."""
        return cls(
            alert_class=alert.alert_class,
            score=alert.score,
            severity=alert.severity,
            reasons=[SignalView.of(signal) for signal in alert.signals],
            excerpt=alert.excerpt,
        )


class PreviewView(Answer):
    """What the term would find in the text, and why."""

    model_config = ConfigDict(
        json_schema_extra=example(
            matches=[{**MATCH, "found": "n1ght_h3ron"}],
            entities=[{**ENTITY, "found": "Maria Gonzalez"}],
            alerts=[],
            folded={"text": "so night heron is really …"},
            undone=[],
            candidates=[],
        )
    )

    matches: list[MatchView] = Field(description="Where it would match.")
    entities: list[EntityView] = Field(description="What else would be seen; looked for only where it matches.")
    alerts: list[AlertPreview] = Field(description="The alerts that would be raised.")
    folded: dict[FieldName, str] = Field(description="The text as the matchers see it.")
    undone: list[UndoingView] = Field(description="Where the text is read otherwise than written, beside case.")
    candidates: list[CandidateView] = Field(description="Places looked at, those that nearly match too, best first.")

    @classmethod
    def of(cls, finding: Finding, explanation: Explanation, undone: Iterable[Undoing]) -> Self:
        """Return the preview as it is shown: in clear, as term and text are the caller's own."""
        return cls(
            matches=[MatchView.of_match(match, reveal=True) for match in finding.matches],
            entities=[EntityView.of_entity(entity, reveal=True) for entity in finding.entities],
            alerts=[AlertPreview.of(alert) for alert in finding.alerts],
            folded=dict(explanation.folded),
            undone=[UndoingView.of(undoing) for undoing in undone],
            candidates=[CandidateView.of_candidate(candidate) for candidate in explanation.candidates],
        )
