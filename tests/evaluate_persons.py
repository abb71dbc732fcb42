"""Measures how persons, places and organisations are recognised in sentences kept aside from training.

``python -m tests.evaluate_persons SHARED`` prints, for each collection, strict precision, recall and F1 by type: what
is found counts if its type and both its ends are those of the label.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from core.types import Document, EntityType
from matchers.entities import EntityPipeline, PersonRecogniser
from matchers.entities.model.corpus import LOCATION, ORGANIZATION, PERSON, Sentence, kept_aside

_TYPES = {PERSON: EntityType.PERSON, LOCATION: EntityType.LOCATION, ORGANIZATION: EntityType.ORGANIZATION}
_LOWER_CASED = ("wnut17.dev", "tweebank.dev", "btc.g, last part", "btc.h1", "pii_sentences, odd templates")
_MENTIONS = ("btc.g, last part", "btc.h1")
_ORDINARY = "posts of goemotions kept aside, without masked names"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--nlp-model", help="an installed spaCy pipeline to measure instead")
    parser.add_argument("--evidence", action="store_true", help="print the precision of each kind of evidence too")
    arguments = parser.parse_args()
    pipeline = EntityPipeline([PersonRecogniser(arguments.nlp_model)])
    evidence: dict[str, Counter[bool]] = {}

    print(f"{'':48}{'PERSON':^22}{'LOCATION':^22}{'ORGANIZATION':^22}")
    print(f"{'precision, recall, F1':48}" + f"{'P':>7}{'R':>7}{'F1':>6}  " * 3)
    for name, sentences in kept_aside(arguments.shared).items():
        _print(name, _figures(pipeline, sentences, evidence))
        if name in _MENTIONS:
            _print("  with @mentions counted as persons", _figures(pipeline, list(map(_with_mentions, sentences))))
        if name in _LOWER_CASED:
            _print("  lower-cased", _figures(pipeline, list(map(_lower_cased, sentences))))
    posts = ordinary_posts(arguments.shared)
    persons = sum(kind is EntityType.PERSON for found in _found(pipeline, posts) for _, _, kind in found)
    print(f"persons in 1,000 {_ORDINARY}: {1_000 * persons / len(posts):.1f}")
    if arguments.evidence:
        for kind, outcomes in sorted(evidence.items()):
            print(f"{kind:48}{outcomes[True]:6} of {outcomes.total():6} right: {outcomes[True] / outcomes.total():.2f}")


def ordinary_posts(shared: Path) -> list[str]:
    """Return 4,000 posts that the model does not learn from, in which no name was masked."""
    with gzip.open(shared / "data" / "posts" / "goemotions.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for number, line in enumerate(lines) if number % 2]
    return [text for text in texts if "[NAME]" not in text][:4_000]


def _lower_cased(sentence: Sentence) -> Sentence:
    # Letter by letter, as a few letters have small forms of two code points.
    text = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in sentence.text)
    return Sentence(text, sentence.entities, sentence.unknown, sentence.mentions)


def _with_mentions(sentence: Sentence) -> Sentence:
    mentions = ((start, end, PERSON) for start, end in sentence.mentions)
    return Sentence(sentence.text, tuple(sorted((*sentence.entities, *mentions))))


def _found(pipeline: EntityPipeline, texts: Sequence[str]) -> list[dict[tuple[int, int, EntityType], str]]:
    documents = [Document(id=str(number), text=text) for number, text in enumerate(texts)]
    return [
        {
            (entity.span.start, entity.span.end, entity.type): entity.recogniser
            for entity in entities
            if entity.type in _TYPES.values()
        }
        for entities in pipeline.recognise(documents)
    ]


def _figures(
    pipeline: EntityPipeline, sentences: Sequence[Sentence], evidence: dict[str, Counter[bool]] | None = None
) -> dict[EntityType, tuple[int, int, int]]:
    """Return for each type how many were found rightly, found and labelled."""
    figures = dict.fromkeys(_TYPES.values(), (0, 0, 0))
    for sentence, found in zip(sentences, _found(pipeline, [row.text for row in sentences]), strict=True):
        labelled = {(start, end, _TYPES[label]) for start, end, label in sentence.entities}
        for kind, (right, seen, there) in figures.items():
            of_kind = {row for row in found if row[2] is kind and not _is_unknown(sentence, row[0], row[1])}
            figures[kind] = (
                right + len(of_kind & labelled),
                seen + len(of_kind),
                there + sum(row[2] is kind for row in labelled),
            )
            if evidence is not None:
                for row in of_kind:
                    evidence.setdefault(f"{kind} {found[row]}", Counter())[row in labelled] += 1
    return figures


def _is_unknown(sentence: Sentence, start: int, end: int) -> bool:
    return any(start < last and first < end for first, last in (*sentence.unknown, *sentence.mentions))


def _print(name: str, figures: dict[EntityType, tuple[int, int, int]]) -> None:
    columns = []
    for right, seen, there in figures.values():
        precision, recall = right / max(seen, 1), right / max(there, 1)
        columns.append(f"{precision:7.2f}{recall:7.2f}{2 * right / max(seen + there, 1):6.2f}  ")
    print(f"{name:48}" + "".join(columns), flush=True)


if __name__ == "__main__":
    main()
