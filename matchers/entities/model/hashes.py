"""The hashes by which training tells features apart, for a network that works without it: spaCy's of strings
(MurmurHash64A) and thinc's of these (a 128-bit MurmurHash3), both by Austin Appleby."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Hashes: TypeAlias = "npt.NDArray[np.uint64]"

_64_BITS = (1 << 64) - 1
_FACTOR, _SHIFT = 0xC6A4A7935BD1E995, 47
_SEED_OF_STRINGS = 1
_FIRST, _SECOND = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
_MIXING = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_BYTES = 8


def hash_string(string: str) -> int:
    """Return the hash of a string, of 64 bits."""
    written = string.encode("utf-8", "surrogatepass")
    mixed = _SEED_OF_STRINGS ^ len(written) * _FACTOR & _64_BITS
    whole = len(written) // _BYTES * _BYTES
    for start in range(0, whole, _BYTES):
        block = int.from_bytes(written[start : start + _BYTES], "little") * _FACTOR & _64_BITS
        mixed = (mixed ^ (block ^ block >> _SHIFT) * _FACTOR & _64_BITS) * _FACTOR & _64_BITS
    if whole < len(written):
        mixed = (mixed ^ int.from_bytes(written[whole:], "little")) * _FACTOR & _64_BITS
    mixed = (mixed ^ mixed >> _SHIFT) * _FACTOR & _64_BITS
    return mixed ^ mixed >> _SHIFT


def keys_of(hashes: Hashes, seed: int) -> npt.NDArray[np.uint32]:
    """Return four keys for each of the hashes."""
    salt = np.uint64(seed ^ _BYTES)
    first = hashes * _FIRST
    first = (first << np.uint64(31) | first >> np.uint64(33)) * _SECOND ^ salt
    first = first + salt
    second = _mixed(first + salt)
    first = _mixed(first) + second
    return np.stack((first, first + second), axis=1).astype("<u8").view("<u4")


def _mixed(hashes: Hashes) -> Hashes:
    for factor in _MIXING:
        hashes = (hashes ^ hashes >> np.uint64(33)) * factor
    return hashes ^ hashes >> np.uint64(33)
