"""A small catalogue, and what may be found in a text of it, to score."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from alerting.scoring import Scorer
from core.types import (
    Alert,
    Catalogue,
    Community,
    Cue,
    Document,
    Entity,
    EntityType,
    Found,
    Match,
    Span,
    Term,
    TermKind,
    TermSettings,
    Watchlist,
)

AT = datetime(2026, 11, 20, 10, tzinfo=UTC)


def term(reference: str, kind: TermKind, value: str, *, watchlist: str = "w1", **extra: Any) -> Term:
    return Term(
        id=reference,
        reference=reference,
        watchlist_id=watchlist,
        kind=kind,
        value=value,
        settings=TermSettings(**extra),
    )


TERMS = (
    term("heron", TermKind.PSEUDONYM, "night_heron"),
    term("light", TermKind.PSEUDONYM, "harborlight", person="p1"),
    term("maria", TermKind.NAME, "Maria Gonzalez", person="p1"),
    term("tomas", TermKind.NAME, "Tomas Brandt"),
    term("house", TermKind.KEYWORD, "safe house"),
    term("site", TermKind.DOMAIN, "harborcommons.example"),
    term("code", TermKind.REGEX, r"HC-\d{4}"),
    term("rule", TermKind.QUERY, '"harbor commons" NEAR/20 dox*'),
    term("raven", TermKind.PSEUDONYM, "raven", needs_context=True),
    term("m1", TermKind.PSEUDONYM, "fox_one"),
    term("m2", TermKind.PSEUDONYM, "fox_two"),
    term("m3", TermKind.PSEUDONYM, "fox_three"),
    term("owl", TermKind.PSEUDONYM, "greyowl", watchlist="w2"),
    term("letter", TermKind.PASSAGE, "passage:v1:00000000:AAAAAAAAAAA="),
)
CATALOGUE = Catalogue(
    communities=(Community(id="c1", name="Harbor Commons"), Community(id="c2", name="Elsewhere")),
    watchlists=(
        Watchlist(id="w1", community_id="c1", name="Members", packs=("doxxing",)),
        Watchlist(id="w2", community_id="c2", name="Others"),
    ),
    terms=TERMS,
)
SCORER = Scorer(CATALOGUE, minimum_score=0)


def match(text: str, term_id: str, written: str | None = None, *, after: int = 0, **extra: Any) -> Match:
    wanted = next(one for one in TERMS if one.id == term_id)
    found = written or wanted.value
    start = text.index(found, after)
    return Match(term_id=term_id, kind=wanted.kind, span=Span("text", start, start + len(found)), found=found, **extra)


def entity(text: str, kind: EntityType, found: str, confidence: float = 1.0) -> Entity:
    start = text.index(found)
    return Entity(
        type=kind, span=Span("text", start, start + len(found)), found=found, confidence=confidence, recogniser="test"
    )


def cue(text: str, found: str, *, community: str | None = None, pack: str | None = None) -> Cue:
    start = text.index(found)
    return Cue(span=Span("text", start, start + len(found)), community_id=community, pack=pack)


def alerts(
    text: str, matches: Sequence[Match], entities: Sequence[Entity] = (), cues: Sequence[Cue] = ()
) -> tuple[Alert, ...]:
    found = Found(matches=tuple(matches), cues=tuple(cues))
    return SCORER.alerts(Document(id="d", text=text), found, entities, communities=None, at=AT)


def alert(text: str, matches: Sequence[Match], entities: Sequence[Entity] = (), cues: Sequence[Cue] = ()) -> Alert:
    (only,) = alerts(text, matches, entities, cues)
    return only


def reason(found: Alert, name: str) -> str:
    return next(signal.text for signal in found.signals if signal.name == name)


def scored(document: Document, matches: Sequence[Match], entities: Sequence[Entity] = ()) -> Alert:
    (only,) = SCORER.alerts(document, Found(matches=tuple(matches)), entities, communities=None, at=AT)
    return only
