"""Gates: which texts recognisers look at, and where in them.

Nearly every text holds nothing that any recogniser would see. So many texts are asked at once, joined: those without
any digit whether one of the gates lets them in, all others by each gate where. Of a long text only what is near such a
place is looked at.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from matchers.patterns import SET_MEMORY_BYTES, Pattern

Range = tuple[int, int]

_SEPARATOR = b"\0"
_SHORT = 500
"""In characters. A shorter text is looked at whole."""
_SPACES = (" ", "\n")
_SPACE = re.compile(r"\s")
_NOWHERE = r"[^\s\S]"
_DIGIT = re.compile(r"\d")
_ZERO = np.uint8(ord("0"))


@dataclass(frozen=True)
class Gate:
    """Where a recogniser looks in folded text.

    ``pattern`` (of RE2, in small letters) stands wherever something is to be seen. ``reach`` is how far around, in
    characters, that may stand, with all that tells what it is. Where no digit stands within reach, there is something
    only if ``digitless`` stands there: None for the pattern itself, empty for nothing at all.
    """

    pattern: str
    reach: int
    digitless: str | None = None


class Gates:
    """The gates of several recognisers. Safe to use from several threads."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        self._gates = [_Compiled(gate) for gate in gates]
        # Patterns around digits are left out: all in one, they would make more states than there is memory for.
        digitless = (gate.pattern if gate.digitless is None else gate.digitless for gate in gates)
        self._digitless = _pattern("|".join(f"(?:{one})" for one in digitless if one) or _NOWHERE)

    def open_to(self, texts: Sequence[str]) -> Iterator[tuple[int, int, list[Range]]]:
        """Yield, for each gate and each of the folded texts that it lets in, the parts of the text to look at."""
        chosen = {
            index
            for index, text in enumerate(texts)
            if len(text) > _SHORT or not (text.isascii() or _DIGIT.search(text) is None)
        }
        if len(chosen) < len(texts):
            joined = _Joined(texts)
            chosen |= joined.with_ascii_digits() | joined.with_pattern(self._digitless)
        order = sorted(chosen)
        joined = _Joined([texts[index] for index in order])
        for number, gate in enumerate(self._gates):
            for place, places in joined.places(gate.pattern).items():
                index = order[place]
                if parts := gate.parts(texts[index], places):
                    yield number, index, parts


class _Compiled:
    """A gate made ready."""

    def __init__(self, gate: Gate) -> None:
        self.pattern = _pattern(gate.pattern)
        self._reach = gate.reach
        self._digitless = None if gate.digitless is None else _pattern(gate.digitless or _NOWHERE)

    def parts(self, text: str, places: Iterable[Range]) -> list[Range]:
        """Return what is within reach of the places in a text, each part from one white space to another, apart from
        each other."""
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


class _Joined:
    """Texts as one, in UTF-8."""

    def __init__(self, texts: Sequence[str]) -> None:
        encoded = [text.encode("utf-8", "replace") for text in texts]
        self._encoded = _SEPARATOR.join(encoded)
        self._codes = np.frombuffer(self._encoded, dtype=np.uint8)
        self._first_bytes = _starts(encoded)
        self._is_ascii = all(map(str.isascii, texts))
        self._starts = self._first_bytes if self._is_ascii else _starts(texts)

    @cached_property
    def _characters(self) -> npt.NDArray[np.int64]:
        """The character of each byte, and one past the last."""
        return np.append(np.cumsum((self._codes & 0xC0) != 0x80) - 1, self._starts[-1] - 1)

    def with_ascii_digits(self) -> set[int]:
        """Return the texts in which one of the digits 0 to 9 stands."""
        places = np.flatnonzero(self._codes - _ZERO < 10)
        return set((np.searchsorted(self._first_bytes, places, side="right") - 1).tolist())

    def with_pattern(self, pattern: Pattern) -> set[int]:
        """Return the texts in which a pattern stands. One that goes over their ends may hide another: no harm, as all
        texts that it touches count."""
        found: set[int] = set()
        at = 0
        while (place := pattern.first(self._encoded, at)) is not None:
            texts = range(self._text(place.start), self._text(place.end - 1) + 1)
            found.update(texts)
            if texts.stop == len(self._starts) - 1:
                break
            at = self._first_bytes[texts.stop]
        return found

    def places(self, pattern: Pattern) -> dict[int, list[Range]]:
        """Return where a pattern stands in each text in which it does, in characters."""
        found: defaultdict[int, list[Range]] = defaultdict(list)
        for start, end in pattern.find(self._encoded):
            texts = range(self._text(start), self._text(end - 1) + 1)
            if not self._is_ascii:
                start, end = int(self._characters[start]), int(self._characters[end])
            for text in texts:
                first = self._starts[text]
                found[text].append((max(start, first) - first, min(end, self._starts[text + 1] - 1) - first))
        return found

    def _text(self, byte: int) -> int:
        return bisect_right(self._first_bytes, byte) - 1


def _starts(texts: Sequence[Sized]) -> list[int]:
    """Return where texts start when a separator stands after each, and where the next one would."""
    return list(accumulate((len(text) + 1 for text in texts), initial=0))


def _pattern(text: str) -> Pattern:
    return Pattern(text, memory_bytes=SET_MEMORY_BYTES)
