"""Hashes of stretches of a text, all in constant time from prefix sums (Karp and Rabin, 1987).

A stretch c0 c1 c2 … has the hash c0 + c1·b + c2·b² + … modulo 2**64. The base b is drawn anew in every process, so
that nobody can write texts whose hashes collide, and no hash may be kept: what is kept has a secret base of its own
(:mod:`matchers.fingerprints`).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

BASE = secrets.randbits(64) | 1
_NOWHERE = np.empty(0, dtype=np.int64)
_SLOTS_PER_HASH = 4
_RECENT_BITS = 19
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def prefix_sums(codes: npt.NDArray[Any], base: int = BASE) -> Hashes:
    """Return one sum more than there are codes, for :func:`stretch_hashes`."""
    sums = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum(codes * powers(len(codes), base)[: len(codes)], out=sums[1:])
    return sums


def stretch_hashes(sums: Hashes, starts: Places, ends: Places, base: int = BASE) -> Hashes:
    """Return the hashes of the stretches from each start to its end. The base is that of the sums."""
    return (sums[ends] - sums[starts]) * inverse_powers(len(sums), base)[starts]


def joined_codes(strings: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Places, Places]:
    """Return the characters of all strings in a row, and where each string starts and ends."""
    lengths = np.fromiter(map(len, strings), dtype=np.int64, count=len(strings))
    ends = np.cumsum(lengths)
    codes = np.frombuffer("".join(strings).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return codes, ends - lengths, ends


def hashes_of(strings: Sequence[str]) -> Hashes:
    """Return the hashes of whole strings."""
    codes, starts, ends = joined_codes(strings)
    return stretch_hashes(prefix_sums(codes), starts, ends)


def slots(hashes: Hashes, bits: int) -> Places:
    """Return a place in a table of 2**bits rows for every hash: the high bits of its product with a constant (Knuth,
    The Art of Computer Programming, 6.4)."""
    return (hashes * _SPREAD >> np.uint64(64 - bits)).view(np.int64)


def powers(count: int, base: int = BASE) -> Hashes:
    """Return at least so many powers of the base, which is odd, from 1 on."""
    return _powers(base, _rounded(count))


def inverse_powers(count: int, base: int = BASE) -> Hashes:
    """Return at least so many powers of the base's inverse modulo 2**64, from 1 on."""
    return _powers(pow(base, -1, 1 << 64), _rounded(count))


def _rounded(count: int) -> int:
    return 1 << max(12, (count - 1).bit_length())


@lru_cache(maxsize=32)
def _powers(base: int, count: int) -> Hashes:
    factors = np.full(count, base, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors)


Table = tuple[npt.NDArray[np.uint8], Hashes, npt.NDArray[np.int32], np.uint64]


class HashSet:
    """Hashes to ask many others for, in a table with open addressing and linear probing (Knuth, 6.4)."""

    def __init__(self, hashes: Hashes) -> None:
        """``sorted`` are the hashes, each once."""
        ordered = np.sort(hashes)
        is_new = np.ones(len(ordered), dtype=np.bool_)
        is_new[1:] = ordered[1:] != ordered[:-1]
        self.sorted = ordered[is_new]
        self._bits = max(10, (len(self.sorted) * _SLOTS_PER_HASH).bit_length())
        self._rows = np.full(1 << self._bits, -1, dtype=np.int32)
        at = slots(self.sorted, self._bits)
        waiting = np.arange(len(self.sorted), dtype=np.int32)
        while len(waiting):
            free = waiting[self._rows[at[waiting]] < 0]
            self._rows[at[free]] = free
            waiting = waiting[self._rows[at[waiting]] != waiting]
            at[waiting] = (at[waiting] + 1) % len(self._rows)

    @cached_property
    def table(self) -> Table:
        """The set as compiled code asks it: bits that tell most other hashes apart from these and stay in a
        processor's cache; the hashes; their rows by slot (-1 in empty ones); and by how many bits a product is shifted
        to become a slot."""
        bits = np.zeros(4 << self._bits, dtype=np.bool_)
        bits[slots(self.sorted, self._bits + 2)] = True
        return np.packbits(bits, bitorder="little"), self.sorted, self._rows, np.uint64(64 - self._bits)

    def holds(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Return for each hash whether it is in the set."""
        held = np.zeros(len(hashes), dtype=np.bool_)
        held[self.find(hashes)[0]] = True
        return held

    def find(self, hashes: Hashes) -> tuple[Places, Places]:
        """Return the indexes of the hashes that are in the set, and the place of each among the sorted ones."""
        at = slots(hashes, self._bits)
        rows = self._rows[at]
        indexes = np.flatnonzero(rows >= 0)
        rows, at = rows[indexes], at[indexes]
        found = []
        while len(indexes):
            is_it = self.sorted[rows] == hashes[indexes]
            found.append((indexes[is_it], rows[is_it]))
            at = (at[~is_it] + 1) % len(self._rows)
            indexes, rows = indexes[~is_it], self._rows[at]
            is_taken = rows >= 0
            indexes, rows, at = indexes[is_taken], rows[is_taken], at[is_taken]
        if not found:
            return _NOWHERE, _NOWHERE
        indexes, rows = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.argsort(indexes, kind="stable")
        return indexes[order], rows[order].astype(np.int64)


NO_HASHES = HashSet(np.empty(0, dtype=np.uint64))
"""A set that holds nothing."""


class RecentHashes:
    """Hashes that were met lately. One may be forgotten when another comes, so that the size never grows; reading
    and adding from several threads at once may forget some, and does no other harm."""

    def __init__(self) -> None:
        self._rows = np.zeros(1 << _RECENT_BITS, dtype=np.uint64)

    @property
    def table(self) -> tuple[Hashes, np.uint64]:
        """The hashes by slot, and by how many bits a product is shifted to become a slot, for compiled code."""
        return self._rows, np.uint64(64 - _RECENT_BITS)

    def hold(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Return for each hash whether it was met lately."""
        return np.equal(self._rows[slots(hashes, _RECENT_BITS)], hashes)

    def add(self, hashes: Hashes) -> None:
        """Remember the hashes."""
        self._rows[slots(hashes, _RECENT_BITS)] = hashes
