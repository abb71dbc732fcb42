"""Passages: confidential texts of which nothing but fingerprints is kept, found where a stretch of them was copied.

Copied shingles near each other make a stretch, so that a changed word does not hide what stands around it. How many
words must agree follows from the sensitivity; words that everybody uses prove little, so a stretch of such words
alone must be half as long again.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.errors import UsageError
from core.types import (
    Candidate,
    FieldName,
    FoldedDocument,
    FoldedText,
    Match,
    MatchMode,
    Sensitivity,
    Term,
    TermKind,
    Watchlist,
)
from matchers.batch import FoldedBatch
from matchers.candidates import best_first, matches_of
from matchers.fingerprints import SHINGLE_WORDS, Fingerprinter, is_written
from matchers.folding import Undone, fold_text, transformations
from matchers.hashing import HashSet, Places
from matchers.lookup import expanded
from matchers.phrases import Words
from matchers.words import everyday_words

SHORTEST_WORDS = 12
LEAST_WORDS: Mapping[Sensitivity, int] = {Sensitivity.STRICT: 20, Sensitivity.BALANCED: 12, Sensitivity.WIDE: 10}
"""Of what length on a stretch that was copied unchanged is found."""
QUOTED = "quoted"
EDITED = "edited"

# No fingerprint may cover the first and the last word of a stretch, and a word or two may be changed.
_SLACK_WORDS = 4
_WIDEST_GAP_WORDS = 10
_LEAST_TELLING_WORDS = 2
_EVERYDAY_FACTOR = 1.5
_KEY_BYTES = 32
_WIDEST_QUOTE_MARK = 20
_QUOTE_BEFORE = re.compile(r"[ \t]*>[ \t>]*")
_QUOTE_WITHIN = re.compile(r"\n[ \t]*>")
_NOWHERE = np.empty(0, dtype=np.int64)
_HOMOGLYPH = str(Undone.HOMOGLYPH.name).lower()


class PassageMatcher:
    """Looks for stretches of texts that it knows by keyed fingerprints only."""

    kind: ClassVar[str] = "passages"
    term_kinds: ClassVar[frozenset[TermKind]] = frozenset({TermKind.PASSAGE})

    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, settings: Settings) -> None:  # noqa: ARG002
        self._fingerprinter = Fingerprinter(secrets.token_bytes(_KEY_BYTES))

    def keyed(self, key: bytes) -> Self:
        """Return a matcher that makes and reads fingerprints with this secret key."""
        matcher = type(self)(self.Settings())
        matcher._fingerprinter = Fingerprinter(key)
        return matcher

    def check(self, term: Term) -> None:
        """Raise UsageError for a text too short or too ordinary to be told from others, for damaged fingerprints or
        those of another key, for other forms of the text, and for matching to the letter."""
        if term.variants:
            raise UsageError("a passage has no aliases: watch each text as a passage of its own")
        if term.settings.match is MatchMode.EXACT:
            raise UsageError("a passage cannot be matched to the letter, as its text is not kept; leave match out")
        if is_written(term.value):
            self._fingerprinter.read(term.value)
            return
        words = Words(fold_text(term.value).text).texts
        different = frozenset(words)
        if len(words) < SHORTEST_WORDS:
            raise UsageError(f"a passage needs at least {SHORTEST_WORDS} words; watch a shorter text as a keyword")
        if not _is_telling(different) and len(different) < _EVERYDAY_FACTOR * SHORTEST_WORDS:
            raise UsageError("a passage needs words that not everybody uses: add a sentence that tells it from others")

    def conceal(self, term: Term) -> Term:
        """Return the term with fingerprints in place of its text. Raises UsageError as :meth:`check`."""
        self.check(term)
        return term if is_written(term.value) else replace(term, value=self._fingerprinter.write(term.value))

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> PassageFinder:
        """Return a finder for these terms, which hold texts or fingerprints."""
        return PassageFinder(terms, watchlists, self._fingerprinter)


@dataclass(frozen=True, slots=True)
class _Passage:
    """A passage as it is looked for."""

    term_id: str
    fingerprint_count: int
    least_agreeing: int
    widest_gap: int

    def is_whole(self, stretch: _Stretch) -> bool:
        """Return whether the stretch has every fingerprint of the passage."""
        return stretch.fingerprint_count == self.fingerprint_count

    def is_enough(self, stretch: _Stretch) -> bool:
        """Return whether so many words are copied that it cannot be by chance, unless everybody uses them."""
        return len(stretch.proof) >= self.least_agreeing or self.is_whole(stretch)


@dataclass(frozen=True, slots=True)
class _Hits:
    """Where shingles of one passage stand in one field: the folded characters at which they start, in order, and
    which fingerprint each is. ``index`` is the field's place in the flat text."""

    index: int
    passage: _Passage
    starts: Places = field(repr=False)
    fingerprints: Places = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Copied shingles near each other: words ``first`` to ``end`` of the field, of which ``agreeing`` stand in the
    passage. ``proof`` are those of them that count, each fingerprint once."""

    first: int
    end: int
    agreeing: int
    proof: frozenset[int] = field(repr=False)
    fingerprint_count: int


class PassageFinder:
    """All passages, made ready for one pass."""

    def __init__(
        self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist], fingerprinter: Fingerprinter
    ) -> None:
        self._fingerprinter = fingerprinter
        self._passages: list[_Passage] = []
        kept = [fingerprinter.read(term.value) for term in terms]
        for term, fingerprints in zip(terms, kept, strict=True):
            self._passages.append(
                _Passage(
                    term_id=term.id,
                    fingerprint_count=len(fingerprints),
                    least_agreeing=LEAST_WORDS[watchlists[term.watchlist_id].sensitivity] - _SLACK_WORDS,
                    widest_gap=0 if term.settings.match is MatchMode.FOLDED else _WIDEST_GAP_WORDS,
                )
            )
        every = np.concatenate([np.empty(0, dtype=np.uint64), *kept])
        owners = np.repeat(np.arange(len(kept)), [len(fingerprints) for fingerprints in kept])
        order = np.argsort(every, kind="stable")
        self._set = HashSet(every)
        self._owners = owners[order]
        self._offsets = np.searchsorted(every[order], self._set.sorted)
        self._offsets = np.append(self._offsets, len(every))

    def find(self, batch: Sequence[FoldedDocument]) -> list[list[Match]]:
        """Return, for each document of the batch, its matches in order of their spans."""
        folded = FoldedBatch.of(batch)
        candidates: dict[int, list[Candidate]] = {}
        for place, candidate in self._candidates(folded, promising_only=True):
            candidates.setdefault(place, []).append(candidate)
        return [matches_of(candidates.get(place, ()), TermKind.PASSAGE) for place in range(len(folded))]

    def explain(self, document: FoldedDocument) -> list[Candidate]:
        """Return the stretches that a passage has too, those that are too short last, at most 20 a term."""
        batch = FoldedBatch.of([document])
        return best_first(candidate for _, candidate in self._candidates(batch, promising_only=False))

    def _candidates(self, batch: FoldedBatch, *, promising_only: bool) -> Iterator[tuple[int, Candidate]]:
        """Yield stretches and the place of their document, without those that are too short if so wanted."""
        index, starts, ends = -1, _NOWHERE, _NOWHERE
        for hits in self._hits(batch, least_count=2 if promising_only else 1):
            if hits.index != index:
                index = hits.index
                starts, ends = batch.flat.words(index)
            place, name = batch.flat.fields[index]
            firsts = np.searchsorted(starts, hits.starts, side="right") - 1
            for stretch in _stretches(firsts.tolist(), hits.fingerprints.tolist(), hits.passage.widest_gap):
                if not promising_only or hits.passage.is_enough(stretch):
                    folded = batch[place].fields[name]
                    copied = frozenset(folded.text[starts[word] : ends[word]] for word in stretch.proof)
                    span = (int(starts[stretch.first]), int(ends[stretch.end - 1]))
                    yield place, _judged(hits.passage, stretch, copied, name, folded, span)

    def _hits(self, batch: FoldedBatch, least_count: int) -> Iterator[_Hits]:
        """Yield the places where at least so many shingles of one passage stand in one field, field by field."""
        positions, shingles = batch.once(self._fingerprinter, self._fingerprinter.shingles)
        indexes, fingerprint = self._set.find(shingles)
        # Blocks of one long field overlap.
        position, fingerprint = np.unique(np.stack((positions[indexes], fingerprint)), axis=1)
        indexes, owned = expanded(self._offsets, fingerprint)
        position, fingerprint, owner = position[indexes], fingerprint[indexes], self._owners[owned]
        piece = np.searchsorted(batch.flat.starts, position, side="right") - 1
        order = np.lexsort((position, owner, piece))
        position, fingerprint, owner, piece = position[order], fingerprint[order], owner[order], piece[order]
        begins = np.flatnonzero(np.diff(piece, prepend=-1) | np.diff(owner, prepend=-1))
        ends = np.append(begins[1:], len(order))
        is_enough = ends - begins >= least_count
        for begin, end in zip(begins[is_enough].tolist(), ends[is_enough].tolist(), strict=True):
            index = int(piece[begin])
            starts = position[begin:end] - batch.flat.starts[index]
            yield _Hits(index, self._passages[owner[begin]], starts, fingerprint[begin:end])


def _stretches(places: Sequence[int], fingerprints: Sequence[int], widest_gap: int) -> Iterator[_Stretch]:
    """Yield the stretches that the shingles, which start at these words, make up."""
    begin = 0
    for index in range(1, len(places) + 1):
        if index == len(places) or places[index] - places[index - 1] - SHINGLE_WORDS > widest_gap:
            yield _stretch(places[begin:index], fingerprints[begin:index])
            begin = index


def _stretch(places: Sequence[int], fingerprints: Sequence[int]) -> _Stretch:
    agreeing: set[int] = set()
    proof: set[int] = set()
    seen: set[int] = set()
    for place, fingerprint in zip(places, fingerprints, strict=True):
        words = range(place, place + SHINGLE_WORDS)
        agreeing.update(words)
        if fingerprint not in seen:
            seen.add(fingerprint)
            proof.update(words)
    return _Stretch(places[0], places[-1] + SHINGLE_WORDS, len(agreeing), frozenset(proof), len(seen))


def _judged(
    passage: _Passage,
    stretch: _Stretch,
    copied: frozenset[str],
    name: FieldName,
    folded: FoldedText,
    place: tuple[int, int],
) -> Candidate:
    """Return what the stretch is worth. ``copied`` are the words of its proof; ``place`` is where it stands in the
    folded text."""
    passed, reason = _verdict(passage, stretch, copied)
    span = folded.span(name, *place)
    is_edited = stretch.agreeing < stretch.end - stretch.first
    return Candidate(
        term_id=passage.term_id,
        span=span,
        found=folded.original[span.start : span.end],
        similarity=stretch.agreeing / (stretch.end - stretch.first),
        transformations=tuple(_undone(folded, *place, is_edited=is_edited)),
        passed=passed,
        reason=reason,
    )


def _verdict(passage: _Passage, stretch: _Stretch, copied: frozenset[str]) -> tuple[bool, str]:
    length = stretch.end - stretch.first
    if not passage.is_enough(stretch):
        return False, f"has only {len(stretch.proof)} words in common with the passage"
    is_long = len(stretch.proof) >= _EVERYDAY_FACTOR * passage.least_agreeing
    if not is_long and not passage.is_whole(stretch) and not _is_telling(copied):
        return False, "has only words in common with the passage that everybody uses"
    if stretch.agreeing < length:
        return True, f"at least {stretch.agreeing} of these {length} words are copied"
    return True, f"these {length} words are copied"


def _is_telling(words: frozenset[str]) -> bool:
    return len(words - everyday_words()) >= _LEAST_TELLING_WORDS


def _undone(folded: FoldedText, start: int, end: int, *, is_edited: bool) -> Iterator[str]:
    """Yield what can be told without the text: not case or accents, which it may have itself, and look-alikes only
    among ASCII letters."""
    before = folded.text[max(0, start - _WIDEST_QUOTE_MARK) : start].rpartition("\n")[2]
    if _QUOTE_BEFORE.fullmatch(before) or _QUOTE_WITHIN.search(folded.text, start, end):
        yield QUOTED
    if is_edited:
        yield EDITED
    if _HOMOGLYPH in transformations(folded, start, end):
        original = folded.original[folded.starts[start] : folded.ends[end - 1]]
        letters = [letter for letter in original if letter.isalpha()]
        if 2 * sum(map(str.isascii, letters)) > len(letters):
            yield _HOMOGLYPH
