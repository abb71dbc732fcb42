"""Words cut into the pieces that the network knows, as BERT does it (Devlin et al., 2019: basic tokenization in small
letters without accents, then WordPiece), with their places in the text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

UNKNOWN = "[UNK]"
CONTINUED = "##"
"""Stands before a piece that does not begin its word."""
_LONGEST_WORD = 100
_REMEMBERED = 65_536
_CHINESE = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
_SIGNS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


class Piece(NamedTuple):
    """A piece's number, and the character of the text at which it begins."""

    number: int
    start: int


class Vocabulary:
    """The pieces that are known, numbered in their order."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self.numbers: Mapping[str, int] = {piece: number for number, piece in enumerate(pieces)}

    def cut(self, text: str) -> Iterator[Piece]:
        """Yield the pieces of the text in order; a word that cannot be cut is one unknown piece."""
        for letters, places in _words(text):
            for number, offset in self._of_word(letters):
                yield Piece(number, places[offset])

    def _of_word(self, word: str) -> list[tuple[int, int]]:
        """Return the pieces of one word, the longest first piece first, with where in the word they begin."""
        found: list[tuple[int, int]] = []
        start = 0
        while start < len(word) <= _LONGEST_WORD:
            before = CONTINUED if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if before + word[start:end] in self.numbers), None)
            if end is None:
                break
            found.append((self.numbers[before + word[start:end]], start))
            start = end
        return found if start == len(word) else [(self.numbers[UNKNOWN], 0)]


def _words(text: str) -> Iterator[tuple[str, list[int]]]:
    """Yield the words, in small letters without accents, each with the places of its letters in the text."""
    letters: list[str] = []
    places: list[int] = []
    for place, written in enumerate(text):
        plain, stands_alone = _plain(written)
        if letters and (stands_alone or plain == " "):
            yield "".join(letters), places
            letters, places = [], []
        if stands_alone:
            yield plain, [place]
        elif plain != " ":
            letters += plain
            places += [place] * len(plain)
    if letters:
        yield "".join(letters), places


@lru_cache(maxsize=_REMEMBERED)
def _plain(character: str) -> tuple[str, bool]:
    """Return the character in small letters without accents (a blank for any blank), and whether it is a word."""
    category = unicodedata.category(character)
    if character.isspace():
        return " ", False
    if category.startswith("C"):
        return "", False
    if character in _SIGNS or category.startswith("P"):
        return character, True
    code = ord(character)
    if any(first <= code <= last for first, last in _CHINESE):
        return character, True
    decomposed = unicodedata.normalize("NFD", character.lower())
    return "".join(one for one in decomposed if unicodedata.category(one) != "Mn"), False
