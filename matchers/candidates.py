"""Candidates put in order, and matches of one term that overlap reduced to the best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from core.types import Candidate, Match, Span, TermKind

_SHOWN_PER_TERM = 20


def matches_of(candidates: Iterable[Candidate], kind: TermKind) -> list[Match]:
    """Return the candidates that passed as matches of a kind, in order of their spans."""
    return sorted(
        (
            Match(
                term_id=candidate.term_id,
                kind=kind,
                span=candidate.span,
                found=candidate.found,
                similarity=candidate.similarity,
                transformations=candidate.transformations,
            )
            for candidate in candidates
            if candidate.passed
        ),
        key=lambda match: match.span,
    )


def best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates, those that passed and are most alike first, one a place and at most 20 a term."""
    shown: defaultdict[str, set[Span]] = defaultdict(set)
    kept = []
    for candidate in sorted(candidates, key=lambda row: (not row.passed, -row.similarity, row.span)):
        spans = shown[candidate.term_id]
        if candidate.span not in spans and len(spans) < _SHOWN_PER_TERM:
            spans.add(candidate.span)
            kept.append(candidate)
    return kept


def best_apart(matches: Iterable[Match]) -> list[Match]:
    """Return the matches in order of their spans, without those that overlap a better one of the same term.

    Better is more alike, then with less undone, then longer.
    """
    by_term: defaultdict[str, list[Match]] = defaultdict(list)
    for match in sorted(matches, key=lambda row: row.span):
        rivals = by_term[match.term_id]
        if not rivals or rivals[-1].span.field != match.span.field or rivals[-1].span.end <= match.span.start:
            rivals.append(match)
        elif _quality(match) > _quality(rivals[-1]):
            rivals[-1] = match
    return sorted((match for kept in by_term.values() for match in kept), key=lambda row: (row.span, row.term_id))


def _quality(match: Match) -> tuple[float, int, int]:
    return match.similarity, -len(match.transformations), match.span.end - match.span.start
