"""The pipeline of recognisers, over every field in which people are written about."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from core.types import Document, Entity, Span
from matchers.entities.looking import LookedAt, looked_at
from matchers.patterns import Pattern, PatternSet


class Recogniser(Protocol):
    """Sees entities of some types. Time is linear in the text."""

    @property
    def gate(self) -> str | None:
        """A pattern for RE2 on folded text, in small letters, that stands wherever something is to be seen: texts
        without it are not looked at. None to look at all. One scan asks for the gates of all recognisers at once,
        so a gate costs nothing; what it lets in for nothing costs the recogniser's time."""

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield the entities in the stretches, in any order."""


class EntityPipeline:
    """Several recognisers as one. Safe to use from several threads."""

    def __init__(self, recognisers: Iterable[Recogniser]) -> None:
        self._ungated: list[Recogniser] = []
        self._gated: dict[Pattern, Recogniser] = {}
        for recogniser in recognisers:
            if recogniser.gate is None:
                self._ungated.append(recogniser)
            else:
                self._gated[Pattern(f"(?i){recogniser.gate}")] = recogniser
        self._gates = PatternSet(self._gated)

    def recognise(
        self, documents: Sequence[Document], around: Sequence[Sequence[Span] | None] | None = None
    ) -> list[tuple[Entity, ...]]:
        """Return, for each document, the entities in its title and text in order of their spans, none overlapping
        another. ``around`` has spans for each document, or None for the whole of it: of a long field, only what is
        within :data:`matchers.surroundings.REACH` of them is looked at then, and names within
        :data:`matchers.entities.looking.NAMES_REACH`."""
        stretches = [
            stretch
            for position, document in enumerate(documents)
            for stretch in looked_at(document, position, None if around is None else around[position])
        ]
        let_in: dict[Recogniser, list[LookedAt]] = dict.fromkeys(self._ungated, stretches)
        for stretch in stretches:
            for gate in self._gates.found_in(stretch.plain.encode("utf-8", "replace")):
                let_in.setdefault(self._gated[gate], []).append(stretch)
        found: list[list[Entity]] = [[] for _ in documents]
        for recogniser, ones in let_in.items():
            for stretch, entity in recogniser.recognise(ones):
                if stretch.counts(entity.span):
                    found[stretch.document].append(entity)
        return [_apart(entities) for entities in found]


def _apart(entities: list[Entity]) -> tuple[Entity, ...]:
    """Return the entities in order of their spans; of those that overlap the longest, of these the surest."""
    if len(entities) < 2:
        return tuple(entities)
    kept: list[tuple[Span, Entity]] = []
    for entity in sorted(entities, key=_rank):
        span = entity.span
        place = bisect_left(kept, span, key=lambda row: row[0])
        neighbours = kept[max(place - 1, 0) : place + 1]
        if not any(span.field == one.field and span.start < one.end and one.start < span.end for one, _ in neighbours):
            kept.insert(place, (span, entity))
    return tuple(entity for _, entity in kept)


def _rank(entity: Entity) -> tuple[int, float, Span, str]:
    return entity.span.start - entity.span.end, -entity.confidence, entity.span, entity.type
