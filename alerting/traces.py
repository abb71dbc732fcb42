"""What is kept of an alert's text to know the same leak when it is copied, and the proof that it is the same.

A text is cut into shingles, runs of a few words, each hashed with a secret key. Of them three selections are kept:

- those that touch what the alert is about, finding by finding: the *evidence*. It is the rare part of a text. A footer
  or a quoted rule stands under everything; a name beside a pseudonym does not;
- all of the *stretch* around the evidence: the lines that it stands in, so that one quoted line is known again inside a
  long thread;
- of the *whole* text those that winnowing chooses (Schleimer, Wilkerson and Aiken, 2003), at most ``MOST_OF_WHOLE``.

Two alerts are candidates when the smallest hashes of their evidence agree in one (a bottom-k sketch with one
permutation: Broder, On the resemblance and containment of documents, 1997). They are about the same leak when most of
the newer one's findings stand in the other's text in the same words, and half of the shorter stretch or of the shorter
text stands in the other one. ``docs/decisions/0012-one-incident-per-leak.md`` tells why.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from core.types import Alert, FieldName, Signal, Span

Places = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

Shingler = Callable[[str], tuple[Places, Hashes]]
"""Returns where each shingle of a text starts, in order, and its keyed hash, which is secret without the key."""

SHINGLE_WORDS = 4
"""Of so many words the shingler makes a shingle."""
MOST_OF_WHOLE = 512
CANDIDATE_COUNT = 16
"""By so many hashes of its evidence an alert is looked for."""
LEAST_CONTAINED = 0.5

LEAST_ALIKE = 0.8
_WINDOW = 4  # as long as a shingle, so that of the shingles around any word one is kept
_WORDS_AROUND = 25
_FEWEST_IN_LINES = 5
_MOST_FINDINGS = 32
_MOST_OF_FINDING = 12
_MOST_OF_STRETCH = 256
_MOST_CHARACTERS = 10_000_000
_FEWEST_SHARED = 5
_EXACT_BELOW = 8
_FEWEST_EXACT = 3
_FIELDS: tuple[FieldName, ...] = ("text", "title")
_EVERYTHING = 2**64 - 1
_LINE, _PARAGRAPH = "\n", "\n\n"
_WORD = re.compile(r"\w")
_NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Trace:
    """What is kept of a text. ``highest``: of the whole, no hash above it was kept. ``kinds`` are the entity types that
    were told."""

    evidence: tuple[frozenset[int], ...] = field(default=(), repr=False)
    stretch: frozenset[int] = field(default=_NOTHING, repr=False)
    whole: frozenset[int] = field(default=_NOTHING, repr=False)
    highest: int = _EVERYTHING
    kinds: frozenset[str] = frozenset()

    @property
    def candidates(self) -> tuple[int, ...]:
        """The hashes to look for others by: the smallest of the evidence, of the whole text where there is none."""
        return tuple(sorted(_NOTHING.union(*self.evidence) or self.whole)[:CANDIDATE_COUNT])

    def is_same_leak(self, known: Trace) -> bool:
        """Return whether this one, the newer, is about the leak of the other."""
        if self.evidence and not self._tells_nothing_else_than(known):
            return False
        if self.evidence and _is_contained(self.stretch, known.stretch):
            return True
        # Of a long text the smallest hashes were kept: only up to there can the two be compared.
        highest = min(self.highest, known.highest)
        own, others = _up_to(highest, self.whole), _up_to(highest, known.whole)
        if self.evidence:
            return _is_contained(own, others)
        return len(own & others) >= max(_FEWEST_SHARED, LEAST_ALIKE * max(len(own), len(others)))

    def adds_to(self, known: Trace) -> bool:
        """Return whether it is worth keeping beside the other: a kind is new, or more than a fifth of its text."""
        own, others = self.stretch | self.whole, known.stretch | known.whole
        return not self.kinds <= known.kinds or len(own & others) < LEAST_ALIKE * len(own)

    def _tells_nothing_else_than(self, known: Trace) -> bool:
        others = known.stretch | known.whole
        shared_count = sum(not shingles.isdisjoint(others) for shingles in self.evidence)
        return 2 * shared_count > len(self.evidence)

    def to_bytes(self) -> bytes:
        """Return the trace as it is kept."""
        groups = [self.stretch, self.whole, frozenset({self.highest}), *self.evidence]
        kinds = ",".join(sorted(self.kinds)).encode()
        head = struct.pack("<HH", len(groups), len(kinds)) + kinds
        return head + b"".join(
            struct.pack("<H", len(group)) + np.array(sorted(group), dtype="<u8").tobytes() for group in groups
        )

    @classmethod
    def from_bytes(cls, kept: bytes) -> Trace:
        """Return the trace that was kept."""
        group_count, kinds_length = struct.unpack_from("<HH", kept)
        at = 4 + kinds_length
        kinds = kept[4:at].decode()
        groups = []
        for _ in range(group_count):
            (count,) = struct.unpack_from("<H", kept, at)
            groups.append(frozenset(np.frombuffer(kept, dtype="<u8", count=count, offset=at + 2).tolist()))
            at += 2 + 8 * count
        stretch, whole, (highest,), *evidence = groups
        return cls(tuple(evidence), stretch, whole, highest, frozenset(kinds.split(",") if kinds else ()))


def trace_of(alert: Alert, shingler: Shingler) -> Trace:
    """Return what is to be kept of the alert's text. Takes time that grows with the text, some 0.2 s a megabyte."""
    reasons = next((spans for spans in map(_in_text, alert.signals) if spans), ())
    found = merged((*(one.span for one in alert.matches), *(one.span for one in alert.entities)))
    evidence: list[frozenset[int]] = []
    stretch: set[int] = set()
    chosen = [np.empty(0, dtype=np.uint64)]
    for name in _FIELDS:
        text = alert.document.field(name)[:_MOST_CHARACTERS]
        starts, hashes = shingler(text)
        if not len(starts):
            continue
        chosen.append(_winnowed(hashes))
        lines = _Lines(text, starts)
        for around in lines.around([span for span in reasons if span.field == name]):
            part = around[: _MOST_OF_STRETCH - len(stretch)]
            stretch.update(hashes[part.start : part.stop].tolist())
            for span in found:
                if span.field == name and len(evidence) < _MOST_FINDINGS and (touching := lines.touching(span, part)):
                    evidence.append(frozenset(hashes[touching.start : touching.stop][:_MOST_OF_FINDING].tolist()))
    whole = np.unique(np.concatenate(chosen))
    kept = frozenset(whole[:MOST_OF_WHOLE].tolist())
    return Trace(
        tuple(dict.fromkeys(evidence)),
        frozenset(stretch),
        kept,
        max(kept) if len(whole) > MOST_OF_WHOLE else _EVERYTHING,
        frozenset(entity.type.value for entity in alert.entities),
    )


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that overlap as one: what is found twice is told once."""
    joined: list[Span] = []
    for span in sorted(spans):
        last = joined[-1] if joined else None
        if last is not None and last.field == span.field and span.start < last.end:
            joined[-1] = replace(last, end=max(last.end, span.end))
        else:
            joined.append(span)
    return joined


class _Lines:
    """The lines of a text, counted in shingles. A shingle has the number of the word that it starts with."""

    def __init__(self, text: str, starts: Places) -> None:
        self._text = text
        self._starts = starts

    def around(self, spans: Sequence[Span]) -> Iterator[range]:
        """Yield the shingles of the lines that the spans stand in, of neighbours together, at most ``_WORDS_AROUND``
        to each side. Where the lines have few words, it is the paragraph, and where that has few, all around."""
        runs: list[Span] = []
        for span in merged(spans):
            if runs and self._word(span.start) - self._word(runs[-1].end) <= _WORDS_AROUND:
                runs[-1] = replace(runs[-1], end=span.end)
            else:
                runs.append(span)
        for run in runs:
            parts = (self._part(run, end_mark) for end_mark in (_LINE, _PARAGRAPH))
            yield next((part for part in parts if len(part) >= _FEWEST_IN_LINES), self._part(run, None))

    def touching(self, span: Span, part: range) -> range:
        """Return the shingles of the part that hold a word of the span."""
        first = max(self._word(span.start) - SHINGLE_WORDS + 1, part.start)
        return range(first, min(self._word(span.end - 1) + 1, part.stop))

    def _part(self, run: Span, end_mark: str | None) -> range:
        left = -1 if end_mark is None else self._text.rfind(end_mark, 0, run.start)
        right = -1 if end_mark is None else self._text.find(end_mark, run.end)
        first = 0 if left < 0 else int(np.searchsorted(self._starts, left))
        if right < 0 or not _WORD.search(self._text, right):
            end = len(self._starts)
        else:
            # The last words of the line start shingles that end in the next.
            end = int(np.searchsorted(self._starts, right)) - SHINGLE_WORDS + 1
        first = max(first, self._word(run.start) - _WORDS_AROUND)
        end = min(end, self._word(run.end - 1) + _WORDS_AROUND)
        return range(first, max(first, end))

    def _word(self, position: int) -> int:
        return max(0, int(np.searchsorted(self._starts, position, side="right")) - 1)


def _up_to(highest: int, hashes: frozenset[int]) -> frozenset[int]:
    return hashes if highest == _EVERYTHING else frozenset(one for one in hashes if one <= highest)


def _in_text(signal: Signal) -> tuple[Span, ...]:
    return tuple(span for span in signal.spans if span.field in _FIELDS)


def _winnowed(hashes: Hashes) -> Hashes:
    if len(hashes) < _WINDOW:
        return hashes
    return np.unique(np.lib.stride_tricks.sliding_window_view(hashes, _WINDOW).min(axis=1))


def _is_contained(one: frozenset[int], other: frozenset[int]) -> bool:
    """Return whether enough of the smaller set is in the larger. Of a short text all must be: it proves little."""
    size = min(len(one), len(other))
    shared_count = len(one & other)
    if size < _EXACT_BELOW:
        return shared_count == size >= _FEWEST_EXACT
    return shared_count >= max(_FEWEST_SHARED, LEAST_CONTAINED * size)
