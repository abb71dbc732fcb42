"""Ordinary words and names: what near misses of handles mostly turn out to be."""

from __future__ import annotations

import gzip
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


@cache
def rarer_forenames() -> frozenset[str]:
    """Return less frequent forenames, folded; some are ordinary words too."""
    return _read("rarer_forenames.txt.gz")


@cache
def rarer_surnames() -> frozenset[str]:
    """Return less frequent surnames, folded; some are ordinary words too."""
    return _read("rarer_surnames.txt.gz")


@cache
def places() -> frozenset[str]:
    """Return names of countries, states and cities, folded; several words with one space between them."""
    return frozenset(_text("places.txt.gz").splitlines())


@cache
def words_of_places() -> frozenset[str]:
    """Return the words of names of countries, states and cities that are several words, folded."""
    return frozenset(word for place in places() if " " in place for word in place.split())


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
    return frozenset(fold_text(_text(name)).text.split())


def _text(name: str) -> str:
    packed = (files("matchers") / "lexicon" / name).read_bytes()
    return (gzip.decompress(packed) if name.endswith(".gz") else packed).decode()
