"""Texts in pieces, which names are looked for in, and what is seen there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from core.types import EntityType
from matchers.entities.model.reading import Tokens

_LONGEST = 1_000
# A piece ends at the last line break or end of a sentence that it holds, else at its last space.
_PIECE = re.compile(
    rf"(?s).{{1,{_LONGEST}}}\Z|.{{1,{_LONGEST - 1}}}(?:\n|(?<=[.!?])\s)|.{{1,{_LONGEST - 1}}}\s|.{{{_LONGEST}}}"
)


class Sighting(NamedTuple):
    """What was seen in which of the texts, and where there."""

    text: int
    start: int
    end: int
    type: EntityType
    confidence: float
    recogniser: str


@dataclass(frozen=True, eq=False, repr=False)
class Piece:
    """What is ``written`` in the text of a number from ``start`` on."""

    text: int
    start: int
    written: str

    @cached_property
    def tokens(self) -> Tokens:
        """Its tokens, whose places count from its start."""
        return Tokens(self.written)


def pieces(texts: Sequence[str]) -> Iterator[Piece]:
    """Yield the texts in pieces of at most 1,000 code points: what one of them holds tells little of the others, and
    an installed pipeline may take quadratic time on hostile text."""
    for number, text in enumerate(texts):
        for piece in _PIECE.finditer(text):
            yield Piece(number, piece.start(), piece[0])
