"""Words within a few typos of a given word, found without looking at all words.

Symmetric deletion (Garbe's SymSpell): two words within ``k`` edits share a string that is left of each after at
most ``k`` deletions among its first seven letters. Candidates are proved by the optimal-string-alignment distance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from rapidfuzz.distance import OSA

_PREFIX_LENGTH = 7
_REMEMBERED_WORDS = 65_536


class NearbyWords:
    """Words that can be asked for by their misspellings. Safe to use from several threads."""

    def __init__(self, words: Iterable[str], typos_allowed: Callable[[str], int]) -> None:
        """``typos_allowed`` says how many edits a word tolerates: 0, 1 or 2."""
        self._by_remainder: dict[str, list[str]] = {}
        self._typos_allowed = {word: allowed for word in words if (allowed := typos_allowed(word))}
        for word, allowed in self._typos_allowed.items():
            for remainder in _remainders(word, allowed):
                self._by_remainder.setdefault(remainder, []).append(word)
        self._most_typos = max(self._typos_allowed.values(), default=0)
        self.near = lru_cache(_REMEMBERED_WORDS)(self._near)

    def _near(self, written: str) -> tuple[tuple[str, int], ...]:
        """Return the words that ``written`` may be a misspelling of (or is), with the number of edits."""
        candidates = {
            word
            for remainder in _remainders(written, self._most_typos)
            for word in self._by_remainder.get(remainder, ())
        }
        found = []
        for word in candidates:
            allowed = self._typos_allowed[word]
            if abs(len(word) - len(written)) <= allowed:
                typos = OSA.distance(word, written, score_cutoff=allowed)
                if typos <= allowed:
                    found.append((word, typos))
        return tuple(sorted(found, key=lambda row: (row[1], row[0])))


def _remainders(word: str, deletions: int) -> Iterator[str]:
    """Yield what is left of the word's beginning after at most so many deletions, each once."""
    seen = {word[:_PREFIX_LENGTH]}
    layer = seen
    for _ in range(deletions):
        layer = {left[:at] + left[at + 1 :] for left in layer for at in range(len(left))} - seen
        seen = seen | layer
    yield from seen
