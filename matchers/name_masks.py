"""Names in which letters are masked by stars: ``M*ria G*nzalez``.

What is meant is put into the folded text, a letter for every star, so that it is judged as any other name is and every
place keeps its offsets.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from core.types import FoldedText

_STARRED = re.compile(r"(?<![\w*])[^\W\d_][^\W_]{0,20}\*[^\W_*]{0,20}(?:\*[^\W_*]{0,20})?(?![\w*])")
_SHORTEST = 4
_MOST_READINGS = 3
_REMEMBERED = 4096


class MaskedWords:
    """Words of names that may stand with one or two letters masked, but not the first."""

    def __init__(self, words: Iterable[str]) -> None:
        self._alike: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        for word in sorted(set(words)):
            if len(word) >= _SHORTEST:
                self._alike[word[0], len(word)].append(word)
        self._meant = lru_cache(_REMEMBERED)(self._meant_by)

    def unmasked(self, folded: FoldedText) -> Iterator[tuple[FoldedText, Sequence[int]]]:
        """Yield the text with what its masked words may mean, and where these words start; nothing where none is."""
        masked = [
            (found.start(), meant) for found in _STARRED.finditer(folded.text) if (meant := self._meant(found[0]))
        ]
        starts = [start for start, _ in masked]
        for reading in range(min(_MOST_READINGS, max((len(meant) for _, meant in masked), default=0))):
            pieces, reached = [], 0
            for start, meant in masked:
                word = meant[min(reading, len(meant) - 1)]
                pieces += [folded.text[reached:start], word]
                reached = start + len(word)
            yield replace(folded, text="".join((*pieces, folded.text[reached:]))), starts

    def _meant_by(self, starred: str) -> tuple[str, ...]:
        alike = self._alike.get((starred[0], len(starred)), ())
        pairs = ((word, zip(word, starred, strict=True)) for word in alike)
        return tuple(word for word, letters in pairs if all(sign in (letter, "*") for letter, sign in letters))
