"""How much likelier a place is the watched handle, written in that way, than to stand there by chance.

The judgement (:mod:`matchers.disguises`) compares this with what the watchlist's sensitivity asks for. All figures are
base-10 logarithms; the weights stand in ``matchers/judgement.yaml``.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from matchers.background import chance, listed_chance, masked_chance, run_together
from matchers.folding import fold_text
from matchers.weights import weights
from matchers.writing import writing

COMMON = -5.5
"""The likelihood of a listed word from which on it is an ordinary one."""
_COMMONPLACE = -6.75
_WORD = re.compile(r"[^\W_]+")
_WORDS = re.compile(r"(?:[^\W\d_]['’\-]?)+(?: (?:[^\W\d_]['’\-]?)+)*")
_REMEMBERED = 4096


def is_commonplace(value: str) -> bool:
    """Return whether a value, as it is given, is a word or are words that stand in one of some 140,000 posts or more
    (of 40 words each), whoever is meant."""
    return chance(" ".join(_WORD.findall(fold_text(value).text))) >= _COMMONPLACE


@lru_cache(maxsize=_REMEMBERED)
def is_ordinary(written: str) -> bool:
    """Return whether something is written as words are, without signs, digits or underscores, and commonplace."""
    return _WORDS.fullmatch(written) is not None and is_commonplace(written)


def odds(meant: str, written: str, *, inside: str, before: str, after: str, cuts: int | None) -> float:
    """Return the odds of a place of the folded text ``inside``, which goes on with ``before`` and ``after`` in the
    same words. ``meant`` and ``written`` are the letters and digits alone. ``cuts`` is by how many separators the
    place has more than the handle, None where both are separated alike."""
    by_intent = writing(meant, written) + _apart(inside, len(written), cuts) + _glued(before, inside, after)
    return by_intent - chance(before + inside + after)


def masked_odds(meant: str, text: str) -> float:
    """Return the odds of a folded text in which stars stand for letters."""
    return weights().masked * text.count("*") - masked_chance(text, meant)


def _apart(inside: str, length: int, cuts: int | None) -> float:
    """Return the likelihood that a handle written with so many letters is separated so."""
    costs = weights().separators
    if cuts is None:
        return 0.0
    if cuts <= 0:
        return costs.other_sign
    words = _WORD.findall(inside)
    if len(words) == length:
        return costs.between_letters
    if all(listed_chance(word) >= COMMON for word in words):
        return costs.between_words
    return costs.elsewhere - cuts * math.log10(length)


def _glued(before: str, inside: str, after: str) -> float:
    """Return the likelihood that a handle stands between these within a word."""
    if not before and not after:
        return 0.0
    costs = weights().glued
    edges = [(before[-1:], inside[0]), (inside[-1], after[:1])]
    cut_numbers = sum(left.isdecimal() and right.isdecimal() for left, right in edges)
    return costs.at_all + sum(map(_glue, filter(None, (before, after)))) + costs.cut_number * cut_numbers


@lru_cache(_REMEMBERED)
def _glue(rest: str) -> float:
    costs = weights().glued
    if rest in weights().glue:
        return costs.known_word
    if rest.isdecimal():
        return costs.number + costs.digit * len(rest)
    return max(costs.words + run_together(rest), costs.letters + costs.letter * len(rest))
