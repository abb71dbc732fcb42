"""The ways in which the parts of a name are written, each with what it costs and what is undone in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from matchers.background import listed_chance
from matchers.folding import INITIAL, NICKNAME, SEPARATORS, SHORTENED, TRANSLITERATED
from matchers.name_parts import NameParts, Unit
from matchers.name_rules import Respelling, listed_spellings, name_rules, nicknames
from matchers.words import ordinary_words

_REMEMBERED = 16_384
_MOST_RESPELLED = 24
_MOST_STEPS = 2


@dataclass(frozen=True, slots=True)
class Spelling:
    """Words, one after another, that stand for a part of a name. ``cost`` is the logarithm of how likely the part is
    written so."""

    words: tuple[str, ...] = field(repr=False)
    undone: tuple[str, ...] = ()
    cost: float = 0.0


def forename_spellings(parts: NameParts) -> list[Spelling]:
    """Return how the forename is written, plainly first: with nicknames, other spellings and initials."""
    costs = name_rules().costs
    unit = parts.forename
    ways = [Spelling(unit, (TRANSLITERATED,), costs.transliterated) if parts.script else Spelling(unit)]
    whole = "".join(unit)
    if len(unit) > 1:
        ways.append(Spelling((whole,), (SEPARATORS,), costs.joined))
        ways.append(Spelling(unit[:1], (SHORTENED,), costs.half_forename))
    ways += (Spelling((name,), (NICKNAME,), costs.nickname) for name in sorted(nicknames().get(whole, ())))
    ways += _otherwise(whole)
    initials = [word[0] for word in unit]
    frequent = max(_frequency(surname) for surname in parts.surnames)
    initial = costs.initial + costs.frequent_surname * max(0.0, frequent - costs.rarest_surname)
    if len(whole) > 1 and not ordinary_words().intersection(parts.surnames[-1]):
        ways.append(Spelling((initials[0],), (INITIAL,), initial))
        if len(unit) > 1:
            ways.append(Spelling(tuple(initials), (INITIAL,), initial + costs.second_initial))
        both = [initials[0] + middle[0] for middle in (*unit[1:], *parts.middles[:1])]
        ways += (Spelling((pair,), (INITIAL,), initial + costs.second_initial) for pair in both)
    return _cheapest(ways)


def surname_spellings(parts: NameParts) -> list[Spelling]:
    """Return how the surname is written, plainly first; of two surnames either may stand alone."""
    costs = name_rules().costs
    ways = []
    for at, unit in enumerate(parts.surnames):
        is_one_of_two = len(parts.surnames) > 1
        undone = (SHORTENED,) if is_one_of_two else ()
        cost = (costs.second_surname if at else costs.first_surname) if is_one_of_two else 0.0
        ways.append(Spelling(unit, undone, cost))
        whole = "".join(unit)
        joined = {whole, "".join((*parts.particles, whole))} if at == 0 else {whole}
        ways += (Spelling((name,), (*undone, SEPARATORS), cost + costs.joined) for name in joined)
        ways += _otherwise(whole, undone, cost)
    return _cheapest(ways)


def _otherwise(word: str, undone: tuple[str, ...] = (), cost: float = 0.0) -> Iterator[Spelling]:
    """Yield how a name is spelled elsewhere, by the list and by the rules."""
    costs = name_rules().costs
    ways = (*undone, TRANSLITERATED)
    for name in sorted(filter(str.isascii, listed_spellings().get(word, frozenset()) | _respelled(word))):
        yield Spelling((name,), ways, cost + costs.transliterated)


@lru_cache(_REMEMBERED)
def _respelled(word: str) -> frozenset[str]:
    found = {word}
    layer = [word]
    for _ in range(_MOST_STEPS):
        following = []
        for spelling in layer:
            for rule in name_rules().spellings:
                if len(spelling) >= rule.shortest:
                    for other in _by_rule(spelling, rule):
                        if other not in found and len(found) < _MOST_RESPELLED:
                            found.add(other)
                            following.append(other)
        layer = following
    return frozenset(found)


def _by_rule(word: str, rule: Respelling) -> Iterator[str]:
    bounded = f"^{word}$"
    for written in rule.written:
        if written in bounded:
            for instead in rule.instead:
                other = bounded.replace(written, instead, 1)
                if other != bounded:
                    yield other.strip("^$")
            return


def _frequency(surname: Unit) -> float:
    return listed_chance("".join(surname))


def _cheapest(ways: Iterable[Spelling]) -> list[Spelling]:
    """Return the cheapest way for each sequence of words."""
    kept: dict[tuple[str, ...], Spelling] = {}
    for way in ways:
        if way.words not in kept or kept[way.words].cost < way.cost:
            kept[way.words] = way
    return list(kept.values())
