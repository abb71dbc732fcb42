"""How dangerous a document is for the people of a watchlist, and why.

A score is the sum of the strongest signal of each group (``signals.yaml``), at most 100. Every signal depends
only on its own pieces of evidence, so more evidence never lowers a score.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from copy import copy
from datetime import datetime

from alerting.evidence import collect
from alerting.layout import Layout
from alerting.pieces import MEMBER_KINDS, Evidence, Sighted
from alerting.places import Place, Reach
from alerting.redaction import Redaction, excerpt, is_given_away
from alerting.signals import signal_table
from core.ids import new_id
from core.types import (
    Alert,
    AlertClass,
    Catalogue,
    CatalogueChange,
    Document,
    Entity,
    EntityType,
    Found,
    Match,
    Term,
    TermKind,
)

HIGHEST_SCORE = 100


class Scorer:
    """Scores documents against everything watched. It never changes, and is safe to use from several threads; when
    what is watched has changed, :meth:`following` makes the next one."""

    def __init__(self, catalogue: Catalogue, *, minimum_score: int) -> None:
        """``minimum_score`` (0 to 100) is the lowest that raises an alert."""
        self._minimum_score = minimum_score
        self._watchlists = {watchlist.id: watchlist for watchlist in catalogue.watchlists}
        self._terms = {term.id: term for term in catalogue.terms}
        self._pseudonyms = self._pseudonyms_of(catalogue.terms)

    def following(self, change: CatalogueChange) -> Scorer:
        """Return the scorer after the change. Compiles nothing."""
        scorer = self.without(change.removed | {term.id for term in change.terms})
        scorer._watchlists = {watchlist.id: watchlist for watchlist in change.watchlists}
        scorer._terms.update((term.id, term) for term in change.terms)
        for community_id, spellings in scorer._pseudonyms_of(change.terms).items():
            scorer._pseudonyms[community_id] = Counter(scorer._pseudonyms.get(community_id))
            scorer._pseudonyms[community_id].update(spellings)
        return scorer

    def without(self, term_ids: Set[str]) -> Scorer:
        """Return the scorer of the same catalogue without these terms."""
        scorer = copy(self)
        scorer._terms = self._terms.copy()
        gone = [scorer._terms.pop(term_id) for term_id in term_ids & self._terms.keys()]
        scorer._pseudonyms = self._pseudonyms.copy()
        for community_id, spellings in self._pseudonyms_of(gone).items():
            left = scorer._pseudonyms[community_id] = Counter(self._pseudonyms[community_id])
            left.subtract(spellings)
            for spelling in spellings:
                if not left[spelling]:
                    del left[spelling]
        return scorer

    def _pseudonyms_of(self, terms: Iterable[Term]) -> dict[str, Counter[str]]:
        """Return how often each spelling of a pseudonym is watched, by community."""
        pseudonyms: dict[str, Counter[str]] = {}
        for term in terms:
            if term.kind is TermKind.PSEUDONYM:
                community_id = self._watchlists[term.watchlist_id].community_id
                pseudonyms.setdefault(community_id, Counter()).update(
                    {_compact(spelling) for spelling in (term.value, *term.variants)}
                )
        return pseudonyms

    def alerts(
        self,
        document: Document,
        found: Found,
        entities: Sequence[Entity],
        *,
        communities: frozenset[str] | None,
        at: datetime,
    ) -> tuple[Alert, ...]:
        """Return at most one alert a watchlist, of the gravest class that its evidence supports.

        ``communities`` are those that may see the document (None: all of them).
        """
        by_community: dict[str, list[Match]] = {}
        for match in found.matches:
            community_id = self._watchlists[self._terms[match.term_id].watchlist_id].community_id
            if communities is None or community_id in communities:
                by_community.setdefault(community_id, []).append(match)
        if not by_community:
            return ()
        layout = Layout(document, (match.span for matches in by_community.values() for match in matches))
        return tuple(
            alert
            for community_id, matches in by_community.items()
            for alert in self._community_alerts(community_id, document, layout, matches, found, entities, at)
        )

    def _community_alerts(
        self,
        community_id: str,
        document: Document,
        layout: Layout,
        matches: Sequence[Match],
        found: Found,
        entities: Sequence[Entity],
        at: datetime,
    ) -> Iterator[Alert]:
        counted = self._counted(community_id, layout, matches, found)
        persons = self._pseudonyms.get(community_id, Counter())
        suspects = [
            entity
            for entity in entities
            if entity.type is not EntityType.PERSON or _compact(entity.found) not in persons
        ]
        for watchlist_id in dict.fromkeys(sighted.term.watchlist_id for sighted in counted):
            watchlist = self._watchlists[watchlist_id]
            own = [sighted for sighted in counted if sighted.term.watchlist_id == watchlist_id]
            evidence = collect(document, layout, watchlist, own, counted, suspects, found)
            strongest = _strongest(evidence)
            score = min(HIGHEST_SCORE, sum(piece.points for piece in strongest))
            if score < self._minimum_score:
                continue
            shown = [match for match in matches if match.span.field != "text"]
            shown += [match for piece in strongest for match in piece.matches]
            told = [entity for entity in entities if entity.span.field != "text"]
            told += [piece.entity for piece in evidence if piece.entity is not None]
            redaction = Redaction(matches, entities, is_given_away=is_given_away(strongest))
            redacted, clear = _excerpt(document, strongest, own, redaction)
            kept = {sighted.match for sighted in own} | set(shown)
            kept_entities = set(told)
            yield Alert(
                id=new_id("alt"),
                community_id=community_id,
                watchlist_id=watchlist_id,
                alert_class=_gravest(evidence),
                holds_threat=any(piece.alert_class is AlertClass.THREAT and piece.points for piece in evidence),
                score=score,
                signals=tuple(piece.signal for piece in strongest),
                matches=tuple(match for match in matches if match in kept),
                entities=tuple(entity for entity in entities if entity in kept_entities),
                document=document,
                raised_at=at,
                excerpt=redacted,
                evidence=clear,
                members=_members(own),
                linked=_linked(evidence),
            )

    def _counted(self, community_id: str, layout: Layout, matches: Sequence[Match], found: Found) -> list[Sighted]:
        """Return the matches that count: those that need context only near a cue or another match that counts."""
        characters = signal_table().nearness.context_characters
        sighted = [Sighted(match, self._terms[match.term_id], layout.place(match.span)) for match in matches]
        alone = [one for one in sighted if not one.term.settings.needs_context]
        needing = [one for one in sighted if one.term.settings.needs_context]
        if not needing:
            return alone
        named = [layout.place(cue.span) for cue in found.cues if cue.community_id == community_id]
        packs: dict[str, list[Place]] = {}
        for cue in found.cues:
            if cue.pack is not None:
                packs.setdefault(cue.pack, []).append(layout.place(cue.span))
        cues = {
            watchlist_id: Reach(
                [*named, *(place for pack in self._watchlists[watchlist_id].packs for place in packs.get(pack, ()))],
                characters,
            )
            for watchlist_id in {one.term.watchlist_id for one in needing}
        }
        counted = {one for one in needing if cues[one.term.watchlist_id].touches(one.place)} | set(alone)
        others = Reach([one.place for one in counted], characters)
        return [one for one in sighted if one in counted or others.touches(one.place)]


def _strongest(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Return the strongest piece of each group, the one with most points first."""
    best: dict[str, Evidence] = {}
    for piece in evidence:
        rival = best.get(piece.group)
        if rival is None or _weight(piece) > _weight(rival):
            best[piece.group] = piece
    return sorted(best.values(), key=lambda piece: -piece.points)


