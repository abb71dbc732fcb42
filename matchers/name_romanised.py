"""Watched names of other scripts as they are romanised, and Arabic names in Latin letters as others spell them.

No list could hold all spellings. Words are looked up by the skeletons of their consonants, for a whole block at once,
and where both of a person's names may stand near each other, :mod:`matchers.name_letters` says how likely they are
written so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from matchers.batch import FoldedBatch
from matchers.flat import Block
from matchers.folding import NICKNAME, SHORTENED, TRANSLITERATED
from matchers.hashing import Hashes, RecentHashes, prefix_sums, stretch_hashes
from matchers.name_letters import CLASSES, IMPOSSIBLE, likelihood, listed_as, skeleton_of, skeletons, table
from matchers.name_pairs import BlockWords, Pair, WordPairs
from matchers.name_parts import NameParts, Unit
from matchers.name_rules import name_rules
from matchers.name_spellings import Spelling
from matchers.romanising import Script, tables
from matchers.words import is_name, ordinary_hashes, ordinary_words

_DISTANCES = (1, 2, 3, 4, -1)
_MIXING = np.uint64(0x9E3779B97F4A7C15)
_LATIN_SERVANT = re.compile("(abd[aeou]l)(...+)")
_LATIN_ARTICLE = re.compile("^[ae]l(?=....)")
_SHORTEST_WITH_ARTICLE = 4
_OTHER_LETTER = ord("?")


@dataclass(frozen=True, slots=True)
class _Form:
    """Words, one after another, that are one part of a name in the letters in which it was given."""

    words: Unit = field(repr=False)
    script: Script | None
    is_forename: bool
    undone: tuple[str, ...] = ()
    cost: float = 0.0

    def spelling(self, written: Sequence[str]) -> Spelling | None:
        """Return how the words are spelled as so many written ones; None where they are not."""
        if len(written) != len(self.words):
            return None
        costs = name_rules().costs
        ways = (*self.undone, TRANSLITERATED)
        pairs = zip(self.words, written, strict=True)
        spelled = self.cost + sum(likelihood(word, self.script, other) for word, other in pairs)
        if len(written) == 1 and written[0] in (listed := self.listed()):
            is_nickname = listed[written[0]]
            ways = (*self.undone, NICKNAME) if is_nickname else ways
            spelled = max(spelled, self.cost + (costs.nickname if is_nickname else costs.transliterated))
        spelled += table().costs.ordinary_word * sum(word in ordinary_words() and not is_name(word) for word in written)
        return None if spelled == IMPOSSIBLE else Spelling(tuple(written), ways, spelled)

    def listed(self) -> Mapping[str, bool]:
        """Return the listed names that this may be, true for nicknames; none for several words."""
        if len(self.words) > 1:
            return {}
        listed = listed_as(self.words[0], self.script)
        return listed if self.is_forename else {name: False for name, is_nickname in listed.items() if not is_nickname}

    def skeletons(self, at: int) -> frozenset[str]:
        """Return the skeletons of the word at a place, however it is written."""
        return skeletons(self.words[at]) | frozenset(map(skeleton_of, self.listed()))

    def may_be(self, at: int, written: str) -> bool:
        """Return whether the word at a place may be written so."""
        return written in self.listed() or likelihood(self.words[at], self.script, written) > IMPOSSIBLE


class RomanisedNames:
    """Names that are looked for by the letters in which they were given."""

    def __init__(self, names: Sequence[tuple[int, NameParts]]) -> None:
        """``names`` come with their rows."""
        self._forms: dict[int, tuple[list[_Form], list[_Form]]] = {}
        self._forenames: defaultdict[str, list[int]] = defaultdict(list)
        self._surnames: defaultdict[str, list[int]] = defaultdict(list)
        pairs = []
        for row, parts in names:
            given, family = self._forms[row] = list(_given(parts)), list(_family(parts))
            forenames = {one for form in given for one in form.skeletons(0)}
            surnames = {one for form in family for one in form.skeletons(-1)}
            for rows, keys in ((self._forenames, forenames), (self._surnames, surnames)):
                for key in keys:
                    rows[key].append(row)
            pairs.append((forenames, surnames))
        self._pairs = WordPairs(pairs)
        self._failed = RecentHashes()

    def find(self, batch: FoldedBatch, *, explaining: bool) -> Iterator[tuple[int, Pair]]:
        """Yield the rows of names and the pairs of words that may be one. Where nobody explains, words that are no
        name are looked at once."""
        if not self._forms:
            return
        for block in batch.flat.blocks:
            words = BlockWords(block)
            first, second = self._pairs.find(words, *self._pairs.numbers(_skeleton_hashes(block)), _DISTANCES)
            is_ordinary = ordinary_hashes().holds(words.hashes)
            is_new = ~(is_ordinary[first] & is_ordinary[second])
            both = words.hashes * _MIXING
            both = both[first] + words.hashes[second]
            if not explaining:
                is_new &= ~self._failed.hold(both)
            failed = []
            for at in np.flatnonzero(is_new).tolist():
                rows = self._rows(words.text(first[at]), words.text(second[at]))
                if rows:
                    (place,) = words.places(batch, first[at : at + 1], second[at : at + 1])
                    yield from ((row, Pair(*place)) for row in rows)
                else:
                    failed.append(both[at])
            self._failed.add(np.array(failed, dtype=np.uint64))

    def _rows(self, forename: str, surname: str) -> list[int]:
        forenames = self._forenames.get(skeleton_of(forename), ())
        surnames = frozenset(self._surnames.get(skeleton_of(surname), ()))
        return [row for row in forenames if row in surnames and self._may_be(row, forename, surname)]

    def _may_be(self, row: int, forename: str, surname: str) -> bool:
        given, family = self._forms[row]
        return any(form.may_be(0, forename) for form in given) and any(form.may_be(-1, surname) for form in family)

    def spellings(self, row: int, words: Sequence[str], at: tuple[int, int]) -> tuple[list[Spelling], list[Spelling]]:
        """Return how a name's forename is spelled by the words from the first place on, and its surname by those up to
        the second."""
        given, family = self._forms[row]
        first, last = at
        forenames = (form.spelling(words[first : first + len(form.words)]) for form in given)
        surnames = (form.spelling(words[max(0, last + 1 - len(form.words)) : last + 1]) for form in family)
        return [one for one in forenames if one], [one for one in surnames if one]


def _given(parts: NameParts) -> Iterator[_Form]:
    for words in _divided(parts.forename, parts.script):
        yield _Form(words, parts.script, is_forename=True)


def _family(parts: NameParts) -> Iterator[_Form]:
    costs = name_rules().costs
    undone = (SHORTENED,) if len(parts.surnames) > 1 else ()
    for at, unit in enumerate(parts.surnames):
        cost = (costs.second_surname if at else costs.first_surname) if undone else 0.0
        for words in _divided(unit, parts.script):
            yield _Form(words, parts.script, is_forename=False, undone=undone, cost=cost)


def _divided(unit: Unit, script: Script | None) -> Sequence[Unit]:
    """Return how a part of a name is divided into words: Abdul Rahman and Abdulrahman, Al-Husseini and Alhusseini."""
    whole = "".join(unit)
    ways = {unit, (whole,)}
    article, servant = tables().article, tables().servant
    if script is Script.ABJAD and whole.startswith(servant + article):
        rest = whole.removeprefix(servant + article)
        ways |= {(servant + article, rest), (servant, article + rest), (servant, article, rest)}
    elif script is None:
        if found := _LATIN_SERVANT.match(whole):
            ways.add((found[1], found[2]))
        without = _LATIN_ARTICLE.sub("", whole)
        ways.add((without,))
        if len(without) >= _SHORTEST_WITH_ARTICLE:
            ways.add((f"al{without}",))
    return sorted(ways)


_CLASSES = np.array([ord(CLASSES.get(chr(code), "\0" if chr(code).isalpha() else "?")) for code in range(128)])
_CLASSES = np.append(_CLASSES, _OTHER_LETTER).astype(np.uint32)


def _skeleton_hashes(block: Block) -> Hashes:
    """Return for each word of a block the hash of its skeleton."""
    starts, ends = block.words
    classes = _CLASSES[np.minimum(block.codes, len(_CLASSES) - 1)]
    places = np.flatnonzero(classes)
    is_start = np.zeros(len(classes), dtype=np.bool_)
    is_start[starts] = True
    word = np.cumsum(is_start)[places]
    kept = classes[places]
    is_first = np.ones(len(kept), dtype=np.bool_)
    is_first[1:] = (kept[1:] != kept[:-1]) | (word[1:] != word[:-1])
    is_kept = np.zeros(len(classes) + 1, dtype=np.bool_)
    is_kept[places[is_first] + 1] = True
    behind = np.cumsum(is_kept, dtype=np.int64)
    return stretch_hashes(prefix_sums(kept[is_first]), behind[starts], behind[ends])
