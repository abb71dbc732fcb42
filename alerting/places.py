"""Where findings stand in a document, and what is within reach of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.types import Document, FieldName, Span

TITLE_END = "\n\n"
"""What stands between the title and the text where they are read in a row."""
RUNNING_TEXT = 0
"""The axis of title and text."""
_AXES: Mapping[FieldName, int] = {"title": RUNNING_TEXT, "text": RUNNING_TEXT, "author": 1, "url": 2}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A stretch of a document on one of three axes: title and text in a row, the author, the URL."""

    axis: int
    start: int
    end: int

    def overlaps(self, other: Place) -> bool:
        """Return whether the two share a character."""
        return self.axis == other.axis and self.start < other.end and other.start < self.end


class Reach:
    """Everything within a number of characters of some places: ``stretches``, in order and apart from each other."""

    def __init__(self, places: Iterable[Place], characters: int) -> None:
        self.stretches: list[Place] = []
        for place in sorted(Place(place.axis, place.start - characters, place.end + characters) for place in places):
            last = self.stretches[-1] if self.stretches else None
            if last is not None and last.overlaps(place):
                self.stretches[-1] = Place(last.axis, last.start, max(last.end, place.end))
            else:
                self.stretches.append(place)

    def touches(self, place: Place) -> bool:
        """Return whether some of the place is within reach."""
        after = bisect_left(self.stretches, Place(place.axis, place.end, 0))
        return after > 0 and self.stretches[after - 1].overlaps(place)


class RunningText:
    """A document's title and text in a row, and where its spans stand there."""

    def __init__(self, document: Document) -> None:
        title = document.title or ""
        self.text = f"{title}{TITLE_END}{document.text}" if title else document.text
        self.title_end = len(title)
        """Where the title ends; 0 where there is none."""
        self._offset = len(title) + len(TITLE_END) if title else 0

    def place(self, span: Span) -> Place:
        """Return where the span stands."""
        offset = self._offset if span.field == "text" else 0
        return Place(_AXES[span.field], span.start + offset, span.end + offset)
