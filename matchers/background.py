"""How likely a stretch of text stands somewhere by chance: the other side of the judgement on a place.

A word is as likely as the likeliest way in which it comes about: it is in the list of word frequencies, it is a
number, it is listed words run together, it is a misspelling of a frequent word, or it is a word that nobody listed,
whose letters follow one another as they do in the listed ones.

Likelihoods are base-10 logarithms of the share among all words of English posts.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain, product

import numpy as np

from matchers.folding import SYMBOLS
from matchers.writing import writing

NEVER = -99.0
_REMEMBERED = 65_536
_WORD = re.compile(r"[^\W_]+")
_GAP = re.compile(r"(?<=[^\W_])[\W_]+(?=[^\W_])")
_SIGN_BESIDE_LETTER = re.compile(rf"(?<=[^\W_])[{re.escape(SYMBOLS)}]|[{re.escape(SYMBOLS)}](?=[^\W\d_])")
_DIGITS = re.compile(r"\d+|\D+")

# What is not in the list of frequencies: rough shares, as counted in posts.
_SINGLE_LETTER = -3.5
_SINGLE_WORDS = {"a": -1.7, "i": -1.8}
_YEAR = -4.5
_NUMBER, _DIGIT = -1.5, -1.0
_UNLISTED = -2.0
_DIGITS_IN_A_WORD = -1.0
_FOREIGN_LETTER = -1.5

_RUN_TOGETHER = -1.5
_SPELLED_OUT = -2.5
_BESIDE, _JOINED = 1.5, -0.3
"""Words stand side by side oftener than by their shares alone, but seldom with a sign and no space between."""
_UNPAIRED = -5.4
"""Two common words that are no listed pair stand side by side less often than those that are."""

_FREQUENT = -5.0
_INFLECTED = -1.5
_SHORTEST_STEM = 4
_ENDINGS = ("s", "es", "d", "ed", "r", "er", "ers", "ing", "ings", "ly", "y", "ness", "less", "able", "n", "t")
_MISSPELT, _DISGUISED = -1.3, -3.5
_SIGNS = {"!": -0.7, "|": -1.5}
_OTHER_SIGN = -2.5
"""A sign that may stand for a letter, right beside one."""
_SHORTEST_MISSPELT, _LONGEST_MISSPELT = 4, 20


@lru_cache(_REMEMBERED)
def chance(text: str) -> float:
    """Return the likelihood that the words of a folded text, with what separates them, stand at a place."""
    words = _WORD.findall(text)
    signs = sum(_SIGNS.get(sign, _OTHER_SIGN) for sign in _SIGN_BESIDE_LETTER.findall(text))
    if len(words) <= 1:
        return sum(map(word_chance, words)) + signs
    following = zip(words, words[1:], _GAP.findall(text), strict=False)
    apart = signs + word_chance(words[0]) + sum(_after(*row) for row in following)
    joined = listed_chance("".join(words))
    return max(apart, joined if "'" in text else joined + _SPELLED_OUT)


def _after(before: str, word: str, gap: str) -> float:
    """Return the likelihood that the word comes next, after another and what separates them."""
    if not any(map(str.isspace, gap)):
        return word_chance(word) + _JOINED
    pairs, paired = _word_pairs()
    if (before, word) in pairs:
        return pairs[before, word] - word_chance(before)
    likely = word_chance(word) + _BESIDE
    return min(likely, _UNPAIRED - word_chance(before)) if before in paired and word in paired else likely


@lru_cache(_REMEMBERED)
def word_chance(word: str) -> float:
    """Return the likelihood of a folded word of letters and digits."""
    listed = listed_chance(word)
    if listed >= _FREQUENT or len(word) == 1:
        return listed
    likely = max(listed, run_together(word), _unlisted(word), _inflected(word))
    return max(likely, _misspelt(word, least=likely))


def masked_chance(text: str, meant: str) -> float:
    """Return the likelihood of the likeliest listed word, other than the one meant, that a folded text is with ``*``
    for some of its letters, or that stands between stars. For texts of few stars."""
    stars = text.count("*")
    if not stars:
        return chance(text)
    fills = product(_LETTERS[1:], repeat=stars)
    pieces = text.split("*")
    filled = ("".join(chain.from_iterable(zip(pieces, (*fill, ""), strict=True))) for fill in fills)
    others = (word for word in filled if word != meant)
    return max(max(map(listed_chance, others)), chance(text.strip("*")))


def listed_chance(word: str) -> float:
    """Return the likelihood of a word that is listed, or a number or single letter; ``NEVER`` for others."""
    if word.isdecimal():
        return _YEAR if len(word) == 4 else _NUMBER + _DIGIT * len(word)
    if len(word) == 1:
        return _SINGLE_WORDS.get(word, _SINGLE_LETTER)
    return _listed().get(word, NEVER)


def run_together(word: str) -> float:
    """Return the likelihood of the best way to cut a word into listed ones and numbers, ``NEVER`` if there is none."""
    best = [0.0] + [NEVER] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - _longest_listed()), end):
            if best[start] > NEVER:
                part = listed_chance(word[start:end]) + (_RUN_TOGETHER if start else 0.0)
                best[end] = max(best[end], best[start] + part)
    return best[-1]


def _inflected(word: str) -> float:
    """Return the likelihood of a listed word with an English ending."""
    stems = (word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending))
    return max((listed_chance(stem) for stem in stems if len(stem) >= _SHORTEST_STEM), default=NEVER) + _INFLECTED


def _misspelt(word: str, least: float) -> float:
    """Return the likelihood of the listed word that is likeliest misspelt so, by one slip; ``NEVER`` if below the
    least one asked for."""
    if not _SHORTEST_MISSPELT <= len(word) <= _LONGEST_MISSPELT:
        return NEVER
    listed = _listed()
    misspelt = _MISSPELT if word.isalpha() else _DISGUISED
    meant = {one for one in _one_slip_away(word) if listed.get(one, NEVER) + misspelt > least}
    return max((listed[one] + misspelt + writing(one, word) for one in meant), default=NEVER)


def _one_slip_away(word: str) -> Iterator[str]:
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        yield before + after[1:]
        yield before + after[1:2] + after[:1] + after[2:]
        for letter in _LETTERS[1:]:
            yield before + letter + after
            yield before + letter + after[1:]


def _unlisted(word: str) -> float:
    parts = _DIGITS.findall(word)
    spelled = sum(_DIGIT * len(part) if part.isdecimal() else _spelled(part) for part in parts)
    return _UNLISTED + spelled + _DIGITS_IN_A_WORD * (len(parts) - 1)


@cache
def _listed() -> dict[str, float]:
    """Return the listed words with their likelihoods. Their source is told in ``matchers/lexicon/README.md``."""
    listed: dict[str, float] = {}
    for line in _lines("word_frequencies.txt.gz"):
        decibels, *words = line.split()
        listed.update(dict.fromkeys(words, int(decibels) / 10))
    return listed


@cache
def _word_pairs() -> tuple[dict[tuple[str, str], float], frozenset[str]]:
    """Return the listed pairs of words with their likelihoods, and the words of which pairs are listed."""
    pairs = {}
    for line in _lines("word_pairs.txt.gz"):
        tenths, first, *others = line.split()
        pairs.update({(first, second): int(tenths) / 10 for second in others})
    return pairs, frozenset(chain.from_iterable(pairs))


def _lines(name: str) -> list[str]:
    return gzip.decompress((files("matchers") / "lexicon" / name).read_bytes()).decode("ascii").splitlines()


@cache
def _longest_listed() -> int:
    return max(map(len, _listed()))


# A model of four letters, interpolated with those of three, two and one: the share of each letter after the three
# before it among the listed words. A word begins after three ends.
_END = "\n"
_LETTERS = _END + "abcdefghijklmnopqrstuvwxyz"
_OTHER = len(_LETTERS)
_SIZE = len(_LETTERS) + 1
_CODES = bytes(_LETTERS.index(chr(code)) if chr(code) in _LETTERS else _OTHER for code in range(256))
_WEIGHT_OF_SHORTER = 6.0


def _spelled(letters: str) -> float:
    shares = _letter_shares()
    likely = 0.0
    context = 0
    for code in (letters + _END).encode("latin-1", "replace").translate(_CODES):
        context = (context * _SIZE + code) % _SIZE**4
        likely += shares[context] + (_FOREIGN_LETTER if code == _OTHER else 0.0)
    return likely


@cache
def _letter_shares() -> memoryview:
    text = 3 * _END + (3 * _END).join(_listed()) + _END
    codes = np.frombuffer(text.encode("ascii").translate(_CODES), dtype=np.uint8).astype(np.int32)
    fours = ((codes[:-3] * _SIZE + codes[1:-2]) * _SIZE + codes[2:-1]) * _SIZE + codes[3:]
    is_between_words = (codes[3:] == 0) & (codes[2:-1] == 0)
    counts = np.bincount(fours[~is_between_words], minlength=_SIZE**4).reshape((_SIZE,) * 4).astype(np.float32)
    shares = np.full(_SIZE, 1 / _SIZE, dtype=np.float32)
    for left_out in range(3, -1, -1):
        seen = counts.sum(axis=tuple(range(left_out)))
        shares = (seen + _WEIGHT_OF_SHORTER * shares) / (seen.sum(axis=-1, keepdims=True) + _WEIGHT_OF_SHORTER)
    return memoryview(np.log10(shares).reshape(-1).data)
