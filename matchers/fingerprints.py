"""Fingerprints of texts: enough to find what was copied from a text, and nothing to read it from.

Winnowing (Schleimer, Wilkerson and Aiken, 2003): every run of ``SHINGLE_WORDS`` folded words is hashed, and of every
``WINDOW`` hashes in a row the smallest is kept, with the first and the last of the text. So any stretch of
``SHINGLE_WORDS + WINDOW - 1`` words that is copied unchanged shares a fingerprint with its text. The fingerprints are
a set: they tell nothing of their order.

The hash is a pseudo-random function of a secret key (:mod:`matchers.siphash`): whoever has the fingerprints and not
the key cannot test a guess. ``docs/decisions/0004-passages.md`` tells what that protects from.
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import blake2b

import numpy as np

from core.errors import UsageError
from matchers.flat import Block, FlatText
from matchers.folding import fold_text
from matchers.hashing import Hashes, Places, joined_codes, prefix_sums, stretch_hashes
from matchers.phrases import Words
from matchers.siphash import KEY_BYTES, siphash

SHINGLE_WORDS = 4
WINDOW = 2
FEWEST_WORDS = SHINGLE_WORDS + WINDOW - 1
"""So many words that a field may share two fingerprints with a text."""

_BEGINNING = "passage:v"
_WRITTEN = re.compile(r"passage:v1:([0-9a-f]{8}):([A-Za-z0-9+/]+={0,2})")
_STORED = np.dtype("<u8")


class Fingerprinter:
    """Makes, writes and reads fingerprints by one secret key. Safe to use from several threads."""

    def __init__(self, key: bytes) -> None:
        """``key`` is secret and has at most 64 bytes."""
        self._shingle_key = _derived(key, b"shingles", KEY_BYTES)
        self._word_base = int.from_bytes(_derived(key, b"words", 8), "little") | 1
        self._key_id = _derived(key, b"key id", 4).hex()

    def fingerprints(self, text: str) -> Hashes:
        """Return the fingerprints of the text, sorted, each once; none for fewer than ``SHINGLE_WORDS`` words."""
        codes, starts, ends = joined_codes(Words(fold_text(text).text).texts)
        words = self._word_hashes(prefix_sums(codes, self._word_base), starts, ends)
        if len(words) < SHINGLE_WORDS:
            return np.empty(0, dtype=np.uint64)
        shingles = self._shingles(words, np.arange(len(words) - SHINGLE_WORDS + 1))
        edges = shingles[[0, -1]]
        if len(shingles) < WINDOW:
            return np.unique(edges)
        kept = np.lib.stride_tricks.sliding_window_view(shingles, WINDOW).min(axis=1)
        return np.unique(np.concatenate((edges, kept)))

    def shingles(self, flat: FlatText) -> tuple[Places, Hashes]:
        """Return where the shingles of the flat text start, and their hashes. Some may stand there twice; fields of
        fewer than ``FEWEST_WORDS`` words are passed over."""
        found = [self._shingles_of_block(block) for block in flat.blocks]
        if not found:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
        positions, hashes = zip(*found, strict=True)
        return np.concatenate(positions), np.concatenate(hashes)

    def placed(self, text: str) -> tuple[Places, Hashes]:
        """Return where the shingles of the text start, in order and in its own code points, and their hashes; none for
        fewer than ``FEWEST_WORDS`` words."""
        positions, hashes = self.shingles(FlatText([(0, "text")], [text], lambda *_: fold_text(text).text))
        # Blocks of a long text overlap.
        positions, first = np.unique(positions, return_index=True)
        return np.asarray(fold_text(text).starts)[positions], hashes[first]

    def _shingles_of_block(self, block: Block) -> tuple[Places, Hashes]:
        starts, ends = block.words
        pieces = np.searchsorted(block.bounds, starts, side="right") - 1
        is_long = np.bincount(pieces, minlength=len(block.bounds))[pieces] >= FEWEST_WORDS
        count = max(0, len(starts) - SHINGLE_WORDS + 1)
        first = np.flatnonzero(is_long[:count] & (pieces[:count] == pieces[len(pieces) - count :]))
        if not len(first):
            return first, np.empty(0, dtype=np.uint64)
        words = self._word_hashes(prefix_sums(block.codes, self._word_base), starts, ends)
        return block.in_flat(starts[first]), self._shingles(words, first)

    def write(self, text: str) -> str:
        """Return the fingerprints of the text as one printable word."""
        kept = base64.b64encode(self.fingerprints(text).astype(_STORED).tobytes()).decode()
        return f"{_BEGINNING}1:{self._key_id}:{kept}"

    def read(self, value: str) -> Hashes:
        """Return the fingerprints written as ``value``, or those of the text where it is a text.

        Raises UsageError for fingerprints that are damaged or were made with another key.
        """
        if not is_written(value):
            return self.fingerprints(value)
        written = _WRITTEN.fullmatch(value)
        try:
            kept = base64.b64decode(written[2] if written else "", validate=True)
        except binascii.Error:
            kept = b""
        if written is None or not kept or len(kept) % _STORED.itemsize:
            raise UsageError("the fingerprints of a passage are damaged: export them again, or enter its text")
        if written[1] != self._key_id:
            raise UsageError("the fingerprints of a passage were made with another key: enter its text again")
        return np.unique(np.frombuffer(kept, dtype=_STORED).astype(np.uint64))

    def _word_hashes(self, sums: Hashes, starts: Places, ends: Places) -> Hashes:
        return stretch_hashes(sums, starts, ends, self._word_base)

    def _shingles(self, words: Hashes, first: Places) -> Hashes:
        return siphash(self._shingle_key, words[first[:, None] + np.arange(SHINGLE_WORDS)])


def is_written(value: str) -> bool:
    """Return whether the value is meant as written fingerprints, whole or damaged, and not as a text."""
    return value.startswith(_BEGINNING)


def _derived(key: bytes, purpose: bytes, size: int) -> bytes:
    return blake2b(key=key, person=purpose, digest_size=size).digest()
