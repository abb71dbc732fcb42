"""Persons by the gazetteer: frequent names of many countries that stand together as ``persons.yaml`` says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from core.types import EntityType
from matchers.entities.pieces import Piece, Sighting
from matchers.entities.tables import own_table
from matchers.folding import fold_text
from matchers.words import forenames, ordinary_words, surnames

_REMEMBERED_WORDS = 65_536
_LONGEST_NAME = 40
_SHORTEST_SMALL = 3
_TABLE = own_table("persons.yaml")
_TITLES = frozenset(_TABLE["titles"])
_ROWS = _TABLE["gazetteer"]
_PATTERNS = {
    row["name"]: (re.compile("".join(row["words"].split())), float(row["confidence"])) for row in _ROWS["patterns"]
}
_PARTICLES = frozenset(_ROWS["particles"])
_NOT_NAMES = frozenset(_ROWS["not_names"])


def listed_names(pieces: Sequence[Piece]) -> Iterator[Sighting]:
    """Yield the persons in the pieces."""
    for piece in pieces:
        tokens = piece.tokens
        kinds = "".join(map(_kind, tokens.words))
        for name, (pattern, confidence) in _PATTERNS.items():
            for match in pattern.finditer(kinds):
                start, end = piece.start + tokens.starts[match.start()], piece.start + tokens.ends[match.end() - 1]
                yield Sighting(piece.text, start, end, EntityType.PERSON, confidence, name)


@lru_cache(_REMEMBERED_WORDS)
def _kind(word: str) -> str:
    """Return the letter by which ``persons.yaml`` calls words like this one."""
    if len(word) == 1:
        if word in ",.-":
            return word
        # A capital I or A without its full stop is mostly a word.
        return "i" if word.isupper() and word not in "IA" else "_"
    if word.lower() in _TITLES:
        return "t"
    if word.lower() in _PARTICLES:
        return "p"
    if not word.replace("'", "").replace("’", "").isalpha() or len(word) > _LONGEST_NAME:
        return "_"
    folded = fold_text(word).text
    is_forename, is_surname = folded in forenames(), folded in surnames()
    if folded in _NOT_NAMES:
        return "_"
    if not (is_forename or is_surname):
        is_named = word[0].isupper() and word[1:].islower() and folded not in ordinary_words()
        return "W" if is_named else "_"
    kind = "b" if is_forename and is_surname else "f" if is_forename else "s"
    if word[0].isupper():
        return "_" if word.isupper() and folded in ordinary_words() else kind.upper()
    # Without capitals, in any script, a name that is a word too tells nothing.
    return kind if len(word) >= _SHORTEST_SMALL and folded not in ordinary_words() else "_"
