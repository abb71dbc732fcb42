"""Things in a document by their place."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from alerting.layout import Layout
from alerting.places import Place

_Thing = TypeVar("_Thing")


class Neighbours(Generic[_Thing]):
    """Things by their place, to find those near another place."""

    def __init__(self, layout: Layout, things: Iterable[tuple[Place, _Thing]]) -> None:
        self._layout = layout
        self._things = sorted(things, key=lambda thing: (thing[0].axis, thing[0].start))
        self._starts = [(place.axis, place.start) for place, _ in self._things]

    def near(self, place: Place) -> Iterator[tuple[Place, _Thing]]:
        """Yield what may stand near enough to have to do with the place."""
        start, end = self._layout.surroundings(place)
        first = bisect_left(self._starts, (place.axis, start))
        last = bisect_right(self._starts, (place.axis, end))
        yield from self._things[first:last]
