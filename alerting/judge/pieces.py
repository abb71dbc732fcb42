"""Words cut into the pieces that the network knows: the most probable cut, as each piece has a probability of its own
(Kudo, 2018: the unigram language model of SentencePiece), with the pieces' places in the text."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

BLANK = "▁"
"""Stands before a piece that begins a word after a blank."""
UNKNOWN = "[UNK]"
_LONGEST_WORD = 60
"""A longer one is cut here first."""
_REMEMBERED = 65_536
_UNLIKELY = 10.0
"""How much less likely than the least likely piece a character is that stands in none."""


class Piece(NamedTuple):
    """A piece's number, and the character of the text at which it begins."""

    number: int
    start: int


class Vocabulary:
    """The pieces that are known, numbered in their order: first the special ones, which stand in no text, then those
    of words, each with the logarithm of its probability."""

    def __init__(self, special: Sequence[str], probabilities: Mapping[str, float]) -> None:
        self.numbers: Mapping[str, int] = {piece: number for number, piece in enumerate((*special, *probabilities))}
        self._probabilities = probabilities
        self._longest = max(map(len, probabilities), default=0)
        self._unknown = min(probabilities.values(), default=0.0) - _UNLIKELY
        self._of_word = lru_cache(maxsize=_REMEMBERED)(self._cut_word)

    def cut(self, text: str, *, after_blank: bool) -> Iterator[Piece]:
        """Yield the pieces of the text in order; ``after_blank`` says whether it begins a word."""
        for letters, places in _words(text, after_blank):
            for number, offset in self._of_word(letters):
                yield Piece(number, places[offset])

    def _cut_word(self, word: str) -> list[tuple[int, int]]:
        """Return the pieces of the most probable cut, with where in the word they begin."""
        best = [0.0] + [-math.inf] * len(word)
        begun = [0] * (len(word) + 1)
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + self._longest) + 1):
                probability = self._probabilities.get(word[start:end])
                if probability is None:
                    if end > start + 1:
                        continue
                    probability = self._unknown
                if best[start] + probability > best[end]:
                    best[end], begun[end] = best[start] + probability, start
        found: list[tuple[int, int]] = []
        end = len(word)
        while end:
            start = begun[end]
            found.append((self.numbers.get(word[start:end], self.numbers[UNKNOWN]), start))
            end = start
        return found[::-1]


def _words(text: str, after_blank: bool) -> Iterator[tuple[str, list[int]]]:
    """Yield the words in compatibility form (Unicode NFKC), each with the places of its characters in the text."""
    letters = BLANK if after_blank else ""
    places = [0] * len(letters)
    for place, written in enumerate(text):
        for plain in _plain(written):
            if plain == " " or len(letters) >= _LONGEST_WORD:
                if letters not in ("", BLANK):
                    yield letters, places
                letters, places = (BLANK, [place + 1]) if plain == " " else ("", [])
            if plain != " ":
                letters += plain
                places.append(place)
    if letters not in ("", BLANK):
        yield letters, places


@lru_cache(maxsize=_REMEMBERED)
def _plain(character: str) -> str:
    """Return the character in compatibility form, a blank for any blank, nothing for what is not seen."""
    if character.isspace():
        return " "
    if unicodedata.category(character).startswith("C"):
        return ""
    return unicodedata.normalize("NFKC", character)
