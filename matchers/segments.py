"""Segments of an index: terms compiled together, of which some may count no more.

Finders are costly to make and cannot be changed, and what is watched changes all the time. So an index holds a few
segments, large and small, as log-structured merge trees do (O'Neil and others, 1996): new terms come in a small segment
of their own, terms that go are only left out of what is found, and from time to time segments are compiled into one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import TypeVar

from core.errors import UsageError
from core.ports import Finder, Matcher
from core.types import Candidate, FoldedDocument, Match, Span, Term, TermKind, Watchlist
from matchers.batch import FoldedBatch
from matchers.folding import folded_forms
from matchers.phrases import PhraseTable
from matchers.queries import Answer, Beside, QueryFinder
from matchers.surroundings import Stretch

T = TypeVar("T")

_MOST_UNNOTICED = 256
_MOST_SEGMENTS = 4
_MOST_TIMES_LARGER = 4
_MOST_RETIRED_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class Segment:
    """Terms compiled together. ``unmatched`` are those that no matcher looks for, with the reason why not; ``ends``
    says when terms end, the first first; ``retired`` are those that count no more."""

    terms: Mapping[str, Term]
    unmatched: Mapping[str, str]
    retired: frozenset[str]
    _finders: tuple[Finder, ...]
    _query_finders: tuple[QueryFinder, ...]
    _nevers: PhraseTable[str]
    _ends: Sequence[tuple[datetime, str]]

    @classmethod
    def of(cls, terms: Iterable[Term], watchlists: Mapping[str, Watchlist], matchers: Sequence[Matcher]) -> Segment:
        """Return the terms compiled."""
        by_id = {term.id: term for term in terms}
        unmatched: dict[str, str] = {}
        shares: defaultdict[int, list[Term]] = defaultdict(list)
        by_kind = matchers_by_kind(matchers)
        nevers: PhraseTable[str] = PhraseTable()
        for term in by_id.values():
            try:
                shares[matchers.index(checked(term, by_kind))].append(term)
            except UsageError as error:
                unmatched[term.id] = str(error)
            add_phrases(nevers, term.settings.never, term.id)
        finders = [matchers[place].compile(share, watchlists) for place, share in sorted(shares.items())]
        return cls(
            terms=by_id,
            unmatched=unmatched,
            retired=frozenset(),
            _finders=tuple(finder for finder in finders if not isinstance(finder, QueryFinder)),
            _query_finders=tuple(finder for finder in finders if isinstance(finder, QueryFinder)),
            _nevers=nevers,
            _ends=sorted((term.settings.ends_at, term.id) for term in by_id.values() if term.settings.ends_at),
        )

    def __len__(self) -> int:
        """Return how many of the terms count."""
        return len(self.terms) - len(self.retired)

    def __contains__(self, term_id: str) -> bool:
        """Return whether the term is here and counts."""
        return term_id in self.terms and term_id not in self.retired

    def living(self) -> Iterator[Term]:
        """Yield the terms that count."""
        return (term for term in self.terms.values() if term.id not in self.retired)

    def without(self, term_ids: Set[str]) -> Segment:
        """Return the segment in which those of the terms that are here count no more."""
        gone = self.terms.keys() & term_ids - self.retired
        return replace(self, retired=self.retired | gone) if gone else self

    def ended(self, at: datetime) -> list[str]:
        """Return the ids of the terms that counted until they ended, at that moment or before."""
        until = bisect_right(self._ends, at, key=lambda end: end[0])
        return [term_id for _, term_id in self._ends[:until] if term_id not in self.retired]

    def find(self, batch: FoldedBatch) -> Iterator[list[list[Match]]]:
        """Yield, for each finder, the matches of each document of the batch; queries come after, by :meth:`answer`."""
        for finder in self._finders:
            found = finder.find(batch)
            if self.retired:
                found = [[match for match in matches if match.term_id not in self.retired] for matches in found]
            yield found

    @property
    def has_nevers(self) -> bool:
        """Return whether there are texts in which terms do not count."""
        return bool(self._nevers)

    @property
    def has_queries(self) -> bool:
        """Return whether any of the terms, of those that count no more too, is a query."""
        return bool(self._query_finders)

    def answer(self, batch: FoldedBatch, beside: Mapping[int, Beside]) -> Iterator[tuple[int, Answer]]:
        """Yield what the queries that count say to documents, with their places in the batch. ``beside`` has, by
        place too, what else is known of them."""
        for finder in self._query_finders:
            for place, answer in finder.answer(batch, beside).items():
                yield place, answer.without(self.retired)

    def settle(self, document: FoldedDocument, beside: Beside, pending: Iterable[str]) -> tuple[Match, ...]:
        """Return the matches of those of the pending terms that count here, now that the entities are known."""
        counting = [term_id for term_id in pending if term_id in self]
        return tuple(match for finder in self._query_finders for match in finder.settle(document, beside, counting))

    def explain(self, document: FoldedDocument, beside: Beside) -> Iterator[Candidate]:
        """Yield the places that the finders looked at for terms that count. ``beside`` is what else is known."""
        explained = chain(
            (candidate for finder in self._finders for candidate in finder.explain(document)),
            (candidate for finder in self._query_finders for candidate in finder.explain(document, beside)),
        )
        return (candidate for candidate in explained if candidate.term_id not in self.retired)

    def nevers(self, stretches: Iterable[Stretch]) -> Iterator[tuple[str, Span]]:
        """Yield the ids of terms that count, with where the texts stand in which they do not."""
        for stretch in stretches:
            for stand in self._nevers.find(stretch.folded):
                span = stretch.span(stand.start, stand.end)
                yield from ((term_id, span) for term_id in stand.owners if term_id not in self.retired)


@dataclass(frozen=True)
class Merge:
    """Segments that had better be one."""

    segments: tuple[Segment, ...]

    def compiled(self, watchlists: Mapping[str, Watchlist], matchers: Sequence[Matcher]) -> Segment:
        """Return the one segment. Takes as long as its terms take to compile."""
        return Segment.of((term for one in self.segments for term in one.living()), watchlists, matchers)

    def applied(self, merged: Segment, segments: Sequence[Segment]) -> tuple[Segment, ...]:
        """Return the segments of an index with ``merged`` in the place of those that it was made of. What has gone
        from them while it was made counts no more in it either."""
        today = {id(one.terms): one for one in segments}
        gone: set[str] = set()
        for one in self.segments:
            now = today.pop(id(one.terms), None)
            gone |= (one.terms.keys() if now is None else now.retired) - one.retired
        return tuple(one for one in (merged.without(gone), *today.values()) if one)


def due_merge(segments: Sequence[Segment]) -> Merge | None:
    """Return the merge that is due: of the smallest where segments are too many, each taken as long as it is not
    much larger than those before it together, so that a term is compiled again only when as many have come; or of
    those of whose terms many count no more. None where all is well."""
    if len(segments) <= _MOST_SEGMENTS:
        worn = tuple(one for one in segments if len(one.retired) > _MOST_RETIRED_SHARE * len(one.terms))
        return Merge(worn) if worn else None
    first, second, *others = sorted(segments, key=len)
    run = [first, second]
    for one in others:
        if len(one) > _MOST_TIMES_LARGER * sum(map(len, run)):
            break
        run.append(one)
    return Merge(tuple(run))


def small_enough(segments: Sequence[Segment]) -> list[Segment]:
    """Return the smallest segments, as many as can be compiled again with whatever comes and nobody notices."""
    found: list[Segment] = []
    for one in sorted(segments, key=len):
        if sum(map(len, found)) + len(one) > _MOST_UNNOTICED:
            break
        found.append(one)
    return found


def add_phrases(table: PhraseTable[T], texts: Iterable[str], owner: T) -> None:
    """Put the texts into the table, in each form that they fold to."""
    for phrase in {folded for text in texts for folded in folded_forms(text)}:
        table.add(phrase, owner)


def matchers_by_kind(matchers: Sequence[Matcher]) -> dict[TermKind, Matcher]:
    """Return which matcher looks for which kind of terms."""
    return {kind: matcher for matcher in matchers for kind in matcher.term_kinds}


def checked(term: Term, by_kind: Mapping[TermKind, Matcher]) -> Matcher:
    """Return the matcher that looks for the term. Raises UsageError where none does, or this value cannot be looked
    for."""
    matcher = by_kind.get(term.kind)
    if matcher is None:
        raise UsageError(f"terms of kind {term.kind} cannot be looked for yet")
    matcher.check(term)
    return matcher
