"""Writes ``names_that_are_words.txt``: frequent names that posts write in small letters, as ordinary words.

    python -m matchers.lexicon.make_names_that_are_words POSTS.jsonl.gz ...

The posts are those that ``ordinary_words.txt`` was made from (README.md).
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter
from pathlib import Path

from matchers.words import forenames, surnames

_WORD = re.compile(r"(?<![.!?] )(?<!^)(?<![\w@#/.])[A-Za-z]+(?![\w@/])")
_FEWEST = 8
_LEAST_SHARE = 0.5


def main(paths: list[str]) -> None:
    small, capital = Counter[str](), Counter[str]()
    for path in paths:
        with gzip.open(path, "rt") as lines:
            for line in lines:
                for word in _WORD.findall(json.loads(line)["text"]):
                    (small if word.islower() else capital)[word.lower()] += 1
    kept = sorted(
        name
        for name in forenames() | surnames()
        if small[name] >= _FEWEST and small[name] >= _LEAST_SHARE * (small[name] + capital[name])
    )
    (Path(__file__).parent / "names_that_are_words.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
