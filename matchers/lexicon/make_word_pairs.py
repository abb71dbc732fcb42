"""Makes ``word_pairs.txt.gz``: which common words stand side by side how often, as counted in posts.

    python -m matchers.lexicon.make_word_pairs POSTS.jsonl.gz [POSTS.jsonl.gz ...]

The files hold JSON lines with a ``text`` each. A line of the result is a likelihood in tenths of a base-10 logarithm,
a word, and the words after it.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

from matchers.folding import fold_text
from matchers.words import ordinary_words

_FEWEST_POSTS = 5
_WORDS = re.compile(r"[^\W_]+(?:\s+[^\W_]+)+")


def main(paths: list[str]) -> None:
    """Count the pairs of ordinary words, once a post, and write those that stand in enough posts."""
    words = ordinary_words()
    counts: Counter[tuple[str, str]] = Counter()
    total = 0
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                folded = fold_text(json.loads(line)["text"]).text
                stretches = [stretch.split() for stretch in _WORDS.findall(folded)]
                total += sum(map(len, stretches))
                pairs = {pair for stretch in stretches for pair in pairwise(stretch)}
                counts.update(pair for pair in pairs if words.issuperset(pair))
    rows: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for (first, second), count in counts.items():
        if count >= _FEWEST_POSTS:
            rows[round(10 * math.log10(count / total)), first].append(second)
    text = "".join(f"{tenths} {first} {' '.join(sorted(after))}\n" for (tenths, first), after in sorted(rows.items()))
    packed = gzip.compress(text.encode("ascii", "strict"), mtime=0)
    Path(__file__).with_name("word_pairs.txt.gz").write_bytes(packed)
    print(f"{total:,} words, {sum(map(len, rows.values())):,} pairs, {len(packed):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
