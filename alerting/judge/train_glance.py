"""Trains the first glance (``glance.py``): the second part of ``make judge``, some minutes.

A logistic regression over the pieces of words tells the texts of ``texts/`` that give somebody away from ordinary posts
of the shared data with a pseudonym written in anywhere. It lets so many ordinary posts pass as ``PASSES`` says.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import nn

from alerting.judge.corpus import examples, posts
from alerting.judge.encoding import VOCABULARY, encode
from alerting.judge.glance import WEIGHTS
from alerting.judge.train import SEED, is_left_out

PASSES = 0.15
"""The share of ordinary posts that are asked about."""
EPOCHS = 4
BATCH = 256
LEARNING_RATE = 0.02
DECAY = 1e-5


class Glance(nn.Module):
    """A weight for each piece that stands in a text."""

    def __init__(self, piece_count: int) -> None:
        super().__init__()
        self.weights = nn.EmbeddingBag(piece_count, 1, mode="sum")
        nn.init.zeros_(self.weights.weight)

    def forward(self, texts: Sequence[list[int]]) -> torch.Tensor:
        starts = np.cumsum([0, *map(len, texts[:-1])])
        return self.weights(torch.tensor(list(chain(*texts))), torch.from_numpy(starts)).squeeze(-1)


def train(network: Glance, texts: Sequence[list[int]], answers: Sequence[bool], random: Random) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    order = list(range(len(texts)))
    for _ in range(EPOCHS):
        random.shuffle(order)
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            logits = network([texts[place] for place in places])
            wanted = torch.tensor([float(answers[place]) for place in places])
            loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted)
            loss = loss + DECAY * network.weights.weight.square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the first glance of the judge.")
    parser.add_argument("shared", type=Path, help="the folder of the shared data")
    shared = parser.parse_args().shared
    torch.manual_seed(SEED)
    random = Random(SEED)  # noqa: S311
    told = [one for one in examples(shared, random) if one.is_linked and not one.is_pair]
    learnt = [pieces(one.window) for one in told if not is_left_out(one.group)]
    left_out = [pieces(one.window) for one in told if is_left_out(one.group)]
    ordinary = [pieces(one) for one in posts(shared, random)]
    network = Glance(len(VOCABULARY.read_text(encoding="utf-8").splitlines()))
    train(network, [*learnt, *ordinary], [True] * len(learnt) + [False] * len(ordinary), random)
    with torch.no_grad():
        bar = float(np.quantile(network(ordinary).numpy(), 1 - PASSES))
        passing = float((network(left_out).numpy() > bar).mean())
    print(f"{passing:.3f} of {len(left_out)} texts left out pass, and {PASSES} of {len(ordinary)} posts")
    weights = network.weights.weight.detach().numpy()[:, 0]
    weights[encode("").pieces[0]] -= bar
    np.save(WEIGHTS, weights.astype(np.float16))


def pieces(window: str) -> list[int]:
    return sorted(set(encode(window).pieces))


if __name__ == "__main__":
    main()
