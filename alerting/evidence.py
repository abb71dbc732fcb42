"""The evidence in one document: which matches, entities and circumstances say that somebody is at risk."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from alerting.layout import Layout, Link, Place, Reach, word_count
from alerting.signals import signal_table
from core.types import AlertClass, Entity, EntityType, Found, Match, Signal, Span, Term, TermKind, Watchlist

_FOUND_SIGNALS: Mapping[TermKind, str] = {
    TermKind.PSEUDONYM: "pseudonym_mentioned",
    TermKind.NAME: "name_mentioned",
    TermKind.KEYWORD: "keyword_mentioned",
    TermKind.QUERY: "query_matched",
    TermKind.REGEX: "pattern_matched",
    TermKind.DOMAIN: "domain_mentioned",
}
_LONGEST_NEIGHBOUR = 1000
_MEMBER_KINDS = frozenset({TermKind.PSEUDONYM, TermKind.NAME})


@dataclass(frozen=True, slots=True, eq=False)
class Sighted:
    """A match that counts, with its term and its place."""

    match: Match = field(repr=False)
    term: Term
    place: Place

    @property
    def member(self) -> tuple[str, str]:
        """Whom the term stands for: a person of several terms, or the one behind the term."""
        person = self.term.settings.person
        return ("term", self.term.id) if person is None else ("person", person)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What makes a signal, what it counts towards, and the entity or the match of another watchlist behind it. Many
    pieces of evidence make few signals, so a signal's sentence is put together from ``words`` where it is asked for."""

    name: str
    group: str
    alert_class: AlertClass
    points: int
    spans: tuple[Span, ...]
    entity: Entity | None = field(default=None, repr=False)
    matches: tuple[Match, ...] = field(default=(), repr=False)
    words: Mapping[str, object] = field(default_factory=dict)

    @property
    def signal(self) -> Signal:
        """The signal with its sentence."""
        text = signal_table().signals[self.name].text.format(**self.words)
        return Signal(name=self.name, points=self.points, text=text, spans=self.spans)


_Thing = TypeVar("_Thing")


class _Neighbours(Generic[_Thing]):
    """Things by their place, to find those near another place."""

    def __init__(self, things: Iterable[tuple[Place, _Thing]]) -> None:
        self._things = sorted(things, key=lambda thing: (thing[0].axis, thing[0].start))
        self._starts = [(place.axis, place.start) for place, _ in self._things]
        self._longest = min(_LONGEST_NEIGHBOUR, max((place.end - place.start for place, _ in self._things), default=0))

    def near(self, place: Place) -> Iterator[tuple[Place, _Thing]]:
        """Yield what may stand near enough to have to do with the place."""
        characters = signal_table().nearness.nearby_characters
        first = bisect_left(self._starts, (place.axis, place.start - characters - self._longest))
        last = bisect_right(self._starts, (place.axis, place.end + characters))
        yield from self._things[first:last]


