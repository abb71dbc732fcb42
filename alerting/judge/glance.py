"""A first glance at a text: whether it is worth the question about a pseudonym alone, which takes two hundred times as
long. Nearly all texts that give somebody away are, and few ordinary posts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alerting.judge.encoding import encode

WEIGHTS = Path(__file__).parent / "glance.npy"
"""A weight for each piece of a word in ``vocabulary.txt``, by ``train_glance.py``. That of the first piece, which
stands in every text, is what the others are measured by."""


def glance(question: str) -> float:
    """Return how much more a text by :func:`alerting.judge.question` looks like those that give somebody away than
    like ordinary posts: above zero it is worth asking about."""
    return float(_weights()[sorted(set(encode(question).pieces))].sum())


@cache
def _weights() -> NDArray[np.float32]:
    weights: NDArray[np.float16] = np.load(WEIGHTS, allow_pickle=False)
    return weights.astype(np.float32)
