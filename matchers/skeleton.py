"""The skeleton of a text: its letters and digits only, each as the letter of its leet class.

Words run together, signs that may stand for each other (``1 ! | i l``) become one letter, and equal letters in a
row within a word become one. Equal skeletons make a candidate; what really stands there is judged on the
folded text, to which every letter of the skeleton knows its way back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from matchers.folding import LEET_CLASSES

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
    codes = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    classes = (_WITH_SYMBOLS if symbols else _LETTERS)[np.minimum(codes, _LAST_CODE)]
    places = np.flatnonzero(classes)
    if not len(places):
        return Skeleton("", (), ())
    written = classes[places]
    is_new = np.ones(len(places), dtype=bool)
    is_new[1:] = (written[1:] != written[:-1]) | (places[1:] != places[:-1] + 1)
    firsts = np.flatnonzero(is_new)
    lasts = np.append(firsts[1:], len(places)) - 1
    starts = places[firsts]
    return Skeleton(classes[starts].tobytes().decode("utf-16-le"), starts.tolist(), (places[lasts] + 1).tolist())


def has_symbols(folded: str) -> bool:
    """Return whether the text holds signs that may stand for letters."""
    return _SYMBOL.search(folded) is not None


def _table(extra: str = "") -> npt.NDArray[np.uint16]:
    table = np.zeros(_LAST_CODE + 1, dtype="<u2")
    for code in range(_LAST_CODE):
        character = chr(code)
        if character.isalnum() or character in extra:
            table[code] = ord(LEET_CLASSES.get(character, character))
    return table


SYMBOLS = "".join(sign for sign in LEET_CLASSES if not sign.isalnum())
_SYMBOL = re.compile(f"[{re.escape(SYMBOLS)}]")
_LETTERS = _table()
_WITH_SYMBOLS = _table(SYMBOLS)
