"""Ordinary words and names: what near misses of handles mostly turn out to be."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from matchers.folding import fold_text
from matchers.hashing import HashSet, hashes_of

_SHORTEST_STEM = 4
_ENDINGS = ("s", "es", "d", "ed", "r", "er", "ers", "ing", "ings", "ly", "y", "ness", "less", "able", "n", "t")


@cache
def ordinary_words() -> frozenset[str]:
    """Return common English words, folded. Their source is told in ``matchers/lexicon/README.md``."""
    return _read("ordinary_words.txt")


@cache
def ordinary_hashes() -> HashSet:
    """Return the hashes of the ordinary words, to ask for many words at once."""
    return HashSet(hashes_of(sorted(ordinary_words())))


@cache
def everyday_words() -> frozenset[str]:
    """Return the most frequent English words, folded: of them sentences of any subject are made."""
    return _read("everyday_words.txt")


@cache
def forenames() -> frozenset[str]:
    """Return frequent forenames of many countries, folded."""
    return _read("forenames.txt")


@cache
def surnames() -> frozenset[str]:
    """Return frequent surnames of many countries, folded."""
    return _read("surnames.txt")


@cache
def names_that_are_words() -> frozenset[str]:
    """Return those of these names that are ordinary words as well, folded."""
    return _read("names_that_are_words.txt")


def is_name(word: str) -> bool:
    """Return whether the folded word is a frequent forename or surname."""
    return word in forenames() or word in surnames()


def is_ordinary(word: str) -> bool:
    """Return whether the folded word is a common one or a name, or a common one with an English ending."""
    words = _known()
    if word in words:
        return True
    stems = (word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending))
    return any(len(stem) >= _SHORTEST_STEM and (stem in words or f"{stem}e" in words) for stem in stems)


@cache
def _known() -> frozenset[str]:
    return ordinary_words() | forenames() | surnames()


def _read(name: str) -> frozenset[str]:
    # Folded here again, as the files are readable text and folding may learn new look-alikes.
    text = (files("matchers") / "lexicon" / name).read_text(encoding="utf-8")
    return frozenset(fold_text(text).text.split())
