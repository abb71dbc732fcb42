"""The evidence in one document: which matches, entities and circumstances say that somebody is at risk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from alerting.layout import Layout
from alerting.linkage import linked
from alerting.pieces import MEMBER_KINDS, Evidence, Sighted, evidence, name_share, points_by_count
from alerting.places import Reach
from alerting.reading import word_count
from alerting.signals import signal_table
from alerting.threats import is_threatened
from core.types import Document, Entity, EntityType, Found, Span, TermKind, Watchlist

_FOUND_SIGNALS: Mapping[TermKind, str] = {
    TermKind.PSEUDONYM: "pseudonym_mentioned",
    TermKind.NAME: "name_mentioned",
    TermKind.KEYWORD: "keyword_mentioned",
    TermKind.QUERY: "query_matched",
    TermKind.REGEX: "pattern_matched",
    TermKind.DOMAIN: "domain_mentioned",
}
_LOGIN_TYPES = frozenset({EntityType.CREDENTIAL, EntityType.SECRET_KEY})
_LOGIN_KINDS = frozenset({TermKind.PSEUDONYM, TermKind.NAME, TermKind.DOMAIN})


def collect(
    document: Document,
    layout: Layout,
    watchlist: Watchlist,
    own: Sequence[Sighted],
    counted: Sequence[Sighted],
    entities: Sequence[Entity],
    found: Found,
) -> list[Evidence]:
    """Return all evidence for an alert of the watchlist.

    ``own`` are the watchlist's matches that count (at least one), ``counted`` those of its whole community.
    """
    if watchlist.is_test:
        return [evidence("canary_found", 1.0, (one.match.span for one in own))]
    links = list(linked(layout, own, counted, entities))
    return [
        *_found(own),
        *links,
        *_authors(layout, own, entities),
        *_kinds(links),
        *_logins(layout, own, entities),
        *_members(own, counted),
        *_words_nearby(layout, own),
        *_threats(layout, own),
        *_context(layout, watchlist, own, found),
        *_publicity(document, own),
    ]


def _authors(layout: Layout, own: Sequence[Sighted], entities: Sequence[Entity]) -> Iterator[Evidence]:
    """Yield each person whose name a watched author gives as their own."""
    authors = [one for one in own if one.term.kind is TermKind.PSEUDONYM and one.match.span.field == "author"]
    for entity in entities if authors else ():
        if entity.type is EntityType.PERSON and layout.is_named_by_author(layout.place(entity.span)):
            for one in authors:
                certainty = min(one.match.similarity, entity.confidence) * name_share(entity.found)
                yield evidence("author_names_themselves", certainty, [one.match.span, entity.span], entity=entity)


def _found(own: Sequence[Sighted]) -> Iterator[Evidence]:
    for one in own:
        if one.term.kind is TermKind.PASSAGE:
            yield _passage(one)
            continue
        look_alikes = signal_table().look_alikes.intersection(one.match.transformations)
        if one.term.kind is TermKind.DOMAIN and look_alikes:
            yield evidence(
                "look_alike_domain", one.match.similarity, [one.match.span], words={"what": _listed(look_alikes)}
            )
        else:
            yield evidence(_FOUND_SIGNALS[one.term.kind], one.match.similarity, [one.match.span])
        disguises = signal_table().disguises.intersection(one.match.transformations)
        if disguises:
            yield evidence("disguised", 1.0, [one.match.span], words={"what": _listed(disguises)})
        if one.match.similarity < 1:
            yield evidence("uncertain_match", 1.0, [one.match.span], words={"what": f"{one.match.similarity:.0%}"[:-1]})


def _passage(one: Sighted) -> Evidence:
    count = word_count(one.match.found)
    copied = int(count * one.match.similarity + 0.5)
    return evidence(
        "passage_found",
        1.0,
        [one.match.span],
        points=points_by_count("passage_found", copied),
        words={"count": count, "changed": "" if copied == count else f", at least {copied} of them unchanged"},
    )


def _kinds(links: Iterable[Evidence]) -> Iterator[Evidence]:
    """Yield how many kinds of identifying entities are tied to members."""
    tied = {
        piece.entity.type: piece
        for piece in links
        if piece.entity is not None and piece.points and piece.name in signal_table().identifying
    }
    if points := points_by_count("several_kinds", len(tied)):
        spans = [piece.spans[-1] for piece in tied.values()]
        yield evidence("several_kinds", 1.0, spans[:1], points=points, words={"count": len(tied)})


def _logins(layout: Layout, own: Sequence[Sighted], entities: Sequence[Entity]) -> Iterator[Evidence]:
    """Yield each login or key that stands over or right beside a member or a watched domain."""
    logins = [entity for entity in entities if entity.type in _LOGIN_TYPES]
    if not logins:
        return
    sighted = {one.place: one for one in own if one.term.kind in _LOGIN_KINDS}
    reach = Reach(sighted, signal_table().nearness.login_characters)
    for entity in logins:
        if reach.touches(layout.place(entity.span)):
            yield evidence("login_leaked", entity.confidence, [entity.span], entity=entity)


def _members(own: Sequence[Sighted], counted: Sequence[Sighted]) -> Iterator[Evidence]:
    count = len({one.member for one in counted if one.term.kind in MEMBER_KINDS})
    if points := points_by_count("several_members", count):
        yield evidence(
            "several_members", 1.0, [one.match.span for one in own[:1]], points=points, words={"count": count}
        )


def _words_nearby(layout: Layout, own: Sequence[Sighted]) -> Iterator[Evidence]:
    """Yield what the words right around the members say: that they are given away, threatened, reported."""
    names = signal_table().words_nearby
    for one in own:
        if one.term.kind in MEMBER_KINDS:
            for sign in layout.signs_around(one.place) & names.keys():
                yield evidence(names[sign], 1.0, [one.match.span])


def _threats(layout: Layout, own: Sequence[Sighted]) -> Iterator[Evidence]:
    """Yield each member who is threatened by name. Of an ordinary word it counts where somebody is called so."""
    for one in own:
        is_word = one.match.is_ordinary and one.match.found[:1].islower() and not layout.is_called(one.place)
        if one.term.kind in MEMBER_KINDS and not is_word and is_threatened(layout.text, one.place):
            yield evidence("threatened", one.match.similarity, [one.match.span])


def _context(layout: Layout, watchlist: Watchlist, own: Sequence[Sighted], found: Found) -> Iterator[Evidence]:
    reach = Reach([one.place for one in own], signal_table().nearness.context_characters)
    for cue in found.cues:
        if not reach.touches(layout.place(cue.span)):
            continue
        if cue.community_id == watchlist.community_id:
            yield evidence("community_named", 1.0, [cue.span])
        if cue.pack is not None and cue.pack in watchlist.packs:
            yield _pack(cue.pack, cue.span)


def _pack(name: str, span: Span) -> Evidence:
    row = signal_table().packs.get(name)
    points, alert_class = (None, None) if row is None else (row.points, row.alert_class)
    return evidence(
        "pack_context", 1.0, [span], points=points, alert_class=alert_class, words={"what": name}, about=name
    )


def _publicity(document: Document, own: Sequence[Sighted]) -> Iterator[Evidence]:
    """Yield how far the place of the document reaches, and whether it is new."""
    table = signal_table()
    spans = [one.match.span for one in own[:1]]
    host = (urlsplit(document.url).hostname or "") if document.url and "://" in document.url else ""
    labels = host.split(".")
    for start in range(len(labels)):
        place = table.places.get(".".join(labels[start:]))
        if place is not None:
            yield evidence("widely_read", 1.0, spans, points=place.points, words={"what": place.says})
    if document.published_at is not None and document.fetched_at is not None:
        age = document.fetched_at - document.published_at
        if timedelta() <= age <= timedelta(hours=table.nearness.fresh_hours):
            yield evidence("fresh", 1.0, spans)


def _listed(transformations: Iterable[str]) -> str:
    return ", ".join(sorted(transformation.replace("_", " ") for transformation in transformations))
