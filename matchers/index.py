"""The index: everything that is watched, over all communities, compiled for one pass over a document."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from copy import copy
from dataclasses import replace
from datetime import datetime

from core.errors import NotFound
from core.ports import Concealer, Matcher
from core.types import (
    Candidate,
    Catalogue,
    CatalogueChange,
    Community,
    Cue,
    Document,
    Entity,
    Explanation,
    FieldName,
    Found,
    Match,
    Pack,
    Span,
    Term,
    Watchlist,
)
from matchers import kernels
from matchers.batch import FoldedBatch
from matchers.candidates import best_apart, best_first
from matchers.phrases import PhraseTable
from matchers.queries import Answer, Beside
from matchers.segments import Merge, Segment, add_phrases, checked, due_merge, matchers_by_kind, small_enough
from matchers.surroundings import Stretch, stretches_around
from matchers.topics import topics_of

_NOTHING = Found()
# So many posts that the arrays over their characters stay in a processor's cache.
_TOGETHER = 256


class _Nevers:
    """Where the texts stand in which terms do not count."""

    def __init__(self) -> None:
        self._spans: defaultdict[tuple[str, FieldName], list[Span]] = defaultdict(list)

    def add(self, term_id: str, span: Span) -> None:
        """Add a place; those of a field come in order of their starts."""
        spans = self._spans[term_id, span.field]
        # One inside another adds nothing, so that the ends are in order too.
        if not spans or spans[-1].end < span.end:
            spans.append(span)

    def hold(self, term_id: str, span: Span) -> bool:
        """Return whether the span is part of such a text."""
        spans = self._spans.get((term_id, span.field), ())
        # Of those that start before the span, the last reaches farthest.
        at = bisect_right(spans, span.start, key=lambda one: one.start) - 1
        return at >= 0 and span.end <= spans[at].end


class Index:
    """What is watched at one moment. It never changes, and is safe to use from several threads; when what is watched
    has changed, :meth:`following` makes the next one, which shares with it what was compiled."""

    def __init__(self, catalogue: Catalogue, matchers: Sequence[Matcher]) -> None:
        """Compile the whole catalogue."""
        self.revision = catalogue.revision
        self._matchers = tuple(matchers)
        self._by_kind = matchers_by_kind(matchers)
        self._packs = catalogue.packs
        self._communities = catalogue.communities
        self._watchlists = {watchlist.id: watchlist for watchlist in catalogue.watchlists}
        self._segments: tuple[Segment, ...] = (Segment.of(catalogue.terms, self._watchlists, self._matchers),)
        self._contexts = _contexts_of(self._communities)
        self._topics = topics_of(self._packs_in_use())

    @property
    def unmatched_terms(self) -> dict[str, str]:
        """The ids of the terms that no matcher looks for, with the reason why not."""
        return {
            term_id: reason
            for segment in self._segments
            for term_id, reason in segment.unmatched.items()
            if term_id in segment
        }

    def following(self, change: CatalogueChange) -> Index:
        """Return the index after the change. Takes as long as the terms of the change, and at most a few hundred
        others, take to compile."""
        changed = {term.id for term in change.terms}
        index = self.without(change.removed | changed)
        index.revision = change.revision
        index._watchlists = {watchlist.id: watchlist for watchlist in change.watchlists}
        if change.communities != self._communities:
            index._communities = change.communities
            index._contexts = _contexts_of(change.communities)
        index._topics = topics_of(index._packs_in_use())
        if change.terms:
            absorbed = small_enough(index._segments)
            terms = [*change.terms, *(term for segment in absorbed for term in segment.living())]
            kept = (segment for segment in index._segments if segment not in absorbed)
            index._segments = (*kept, Segment.of(terms, index._watchlists, self._matchers))
        return index

    def without(self, term_ids: Set[str]) -> Index:
        """Return the index in which these terms count no more. Nothing is compiled for that."""
        index = copy(self)
        index._segments = tuple(segment.without(term_ids) for segment in self._segments)
        return index

    def ended(self, at: datetime) -> frozenset[str]:
        """Return the ids of the terms that count here though they have ended at that moment."""
        return frozenset(term_id for segment in self._segments for term_id in segment.ended(at))

    def due_merge(self) -> Merge | None:
        """Return which segments had better be compiled into one, None where that is not worth the time."""
        return due_merge(self._segments)

    def merge(self, merge: Merge) -> Segment:
        """Return the segments compiled into one, for :meth:`merged`. Takes as long as their terms take to compile."""
        return merge.compiled(self._watchlists, self._matchers)

    def merged(self, merge: Merge, segment: Segment) -> Index:
        """Return the index with the merge done, by this index or one that it follows. Takes no time."""
        index = copy(self)
        index._segments = merge.applied(segment, self._segments)
        return index

    def check(self, term: Term) -> None:
        """Raise UsageError where no matcher looks for terms of this kind, or this value cannot be looked for."""
        checked(term, self._by_kind)

    def conceal(self, term: Term) -> Term:
        """Return the term as it may be kept. Raises UsageError as :meth:`check`."""
        matcher = checked(term, self._by_kind)
        return matcher.conceal(term) if isinstance(matcher, Concealer) else term

    def term(self, term_id: str) -> Term:
        """Return the term. Raises NotFound."""
        for segment in self._segments:
            if term_id in segment:
                return segment.terms[term_id]
        raise NotFound(f"there is no term {term_id} in this index")

    def watchlist(self, term: Term) -> Watchlist:
        """Return the watchlist that the term belongs to."""
        return self._watchlists[term.watchlist_id]

    def find(self, documents: Sequence[Document]) -> list[Found]:
        """Return, for each document, its matches and cues in order of their spans. A term's overlapping matches are
        reduced to the best. Cues are looked for only where something matched. Queries are answered last, as they
        speak of what else matches; those that speak of entities too may be left pending, for :meth:`settle`."""
        kernels.note_documents(len(documents))
        batches = (documents[start : start + _TOGETHER] for start in range(0, len(documents), _TOGETHER))
        return [found for batch in batches for found in self._find(batch)]

    def _find(self, documents: Sequence[Document]) -> list[Found]:
        folded = FoldedBatch(documents)
        matches: defaultdict[int, list[Match]] = defaultdict(list)
        for segment in self._segments:
            for column in segment.find(folded):
                for index, found in enumerate(column):
                    if found:
                        matches[index].extend(found)
        founds = [_NOTHING] * len(documents)
        for index, found in matches.items():
            founds[index] = self._found(documents[index], best_apart(found))
        if any(segment.has_queries for segment in self._segments):
            beside = {index: self._beside(found) for index, found in enumerate(founds) if found.matches}
            for segment in self._segments:
                for index, answer in segment.answer(folded, beside):
                    founds[index] = self._joined(documents[index], founds[index], answer)
        return founds

    def settle(self, document: Document, found: Found, entities: Sequence[Entity]) -> Found:
        """Return what was found in the document, with those of the pending terms that match, now that its entities
        are known."""
        (folded,) = FoldedBatch([document])
        beside = self._beside(found, entities)
        settled = replace(found, pending=())
        for segment in self._segments:
            settled = self._joined(document, settled, Answer(matches=segment.settle(folded, beside, found.pending)))
        return settled

    def explain(self, document: Document, entities: Sequence[Entity] | None = None) -> Explanation:
        """Return how the document looks folded, and what was looked at, the best candidates first. ``entities`` are
        what was recognised in it, None where nobody has looked."""
        (folded,) = FoldedBatch([document])
        (found,) = self.find([document])
        beside = self._beside(found, entities)
        candidates = [candidate for segment in self._segments for candidate in segment.explain(folded, beside)]
        nevers = self._nevers(list(stretches_around(document, [candidate.span for candidate in candidates])))
        return Explanation(
            folded={name: text.text for name, text in folded.fields.items()},
            candidates=tuple(best_first(_unless_never(candidate, nevers) for candidate in candidates)),
        )

    def _found(self, document: Document, matches: list[Match]) -> Found:
        if not self._contexts and not self._topics and not any(segment.has_nevers for segment in self._segments):
            return Found(matches=tuple(matches))
        stretches = list(stretches_around(document, [match.span for match in matches]))
        nevers = self._nevers(stretches)
        kept = tuple(match for match in matches if not nevers.hold(match.term_id, match.span))
        return Found(matches=kept, cues=self._cues_in(document, stretches)) if kept else _NOTHING

    def _beside(self, found: Found, entities: Sequence[Entity] | None = None) -> Beside:
        by_community: defaultdict[str, list[Match]] = defaultdict(list)
        for match in found.matches:
            by_community[self.watchlist(self.term(match.term_id)).community_id].append(match)
        return Beside(matches=by_community, entities=entities)

    def _joined(self, document: Document, found: Found, answer: Answer) -> Found:
        """Return what was found, with what queries say to it."""
        joined = self._found(document, best_apart((*found.matches, *answer.matches))) if answer.matches else found
        return replace(joined, pending=(*found.pending, *answer.pending))

    def _nevers(self, stretches: Sequence[Stretch]) -> _Nevers:
        nevers = _Nevers()
        for segment in self._segments:
            for term_id, span in segment.nevers(stretches):
                nevers.add(term_id, span)
        return nevers

    def _cues_in(self, document: Document, stretches: Sequence[Stretch]) -> tuple[Cue, ...]:
        cues: set[Cue] = set()
        for stretch in stretches:
            for stand in self._contexts.find(stretch.folded):
                span = stretch.span(stand.start, stand.end)
                cues.update(Cue(span=span, community_id=community_id) for community_id in stand.owners)
            cues.update(Cue(span=span, pack=pack) for pack, span in self._topics.find(document, stretch))
        return tuple(sorted(cues, key=lambda cue: (cue.span, cue.community_id or "", cue.pack or "")))

    def _packs_in_use(self) -> tuple[Pack, ...]:
        names = {name for watchlist in self._watchlists.values() for name in watchlist.packs}
        return tuple(pack for pack in self._packs if pack.name in names)


def _contexts_of(communities: Iterable[Community]) -> PhraseTable[str]:
    """Return what the communities are called outside, each for its id."""
    table: PhraseTable[str] = PhraseTable()
    for community in communities:
        add_phrases(table, community.context, community.id)
    return table


def _unless_never(candidate: Candidate, nevers: _Nevers) -> Candidate:
    if candidate.passed and nevers.hold(candidate.term_id, candidate.span):
        return replace(candidate, passed=False, reason="stands inside a text in which the term does not count")
    return candidate
