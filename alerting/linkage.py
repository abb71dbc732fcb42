"""Who is joined with what: each pseudonym or protected name with the persons and particulars that belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from alerting.doubts import Pair, given_away, is_unclear_word, settle
from alerting.layout import Layout, Link, Role
from alerting.neighbours import Neighbours
from alerting.pieces import Evidence, Sighted, evidence, name_share
from alerting.places import Place
from alerting.signals import TIES, Bond, signal_table
from core.types import Entity, EntityType, Match, Span, TermKind

_SAID_BY_LAYOUT = {
    Bond.LISTED: ", in one entry of a list or form",
    Bond.JUDGED: "; the trained judge reads the text as saying that they belong together",
}


def linked(
    layout: Layout, own: Sequence[Sighted], counted: Sequence[Sighted], entities: Sequence[Entity]
) -> Iterator[Evidence]:
    """Yield all evidence that joins the watchlist's own members with an identity. ``own`` and ``counted`` as for
    :func:`alerting.evidence.collect`."""
    yield from _same_person(own, counted)
    yield from _protected_names(layout, own, counted)
    yield from _entities(layout, own, entities)
    yield from _given_away(layout, own)


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
            yield evidence(
                "same_person",
                pair[1].match.similarity,
                [first.match.span, second.match.span],
                matches=(first.match, second.match),
            )


def _protected_names(layout: Layout, own: Sequence[Sighted], counted: Sequence[Sighted]) -> Iterator[Evidence]:
    """Yield each pair of a pseudonym and a protected name, one of them of this watchlist."""
    names = Neighbours(layout, ((one.place, one) for one in counted if one.term.kind is TermKind.NAME))
    own_watchlist = own[0].term.watchlist_id
    for one in counted:
        if one.term.kind is not TermKind.PSEUDONYM:
            continue
        for place, name in names.near(one.place):
            if own_watchlist not in (one.term.watchlist_id, name.term.watchlist_id):
                continue
            link = layout.link(one.place, "H", place, "P")
            if link is not None:
                yield from _by_bond(
                    ("pseudonym_next_to_protected_name", "pseudonym_near_protected_name"),
                    link,
                    min(one.match.similarity, name.match.similarity),
                    [one.match.span, name.match.span],
                    matches=(one.match, name.match),
                )


def _entities(layout: Layout, own: Sequence[Sighted], entities: Sequence[Entity]) -> Iterator[Evidence]:
    """Yield each pair of a pseudonym or protected name and something that identifies a person; and what belongs to
    the persons that a pseudonym is joined with."""
    placed = [(layout.place(one.span), one) for one in entities]
    persons = Neighbours(layout, (one for one in placed if one[1].type is EntityType.PERSON))
    particulars = Neighbours(layout, (one for one in placed if one[1].type in signal_table().particulars))
    pseudonyms = [one for one in own if one.term.kind is TermKind.PSEUDONYM]
    pairs = [
        *(pair for one in pseudonyms for pair in _pairs(layout, one, persons, "P")),
        *(pair for one in pseudonyms for pair in _pairs(layout, one, particulars, "E")),
    ]
    joined: dict[Place, tuple[Entity, float]] = {}
    for pair in settle(layout, pairs):
        entity, certainty = pair.entity, pair.one.match.similarity
        if entity.type is not EntityType.PERSON:
            its = pair.one.match.span, certainty
            yield from _particular("identifying_entity_of_pseudonym", "H", its, entity, pair.link)
            continue
        certainty = min(certainty, entity.confidence)
        yield from _person(pair, certainty)
        if pair.link.bond in TIES and name_share(entity.found) > signal_table().public_name_share:
            joined[pair.place] = entity, max(certainty, joined[pair.place][1] if pair.place in joined else 0)
    for one in own:
        if one.term.kind is TermKind.NAME:
            owner = one.place, one.match.span, one.match.similarity
            yield from _particulars(layout, "identifying_entity_of_name", owner, particulars)
    for place, (person, certainty) in joined.items():
        owner = place, person.span, certainty
        yield from _particulars(layout, "identifying_entity_of_linked_person", owner, particulars)


def _given_away(layout: Layout, own: Sequence[Sighted]) -> Iterator[Evidence]:
    """Yield each pseudonym whose owner the text tells without a word that anything recognised."""
    pseudonyms = [one for one in own if one.term.kind is TermKind.PSEUDONYM]
    for one in given_away(layout, pseudonyms):
        yield evidence("pseudonym_given_away", one.match.similarity, [one.match.span])


def _pairs(layout: Layout, one: Sighted, entities: Neighbours[Entity], role: Role) -> Iterator[Pair]:
    is_word = is_unclear_word(layout, one)
    for place, entity in entities.near(one.place):
        link = layout.link(one.place, "H", place, role)
        if link is not None:
            # Of a word that may mean something else, only what is said in so many words, in one sentence, counts.
            if is_word and (link.bond is not Bond.STATED or layout.is_parted(one.place, place)):
                link = replace(link, bond=Bond.RELATED)
            yield Pair(one, place, entity, link, is_settled=is_word and link.bond not in TIES)


def _person(pair: Pair, certainty: float) -> Iterator[Evidence]:
    names = ("pseudonym_next_to_person", "pseudonym_near_person")
    certainty *= name_share(pair.entity.found)
    spans = [pair.one.match.span, pair.entity.span]
    yield from _by_bond(names, pair.link, certainty, spans, entity=pair.entity)


def _particulars(
    layout: Layout, name: str, owner: tuple[Place, Span, float], particulars: Neighbours[Entity]
) -> Iterator[Evidence]:
    """Yield what tells who or where a named person is, and stands near them: a place, a span and how sure they are."""
    place, span, certainty = owner
    for its_place, entity in particulars.near(place):
        link = layout.link(place, "P", its_place, "E")
        if link is not None:
            yield from _particular(name, "P", (span, certainty), entity, link)


def _particular(name: str, role: Role, owner: tuple[Span, float], entity: Entity, link: Link) -> Iterator[Evidence]:
    if link.bond is Bond.RELATED:
        return
    span, certainty = owner
    row = signal_table().particulars[entity.type]
    is_tied = link.bond in TIES or (link.bond is Bond.ADJACENT and (row.beside or role == "P"))
    points = row.linked if is_tied else row.near
    signal = name if is_tied else f"{name}_nearby"
    if points and signal in signal_table().signals:
        yield evidence(
            signal,
            min(certainty, entity.confidence),
            [span, entity.span],
            points=points,
            subgroup=entity.type.value if is_tied or role == "P" else "",
            entity=entity,
            words={"what": row.name, **_position(link, reverse=True)},
        )


def _by_bond(
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
            yield evidence(name, certainty, spans, points=points, entity=entity, matches=matches, words=_position(link))


def _position(link: Link, *, reverse: bool = False) -> dict[str, str]:
    """Return the words of a sentence about how far what stands from what, and what joins them."""
    joined = "" if link.phrase is None else f", joined by “{link.phrase}”"
    return {
        "distance": "1 word" if link.words == 1 else f"{link.words} words",
        "direction": "before" if link.before is not reverse else "after",
        "link": _SAID_BY_LAYOUT.get(link.bond, joined),
    }
