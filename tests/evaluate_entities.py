"""Measures the recognisers beside those of presidio-analyzer: ``make evaluate-entities`` (docs/evaluation.md).

A labelled span is *found* where an entity of its type overlaps it, and found *strictly* where one begins and ends with
it. Recall is the share of the labelled spans that are found. Precision is the share of the entities of a type that
overlap a labelled span of it. Both tools see the same rows, in the same run; presidio's are all its pattern
recognisers with their own settings, without a model of a language.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import tldextract
from presidio_analyzer import PatternRecognizer, RecognizerRegistry
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from core.settings import Settings
from core.types import Document, EntityType
from matchers.entities import EntityPipeline, pattern_recognisers

PII = "entities/pii_sentences.dev.jsonl.gz"
ECHR = ("entities/echr.es.dev.jsonl.gz", "entities/echr.fr.dev.jsonl.gz")
POSTS = ("posts/goemotions.jsonl.gz", "posts/youtube.jsonl.gz", "posts/long_emails.jsonl.gz")
POSTS_A_SOURCE = 2_000
"""Posts of each source that are timed; whole mails are fewer."""
ROUNDS = 6
DUMP_BYTES = 50_000
DUMP_ROUNDS = 5

# What the sets label, as we and presidio call it.
TYPES = {
    "PHONE_NUMBER": (EntityType.PHONE, "PHONE_NUMBER"),
    "EMAIL_ADDRESS": (EntityType.EMAIL, "EMAIL_ADDRESS"),
    "DOMAIN_NAME": (EntityType.URL, "URL"),
    "IP_ADDRESS": (EntityType.IP_ADDRESS, "IP_ADDRESS"),
    "CREDIT_CARD": (EntityType.CREDIT_CARD, "CREDIT_CARD"),
    "IBAN_CODE": (EntityType.IBAN, "IBAN_CODE"),
    "AGE": (EntityType.AGE, None),
    "DATE_OF_BIRTH": (EntityType.DATE_OF_BIRTH, "DATE_TIME"),
    "STREET_ADDRESS": (EntityType.ADDRESS, None),
    "CODE": (EntityType.CASE_NUMBER, None),
}


class Place(NamedTuple):
    """Where something of a type stands."""

    start: int
    end: int
    type: str


Recognise = Callable[[str], Sequence[Place]]


@dataclass(slots=True)
class Count:
    """Of one type: labelled spans, those found, found strictly; entities seen, and those that overlap a label."""

    labelled: int = 0
    found: int = 0
    strict: int = 0
    seen: int = 0
    right: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def labels(row: dict[str, Any]) -> Iterator[Place]:
    """Yield the labels of a row that we have a type for. The sets have one label for all dates: that of a row about
    birth is one of birth."""
    for start, end, kind in row["labels"]:
        if kind == "DATE_TIME":
            kind = "DATE_OF_BIRTH" if "birth" in row["text"][:start].lower() else kind
        elif kind == "ADDRESS":
            kind = "STREET_ADDRESS"
        if kind in TYPES:
            yield Place(start, end, kind)


def ours() -> Recognise:
    pipeline = EntityPipeline(pattern_recognisers(Settings().phone_regions))

    def recognise(text: str) -> list[Place]:
        (entities,) = pipeline.recognise([Document(id="1", text=text)])
        return [Place(entity.span.start, entity.span.end, entity.type) for entity in entities]

    return recognise


def theirs() -> Recognise:
    # The list of suffixes that comes with the package: nothing is fetched.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    recognisers = [one for one in registry.recognizers if isinstance(one, PatternRecognizer | PhoneRecognizer)]

    no_model: Any = None

    def recognise(text: str) -> list[Place]:
        return [
            Place(result.start, result.end, result.entity_type)
            for one in recognisers
            for result in one.analyze(text, one.supported_entities, no_model)
        ]

    return recognise


def counts(paths: Iterable[Path], recognise: Recognise, side: int) -> dict[str, Count]:
    """Return what was found and seen, by label; ``side`` 0 calls types as we do, 1 as presidio does."""
    found = {label: Count() for label in TYPES}
    for path in paths:
        for row in rows(path):
            wanted = list(labels(row))
            seen = recognise(row["text"])
            for label, names in TYPES.items():
                if names[side] is not None:
                    _count(found[label], row["text"], _of(wanted, label), _of(seen, names[side]))
    return {label: count for label, count in found.items() if count.labelled}


def _of(places: Iterable[Place], kind: str | None) -> list[Place]:
    return [place for place in places if place.type == kind]


def _count(count: Count, text: str, wanted: Sequence[Place], seen: Sequence[Place]) -> None:
    spans = {place[:2] for place in seen}
    count.labelled += len(wanted)
    count.strict += sum(place[:2] in spans for place in wanted)
    for place in wanted:
        if any(map(place_overlaps(place), seen)):
            count.found += 1
        else:
            count.missed.append(_shown(text, place))
    count.seen += len(spans)
    for span in spans:
        place = Place(*span, "")
        if any(map(place_overlaps(place), wanted)):
            count.right += 1
        else:
            count.wrong.append(_shown(text, place))


def place_overlaps(place: Place) -> Callable[[Place], bool]:
    return lambda other: place.start < other.end and other.start < place.end


def _shown(text: str, place: Place) -> str:
    before, after = text[max(place.start - 40, 0) : place.start], text[place.end : place.end + 20]
    return f"{before}[[{text[place.start : place.end]}]]{after}".replace("\n", "⏎")


def show_counts(title: str, mine: dict[str, Count], other: dict[str, Count]) -> None:
    print(f"\n{title}\n")
    print("| type | spans | recall | strict | precision | presidio: recall | strict | precision |")
    print("|---|---|---|---|---|---|---|---|")
    for label, count in mine.items():
        cells = [TYPES[label][0], count.labelled, *_shares(count), *_shares(other.get(label, Count()))]
        print("| " + " | ".join(map(str, cells)) + " |")


def _shares(count: Count) -> tuple[str, str, str]:
    return (
        _share(count.found, count.labelled),
        _share(count.strict, count.labelled),
        _share(count.right, count.seen),
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "–"


def contact_dump() -> str:
    """Return some 50 KB of invented rows of name, mail, phone, address and number, each time the same."""
    chosen = random.Random(17)
    names = ("Zorvek Quillfeather", "Maria Heronwood", "Anselm Harborlight", "Ilka Reedwater", "Tomas Sandpiper")
    streets = ("Elm Street", "Harbor Road", "Heron Avenue", "Lantern Lane")
    lines: list[str] = []
    while sum(map(len, lines)) < DUMP_BYTES:
        number = len(lines)
        name = chosen.choice(names)
        phone = f"({chosen.randint(201, 989)}) 555-0{chosen.randint(100, 199)}"
        address = f"{chosen.randint(1, 999)} {chosen.choice(streets)}, Springfield, IL {chosen.randint(60000, 62999)}"
        mail = f"{name.lower().replace(' ', '.')}{number}@mail.example"
        identifier = f"{chosen.randint(100, 665)}-{chosen.randint(10, 99)}-{chosen.randint(1000, 9999)}"
        lines.append(f"{name}, {phone}, {mail}, {address}, SSN {identifier}\n")
    return "".join(lines)


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time that work takes, which other processes hardly change."""
    start = time.process_time()
    work()
    return time.process_time() - start


