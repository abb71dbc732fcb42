"""What stands around the places that matter: of a paste of megabytes, nobody needs to look at the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from core.types import FIELD_NAMES, Document, FieldName, FoldedText, Span
from matchers.folding import fold_text

REACH = 1_000
"""In code points. What matters to a match stands nearer: the nearness of ``signals.yaml``, an excerpt."""

_SHORT = 10_000
_LONGEST_WORD = 200


@dataclass(frozen=True, eq=False, repr=False)
class Stretch:
    """A part of a document's field that begins there at ``start``."""

    field: FieldName
    start: int
    original: str

    @cached_property
    def folded(self) -> FoldedText:
        """The part as it is meant."""
        return fold_text(self.original)

    def span(self, start: int, end: int) -> Span:
        """Return where the folded characters ``start`` to ``end`` (at least one) stand in the field."""
        return Span(self.field, self.start + self.folded.starts[start], self.start + self.folded.ends[end - 1])

    def found(self, span: Span) -> str:
        """Return what stands at a span, as it is written."""
        return self.part(span.start, span.end)

    def part(self, start: int, end: int) -> str:
        """Return what stands from ``start`` to ``end`` of the field, as it is written."""
        return self.original[start - self.start : end - self.start]


def stretches_around(document: Document, spans: Sequence[Span]) -> Iterator[Stretch]:
    """Yield what stands around the spans in each field."""
    for name in FIELD_NAMES:
        if not (original := document.field(name)):
            continue
        places = ((span.start, span.end) for span in spans if span.field == name)
        for start, end in surroundings(original, places):
            yield Stretch(name, start, original[start:end])


def surroundings(text: str, places: Iterable[tuple[int, int]], reach: int = REACH) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a field's text within reach of the places, in order and apart from each other. They begin
    and end at white space where some is near. The field's own ends count as places, as a title and a text stand next to
    each other. A text of at most 10,000 code points is one stretch."""
    if len(text) <= _SHORT:
        yield 0, len(text)
        return
    last_start, reached = 0, reach
    for place in (*sorted(places), (len(text), len(text))):
        # Words are looked for at the ends of stretches alone: places may stand thick.
        if place[0] - reach > reached:
            start, last_end = _start(text, place[0] - reach), _end(text, reached)
            if start > last_end:
                yield last_start, last_end
                last_start = start
        reached = max(reached, place[1] + reach)
    yield last_start, _end(text, reached)


def _start(text: str, at: int) -> int:
    """Return the start of the word at an offset, unless it is a very long one."""
    first = at = max(at, 0)
    while first > 0 and at - first < _LONGEST_WORD:
        if text[first - 1].isspace():
            return first
        first -= 1
    return 0 if first == 0 else at


def _end(text: str, at: int) -> int:
    """Return the end of the word at an offset, unless it is a very long one."""
    last = at = min(at, len(text))
    while last < len(text) and last - at < _LONGEST_WORD:
        if text[last].isspace():
            return last
        last += 1
    return len(text) if last == len(text) else at
