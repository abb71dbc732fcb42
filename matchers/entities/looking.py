"""What recognisers look at."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.types import Document, FieldName, Span
from matchers.folding import is_plain
from matchers.surroundings import REACH, Stretch, surroundings

_FIELDS: tuple[FieldName, ...] = ("title", "text")
"""``author`` and ``url`` say who wrote and where, not whom it is about."""

_CONTEXT = 500
"""Code points that recognisers see beyond the reach, so that nothing within is seen by half."""


@dataclass(frozen=True, eq=False, repr=False)
class LookedAt(Stretch):
    """A stretch of a document, which has its place ``document`` in a batch. Only what touches one of the parts
    ``within`` (ranges of the field, in order) counts."""

    document: int
    within: Sequence[tuple[int, int]]

    @property
    def plain(self) -> str:
        """The folded text but for its case: the original where nothing in it needs folding, which costs less."""
        return self.original if is_plain(self.original) else self.folded.text

    def counts(self, span: Span) -> bool:
        """Return whether the span touches one of the parts that count."""
        before = bisect_left(self.within, (span.end, 0)) - 1
        return before >= 0 and span.start < self.within[before][1]


def looked_at(document: Document, position: int, around: Sequence[Span] | None) -> Iterator[LookedAt]:
    """Yield what is looked at: the fields whole, or what is around the spans where a field is long."""
    for name in _FIELDS:
        original = document.field(name)
        if not original:
            continue
        if around is None:
            yield LookedAt(name, 0, original, position, [(0, len(original))])
            continue
        places = [(span.start, span.end) for span in around if span.field == name]
        within = list(surroundings(original, places))
        for start, end in surroundings(original, places, REACH + _CONTEXT):
            yield LookedAt(name, start, original[start:end], position, within)
