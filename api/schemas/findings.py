"""What was found in a document: matches, entities and reasons, as alerts and previews show them."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field

from alerting.redaction import Redaction
from api.schemas.common import Answer, Moment, example
from core.types import Document, Entity, EntityType, FieldName, Match, Signal, Span, TermKind

SIGNAL = {
    "signal": "pseudonym_next_to_person",
    "points": 40,
    "text": "the watched pseudonym stands 3 words before a person's name, joined by “is”",
    "spans": [{"field": "text", "start": 4, "end": 15}],
}
MATCH = {
    "term_id": "trm_4q6wk2m7c5x3",
    "kind": "pseudonym",
    "field": "text",
    "start": 4,
    "end": 15,
    "found": None,
    "similarity": 1.0,
    "transformations": ["leet"],
}
ENTITY = {
    "type": "PERSON",
    "field": "text",
    "start": 40,
    "end": 54,
    "found": None,
    "confidence": 0.93,
    "recogniser": "names",
    "country": None,
}
DOCUMENT = {
    "source": "Town forum",
    "published_at": "2026-11-20T09:58:00Z",
    "fetched_at": "2026-11-20T10:00:00Z",
    "url": "https://forum.example/t/81",
    "author": "somebody",
    "title": "Guess who",
    "external_id": None,
}


class SpanView(Answer):
    """A half-open range of code points of a field's original text."""

    model_config = ConfigDict(json_schema_extra=example(field="text", start=4, end=15))

    field: FieldName = Field(description="The field it is in.")
    start: int = Field(description="Its first code point, from 0.")
    end: int = Field(description="The code point after its last.")

    @classmethod
    def of(cls, span: Span) -> Self:
        """Return the span as it is shown."""
        return cls(field=span.field, start=span.start, end=span.end)


class SignalView(Answer):
    """One reason for a score."""

    model_config = ConfigDict(json_schema_extra=example(**SIGNAL))

    signal: str = Field(description="The reason's name.")
    points: int = Field(description="What it adds to the score.")
    text: str = Field(description="A sentence that says why; it quotes nothing.")
    spans: list[SpanView] = Field(description="Where it stands.")

    @classmethod
    def of(cls, signal: Signal) -> Self:
        """Return the signal as it is shown."""
        return cls(
            signal=signal.name,
            points=signal.points,
            text=signal.text,
            spans=[SpanView.of(span) for span in signal.spans],
        )


class MatchView(SpanView):
    """A place where a term stands."""

    model_config = ConfigDict(json_schema_extra=example(**MATCH))

    term_id: str = Field(description="The term.")
    kind: TermKind = Field(description="The term's kind.")
    found: str | None = Field(description="What stands there; null unless revealed.")
    similarity: float = Field(description="Likeness to the term, 0 to 1, after undoing the transformations.")
    transformations: list[str] = Field(description="What was undone.")

    @classmethod
    def of_match(cls, match: Match, *, reveal: bool) -> Self:
        """Return the match as it is shown, with the text found where ``reveal`` says so."""
        return cls(
            term_id=match.term_id,
            kind=match.kind,
            field=match.span.field,
            start=match.span.start,
            end=match.span.end,
            found=match.found if reveal else None,
            similarity=match.similarity,
            transformations=list(match.transformations),
        )


class EntityView(SpanView):
    """Something that a recogniser saw."""

    model_config = ConfigDict(json_schema_extra=example(**ENTITY))

    type: EntityType = Field(description="What it is.")
    found: str | None = Field(description="What stands there; null unless revealed.")
    confidence: float = Field(description="The recogniser's certainty, 0 to 1.")
    recogniser: str = Field(description="What saw it.")
    country: str | None = Field(description="The country it belongs to (ISO 3166-1), where known.")

    @classmethod
    def of_entity(cls, entity: Entity, *, reveal: bool) -> Self:
        """Return the entity as it is shown, with the text found where ``reveal`` says so."""
        return cls(
            type=entity.type,
            field=entity.span.field,
            start=entity.span.start,
            end=entity.span.end,
            found=entity.found if reveal else None,
            confidence=entity.confidence,
            recogniser=entity.recogniser,
            country=entity.country,
        )


class DocumentView(Answer):
    """The document that something was found in. Address, author and title were written by strangers: what was
    found in them is masked, unless the answer was asked to reveal it."""

    model_config = ConfigDict(json_schema_extra=example(**DOCUMENT))

    source: str | None = Field(description="The place it came from.")
    published_at: Moment | None = Field(description="When it was published, where known.")
    fetched_at: Moment | None = Field(description="When it was read.")
    url: str | None = Field(description="Its address, masked unless revealed.")
    author: str | None = Field(description="Who wrote it, masked unless revealed.")
    title: str | None = Field(description="Its title, masked unless revealed.")
    external_id: str | None = Field(description="The place's own identifier; null unless revealed.")

    @classmethod
    def redacted(cls, document: Document, redaction: Redaction) -> Self:
        """Return the document as it is shown to everybody."""

        def masked(name: FieldName) -> str | None:
            return redaction.header(document.field(name), name) or None

        return cls(
            source=document.source,
            published_at=document.published_at,
            fetched_at=document.fetched_at,
            url=masked("url"),
            author=masked("author"),
            title=masked("title"),
            external_id=None,
        )

    @classmethod
    def revealed(cls, document: Document) -> Self:
        """Return the document as it is shown to those who may reveal."""
        return cls(
            source=document.source,
            published_at=document.published_at,
            fetched_at=document.fetched_at,
            url=document.url,
            author=document.author,
            title=document.title,
            external_id=document.external_id,
        )
