"""Marked texts as the network takes them: a number for each piece of a word, and the sign that the word has in
``links.yaml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerting.judge.marking import Mark, read_marks
from alerting.judge.pieces import Vocabulary
from alerting.places import RUNNING_TEXT, Place
from alerting.reading import Reading

VOCABULARY = Path(__file__).parent / "vocabulary.txt"
"""The pieces of words that the network knows, one a line, with the logarithm of its probability; special ones have
none."""
SIGNS = "phe=q>zVJSxUlkfasAgminrcoOy.?,:-()/'NT"
"""The signs that the network knows, in the order of their numbers from 1 on; 0 is any other word."""
LONGEST = 120
"""Pieces of words that are read."""
PADDING, FIRST, LAST = "[PAD]", "[CLS]", "[SEP]"


def mark_name(mark: Mark) -> str:
    """Return what the mark is called in the vocabulary."""
    return f"[{mark.name}]"


class Encoded(NamedTuple):
    """A marked text in numbers, both lists of the same length."""

    pieces: list[int]
    signs: list[int]


def encode(window: str, vocabulary: Vocabulary | None = None) -> Encoded:
    """Return a text marked by :mod:`alerting.judge.marking` in numbers: of a long one, the part around its marks.
    ``vocabulary`` is the network's own unless another is given."""
    known = vocabulary or _vocabulary()
    sign_at = _signs(window)
    pieces: list[int] = []
    signs: list[int] = []
    marked: list[int] = []
    position = 0
    for text, mark in read_marks(window):
        if mark is None:
            for piece in known.cut(text, after_blank=not position):
                pieces.append(piece.number)
                signs.append(sign_at[position + min(piece.start, len(text) - 1)])
        else:
            marked.append(len(pieces))
            pieces.append(known.numbers[mark_name(mark)])
            signs.append(0)
        position += len(text)
    room = LONGEST - 2
    first = max(0, min((marked[0] + marked[-1]) // 2 - room // 2 if marked else 0, len(pieces) - room))
    return Encoded(
        [known.numbers[FIRST], *pieces[first : first + room], known.numbers[LAST]],
        [0, *signs[first : first + room], 0],
    )


def padded(texts: list[Encoded]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pieces and signs of the texts, one row each, with zeros (which stand for padding) after the shorter."""
    longest = max(len(text.pieces) for text in texts)
    pieces = np.zeros((len(texts), longest), np.int64)
    signs = np.zeros((len(texts), longest), np.int64)
    for row, text in enumerate(texts):
        pieces[row, : len(text.pieces)] = text.pieces
        signs[row, : len(text.signs)] = text.signs
    return pieces, signs


def _signs(window: str) -> list[int]:
    """Return the number of the sign at each character."""
    at = [0] * len(window)
    reading = Reading(window, 0, [Place(RUNNING_TEXT, 0, len(window))])
    for start, end, sign in reading.read():
        number = SIGNS.find(sign) + 1
        at[start:end] = [number] * (end - start)
    return at


@cache
def _vocabulary() -> Vocabulary:
    special: list[str] = []
    probabilities: dict[str, float] = {}
    for line in VOCABULARY.read_text(encoding="utf-8").splitlines():
        piece, _, probability = line.partition("\t")
        if probability:
            probabilities[piece] = float(probability)
        else:
            special.append(piece)
    return Vocabulary(special, probabilities)
