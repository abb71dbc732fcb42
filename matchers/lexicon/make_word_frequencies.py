"""Makes ``word_frequencies.txt.gz`` from the word lists of the package wordfreq, which Leakwatch itself does not need.

    pip install wordfreq==3.1.1 && python -m matchers.lexicon.make_word_frequencies

A line of the file is a frequency in decibels (-30: one word in a thousand) and the words of that frequency. English
words come in full, those of other languages where they are frequent, as seldom as a community that writes English
uses them. Words are folded and without signs; ``forenames.txt`` and ``surnames.txt`` are added.
"""

from __future__ import annotations

import gzip
import math
from collections import defaultdict
from pathlib import Path

import wordfreq

from matchers.folding import fold_text
from matchers.words import forenames, surnames

_ROMANCE = ("ca", "es", "fr", "it", "pt", "ro")
_GERMANIC = ("da", "de", "nb", "nl", "sv")
_SLAVIC = ("bg", "cs", "pl", "ru", "sh", "uk")
_OTHERS = ("el", "fi", "fil", "hu", "id", "ms", "tr", "vi")
_SHARE_OF_OTHERS = 0.1
_SELDOM = {"en": 1e-8, "other": 3e-7, "name": 1e-7}
_SHORTEST, _LONGEST = 2, 24


def main() -> None:
    """Write the file beside this one."""
    frequencies = _folded("en", "large")
    for language in (*_ROMANCE, *_GERMANIC, *_SLAVIC, *_OTHERS):
        for word, frequency in _folded(language, "small").items():
            if frequency * _SHARE_OF_OTHERS >= _SELDOM["other"]:
                frequencies[word] = max(frequencies[word], frequency * _SHARE_OF_OTHERS)
    for word in filter(None, map(_letters, forenames() | surnames())):
        frequencies[word] = max(frequencies[word], _SELDOM["name"])
    by_decibels: defaultdict[int, list[str]] = defaultdict(list)
    for word, frequency in frequencies.items():
        by_decibels[round(10 * math.log10(max(frequency, _SELDOM["en"])))].append(word)
    lines = [f"{decibels} {' '.join(sorted(words))}\n" for decibels, words in sorted(by_decibels.items())]
    packed = gzip.compress("".join(lines).encode("ascii"), mtime=0)
    Path(__file__).with_name("word_frequencies.txt.gz").write_bytes(packed)


def _folded(language: str, size: str) -> defaultdict[str, float]:
    frequencies: defaultdict[str, float] = defaultdict(float)
    for written, frequency in wordfreq.get_frequency_dict(language, size).items():
        frequencies[_letters(written)] += frequency
    frequencies.pop("", None)
    return frequencies


def _letters(written: str) -> str:
    """Return the folded letters of a word, nothing where that is no word for the list."""
    word = "".join(filter(str.isalnum, fold_text(written).text))
    return word if word.isascii() and word.isalpha() and _SHORTEST <= len(word) <= _LONGEST else ""


if __name__ == "__main__":
    main()
