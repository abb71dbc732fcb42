"""The judge: a small trained network that reads whether a pseudonym is said to be a person, where no construction of
``constructions.yaml`` tells.

``MODEL_CARD.md`` says what it was trained on and how well it does; ``make judge`` trains it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

from alerting.judge.encoding import encode, padded
from alerting.judge.glance import glance
from alerting.judge.marking import Kind, Mention, Range, nearest, question

__all__ = ["Kind", "Mention", "Range", "glance", "nearest", "opinions", "question"]

NETWORK = Path(__file__).parent / "network.onnx"


def opinions(questions: Sequence[str]) -> list[float]:
    """Return for each question, a text by :func:`question`, how likely it says who or where the pseudonym's owner is
    (0 to 1)."""
    # One by one: the network rounds to 8 bits by all that it is given at once, and no answer may depend on another.
    return [_opinion(one) for one in questions]


def _opinion(one: str) -> float:
    pieces, signs = padded([encode(one)])
    (logits,) = _network().run(None, {"pieces": pieces, "signs": signs})
    return float(1 / (1 + np.exp(-logits[0])))


@cache
def _network() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # documents are examined by several workers
    return onnxruntime.InferenceSession(str(NETWORK), options, providers=["CPUExecutionProvider"])
