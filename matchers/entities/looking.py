"""What recognisers look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from core.types import Document, Entity, EntityType, FieldName, Span
from matchers.entities.gates import Gate
from matchers.surroundings import REACH, Stretch, surroundings

FIELDS: tuple[FieldName, ...] = ("title", "text")
"""``author`` and ``url`` say who wrote and where, not whom it is about."""

NAMES_REACH = 600
"""In code points, at whose end a name may be cut in two. Names farther from a match can neither be linked with it, by
the nearness of ``signals.yaml``, nor stand in an excerpt; and seeing names takes most of the time."""

_CONTEXT = 300
"""Code points that recognisers see beyond the reach, so that nothing within is seen by half."""

_Ranges: TypeAlias = "Sequence[tuple[int, int]]"


@dataclass(frozen=True, eq=False, repr=False)
class LookedAt(Stretch):
    """A stretch of a document, which has its place ``document`` in a batch. Only what touches one of the parts
    ``within`` (ranges of the field, in order) counts; names are looked for in the parts ``near`` only, all of which
    stand in the stretch."""

    document: int
    within: _Ranges
    near: _Ranges

    def written(self, start: int, end: int) -> str:
        """Return how the folded characters ``start`` to ``end`` (at least one) are written."""
        return self.original[self.folded.starts[start] : self.folded.ends[end - 1]]

    def folded_at(self, start: int, end: int) -> tuple[int, int]:
        """Return the folded characters of what is written from ``start`` to ``end``."""
        return bisect_left(self.folded.ends, start + 1), bisect_left(self.folded.starts, end)

    def counts(self, span: Span) -> bool:
        """Return whether the span touches one of the parts that count."""
        before = bisect_left(self.within, (span.end, 0)) - 1
        return before >= 0 and span.start < self.within[before][1]


class Seen(NamedTuple):
    """What stands in the folded characters ``start`` to ``end`` of a stretch; the rest as in :class:`Entity`."""

    type: EntityType
    start: int
    end: int
    confidence: float
    recogniser: str
    country: str | None = None


class TextRecogniser(ABC):
    """A recogniser that looks at each text for itself."""

    gate: Gate

    @abstractmethod
    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield what is seen in a stretch, in any order. Time is linear in its length."""

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield the entities in the stretches."""
        for stretch in stretches:
            for seen in self.see(stretch):
                span = stretch.span(seen.start, seen.end)
                yield (
                    stretch,
                    Entity(
                        type=seen.type,
                        span=span,
                        found=stretch.found(span),
                        confidence=seen.confidence,
                        recogniser=seen.recogniser,
                        country=seen.country,
                    ),
                )


def looked_at(document: Document, position: int, around: Sequence[Span] | None) -> Iterator[LookedAt]:
    """Yield what is looked at: the fields whole, or what is around the spans where a field is long."""
    for name in FIELDS:
        original = document.field(name)
        if not original:
            continue
        if around is None:
            yield whole_field(document, position, name)
            continue
        places = [(span.start, span.end) for span in around if span.field == name]
        within = list(surroundings(original, places))
        near = list(surroundings(original, places, NAMES_REACH))
        for start, end in surroundings(original, places, REACH + _CONTEXT):
            its_own = near[bisect_left(near, (start, 0)) : bisect_left(near, (end, 0))]
            yield LookedAt(name, start, original[start:end], position, within, its_own)


def whole_field(document: Document, position: int, name: FieldName) -> LookedAt:
    """Return a field that is looked at whole."""
    original = document.field(name)
    whole = [(0, len(original))]
    return LookedAt(name, 0, original, position, whole, whole)
