"""How likely a name of another script is written so in Latin letters: letter by letter, as ``name_letters.yaml`` tells.

Every letter is romanised in some way at some cost, vowels that a script does not write are added, and the likelihood
is that of the best way to come from one spelling to the other (a noisy channel, as Brill and Moore had it for typos in
2000). Skeletons, the consonants in eight classes, tell fast which words are worth that look: all romanisations of a
word have one of its skeletons.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files

from anyascii import anyascii
from pydantic import BaseModel, ConfigDict

from core.tables import load_table
from matchers.folding import fold_text
from matchers.name_rules import listed_spellings, nicknames
from matchers.romanising import Script

IMPOSSIBLE = float("-inf")
_REMEMBERED = 65_536
_MOST_SKELETONS = 512
_LONGEST_WORD = 40
_ARABIC_PARTICLES = frozenset({"al", "el", "bin", "ibn", "bint", "abu"})
_SCRIPTS_WITH_MARKS = frozenset({Script.GREEK, Script.ABJAD})

CLASSES = {"b": "P", "p": "P", "f": "P", "d": "T", "t": "T"} | dict.fromkeys("cgkqx", "K") | dict.fromkeys("sz", "S")
CLASSES |= {"l": "L", "r": "R", "m": "M", "n": "N"}
"""The class of each consonant that tells; the other letters, ``aehijouvwy``, come and go between romanisations."""


class Costs(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    usual: float
    seldom: float
    doubled: float
    vowel: float
    long_vowel: float
    least: float
    listed: float
    ordinary_word: float


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    costs: Costs
    vowels: Mapping[Script, tuple[str, ...]]
    long_vowels: Mapping[Script, tuple[str, ...]]
    letters: Mapping[str, str]
    articles: tuple[str, ...]
    arabic_names: tuple[str, ...]


@cache
def table() -> _Table:
    """Return the table, read once."""
    return _Table.model_validate(load_table(files("matchers") / "name_letters.yaml"))


def bare(word: str, script: Script | None) -> str:
    """Return a word in small letters, as the table has them. ``script`` is None for Latin letters."""
    small = unicodedata.normalize("NFC", word.lower())
    if script not in _SCRIPTS_WITH_MARKS:
        return small
    return "".join(letter for letter in unicodedata.normalize("NFD", small) if unicodedata.category(letter) != "Mn")


@lru_cache(_REMEMBERED)
def is_another(word: str, written: str) -> bool:
    """Return whether both are listed names, and not the same: Mahmoud and Mohammed share all their consonants. The
    first word comes :func:`bare`."""
    spellings = listed_spellings().get(fold_text(word).text)
    return spellings is not None and word != written and written in listed_spellings() and written not in spellings


@lru_cache(_REMEMBERED)
def likelihood(word: str, script: Script | None, written: str) -> float:
    """Return how likely a word is written so in small Latin letters: a base-10 logarithm, ``IMPOSSIBLE`` where it is
    not, and where that is listed as another name. The word comes :func:`bare`."""
    if is_another(word, written) or max(len(word), len(written)) > _LONGEST_WORD:
        return IMPOSSIBLE
    costs = table().costs
    vowels = _vowels(script)
    bounded = f"^{word}$"
    # By how many letters of both are behind: the best way there, and the best that does not end in an added vowel.
    reached = [[IMPOSSIBLE] * (len(written) + 1) for _ in range(len(bounded) + 1)]
    reached[0][0] = 0.0
    for at, row in enumerate(reached[:-1]):
        with_vowels = list(row)
        for end, so_far in enumerate(row):
            if so_far > costs.least and 1 < at < len(bounded) - 1:
                for vowel, cost in vowels:
                    if written.startswith(vowel, end):
                        with_vowels[end + len(vowel)] = max(with_vowels[end + len(vowel)], so_far + cost)
        for length, options in _options(bounded, at):
            after = reached[at + length]
            for end, so_far in enumerate(with_vowels):
                if so_far > costs.least:
                    for option, cost in options:
                        if written.startswith(option, end):
                            after[end + len(option)] = max(after[end + len(option)], so_far + cost)
    likely = reached[-1][-1]
    return likely if likely > costs.least else IMPOSSIBLE


@cache
def _vowels(script: Script | None) -> Sequence[tuple[str, float]]:
    if script is None:
        return ()
    costs = table().costs
    return (
        *((vowel, costs.vowel) for vowel in table().vowels.get(script, ())),
        *((vowel, costs.long_vowel) for vowel in table().long_vowels.get(script, ())),
    )


@cache
def _letters() -> Mapping[str, Sequence[tuple[str, float]]]:
    return {letters: tuple(_with_doubled(_read(ways))) for letters, ways in table().letters.items()}


@cache
def _longest() -> int:
    return max(map(len, _letters()))


def _read(ways: str) -> Iterator[tuple[str, float]]:
    usual, _, seldom = ways.partition("/")
    for listed, cost in ((usual, table().costs.usual), (seldom, table().costs.seldom)):
        yield from (("" if way == "-" else way, cost) for way in listed.split())


def _with_doubled(ways: Iterator[tuple[str, float]]) -> Iterator[tuple[str, float]]:
    for way, cost in ways:
        yield way, cost
        if len(way) == 1 and way not in "aeiou":
            yield way * 2, cost + table().costs.doubled


def _options(bounded: str, at: int) -> Iterator[tuple[int, Sequence[tuple[str, float]]]]:
    """Yield how many letters from a place on are written in which ways."""
    for length in range(1, min(_longest(), len(bounded) - at) + 1):
        ways = _letters().get(bounded[at : at + length])
        if ways is not None:
            yield length, ways
    letter = bounded[at]
    if letter not in _letters():
        yield 1, _by_itself(letter)
    if bounded[at : at + 2] == letter * 2 and letter not in "aeiou":
        yield 2, tuple((way, cost + table().costs.doubled) for way, cost in _letters().get(letter, _by_itself(letter)))


@cache
def _by_itself(letter: str) -> Sequence[tuple[str, float]]:
    if letter in "^$":
        return (("", 0.0),)
    plain = "".join(filter(str.isalpha, anyascii(letter).lower()))
    return tuple(_with_doubled(iter([(plain, table().costs.usual)])))


@lru_cache(_REMEMBERED)
def skeleton_of(written: str) -> str:
    """Return the classes of the consonants of a word in small Latin letters, none twice in a row."""
    return _joined("", "".join(CLASSES.get(letter, "") for letter in written))


def skeletons(word: str) -> frozenset[str]:
    """Return the skeletons of the ways in which a word, which comes :func:`bare`, is romanised."""
    bounded = f"^{word}$"
    reached: list[set[str]] = [set() for _ in range(len(bounded) + 1)]
    reached[0].add("")
    for at, so_far in enumerate(reached[:-1]):
        for length, options in _options(bounded, at):
            if len(reached[at + length]) < _MOST_SKELETONS:
                reached[at + length] |= {_joined(one, skeleton_of(way)) for one in so_far for way, _ in options}
    return frozenset(reached[-1])


def _joined(first: str, last: str) -> str:
    joined = first
    for letter in last:
        if not joined.endswith(letter):
            joined += letter
    return joined


@lru_cache(_REMEMBERED)
def listed_as(word: str, script: Script | None) -> Mapping[str, bool]:
    """Return the listed names that a word may stand for, and other spellings and nicknames of these: true for a
    nickname. The word comes :func:`bare`."""
    names = set(listed_spellings().get(fold_text(word).text, ()))
    for skeleton in skeletons(word) if not names else ():
        for name in _listed_by_skeleton().get(skeleton, ()):
            if likelihood(word, script, name) >= table().costs.listed:
                names |= {name, *listed_spellings().get(name, ())}
    short_forms = {short for name in names for short in nicknames().get(name, ())}
    return dict.fromkeys(short_forms, True) | dict.fromkeys(names, False)


@cache
def _listed_by_skeleton() -> Mapping[str, Sequence[str]]:
    by_skeleton: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(listed_spellings().keys() | nicknames().keys()):
        if name.isascii():
            by_skeleton[skeleton_of(name)].append(name)
    return by_skeleton


@cache
def _arabic_names() -> frozenset[str]:
    listed = table().arabic_names
    return frozenset(listed).union(*(listed_spellings().get(name, ()) for name in listed))


def is_arabic(words: Sequence[str], particles: Sequence[str]) -> bool:
    """Return whether the folded words of a name in Latin letters tell that it is an Arabic one."""
    return not _arabic_names().isdisjoint(words) or not _ARABIC_PARTICLES.isdisjoint(particles)


def initials(word: str) -> frozenset[str]:
    """Return the letters with which a word, which comes :func:`bare`, may begin in Latin letters."""
    return frozenset(way[0] for _, ways in _options(f"^{word}$", 1) for way, _ in ways if way)
