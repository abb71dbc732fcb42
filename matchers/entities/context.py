"""Words near a place that tell what stands there: ``passport no.`` before a number, ``is my SSN`` after it.

    words = ContextWords({"birth": ["born", "geboren", "né le", "出生"], "death": ["died", "gestorben"]})
    near = words.read(stretch.folded)        # once for a text, and only where there is a candidate
    near.nearest(start, end)                 # "birth", "death" or None: offsets in the folded text
    near.distances(start, end)               # {"birth": 2, "death": 31}: of every owner within reach

Words are written as an admin writes them, in any case and script, one or several (``date of birth``); a ``*`` at the
end stands for any ending (``passport*``). In scripts without spaces a word may stand anywhere. A word before a place
counts within ``before`` characters. After it one counts within ``after`` characters of the same line, unless it is
plainly the label of what follows next: ``0151 23456789 SSN: 219-09-9999``.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from core.types import FoldedText
from matchers.folding import folded_forms
from matchers.phrases import PhraseTable, Stand

T = TypeVar("T")

_BEFORE, _AFTER = 50, 25
# A colon, an equals sign or a number: what a label is followed by.
_LABELLED = re.compile(r"[^\w\n]{0,3}(?:[:=#]|(?:no|nr|num|number|id)?[^\w\n]{0,3}\d)")


class ContextWords(Generic[T]):
    """Words and whose they are. Safe to use from several threads."""

    def __init__(self, words: Mapping[T, Iterable[str]], before: int = _BEFORE, after: int = _AFTER) -> None:
        """``before`` and ``after`` are the reach, in characters of folded text."""
        self._phrases: PhraseTable[T] = PhraseTable()
        for owner, phrases in words.items():
            for form in sorted({form for phrase in phrases for form in folded_forms(phrase)}):
                self._phrases.add(form, owner)
        self._before = before
        self._after = after

    def read(self, folded: FoldedText) -> ReadContext[T]:
        """Return the words of a text, to ask for as many places as wanted. Time is linear in the text."""
        return ReadContext(folded.text, list(self._phrases.find(folded)), self._before, self._after)


class ReadContext(Generic[T]):
    """The words that stand in one text."""

    def __init__(self, text: str, stands: Sequence[Stand[T]], before: int, after: int) -> None:
        self._text = text
        self._stands = stands
        self._starts = [stand.start for stand in stands]
        self._before = before
        self._after = after

    def nearest(self, start: int, end: int) -> T | None:
        """Return whose word is the nearest to a place of the folded text, one before it rather than one after it;
        None where none is within reach."""
        return next(iter(self.distances(start, end)), None)

    def distances(self, start: int, end: int) -> dict[T, int]:
        """Return whose words are within reach of a place, the nearest first, with the number of characters between.
        A word after the place counts as that much farther as those before it may be."""
        # Words are in order of their starts; a phrase may be as long as the reach.
        first = bisect_left(self._starts, start - 2 * self._before)
        last = bisect_right(self._starts, end + self._after, first)
        if first == last:
            return {}
        found: dict[T, int] = {}
        for stand in self._stands[first:last]:
            distance = self._distance(stand, start, end)
            if distance is not None:
                for owner in stand.owners:
                    found[owner] = min(distance, found.get(owner, distance))
        return dict(sorted(found.items(), key=_second)) if len(found) > 1 else found

    def _distance(self, stand: Stand[T], start: int, end: int) -> int | None:
        """Return the distance, None where a word does not count."""
        if stand.end <= start:
            distance = start - stand.end
            return distance if distance <= self._before else None
        is_of_this = end <= stand.start and self._text.find("\n", end, stand.start) < 0
        return self._before + stand.start - end if is_of_this and not _LABELLED.match(self._text, stand.end) else None


def _second(row: tuple[T, int]) -> int:
    return row[1]
