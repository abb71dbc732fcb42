"""The trained model at work: what spaCy would see by it, in a fraction of the time.

Words are alike all over: what the first layers make of one is kept. And whether an entity begins at a token does not
depend on the ones before, unless one is still open: so all tokens are asked at once, and only those of an entity one by
one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from io import BytesIO
from itertools import accumulate, chain
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from matchers.entities.model.hashes import keys_of
from matchers.entities.model.reading import features_of, manner

Weights: TypeAlias = "Mapping[str, npt.NDArray[Any]]"
_Floats: TypeAlias = "npt.NDArray[np.float32]"

WEIGHTS = files("matchers") / "entities" / "model" / "weights.npz"
_TOGETHER = 2_000
_REMEMBERED_WORDS = 32_768
_LEAST_VARIANCE = 1e-8


class Named(NamedTuple):
    """An entity: from which of a text's tokens to before which, and its label."""

    first: int
    end: int
    label: str


def trained_weights() -> dict[str, npt.NDArray[Any]]:
    """Return the weights that training left."""
    with np.load(BytesIO(WEIGHTS.read_bytes()), allow_pickle=False) as packed:
        return dict(packed)


def packed(weights: Weights) -> bytes:
    """Return the weights as they are kept, the numbers with 16 bits."""
    file = BytesIO()
    small: dict[str, Any] = {
        name: array.astype(np.float16) if np.issubdtype(array.dtype, np.floating) else array
        for name, array in weights.items()
    }
    np.savez_compressed(file, **small)
    return file.getvalue()


class Network:
    """The model with its weights. Not for several threads at once."""

    def __init__(self, weights: Weights) -> None:
        count = sum(name.endswith(".gain") for name in weights)
        mixing, *self._layers = (_Layer(weights, f"layer{number}") for number in range(count))
        self._words = _Words(weights, mixing)
        self._decisions = _Decisions(weights)

    def entities(self, texts: Sequence[Sequence[str]]) -> Iterator[list[Named]]:
        """Yield the entities in each of the texts, given as the words of their tokens."""
        batch: list[Sequence[str]] = []
        size = 0
        for text in texts:
            batch.append(text)
            size += len(text)
            if size >= _TOGETHER:
                yield from self._decisions.entities(batch, self._encoded(batch))
                batch, size = [], 0
        yield from self._decisions.entities(batch, self._encoded(batch))

    def _encoded(self, texts: Sequence[Sequence[str]]) -> _Floats:
        """Return a vector for each token of the texts, in a row, that tells of its neighbours too."""
        # So many nothings stand between the texts that no layer looks over them.
        between = len(self._layers)
        vectors, is_token = self._words.vectors(texts, between)
        for layer in self._layers:
            beside = np.zeros((len(vectors), 3 * layer.width), dtype=np.float32)
            beside[1:, : layer.width] = vectors[:-1]
            beside[:, layer.width : 2 * layer.width] = vectors
            beside[:-1, 2 * layer.width :] = vectors[1:]
            vectors += layer(beside)
        return vectors[is_token]


class _Layer:
    """A layer whose outputs are the greatest of a few pieces, made even."""

    def __init__(self, weights: Weights, name: str) -> None:
        pieces, self.width, inputs = weights[f"{name}.weights"].shape
        self._weights = _prepared(weights[f"{name}.weights"].reshape(pieces * self.width, inputs).T)
        self._bias = _prepared(weights[f"{name}.bias"].reshape(-1))
        self._gain, self._shift = _prepared(weights[f"{name}.gain"]), _prepared(weights[f"{name}.shift"])

    def __call__(self, inputs: _Floats) -> _Floats:
        outputs = _greatest(inputs @ self._weights + self._bias, self.width)
        outputs -= outputs.mean(axis=1, keepdims=True)
        variances = np.einsum("ij,ij->i", outputs, outputs) / self.width + _LEAST_VARIANCE
        outputs *= (1 / np.sqrt(variances))[:, None]
        outputs *= self._gain
        outputs += self._shift
        return outputs


class _Known(dict[str, int]):
    """Where words that are written in one manner stand among ``all_words``, counted from one; others are added."""

    def __init__(self, how: str, all_words: list[tuple[str, str]]) -> None:
        self._how = how
        self._all = all_words

    def __missing__(self, word: str) -> int:
        self._all.append((word, self._how))
        place = self[word] = len(self._all)
        return place


