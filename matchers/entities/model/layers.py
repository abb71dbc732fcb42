"""The layer of the model that spaCy does not have, as ``config.cfg`` names it. Only training needs it.

Importing this module imports spaCy, which takes a while.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from spacy.tokens import Doc
from spacy.util import registry
from thinc.api import HashEmbed, Maxout, Model, concatenate, list2ragged, ragged2list, with_array
from thinc.api import chain as chained
from thinc.types import Floats2d, Ints2d

from matchers.entities.model.reading import features_of, manner

_FIRST_SEED = 8
"""The seed by which the first feature is hashed; the next ones have the next."""


def word_features(width: int, rows: Sequence[int]) -> Model[list[Doc], list[Floats2d]]:
    """Return a layer that embeds each feature of a token in a table of so many ``rows``, and mixes them to a vector of
    the ``width``: spaCy's MultiHashEmbed over our own features."""
    tables: list[Model[Any, Any]] = [
        HashEmbed(width, count, column=column, seed=column + _FIRST_SEED, dropout=0.0)
        for column, count in enumerate(rows)
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
        return [_features_of([token.text for token in doc]) for doc in docs], lambda _: []

    return Model("word_features", forward)


def _features_of(words: Sequence[str]) -> Ints2d:
    how = manner(words)
    return cast("Ints2d", features_of((word, how) for word in words))


registry.architectures.register("leakwatch.WordFeatures.v1", func=word_features)
