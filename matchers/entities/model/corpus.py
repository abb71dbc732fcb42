"""Sentences labelled by hand: which of them the model learns from, and which are kept aside to measure it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PERSON, LOCATION, ORGANIZATION = "PERSON", "LOCATION", "ORGANIZATION"

Range = tuple[int, int]
"""Characters of a text, half-open."""

_LABELS = {
    "PER": PERSON,
    "PERSON": PERSON,
    "LOC": LOCATION,
    "LOCATION": LOCATION,
    "GPE": LOCATION,
    "ORG": ORGANIZATION,
    "ORGANIZATION": ORGANIZATION,
    "CORPORATION": ORGANIZATION,
    "GROUP": ORGANIZATION,
}
_UNCERTAIN = {"ADDRESS", "STREET_ADDRESS"}
"""What holds places that are not labelled by themselves."""

_MENTION = re.compile(r"@\s?\Z")
_LAST_OF_G_TO_LEARN_FROM = 1_500
_ECHR_KEPT_ASIDE = {"es": 178, "fr": 115}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text with its entities as (start, end, label) in code points, in order. Of the ranges in ``unknown`` nobody
    says whether they hold entities. ``mentions`` are the @handles that some collections label as persons."""

    text: str
    entities: tuple[tuple[int, int, str], ...]
    unknown: tuple[tuple[int, int], ...] = ()
    mentions: tuple[tuple[int, int], ...] = ()


def learned_from(shared: Path) -> dict[str, list[Sentence]]:
    """Return the labelled sentences that the model learns from, by collection."""
    return {
        "wnut17.train": _read(shared, "wnut17.train"),
        "tweebank.train": _read(shared, "tweebank.train"),
        "btc.a": _read(shared, "btc.a"),
        "btc.b": _read(shared, "btc.b"),
        "btc.e": _read(shared, "btc.e"),
        "btc.g, first part": _read(shared, "btc.g")[:_LAST_OF_G_TO_LEARN_FROM],
        "pii_sentences, even templates": _pii(shared, remainder=0),
        "echr.es, first half": _read(shared, "echr.es.dev")[: _ECHR_KEPT_ASIDE["es"]],
        "echr.fr, first half": _read(shared, "echr.fr.dev")[: _ECHR_KEPT_ASIDE["fr"]],
    }


def kept_aside(shared: Path) -> dict[str, list[Sentence]]:
    """Return the labelled sentences that the model is measured on and never learns from, by collection."""
    return {
        "wnut17.dev": _read(shared, "wnut17.dev"),
        "tweebank.dev": _read(shared, "tweebank.dev"),
        "btc.g, last part": _read(shared, "btc.g")[_LAST_OF_G_TO_LEARN_FROM:],
        "btc.h1": _read(shared, "btc.h1"),
        "pii_sentences, odd templates": _pii(shared, remainder=1),
        "echr.es, second half": _read(shared, "echr.es.dev")[_ECHR_KEPT_ASIDE["es"] :],
        "echr.fr, second half": _read(shared, "echr.fr.dev")[_ECHR_KEPT_ASIDE["fr"] :],
    }


def _read(shared: Path, name: str) -> list[Sentence]:
    return [_sentence(row) for row in _rows(shared, name)]


def _pii(shared: Path, remainder: int) -> list[Sentence]:
    rows = _rows(shared, "pii_sentences.dev")
    return [_sentence(row) for row in rows if int(row["template_id"]) % 2 == remainder]


def _rows(shared: Path, name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(shared / "data" / "entities" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _sentence(row: dict[str, Any]) -> Sentence:
    text: str = row["text"]
    entities, unknown, mentions = [], [], []
    for start, end, label in sorted(row["labels"]):
        if label in _UNCERTAIN:
            unknown.append((start, end))
        elif text[start] == "@" or _MENTION.search(text[:start]):
            mentions.append((start, end))
        elif known := _LABELS.get(label.upper()):
            entities.append((start, end, known))
    return Sentence(text, tuple(entities), tuple(unknown), tuple(mentions))
