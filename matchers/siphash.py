"""SipHash-2-4 (Aumasson and Bernstein, 2012) of many short messages at once.

A pseudo-random function: without the 128-bit key its results tell nothing about the messages, and nobody can test
whether a message that they guess is among them.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from matchers.hashing import Hashes

KEY_BYTES = 16
_INITIAL = [np.uint64(number) for number in struct.unpack(">4Q", b"somepseudorandomlygeneratedbytes")]
_LAST = np.uint64(0xFF)
_BLOCK_BYTES = 8
# So many messages that the state stays in the processor's cache.
_AT_ONCE = 1 << 13


def siphash(key: bytes, messages: npt.NDArray[np.uint64]) -> Hashes:
    """Return the hash of each row of the array, a message of 64-bit words in little-endian order. Raises ValueError
    for a key that is not 16 bytes long."""
    if len(key) != KEY_BYTES:
        raise ValueError("the key must be 16 bytes long")
    hashes = np.empty(len(messages), dtype=np.uint64)
    for start in range(0, len(messages), _AT_ONCE):
        hashes[start : start + _AT_ONCE] = _hashed(key, messages[start : start + _AT_ONCE])
    return hashes


def _hashed(key: bytes, messages: npt.NDArray[np.uint64]) -> Hashes:
    halves = np.frombuffer(key, dtype="<u8").astype(np.uint64)
    count, length = messages.shape
    state = [np.full(count, initial ^ half) for initial, half in zip(_INITIAL, (*halves, *halves), strict=True)]
    ending = np.full(count, (length * _BLOCK_BYTES % 256) << 56, dtype=np.uint64)
    for word in (*np.ascontiguousarray(messages.T), ending):
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= _LAST
    _rounds(state, 4)
    for other in state[1:]:
        state[0] ^= other
    return state[0]


def _rounds(state: list[Hashes], count: int) -> None:
    first, second, third, fourth = state
    for _ in range(count):
        first += second
        third += fourth
        _rotate(second, 13)
        _rotate(fourth, 16)
        second ^= first
        fourth ^= third
        _rotate(first, 32)
        first += fourth
        third += second
        _rotate(fourth, 21)
        _rotate(second, 17)
        fourth ^= first
        second ^= third
        _rotate(third, 32)


def _rotate(numbers: Hashes, bits: int) -> None:
    carried = numbers >> np.uint64(64 - bits)
    numbers <<= np.uint64(bits)
    numbers |= carried
