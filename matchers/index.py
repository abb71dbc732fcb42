"""The index: everything that is watched, over all communities, compiled for one pass over a document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from core.errors import NotFound, UsageError
from core.ports import Matcher
from core.types import (
    Candidate,
    Catalogue,
    Cue,
    Document,
    Explanation,
    FoldedDocument,
    Found,
    Match,
    Span,
    Term,
    TermKind,
    Watchlist,
)
from matchers.candidates import best_apart, best_first
from matchers.folding import fold_documents, folded_forms
from matchers.phrases import PhraseTable


@dataclass(frozen=True, slots=True)
class _Never:
    """The owner of a phrase in which a term does not count."""

    term_id: str


@dataclass(frozen=True, slots=True)
class _Context:
    """The owner of a phrase by which a community is called."""

    community_id: str


@dataclass(frozen=True, slots=True)
class _PackPhrase:
    """The owner of a topic pack's phrase."""

    pack: str


_Owner: TypeAlias = _Never | _Context | _PackPhrase


class Index:
    """What is watched at one moment. Built once for a catalogue's revision; safe to use from several threads."""

    def __init__(self, catalogue: Catalogue, matchers: Sequence[Matcher]) -> None:
        """``unmatched_terms`` are those of the catalogue that no matcher looks for, with the reason why not."""
        self.revision = catalogue.revision
        self._matchers = _by_kind(matchers)
        self._terms = {term.id: term for term in catalogue.terms}
        self._watchlists = {watchlist.id: watchlist for watchlist in catalogue.watchlists}
        self.unmatched_terms: dict[str, str] = {}
        shares: defaultdict[int, list[Term]] = defaultdict(list)
        for term in catalogue.terms:
            try:
                self.check(term)
            except UsageError as error:
                self.unmatched_terms[term.id] = str(error)
            else:
                shares[matchers.index(self._matchers[term.kind])].append(term)
        self._finders = [matchers[index].compile(share, self._watchlists) for index, share in sorted(shares.items())]
        self._phrases = _phrases(catalogue)

    def check(self, term: Term) -> None:
        """Raise UsageError where no matcher looks for terms of this kind, or this value cannot be looked for."""
        matcher = self._matchers.get(term.kind)
        if matcher is None:
            raise UsageError(f"terms of kind {term.kind} cannot be looked for yet")
        matcher.check(term)

    def term(self, term_id: str) -> Term:
        """Return the term. Raises NotFound."""
        if term_id not in self._terms:
            raise NotFound(f"there is no term {term_id} in this index")
        return self._terms[term_id]

    def watchlist(self, term: Term) -> Watchlist:
        """Return the watchlist that the term belongs to."""
        return self._watchlists[term.watchlist_id]

    def find(self, documents: Sequence[Document]) -> list[Found]:
        """Return, for each document, its matches and cues in order of their spans. A term's overlapping matches are
        reduced to the best. Cues are looked for only where something matched."""
        folded = fold_documents(documents)
        columns = [finder.find(folded) for finder in self._finders]
        return [
            self._found(document, best_apart(match for column in columns for match in column[index]))
            for index, document in enumerate(folded)
        ]

    def explain(self, document: Document) -> Explanation:
        """Return how the document looks folded, and what was looked at, the best candidates first."""
        (folded,) = fold_documents([document])
        _, nevers = self._phrases_in(folded)
        candidates = (candidate for finder in self._finders for candidate in finder.explain(folded))
        return Explanation(
            folded={name: text.text for name, text in folded.fields.items()},
            candidates=tuple(best_first(_unless_never(candidate, nevers) for candidate in candidates)),
        )

    def _found(self, document: FoldedDocument, matches: list[Match]) -> Found:
        if not matches:
            return Found()
        cues, nevers = self._phrases_in(document)
        kept = tuple(match for match in matches if not _is_inside(match.span, nevers.get(match.term_id, ())))
        return Found(matches=kept, cues=cues) if kept else Found()

    def _phrases_in(self, document: FoldedDocument) -> tuple[tuple[Cue, ...], dict[str, list[Span]]]:
        """Return the document's cues, and where the texts stand in which terms do not count, by term."""
        cues = set()
        nevers: defaultdict[str, list[Span]] = defaultdict(list)
        for name, folded in document.fields.items():
            for stand in self._phrases.find(folded):
                span = folded.span(name, stand.start, stand.end)
                for owner in stand.owners:
                    match owner:
                        case _Never(term_id):
                            nevers[term_id].append(span)
                        case _Context(community_id):
                            cues.add(Cue(span=span, community_id=community_id))
                        case _PackPhrase(pack):
                            cues.add(Cue(span=span, pack=pack))
        ordered = sorted(cues, key=lambda cue: (cue.span, cue.community_id or "", cue.pack or ""))
        return tuple(ordered), nevers


def _by_kind(matchers: Sequence[Matcher]) -> dict[TermKind, Matcher]:
    return {kind: matcher for matcher in matchers for kind in matcher.term_kinds}


def _phrases(catalogue: Catalogue) -> PhraseTable[_Owner]:
    table: PhraseTable[_Owner] = PhraseTable()
    wanted_packs = {name for watchlist in catalogue.watchlists for name in watchlist.packs}
    owned: list[tuple[_Owner, tuple[str, ...]]] = [
        *((_Context(community.id), community.context) for community in catalogue.communities),
        *((_PackPhrase(pack.name), pack.phrases) for pack in catalogue.packs if pack.name in wanted_packs),
        *((_Never(term.id), term.settings.never) for term in catalogue.terms),
    ]
    for owner, phrases in owned:
        for phrase in {folded for text in phrases for folded in folded_forms(text)}:
            table.add(phrase, owner)
    return table


def _is_inside(span: Span, others: Iterable[Span]) -> bool:
    return any(other.field == span.field and other.start <= span.start and span.end <= other.end for other in others)


def _unless_never(candidate: Candidate, nevers: dict[str, list[Span]]) -> Candidate:
    if candidate.passed and _is_inside(candidate.span, nevers.get(candidate.term_id, ())):
        return replace(candidate, passed=False, reason="stands inside a text in which the term does not count")
    return candidate