def _gravest(evidence: Sequence[Evidence]) -> AlertClass:
    classes = (piece.alert_class for piece in evidence if piece.points)
    return max(classes, key=lambda one: one.gravity, default=AlertClass.MENTION)


def _members(own: Sequence[Sighted]) -> tuple[tuple[str, str], ...]:
    """Return whom the matches are about, each once; all that is watched beside people is nobody."""
    return tuple(dict.fromkeys(one.member for one in own if one.term.kind in MEMBER_KINDS))


def _linked(evidence: Sequence[Evidence]) -> tuple[Entity, ...]:
    """Return the entities that belong to those the matches are about, as far as the text says so."""
    identifying = signal_table().identifying
    return tuple(
        dict.fromkeys(
            piece.entity
            for piece in evidence
            if piece.entity is not None and piece.points and piece.name in identifying
        )
    )


def _weight(piece: Evidence) -> tuple[int, int]:
    return piece.points, piece.alert_class.gravity


def _excerpt(
    document: Document, strongest: Sequence[Evidence], own: Sequence[Sighted], redaction: Redaction
) -> tuple[str, str]:
    """Return the stretch around the strongest reason that has a place, redacted and in clear."""
    spans = next((piece.spans for piece in strongest if piece.spans), (own[0].match.span,))
    name = spans[0].field
    inside = [span for span in spans if span.field == name]
    around = (min(span.start for span in inside), max(span.end for span in inside))
    return excerpt(document.field(name), name, around, redaction)


def _compact(text: str) -> str:
    """Return the letters and digits of a text, without case and marks."""
    return "".join(one for one in unicodedata.normalize("NFKD", text).casefold() if one.isalnum())
