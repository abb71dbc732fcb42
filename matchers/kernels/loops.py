"""The innermost loops in machine code, by numba. Each function answers as the NumPy function it is named for.

Imported by :mod:`matchers.kernels` only, where numba is installed. Loops that find write into the rows of an array
they are given, and return how much there was to write: arrays made inside a loop cost more than the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types

Array = npt.NDArray[Any]

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_ONE, _TWO, _SEVEN = np.uint64(1), np.uint64(2), np.uint64(7)
_CODES, _FLAGS, _LETTERS = types.uint32[::1], types.uint8[::1], types.uint16[::1]
_HASHES, _PLACES, _ROWS = types.uint64[::1], types.int64[::1], types.int32[::1]
_FOUND = types.int64[:, ::1]
_COUNT = types.int64
# numba's constructors of tuples have no annotations.
_TABLE = types.Tuple((_FLAGS, _HASHES, _ROWS, types.uint64))  # type: ignore[no-untyped-call]
_PAIR = types.UniTuple(_COUNT, 2)  # type: ignore[no-untyped-call]


def _compiled(*signature: Any) -> Callable[[Any], Any]:
    """Compile a function when this module is imported, for arguments of these types; the first is what it returns."""
    returned, *arguments = signature
    return njit(returned(*arguments), cache=True, nogil=True)  # type: ignore[no-any-return]


@_compiled(
    *(_PAIR, _CODES, _PLACES, _HASHES, _LETTERS),
    *(_LETTERS, _PLACES, _PLACES, _PLACES, _HASHES, _PLACES, _PLACES, _HASHES),
)
def letters_of(
    codes: Array,
    bounds: Array,
    powers: Array,
    letter_table: Array,
    letters: Array,
    starts: Array,
    ends: Array,
    limits: Array,
    sums: Array,
    letter_counts: Array,
    word_starts: Array,
    written_sums: Array,
) -> tuple[int, int]:
    """Write the arrays of :class:`matchers.letters.Letters`; return how many letters and words there are."""
    last_code = len(letter_table) - 1
    count = 0
    word_count = 0
    piece = 1
    piece_start = 0
    piece_end = bounds[1] if len(bounds) > 1 else len(codes)
    for at in range(len(codes)):
        code = codes[at]
        written_sums[at + 1] = written_sums[at] + code * powers[at]
        if at == piece_end:
            for index in range(piece_start, count):
                limits[index] = count
            piece_start = count
            piece += 1
            piece_end = bounds[piece] if piece < len(bounds) else len(codes)
        letter = letter_table[min(code, last_code)]
        if letter == 0:
            continue
        is_first = count == 0 or ends[count - 1] != at
        if not is_first and letters[count - 1] == letter:
            ends[count - 1] = at + 1
            letter_counts[count] += 1
            continue
        if is_first:
            word_starts[word_count] = count
            word_count += 1
        letters[count] = letter
        starts[count] = at
        ends[count] = at + 1
        sums[count + 1] = sums[count] + letter * powers[count]
        letter_counts[count + 1] = letter_counts[count] + 1
        count += 1
    for index in range(piece_start, count):
        limits[index] = count
    return count, word_count


@_compiled(
    *(_COUNT, _FOUND, _PLACES, _PLACES, _PLACES, _PLACES, _PLACES, types.boolean[::1]),
    *(_HASHES, _HASHES, _TABLE, _HASHES, types.uint64, _COUNT, _COUNT, _COUNT),
)
def runs(
    found: Array,
    word_starts: Array,
    word_ends: Array,
    starts: Array,
    ends: Array,
    limits: Array,
    is_space: Array,
    written_sums: Array,
    inverses: Array,
    ordinary: tuple[Array, Array, Array, np.uint64],
    recent: Array,
    recent_shift: np.uint64,
    shortest: int,
    longest: int,
    most_words: int,
) -> int:
    """See :meth:`matchers.letters.Letters.runs`; the third column is the hash of what is written."""
    bits, known, rows, shift = ordinary
    mask = np.uint64(len(rows) - 1)
    count = 0
    for first in range(len(word_starts)):
        begin = word_starts[first]
        all_ordinary = True
        for word in range(first, min(first + most_words, len(word_starts))):
            start, end = word_starts[word], word_ends[word]
            if word > first:
                goes_on = limits[start] == limits[begin]
                at = ends[start - 1]
                while goes_on and at < starts[start]:
                    goes_on = not is_space[at]
                    at += 1
                if not goes_on:
                    break
            if end - begin > longest:
                break
            if all_ordinary:
                at = starts[start]
                sought = (written_sums[ends[end - 1]] - written_sums[at]) * inverses[at]
                product = sought * _SPREAD
                all_ordinary = False
                if bits[product >> (shift + _ONE)] >> ((product >> (shift - _TWO)) & _SEVEN) & _ONE:
                    slot = product >> shift
                    while rows[slot] >= 0 and known[rows[slot]] != sought:
                        slot = (slot + _ONE) & mask
                    all_ordinary = rows[slot] >= 0
            if all_ordinary or end - begin < shortest:
                continue
            at = starts[begin]
            written = (written_sums[ends[end - 1]] - written_sums[at]) * inverses[at]
            if recent[(written * _SPREAD) >> recent_shift] == written:
                continue
            if count < found.shape[1]:
                found[0, count] = begin
                found[1, count] = end
                found[2, count] = np.int64(written)
            count += 1
    return count


@_compiled(_COUNT, _FOUND, *[_HASHES] * 2, *[_PLACES] * 2, _COUNT, _TABLE, *[_PLACES] * 2, _TABLE, _PLACES)
def stretches(
    found: Array,
    sums: Array,
    inverses: Array,
    limits: Array,
    starts: Array,
    length: int,
    prefixes: tuple[Array, Array, Array, np.uint64],
    offsets: Array,
    lengths: Array,
    whole: tuple[Array, Array, Array, np.uint64],
    strings: Array,
) -> int:
    """See :meth:`matchers.lookup.Everywhere.find`, for the strings that begin with one of the prefixes of a length."""
    bits, known, rows, shift = prefixes
    all_bits, all_known, all_rows, all_shift = whole
    mask, all_mask = np.uint64(len(rows) - 1), np.uint64(len(all_rows) - 1)
    count = 0
    for index in range(len(starts)):
        start = starts[index]
        limit = limits[start]
        if start + length > limit:
            continue
        before = sums[start]
        inverse = inverses[start]
        sought = (sums[start + length] - before) * inverse
        product = sought * _SPREAD
        if not bits[product >> (shift + _ONE)] >> ((product >> (shift - _TWO)) & _SEVEN) & _ONE:
            continue
        slot = product >> shift
        while rows[slot] >= 0 and known[rows[slot]] != sought:
            slot = (slot + _ONE) & mask
        row = rows[slot]
        if row < 0:
            continue
        for at in range(offsets[row], offsets[row + 1]):
            end = start + lengths[at]
            if end > limit:
                break
            sought = (sums[end] - before) * inverse
            product = sought * _SPREAD
            if not all_bits[product >> (all_shift + _ONE)] >> ((product >> (all_shift - _TWO)) & _SEVEN) & _ONE:
                continue
            slot = product >> all_shift
            while all_rows[slot] >= 0 and all_known[all_rows[slot]] != sought:
                slot = (slot + _ONE) & all_mask
            string = all_rows[slot]
            if string < 0:
                continue
            if count < found.shape[1]:
                found[0, count] = start
                found[1, count] = end
                found[2, count] = strings[string]
            count += 1
    return count


@_compiled(_COUNT, _LETTERS, *[_COUNT] * 2, _CODES, *[_COUNT] * 2, _FOUND, _COUNT)
def _edits(
    written: Array,
    start: int,
    end: int,
    meant: Array,
    meant_start: int,
    meant_end: int,
    lines: Array,
    most: int,
) -> int:
    """Return the optimal-string-alignment distance of two stretches, or more than ``most`` where it is more. Only the
    cells at most that far from the diagonal are looked at; ``lines`` holds them for three lines."""
    middle = most + 1
    for offset in range(lines.shape[1]):
        lines[0, offset] = max(0, offset - middle) if offset >= middle else most + 1
    for line in range(1, end - start + 1):
        current = line % 3
        above = (line - 1) % 3
        two_above = (line - 2) % 3
        for offset in range(lines.shape[1]):
            lines[current, offset] = most + 1
        smallest = most + 1
        for offset in range(1, 2 * most + 2):
            column = line + offset - middle
            if column < 0 or column > meant_end - meant_start:
                continue
            if column == 0:
                cost = line
            else:
                letter = written[start + line - 1]
                cost = lines[above, offset] + (0 if letter == meant[meant_start + column - 1] else 1)
                cost = min(cost, lines[current, offset - 1] + 1, lines[above, offset + 1] + 1)
                if (
                    line > 1
                    and column > 1
                    and letter == meant[meant_start + column - 2]
                    and written[start + line - 2] == meant[meant_start + column - 1]
                ):
                    cost = min(cost, lines[two_above, offset] + 1)
            lines[current, offset] = cost
            smallest = min(smallest, cost)
        if smallest > most:
            return most + 1
    distance: int = lines[(end - start) % 3, meant_end - meant_start - (end - start) + middle]
    return distance


@_compiled(
    *(_COUNT, _FOUND, _HASHES, _HASHES, _LETTERS, _PLACES, _PLACES),
    *(_TABLE, _PLACES, _ROWS, _CODES, _PLACES, _PLACES, _COUNT, _COUNT),
)
def near(
    found: Array,
    sums: Array,
    inverses: Array,
    letters: Array,
    starts: Array,
    ends: Array,
    table: tuple[Array, Array, Array, np.uint64],
    offsets: Array,
    owners: Array,
    codes: Array,
    code_starts: Array,
    code_ends: Array,
    prefix_length: int,
    most: int,
) -> int:
    """See :meth:`matchers.lookup.Nearby.near`, for the strings that tolerate ``most`` edits. A pair may be found more
    than once."""
    bits, known, rows, shift = table
    mask = np.uint64(len(rows) - 1)
    lines = np.empty((3, 2 * most + 3), np.int64)
    count = 0
    for index in range(len(starts)):
        start = starts[index]
        end = ends[index]
        last = min(start + prefix_length, end)
        for first in range(start, last + 1):
            for second in range(first if first == last else first + 1, last + 1):
                if most == 1 and second != last:
                    continue
                left = (sums[first] - sums[start]) * inverses[start]
                left += (sums[second] - sums[min(first + 1, last)]) * inverses[start + 1]
                left += (sums[last] - sums[min(second + 1, last)]) * inverses[start + 2]
                product = left * _SPREAD
                if not bits[product >> (shift + _ONE)] >> ((product >> (shift - _TWO)) & _SEVEN) & _ONE:
                    continue
                slot = product >> shift
                while rows[slot] >= 0 and known[rows[slot]] != left:
                    slot = (slot + _ONE) & mask
                row = rows[slot]
                if row < 0:
                    continue
                for at in range(offsets[row], offsets[row + 1]):
                    owner = owners[at]
                    code_start = code_starts[owner]
                    code_end = code_ends[owner]
                    if abs((end - start) - (code_end - code_start)) > most:
                        continue
                    distance = _edits(letters, start, end, codes, code_start, code_end, lines, most)
                    if distance > most:
                        continue
                    if count < found.shape[1]:
                        found[0, count] = index
                        found[1, count] = owner
                        found[2, count] = distance
                    count += 1
    return count
