"""How the model reads text: as tokens, each with a few features of its spelling and of the lists that it stands in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain

import numpy as np
import numpy.typing as npt

from matchers.background import NEVER, listed_chance
from matchers.entities.model.hashes import hash_string
from matchers.folding import fold_text
from matchers.words import (
    forenames,
    ordinary_words,
    places,
    rarer_forenames,
    rarer_surnames,
    surnames,
    words_of_places,
)

FEATURES = 5

_REMEMBERED_WORDS = 65_536
_LONGEST_WORD = 40
_AFFIX = 3
_LONGEST_RUN_IN_SHAPE = 3
_RAREST = 9
_MOSTLY = 0.7

# Marks that belong to the letter before them, in the scripts of which names are listed.
_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0981-\u09cd\u0b82-\u0bcd\u0e31-\u0e4e"
    "\u17b4-\u17d3\u200c\u200d"
)
# Scripts without spaces between words: each sign is a token.
_SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(
    rf"(?:https?://|www\.)\S+"
    rf"|@\w+"
    rf"|[{_SIGNS}]"
    rf"|\b[DO]['’][^\W\d_a-z]\w+"
    rf"|(?:[^\W{_SIGNS}]|[{_MARKS}])+"
    rf"|['’](?:s|S|t|T|m|re|ve|ll|d)\b"
    rf"|\s*\n\s*"
    rf"|([^\s\w])\1*"
)


class Tokens:
    """The tokens of a text: what the model makes of them, and where each ``starts`` and ``ends`` in the text."""

    __slots__ = ("ends", "starts", "words")

    def __init__(self, text: str) -> None:
        found = list(_TOKEN.finditer(text))
        self.starts = [match.start() for match in found]
        self.ends = [match.end() for match in found]
        # Of a very long word the start tells enough, of a repeated sign one.
        self.words = [match[1] or match[0][:_LONGEST_WORD].strip() or "\n" for match in found]


def features_of(words: Iterable[tuple[str, str]]) -> npt.NDArray[np.uint64]:
    """Return the features of words, each with the :func:`manner` of its text, as hashes in an array of (words,
    ``FEATURES``)."""
    rows = [(*_features(word), _shape(word, how)) for word, how in words]
    return np.array(rows, dtype=np.uint64).reshape(-1, FEATURES)


def manner(words: Sequence[str]) -> str:
    """Return how capitals are used in a text: with none of them, a small letter tells nothing of a word."""
    letters = [word for word in words if word[0].isalpha()]
    capitals = sum(word[0].isupper() for word in letters)
    if not capitals:
        return "small"
    if capitals < _MOSTLY * len(letters):
        return "mixed"
    return "loud" if sum(map(str.isupper, letters)) > capitals / 2 else "titled"


@lru_cache(_REMEMBERED_WORDS)
def _features(word: str) -> tuple[int, ...]:
    plain = _plain(word)
    return (
        hash_string(plain),
        hash_string(plain[:_AFFIX] + "<"),
        hash_string(">" + plain[-_AFFIX:]),
        hash_string(_lists(word)),
    )


@lru_cache(_REMEMBERED_WORDS)
def _shape(word: str, how: str) -> int:
    return hash_string(how + _runs("".join(map(_class, word))))


def _plain(word: str) -> str:
    """Return the word in small letters without accents, its digits all the same."""
    if word.startswith("@") and len(word) > 1:
        return "@someone"
    if word.startswith(("http", "www.")) and len(word) > len("https://"):
        return "http://"
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    return "".join("0" if letter.isdigit() else letter for letter in bare.lower())


def _class(letter: str) -> str:
    if letter.isdigit():
        return "0"
    if letter.isupper():
        return "X"
    if letter.isalpha():
        # Letters without case are told apart from small ones.
        return "x" if letter.islower() else "c"
    return letter


def _runs(shape: str) -> str:
    return re.sub(rf"(.)\1{{{_LONGEST_RUN_IN_SHAPE - 1},}}", r"\1" * _LONGEST_RUN_IN_SHAPE, shape)


def _lists(word: str) -> str:
    folded = fold_text(word).text
    if not folded.isalpha() and "'" not in folded:
        return "none"
    chance = listed_chance(folded)
    rarity = _RAREST if chance <= NEVER else min(int(-chance), _RAREST - 1)
    letters = (letter for letter, words in _LISTS.items() if folded in words())
    return "".join(chain(letters, str(rarity)))


_LISTS: dict[str, Callable[[], frozenset[str]]] = {
    "F": forenames,
    "f": rarer_forenames,
    "S": surnames,
    "s": rarer_surnames,
    "P": places,
    "p": words_of_places,
    "o": ordinary_words,
}
