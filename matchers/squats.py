"""Domains that are made to be taken for another one: by a letter, a look-alike, a word more or another suffix.

The kinds are those that dnstwist generates (https://github.com/elceef/dnstwist), the other way round: a domain that
was seen is reduced to those that it may imitate, by look-ups that do not grow with the number of watched ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from core.types import Sensitivity
from matchers.folding import LEET_CLASSES, SEPARATORS, TYPO, Undone
from matchers.hosts import LONGEST_LABEL, public_suffix, tables
from matchers.nearby import NearbyWords
from matchers.words import is_ordinary

AFFIX = "affix"
OTHER_SUFFIX = "other_suffix"
EMBEDDED = "embedded"
HOMOGLYPH = str(Undone.HOMOGLYPH.name).lower()

_LIKENESS = {HOMOGLYPH: 1.0, SEPARATORS: 0.95, AFFIX: 0.9, EMBEDDED: 0.9, OTHER_SUFFIX: 0.8}
"""What is left of the similarity; of a typo it is the share of letters that are right."""

_SHORTEST_MISTYPED = {Sensitivity.BALANCED: 6, Sensitivity.WIDE: 5}
_SHORTEST_MISTYPED_TWICE = 9
_SHORTEST_MISTYPED_ELSEWHERE = 8
_SHORTEST_AFFIXED = 6
_MOST_PARTS = 6


@dataclass(frozen=True, slots=True)
class Name:
    """The registrable part of a watched domain: the label that its owner chose, without hyphens too, and the public
    suffix after it."""

    label: str = field(repr=False)
    suffix: tuple[str, ...] = field(repr=False)

    @property
    def letters(self) -> str:
        """The label without hyphens."""
        return self.label.replace("-", "")


@dataclass(frozen=True, slots=True)
class Squat:
    """How a domain imitates a watched name. ``sensitivity`` is the strictest that takes it for that."""

    name: Name
    transformations: tuple[str, ...]
    similarity: float
    sensitivity: Sensitivity


class SquatTable:
    """Watched names that can be asked for by the domains that imitate them. Safe to use from several threads."""

    def __init__(self, names: Mapping[Name, Sensitivity]) -> None:
        """``names`` come with the sensitivity that they are asked for with; it bounds the typos only."""
        self._by_look: defaultdict[str, list[Name]] = defaultdict(list)
        self._by_letters: defaultdict[str, list[Name]] = defaultdict(list)
        typos_allowed: dict[str, int] = {}
        for name, sensitivity in names.items():
            letters = name.letters
            self._by_look[_look(letters)].append(name)
            self._by_letters[letters].append(name)
            typos_allowed[letters] = max(typos_allowed.get(letters, 0), _typos_allowed(letters, sensitivity))
        self._nearby = NearbyWords(self._by_letters, typos_allowed.__getitem__)

    def squats(self, labels: tuple[str, ...], written: tuple[str, ...]) -> Iterator[Squat]:
        """Yield what the host name may imitate. ``labels`` are folded, ``written`` the same as they were written."""
        count, is_listed = public_suffix(written)
        if count >= len(labels) or any(len(label) > LONGEST_LABEL for label in labels[-count - 1 :]):
            return
        label, suffix = labels[-count - 1], labels[-count:]
        for squat in (*self._alike(label), *self._mistyped(label), *self._affixed(label, suffix)):
            if squat.name.suffix == suffix:
                if squat.transformations:
                    yield squat
            elif is_listed and (TYPO not in squat.transformations or len(label) >= _SHORTEST_MISTYPED_ELSEWHERE):
                yield _elsewhere(squat)
        for above in labels[-count - 9 : -count - 1]:
            for name in self._by_letters.get(above, ()):
                if len(name.letters) >= _SHORTEST_AFFIXED:
                    yield _squat(name, EMBEDDED, sensitivity=Sensitivity.WIDE)

    def _alike(self, label: str) -> Iterator[Squat]:
        letters = label.replace("-", "")
        for name in self._by_look.get(_look(letters), ()):
            if label == name.label:
                yield _squat(name)
            elif letters == name.letters:
                yield _squat(name, SEPARATORS, sensitivity=Sensitivity.BALANCED)
            else:
                yield _squat(name, HOMOGLYPH)

    def _mistyped(self, label: str) -> Iterator[Squat]:
        letters = label.replace("-", "")
        for near, typos in self._nearby.near(letters):
            for name in self._by_letters[near] if typos else ():
                if _look(letters) != _look(near):
                    is_quiet = typos == 1 and len(near) >= _SHORTEST_MISTYPED[Sensitivity.BALANCED]
                    yield Squat(
                        name,
                        (TYPO,),
                        1 - typos / len(near),
                        Sensitivity.BALANCED if is_quiet and not is_ordinary(letters) else Sensitivity.WIDE,
                    )

    def _affixed(self, label: str, suffix: tuple[str, ...]) -> Iterator[Squat]:
        for part, rest in (*_hyphenated(label), *_glued(label)):
            for name in self._by_look.get(_look(part), ()):
                if name.suffix != suffix and (len(name.letters) < _SHORTEST_AFFIXED or is_ordinary(name.letters)):
                    continue
                known = all(word in _AFFIXES or word in name.suffix or word.isdigit() for word in rest)
                undone = (AFFIX,) if part == name.letters else (AFFIX, HOMOGLYPH)
                # A well-known word is what makes another suffix likely; without it, two names may just share a word.
                yield _squat(name, *undone, sensitivity=Sensitivity.BALANCED if known else Sensitivity.WIDE)


def _squat(name: Name, *transformations: str, sensitivity: Sensitivity = Sensitivity.STRICT) -> Squat:
    similarity = 1.0
    for transformation in transformations:
        similarity *= _LIKENESS[transformation]
    return Squat(name, transformations, similarity, sensitivity)


def _elsewhere(squat: Squat) -> Squat:
    """Return the squat under another suffix than the watched one."""
    if AFFIX in squat.transformations:
        return squat
    return Squat(
        squat.name,
        (*squat.transformations, OTHER_SUFFIX),
        squat.similarity * _LIKENESS[OTHER_SUFFIX],
        Sensitivity.WIDE,
    )


def _hyphenated(label: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the stretches of a label's parts, without hyphens, with the other parts."""
    parts = [part for part in label.split("-") if part]
    if not 1 < len(parts) <= _MOST_PARTS:
        return
    for start in range(len(parts)):
        for end in range(start + 1, len(parts) + 1):
            if rest := parts[:start] + parts[end:]:
                yield "".join(parts[start:end]), rest


def _glued(label: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what a label is without a well-known word at its beginning or end."""
    for length in _AFFIX_LENGTHS:
        if label[:length] in _AFFIXES:
            yield label[length:], [label[:length]]
        if label[-length:] in _AFFIXES:
            yield label[:-length], [label[-length:]]


def _look(letters: str) -> str:
    """Return what the letters look like at a glance: equal for those that may be taken for each other."""
    for letter, pair in _LETTER_PAIRS:
        letters = letters.replace(pair, letter)
    return letters.translate(_LOOKS)


def _typos_allowed(letters: str, sensitivity: Sensitivity) -> int:
    if sensitivity is Sensitivity.STRICT or len(letters) < _SHORTEST_MISTYPED[sensitivity]:
        return 0
    return 2 if sensitivity is Sensitivity.WIDE and len(letters) >= _SHORTEST_MISTYPED_TWICE else 1


_AFFIXES = frozenset(tables()["affixes"])
_AFFIX_LENGTHS = sorted(set(map(len, _AFFIXES)))
_LETTER_PAIRS: list[tuple[str, str]] = list(tables()["letter_pairs"].items())
_LOOKS = str.maketrans({sign: letter for sign, letter in LEET_CLASSES.items() if sign.isalnum()})