class _Words:
    """The vectors of words by themselves. Those of the words that were read last are remembered."""

    def __init__(self, weights: Weights, mixing: _Layer) -> None:
        self._tables = [
            (_prepared(weights[f"table{number}"]), seed) for number, seed in enumerate(weights["seeds"].tolist())
        ]
        self._mixing = mixing
        self._all: list[tuple[str, str]] = []
        self._known: dict[str, _Known] = {}
        self._count = 0
        # The first is that of nothing.
        self._vectors = np.zeros((1, mixing.width), dtype=np.float32)

    def vectors(self, texts: Sequence[Sequence[str]], between: int) -> tuple[_Floats, npt.NDArray[np.bool_]]:
        """Return the vectors of all words in a row, with so many of nothing before, between and after the texts; and
        which of the row are words."""
        if len(self._all) > _REMEMBERED_WORDS:
            self._all.clear()
            self._known.clear()
            self._count = 0
        nothing = [0] * between
        places = nothing.copy()
        for words in texts:
            if (how := manner(words)) not in self._known:
                self._known[how] = _Known(how, self._all)
            places += map(self._known[how].__getitem__, words)
            places += nothing
        self._embed()
        row = np.array(places)
        return self._vectors[row], row > 0

    def _embed(self) -> None:
        """Add the vectors of the words that were added."""
        if unknown := self._all[self._count :]:
            if len(self._vectors) <= len(self._all):
                grown = np.zeros((2 * len(self._all), self._mixing.width), dtype=np.float32)
                grown[: len(self._vectors)] = self._vectors
                self._vectors = grown
            features = features_of(unknown)
            embedded = [
                table[keys_of(column, seed) % len(table)].sum(axis=1)
                for column, (table, seed) in zip(features.T, self._tables, strict=True)
            ]
            self._vectors[self._count + 1 : len(self._all) + 1] = self._mixing(np.concatenate(embedded, axis=1))
            self._count = len(self._all)


class _Decisions:
    """Where entities begin and end, as spaCy's transition-based recogniser decides it."""

    def __init__(self, weights: Weights) -> None:
        shares, pieces, self._width, inputs = weights["state.weights"].shape
        self._shape = shares, pieces * self._width
        self._weights = _prepared(weights["state.weights"].reshape(-1, inputs).T)
        self._bias = _prepared(weights["state.bias"].reshape(-1))
        self._shift = _prepared(weights["state.shift"].reshape(-1))
        absent = _prepared(weights["state.absent"].reshape(self._shape))
        self._shift_where_none_is_open = self._shift + absent[1] + absent[2]
        moves: list[str] = weights["moves"].tolist()
        scores, bias = _prepared(weights["score.weights"]), _prepared(weights["score.bias"])
        # "U-" is for what spaCy was told to be none.
        where_none_is_open = [place for place, move in enumerate(moves) if move[0] in "OBU" and move != "U-"]
        self._moves = [moves[place] for place in where_none_is_open]
        self._outside = self._moves.index("O")
        self._beginning = [place for place, move in enumerate(self._moves) if move[0] == "B"]
        self._scores, self._scores_bias = _prepared(scores[where_none_is_open].T), bias[where_none_is_open]
        self._last_rather_than_in = {
            label: (scores[last] - scores[inside], bias[last] - bias[inside])
            for label in (move[2:] for move in moves if move[0] == "L")
            for last, inside in [(moves.index(f"L-{label}"), moves.index(f"I-{label}"))]
        }

    def entities(self, texts: Sequence[Sequence[str]], vectors: _Floats) -> Iterator[list[Named]]:
        """Yield the entities in each of the texts, whose tokens have these vectors."""
        shares = (vectors @ self._weights + self._bias).reshape(-1, *self._shape)
        moves = self._moves_where_none_is_open(texts, shares)
        starting = deque(np.flatnonzero(moves != self._outside).tolist())
        start = 0
        for text in texts:
            end = start + len(text)
            found = []
            free = start
            while starting and starting[0] < end:
                if (first := starting.popleft()) >= free:
                    kind, _, label = self._moves[moves[first]].partition("-")
                    free = first + 1 if kind == "U" else self._end(shares, first, end, label)
                    found.append(Named(first - start, free - start, label))
            yield found
            start = end

    def _moves_where_none_is_open(self, texts: Sequence[Sequence[str]], shares: _Floats) -> npt.NDArray[np.intp]:
        """Return the best move at each token where no entity is open. None begins at the last token of a text to go on
        after it, nor at a line break."""
        scores = _greatest(shares[:, 0] + self._shift_where_none_is_open, self._width) @ self._scores
        scores += self._scores_bias
        last = [end - 1 for text, end in zip(texts, accumulate(map(len, texts)), strict=True) if text]
        scores[np.ix_(last, self._beginning)] = -np.inf
        breaks = [place for place, word in enumerate(chain.from_iterable(texts)) if word == "\n"]
        scores[breaks] = -np.inf
        scores[breaks, self._outside] = 0
        best: npt.NDArray[np.intp] = scores.argmax(axis=1)
        return best

    def _end(self, shares: _Floats, first: int, end_of_text: int, label: str) -> int:
        """Return before which token the entity ends that begins at the ``first``."""
        weights, bias = self._last_rather_than_in[label]
        of_entity = self._shift + shares[first, 1]
        for place in range(first + 1, end_of_text - 1):
            state = shares[place, 0] + shares[place - 1, 2] + of_entity
            if _greatest(state[None], self._width)[0] @ weights + bias > 0:
                return place + 1
        return end_of_text


def _greatest(inputs: _Floats, width: int) -> _Floats:
    """Return the greatest of the pieces of that width that stand side by side."""
    greatest = inputs[:, :width]
    for start in range(width, inputs.shape[1], width):
        greatest = np.maximum(greatest, inputs[:, start : start + width])
    return greatest


def _prepared(weights: npt.NDArray[Any]) -> _Floats:
    return np.ascontiguousarray(weights, dtype=np.float32)
