"""The skeleton of a whole block, as arrays: which stretches and runs of words may be looked up in it."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from matchers import kernels
from matchers.flat import CLASSES, LETTER, SPACE, SYMBOL, UNSPACED, Block
from matchers.hashing import Hashes, HashSet, Places, RecentHashes, inverse_powers, powers, prefix_sums, stretch_hashes
from matchers.skeleton import LETTERS, WITH_SYMBOLS, letters_of

Flags = npt.NDArray[np.bool_]

_MOST_WORDS = 4


class Letters:
    """The letters of a block: ``letters[i]`` stands for the block's characters ``starts[i]`` to ``ends[i]``.

    A stretch is given by where it starts and ends among the letters.
    """

    def __init__(self, block: Block, *, symbols: bool = False) -> None:
        self.block = block
        table = WITH_SYMBOLS if symbols else LETTERS
        if compiled := kernels.compiled():
            self._fill(compiled.letters_of, table)
        else:
            self.letters, self.starts, self.ends = letters_of(block.codes, table)

    @cached_property
    def sums(self) -> Hashes:
        """The prefix sums for hashes of stretches of letters."""
        return prefix_sums(self.letters)

    @cached_property
    def written_sums(self) -> Hashes:
        """The prefix sums for hashes of what is written in the block."""
        return prefix_sums(self.block.codes)

    @cached_property
    def limits(self) -> Places:
        """For each letter, where the letters of its piece end."""
        lasts = np.append(np.searchsorted(self.starts, self.block.bounds), len(self.letters))
        return np.repeat(lasts, np.diff(lasts, prepend=0))

    @cached_property
    def word_starts(self) -> Places:
        """The letters that start a word: those that stand right after no other."""
        is_start = np.ones(len(self.letters), dtype=np.bool_)
        is_start[1:] = self.starts[1:] > self.ends[:-1]
        return np.flatnonzero(is_start)

    @cached_property
    def word_ends(self) -> Places:
        """Where, in letters, each of these words ends."""
        return np.append(self.word_starts[1:], len(self.letters))[: len(self.word_starts)]

    @cached_property
    def beginnings(self) -> Places:
        """The letters that start a word, where those of a script written without spaces do too, and what follows."""
        is_start = (self.block.classes[self.starts] & UNSPACED) != 0
        is_start[1:] |= is_start[:-1].copy()
        is_start[self.word_starts] = True
        return np.flatnonzero(is_start)

    @cached_property
    def is_space(self) -> Flags:
        """For each position of the block whether white space stands there."""
        is_space: Flags = (self.block.classes & SPACE) != 0
        return is_space

    @cached_property
    def spaces(self) -> Places:
        """The number of white space characters before each position of the block."""
        return np.concatenate(([0], np.cumsum(self.is_space)))

    @cached_property
    def letter_counts(self) -> Places:
        """How many characters the letters before each one stand for."""
        return np.concatenate(([0], np.cumsum(self.ends - self.starts)))

    @cached_property
    def next_symbol(self) -> Places:
        """For each letter, the first from it on that is written with a sign, or one past the last."""
        is_symbol = np.concatenate(([0], np.cumsum((self.block.classes & SYMBOL) != 0)))
        symbols = np.flatnonzero(is_symbol[self.ends] > is_symbol[self.starts])
        following = np.append(symbols, len(self.letters))
        return following[np.searchsorted(symbols, np.arange(len(self.letters)))]

    def text(self, start: int, end: int) -> str:
        """Return a stretch as a string."""
        return self.letters[start:end].tobytes().decode("utf-16-le", "surrogatepass")

    def written_out(self, start: int, end: int) -> str:
        """Return a stretch as a string, each letter as often as it stands there."""
        counts = self.ends[start:end] - self.starts[start:end]
        return np.repeat(self.letters[start:end], counts).tobytes().decode("utf-16-le", "surrogatepass")

    def is_glued_before(self, starts: Places) -> Flags:
        """Return whether each of the letters goes on with a word that begins before it."""
        at = self.starts[starts]
        return self._is_one_word(at, at - 1) & (at > 0)

    def is_glued_after(self, ends: Places) -> Flags:
        """Return whether the word goes on after each of the letters that end there."""
        at = self.ends[ends - 1]
        return self._is_one_word(at - 1, np.minimum(at, len(self.block.codes) - 1)) & (at < len(self.block.codes))

    def _is_one_word(self, edges: Places, besides: Places) -> Flags:
        """Return whether a letter or digit stands beside each edge, and no word ends between them, as it does where
        one of the two is of a script written without spaces."""
        edge, beside = CLASSES[self.block.codes[edges]], CLASSES[self.block.codes[besides]]
        is_one_word: Flags = ((beside & LETTER) != 0) & (((edge | beside) & UNSPACED) == 0)
        return is_one_word

    def holds_space(self, starts: Places, ends: Places) -> Flags:
        """Return whether white space stands between the letters of each stretch."""
        return self.spaces[self.ends[ends - 1]] > self.spaces[self.starts[starts]]

    def written_hashes(self, starts: Places, ends: Places) -> Hashes:
        """Return the hashes of what stands in the block from the first to the last letter of each stretch."""
        return stretch_hashes(self.written_sums, self.starts[starts], self.ends[ends - 1])

    def words_of(self, starts: Places) -> Places:
        """Return the word that each of the letters belongs to."""
        return np.searchsorted(self.word_starts, starts, side="right") - 1

    def runs(
        self, ordinary: HashSet, known: RecentHashes, *, shortest: int, longest: int
    ) -> tuple[Places, Places, Hashes]:
        """Return starts and ends of the words, and runs of up to four words without white space between, of so many
        letters, with the hash of what is written. Those are left out whose words are all ordinary, and known ones."""
        if compiled := kernels.compiled():
            begins, ends, written = kernels.written(
                compiled.runs,
                self.word_starts,
                self.word_ends,
                self.starts,
                self.ends,
                self.limits,
                self.is_space,
                self.written_sums,
                inverse_powers(len(self.written_sums)),
                ordinary.table,
                *known.table,
                shortest,
                longest,
                _MOST_WORDS,
            )
            hashes = written.view(np.uint64)
        else:
            begins, ends = self._runs(ordinary, shortest=shortest, longest=longest)
            hashes = self.written_hashes(begins, ends)
            is_new = ~known.hold(hashes)
            begins, ends, hashes = begins[is_new], ends[is_new], hashes[is_new]
        # What a cut leaves of a word is no word.
        is_whole = np.ones(len(begins), dtype=np.bool_)
        if self.block.is_cut_before:
            is_whole &= begins > 0
        if self.block.is_cut_after:
            is_whole &= ends < len(self.letters)
        return begins[is_whole], ends[is_whole], hashes[is_whole]

    def _runs(self, ordinary: HashSet, *, shortest: int, longest: int) -> tuple[Places, Places]:
        starts, ends = self.word_starts, self.word_ends
        is_ordinary = ordinary.holds(self.written_hashes(starts, ends))
        # A run does not go on over white space, or into another piece.
        goes_on = (self.spaces[self.starts[starts[1:]]] == self.spaces[self.ends[ends[:-1] - 1]]) & (
            self.limits[starts[1:]] == self.limits[starts[:-1]]
        )
        is_run = np.ones(len(starts), dtype=np.bool_)
        all_ordinary = is_ordinary
        found = []
        for more in range(min(_MOST_WORDS, len(starts))):
            if more:
                is_run = is_run[:-1] & goes_on[more - 1 :]
                all_ordinary = all_ordinary[:-1] & is_ordinary[more:]
            firsts = np.flatnonzero(is_run & ~all_ordinary)
            begins, until = starts[firsts], ends[firsts + more]
            fits = (until - begins >= shortest) & (until - begins <= longest)
            found.append((begins[fits], until[fits]))
        if not found:
            return starts, ends
        begins, until = (np.concatenate(column) for column in zip(*found, strict=True))
        return begins, until

    def _fill(self, compiled_letters_of: kernels.Loop, table: npt.NDArray[np.uint16]) -> None:
        codes = self.block.codes
        count = len(codes)
        letters = np.empty(count, dtype=np.uint16)
        starts, ends, limits, word_starts = np.empty((4, count), dtype=np.int64)
        sums, written_sums = np.empty((2, count + 1), dtype=np.uint64)
        letter_counts = np.empty(count + 1, dtype=np.int64)
        sums[0] = written_sums[0] = letter_counts[0] = 0
        letter_count, word_count = compiled_letters_of(
            codes,
            self.block.bounds,
            powers(count),
            table,
            letters,
            starts,
            ends,
            limits,
            sums,
            letter_counts,
            word_starts,
            written_sums,
        )
        self.letters = letters[:letter_count]
        self.starts, self.ends = starts[:letter_count], ends[:letter_count]
        self.limits, self.word_starts = limits[:letter_count], word_starts[:word_count]
        self.sums, self.letter_counts = sums[: letter_count + 1], letter_counts[: letter_count + 1]
        self.written_sums = written_sums
