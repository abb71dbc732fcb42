"""Where a forename and a surname of the same person stand near each other: found for a whole block at once.

Words are looked up by their hashes, and only those pairs go on that belong together, so that time hardly depends on
how many names are watched, nor on how many of them are ordinary words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import product
from typing import NamedTuple

import numpy as np

from core.types import FieldName
from matchers.batch import FoldedBatch
from matchers.flat import Block
from matchers.hashing import Hashes, HashSet, Places, RecentHashes, hashes_of, stretch_hashes
from matchers.nearby import NearbyWords
from matchers.words import ordinary_hashes

_AFTER = range(1, 7)
_BEFORE = (-1, -2)
_AFTER_MISTYPED = range(1, 5)
_SHORTEST_MISTYPED = 5
_LONG = 9
_LONGEST = 40


_Ends = tuple[Set[str], Set[str]]


class Pair(NamedTuple):
    """A forename and a surname in a field's folded text, by where their words start; with the words that are meant
    where they are not those that stand there."""

    document: int
    field: FieldName
    forename: int
    surname: int
    meant_forename: str | None = None
    meant_surname: str | None = None


class NamePairs:
    """The pairs of words that make watched names."""

    def __init__(
        self, names: Iterable[tuple[Set[str], Set[str]]], tolerant: Iterable[tuple[Set[str], Set[str]]]
    ) -> None:
        """``names`` are the words that each name's forename may begin with, and those that its surname may end with.
        ``tolerant`` are the plain ones of these, of which one may be mistyped."""
        self._pairs = WordPairs(names)
        of_forename: dict[str, set[str]] = {}
        of_surname: dict[str, set[str]] = {}
        for forenames, surnames in tolerant:
            for forename, surname in product(forenames, surnames):
                of_forename.setdefault(forename, set()).add(surname)
                of_surname.setdefault(surname, set()).add(forename)
        self._near_surnames = _Mistyped(self._pairs.forenames, of_forename, of_surname)
        self._near_forenames = _Mistyped(self._pairs.surnames, of_surname, of_forename)

    def find(self, batch: FoldedBatch, *, explaining: bool = False) -> Iterator[Pair]:
        """Yield the pairs of the batch. Where nobody explains, words that are near no name are looked at once."""
        for block in batch.flat.blocks:
            words = BlockWords(block)
            forenames, surnames = self._pairs.numbers(words.hashes)
            first, second = self._pairs.find(words, forenames, surnames, (*_AFTER, *_BEFORE))
            yield from (Pair(*place) for place in words.places(batch, first, second))
            for mistyped, anchors, is_surname in (
                (self._near_surnames, forenames, True),
                (self._near_forenames, surnames, False),
            ):
                for anchor, other, meant in mistyped.find(words, anchors, explaining=explaining, after=is_surname):
                    ends = (anchor, other) if is_surname else (other, anchor)
                    (place,) = words.places(batch, *(np.array([end]) for end in ends))
                    yield Pair(
                        *place,
                        meant_surname=meant if is_surname else None,
                        meant_forename=None if is_surname else meant,
                    )


class WordPairs:
    """Pairs of what words are known by: themselves, or something that several have in common."""

    def __init__(self, names: Iterable[_Ends]) -> None:
        """``names`` are what the first word of each name's forename, and the last of its surname, is known by."""
        self.forenames, self.surnames = Numbered(), Numbered()
        pairs = [
            np.add.outer(self.forenames.add(forenames) << 32, self.surnames.add(surnames)).ravel()
            for forenames, surnames in names
        ]
        self.forenames.close()
        self.surnames.close()
        joined = np.unique(np.concatenate(pairs)) if pairs else np.empty(0, dtype=np.int64)
        self._pairs = HashSet(joined.view(np.uint64))

    def numbers(self, hashes: Hashes) -> tuple[Places, Places]:
        """Return the numbers of words among the forenames and among the surnames, by the hashes of what they are
        known by."""
        return self.forenames.rows(hashes), self.surnames.rows(hashes)

    def find(
        self, words: BlockWords, forenames: Places, surnames: Places, distances: Iterable[int]
    ) -> tuple[Places, Places]:
        """Return the forenames and surnames, by their places among the words, that belong together. ``forenames`` and
        ``surnames`` are the :meth:`numbers` of the words."""
        first, second = [], []
        for distance in distances:
            at = np.flatnonzero(forenames >= 0)
            at, other = words.neighbours(at, distance)
            is_both = surnames[other] >= 0
            at, other = at[is_both], other[is_both]
            pairs = (forenames[at] << 32) + surnames[other]
            is_pair = self._pairs.holds(pairs.view(np.uint64))
            first.append(at[is_pair])
            second.append(other[is_pair])
        return np.concatenate(first), np.concatenate(second)