def show_speed(shared: Path, mine: Recognise, other: Recognise) -> None:
    pipeline = EntityPipeline(pattern_recognisers(Settings().phone_regions))
    print("\n| posts | characters in one | posts/s | presidio: posts/s | times as fast |\n|---|---|---|---|---|")
    for name in POSTS:
        posts = [row["text"] for row in islice(rows(shared / name), POSTS_A_SOURCE)]
        documents = [Document(id=str(number), text=text) for number, text in enumerate(posts)]
        pipeline.recognise(documents)
        # In turns, so that whatever else the machine does slows down both; the best of each.
        pairs = [_one_round(pipeline, documents, other) for _ in range(ROUNDS)]
        ours, others = (len(posts) / min(times) for times in zip(*pairs, strict=True))
        mean = sum(map(len, posts)) / len(posts)
        print(f"| {name} | {mean:.0f} | {ours:,.0f} | {others:,.0f} | {ours / others:.0f} |")
    dump = contact_dump()
    best = min(seconds(lambda: mine(dump)) for _ in range(DUMP_ROUNDS))
    print(f"\nA contact dump of {len(dump) / 1000:.0f} KB: {len(mine(dump))} entities in {best * 1000:.0f} ms")


def _one_round(pipeline: EntityPipeline, documents: Sequence[Document], other: Recognise) -> tuple[float, float]:
    return (
        seconds(lambda: pipeline.recognise(documents)),
        seconds(lambda: [other(document.text) for document in documents]),
    )


def show_quiet(shared: Path, recognise: Recognise) -> None:
    """Show how many entities real posts hold, by type: most of these posts hold none that matters."""
    print("\n| posts | number | " + " | ".join(EntityType) + " |")
    print("|---|---|" + "---|" * len(EntityType))
    for name in POSTS:
        found: Counter[str] = Counter()
        texts = [row["text"] for row in rows(shared / name)]
        for text in texts:
            found.update(place.type for place in recognise(text))
        print(f"| {name} | {len(texts)} | " + " | ".join(str(found[kind]) for kind in EntityType) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the recognisers beside presidio-analyzer's.")
    parser.add_argument("shared", type=Path, help="the folder that holds data/entities and data/posts")
    parser.add_argument("--wrong", action="store_true", help="show what was missed and what was seen wrongly")
    options = parser.parse_args()
    folder = options.shared / "data"
    mine, other = ours(), theirs()
    for title, names in (("Sentences with particulars (pii_sentences.dev)", (PII,)), ("Court decisions (ECHR)", ECHR)):
        paths = [folder / name for name in names]
        our_counts = counts(paths, mine, 0)
        show_counts(title, our_counts, counts(paths, other, 1))
        for label, count in our_counts.items() if options.wrong else ():
            for line in (*(f"missed {one}" for one in count.missed), *(f"wrong {one}" for one in count.wrong)):
                print(f"  {TYPES[label][0]} {line}")
    show_quiet(folder, mine)
    show_speed(folder, mine, other)


if __name__ == "__main__":
    main()
