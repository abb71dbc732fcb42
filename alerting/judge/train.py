"""Trains the judge: ``make judge`` (about an hour of one core).

It begins with the pretrained network multilingual-e5-small (MIT licence), of which it keeps the pieces of words that
matter, learns what ``corpus.py`` gives, and writes ``vocabulary.txt`` and ``network.onnx`` (8-bit). With ``--further``
it begins with these two as they are and learns for a shorter time: when texts were added.
A part of the texts is left out, to choose thresholds with, and how well it is judged is shown in the end.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from zlib import crc32

import onnxruntime.quantization
import torch
from torch import nn

from alerting.judge import NETWORK
from alerting.judge.corpus import Example, examples
from alerting.judge.encoding import FIRST, LAST, PADDING, SIGNS, VOCABULARY, Encoded, encode, mark_name, padded
from alerting.judge.marking import Mark, read_marks
from alerting.judge.pieces import BLANK, UNKNOWN, Vocabulary
from alerting.judge.pretrained import Pretrained, path_of_pretrained, read_pretrained
from alerting.judge.shipped import read_weights

SEED = 17
BATCH = 32
WARM_UP = 0.1
DROPOUT = 0.2
FREQUENT_PIECES = 20_000
SEVERAL = 3
LEFT_OUT = 12
"""Of so many texts, one is left out."""
THRESHOLDS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
_SPECIAL = (PADDING, UNKNOWN, FIRST, LAST, *map(mark_name, Mark))
_BEGINS_AS = {
    PADDING: "<pad>",
    UNKNOWN: "<unk>",
    FIRST: "<s>",
    LAST: "</s>",
    mark_name(Mark.PSEUDONYM): BLANK + "user",
    mark_name(Mark.PERSON): BLANK + "name",
    mark_name(Mark.PARTICULAR): BLANK + "address",
}
_SCRIPTS = re.compile(
    f"{BLANK}?[\u0000-\u024f\u0300-\u036f\u0400-\u04ff\u0600-\u06ff\u2000-\u206f\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]*"
)
"""Latin, Cyrillic, Arabic and Chinese letters, their accents and signs."""


def kept_pieces(pretrained: Mapping[str, float], learnt: Sequence[Example]) -> dict[str, float]:
    """Return of the pretrained pieces, with their chances, the most frequent ones in the scripts that are learnt, and
    all that stand in several texts."""
    whole = Vocabulary([UNKNOWN], pretrained)
    names = [UNKNOWN, *pretrained]
    used = Counter(
        names[number]
        for example in learnt
        for number in {
            piece.number
            for text, mark in read_marks(example.window)
            if mark is None
            for piece in whole.cut(text, after_blank=True)
        }
    )
    frequent = [piece for piece in pretrained if _SCRIPTS.fullmatch(piece)][:FREQUENT_PIECES]
    kept = {*frequent, *(piece for piece, count in used.items() if count >= SEVERAL)} - {UNKNOWN}
    return {piece: chance for piece, chance in pretrained.items() if piece in kept}


@dataclass(frozen=True)
class Course:
    """How long and how fast is learned. In each epoch, that share of the questions about two is asked, and all about a
    pseudonym alone."""

    epochs: int
    learning_rate: float
    share_about_two: float


ANEW = Course(epochs=4, learning_rate=1e-4, share_about_two=1.0)
FURTHER = Course(epochs=2, learning_rate=5e-5, share_about_two=0.5)


class Network(nn.Module):
    """The pretrained network, told the signs of the words, and one number from what it says of the whole stretch, of
    the pseudonym, and of whom it is asked about."""

    def __init__(self, pretrained: Pretrained, vocabulary: Sequence[str]) -> None:
        super().__init__()
        self.base = pretrained.network
        width = self.base.config.hidden_size
        known = {piece: number for number, piece in enumerate((*pretrained.special, *pretrained.probabilities))}
        rows = [known[_BEGINS_AS.get(piece, piece)] for piece in vocabulary]
        self.pieces = nn.Embedding.from_pretrained(
            self.base.embeddings.word_embeddings.weight.data[rows].clone(), freeze=False
        )
        self.base.embeddings.word_embeddings = nn.Embedding(1, width)
        self.signs = nn.Embedding(len(SIGNS) + 1, width)
        nn.init.normal_(self.signs.weight, 0, 0.01)
        numbers = {piece: number for number, piece in enumerate(vocabulary)}
        self.pseudonym = numbers[mark_name(Mark.PSEUDONYM)]
        self.person, self.particular = numbers[mark_name(Mark.PERSON)], numbers[mark_name(Mark.PARTICULAR)]
        self.dropout = nn.Dropout(DROPOUT)
        self.says = nn.Linear(3 * width, 1)

    def forward(self, pieces: torch.Tensor, signs: torch.Tensor) -> torch.Tensor:
        read = pieces != 0
        told = self.base(inputs_embeds=self.pieces(pieces) + self.signs(signs), attention_mask=read.long())
        asked = (pieces == self.person) | (pieces == self.particular)
        views = [_mean(told.last_hidden_state, where) for where in (read, pieces == self.pseudonym, asked)]
        return self.says(self.dropout(torch.cat(views, -1))).squeeze(-1)


def _mean(vectors: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    share = where.unsqueeze(-1).float()
    return (vectors * share).sum(1) / share.sum(1).clamp(min=1)


def batches(encoded: Sequence[Encoded], drawn: Sequence[int], random: Random) -> Iterator[list[int]]:
    """Yield the places that were drawn, those of texts of like length together, in random order."""
    by_length = sorted(drawn, key=lambda place: (len(encoded[place].pieces), random.random()))
    together = [by_length[start : start + BATCH] for start in range(0, len(by_length), BATCH)]
    random.shuffle(together)
    yield from together


def train(network: Network, learnt: Sequence[Example], course: Course, random: Random) -> None:
    encoded = [encode(example.window) for example in learnt]
    # Twice as fast where the processor has matrices of such numbers, and slower where it has not.
    reckons_in_bfloat16 = torch.cpu._is_amx_tile_supported()
    alone = [place for place, example in enumerate(learnt) if not example.is_pair]
    about_two = [place for place, example in enumerate(learnt) if example.is_pair]
    asked_of_them = round(course.share_about_two * len(about_two))
    steps = course.epochs * -(-(len(alone) + asked_of_them) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=course.learning_rate, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(step / (steps * WARM_UP), 1) * max(1 - step / steps, 0)
    )
    for epoch in range(course.epochs):
        drawn = alone + random.sample(about_two, asked_of_them)
        network.train()
        total = 0.0
        for places in batches(encoded, drawn, random):
            pieces, signs = map(torch.from_numpy, padded([encoded[place] for place in places]))
            wanted = torch.tensor([float(learnt[place].is_linked) for place in places])
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=reckons_in_bfloat16):
                logits = network(pieces, signs)
            loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), wanted)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            total += loss.item() * len(places)
        print(f"epoch {epoch + 1}: loss {total / len(drawn):.3f}", flush=True)


def is_left_out(group: str) -> bool:
    """Return whether texts of the group are not learnt from."""
    return crc32(group.encode()) % LEFT_OUT == 0


def show(network: Network, left_out: Sequence[Example]) -> None:
    """Print recall and precision, question by question."""
    network.eval()
    chances: list[float] = []
    with torch.no_grad():
        for example in left_out:
            pieces, signs = map(torch.from_numpy, padded([encode(example.window)]))
            chances.append(float(torch.sigmoid(network(pieces, signs))[0]))
    for what, is_pair in (("two", True), ("the pseudonym alone", False)):
        for threshold in THRESHOLDS:
            ones = [
                (example.is_linked, chance >= threshold)
                for example, chance in zip(left_out, chances, strict=True)
                if example.is_pair is is_pair
            ]
            found = sum(is_linked and seen for is_linked, seen in ones)
            recall = found / max(sum(is_linked for is_linked, _ in ones), 1)
            precision = found / max(sum(seen for _, seen in ones), 1)
            print(f"{len(ones)} about {what} from {threshold}: recall {recall:.3f} precision {precision:.3f}")


def write(network: Network) -> None:
    network.eval()
    example = (torch.ones(2, 8, dtype=torch.long), torch.zeros(2, 8, dtype=torch.long))
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        torch.onnx.export(
            network,
            example,
            whole,
            input_names=["pieces", "signs"],
            output_names=["logits"],
            dynamic_axes={name: {0: "texts", 1: "length"} for name in ("pieces", "signs")} | {"logits": {0: "texts"}},
            dynamo=False,
        )
        onnxruntime.quantization.quantize_dynamic(
            whole, NETWORK, per_channel=True, weight_type=onnxruntime.quantization.QuantType.QInt8
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the judge of linkage.")
    parser.add_argument("shared", type=Path, help="the folder of the shared data")
    parser.add_argument("--further", action="store_true", help="begin with the network that stands there")
    options = parser.parse_args()
    torch.manual_seed(SEED)
    random = Random(SEED)  # noqa: S311
    known = list(examples(options.shared, random))
    pretrained = read_pretrained(path_of_pretrained())
    if not options.further:
        kept = kept_pieces(pretrained.probabilities, known)
        lines = [*_SPECIAL, *(f"{piece}\t{chance:.3f}" for piece, chance in kept.items())]
        VOCABULARY.write_text("\n".join(lines), encoding="utf-8")
    vocabulary = [line.partition("\t")[0] for line in VOCABULARY.read_text(encoding="utf-8").splitlines()]
    print(f"{len(known)} questions, {sum(one.is_linked for one in known)} linked; {len(vocabulary)} pieces of words")
    network = Network(pretrained, vocabulary)
    if options.further:
        network.load_state_dict(network.state_dict() | read_weights(NETWORK))
    learnt = [one for one in known if not is_left_out(one.group)]
    train(network, learnt, FURTHER if options.further else ANEW, random)
    write(network)
    show(network, [one for one in known if is_left_out(one.group)])


if __name__ == "__main__":
    main()
