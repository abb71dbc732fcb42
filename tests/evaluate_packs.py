"""Measures how quiet the topic packs are in ordinary talk: ``make evaluate-packs``.

Prints, for each pack, the share of posts in which it fires, by file; with ``--by-phrase`` which of its phrases and
queries do, the loudest first.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.types import Document, Pack
from matchers.surroundings import stretches_around
from matchers.topics import Topics, topics_of
from watchlists.packs import load_packs


def firing(topics: Topics, text: str) -> set[str]:
    """Return the names of the packs that fire in the text."""
    document = Document(id="1", text=text)
    return {pack for stretch in stretches_around(document, []) for pack, _ in topics.find(document, stretch)}


def by_phrase(packs: Iterable[Pack]) -> list[Pack]:
    """Return a pack for each phrase and each query, with its own for a name."""
    return [
        *(Pack(name=f"{pack.name}: {one}", description="", phrases=(one,)) for pack in packs for one in pack.phrases),
        *(
            Pack(name=f"{pack.name}: {one}", description="", phrases=(), queries=(one,))
            for pack in packs
            for one in pack.queries
        ),
    ]


def posts(path: Path) -> list[str]:
    with gzip.open(path, "rt") as lines:
        return [json.loads(line)["text"] for line in lines]


def paragraphs(folder: Path) -> list[str]:
    return [part for path in sorted(folder.glob("*.txt")) for part in path.read_text().split("\n\n") if part.strip()]


def main(arguments: Sequence[str]) -> None:
    shared = Path(arguments[0])
    texts = {path.name.split(".")[0]: posts(path) for path in sorted((shared / "data" / "posts").glob("*.gz"))}
    texts["background"] = paragraphs(shared / "background")
    packs = by_phrase(load_packs()) if "--by-phrase" in arguments else load_packs()
    topics = topics_of(tuple(packs))
    fired = {name: Counter(pack for text in rows for pack in firing(topics, text)) for name, rows in texts.items()}
    print(*(f"{name:>14}" for name in texts), " % of texts in which it fires, of so many:")
    print(*(f"{len(rows):14,}" for rows in texts.values()))
    for pack in sorted(packs, key=lambda pack: -sum(count[pack.name] for count in fired.values())):
        if any(count[pack.name] for count in fired.values()):
            print(*(f"{100 * fired[name][pack.name] / len(rows):14.3f}" for name, rows in texts.items()), "", pack.name)


if __name__ == "__main__":
    main(sys.argv[1:])
