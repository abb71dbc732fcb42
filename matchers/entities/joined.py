"""Many texts as one, so that each question is asked of all of them at once."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from matchers.folding import folded_bytes
from matchers.patterns import Pattern

Range = tuple[int, int]
Indexes = npt.NDArray[np.int64]

_SIGN = "\0"
# Two, as a pattern may take the one after what it looks for, and the next one that before it.
_SEPARATOR = 2 * _SIGN
# What stands for such a sign that a text has itself: as little a letter or a space.
_NO_SIGN = "\1"
_ZERO = np.uint8(ord("0"))
_SPACE = np.uint8(ord(" "))
_ROW = re.compile(rb"[0-9a-z_-]+")


class JoinedTexts:
    """Folded texts in UTF-8, one after the other, with separators between them."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded
        self._codes = np.frombuffer(encoded, dtype=np.uint8)
        signs = np.flatnonzero(self._codes == ord(_SIGN))
        # Where texts start, and where the next one would.
        self._bounds = np.concatenate(([0], signs[1::2] + 1, [len(encoded) + len(_SEPARATOR)]))
        self._starts: list[int] = self._bounds.tolist()

    @classmethod
    def folding(cls, texts: Sequence[str]) -> JoinedTexts:
        """Return the texts (at least one), folded."""
        return cls(folded_bytes(_joined(texts)))

    @classmethod
    def of_folded(cls, texts: Sequence[str]) -> JoinedTexts:
        """Return texts (at least one) that are folded already."""
        return cls(_joined(texts).encode("utf-8", "replace"))

    def text(self, index: int) -> str:
        """Return one of the texts, folded."""
        return self._part(index).decode()

    def only(self, indexes: Indexes) -> JoinedTexts:
        """Return those texts (at least one) alone."""
        return JoinedTexts(_SEPARATOR.encode().join(map(self._part, indexes.tolist())))

    def longer_than(self, size: int) -> Indexes:
        """Return the texts of more bytes."""
        return np.flatnonzero(np.diff(self._bounds) > size + len(_SEPARATOR))

    def with_ascii_digits(self) -> Indexes:
        """Return the texts in which one of the digits 0 to 9 stands, each as often as they do."""
        return self._texts_at(np.flatnonzero(self._codes - _ZERO < 10))

    def with_unbroken(self, size: int) -> Indexes:
        """Return the texts in which so many letters, digits, _ and - (all of ASCII) stand in a row."""
        return self._texts_at(np.array([start for start, _ in self._unbroken(size)], dtype=np.int64))

    def with_pattern(self, pattern: Pattern) -> Indexes:
        """Return the texts in which a pattern stands. One that goes over their ends may hide another: no harm, as all
        texts that it touches count."""
        found: list[int] = []
        at = 0
        while (place := pattern.first(self._encoded, at)) is not None:
            texts = self._texts(*place)
            found += texts
            at = self._starts[texts.stop] - 1
            if at > len(self._encoded):
                break
        return np.array(found, dtype=np.int64)

    def places(self, pattern: Pattern, unbroken: int | None = None) -> dict[int, list[Range]]:
        """Return where a pattern stands in each text in which it does, in characters and in order; also, where a number
        is given, so many letters, digits, _ and - in a row."""
        found: defaultdict[int, list[Range]] = defaultdict(list)
        places = pattern.spans(self._encoded)
        if unbroken is not None:
            places = sorted([*places, *self._unbroken(unbroken)])
        text, first, last = -1, 0, -1
        for start, end in places:
            if first <= start and end <= last:
                # Most stand in the text of the one before.
                found[text].append(self._in_characters(first, start, end))
                continue
            for text in self._texts(start, end):
                first, last = self._bytes(text)
                found[text].append(self._in_characters(first, max(start, first), min(end, last)))
        return found

    def _part(self, index: int) -> bytes:
        return self._encoded[slice(*self._bytes(index))]

    def _bytes(self, index: int) -> Range:
        """Return where a text starts and ends."""
        return self._starts[index], self._starts[index + 1] - len(_SEPARATOR)

    def _texts_at(self, places: Indexes) -> Indexes:
        """Return the text of each place."""
        return np.searchsorted(self._bounds, places, side="right") - 1

    def _unbroken(self, size: int) -> Iterator[Range]:
        """Yield where rows of at least so many letters, digits, _ and - start and end, in order."""
        # Hardly anything is that long without white space, which is quick to find.
        breaks = np.concatenate(([-1], np.flatnonzero(self._codes <= _SPACE), [len(self._codes)]))
        long = np.flatnonzero(np.diff(breaks) > size)
        for start, end in zip((breaks[long] + 1).tolist(), breaks[long + 1].tolist(), strict=True):
            for row in _ROW.finditer(self._encoded, start, end):
                if row.end() - row.start() >= size:
                    yield row.span()

    def _texts(self, start: int, end: int) -> range:
        """Return the texts that a place touches."""
        return range(bisect_right(self._starts, start) - 1, bisect_right(self._starts, end - 1))

    def _in_characters(self, first: int, start: int, end: int) -> Range:
        """Return a place of a text that starts at a byte, in characters of it."""
        if self._characters is None:
            return start - first, end - first
        before = self._characters[first]
        return int(self._characters[start] - before), int(self._characters[end] - before)

    @cached_property
    def _characters(self) -> Indexes | None:
        """The character of each byte, and one past the last; None where each byte is one."""
        if self._encoded.isascii():
            return None
        is_first = (self._codes & 0xC0) != 0x80
        return np.concatenate(([0], np.cumsum(is_first)))


def _joined(texts: Sequence[str]) -> str:
    joined = _SEPARATOR.join(texts)
    if joined.count(_SIGN) > len(_SEPARATOR) * (len(texts) - 1):
        joined = _SEPARATOR.join(text.replace(_SIGN, _NO_SIGN) for text in texts)
    return joined
