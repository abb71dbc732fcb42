"""The skeleton of a text: its letters and digits only, each as the letter of its leet class.

Words run together, signs that may stand for each other (``1 ! | i l``) become one letter, and equal letters in a
row within a word become one. Equal skeletons make a candidate; what really stands there is judged on the
folded text, to which every letter of the skeleton knows its way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from matchers.flat import Codes
from matchers.folding import LEET_CLASSES, SYMBOLS
from matchers.hashing import Places

Letters = npt.NDArray[np.uint16]

_SHORT = 64
_LAST_CODE = 0xFFFF
"""Letters beyond the Basic Multilingual Plane that are left after folding are treated as spaces."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """``letters[i]`` stands for the folded characters ``starts[i]`` to ``ends[i]``, all of its class."""

    letters: str = field(repr=False)
    starts: Sequence[int] = field(repr=False)
    ends: Sequence[int] = field(repr=False)


def skeleton(folded: str, *, symbols: bool = False) -> Skeleton:
    """Return the skeleton of folded text; with ``symbols``, signs such as ``@`` and ``$`` count as letters."""
    if len(folded) > _SHORT:
        codes = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        letters, starts, ends = letters_of(codes, WITH_SYMBOLS if symbols else LETTERS)
        return Skeleton(letters.tobytes().decode("utf-16-le", "surrogatepass"), starts.tolist(), ends.tolist())
    return _short_skeleton(folded, symbols=symbols)


def _short_skeleton(folded: str, *, symbols: bool) -> Skeleton:
    """Do the same character by character: for a word, arrays cost more than they save."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for at, character in enumerate(folded):
        if not (character.isalnum() or (symbols and character in SYMBOLS)) or ord(character) > _LAST_CODE:
            continue
        letter = LEET_CLASSES.get(character, character)
        if letters and letters[-1] == letter and ends[-1] == at:
            ends[-1] = at + 1
        else:
            letters.append(letter)
            starts.append(at)
            ends.append(at + 1)
    return Skeleton("".join(letters), starts, ends)


def letters_of(codes: Codes, table: Letters) -> tuple[Letters, Places, Places]:
    """Return the skeleton of folded characters, going by one of the tables: its letters, and where each starts and
    ends."""
    classes = table[np.minimum(codes, len(table) - 1)]
    places = np.flatnonzero(classes)
    written = classes[places]
    is_new = np.ones(len(places), dtype=bool)
    is_new[1:] = (written[1:] != written[:-1]) | (places[1:] != places[:-1] + 1)
    firsts = np.flatnonzero(is_new)
    starts = places[firsts]
    ends = np.append(places[firsts[1:] - 1], places[-1:]) + 1
    return written[firsts], starts, ends


def has_symbols(folded: str) -> bool:
    """Return whether the text holds signs that may stand for letters."""
    return any(sign in folded for sign in SYMBOLS)


def _table(extra: str = "") -> npt.NDArray[np.uint16]:
    table = np.zeros(_LAST_CODE + 1, dtype="<u2")
    for code in range(_LAST_CODE):
        character = chr(code)
        if character.isalnum() or character in extra:
            table[code] = ord(LEET_CLASSES.get(character, character))
    return table


LETTERS = _table()
"""The letter of its class for every letter and digit, 0 for any other character."""
WITH_SYMBOLS = _table(SYMBOLS)
"""The same, where signs that may stand for letters count too."""