class BlockWords:
    """The words of a block, with their hashes."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self.starts, self.ends = block.words
        self.hashes = stretch_hashes(block.sums, self.starts, self.ends)
        self._pieces = np.searchsorted(block.bounds, self.starts, side="right")

    def neighbours(self, at: Places, distance: int) -> tuple[Places, Places]:
        """Return those of the words that have one at the distance in the same piece, and these others."""
        other = at + distance
        is_there = (other >= 0) & (other < len(self.starts))
        at, other = at[is_there], other[is_there]
        is_same = self._pieces[at] == self._pieces[other]
        return at[is_same], other[is_same]

    def text(self, at: int) -> str:
        """Return a word."""
        return self._block.codes[self.starts[at] : self.ends[at]].tobytes().decode("utf-32-le", "surrogatepass")

    def places(self, batch: FoldedBatch, first: Places, second: Places) -> Iterator[tuple[int, FieldName, int, int]]:
        """Yield for pairs of words their document and field, and where they start there."""
        found = batch.flat.places(self._block.in_flat(self.starts[first]))
        apart = (self.starts[second] - self.starts[first]).tolist()
        for (document, name, start), distance in zip(found, apart, strict=True):
            yield document, name, start, start + distance


class Numbered:
    """Words with numbers in the order in which they came."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def add(self, words: Set[str]) -> Places:
        """Return the numbers of the words."""
        return np.array([self._numbers.setdefault(word, len(self._numbers)) for word in words], dtype=np.int64)

    def close(self) -> None:
        """Make ready for :meth:`rows`."""
        hashes = hashes_of(list(self._numbers))
        self._hashes = HashSet(hashes)
        self._in_order = np.empty(len(self._hashes.sorted), dtype=np.int64)
        self._in_order[self._hashes.find(hashes)[1]] = np.arange(len(hashes))

    def rows(self, hashes: Hashes) -> Places:
        """Return the number of the word of each hash, -1 for others."""
        rows = np.full(len(hashes), -1, dtype=np.int64)
        found, places = self._hashes.find(hashes)
        rows[found] = self._in_order[places]
        return rows


class _Mistyped:
    """Words that are mistyped beside a word that is not."""

    def __init__(self, anchors: Numbered, of_anchor: Mapping[str, Set[str]], of_other: Mapping[str, Set[str]]) -> None:
        self._of_anchor = of_anchor
        self._anchors = np.zeros(len(anchors._numbers), dtype=np.bool_)
        self._anchors[[anchors._numbers[word] for word in of_anchor]] = True
        self._nearby = NearbyWords(of_other, _typos_allowed)
        self._failed = RecentHashes()

    def find(
        self, words: BlockWords, anchors: Places, *, explaining: bool, after: bool
    ) -> Iterator[tuple[int, int, str]]:
        """Yield an anchor, the mistyped word beside it, and the word that is meant."""
        if not len(self._anchors):
            return
        at = np.flatnonzero((anchors >= 0) & self._anchors[anchors])
        lengths = words.ends - words.starts
        for distance in (*_AFTER_MISTYPED, -1):
            here, other = words.neighbours(at, distance if after else -distance)
            is_long = (lengths[other] >= _SHORTEST_MISTYPED - 1) & (lengths[other] <= _LONGEST)
            here, other = here[is_long], other[is_long]
            hashes = words.hashes[other]
            is_new = ~ordinary_hashes().holds(hashes)
            if not explaining:
                is_new &= ~self._failed.hold(hashes)
            failed = []
            for one, two in zip(here[is_new].tolist(), other[is_new].tolist(), strict=True):
                written = words.text(two)
                near = self._nearby.near(written)
                if not near:
                    failed.append(words.hashes[two])
                meant = self._of_anchor[words.text(one)]
                for word, typos in near:
                    if typos and word in meant:
                        yield one, two, word
            self._failed.add(np.array(failed, dtype=np.uint64))


def _typos_allowed(word: str) -> int:
    return (len(word) >= _SHORTEST_MISTYPED) + (len(word) >= _LONG)
