"""How the model reads text: as tokens, each with a few features of its spelling and of the lists that it stands in.

Importing this module imports spaCy, which takes a while.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, cast

import numpy as np
from spacy import strings
from spacy.tokens import Doc
from spacy.util import registry
from spacy.vocab import Vocab
from thinc.api import HashEmbed, Maxout, Model, concatenate, list2ragged, ragged2list, with_array
from thinc.api import chain as chained
from thinc.types import Floats2d, Ints2d

from matchers.background import NEVER, listed_chance
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
# What spaCy tells strings apart by, which its stubs leave out.
hash_string: Callable[[str], int] = vars(strings)["hash_string"]

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

    def document(self, vocabulary: Vocab) -> Doc:
        """Return the tokens as spaCy takes them."""
        return Doc(vocabulary, words=self.words)


def word_features(width: int, rows: Sequence[int]) -> Model[list[Doc], list[Floats2d]]:
    """Return a layer that embeds each feature of a token in a table of so many ``rows``, and mixes them to a vector of
    the ``width``: spaCy's MultiHashEmbed over our own features."""
    tables: list[Model[Any, Any]] = [
        HashEmbed(width, count, column=column, seed=column + 8, dropout=0.0) for column, count in enumerate(rows)
    ]
    mixed = Maxout(width, width * len(tables), nP=3, dropout=0.0, normalize=True)
    embedded: Model[Any, Any] = chained(
        _extracted(), list2ragged(), with_array(concatenate(*tables)), with_array(mixed), ragged2list()
    )
    return embedded


def _extracted() -> Model[list[Doc], list[Ints2d]]:
    def forward(
        _model: Model[list[Doc], list[Ints2d]], docs: list[Doc], **_: bool
    ) -> tuple[list[Ints2d], Callable[[list[Ints2d]], list[Doc]]]:
        return [cast("Ints2d", features_of(doc)) for doc in docs], lambda _: []

    return Model("word_features", forward)


def features_of(doc: Doc) -> np.ndarray:
    """Return the features of each token as hashes, in an array of (tokens, ``FEATURES``)."""
    words = [token.text for token in doc]
    if not words:
        return np.zeros((0, FEATURES), dtype=np.uint64)
    manner = _manner(words)
    return np.array([(*_features(word), _shape(word, manner)) for word in words], dtype=np.uint64)


def _manner(words: Sequence[str]) -> str:
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
def _shape(word: str, manner: str) -> int:
    return hash_string(manner + _runs("".join(map(_class, word))))


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

registry.architectures.register("leakwatch.WordFeatures.v1", func=word_features)
