"""Gates: which texts recognisers look at, and where in them.

Nearly every text holds nothing that any recogniser would see. So many texts are asked at once, joined. One scan of all
finds those in which stands what needs no digit nearby; only these, and those with a digit, are asked by each gate
where. Of a long text only what is near such a place is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from matchers.entities.joined import Indexes, JoinedTexts, Range
from matchers.patterns import SET_MEMORY_BYTES, Pattern

_SHORT = 500
"""In characters. A shorter text is looked at whole."""
_SPACES = (" ", "\n")
_SPACE = re.compile(r"\s")
_NOWHERE = r"[^\s\S]"
_DIGIT = re.compile(r"\d")
# In any other script.
_FOREIGN_DIGIT = r"[^\P{Nd}0-9]"


@dataclass(frozen=True)
class Gate:
    """Where a recogniser looks in folded text.

    ``pattern`` (of RE2, in small letters) stands wherever something is to be seen. ``reach`` is how far around, in
    characters, that may stand, with all that tells what it is. Where no digit stands within reach, there is something
    only if ``digitless`` stands there: None for the pattern itself, empty for nothing at all. Where ``unbroken`` is
    given, the pattern may be missing where so many letters, digits, _ and - stand in a row: to count them would make
    the pattern slow. ``counts`` tells of a place in a text whether it counts.
    """

    pattern: str
    reach: int
    digitless: str | None = None
    unbroken: int | None = None
    counts: Callable[[str, int, int], bool] | None = None


class Gates:
    """The gates of several recognisers. Safe to use from several threads."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        compiled = list(enumerate(map(_Compiled, gates)))
        self._without_digits = [(number, gate) for number, gate in compiled if not gate.asks_for_digit]
        self._near_digits = [(number, gate) for number, gate in compiled if gate.asks_for_digit]
        self._unbroken = {gate.unbroken for gate in gates if gate.unbroken is not None}
        # Patterns around digits are left out: all in one, they would make more states than there is memory for.
        digitless = (gate.pattern if gate.digitless is None else gate.digitless for gate in gates)
        self._digitless = _pattern("|".join((*(f"(?:{one})" for one in digitless if one), _FOREIGN_DIGIT)))

    def open_to(self, texts: JoinedTexts) -> Iterator[tuple[int, int, list[Range]]]:
        """Yield, for each gate and each of the texts that it lets in, the parts of the text to look at."""
        telling = np.concatenate((texts.with_pattern(self._digitless), *map(texts.with_unbroken, self._unbroken)))
        # A gate that asks for no digit nearby opens only where its pattern was just found.
        yield from self._open_to(texts, np.unique(telling), self._without_digits)
        counted = np.concatenate((telling, texts.longer_than(_SHORT), texts.with_ascii_digits()))
        yield from self._open_to(texts, np.unique(counted), self._near_digits)

    def _open_to(
        self, texts: JoinedTexts, chosen: Indexes, gates: Sequence[tuple[int, _Compiled]]
    ) -> Iterator[tuple[int, int, list[Range]]]:
        """Yield the same for some of the gates and of the texts."""
        if not len(chosen):
            return
        some = texts.only(chosen)
        text_of = cache(some.text)
        order = chosen.tolist()
        for number, gate in gates:
            for index, places in some.places(gate.pattern, gate.unbroken).items():
                if parts := gate.parts(text_of(index), places):
                    yield number, order[index], parts


class _Compiled:
    """A gate made ready."""

    def __init__(self, gate: Gate) -> None:
        self.pattern = _pattern(gate.pattern)
        self.unbroken = gate.unbroken
        self._counts = gate.counts
        self._reach = gate.reach
        self._digitless = None if gate.digitless is None else _pattern(gate.digitless or _NOWHERE)
        self.asks_for_digit = self._digitless is not None

    def parts(self, text: str, places: Iterable[Range]) -> list[Range]:
        """Return what is within reach of the places in a text, each part from one white space to another, apart from
        each other."""
        if self._counts is not None:
            places = [place for place in places if self._counts(text, *place)]
        if self._digitless is not None:
            places = [place for place in places if self._may_hold(text, *place, self._digitless)]
        if not places:
            return []
        if len(text) <= _SHORT:
            return [(0, len(text))]
        parts: list[Range] = []
        last = 0
        for start, end in places:
            first = max(start - self._reach, 0)
            if not parts or first > last:
                first = max(text.rfind(sign, last, max(first, last)) for sign in _SPACES) + 1
                # Without white space between them, the two are one.
                if first or not parts:
                    parts.append((first, first))
            if end + self._reach > last:
                space = _SPACE.search(text, end + self._reach)
                last = space.start() if space else len(text)
                parts[-1] = (parts[-1][0], last)
        return parts

    def _may_hold(self, text: str, start: int, end: int, digitless: Pattern) -> bool:
        first, last = max(start - self._reach, 0), end + self._reach
        if _DIGIT.search(text, first, last):
            return True
        return digitless.first(text[first:last].encode("utf-8", "replace")) is not None


def _pattern(text: str) -> Pattern:
    return Pattern(text, memory_bytes=SET_MEMORY_BYTES)
