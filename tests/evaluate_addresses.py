"""Measures how well street addresses are told from ordinary talk (docs/evaluation.md holds the figures).

``python -m tests.evaluate_addresses [SHARED]``: the invented addresses under tests/entities by country; with the folder
of shared data also its labelled sentences, and what is seen in ordinary posts. ``--wrong`` shows what was missed, false
or not exact, but never of the held part.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matchers.entities.addresses import AddressRecogniser
from tests.address_set import Row, addresses_in, load_rows, measure

LABELS = ("ADDRESS", "STREET_ADDRESS")
POSTS = ("goemotions", "youtube", "long_emails")


def show_table(recogniser: AddressRecogniser, groups: Mapping[str, Sequence[Row]]) -> None:
    print("| rows | texts | addresses | found | exact | false | recall | exact recall | precision | country |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, rows in groups.items():
        one = measure(recogniser, rows)
        print(
            f"| {name} | {one.rows} | {one.addresses} | {one.found} | {one.exact} | {one.false} | {one.recall:.3f} "
            f"| {one.exact_recall:.3f} | {one.precision:.3f} | {one.right_country} |"
        )
    print()


def show_wrong(recogniser: AddressRecogniser, rows: Sequence[Row]) -> None:
    for row in rows:
        places = addresses_in(recogniser, row.text)
        if [(one.start, one.end) for one in places] == ([row.address] if row.address else []):
            continue
        seen = ", ".join(f"{row.text[one.start : one.end]!r} {one.confidence} {one.recogniser}" for one in places)
        print(f"{row.country}: {row.text!r}\n    {seen or 'nothing'}")
    print()


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as rows:
        yield from map(json.loads, rows)


def show_labelled(recogniser: AddressRecogniser, path: Path, *, is_wrong_shown: bool) -> None:
    labelled = found = exact = seen = right = 0
    for line in lines(path):
        text = line["text"]
        marked = [(start, end) for start, end, kind in line["labels"]]
        addresses = [(start, end) for start, end, kind in line["labels"] if kind in LABELS]
        places = [(one.start, one.end) for one in addresses_in(recogniser, text)]
        missed = [one for one in addresses if not any(_touch(one, place) for place in places)]
        false = [one for one in places if not any(_touch(one, other) for other in addresses)]
        labelled += len(addresses)
        found += len(addresses) - len(missed)
        exact += len(set(addresses) & set(places))
        seen += len(places)
        right += len(places) - len(false)
        if is_wrong_shown:
            for what, ones in (("MISSED", missed), ("FALSE", false)):
                for start, end in ones:
                    print(f"{what} {line.get('template_id')} {text[max(start - 40, 0):start]!r} [{text[start:end]!r}] "
                          f"{text[end:end + 20]!r} {len(marked)}")  # fmt: skip
    print(f"{path.name}: {labelled} addresses, recall {found / labelled:.3f} (exact {exact / labelled:.3f}), "
          f"{seen} seen, precision {right / seen:.3f}")  # fmt: skip


def _touch(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def show_posts(recogniser: AddressRecogniser, path: Path, *, is_wrong_shown: bool) -> None:
    posts = seen = 0
    for line in lines(path):
        posts += 1
        for one in addresses_in(recogniser, line["text"]):
            seen += 1
            if is_wrong_shown:
                print(f"{one.recogniser} {one.confidence} {line['text'][max(one.start - 30, 0):one.start]!r} "
                      f"[{line['text'][one.start:one.end]!r}] {line['text'][one.end:one.end + 20]!r}")  # fmt: skip
    print(f"{path.name}: {seen} addresses in {posts} posts, {100_000 * seen / posts:.1f} in 100,000")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures how well street addresses are found.")
    parser.add_argument("shared", type=Path, nargs="?", help="the folder of shared data")
    parser.add_argument("--wrong", action="store_true", help="show what was missed, false or not exact")
    options = parser.parse_args()
    recogniser = AddressRecogniser()
    rows = load_rows()
    dev = [row for row in rows if not row.is_held]
    countries = dict.fromkeys(row.country for row in rows)
    show_table(
        recogniser,
        {
            **{country: [row for row in rows if row.country == country] for country in countries},
            "dev": dev,
            "held": [row for row in rows if row.is_held],
            "all": rows,
        },
    )
    if options.wrong:
        show_wrong(recogniser, dev)
    if options.shared:
        folder = options.shared / "data"
        show_labelled(recogniser, folder / "entities/pii_sentences.dev.jsonl.gz", is_wrong_shown=options.wrong)
        for name in POSTS:
            show_posts(recogniser, folder / f"posts/{name}.jsonl.gz", is_wrong_shown=options.wrong)


if __name__ == "__main__":
    main()
