"""The pipeline of recognisers, over every field in which people are written about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from core.types import Document, Entity, EntityType, Span
from matchers.entities.emails import EmailRecogniser
from matchers.entities.looking import LookedAt, looked_at
from matchers.entities.persons import PersonRecogniser
from matchers.entities.phones import PhoneRecogniser

# Where two recognisers see something at one place, the type that stands first here is kept.
_PRECEDENCE = (EntityType.EMAIL, EntityType.PHONE, EntityType.PERSON, EntityType.ORGANIZATION, EntityType.LOCATION)


class Recogniser(Protocol):
    """Sees entities of some types. Time is linear in the text."""

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield the entities in the stretches, in any order."""


class EntityPipeline:
    """All recognisers. Safe to use from several threads."""

    def __init__(self, phone_regions: tuple[str, ...], nlp_model: str | None) -> None:
        """``phone_regions`` are the countries whose national phone formats count; ``nlp_model`` is the name or path
        of an installed spaCy pipeline that takes the place of the built-in rules for persons.

        Raises SettingsError for an unknown region or a pipeline that cannot be loaded.
        """
        self._recognisers: tuple[Recogniser, ...] = (
            EmailRecogniser(),
            PhoneRecogniser(phone_regions),
            PersonRecogniser(nlp_model),
        )

    def recognise(
        self, documents: Sequence[Document], around: Sequence[Sequence[Span] | None] | None = None
    ) -> list[tuple[Entity, ...]]:
        """Return, for each document, the entities in its title and text in order of their spans, none overlapping
        another. ``around`` has spans for each document, or None for the whole of it: of a long field, only what is
        within :data:`matchers.surroundings.REACH` of them is looked at then."""
        parts = [
            stretch
            for position, document in enumerate(documents)
            for stretch in looked_at(document, position, None if around is None else around[position])
        ]
        found: list[list[Entity]] = [[] for _ in documents]
        for recogniser in self._recognisers:
            for stretch, entity in recogniser.recognise(parts):
                if stretch.counts(entity.span):
                    found[stretch.document].append(entity)
        return [tuple(_apart(entities)) for entities in found]


def _apart(entities: list[Entity]) -> list[Entity]:
    """Return the entities in order of their spans; of two that overlap, the one of the type that takes precedence."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda row: row.span):
        overlaps = kept and kept[-1].span.field == entity.span.field and entity.span.start < kept[-1].span.end
        if not overlaps:
            kept.append(entity)
        elif _PRECEDENCE.index(entity.type) < _PRECEDENCE.index(kept[-1].type):
            kept[-1] = entity
    return kept
