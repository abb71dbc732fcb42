"""The judge: a small trained network that reads whether a pseudonym is said to be a person, where no construction of
``constructions.yaml`` tells.

``MODEL_CARD.md`` says what it was trained on and how well it does; ``make judge`` trains it anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

from alerting.judge.encoding import encode, padded
from alerting.judge.glance import glance
from alerting.judge.marking import Kind, Mention, Range, nearest, question

__all__ = ["Kind", "Mention", "Range", "glance", "nearest", "opinions", "question"]

NETWORK = Path(__file__).parent / "network.onnx"
_AT_ONCE = 16


def opinions(questions: Sequence[str]) -> list[float]:
    """Return for each question, a text by :func:`question`, how likely it says who or where the pseudonym's owner is
    (0 to 1)."""
    opinions = [0.0] * len(questions)
    for places, chances in _in_batches(questions):
        for place, chance in zip(places, chances, strict=True):
            opinions[place] = chance
    return opinions


def _in_batches(questions: Sequence[str]) -> Iterator[tuple[list[int], list[float]]]:
    encoded = [encode(one) for one in questions]
    by_length = sorted(range(len(encoded)), key=lambda place: len(encoded[place].pieces))
    for start in range(0, len(by_length), _AT_ONCE):
        places = by_length[start : start + _AT_ONCE]
        pieces, signs = padded([encoded[place] for place in places])
        (logits,) = _network().run(None, {"pieces": pieces, "signs": signs})
        yield places, (1 / (1 + np.exp(-logits))).tolist()


@cache
def _network() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # documents are examined by several workers
    return onnxruntime.InferenceSession(str(NETWORK), options, providers=["CPUExecutionProvider"])
