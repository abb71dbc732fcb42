"""A batch as one flat text: the folded fields of all its documents in one array, for questions asked of all at once.

Folding goes through one look-up table, character by character; a field is folded by itself only where it holds
character references or escapes. Positions are those of :func:`matchers.folding.fold_text` in the same field, counted
from where its piece of the flat text starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.types import FieldName
from matchers.folding import ENCODED, SYMBOLS, fold_character
from matchers.hashing import Hashes, Places, prefix_sums
from matchers.phrases import is_unspaced

Codes = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]

LETTER = 1
"""A letter or digit."""
SPACE = 2
"""White space."""
UNSPACED = 4
"""A letter of a script written without spaces: a word of its own."""
SYMBOL = 8
"""A sign that is neither letter nor digit but may stand for a letter, such as ``$``."""

BLOCK_LENGTH = 1 << 18
_OVERLAP = 512
_CHARACTER_COUNT = 0x110000
_UNKNOWN, _SEVERAL = 0xFFFFFFFF, 0xFFFFFFFE
_DELETED = 0
_SEPARATOR = "\0"
# What stands for a separator that a text has itself: as little a letter or a space.
_NO_SEPARATOR = "\1"


class _Tables:
    """What each character folds to, and the classes of what comes out; filled as characters are met."""

    def __init__(self) -> None:
        self.folds = np.full(_CHARACTER_COUNT, _UNKNOWN, dtype=np.uint32)
        self.classes = np.zeros(_CHARACTER_COUNT, dtype=np.uint8)
        self._learn(range(128))
        self.folds[ord(_SEPARATOR)] = ord(_NO_SEPARATOR)

    def fold(self, codes: Codes) -> Codes:
        """Return what the characters fold to, with marks where that is nothing or several characters."""
        folded = self.folds[codes]
        if (unknown := folded == _UNKNOWN).any():
            self._learn(np.unique(codes[unknown]).tolist())
            folded = self.folds[codes]
        return folded

    def _learn(self, codes: Iterable[int]) -> None:
        for code in codes:
            text = fold_character(chr(code))
            for character in text:
                self.classes[ord(character)] = (
                    LETTER * character.isalnum()
                    | SPACE * character.isspace()
                    | UNSPACED * is_unspaced(character)
                    | SYMBOL * (character in SYMBOLS)
                )
            self.folds[code] = _DELETED if not text else ord(text) if len(text) == 1 else _SEVERAL


_TABLES = _Tables()
CLASSES = _TABLES.classes
"""The classes, added up, of every character that folding has come to so far."""
_BEGINS_ENCODED = np.array([chr(code) in "&%\\" for code in range(128)])


class Block:
    """A part of the flat text that is looked at in one go. Its ``codes`` are the folded characters; pieces of them,
    each of one field, start at ``bounds``. Positions in a block are counted from its own start.

    ``is_cut_before`` and ``is_cut_after`` tell that it begins or ends where a field goes on, maybe within a word.
    """

    def __init__(
        self, codes: Codes, bounds: Places, origins: Places, *, is_cut_before: bool = False, is_cut_after: bool = False
    ) -> None:
        """``origins`` tells for each piece where it starts in the flat text."""
        self.codes = codes
        self.bounds = bounds
        self.is_cut_before = is_cut_before
        self.is_cut_after = is_cut_after
        self._shifts = origins - bounds

    def in_flat(self, positions: Places) -> Places:
        """Return where positions of the block are in the flat text."""
        return positions + self._shifts[np.searchsorted(self.bounds, positions, side="right") - 1]

    @cached_property
    def classes(self) -> npt.NDArray[np.uint8]:
        """The classes of the characters, added up."""
        return CLASSES[self.codes]

    @cached_property
    def sums(self) -> Hashes:
        """The prefix sums for hashes of stretches."""
        return prefix_sums(self.codes)

    @cached_property
    def words(self) -> tuple[Places, Places]:
        """Where words start and where they end, as :class:`matchers.phrases.Words` has them."""
        is_letter = (self.classes & LETTER) != 0
        is_alone = (self.classes & UNSPACED) != 0
        begins, ends = is_letter.copy(), is_letter.copy()
        begins[1:] &= ~is_letter[:-1] | is_alone[1:] | is_alone[:-1]
        ends[:-1] &= ~is_letter[1:] | is_alone[1:] | is_alone[:-1]
        return np.flatnonzero(begins), np.flatnonzero(ends) + 1

    def pieces_with(self, is_sign: Flags) -> Block | None:
        """Return the pieces in which one of the signs stands, as a block; None if in none."""
        pieces = np.unique(np.searchsorted(self.bounds, np.flatnonzero(is_sign), side="right") - 1)
        if not len(pieces):
            return None
        lengths = np.diff(self.bounds, append=len(self.codes))
        is_chosen = np.zeros(len(lengths), dtype=np.bool_)
        is_chosen[pieces] = True
        bounds = np.cumsum(lengths[pieces]) - lengths[pieces]
        return Block(self.codes[np.repeat(is_chosen, lengths)], bounds, self.bounds[pieces] + self._shifts[pieces])


class FlatText:
    """The folded fields of documents, one after the other, a separator between any two."""

    def __init__(
        self, fields: Sequence[tuple[int, FieldName]], texts: Sequence[str], folded: Callable[[int, FieldName], str]
    ) -> None:
        """``fields`` names every text by its document's place in the batch and its field; ``folded`` returns the
        folded text of one, asked for where the table cannot tell it."""
        self.fields = fields
        joined = _joined(texts)
        codes = _codes(joined)
        if encoded := _encoded(joined, codes, texts):
            decoded = list(texts)
            for index in encoded:
                decoded[index] = folded(*fields[index])
            joined = _joined(decoded)
            codes = _codes(joined)
        folds = _TABLES.fold(codes)
        if (several := folds == _SEVERAL).any():
            for code in np.unique(codes[several]).tolist():
                joined = joined.replace(chr(code), fold_character(chr(code)))
            codes = _codes(joined)
            folds = _TABLES.fold(codes)
        bounds = np.flatnonzero(codes == ord(_SEPARATOR))
        is_kept = folds != _DELETED
        if not is_kept.all():
            bounds = np.cumsum(is_kept)[bounds] - 1
            folds = folds[is_kept]
        self.codes = folds
        self.starts = np.concatenate(([0], bounds + 1))

    def places(self, positions: Places) -> Iterator[tuple[int, FieldName, int]]:
        """Yield the document, the field, and the position in its folded text, of positions in the flat text."""
        indexes = np.searchsorted(self.starts, positions, side="right") - 1
        within = positions - self.starts[indexes]
        for index, position in zip(indexes.tolist(), within.tolist(), strict=True):
            yield *self.fields[index], position

    def documents(self, positions: Places) -> list[int]:
        """Return the documents, each once and in order, in which the positions stand."""
        indexes = np.unique(np.searchsorted(self.starts, positions, side="right") - 1).tolist()
        return list(dict.fromkeys(self.fields[index][0] for index in indexes))

    def words(self, index: int) -> tuple[Places, Places]:
        """Return where the words of a field start and end, counted from the field's start. ``index`` is its place in
        ``fields``."""
        start = self.starts[index]
        end = self.starts[index + 1] - 1 if index + 1 < len(self.starts) else len(self.codes)
        return Block(self.codes[start:end], np.zeros(1, dtype=np.int64), self.starts[index : index + 1]).words

    @cached_property
    def blocks(self) -> list[Block]:
        """The flat text in blocks of bounded length, cut between pieces. A longer piece is cut into blocks that
        overlap by more than any term is long."""
        blocks = []
        start, is_cut = 0, False
        while start < len(self.codes):
            end = len(self.codes)
            following = end
            is_cut_after = False
            if end - start > BLOCK_LENGTH:
                furthest = start + BLOCK_LENGTH
                following = end = int(self.starts[np.searchsorted(self.starts, furthest, side="right") - 1])
                if end <= start:
                    end, is_cut_after = furthest, True
                    following = end - _OVERLAP
            first, last = np.searchsorted(self.starts, (start, end))
            origins = self.starts[first:last]
            if is_cut or not len(origins):
                origins = np.concatenate(([start], origins))
            blocks.append(
                Block(
                    self.codes[start:end],
                    origins - start,
                    origins,
                    is_cut_before=is_cut,
                    is_cut_after=is_cut_after,
                )
            )
            start, is_cut = following, is_cut_after
        return blocks


def _joined(texts: Sequence[str]) -> str:
    joined = _SEPARATOR.join(texts)
    if joined.count(_SEPARATOR) >= len(texts):
        joined = _SEPARATOR.join(text.replace(_SEPARATOR, _NO_SEPARATOR) for text in texts)
    return joined


def _encoded(joined: str, codes: Codes, texts: Sequence[str]) -> list[int]:
    """Return which of the joined texts hold stretches in which several characters are written for one."""
    signs = np.flatnonzero(_BEGINS_ENCODED[np.minimum(codes, 127)])
    bounds = np.cumsum([len(text) + 1 for text in texts])
    found: list[int] = []
    for index, sign in zip(np.searchsorted(bounds, signs, side="right").tolist(), signs.tolist(), strict=True):
        if found[-1:] != [index] and ENCODED.match(joined, sign):
            found.append(index)
    return found


def _codes(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
