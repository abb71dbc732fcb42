"""Watched names in Chinese characters and in Hangul, which are written without spaces, surname first."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from math import inf
from typing import NamedTuple

from matchers.name_parts import NameParts
from matchers.name_rules import listed_spellings
from matchers.romanising import (
    chinese_syllables,
    japanese_characters,
    korean_key,
    korean_surnames,
    tables,
)

_LONGEST_CHINESE = 4
_LONGEST_JAPANESE = 6
_KOREAN_LENGTHS = (3, 2, 4)


class Standing(NamedTuple):
    """A name, by its row, at ``start`` to ``end`` of a text, and how unlikely it stands there by chance: the
    logarithm."""

    row: int
    start: int
    end: int
    odds: float


class NamesInCharacters:
    """Names in Latin letters as they are written in characters."""

    def __init__(self, names: Sequence[tuple[int, NameParts]], as_given: Sequence[tuple[int, str]]) -> None:
        """``names`` in Latin letters, and those ``as_given`` in characters, come with their rows."""
        self._as_given: defaultdict[str, list[int]] = defaultdict(list)
        for row, value in as_given:
            self._as_given[value].append(row)
        self._given_lengths = sorted({len(value) for value in self._as_given})
        self._given_starts = re.compile(f"[{''.join({value[0] for value in self._as_given})}\0]")
        self._by_syllables: defaultdict[str, list[int]] = defaultdict(list)
        self._by_characters: defaultdict[str, list[int]] = defaultdict(list)
        self._korean: defaultdict[str, list[int]] = defaultdict(list)
        for row, parts in names:
            for surname, given in _either_order(parts):
                for syllable in korean_surnames().get(surname, ()):
                    self._korean[syllable + korean_key(given)].append(row)
                for family in (surname, *sorted(listed_spellings().get(surname, ()))):
                    self._by_syllables[family + given].append(row)
                families, givens = japanese_characters()
                for characters in map("".join, product(families.get(surname, ()), givens.get(given, ()))):
                    self._by_characters[characters].append(row)
        beginnings = {key[:length] for key in self._by_syllables for length in range(1, 7)}
        surnames = (one for one in tables().chinese_surnames if not beginnings.isdisjoint(chinese_syllables(one)))
        self._may_begin = re.compile(f"[{''.join({*surnames, *(one[0] for one in self._by_characters)})}\0]")

    def as_given(self, text: str) -> Iterator[Standing]:
        """Yield the names that stand in a stretch of characters as they were given."""
        for found in self._given_starts.finditer(text):
            start = found.start()
            for length in self._given_lengths:
                for row in self._as_given.get(text[start : start + length], ()):
                    if start + length <= len(text):
                        yield Standing(row, start, start + length, inf)

    def in_characters(self, text: str) -> Iterator[Standing]:
        """Yield the names in a stretch of Chinese characters: a surname and what is read as the rest, in Chinese or
        in Japanese."""
        for found in self._may_begin.finditer(text):
            start = found.start()
            for end in range(start + 2, min(start + _LONGEST_JAPANESE, len(text)) + 1):
                yield from self._written_so(text, start, end)
                if end <= start + _LONGEST_CHINESE and text[start] in tables().chinese_surnames:
                    yield from self._read_so(text, start, end)

    def _written_so(self, text: str, start: int, end: int) -> Iterator[Standing]:
        odds = -tables().chance.character * (end - start)
        for row in self._by_characters.get(text[start:end], ()):
            yield Standing(row, start, end, odds)

    def _read_so(self, text: str, start: int, end: int) -> Iterator[Standing]:
        chances = tables().chance
        syllables = [chinese_syllables(one) for one in text[start:end]]
        odds = -chances.chinese_surname - chances.chinese_syllable * (end - start - 1)
        for key in {"".join(one[0] for one in syllables), "".join(one[-1] for one in syllables)}:
            for row in self._by_syllables.get(key, ()):
                yield Standing(row, start, end, odds)

    def in_hangul(self, word: str, following: str) -> Iterator[Standing]:
        """Yield the names that a word begins with, or that a single syllable and the word following it, after a
        space, are."""
        ways = [(word[1:length], length) for length in _KOREAN_LENGTHS if length <= len(word)]
        if len(word) == 1 and following:
            ways.append((following[:2], 2 + len(following[:2])))
        chances = tables().chance
        for given, end in ways:
            odds = -chances.korean_surname - chances.korean_syllable * len(given)
            for row in self._korean.get(word[0] + korean_key(given), ()):
                yield Standing(row, 0, end, odds)


def _either_order(parts: NameParts) -> Iterator[tuple[str, str]]:
    """Yield the surname and the given name, and the same for a name whose surname was given first."""
    forename, middle, family = "".join(parts.forename), "".join(parts.middles), ["".join(one) for one in parts.surnames]
    yield from ((surname, forename + middle) for surname in family)
    yield forename, middle + "".join(family)
