"""Keywords and phrases: whole words on folded text, however they are spaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from core.errors import UsageError
from core.types import (
    Candidate,
    FieldName,
    FoldedDocument,
    FoldedText,
    Match,
    MatchMode,
    Term,
    TermKind,
    Watchlist,
)
from matchers.batch import FoldedBatch, WordSet
from matchers.candidates import best_first, matches_of
from matchers.folding import PLURAL, fold_text, folded_forms, transformations
from matchers.phrases import PhraseTable, Stand, Words


class KeywordMatcher:
    """Looks for words and phrases, in the plural and possessive too."""

    kind: ClassVar[str] = "keywords"
    term_kinds: ClassVar[frozenset[TermKind]] = frozenset({TermKind.KEYWORD})

    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, settings: Settings) -> None:
        pass

    def check(self, term: Term) -> None:
        """Raise UsageError for a keyword without letters or digits, or one that is to be matched with typos."""
        if not all(Words(fold_text(value).text) for value in (term.value, *term.variants)):
            raise UsageError("a keyword needs a letter or a digit")
        if term.settings.match is MatchMode.FUZZY:
            raise UsageError("a keyword cannot be matched fuzzily; leave match out, or watch it as a pseudonym")

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> KeywordFinder:  # noqa: ARG002
        """Return a finder for these terms."""
        return KeywordFinder(terms)


class KeywordFinder:
    """All watched keywords, made ready for one pass."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._table: PhraseTable[Term] = PhraseTable()
        for term in terms:
            for phrase in {folded for value in (term.value, *term.variants) for folded in folded_forms(value)}:
                self._table.add(phrase, term)
        self._beginnings = WordSet(*self._table.beginnings())

    def find(self, batch: Sequence[FoldedDocument]) -> list[list[Match]]:
        """Return, for each document of the batch, its matches in order of their spans."""
        folded = FoldedBatch.of(batch)
        found: list[list[Match]] = [[] for _ in batch]
        for place in folded.with_words(self._beginnings):
            found[place] = matches_of(self._candidates(folded[place]), TermKind.KEYWORD)
        return found

    def explain(self, document: FoldedDocument) -> list[Candidate]:
        """Return the places where a keyword stands, those that are not written exactly so last, at most 20 a term."""
        return best_first(self._candidates(document))

    def _candidates(self, document: FoldedDocument) -> list[Candidate]:
        return [
            _judge(name, folded, stand, term)
            for name, folded in document.fields.items()
            for stand in self._table.find(folded)
            for term in stand.owners
        ]


def _judge(name: FieldName, folded: FoldedText, stand: Stand[Term], term: Term) -> Candidate:
    span = folded.span(name, stand.start, stand.end)
    found = folded.original[span.start : span.end]
    is_exact = found in (term.value, *term.variants)
    passed = is_exact or term.settings.match is not MatchMode.EXACT
    undone = [] if is_exact else transformations(folded, stand.start, stand.end)
    if stand.is_plural:
        undone.append(PLURAL)
    return Candidate(
        term_id=term.id,
        span=span,
        found=found,
        similarity=1.0,
        transformations=tuple(undone),
        passed=passed,
        reason="stands here" if passed else "is not written exactly so",
    )
