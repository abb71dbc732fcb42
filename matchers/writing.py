"""How likely somebody who means a handle writes it so: one side of the judgement on a place.

Likelihoods are base-10 logarithms. A handle written plainly costs nothing; what disguises and slips cost is told in
``matchers/judgement.yaml``. The dearest letters are those of the cheapest way from one to the other (an alignment as of
the optimal-string-alignment distance, with weights).
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from itertools import product

from matchers.folding import LEET_CLASSES
from matchers.weights import weights

_REMEMBERED = 65_536
_NEVER = -99.0


@lru_cache(_REMEMBERED)
def writing(meant: str, written: str) -> float:
    """Return the likelihood that a handle's letters and digits are written so."""
    first = _equal_letters(meant, written)
    last = _equal_letters(meant[first:][::-1], written[first:][::-1])
    # One equal letter is kept at each end, as a repeated letter or a group is told from its neighbours.
    first, last = max(0, first - 1), max(0, last - 1)
    slip = weights().slips.any - math.log10(len(meant))
    return max(_NEVER, _cheapest(meant[first : len(meant) - last], written[first : len(written) - last], slip))


def _equal_letters(one: str, other: str) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _cheapest(meant: str, written: str, slip: float) -> float:
    groups, group_cost = weights().letter_groups, weights().letters.letter_group
    rows = [[_NEVER] * (len(written) + 1) for _ in range(len(meant) + 1)]
    rows[0][0] = 0.0
    for i, j in product(range(len(meant) + 1), range(len(written) + 1)):
        ways = [rows[i][j]]
        if i and j:
            ways.append(rows[i - 1][j - 1] + _instead(meant[i - 1], written[j - 1], slip))
            if j > 1 and groups.get(written[j - 2 : j]) == meant[i - 1]:
                ways.append(rows[i - 1][j - 2] + group_cost)
            if i > 1 and groups.get(meant[i - 2 : i]) == written[j - 1]:
                ways.append(rows[i - 2][j - 1] + group_cost)
            if i > 1 and j > 1 and meant[i - 2 : i] == written[j - 2 : j][::-1] and not _is_number(meant[i - 2 : i]):
                ways.append(rows[i - 2][j - 2] + slip)
        if i:
            ways.append(rows[i - 1][j] + slip)
        if j:
            ways.append(rows[i][j - 1] + _besides(written, j - 1, slip))
        rows[i][j] = max(ways)
    return rows[-1][-1]


def _instead(meant: str, written: str, slip: float) -> float:
    """Return the cost of one letter in the place of another."""
    if meant == written:
        return 0.0
    if _is_number(meant + written):
        return _NEVER
    if _class(meant) == _class(written):
        costs = weights().letters
        return costs.look_alike if meant.isalpha() and written.isalpha() else costs.digit_or_sign
    costs_of_slips = weights().slips
    is_easy = (meant, written) in _easily_mistaken()
    return slip + (costs_of_slips.easy_letter if is_easy else costs_of_slips.other_letter)


def _besides(written: str, place: int, slip: float) -> float:
    """Return the cost of a letter that is written besides the others."""
    letter = written[place]
    before, after = written[place - 1 : place], written[place + 1 : place + 2]
    if before and _class(before) == _class(letter):
        is_again = place > 1 and _class(written[place - 2]) == _class(letter)
        return weights().letters.repeated_again if is_again else weights().letters.repeated
    is_plural = letter == "s" and not after
    is_easy = is_plural or (letter, before) in _easily_mistaken() or (letter, after) in _easily_mistaken()
    return slip + (weights().slips.easy_letter if is_easy else weights().slips.other_letter)


def _class(letter: str) -> str:
    return LEET_CLASSES.get(letter, letter)


def _is_number(text: str) -> bool:
    return text.isdecimal()


@cache
def _easily_mistaken() -> frozenset[tuple[str, str]]:
    """Return the pairs of letters that are neighbours on the keyboard or sound alike."""
    at = {
        key: (column + row / 2, row) for row, keys in enumerate(weights().keyboard) for column, key in enumerate(keys)
    }
    neighbours = {
        (one, other)
        for one, other in product(at, repeat=2)
        if abs(at[one][0] - at[other][0]) <= 1 and abs(at[one][1] - at[other][1]) <= 1
    }
    alike = {pair for group in weights().like_sounds for pair in product(group, repeat=2)}
    return frozenset((one, other) for one, other in neighbours | alike if one != other)