def collect(
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
    return [
        *_found(own),
        *_same_person(own, counted),
        *_names_nearby(layout, own, counted),
        *_entities_nearby(layout, own, entities),
        *_circumstances(layout, watchlist, own, counted, found),
    ]


def _found(own: Sequence[Sighted]) -> Iterator[Evidence]:
    for one in own:
        if one.term.kind is TermKind.PASSAGE:
            yield _passage(one)
            continue
        look_alikes = signal_table().look_alikes.intersection(one.match.transformations)
        if one.term.kind is TermKind.DOMAIN and look_alikes:
            yield _evidence("look_alike_domain", one.match.similarity, [one.match.span], what=_listed(look_alikes))
        else:
            yield _evidence(_FOUND_SIGNALS[one.term.kind], one.match.similarity, [one.match.span])
        disguises = signal_table().disguises.intersection(one.match.transformations)
        if disguises:
            yield _evidence("disguised", 1.0, [one.match.span], what=_listed(disguises))
        if one.match.similarity < 1:
            yield _evidence("uncertain_match", 1.0, [one.match.span], what=f"{one.match.similarity:.0%}"[:-1])


def _passage(one: Sighted) -> Evidence:
    count = word_count(one.match.found)
    copied = int(count * one.match.similarity + 0.5)
    return _evidence(
        "passage_found",
        1.0,
        [one.match.span],
        points=_points_by_count("passage_found", copied),
        count=count,
        changed="" if copied == count else f", at least {copied} of them unchanged",
    )


def _same_person(own: Sequence[Sighted], counted: Sequence[Sighted]) -> Iterator[Evidence]:
    """Yield, for each person, the surest two of their terms that stand in different places."""
    persons = {one.member for one in own if one.term.settings.person is not None}
    own_watchlist = own[0].term.watchlist_id
    sighted: dict[tuple[str, str], list[Sighted]] = {person: [] for person in sorted(persons)}
    for one in counted:
        if one.member in sighted:
            sighted[one.member].append(one)
    for ones in sighted.values():
        by_term: dict[str, list[Sighted]] = {}
        pair = None
        for one in sorted(ones, key=lambda one: -one.match.similarity):
            partners = (
                partner
                for term_id, earlier in by_term.items()
                if term_id != one.term.id and own_watchlist in (one.term.watchlist_id, earlier[0].term.watchlist_id)
                for partner in earlier
                if not partner.place.overlaps(one.place)
            )
            pair = next(((partner, one) for partner in partners), None)
            if pair is not None:
                break
            by_term.setdefault(one.term.id, []).append(one)
        if pair is not None:
            first, second = sorted(pair, key=lambda one: one.place)
            yield _evidence(
                "same_person",
                pair[1].match.similarity,
                [first.match.span, second.match.span],
                matches=(first.match, second.match),
            )


def _names_nearby(layout: Layout, own: Sequence[Sighted], counted: Sequence[Sighted]) -> Iterator[Evidence]:
    """Yield each pair of a pseudonym and a protected name, one of them of this watchlist."""
    names = _Neighbours((one.place, one) for one in counted if one.term.kind is TermKind.NAME)
    own_watchlist = own[0].term.watchlist_id
    for one in counted:
        if one.term.kind is TermKind.PSEUDONYM:
            for place, name in names.near(one.place):
                link = layout.link(one.place, place)
                if link is not None and own_watchlist in (one.term.watchlist_id, name.term.watchlist_id):
                    certainty = min(one.match.similarity, name.match.similarity)
                    yield from _linked(
                        ("pseudonym_next_to_protected_name", "pseudonym_near_protected_name"),
                        link,
                        certainty,
                        [one.match.span, name.match.span],
                        matches=(one.match, name.match),
                    )


def _entities_nearby(layout: Layout, own: Sequence[Sighted], entities: Sequence[Entity]) -> Iterator[Evidence]:
    """Yield each pair of a pseudonym or protected name and something that identifies a person."""
    neighbours = _Neighbours((layout.place(entity.span), entity) for entity in entities)
    share = signal_table().nearness.single_word_share
    for one in own:
        if one.term.kind not in _MEMBER_KINDS:
            continue
        for place, entity in neighbours.near(one.place):
            link = layout.link(one.place, place)
            if link is None:
                continue
            certainty = min(one.match.similarity, entity.confidence)
            spans = [one.match.span, entity.span]
            if entity.type is not EntityType.PERSON:
                yield from _particular(one, entity, link, certainty)
            elif one.term.kind is TermKind.PSEUDONYM:
                certainty *= share if _is_single_word(entity.found) else 1.0
                names = ("pseudonym_next_to_person", "pseudonym_near_person")
                yield from _linked(names, link, certainty, spans, entity=entity)


def _particular(one: Sighted, entity: Entity, link: Link, certainty: float) -> Iterator[Evidence]:
    particular = signal_table().particulars.get(entity.type)
    points = 0 if particular is None else particular.near if link.particular is None else particular.linked
    if particular is None or not points:
        return
    kind = "pseudonym" if one.term.kind is TermKind.PSEUDONYM else "name"
    yield _evidence(
        f"identifying_entity_of_{kind}",
        certainty,
        [one.match.span, entity.span],
        points=points,
        subgroup=entity.type.value,
        entity=entity,
        what=particular.name,
        distance=_distance(link.words),
        direction="after" if link.before else "before",
        link=_joined_by(link.particular),
    )


def _circumstances(
    layout: Layout, watchlist: Watchlist, own: Sequence[Sighted], counted: Sequence[Sighted], found: Found
) -> Iterator[Evidence]:
    first_of = {one.member: one for one in reversed(counted) if one.term.kind in _MEMBER_KINDS}
    count = len(first_of)
    if points := _points_by_count("several_members", count):
        yield _evidence("several_members", 1.0, [one.match.span for one in own[:1]], points=points, count=count)
    reach = Reach([one.place for one in own], signal_table().nearness.context_characters)
    for cue in found.cues:
        if not reach.touches(layout.place(cue.span)):
            continue
        if cue.community_id == watchlist.community_id:
            yield _evidence("community_named", 1.0, [cue.span])
        if cue.pack is not None and cue.pack in watchlist.packs:
            yield _evidence("pack_context", 1.0, [cue.span], what=cue.pack)


def _points_by_count(name: str, count: int) -> int:
    points = signal_table().signals[name].points_by_count
    return max((points for smallest, points in points.items() if count >= smallest), default=0)


def _linked(
    names: Iterable[str],
    link: Link,
    certainty: float,
    spans: Sequence[Span],
    *,
    entity: Entity | None = None,
    matches: tuple[Match, ...] = (),
) -> Iterator[Evidence]:
    for name in names:
        points = signal_table().signals[name].points_by_bond.get(link.bond)
        if points is not None:
            yield _evidence(
                name,
                certainty,
                spans,
                points=points,
                entity=entity,
                matches=matches,
                distance=_distance(link.words),
                direction="before" if link.before else "after",
                link=_joined_by(link.phrase),
            )


def _evidence(
    name: str,
    certainty: float,
    spans: Iterable[Span],
    *,
    points: int | None = None,
    subgroup: str = "",
    entity: Entity | None = None,
    matches: tuple[Match, ...] = (),
    **words: object,
) -> Evidence:
    row = signal_table().signals[name]
    full = row.points if points is None else points
    return Evidence(
        name=name,
        group=f"{row.group} {subgroup}",
        alert_class=row.alert_class,
        points=int(full * certainty + 0.5),
        spans=tuple(spans),
        entity=entity,
        matches=matches,
        words=words,
    )


def _listed(transformations: Iterable[str]) -> str:
    return ", ".join(sorted(transformation.replace("_", " ") for transformation in transformations))


def _distance(words: int) -> str:
    return "1 word" if words == 1 else f"{words} words"


def _joined_by(phrase: str | None) -> str:
    return "" if phrase is None else f", joined by “{phrase}”"


def _is_single_word(name: str) -> bool:
    """Return whether a name is one word in a script with capitals, so a forename at most."""
    return len(name.split()) == 1 and name.lower() != name.upper()
