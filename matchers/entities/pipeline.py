"""The pipeline of recognisers, over every field in which people are written about."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from operator import attrgetter
from typing import Protocol

from core.types import Document, Entity, Span
from matchers.entities.gates import Gate, Gates
from matchers.entities.joined import JoinedTexts
from matchers.entities.looking import FIELDS, LookedAt, looked_at, whole_field

_SURE = 0.7
"""Less sure is what may be a name or a street by its form alone."""


class Recogniser(Protocol):
    """Sees entities of some types. Time is linear in the text."""

    @property
    def gate(self) -> Gate | None:
        """Where it looks; None to look at all. What the gate lets in for nothing costs the recogniser's time."""

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield the entities in the stretches, in any order."""


class EntityPipeline:
    """Several recognisers as one. Safe to use from several threads."""

    def __init__(self, recognisers: Iterable[Recogniser]) -> None:
        self._ungated: list[Recogniser] = []
        self._gated: list[Recogniser] = []
        gates: list[Gate] = []
        for recogniser in recognisers:
            if recogniser.gate is None:
                self._ungated.append(recogniser)
            else:
                self._gated.append(recogniser)
                gates.append(recogniser.gate)
        self._gates = Gates(gates)

    def recognise(
        self, documents: Sequence[Document], around: Sequence[Sequence[Span] | None] | None = None
    ) -> list[tuple[Entity, ...]]:
        """Return, for each document, the entities in its title and text in order of their spans, none overlapping
        another. ``around`` has spans for each document, or None for the whole of it: of a long field, only what is
        within :data:`matchers.surroundings.REACH` of them is looked at then, and names within
        :data:`matchers.entities.looking.NAMES_REACH`."""
        found: dict[int, list[Entity]] = {}
        for recogniser, stretches in self._looking(documents, around):
            for stretch, entity in recogniser.recognise(stretches):
                if stretch.counts(entity.span):
                    found.setdefault(stretch.document, []).append(entity)
        recognised: list[tuple[Entity, ...]] = [()] * len(documents)
        for position, entities in found.items():
            recognised[position] = _apart(entities)
        return recognised

    def _looking(
        self, documents: Sequence[Document], around: Sequence[Sequence[Span] | None] | None
    ) -> Iterator[tuple[Recogniser, list[LookedAt]]]:
        """Yield each recogniser with what it looks at."""
        if self._ungated or around is not None:
            stretches = [
                stretch
                for position, document in enumerate(documents)
                for stretch in looked_at(document, position, None if around is None else around[position])
            ]
            for recogniser in self._ungated:
                yield recogniser, stretches
            texts = JoinedTexts.of_folded([stretch.folded.text for stretch in stretches])
            stretch_of: Callable[[int], LookedAt] = stretches.__getitem__
        else:
            # Of most texts nobody needs more than what they mean.
            names = [name for name in FIELDS if any(map(attrgetter(name), documents))]
            texts = JoinedTexts.folding([text or "" for name in names for text in map(attrgetter(name), documents)])

            @cache
            def stretch_of(index: int) -> LookedAt:
                field, position = divmod(index, len(documents))
                return whole_field(documents[position], position, names[field])

        let_in: dict[Recogniser, list[LookedAt]] = {}
        for number, index, parts in self._gates.open_to(texts):
            ones = let_in.setdefault(self._gated[number], [])
            ones.extend(_part(stretch_of(index), start, end) for start, end in parts)
        yield from let_in.items()


def _part(stretch: LookedAt, start: int, end: int) -> LookedAt:
    """Return the folded characters ``start`` to ``end`` of a stretch as one of its own, in which no names are looked
    for."""
    folded = stretch.folded
    if end - start == len(folded.text):
        return stretch
    first, last = folded.starts[start], folded.ends[end - 1]
    return LookedAt(
        stretch.field, stretch.start + first, stretch.original[first:last], stretch.document, stretch.within, ()
    )


def _apart(entities: list[Entity]) -> tuple[Entity, ...]:
    """Return the entities in order of their spans; of those that overlap the longest of the sure ones, of these the
    surest. A number whose check digits hold is not part of what only may be a street."""
    if len(entities) == 1:
        return tuple(entities)
    in_order = sorted(entities, key=_place)
    if not any(map(_overlap, in_order, in_order[1:])):
        return tuple(in_order)
    places: list[tuple[str, int, int]] = []
    kept: list[Entity] = []
    for entity in sorted(entities, key=_rank):
        field, start, end = place = _place(entity)
        at = bisect_left(places, place)
        neighbours = places[max(at - 1, 0) : at + 1]
        if not any(field == other[0] and start < other[2] and other[1] < end for other in neighbours):
            places.insert(at, place)
            kept.insert(at, entity)
    return tuple(kept)


def _overlap(one: Entity, other: Entity) -> bool:
    """Return whether two entities overlap, the second of which starts no earlier."""
    return one.span.field == other.span.field and other.span.start < one.span.end


def _place(entity: Entity) -> tuple[str, int, int]:
    return entity.span.field, entity.span.start, entity.span.end


def _rank(entity: Entity) -> tuple[bool, int, float, tuple[str, int, int], str]:
    return (
        entity.confidence < _SURE,
        entity.span.start - entity.span.end,
        -entity.confidence,
        _place(entity),
        entity.type,
    )
