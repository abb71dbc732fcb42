"""Many strings looked up at once: everywhere in a text, or among strings that are a few typos apart.

Everything is asked by hashes of stretches (:mod:`matchers.hashing`) and for whole arrays of places, so that time
hardly depends on how many strings are looked for. Bit maps pass over nearly all places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA
from rapidfuzz.process import cpdist

from matchers import kernels
from matchers.hashing import (
    Hashes,
    HashSet,
    Places,
    inverse_powers,
    joined_codes,
    prefix_sums,
    stretch_hashes,
)

Letters = npt.NDArray[np.uint16]
Rows = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int64]

_NOWHERE = np.empty(0, dtype=np.int64)
_LONGEST_PREFIX = 6
_SHORTEST_ANYWHERE = 5
_NEAR_PREFIX = 7
MOST_TYPOS = 2


def expanded(offsets: Places, rows: Rows) -> tuple[Rows, Places]:
    """Return, for rows of a table whose row ``r`` holds the places from ``offsets[r]`` to ``offsets[r + 1]``, the
    index into ``rows`` and the place, for all places of all rows."""
    counts = offsets[rows + 1] - offsets[rows]
    indexes = np.repeat(np.arange(len(rows)), counts)
    firsts = np.repeat(np.cumsum(counts) - counts, counts)
    return indexes, offsets[rows][indexes] + np.arange(len(indexes)) - firsts


class Everywhere:
    """Strings that are looked for at every place of a text."""

    def __init__(self, strings: Sequence[str]) -> None:
        """``strings`` are all different and of at least one character."""
        codes, starts, ends = joined_codes(strings)
        sums = prefix_sums(codes)
        lengths = ends - starts
        hashes = stretch_hashes(sums, starts, ends)
        self._whole = HashSet(hashes)
        self._row = np.empty(len(self._whole.sorted), dtype=np.int64)
        self._row[self._whole.find(hashes)[1]] = np.arange(len(strings))
        prefix_lengths = np.minimum(lengths, _LONGEST_PREFIX)
        self._prefixes = []
        for length in np.unique(prefix_lengths).tolist():
            chosen = prefix_lengths == length
            prefix_hashes = stretch_hashes(sums, starts[chosen], starts[chosen] + length)
            order = np.lexsort((lengths[chosen], prefix_hashes))
            beginning, whole = prefix_hashes[order], lengths[chosen][order]
            is_new = np.ones(len(order), dtype=np.bool_)
            is_new[1:] = (beginning[1:] != beginning[:-1]) | (whole[1:] != whole[:-1])
            beginning, whole = beginning[is_new], whole[is_new]
            prefixes = HashSet(beginning)
            offsets = np.append(np.searchsorted(beginning, prefixes.sorted), len(beginning))
            self._prefixes.append(_Prefixes(length, prefixes, offsets, whole))
        self.longest = int(lengths.max(initial=0))

    def find(self, sums: Hashes, limits: Places, places: Places, word_starts: Places) -> tuple[Places, Places, Rows]:
        """Return starts and ends of the stretches that are one of the strings, and which, given the prefix sums of the
        text, how far a stretch from each place may reach, and the places to look at. Strings of fewer than five
        characters are looked for only where words start."""
        if not self._prefixes:
            return _NOWHERE, _NOWHERE, _NOWHERE
        compiled = kernels.compiled()
        columns: list[tuple[Places, Places, Rows]] = []
        for prefixes in self._prefixes:
            starts = word_starts if prefixes.length < _SHORTEST_ANYWHERE else places
            if compiled:
                begins, until, rows = kernels.written(
                    compiled.stretches,
                    sums,
                    inverse_powers(len(sums)),
                    limits,
                    starts,
                    prefixes.length,
                    prefixes.hashes.table,
                    prefixes.offsets,
                    prefixes.lengths,
                    self._whole.table,
                    self._row,
                )
            else:
                begins, until, rows = self._stretches(sums, limits, starts, prefixes)
            columns.append((begins, until, rows))
        begins, until, rows = (np.concatenate(column) for column in zip(*columns, strict=True))
        return begins, until, rows

    def _stretches(
        self, sums: Hashes, limits: Places, starts: Places, prefixes: _Prefixes
    ) -> tuple[Places, Places, Rows]:
        starts = starts[starts + prefixes.length <= limits[starts]]
        known, places = prefixes.hashes.find(stretch_hashes(sums, starts, starts + prefixes.length))
        indexes, at = expanded(prefixes.offsets, places)
        begins = starts[known[indexes]]
        until = begins + prefixes.lengths[at]
        fits = until <= limits[begins]
        begins, until = begins[fits], until[fits]
        which, places = self._whole.find(stretch_hashes(sums, begins, until))
        return begins[which], until[which], self._row[places]


@dataclass(frozen=True, slots=True)
class _Prefixes:
    """The different beginnings of strings, with the lengths that strings of each have."""

    length: int
    hashes: HashSet
    offsets: Places
    lengths: Counts


class Nearby:
    """Strings that can be asked for by their misspellings.

    Symmetric deletion (Garbe's SymSpell): two strings within ``k`` edits share what is left of their first seven
    characters after at most ``k`` deletions from each. Candidates are proved by the optimal-string-alignment distance.
    """

    def __init__(self, strings: Sequence[str], typos_allowed: Sequence[int]) -> None:
        """``typos_allowed`` says how many edits each string tolerates: 0, 1 or 2."""
        self._strings = strings
        codes, self._starts, self._ends = joined_codes(strings)
        self._codes = codes.copy()
        sums = prefix_sums(codes)
        allowed = np.asarray(typos_allowed, dtype=np.int64)
        self._tables = [
            _Remainders(sums, self._starts, self._ends, rows, most)
            for most in (1, MOST_TYPOS)
            if len(rows := np.flatnonzero(allowed == most))
        ]

    def near(self, sums: Hashes, starts: Places, ends: Places, letters: Letters) -> tuple[Rows, Rows, Counts]:
        """Return which stretch of the letters is within the allowed edits of which string, with the number of edits;
        all pairs once. ``sums`` are the prefix sums of the letters."""
        compiled = kernels.compiled()
        columns = []
        for table in self._tables:
            chosen = table.of_fitting_length(starts, ends)
            if compiled:
                stretches, rows, edits = kernels.written(
                    compiled.near,
                    sums,
                    inverse_powers(len(sums) + 2),
                    letters,
                    starts[chosen],
                    ends[chosen],
                    table.hashes.table,
                    table.offsets,
                    table.owners,
                    self._codes,
                    self._starts,
                    self._ends,
                    _NEAR_PREFIX,
                    table.most,
                )
            else:
                stretches, rows, edits = self._near(table, sums, starts[chosen], ends[chosen], letters)
            columns.append((chosen[stretches], rows, edits))
        if not columns:
            return _NOWHERE, _NOWHERE, _NOWHERE
        stretches, rows, edits = (np.concatenate(column) for column in zip(*columns, strict=True))
        _, different = np.unique(stretches * len(self._strings) + rows, return_index=True)
        return stretches[different], rows[different], edits[different]

    def _near(
        self, table: _Remainders, sums: Hashes, starts: Places, ends: Places, letters: Letters
    ) -> tuple[Rows, Rows, Counts]:
        which, hashes = _remainders(sums, starts, ends, table.most)
        known, places = table.hashes.find(hashes)
        indexes, at = expanded(table.offsets, places)
        stretches, rows = which[known[indexes]], table.owners[at].astype(np.int64)
        lengths, meant_lengths = (ends - starts)[stretches], (self._ends - self._starts)[rows]
        fits = np.abs(lengths - meant_lengths) <= table.most
        keys = np.unique(stretches[fits] * len(self._strings) + rows[fits])
        if not len(keys):
            return _NOWHERE, _NOWHERE, _NOWHERE
        stretches, rows = np.divmod(keys, len(self._strings))
        written = [
            letters[start:end].tobytes()
            for start, end in zip(starts[stretches].tolist(), ends[stretches].tolist(), strict=True)
        ]
        texts = [letters_.decode("utf-16-le", "surrogatepass") for letters_ in written]
        meant = [self._strings[row] for row in rows.tolist()]
        edits = cpdist(texts, meant, scorer=OSA.distance, score_cutoff=table.most, dtype=np.int64, workers=1)
        fits = edits <= table.most
        return stretches[fits], rows[fits], edits[fits]

    def near_strings(self, written: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """Yield the same for strings: which is near which, with the number of edits."""
        codes, starts, ends = joined_codes(written)
        columns = self.near(prefix_sums(codes), starts, ends, codes.astype(np.uint16))
        yield from zip(*(column.tolist() for column in columns), strict=True)


class _Remainders:
    """What is left of the beginnings of some strings after deletions, and of which strings."""

    def __init__(self, sums: Hashes, starts: Places, ends: Places, rows: Rows, most: int) -> None:
        """``rows`` are those of the strings that tolerate ``most`` edits."""
        self.most = most
        which, hashes = _remainders(sums, starts[rows], ends[rows], most)
        order = np.argsort(hashes)
        hashes = hashes[order]
        self.hashes = HashSet(hashes)
        self.offsets = np.append(np.searchsorted(hashes, self.hashes.sorted), len(hashes))
        self.owners = rows[which[order]].astype(np.int32)
        lengths = (ends - starts)[rows]
        self._shortest, self._longest = int(lengths.min()) - most, int(lengths.max()) + most

    def of_fitting_length(self, starts: Places, ends: Places) -> Rows:
        """Return the stretches that may be near one of the strings, going by their length."""
        lengths = ends - starts
        return np.flatnonzero((lengths >= self._shortest) & (lengths <= self._longest))


def _remainders(sums: Hashes, starts: Places, ends: Places, most: int) -> tuple[Rows, Hashes]:
    """Return the hashes of what is left of the beginnings of stretches after every way to delete at most so many
    characters, and of which stretch each is."""
    lasts = np.minimum(starts + _NEAR_PREFIX, ends)
    inverses = inverse_powers(len(sums) + 2)
    # A column for each way: what is deleted first and second, at _NEAR_PREFIX nothing.
    first, second = (starts + column[:, None] for column in _DELETIONS[most])
    is_way = (first < lasts) | (first == starts + _NEAR_PREFIX)
    is_way &= (second < lasts) | (second == starts + _NEAR_PREFIX)
    first, second = np.minimum(first, lasts), np.minimum(second, lasts)
    left = (sums[first] - sums[starts]) * inverses[starts]
    left += (sums[second] - sums[np.minimum(first + 1, lasts)]) * inverses[starts + 1]
    left += (sums[lasts] - sums[np.minimum(second + 1, lasts)]) * inverses[starts + 2]
    which = np.broadcast_to(np.arange(len(starts)), is_way.shape)
    return which[is_way], left[is_way]


def _deletions(most: int) -> tuple[Places, Places]:
    ways = [(_NEAR_PREFIX, _NEAR_PREFIX), *((place, _NEAR_PREFIX) for place in range(_NEAR_PREFIX))]
    if most > 1:
        ways += combinations(range(_NEAR_PREFIX), 2)
    first, second = zip(*ways, strict=True)
    return np.array(first), np.array(second)


_DELETIONS = {most: _deletions(most) for most in (1, MOST_TYPOS)}
