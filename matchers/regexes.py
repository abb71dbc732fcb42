"""Patterns: what users describe as regular expressions (RE2), on the text as written and as it is meant.

All patterns are asked for in one pass, and only those that stand in the text are looked for one by one. Then the
same on the folded text, where something other than case was undone. Case is the pattern's own business: the folded
text gets its capitals back, and ``(?i)`` at the pattern's beginning asks for either.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from core.errors import UsageError
from core.types import (
    FIELD_NAMES,
    Candidate,
    FieldName,
    FoldedDocument,
    FoldedText,
    Match,
    MatchMode,
    Span,
    Term,
    TermKind,
    Watchlist,
)
from matchers.candidates import best_first, matches_of
from matchers.folding import Undone, transformations
from matchers.patterns import Pattern, PatternSet, check_worth

MOST_PLACES = 100
"""Of a pattern in a field: more tell nobody more, and each may take as long as the field."""

_CASE = str(Undone.CASE.name).lower()
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# In UTF-8 every character has one byte that is none of these.
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


class RegexMatcher:
    """Looks for regular expressions in RE2's syntax."""

    kind: ClassVar[str] = "regexes"
    term_kinds: ClassVar[frozenset[TermKind]] = frozenset({TermKind.REGEX})

    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, settings: Settings) -> None:
        pass

    def check(self, term: Term) -> None:
        """Raise UsageError for a pattern that RE2 cannot read, that is found nearly everywhere, or that is to be
        matched with typos."""
        if term.settings.match is MatchMode.FUZZY:
            raise UsageError("a pattern cannot be matched fuzzily; leave match out, and write in it what may differ")
        for value in (term.value, *term.variants):
            check_worth(value)

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> RegexFinder:  # noqa: ARG002
        """Return a finder for these terms."""
        return RegexFinder(terms)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A field's text as it is searched: as written (``folded`` is None), or as meant, with its capitals."""

    name: FieldName
    original: str = field(repr=False)
    folded: FoldedText | None = field(repr=False)
    encoded: bytes = field(repr=False)
    is_ascii: bool


class RegexFinder:
    """All watched patterns, made ready for one pass."""

    def __init__(self, terms: Sequence[Term]) -> None:
        owners: defaultdict[str, list[Term]] = defaultdict(list)
        for term in terms:
            for value in dict.fromkeys((term.value, *term.variants)):
                owners[value].append(term)
        self._owners = dict(owners)
        self._set = PatternSet(map(Pattern, owners))

    def find(self, batch: Sequence[FoldedDocument]) -> list[list[Match]]:
        """Return, for each document of the batch, its matches in order of their spans, at most 100 a pattern and
        field."""
        return [matches_of(self._candidates(document), TermKind.REGEX) for document in batch]

    def explain(self, document: FoldedDocument) -> list[Candidate]:
        """Return the places where a pattern stands, those that are not written exactly so or in other case last,
        at most 20 a term."""
        found = list(self._candidates(document))
        taken = {(candidate.term_id, candidate.span) for candidate in found}
        patterns = [Pattern(text, ignore_case=True) for text in self._owners]
        for reading in _readings(document):
            for pattern in patterns:
                for row in _judged(reading, pattern, self._owners[pattern.text]):
                    if (row.term_id, row.span) not in taken:
                        found.append(_in_other_case(row))
        return best_first(found)

    def _candidates(self, document: FoldedDocument) -> Iterator[Candidate]:
        taken: set[tuple[str, Span]] = set()
        for reading in _readings(document):
            for pattern in self._set.found_in(reading.encoded):
                for candidate in _judged(reading, pattern, self._owners[pattern.text]):
                    if (candidate.term_id, candidate.span) not in taken:
                        taken.add((candidate.term_id, candidate.span))
                        yield candidate


def _readings(document: FoldedDocument) -> Iterator[_Reading]:
    for name in FIELD_NAMES:
        original = document.document.field(name)
        if not original:
            continue
        is_ascii = original.isascii()
        yield _Reading(name, original, None, _encoded(original), is_ascii)
        # In plain text, folding undoes nothing but case.
        if not is_ascii or "&" in original or "%" in original or "\\" in original:
            folded = document.fields[name]
            meant = _with_capitals(folded)
            yield _Reading(name, original, folded, _encoded(meant), meant.isascii())


def _judged(reading: _Reading, pattern: Pattern, owners: Sequence[Term]) -> Iterator[Candidate]:
    for start, end in _places(reading, pattern):
        if reading.folded is None:
            span, undone = Span(reading.name, start, end), []
        else:
            span = reading.folded.span(reading.name, start, end)
            undone = [name for name in transformations(reading.folded, start, end) if name != _CASE]
        for term in owners:
            passed = reading.folded is None or term.settings.match is not MatchMode.EXACT
            yield Candidate(
                term_id=term.id,
                span=span,
                found=reading.original[span.start : span.end],
                similarity=1.0,
                transformations=tuple(undone),
                passed=passed,
                reason="stands here" if passed else "is not written exactly so",
            )


def _places(reading: _Reading, pattern: Pattern) -> Iterator[tuple[int, int]]:
    """Yield where the pattern stands, in characters of the text that is searched; nowhere if empty."""
    characters = last = 0
    for start, end in islice(pattern.find(reading.encoded), MOST_PLACES):
        if reading.is_ascii:
            first, characters = start, end
        else:
            first = characters + _length(reading.encoded[last:start])
            characters, last = first + _length(reading.encoded[start:end]), end
        if first < characters:
            yield first, characters


def _length(encoded: bytes) -> int:
    return len(encoded.translate(None, _CONTINUATION_BYTES))


def _encoded(text: str) -> bytes:
    """Return the text in UTF-8. Lone halves of a surrogate pair become U+FFFD, a character as long as they are."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text).encode()


def _with_capitals(folded: FoldedText) -> str:
    """Return the folded text with the capitals that the original has."""
    letters = list(folded.text)
    for index, undone in enumerate(folded.undone):
        if undone and (undone & Undone.CASE or folded.original[folded.starts[index]].isupper()):
            capital = letters[index].upper()
            if len(capital) == 1:
                letters[index] = capital
    return "".join(letters)


def _in_other_case(candidate: Candidate) -> Candidate:
    return replace(candidate, passed=False, reason="stands here in other case; begin the pattern with (?i) for either")
