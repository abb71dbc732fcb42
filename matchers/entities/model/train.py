"""Trains the model: ``make model`` writes ``weights.npz`` beside this file.

The same data, seed and versions of the libraries give the same weights on the same machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from random import Random

from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Adam, compounding, fix_random_seed

from matchers.entities.model.building import document, recogniser, untrained, weights_of
from matchers.entities.model.corpus import Sentence, learned_from
from matchers.entities.model.generated import Generator
from matchers.entities.model.network import WEIGHTS, packed
from matchers.entities.model.reading import Tokens
from matchers.entities.model.slotted import slotted_texts

SEED = 17
_EPOCHS = 9
_FROM_TEMPLATES, _FROM_TEXTS, _MASKED, _ORDINARY = 4_000, 3_000, 3_400, 2_500
_RENAMED = 0.2
_SMALL, _LOUD = 0.3, 0.04
_DROPOUT = 0.2
_LEAST_WORDS, _MOST_WORDS, _GROWTH = 300, 1_200, 1.002


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path, help="the folder of the shared data")
    parser.add_argument("--texts", type=Path, required=True, help="the folder of texts with slots for names")
    parser.add_argument("--epochs", type=int, default=_EPOCHS)
    arguments = parser.parse_args()
    fix_random_seed(SEED)
    random = Random(SEED)  # noqa: S311
    nlp = untrained()
    labelled = list(chain.from_iterable(learned_from(arguments.shared).values()))
    generator = Generator(arguments.shared, SEED)
    texts = slotted_texts(arguments.texts)
    nlp.initialize(lambda: [_example(row, nlp.vocab) for row in labelled[:100]])
    optimizer = Adam(0.001, L2=0.01, grad_clip=1.0, use_averages=True)
    sizes = iter(compounding(_LEAST_WORDS, _MOST_WORDS, _GROWTH))
    for epoch in range(arguments.epochs):
        sentences = [generator.renamed(row) if random.random() < _RENAMED else row for row in labelled]
        sentences += generator.sentences(_FROM_TEMPLATES)
        sentences += generator.texts(texts, _FROM_TEXTS)
        sentences += generator.posts(_MASKED, _ORDINARY)
        random.shuffle(sentences)
        losses: dict[str, float] = {}
        for batch in _batches([_recased(row, random) for row in sentences], sizes):
            examples = [_example(row, nlp.vocab) for row in batch]
            nlp.update(examples, drop=_DROPOUT, sgd=optimizer, losses=losses)
        print(f"epoch {epoch + 1} of {arguments.epochs}: loss {losses['ner']:.0f}", flush=True)
    with recogniser(nlp).model.use_params(optimizer.averages):
        Path(str(WEIGHTS)).write_bytes(packed(weights_of(nlp)))


def _example(sentence: Sentence, vocabulary: Vocab) -> Example:
    tokens = Tokens(sentence.text)
    reference = document(tokens, vocabulary)
    first = {start: position for position, start in enumerate(tokens.starts)}
    last = {end: position for position, end in enumerate(tokens.ends)}
    entities, unknown = [], []
    for start, end, label in sentence.entities:
        if start in first and end in last:
            entities.append(Span(reference, first[start], last[end] + 1, label=label))
        else:
            unknown.append((start, end))
    taken = {token.i for span in entities for token in span}
    doubtful = {
        position
        for start, end in (*sentence.unknown, *unknown)
        for position in range(len(tokens.words))
        if tokens.starts[position] < end and start < tokens.ends[position] and position not in taken
    }
    missing = [Span(reference, position, position + 1) for position in sorted(doubtful)]
    reference.set_ents(entities, missing=missing, default="outside")
    return Example(Doc(vocabulary, words=tokens.words), reference)


def _recased(sentence: Sentence, random: Random) -> Sentence:
    """Return the sentence as some people write it: mostly as it is, or all in small or all in large letters."""
    drawn = random.random()
    if drawn > _SMALL + _LOUD:
        return sentence
    change = str.lower if drawn < _SMALL else str.upper
    letters = (change(letter) if len(change(letter)) == 1 else letter for letter in sentence.text)
    return Sentence("".join(letters), sentence.entities, sentence.unknown)


def _batches(sentences: Sequence[Sentence], sizes: Iterator[float]) -> Iterator[list[Sentence]]:
    batch: list[Sentence] = []
    room = next(sizes)
    for sentence in sentences:
        batch.append(sentence)
        room -= len(sentence.text.split())
        if room <= 0:
            yield batch
            batch, room = [], next(sizes)
    if batch:
        yield batch


if __name__ == "__main__":
    main()
